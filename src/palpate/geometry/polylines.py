"""Lines through several points, one after the other."""

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from palpate.geometry.angles import unit


def polyline_length(points: Float[ndarray, "n d"]) -> float:
    """Sum of the lengths of the pieces.

    Example:
        >>> polyline_length(np.array([[0.0, 0.0], [3.0, 4.0], [3.0, 6.0]]))
        7.0
    """
    return float(np.linalg.norm(np.diff(points, axis=0), axis=1).sum())


def polyline_heights(points: Float[ndarray, "n 2"]) -> Float[ndarray, " n"]:
    """Distance of every point from the chord that joins the first and the last, with sign.

    Positive on the right hand of the way, as :func:`palpate.geometry.lines.distance_to_line`.

    Raises:
        GeometryError: first and last point coincide.

    Example:
        >>> polyline_heights(np.array([[0.0, 0.0], [2.0, 3.0], [4.0, 0.0]])).tolist()
        [0.0, 3.0, 0.0]
    """
    along, offsets = unit(points[-1] - points[0]), points - points[0]
    return along[0] * offsets[:, 1] - along[1] * offsets[:, 0]
