"""How we say who we are to a DICOMweb server: from the environment or a file, never a command.

A command line is seen by every user of a machine and kept in a shell's history.
"""

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from palpate.errors import ConfigError, FormatError

VARIABLES = ("PALPATE_DICOMWEB_TOKEN", "PALPATE_DICOMWEB_USER", "PALPATE_DICOMWEB_PASSWORD")
_KEYS = ("token", "user", "password")
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True, slots=True)
class Credentials:
    """A bearer token, or a user with a password, or nothing. Never printed.

    Raises:
        ConfigError: a token and a user, or a user without a password.
    """

    token: str = field(default="", repr=False)
    user: str = field(default="", repr=False)
    password: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        if self.token and self.user:
            raise ConfigError("a DICOMweb server is told a token or a user, not both")
        if bool(self.user) != bool(self.password):
            raise ConfigError("a user of a DICOMweb server comes with a password")

    @property
    def given(self) -> bool:
        """Whether there are any."""
        return bool(self.token or self.user)


def read_credentials(path: Path | None, environment: Mapping[str, str] = os.environ) -> Credentials:
    """Read them from a TOML file (token, or user and password), else from the environment.

    Raises:
        FormatError: the file is not there, is no such file, or others than its owner may read it.
        ConfigError: they do not fit together.
    """
    if path is None:
        return Credentials(*(environment.get(name, "") for name in VARIABLES))
    try:
        if path.stat().st_mode & 0o077:
            raise FormatError(path, f"others may read it; make it private with: chmod 600 {path}")
        content = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise FormatError(path, f"cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        # Its own words may hold the line, and with it the secret.
        raise FormatError(path, "is no TOML file with the keys token, or user, password") from error
    unknown = set(content) - set(_KEYS)
    if unknown or not all(isinstance(value, str) for value in content.values()):
        raise FormatError(path, f"has the keys {', '.join(_KEYS)} alone, each a text")
    return Credentials(**{key: content.get(key, "") for key in _KEYS})


def check_url(url: str, credentials: Credentials) -> None:
    """Refuse an address that is none, holds a secret, or would carry one in the clear.

    Raises:
        ConfigError: each of these.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigError("expected an address such as https://pacs.example/dicom-web")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ConfigError(
            "an address with a user, a password or a query is kept in logs: give the address "
            f"alone, and the rest with --credentials FILE or {', '.join(VARIABLES)}"
        )
    if credentials.given and parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        raise ConfigError(
            f"http://{parts.hostname} would carry the credentials in the clear: use https"
        )
