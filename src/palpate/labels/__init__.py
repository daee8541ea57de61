"""Which labels of a study a person should look at first."""
