"""A whole review as one file: a zip of JSON lines with a manifest of their hashes."""

import base64
import hashlib
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from sqlalchemy import Connection, LargeBinary, Table, select

from palpate import __version__
from palpate.files import write_atomically
from palpate.review import tables as t
from palpate.review.canonical import canonical
from palpate.review.refusals import ReviewError

FORMAT = "palpate review"
VERSION = 1
MANIFEST = "manifest.json"
# In an order in which each row finds what it refers to. Sessions stay here, and so do the hashes
# of passwords: who reads an export must not be able to guess at them.
TABLES: tuple[Table, ...] = (
    t.projects,
    t.accounts,
    t.shared_values,
    t.cases,
    t.predictions,
    t.readings,
    t.events,
    t.marks,
    t.signatures,
)
_AT_ONCE = 500
_CHUNK = 2**20


def write_export(connection: Connection, path: Path, *, films: bool) -> None:
    """Write everything but sessions and passwords, whole or not at all.

    Args:
        connection: that sees one moment.
        path: of the zip.
        films: also the files that hold the pixels, each once, by their hashes.

    Raises:
        OutputError: the file cannot be written.
        ReviewError: a film is not where its project has it.
    """

    def write(stream: BinaryIO) -> None:
        with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
            hashes = {}
            for table in TABLES:
                name = f"{table.name}.jsonl"
                hashes[name] = _put(archive, name, _lines(connection, table))
            if films:
                for digest, place in _films(connection).items():
                    hashes[f"films/{digest}"] = _put_film(archive, digest, place)
            number, last = connection.execute(select(t.head.c.number, t.head.c.digest)).one()
            manifest = {
                "format": FORMAT,
                "version": VERSION,
                "palpate": __version__,
                "head": {"number": number, "digest": last},
                "files": hashes,
            }
            archive.writestr(MANIFEST, json.dumps(manifest, indent=1) + "\n")

    write_atomically(path, write)


def _put(archive: zipfile.ZipFile, name: str, chunks: Iterator[bytes]) -> str:
    """Write one file of the zip and return its hash."""
    sha = hashlib.sha256()
    with archive.open(name, "w", force_zip64=True) as stream:
        for chunk in chunks:
            sha.update(chunk)
            stream.write(chunk)
    return sha.hexdigest()


def _lines(connection: Connection, table: Table) -> Iterator[bytes]:
    """Rows as JSON, in the order of their keys."""
    query = select(table).order_by(*table.primary_key.columns)
    for row in connection.execute(query.execution_options(yield_per=_AT_ONCE)):
        yield (canonical(_plain(table, row)) + "\n").encode("utf-8")


def _plain(table: Table, row: Any) -> dict[str, Any]:
    plain = dict(row._mapping)
    for column in table.columns:
        if isinstance(column.type, LargeBinary):
            plain[column.name] = base64.b64encode(bytes(plain[column.name])).decode("ascii")
    if table is t.accounts:
        plain["password"] = ""
    if table is t.projects:
        plain["root"] = ""  # a place on this machine
    return plain


def _films(connection: Connection) -> dict[str, Path]:
    """Every film once, by its hash."""
    c, p = t.cases.c, t.projects.c
    rows = connection.execute(
        select(c.digest, c.film, c.image, p.root).join_from(
            t.cases, t.projects, c.project == p.identifier
        )
    ).all()
    found = {}
    for row in rows:
        place = Path(row.root) / row.film
        if not place.is_file():
            raise ReviewError(
                f"the film of {row.image!r} is not where its project has it; put it back, or "
                "export without films"
            )
        found[row.digest] = place
    return found


def _put_film(archive: zipfile.ZipFile, digest: str, place: Path) -> str:
    def chunks() -> Iterator[bytes]:
        with place.open("rb") as stream:
            while chunk := stream.read(_CHUNK):
                yield chunk

    found = _put(archive, f"films/{digest}", chunks())
    if found != digest:
        raise ReviewError(
            f"film {place.name!r} is not the one that the review was made with; export without "
            "films, or put the old one back"
        )
    return found
