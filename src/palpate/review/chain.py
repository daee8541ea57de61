"""The chain of events: each holds the hash of the one before, store-wide."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select, update

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


_HEAD = select(t.head.c.number, t.head.c.digest)
_HERE = (t.readings.c.case_id == bindparam("of_case")) & (
    t.readings.c.reading == bindparam("of_reading")
)
_FRESH = {"state": "new", "base": 0, "people": "[]", "signed": 0}


def append_entry(
    connection: Connection,
    entry: Entry,
    *,
    when: str,
    step: int,
    values: Mapping[str, object] = MappingProxyType({}),
) -> Event:
    """Link an event to the last one, move the head and the reading, in a writer's transaction.

    Args:
        connection: of a writer.
        entry: what happened.
        when: UTC.
        step: of the reading so far; 0 where there is no row of it.
        values: columns of the reading that the event sets.
    """
    number, previous = connection.execute(_HEAD).one()
    event = Event(
        number + 1,
        entry.case,
        entry.reading,
        step + 1,
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
    now = {**values, "step": event.step, "updated": when}
    if entry.kind == "sign":
        now["signed"] = event.number
    if step:
        here = {"of_case": entry.case, "of_reading": entry.reading}
        connection.execute(update(t.readings).where(_HERE).values(now), here)
    else:
        fresh = {"case_id": entry.case, "reading": entry.reading, **_FRESH, **now}
        connection.execute(insert(t.readings), fresh)
    connection.execute(insert(t.events), {**event_row(event), "key": entry.key})
    connection.execute(update(t.head), {"number": event.number, "digest": event.digest})
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
