"""The line integral of a connection's map between two joints: how sure it is that they belong."""

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray


def line_integrals(
    maps: Float[ndarray, "map y x"],
    which: Int[ndarray, " pair"],
    first: Float[ndarray, "pair 2"],
    second: Float[ndarray, "pair 2"],
    samples: int,
) -> Float[ndarray, " pair"]:
    """Mean of a map along the straight line between two points, divided by its length.

    Samples are evenly spaced, in the middle of equal pieces of the line, and read bilinearly. A
    point outside reads the border.

    Args:
        maps: of connections.
        which: the map of each pair.
        first: (x, y) where the line begins, in cells.
        second: where it ends.
        samples: how many.

    Source:
        Cao et al., "Realtime multi-person 2D pose estimation using part affinity fields", CVPR
        2017, eq. 10, 11; here the maps have no direction.

    Example:
        >>> maps = np.zeros((1, 3, 9))
        >>> maps[0, 1, 2:6] = 1.0
        >>> ends = np.array([[1.5, 1.0]]), np.array([[9.5, 1.0]])
        >>> line_integrals(maps, np.array([0]), *ends, samples=8).tolist()
        [0.5]
    """
    _, height, width = maps.shape
    along = (np.arange(samples) + 0.5) / samples
    x = first[:, :1] + along * (second[:, :1] - first[:, :1])
    y = first[:, 1:] + along * (second[:, 1:] - first[:, 1:])
    x, y = x.clip(0, width - 1), y.clip(0, height - 1)
    left, up = x.astype(np.intp), y.astype(np.intp)
    x -= left
    y -= up
    right = np.minimum(left + 1, width - 1)
    above = (which[:, None] * height + up) * width
    below = (which[:, None] * height + np.minimum(up + 1, height - 1)) * width
    flat = maps.reshape(-1)
    upper = flat[above + left] * (1 - x) + flat[above + right] * x
    lower = flat[below + left] * (1 - x) + flat[below + right] * x
    return (upper * (1 - y) + lower * y).mean(axis=1)
