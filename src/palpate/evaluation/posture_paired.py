"""The difference of two predictions of the same frames, and how sure it is."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray

from palpate.errors import StudyError
from palpate.evaluation.bootstrap import Interval, Resampling
from palpate.evaluation.posture_alignment import confusions
from palpate.evaluation.posture_classes import Confusion, rate
from palpate.evaluation.posture_frames import PostureFrames
from palpate.evaluation.posture_judged import Judged, References, judge
from palpate.evaluation.same_frames import rows_of_same_frames
from palpate.protocols.protocol import Protocol

POINT_ERROR = "point_error_grid_px"
SEGMENT_ERROR = "segment_error_deg"
F1 = "f1"
LOWER_IS_BETTER: Mapping[str, bool] = {POINT_ERROR: True, SEGMENT_ERROR: True, F1: False}


@dataclass(frozen=True, slots=True)
class PostureDifference:
    """Second less first, over what both predicted; a difference or the reason why not.

    Args:
        metric: mean point error in px of the grid, mean error of all segments in degrees, or
            F1 of misalignment, pooled over the protocol's headline group at its threshold.
        difference: second - first; None with a reason.
        interval: of the difference, by bootstrap over children; None for fewer than two.
        first: figure of the first prediction, over what both predicted.
        second: of the second.
        children: that it is over.
        count: points, or segments of frames, that it is over.
        unpaired: labelled, and not predicted by one of the two or both.
        reason: begins with 'too few'; empty where there is a difference.
        level: of the interval.
    """

    metric: str
    difference: float | None
    interval: Interval | None
    first: float | None
    second: float | None
    children: int
    count: int
    unpaired: int
    reason: str = ""
    level: float = 0.95

    @property
    def clear(self) -> bool:
        """Whether the interval leaves zero out."""
        return self.interval is not None and not self.interval[0] <= 0 <= self.interval[1]

    def row(self) -> dict[str, float | str | None]:
        """Return the row of a CSV; the reason stands where there is no difference."""
        low, high = self.interval or (None, None)
        return {
            "metric": self.metric,
            "difference": self.reason or self.difference,
            "difference_low": low,
            "difference_high": high,
            "first": self.first,
            "second": self.second,
            "children": self.children,
            "count": self.count,
            "unpaired": self.unpaired,
        }


def paired_posture(
    protocol: Protocol,
    first: PostureFrames,
    second: PostureFrames,
    *,
    rng: np.random.Generator,
    resamples: int = 1000,
    references: References | None = None,
) -> tuple[PostureDifference, ...]:
    """Compare two predictions of the same frames, child by child.

    Raises:
        StudyError: the frames, their children, labels, scales or facing are not the same.
        ConfigError: as :func:`~palpate.evaluation.posture.evaluate_posture`.
        GeometryError: likewise.
    """
    second = _matched(first, second)
    resampling = Resampling.draw(first.subjects, rng, resamples=resamples)
    a = judge(protocol, first, resampling, references)
    b = judge(protocol, second, resampling, references)
    return (
        _mean_difference(POINT_ERROR, a, first.counted, first.errors_grid, second.errors_grid),
        _mean_difference(SEGMENT_ERROR, a, a.wanted, a.errors, b.errors),
        _f1_difference(a, b),
    )


def _mean_difference(
    metric: str,
    judged: Judged,
    wanted: Bool[ndarray, "frame column"],
    a: Float[ndarray, "frame column"],
    b: Float[ndarray, "frame column"],
) -> PostureDifference:
    both = wanted & np.isfinite(a) & np.isfinite(b)
    count, unpaired = int(both.sum()), int((wanted & ~both).sum())
    resampling = judged.resampling

    def by_child(values: Float[ndarray, "frame column"]) -> Float[ndarray, " subject"]:
        rows = np.where(both, values, 0.0).sum(axis=1)
        return resampling.by_subject(rows, judged.owners)

    if not count:
        return PostureDifference(
            metric, None, None, None, None, 0, 0, unpaired, "too few (0 that both predicted)"
        )
    number = by_child(np.ones_like(a))
    left, right = by_child(a), by_child(b)
    return PostureDifference(
        metric=metric,
        difference=float((right - left).sum() / count),
        interval=resampling.ratio(right - left, number),
        first=float(left.sum() / count),
        second=float(right.sum() / count),
        children=int(np.count_nonzero(number)),
        count=count,
        unpaired=unpaired,
        level=resampling.level,
    )


def _f1_difference(a: Judged, b: Judged) -> PostureDifference:
    table, resampling = a.table, a.resampling
    columns = table.columns(table.groups[table.headline])
    left, right = (_headline(one, other) for one, other in ((a, b), (b, a)))
    wanted = a.wanted[:, columns]
    both = np.isfinite(a.errors) & np.isfinite(b.errors)
    count = int((wanted & both[:, columns]).sum())
    first = rate(F1, left, resampling, fewest=1)
    second = rate(F1, right, resampling, fewest=1)
    difference = None
    if first.value is not None and second.value is not None:
        difference = second.value - first.value
    return PostureDifference(
        metric=F1,
        difference=difference,
        interval=None if difference is None else _interval(left, right, resampling),
        first=first.value,
        second=second.value,
        children=int(np.count_nonzero(left.positives + left.negatives)),
        count=count,
        unpaired=int(wanted.sum()) - count,
        reason=first.reason,
        level=resampling.level,
    )


def _headline(judged: Judged, other: Judged) -> Confusion:
    """Counts of the headline group, of what the other predicted too."""
    labelled = np.where(np.isfinite(other.predicted), judged.labelled, np.nan)
    shared = replace(judged, labelled=labelled)
    rows = confusions(shared, shared.turned(), judged.table.threshold_deg)
    return next(part for name, _, part in rows if name == judged.table.headline)


def _interval(first: Confusion, second: Confusion, resampling: Resampling) -> Interval | None:
    """Percentile interval of a difference of two F1: each is a ratio of its own."""
    if np.count_nonzero(first.positives + first.negatives) < 2:
        return None
    values = []
    for part in (first, second):
        under = resampling.weights @ (2.0 * part.tp + part.fp + part.fn)
        over = resampling.weights @ (2.0 * part.tp)
        values.append(np.where(under > 0.0, over / np.where(under > 0.0, under, 1.0), np.nan))
    change = values[1] - values[0]
    change = change[np.isfinite(change)]
    if not len(change):
        return None
    tail = (1 - resampling.level) / 2
    low, high = np.quantile(change, [tail, 1 - tail])
    return float(low), float(high)


def _matched(first: PostureFrames, second: PostureFrames) -> PostureFrames:
    """Put the second's frames in the order of the first.

    Raises:
        StudyError: they are not the same frames with the same labels.
    """
    order = rows_of_same_frames(first.identifiers, second.identifiers)
    same = (
        first.subjects == tuple(second.subjects[row] for row in order)
        and first.facing == second.facing
        and np.array_equal(first.labels, second.labels[order], equal_nan=True)
        and np.array_equal(first.counted, second.counted[order])
        and np.array_equal(first.grid_per_px, second.grid_per_px[order])
    )
    if not same:
        raise StudyError(
            "a paired comparison needs the same children, labels, scores, scales and facing in "
            "both; predict both on the same study"
        )
    return first.predicted(second.predictions[order], made_by=second.made_by)
