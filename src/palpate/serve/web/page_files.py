"""Files of the page: those of the package, listed when the application starts, and no others."""

import hashlib
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Annotated

from fastapi import APIRouter, Header, Request
from fastapi.responses import RedirectResponse, Response

from palpate.serve.web.refused import RefusedError, documented
from palpate.serve.web.services import Given
from palpate.serve.web.visit import visit_of

TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".woff2": "font/woff2",
}
IfNoneMatch = Annotated[str, Header(alias="If-None-Match", max_length=200)]
router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class PageFile:
    """One file of the page."""

    at: Traversable
    kind: str


def page_files() -> dict[str, PageFile]:
    """Return the files of the page by their path below ``/page/``.

    Example:
        >>> page_files()["js/api.js"].kind
        'text/javascript; charset=utf-8'
    """
    found: dict[str, PageFile] = {}
    _list(files("palpate.serve") / "page", "", found)
    return found


def _list(folder: Traversable, prefix: str, found: dict[str, PageFile]) -> None:
    for entry in folder.iterdir():
        name = f"{prefix}{entry.name}"
        suffix = entry.name[entry.name.rfind(".") :]
        if entry.is_dir():
            _list(entry, f"{name}/", found)
        elif suffix in TYPES and not entry.name.startswith("."):
            found[name] = PageFile(entry, TYPES[suffix])


def page_answer(request: Request, name: str, known: str = "") -> Response:
    """Return a file of the page, or that the browser has it.

    The name is only looked up in the listing: no path is made from it.

    Raises:
        RefusedError: there is none of that name.
    """
    listing: dict[str, PageFile] = request.app.state.page_files
    if name not in listing:
        raise RefusedError(404, "unknown", "there is nothing at this address")
    content = listing[name].at.read_bytes()
    tag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    headers = {"ETag": tag, "Cache-Control": "no-cache"}
    if known == tag:
        return Response(status_code=304, headers=headers)
    return Response(content, 200, headers, media_type=listing[name].kind)


@router.get("/page/{name:path}")
def pagepage_answer(request: Request, name: str, known: IfNoneMatch = "") -> Response:
    """A style, a script or a picture of the page."""
    return page_answer(request, name, known)


@router.get("/favicon.ico")
def favicon(request: Request) -> Response:
    """What browsers ask for unasked."""
    return page_answer(request, "favicon.svg")


@router.get("/")
def home(request: Request, given: Given) -> Response:
    """The queue, or the page to sign in on."""
    return page_answer(request, "queue.html" if visit_of(request, given) else "sign-in.html")


def _behind_sign_in(request: Request, given: Given, name: str) -> Response:
    if visit_of(request, given) is None:
        return RedirectResponse("/sign-in", status_code=303)
    return page_answer(request, name)


@router.get("/case/{case}", responses=documented())
def case_page(request: Request, given: Given, case: str) -> Response:
    """The viewer."""
    return _behind_sign_in(request, given, "case.html")


@router.get("/case/{case}/adjudicate")
def adjudicate_page(request: Request, given: Given, case: str) -> Response:
    """All readings of a case over one another."""
    return _behind_sign_in(request, given, "adjudicate.html")


@router.get("/accounts")
def accounts_page(request: Request, given: Given) -> Response:
    """Who may sign in."""
    return _behind_sign_in(request, given, "accounts.html")


@router.get("/help")
def help_page(request: Request) -> Response:
    """Keys and words."""
    return page_answer(request, "help.html")
