"""The ellipse that a landmark is inside with a stated probability."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from palpate.evaluation.coverage import squared_radius

LEVEL = 0.9


@dataclass(frozen=True, slots=True)
class Ellipse:
    """Half axes in px, the longer first, and the angle of the longer from x towards y."""

    major: float
    minor: float
    degrees: float


def uncertainty_ellipse(covariance: Float[ndarray, "2 2"], level: float = LEVEL) -> Ellipse:
    """Return the ellipse of a normal distribution that holds ``level`` of it.

    Example:
        >>> round(uncertainty_ellipse(np.eye(2)).major, 3)
        2.146
    """
    values, vectors = np.linalg.eigh(covariance)
    minor, major = np.sqrt(np.maximum(values, 0.0) * squared_radius(level, 2))
    x, y = vectors[:, 1]
    return Ellipse(float(major), float(minor), float(np.degrees(np.arctan2(y, x))))
