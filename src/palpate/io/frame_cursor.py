"""Frames of clips, one after the other at the cost of decoding each once."""

from collections.abc import Iterator
from pathlib import Path

from jaxtyping import UInt8
from numpy import ndarray

from palpate.errors import FormatError
from palpate.io.video import Video, open_video, read_frames

# Decoding on is cheaper than seeking back to the key frame before, up to about its distance.
_DECODE_ON = 60


class FrameCursor:
    """Remembers where the last frame was: going forwards decodes each frame once.

    It changes, and is not for several threads at a time.
    """

    def __init__(self) -> None:
        self._path: Path | None = None
        self._video: Video | None = None
        self._frames: Iterator[UInt8[ndarray, "y x 3"]] = iter(())
        self._next = 0

    def read(self, path: Path, index: int) -> UInt8[ndarray, "y x 3"]:
        """Return frame ``index`` of a clip.

        Raises:
            FormatError: no clip, or it has no such frame.
        """
        if path != self._path or self._video is None:
            self._video, self._path, self._frames, self._next = open_video(path), path, iter(()), -1
        if not 0 <= index < self._video.frames:
            raise FormatError(path, f"has no frame {index}; its {self._video.frames} count from 0")
        if not 0 <= index - self._next <= _DECODE_ON or self._next < 0:
            self._frames, self._next = read_frames(self._video, start=index), index
        for frame in self._frames:
            self._next += 1
            if self._next > index:
                return frame
        raise FormatError(path, f"frame {index} cannot be decoded")
