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
    # How many rows of the resample stand at or before each value.
    reached = np.cumsum(resampling.weights[:, owners[order]], axis=1)
    total = reached[:, -1:]
    lower = np.argmax(reached > np.floor((total - 1) / 2), axis=1)
    upper = np.argmax(reached > np.floor(total / 2), axis=1)
    return np.where(total[:, 0] > 0, (ordered[lower] + ordered[upper]) / 2, np.nan)


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
