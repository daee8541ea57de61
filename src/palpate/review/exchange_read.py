"""An exported review, taken in: nothing in the file is trusted."""

import base64
import binascii
import hashlib
import json
import re
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ConfigDict, ValidationError
from sqlalchemy import (
    Boolean,
    Connection,
    Float,
    Integer,
    LargeBinary,
    Table,
    insert,
    select,
    update,
)

from palpate.errors import FormatError
from palpate.files import write_atomically
from palpate.review import tables as t
from palpate.review.account import Role
from palpate.review.case import CaseState
from palpate.review.event import EventKind
from palpate.review.exchange import FORMAT, MANIFEST, TABLES, VERSION
from palpate.review.film_path import is_below

# Deflate reaches a thousandth; rows of numbers do not come near a two-hundredth.
_RATIO = 200
_SMALL = 2**24
_MOST_BYTES = 2**38
_MOST_MANIFEST = 2**24
_LINE = 2**29
_AT_ONCE = 500
_CHUNK = 2**20
_FILM = re.compile(r"films/[0-9a-f]{64}")
# What becomes part of a path or an address.
_PATTERNS: Mapping[tuple[str, str], re.Pattern[str]] = {
    ("projects", "identifier"): re.compile(r"[a-z0-9][a-z0-9-]{0,63}"),
    ("cases", "identifier"): re.compile(r"[A-Za-z0-9_-]{16,32}"),
    ("cases", "digest"): re.compile(r"[0-9a-f]{64}"),
    ("accounts", "name"): re.compile(r"[a-z0-9][a-z0-9.-]{0,63}"),
}
_ONE_OF: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("events", "kind"): get_args(EventKind),
    ("readings", "state"): get_args(CaseState),
    ("accounts", "role"): get_args(Role),
    ("cases", "source"): ("raster", "dicom", "video", "depth"),
}


class _Head(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    number: int
    digest: str


class Manifest(BaseModel):
    """What an export says of itself."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: str
    version: int
    palpate: str
    head: _Head
    files: dict[str, str]


@contextmanager
def opened(path: Path) -> Iterator[tuple[zipfile.ZipFile, Manifest]]:
    """Open an export whose list of files is as it should be.

    Raises:
        FormatError: not there, cut, of another format, files that do not belong, a bomb.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive, _manifest(path, archive)
    except OSError as error:
        raise FormatError(path, f"cannot be read: {error.strerror or error}") from error
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise FormatError(path, f"is no whole zip: {error}") from error


def _manifest(path: Path, archive: zipfile.ZipFile) -> Manifest:
    names = [entry.filename for entry in archive.infolist()]
    if len(set(names)) != len(names):
        raise FormatError(path, "holds two files of one name")
    total = 0
    for entry in archive.infolist():
        total += entry.file_size
        packed = max(entry.compress_size, 1)
        bomb = entry.file_size > _SMALL and entry.file_size / packed > _RATIO
        if bomb or total > _MOST_BYTES:
            raise FormatError(path, f"{entry.filename!r} unpacks to too much; refused")
    if MANIFEST not in names or archive.getinfo(MANIFEST).file_size > _MOST_MANIFEST:
        raise FormatError(path, "is no exported review: it has no manifest.json")
    try:
        manifest = Manifest.model_validate_json(archive.read(MANIFEST), strict=True)
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]["msg"]
        raise FormatError(path, f"is no exported review: its manifest: {problem}") from error
    if (manifest.format, manifest.version) != (FORMAT, VERSION):
        raise FormatError(
            path,
            f"expected {FORMAT!r} version {VERSION}, got {manifest.format!r} version "
            f"{manifest.version}; another program or a newer palpate wrote it",
        )
    wanted = {f"{table.name}.jsonl" for table in TABLES}
    films = {name for name in names if _FILM.fullmatch(name)}
    if set(names) != wanted | films | {MANIFEST} or set(manifest.files) != wanted | films:
        odd = sorted(
            (set(names) ^ (wanted | films | {MANIFEST})) | (set(manifest.files) ^ set(names))
        )
        raise FormatError(path, f"holds other files than a review does: {odd[:3]!r}")
    return manifest


