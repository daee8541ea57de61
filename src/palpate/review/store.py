"""The store of a review: cases, events that are only appended, signatures, accounts."""

import secrets
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any

from sqlalchemy import Connection, select

from palpate.review import tables as t
from palpate.review.account import Account
from palpate.review.append import Place, save
from palpate.review.begun import begun_marks
from palpate.review.case import Case, CaseState, NewCase, Project, Reading, Signature, Urgency
from palpate.review.cases import case_row, read_case, urgency_of
from palpate.review.cases_put import Batch, made_case
from palpate.review.clock import stamp, utc_now
from palpate.review.database import Database
from palpate.review.doors import check_name
from palpate.review.event import SHARED, Change, Event, EventKind
from palpate.review.exchange import write_export
from palpate.review.integrity import all_problems, take_in
from palpate.review.migrate import migrate
from palpate.review.people import People
from palpate.review.projects import put_project, read_project
from palpate.review.queue_rows import Order, Queue, count_states, read_neighbours, read_queue
from palpate.review.readings import events_of, look, read_reading
from palpate.review.recent import Recent
from palpate.review.signatures import read_report, reopen, sign
from palpate.review.verify import Problem

# Cases of one transaction: enough to share its cost, few enough not to keep readers waiting.
_BATCH = 200
_KEPT = 512


