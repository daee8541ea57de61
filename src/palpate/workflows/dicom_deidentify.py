"""De-identify a folder of DICOM files, and say which may still show who it is."""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.errors import InvalidDicomError

from palpate.errors import FormatError, OutputError, PalpateError
from palpate.files import write_bytes
from palpate.io.dicom import read_dicom
from palpate.io.dicom_deidentify import MIN_SALT, Deidentifier
from palpate.io.dicom_deidentify_text import find_text
from palpate.io.dicom_sr import write_dicom
from palpate.io.quiet import quiet


@dataclass(frozen=True, slots=True)
class Deidentified:
    """One file: where it came from and went to, or why not, and what a person must look at."""

    source: Path
    path: Path | None
    reason: str = ""
    warnings: tuple[str, ...] = ()


def read_salt(path: Path | None) -> bytes:
    """Read a salt, or make one: in the file where one is named, else for this time alone.

    Raises:
        FormatError: the file is too short, or others than its owner may read it.
        OutputError: it cannot be written.
    """
    if path is None:
        return secrets.token_bytes(32)
    if not path.exists():
        write_bytes(path, secrets.token_hex(32).encode("ascii"))
        path.chmod(0o600)
    try:
        if path.stat().st_mode & 0o077:
            raise FormatError(path, f"others may read it; make it private with: chmod 600 {path}")
        salt = path.read_bytes().strip()
    except OSError as error:
        raise OutputError(f"{path}: cannot be read: {error.strerror}") from error
    if len(salt) < MIN_SALT:
        raise FormatError(path, f"a salt has {MIN_SALT} bytes or more, this has {len(salt)}")
    return salt


def find_dicom(given: Path) -> list[Path]:
    """Return a file, or the files below a folder.

    Raises:
        PalpateError: there is none.
    """
    if given.is_file():
        return [given]
    found = sorted(path for path in given.rglob("*") if path.is_file()) if given.is_dir() else []
    if not found:
        raise PalpateError(f"there is no file in {given}")
    return found


def deidentify_each(hide: Deidentifier, given: Path, out: Path) -> Iterator[Deidentified]:
    """De-identify every DICOM file of ``given``; one that cannot be is told, not raised.

    Files are named by their new SOPInstanceUID: an old name may tell who it is.

    Raises:
        PalpateError: there is no file, or ``out`` is the folder that is read.
    """
    if out.resolve() == given.resolve() or given.resolve() in out.resolve().parents:
        raise OutputError(f"{out} is inside what is read; choose another folder")
    for path in find_dicom(given):
        try:
            yield _one(hide, path, out)
        except PalpateError as error:
            yield Deidentified(path, None, getattr(error, "problem", str(error)))


def _one(hide: Deidentifier, path: Path, out: Path) -> Deidentified:
    try:
        with quiet():
            data = dcmread(path)
            made = hide(data)
    except PalpateError:
        raise
    except InvalidDicomError as error:
        raise FormatError(path, "is no DICOM file") from error
    except (OSError, EOFError, ValueError, TypeError, KeyError, AttributeError) as error:
        kind = type(error).__name__
        raise FormatError(path, f"is damaged or cut off as a DICOM file ({kind})") from error
    target = out / f"{made.SOPInstanceUID}.dcm"
    write_dicom(target, made)
    return Deidentified(path, target, warnings=tuple(_warnings(made, target)))


def _warnings(made: Dataset, path: Path) -> Iterator[str]:
    if "PixelData" not in made:
        return
    told = str(made.get("BurnedInAnnotation", "") or "")
    if told == "YES":
        yield "BurnedInAnnotation is YES: its pixels show text"
    elif told != "NO":
        yield "nothing says whether text is burnt into its pixels"
    if int(made.get("NumberOfFrames") or 1) > 1:
        yield "its frames were not searched for burnt-in text"
        return
    try:
        found = find_text(read_dicom(path, identifier=path.stem).pixels.max(axis=0))
    except PalpateError:
        yield "its pixels could not be read, so they were not searched for text"
        return
    if found:
        box = found[0]
        yield (
            f"may hold text: {sum(one.letters for one in found)} marks like letters, the longest "
            f"row at ({box.left}, {box.top}) to ({box.right}, {box.bottom}) px"
        )
