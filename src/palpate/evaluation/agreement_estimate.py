"""A figure of an agreement: a value with its interval and how that was found, or a reason."""

from dataclasses import dataclass
from math import isfinite
from typing import Literal

from palpate.errors import GeometryError
from palpate.evaluation.bootstrap import Interval

# How an interval was found: there is none; Student's t; the exact limits of a normal percentile;
# ratios of mean squares; the large-sample error of kappa; resamples of whole subjects.
IntervalMethod = Literal["", "t", "exact", "F", "asymptotic", "bootstrap"]


@dataclass(frozen=True, slots=True)
class Estimate:
    """One figure: a value or a reason, never both, never NaN.

    Args:
        value: None where it does not exist.
        interval: (low, high) at the level of the comparison; None where there is none.
        method: how the interval was found.
        reason: why there is no value, in words.

    Raises:
        GeometryError: value and reason both or neither given, or a number that is not finite.

    Example:
        >>> Estimate(reason="all values equal").value is None
        True
    """

    value: float | None = None
    interval: Interval | None = None
    method: IntervalMethod = ""
    reason: str = ""

    def __post_init__(self) -> None:
        if (self.value is None) == (self.reason == ""):
            raise GeometryError("a figure of agreement has a value or a reason, one of them")
        numbers = [self.value, *(self.interval or ())]
        if any(number is not None and not isfinite(number) for number in numbers):
            raise GeometryError("a figure of agreement is finite")
        if (self.interval is None) != (self.method == ""):
            raise GeometryError("a figure of agreement says how its interval was found")

    def or_interval(self, interval: Interval | None, method: IntervalMethod) -> "Estimate":
        """Return the figure with another interval; as it was where it has no value."""
        if self.value is None:
            return self
        return Estimate(self.value, interval, method if interval is not None else "")

    def negated(self) -> "Estimate":
        """Return the figure with its sign turned, as of the same raters in the other order."""
        if self.value is None:
            return self
        turned = None if self.interval is None else (-self.interval[1], -self.interval[0])
        return Estimate(-self.value, turned, self.method)
