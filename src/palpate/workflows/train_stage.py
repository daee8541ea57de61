"""Train one localiser: a network, forests, or a chain of networks for limbs."""

from pathlib import Path

from palpate.errors import ConfigError
from palpate.training.forest import train_forest
from palpate.training.job import Advance, TrainingJob
from palpate.training.limbs import train_limbs
from palpate.training.recipe import ForestRecipe, LimbRecipe, NetworkRecipe, Recipe
from palpate.training.train import Manner, train


def train_stage(job: TrainingJob[Recipe], out: Path, *, manner: Manner, advance: Advance) -> None:
    """Train by the method of the job's recipe and write the run folder ``out``.

    Raises:
        PalpateError: as :func:`~palpate.training.train.train` and
            :func:`~palpate.training.forest.train_forest` and
            :func:`~palpate.training.limbs.train_limbs`.
    """
    recipe = job.recipe
    if isinstance(recipe, NetworkRecipe):
        own = TrainingJob(job.study, recipe, job.split, job.halves, job.focus)
        train(own, out, manner=manner, advance=advance)
    elif isinstance(recipe, ForestRecipe):
        forest = TrainingJob(job.study, recipe, job.split, focus=job.focus)
        train_forest(forest, out, command=manner.command, advance=advance)
    elif isinstance(recipe, LimbRecipe):
        limbs = TrainingJob(job.study, recipe, job.split, job.halves)
        train_limbs(limbs, out, manner=manner, advance=advance)
    else:
        raise ConfigError(f"recipe {recipe.name!r} is of no method that is trained in one stage")
