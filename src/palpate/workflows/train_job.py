"""Train whatever a recipe says."""

from pathlib import Path

from palpate.training.job import Advance, TrainingJob
from palpate.training.recipe import CascadeRecipe, Recipe
from palpate.training.train import Manner
from palpate.workflows.train_cascade import train_cascade
from palpate.workflows.train_stage import train_stage


def train_job(job: TrainingJob[Recipe], out: Path, *, manner: Manner, advance: Advance) -> None:
    """Train a localiser by the method of the job's recipe and write the run folder ``out``.

    Raises:
        PalpateError: as :func:`~palpate.workflows.train_stage.train_stage` and
            :func:`~palpate.workflows.train_cascade.train_cascade`.
    """
    recipe = job.recipe
    if isinstance(recipe, CascadeRecipe):
        cascade = TrainingJob(job.study, recipe, job.split, job.halves)
        train_cascade(cascade, out, manner=manner, advance=advance)
    else:
        train_stage(job, out, manner=manner, advance=advance)
