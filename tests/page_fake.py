"""A server that is not there: the page's own files and canned answers, for a browser in a test."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import parse_qsl, urlsplit

ORIGIN = "http://palpate.test"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
    "connect-src 'self'; font-src 'self'; form-action 'self'; frame-ancestors 'none'; "
    "base-uri 'none'"
)
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}
_PAGES = {
    "/": "queue.html",
    "/sign-in": "sign-in.html",
    "/accounts": "accounts.html",
    "/help": "help.html",
}


@dataclass
class Asked:
    """What the page has asked: method, path, query, body."""

    method: str
    path: str
    query: dict[str, str]
    body: Any
    headers: dict[str, str]


Answer = tuple[int, Any]


@dataclass
class FakeServer:
    """Answers by (method, path); what there is no answer for is 404.

    An answer is (status, body) or a function of the request that gives it.
    """

    answers: dict[tuple[str, str], Answer | Callable[[Asked], Answer]] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)

    def attach(self, page: Any) -> None:
        """Stand between a page and the network."""
        page.route("**/*", self._route)

    def _route(self, route: Any) -> None:
        request = route.request
        address = urlsplit(request.url)
        if not address.path.startswith("/api/"):
            self._file(route, address.path)
            return
        # What is uploaded is not text.
        text = request.post_data if "json" in request.headers.get("content-type", "") else None
        asked = Asked(
            request.method,
            address.path,
            dict(parse_qsl(address.query)),
            json.loads(text) if text else None,
            dict(request.headers),
        )
        self.asked.append(asked)
        answer = self.answers.get((asked.method, asked.path), (404, _refusal("No such thing.")))
        status, body = answer(asked) if callable(answer) else answer
        if status == 0:
            route.abort()
        elif isinstance(body, bytes):
            route.fulfill(status=status, body=body, content_type="application/octet-stream")
        else:
            headers = {"Retry-After": "3"} if status == 429 else {}
            route.fulfill(status=status, json=body, headers=headers)

    def _file(self, route: Any, path: str) -> None:
        name = _PAGES.get(path, path.removeprefix("/page/"))
        if path.startswith("/case/"):
            name = "adjudicate.html" if path.endswith("/adjudicate") else "case.html"
        found = files("palpate.serve").joinpath("page").joinpath(name)
        if not found.is_file():
            route.fulfill(status=404, body="")
            return
        kind = _TYPES[PurePosixPath(name).suffix]
        headers = {"Content-Security-Policy": POLICY}
        route.fulfill(status=200, body=found.read_bytes(), content_type=kind, headers=headers)


def _refusal(sentence: str, code: str = "refused") -> dict[str, str]:
    return {"code": code, "sentence": sentence}
