"""What whoever starts the application decides, once."""

from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from palpate.errors import ConfigError
from palpate.review.account import Account

# Names under which a browser of this very machine reaches it.
LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Settings:
    """How the application is reached, who may sign in, and how much it takes.

    Args:
        films: folder that uploaded films are kept in; None where uploads are not taken.
        token: of the printed address; empty where one signs in by name and password alone.
        owner: whoever comes with the token.
        public_address: what stands in a reader's address bar where a proxy is in front, as
            ``https://review.example.org``; empty where the application is reached itself.
        hosts: further names that a request may be addressed to, without their ports.
        organisation: of the readers; DICOM takes a report as verified only with it.
        idle_s: a session ends after this long without a request.
        session_s: and after this long at the latest.
        request_bytes: largest body of a request that is no upload.
        upload_bytes: largest upload.
        piece_s: a request is dropped when its next piece takes longer than this to come.
        film_bytes: decoded films that are kept in memory.
        decoders: films that are decoded at once.

    Raises:
        ConfigError: a public address that is none, or a token without whose it is.

    Example:
        >>> Settings(public_address="https://review.example.org").secure
        True
    """

    films: Path | None = None
    token: str = field(default="", repr=False)
    owner: Account | None = None
    public_address: str = ""
    hosts: tuple[str, ...] = ()
    organisation: str = ""
    idle_s: float = 2 * 3600.0
    session_s: float = 12 * 3600.0
    request_bytes: int = 4 * MIB
    upload_bytes: int = 1024 * MIB
    piece_s: float = 30.0
    film_bytes: int = 512 * MIB
    decoders: int = 2

    def __post_init__(self) -> None:
        if bool(self.token) != (self.owner is not None):
            raise ConfigError("a token needs the account of whoever comes with it, and only then")
        if self.token and len(self.token) < 32:
            raise ConfigError("a token has 32 characters or more: secrets.token_urlsafe(32)")
        if not self.public_address:
            return
        parts = urlsplit(self.public_address)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/"):
            raise ConfigError(
                "a public address is as 'https://review.example.org', without a path; "
                f"got {self.public_address!r}"
            )

    @property
    def secure(self) -> bool:
        """Whether readers come over TLS, so that cookies may be kept to it."""
        return self.public_address.startswith("https://")

    @property
    def allowed_hosts(self) -> frozenset[str]:
        """Names that a request may be addressed to, lower case, without ports."""
        public = urlsplit(self.public_address).hostname
        own = (public,) if public else ()
        return frozenset(name.lower() for name in (*LOOPBACK, *self.hosts, *own))
