"""Landmarks from DICOM structured reports: our own, and those that a viewer saved after correcting.

A report is of one observer and of the images its points are selected from. In a folder, the newest
report wins of the same image and observer; different observers are different annotators. The
frame of the coordinates and the names of the points: :mod:`palpate.io.dicom_sr_marks`.
"""

import struct
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from palpate.errors import FormatError
from palpate.frame_names import frame_name
from palpate.io import dicom_codes as code
from palpate.io.annotation import AnnotatedImage, AnnotationFile
from palpate.io.dicom_sr_images import ImageFile, images_by_uid
from palpate.io.dicom_sr_marks import Mark, read_group
from palpate.io.dicom_sr_tree import (
    DEVICE_OBSERVER_NAME,
    MEASUREMENT_GROUP,
    PERSON_OBSERVER_NAME,
    below,
    children,
    concept,
    kind,
    person,
    text,
)
from palpate.io.dicom_sr_whole import refuse_cut
from palpate.io.quiet import quiet
from palpate.io.rows import collected, points_of, scheme_of
from palpate.points import Points
from palpate.scheme import LandmarkScheme

# The storage classes of structured reports begin so; among them, in 88.59, a note of key images.
_SR = "1.2.840.10008.5.1.4.1.1.88."
_KEY_OBJECTS = "1.2.840.10008.5.1.4.1.1.88.59"
_MAX_BYTES = 1 << 26
_DAMAGE = (OSError, EOFError, ValueError, TypeError, KeyError, AttributeError, IndexError)


@dataclass(frozen=True, slots=True)
class SrRead:
    """What was read.

    Args:
        annotations: the landmarks.
        unread: what was not, one line each: shapes without a name, older reports.
    """

    annotations: AnnotationFile
    unread: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Document:
    path: Path
    uid: str
    observer: str
    written: str
    names: tuple[str, ...]
    marks: tuple[Mark, ...]
    unread: tuple[str, ...]


def read_sr(path: Path) -> AnnotationFile:
    """Read a report or a folder of them; images are called by their SOPInstanceUID.

    Raises:
        FormatError: as :func:`read_sr_listed`.
    """
    return read_sr_listed(path).annotations


def read_sr_listed(
    path: Path, *, images: Path | None = None, hide_observers: bool = False
) -> SrRead:
    """Read a report or a folder of them, and list what was not taken.

    Args:
        path: of the file or folder.
        images: folder of the images; they are then called by their names in it, and their sizes
            are known. None calls them by SOPInstanceUID.
        hide_observers: call the people 'reader 1', 'reader 2', ... in the order of their names.

    Raises:
        FormatError: no structured report, damaged or cut off, without named points, with points
            in the patient's space only, of an image that is not in the folder, a landmark twice,
            points that say no image and several could be meant.
    """
    documents = [_document(file) for file in _files(path)]
    newest, unread = _newest(documents)
    named = [name for one in documents for name in (*one.names, *(m.name for m in one.marks))]
    if not any(one.marks for one in documents):
        raise FormatError(path, _why_empty(documents))
    scheme = scheme_of(path, list(dict.fromkeys(named)))
    known = images_by_uid(images) if images is not None else None
    rows = [
        _row(document, uid, frame, marks, scheme, (images, known))
        for (uid, frame, _), (document, marks) in newest.items()
    ]
    if hide_observers:
        people = sorted({row.annotator for row in rows})
        numbers = {name: f"reader {number}" for number, name in enumerate(people, start=1)}
        rows = [replace(row, annotator=numbers[row.annotator]) for row in rows]
    return SrRead(collected(path, scheme, rows), tuple(unread))


def points_from_sr(path: Path, image_uid: str, scheme: LandmarkScheme) -> Points:
    """Return the points that one report gives for one image, over a known scheme.

    Args:
        path: of the report.
        image_uid: SOPInstanceUID of the image.
        scheme: of the landmarks that are wanted; others in the report are passed over.

    Raises:
        FormatError: as :func:`read_sr_listed`; the report is of another image; it has none of
            the landmarks.
    """
    document = _document(path)
    if not document.marks:
        raise FormatError(path, _why_empty([document]))
    own = [mark for mark in document.marks if mark.image == image_uid]
    if not own:
        raise FormatError(
            path,
            "is a report of another image: its points are selected from another SOPInstanceUID; "
            "find the report of this image",
        )
    if len({mark.frame for mark in own}) > 1:
        raise FormatError(path, "has points of several frames of the image; read it by frames")
    kept = [mark for mark in own if mark.name in scheme.names]
    if not kept:
        names = ", ".join(dict.fromkeys(mark.name for mark in own))
        raise FormatError(path, f"has none of the {len(scheme)} landmarks; its points are: {names}")
    return _points(path, kept, scheme)


