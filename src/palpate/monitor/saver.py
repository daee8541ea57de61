"""Segments on their way to the disk: kept while it is full, counted where memory is too small."""

import errno
import sqlite3
from collections import deque
from dataclasses import replace
from threading import Lock

from palpate.errors import OutputError
from palpate.monitor.record import Gap
from palpate.monitor.segment import Segment
from palpate.monitor.store import MonitorStore

PENDING = 3600  # segments: an hour of 12 joints is about 5 MB
_TOGETHER = 64  # of them in one transaction, where several wait
_FULL = (errno.ENOSPC, errno.EDQUOT)


class SegmentSaver:
    """Appends segments in order, and tries again those that the disk had no room for.

    Args:
        store: to append to.
        pending: segments that wait in memory at most; older ones are given up, and the store is
            told so by a gap as soon as it takes something again.
    """

    def __init__(self, store: MonitorStore, *, pending: int = PENDING) -> None:
        self._store = store
        self._most = pending
        self._pending: deque[Segment] = deque()
        self._lock = Lock()  # of the queue
        self._saving = Lock()  # one at a time
        self._given_up: list[Gap] = []
        self.unsaved = 0  # frames given up
        self.full = False

    def add(self, segment: Segment) -> None:
        """Queue a segment."""
        with self._lock:
            self._pending.append(segment)
            while len(self._pending) > self._most:
                self._give_up(self._pending.popleft())

    def save(self) -> None:
        """Append what waits, as far as there is room.

        Raises:
            OutputError: the store fails for another reason than a full disk.
        """
        with self._saving:
            while batch := self._next():
                told, segments = batch
                first = replace(segments[0], gaps=(*told, *segments[0].gaps))
                if not self._appended([first, *segments[1:]]):
                    self._put_back(told, segments)
                    return

    def _next(self) -> tuple[list[Gap], list[Segment]] | None:
        with self._lock:
            count = min(len(self._pending), _TOGETHER)
            if not count:
                return None
            told, self._given_up = self._given_up, []
            return told, [self._pending.popleft() for _ in range(count)]

    def _put_back(self, told: list[Gap], segments: list[Segment]) -> None:
        with self._lock:
            self._pending.extendleft(reversed(segments))
            self._given_up = told + self._given_up

    def forget_before(self, time_s: float) -> None:
        """Delete old frames; where the disk has no room even for that, another time."""
        with self._saving:
            try:
                self._store.forget_before(time_s)
            except sqlite3.Error as error:
                if not _means_full(error):
                    raise OutputError(f"{self._store.path} cannot be changed: {error}") from error

    @property
    def behind(self) -> bool:
        """Whether the disk is too slow, so that the frames had better wait."""
        return not self.full and len(self._pending) > self._most // 2

    @property
    def ready(self) -> bool:
        """Whether something waits that the disk probably has room for."""
        return bool(self._pending) and not self.full

    @property
    def waiting(self) -> int:
        """Frames that wait for room on the disk."""
        with self._lock:
            return sum(segment.frames for segment in self._pending)

    def _appended(self, segments: list[Segment]) -> bool:
        try:
            self._store.append(*segments)
        except (sqlite3.Error, OSError) as error:
            self.full = _means_full(error)
            if not self.full:
                raise OutputError(
                    f"{self._store.path} takes nothing more: {error}; what is in it stays"
                ) from error
            return False
        self.full = False
        return True

    def _give_up(self, segment: Segment) -> None:
        self.unsaved += segment.frames
        self._given_up.extend(segment.gaps)
        first, last = segment.numbers or (None, None)
        if segment.frames:
            self._given_up.append(Gap(segment.start_s, segment.stop_s, "not saved", first, last))


def _means_full(error: sqlite3.Error | OSError) -> bool:
    if isinstance(error, OSError):
        return error.errno in _FULL
    return getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL or "full" in str(error)
