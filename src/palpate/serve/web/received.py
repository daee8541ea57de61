"""Uploaded files, judged by what is in them; what is taken lies under its digest.

Nothing of an upload names a path: the name that it came with is text, for people.
"""

import hashlib
import os
import stat
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Protocol, runtime_checkable

from palpate.errors import FormatError, OutputError
from palpate.io.dicom import read_dicom, read_dicom_calibration, read_dicom_header
from palpate.io.images import is_dicom
from palpate.io.raster import read_raster
from palpate.review.case import NewCase
from palpate.serve.web.films import UPLOADED

MIB = 1 << 20
# A mammogram is 50 MiB; a clip of ultrasound may be ten times that.
MOST_OF_A_FILE = 512 * MIB
MOST_FILES = 5000
# What a zip may unfold to: so many times its own size, and this much in any case.
MOST_TIMES = 50
ALWAYS = 256 * MIB
_CHUNK = MIB
_NAME_LENGTH = 200
_SUFFIXES = {b"\x89P": ".png", b"\xff\xd8": ".jpg", b"II": ".tif", b"MM": ".tif", b"BM": ".bmp"}
_PLAIN_PREAMBLES = (b"\0\0\0\0", b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


@runtime_checkable
class Readable(Protocol):
    """A file, or an entry of a zip."""

    def read(self, size: int, /) -> bytes:
        """Return so many bytes or fewer, none at the end."""
        ...


@dataclass(frozen=True, slots=True)
class Taken:
    """One file of an upload: the case that it makes, or why it makes none."""

    name: str
    case: NewCase | None
    reason: str = ""


def take_files(name: str, stream: BinaryIO, folder: Path) -> Iterator[Taken]:
    """Take one uploaded file, or every file of a zip.

    Args:
        name: that it came with.
        stream: its content, at its beginning.
        folder: of the store's films.

    Raises:
        OutputError: the folder cannot be written.
    """
    head = stream.read(4)
    stream.seek(0)
    if head[:4] in (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08"):
        yield from _take_zip(name, stream, folder)
    else:
        yield _take(shown(name), stream, folder, MOST_OF_A_FILE)


def shown(name: str) -> str:
    """Return a name as people may be shown it: its last part, printable, not endless.

    Example:
        >>> shown("films/a.png"), shown("../../etc/passwd"), shown("")
        ('a.png', 'passwd', 'file without a name')
    """
    last = PurePosixPath(name.replace("\\", "/")).name
    text = "".join(letter for letter in last if letter.isprintable())
    return text[-_NAME_LENGTH:].strip() or "file without a name"


def _take_zip(name: str, stream: BinaryIO, folder: Path) -> Iterator[Taken]:
    size = stream.seek(0, os.SEEK_END)
    try:
        with zipfile.ZipFile(stream) as archive:
            entries = [entry for entry in archive.infolist() if not entry.is_dir()]
            if len(entries) > MOST_FILES:
                raise FormatError(
                    name, f"holds {len(entries):,} files; at most {MOST_FILES:,} at once"
                )
            yield from _take_entries(archive, entries, folder, max(MOST_TIMES * size, ALWAYS))
    except FormatError as error:
        yield Taken(shown(name), None, error.problem)
    except (zipfile.BadZipFile, NotImplementedError, ValueError, EOFError, OSError) as error:
        if isinstance(error, OutputError):
            raise
        yield Taken(shown(name), None, "is damaged or cut off as a zip file; copy it again")


def _take_entries(
    archive: zipfile.ZipFile, entries: list[zipfile.ZipInfo], folder: Path, room: int
) -> Iterator[Taken]:
    """Unfold entry by entry; what a zip says of sizes is not believed, bytes are counted."""
    for entry in entries:
        name, problem = _name_in_zip(entry)
        if problem:
            yield Taken(name, None, problem)
            continue
        if room <= 0:
            yield Taken(name, None, _BOMB)
            continue
        try:
            with archive.open(entry) as stream:
                counted = _Counted(stream, room)
                taken = _take(name, counted, folder, min(MOST_OF_A_FILE, room))
                yield Taken(name, None, _BOMB) if counted.over else taken
                room -= counted.bytes
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError):
            yield Taken(name, None, "is damaged inside the zip file; pack it again")


_BOMB = (
    "the zip file unfolds to far more than its size, as no films do; it was not read further: "
    "upload these files by themselves"
)


def _name_in_zip(entry: zipfile.ZipInfo) -> tuple[str, str]:
    """Return the name of an entry, and why it is refused by its name or kind, if it is."""
    path = PurePosixPath(entry.filename.replace("\\", "/"))
    name = shown(entry.filename)
    drive = len(entry.filename) > 1 and entry.filename[1] == ":"
    if path.is_absolute() or drive or ".." in path.parts:
        return name, "its name in the zip file points outside of it; pack it again"
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind not in (0, stat.S_IFREG):
        return name, "is a link or a device inside the zip file, not a film"
    if entry.flag_bits & 1:
        return name, "is encrypted; unpack it first"
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return name, "is packed in an unusual way; pack it again as an ordinary zip file"
    if any(part.startswith(".") for part in path.parts) or "__MACOSX" in path.parts:
        return name, "is a hidden file, not a film"
    text = "".join(letter for letter in path.as_posix() if letter.isprintable())
    return text[-_NAME_LENGTH:], ""


class _Counted:
    """A stream of which no more is read than there is room for."""

    def __init__(self, stream: Readable, room: int) -> None:
        self._stream, self._room = stream, room
        self.bytes, self.over = 0, False

    def read(self, size: int, /) -> bytes:
        content = self._stream.read(size)
        self.bytes += len(content)
        self.over = self.over or self.bytes > self._room
        return content


def _take(name: str, stream: Readable, folder: Path, most: int) -> Taken:
    """Copy, judge, and move into place under the digest; what is refused is not kept."""
    with _beside(folder) as draft:
        try:
            digest = _copy(stream, draft, name, most)
            given, suffix = _judged(draft, name, digest)
        except FormatError as error:
            return Taken(name, None, error.problem)
        place = folder / f"{digest}{suffix}"
        if place.exists():
            draft.unlink()
        else:
            draft.chmod(0o644)
            draft.replace(place)
    return Taken(name, given)


@contextmanager
def _beside(folder: Path) -> Iterator[Path]:
    """A file of a temporary name in the folder, gone afterwards unless it was moved."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=".upload.", dir=folder)
    except OSError as error:
        raise OutputError(
            f"films cannot be stored: {error.strerror or error}; nothing was added"
        ) from error
    os.close(handle)
    draft = Path(name)
    try:
        yield draft
    finally:
        draft.unlink(missing_ok=True)


def _copy(stream: Readable, draft: Path, name: str, most: int) -> str:
    """Write the content whole, flushed to the disk; return its SHA-256."""
    digest, length = hashlib.sha256(), 0
    with draft.open("wb") as out:
        while chunk := stream.read(_CHUNK):
            length += len(chunk)
            if length > most:
                raise FormatError(name, f"is larger than {most // MIB:,} MiB")
            digest.update(chunk)
            try:
                out.write(chunk)
            except OSError as error:
                raise OutputError(f"films cannot be stored: {error.strerror or error}") from error
        out.flush()
        os.fsync(out.fileno())
    if length == 0:
        raise FormatError(name, "is empty")
    return digest.hexdigest()


def _judged(draft: Path, name: str, digest: str) -> tuple[NewCase, str]:
    """Decode the film, whatever it is called, and say what case it makes.

    Raises:
        FormatError: it is none, or cannot be decoded whole.
    """
    with draft.open("rb") as stream:
        head = stream.read(512)
    _refuse_text(name, head)
    if is_dicom(draft):
        return _dicom_case(draft, name, digest, head), ".dcm"
    image = read_raster(draft, identifier=name)
    suffix = next((end for start, end in _SUFFIXES.items() if head.startswith(start)), "")
    if not suffix:
        raise FormatError(name, "is not a PNG, JPEG, TIFF, BMP or DICOM file")
    size = (image.size[0], image.size[1])
    return NewCase(name, f"{UPLOADED}{digest}{suffix}", digest, size), suffix


def _refuse_text(name: str, head: bytes) -> None:
    start = head.lstrip(b"\xef\xbb\xbf\xff\xfe\0 \t\r\n")[:1]
    if start == b"<":
        raise FormatError(
            name,
            "is SVG, HTML or other text that may carry programs, whatever it is called; "
            "PNG, JPEG, TIFF, BMP and DICOM are taken",
        )
    if head[:2] == b"PK":
        raise FormatError(name, "is a zip file inside a zip file; upload it by itself")


def _dicom_case(draft: Path, name: str, digest: str, head: bytes) -> NewCase:
    # A preamble may hold the beginning of a program (CVE-2019-11687); TIFF's is allowed for.
    if head[128:132] == b"DICM" and not head.startswith(_PLAIN_PREAMBLES):
        raise FormatError(
            name, "its DICOM preamble holds something that is no film; export it again"
        )
    header = read_dicom_header(draft)
    read_dicom(draft, identifier=name, frame=0 if header.frames > 1 else None)
    return NewCase(
        name,
        f"{UPLOADED}{digest}.dcm",
        digest,
        header.size,
        header.provenance.get("patient", ""),
        header.frames,
        read_dicom_calibration(draft),
        source="dicom",
    )
