"""Who may sign in to a review: the accounts and sessions of its database."""

from collections.abc import Callable
from datetime import datetime, timedelta

from palpate.review.account import Account, Role
from palpate.review.accounts import (
    alter_account,
    check_keeper,
    fits,
    hashed,
    outdated,
    put_account,
    read_account,
    read_accounts,
    read_hash,
    renew_hash,
)
from palpate.review.database import Database
from palpate.review.sessions import (
    SignedIn,
    drop_session,
    put_session,
    read_session,
    touch_session,
)


class People:
    """Accounts and sessions; of a whole review they are a part of the store.

    Args:
        database: opened, its tables up to date.
        now: the clock.
    """

    def __init__(self, database: Database, now: Callable[[], datetime]) -> None:
        self._database = database
        self._now = now

    def add_account(
        self, account: Account, password: str | None, *, who: Account | None = None
    ) -> None:
        """Make an account.

        Args:
            account: name, title and role.
            password: of 10 letters or more; None where nobody signs in with one.
            who: administrator who makes it; None for whoever holds the database itself.

        Raises:
            ReviewError: the name is taken or none, or the password is too short.
            NotAllowedError: no administrator.
        """
        check_keeper(who)
        password_hash = hashed(password)
        with self._database.write() as connection:
            put_account(connection, account, password_hash)

    def accounts(self) -> tuple[Account, ...]:
        """Return all accounts, by name."""
        with self._database.read() as connection:
            return read_accounts(connection)

    def account(self, name: str) -> Account:
        """Return an account.

        Raises:
            UnknownCaseError: there is none.
        """
        with self._database.read() as connection:
            return read_account(connection, name)

    def change_account(
        self,
        name: str,
        *,
        title: str | None = None,
        role: Role | None = None,
        active: bool | None = None,
        password: str | None = None,
        who: Account | None = None,
    ) -> Account:
        """Change what is given; a new password, or being struck off, ends their sessions.

        Raises:
            UnknownCaseError: there is no such account.
            NotAllowedError: no administrator, or none would be left.
        """
        check_keeper(who)
        password_hash = None if password is None else hashed(password)
        with self._database.write() as connection:
            return alter_account(
                connection,
                name,
                title=title,
                role=role,
                active=active,
                password_hash=password_hash,
            )

    def check_password(self, name: str, password: str) -> Account | None:
        """Return the account if name and password fit; takes as long where the name is unknown."""
        with self._database.read() as connection:
            known = read_hash(connection, name)
        account = fits(known, password)
        if account is not None and known is not None and outdated(known[1]):
            with self._database.write() as connection:
                renew_hash(connection, name, known[1], hashed(password))
        return account

    def add_session(
        self, account: str, token_hash: str, *, idle: timedelta, lifetime: timedelta
    ) -> None:
        """Begin a session.

        Args:
            account: name.
            token_hash: SHA-256 of the token; the token itself is never kept.
            idle: how long it lasts without being used.
            lifetime: how long it lasts at most.

        Raises:
            UnknownCaseError: there is no such account.
        """
        with self._database.write() as connection:
            read_account(connection, account)
            put_session(
                connection, account, token_hash, now=self._now(), idle=idle, lifetime=lifetime
            )

    def session(self, token_hash: str) -> SignedIn | None:
        """Return who is signed in with a token, and prolong it; None where it does not hold."""
        now = self._now()
        with self._database.read() as connection:
            found = read_session(connection, token_hash, now=now)
        if found is not None and found.stale:
            with self._database.write() as connection:
                touch_session(connection, token_hash, now=now)
        return found

    def end_session(self, token_hash: str) -> None:
        """End a session; nothing happens where there is none."""
        with self._database.write() as connection:
            drop_session(connection, token_hash)
