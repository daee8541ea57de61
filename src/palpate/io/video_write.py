"""Video out: H.264 in MP4, which browsers, phones and slides play.

Pictures go out one by one and none is kept. The file has another name until it is complete; where
an error ends the writing, the frames that were given by then are kept under the right name.
"""

import os
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from fractions import Fraction
from itertools import chain
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from jaxtyping import UInt8
from numpy import ndarray

from palpate.errors import ConfigError, GeometryError, OutputError
from palpate.io.video_file import pyav

# Names in ITU-T H.273 that every player understands.
_BT709 = 1
_LIMITED = 1
# 29.97 a second is 30000/1001.
_LARGEST_DENOMINATOR = 1001
_LARGEST_RATE_HZ = 10_000.0
# So a player finds its way after a jump of at most two seconds.
_KEY_FRAME_EVERY_S = 2.0


class VideoWriter:
    """A video being written, frame by frame, at a constant rate; a context manager.

    Args:
        path: ends in .mp4; an old file is replaced when the new one is complete.
        size: (width, height) in px of every frame. The format holds even sizes only: an odd one
            is made even by repeating the last column or row.
        rate_hz: frames per second.
        crf: constant rate factor of H.264: 0 loses nothing but colour detail, 18 looks the same,
            23 is the usual one, 51 is the worst.

    Raises:
        ConfigError: another suffix, a rate or a factor out of range, no PyAV, no encoder in it.
        GeometryError: a size that is not positive.
        OutputError: on leaving, where no frame was added, or where the disk refuses.

    Example:
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     with VideoWriter(Path(folder) / "grey.mp4", (64, 48), 25.0) as writer:
        ...         for level in range(10):
        ...             writer.add(np.full((48, 64, 3), 20 * level, dtype=np.uint8))
        ...     writer.frames, sorted(os.listdir(folder))
        (10, ['grey.mp4'])
    """

    def __init__(self, path: Path, size: tuple[int, int], rate_hz: float, *, crf: int = 18) -> None:
        if path.suffix.lower() != ".mp4":
            raise ConfigError(f"{path}: video is written as MP4; give a name that ends in .mp4")
        if min(size) < 1:
            raise GeometryError(f"{path}: a size in px was expected, got {size}")
        if not 0 <= crf <= 51:
            raise ConfigError(f"{path}: crf is {crf}, expected 0 (best) to 51 (worst)")
        self.path = path
        self.size = size
        self.frames = 0
        self._rate = _rate(path, rate_hz)
        self._crf = crf
        self._partial: Any = None
        self._container: Any = None
        self._track: Any = None
        self._to_yuv: Any = None

    def __enter__(self) -> "VideoWriter":
        av = pyav()
        if "libx264" not in av.codecs_available:
            raise ConfigError(
                "this PyAV has no H.264 encoder (libx264); pip install --force-reinstall av"
            )
        self.frames = 0
        self._to_yuv = av.video.reformatter.VideoReformatter()
        try:
            self._partial = _partial_beside(self.path)
            self._container = av.open(
                f"file:{self._partial}",
                mode="w",
                format="mp4",
                # The table of frames goes to the front, so that a browser can begin at once.
                container_options={"movflags": "+faststart"},
            )
            self._track = self._new_track()
        except (av.FFmpegError, OSError) as error:
            self._discard()
            raise self._refused(error) from error
        return self

    def add(self, frame: UInt8[ndarray, "y x 3"]) -> None:
        """Append one RGB frame.

        Raises:
            GeometryError: another size or type than the video's.
            OutputError: the disk refuses, or the writer is not open.
        """
        if self._container is None:
            raise OutputError(f"{self.path}: frames are added inside 'with VideoWriter(...)'")
        width, height = self.size
        if frame.shape != (height, width, 3) or frame.dtype != np.uint8:
            raise GeometryError(
                f"{self.path}: frame {self.frames} is {frame.dtype} of shape {frame.shape}, "
                f"expected uint8 of shape {(height, width, 3)}"
            )
        even = np.pad(frame, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
        self._encode(self._yuv(np.ascontiguousarray(even)))
        self.frames += 1

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if self.frames:
                self._finish()
        except OutputError:
            # An error that is already under way says more than one about the file.
            if error is None:
                raise
        finally:
            self._discard()
        if error is None and not self.frames:
            raise OutputError(f"{self.path}: there was no frame to write, so no file is written")

    def _new_track(self) -> Any:
        track = self._container.add_stream(
            "libx264", rate=self._rate, options={"crf": str(self._crf)}
        )
        track.width, track.height = (side + side % 2 for side in self.size)
        track.pix_fmt = "yuv420p"
        track.gop_size = max(1, round(_KEY_FRAME_EVERY_S * self._rate))
        track.colorspace = track.color_primaries = track.color_trc = _BT709
        track.color_range = _LIMITED
        return track

    def _yuv(self, picture: UInt8[ndarray, "y x 3"]) -> Any:
        frame = self._to_yuv.reformat(
            pyav().VideoFrame.from_ndarray(picture, format="rgb24"),
            format="yuv420p",
            dst_colorspace="ITU709",
            dst_color_range="MPEG",
            threads=1,
        )
        frame.pts = self.frames
        frame.time_base = 1 / self._rate
        return frame

    def _encode(self, frame: Any) -> None:
        try:
            self._container.mux(self._track.encode(frame))
        except (pyav().FFmpegError, OSError) as error:
            raise self._refused(error) from error

    def _finish(self) -> None:
        """Write what the encoder still holds, close, and give the file its name."""
        self._encode(None)
        try:
            self._container.close()
            with self._partial.open("rb") as stream:
                os.fsync(stream.fileno())
            self._partial.chmod(0o644)
            self._partial.replace(self.path)
        except (pyav().FFmpegError, OSError) as error:
            raise self._refused(error) from error

    def _discard(self) -> None:
        """Close what is open and remove what has no right name."""
        if self._container is not None:
            with suppress(pyav().FFmpegError, OSError):
                self._container.close()
        if self._partial is not None:
            self._partial.unlink(missing_ok=True)
        self._container = self._track = self._partial = None

    def _refused(self, error: Exception) -> OutputError:
        reason = getattr(error, "strerror", None) or error
        return OutputError(
            f"could not write {self.path}: {reason}; "
            "free some space or choose another folder, then run the same command again"
        )


def write_video(
    path: Path, frames: Iterable[UInt8[ndarray, "y x 3"]], *, rate_hz: float, crf: int = 18
) -> int:
    """Write RGB frames, all of one size, as H.264 in MP4; return how many.

    Frames are taken one by one. Where taking the next one fails, those before are kept in the
    file and the error goes on.

    Args:
        path: ends in .mp4.
        frames: in order.
        rate_hz: frames per second.
        crf: 0 (best) to 51 (worst), as :class:`VideoWriter`.

    Raises:
        ConfigError: as :class:`VideoWriter`.
        GeometryError: a frame of another size than the first, or no RGB picture.
        OutputError: no frame, or the disk refuses.
    """
    rest = iter(frames)
    first = next(rest, None)
    if first is None:
        raise OutputError(f"{path}: there was no frame to write, so no file is written")
    height, width = first.shape[:2]
    with VideoWriter(path, (width, height), rate_hz, crf=crf) as writer:
        for frame in chain([first], rest):
            writer.add(frame)
    return writer.frames


def _rate(path: Path, rate_hz: float) -> Fraction:
    rate = Fraction(0)
    if np.isfinite(rate_hz) and 0 < rate_hz <= _LARGEST_RATE_HZ:
        rate = Fraction(rate_hz).limit_denominator(_LARGEST_DENOMINATOR)
    if rate == 0:
        raise ConfigError(
            f"{path}: rate_hz is {rate_hz:g}, expected frames per second, "
            f"from 0.001 to {_LARGEST_RATE_HZ:g}"
        )
    return rate


def _partial_beside(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".partial", dir=path.parent)
    os.close(handle)
    return Path(name)
