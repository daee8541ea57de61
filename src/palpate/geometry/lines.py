"""Distances and sides of points against lines, in the unit of the points."""

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from palpate.geometry.angles import unit


def distance(a: Float[ndarray, " d"], b: Float[ndarray, " d"]) -> float:
    """Length of the way from ``a`` to ``b``.

    Example:
        >>> distance(np.array([0.0, 0.0]), np.array([3.0, 4.0]))
        5.0
    """
    return float(np.linalg.norm(b - a))


def translation(
    start: Float[ndarray, " d"], end: Float[ndarray, " d"], axis: Float[ndarray, " d"]
) -> float:
    """How far ``end`` is from ``start`` along an axis, with sign.

    Raises:
        GeometryError: the axis has no length.

    Example:
        >>> translation(np.array([1.0, 1.0]), np.array([4.0, 9.0]), np.array([2.0, 0.0]))
        3.0
    """
    return float((end - start) @ unit(axis))


def distance_to_line(
    point: Float[ndarray, " 2"], start: Float[ndarray, " 2"], end: Float[ndarray, " 2"]
) -> float:
    """Distance of a point from the infinite line, positive on the right hand of the way.

    'Right hand' as the film is seen, looking from ``start`` to ``end``: for a line that runs
    down the film that is the side of smaller x.

    Raises:
        GeometryError: the line's points coincide.

    Example:
        >>> distance_to_line(np.array([0.0, 5.0]), np.array([2.0, 0.0]), np.array([2.0, 9.0]))
        2.0
    """
    along, offset = unit(end - start), point - start
    return float(along[0] * offset[1] - along[1] * offset[0])
