"""What a stream brings: frames, frames that cannot be read, and the news that it began anew."""

from dataclasses import dataclass
from math import isfinite

import numpy as np
from jaxtyping import UInt16
from numpy import ndarray

from palpate.errors import GeometryError


@dataclass(frozen=True, eq=False, slots=True)
class StreamFrame:
    """One depth frame as the camera gave it.

    Args:
        number: the camera's own count; a number that is left out is a frame that never came.
        time_s: on the camera's clock, from any zero.
        pixels: (y, x) in counts, uint16; 0 where nothing was measured.

    Raises:
        GeometryError: another type or rank of pixels, a negative number, no finite time.

    Example:
        >>> StreamFrame(7, 0.25, np.ones((2, 3), np.uint16)).size
        (3, 2)
    """

    number: int
    time_s: float
    pixels: UInt16[ndarray, "y x"]

    def __post_init__(self) -> None:
        if self.pixels.dtype != np.uint16 or self.pixels.ndim != 2 or 0 in self.pixels.shape:
            raise GeometryError(
                f"frame {self.number}: depth is 16-bit pixels (y, x), got {self.pixels.dtype} of "
                f"shape {self.pixels.shape}; set the camera to 16 bit"
            )
        if self.number < 0 or not isfinite(self.time_s):
            raise GeometryError(f"frame {self.number} at {self.time_s} s: no number or no time")
        view = self.pixels.view()
        view.flags.writeable = False
        object.__setattr__(self, "pixels", view)

    @property
    def size(self) -> tuple[int, int]:
        """Number of pixels along (x, y)."""
        return self.pixels.shape[1], self.pixels.shape[0]


@dataclass(frozen=True, slots=True)
class BadFrame:
    """A frame that came and cannot be read.

    Args:
        number: None where not even that is known.
        time_s: None where not known.
        reason: what is wrong with it, as a clause.
    """

    number: int | None
    time_s: float | None
    reason: str


@dataclass(frozen=True, slots=True)
class DroppedFrame:
    """A frame that was let go unread, because the work was behind."""

    number: int
    time_s: float


@dataclass(frozen=True, slots=True)
class SourceRestarted:
    """The camera, or what feeds us, began anew: its numbers and its clock may have too."""

    reason: str


StreamEvent = StreamFrame | BadFrame | DroppedFrame | SourceRestarted


@dataclass(frozen=True, slots=True)
class Arrival:
    """An event of the stream and when it came, on our own monotonic clock."""

    event: StreamEvent
    arrived_s: float
