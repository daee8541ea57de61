"""Saving what a reader did: checked, appended, and the marks set, in one transaction."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, delete, insert, select

from palpate.review import tables as t
from palpate.review.account import Account
from palpate.review.begun import begun_digest
from palpate.review.case import Case, Project
from palpate.review.case_plain import plain_mark
from palpate.review.chain import Entry, append_entry, event_of
from palpate.review.doors import check_reader
from palpate.review.event import Change, Event, EventKind
from palpate.review.mark import Key, Mark
from palpate.review.readings import Standing, events_of, present_marks, read_signature
from palpate.review.refusals import ConflictError, ReviewError, SignedError

_MARKS: frozenset[EventKind] = frozenset({"marks", "undo", "redo", "adjudicate"})
_NOTE = 20_000
_SAVED = select(t.events).where(
    t.events.c.case_id == bindparam("of_case"),
    t.events.c.reading == bindparam("of_reading"),
    t.events.c.who == bindparam("of_who"),
    t.events.c.key == bindparam("of_key"),
)
_FORGET = delete(t.marks).where(
    t.marks.c.case_id == bindparam("of_case"),
    t.marks.c.reading == bindparam("of_reading"),
    t.marks.c.frame == bindparam("of_frame"),
    t.marks.c.landmark == bindparam("of_landmark"),
)


@dataclass(frozen=True, slots=True)
class Place:
    """A reading of a case, with what it began from.

    Args:
        project: of the case.
        case: with the prediction that the reading began from.
        reading: its name.
        begun: marks before the first event.
        now: where the reading stands.
    """

    project: Project
    case: Case
    reading: str
    begun: Mapping[Key, Mark]
    now: Standing

    @property
    def here(self) -> tuple[str, str]:
        """Case and reading."""
        return self.case.identifier, self.reading


def save(  # noqa: PLR0913
    connection: Connection,
    place: Place,
    who: Account,
    *,
    after: int,
    key: str,
    kind: EventKind,
    changes: Sequence[Change],
    note: str,
    when: str,
) -> Event:
    """Append an event and set its marks; the same key again gives the event that was saved.

    Raises:
        ConflictError: the reading has gone on since ``after``.
        SignedError: it is signed.
        NotAllowedError: this account may not.
        ReviewError: an event that says nothing or too much.
        SchemeError: a landmark that the scheme does not know.
    """
    check_reader(connection, place.project, place.reading, who, kind)
    tidy = _tidied(place, kind, changes, note)
    saved = _saved(connection, place, who, key)
    if saved is not None:
        if (saved.kind, saved.changes, saved.note) != (kind, tidy, note):
            raise ReviewError("this key was used for another event; make a new one for each")
        return saved
    check_ready(connection, place, after)
    _check_before(connection, place, tidy)
    entry = Entry(
        *place.here, kind, who.name, place.case.model, tidy, note, first_payload(place), key
    )
    now, people = place.now, json.loads(place.now.people)
    if tidy and who.name not in people:
        people = sorted([*people, who.name])
    values = {"state": "open", "base": now.version, "people": json.dumps(people)}
    event = append_entry(connection, entry, when=when, step=now.step, values=values)
    _set_marks(connection, place, tidy)
    return event


def check_ready(connection: Connection, place: Place, after: int) -> None:
    """Refuse a reading that is signed, or does not stand where the reader saw it.

    Raises:
        SignedError: it is signed.
        ConflictError: it has gone on.
    """
    now = place.now
    if now.state == "signed":
        signature = read_signature(connection, now.signed)
        by = "" if signature is None else f" by {signature.name} on {signature.when[:16]} UTC"
        raise SignedError(f"this reading was signed{by}; it must be reopened to be changed")
    if now.step != after:
        missed = events_of(connection, *place.here, after=min(after, now.step))
        names = " and ".join(sorted({event.who for event in missed})) or "nobody"
        raise ConflictError(
            f"the reading has {now.step} events, the page saw {after}: {names} came in between; "
            "nothing was saved",
            missed,
        )


def first_payload(place: Place) -> str:
    """Return the hash of what the reading began from, for a person's first event."""
    if place.now.state != "new":
        return ""
    return begun_digest(place.case.given, dict(place.begun))


def _tidied(
    place: Place, kind: EventKind, changes: Sequence[Change], note: str
) -> tuple[Change, ...]:
    """Check an event against the case; numbers come back as they will from the database."""
    if kind not in _MARKS and kind != "comment":
        raise ReviewError(f"a reader sets marks, undoes, redoes or comments; not {kind!r}")
    if kind == "comment" and (changes or not note.strip()):
        raise ReviewError("a comment has text and changes no mark")
    if kind in _MARKS and not changes and kind != "adjudicate":
        raise ReviewError("there is nothing to save: no mark is changed")
    check_text(note)
    keys = [change.key for change in changes]
    if len(set(keys)) != len(keys):
        raise ReviewError("an event changes a landmark of a frame once")
    for frame, landmark in keys:
        place.project.scheme.index(landmark)
        if not 0 <= frame < place.case.given.frames:
            raise ReviewError(
                f"{landmark}: the case has {place.case.given.frames} frames, from 0; "
                f"got frame {frame}"
            )
    return tuple(
        Change(
            None if change.before is None else plain_mark(change.before),
            None if change.after is None else plain_mark(change.after),
        )
        for change in changes
    )


def check_text(note: str) -> None:
    """Refuse text that not every database keeps.

    Raises:
        ReviewError: too long, or with signs that are none.
    """
    if len(note) > _NOTE:
        raise ReviewError(f"a text has at most {_NOTE} letters, got {len(note)}")
    if "\0" in note or any("\ud800" <= letter <= "\udfff" for letter in note):
        raise ReviewError("the text holds a sign that is no letter; remove it and save again")


def _saved(connection: Connection, place: Place, who: Account, key: str) -> Event | None:
    case, reading = place.here
    given = {"of_case": case, "of_reading": reading, "of_who": who.name, "of_key": key}
    row = connection.execute(_SAVED, given).first()
    return None if row is None else event_of(row)


def _check_before(connection: Connection, place: Place, changes: Sequence[Change]) -> None:
    if not changes:
        return
    frames = {change.key[0] for change in changes}
    present = present_marks(connection, *place.here, place.begun, frames=frames)
    for change in changes:
        if present.get(change.key) != change.before:
            raise ConflictError(
                f"{change.key[1]} is not where the page saw it; load the case again. Nothing was "
                "saved",
                (),
            )


def _set_marks(connection: Connection, place: Place, changes: Sequence[Change]) -> None:
    """Bring the marks table up to the event."""
    case, reading = place.here
    if not changes:
        return
    old = [
        {"of_case": case, "of_reading": reading, "of_frame": frame, "of_landmark": landmark}
        for frame, landmark in (change.key for change in changes)
    ]
    connection.execute(_FORGET, old)
    here = {"case_id": case, "reading": reading}
    connection.execute(
        insert(t.marks), [{**here, **mark_row(each.key, each.after)} for each in changes]
    )


def mark_row(key: Key, mark: Mark | None) -> dict[str, object]:
    """Return the columns of a mark, or of one that was taken away."""
    if mark is None:
        frame, landmark = key
        return {
            "frame": frame,
            "landmark": landmark,
            "state": "removed",
            "x": None,
            "y": None,
            "origin": "person",
        }
    return mark.to_plain()
