"""What is looked at before an object is kept: its identifiers, its class, its pixels.

Everything here comes from another machine. Nothing of it names a file, is written to a log or is
sent back before it was checked, and no text of a patient is in any sentence.
"""

import hashlib
import re
from collections.abc import Collection
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from palpate.io.dicom import MAX_BYTES
from palpate.io.quiet import quiet

# Statuses of C-STORE, PS3.4 B.2.3.
SUCCESS = 0x0000
OUT_OF_RESOURCES = 0xA700
MISMATCH = 0xA900
CANNOT_UNDERSTAND = 0xC000

# PS3.5 9.1; leading zeros are forbidden there and common: they harm nobody.
_UID = re.compile(r"[0-9]+(\.[0-9]+)+")


@dataclass(frozen=True, slots=True)
class Admitted:
    """An object that may be kept.

    Args:
        uid: SOPInstanceUID, digits and dots alone.
        sop_class: SOPClassUID.
        study: StudyInstanceUID.
        digest: SHA-256 of the bytes of the file, in hexadecimal digits.
    """

    uid: str
    sop_class: str
    study: str
    digest: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why an object is not kept: the status of the answer and a sentence without patient data."""

    status: int
    words: str


def is_uid(text: str) -> bool:
    """Whether a text is a DICOM unique identifier, and so safe as a file's name.

    Example:
        >>> is_uid("1.2.840.1"), is_uid("../../etc/passwd"), is_uid("1." * 40)
        (True, False, False)
    """
    return len(text) <= 64 and _UID.fullmatch(text) is not None


def admit(
    content: bytes, sop_class: str, uid: str, *, classes: Collection[str] | None
) -> Admitted | Refusal:
    """Judge one object as it came, with the identifiers that its sender announced.

    Args:
        content: a whole DICOM file: preamble, meta information, data set.
        sop_class: announced SOPClassUID.
        uid: announced SOPInstanceUID.
        classes: those that are films here; None takes any object, with or without pixels.

    Returns:
        what is kept, or the refusal: 0xA900 where announcement and data set differ or the class
        is none of ``classes``, 0xC000 where the data set cannot be used.
    """
    if not is_uid(uid):
        return Refusal(CANNOT_UNDERSTAND, "its SOPInstanceUID is no identifier of digits and dots")
    data = _parsed(content)
    refusal = data if isinstance(data, Refusal) else _judge(data, sop_class, uid, classes)
    if refusal is not None:
        return refusal
    study = _text(data, "StudyInstanceUID")
    return Admitted(uid, sop_class, study, hashlib.sha256(content).hexdigest())


def _judge(data: Any, sop_class: str, uid: str, classes: Collection[str] | None) -> Refusal | None:
    """Refuse what is not what was announced, or no film where films are asked for."""
    own = (_text(data, "SOPClassUID"), _text(data, "SOPInstanceUID"))
    if own != (sop_class, uid):
        which = "SOPClassUID" if own[0] != sop_class else "SOPInstanceUID"
        return Refusal(MISMATCH, f"the {which} of the data set is not the one announced")
    if not is_uid(_text(data, "StudyInstanceUID")):
        return Refusal(CANNOT_UNDERSTAND, "its StudyInstanceUID is no identifier")
    if classes is None:
        return None
    if sop_class not in classes:
        return Refusal(MISMATCH, f"it is {_class_name(sop_class)}, not a film")
    return _declared(data)


def _parsed(content: bytes) -> Any:
    from pydicom import dcmread

    try:
        with quiet():
            data = dcmread(BytesIO(content))
            # Elements are parsed when they are asked for: a damaged one shows only then.
            for keyword in ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "Rows", "Columns"):
                data.get(keyword)
        return data
    except MemoryError:
        return Refusal(OUT_OF_RESOURCES, "it declares more bytes than there is memory for")
    except Exception as error:  # noqa: BLE001 - a damaged file may break a parser in any way
        kind = type(error).__name__
        return Refusal(CANNOT_UNDERSTAND, f"its data set is damaged or cut off ({kind})")


def _declared(data: Any) -> Refusal | None:
    """Refuse by what the tags say of the pixels, then by the pixels themselves."""
    try:
        rows, columns, samples, bits, frames = (
            int(data.get(tag) or default)
            for tag, default in (
                ("Rows", 0),
                ("Columns", 0),
                ("SamplesPerPixel", 1),
                ("BitsAllocated", 16),
                ("NumberOfFrames", 1),
            )
        )
    except (TypeError, ValueError):
        return Refusal(CANNOT_UNDERSTAND, "its Rows, Columns or bits are no whole numbers")
    if min(rows, columns) <= 0 or "PixelData" not in data:
        return Refusal(CANNOT_UNDERSTAND, "it has no pixels")
    if frames != 1:
        return Refusal(CANNOT_UNDERSTAND, f"it holds {frames} frames; a film has one")
    declared = rows * columns * samples * max(bits, 8) // 8
    if declared > MAX_BYTES:
        return Refusal(
            CANNOT_UNDERSTAND,
            f"it declares {declared >> 20} MiB of pixels, at most {MAX_BYTES >> 20} are read",
        )
    return _held(data, declared)


def _held(data: Any, declared: int) -> Refusal | None:
    """Refuse where fewer bytes came than ``declared``."""
    held = len(data.PixelData)
    compressed = data.file_meta.TransferSyntaxUID.is_compressed
    if not compressed and held < declared:
        return Refusal(CANNOT_UNDERSTAND, f"{held} bytes of pixels came of {declared}: it is cut")
    if compressed and held < 16:
        return Refusal(CANNOT_UNDERSTAND, "it has no compressed pixels: it is cut")
    return None


def _text(data: Any, keyword: str) -> str:
    value = data.get(keyword)
    return "" if value is None else str(value).strip("\x00 ")


def _class_name(uid: str) -> str:
    from pydicom.uid import UID

    return str(UID(uid).name) if is_uid(uid) else "an object of an unknown class"
