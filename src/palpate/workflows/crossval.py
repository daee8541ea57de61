"""Cross-validation by subject: every subject is predicted by a run that never saw it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from palpate.duplicates import find_duplicates
from palpate.localisers.load import load_localiser
from palpate.localisers.run_folder import RunFolder
from palpate.splits import Split, folds_by_subject, read_split, refuse_leaks
from palpate.study import Study
from palpate.training.job import Advance, TrainingJob
from palpate.training.recipe import Recipe
from palpate.training.train import Manner, train
from palpate.workflows.evaluate import EvaluatedStudy, evaluate_study


@dataclass(frozen=True, slots=True)
class Folds:
    """A study cut into parts by subject; the same folds serve every recipe of a comparison."""

    study: Study
    splits: tuple[Split, ...]


def make_folds(study: Study, count: int, *, seed: int, only: int | None = None) -> Folds:
    """Cut a study by subject; refuse nearly the same image in two parts of a fold.

    Args:
        study: annotated, at least in part.
        count: number of folds.
        seed: of the cut.
        only: keep the first ``only`` folds.
    """
    annotated = study.annotated()
    splits = folds_by_subject(annotated, count, rng=np.random.default_rng(seed))
    # Every image is read once, not once a fold; folds are by subject, so only copies under two
    # subjects can leak.
    files = {case.identifier: case.path for case in annotated.cases}
    subjects = {case.identifier: case.subject for case in annotated.cases}
    copies = find_duplicates(files, apart=subjects)
    for split in splits:
        refuse_leaks(split, annotated, duplicates=copies)
    return Folds(annotated, tuple(splits[:only]))


def cross_validate(
    folds: Folds,
    recipe: Recipe,
    out: Path,
    *,
    device: str | None,
    advance: Callable[[int], Advance],
) -> EvaluatedStudy:
    """Train and predict fold after fold into ``out``; a fold that is finished is not done again.

    Args:
        folds: study and splits.
        recipe: the same for all folds.
        out: gets one run folder per fold.
        device: see ``train``.
        advance: gives, for a fold's number, what shows its progress.
    """
    parts: list[EvaluatedStudy] = []
    for number, split in enumerate(folds.splits):
        root = out / f"fold-{number + 1}"
        job = TrainingJob(folds.study, recipe, split)
        begun = RunFolder(root).last.exists() or RunFolder(root).weights.exists()
        train(job, root, manner=Manner(resume=begun, device=device), advance=advance(number))
        localiser = load_localiser(root)
        held_out = read_split(RunFolder(root).split).parts["test"]
        parts.append(evaluate_study(localiser, folds.study, held_out))
    return EvaluatedStudy(
        cases=tuple(case for part in parts for case in part.cases),
        predicted=tuple(image for part in parts for image in part.predicted),
        failures={name: why for part in parts for name, why in part.failures.items()},
    )
