"""The database of a review: how it is opened, read and written, on SQLite or PostgreSQL."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine, event, select
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from palpate.review import tables as t
from palpate.review.refusals import StoreError
from palpate.review.together import Result, Together

_WRITES = "palpate_writes"
# A server answers up to 40 requests at once, each with one connection.
_CONNECTIONS = 48
_WAIT_S = 30


class Database:
    """An engine with two kinds of transaction: readers see one moment, writers go one by one.

    Raises:
        StoreError: the address is none, or the database cannot be opened.
    """

    def __init__(self, address: str, *, create: bool = True) -> None:
        self._url = _url(address)
        self.is_sqlite = self._url.get_backend_name() == "sqlite"
        if self.is_sqlite:
            _prepare_file(Path(self._url.database or ""), create=create)
        self.engine = _engine(self._url)
        self._together = Together(self.write)
        # SQLite polls for its lock; those of one process queue here instead, first come first.
        self._turn = threading.Lock() if self.is_sqlite else nullcontext()

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Connection that sees the review as it is at one moment."""
        with _in_words(), self._connect(writes=False) as connection, connection.begin():
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Connection that alone writes; what it wrote is on the disk when the block has ended."""
        with self.exclusive() as connection:
            if not self.is_sqlite:
                # This row is what writers wait for.
                connection.execute(select(t.head.c.number).with_for_update())
            yield connection

    def together(self, job: Callable[[Connection], Result]) -> Result:
        """Run a job as :meth:`write` does, in one transaction with those of other threads."""
        return self._together.do(job)

    @contextmanager
    def exclusive(self) -> Iterator[Connection]:
        """As :meth:`write`, for a database that may have no tables yet."""
        with (
            _in_words(),
            self._turn,
            self._connect(writes=True) as connection,
            connection.begin(),
        ):
            yield connection

    def _connect(self, *, writes: bool) -> Connection:
        connection = self.engine.connect().execution_options(**{_WRITES: writes})
        if not self.is_sqlite:
            level = "READ COMMITTED" if writes else "REPEATABLE READ"
            connection = connection.execution_options(isolation_level=level)
        return connection


def _url(address: str) -> URL:
    """A file name means SQLite; else an SQLAlchemy address."""
    if "://" not in address:
        return URL.create("sqlite", database=str(Path(address).absolute()))
    try:
        url = make_url(address)
    except ArgumentError as error:
        raise StoreError("the address of the review is no database address") from error
    if url.get_backend_name() not in ("sqlite", "postgresql"):
        raise StoreError(
            f"a review is kept in SQLite or PostgreSQL, not in {url.get_backend_name()!r}; write a "
            "file name such as review.sqlite, or postgresql+psycopg://user@host/name"
        )
    if url.get_backend_name() == "sqlite" and url.database in (None, "", ":memory:"):
        raise StoreError("a review needs a file: write sqlite:///review.sqlite")
    return url


def _prepare_file(path: Path, *, create: bool) -> None:
    """Make the file for its owner alone: it holds what was found in patients."""
    if path.is_dir():
        raise StoreError(f"{path.name} is a folder; a review is a file, such as review.sqlite")
    if path.exists():
        return
    if not create:
        raise StoreError(f"there is no review {path.name!r} at that place")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
    except OSError as error:
        raise StoreError(f"{path.name} cannot be made: {error.strerror}") from error


def _engine(url: URL) -> Engine:
    try:
        engine = create_engine(
            url,
            pool_size=_CONNECTIONS,
            max_overflow=16,
            pool_timeout=_WAIT_S,
            hide_parameters=True,  # no patient's data in an error or a log
            pool_pre_ping=url.get_backend_name() != "sqlite",
        )
    except (NoSuchModuleError, ImportError) as error:
        raise StoreError(
            f"no driver for {url.drivername!r} is installed; run pip install 'palpate[postgres]' "
            "and write postgresql+psycopg://"
        ) from error
    if url.get_backend_name() == "sqlite":
        event.listen(engine, "connect", _configure)
        event.listen(engine, "begin", _begin)
    return engine


def _configure(connection: object, record: object) -> None:
    """Ask SQLite for durability: an answer comes when the log is on the disk."""
    connection.isolation_level = None  # type: ignore[attr-defined]  # transactions are begun below
    cursor = connection.cursor()  # type: ignore[attr-defined]
    for pragma in (
        f"busy_timeout={_WAIT_S * 1000}",
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        "trusted_schema=OFF",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin(connection: Connection) -> None:
    writes = connection.get_execution_options().get(_WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@contextmanager
def _in_words() -> Iterator[None]:
    """Say in one sentence what a database refuses; its own message may quote what was stored."""
    try:
        yield
    except PoolTimeout as error:
        raise StoreError("the review is busy; try again in a moment") from error
    except DBAPIError as error:
        raise StoreError(_sentence(str(error.orig))) from error


_SENTENCES = {
    "disk is full": "the disk is full: nothing was saved; free some space and save again",
    "no space left": "the disk is full: nothing was saved; free some space and save again",
    "disk i/o error": "the disk refused to write: nothing was saved; see to the disk, then again",
    "readonly": "the review may only be read, not written: nothing was saved; see to the rights "
    "of its file and folder",
    "read-only": "the review may only be read, not written: nothing was saved",
    "permission denied": "the database does not permit it: nothing was saved; see to the rights",
    "not a database": "the file is no review, or it is damaged",
    "malformed": "the file of the review is damaged; take the last export",
    "unable to open": "the file of the review cannot be opened; see to the rights of its folder",
    "locked": "another program holds the review; close it, or try again in a moment",
    "connection": "the database server does not answer; nothing was saved",
}


def _sentence(problem: str) -> str:
    low = problem.lower()
    for part, sentence in _SENTENCES.items():
        if part in low:
            return sentence
    return "the database of the review refused; nothing was saved. See the server's log"
