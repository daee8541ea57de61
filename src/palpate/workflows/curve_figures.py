"""The figures of a learning curve: each recipe at each size, and their paired differences."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray

from palpate.errors import StudyError
from palpate.evaluation.cases import EvaluatedCase
from palpate.evaluation.compare import PairedDifference, paired
from palpate.evaluation.errors import Comparison, Errors, gather, model_against_truth
from palpate.evaluation.evaluate import Evaluation, evaluate
from palpate.evaluation.summary import Summary
from palpate.evaluation.tables import ErrorUnit
from palpate.workflows.curve_runs import JudgedRun

PERCENTILES = (50, 90, 95, 99)


@dataclass(frozen=True, eq=False, slots=True)
class CurvePoint:
    """A recipe at a size, over the test images of all its folds and repeats.

    Args:
        recipe: its name.
        size: number of training images that was asked for.
        images: what the runs had, in the mean.
        runs: all, those that failed too.
        evaluation: pooled; with repeats a test image counts once a repeat.
        film_unit: of ``films``: % of the normaliser where the protocol has one.
        films: mean error of each film, sorted; infinite where a landmark was missed.
    """

    recipe: str
    size: int
    images: float
    runs: tuple[JudgedRun, ...]
    evaluation: Evaluation
    film_unit: ErrorUnit
    films: Float[ndarray, " film"]

    @property
    def minutes(self) -> float | None:
        """Training time of a run in the mean; None where no run says it whole."""
        took = [run.took for run in self.runs if run.took is not None and not run.took.resumed]
        return float(np.mean([one.seconds for one in took])) / 60 if took else None


@dataclass(frozen=True, slots=True)
class SizeDifference:
    """Two recipes at one size: the second less the first."""

    size: int
    first: str
    second: str
    paired: PairedDifference


def curve_points(
    runs: Sequence[JudgedRun], normaliser: tuple[str, str] | None
) -> dict[str, tuple[CurvePoint, ...]]:
    """Return the points of each recipe, by growing size; none for a size where all runs failed."""
    together: dict[tuple[str, int], list[JudgedRun]] = {}
    for one in runs:
        together.setdefault((one.run.recipe.name, one.run.trained_on.size), []).append(one)
    points: dict[str, list[CurvePoint]] = {one.run.recipe.name: [] for one in runs}
    for (recipe, _), own in sorted(together.items(), key=lambda item: item[0][1]):
        if any(one.cases for one in own):
            points[recipe].append(_point(own, normaliser))
    return {recipe: tuple(own) for recipe, own in points.items() if own}


def _point(runs: Sequence[JudgedRun], normaliser: tuple[str, str] | None) -> CurvePoint:
    cases = pooled(runs)
    evaluation = evaluate(cases, normaliser=normaliser, rng=np.random.default_rng(0))
    film_unit, films = film_errors(model_against_truth(evaluation.cases), normaliser)
    done = [one.run.trained_on for one in runs if one.cases]
    return CurvePoint(
        recipe=runs[0].run.recipe.name,
        size=runs[0].run.trained_on.size,
        images=float(np.mean([one.images for one in done])),
        runs=tuple(runs),
        evaluation=evaluation,
        film_unit=film_unit,
        films=films,
    )


def pooled(runs: Sequence[JudgedRun]) -> tuple[EvaluatedCase, ...]:
    """Put the test images of runs together, named after the repeat where there are several."""
    several = len({one.run.trained_on.repeat for one in runs}) > 1

    def named(case: EvaluatedCase, repeat: int) -> EvaluatedCase:
        if not several:
            return case
        return replace(case, identifier=f"{case.identifier} (repeat {repeat + 1})")

    return tuple(named(case, one.run.trained_on.repeat) for one in runs for case in one.cases)


def film_errors(
    comparisons: Sequence[Comparison], normaliser: tuple[str, str] | None
) -> tuple[ErrorUnit, Float[ndarray, " film"]]:
    """Return the mean error of each film, sorted, in % of the normaliser, else in mm or px.

    Infinite where a wanted landmark was missed; films without a normaliser are left out.
    """
    errors = gather(comparisons, normaliser)
    unit: ErrorUnit = "px" if errors.mm is None else "mm"
    values = errors_in(errors, unit)
    kept = errors.wanted.any(axis=1)
    if errors.normaliser_px is not None and np.isfinite(errors.normaliser_px).any():
        unit, values = "%", 100 * errors.px / errors.normaliser_px[:, None]
        kept &= np.isfinite(errors.normaliser_px)
    return unit, np.sort(strict_means(values[kept], errors.wanted[kept]))


def errors_in(errors: Errors, unit: ErrorUnit) -> Float[ndarray, "row landmark"]:
    """Return the errors in mm or px.

    Raises:
        StudyError: millimetres of images that are not all calibrated.
    """
    if unit == "px":
        return errors.px
    if errors.mm is None:
        raise StudyError("there are no millimetres: not every image is calibrated")
    return errors.mm


def strict_means(
    values: Float[ndarray, "film landmark"], wanted: Bool[ndarray, "film landmark"]
) -> Float[ndarray, " film"]:
    """Return each film's mean over the wanted landmarks; infinite where one was missed."""
    strict = np.where(np.isnan(values), np.inf, values)
    return np.where(wanted, strict, 0.0).sum(axis=1) / wanted.sum(axis=1)


