"""How far predictions are from what people marked, and how far people are from each other."""
