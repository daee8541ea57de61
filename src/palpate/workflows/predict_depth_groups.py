"""Which frames of a clip a network sees together, told by their times.

A network that was trained on frames ``interval_s`` apart is given such frames, whatever the clip's
rate: at 30 frames a second and 1/6 s these are frames 0, 5, 10, then 1, 6, 11, and so on, so that
no two clips share a frame and every frame is predicted once.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray

from palpate.errors import GeometryError

# A longer step between two frames than this many intervals parts a clip into runs.
_GAP = 1.5
# Times are rounded to the microsecond where they are written.
_ROUNDING_S = 1e-5


@dataclass(frozen=True, slots=True)
class Spacing:
    """What a network wants of a clip.

    Args:
        frames: how many it is given at a time.
        interval_s: from one to the next.

    Raises:
        GeometryError: no frame, or an interval that is not positive.
    """

    frames: int
    interval_s: float

    def __post_init__(self) -> None:
        if self.frames < 1 or not (np.isfinite(self.interval_s) and self.interval_s > 0):
            raise GeometryError(
                f"clips have frames at a positive interval, got {self.frames} frames "
                f"{self.interval_s:g} s apart"
            )

    @property
    def reach_s(self) -> float:
        """How far from a frame the others of its clip may be, stand-ins included."""
        return (self.frames - 1 + _GAP) * self.interval_s


@dataclass(frozen=True, slots=True)
class Together:
    """Frames that go through a network as one clip.

    Args:
        indices: of the frames, in time's order; the same one twice where nothing else is there.
        kept: places in ``indices`` whose frames are predicted by this clip. The frames at the
            other places only stand beside them.
        spaced: whether each frame is where the network wants it, within half a frame's period.
    """

    indices: tuple[int, ...]
    kept: tuple[int, ...]
    spaced: bool


def planned(
    times_s: Float[ndarray, " frame"],
    spacing: Spacing,
    done: Bool[ndarray, " frame"] | None = None,
) -> Iterator[Together]:
    """Yield clips until every frame has been kept once; ``done`` is marked as they are given.

    The first frame that is not done yet begins a clip with those that follow it at the interval.
    Where one of these is missing, at the end or beside a gap, the clip is moved back in time, so
    that frames that are done stand beside it; where that has no right spacing either, the frames
    that are nearest to the wanted times stand in, out of the same run. A run ends where no frame
    came for one and a half intervals.

    Args:
        times_s: of the frames, increasing.
        spacing: what the network wants.
        done: frames that are predicted already; changed in place. None: no frame is.

    Example:
        >>> clips = list(planned(np.arange(7) / 6, Spacing(3, 1 / 6)))
        >>> [(clip.indices, clip.kept) for clip in clips]
        [((0, 1, 2), (0, 1, 2)), ((3, 4, 5), (0, 1, 2)), ((4, 5, 6), (2,))]
    """
    done = np.zeros(len(times_s), dtype=bool) if done is None else done
    tolerance = min(usual_step(times_s), spacing.interval_s) / 2 + _ROUNDING_S
    for first, stop in _runs(times_s, _GAP * spacing.interval_s):
        for index in range(first, stop):
            if not done[index]:
                chosen, off_s = _around(times_s[first:stop], index - first, spacing, tolerance)
                together = _together(chosen + first, off_s <= tolerance, done)
                done[[together.indices[place] for place in together.kept]] = True
                yield together


def usual_step(times_s: Float[ndarray, " frame"]) -> float:
    """Median time from frame to frame; infinite for a single frame."""
    return float(np.median(np.diff(times_s))) if len(times_s) > 1 else np.inf


def _runs(times_s: Float[ndarray, " frame"], gap_s: float) -> Iterator[tuple[int, int]]:
    """First frame, and one after the last, of each stretch without a longer step than ``gap_s``."""
    cuts = (np.flatnonzero(np.diff(times_s) > gap_s + _ROUNDING_S) + 1).tolist()
    yield from zip([0, *cuts], [*cuts, len(times_s)], strict=True)


def _around(
    run_s: Float[ndarray, " frame"], index: int, spacing: Spacing, tolerance: float
) -> tuple[Int[ndarray, " frames"], Float[ndarray, " frames"]]:
    """The best spaced clip with ``index`` in it, as early in it as can be; how far each is off."""
    found: list[tuple[Int[ndarray, " frames"], Float[ndarray, " frames"]]] = []
    for place in range(spacing.frames):
        wanted = run_s[index] + spacing.interval_s * (np.arange(spacing.frames) - place)
        chosen = _nearest(run_s, wanted)
        off_s = np.abs(run_s[chosen] - wanted)
        if (off_s <= tolerance).all():
            return chosen, off_s
        found.append((chosen, off_s))
    return min(found, key=lambda clip: round(float(clip[1].sum()), 5))


def _together(
    indices: Int[ndarray, " frames"],
    fitting: Bool[ndarray, " frames"],
    done: Bool[ndarray, " frame"],
) -> Together:
    """Keep each frame that is where it should be and not done yet; of two places, the first."""
    kept: dict[int, int] = {}
    for place in np.flatnonzero(fitting & ~done[indices]):
        kept.setdefault(int(indices[place]), int(place))
    return Together(tuple(int(one) for one in indices), tuple(kept.values()), bool(fitting.all()))


def _nearest(
    run_s: Float[ndarray, " frame"], wanted: Float[ndarray, " frames"]
) -> Int[ndarray, " frames"]:
    """Index of the nearest time to each wanted one; of two as near, the earlier."""
    after = np.clip(np.searchsorted(run_s, wanted), 0, len(run_s) - 1)
    before = np.maximum(after - 1, 0)
    nearer = np.abs(run_s[before] - wanted) <= np.abs(run_s[after] - wanted) + _ROUNDING_S
    return np.where(nearer, before, after)
