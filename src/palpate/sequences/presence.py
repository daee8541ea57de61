"""Which landmarks are there in which frame."""

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray

from palpate.errors import GeometryError


def present(coordinates: Float[ndarray, "frame landmark 2"]) -> Bool[ndarray, "frame landmark"]:
    """Say where a landmark has a position; NaN is absence, and nothing else is.

    Raises:
        GeometryError: a position is infinite, or has one coordinate and lacks the other.

    Example:
        >>> present(np.array([[[3.0, 4.0], [np.nan, np.nan]]])).tolist()
        [[True, False]]
    """
    there = ~np.isnan(coordinates)
    wrong = np.isinf(coordinates).any(axis=-1) | (there[..., 0] != there[..., 1])
    if wrong.any():
        frame, landmark = np.argwhere(wrong)[0]
        x, y = coordinates[frame, landmark]
        raise GeometryError(
            f"frame {frame} (counted from 0), landmark {landmark}: a position is two finite "
            f"numbers, or NaN twice where the landmark is absent; got ({x}, {y})"
        )
    return there.all(axis=-1)


def locked_flags(flags: Bool[ndarray, "..."]) -> Bool[ndarray, "..."]:
    """Return a read-only copy."""
    array = np.array(flags, dtype=np.bool_)
    array.flags.writeable = False
    return array
