"""Accounts in the database; passwords are argon2 hashes."""

import re
from functools import lru_cache
from typing import Any, get_args

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError
from sqlalchemy import Connection, delete, func, insert, select, update

from palpate.review import tables as t
from palpate.review.account import Account, Role, may
from palpate.review.append import check_text
from palpate.review.event import SHARED
from palpate.review.refusals import NotAllowedError, ReviewError, UnknownCaseError

_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{0,63}")
_SHORTEST = 10
_LONGEST = 1000
# The library's defaults: RFC 9106's second choice, for machines with little memory.
_HASHER = PasswordHasher()


def hashed(password: str | None) -> str:
    """Return the hash to keep; empty for nobody's password.

    Raises:
        ReviewError: too short or too long.
    """
    if password is None:
        return ""
    if not _SHORTEST <= len(password) <= _LONGEST:
        raise ReviewError(f"a password has {_SHORTEST} to {_LONGEST} letters")
    check_text(password)
    return _HASHER.hash(password)


def put_account(connection: Connection, account: Account, password_hash: str) -> None:
    """Insert an account.

    Raises:
        ReviewError: a name that is none, or that is taken.
    """
    if not _NAME.fullmatch(account.name) or account.name == SHARED:
        raise ReviewError(
            "a name to sign in with has small letters, digits, dots and hyphens, at most 64, and "
            f"is not {SHARED!r}"
        )
    _check_words(account.title, account.role)
    a = t.accounts.c
    if connection.execute(select(a.name).where(a.name == account.name)).first() is not None:
        raise ReviewError(f"there is an account {account.name!r}; accounts are never made twice")
    connection.execute(
        insert(t.accounts).values(
            name=account.name,
            title=account.title,
            role=account.role,
            active=account.active,
            password=password_hash,
        )
    )


def alter_account(
    connection: Connection,
    name: str,
    *,
    title: str | None,
    role: Role | None,
    active: bool | None,
    password_hash: str | None,
) -> Account:
    """Change what is not None; a new password or being struck off ends every session.

    Raises:
        UnknownCaseError: there is no such account.
        NotAllowedError: nobody would be left to keep the accounts.
    """
    old = read_account(connection, name)
    new = Account(
        name,
        old.title if title is None else title,
        old.role if role is None else role,
        old.active if active is None else active,
    )
    _check_words(new.title, new.role)
    values: dict[str, object] = {"title": new.title, "role": new.role, "active": new.active}
    if password_hash is not None:
        values["password"] = password_hash
    connection.execute(update(t.accounts).where(t.accounts.c.name == name).values(values))
    a = t.accounts.c
    left = connection.execute(
        select(func.count()).where(a.role == "administrator", a.active.is_(True))
    ).scalar_one()
    if may(old, "administrator") and not left:
        raise NotAllowedError("nobody would be left to keep the accounts; make another first")
    if password_hash is not None or not new.active:
        connection.execute(delete(t.sessions).where(t.sessions.c.account == name))
    return new


def read_account(connection: Connection, name: str) -> Account:
    """Return an account.

    Raises:
        UnknownCaseError: there is none.
    """
    row = connection.execute(select(t.accounts).where(t.accounts.c.name == name)).first()
    if row is None:
        raise UnknownCaseError("there is no such account")
    return account_of(row)


def account_of(row: Any) -> Account:
    """Return the account of a row."""
    return Account(row.name, row.title, row.role, row.active)


def read_accounts(connection: Connection) -> tuple[Account, ...]:
    """Return all, by name."""
    rows = connection.execute(select(t.accounts).order_by(t.accounts.c.name)).all()
    return tuple(account_of(row) for row in rows)


def read_hash(connection: Connection, name: str) -> tuple[Account, str] | None:
    """Return an account and its hash; None where there is none."""
    row = connection.execute(select(t.accounts).where(t.accounts.c.name == name)).first()
    return None if row is None else (account_of(row), row.password)


def fits(known: tuple[Account, str] | None, password: str) -> Account | None:
    """Return the account if the password is its own.

    An unknown name, an account without a password and one that is struck off take as long as a
    wrong password: nobody learns from the time which names there are.
    """
    kept = "" if known is None else known[1]
    try:
        _HASHER.verify(kept or _nobody(), password)
    except (Argon2Error, InvalidHashError, UnicodeEncodeError):
        return None
    if known is None or not kept or not known[0].active:
        return None
    return known[0]


def outdated(password_hash: str) -> bool:
    """Whether a hash was made with older parameters than today's."""
    return _HASHER.check_needs_rehash(password_hash)


def renew_hash(connection: Connection, name: str, old: str, new: str) -> None:
    """Put a hash with today's parameters in the place of an older one of the same password."""
    a = t.accounts.c
    connection.execute(
        update(t.accounts).where(a.name == name, a.password == old).values(password=new)
    )


@lru_cache(maxsize=1)
def _nobody() -> str:
    """Hash that takes as long to compare with as any other."""
    return _HASHER.hash("nobody's")


def check_keeper(who: Account | None) -> None:
    """Refuse who may not keep accounts; None is whoever holds the database itself.

    Raises:
        NotAllowedError: no administrator.
    """
    if who is not None and not may(who, "administrator"):
        raise NotAllowedError("accounts are kept by administrators")


def _check_words(title: str, role: str) -> None:
    check_text(title)
    if not title.strip() or len(title) > 200:
        raise ReviewError("an account has the person's name, as it is printed; at most 200 letters")
    if role not in get_args(Role):
        raise ReviewError(f"an account is a {', a '.join(get_args(Role))}; not {role!r}")
