"""Starting the application: one process, one socket, and the address printed once."""

import gc
import ipaddress
import logging
import secrets
import socket
from collections.abc import Callable

import uvicorn

from palpate.errors import ConfigError
from palpate.review.store import Store
from palpate.serve.web.app import create_app
from palpate.serve.web.settings import Settings

# A browser keeps its connection over a reader's look at a film.
_KEEP_ALIVE_S = 75
_LAST_WORDS_S = 5


def new_token() -> str:
    """Return a token that nobody guesses."""
    return secrets.token_urlsafe(32)


def serve(
    store: Store,
    settings: Settings,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    proxies: tuple[str, ...] = (),
    announce: Callable[[str], None] = print,
) -> None:
    """Answer until interrupted.

    Args:
        store: of the review.
        settings: how it is reached and by whom.
        host: address to listen at.
        port: 0 takes a free one.
        proxies: addresses of reverse proxies whose forwarded headers are believed.
        announce: is told the address, with the token where there is one, once.

    Raises:
        ConfigError: the address cannot be listened at, or passwords would cross a network as
            plain text.
    """
    refuse_open(host, settings)
    with listening(host, port) as listener:
        config = uvicorn.Config(
            create_app(store, settings),
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=bool(proxies),
            forwarded_allow_ips=list(proxies),
            timeout_keep_alive=_KEEP_ALIVE_S,
            timeout_graceful_shutdown=_LAST_WORDS_S,
            lifespan="off",
        )
        log_lines()
        # What is loaded by now stays: looking through it for waste would hold every reader up.
        gc.collect()
        gc.freeze()
        announce(address(settings, host, listener.getsockname()[1]))
        uvicorn.Server(config).run(sockets=[listener])


def refuse_open(host: str, settings: Settings) -> None:
    """Refuse to listen beyond this machine without TLS in front.

    Raises:
        ConfigError: that is so.
    """
    if not _loopback(host) and not settings.secure:
        raise ConfigError(
            f"listening at {host} lets others on the network read along; put a proxy with TLS in "
            "front and name its address: --public-address https://... (docs/review-server.md)"
        )


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def listening(host: str, port: int) -> socket.socket:
    """Return a socket that listens.

    Raises:
        ConfigError: the address is taken, or not this machine's.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=256)
    except OSError as error:
        raise ConfigError(
            f"cannot listen at {host} port {port}: {error.strerror or error}; "
            "choose another with --port, or 0 for a free one"
        ) from error
    # Connections inherit it. Without, the end of a short answer waits for the browser to confirm
    # its beginning, 40 ms; asyncio sees to that only for sockets that it made itself.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def address(settings: Settings, host: str, port: int) -> str:
    """Return the address to open, with the token where there is one.

    Example:
        >>> address(Settings(), "127.0.0.1", 8000)
        'http://127.0.0.1:8000/'
    """
    name = f"[{host}]" if ":" in host else host
    base = settings.public_address.rstrip("/") or f"http://{name}:{port}"
    return f"{base}/sign-in?token={settings.token}" if settings.token else f"{base}/"


def log_lines() -> None:
    """Let the lines of the log be seen, where whoever started this did not decide otherwise."""
    log = logging.getLogger("palpate.serve")
    if log.handlers or logging.getLogger().handlers:
        return
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    log.addHandler(handler)
    log.setLevel(logging.INFO)
