"""Studies whose images face either way: all are turned one way before they are compared."""

import numpy as np
from jaxtyping import Bool
from numpy import ndarray

from palpate.labels.robust import Offsets


def turned(points: Offsets, other: Bool[ndarray, " image"]) -> Offsets:
    """Reflect x of the images that face the other way; landmarks keep their names.

    It is its own inverse.
    """
    sign = np.where(other[:, None, None], np.array([-1.0, 1.0]), 1.0)
    return np.asarray(points * sign)
