"""The trainings of honesty checks: by the true labels, and by those of other subjects."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from palpate.errors import ConfigError, PalpateError, StudyError
from palpate.evaluation.baselines import Marked, carried
from palpate.localisers.run_folder import RunFolder
from palpate.points import Points
from palpate.splits import Split, folds_by_subject
from palpate.study import Study
from palpate.training.recipe import Recipe
from palpate.workflows.baselines import read_marked
from palpate.workflows.folds import Folds, fold_job
from palpate.workflows.same_ground import keep_labels, refuse_another
from palpate.workflows.train_folds import FoldAdvance, Run, Workers, train_runs


@dataclass(frozen=True, eq=False, slots=True)
class Planned:
    """What is trained to see whether a method's figures are honest.

    Args:
        folds: study with its true labels, and splits.
        recipe: the method.
        marked: the study's films, as baselines see them.
        true: folder of the runs by the true labels.
        shuffled: folder of the runs by labels of other subjects.
        runs: all of them, those by the true labels first.
        seed: of the shuffling and the bootstrap.
    """

    folds: Folds
    recipe: Recipe
    marked: Mapping[str, Marked]
    true: Path
    shuffled: Path
    runs: tuple[Run, ...]
    seed: int


def cut_openly(study: Study, recipe: Recipe, *, seed: int, count: int | None, only: int) -> Folds:
    """Cut a study as ``crossval`` does, without refusing copies: they are to be reported.

    Raises:
        StudyError: fewer than three subjects, or too few for the folds.
    """
    annotated = study.annotated()
    subjects = {case.subject for case in annotated.cases}
    if len(subjects) < 3:
        raise StudyError(
            f"study {study.name!r} is of {len(subjects)} subjects; labels are shuffled between two "
            "of them at least while a third is held out"
        )
    settings = recipe.crossval
    folds = count or (len(subjects) if settings.folds == "subjects" else settings.folds)
    validation = 0.0 if settings.choose == "halves" else settings.validation
    rng = np.random.default_rng(seed)
    splits = folds_by_subject(annotated, folds, rng=rng, validation=validation)
    return Folds(annotated, tuple(splits[:only]))


def shuffled_study(
    study: Study, split: Split, marked: Mapping[str, Marked], rng: np.random.Generator
) -> Study:
    """Return the study in which every subject that is learnt from has the labels of another.

    Labels move from image to image by the images' sizes, and in every image they are thrown
    anywhere, as a whole: a method that votes from what it sees averages the labels of others over
    many images into the right place beside the anatomy, and no leak is needed for that. Shapes
    stay shapes, so that a method that learns these has something to learn. Held-out images keep
    their labels.

    Raises:
        StudyError: fewer than two subjects to shuffle between.
    """
    names = [*split.parts["train"], *split.parts["validation"]]
    own: dict[str, list[str]] = {}
    for name in sorted(names):
        if name in marked:
            own.setdefault(study.case(name).subject, []).append(name)
    if len(own) < 2:
        raise StudyError(f"labels are shuffled between two subjects at least, got {len(own)}")
    order = [list(own)[k] for k in rng.permutation(len(own))]
    given: dict[str, Points] = {}
    # Each subject gets those of the next in a drawn circle, so that nobody keeps the own ones.
    for subject, other in zip(order, [*order[1:], order[0]], strict=True):
        for k, name in enumerate(own[subject]):
            giver = marked[own[other][k % len(own[other])]]
            size = marked[name].size
            given[name] = thrown(carried(giver, size), size, rng)
    return replace(
        study,
        cases=tuple(
            replace(case, annotations={}, reference=given[case.identifier])
            if case.identifier in given
            else case
            for case in study.cases
        ),
    )


def thrown(points: Points, size: tuple[int, int], rng: np.random.Generator) -> Points:
    """Turn a shape by any angle and put it anywhere on a film, as a whole.

    Args:
        points: in px.
        size: of the film in px. A shape that would not fit, so turned, becomes smaller.
        rng: draws the angle and the place.

    Example:
        >>> from palpate.scheme import LandmarkScheme
        >>> two = Points.of(LandmarkScheme("two", ("a", "b")), [[0.0, 0.0], [3.0, 4.0]])
        >>> a, b = thrown(two, (20, 20), np.random.default_rng(0)).coordinates
        >>> round(float(np.hypot(*(a - b))), 6)
        5.0
    """
    if not points.present.any():
        return points
    angle = rng.uniform(0.0, 2.0 * np.pi)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    turned = points.coordinates @ turn.T
    known = turned[points.present]
    low, extent = known.min(axis=0), np.ptp(known, axis=0)
    room = np.array(size) - 1.0
    fit = min(1.0, float((room / np.maximum(extent, 1e-9)).min()))
    place = rng.random(2) * (room - fit * extent)
    return Points(points.scheme, fit * (turned - low) + place, points.visibility, points.frame)


def plan_honesty(
    folds: Folds, recipe: Recipe, out: Path, *, seed: int, finished: Path | None = None
) -> Planned:
    """Read the films once, shuffle their labels, and say what is trained where.

    Args:
        folds: of :func:`cut_openly`.
        recipe: the method.
        out: gets the runs; finished ones are not done again.
        seed: of the shuffling.
        finished: a cross-validation by the same recipe and folds, whose runs are taken.

    Raises:
        ConfigError: a run that is there is another, or a fold of ``finished`` is not finished.
        PalpateError: an annotated image cannot be read.
    """
    marked = read_marked(folds.study)
    unread = sorted({case.identifier for case in folds.study.cases} - set(marked))
    if unread:
        raise PalpateError(
            f"{len(unread)} annotated images cannot be read as films with two coordinates a "
            f"landmark, {unread[0]!r} among them: 'palpate check' says why"
        )
    true, shuffled = finished or out / "true-labels", out / "shuffled-labels"
    runs: list[Run] = []
    for number in range(len(folds.splits)):
        runs.append(_run(folds, number, recipe, true))
        if finished is not None and not RunFolder(runs[-1].out).localiser.exists():
            raise ConfigError(
                f"{runs[-1].out} is no finished fold: name a cross-validation by the same recipe "
                "and folds, or leave --runs out"
            )
    for number, split in enumerate(folds.splits):
        rng = np.random.default_rng([seed, number])
        other = shuffled_study(folds.study, split, marked, rng)
        runs.append(_run(Folds(other, folds.splits), number, recipe, shuffled))
    for run in runs:
        refuse_another(run.out, run.job)
    return Planned(folds, recipe, marked, true, shuffled, tuple(runs), seed)


def train_planned(planned: Planned, *, device: str | None, advance: FoldAdvance) -> None:
    """Train what is not finished, one after the other.

    Other processes would read the labels from the disk, where they are not shuffled.

    Args:
        planned: of :func:`plan_honesty`.
        device: ``cpu`` or ``cuda``; None takes a GPU where there is one.
        advance: told a run's number, from 0, and what is done of it.

    Raises:
        PalpateError: a run failed; finished ones are kept.
    """
    failed = train_runs(planned.runs, workers=Workers(1, device), advance=advance)
    if failed:
        number, reason = next(iter(failed.items()))
        raise PalpateError(
            f"{planned.runs[number].out} failed: {reason}; finished runs are kept: run it again"
        )
    for run in planned.runs:
        keep_labels(run.out, run.job)


def _run(folds: Folds, number: int, recipe: Recipe, root: Path) -> Run:
    return Run(fold_job(folds, number, recipe), root / f"fold-{number + 1}")
