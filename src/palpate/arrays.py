"""Arrays that cannot change after the noun that holds them was checked."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray

# What a caller may pass for numbers: an array, or lists and tuples of numbers.
Numbers = ndarray | Sequence[Any]


def locked(values: Numbers) -> Float[ndarray, "..."]:
    """Return a read-only float64 copy."""
    array = np.array(values, dtype=np.float64)
    array.flags.writeable = False
    return array


def locked_int(values: Numbers) -> Int[ndarray, "..."]:
    """Return a read-only int64 copy."""
    array = np.array(values, dtype=np.int64)
    array.flags.writeable = False
    return array


def rows_with_nan(values: Float[ndarray, "... d"]) -> Bool[ndarray, "..."]:
    """Say which rows hold at least one NaN."""
    return np.isnan(values).any(axis=-1)
