"""Runs of absence, and straight lines through the short ones."""

from dataclasses import dataclass
from math import isfinite

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray

from palpate.errors import ConfigError
from palpate.sequences.presence import present

# Longer than any rounding of a clock, shorter than any frame: 5 steps of 0.04 s are 0.2 s.
_CLOCK_S = 1e-6


@dataclass(frozen=True, slots=True)
class Absence:
    """Frames in a row in which one landmark is absent.

    Args:
        landmark: its index.
        start: the first frame without it.
        stop: the frame after the last one without it.
        length_s: from the last frame that shows it before to the first that shows it after; None
            where the clip begins or ends without it, so that nobody knows.
    """

    landmark: int
    start: int
    stop: int
    length_s: float | None


@dataclass(frozen=True, slots=True)
class StraightLines:
    """Fill short gaps by straight lines; smooth nothing.

    Args:
        longest_gap_s: a gap is filled up to this length, from the last frame that shows the
            landmark to the next that does; 0 fills none.

    Raises:
        ConfigError: a negative or infinite length.
    """

    longest_gap_s: float = 0.2

    def __post_init__(self) -> None:
        refuse_negative("longest_gap_s", self.longest_gap_s)

    @property
    def words(self) -> str:
        """The method in a report's words."""
        return "Not smoothed"


def absences(
    there: Bool[ndarray, "frame landmark"], times_s: Float[ndarray, " frame"]
) -> tuple[Absence, ...]:
    """List every run of absence, landmark by landmark, in order of time.

    Example:
        >>> seen = np.array([[True], [False], [False], [True], [False]])
        >>> [(gap.start, gap.stop, gap.length_s) for gap in absences(seen, np.arange(5.0))]
        [(1, 3, 3.0), (4, 5, None)]
    """
    found = []
    for landmark, column in enumerate(there.T):
        edges = np.diff(np.concatenate([[False], ~column, [False]]).astype(int))
        starts, stops = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
        for start, stop in zip(starts.tolist(), stops.tolist(), strict=True):
            inside = start > 0 and stop < len(column)
            length = float(times_s[stop] - times_s[start - 1]) if inside else None
            found.append(Absence(landmark, start, stop, length))
    return tuple(found)


def in_short_gap(
    there: Bool[ndarray, "frame landmark"], times_s: Float[ndarray, " frame"], longest_s: float
) -> Bool[ndarray, "frame landmark"]:
    """Say where a landmark is absent for no longer than a while, and comes back.

    Raises:
        ConfigError: a negative or infinite length.
    """
    refuse_negative("longest_gap_s", longest_s)
    before, after = _neighbours(there)
    inside = ~there & (before >= 0) & (after < len(there))
    length = times_s[np.where(inside, after, 0)] - times_s[np.where(inside, before, 0)]
    return inside & (length <= longest_s + _CLOCK_S) if len(there) else inside


def fill_gaps(
    coordinates: Float[ndarray, "frame landmark 2"],
    times_s: Float[ndarray, " frame"],
    *,
    longest_s: float,
) -> tuple[Float[ndarray, "frame landmark 2"], Bool[ndarray, "frame landmark"]]:
    """Fill gaps of at most ``longest_s`` seconds, uniformly in time; say where.

    Nothing is filled before a landmark's first frame or after its last one. What was there
    stays as it was.

    Raises:
        ConfigError: a negative or infinite length.
        GeometryError: half a position.

    Example:
        >>> nose = np.array([[[1.0, 2.0]], [[np.nan, np.nan]], [[4.0, 2.0]]])
        >>> whole, filled = fill_gaps(nose, np.array([0.0, 0.1, 0.3]), longest_s=0.3)
        >>> whole[:, 0, 0].tolist(), filled[:, 0].tolist()
        ([1.0, 2.0, 4.0], [False, True, False])
    """
    there = present(coordinates)
    filled = in_short_gap(there, times_s, longest_s)
    frame, landmark = np.nonzero(filled)
    before, after = (index[frame, landmark] for index in _neighbours(there))
    share = (times_s[frame] - times_s[before]) / (times_s[after] - times_s[before])
    start, end = coordinates[before, landmark], coordinates[after, landmark]
    whole = coordinates.copy()
    whole[frame, landmark] = start + share[:, None] * (end - start)
    return whole, filled


def refuse_negative(name: str, seconds: float) -> None:
    """Let only a finite length of time pass.

    Raises:
        ConfigError: anything else.
    """
    if not (isfinite(seconds) and seconds >= 0.0):
        raise ConfigError(f"{name} is a time in seconds, 0 or more; got {seconds}")


def _neighbours(
    there: Bool[ndarray, "frame landmark"],
) -> tuple[Int[ndarray, "frame landmark"], Int[ndarray, "frame landmark"]]:
    """The last frame up to each that shows the landmark, else -1; the next, else the count."""
    count = len(there)
    index = np.arange(count)[:, None]
    before = np.maximum.accumulate(np.where(there, index, -1), axis=0)
    after = np.minimum.accumulate(np.where(there, index, count)[::-1], axis=0)[::-1]
    return before, after
