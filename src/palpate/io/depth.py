"""Depth in: a clip of a depth camera, its times, and its frames as they were measured.

A frame is uint16 of shape (y, x): counts of ``unit_mm`` millimetres, and 0 where nothing was
measured. A clip is a folder of 16-bit PNG frames, a lossless 16-bit video, or a raw recording.
"""

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from jaxtyping import UInt16
from numpy import ndarray

from palpate.errors import FormatError
from palpate.io.depth_clip import DepthClip
from palpate.io.depth_folder import frame_files, open_depth_folder
from palpate.io.depth_png import read_depth_png
from palpate.io.depth_raw import RAW_SUFFIX, depth_raw_frames, is_depth_raw, open_depth_raw
from palpate.io.depth_settings import USUAL_DEPTH, DepthSettings
from palpate.io.depth_video import depth_video_frames, open_depth_video
from palpate.io.video_file import VIDEO_SUFFIXES

__all__ = [
    "DepthClip",
    "DepthSettings",
    "find_depth_clips",
    "open_depth",
    "read_depth_frame",
    "read_depth_frames",
]

# Clips that were opened last.
_REMEMBERED = 64


def find_depth_clips(folder: Path) -> list[Path]:
    """List the depth clips below a folder, by name: folders of PNG files, videos, recordings."""
    found = {
        path.parent if path.suffix.lower() == ".png" else path
        for path in folder.rglob("*")
        if (path.suffix.lower() in (".png", *VIDEO_SUFFIXES) or is_depth_raw(path))
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    }
    return sorted(found)


def open_depth(path: Path, settings: DepthSettings = USUAL_DEPTH) -> DepthClip:
    """Find out what a depth clip holds. Opening an unchanged one again costs next to nothing.

    Args:
        path: a folder of 16-bit PNG frames, a lossless 16-bit video, or a raw recording (.depth).
        settings: rate, unit and camera; nothing of it is in the frames.

    Raises:
        ConfigError: PyAV is not installed, and the clip is a video.
        FormatError: no clip, no frame, not 16-bit, lossy, in colour, a number twice, a clock that
            goes back.

    Example:
        >>> import tempfile
        >>> import numpy as np
        >>> from palpate.io.depth_write import write_depth_folder
        >>> frames = [np.full((48, 64), 450 + i, np.uint16) for i in range(3)]
        >>> folder = Path(tempfile.mkdtemp()) / "infant01"
        >>> _ = write_depth_folder(folder, frames)
        >>> clip = open_depth(folder, DepthSettings(rate_hz=6.0))
        >>> clip.frames, clip.size, clip.times_s.round(3).tolist()
        (3, (64, 48), [0.0, 0.167, 0.333])
        >>> int(read_depth_frame(clip, 2).max())
        452
    """
    if path.is_dir():
        return _folder(path, _stamp(path), settings)
    if not path.exists():
        raise FormatError(path, "there is no such file or folder")
    if is_depth_raw(path):
        return open_depth_raw(path, settings)
    return open_depth_video(path, settings)


def read_depth_frame(clip: DepthClip, index: int) -> UInt16[ndarray, "y x"]:
    """Return one frame by its index; by its number: ``clip.index_of(number)``.

    Raises:
        FormatError: no such frame, or it cannot be read.
    """
    return next(read_depth_frames(clip, index, index + 1))


def read_depth_frames(
    clip: DepthClip, start: int = 0, stop: int | None = None
) -> Iterator[UInt16[ndarray, "y x"]]:
    """Yield the frames from index ``start`` up to, not including, ``stop``; one is held at a time.

    Raises:
        FormatError: an index beyond the clip, at once; a frame that cannot be read, when its turn
            comes, with its number.
    """
    last = clip.frames if stop is None else stop
    if not 0 <= start <= last <= clip.frames:
        raise FormatError(
            clip.path, f"has {clip.frames} frames, counted from 0; not {start} up to {last}"
        )
    if clip.files:
        return (_read(clip, index) for index in range(start, last))
    if clip.path.suffix.lower() == RAW_SUFFIX:
        return depth_raw_frames(clip, start, last)
    return depth_video_frames(clip, range(start, last))


def _read(clip: DepthClip, index: int) -> UInt16[ndarray, "y x"]:
    frame = read_depth_png(clip.files[index])
    if frame.shape != clip.size[::-1]:
        raise FormatError(clip.files[index], "has changed since its clip was opened; open it again")
    return frame


def _stamp(folder: Path) -> tuple[int, ...]:
    """What changes when frames come, go, or are written anew."""
    times = [path.stat().st_mtime_ns for path in frame_files(folder)]
    table = folder / "timestamps.csv"
    return (len(times), max(times, default=0), table.stat().st_mtime_ns if table.is_file() else 0)


@lru_cache(maxsize=_REMEMBERED)
def _folder(path: Path, stamp: tuple[int, ...], settings: DepthSettings) -> DepthClip:
    return open_depth_folder(path, settings)
