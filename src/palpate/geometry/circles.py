"""The circle that lies nearest to some points, and how far they are from it."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from scipy.optimize import least_squares

from palpate.errors import GeometryError

# A circle larger than so many times its points' spread is a straight line.
STRAIGHT = 100.0


@dataclass(frozen=True, eq=False, slots=True)
class Circle:
    """A circle, in the frame and unit of the points that it was laid through."""

    centre: Float[ndarray, " 2"]
    radius: float

    def distances(self, points: Float[ndarray, "n 2"]) -> Float[ndarray, " n"]:
        """Distance of each point from the circle's line, positive outside; NaN where absent."""
        return np.linalg.norm(points - self.centre, axis=1) - self.radius


def fit_circle(points: Float[ndarray, "n 2"]) -> Circle:
    """Find the circle with the least sum of squared distances of the points from its line.

    The geometric fit: unlike an algebraic one it does not shrink on the arc of a half circle,
    which is all that a femoral head shows.

    Raises:
        GeometryError: fewer than three points, one absent or infinite, or all on one line.

    Source:
        Gander, Golub and Strebel, BIT 34:558-578, 1994; begun at the algebraic fit of Taubin,
        IEEE PAMI 13(11):1115-1138, 1991.

    Example:
        >>> fit = fit_circle(np.array([[3.0, 0.0], [0.0, 3.0], [-3.0, 0.0], [0.0, -3.0]]))
        >>> round(fit.radius, 6), fit.centre.round(6).tolist()
        (3.0, [0.0, 0.0])
    """
    check_points(points)
    middle = points.mean(axis=0)
    spread = float(np.sqrt(((points - middle) ** 2).sum(axis=1).mean()))
    straight = GeometryError("no circle fits: the points lie on one line or coincide")
    if not spread > 1e-12 * max(1.0, float(np.abs(points).max())):
        raise straight
    unit = (points - middle) / spread
    begin = _taubin(unit)
    if begin is None:
        raise straight
    fit = least_squares(
        _residuals, begin, jac=_slopes, args=(unit,), method="lm", xtol=1e-13, x_scale="jac"
    )
    x, y, radius = fit.x
    if not (fit.success and 0.0 < radius < STRAIGHT):
        raise straight
    return Circle(middle + spread * np.array([x, y]), float(spread * radius))


def check_points(points: Float[ndarray, "*sets n 2"]) -> None:
    """Refuse points that no circle could be laid through, wherever they lie.

    Raises:
        GeometryError: fewer than three points, or one absent or infinite.
    """
    if points.shape[-2] < 3:
        raise GeometryError(f"a circle needs three or more points, got {points.shape[-2]}")
    if not np.isfinite(points).all():
        raise GeometryError("a circle is laid through finite points that are all present")


def _residuals(circle: Float[ndarray, " 3"], points: Float[ndarray, "n 2"]) -> ndarray:
    return np.linalg.norm(points - circle[:2], axis=1) - circle[2]


def _slopes(circle: Float[ndarray, " 3"], points: Float[ndarray, "n 2"]) -> ndarray:
    ways = circle[:2] - points
    lengths = np.maximum(np.linalg.norm(ways, axis=1, keepdims=True), 1e-12)
    return np.concatenate([ways / lengths, -np.ones((len(points), 1))], axis=1)


def _taubin(points: Float[ndarray, "n 2"]) -> Float[ndarray, " 3"] | None:
    """Centre and radius of the algebraic fit of centred points; None for a line."""
    squared = (points**2).sum(axis=1)
    mean = float(squared.mean())
    scaled = np.column_stack([(squared - mean) / (2.0 * np.sqrt(mean)), points])
    least = np.linalg.svd(scaled, full_matrices=False)[2][-1]
    if abs(least[0]) < 1e-9:
        return None
    a = least[0] / (2.0 * np.sqrt(mean))
    centre = -least[1:] / (2.0 * a)
    return np.append(centre, np.sqrt(centre @ centre + mean))
