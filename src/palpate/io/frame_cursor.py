"""Frames of clips, one after the other at the cost of decoding each once."""

from collections.abc import Iterator
from pathlib import Path

from jaxtyping import UInt8, UInt16
from numpy import ndarray

from palpate.errors import FormatError
from palpate.io.depth import (
    DepthClip,
    DepthSettings,
    open_depth,
    read_depth_frame,
    read_depth_frames,
)
from palpate.io.depth_raw import is_depth_raw
from palpate.io.video import Video, open_video, read_frames

# Decoding on is cheaper than seeking back to the key frame before, up to about its distance.
_DECODE_ON = 60


class FrameCursor:
    """Remembers where the last frame was: going forwards decodes each frame once.

    It changes, and is not for several threads at a time.

    Args:
        depth: of the camera, where the clips are of depth.
    """

    def __init__(self, depth: DepthSettings | None = None) -> None:
        self._depth = depth
        self._path: Path | None = None
        self._clip: Video | DepthClip | None = None
        self._frames: Iterator[ndarray] = iter(())
        self._next = 0
        # Where any frame costs as much as the next one, clips are gone through in any order.
        self._direct: dict[Path, DepthClip] = {}

    def read(
        self, path: Path, number: int
    ) -> UInt8[ndarray, "channel y x"] | UInt16[ndarray, "channel y x"]:
        """Return a frame of a clip by its number: three channels of colour, or one of depth.

        Raises:
            FormatError: no clip, or it has no such frame.
        """
        if self._depth is not None and (path.is_dir() or is_depth_raw(path)):
            return self._directly(path, number, self._depth)
        if path != self._path or self._clip is None:
            self._clip = open_video(path) if self._depth is None else open_depth(path, self._depth)
            self._path, self._frames, self._next = path, iter(()), -1
        if not 0 <= number < self._clip.frames:
            raise FormatError(path, f"has no frame {number}; its {self._clip.frames} count from 0")
        if not 0 <= number - self._next <= _DECODE_ON or self._next < 0:
            self._frames, self._next = _from(self._clip, number), number
        for frame in self._frames:
            self._next += 1
            if self._next > number:
                return frame[None] if frame.ndim == 2 else frame.transpose(2, 0, 1)
        raise FormatError(path, f"frame {number} cannot be decoded")

    def _directly(
        self, path: Path, number: int, depth: DepthSettings
    ) -> UInt16[ndarray, "channel y x"]:
        if path not in self._direct:
            self._direct[path] = open_depth(path, depth)
        clip = self._direct[path]
        return read_depth_frame(clip, clip.index_of(number))[None]


def _from(clip: Video | DepthClip, start: int) -> Iterator[ndarray]:
    if isinstance(clip, DepthClip):
        return read_depth_frames(clip, start)
    return read_frames(clip, start)