def is_sr(path: Path) -> bool:
    """Whether a file is a DICOM structured report, by its header."""
    from pydicom import dcmread
    from pydicom.errors import InvalidDicomError

    try:
        with quiet():
            data = dcmread(path, stop_before_pixels=True, specific_tags=["SOPClassUID"])
            found = str(data.get("SOPClassUID", ""))
    except (InvalidDicomError, *_DAMAGE):
        return False
    return found.startswith(_SR) and found != _KEY_OBJECTS


def _files(path: Path) -> list[Path]:
    if not path.exists():
        raise FormatError(path, "there is no such file or folder")
    if path.is_file():
        return [path]
    files = [file for file in sorted(path.rglob("*")) if file.is_file() and is_sr(file)]
    if not files:
        raise FormatError(path, "the folder holds no DICOM structured report")
    return files


def _document(path: Path) -> _Document:
    data = _read(path)
    try:
        with quiet():
            return _interpreted(path, data)
    except FormatError:
        raise
    except _DAMAGE as error:
        raise FormatError(path, f"is damaged as a structured report ({error})") from error


def _interpreted(path: Path, data: Any) -> _Document:
    groups = [item for item in below(data) if concept(item)[0] == MEASUREMENT_GROUP]
    read = [read_group(group) for group in groups]
    marks = [mark for one in read for mark in one.marks]
    unread = [line for one in read for line in one.unread]
    if any(one.solid for one in read):
        unread.append("points in the patient's space (SCOORD3D)")
    listed = next(
        (
            tuple(text(item).split("\n"))
            for item in children(data)
            if concept(item)[:2] == code.SCHEME_OF_LANDMARKS.key
        ),
        (),
    )
    return _Document(
        path,
        str(data.get("SOPInstanceUID", "")),
        _observer(data),
        _written(data),
        listed,
        _with_image(path, data, marks),
        tuple(unread),
    )


def _read(path: Path) -> Any:
    from pydicom import dcmread
    from pydicom.errors import BytesLengthException, InvalidDicomError

    try:
        if path.stat().st_size > _MAX_BYTES:
            raise FormatError(path, f"is larger than {_MAX_BYTES >> 20} MiB: no structured report")
        refuse_cut(path)
        with quiet():
            data = dcmread(path)
            # Everything is parsed now: a damaged file says so here.
            for _ in data.iterall():
                pass
    except FileNotFoundError as error:
        raise FormatError(path, "there is no such file") from error
    except InvalidDicomError as error:
        raise FormatError(path, "is not a DICOM file, or is cut off in its header") from error
    except FormatError:
        raise
    except (BytesLengthException, NotImplementedError, struct.error, *_DAMAGE) as error:
        raise FormatError(path, f"is damaged or cut off ({error}); copy it again") from error
    found = str(data.get("SOPClassUID", ""))
    if not found.startswith(_SR) or found == _KEY_OBJECTS:
        name = getattr(data.get("SOPClassUID"), "name", "") or "an object without a class"
        raise FormatError(path, f"is {name}, not a structured report")
    if not children(data):
        raise FormatError(path, "has no content (0040,A730): it is cut off, or empty")
    return data


def _observer(data: Any) -> str:
    """Who observed: a person before a device; else who verified the report."""
    for wanted in (PERSON_OBSERVER_NAME, DEVICE_OBSERVER_NAME):
        found = [text(item) for item in children(data) if concept(item)[0] == wanted]
        named = next((name for name in found if name), "")
        if named and wanted == PERSON_OBSERVER_NAME:
            return named
        verified = data.get("VerifyingObserverSequence") or ()
        signer = next((person(one.get("VerifyingObserverName")) for one in verified), "")
        if signer or named:
            return signer or named
    return ""


def _written(data: Any) -> str:
    """When, as text that sorts."""
    pairs = (("ContentDate", "ContentTime"), ("InstanceCreationDate", "InstanceCreationTime"))
    return " ".join(f"{data.get(day, '')}{data.get(time, '')}" for day, time in pairs)


