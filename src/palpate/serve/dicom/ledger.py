"""What was received, what was made of it and what was sent: one SQLite file, always on disk.

A film is 'received' until its objects are written, then 'predicted', or 'failed' with the reason.
An object is 'waiting' until the archive has it, then 'sent', or 'refused' with the reason. Every
change is one transaction that is on disk before the call returns, so that a process that was
killed goes on where it was.
"""

import sqlite3
import threading
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from palpate.errors import OutputError
from palpate.serve.dicom.admit import Admitted
from palpate.serve.dicom.backoff import pause_after

_TABLES = """
CREATE TABLE IF NOT EXISTS film (
    uid TEXT PRIMARY KEY, sop_class TEXT NOT NULL, study TEXT NOT NULL, digest TEXT NOT NULL,
    file TEXT NOT NULL, caller TEXT NOT NULL, received REAL NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('received', 'predicted', 'failed')),
    reason TEXT NOT NULL DEFAULT '', tries INTEGER NOT NULL DEFAULT 0, due REAL NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS object (
    uid TEXT PRIMARY KEY, film TEXT NOT NULL REFERENCES film (uid), file TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('waiting', 'sent', 'refused')),
    reason TEXT NOT NULL DEFAULT '', tries INTEGER NOT NULL DEFAULT 0, due REAL NOT NULL DEFAULT 0);
CREATE INDEX IF NOT EXISTS film_state ON film (state, due);
CREATE INDEX IF NOT EXISTS object_state ON object (state, due);
"""


@dataclass(frozen=True, slots=True)
class Film:
    """A film that was received; ``file`` is its name in the inbox."""

    uid: str
    study: str
    digest: str
    file: str
    state: str
    reason: str
    tries: int


@dataclass(frozen=True, slots=True)
class Made:
    """An object that was made of a film; ``file`` is its name in the outbox."""

    uid: str
    film: str
    file: str
    state: str
    reason: str
    tries: int


