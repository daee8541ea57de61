"""Bias and limits of agreement of two raters, and whether the difference grows with the value."""

from dataclasses import dataclass
from math import sqrt

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from scipy.stats import nct, t

from palpate.errors import GeometryError
from palpate.evaluation.agreement_estimate import Estimate

FEWEST = 3
# Standard deviations between the bias and a limit: 95 % of normal differences lie inside.
WIDTH = 1.96
TOO_FEW_PAIRS = "fewer than 3 images measured by both"
SAME_MEAN = "all means equal"


@dataclass(frozen=True, slots=True)
class Limits:
    """Bias, SD of the differences and limits of agreement.

    Args:
        bias: mean difference.
        sd: of the differences.
        lower: limit, bias - 1.96 SD.
        upper: limit, bias + 1.96 SD.
    """

    bias: Estimate
    sd: Estimate
    lower: Estimate
    upper: Estimate


def limits_of_agreement(differences: Float[ndarray, " image"], *, level: float = 0.95) -> Limits:
    """Limits between which 95 % of the differences lie, for one image a subject.

    The interval of the bias is Student's. That of each limit is exact for normal differences: a
    limit is a percentile of them, and mean + k SD covers it with a k of the noncentral t.

    Args:
        differences: second less first rater, at least 3.
        level: of the intervals.

    Raises:
        GeometryError: fewer than 3 differences, or one that is not finite.

    Source:
        Bland and Altman, Lancet 327(8476):307-310, 1986, and Statistical Methods in Medical
        Research 8(2):135-160, 1999; the exact interval: Carkeet, Optometry and Vision Science
        92(3):e71-e80, 2015.

    Example:
        >>> found = limits_of_agreement(np.array([-1.0, 0.0, 1.0]))
        >>> found.bias.value, round(found.upper.value, 2)
        (0.0, 1.96)
    """
    n = len(differences)
    if n < FEWEST or not np.isfinite(differences).all():
        raise GeometryError(f"limits of agreement need at least {FEWEST} finite differences")
    bias, sd = float(differences.mean()), float(differences.std(ddof=1))
    tail = (1 - level) / 2
    half = float(t.ppf(1 - tail, n - 1)) * sd / np.sqrt(n)
    # (limit - mean) / (SD / sqrt n) follows the noncentral t, shifted by 1.96 sqrt n
    near, far = nct.ppf([tail, 1 - tail], n - 1, WIDTH * np.sqrt(n)) / np.sqrt(n)
    upper = (bias + float(near) * sd, bias + float(far) * sd)
    lower = (bias - float(far) * sd, bias - float(near) * sd)
    return Limits(
        bias=Estimate(bias, (bias - float(half), bias + float(half)), "t"),
        sd=Estimate(sd),
        lower=Estimate(bias - WIDTH * sd, lower, "exact"),
        upper=Estimate(bias + WIDTH * sd, upper, "exact"),
    )


def proportional_bias(
    first: Float[ndarray, " image"], second: Float[ndarray, " image"], *, level: float = 0.95
) -> Estimate:
    """Slope of the difference, second less first, on the mean of both, for one image a subject.

    Zero where the difference is the same for small and large values; the interval is Student's.

    Source:
        Bland and Altman 1999, section 3.2.

    Example:
        >>> values = np.array([1.0, 2.0, 3.0, 4.0])
        >>> round(proportional_bias(values, 3.0 * values).value, 6)
        1.0
    """
    if len(first) < FEWEST:
        return Estimate(reason=TOO_FEW_PAIRS)
    mean = (first + second) / 2
    if np.ptp(mean) <= 1e-12 * max(1.0, float(np.abs(mean).max())):
        return Estimate(reason=SAME_MEAN)
    u, d = mean - mean.mean(), second - first
    scatter, free = float(u @ u), len(first) - 2
    slope = float(u @ d) / scatter
    left = d - d.mean() - slope * u
    half = float(t.ppf(0.5 + level / 2, free)) * sqrt(float(left @ left) / free / scatter)
    return Estimate(slope, (slope - half, slope + half), "t")
