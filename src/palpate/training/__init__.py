"""From a study and a recipe to a fitted localiser: recipe, batches, loop, run folder."""
