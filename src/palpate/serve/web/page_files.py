"""Files of the page: those of the package, listed when the application starts, and no others."""

import gzip
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from palpate.serve.web.refused import RefusedError
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
# Packing is worth it where this share of the bytes or less is left.
_WORTH = 0.9
_GZIP = re.compile(r"\bgzip\b(?!\s*;\s*q=0(\.0*)?\s*(,|$))", re.IGNORECASE)
_BACK = re.compile(r"/case/[\w-]{16,32}(/report|/adjudicate)?|/accounts", re.ASCII)
router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, eq=False, slots=True)
class PageFile:
    """One file of the page, as it is sent.

    Args:
        content: its bytes.
        packed: the same by gzip; empty where that saves little.
        kind: its media type.
        tag: for ``ETag``.
    """

    content: bytes
    packed: bytes
    kind: str
    tag: str


@dataclass(frozen=True, eq=False, slots=True)
class PageFiles:
    """The files of the page by their path below ``/page/``, and one digest of them all."""

    digest: str
    found: Mapping[str, PageFile]


def page_files() -> PageFiles:
    """Read the files of the page, once: pages point at addresses with the digest of all files.

    Modules import each other relatively, so a whole page comes from one version, and a browser
    asks for none of it again until the server has another.

    Example:
        >>> page_files().found["js/api.js"].kind
        'text/javascript; charset=utf-8'
    """
    contents: dict[str, bytes] = {}
    _list(files("palpate.serve") / "page", "", contents)
    whole = hashlib.sha256()
    for name, content in sorted(contents.items()):
        whole.update(f"{name} {len(content)} ".encode() + content)
    digest = whole.hexdigest()[:16]
    return PageFiles(digest, {name: _page_file(name, contents[name], digest) for name in contents})


def _list(folder: Traversable, prefix: str, contents: dict[str, bytes]) -> None:
    for entry in folder.iterdir():
        name = f"{prefix}{entry.name}"
        if entry.is_dir():
            _list(entry, f"{name}/", contents)
        elif _suffix(name) in TYPES and not entry.name.startswith("."):
            contents[name] = entry.read_bytes()


def _suffix(name: str) -> str:
    return name[name.rfind(".") :]


def _page_file(name: str, content: bytes, digest: str) -> PageFile:
    if _suffix(name) == ".html":
        content = content.replace(b'="/page/', f'="/page/{digest}/'.encode())
    packed = gzip.compress(content, mtime=0)
    tag = hashlib.sha256(content).hexdigest()[:32]
    small = packed if len(packed) < _WORTH * len(content) else b""
    return PageFile(content, small, TYPES[_suffix(name)], tag)


def page_answer(request: Request, name: str, *, lasts: bool = False) -> Response:
    """Return a file of the page, or that the browser has it.

    The name is only looked up in the listing: no path is made from it.

    Args:
        request: that asks.
        name: below ``/page/``.
        lasts: the address names the version, so the answer never changes.

    Raises:
        RefusedError: there is none of that name.
    """
    listing: PageFiles = request.app.state.page_files
    if name not in listing.found:
        raise RefusedError(404, "unknown", "there is nothing at this address")
    one = listing.found[name]
    packs = one.packed and _GZIP.search(request.headers.get("accept-encoding", ""))
    tag = f'"{one.tag}-gzip"' if packs else f'"{one.tag}"'
    headers = {"ETag": tag, "Vary": "Accept-Encoding", "Cache-Control": "no-cache"}
    if lasts:
        headers["Cache-Control"] = "public, max-age=31536000, immutable"
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    if packs:
        headers["Content-Encoding"] = "gzip"
    return Response(one.packed if packs else one.content, 200, headers, media_type=one.kind)


@router.get("/page/{name:path}")
async def page_file(request: Request, name: str) -> Response:
    """A style, a script or a picture of the page; lasting where its address has the digest."""
    listing: PageFiles = request.app.state.page_files
    version, _, rest = name.partition("/")
    if version == listing.digest:
        return page_answer(request, rest, lasts=True)
    return page_answer(request, name)


@router.get("/favicon.ico")
def favicon(request: Request) -> Response:
    """What browsers ask for unasked."""
    return page_answer(request, "favicon.svg")


@router.get("/")
def home(request: Request, given: Given) -> Response:
    """The queue, or the page to sign in on."""
    return page_answer(request, "queue.html" if visit_of(request, given) else "sign-in.html")


def to_sign_in(request: Request) -> RedirectResponse:
    """Return the way to the page to sign in on, which leads back here afterwards.

    The way back is a fragment, which stays in the browser, and only ever one of our own pages.
    """
    path = request.scope["path"]
    back = f"#{path}" if _BACK.fullmatch(path) else ""
    return RedirectResponse(f"/sign-in{back}", status_code=303)


def _behind_sign_in(request: Request, given: Given, name: str) -> Response:
    if visit_of(request, given) is None:
        return to_sign_in(request)
    return page_answer(request, name)


@router.get("/case/{case}")
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
