"""Curves through annotated points, and how far other points are from them.

A smooth curve is kept as a polyline through the points and points between them, so that one
function tells the distance from either.
"""

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from palpate.arrays import rows_with_nan
from palpate.errors import GeometryError

# Of the largest coordinate; points that are nearer are the same.
_SAME = 1e-12
# A segment whose squared length is below this is a point.
_POINT = 1e-300


def smooth_curve(
    points: Float[ndarray, "n 2"], *, closed: bool = False, steps: int = 8
) -> Float[ndarray, "m 2"]:
    """Draw a smooth curve through points, in their order.

    The centripetal Catmull-Rom spline: it meets every point, follows only the two neighbours to
    each side, and makes neither loops nor cusps where points are unevenly spaced. Absent points
    (NaN) and repeated ones are left out. An open curve ends in its first and last point; a closed
    one ends where it began.

    Args:
        points: at least two that differ.
        closed: whether the last point is joined with the first.
        steps: straight pieces between two points.

    Raises:
        GeometryError: fewer than two different points, or no steps.

    Source:
        Yuksel, Schaefer and Keyser, Computer-Aided Design 43(7):747-755, 2011; the recursion of
        Barry and Goldman, Computer Graphics 22(4):199-204, 1988.

    Example:
        >>> corner = np.array([[0.0, 0.0], [2.0, 0.0], [2.0, 2.0]])
        >>> smooth_curve(corner, steps=2).round(3).tolist()
        [[0.0, 0.0], [1.125, -0.125], [2.0, 0.0], [2.125, 0.875], [2.0, 2.0]]
    """
    if steps < 1:
        raise GeometryError(f"a curve has one or more steps between points, got {steps}")
    knots = _distinct(points, closed=closed)
    if len(knots) == 2:
        # There is no way to bend; a closed one goes there and back.
        return np.concatenate([knots, knots[:1]]) if closed else knots
    ends = (knots[-1:], knots[:2]) if closed else (_beyond(knots), _beyond(knots[::-1]))
    row = np.concatenate([ends[0], knots, ends[1]])
    four = np.stack([row[i : len(row) - 3 + i] for i in range(4)], axis=1)
    gaps = np.sqrt(np.linalg.norm(np.diff(four, axis=1), axis=2))
    at = np.concatenate([np.zeros((len(four), 1)), np.cumsum(gaps, axis=1)], axis=1)
    where = at[:, 1:2] + gaps[:, 1:2] * np.arange(steps) / steps
    curve = _barry_goldman(four, at, where).reshape(-1, 2)
    # Arithmetic must not move a point of the curve.
    curve[::steps] = four[:, 1]
    return np.concatenate([curve, four[-1:, 2]])


def polyline(points: Float[ndarray, "n 2"], *, closed: bool = False) -> Float[ndarray, "m 2"]:
    """Join points by straight lines, leaving out absent (NaN) and repeated ones.

    Raises:
        GeometryError: fewer than two different points.

    Example:
        >>> polyline(np.array([[0.0, 0.0], [np.nan, np.nan], [3.0, 0.0]]), closed=True).tolist()
        [[0.0, 0.0], [3.0, 0.0], [0.0, 0.0]]
    """
    knots = _distinct(points, closed=closed)
    return np.concatenate([knots, knots[:1]]) if closed else knots


def nearest_on_polyline(
    points: Float[ndarray, "n 2"], line: Float[ndarray, "m 2"]
) -> Float[ndarray, "n 2"]:
    """Return the place of a polyline that is nearest to each point; NaN for absent points.

    Raises:
        GeometryError: the line has fewer than two points, or one is not finite.

    Example:
        >>> way = np.array([[0.0, 0.0], [10.0, 0.0]])
        >>> nearest_on_polyline(np.array([[4.0, 3.0], [13.0, 4.0]]), way).tolist()
        [[4.0, 0.0], [10.0, 0.0]]
    """
    if len(line) < 2 or not np.isfinite(line).all():
        raise GeometryError("a polyline has two or more points, all of them finite")
    start, way = line[:-1], np.diff(line, axis=0)
    squared = np.maximum((way**2).sum(axis=1), _POINT)
    offset = points[:, None, :] - start[None]
    along = np.clip((offset * way).sum(axis=2) / squared, 0.0, 1.0)
    feet = start + along[..., None] * way
    far = ((points[:, None, :] - feet) ** 2).sum(axis=2)
    # Of a point that is absent all distances are NaN, and any foot of it is NaN too.
    best = np.argmin(far, axis=1)
    return feet[np.arange(len(points)), best]


def distance_to_polyline(
    points: Float[ndarray, "n 2"], line: Float[ndarray, "m 2"]
) -> Float[ndarray, " n"]:
    """Distance of each point from a polyline, never negative; NaN for absent points.

    Beyond an open end the distance is that from the end.

    Raises:
        GeometryError: as :func:`nearest_on_polyline`.

    Example:
        >>> way = np.array([[0.0, 0.0], [10.0, 0.0]])
        >>> distance_to_polyline(np.array([[4.0, 3.0], [13.0, 4.0]]), way).tolist()
        [3.0, 5.0]
    """
    return np.linalg.norm(points - nearest_on_polyline(points, line), axis=1)


def _distinct(points: Float[ndarray, "n 2"], *, closed: bool) -> Float[ndarray, "m 2"]:
    """Return the present points, each run of equal ones once."""
    present = points[~rows_with_nan(points)]
    if not np.isfinite(present).all():
        raise GeometryError("a curve goes through finite points")
    if len(present):
        # Nearer than rounding of their coordinates, two points give no direction.
        same = _SAME * float(np.abs(present).max())
        steps = np.linalg.norm(np.diff(present, axis=0), axis=1)
        present = present[np.append(True, steps > same)]
        if closed and len(present) > 1 and np.linalg.norm(present[-1] - present[0]) <= same:
            present = present[:-1]
    if len(present) < 2:
        raise GeometryError(
            f"a curve goes through two or more different points, got {len(present)}"
        )
    return present


def _beyond(knots: Float[ndarray, "n 2"]) -> Float[ndarray, "1 2"]:
    """Where a point before the first would be, were the curve to go on as it begins."""
    return 2.0 * knots[:1] - knots[1:2]


def _barry_goldman(
    four: Float[ndarray, "piece 4 2"],
    at: Float[ndarray, "piece 4"],
    where: Float[ndarray, "piece step"],
) -> Float[ndarray, "piece step 2"]:
    """Evaluate every piece by repeated linear interpolation between its four points."""

    def between(
        first: Float[ndarray, "piece _ 2"], second: Float[ndarray, "piece _ 2"], i: int, j: int
    ) -> Float[ndarray, "piece step 2"]:
        share = (where - at[:, i : i + 1]) / (at[:, j : j + 1] - at[:, i : i + 1])
        return (1.0 - share[..., None]) * first + share[..., None] * second

    p = [four[:, i : i + 1] for i in range(4)]
    a = [between(p[i], p[i + 1], i, i + 1) for i in range(3)]
    b = [between(a[i], a[i + 1], i, i + 2) for i in range(2)]
    return between(b[0], b[1], 1, 2)
