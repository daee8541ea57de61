"""Medians of what lies around each moment."""

import numpy as np
from jaxtyping import Float
from numpy import ndarray

# Numbers gathered at once: 64 MB.
_AT_ONCE = 8_000_000


def rolling_median(
    values: Float[ndarray, "frame column"], times_s: Float[ndarray, " frame"], window_s: float
) -> Float[ndarray, "frame column"]:
    """Median of each column in a window around each frame, NaN left out.

    The window reaches ``window_s / 2`` seconds to both sides, or to the clip's end. NaN where
    nothing is in it.

    Example:
        >>> spike = np.array([[1.0], [9.0], [2.0], [np.nan]])
        >>> rolling_median(spike, np.array([0.0, 1.0, 2.0, 9.0]), 2.0)[:, 0].tolist()
        [5.0, 2.0, 5.5, nan]
    """
    half = window_s / 2.0 * (1.0 + 1e-9)  # a frame on the edge is in, whatever the rounding
    low = np.searchsorted(times_s, times_s - half, side="left")
    high = np.searchsorted(times_s, times_s + half, side="right")
    width = int((high - low).max(initial=1))
    medians = np.full_like(values, np.nan)
    rows = max(1, _AT_ONCE // (width * max(1, values.shape[1])))
    for start in range(0, len(values), rows):
        part = slice(start, start + rows)
        index = low[part, None] + np.arange(width)
        inside = index < high[part, None]
        around = values[np.minimum(index, len(values) - 1)]
        # NaN is sorted to the end, so the middle of what is left is found by its count.
        around = np.sort(np.where(inside[..., None], around, np.nan), axis=1)
        count = np.count_nonzero(~np.isnan(around), axis=1)[:, None]
        below, above = np.maximum(count - 1, 0) // 2, np.minimum(count // 2, width - 1)
        middle = np.take_along_axis(around, below, 1) + np.take_along_axis(around, above, 1)
        medians[part] = middle[:, 0] / 2.0
    return medians
