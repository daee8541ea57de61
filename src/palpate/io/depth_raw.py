r"""Raw depth: the stream that a camera's program writes, and what was recorded of it as a clip.

First a line ``PALPATE-DEPTH width height``; then for every frame its number and its time in
nanoseconds, 8 bytes each, and its pixels row by row, 2 bytes each, all little-endian and unsigned.
Every frame takes as many bytes, so any of them is read without those before it.
"""

import struct
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

import numpy as np
from jaxtyping import UInt16
from numpy import ndarray

from palpate.errors import FormatError
from palpate.io.depth_clip import DepthClip
from palpate.io.depth_folder import gaps_in
from palpate.io.depth_settings import DepthSettings

RAW_SUFFIX = ".depth"
MAGIC = b"PALPATE-DEPTH"
LONGEST_HEADER = 64
HEAD_BYTES = 16
LARGEST_NUMBER = 2**53

_HEAD = struct.Struct("<QQ")
_HEADS = np.dtype([("number", "<u8"), ("time_ns", "<u8")])
_LARGEST_PX = 65535
_REMEMBERED = 64

# (width, height), numbers and times of the frames, in ns, and the problem.
_Scanned = tuple[tuple[int, int], ndarray, ndarray, str]


def stream_header(width: int, height: int) -> bytes:
    r"""Return what a camera's program writes first.

    Example:
        >>> stream_header(640, 480)
        b'PALPATE-DEPTH 640 480\n'
    """
    return MAGIC + f" {width} {height}\n".encode()


def frame_bytes(number: int, time_s: float, pixels: UInt16[ndarray, "y x"]) -> bytes:
    """Return what a camera's program writes for each frame.

    Example:
        >>> frame_bytes(9, 0.3, np.full((1, 2), 450, np.uint16)).hex(" ", -8)
        '0900000000000000 00a3e11100000000 c201c201'
    """
    return _HEAD.pack(number, round(time_s * 1e9)) + pixels.astype("<u2", copy=False).tobytes()


def bytes_of_frame(size: tuple[int, int]) -> int:
    """Return how many bytes a frame of (width, height) takes, its head among them."""
    return HEAD_BYTES + 2 * size[0] * size[1]


def parse_header(
    line: bytes, where: Path | str, *, largest_px: int = _LARGEST_PX
) -> tuple[int, int]:
    """Return (width, height) of a stream from its first line.

    Raises:
        FormatError: another line, or sides beyond ``largest_px``.
    """
    words = line.split()
    if len(words) != 3 or words[0] != MAGIC or not all(word.isdigit() for word in words[1:]):
        raise FormatError(
            where,
            f"expected a line 'PALPATE-DEPTH width height', got {line!r}; see docs/monitor.md",
        )
    width, height = int(words[1]), int(words[2])
    if not (0 < width <= largest_px and 0 < height <= largest_px):
        raise FormatError(where, f"frames of 1 to {largest_px} px a side, got {width} x {height}")
    return width, height


def parse_head(
    head: bytes | bytearray, where: Path | str, size: tuple[int, int]
) -> tuple[int, int]:
    """Return a frame's number and its time in ns from its first 16 bytes.

    Raises:
        FormatError: no camera counts that far; the stream is out of step with its header.
    """
    number, time_ns = _HEAD.unpack(head)
    if number > LARGEST_NUMBER:
        raise FormatError(
            where,
            f"a frame of number {number}: the stream is out of step with its header; each frame "
            f"is {bytes_of_frame(size)} bytes",
        )
    return number, time_ns


def is_depth_raw(path: Path) -> bool:
    """Whether a path is a recorded stream, by its name; a pipe is none."""
    return path.suffix.lower() == RAW_SUFFIX and path.is_file()


def open_depth_raw(path: Path, settings: DepthSettings) -> DepthClip:
    """Find out what a recorded stream holds; of its frames only the heads are read.

    Numbers and times are those of the frames, times less the first; its rate is not of the
    settings. A last frame that is cut off is told in ``problem``, and so are gaps in the numbers.

    Raises:
        FormatError: another first line, no whole frame, a frame out of step with the header,
            numbers or times that do not increase.
    """
    size, numbers, times_ns, problem = _scanned(path, _stamp(path))
    return DepthClip(
        path,
        size,
        (times_ns - times_ns[0]) / 1e9,
        numbers,
        problem,
        settings.unit_mm,
        settings.intrinsics,
        settings.rate_hz,
    )


