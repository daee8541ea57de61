"""What every request passes: the right host, the right origin, a size, headers, a line of the log.

Written straight on ASGI, so that bodies are counted as they come and nothing is held back.
"""

import asyncio
import logging
import re
import secrets
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from time import perf_counter
from urllib.parse import urlsplit

from fastapi import HTTPException
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from palpate.serve.web.refused import RefusedError, answer
from palpate.serve.web.settings import Settings

log = logging.getLogger("palpate.serve.web")

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
    "connect-src 'self'; font-src 'self'; form-action 'self'; frame-ancestors 'none'; "
    "base-uri 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}
_SAFE = ("GET", "HEAD", "OPTIONS")


@dataclass(frozen=True, slots=True)
class Guard:
    """The application behind its guard.

    Args:
        app: what answers.
        settings: whom it answers, and how much it reads.
        uploads: how the address of an upload ends.
    """

    app: ASGIApp
    settings: Settings
    uploads: str = "/films"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self.app(scope, receive, send)
            return
        await _Request(self, scope, receive, send).answer()

    def refuse(self, scope: Scope) -> RefusedError | None:
        """Why a request is not even looked at; None where it is."""
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if _without_port(host) not in self.settings.allowed_hosts:
            return RefusedError(
                421, "host", "this server does not answer under that name; see --public-address"
            )
        if scope["method"] in _SAFE:
            return None
        site, origin = headers.get("sec-fetch-site", ""), headers.get("origin")
        if site not in ("", "same-origin", "none") or not self._own(origin, scope, host):
            return RefusedError(403, "origin", "this request came from another site")
        declared = headers.get("content-length", "0")
        if not re.fullmatch(r"[0-9]{1,18}", declared) or int(declared) > self.most(scope):
            return self.too_large(scope)
        return None

    def _own(self, origin: str | None, scope: Scope, host: str) -> bool:
        """Whether an origin is the page's; programs other than browsers send none."""
        if origin is None:
            return True
        public = self.settings.public_address.rstrip("/").lower()
        return origin.lower() in (f"{scope['scheme']}://{host}".lower(), public or None)

    def most(self, scope: Scope) -> int:
        """How many bytes the body may have."""
        upload = scope["path"].endswith(self.uploads)
        return self.settings.upload_bytes if upload else self.settings.request_bytes

    def too_large(self, scope: Scope) -> RefusedError:
        """The refusal of a body that is too large."""
        return RefusedError(
            413, "too-large", f"a request is at most {self.most(scope) / 2**20:,.0f} MiB"
        )


class _TooLargeError(HTTPException):
    """More came than may; of this kind, so that whoever reads a body lets it pass."""


class _TooSlowError(HTTPException):
    """The body stopped coming; of this kind for the same reason."""


class _Request:
    """One request on its way through."""

    def __init__(self, guard: Guard, scope: Scope, receive: Receive, send: Send) -> None:
        self.guard, self.scope = guard, scope
        self._receive, self._send = receive, send
        self.identifier = secrets.token_hex(6)
        self.status, self.came, self.whole, self.began = 0, 0, False, perf_counter()
        scope.setdefault("state", {})["account"] = ""

    async def answer(self) -> None:
        refused = self.guard.refuse(self.scope)
        try:
            if refused is None:
                await self.guard.app(self.scope, self.receive, self.send)
        except Exception as error:  # noqa: BLE001  whatever it is, the client gets a sentence
            self.tell(error)
            refused = RefusedError(
                500,
                "internal",
                f"something went wrong in the server, and nothing was saved by this request; "
                f"its log has the reason under {self.identifier}",
            )
        if refused is not None and self.status == 0:
            await answer(refused)(self.scope, self._receive, self.send)
        self.line()

    async def receive(self) -> Message:
        message = await self._next()
        self.came += len(message.get("body", b""))
        if self.came > self.guard.most(self.scope):
            raise _TooLargeError(413, self.guard.too_large(self.scope).message.sentence)
        return message

    async def _next(self) -> Message:
        """The next piece of the body, if it comes in time; after the last, for whatever is next."""
        if self.whole:
            return await self._receive()
        try:
            async with asyncio.timeout(self.guard.settings.piece_s):
                message = await self._receive()
        except TimeoutError as error:
            raise _TooSlowError(
                408, "the rest of the request did not come; try again", {"Connection": "close"}
            ) from error
        self.whole = not message.get("more_body", False)
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
            headers.setdefault("Cache-Control", "no-store")
            headers["X-Request-ID"] = self.identifier
        await self._send(message)

    def line(self) -> None:
        """Method, route, status, ms, account: no address with names in it, no query."""
        route = getattr(self.scope.get("route"), "path", "-")
        # Sixty files of the page at every opening would hide what readers do.
        usual = route.startswith("/page/") and self.status < HTTPStatus.BAD_REQUEST
        log.log(
            logging.DEBUG if usual else logging.INFO,
            "%s %s %d %.1f ms %s %s",
            self.scope["method"],
            route,
            self.status,
            1000 * (perf_counter() - self.began),
            self.scope["state"]["account"] or "-",
            self.identifier,
        )

    def tell(self, error: Exception) -> None:
        """Where it went wrong, without the values: these may hold a patient's name."""
        places = "; ".join(_places(error))
        log.error("%s %s at %s", self.identifier, type(error).__name__, places)


def _places(error: BaseException) -> Iterator[str]:
    frames = traceback.extract_tb(error.__traceback__)
    for frame in frames[-6:]:
        yield f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}"


def _without_port(host: str) -> str:
    """The name that a request is addressed to.

    Example:
        >>> _without_port("LOCALHOST:80"), _without_port("[::1]:8000"), _without_port("a:b@c")
        ('localhost', '[::1]', '')
    """
    if "@" in host or "/" in host:
        return ""
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""
    return f"[{name}]" if ":" in name else name
