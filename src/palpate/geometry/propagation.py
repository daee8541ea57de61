"""How the uncertainty of the landmarks becomes the uncertainty of a measurement."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from scipy.special import ndtr, ndtri  # of single numbers far quicker than scipy.stats.norm

from palpate.errors import GeometryError

Formula = Callable[[Float[ndarray, "n d"]], float]


@dataclass(frozen=True, slots=True)
class AtOnce:
    """A formula that can also be evaluated at many places at once, which is much faster.

    Args:
        one: (n, d) -> a number.
        many: (place, n, d) -> the same number of each place.
    """

    one: Formula
    many: Callable[[Float[ndarray, "place n d"]], Float[ndarray, " place"]]

    def __call__(self, points: Float[ndarray, "n d"]) -> float:
        """Evaluate at one place."""
        return self.one(points)


# The step that matches the fourth moment of a normal distribution: Nørgaard et al., section 3.
STEP = np.sqrt(3.0)
_ROUNDING = 1e-9


# Central differences are trusted while curvature carries at most this share of the variance ...
CURVED = 0.1
# ... and while the value is at least so many standard deviations from where it must stop.
REACH = 3.0
# How many draws replace them otherwise.
DRAWS = 1000
# One standard deviation to either side of a normal distribution holds this much.
ONE_SD = float(2.0 * ndtr(1.0) - 1.0)


@dataclass(frozen=True, eq=False, slots=True)
class Propagated:
    """A value at the mean of the landmarks, and what their uncertainty makes of it.

    Args:
        value: at the mean.
        standard_uncertainty: one standard deviation; of a sampled value the root mean square of
            its draws about it, if that is more.
        bounds: where the value must stop, such as a distance at 0.
        draws: values at landmarks drawn from their distribution, sorted; None where the value is
            taken as normal.
    """

    value: float
    standard_uncertainty: float
    bounds: tuple[float, float] = (-np.inf, np.inf)
    draws: Float[ndarray, " draw"] | None = None

    @property
    def spread(self) -> tuple[float, float] | None:
        """How far the truth may be below and above, each as long as one standard deviation.

        None where both are the standard uncertainty.
        """
        if self.draws is None:
            return None
        low, high = self.interval(ONE_SD)
        return self.value - low, high - self.value

    def interval(self, level: float) -> tuple[float, float]:
        """Bounds that hold the true value with probability ``level``; the value lies inside.

        Of a sampled value, the quantiles of its draws. An error moves an unsigned value away from
        its bound, and drawing moves it once more; so near a bound the end towards it is never
        closer than that of a normal value.

        Raises:
            GeometryError: the level is not between 0 and 1.

        Example:
            >>> [round(bound, 2) for bound in Propagated(10.0, 1.0).interval(0.9)]
            [8.36, 11.64]
        """
        if not 0.0 < level < 1.0:
            raise GeometryError(f"the level of an interval is between 0 and 1, got {level}")
        half = float(ndtri((1.0 + level) / 2.0)) * self.standard_uncertainty
        low, high = self.value - half, self.value + half
        if self.draws is not None:
            ends = np.quantile(self.draws, [(1.0 - level) / 2.0, (1.0 + level) / 2.0])
            near = self._near()
            low = min(float(ends[0]), low if near[0] else self.value)
            high = max(float(ends[1]), high if near[1] else self.value)
        return max(low, self.bounds[0]), min(high, self.bounds[1])

    def probability_below(self, limit: float) -> float:
        """Chance that the true value is below ``limit``; a value without doubt is 0 or 1.

        Example:
            >>> round(Propagated(10.0, 1.0).probability_below(9.0), 3)
            0.159
        """
        if limit <= self.bounds[0] or limit > self.bounds[1]:
            return float(limit > self.bounds[1])
        if self.draws is not None:
            return float(np.searchsorted(self.draws, limit, side="left")) / len(self.draws)
        if self.standard_uncertainty == 0.0:
            return float(self.value < limit)
        return float(ndtr((limit - self.value) / self.standard_uncertainty))

    def scaled(self, factor: float) -> "Propagated":
        """Return the same in another unit, ``factor`` > 0 of it in one of this."""
        return Propagated(
            factor * self.value,
            factor * self.standard_uncertainty,
            (factor * self.bounds[0], factor * self.bounds[1]),
            None if self.draws is None else factor * self.draws,
        )

    def _near(self) -> tuple[bool, bool]:
        """Whether each bound is within reach."""
        reach = REACH * self.standard_uncertainty
        return self.value - self.bounds[0] < reach, self.bounds[1] - self.value < reach


def propagate(
    formula: Formula,
    mean: Float[ndarray, "n d"],
    covariance: Float[ndarray, "nd nd"],
    *,
    period: float | None = None,
    bounds: tuple[float, float] = (-np.inf, np.inf),
    generator: np.random.Generator | None = None,
) -> Propagated:
    """Second-order central differences along the principal axes of the covariance.

    The formula is evaluated at the mean and sqrt(3) standard deviations to either side along
    every axis. The slopes give the first-order variance J C J^T; the curvatures add what the
    first order misses where the value is at an extreme, such as an unsigned angle near 0.
    Costs 2 n d + 1 evaluations and is exact for a linear formula.

    With a generator, a formula that bends is sampled instead (``DRAWS`` evaluations more): where
    curvature carries more than ``CURVED`` of the variance, or a bound is within ``REACH``
    standard deviations of the value.

    Args:
        formula: (n, d) -> a number; faster where it is an :class:`AtOnce`.
        mean: the landmarks that it needs.
        covariance: of the flattened mean, landmark by landmark; singular is allowed.
        period: of the value where it goes round (360 for an angle in degrees), so that a
            difference across the wrap is taken the short way.
        bounds: where the value must stop.
        generator: draws the samples; None never samples.

    Raises:
        GeometryError: shapes do not fit, or the formula cannot be evaluated.

    Source:
        Nørgaard, Poulsen and Ravn, Automatica 36(11):1627-1638, 2000, equations 34 and 41; samples
        as in JCGM 101:2008, Propagation of distributions using a Monte Carlo method.

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
    axes = _axes(covariance)
    steps = STEP * axes.reshape(-1, *mean.shape)
    ends = _values(formula, np.concatenate([mean + steps, mean - steps])) - value
    if period is not None:
        ends = _wrapped(ends, period)
    up, down = ends[: len(steps)], ends[len(steps) :]
    sloped = float(((up - down) ** 2).sum()) / (4.0 * STEP**2)
    bent = (STEP**2 - 1.0) * float(((up + down) ** 2).sum()) / (4.0 * STEP**4)
    plain = Propagated(value, float(np.sqrt(sloped + bent)), bounds)
    # What moves the value by nothing but rounding does not bend it either.
    doubtful = plain.standard_uncertainty > _ROUNDING * max(1.0, abs(value))
    if generator is None or not doubtful:
        return plain
    if bent <= CURVED * (sloped + bent) and not any(plain._near()):
        return plain
    values = _drawn(formula, mean, axes, generator, DRAWS)
    offsets = values - value
    if period is not None:
        offsets = _wrapped(offsets, period)
    # On a circle draws are never far apart; the differences still tell that all is possible.
    spread = max(plain.standard_uncertainty, float(np.sqrt((offsets**2).mean())))
    return Propagated(value, spread, bounds, np.sort(value + offsets))


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
    return _drawn(formula, mean, _axes(covariance), generator, draws)


