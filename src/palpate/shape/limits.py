"""How far from the mean a shape may be: the region that the scores must stay in.

Scores are standardised here, in standard deviations of their mode. A fit is a quadratic problem in
them, and a limit gives its solution inside the region.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from scipy.optimize import brentq
from scipy.special import chdtri

from palpate.errors import GeometryError

# A direction that the points say less of than this share of what they say of the clearest.
BLIND = 1e-10


@dataclass(frozen=True, eq=False, slots=True)
class Quadratic:
    """The squared distance as a function of standardised scores c: c'Hc / 2 - g'c.

    Args:
        values: eigenvalues of H, not negative.
        vectors: its eigenvectors, one a column.
        slope: g in the base of the eigenvectors.
        clear: directions that the points tell something of.
    """

    values: Float[ndarray, " m"]
    vectors: Float[ndarray, "m m"]
    slope: Float[ndarray, " m"]
    clear: Float[ndarray, " m"]

    @classmethod
    def of(
        cls, hessian: Float[ndarray, "m m"], gradient: Float[ndarray, " m"], *, scale: float
    ) -> "Quadratic":
        """Decompose it; what is below rounding at ``scale`` is taken as not told at all."""
        values, vectors = np.linalg.eigh(hessian)
        clear = values > BLIND * scale
        return cls(
            np.where(clear, values, 0.0),
            vectors,
            np.where(clear, vectors.T @ gradient, 0.0),
            clear.astype(float),
        )

    def solution(self, push: float = 0.0) -> Float[ndarray, " m"]:
        """Return the scores where the distance plus push * |c|^2 / 2 is least.

        Of scores that fit alike, those nearest to the mean.
        """
        steep = np.where(self.clear > 0.0, self.values + push, 1.0)
        return self.vectors @ (self.slope / steep)

    def with_prior(self, push: float) -> "Quadratic":
        """Return the problem to which push * |c|^2 / 2 is added."""
        if not push > 0.0:
            return self
        return Quadratic(self.values + push, self.vectors, self.slope, np.ones_like(self.values))


def free_scores(problem: Quadratic) -> Float[ndarray, " m"]:
    """Return the scores at which the distance is least, without a limit."""
    return problem.solution()


@dataclass(frozen=True, slots=True)
class Ellipsoid:
    """Scores within the ellipsoid that holds a share of a normal population.

    The solution inside is the nearest shape inside, not the outer one pulled to the mean.

    Raises:
        GeometryError: the share is not between 0 and 1.

    Source:
        Lindner et al., IEEE PAMI 37(9):1862-1874, 2015: a threshold on the Mahalanobis distance
        that 98 % of a normal population keep.

    Example:
        >>> round(Ellipsoid(0.95).radius(1), 2)
        1.96
    """

    share: float = 0.98

    def __post_init__(self) -> None:
        if not 0.0 < self.share < 1.0:
            raise GeometryError(f"the share of an ellipsoid is between 0 and 1, got {self.share}")

    def radius(self, modes: int) -> float:
        """Return the largest Mahalanobis distance, for so many modes."""
        return float(np.sqrt(chdtri(modes, 1.0 - self.share))) if modes else 0.0

    def holds(self, scores: Float[ndarray, " m"]) -> bool:
        """Whether standardised scores are inside."""
        return bool(np.linalg.norm(scores) <= self.radius(len(scores)) * (1.0 + 1e-12))

    def nearest(self, problem: Quadratic) -> Float[ndarray, " m"]:
        """Return the scores inside at which the distance is least."""
        free = problem.solution()
        if self.holds(free):
            return free
        radius = self.radius(len(free))

        def excess(push: float) -> float:
            return float(np.linalg.norm(problem.solution(push)) - radius)

        # At this push no solution is longer than the radius.
        most = float(np.linalg.norm(problem.slope)) / radius
        held = problem.solution(brentq(excess, 0.0, most, xtol=1e-15 * most, rtol=1e-14))
        return held * (radius / np.linalg.norm(held))


@dataclass(frozen=True, slots=True)
class Box:
    """Each score within so many standard deviations, whatever the others are.

    Raises:
        GeometryError: the number is not positive.

    Example:
        >>> Box().holds(np.array([2.9, -2.9])), Box().holds(np.array([3.1, 0.0]))
        (True, False)
    """

    deviations: float = 3.0

    def __post_init__(self) -> None:
        if not self.deviations > 0.0:
            raise GeometryError(f"a limit in standard deviations is positive: {self.deviations}")

    def holds(self, scores: Float[ndarray, " m"]) -> bool:
        """Whether standardised scores are inside."""
        return bool((np.abs(scores) <= self.deviations).all())

    def nearest(self, problem: Quadratic) -> Float[ndarray, " m"]:
        """Return the best scores, each cut at its limit."""
        return np.clip(problem.solution(), -self.deviations, self.deviations)


Limit = Ellipsoid | Box
