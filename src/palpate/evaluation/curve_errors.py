"""Point-to-curve errors: how far found points are from the annotated outline.

A person cannot tell where along a smooth outline a point belongs; across it the bone's edge tells.
So an outline has two errors: point to point, and point to the curve through the annotated points.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from palpate.errors import SchemeError, StudyError
from palpate.evaluation.bootstrap import Interval, Resampling
from palpate.evaluation.cases import EvaluatedCase
from palpate.evaluation.errors import Comparison, Errors, normaliser_length
from palpate.evaluation.normalised import cumulative
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

    Raises:
        SchemeError: fewer than two names, or one twice.
    """

    names: tuple[str, ...]
    closed: bool = False
    smooth: bool = True

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
    """One error an image, in % of a length of that image: its cumulative distribution.

    Args:
        percent: mean error over the landmarks of each image, sorted; infinite where one of its
            landmarks was missed.
        percentiles: percentile -> error; None where so many images have a missed landmark.
        intervals: percentile -> interval, by bootstrap over subjects; of finite ones alone.
    """

    percent: Float[ndarray, " image"]
    percentiles: Mapping[float, float | None]
    intervals: Mapping[float, Interval]

    def share_within(self, limits: Sequence[float]) -> Float[ndarray, " limit"]:
        """Return the share of images whose error is at most each limit, in %."""
        return cumulative(self.percent, limits)


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
    their mean as from each other: it is the noise of the truth, not that of one person.

    Raises:
        StudyError: no image has an annotator.
        SchemeError: as :func:`model_to_curve`.
    """
    pairs = ((case, points.coordinates) for case in cases for points in case.annotators.values())
    return _gather(pairs, outline, normaliser)


def annotators_against_mean(cases: Sequence[EvaluatedCase]) -> list[Comparison]:
    """Compare each annotator with the truth, point to point, over the landmarks of both."""
    return [
        Comparison(
            case, points.present & case.truth.present, points.coordinates - case.truth.coordinates
        )
        for case in cases
        for points in case.annotators.values()
    ]


def distribution(
    errors: Errors, resampling: Resampling, *, percentiles: Sequence[float] = PERCENTILES
) -> ErrorDistribution:
    """Average the errors of each image, in % of its normaliser, and tell percentiles.

    Images without a normaliser or without a wanted landmark are left out.

    Raises:
        StudyError: errors that were gathered without a normaliser, no image left, or a
            percentile outside 0 to 100.
    """
    if errors.normaliser_px is None:
        raise StudyError("errors in % need a normaliser: name the two landmarks of a length")
    if not all(0.0 < p < 100.0 for p in percentiles):
        raise StudyError(f"a percentile is between 0 and 100, got {list(percentiles)}")
    count = errors.wanted.sum(axis=1)
    kept = (count > 0) & np.isfinite(errors.normaliser_px)
    if not kept.any():
        raise StudyError("no image has both a normaliser and an annotated landmark")
    missed = errors.wanted & np.isnan(errors.px)
    total = np.where(errors.wanted, np.where(missed, np.inf, errors.px), 0.0).sum(axis=1)
    percent = 100.0 * total[kept] / count[kept] / errors.normaliser_px[kept]
    owners = resampling.owners(errors.subjects)[kept]
    order = np.argsort(percent, kind="stable")
    percent, owners = percent[order], owners[order]
    found, intervals = {}, {}
    for p in percentiles:
        value = float(np.quantile(percent, p / 100.0, method="inverted_cdf"))
        found[p] = value if np.isfinite(value) else None
        interval = _interval(percent, owners, resampling, p / 100.0)
        if interval is not None:
            intervals[p] = interval
    return ErrorDistribution(percent, found, intervals)


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
