"""How large a squared distance usually is: a chi-square scaled to what was seen."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from scipy.special import chdtrc

from palpate.errors import GeometryError

# Fewer values do not tell how much a squared distance varies.
_FEWEST = 8


@dataclass(frozen=True, slots=True)
class ScaledChiSquare:
    """A squared distance that is ``scale`` times a chi-square of ``degrees`` of freedom.

    Raises:
        GeometryError: a number is not positive and finite.

    Source:
        Box, Annals of Mathematical Statistics 25(2):290-302, 1954, theorem 3.1: mean and variance
        of a sum of squares are matched.

    Example:
        >>> round(ScaledChiSquare(2.0, 1.0).survival(2.0 * 3.841), 3)
        0.05
    """

    scale: float
    degrees: float

    def __post_init__(self) -> None:
        values = (self.scale, self.degrees)
        if not (np.isfinite(values).all() and min(values) > 0.0):
            raise GeometryError(f"scale and degrees of a chi-square are positive, got {values}")

    @classmethod
    def of(cls, seen: Float[ndarray, " n"], degrees: float) -> "ScaledChiSquare":
        """Match the mean of squared distances, and their variance where there are enough.

        Args:
            seen: squared distances of shapes that the model had not seen.
            degrees: of freedom where they are too few to tell.
        """
        mean, variance = float(seen.mean()), float(seen.var(ddof=1)) if len(seen) > 1 else 0.0
        if len(seen) < _FEWEST or not variance > 1e-12 * mean**2:
            return cls(mean / degrees, degrees)
        return cls(variance / (2.0 * mean), 2.0 * mean**2 / variance)

    def survival(self, value: float, share: float = 1.0) -> float:
        """Return the chance of a value at least as large; of a ``share`` of the terms alone."""
        return float(chdtrc(self.degrees * share, value / self.scale)) if share > 0.0 else 1.0
