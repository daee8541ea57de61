"""Who is signed in: random tokens in cookies; of a token only its hash is kept."""

import hashlib
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from palpate.review.account import Account


@dataclass(frozen=True, slots=True)
class Visit:
    """One person, signed in.

    Args:
        account: whose.
        csrf: what comes back in a header with whatever changes state.
        ends: the latest that it lasts.
        by_token: came with the token of the printed address, so has no password to ask for.
        seen: when a request last came.
    """

    account: Account
    csrf: str
    ends: datetime
    by_token: bool
    seen: datetime


def _hash(purpose: str, token: str) -> str:
    return hashlib.sha256(f"{purpose}:{token}".encode()).hexdigest()


@dataclass(slots=True)
class Sessions:
    """The sessions of this process.

    Args:
        idle: without a request, a session ends after this.
        longest: and after this at the latest.
        now: the time, UTC.

    Example:
        >>> sessions = Sessions(timedelta(hours=2), timedelta(hours=12))
        >>> cookie = sessions.begin(Account("anna", "Anna", "reader"), by_token=False)
        >>> sessions.find(cookie).account.name
        'anna'
        >>> sessions.end(cookie)
        >>> sessions.find(cookie) is None
        True
    """

    idle: timedelta
    longest: timedelta
    now: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))
    _open: dict[str, Visit] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def begin(self, account: Account, *, by_token: bool) -> str:
        """Return the cookie of a new session."""
        cookie = secrets.token_urlsafe(32)
        now = self.now()
        key = _hash("session", cookie)
        visit = Visit(account, _hash("csrf", cookie), now + self.longest, by_token, now)
        with self._lock:
            self._forget(now)
            self._open[key] = visit
        return cookie

    def find(self, cookie: str) -> Visit | None:
        """Return whose cookie it is; None where it is of no session, or of one that has ended."""
        key, now = _hash("session", cookie), self.now()
        with self._lock:
            visit = self._open.get(key)
            if visit is None or not self._lasts(visit, now):
                self._open.pop(key, None)
                return None
            self._open[key] = replace(visit, seen=now)
        return visit

    def end(self, cookie: str) -> None:
        """End a session."""
        with self._lock:
            self._open.pop(_hash("session", cookie), None)

    def end_all(self, name: str) -> None:
        """End every session of an account."""
        with self._lock:
            self._open = {k: v for k, v in self._open.items() if v.account.name != name}

    def _lasts(self, visit: Visit, now: datetime) -> bool:
        return now < visit.ends and now - visit.seen < self.idle

    def _forget(self, now: datetime) -> None:
        self._open = {key: visit for key, visit in self._open.items() if self._lasts(visit, now)}
