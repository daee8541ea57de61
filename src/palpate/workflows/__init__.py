"""What the verbs do, from end to end: predict, evaluate, cross-validate, compare."""
