"""The store of a monitored stream: one SQLite file that a sudden end leaves whole.

Write-ahead logging with ``synchronous=FULL``: a segment that was appended stands, whether the
process is killed or the power fails; that costs one flush to disk a second. One process writes, as
many as like may read meanwhile. Times are microseconds since the store's origin.
"""

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from palpate.errors import FormatError, OutputError, StudyError
from palpate.monitor.packed import Frames, microseconds, unpack
from palpate.monitor.record import LOOKED_AT, Gap, Note
from palpate.monitor.segment import Segment
from palpate.scheme import LandmarkScheme
from palpate.sequences.track import Track

STORE = "monitor.sqlite"
VERSION = 1
# Bytes; of a new store. A second of 12 joints is 1.3 kB: on pages of 4096 a third would be empty.
_PAGE = 8192

_TABLES = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE session (
    id INTEGER PRIMARY KEY, began TEXT NOT NULL, ended TEXT, how TEXT,
    provenance TEXT NOT NULL, totals TEXT NOT NULL);
CREATE TABLE segment (
    id INTEGER PRIMARY KEY, session INTEGER NOT NULL, start_us INTEGER NOT NULL,
    stop_us INTEGER NOT NULL, frames INTEGER NOT NULL, first_number INTEGER,
    last_number INTEGER, packed BLOB NOT NULL);
CREATE TABLE gap (
    session INTEGER NOT NULL, start_us INTEGER NOT NULL, stop_us INTEGER NOT NULL,
    reason TEXT NOT NULL, first_number INTEGER, last_number INTEGER);
CREATE TABLE note (
    session INTEGER NOT NULL, time_us INTEGER NOT NULL, number INTEGER, words TEXT NOT NULL,
    kind TEXT NOT NULL, count INTEGER NOT NULL);
