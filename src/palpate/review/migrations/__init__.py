"""How the tables of a review came to be: one step a file, never changed once released."""
