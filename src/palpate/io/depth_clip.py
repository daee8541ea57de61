"""A clip of a depth camera without its frames."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from palpate.arrays import locked, locked_int
from palpate.errors import FormatError
from palpate.geometry.pinhole import Intrinsics

# A step of the clock that differs by more than this from the median is another rate.
_SAME_STEP = 0.1


@dataclass(frozen=True, eq=False, slots=True)
class DepthClip:
    """What is known of a depth clip without its frames.

    A frame's *index* is its place among those that are there, from 0; its *number* is what it is
    called by, in its file's name and in annotation. They are equal where nothing is missing and
    counting begins at 0. In a video they always are.

    Args:
        path: of the folder, the video or the raw recording.
        size: (width, height) in px.
        times_s: when each frame was taken, strictly increasing.
        numbers: of each frame, strictly increasing.
        problem: empty, or one sentence: which frames are missing or broken.
        unit_mm: millimetres per count.
        intrinsics: of the camera, None where not known.
        nominal_hz: numbers of frames per second, as the settings say.
        files: of each frame; empty where all are in one file.

    Raises:
        FormatError: no frame, no size, numbers or times that do not increase.
    """

    path: Path
    size: tuple[int, int]
    times_s: Float[ndarray, " frame"]
    numbers: Int[ndarray, " frame"]
    problem: str = ""
    unit_mm: float = 1.0
    intrinsics: Intrinsics | None = None
    nominal_hz: float = 30.0
    files: tuple[Path, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "times_s", locked(self.times_s))
        object.__setattr__(self, "numbers", locked_int(self.numbers))
        if min(self.size) < 1:
            raise FormatError(self.path, f"a size in px was expected, got {self.size}")
        if len(self.times_s) == 0 or len(self.times_s) != len(self.numbers):
            raise FormatError(self.path, "as many times as numbers of frames were expected")
        if not (np.diff(self.numbers) > 0).all() or not (np.diff(self.times_s) > 0).all():
            raise FormatError(self.path, "numbers and times of frames increase")

    @property
    def frames(self) -> int:
        """How many frames there are."""
        return len(self.numbers)

    @property
    def rate_hz(self) -> float:
        """Frames per second: from the steps near the median step; of one frame, what is said."""
        steps = np.diff(self.times_s)
        if len(steps) == 0:
            return self.nominal_hz
        return float(1 / steps[_near_median(steps)].mean())

    @property
    def variable_rate(self) -> bool:
        """Whether some step of time differs from the median by over 10 %, as at a gap."""
        steps = np.diff(self.times_s)
        return bool(len(steps)) and not bool(_near_median(steps).all())

    @property
    def duration_s(self) -> float:
        """From the first frame to the end of the last, which is taken to last as the others."""
        return float(self.times_s[-1] - self.times_s[0]) + 1 / self.rate_hz

    def has(self, number: int) -> bool:
        """Say whether the frame of a number is there."""
        index = int(np.searchsorted(self.numbers, number))
        return index < self.frames and int(self.numbers[index]) == number

    def index_of(self, number: int) -> int:
        """Return the index of a frame by its number.

        Raises:
            FormatError: there is no such frame.
        """
        if not self.has(number):
            raise FormatError(
                self.path,
                f"has no frame {number}; its {self.frames} are numbered from "
                f"{self.numbers[0]} to {self.numbers[-1]}"
                + (f"; {self.problem}" if self.problem else ""),
            )
        return int(np.searchsorted(self.numbers, number))


def _near_median(steps: Float[ndarray, " step"]) -> ndarray:
    # One that occurs: the mean of the middle two may be near none.
    median = np.quantile(steps, 0.5, method="lower")
    return np.abs(steps - median) <= _SAME_STEP * median
