"""From a frame's arrival to its joints: how long, in memory that does not grow."""

from math import ceil, log10
from typing import Any

import numpy as np
from numpy import ndarray

from palpate.errors import FormatError

_FIRST_S = 1e-4
_BINS_A_DECADE = 20
_DECADES = 7
_RATIO = 10.0 ** (1.0 / _BINS_A_DECADE)


class DelayHistogram:
    """Counts in bins that each reach 12 % further than the one before, from 0.1 ms to 1000 s.

    A percentile is the upper end of its bin: never less than the truth, and 12 % more at most.
    The longest delay is exact.

    Example:
        >>> delays = DelayHistogram()
        >>> for seconds in (0.01, 0.01, 0.01, 0.5):
        ...     delays.add(seconds)
        >>> 0.01 <= delays.percentile(50.0) < 0.0113, delays.longest_s
        (True, 0.5)
    """

    def __init__(self) -> None:
        self.counts: ndarray = np.zeros(_BINS_A_DECADE * _DECADES + 1, dtype=np.int64)
        self.longest_s = 0.0

    def add(self, seconds: float) -> None:
        """Count one delay."""
        place = ceil(_BINS_A_DECADE * log10(max(seconds, _FIRST_S) / _FIRST_S) - 1e-9)
        self.counts[min(place, len(self.counts) - 1)] += 1
        self.longest_s = max(self.longest_s, seconds)

    @property
    def total(self) -> int:
        """How many delays were counted."""
        return int(self.counts.sum())

    def percentile(self, percent: float) -> float | None:
        """Return the delay in seconds that ``percent`` of the frames did not exceed, or None."""
        if not self.total:
            return None
        wanted = max(1, ceil(self.total * percent / 100.0))
        place = int(np.searchsorted(np.cumsum(self.counts), wanted))
        return min(_FIRST_S * _RATIO**place * (1.0 + 1e-9), self.longest_s)

    def as_json(self) -> dict[str, object]:
        """Return what a file keeps: bins without a count are left out."""
        return {
            "longest_s": self.longest_s,
            "bins": {str(i): int(self.counts[i]) for i in np.flatnonzero(self.counts)},
        }

    @classmethod
    def from_json(cls, content: Any) -> "DelayHistogram":
        """Read what ``as_json`` gave.

        Raises:
            FormatError: it is none.
        """
        delays = cls()
        try:
            for place, count in content["bins"].items():
                delays.counts[int(place)] = int(count)
            delays.longest_s = float(content["longest_s"])
        except (KeyError, ValueError, IndexError, TypeError, AttributeError) as error:
            raise FormatError("delays", f"no histogram of delays: {error}") from error
        return delays

    def joined(self, other: "DelayHistogram") -> "DelayHistogram":
        """Return both together."""
        both = DelayHistogram()
        both.counts = self.counts + other.counts
        both.longest_s = max(self.longest_s, other.longest_s)
        return both

    def bins(self) -> list[tuple[float, int]]:
        """Return (upper end in s, count) of each bin from the first to the last with a count."""
        there = np.flatnonzero(self.counts)
        if not len(there):
            return []
        span = range(int(there[0]), int(there[-1]) + 1)
        return [(_FIRST_S * _RATIO**place, int(self.counts[place])) for place in span]
