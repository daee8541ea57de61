"""One number of a summary of movement: a value or the reason why there is none."""

from dataclasses import dataclass
from math import isfinite

from palpate.errors import GeometryError


@dataclass(frozen=True, slots=True)
class Amount:
    """A value or a reason, one of them; its unit is told in the module ``movement_measures``.

    Raises:
        GeometryError: both or neither, or a value that is not finite.

    Example:
        >>> Amount(0.25).value, Amount(reason="not observed").value
        (0.25, None)
    """

    value: float | None = None
    reason: str | None = None

    def __post_init__(self) -> None:
        if (self.value is None) == (self.reason is None):
            raise GeometryError("an amount has a value or a reason, one of them")
        if self.value is not None and not isfinite(self.value):
            raise GeometryError(f"an amount is a finite number, got {self.value}")
