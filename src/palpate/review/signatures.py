"""Signing a reading: its report is frozen, and kept whatever comes after."""

from sqlalchemy import Connection, insert, select

from palpate.review import tables as t
from palpate.review.account import Account, may
from palpate.review.append import Place, check_ready, check_text
from palpate.review.canonical import digest_of
from palpate.review.case import Signature
from palpate.review.chain import Entry, append_entry
from palpate.review.doors import check_active, check_reader
from palpate.review.event import Event
from palpate.review.readings import events_of, read_signature
from palpate.review.refusals import ConflictError, NotAllowedError, ReviewError, UnknownCaseError

_REPORT = 64 * 2**20


def sign(  # noqa: PLR0913
    connection: Connection,
    place: Place,
    who: Account,
    *,
    after: int,
    statement: str,
    report: bytes,
    when: str,
) -> Signature:
    """Append the signature and keep the report's bytes.

    Raises:
        SignedError: it is signed, by whom and when.
        ConflictError: the reading has gone on since the report was made.
        ReviewError: no statement, or no report.
    """
    check_reader(connection, place.project, place.reading, who, "sign")
    check_text(statement)
    if not statement.strip() or not 0 < len(report) <= _REPORT:
        raise ReviewError("a signature needs a statement and a report")
    check_ready(connection, place, after)
    digest = digest_of(report)
    entry = Entry(*place.here, "sign", who.name, place.case.model, note=statement, payload=digest)
    now = place.now
    values = {"state": "signed", "base": now.version}
    event = append_entry(connection, entry, when=when, step=now.step, values=values)
    signature = Signature(who.name, who.title, when, statement, digest, event.number)
    case, reading = place.here
    connection.execute(
        insert(t.signatures).values(
            event=event.number,
            case_id=case,
            reading=reading,
            who=who.name,
            name=who.title,
            at=when,
            statement=statement,
            report=digest,
            content=report,
        )
    )
    return signature


def reopen(
    connection: Connection, place: Place, who: Account, *, after: int, reason: str, when: str
) -> Event:
    """Take a signature back; the signed report stays.

    Raises:
        ReviewError: it is not signed, or no reason is given.
        NotAllowedError: neither a reviewer nor who signed.
        ConflictError: it has gone on.
    """
    check_reopener(connection, place, who)
    check_text(reason)
    if not reason.strip():
        raise ReviewError("reopening needs a reason")
    now = place.now
    if now.step != after:
        missed = events_of(connection, *place.here, after=min(after, now.step))
        raise ConflictError("the reading has gone on; nothing was saved", missed)
    entry = Entry(*place.here, "reopen", who.name, place.case.model, note=reason)
    values = {"state": "open", "signed": 0}
    return append_entry(connection, entry, when=when, step=now.step, values=values)


def check_reopener(connection: Connection, place: Place, who: Account) -> None:
    """Refuse who may not reopen, and what is not signed."""
    check_active(connection, who)
    if not may(who, "reviewer"):
        check_reader(connection, place.project, place.reading, who, "reopen")
    signature = read_signature(connection, place.now.signed)
    if signature is None:
        raise ReviewError("this reading is not signed, so there is nothing to reopen")
    if signature.who != who.name and not may(who, "reviewer"):
        raise NotAllowedError(
            f"only {signature.name}, who signed, or a reviewer may reopen this reading"
        )


def read_report(connection: Connection, case: str, reading: str, digest: str | None) -> bytes:
    """Return the report as it was signed, the last one or that of a digest.

    Raises:
        UnknownCaseError: there is none.
    """
    s = t.signatures.c
    query = select(s.content).where(s.case_id == case, s.reading == reading)
    if digest is not None:
        query = query.where(s.report == digest)
    content = connection.execute(query.order_by(s.event.desc()).limit(1)).scalar()
    if content is None:
        raise UnknownCaseError("this reading has no signed report of that kind")
    return bytes(content)