def depth_raw_frames(clip: DepthClip, start: int, stop: int) -> Iterator[UInt16[ndarray, "y x"]]:
    """Yield the frames from index ``start`` up to, not including, ``stop``.

    Raises:
        FormatError: the file has changed since it was opened.
    """
    whole = bytes_of_frame(clip.size)
    with _opened(clip.path) as stream:
        size = parse_header(stream.readline(LONGEST_HEADER), clip.path)
        stream.seek(stream.tell() + start * whole)
        for number in clip.numbers[start:stop].tolist():
            content = stream.read(whole) if size == clip.size else b""
            if len(content) < whole or _HEAD.unpack_from(content)[0] != number:
                raise FormatError(clip.path, "has changed since it was opened; open it again")
            pixels = np.frombuffer(content, dtype="<u2", offset=HEAD_BYTES)
            yield pixels.reshape(size[::-1]).astype(np.uint16)


def _opened(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as error:
        raise FormatError(path, f"cannot be read: {error.strerror or error}") from error


def _stamp(path: Path) -> tuple[int, ...]:
    try:
        status = path.stat()
    except OSError as error:
        raise FormatError(path, f"cannot be read: {error.strerror or error}") from error
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


@lru_cache(maxsize=_REMEMBERED)
def _scanned(path: Path, stamp: tuple[int, ...]) -> _Scanned:
    # A file that grows is taken as long as it was when it was looked at.
    length = stamp[2]
    with _opened(path) as stream:
        size = parse_header(stream.readline(LONGEST_HEADER), path)
        begin, whole = stream.tell(), bytes_of_frame(size)
        count, rest = divmod(length - begin, whole)
        if count < 1:
            raise FormatError(
                path,
                f"holds no whole frame: {rest} bytes come after its first line, a frame of "
                f"{size[0]} x {size[1]} px is {whole}",
            )
        heads = _heads(path, stream, range(begin, begin + count * whole, whole), size)
    numbers, times_ns = heads["number"].astype(np.int64), heads["time_ns"]
    _refuse_back(path, numbers, times_ns, begin, whole)
    said = [gaps_in(numbers)]
    if rest:
        said.append(
            f"ends in mid-frame: {rest} of {whole} bytes come after frame {numbers[-1]}, the last "
            "that is whole"
        )
    return size, numbers, times_ns, "; ".join(filter(None, said))


def _heads(path: Path, stream: BinaryIO, places: range, size: tuple[int, int]) -> ndarray:
    """Number and time of each frame; what lies between is not read."""
    heads = bytearray()
    for place in places:
        stream.seek(place)
        head = stream.read(HEAD_BYTES)
        if head.startswith(MAGIC):
            raise FormatError(
                path, f"another recording begins at byte {place}; cut the file in two there"
            )
        if len(head) < HEAD_BYTES:
            raise FormatError(path, "was cut off while it was read; open it again")
        parse_head(head, path, size)
        heads += head
    return np.frombuffer(bytes(heads), dtype=_HEADS)


def _refuse_back(path: Path, numbers: ndarray, times_ns: ndarray, begin: int, whole: int) -> None:
    # Compared, since differences of unsigned numbers wrap around.
    back = np.flatnonzero((numbers[1:] <= numbers[:-1]) | (times_ns[1:] <= times_ns[:-1]))
    if len(back):
        last, index = int(back[0]), int(back[0]) + 1
        raise FormatError(
            path,
            f"frame {numbers[index]} at {times_ns[index] / 1e9:.12g} s comes after frame "
            f"{numbers[last]} at {times_ns[last] / 1e9:.12g} s; numbers and times increase: where "
            f"the camera began anew, cut the file in two at byte {begin + index * whole}; a clock "
            "that was set back must be put right first",
        )
