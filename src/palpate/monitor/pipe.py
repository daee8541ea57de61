"""Raw 16-bit frames on standard input or through a named pipe: how a camera's program feeds us.

Their layout is that of :mod:`palpate.io.depth_raw`, which reads what was recorded of such a stream.
"""

import stat
from collections.abc import Iterator
from contextlib import closing
from io import FileIO
from pathlib import Path
from threading import Event

import numpy as np

from palpate.errors import FormatError
from palpate.io.depth_raw import (
    HEAD_BYTES,
    LONGEST_HEADER,
    MAGIC,
    bytes_of_frame,
    frame_bytes,
    parse_head,
    parse_header,
    stream_header,
)
from palpate.monitor.frame import BadFrame, SourceRestarted, StreamEvent, StreamFrame
from palpate.monitor.packed import LARGEST_PX

__all__ = ["STANDARD_INPUT", "PipeSource", "stream_bytes", "stream_header"]

STANDARD_INPUT = Path("-")


def stream_bytes(frame: StreamFrame) -> bytes:
    """Return what a camera's program writes for each frame."""
    return frame_bytes(frame.number, frame.time_s, frame.pixels)


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
        while not line.endswith(b"\n") and len(line) < LONGEST_HEADER:
            byte = stream.read(1)
            if not byte:
                break
            line += byte
        if not line:
            return None
        return parse_header(line, self.name, largest_px=LARGEST_PX)

    def _frames(
        self, stream: FileIO, size: tuple[int, int] | None, stop: Event
    ) -> Iterator[StreamFrame | BadFrame | SourceRestarted]:
        while size is not None and not stop.is_set():
            head = bytearray(HEAD_BYTES)
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
        whole = bytes_of_frame(size)
        if filled < HEAD_BYTES:
            return BadFrame(None, None, f"the stream ended after {filled} bytes of a frame")
        number, time_ns = parse_head(head, self.name, size)
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
