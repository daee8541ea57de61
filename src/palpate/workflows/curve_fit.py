"""Fit the learning curves of each recipe, and set them beside what two people differ by."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from palpate.errors import StudyError
from palpate.evaluation.advice import Beside
from palpate.evaluation.bootstrap import Resampling
from palpate.evaluation.errors import (
    Comparison,
    annotator_pairs,
    gather,
    model_against_each,
    model_against_truth,
)
from palpate.evaluation.learning_curve import (
    FittedCurve,
    fit_curve,
    resampled_means,
    resampled_medians,
)
from palpate.evaluation.tables import ErrorUnit
from palpate.workflows.curve_figures import CurvePoint, errors_in, strict_means


@dataclass(frozen=True, eq=False, slots=True)
class RecipeFit:
    """The curves of a recipe.

    Args:
        mean: of the mean radial error; None where there is no fit.
        typical: of the median over films of a film's mean error; None likewise.
        reason: why there is no fit; empty where there is one.
        films: that median at each point; None where a landmark is missed in half of the films.
        beside: people, at each point; None where the test images have one annotator.
    """

    mean: FittedCurve | None
    typical: FittedCurve | None
    reason: str
    films: tuple[float | None, ...]
    beside: tuple[Beside | None, ...]


def fit_recipe(points: Sequence[CurvePoint], unit: ErrorUnit) -> RecipeFit:
    """Fit the points of one recipe, in ``unit``.

    The test subjects are resampled once for all sizes, so that what a size shares with another
    is not taken for chance.
    """
    resampling = _resampling(points)
    sums = [_by_subject(model_against_truth(p.evaluation.cases), unit, resampling) for p in points]
    totals, counts = (np.stack([pair[k] for pair in sums]) for k in (0, 1))
    films = [_films(point, unit, resampling) for point in points]
    medians = tuple(_median(values) for values, _ in films)
    mean, reason = _fit(
        points,
        [float(t.sum() / c.sum()) if c.sum() else None for t, c in sums],
        resampled_means(totals, counts, resampling),
    )
    typical, _ = _fit(
        points,
        medians,
        np.stack([resampled_medians(*film, resampling) for film in films], axis=1),
    )
    return RecipeFit(
        mean, typical, reason, medians, tuple(_people(p, unit, resampling) for p in points)
    )


def _resampling(points: Sequence[CurvePoint]) -> Resampling:
    subjects = tuple(case.subject for point in points for case in point.evaluation.cases)
    return Resampling.draw(subjects, np.random.default_rng(0))


def _fit(
    points: Sequence[CurvePoint],
    errors: Sequence[float | None],
    replicates: Float[ndarray, "replicate size"],
) -> tuple[FittedCurve | None, str]:
    """Fit what there is; return no fit and the reason where there can be none."""
    if len(points) < 2:
        return None, "there is one size"
    known = [error for error in errors if error is not None]
    if len(known) < len(errors):
        return None, "at a size nothing was found"
    subjects = {case.subject for point in points for case in point.evaluation.cases}
    images = [point.images for point in points]
    try:
        return fit_curve(images, known, replicates if len(subjects) > 1 else None), ""
    except StudyError as error:
        return None, str(error)


def _by_subject(
    comparisons: Sequence[Comparison], unit: ErrorUnit, resampling: Resampling
) -> tuple[Float[ndarray, " subject"], Float[ndarray, " subject"]]:
    """Sum the errors of the landmarks found, and count them, by subject."""
    errors = gather(comparisons, None)
    values = errors_in(errors, unit)
    found = errors.wanted & np.isfinite(values)
    owners = resampling.owners(errors.subjects)
    return (
        resampling.by_subject(np.where(found, values, 0.0).sum(axis=1), owners),
        resampling.by_subject(found.sum(axis=1).astype(float), owners),
    )


def _films(
    point: CurvePoint, unit: ErrorUnit, resampling: Resampling
) -> tuple[Float[ndarray, " film"], ndarray]:
    """Return the mean error of each film, infinite where a landmark was missed, and its subject."""
    errors = gather(model_against_truth(point.evaluation.cases), None)
    kept = errors.wanted.any(axis=1)
    means = strict_means(errors_in(errors, unit)[kept], errors.wanted[kept])
    return means, resampling.owners(errors.subjects)[kept]


def _median(films: Float[ndarray, " film"]) -> float | None:
    value = float(np.quantile(films, 0.5, method="inverted_cdf")) if len(films) else np.inf
    return value if np.isfinite(value) else None


def _people(point: CurvePoint, unit: ErrorUnit, resampling: Resampling) -> Beside | None:
    several = [case for case in point.evaluation.cases if len(case.annotators) > 1]
    if not several:
        return None
    sums = [
        _by_subject(compared, unit, resampling)
        for compared in (model_against_each(several), annotator_pairs(several))
    ]
    if not all(counts.sum() for _, counts in sums):
        return None
    model, people = (float(totals.sum() / counts.sum()) for totals, counts in sums)
    totals, counts = (np.stack([pair[k] for pair in sums]) for k in (0, 1))
    drawn = resampled_means(totals, counts, resampling)
    change = drawn[:, 0] - drawn[:, 1]
    known = change[np.isfinite(change)]
    interval = None
    if len({case.subject for case in several}) > 1 and len(known) > 1:
        low, high = np.quantile(known, [(1 - resampling.level) / 2, (1 + resampling.level) / 2])
        interval = float(low), float(high)
    return Beside(model, people, model - people, interval)
