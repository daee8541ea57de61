"""Numbers for a clinician: each a value or a reason, never both, never a silent zero."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isfinite
from types import MappingProxyType
from typing import Literal, get_args

from palpate.errors import GeometryError

Unit = Literal["mm", "deg", "px", "%", "s", "1"]
# What an interval rests on: none given; landmarks whose covariances nobody checked; landmarks
# scaled on held-out subjects; errors of this very measurement on held-out subjects.
IntervalBasis = Literal["", "uncalibrated", "scaled", "conformal"]


@dataclass(frozen=True, slots=True)
class NormalRange:
    """What is usual, and who says so."""

    low: float
    high: float
    source: str


@dataclass(frozen=True, slots=True)
class Measurement:
    """One quantity of one image.

    Args:
        name: as the protocol names it.
        unit: mm, deg, px, %, s or 1.
        value: None where it could not be measured.
        reason: why not, in a clinician's words; None where it could.
        standard_uncertainty: one standard deviation, from the landmarks' covariance,
            or None where unknown.
        interval: lower and upper bound at ``level``; None if unknown.
        level: of the interval.
        landmarks: the names it was computed from.
        protocol: name and version, as ``cervical 1``.
        normal: the usual range, where the protocol has one.
        note: what a reader must know, such as 'at the detector plane'.
        spread: how far the value may be off below and above, each as long as one standard
            deviation; None where unknown or both are the standard uncertainty.
        basis: what the interval rests on.
        probabilities: chance of each class, in their order; empty where there are no classes.
        crosses: names of the limits of classes that lie inside the interval.

    Raises:
        GeometryError: value and reason both or neither given, or a number that is not finite.

    Example:
        >>> Measurement("ANB", "deg", reason="landmark not found: nasion").value is None
        True
    """

    name: str
    unit: Unit
    value: float | None = None
    reason: str | None = None
    standard_uncertainty: float | None = None
    interval: tuple[float, float] | None = None
    level: float = 0.9
    landmarks: tuple[str, ...] = ()
    protocol: str = ""
    normal: NormalRange | None = None
    note: str = ""
    spread: tuple[float, float] | None = None
    basis: IntervalBasis = ""
    probabilities: Mapping[str, float] = field(default_factory=dict)
    crosses: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "probabilities", MappingProxyType(dict(self.probabilities)))
        if (self.value is None) == (self.reason is None):
            raise GeometryError(f"{self.name}: a measurement has a value or a reason, one of them")
        if self.unit not in get_args(Unit):
            raise GeometryError(f"{self.name}: unit {self.unit!r} is none of {get_args(Unit)}")
        numbers = [
            self.value,
            self.standard_uncertainty,
            *(self.interval or ()),
            *(self.spread or ()),
            *self.probabilities.values(),
        ]
        if any(number is not None and not isfinite(number) for number in numbers):
            raise GeometryError(f"{self.name}: a measurement is finite")
        chances = list(self.probabilities.values())
        if chances and (min(chances) < 0 or abs(sum(chances) - 1) > 1e-6):
            raise GeometryError(f"{self.name}: the chances of its classes sum to 1, got {chances}")


@dataclass(frozen=True, slots=True)
class Report:
    """The measurements of one image of one subject. Unsigned until a person signs."""

    subject: str
    image: str
    measurements: tuple[Measurement, ...]
    provenance: Mapping[str, str] = field(default_factory=dict)
    reviewed_by: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "provenance", MappingProxyType(dict(self.provenance)))
