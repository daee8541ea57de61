"""How far a median would move with other subjects: medians of resamples, and their interval."""

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from palpate.evaluation.bootstrap import Interval, Resampling


def resampled_medians(
    values: Float[ndarray, " row"], owners: Int[ndarray, " row"], resampling: Resampling
) -> Float[ndarray, " resample"]:
    """Return the median of the rows in every resample of the subjects; NaN where it has no row.

    A row counts as often as its subject was drawn. As everywhere, the median of an even number
    is the middle of the two in the middle.

    Args:
        values: finite, one a row.
        owners: place of each row's subject among those of the resampling.
        resampling: of the subjects.
    """
    if not len(values):
        return np.full(len(resampling.weights), np.nan)
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    ours = owners[order] == np.arange(len(resampling.subjects))[:, None]
    # How many rows of each subject stand at or before each value.
    reached = np.cumsum(ours, axis=1).astype(float)
    total = resampling.weights @ reached[:, -1]
    lower = _first_beyond(np.floor((total - 1) / 2), reached, resampling)
    upper = _first_beyond(np.floor(total / 2), reached, resampling)
    return np.where(total > 0, (ordered[lower] + ordered[upper]) / 2, np.nan)


def _first_beyond(
    count: Float[ndarray, " resample"],
    reached: Float[ndarray, "subject row"],
    resampling: Resampling,
) -> Int[ndarray, " resample"]:
    """First place at which more than ``count`` rows of a resample stand, by bisection.

    A resample is a few counts of subjects, thousands of rows need not be laid out for it.
    """
    low = np.zeros(len(count), dtype=int)
    high = np.full(len(count), reached.shape[1] - 1)
    while (low < high).any():
        middle = (low + high) // 2
        enough = (resampling.weights * reached[:, middle].T).sum(axis=1) > count
        low, high = np.where(enough, low, middle + 1), np.where(enough, middle, high)
    return np.minimum(low, high)


def percentile_interval(
    values: Float[ndarray, " resample"], resampling: Resampling
) -> Interval | None:
    """Return the interval of a figure of every resample; those without one do not count."""
    known = values[np.isfinite(values)]
    if not len(known):
        return None
    tail = (1 - resampling.level) / 2
    low, high = np.quantile(known, [tail, 1 - tail])
    return float(low), float(high)
