"""Whether a review is as it was saved: the chain, the marks, the readings, the signed reports."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from sqlalchemy import Connection, select

from palpate.errors import PalpateError
from palpate.review import tables as t
from palpate.review.canonical import digest_of
from palpate.review.case import Case, Project
from palpate.review.case_plain import shared_digests
from palpate.review.chain import event_of
from palpate.review.event import GENESIS, SHARED, Event, event_digest
from palpate.review.readings import look, present_marks, read_signature
from palpate.review.replay import replayed

_AT_ONCE = 1000
_TOLD = 100

Find = Callable[[str, int], tuple[Project, Case]]


@dataclass(frozen=True, slots=True)
class Problem:
    """What is not as it was saved.

    Args:
        number: of the event; 0 where it is of none.
        case: identifier; may be empty.
        sentence: in words.
    """

    number: int
    case: str
    sentence: str


def chain_problems(connection: Connection) -> Iterator[Problem]:
    """Go along the chain from its first event to its head."""
    number, previous = 0, GENESIS
    for event in all_events(connection):
        if isinstance(event, Problem):
            yield event
            number, previous = event.number, ""
            continue
        if event.number != number + 1:
            yield Problem(
                event.number,
                event.case,
                f"events {number + 1} to {event.number - 1} are missing before event {event.number}"
                if event.number > number + 2
                else f"event {number + 1} is missing before event {event.number}",
            )
        elif previous and event.previous != previous:
            yield Problem(
                event.number,
                event.case,
                f"event {event.number} does not follow event {number}: one of them was removed, "
                "inserted or changed",
            )
        if event_digest(replace(event, digest="")) != event.digest:
            yield Problem(
                event.number, event.case, f"event {event.number} was changed after it was saved"
            )
        number, previous = event.number, event.digest
    head = connection.execute(select(t.head.c.number, t.head.c.digest)).one()
    if (head.number, head.digest) != (number, previous):
        yield Problem(
            number,
            "",
            f"the head says that event {head.number} is the last, the chain ends with event "
            f"{number}, or with another hash: events were removed or added at the end",
        )


def all_events(connection: Connection) -> Iterator[Event | Problem]:
    """Return events by number, some at a time; one that is no event is a problem."""
    last = 0
    while True:
        rows = connection.execute(
            select(t.events)
            .where(t.events.c.number > last)
            .order_by(t.events.c.number)
            .limit(_AT_ONCE)
        ).all()
        for row in rows:
            try:
                yield event_of(row)
            except (PalpateError, ValueError, KeyError, TypeError, AttributeError):
                yield Problem(row.number, row.case_id, f"event {row.number} was made unreadable")
        if len(rows) < _AT_ONCE:
            return
        last = rows[-1].number


def reading_problems(
    connection: Connection, find: Find, case: str, reading: str
) -> Iterator[Problem]:
    """Play a reading's events again and compare with what its tables say."""
    e = t.events.c
    rows = connection.execute(
        select(t.events).where(e.case_id == case, e.reading == reading).order_by(e.step)
    ).all()
    try:
        _, now = look(connection, case, reading)
        events = [event_of(row) for row in rows]
        project, whole = find(case, now.base)
        again = replayed(project, whole, events)
        present = present_marks(connection, case, reading, again.begun)
    except (PalpateError, ValueError, KeyError, TypeError, AttributeError) as error:
        words = str(error) if isinstance(error, PalpateError) else "it cannot be read"
        yield Problem(0, case, f"reading {reading!r} of {_name(connection, case)}: {words}")
        return
    where = f"{reading!r} of {whole.given.image!r}"
    for number, sentence in again.problems:
        yield Problem(number, case, f"reading {where}: {sentence}")
    for key in sorted(set(present) | set(again.marks)):
        if present.get(key) != again.marks.get(key):
            yield Problem(
                0,
                case,
                f"reading {where}: {key[1]} of frame {key[0]} is not where its events left it",
            )
    if (now.step, now.state, now.signed) != (len(events), again.state, again.signed):
        yield Problem(0, case, f"reading {where}: its step or state is not what its events led to")


def _name(connection: Connection, case: str) -> str:
    c = t.cases.c
    found = connection.execute(select(c.image).where(c.identifier == case)).scalar()
    return "a case that is not there" if found is None else repr(found)


def signature_problems(connection: Connection) -> Iterator[Problem]:
    """Compare every signed report with the hash that its event holds."""
    s, e = t.signatures.c, t.events.c
    joined = t.events.outerjoin(t.signatures, s.event == e.number)
    rows = connection.execute(
        select(e.number, e.case_id, e.who, e.at, e.note, e.payload, e.reading, s.event)
        .select_from(joined)
        .where(e.kind == "sign")
        .order_by(e.number)
    ).all()
    signed = {row.number for row in rows}
    for row in rows:
        if row.event is None:
            yield Problem(
                row.number, row.case_id, f"the report that event {row.number} signed is missing"
            )
            continue
        content = connection.execute(select(s.content).where(s.event == row.number)).scalar_one()
        if digest_of(bytes(content)) != row.payload:
            yield Problem(
                row.number,
                row.case_id,
                f"the report that event {row.number} signed was changed afterwards",
            )
        kept = read_signature(connection, row.number)
        told = (row.who, row.at, row.note, row.payload)
        if kept is None or (kept.who, kept.when, kept.statement, kept.report) != told:
            yield Problem(
                row.number,
                row.case_id,
                f"who signed, when or what at event {row.number} was changed afterwards",
            )
    for number in connection.execute(select(s.event)).scalars():
        if number not in signed:
            yield Problem(number, "", f"a signed report was added without an event ({number})")


def prediction_problems(connection: Connection) -> Iterator[Problem]:
    """Compare every prediction with its hash, and new ones with the event that told of them."""
    shared: set[str] = set()
    for row in connection.execute(select(t.shared_values)).all():
        shared.add(row.digest)
        if digest_of(row.content) != row.digest:
            what = "the correlation or calibration of a model"
            yield Problem(0, "", f"what predictions share was changed: {what}")
    p, e = t.predictions.c, t.events.c
    told = {
        (row.case_id, row.payload)
        for row in connection.execute(
            select(e.case_id, e.payload).where(e.kind == "predicted", e.reading == SHARED)
        )
    }
    c = t.cases.c
    newest = connection.execute(select(c.identifier, c.predicted).where(c.predicted > 0)).all()
    for case, last in newest:
        rows = connection.execute(select(t.predictions).where(p.case_id == case)).all()
        for version in sorted(set(range(1, last + 1)) - {row.version for row in rows}):
            yield Problem(0, case, f"prediction {version} of {_name(connection, case)} is missing")
        for row in rows:
            whole = digest_of(row.content) == row.digest
            if whole and not _has_shared(row.content, shared):
                yield Problem(
                    0,
                    case,
                    f"what prediction {row.version} of {_name(connection, case)} shares with "
                    "others is missing: the correlation or calibration of a model",
                )
            if not whole or (row.version > 1 and (case, row.digest) not in told):
                yield Problem(
                    0,
                    case,
                    f"prediction {row.version} of {_name(connection, case)} was changed or added",
                )


def _has_shared(text: str, there: set[str]) -> bool:
    """Whether all that a prediction shares with others is in the review."""
    try:
        return there.issuperset(shared_digests(text))
    except (ValueError, KeyError, TypeError):
        return False


def first(problems: Iterator[Problem]) -> tuple[Problem, ...]:
    """Return the first hundred: a broken review need not be listed whole."""
    found = []
    for problem in problems:
        found.append(problem)
        if len(found) == _TOLD:
            break
    return tuple(found)
