"""Classes of a quantity: where one ends and the next begins, and how probable each is."""

from collections.abc import Callable
from itertools import pairwise
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

from palpate.measurement import Unit

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9 /+-]*$")]


class Classes(BaseModel):
    """Ordered classes and the limits between them: the ``[quantity.classes]`` table.

    Args:
        names: from the smallest values to the largest.
        limits: between them, rising; in the quantity's unit, in the signs of the file. A value
            at a limit is in the class above it.
        source: who says so; 'typical' where nobody is cited.

    Example:
        >>> jaws = Classes(names=("III", "I", "II"), limits=(0.0, 4.0), source="Steiner 1953")
        >>> jaws.of(4.0), jaws.crossed((-1.0, 2.0), "deg", 1.0)
        ('II', ('between III and I (0 deg)',))
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    names: Annotated[tuple[Name, ...], Field(min_length=2)]
    limits: tuple[float, ...]
    source: Annotated[str, Field(min_length=1)]

    @model_validator(mode="after")
    def _fit_together(self) -> "Classes":
        if len(self.limits) != len(self.names) - 1:
            raise ValueError(
                f"{len(self.names)} classes have {len(self.names) - 1} limits between them, "
                f"not {len(self.limits)}"
            )
        if any(low >= high for low, high in pairwise(self.limits)):
            raise ValueError("the limits of classes rise from each to the next")
        if len(set(self.names)) < len(self.names):
            raise ValueError("the classes of a quantity have different names")
        return self

    def of(self, value: float) -> str:
        """Class of a value."""
        return self.names[sum(value >= limit for limit in self.limits)]

    def chances(self, below: Callable[[float], float]) -> dict[str, float]:
        """Probability of each class, in their order.

        Args:
            below: the chance that the true value is below a limit.
        """
        steps = [0.0, *(below(limit) for limit in self.limits), 1.0]
        return {
            name: max(0.0, high - low)
            for name, (low, high) in zip(self.names, pairwise(steps), strict=True)
        }

    def crossed(self, interval: tuple[float, float], unit: Unit, sense: float) -> tuple[str, ...]:
        """Name the limits inside an interval.

        Args:
            interval: in the signs of the file.
            unit: of it.
            sense: -1 where limits are printed with their sign turned round, else 1.
        """
        shown = "" if unit == "1" else f" {unit}"
        return tuple(
            f"between {below} and {above} ({sense * limit + 0.0:g}{shown})"
            for (below, above), limit in zip(pairwise(self.names), self.limits, strict=True)
            if interval[0] < limit < interval[1]
        )
