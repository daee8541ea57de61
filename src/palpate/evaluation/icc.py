"""Intraclass correlation of raters who all measured the same targets, with its interval."""

from dataclasses import dataclass

import numpy as np
from scipy.stats import f as f_distribution

from palpate.arrays import Numbers
from palpate.errors import GeometryError
from palpate.evaluation.agreement_estimate import Estimate

ALL_EQUAL = "all values equal"
ONE_VALUE = "each rater gives every image one value"
TOO_FEW = "fewer than two images or raters"
# Rounding leaves crumbs of the squares of equal numbers: they are no variance.
CRUMBS = 1e-24


@dataclass(frozen=True, slots=True)
class MeanSquares:
    """The two-way analysis of variance of a complete table (target, rater) without replication.

    Args:
        targets: n, the images.
        raters: k.
        between: mean square of targets, MSR or BMS, n - 1 degrees of freedom.
        judges: mean square of raters, MSC or JMS, k - 1.
        error: what is left, MSE or EMS, (n - 1)(k - 1).

    Source:
        Shrout and Fleiss, Psychological Bulletin 86(2):420-428, 1979, table 2.
    """

    targets: int
    raters: int
    between: float
    judges: float
    error: float

    @classmethod
    def of(cls, ratings: Numbers) -> "MeanSquares | None":
        """Return the mean squares of a table (target, rater); None for fewer than two of either.

        Mean squares that are nothing but rounding are zero.

        Raises:
            GeometryError: not a table of finite numbers.
        """
        table = np.array(ratings, dtype=float)
        if table.ndim != 2 or not np.isfinite(table).all():
            raise GeometryError(
                "ICC needs a table of finite numbers: a row a target, a column a rater"
            )
        n, k = table.shape
        if n < 2 or k < 2:
            return None
        size = CRUMBS * max(1.0, float((table**2).sum()))
        centred = table - table.mean()
        rows, columns = centred.mean(axis=1), centred.mean(axis=0)
        left = centred - rows[:, None] - columns
        sums = (k * (rows**2).sum(), n * (columns**2).sum(), (left**2).sum())
        between, judges, error = (float(s) if s > size else 0.0 for s in sums)
        return cls(n, k, between / (n - 1), judges / (k - 1), error / ((n - 1) * (k - 1)))

    @property
    def within(self) -> float:
        """Variance of one rater's value about the target's own mean over raters.

        The same as the error and the raters' variance together, MSE + (MSC - MSE) / n.
        """
        return (self.judges + (self.targets - 1) * self.error) / self.targets


def icc_agreement(squares: MeanSquares | None, *, level: float = 0.95) -> Estimate:
    """ICC(2,1), or ICC(A,1): two-way random, absolute agreement of single measurements.

    A constant difference between raters counts against it. The interval by the ratio of mean
    squares with Satterthwaite's degrees of freedom.

    Source:
        Shrout and Fleiss 1979, pages 423 and 427; McGraw and Wong, Psychological Methods
        1(1):30-46, 1996, table 7, as corrected in 1(4):390.

    Example:
        >>> judges = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9],
        ...           [6, 2, 4, 7]]
        >>> found = icc_agreement(MeanSquares.of(judges))
        >>> round(found.value, 2), [round(bound, 2) for bound in found.interval]
        (0.29, [0.02, 0.76])
    """
    if squares is None:
        return Estimate(reason=TOO_FEW)
    n, k, s = squares.targets, squares.raters, squares
    bottom = s.between + (k - 1) * s.error + k * (s.judges - s.error) / n
    if bottom <= 0:
        return Estimate(reason=TOO_FEW if s.error else ALL_EQUAL)
    r = (s.between - s.error) / bottom
    if s.judges == 0 and s.error == 0:
        return Estimate(r, (r, r), "F")
    # Satterthwaite, in the form without a division by 1 - r.
    a, b = k * r * s.judges, (n * (1 + (k - 1) * r) - k * r) * s.error
    df = (k - 1) * (n - 1) * (a + b) ** 2 / ((n - 1) * a**2 + b**2) if a or b else 1.0
    tail = 1 - (1 - level) / 2
    first, second = f_distribution.ppf(tail, n - 1, df), f_distribution.ppf(tail, df, n - 1)
    others = k * s.judges + (k * n - k - n) * s.error
    low = n * (s.between - first * s.error) / (first * others + n * s.between)
    high = n * (second * s.between - s.error) / (others + n * second * s.between)
    return _estimate(r, low, high)


def icc_consistency(squares: MeanSquares | None, *, level: float = 0.95) -> Estimate:
    """ICC(3,1), or ICC(C,1): two-way mixed, consistency of single measurements.

    A constant difference between raters does not count.

    Source:
        Shrout and Fleiss 1979, pages 423 and 426; McGraw and Wong 1996, table 7.

    Example:
        >>> judges = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9],
        ...           [6, 2, 4, 7]]
        >>> found = icc_consistency(MeanSquares.of(judges))
        >>> round(found.value, 2), [round(bound, 2) for bound in found.interval]
        (0.71, [0.34, 0.95])
    """
    if squares is None:
        return Estimate(reason=TOO_FEW)
    n, k, s = squares.targets, squares.raters, squares
    bottom = s.between + (k - 1) * s.error
    if bottom <= 0:
        return Estimate(reason=ONE_VALUE if s.judges else ALL_EQUAL)
    r = (s.between - s.error) / bottom
    if s.error == 0:
        return Estimate(r, (r, r), "F")
    tail = 1 - (1 - level) / 2
    ratio, df = s.between / s.error, (n - 1) * (k - 1)
    low = ratio / f_distribution.ppf(tail, n - 1, df)
    high = ratio * f_distribution.ppf(tail, df, n - 1)
    return _estimate(r, (low - 1) / (low + k - 1), (high - 1) / (high + k - 1))


def icc_2_1(ratings: Numbers) -> float | None:
    """Intraclass correlation ICC(2,1): two-way random, absolute agreement, single rater.

    Args:
        ratings: (target, rater), complete.

    Returns:
        None for fewer than two targets or raters, or where all ratings are equal.

    Raises:
        GeometryError: not a table of finite numbers.

    Source:
        Shrout and Fleiss, Psychological Bulletin 86(2), 1979, table 2 and page 423.

    Example:
        >>> judges = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9],
        ...           [6, 2, 4, 7]]
        >>> round(icc_2_1(judges), 2)
        0.29
    """
    return icc_agreement(MeanSquares.of(ratings)).value


def _estimate(r: float, low: float, high: float) -> Estimate:
    """An ICC with its bounds; those that do not exist, as of very few degrees, are left out."""
    low, high = float(low), float(high)
    if not (np.isfinite(low) and np.isfinite(high)):
        return Estimate(float(r))
    return Estimate(float(r), (min(low, float(r)), max(high, float(r))), "F")
