"""Saving what a reader did: checked, appended, and the marks set, in one transaction."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, select, update

from palpate.review import tables as t
from palpate.review.account import Account
from palpate.review.begun import begun_digest
from palpate.review.case import Case, Project
from palpate.review.case_plain import plain_mark
from palpate.review.chain import Entry, append_entry, event_of
from palpate.review.doors import check_reader
from palpate.review.event import Change, Event, EventKind
from palpate.review.mark import Key, Mark
from palpate.review.readings import Standing, events_of, present_marks, read_signature, standing
from palpate.review.refusals import ConflictError, ReviewError, SignedError

_MARKS: frozenset[EventKind] = frozenset({"marks", "undo", "redo", "adjudicate"})
_NOTE = 20_000


@dataclass(frozen=True, slots=True)
class Place:
    """A reading of a case, with what it began from.

    Args:
        project: of the case.
        case: with the prediction that the reading began from.
        reading: its name.
        begun: marks before the first event.
    """

    project: Project
    case: Case
    reading: str
    begun: Mapping[Key, Mark]

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
    now = ready(connection, place, after)
    _check_before(connection, place, tidy)
    entry = Entry(
        *place.here, kind, who.name, place.case.model, tidy, note, first_payload(place, now), key
    )
    event = append_entry(connection, entry, when=when)
    _set_marks(connection, place, tidy)
    people = sorted({*json.loads(now.people), who.name}) if tidy else json.loads(now.people)
    touch(connection, place, now, people=json.dumps(people))
    return event


def ready(connection: Connection, place: Place, after: int) -> Standing:
    """Return where the reading stands, if it is unsigned and stands where the reader saw it.

    Raises:
        SignedError: it is signed.
        ConflictError: it has gone on.
    """
    now = standing(connection, *place.here)
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
    return now


def first_payload(place: Place, now: Standing) -> str:
    """Return the hash of what the reading began from, for a person's first event."""
    if now.state != "new":
        return ""
    return begun_digest(place.case.given, dict(place.begun))


def touch(connection: Connection, place: Place, now: Standing, **values: object) -> None:
    """Set columns of a reading that a person has now begun."""
    case, reading = place.here
    connection.execute(
        update(t.readings)
        .where(t.readings.c.case_id == case, t.readings.c.reading == reading)
        .values({"state": "open", "base": base_of(connection, place, now), **values})
    )


def base_of(connection: Connection, place: Place, now: Standing) -> int:
    """Return the version of the prediction that the reading began from."""
    if now.state != "new":
        return now.base
    c = t.cases.c
    return connection.execute(
        select(c.predicted).where(c.identifier == place.case.identifier)
    ).scalar_one()


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
    e = t.events.c
    case, reading = place.here
    row = connection.execute(
        select(t.events).where(
            e.case_id == case, e.reading == reading, e.who == who.name, e.key == key
        )
    ).first()
    return None if row is None else event_of(row)


def _check_before(connection: Connection, place: Place, changes: Sequence[Change]) -> None:
    if not changes:
        return
    present = present_marks(connection, *place.here, place.begun)
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
    m = t.marks.c
    rows = []
    for change in changes:
        frame, landmark = change.key
        connection.execute(
            delete(t.marks).where(
                m.case_id == case,
                m.reading == reading,
                m.frame == frame,
                m.landmark == landmark,
            )
        )
        rows.append({"case_id": case, "reading": reading, **mark_row(change.key, change.after)})
    if rows:
        connection.execute(insert(t.marks), rows)


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
