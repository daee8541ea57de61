"""Signing in and out."""

import hmac
import math
from functools import partial
from typing import Annotated

from anyio import to_thread
from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import RedirectResponse

from palpate.review.account import Account
from palpate.serve.web.messages import Session, SignIn
from palpate.serve.web.page_files import page_answer
from palpate.serve.web.refused import RefusedError, documented
from palpate.serve.web.services import Given, Services
from palpate.serve.web.sessions import Visit
from palpate.serve.web.visit import SignedIn, cookie_name

router = APIRouter(tags=["session"])

# More than this many waiting for their password to be checked are asked to come again.
_IN_LINE = 32


def client_address(request: Request) -> str:
    """Where a request comes from; a proxy's word is taken where it was named at the start."""
    return request.client.host if request.client else ""


def refuse_many(given: Services, request: Request, name: str) -> None:
    """Refuse where there were too many attempts."""
    wait = given.attempts.wait_s(name, client_address(request))
    if wait:
        minutes = math.ceil(wait / 60)
        raise RefusedError(
            429,
            "too-many",
            f"too many attempts to sign in; try again in {minutes} "
            f"{'minute' if minutes == 1 else 'minutes'}",
            {"Retry-After": str(wait)},
        )


def _owner(given: Services, token: str) -> Account | None:
    """Whoever the token is of."""
    right = given.settings.token
    if right and hmac.compare_digest(token.encode(), right.encode()):
        return given.settings.owner
    return None


async def by_password(given: Services, name: str, password: str) -> Account:
    """Return the account of a name and a password.

    Raises:
        RefusedError: they do not belong together, or many are waiting.
    """
    if given.passwords.statistics().tasks_waiting >= _IN_LINE:
        raise RefusedError(503, "busy", "many are signing in; try again", {"Retry-After": "5"})
    check = partial(given.store.check_password, name, password)
    account = await to_thread.run_sync(check, limiter=given.passwords)
    if account is None:
        raise RefusedError(401, "wrong", "name and password do not belong together")
    return account


def _session(
    given: Services, account: Account, by_token: bool, last: str
) -> tuple[str, Visit | None]:
    """Begin a session, and end the one that the browser had."""
    if last:
        given.sessions.end(last)
    cookie = given.sessions.begin(account, by_token=by_token)
    return cookie, given.sessions.find(cookie)


def _begin(given: Services, request: Request, response: Response, visit: str) -> None:
    response.set_cookie(
        cookie_name(request, given.settings),
        visit,
        max_age=int(given.settings.session_s),
        path="/",
        httponly=True,
        samesite="strict",
        secure=given.settings.secure,
    )


def _message(visit: Visit) -> Session:
    account = visit.account
    return Session(
        name=account.name,
        title=account.title,
        role=account.role,
        csrf=visit.csrf,
        expires=visit.ends.isoformat(),
    )


@router.get("/sign-in", include_in_schema=False)
def sign_in_page(
    request: Request, given: Given, token: Annotated[str, Query(max_length=200)] = ""
) -> Response:
    """Exchange the token for a cookie, and take it out of the address; without one, the page."""
    if not token:
        return page_answer(request, "sign-in.html")
    refuse_many(given, request, "")
    owner = _owner(given, token)
    if owner is None:
        return RedirectResponse("/sign-in?reason=token", status_code=303)
    given.attempts.succeeded("", client_address(request))
    response = RedirectResponse("/", status_code=303)
    _begin(given, request, response, given.sessions.begin(owner, by_token=True))
    return response


@router.post("/api/session", responses=documented(429))
async def sign_in(request: Request, response: Response, given: Given, asked: SignIn) -> Session:
    """Sign in with the token of the printed address, or with name and password."""
    if (asked.token is None) == (asked.name is None or asked.password is None):
        raise RefusedError(422, "invalid", "either the token, or name and password")
    refuse_many(given, request, asked.name or "")
    if asked.token is not None:
        owner = _owner(given, asked.token)
        if owner is None:
            raise RefusedError(401, "wrong", "the token is not that of this server; start it again")
        account = owner
    else:
        name, password = asked.name or "", asked.password or ""
        account = await by_password(given, name, password)
    given.attempts.succeeded(asked.name or "", client_address(request))
    last = request.cookies.get(cookie_name(request, given.settings), "")
    by_token = asked.token is not None
    cookie, visit = await to_thread.run_sync(_session, given, account, by_token, last)
    _begin(given, request, response, cookie)
    if visit is None:
        raise RefusedError(503, "busy", "the session could not be begun; try again")
    return _message(visit)


@router.get("/api/session", responses=documented())
def who(visit: SignedIn) -> Session:
    """Who is signed in."""
    return _message(visit)


@router.delete("/api/session", status_code=204, responses=documented())
def sign_out(request: Request, given: Given, visit: SignedIn) -> Response:
    """Sign out."""
    name = cookie_name(request, given.settings)
    given.sessions.end(request.cookies.get(name, ""))
    response = Response(status_code=204)
    secure = given.settings.secure
    # Films were kept by the browser, which the next person at this desk may use.
    response.headers["Clear-Site-Data"] = '"cache"'
    response.delete_cookie(name, path="/", httponly=True, samesite="strict", secure=secure)
    return response