def read_rows(connection: Connection, path: Path) -> None:
    """Insert every row of an export into empty tables; the caller verifies, then commits.

    Accounts that are there already stay as they are; new ones have no password yet.

    Raises:
        FormatError: a line that was changed, or that is no row.
    """
    there = set(connection.execute(select(t.accounts.c.name)).scalars())
    with opened(path) as (archive, manifest):
        for table in TABLES:
            name = f"{table.name}.jsonl"
            rows: list[dict[str, Any]] = []
            for number, line in enumerate(_lines(path, archive, name, manifest.files[name]), 1):
                row = _row(path, table, line, number)
                if table is not t.accounts or row["name"] not in there:
                    rows.append(row)
                if len(rows) == _AT_ONCE:
                    connection.execute(insert(table), rows)
                    rows = []
            if rows:
                connection.execute(insert(table), rows)
        connection.execute(
            update(t.head).values(number=manifest.head.number, digest=manifest.head.digest)
        )


def _lines(path: Path, archive: zipfile.ZipFile, name: str, digest: str) -> Iterator[bytes]:
    """Lines of one file, whose hash is compared at its end, before anything is committed."""
    sha = hashlib.sha256()
    with archive.open(name) as stream:
        while line := stream.readline(_LINE):
            sha.update(line)
            if not line.endswith(b"\n"):
                raise FormatError(path, f"{name} is cut, or has too long a line")
            yield line
    if sha.hexdigest() != digest:
        raise FormatError(path, f"{name} was changed after the export: its hash is another")


def _row(path: Path, table: Table, line: bytes, number: int) -> dict[str, Any]:
    where = f"{table.name}.jsonl, line {number}"
    try:
        plain = json.loads(line.decode("utf-8"), parse_constant=_finite)
    except (ValueError, RecursionError) as error:
        raise FormatError(path, f"{where}: no JSON") from error
    if not isinstance(plain, dict) or set(plain) != {column.name for column in table.columns}:
        raise FormatError(path, f"{where}: other columns than a review has")
    for column in table.columns:
        value = plain[column.name]
        kind: type | tuple[type, ...] = str
        if isinstance(column.type, Boolean):
            kind = bool
        elif isinstance(column.type, Float):
            kind = float
        elif isinstance(column.type, Integer):
            kind = int
        allowed = _ONE_OF.get((table.name, column.name))
        pattern = _PATTERNS.get((table.name, column.name))
        fits = type(value) is kind and (allowed is None or value in allowed)
        fits = fits and (kind is not str or _is_text(value))
        fits = fits and (pattern is None or pattern.fullmatch(value) is not None)
        if not fits and not (value is None and column.nullable):
            raise FormatError(path, f"{where}: {column.name} is not what it should be")
        if isinstance(column.type, LargeBinary):
            plain[column.name] = _bytes(path, where, value)
    if table is t.cases and not is_below(plain["film"]):
        raise FormatError(path, f"{where}: a film that is not below its project's folder")
    return plain


def _is_text(value: str) -> bool:
    """Whether every database keeps it."""
    return "\0" not in value and not any("\ud800" <= letter <= "\udfff" for letter in value)


def _finite(constant: str) -> float:
    raise ValueError(f"{constant} is no number")


def _bytes(path: Path, where: str, value: str) -> bytes:
    try:
        return base64.b64decode(value, validate=True)
    except (ValueError, binascii.Error) as error:
        raise FormatError(path, f"{where}: a report that is no base64") from error


def unpack_films(path: Path, placed: Mapping[str, list[Path]]) -> None:
    """Write the films of an export to their places.

    Args:
        path: of the zip.
        placed: hash of a film -> where it goes, checked to be below its project's folder.

    Raises:
        FormatError: a film whose hash is another.
        OutputError: it cannot be written.
    """
    with opened(path) as (archive, _):
        for digest, places in placed.items():
            name = f"films/{digest}"
            if name not in archive.namelist():
                continue
            for place in places:
                if not place.exists():
                    _unpack(path, archive, name, digest, place)


def _unpack(path: Path, archive: zipfile.ZipFile, name: str, digest: str, place: Path) -> None:
    def write(target: Any) -> None:
        sha = hashlib.sha256()
        with archive.open(name) as stream:
            while chunk := stream.read(_CHUNK):
                sha.update(chunk)
                target.write(chunk)
        if sha.hexdigest() != digest:
            raise FormatError(path, f"{name} is not the film that it is said to be")

    write_atomically(place, write)
