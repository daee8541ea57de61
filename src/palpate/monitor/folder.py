"""A folder that a camera's program drops numbered 16-bit PNG frames into, as a stream."""

import re
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from threading import Event

from palpate.errors import FormatError
from palpate.io.depth_folder import frame_files, number_in_name
from palpate.io.depth_png import read_depth_png, read_png_head, refuse_no_depth
from palpate.monitor.clock import Clock
from palpate.monitor.frame import BadFrame, SourceRestarted, StreamEvent, StreamFrame

_LAST_DIGITS = re.compile(r"\d+(?=\D*$)", re.ASCII)
_LEAST_LISTING_S = 0.2
_LISTING_SHARE = 0.05  # of the time, at most, goes into listing a folder that has grown large


class GrowingFolder:
    """Follows the frames of a folder as they come; a frame's time is its number by the rate.

    The frame after the last is looked for by its name; only where it does not come is the folder
    listed. A file in mid-writing is waited for. Where the folder is emptied and its numbers begin
    anew, so does the stream. What it has not read lies on the disk, so it can be kept waiting.

    Args:
        folder: that grows; it may be empty, and it may vanish and come back.
        clock: to wait by.
        rate_hz: frames a second.
        patience_s: how long a file may stay unfinished before it is a bad frame.
        backlog: begin with the frames that are there, not behind them.

    Raises:
        FormatError: there is no such folder.
    """

    waits = True

    def __init__(
        self,
        folder: Path,
        clock: Clock,
        *,
        rate_hz: float = 30.0,
        patience_s: float = 2.0,
        backlog: bool = False,
    ) -> None:
        if not folder.is_dir():
            raise FormatError(folder, "there is no such folder; make it before the camera starts")
        self.name, self.rate_hz = folder.name, rate_hz
        self._folder, self._clock, self._patience_s = folder, clock, patience_s
        self._waiting: deque[Path] = deque()
        self._last: Path | None = None
        self._seen_any = False
        self._listing_s = _LEAST_LISTING_S
        self._listed_s = -self._listing_s
        if not backlog:
            there = self._numbered()
            self._last = there[-1][1] if there else None

    def events(self, stop: Event) -> Iterator[StreamEvent]:
        """Yield frames as they come.

        Raises:
            FormatError: the first frame is no depth.
        """
        while not stop.is_set():
            path = self._expected() or self._listed()
            if path is None:
                self._clock.wait(stop, 0.25 / self.rate_hz)
            elif self._began_anew(path):
                yield SourceRestarted(f"{self.name} begins anew with {path.name}")
                self._last = None
                self._waiting.appendleft(path)
            else:
                event = self._read(path, stop)
                self._last = path
                if event is not None:
                    yield event

    def _expected(self) -> Path | None:
        """The next file by name, if it is there."""
        if self._waiting:
            return self._waiting.popleft()
        if self._last is None:
            return None
        name = _LAST_DIGITS.sub(
            lambda digits: str(int(digits[0]) + 1).zfill(len(digits[0])), self._last.name
        )
        path = self._last.with_name(name)
        return path if path.exists() else None

    def _listed(self) -> Path | None:
        """List the folder, if that is due, and return the first file to read."""
        now = self._clock.now()
        if now - self._listed_s < self._listing_s:
            return None
        there = self._numbered()
        self._listed_s = self._clock.now()
        self._listing_s = max(_LEAST_LISTING_S, (self._listed_s - now) / _LISTING_SHARE)
        last = -1 if self._last is None else _number(self._last)
        fresh = [path for number, path in there if number > last]
        if not fresh and there and there[-1][0] < last:  # even the last one is gone
            fresh = [path for _, path in there]
        self._waiting.extend(fresh)
        return self._waiting.popleft() if fresh else None

    def _began_anew(self, path: Path) -> bool:
        return self._last is not None and _number(path) <= _number(self._last)

    def _numbered(self) -> list[tuple[int, Path]]:
        try:
            files = frame_files(self._folder)
        except OSError:  # it vanished: wait for it
            return []
        return sorted(
            (number, path) for path in files if (number := number_in_name(path)) is not None
        )

    def _read(self, path: Path, stop: Event) -> StreamEvent | None:
        number = _number(path)
        time_s = number / self.rate_hz
        since = self._clock.now()
        while True:
            try:
                head = read_png_head(path)
                break
            except FormatError as error:
                if self._clock.now() - since >= self._patience_s:
                    words = f"frame {number}: {path.name} {error.problem}"
                    return BadFrame(number, time_s, f"{words} after {self._patience_s:g} s")
                if self._clock.wait(stop, 0.25 / self.rate_hz):
                    return None
        try:
            refuse_no_depth(path, head)
            pixels = read_depth_png(path)
        except FormatError as error:
            if not self._seen_any and not head.is_depth:
                raise
            return BadFrame(number, time_s, f"frame {number}: {path.name} {error.problem}")
        self._seen_any = True
        return StreamFrame(number, time_s, pixels)


def _number(path: Path) -> int:
    return number_in_name(path) or 0
