"""Raw 16-bit frames on standard input or through a named pipe: how a camera's program feeds us.

First a line ``PALPATE-DEPTH width height``; then for every frame its number and its time in
nanoseconds, 8 bytes each, and its pixels row by row, 2 bytes each, all little-endian and unsigned.
"""

import stat
import struct
from collections.abc import Iterator
from contextlib import closing
from io import FileIO
from pathlib import Path
from threading import Event

import numpy as np

from palpate.errors import FormatError
from palpate.monitor.frame import BadFrame, SourceRestarted, StreamEvent, StreamFrame
from palpate.monitor.packed import LARGEST_PX

MAGIC = b"PALPATE-DEPTH"
STANDARD_INPUT = Path("-")
_LONGEST_HEADER = 64
_FRAME = struct.Struct("<QQ")
_LARGEST_NUMBER = 2**53


def stream_header(width: int, height: int) -> bytes:
    r"""Return what a camera's program writes first.

    Example:
        >>> stream_header(640, 480)
        b'PALPATE-DEPTH 640 480\n'
    """
    return MAGIC + f" {width} {height}\n".encode()


def stream_bytes(frame: StreamFrame) -> bytes:
    """Return what a camera's program writes for each frame."""
    pixels = frame.pixels.astype("<u2", copy=False).tobytes()
    return _FRAME.pack(frame.number, round(frame.time_s * 1e9)) + pixels


class PipeSource:
    """Reads frames from a pipe. A named pipe is opened again when its writer went away.

    Args:
        path: of a named pipe or a file; ``-`` is standard input.
        rate_hz: frames a second, which the header does not say.

    Raises:
        FormatError: there is no such pipe.
    """

    def __init__(self, path: Path, *, rate_hz: float = 30.0) -> None:
        self.rate_hz = rate_hz
        self._path = path
        self.name = "standard input" if path == STANDARD_INPUT else path.name
        if path != STANDARD_INPUT and not path.exists():
            raise FormatError(path, "there is no such pipe; make it with mkfifo")
        self._named = path != STANDARD_INPUT and stat.S_ISFIFO(path.stat().st_mode)

    @property
    def waits(self) -> bool:
        """A file waits; a camera behind a pipe does not."""
        return self._path != STANDARD_INPUT and not self._named

    def events(self, stop: Event) -> Iterator[StreamEvent]:
        """Yield frames as they come.

        Raises:
            FormatError: the first bytes are no header, or the stream is out of step with it.
        """
        again = False
        while not stop.is_set():
            # Unbuffered: a thread that waits in here must hold no lock when the process ends.
            with closing(self._opened()) as stream:
                size = self._size(stream)
                if size is not None:
                    if again:
                        yield SourceRestarted(f"{self.name} was opened again")
                    again = True
                    yield from self._frames(stream, size, stop)
                elif not self._named:
                    raise FormatError(self.name, "nothing came; was the camera's program started?")
            if not self._named:
                return

    def _opened(self) -> FileIO:
        if self._path == STANDARD_INPUT:
            return FileIO(0, "rb", closefd=False)
        return FileIO(self._path, "rb")

    def _size(self, stream: FileIO, line: bytes = b"") -> tuple[int, int] | None:
        """Read the header to its end; None where the writer went away without a word."""
        while not line.endswith(b"\n") and len(line) < _LONGEST_HEADER:
            byte = stream.read(1)
            if not byte:
                break
            line += byte
        if not line:
            return None
        words = line.split()
        if len(words) != 3 or words[0] != MAGIC or not all(word.isdigit() for word in words[1:]):
            raise FormatError(
                self.name,
                f"expected a line 'PALPATE-DEPTH width height', got {line!r}; see docs/monitor.md",
            )
        width, height = int(words[1]), int(words[2])
        if not (0 < width <= LARGEST_PX and 0 < height <= LARGEST_PX):
            raise FormatError(
                self.name, f"frames of 1 to {LARGEST_PX} px a side, got {width} x {height}"
            )
        return width, height

    def _frames(
        self, stream: FileIO, size: tuple[int, int] | None, stop: Event
    ) -> Iterator[StreamFrame | BadFrame | SourceRestarted]:
        while size is not None and not stop.is_set():
            head = bytearray(_FRAME.size)
            filled = _fill(stream, head)
            if not filled:
                return
            if head.startswith(MAGIC):  # another writer, before the first one's end was seen
                size = self._size(stream, bytes(head))
                yield SourceRestarted(f"{self.name} has another writer")
                continue
            frame = self._frame(stream, head, filled, size)
            yield frame
            if isinstance(frame, BadFrame):
                return

    def _frame(
        self, stream: FileIO, head: bytearray, filled: int, size: tuple[int, int]
    ) -> StreamFrame | BadFrame:
        whole = _FRAME.size + 2 * size[0] * size[1]
        if filled < _FRAME.size:
            return BadFrame(None, None, f"the stream ended after {filled} bytes of a frame")
        number, time_ns = _FRAME.unpack(head)
        if number > _LARGEST_NUMBER:
            raise FormatError(
                self.name,
                f"a frame of number {number}: the stream is out of step with its header; each "
                f"frame is {whole} bytes",
            )
        pixels = np.empty(size[::-1], dtype="<u2")
        filled += _fill(stream, pixels.data.cast("B"))
        if filled < whole:
            words = f"the stream ended in frame {number}, after {filled} of its {whole} bytes"
            return BadFrame(number, time_ns / 1e9, words)
        return StreamFrame(number, time_ns / 1e9, pixels.astype(np.uint16, copy=False))


def _fill(stream: FileIO, content: bytearray | memoryview) -> int:
    """Read until it is full or the stream ends; return how many bytes came."""
    view, filled = memoryview(content), 0
    while filled < len(content):
        came = stream.readinto(view[filled:])
        if not came:
            break
        filled += came
    return filled
