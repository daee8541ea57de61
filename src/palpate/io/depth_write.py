"""Depth out: a folder of 16-bit PNG frames, FFV1 in Matroska, or raw; all keep every count."""

import os
import tempfile
from collections.abc import Iterable, Sequence
from contextlib import suppress
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO

import cv2
import numpy as np
from jaxtyping import UInt16
from numpy import ndarray

from palpate.errors import ConfigError, GeometryError, OutputError
from palpate.files import write_atomically, write_bytes, write_text
from palpate.io.depth_folder import TIMESTAMPS
from palpate.io.depth_raw import LARGEST_NUMBER, RAW_SUFFIX, frame_bytes, stream_header
from palpate.io.video_file import pyav

# Of zlib: a third of the time of the usual 6 for a tenth more bytes.
_QUICK = [cv2.IMWRITE_PNG_COMPRESSION, 1]
_LARGEST_DENOMINATOR = 1001


def write_depth_png(path: Path, frame: UInt16[ndarray, "y x"]) -> None:
    """Write one frame, atomically.

    Raises:
        GeometryError: no uint16 array of two axes.
        OutputError: the disk refuses.
    """
    _refuse_other(path, frame)
    sound, content = cv2.imencode(".png", frame, _QUICK)
    if not sound:
        raise OutputError(f"{path}: the frame could not be coded as PNG")
    write_bytes(path, content.tobytes())


def write_depth_folder(
    folder: Path,
    frames: Iterable[UInt16[ndarray, "y x"]],
    *,
    numbers: Sequence[int] | None = None,
    times_s: Sequence[float] | None = None,
) -> int:
    """Write frames as ``000000.png`` and so on; return how many.

    Args:
        folder: made where it is not there; files of other names in it stay.
        frames: taken one by one.
        numbers: of the frames, counted from 0 where None.
        times_s: written to timestamps.csv where given.

    Raises:
        GeometryError: a frame that is no uint16 array of two axes.
        OutputError: no frame, fewer or more numbers or times than frames, or the disk refuses.
    """
    count = 0
    for index, frame in enumerate(frames):
        _refuse_more(folder, index, numbers, None)
        number = index if numbers is None else numbers[index]
        write_depth_png(folder / f"{number:06d}.png", frame)
        count += 1
    _refuse_count(folder, count, numbers, times_s)
    if times_s is not None:
        named = zip(numbers or range(count), times_s, strict=True)
        rows = "".join(f"{number},{float(time)!r}\n" for number, time in named)
        write_text(folder / TIMESTAMPS, f"frame,time_s\n{rows}")
    return count


def write_depth_video(
    path: Path, frames: Iterable[UInt16[ndarray, "y x"]], *, rate_hz: float
) -> int:
    """Write frames as FFV1 (gray16le) in Matroska; return how many.

    The file has another name until it is complete.

    Args:
        path: ends in .mkv.
        frames: taken one by one, all of one size.
        rate_hz: frames per second.

    Raises:
        ConfigError: another suffix, a rate that is none, or no PyAV.
        GeometryError: a frame that is no uint16 array of two axes, or of another size.
        OutputError: no frame, or the disk refuses.
    """
    if path.suffix.lower() != ".mkv":
        raise ConfigError(f"{path}: depth video is written as Matroska; give a name ending in .mkv")
    if not (np.isfinite(rate_hz) and rate_hz > 0):
        raise ConfigError(f"{path}: rate_hz is {rate_hz}, expected frames per second")
    rest = iter(frames)
    first = next(rest, None)
    if first is None:
        raise OutputError(f"{path}: there was no frame to write, so no file is written")
    av = pyav()
    partial = _partial_beside(path)
    try:
        with av.open(f"file:{partial}", mode="w", format="matroska") as container:
            count = _encode(path, container, chain([first], rest), first.shape, rate_hz)
        partial.chmod(0o644)
        partial.replace(path)
    except (av.FFmpegError, OSError) as error:
        raise OutputError(
            f"could not write {path}: {getattr(error, 'strerror', None) or error}; "
            "free some space or choose another folder, then run the same command again"
        ) from error
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
    return count


