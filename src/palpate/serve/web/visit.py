"""Who asks: the account behind a cookie, and whether its role is enough."""

import hmac
from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends, Request

from palpate.review.account import Account, Role, may
from palpate.serve.web.refused import RefusedError
from palpate.serve.web.services import Given
from palpate.serve.web.sessions import Visit
from palpate.serve.web.settings import Settings

CSRF_HEADER = "X-CSRF-Token"
_SAFE = ("GET", "HEAD", "OPTIONS")
_WHAT: dict[Role, str] = {
    "reader": "readers",
    "reviewer": "reviewers",
    "administrator": "administrators",
}


def cookie_name(request: Request, settings: Settings) -> str:
    """Name of the session's cookie.

    Cookies do not keep ports apart, so two reviews on one machine would sign each other out; over
    TLS the prefix lets browsers refuse cookies that another host of the domain has set.

    Example:
        >>> from starlette.requests import Request
        >>> scope = {"type": "http", "headers": [(b"host", b"127.0.0.1:8123")]}
        >>> cookie_name(Request(scope), Settings())
        'palpate-8123'
    """
    if settings.secure:
        return "__Host-palpate"
    port = request.headers.get("host", "").rpartition(":")[2]
    return f"palpate-{port}" if port.isdigit() else "palpate"


def visit_of(request: Request, given: Given) -> Visit | None:
    """Return who is signed in, if anybody."""
    cookie = request.cookies.get(cookie_name(request, given.settings), "")
    visit = given.sessions.find(cookie) if cookie else None
    request.state.account = visit.account.name if visit else ""
    return visit


def _signed_in(request: Request, given: Given) -> Visit:
    """Whoever is signed in; whatever changes state also brings the session's own header."""
    visit = visit_of(request, given)
    if visit is None:
        raise RefusedError(401, "signed-out", "you are not signed in, or the session has ended")
    if request.method not in _SAFE:
        brought = request.headers.get(CSRF_HEADER, "")
        if not hmac.compare_digest(brought.encode(), visit.csrf.encode()):
            raise RefusedError(403, "csrf", "this request is not from the page; load it again")
    return visit


SignedIn = Annotated[Visit, Depends(_signed_in)]


def _at_least(role: Role) -> Callable[[Visit], Awaitable[Account]]:
    async def account(visit: SignedIn) -> Account:
        if not may(visit.account, role):
            raise RefusedError(403, "not-allowed", f"this is for {_WHAT[role]}")
        return visit.account

    return account


Reader = Annotated[Account, Depends(_at_least("reader"))]
Reviewer = Annotated[Account, Depends(_at_least("reviewer"))]
Administrator = Annotated[Account, Depends(_at_least("administrator"))]
