"""The circles that lie nearest to many sets of points, all searched for at the same time.

For propagating uncertainty, where a circle is laid through the same landmarks drawn a thousand
times. Inside, what belongs to one set is the last axis: sums over its points are then quick.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray

from palpate.geometry.circles import STRAIGHT, check_points, fit_circle

# Where MINPACK's lmder stops, as :func:`palpate.geometry.circles.fit_circle` calls it: steps that
# gain too little, that are too short, or residuals at right angles to every slope. The search here
# ends at the same circle and not at a better one, or a value would not be that of its own draws.
_GAIN = 1e-8
_SHORT = 1e-13
_LEVEL = 1e-8
# Its first step may be so many times as long as the start.
_REACH = 100.0
# Whole steps to a rim's circle are ten at most; what is far from round takes three times as many.
_STEPS = 40


@dataclass(frozen=True, eq=False, slots=True)
class Circles:
    """One circle for each set of points, in the frame and unit of the points."""

    centres: Float[ndarray, "set 2"]
    radii: Float[ndarray, " set"]

    def distances(self, points: Float[ndarray, "set n 2"]) -> Float[ndarray, "set n"]:
        """Distance of each point from its set's circle, positive outside."""
        ways = points - self.centres[:, None]
        return np.sqrt((ways**2).sum(axis=2)) - self.radii[:, None]


def fit_circles(points: Float[ndarray, "set n 2"]) -> Circles:
    """Find the circle of each set of points, as :func:`palpate.geometry.circles.fit_circle` does.

    The same Gauss-Newton steps from the same start to the same stops, for all sets together. A
    set where a step must be shortened, or that may be a line, is left to ``fit_circle``, which
    takes a hundred times as long: none where the points are near a circle, a few per cent where
    they are far from any. So a set is refused exactly where it would be alone.

    Raises:
        GeometryError: fewer than three points, one absent or infinite, or all of one set on one
            line.

    Source:
        Gander, Golub and Strebel, BIT 34:558-578, 1994; stops of Moré, Garbow and Hillstrom, User
        guide for MINPACK-1, ANL-80-74, 1980, lmder.

    Example:
        >>> square = np.array([[3.0, 0.0], [0.0, 3.0], [-3.0, 0.0], [0.0, -3.0]])
        >>> found = fit_circles(np.stack([square, 2.0 * square + 1.0]))
        >>> found.radii.round(6).tolist(), found.centres.round(6).tolist()
        ([3.0, 6.0], [[0.0, 0.0], [1.0, 1.0]])
    """
    check_points(points)
    given = np.ascontiguousarray(points.transpose(2, 1, 0))
    middles = given.mean(axis=1)
    away = given - middles[:, None]
    spreads = np.sqrt((away**2).sum(axis=0).mean(axis=0))
    apart = spreads > 1e-11 * np.maximum(1.0, np.abs(given).max(axis=(0, 1)))
    places = away / np.where(apart, spreads, 1.0)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        begin, bent = _taubin(places)
        found, arrived = _search(begin, places)
        sure = apart & bent & arrived & (found[2] > 0.0) & (found[2] < 0.99 * STRAIGHT)
        centres, radii = (middles + spreads * found[:2]).T, spreads * found[2]
    for row in np.flatnonzero(~sure):
        alone = fit_circle(points[row])
        centres[row], radii[row] = alone.centre, alone.radius
    return Circles(centres, radii)


def _taubin(
    places: Float[ndarray, "2 n set"],
) -> tuple[Float[ndarray, "3 set"], Bool[ndarray, " set"]]:
    """Centre and radius of the algebraic fit of centred points, and whether it is no line."""
    squared = (places**2).sum(axis=0)
    mean = squared.mean(axis=0)
    columns = np.stack([(squared - mean) / (2.0 * np.sqrt(mean)), *places])
    products = np.einsum("ins,jns->sij", columns, columns)
    least = np.linalg.eigh(np.where(np.isfinite(products), products, 0.0))[1][:, :, 0].T
    centre = -least[1:] * np.sqrt(mean) / least[0]
    radius = np.sqrt((centre**2).sum(axis=0) + mean)
    return np.concatenate([centre, radius[None]]), np.abs(least[0]) > 1e-8