def write_depth_raw(
    path: Path,
    frames: Iterable[UInt16[ndarray, "y x"]],
    *,
    numbers: Sequence[int] | None = None,
    times_s: Sequence[float] | None = None,
    rate_hz: float = 30.0,
) -> int:
    """Write frames as a camera's program does, uncompressed; return how many.

    The file has another name until it is complete.

    Args:
        path: ends in .depth.
        frames: taken one by one, all of one size.
        numbers: of the frames, increasing; counted from 0 where None.
        times_s: of the frames, increasing from 0 or later, kept to 1 ns; number / ``rate_hz``
            where None.
        rate_hz: numbers of frames per second.

    Raises:
        ConfigError: another suffix, or a rate that is none.
        GeometryError: a frame that is no uint16 array of two axes, or of another size.
        OutputError: no frame, fewer or more numbers or times than frames, some that do not
            increase, or the disk refuses.
    """
    if path.suffix.lower() != RAW_SUFFIX:
        raise ConfigError(f"{path}: raw depth is written to a name ending in {RAW_SUFFIX}")
    if not (np.isfinite(rate_hz) and rate_hz > 0):
        raise ConfigError(f"{path}: rate_hz is {rate_hz}, expected frames per second")
    if numbers is not None:
        _refuse_unordered(path, "numbers", numbers, LARGEST_NUMBER)
        times_s = [number / rate_hz for number in numbers] if times_s is None else times_s
    if times_s is not None:
        if not np.isfinite(times_s).all():
            raise OutputError(f"{path}: times of frames are finite, in s")
        _refuse_unordered(path, "times in ns", [round(time * 1e9) for time in times_s], 2**64 - 1)
    count = 0

    def write(stream: BinaryIO) -> None:
        nonlocal count
        shape: tuple[int, ...] = ()
        for index, frame in enumerate(frames):
            _refuse_other(path, frame)
            if index == 0:
                shape = frame.shape
                stream.write(stream_header(shape[1], shape[0]))
            _refuse_another_size(path, index, frame, shape)
            _refuse_more(path, index, numbers, times_s)
            number = index if numbers is None else numbers[index]
            time_s = index / rate_hz if times_s is None else times_s[index]
            stream.write(frame_bytes(number, time_s, frame))
            count += 1
        _refuse_count(path, count, numbers, times_s)

    write_atomically(path, write)
    return count


def _refuse_unordered(path: Path, what: str, given: Sequence[int], largest: int) -> None:
    for before, value in zip((-1, *given), given, strict=False):
        if not before < value <= largest:
            raise OutputError(
                f"{path}: {what} increase from 0 or later up to {largest}, got {value} after "
                f"{before if before >= 0 else 'none'}"
            )


def _refuse_more(
    path: Path, index: int, numbers: Sequence[int] | None, times_s: Sequence[float] | None
) -> None:
    for what, given in (("numbers", numbers), ("times", times_s)):
        if given is not None and index >= len(given):
            raise OutputError(f"{path}: there are more frames than the {len(given)} {what}")


def _encode(
    path: Path,
    container: Any,
    frames: Iterable[UInt16[ndarray, "y x"]],
    shape: tuple[int, ...],
    rate_hz: float,
) -> int:
    av = pyav()
    rate = Fraction(rate_hz).limit_denominator(_LARGEST_DENOMINATOR)
    # Version 3 keeps a check sum with every slice, so that damage is met when it is read.
    track = container.add_stream("ffv1", rate=rate, options={"level": "3", "slicecrc": "1"})
    track.height, track.width = shape
    track.pix_fmt = "gray16le"
    count = 0
    for count, values in enumerate(frames, start=1):
        _refuse_other(path, values)
        _refuse_another_size(path, count - 1, values, shape)
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(values), format="gray16le")
        frame.pts, frame.time_base = count - 1, 1 / rate
        container.mux(track.encode(frame))
    container.mux(track.encode(None))
    return count


def _refuse_other(path: Path, frame: ndarray) -> None:
    if frame.ndim != 2 or frame.dtype != np.uint16:
        raise GeometryError(
            f"{path}: a depth frame is uint16 of shape (y, x), got {frame.dtype} of {frame.shape}"
        )


def _refuse_another_size(path: Path, index: int, frame: ndarray, shape: tuple[int, ...]) -> None:
    if frame.shape != shape:
        raise GeometryError(
            f"{path}: frame {index} is of shape {frame.shape}, the first of {shape}"
        )


def _refuse_count(
    path: Path, count: int, numbers: Sequence[int] | None, times_s: Sequence[float] | None
) -> None:
    if count == 0:
        raise OutputError(f"{path}: there was no frame to write")
    for what, given in (("numbers", numbers), ("times", times_s)):
        if given is not None and len(given) != count:
            raise OutputError(f"{path}: {len(given)} {what} were given for {count} frames")


def _partial_beside(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".partial", dir=path.parent)
    os.close(handle)
    return Path(name)
