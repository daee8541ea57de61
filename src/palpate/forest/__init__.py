"""Random-forest regression voting in a constrained local model: training and search. No torch."""
