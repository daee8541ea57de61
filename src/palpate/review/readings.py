"""Readings in the database: what their events have led to."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Integer, String, and_, bindparam, select

from palpate.review import tables as t
from palpate.review.case import CaseState, Reading, Signature
from palpate.review.chain import event_of
from palpate.review.event import Event
from palpate.review.mark import Key, Mark
from palpate.review.refusals import UnknownCaseError


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a reading stands, without its marks.

    Args:
        step: number of events.
        state: ``new`` before a person's first event.
        base: version of the prediction that it began from; 0 while it is new.
        people: who have set marks, as JSON.
        signed: number of the signing event; 0 where it is not signed.
        newest: version of the newest prediction of the case.
    """

    step: int = 0
    state: CaseState = "new"
    base: int = 0
    people: str = "[]"
    signed: int = 0
    newest: int = 0

    @property
    def version(self) -> int:
        """The prediction that the reading began from, or would begin from now."""
        return self.newest if self.state == "new" else self.base


_CASE, _READING = bindparam("case", type_=String), bindparam("reading", type_=String)
_STANDING = (
    select(
        t.cases.c.project,
        t.cases.c.predicted,
        t.cases.c.class_change,
        t.cases.c.width_share,
        t.cases.c.implausible,
        t.cases.c.reasons,
        t.readings.c.step,
        t.readings.c.state,
        t.readings.c.base,
        t.readings.c.people,
        t.readings.c.signed,
    )
    .join_from(
        t.cases,
        t.readings,
        and_(t.readings.c.case_id == t.cases.c.identifier, t.readings.c.reading == _READING),
        isouter=True,
    )
    .where(t.cases.c.identifier == _CASE)
)
_MARKS = select(t.marks).where(t.marks.c.case_id == _CASE, t.marks.c.reading == _READING)
_MARKS_OF_FRAMES = _MARKS.where(t.marks.c.frame.in_(bindparam("frames", expanding=True)))
_EVENTS = (
    select(t.events)
    .where(
        t.events.c.case_id == _CASE,
        t.events.c.reading == _READING,
        t.events.c.step > bindparam("after", type_=Integer),
    )
    .order_by(t.events.c.step)
)


def look(connection: Connection, case: str, reading: str) -> tuple[Any, Standing]:
    """Return what is asked of a case again and again, and where a reading stands.

    Raises:
        UnknownCaseError: there is no such case.
    """
    row = connection.execute(_STANDING, {"case": case, "reading": reading}).first()
    if row is None:
        raise UnknownCaseError("there is no such case in this review")
    if row.step is None:
        return row, Standing(newest=row.predicted)
    now = Standing(row.step, row.state, row.base, row.people, row.signed, row.predicted)
    return row, now


def present_marks(
    connection: Connection,
    case: str,
    reading: str,
    begun: Mapping[Key, Mark],
    *,
    frames: Collection[int] | None = None,
) -> dict[Key, Mark]:
    """Return the marks: what the reading began from, and over it what events have changed.

    Args:
        connection: to the store.
        case: identifier.
        reading: its name.
        begun: what it began from.
        frames: where only marks of some are asked for; of the others there is then any.
    """
    given: dict[str, Any] = {"case": case, "reading": reading}
    if frames is None:
        rows = connection.execute(_MARKS, given).all()
    else:
        rows = connection.execute(_MARKS_OF_FRAMES, {**given, "frames": list(frames)}).all()
    present = dict(begun)
    for row in rows:
        key = (row.frame, row.landmark)
        present.pop(key, None)
        if row.state != "removed":
            present[key] = _mark(row)
    return present


def _mark(row: Any) -> Mark:
    return Mark(row.landmark, row.state, row.x, row.y, row.frame, row.origin)


def events_of(
    connection: Connection, case: str, reading: str, *, after: int = 0
) -> tuple[Event, ...]:
    """Return the events of a reading behind a step, oldest first."""
    given = {"case": case, "reading": reading, "after": after}
    rows = connection.execute(_EVENTS, given).all()
    return tuple(event_of(row) for row in rows)


def read_signature(connection: Connection, number: int) -> Signature | None:
    """Return the signature that an event set; None for 0."""
    if not number:
        return None
    s = t.signatures.c
    row = connection.execute(
        select(s.who, s.name, s.at, s.statement, s.report, s.event).where(s.event == number)
    ).first()
    return None if row is None else Signature(*row)


def read_reading(
    connection: Connection,
    case: str,
    reading: str,
    begun: Mapping[Key, Mark],
    now: Standing,
    *,
    events: int,
) -> Reading:
    """Return a reading with its marks and last events."""
    shown = max(now.step - max(events, 0), 0)
    return Reading(
        case,
        reading,
        now.step,
        now.state,
        present_marks(connection, case, reading, begun),
        read_signature(connection, now.signed),
        events_of(connection, case, reading, after=shown) if shown < now.step else (),
    )