def _with_image(path: Path, data: Any, marks: list[Mark]) -> tuple[Mark, ...]:
    """Give points that lost their image the only one that the report refers to."""
    if all(mark.image for mark in marks):
        return tuple(marks)
    referred = {
        str(reference.get("ReferencedSOPInstanceUID", ""))
        for item in below(data)
        if kind(item) == "IMAGE"
        for reference in item.get("ReferencedSOPSequence") or ()
    } - {""}
    if len(referred) != 1:
        raise FormatError(
            path,
            f"point {next(m.name for m in marks if not m.image)!r} does not say of which image it "
            f"is, and the report refers to {len(referred)}",
        )
    (only,) = referred
    return tuple(mark if mark.image else replace(mark, image=only) for mark in marks)


_Key = tuple[str, int | None, str]


def _newest(
    documents: Iterable[_Document],
) -> tuple[dict[_Key, tuple[_Document, list[Mark]]], list[str]]:
    """The newest report of each image, frame and observer; and a line for what is not taken."""
    newest: dict[_Key, tuple[_Document, list[Mark]]] = {}
    unread: list[str] = []
    for document in documents:
        unread += [f"{document.path.name}: {line}" for line in document.unread]
        shares: dict[_Key, list[Mark]] = {}
        for mark in document.marks:
            shares.setdefault((mark.image, _frame(mark), document.observer), []).append(mark)
        for key, marks in shares.items():
            before = newest.get(key)
            if before is None or before[0].written <= document.written:
                newest[key] = (document, marks)
            older = document if before and newest[key] is before else before[0] if before else None
            if older is not None:
                what = (
                    "the same report again"
                    if older.uid == newest[key][0].uid
                    else "an older report of the same image by the same observer"
                )
                unread.append(f"{older.path.name}: {what}")
    return newest, unread


def _frame(mark: Mark) -> int | None:
    """The frame, from 1; None for images of a kind that has only one, whatever a viewer wrote."""
    from pydicom.uid import UID

    several = UID(mark.image_class).name.lower()
    if mark.frame == 1 and not any(
        word in several for word in ("multi-frame", "enhanced", "x-ray a")
    ):
        return None
    return mark.frame


def _why_empty(documents: list[_Document]) -> str:
    unread = list(dict.fromkeys(line for one in documents for line in one.unread))
    if any("SCOORD3D" in line for line in unread):
        return (
            "has points in the patient's space (SCOORD3D) only; landmarks of pictures are points "
            "of an image (SCOORD): save them on the image"
        )
    if unread:
        return f"has no named landmark, only: {'; '.join(unread)}"
    return "has no landmark: no measurement group with a point (SCOORD)"


def _row(
    document: _Document,
    uid: str,
    frame: int | None,
    marks: list[Mark],
    scheme: LandmarkScheme,
    place: tuple[Path | None, dict[str, ImageFile] | None],
) -> AnnotatedImage:
    folder, known = place
    image, size = uid, None
    if folder is not None and known is not None:
        if uid not in known:
            raise FormatError(
                document.path,
                f"is a report of another image: SOPInstanceUID {uid} is none of the "
                f"{len(known)} DICOM images in {folder}",
            )
        image, size = known[uid].name, known[uid].size
        if known[uid].frames > 1 and frame is None:
            frame = 1
    points = _points(document.path, marks, scheme)
    if size is not None:
        _refuse_outside(document.path, points, size, image)
    name = image if frame is None else frame_name(image, frame - 1)
    return AnnotatedImage(name, points, annotator=document.observer, size=size)


def _points(path: Path, marks: list[Mark], scheme: LandmarkScheme) -> Points:
    table = np.full((len(scheme), 2), np.nan)
    for mark in marks:
        row = scheme.index(mark.name)
        if not np.isnan(table[row, 0]):
            raise FormatError(
                path, f"landmark {mark.name!r} is there twice; remove one of them in the viewer"
            )
        table[row] = mark.at
    return points_of(scheme, table, occluded=[mark.name for mark in marks if mark.occluded])


def _refuse_outside(path: Path, points: Points, size: tuple[int, int], image: str) -> None:
    given = points.coordinates
    outside = points.present & ((given < -0.5) | (given > np.array(size) - 0.5)).any(axis=1)
    if outside.any():
        name = points.scheme.names[int(np.argmax(outside))]
        x, y = points[name]
        raise FormatError(
            path,
            f"landmark {name!r} is at ({x:.1f}, {y:.1f}), outside {image} of {size[0]} x "
            f"{size[1]} px",
        )
