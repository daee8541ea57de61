"""Angles and lengths of many directions at once, row by row: as their namesakes for one.

For propagating uncertainty, where one formula is evaluated at hundreds of places. Directions are
[..., d] and broadcast against each other.
"""

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from palpate.errors import GeometryError


def angles_between(u: Float[ndarray, "*#many d"], v: Float[ndarray, "*#many d"]) -> ndarray:
    """Unsigned angles in degrees, as :func:`palpate.geometry.angles.angle_between`.

    Raises:
        GeometryError: a direction has no length.

    Example:
        >>> angles_between(np.array([[1.0, 0.0], [0.0, 2.0]]), np.array([0.0, 1.0])).tolist()
        [90.0, 0.0]
    """
    a, b = units(u), units(v)
    return np.degrees(2.0 * np.arctan2(lengths(a - b), lengths(a + b)))


def turns(u: Float[ndarray, "*#many 2"], v: Float[ndarray, "*#many 2"]) -> ndarray:
    """Signed angles in degrees, as :func:`palpate.geometry.angles.turn`.

    Raises:
        GeometryError: a direction has no length.

    Example:
        >>> turns(np.array([1.0, 0.0]), np.array([[0.0, 3.0], [0.0, -1.0]])).tolist()
        [90.0, -90.0]
    """
    a, b = units(u), units(v)
    angles = np.degrees(np.arctan2(crossed(a, b), (a * b).sum(axis=-1)))
    return np.where(angles == -180.0, 180.0, angles)


def crossed(u: Float[ndarray, "*#many 2"], v: Float[ndarray, "*#many 2"]) -> ndarray:
    """Signed area between directions: x1 y2 - y1 x2."""
    return u[..., 0] * v[..., 1] - u[..., 1] * v[..., 0]


def lengths(u: Float[ndarray, "*many d"]) -> ndarray:
    """Length of each direction."""
    return np.linalg.norm(u, axis=-1)


def units(u: Float[ndarray, "*many d"]) -> ndarray:
    """Return the directions with length 1.

    Raises:
        GeometryError: one has no length.
    """
    largest = np.abs(u).max(axis=-1, keepdims=True)
    if not (largest > 0.0).all():
        raise GeometryError("the two points of a line coincide")
    scaled = u / largest
    return scaled / np.linalg.norm(scaled, axis=-1, keepdims=True)
