"""Readings in the database: what their events have led to."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from palpate.review import tables as t
from palpate.review.case import CaseState, Reading, Signature
from palpate.review.chain import event_of
from palpate.review.event import Event
from palpate.review.mark import Key, Mark


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a reading stands, without its marks.

    Args:
        step: number of events.
        state: ``new`` before a person's first event.
        base: version of the prediction that it began from; 0 while it is new.
        people: who have set marks, as JSON.
        signed: number of the signing event; 0 where it is not signed.
    """

    step: int = 0
    state: CaseState = "new"
    base: int = 0
    people: str = "[]"
    signed: int = 0


def standing(connection: Connection, case: str, reading: str) -> Standing:
    """Return where a reading stands; at the beginning where nobody has touched it."""
    r = t.readings.c
    row = connection.execute(
        select(r.step, r.state, r.base, r.people, r.signed).where(
            r.case_id == case, r.reading == reading
        )
    ).first()
    return Standing() if row is None else Standing(*row)


def present_marks(
    connection: Connection, case: str, reading: str, begun: Mapping[Key, Mark]
) -> dict[Key, Mark]:
    """Return the marks: what the reading began from, and over it what events have changed."""
    m = t.marks.c
    rows = connection.execute(select(t.marks).where(m.case_id == case, m.reading == reading)).all()
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
    e = t.events.c
    rows = connection.execute(
        select(t.events)
        .where(e.case_id == case, e.reading == reading, e.step > after)
        .order_by(e.step)
    ).all()
    return tuple(event_of(row) for row in rows)


def read_signature(connection: Connection, number: int) -> Signature | None:
    """Return the signature that an event set; None for 0."""
    s = t.signatures.c
    row = connection.execute(
        select(s.who, s.name, s.at, s.statement, s.report, s.event).where(s.event == number)
    ).first()
    return None if row is None else Signature(*row)


def read_reading(
    connection: Connection, case: str, reading: str, begun: Mapping[Key, Mark], *, events: int
) -> Reading:
    """Return a reading with its marks and last events."""
    now = standing(connection, case, reading)
    return Reading(
        case,
        reading,
        now.step,
        now.state,
        present_marks(connection, case, reading, begun),
        read_signature(connection, now.signed),
        events_of(connection, case, reading, after=max(now.step - max(events, 0), 0)),
    )
