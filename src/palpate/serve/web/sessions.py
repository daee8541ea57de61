"""Who is signed in: random tokens in cookies; of a token only its hash is kept."""

import hashlib
import secrets
import threading
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from palpate.review.account import Account
from palpate.review.store import Store


@dataclass(frozen=True, slots=True)
class Visit:
    """One person, signed in.

    Args:
        account: whose.
        csrf: what comes back in a header with whatever changes state.
        ends: when the session does.
        by_token: came with the token of the printed address, so has no password to ask for.
    """

    account: Account
    csrf: str
    ends: datetime
    by_token: bool


@dataclass(frozen=True, slots=True)
class _Guest:
    """The session of whoever came with the token."""

    account: Account
    ends: datetime
    seen: datetime


def _hash(purpose: str, token: str) -> str:
    return hashlib.sha256(f"{purpose}:{token}".encode()).hexdigest()


@dataclass(slots=True)
class Sessions:
    """Sessions: those of accounts are in the store, those by the token live with this process.

    Args:
        store: of the review.
        idle: without a request, a session ends after this.
        longest: and after this at the latest.
    """

    store: Store
    idle: timedelta
    longest: timedelta
    _guests: dict[str, _Guest] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def begin(self, account: Account, *, by_token: bool) -> str:
        """Return the cookie of a new session."""
        cookie = secrets.token_urlsafe(32)
        key = _hash("session", cookie)
        if not by_token:
            self.store.add_session(account.name, key, idle=self.idle, lifetime=self.longest)
            return cookie
        now = datetime.now(UTC)
        with self._lock:
            self._guests = {k: one for k, one in self._guests.items() if self._lasts(one, now)}
            self._guests[key] = _Guest(account, now + self.longest, now)
        return cookie

    def find(self, cookie: str) -> Visit | None:
        """Return whose cookie it is; None where it is of no session, or of one that has ended."""
        key, csrf, now = _hash("session", cookie), _hash("csrf", cookie), datetime.now(UTC)
        with self._lock:
            guest = self._guests.pop(key, None)
            if guest is not None and self._lasts(guest, now):
                self._guests[key] = replace(guest, seen=now)
                return Visit(guest.account, csrf, min(guest.ends, now + self.idle), True)
        found = self.store.session(key)
        return None if found is None else Visit(found.account, csrf, found.expires, False)

    def end(self, cookie: str) -> None:
        """End a session."""
        key = _hash("session", cookie)
        with self._lock:
            guest = self._guests.pop(key, None)
        if guest is None:
            self.store.end_session(key)

    def _lasts(self, guest: _Guest, now: datetime) -> bool:
        return now < guest.ends and now - guest.seen < self.idle