def _drawn(
    formula: Formula,
    mean: Float[ndarray, "n d"],
    axes: Float[ndarray, "axis nd"],
    generator: np.random.Generator,
    draws: int,
) -> Float[ndarray, " draw"]:
    """Half of the draws mirror the others, so that what is linear stays in the middle."""
    half = generator.standard_normal(((draws + 1) // 2, len(axes)))
    noise = np.vstack([half, -half])[:draws]
    return _values(formula, mean + (noise @ axes).reshape(draws, *mean.shape))


def _values(formula: Formula, places: Float[ndarray, "place n d"]) -> Float[ndarray, " place"]:
    if isinstance(formula, AtOnce):
        return formula.many(places)
    return np.array([float(formula(place)) for place in places])


def _wrapped(offsets: Float[ndarray, " place"], period: float) -> Float[ndarray, " place"]:
    """Every difference the short way round, as :func:`palpate.geometry.angles.wrapped`."""
    return (offsets + period / 2.0) % period - period / 2.0


def _axes(covariance: Float[ndarray, "nd nd"]) -> Float[ndarray, "axis nd"]:
    """Principal axes, each as long as one standard deviation; those without length left out."""
    values, vectors = np.linalg.eigh((covariance + covariance.T) / 2.0)
    kept = values > 1e-12 * max(float(values[-1]), 0.0)
    return (vectors[:, kept] * np.sqrt(values[kept])).T
