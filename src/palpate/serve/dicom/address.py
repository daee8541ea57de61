"""Who speaks DICOM where: an application entity's title, its host and its port."""

import re
from dataclasses import dataclass

from palpate.errors import ConfigError

# PS3.5 6.2, AE: 16 characters of the default repertoire, no backslash, no control character.
_TITLE = re.compile(r"[ -\[\]-~]{1,16}")
_PLACE = re.compile(r"(?P<title>[^@]*)@(?P<host>\[[0-9A-Fa-f:.]+\]|[^@:\s]+)(:(?P<port>\d+))?")


@dataclass(frozen=True, slots=True)
class Peer:
    """An application entity that can be called.

    Args:
        title: AE title, 1 to 16 characters.
        host: name or address.
        port: TCP port, 1 to 65535.

    Raises:
        ConfigError: a title or a port that cannot be one.

    Example:
        >>> Peer.parse("ORTHANC@127.0.0.1:4242")
        Peer(title='ORTHANC', host='127.0.0.1', port=4242)
    """

    title: str
    host: str
    port: int

    def __post_init__(self) -> None:
        check_title(self.title)
        if not 0 < self.port < 65536:
            raise ConfigError(f"a port is a number from 1 to 65535, got {self.port}")

    @classmethod
    def parse(cls, text: str) -> "Peer":
        """Read ``TITLE@HOST:PORT``.

        Raises:
            ConfigError: something else.
        """
        title, host, port = _parts(text)
        if port is None:
            raise ConfigError(f"expected TITLE@HOST:PORT, got {text!r} without a port")
        return cls(title, host, port)

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.title}@{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Caller:
    """An application entity that may call, from where.

    Example:
        >>> Caller.parse("CR1@10.0.0.7")
        Caller(title='CR1', host='10.0.0.7')
    """

    title: str
    host: str

    def __post_init__(self) -> None:
        check_title(self.title)

    @classmethod
    def parse(cls, text: str) -> "Caller":
        """Read ``TITLE@HOST``.

        Raises:
            ConfigError: something else.
        """
        title, host, port = _parts(text)
        if port is not None:
            raise ConfigError(
                f"a caller is TITLE@HOST, got {text!r}: it calls from any port, leave :{port} out"
            )
        return cls(title, host)


def check_title(title: str) -> None:
    """Refuse what is no AE title.

    Raises:
        ConfigError: empty, longer than 16 characters, or with a character that is not allowed.
    """
    if not title.strip() or _TITLE.fullmatch(title) is None:
        raise ConfigError(
            f"an AE title has 1 to 16 characters of ASCII without a backslash, got {title!r}"
        )


def _parts(text: str) -> tuple[str, str, int | None]:
    found = _PLACE.fullmatch(text.strip())
    if found is None:
        raise ConfigError(f"expected TITLE@HOST:PORT such as PACS@10.0.0.5:104, got {text!r}")
    port = found["port"]
    return found["title"].strip(), found["host"].strip("[]"), None if port is None else int(port)
