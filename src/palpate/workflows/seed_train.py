"""Training for pre-annotation: on all that is annotated, once."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from palpate.errors import PalpateError, StudyError
from palpate.localisers.run_folder import RunFolder
from palpate.splits import Split, refuse_leaks, split_by_subject
from palpate.study import Study
from palpate.training.job import Advance, TrainingJob
from palpate.training.recipe import Recipe
from palpate.training.train import Manner
from palpate.workflows.train_job import train_job

# Set aside so that the expected error is one on subjects that were not trained on.
_CALIBRATION = 0.15
# With fewer subjects than this all are trained on, and nothing is calibrated.
_FEWEST_SUBJECTS = 4
_FEWEST_IMAGES = 2
# An annotation that names these keeps them for a judgement.
_HELD_OUT = ("test", "testing")
# How many to draw before a first run; see docs/annotate-seed.md for what fewer give.
FIRST = 20


def seeding_job(study: Study, recipe: Recipe) -> TrainingJob[Recipe]:
    """Train on all that is annotated, less 15 % of the subjects for calibration.

    Images that the annotation keeps for a test are not looked at.

    Raises:
        StudyError: too little is annotated, or nearly one film is there under two subjects.
    """
    usable = study.annotated()
    usable = usable.subset(
        case.identifier for case in usable.cases if case.split.strip().lower() not in _HELD_OUT
    )
    count = len(usable)
    if count < _FEWEST_IMAGES:
        there = "no image" if not count else "one image"
        raise StudyError(
            f"study {study.name!r} has {there} to learn from: draw about {FIRST} by hand first, "
            "of different subjects and not the easiest, then run the same command again; or give "
            "a run that knows these landmarks: --run RUN"
        )
    if len({case.subject for case in usable.cases}) < _FEWEST_SUBJECTS:
        split = Split({"train": tuple(case.identifier for case in usable.cases)})
    else:
        seed = recipe.split.seed
        drawn = split_by_subject(
            usable, validation=_CALIBRATION, test=0.0, rng=np.random.default_rng(seed)
        )
        split = Split(drawn.parts, seed=seed, by=drawn.by)
    refuse_leaks(split, usable)
    return TrainingJob(study, recipe, split)


def train_once(
    job: TrainingJob[Recipe], out: Path, *, manner: Callable[[bool], Manner], advance: Advance
) -> None:
    """Train into ``out``, go on where it stopped, or leave it alone where it had finished.

    Args:
        job: see :func:`seeding_job`.
        out: run folder.
        manner: told whether there is something to go on from.
        advance: shows progress.

    Raises:
        PalpateError: ``out`` was trained on other annotation or by another recipe.
    """
    run = RunFolder(out)
    if run.localiser.exists():
        if run.provenance_values().get("inputs") != job.fingerprint()[:12]:
            raise PalpateError(
                f"{out} was trained on other annotation or by another recipe than now; choose "
                f"another --out, or use that run as it is: --run {out}"
            )
        return
    train_job(job, out, manner=manner(run.begun), advance=advance)