CREATE INDEX segment_time ON segment (stop_us);
CREATE INDEX gap_time ON gap (stop_us);
CREATE INDEX note_time ON note (time_us);
"""


@dataclass(frozen=True, slots=True)
class Session:
    """One run of ``palpate monitor``.

    Args:
        identifier: counted from 1.
        began: in UTC, ISO 8601.
        ended: the same; None where it was cut off, or still runs.
        how: it ended, in words.
        provenance: localiser, command, camera.
        totals: frames by state, delays, frames that could not be saved, size of the frames.
    """

    identifier: int
    began: str
    ended: str | None
    how: str | None
    provenance: Mapping[str, str]
    totals: Mapping[str, Any]


class MonitorStore:
    """Joints, states and gaps of a stream over any number of sessions.

    Made by ``MonitorStore.open`` to append, or ``MonitorStore.read`` to look; close it in the end,
    or use it in a ``with``.

    Example:
        >>> import tempfile
        >>> from palpate.monitor.record import FrameRecord, FrameState
        >>> from palpate.monitor.segment import SegmentCollector
        >>> scheme = LandmarkScheme("arm", ("elbow", "wrist"), edges=(("elbow", "wrist"),))
        >>> collector = SegmentCollector(2, 1, 1.0)
        >>> _ = collector.add(FrameRecord(5, 0.5, FrameState.SKIPPED))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     with MonitorStore.open(Path(folder) / STORE, scheme) as store:
        ...         _ = store.begin({"source": "cot 3"})
        ...         store.append(collector.flush())
        ...         store.frames().number.tolist()
        [5]
    """

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self._connection = connection
        self._lock: sqlite3.Connection | None = None
        self._session = 0
        meta = dict(connection.execute("SELECT key, value FROM meta"))
        self.scheme = _scheme_of(path, meta)
        self.origin_utc = float(meta["origin_utc"])

    @classmethod
    def open(
        cls, path: Path, scheme: LandmarkScheme, *, origin_utc: float | None = None
    ) -> "MonitorStore":
        """Open a store to append to, or make it.

        Args:
            path: of the file.
            scheme: of the joints.
            origin_utc: what a new store counts its times from, in seconds since 1970; now.

        Raises:
            StudyError: another process writes to it, or it holds other joints.
            FormatError: the file is no such store.
            OutputError: it cannot be made.
        """
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(f"could not make {path.parent}: {error.strerror}") from error
        lock = _locked(path)
        try:
            connection = _connected(path, scheme, origin_utc)
            store = cls(path, connection)
        except BaseException:
            lock.close()
            raise
        store._lock = lock
        if (store.scheme.names, store.scheme.edges) != (scheme.names, scheme.edges):
            store.close()
            raise StudyError(
                f"{path} holds {', '.join(store.scheme.names)}; this localiser finds "
                f"{', '.join(scheme.names)}; choose another --out"
            )
        return store

    @classmethod
    def read(cls, path: Path) -> "MonitorStore":
        """Open a store to look at, also while another process writes to it.

        Raises:
            FormatError: there is none.
        """
        if not path.is_file():
            raise FormatError(path, "there is no such store; palpate monitor makes one")
        connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        with _readable(path):
            connection.execute("PRAGMA query_only=ON")
            _refuse_other(path, connection)
            return cls(path, connection)

    def begin(self, provenance: Mapping[str, str]) -> int:
        """Begin a session; return its number."""
        values = (_now(), json.dumps(dict(provenance)), "{}")
        cursor = self._connection.execute(
            "INSERT INTO session (began, provenance, totals) VALUES (?, ?, ?)", values
        )
        self._session = int(cursor.lastrowid or 0)
        return self._session

    def append(self, *segments: Segment) -> None:
        """Add segments to the session, all of them or nothing.

        Raises:
            sqlite3.Error: the disk is full or failing; nothing was added.
        """
        with self._transaction() as add:
            for segment in segments:
                self._add(add, segment)
            add.execute(
                "UPDATE session SET totals = ? WHERE id = ?",
                (json.dumps(segments[-1].totals), self._session),
            )

    def _add(self, add: sqlite3.Connection, segment: Segment) -> None:
        if segment.frames:
            add.execute(
                "INSERT INTO segment (session, start_us, stop_us, frames, first_number, "
                "last_number, packed) VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    self._session,
                    _us(segment.start_s),
                    _us(segment.stop_s),
                    segment.frames,
                    *(segment.numbers or (None, None)),
                    segment.packed,
                ),
            )
        add.executemany(
            "INSERT INTO gap VALUES (?, ?, ?, ?, ?, ?)",
            [
                (
                    self._session,
                    _us(gap.start_s),
                    _us(gap.stop_s),
                    gap.reason,
                    gap.first_number,
                    gap.last_number,
                )
                for gap in segment.gaps
            ],
        )
        add.executemany(
            "INSERT INTO note VALUES (?, ?, ?, ?, ?, ?)",
            [
                (self._session, _us(note.time_s), note.number, note.words, note.kind, note.count)
                for note in segment.notes
            ],
        )

    def end(self, how: str, totals: Mapping[str, Any] | None = None) -> None:
        """Write down that the session ended, and how."""
        with self._transaction() as change:
            change.execute(
                "UPDATE session SET ended = ?, how = ? WHERE id = ?", (_now(), how, self._session)
            )
            if totals is not None:
                change.execute(
                    "UPDATE session SET totals = ? WHERE id = ?",
                    (json.dumps(totals), self._session),
                )

    def forget_before(self, time_s: float) -> int:
        """Delete what ended before a time; its space is used again. Return how many frames."""
        before = (_us(time_s),)
        with self._transaction() as change:
            (frames,) = change.execute(
                "SELECT COALESCE(SUM(frames), 0) FROM segment WHERE stop_us < ?", before
            ).fetchone()
            change.execute("DELETE FROM segment WHERE stop_us < ?", before)
            change.execute("DELETE FROM gap WHERE stop_us < ?", before)
            change.execute("DELETE FROM note WHERE time_us < ?", before)
        return int(frames)

    def stretches(
        self, start_s: float | None = None, stop_s: float | None = None
    ) -> Iterator[Frames]:
        """Yield the frames from ``start_s`` to ``stop_s`` segment by segment, in bounded memory.

        Raises:
            FormatError: a segment cannot be read.
        """
        low, high = _bounds(start_s, stop_s)
        shape = len(self.scheme), len(self.scheme.edges)
        with _readable(self.path):
            for (packed,) in self._connection.execute(
                "SELECT packed FROM segment WHERE stop_us >= ? AND start_us < ? ORDER BY id",
                (low, high),
            ):
                frames = unpack(packed, *shape)
                times = microseconds(frames.time_s)
                yield frames.only((times >= low) & (times < high))

    def frames(self, start_s: float | None = None, stop_s: float | None = None) -> Frames:
        """Return the frames from ``start_s`` up to, not including, ``stop_s``."""
        shape = len(self.scheme), len(self.scheme.edges)
        return Frames.joined(list(self.stretches(start_s, stop_s)), *shape)

    def track(self, start_s: float | None = None, stop_s: float | None = None) -> Track:
        """Return the joints of the frames that were looked at; skipped and bad ones leave a gap."""
        frames = self.frames(start_s, stop_s)
        frames = frames.only(np.isin(frames.state, [int(state) for state in LOOKED_AT]))
        return Track(self.scheme.names, frames.coordinates, frames.time_s)

    def gaps(self, start_s: float | None = None, stop_s: float | None = None) -> list[Gap]:
        """Return the gaps that reach into a stretch of time, in order."""
        low, high = _bounds(start_s, stop_s)
        with _readable(self.path):
            rows = self._connection.execute(
                "SELECT start_us, stop_us, reason, first_number, last_number FROM gap "
                "WHERE stop_us >= ? AND start_us < ? ORDER BY rowid",
                (low, high),
            ).fetchall()
        return [Gap(start / 1e6, stop / 1e6, *rest) for start, stop, *rest in rows]

    def notes(self, start_s: float | None = None, stop_s: float | None = None) -> list[Note]:
        """Return what was noted in a stretch of time, in order."""
        with _readable(self.path):
            rows = self._connection.execute(
                "SELECT time_us, number, words, kind, count FROM note "
                "WHERE time_us >= ? AND time_us < ? ORDER BY rowid",
                _bounds(start_s, stop_s),
            ).fetchall()
        return [Note(time / 1e6, *rest) for time, *rest in rows]

    def sessions(self) -> list[Session]:
        """Return all sessions, in order."""
        with _readable(self.path):
            rows = self._connection.execute(
                "SELECT id, began, ended, how, provenance, totals FROM session ORDER BY id"
            ).fetchall()
        return [
            Session(number, began, ended, how, json.loads(provenance), json.loads(totals))
            for number, began, ended, how, provenance, totals in rows
        ]

    @property
    def size(self) -> tuple[int, int] | None:
        """(width, height) in px of the frames that the joints are in; None before the first."""
        sizes = (session.totals.get("size_px") for session in self.sessions())
        return next(((size[0], size[1]) for size in sizes if size), None)

    @property
    def span_s(self) -> tuple[float, float] | None:
        """Times of the first and of the last frame; None where there is none."""
        with _readable(self.path):
            first, last = self._connection.execute(
                "SELECT MIN(start_us), MAX(stop_us) FROM segment"
            ).fetchone()
        return None if first is None else (first / 1e6, last / 1e6)

    @property
    def last_s(self) -> float | None:
        """The last time that anything is known of; None where nothing is."""
        with _readable(self.path):
            rows = self._connection.execute(
                "SELECT MAX(stop_us) FROM segment UNION ALL SELECT MAX(stop_us) FROM gap"
            ).fetchall()
        return max((last / 1e6 for (last,) in rows if last is not None), default=None)

    def close(self) -> None:
        """Close it; another process may write then."""
        self._connection.close()
        if self._lock is not None:
            self._lock.close()

    def __enter__(self) -> "MonitorStore":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield self._connection
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise


def _connected(path: Path, scheme: LandmarkScheme, origin_utc: float | None) -> sqlite3.Connection:
    with _readable(path):
        connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        connection.execute(f"PRAGMA page_size={_PAGE}")
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        if connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()[0] == 0:
            origin = datetime.now(UTC).timestamp() if origin_utc is None else origin_utc
            words = {"name": scheme.name, "names": scheme.names, "edges": scheme.edges}
            words |= {"mirror": scheme.mirror}
            connection.executescript(f"BEGIN; {_TABLES} PRAGMA user_version={VERSION}; COMMIT;")
            connection.executemany(
                "INSERT INTO meta VALUES (?, ?)",
                [("scheme", json.dumps(words)), ("origin_utc", repr(origin))],
            )
        _refuse_other(path, connection)
    return connection


def _locked(path: Path) -> sqlite3.Connection:
    """Hold a lock that ends with this process, however it ends."""
    lock = sqlite3.connect(f"{path}.lock", timeout=0.0, check_same_thread=False)
    try:
        lock.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError as error:
        lock.close()
        raise StudyError(
            f"another palpate monitor writes to {path}; stop it, or choose another --out"
        ) from error
    return lock


def _refuse_other(path: Path, connection: sqlite3.Connection) -> None:
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if version != VERSION:
        raise FormatError(
            path, f"no store of this version: expected {VERSION}, got {version}; choose another"
        )


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.DatabaseError as error:
        raise FormatError(path, f"cannot be used as a store: {error}") from error


def _scheme_of(path: Path, meta: Mapping[str, str]) -> LandmarkScheme:
    try:
        words = json.loads(meta["scheme"])
        return LandmarkScheme(
            words["name"],
            tuple(words["names"]),
            _pairs(words["mirror"]),
            _pairs(words["edges"]),
        )
    except (KeyError, ValueError, TypeError) as error:
        raise FormatError(path, f"its scheme cannot be read: {error}") from error


def _pairs(pairs: Sequence[Sequence[str]]) -> tuple[tuple[str, str], ...]:
    return tuple((first, second) for first, second in pairs)


def _bounds(start_s: float | None, stop_s: float | None) -> tuple[int, int]:
    low = -(2**62) if start_s is None else _us(start_s)
    return low, 2**62 if stop_s is None else _us(stop_s)


def _us(time_s: float) -> int:
    return round(time_s * 1e6)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
