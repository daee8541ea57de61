"""What is said of a set of errors, nothing dropped in silence."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray

from palpate.evaluation.bootstrap import Interval, Resampling


@dataclass(frozen=True, slots=True)
class Summary:
    """Figures of the radial errors of a set of landmarks, in one unit.

    Args:
        count: landmarks in the reference: found or missed.
        missed: in the reference and not found; a failure in every success rate,
            excluded from mean, median and standard deviation.
        subjects: how many people they are of.
        mean: mean radial error of the found; None where none was found.
        median: likewise.
        sd: sample standard deviation (n - 1); None for fewer than two.
        success: threshold -> share of ``count`` with an error of at most the threshold;
            empty where ``count`` is 0.
        interval: of the mean, by bootstrap over subjects; None for fewer than two subjects.
        success_intervals: threshold -> interval of the rate.
        level: of the intervals.
    """

    count: int
    missed: int
    subjects: int
    mean: float | None
    median: float | None
    sd: float | None
    success: Mapping[float, float] = field(default_factory=dict)
    interval: Interval | None = None
    success_intervals: Mapping[float, Interval] = field(default_factory=dict)
    level: float = 0.95

    def __post_init__(self) -> None:
        object.__setattr__(self, "success", MappingProxyType(dict(self.success)))
        object.__setattr__(
            self, "success_intervals", MappingProxyType(dict(self.success_intervals))
        )

    @property
    def found(self) -> int:
        """How many of ``count`` were found."""
        return self.count - self.missed


@dataclass(frozen=True, eq=False, slots=True)
class Sampled:
    """Errors in one unit, with the place of each row's subject and the name of its group."""

    wanted: Bool[ndarray, "row landmark"]
    values: Float[ndarray, "row landmark"]
    owners: Int[ndarray, " row"]
    groups: ndarray

    def rows(self, chosen: Bool[ndarray, " row"]) -> "Sampled":
        """Keep some rows."""
        return Sampled(
            self.wanted[chosen], self.values[chosen], self.owners[chosen], self.groups[chosen]
        )

    def column(self, landmark: int) -> "Sampled":
        """Keep one landmark."""
        here = slice(landmark, landmark + 1)
        return Sampled(self.wanted[:, here], self.values[:, here], self.owners, self.groups)


def summarise(
    errors: Sampled, thresholds: Sequence[float], resampling: Resampling, *, intervals: bool = True
) -> Summary:
    """Sum up errors; every rate is over what the reference holds, missed ones included."""
    found = errors.wanted & np.isfinite(errors.values)
    values = errors.values[found]
    count = int(errors.wanted.sum())
    shown = {float(limit): found & (errors.values <= limit) for limit in thresholds}
    success = {limit: float(hits.sum() / count) for limit, hits in shown.items()} if count else {}

    def by_subject(rows: Float[ndarray, " row"]) -> Float[ndarray, " subject"]:
        return resampling.by_subject(rows, errors.owners)

    wanted_by_subject = by_subject(errors.wanted.sum(axis=1).astype(float))
    interval: Interval | None = None
    success_intervals: dict[float, Interval] = {}
    if intervals and count:
        interval = resampling.ratio(
            by_subject(np.where(found, errors.values, 0.0).sum(axis=1)),
            by_subject(found.sum(axis=1).astype(float)),
        )
        for limit, hits in shown.items():
            bounds = resampling.ratio(by_subject(hits.sum(axis=1).astype(float)), wanted_by_subject)
            if bounds is not None:
                success_intervals[limit] = bounds
    return Summary(
        count=count,
        missed=count - len(values),
        subjects=int(np.count_nonzero(wanted_by_subject)),
        mean=float(values.mean()) if len(values) else None,
        median=float(np.median(values)) if len(values) else None,
        sd=float(values.std(ddof=1)) if len(values) > 1 else None,
        success=success,
        interval=interval,
        success_intervals=success_intervals,
        level=resampling.level,
    )
