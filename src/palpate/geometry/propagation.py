"""How the uncertainty of the landmarks becomes the uncertainty of a measurement."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from scipy.stats import norm

from palpate.errors import GeometryError
from palpate.geometry.angles import wrapped

Formula = Callable[[Float[ndarray, "n d"]], float]

# The step that matches the fourth moment of a normal distribution: Nørgaard et al., section 3.
STEP = np.sqrt(3.0)


@dataclass(frozen=True, slots=True)
class Propagated:
    """A value at the mean of the landmarks, and one standard deviation of it."""

    value: float
    standard_uncertainty: float

    def interval(self, level: float) -> tuple[float, float]:
        """Bounds that hold the true value with probability ``level``, if it is normal.

        Raises:
            GeometryError: the level is not between 0 and 1.

        Example:
            >>> [round(bound, 2) for bound in Propagated(10.0, 1.0).interval(0.9)]
            [8.36, 11.64]
        """
        if not 0.0 < level < 1.0:
            raise GeometryError(f"the level of an interval is between 0 and 1, got {level}")
        half = float(norm.ppf((1.0 + level) / 2.0)) * self.standard_uncertainty
        return self.value - half, self.value + half


def propagate(
    formula: Formula,
    mean: Float[ndarray, "n d"],
    covariance: Float[ndarray, "nd nd"],
    *,
    period: float | None = None,
) -> Propagated:
    """Second-order central differences along the principal axes of the covariance.

    The formula is evaluated at the mean and sqrt(3) standard deviations to either side along
    every axis. The slopes give the first-order variance J C J^T; the curvatures add what the
    first order misses where the value is at an extreme, such as an unsigned angle near 0.
    Costs 2 n d + 1 evaluations and is exact for a linear formula.

    Args:
        formula: (n, d) -> a number.
        mean: the landmarks that it needs.
        covariance: of the flattened mean, landmark by landmark; singular is allowed.
        period: of the value where it goes round (360 for an angle in degrees), so that a
            difference across the wrap is taken the short way.

    Raises:
        GeometryError: shapes do not fit, or the formula cannot be evaluated.

    Source:
        Nørgaard, Poulsen and Ravn, Automatica 36(11):1627-1638, 2000, equations 34 and 41.

    Example:
        >>> total = propagate(lambda p: float(p.sum()), np.zeros((2, 1)), np.diag([9.0, 16.0]))
        >>> round(total.standard_uncertainty, 6)
        5.0
    """
    size = mean.size
    if covariance.shape != (size, size):
        raise GeometryError(
            f"{size} coordinates need a {size} x {size} covariance, got {covariance.shape}"
        )
    value = float(formula(mean))
    variance = 0.0
    for axis in _axes(covariance):
        step = STEP * axis.reshape(mean.shape)
        up, down = formula(mean + step) - value, formula(mean - step) - value
        if period is not None:
            up, down = wrapped(up, period), wrapped(down, period)
        variance += (up - down) ** 2 / (4.0 * STEP**2)
        variance += (STEP**2 - 1.0) * (up + down) ** 2 / (4.0 * STEP**4)
    return Propagated(value, float(np.sqrt(variance)))


def block_diagonal(covariances: Float[ndarray, "n d d"]) -> Float[ndarray, "nd nd"]:
    """Joint covariance of landmarks whose errors do not depend on each other.

    Example:
        >>> block_diagonal(np.array([[[1.0]], [[2.0]]])).tolist()
        [[1.0, 0.0], [0.0, 2.0]]
    """
    n, d = covariances.shape[:2]
    joint = np.zeros((n, d, n, d))
    joint[np.arange(n), :, np.arange(n), :] = covariances
    return joint.reshape(n * d, n * d)


def sampled(
    formula: Formula,
    mean: Float[ndarray, "n d"],
    covariance: Float[ndarray, "nd nd"],
    *,
    generator: np.random.Generator,
    draws: int = 2000,
) -> Float[ndarray, " draw"]:
    """Values of the formula at landmarks drawn from their distribution: the check on the above.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> values = sampled(lambda p: float(p.sum()), np.zeros((1, 1)), np.eye(1), generator=rng)
        >>> len(values)
        2000
    """
    axes = _axes(covariance)
    noise = generator.standard_normal((draws, len(axes)))
    offsets = (noise @ axes).reshape(draws, *mean.shape)
    return np.array([float(formula(mean + offset)) for offset in offsets])


def _axes(covariance: Float[ndarray, "nd nd"]) -> Float[ndarray, "axis nd"]:
    """Principal axes, each as long as one standard deviation; those without length left out."""
    values, vectors = np.linalg.eigh((covariance + covariance.T) / 2.0)
    kept = values > 1e-12 * max(float(values[-1]), 0.0)
    return (vectors[:, kept] * np.sqrt(values[kept])).T
