"""Cross-validation by subject: every subject is predicted by a run that never saw it."""

from collections.abc import Sequence
from pathlib import Path

from palpate.localisers.load import load_localiser
from palpate.localisers.run_folder import RunFolder
from palpate.splits import read_split
from palpate.training.recipe import Recipe
from palpate.workflows.evaluate import EvaluatedStudy, evaluate_study
from palpate.workflows.folds import Folds, fold_job
from palpate.workflows.same_ground import keep_labels, refuse_another
from palpate.workflows.train_folds import FoldAdvance, Workers, train_folds


def cross_validate(
    folds: Folds, recipe: Recipe, out: Path, *, workers: Workers, advance: FoldAdvance
) -> EvaluatedStudy:
    """Train and predict every fold into ``out``; a fold that is finished is not done again.

    Args:
        folds: study and splits.
        recipe: the same for all folds.
        out: gets one run folder per fold.
        workers: how many folds at a time, and on what.
        advance: told the fold's number, from 0, and what is done of it.

    Raises:
        ConfigError: a folder holds a run of other images, labels or settings.
    """
    jobs = {out / f"fold-{n + 1}": fold_job(folds, n, recipe) for n in range(len(folds.splits))}
    for root, job in jobs.items():
        refuse_another(root, job)
    train_folds(folds, recipe, out, workers=workers, advance=advance)
    for root, job in jobs.items():
        keep_labels(root, job)
    return judge_folds(folds, out)


def judge_folds(folds: Folds, out: Path) -> EvaluatedStudy:
    """Predict the held-out images of every fold by weights that they did not choose."""
    parts: list[EvaluatedStudy] = []
    for number in range(len(folds.splits)):
        folder = RunFolder(out / f"fold-{number + 1}")
        for run, names in _judged(folder):
            parts.append(evaluate_study(load_localiser(run), folds.study, names))
    return EvaluatedStudy(
        cases=tuple(case for part in parts for case in part.cases),
        predicted=tuple(image for part in parts for image in part.predicted),
        failures={name: why for part in parts for name, why in part.failures.items()},
    )


def _judged(folder: RunFolder) -> list[tuple[Path, Sequence[str]]]:
    """Which run judges which images."""
    if not folder.halves.exists():
        return [(folder.root, read_split(folder.split).parts["test"])]
    first, second = folder.read_halves()
    return [(folder.root, second), (folder.second.root, first)]
