"""Point-to-curve errors: how far found points are from the annotated outline.

A person cannot tell where along a smooth outline a point belongs; across it the bone's edge tells.
So an outline has two errors: point to point, and point to the curve through the annotated points.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from palpate.errors import SchemeError, StudyError
from palpate.evaluation.bootstrap import Interval, Resampling
from palpate.evaluation.cases import EvaluatedCase
from palpate.evaluation.errors import Comparison, Errors, normaliser_length
from palpate.evaluation.normalised import cumulative
from palpate.evaluation.tables import ErrorUnit
from palpate.geometry.curves import distance_to_polyline, polyline, smooth_curve
from palpate.points import Points
from palpate.scheme import LandmarkScheme

PERCENTILES = (50.0, 90.0, 95.0, 99.0)


@dataclass(frozen=True, slots=True)
class Outline:
    """Which landmarks make a curve, in their order along it.

    Args:
        names: at least two.
        closed: the last is joined with the first.
        smooth: a smooth curve through the points, else straight lines. The curve is nearer to a
            round bone's edge than its chords are: between annotated points a found point that is
            right would be counted wrong by what the chord cuts off.
        title: for people.

    Raises:
        SchemeError: fewer than two names, or one twice.
    """

    names: tuple[str, ...]
    closed: bool = False
    smooth: bool = True
    title: str = "outline"

    def __post_init__(self) -> None:
        if len(self.names) < 2 or len(set(self.names)) < len(self.names):
            raise SchemeError(
                "an outline goes through two or more landmarks, each once, got "
                f"{len(self.names)} names, {len(set(self.names))} of them different"
            )

    @classmethod
    def of(cls, scheme: LandmarkScheme) -> "Outline":
        """Return the outline through all landmarks of a scheme, in its order, open."""
        return cls(scheme.names)

    def curve(self, positions: Float[ndarray, "n 2"]) -> Float[ndarray, "m 2"]:
        """Return the curve through the positions of its landmarks; absent ones are left out.

        Raises:
            GeometryError: fewer than two present.
        """
        draw: Callable[..., ndarray] = smooth_curve if self.smooth else polyline
        return draw(positions, closed=self.closed)


@dataclass(frozen=True, eq=False, slots=True)
class ErrorDistribution:
    """One error an image, in one unit: its cumulative distribution.

    Args:
        unit: px, mm, or % of a length of that image.
        values: mean error over the landmarks of each image, sorted; infinite where one of its
            landmarks was missed.
        percentiles: percentile -> error; None where so many images have a missed landmark.
        intervals: percentile -> interval, by bootstrap over subjects; of finite ones alone.
    """

    unit: ErrorUnit
    values: Float[ndarray, " image"]
    percentiles: Mapping[float, float | None]
    intervals: Mapping[float, Interval]

    def share_within(self, limits: Sequence[float]) -> Float[ndarray, " limit"]:
        """Return the share of images whose error is at most each limit."""
        return cumulative(self.values, limits)


def model_to_curve(
    cases: Sequence[EvaluatedCase], outline: Outline, *, normaliser: tuple[str, str] | None
) -> Errors:
    """Measure each predicted landmark's distance from the annotated curve.

    One way, from the found points to the annotated curve, as Davison et al. report it: a point
    that slid along the outline is no error here, so read point-to-point errors beside it. Where
    an image is annotated with fewer than two landmarks of the outline, it has no curve and
    nothing is wanted of it.

    Raises:
        StudyError: no image.
        SchemeError: the outline or the normaliser names an unknown landmark.

    Source:
        Davison et al., MICCAI MSKI workshop 2018 (LNCS 11404), section 4.4, in % of the width of
        the femoral shaft.
    """
    return _gather(((case, case.prediction.mean) for case in cases), outline, normaliser)


def annotators_to_curve(
    cases: Sequence[EvaluatedCase], outline: Outline, *, normaliser: tuple[str, str] | None
) -> Errors:
    """Measure each annotator's distance from the curve of the truth, the mean of the annotators.

    The paper's 'annotator' curve. Of two annotators who disagree, both are half as far from
    their mean as from each other: it is the noise of the truth, not that of one person. A
    landmark that a person left out is not wanted of that person: it was judged not visible.

    Raises:
        StudyError: no image has an annotator.
        SchemeError: as :func:`model_to_curve`.
    """
    pairs = ((case, points.coordinates) for case in cases for points in case.annotators.values())
    errors = _gather(pairs, outline, normaliser)
    return replace(errors, wanted=errors.wanted & np.isfinite(errors.px))


def annotators_against_mean(cases: Sequence[EvaluatedCase]) -> list[Comparison]:
    """Compare each annotator with the truth, point to point, over the landmarks of both."""
    return [
        Comparison(
            case, points.present & case.truth.present, points.coordinates - case.truth.coordinates
        )
        for case in cases
        for points in case.annotators.values()
    ]


def image_means(errors: Errors, unit: ErrorUnit) -> Float[ndarray, " row"]:
    """Return the mean error of every row, over the landmarks that are wanted of it.

    Infinite where one of them was missed, NaN where none is wanted or, in %, the image has no
    normaliser.

    Raises:
        StudyError: errors that were gathered without a normaliser, or not all calibrated.
    """
    values = _in_unit(errors, unit)
    count = errors.wanted.sum(axis=1)
    missed = errors.wanted & np.isnan(errors.px)
    total = np.where(errors.wanted, np.where(missed, np.inf, values), 0.0).sum(axis=1)
    known = count > 0
    if unit == "%" and errors.normaliser_px is not None:
        known &= np.isfinite(errors.normaliser_px)
    return np.where(known, total / np.maximum(count, 1), np.nan)


def distribution(
    errors: Errors,
    resampling: Resampling,
    *,
    unit: ErrorUnit = "%",
    percentiles: Sequence[float] = PERCENTILES,
) -> ErrorDistribution:
    """Average the errors of each image and tell percentiles of these means.

    Images without a wanted landmark, and in % those without a normaliser, are left out.

    Raises:
        StudyError: errors that were gathered without a normaliser or not all calibrated, no
            image left, or a percentile outside 0 to 100.
    """
    if not all(0.0 < p < 100.0 for p in percentiles):
        raise StudyError(f"a percentile is between 0 and 100, got {list(percentiles)}")
    means = image_means(errors, unit)
    kept = ~np.isnan(means)
    if not kept.any():
        also = "both a normaliser and " if unit == "%" else ""
        raise StudyError(f"no image has {also}an annotated landmark")
    order = np.argsort(means[kept], kind="stable")
    values = means[kept][order]
    owners = resampling.owners(errors.subjects)[kept][order]
    found, intervals = {}, {}
    for p in percentiles:
        value = float(np.quantile(values, p / 100.0, method="inverted_cdf"))
        found[p] = value if np.isfinite(value) else None
        interval = _interval(values, owners, resampling, p / 100.0)
        if interval is not None:
            intervals[p] = interval
    return ErrorDistribution(unit, values, found, intervals)


def _in_unit(errors: Errors, unit: ErrorUnit) -> Float[ndarray, "row landmark"]:
    if unit == "px":
        return errors.px
    if unit == "mm":
        if errors.mm is None:
            raise StudyError("errors in mm need every image to be calibrated")
        return errors.mm
    if errors.normaliser_px is None:
        raise StudyError("errors in % need a normaliser: name the two landmarks of a length")
    return 100.0 * errors.px / errors.normaliser_px[:, None]


def _interval(
    ordered: Float[ndarray, " image"], owners: ndarray, resampling: Resampling, share: float
) -> Interval | None:
    """Percentile interval of a quantile over resamples of the subjects."""
    if len(set(owners.tolist())) < 2:
        return None
    # How often each image is in each resample; a quantile is where the counts reach the share.
    counts = np.cumsum(resampling.weights[:, owners], axis=1)
    some = counts[:, -1] > 0
    reached = counts[some] >= share * counts[some][:, -1:] - 1e-9
    values = ordered[np.argmax(reached, axis=1)]
    tail = (1.0 - resampling.level) / 2.0
    low, high = np.quantile(values, [tail, 1.0 - tail], method="inverted_cdf")
    return (float(low), float(high)) if np.isfinite(high) else None


def _gather(
    pairs: Iterable[tuple[EvaluatedCase, ndarray]],
    outline: Outline,
    normaliser: tuple[str, str] | None,
) -> Errors:
    rows = list(pairs)
    if not rows:
        raise StudyError("there are no points to measure from a curve")
    cases = [case for case, _ in rows]
    calibrated = all(case.calibration is not None for case in cases)
    px = np.stack([_distances(case.truth, found, outline, np.ones(2)) for case, found in rows])
    mm = None
    if calibrated:
        scaled = [
            _distances(case.truth, found, outline, np.array(case.calibration.spacing_mm))
            for case, found in rows
            if case.calibration is not None
        ]
        mm = np.stack(scaled)
    lengths = None
    if normaliser is not None:
        lengths = np.array([normaliser_length(case.truth, normaliser) for case in cases])
    return Errors(
        names=cases[0].truth.scheme.names,
        identifiers=tuple(case.identifier for case in cases),
        subjects=tuple(case.subject for case in cases),
        groups=tuple(case.group for case in cases),
        wanted=np.stack([_wanted(case.truth, outline) for case in cases]),
        px=px,
        mm=mm,
        normaliser_px=lengths,
    )


def _wanted(truth: Points, outline: Outline) -> ndarray:
    """Landmarks of the outline that are annotated, where these make a curve."""
    rows = truth.scheme.indices(outline.names)
    wanted = np.zeros(len(truth.scheme), dtype=bool)
    wanted[rows] = truth.present[rows]
    return wanted if _makes_curve(truth.coordinates[rows]) else np.zeros_like(wanted)


def _makes_curve(positions: Float[ndarray, "n 2"]) -> bool:
    present = positions[~np.isnan(positions).any(axis=1)]
    return len(present) > 1 and bool((np.ptp(present, axis=0) > 0.0).any())


def _distances(
    truth: Points,
    found: Float[ndarray, "landmark 2"],
    outline: Outline,
    scale: Float[ndarray, " 2"],
) -> Float[ndarray, " landmark"]:
    """Distance of every wanted landmark from the curve, in the unit of ``scale``; else NaN."""
    distances = np.full(len(found), np.nan)
    wanted = _wanted(truth, outline)
    if wanted.any():
        rows = truth.scheme.indices(outline.names)
        curve = outline.curve(scale * truth.coordinates[rows])
        distances[wanted] = distance_to_polyline(scale * found[wanted], curve)
    return distances
