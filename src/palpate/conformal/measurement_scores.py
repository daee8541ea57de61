"""What held-out subjects say of the intervals of one measurement."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from palpate.arrays import locked, locked_int
from palpate.conformal.quantile import attained_level, conformal_quantile, subject_weights
from palpate.errors import GeometryError

Interval = tuple[float, float]

# How much an image's own uncertainty counts in the width of its interval; the rest is the usual
# one of the measurement. Propagated uncertainties rank images, but not sharply: of shares of 0,
# 1/4, 1/2, 3/4 and 1 this is the one whose intervals were never far from the narrowest, on
# cephalograms and on spines (benchmarks/uncertainty/width.py).
OWN = 0.25
# The chance of a class is told in steps of one over as many subjects.
FEWEST_FOR_CHANCES = 9


@dataclass(frozen=True, eq=False, slots=True)
class MeasurementScores:
    """Errors of a measurement on held-out images, beside the uncertainty stated for each.

    Args:
        unit: of the values.
        residual: true less predicted value of each image.
        below, above: stated half widths, as long as one standard deviation, to either side.
        owners: number of each image's subject.
        defined: how the measurement was computed, as a hash; empty where nobody asks.

    Raises:
        GeometryError: lengths differ, or a number is not finite or a width negative.

    Example:
        >>> residual, width = np.linspace(-2.0, 2.0, 9), np.ones(9)
        >>> held = MeasurementScores("deg", residual, width, width, np.arange(9))
        >>> held.interval(10.0, 1.0, 1.0, 0.9), held.interval(10.0, 1.0, 1.0, 0.95)
        ((8.0, 12.0), None)
    """

    unit: str
    residual: Float[ndarray, " image"]
    below: Float[ndarray, " image"]
    above: Float[ndarray, " image"]
    owners: Int[ndarray, " image"]
    defined: str = ""

    def __post_init__(self) -> None:
        for name in ("residual", "below", "above"):
            object.__setattr__(self, name, locked(getattr(self, name)))
        object.__setattr__(self, "owners", locked_int(self.owners))
        arrays = (self.residual, self.below, self.above)
        if any(array.shape != self.owners.shape for array in arrays):
            raise GeometryError("residuals, widths and owners are one an image")
        if not all(np.isfinite(array).all() for array in arrays):
            raise GeometryError("residuals and widths are finite")
        if (self.below < 0).any() or (self.above < 0).any():
            raise GeometryError("widths are not negative")

    @property
    def subjects(self) -> int:
        """How many the scores are of."""
        return len(np.unique(self.owners))

    def interval(self, value: float, below: float, above: float, level: float) -> Interval | None:
        """Bounds that hold the truth of a new subject with probability ``level``.

        None where there are fewer subjects than
        :func:`~palpate.conformal.quantile.subjects_needed`. Of no width where the measurement was
        never off.

        Args:
            value: predicted.
            below: half width stated for it to the lower side.
            above: likewise to the upper side.
            level: between 0 and 1.

        Source:
            Lei, G'Sell, Rinaldo, Tibshirani and Wasserman, J. Am. Stat. Assoc. 113, 2018,
            section 5.2 (locally weighted residuals).
        """
        if not len(self.residual):
            return None
        radius = conformal_quantile(
            np.abs(self._standardised()), subject_weights(self.owners), level
        )
        if radius is None:
            return None
        low, high = self._widths(np.array([below]), np.array([above]))
        return value - radius * float(low[0]), value + radius * float(high[0])

    def probability_below(
        self, value: float, below: float, above: float, limit: float
    ) -> float | None:
        """Chance that the true value of a new subject is below ``limit``; in (0, 1).

        None for fewer than ``FEWEST_FOR_CHANCES`` subjects. Half of the new subject's own weight
        counts on either side, as do scores exactly at the limit.

        Source:
            Vovk, Nouretdinov, Manokhin and Gammerman, Proc. Machine Learning Research 91, 2018
            (split conformal predictive systems).
        """
        if self.subjects < FEWEST_FOR_CHANCES:
            return None
        weights = subject_weights(self.owners)
        low, high = self._widths(np.array([below]), np.array([above]))
        scores = self._standardised()
        could_be = value + scores * np.where(scores < 0, low, high)
        under = weights[could_be < limit].sum() + 0.5 * weights[could_be == limit].sum()
        return float(under + 0.5 * (1.0 - weights.sum()))

    def attained(self, value: float, below: float, above: float, truth: float) -> float | None:
        """Level above which the interval holds the truth; None where nothing is held out."""
        if not len(self.residual):
            return None
        low, high = self._widths(np.array([below]), np.array([above]))
        score = abs(truth - value) / (low if truth < value else high)
        weights = subject_weights(self.owners)
        return float(attained_level(score, np.abs(self._standardised()), weights)[0])

    def flipped(self) -> "MeasurementScores":
        """Return the scores of the measurement with its sign turned round."""
        return replace(self, residual=-self.residual, below=self.above, above=self.below)

    def _standardised(self) -> Float[ndarray, " image"]:
        low, high = self._widths(self.below, self.above)
        return self.residual / np.where(self.residual < 0, low, high)

    def _widths(
        self, below: Float[ndarray, " n"], above: Float[ndarray, " n"]
    ) -> tuple[Float[ndarray, " n"], Float[ndarray, " n"]]:
        """Widths that residuals are divided by: partly the image's own, partly the usual one."""
        usual = float(np.median((self.below + self.above) / 2))
        if usual <= 0:
            # Nothing was ever said to be uncertain: the errors alone tell.
            ones = np.ones_like(below)
            return ones, ones
        rest = (1.0 - OWN) * usual
        return OWN * below + rest, OWN * above + rest
