"""Where each frame of a video file can be found again."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int
from numpy import ndarray


@dataclass(frozen=True, eq=False, slots=True)
class FrameIndex:
    """Every frame of a file, in the order of presentation.

    Args:
        ticks: time of each frame in units of the track's clock, strictly increasing.
        tick_s: that unit, in s.
        keys: times at which decoding may begin, increasing.
        by_time: the decoder's frames carry these ticks, so that a frame is known by its time
            wherever decoding began; otherwise frames are counted from the first.
        sound: False where decoding the whole file came upon damage.
        nominal_hz: the rate that the file claims.
        pixel_aspect: width by height of a pixel as stored.
        reorder: how many frames may wait for one that is shown before and comes after them.
        but_last: the last packet is no frame, or may be no whole one, and is left out.
        problem: empty, or one sentence.

    Example:
        >>> ticks, key = np.array([512, 1024, 1536]), np.array([512])
        >>> index = FrameIndex(ticks, 1 / 12800, key, True, np.ones(3, dtype=bool), 25.0)
        >>> len(index), index.at(1536), index.at(1000), list(index.keys_before(2))
        (3, 2, None, [512])
    """

    ticks: Int[ndarray, " frame"]
    tick_s: float
    keys: Int[ndarray, " key"]
    by_time: bool
    sound: Bool[ndarray, " frame"]
    nominal_hz: float
    pixel_aspect: float = 1.0
    reorder: int = 0
    but_last: bool = False
    problem: str = ""

    def __len__(self) -> int:
        return len(self.ticks)

    def at(self, tick: int | None) -> int | None:
        """Return which frame has this time, or None."""
        if tick is None:
            return None
        place = int(np.searchsorted(self.ticks, tick))
        return place if place < len(self) and self.ticks[place] == tick else None

    def keys_before(self, frame: int) -> Iterator[int]:
        """Yield the times at which decoding may begin to reach a frame, the nearest first."""
        return (int(key) for key in self.keys[: self._keys_up_to(frame)][::-1])

    def frame_of_key_before(self, frame: int) -> int:
        """Return the nearest frame, up to this one, at which decoding may begin."""
        return next((at for key in self.keys_before(frame) if (at := self.at(key)) is not None), 0)

    def frame_of_key_after(self, frame: int) -> int | None:
        """Return the next frame after this one at which decoding may begin, or None."""
        later = (self.at(int(key)) for key in self.keys[self._keys_up_to(frame) :])
        return next((at for at in later if at is not None), None)

    def _keys_up_to(self, frame: int) -> int:
        return int(np.searchsorted(self.keys, self.ticks[frame], side="right"))
