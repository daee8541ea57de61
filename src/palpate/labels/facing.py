"""Studies whose images face either way: all are turned one way before they are compared."""

import numpy as np
from jaxtyping import Bool
from numpy import ndarray

from palpate.labels.expected import FEWEST_LANDMARKS, FEWEST_SHAPES, misfits
from palpate.labels.robust import Offsets, known

# From this share of the images on, facing the other way is no mistake but how the study is.
_USUAL = 0.15
# A mirror image must fit so much better to count as facing the other way.
_BETTER = 0.6


def faces_other_way(labels: Offsets) -> Bool[ndarray, " image"]:
    """Tell which images face the other way than most, where that is usual in the study.

    Where few do, none does: those are left to be found as mistakes.

    Args:
        labels: (image, landmark, 2); NaN where absent.

    Example:
        >>> base = np.array([[0.0, 0.0], [40.0, 0.0], [40.0, 60.0], [0.0, 50.0], [9.0, 30.0]])
        >>> labels = base + np.random.default_rng(0).normal(size=(20, 5, 2))
        >>> labels[:6, :, 0] *= -1.0
        >>> int(faces_other_way(labels).sum()), int(faces_other_way(labels[5:]).sum())
        (6, 0)
    """
    usable = known(labels).sum(axis=1) >= FEWEST_LANDMARKS
    other = np.zeros(len(labels), dtype=bool)
    if usable.sum() < FEWEST_SHAPES:
        return other
    as_is, mirrored = misfits(labels[usable])
    other[usable] = mirrored < _BETTER * as_is
    return other if other[usable].mean() >= _USUAL else np.zeros(len(labels), dtype=bool)


def turned(points: Offsets, other: Bool[ndarray, " image"]) -> Offsets:
    """Reflect x of the images that face the other way; landmarks keep their names.

    It is its own inverse.
    """
    sign = np.where(other[:, None, None], np.array([-1.0, 1.0]), 1.0)
    return np.asarray(points * sign)
