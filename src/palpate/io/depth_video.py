"""Depth in a video: 16 bits of grey, coded without loss."""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt16
from numpy import ndarray

from palpate.errors import FormatError
from palpate.files import file_stamp
from palpate.io.depth_clip import DepthClip
from palpate.io.depth_settings import DepthSettings
from palpate.io.video_file import opened
from palpate.io.video_frames import index_frames
from palpate.io.video_index import FrameIndex
from palpate.io.video_read import frames_at

LOSSLESS = ("ffv1", "png", "rawvideo")
_GREY_16 = ("gray16le", "gray16be")
_REMEMBERED = 64


def open_depth_video(path: Path, settings: DepthSettings) -> DepthClip:
    """Find out what a depth video holds; its times are its own, its rate is not of the settings.

    Raises:
        ConfigError: PyAV is not installed.
        FormatError: no video, not of 16-bit grey, or coded with loss.
    """
    index, size = _indexed(path, file_stamp(path))
    return DepthClip(
        path,
        size,
        (index.ticks - index.ticks[0]) * index.tick_s,
        np.arange(len(index)),
        index.problem,
        settings.unit_mm,
        settings.intrinsics,
        settings.rate_hz,
    )


def depth_video_frames(clip: DepthClip, wanted: Sequence[int]) -> Iterator[UInt16[ndarray, "y x"]]:
    """Yield frames by increasing indices.

    Raises:
        FormatError: a frame cannot be decoded, or the file has changed.
    """
    index, size = _indexed(clip.path, file_stamp(clip.path))
    if len(index) != clip.frames or size != clip.size:
        raise FormatError(clip.path, "has changed since it was opened; open it again")
    for number, frame in frames_at(clip.path, index, wanted):
        yield _counts(clip, number, frame)


def _counts(clip: DepthClip, number: int, frame: Any) -> UInt16[ndarray, "y x"]:
    if frame.format.name not in _GREY_16 or (frame.width, frame.height) != clip.size:
        raise FormatError(
            clip.path,
            f"frame {number} is {frame.width} x {frame.height} px of {frame.format.name}, the "
            f"first is {clip.size[0]} x {clip.size[1]} px of 16-bit grey",
        )
    return frame.to_ndarray().astype(np.uint16, copy=False)


@lru_cache(maxsize=_REMEMBERED)
def _indexed(path: Path, stamp: tuple[int, ...]) -> tuple[FrameIndex, tuple[int, int]]:
    with opened(path) as (_, track):
        codec, pixels = str(track.codec_context.name), str(track.codec_context.pix_fmt)
        size = int(track.codec_context.width), int(track.codec_context.height)
    if pixels not in _GREY_16:
        raise FormatError(
            path,
            f"holds {pixels}, depth is 16-bit grey (gray16le): what was squeezed to 8 bit has lost "
            "its millimetres; give the raw frames, or leave out [video.depth] to use it as a plain "
            "clip",
        )
    if codec not in LOSSLESS:
        raise FormatError(
            path,
            f"is coded as {codec}, which may change counts; depth is kept without loss: "
            f"{', '.join(LOSSLESS)}",
        )
    return index_frames(path), size