class Store(People):
    """A review on the disk; safe to use from many threads and processes at once.

    An answer is given when it is on the disk. Events are never changed or removed; each holds
    the hash of the one before, in the order in which they were saved.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> from palpate.scheme import LandmarkScheme
        >>> with TemporaryDirectory() as folder, Store.open(f"{folder}/review.sqlite") as store:
        ...     store.add_project(
        ...         Project("noses", "Noses", LandmarkScheme("nose", ("tip",))), root=Path(folder))
        ...     cases = store.add_cases(
        ...         "noses", [NewCase("a.png", "a.png", "0" * 64, (8, 8))], who="anna", urgency={})
        ...     store.reading(cases[0].identifier, "shared").state
        'new'
    """

    def __init__(self, database: Database, now: Callable[[], datetime]) -> None:
        super().__init__(database, now)
        self._lock = threading.Lock()
        self._cases: Recent[tuple[str, int], Case] = Recent(_KEPT)
        self._projects: dict[str, Project] = {}

    @classmethod
    def open(
        cls, url: str | Path, *, create: bool = True, now: Callable[[], datetime] = utc_now
    ) -> "Store":
        """Open a review, and bring its tables up to date.

        Args:
            url: a file such as ``review.sqlite``, ``sqlite:///...`` or
                ``postgresql+psycopg://...``.
            create: make the file where there is none.
            now: the clock.

        Raises:
            StoreError: no such database, or a newer palpate made it.
        """
        database = Database(str(url), create=create)
        try:
            migrate(database)
        except BaseException:
            database.close()
            raise
        return cls(database, now)

    def close(self) -> None:
        """Close every connection."""
        self._database.close()

    def __enter__(self) -> "Store":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    # --- projects and cases ----------------------------------------------------------------------

    def add_project(self, project: Project, *, root: Path) -> None:
        """Put a project in; one that is there gets the new root and name.

        Raises:
            ReviewError: one of that identifier has other landmarks, protocol or rules.
        """
        with self._database.write() as connection:
            put_project(connection, project, root)
        with self._lock:
            self._projects.clear()

    def project(self, identifier: str) -> Project:
        """Return a project.

        Raises:
            UnknownCaseError: there is none.
        """
        with self._lock:
            known = self._projects.get(identifier)
        if known is not None:
            return known
        with self._database.read() as connection:
            project, _ = read_project(connection, identifier)
        with self._lock:
            self._projects[identifier] = project
        return project

    def projects(self) -> tuple[Project, ...]:
        """Return all of them, by identifier."""
        c = t.projects.c.identifier
        with self._database.read() as connection:
            names = connection.execute(select(c).order_by(c)).scalars().all()
        return tuple(self.project(name) for name in names)

    def root(self, project: str) -> Path:
        """Return the folder below which the project's films lie."""
        with self._database.read() as connection:
            return read_project(connection, project)[1]

    def add_cases(
        self,
        project: str,
        cases: Iterable[NewCase],
        *,
        who: str,
        urgency: Mapping[str, Urgency],
    ) -> list[Case]:
        """Put cases in, or new predictions of cases that are there; nothing is overwritten.

        Args:
            project: its identifier.
            cases: saved some hundred at a time.
            who: account, for the events that tell of new predictions.
            urgency: by image; nothing is known of those that are left out.

        Returns:
            One for each that was given, in their order.

        Raises:
            ReviewError: an image is there with another film, or a prediction of other landmarks.
        """
        wanted = self.project(project)
        made: list[Case] = []
        rest = iter(cases)
        while batch := list(islice(rest, _BATCH)):
            new = [
                (secrets.token_urlsafe(16), given, urgency.get(given.image, Urgency()))
                for given in batch
            ]
            with self._database.write() as connection:
                when = stamp(self._now())
                put = Batch(connection, wanted, who=who, when=when).put(new)
            for identifier, one in zip(put, new, strict=True):
                fresh = identifier == one[0]
                made.append(made_case(project, *one) if fresh else self.case(identifier))
        return made

    def case(self, identifier: str, *, reading: str | None = None) -> Case:
        """Return a case with its newest prediction, or with that which a reading began from.

        Raises:
            UnknownCaseError: there is none.
        """
        with self._database.read() as connection:
            return self._case(connection, identifier, reading)

    def _case(self, connection: Connection, identifier: str, reading: str | None) -> Case:
        """Read a case, or take it from those that were read last: predictions never change."""
        row, now = look(connection, identifier, reading or "")
        return self._kept(connection, identifier, row, now.version)

    def _kept(self, connection: Connection, identifier: str, row: Any, version: int) -> Case:
        known = self._cases.find((identifier, version))
        if known is not None and known.urgency == urgency_of(row):
            return known
        case = read_case(connection, self.project(row.project), identifier, version=version)
        self._cases.replace((identifier, version), case)
        return case

    def queue(  # noqa: PLR0913  the filters of a page
        self,
        project: str,
        *,
        reader: Account,
        order: Order = "urgency",
        state: CaseState | None = None,
        search: str = "",
        after: str = "",
        limit: int = 50,
    ) -> Queue:
        """Return a page of a project's queue, with the states of the reader's own readings."""
        wanted = self.project(project)
        with self._database.read() as connection:
            return read_queue(
                connection,
                wanted,
                reader,
                order=order,
                state=state,
                search=search,
                after=after,
                limit=limit,
            )

    def counts(self, project: str, *, reader: Account) -> dict[CaseState, int]:
        """Return how many cases are new, open and signed for a reader."""
        wanted = self.project(project)
        with self._database.read() as connection:
            return count_states(connection, wanted, reader)

    def neighbours(
        self,
        case: str,
        *,
        reader: Account,
        order: Order = "urgency",
        state: CaseState | None = None,
        search: str = "",
    ) -> tuple[str, str]:
        """Return the cases before and after one in the queue; empty at its ends."""
        with self._database.read() as connection:
            project = self.project(case_row(connection, case).project)
            return read_neighbours(
                connection, project, reader, case, order=order, state=state, search=search
            )

    # --- readings --------------------------------------------------------------------------------

    def reading(self, case: str, name: str = SHARED, *, events: int = 50) -> Reading:
        """Return a reading with its marks and its last events.

        Raises:
            UnknownCaseError: no such case, or readers of its project share one reading.
        """
        with self._database.read() as connection:
            place = self._place(connection, case, name)
            return read_reading(connection, case, name, place.begun, place.now, events=events)

    def readings(self, case: str) -> tuple[str, ...]:
        """Return the names of the readings that somebody has begun."""
        r = t.readings.c
        with self._database.read() as connection:
            case_row(connection, case)
            return tuple(
                connection.execute(
                    select(r.reading).where(r.case_id == case, r.state != "new").order_by(r.reading)
                ).scalars()
            )

    def states(self, case: str) -> dict[str, CaseState]:
        """Return the states of the readings that there are, by their names."""
        r = t.readings.c
        with self._database.read() as connection:
            rows = connection.execute(select(r.reading, r.state).where(r.case_id == case))
            return {name: state for name, state in rows}

    def history(self, case: str, reading: str = SHARED) -> tuple[Event, ...]:
        """Return all events of a reading, oldest first."""
        with self._database.read() as connection:
            case_row(connection, case)
            return events_of(connection, case, reading)

    def append(  # noqa: PLR0913
        self,
        case: str,
        reading: str,
        *,
        after: int,
        key: str,
        who: Account,
        kind: EventKind,
        changes: Sequence[Change] = (),
        note: str = "",
    ) -> Event:
        """Save what a reader did; it is on the disk when this returns.

        Args:
            case: identifier.
            reading: its name.
            after: the step that the reader last saw.
            key: made by whoever asks, new for each event: asking again saves once.
            who: the account.
            kind: ``marks``, ``undo``, ``redo``, ``comment`` or ``adjudicate``.
            changes: marks before, as they are now, and after.
            note: a comment, or empty.

        Raises:
            ConflictError: the reading has gone on, or a mark is not where ``before`` has it.
            SignedError: it is signed.
            NotAllowedError: the account may not.
            UnknownCaseError: no such case, or a reading that is not theirs to see.
            SchemeError: a landmark that the scheme does not know.
            StoreError: the disk is full, or the like; nothing was saved.
        """

        def job(connection: Connection) -> Event:
            return save(
                connection,
                self._place(connection, case, reading),
                who,
                after=after,
                key=key,
                kind=kind,
                changes=changes,
                note=note,
                when=stamp(self._now()),
            )

        return self._database.together(job)

    def sign(
        self, case: str, reading: str, *, after: int, who: Account, statement: str, report: bytes
    ) -> Signature:
        """Sign a reading as it stands at step ``after``, and keep the report's bytes.

        Raises:
            SignedError: it is signed; says by whom and when.
            ConflictError: it has gone on since the report was made.
        """

        def job(connection: Connection) -> Signature:
            return sign(
                connection,
                self._place(connection, case, reading),
                who,
                after=after,
                statement=statement,
                report=report,
                when=stamp(self._now()),
            )

        return self._database.together(job)

    def reopen(self, case: str, reading: str, *, after: int, who: Account, reason: str) -> Event:
        """Take a signature back; the signed report can still be read.

        Raises:
            NotAllowedError: neither a reviewer nor who signed.
            ReviewError: it is not signed, or there is no reason.
        """

        def job(connection: Connection) -> Event:
            place = self._place(connection, case, reading)
            return reopen(
                connection, place, who, after=after, reason=reason, when=stamp(self._now())
            )

        return self._database.together(job)

    def signed_report(self, case: str, reading: str, digest: str | None = None) -> bytes:
        """Return the bytes that were signed, the last ones or those of a digest.

        Raises:
            UnknownCaseError: there are none.
        """
        with self._database.read() as connection:
            return read_report(connection, case, reading, digest)

    def head(self) -> tuple[int, str]:
        """Return number and hash of the last event: written down elsewhere, it seals the rest."""
        with self._database.read() as connection:
            number, digest = connection.execute(select(t.head.c.number, t.head.c.digest)).one()
        return number, digest

    # --- integrity -------------------------------------------------------------------------------

    def verify(self) -> tuple[Problem, ...]:
        """Say what is not as it was saved; empty where all is. At most a hundred problems.

        Whoever can write the database could also make a new chain: compare :meth:`head` with
        what was written down elsewhere, or with a report that names it.
        """
        with self._database.read() as connection:
            return all_problems(connection)

    def export(self, path: Path, *, films: bool = False) -> None:
        """Write the whole review as one file, without sessions and passwords.

        Raises:
            OutputError: it cannot be written.
            ReviewError: films were asked for, and one is missing or another.
        """
        with self._database.read() as connection:
            write_export(connection, path, films=films)

    def import_(self, path: Path, *, root: Path) -> None:
        """Take an exported review into this store, which must be empty.

        Args:
            path: what :meth:`export` wrote.
            root: films are put, or looked for, in a folder of it that is named as their project.

        Raises:
            FormatError: the file is no export, or was changed.
            ReviewError: this store is not empty, or the chain of events does not hold.
        """
        with self._database.write() as connection:
            take_in(connection, path, root)

    def _place(self, connection: Connection, identifier: str, reading: str) -> Place:
        row, now = look(connection, identifier, reading)
        case = self._kept(connection, identifier, row, now.version)
        project = self.project(case.project)
        check_name(project, reading)
        begun = begun_marks(case.given, assisted=project.assisted)
        return Place(project, case, reading, begun, now)
