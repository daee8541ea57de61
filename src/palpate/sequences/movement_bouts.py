"""When a limb moves: bouts of movement between rests and stretches in which it is not seen."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool
from numpy import ndarray

from palpate.sequences.movement_amount import Amount
from palpate.sequences.movement_course import Course
from palpate.sequences.movement_settings import MovementSettings


@dataclass(frozen=True, slots=True)
class Bout:
    """One unbroken movement.

    Args:
        start, stop: first frame and the frame after the last, in the course.
        seconds: how long it lasts, as far as it is seen.
        whole: it begins and ends in a rest that is seen. Otherwise it may be longer than this.
    """

    start: int
    stop: int
    seconds: float
    whole: bool


def bouts(course: Course, scale: float, settings: MovementSettings) -> tuple[Bout, ...]:
    """List the movements: faster than the threshold, long enough, short rests inside bridged.

    A stretch in which the movement cannot be told is never part of a bout, nor bridged: a bout
    ends there, and is not ``whole``.

    Args:
        course: of one limb.
        scale: one body length in the unit of the positions.
        settings: threshold in body lengths a second, least length, longest rest.

    Example:
        >>> from palpate.sequences.movement import derived
        >>> from palpate.sequences.movement_course import course
        >>> times = 0.04 * np.arange(250)
        >>> x = np.where(times < 4.0, 0.0, np.minimum(80.0 * (times - 4.0), 160.0))
        >>> step = np.stack([x, 0.0 * x], axis=-1)[:, None]
        >>> moved = derived(("wrist",), step, times, MovementSettings())
        >>> [found] = bouts(course(moved, "arm", 0), 100.0, MovementSettings())
        >>> round(found.seconds, 1), found.whole
        (2.1, True)
    """
    known = course.known
    active = np.zeros(len(known), dtype=np.bool_)
    active[known] = course.speed[known] > settings.active_above * scale
    for start, stop in _runs(known & ~active):
        inside = start > 0 and stop < len(active) and active[start - 1] and active[stop]
        if inside and _length_s(course, start, stop) <= settings.bridge_s * (1.0 + 1e-9):
            active[start:stop] = True
    found = [
        Bout(start, stop, _length_s(course, start, stop), _whole(known, start, stop))
        for start, stop in _runs(active)
    ]
    return tuple(bout for bout in found if bout.seconds >= settings.shortest_bout_s * (1.0 - 1e-9))


def active_share(course: Course, found: Sequence[Bout]) -> Amount:
    """Share of the observed time that lies in bouts, in [0, 1]; what is not seen does not count."""
    if course.observed_s == 0.0:
        return Amount(reason=f"the movement of the {course.name} is not seen in this window")
    return Amount(min(1.0, sum(bout.seconds for bout in found) / course.observed_s))


def bouts_per_minute(course: Course, found: Sequence[Bout]) -> Amount:
    """Bouts in a minute of observed time."""
    if course.observed_s == 0.0:
        return Amount(reason=f"the movement of the {course.name} is not seen in this window")
    return Amount(60.0 * len(found) / course.observed_s)


def bout_length(course: Course, found: Sequence[Bout]) -> Amount:
    """Median length in seconds of the bouts of which beginning and end are seen."""
    lengths = [bout.seconds for bout in found if bout.whole]
    if not lengths:
        return Amount(reason=f"no bout of the {course.name} with beginning and end in this window")
    return Amount(float(np.median(lengths)))


def _whole(known: Bool[ndarray, " frame"], start: int, stop: int) -> bool:
    return bool(start > 0 and stop < len(known) and known[start - 1] and known[stop])


def _length_s(course: Course, start: int, stop: int) -> float:
    return float(course.seconds[start:stop].sum())


def _runs(flags: Bool[ndarray, " frame"]) -> list[tuple[int, int]]:
    edges = np.diff(np.concatenate([[False], flags, [False]]).astype(int))
    starts, stops = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    return list(zip(starts.tolist(), stops.tolist(), strict=True))
