"""Angles between directions, in degrees.

Coordinates are those of an image: x to the right, y *down*. A positive turn therefore goes
from the right towards the bottom, clockwise as the film is seen.
"""

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from palpate.errors import GeometryError


def angle_between(u: Float[ndarray, " d"], v: Float[ndarray, " d"]) -> float:
    """Unsigned angle between two directions, in degrees, in [0, 180].

    The half-angle form keeps full precision near 0 and 180, where ``arccos`` loses half its
    digits.

    Raises:
        GeometryError: a direction has no length.

    Source:
        Kahan, "How futile are mindless assessments of roundoff in floating-point computation?",
        2006, section 12.

    Example:
        >>> round(angle_between(np.array([1.0, 0.0]), np.array([0.0, 2.0])), 6)
        90.0
    """
    a, b = unit(u), unit(v)
    return float(np.degrees(2.0 * np.arctan2(np.linalg.norm(a - b), np.linalg.norm(a + b))))


def turn(u: Float[ndarray, " 2"], v: Float[ndarray, " 2"]) -> float:
    """Signed angle that turns ``u`` into ``v``, in degrees, in (-180, 180].

    Positive clockwise as the film is seen; ``turn(u, v) == -turn(v, u)`` except at 180.

    Raises:
        GeometryError: a direction has no length.

    Example:
        >>> turn(np.array([1.0, 0.0]), np.array([0.0, 3.0]))
        90.0
    """
    a, b = unit(u), unit(v)
    angle = float(np.degrees(np.arctan2(a[0] * b[1] - a[1] * b[0], a @ b)))
    return 180.0 if angle == -180.0 else angle


def unit(u: Float[ndarray, " d"]) -> Float[ndarray, " d"]:
    """Return the direction with length 1.

    Raises:
        GeometryError: it has no length.
    """
    # Scaled first, so that neither tiny nor huge coordinates under- or overflow when squared.
    largest = float(np.abs(u).max())
    if not largest > 0.0:
        raise GeometryError("the two points of a line coincide")
    scaled = u / largest
    return scaled / np.linalg.norm(scaled)


def wrapped(degrees: float, period: float = 360.0) -> float:
    """Bring an angle, or a difference of angles, into [-period/2, period/2).

    Example:
        >>> wrapped(190.0)
        -170.0
    """
    return (degrees + period / 2.0) % period - period / 2.0


def turned_near(
    degrees: Float[ndarray, "*n"], reference: Float[ndarray, "*n"]
) -> Float[ndarray, "*n"]:
    """Add whole turns to angles, so that each lies within half a turn of its reference.

    Example:
        >>> turned_near(np.array([-179.0, 20.0]), np.array([179.0, 18.0])).tolist()
        [181.0, 20.0]
    """
    turns = np.round((degrees - reference) / 360.0)
    return degrees - 360.0 * turns