class Ledger:
    """The record of a service. May be used from several threads.

    Args:
        path: of the file; made where it is missing.

    Raises:
        OutputError: it cannot be opened or is no ledger.
    """

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._base = sqlite3.connect(path, timeout=10.0, check_same_thread=False)
            self._base.execute("PRAGMA journal_mode = WAL")
            # An answer of success promises that the record survives the loss of power.
            self._base.execute("PRAGMA synchronous = FULL")
            self._base.executescript(_TABLES)
        except (sqlite3.Error, OSError) as error:
            raise OutputError(f"{path}: cannot be used as the ledger ({error})") from error

    def __enter__(self) -> "Ledger":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; the ledger is not used after it."""
        with self._lock:
            self._base.close()

    def receive(self, admitted: Admitted, file: str, caller: str, now: float) -> bool:
        """Note a film that is whole in the inbox; return whether there is anything new to do.

        The same bytes again are no news. Other bytes under the same identifier, such as a film
        whose patient was corrected, begin anew.
        """
        with self._lock, self._base:
            known = self._base.execute(
                "SELECT digest FROM film WHERE uid = ?", (admitted.uid,)
            ).fetchone()
            if known is not None and known[0] == admitted.digest:
                return False
            self._base.execute(
                "INSERT INTO film (uid, sop_class, study, digest, file, caller, received, state)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, 'received') ON CONFLICT (uid) DO UPDATE SET"
                " digest = excluded.digest, file = excluded.file, caller = excluded.caller,"
                " received = excluded.received, study = excluded.study, state = 'received',"
                " reason = '', tries = 0, due = 0",
                (
                    admitted.uid,
                    admitted.sop_class,
                    admitted.study,
                    admitted.digest,
                    file,
                    caller,
                    now,
                ),
            )
        return True

    def files(self) -> set[str]:
        """Names of the inbox's files that are in the record."""
        return {row[0] for row in self._all("SELECT file FROM film")}

    def due_films(self, now: float, quiet: float) -> list[Film]:
        """Films to predict: their time has come, and their study was quiet for ``quiet`` s."""
        rows = self._all(
            "SELECT uid, study, digest, file, state, reason, tries FROM film WHERE"
            " state = 'received' AND due <= ? AND study NOT IN"
            " (SELECT study FROM film WHERE received > ?) ORDER BY received, uid",
            now,
            now - quiet,
        )
        return [Film(*row) for row in rows]

    def predicted(self, film: Film, made: Sequence[tuple[str, str]]) -> bool:
        """Note the objects (identifier, name in the outbox) that were made of a film, at once.

        An object that was sent already is not sent again. Returns False, and notes nothing,
        where another version of the film came meanwhile.
        """
        with self._lock, self._base:
            done = self._base.execute(
                "UPDATE film SET state = 'predicted', reason = '' WHERE uid = ? AND digest = ?",
                (film.uid, film.digest),
            )
            if done.rowcount == 0:
                return False
            self._base.executemany(
                "INSERT INTO object (uid, film, file, state) VALUES (?, ?, ?, 'waiting')"
                " ON CONFLICT (uid) DO NOTHING",
                [(uid, film.uid, file) for uid, file in made],
            )
        return True

    def failed(self, film: Film, reason: str) -> None:
        """Note that nothing can be made of a film."""
        self._change(
            "UPDATE film SET state = 'failed', reason = ? WHERE uid = ? AND digest = ?",
            reason,
            film.uid,
            film.digest,
        )

    def film_later(self, film: Film, reason: str, now: float) -> None:
        """Note that a film is tried again, later each time."""
        self._change(
            "UPDATE film SET reason = ?, tries = tries + 1, due = ? WHERE uid = ? AND digest = ?",
            reason,
            now + pause_after(film.tries),
            film.uid,
            film.digest,
        )

    def due_objects(self, now: float) -> list[Made]:
        """Objects to send now, the longest waiting first."""
        return self._objects("WHERE state = 'waiting' AND due <= ? ORDER BY due, rowid", now)

    def sent(self, made: Made, note: str = "") -> None:
        """Note that the archive has an object."""
        self._change("UPDATE object SET state = 'sent', reason = ? WHERE uid = ?", note, made.uid)

    def refused(self, made: Made, reason: str) -> None:
        """Note that the archive does not take an object."""
        self._change(
            "UPDATE object SET state = 'refused', reason = ? WHERE uid = ?", reason, made.uid
        )

    def object_later(self, made: Made, reason: str, now: float) -> None:
        """Note that an object is sent again, later each time."""
        self._change(
            "UPDATE object SET reason = ?, tries = tries + 1, due = ? WHERE uid = ?",
            reason,
            now + pause_after(made.tries),
            made.uid,
        )

    def again(self) -> int:
        """Put what failed or was refused back to the start; return how many."""
        with self._lock, self._base:
            films = self._base.execute(
                "UPDATE film SET state = 'received', tries = 0, due = 0 WHERE state = 'failed'"
            )
            objects = self._base.execute(
                "UPDATE object SET state = 'waiting', tries = 0, due = 0"
                " WHERE state = 'refused' OR (state = 'waiting' AND tries > 0)"
            )
            return films.rowcount + objects.rowcount

    def films(self) -> list[Film]:
        """Every film, in the order of receipt."""
        rows = self._all(
            "SELECT uid, study, digest, file, state, reason, tries FROM film ORDER BY received, uid"
        )
        return [Film(*row) for row in rows]

    def objects(self) -> list[Made]:
        """Every object, in the order of making."""
        return self._objects("ORDER BY rowid")

    def _objects(self, which: str, *values: object) -> list[Made]:
        columns = "SELECT uid, film, file, state, reason, tries FROM object "
        return [Made(*row) for row in self._all(columns + which, *values)]

    def _all(self, question: str, *values: object) -> list[tuple[Any, ...]]:
        with self._lock, closing(self._base.execute(question, values)) as answer:
            return list(answer.fetchall())

    def _change(self, statement: str, *values: object) -> None:
        with self._lock, self._base:
            self._base.execute(statement, values)
