"""The chain of events: each holds the hash of the one before, store-wide."""

import json
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, insert, select, update

from palpate.review import tables as t
from palpate.review.canonical import canonical
from palpate.review.case_plain import change_from_plain
from palpate.review.event import Change, Event, EventKind, event_digest


@dataclass(frozen=True, slots=True)
class Entry:
    """What an event is to say; number, step and hashes come with being appended."""

    case: str
    reading: str
    kind: EventKind
    who: str
    model: str = ""
    changes: tuple[Change, ...] = ()
    note: str = ""
    payload: str = ""
    key: str | None = None


def append_entry(connection: Connection, entry: Entry, *, when: str) -> Event:
    """Link an event to the last one and move the head, inside a writer's transaction."""
    number, previous = connection.execute(select(t.head.c.number, t.head.c.digest)).one()
    r = t.readings.c
    here = (r.case_id == entry.case) & (r.reading == entry.reading)
    step = connection.execute(select(r.step).where(here)).scalar()
    event = Event(
        number + 1,
        entry.case,
        entry.reading,
        (step or 0) + 1,
        entry.kind,
        entry.who,
        when,
        entry.model,
        entry.changes,
        entry.note,
        entry.payload,
        previous,
        "",
    )
    event = replace(event, digest=event_digest(event))
    if step is None:
        connection.execute(
            insert(t.readings).values(
                case_id=entry.case,
                reading=entry.reading,
                step=1,
                state="new",
                base=0,
                people="[]",
                updated=when,
                signed=0,
            )
        )
    else:
        connection.execute(update(t.readings).where(here).values(step=event.step, updated=when))
    connection.execute(insert(t.events).values({**event_row(event), "key": entry.key}))
    connection.execute(update(t.head).values(number=event.number, digest=event.digest))
    return event


def event_row(event: Event) -> dict[str, object]:
    """Return the columns of an event."""
    return {
        "number": event.number,
        "case_id": event.case,
        "reading": event.reading,
        "step": event.step,
        "kind": event.kind,
        "who": event.who,
        "at": event.when,
        "model": event.model,
        "changes": canonical([change.to_plain() for change in event.changes]),
        "note": event.note,
        "payload": event.payload,
        "previous": event.previous,
        "digest": event.digest,
    }


def event_of(row: Any) -> Event:
    """Return the event of a row."""
    return Event(
        row.number,
        row.case_id,
        row.reading,
        row.step,
        row.kind,
        row.who,
        row.at,
        row.model,
        tuple(change_from_plain(each) for each in json.loads(row.changes)),
        row.note,
        row.payload,
        row.previous,
        row.digest,
    )
