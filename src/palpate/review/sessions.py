"""Who is signed in: only hashes of tokens are kept, and they run out."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, insert, select, update

from palpate.review import tables as t
from palpate.review.account import Account
from palpate.review.accounts import account_of
from palpate.review.clock import moment, stamp

# A session's last use is written down at most this often: reading must not cost a write.
_TOUCH_S = 60


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A session that holds.

    Args:
        account: whose.
        expires: when it ends if it is not used again.
        stale: its last use should be written down.
    """

    account: Account
    expires: datetime
    stale: bool = False


def put_session(
    connection: Connection,
    account: str,
    token_hash: str,
    *,
    now: datetime,
    idle: timedelta,
    lifetime: timedelta,
) -> None:
    """Insert a session, and clear away those that have run out."""
    s = t.sessions.c
    connection.execute(delete(t.sessions).where(s.expires <= stamp(now)))
    connection.execute(
        insert(t.sessions).values(
            token=token_hash,
            account=account,
            seen=stamp(now),
            idle_s=int(idle.total_seconds()),
            expires=stamp(now + lifetime),
        )
    )


def read_session(connection: Connection, token_hash: str, *, now: datetime) -> SignedIn | None:
    """Return who is signed in with a token; None where it has run out or they were struck off."""
    s, a = t.sessions.c, t.accounts.c
    row = connection.execute(
        select(s.seen, s.idle_s, s.expires, *t.accounts.c)
        .join_from(t.sessions, t.accounts, s.account == a.name)
        .where(s.token == token_hash)
    ).first()
    if row is None or not row.active:
        return None
    seen, last = moment(row.seen), moment(row.expires)
    ends = min(seen + timedelta(seconds=row.idle_s), last)
    if now >= ends:
        return None
    stale = (now - seen).total_seconds() >= min(_TOUCH_S, row.idle_s / 4)
    after = min(now + timedelta(seconds=row.idle_s), last) if stale else ends
    return SignedIn(account_of(row), after, stale)


def touch_session(connection: Connection, token_hash: str, *, now: datetime) -> None:
    """Write down that a session was used."""
    connection.execute(
        update(t.sessions).where(t.sessions.c.token == token_hash).values(seen=stamp(now))
    )


def drop_session(connection: Connection, token_hash: str) -> None:
    """End a session."""
    connection.execute(delete(t.sessions).where(t.sessions.c.token == token_hash))