def _search(
    begin: Float[ndarray, "3 set"], places: Float[ndarray, "2 n set"]
) -> tuple[Float[ndarray, "3 set"], Bool[ndarray, " set"]]:
    """Circles after whole steps, and which of them arrived without a step too long or in vain."""
    found, arrived = begin.copy(), np.zeros(begin.shape[1], dtype=bool)
    sets, here, reach = np.arange(begin.shape[1]), begin, np.full(begin.shape[1], np.inf)
    slopes, residuals = _slopes(here, places)
    scale = _columns(slopes)
    for _ in range(_STEPS):
        columns = _columns(slopes)
        # Lengths are measured by the steepest slopes so far.
        scale = np.maximum(scale, columns)
        step, moved = _whole_step(slopes, residuals)
        there = here + step
        next_slopes, next_residuals = _slopes(there, places)
        size, pace = (residuals**2).sum(axis=0), _norm(scale * step)
        gain = 1.0 - (next_residuals**2).sum(axis=0) / size
        foreseen = (moved**2).sum(axis=0) / size
        level = ~(_falls(slopes, residuals) / columns > _LEVEL * np.sqrt(size)).any(axis=0)
        whole = pace <= 1.1 * np.minimum(reach, _REACH * _norm(scale * here))
        little = (np.abs(gain) <= _GAIN) & (foreseen <= _GAIN) & (gain <= 2.0 * foreseen)
        short = 2.0 * pace <= _SHORT * _norm(scale * there)
        done = level | (whole & (little | short))
        better = ~level & (gain >= 1e-4 * foreseen)
        found[:, sets[done]] = np.where(better, there, here)[:, done]
        arrived[sets[done]] = True
        on = ~done & whole & (gain > 0.25 * foreseen)
        if not on.any():
            break
        sets, here, reach, places = sets[on], there[:, on], 2.0 * pace[on], places[..., on]
        slopes, residuals, scale = next_slopes[..., on], next_residuals[:, on], scale[:, on]
    return found, arrived


def _slopes(
    circles: Float[ndarray, "3 set"], places: Float[ndarray, "2 n set"]
) -> tuple[Float[ndarray, "2 n set"], Float[ndarray, "n set"]]:
    """Slopes of the distances as the centre moves, and the distances from the circle's line."""
    ways = circles[:2, None] - places
    lengths = np.sqrt((ways**2).sum(axis=0))
    return ways / np.maximum(lengths, 1e-12), lengths - circles[2]


def _whole_step(
    slopes: Float[ndarray, "2 n set"], residuals: Float[ndarray, "n set"]
) -> tuple[Float[ndarray, "3 set"], Float[ndarray, "n set"]]:
    """Gauss-Newton step of centre and radius, and how it would move the distances."""
    # The radius that follows from a centre is the mean distance: only the centre is solved for.
    x, y = slopes - slopes.mean(axis=1, keepdims=True)
    xx, xy, yy = (x * x).sum(axis=0), (x * y).sum(axis=0), (y * y).sum(axis=0)
    by_x, by_y = (x * residuals).sum(axis=0), (y * residuals).sum(axis=0)
    det = xx * yy - xy * xy
    centre = np.stack([xy * by_y - yy * by_x, xy * by_x - xx * by_y]) / det
    farther = (slopes * centre[:, None]).sum(axis=0)
    radius = (residuals + farther).mean(axis=0)
    return np.concatenate([centre, radius[None]]), farther - radius


def _columns(slopes: Float[ndarray, "2 n set"]) -> Float[ndarray, "3 set"]:
    """Lengths of the slopes' columns: both of the centre, and the radius'."""
    x, y = _norm(slopes[0]), _norm(slopes[1])
    return np.stack([x, y, np.full_like(x, np.sqrt(slopes.shape[1]))])


def _falls(
    slopes: Float[ndarray, "2 n set"], residuals: Float[ndarray, "n set"]
) -> Float[ndarray, "3 set"]:
    """How steeply the sum of squares changes with centre and radius, either way."""
    return np.abs(np.stack([*(slopes * residuals).sum(axis=1), residuals.sum(axis=0)]))


def _norm(rows: Float[ndarray, "k set"]) -> Float[ndarray, " set"]:
    return np.sqrt((rows**2).sum(axis=0))
