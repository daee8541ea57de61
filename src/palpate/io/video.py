"""Video in: how many frames there are, when each is shown, and any frame exactly.

Frame i is the i-th that a decoder puts out, in the order of presentation, from 0: the same picture
whether it is reached from the start or by its number. Pictures are RGB, upright as a player shows
them. Interlaced fields stay woven; values beyond 8 bit are rounded to it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, UInt8
from numpy import ndarray

from palpate.arrays import locked
from palpate.errors import FormatError
from palpate.files import file_stamp
from palpate.io.video_file import VIDEO_SUFFIXES, pyav
from palpate.io.video_frames import index_frames
from palpate.io.video_index import FrameIndex
from palpate.io.video_read import frames_at
from palpate.io.video_turn import Turn, turn_of

__all__ = [
    "VIDEO_SUFFIXES",
    "Video",
    "open_video",
    "read_frame",
    "read_frames",
    "read_selected",
]

# A step of the clock that differs by more than this from the median is another rate.
_SAME_STEP = 0.1
# Indices of files that were opened last; one of an hour of video takes about 2 MB.
_REMEMBERED = 64


@dataclass(frozen=True, eq=False, slots=True)
class Video:
    """What is known of a video without its pictures.

    Args:
        path: of the file.
        size: (width, height) in px as shown, after rotation.
        times_s: when each frame is shown, from 0, strictly increasing.
        rotation_deg: clockwise turn from the pictures as stored to those shown: 0, 90, 180, 270.
        problem: empty, or one sentence: where decoding broke off, what is missing. A changing
            frame rate is no problem.
        mirrored: the file asks for its pictures to be mirrored; those read are.
        pixel_aspect: width of a pixel by its height, as shown. Where it is not 1, angles measured
            in px are not angles in the scene.
        nominal_hz: the rate that the file claims.
        tick_s: the finest step of the file's clock, in s.

    Raises:
        FormatError: no frame, no size, times that do not increase from 0.
    """

    path: Path
    size: tuple[int, int]
    times_s: Float[ndarray, " frame"]
    rotation_deg: int = 0
    problem: str = ""
    mirrored: bool = False
    pixel_aspect: float = 1.0
    nominal_hz: float = 25.0
    tick_s: float = 0.0

    def __post_init__(self) -> None:
        times = locked(self.times_s)
        object.__setattr__(self, "times_s", times)
        if min(self.size) < 1:
            raise FormatError(self.path, f"a size in px was expected, got {self.size}")
        if times.ndim != 1 or len(times) == 0 or times[0] != 0 or not (np.diff(times) > 0).all():
            raise FormatError(self.path, "times of frames that increase from 0 were expected")
        if self.rotation_deg not in (0, 90, 180, 270):
            raise FormatError(self.path, f"a quarter turn was expected, got {self.rotation_deg}")

    @property
    def frames(self) -> int:
        """Number of frames."""
        return len(self.times_s)

    @property
    def rate_hz(self) -> float:
        """Frames per second: from the steps near the median step; of one frame, what is claimed.

        Their mean, not the median itself: a clock of whole milliseconds shows 30 frames a second
        as steps of 33 and 34 ms.
        """
        steps = np.diff(self.times_s)
        if len(steps) == 0:
            return self.nominal_hz
        return float(1 / steps[self._near_median(steps)].mean())

    @property
    def variable_rate(self) -> bool:
        """Whether some step differs from the median by over 10 % (and one tick of the clock)."""
        steps = np.diff(self.times_s)
        return bool(len(steps)) and not bool(self._near_median(steps).all())

    @property
    def duration_s(self) -> float:
        """From the first frame to the end of the last, which is taken to last as the others."""
        return float(self.times_s[-1]) + 1 / self.rate_hz

    def _near_median(self, steps: Float[ndarray, " step"]) -> ndarray:
        median = np.median(steps)
        # Half a tick more than one, so that rounding in the last digit decides nothing.
        return np.abs(steps - median) <= max(_SAME_STEP * median, 1.5 * self.tick_s)


def open_video(path: Path) -> Video:
    """Find out what a video holds. Opening an unchanged file again costs nothing.

    Raises:
        ConfigError: PyAV is not installed.
        FormatError: no file, empty, not a video, no moving pictures, no frame that can be
            decoded, turned by an angle that is no quarter turn.

    Example:
        >>> import tempfile
        >>> from palpate.io.video_write import write_video
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     levels = [np.full((48, 64, 3), level, np.uint8) for level in (0, 100, 200)]
        ...     count = write_video(Path(folder) / "grey.mp4", levels, rate_hz=20.0)
        ...     video = open_video(Path(folder) / "grey.mp4")
        ...     middle = read_frame(video, 1)
        >>> video.frames, video.size, video.rate_hz, video.times_s.tolist()
        (3, (64, 48), 20.0, [0.0, 0.05, 0.1])
        >>> abs(int(middle.mean()) - 100) < 3
        True
    """
    return _opened(path, file_stamp(path))[0]


def read_frames(
    video: Video, start: int = 0, stop: int | None = None
) -> Iterator[UInt8[ndarray, "y x 3"]]:
    """Yield the frames from ``start`` up to, not including, ``stop``: RGB, as shown.

    One frame is held at a time. Where decoding breaks, the frames before have been given, and
    the error says which is the first that is not there; reading may begin again after it.

    Raises:
        FormatError: a number beyond the video, at once; a frame that cannot be decoded, when its
            turn comes; the file has changed since it was opened.
    """
    last = video.frames if stop is None else stop
    if not 0 <= start <= last <= video.frames:
        raise FormatError(
            video.path, f"has {video.frames} frames, counted from 0; not {start} up to {last}"
        )
    return (picture for _, picture in _pictures(video, range(start, last)))


def read_frame(video: Video, index: int) -> UInt8[ndarray, "y x 3"]:
    """Return one frame, the same that :func:`read_frames` gives at its turn.

    Raises:
        FormatError: no such frame, or it cannot be decoded.
    """
    return next(picture for _, picture in read_selected(video, [index]))


def read_selected(
    video: Video, indices: Sequence[int]
) -> Iterator[tuple[int, UInt8[ndarray, "y x 3"]]]:
    """Yield (index, frame) for increasing indices; no frame is decoded twice, long gaps are not.

    Raises:
        FormatError: as :func:`read_frames`, or indices that do not increase.
    """
    wanted = [int(index) for index in indices]
    for index in wanted:
        if not 0 <= index < video.frames:
            raise FormatError(
                video.path, f"has no frame {index}: it has {video.frames}, counted from 0"
            )
    if any(later <= earlier for earlier, later in pairwise(wanted)):
        raise FormatError(video.path, "the frames to read must be sorted, each named once")
    return _pictures(video, wanted)


def _pictures(video: Video, wanted: Sequence[int]) -> Iterator[tuple[int, UInt8[ndarray, "y x 3"]]]:
    now, index = _opened(video.path, file_stamp(video.path))
    if now.frames != video.frames or now.size != video.size:
        raise FormatError(video.path, "has changed since it was opened; open it again")
    turn = Turn(video.rotation_deg, video.mirrored)
    to_rgb = pyav().video.reformatter.VideoReformatter()
    for number, frame in frames_at(video.path, index, wanted):
        picture = turn.shown(_rgb(video.path, number, frame, to_rgb))
        if picture.shape[:2] != video.size[::-1]:
            came = f"{picture.shape[1]} x {picture.shape[0]}"
            raise FormatError(
                video.path,
                f"frame {number} is {came} px, the first is {video.size[0]} x {video.size[1]} px; "
                "save the parts as files of their own",
            )
        yield number, picture


def _rgb(path: Path, number: int, frame: Any, to_rgb: Any) -> UInt8[ndarray, "y x 3"]:
    av = pyav()
    try:
        # The matrix and the range are the frame's; more threads would cost more than the work.
        picture = to_rgb.reformat(frame, format="rgb24", threads=1)
    except (av.FFmpegError, ValueError) as error:
        raise FormatError(
            path, f"frame {number}: its colours ({frame.format.name}) cannot be read"
        ) from error
    return picture.to_ndarray()


@lru_cache(maxsize=_REMEMBERED)
def _opened(path: Path, stamp: tuple[int, ...]) -> tuple[Video, FrameIndex]:
    index = index_frames(path)
    first = int(np.argmax(index.sound))
    _, frame = next(frames_at(path, index, [first]))
    turn = turn_of(path, frame)
    video = Video(
        path,
        turn.shown_size(frame.width, frame.height),
        (index.ticks - index.ticks[0]) * index.tick_s,
        turn.rotation_deg,
        index.problem,
        turn.mirrored,
        turn.shown_aspect(index.pixel_aspect),
        index.nominal_hz,
        index.tick_s,
    )
    return video, index