def percentiles(films: Float[ndarray, " film"]) -> dict[int, float | None]:
    """Return percentiles of the films' errors; None where one falls on a missed landmark.

    Each is the smallest error that so many films are at most, and never between two films.

    Example:
        >>> percentiles(np.array([1.0, 2.0, np.inf]))
        {50: 2.0, 90: None, 95: None, 99: None}
    """
    if not len(films):
        return dict.fromkeys(PERCENTILES)
    found = {q: float(np.quantile(films, q / 100, method="inverted_cdf")) for q in PERCENTILES}
    return {q: value if np.isfinite(value) else None for q, value in found.items()}


def common_unit(points: Mapping[str, Sequence[CurvePoint]]) -> ErrorUnit:
    """Return mm where every point has it, else px."""
    every = [point.evaluation.unit for own in points.values() for point in own]
    return "mm" if all(unit == "mm" for unit in every) else "px"


def in_unit(evaluation: Evaluation, unit: ErrorUnit) -> Summary:
    """Return the summary over all landmarks in a unit that the evaluation has."""
    return evaluation.overall if unit == evaluation.unit else evaluation.model.px.overall


def success(evaluation: Evaluation) -> tuple[str, float | None, tuple[float, float] | None]:
    """Return the success rate that a reader looks at first, with its threshold and interval.

    Within 2 mm where all images are calibrated, else 5 % of the normaliser, else 5 px.
    """
    figures = evaluation.model
    if figures.mm is not None:
        limit, tables = 2.0, figures.mm
    else:
        limit, tables = 5.0, figures.percent or figures.px
    overall = tables.overall
    name = f"{limit:g} {tables.unit}"
    return name, overall.success.get(limit), overall.success_intervals.get(limit)


def size_differences(
    points: Mapping[str, Sequence[CurvePoint]], unit: ErrorUnit
) -> tuple[SizeDifference, ...]:
    """Compare every two recipes at every size, over the test images that both were judged on."""
    metrics = ["error_mm", "success_2_mm"] if unit == "mm" else ["error_px"]
    by_size: dict[int, dict[str, CurvePoint]] = {}
    for recipe, own in points.items():
        for point in own:
            by_size.setdefault(point.size, {})[recipe] = point
    found = []
    for size, there in sorted(by_size.items()):
        for first, second in combinations(there, 2):
            for metric in metrics:
                row = _paired(there[first].evaluation, there[second].evaluation, metric)
                if row is not None:
                    found.append(SizeDifference(size, first, second, row))
    return tuple(found)


def _paired(first: Evaluation, second: Evaluation, metric: str) -> PairedDifference | None:
    both = {case.identifier for case in first.cases} & {case.identifier for case in second.cases}
    one, two = ([c for c in e.cases if c.identifier in both] for e in (first, second))
    try:
        return paired(one, two, rng=np.random.default_rng(0), metric=metric)
    except StudyError:
        return None  # no image, or no landmark, that both found
