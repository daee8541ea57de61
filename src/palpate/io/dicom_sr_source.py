"""The image that a report, a presentation state or a picture refers to: its header, made complete.

Films come without tags that a derived object must repeat (StudyID, PatientBirthDate, ...). What the
standard lets be empty is empty here; what identifies the image must be there.
"""

from copy import copy
from pathlib import Path

from pydicom.dataset import Dataset
from pydicom.uid import UID

from palpate.errors import FormatError, GeometryError
from palpate.io.quiet import quiet

_IDENTITY = ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID")
_MAY_BE_EMPTY = (
    *("PatientID", "PatientName", "PatientBirthDate", "PatientSex"),
    *("AccessionNumber", "StudyID", "StudyDate", "StudyTime", "ReferringPhysicianName"),
)
# Derived objects are written in UTF-8, whatever the film was written in.
UTF_8 = "ISO_IR 192"


def source_of(image: Path | Dataset) -> Dataset:
    """Return the header of an image, without its pixels, ready to be referred to.

    Args:
        image: a DICOM file, or its dataset, which is not changed.

    Raises:
        FormatError: no DICOM image, cut off, or without the UIDs that identify it.
    """
    path = image if isinstance(image, Path) else Path("image")
    header = _read(path) if isinstance(image, Path) else image
    source = Dataset()
    with quiet():
        for element in header:
            if element.tag.group < 0x7FE0 and not element.tag.is_private:
                # An element of its own: what is completed here is not the caller's.
                source.add(copy(element))
    missing = [keyword for keyword in _IDENTITY if not str(source.get(keyword, "") or "")]
    if missing:
        raise FormatError(
            path, f"has no {' and '.join(missing)}, so no other object can refer to it"
        )
    if not source.get("Rows") or not source.get("Columns"):
        raise FormatError(path, "has no Rows and Columns: it is not an image")
    for keyword in _MAY_BE_EMPTY:
        if keyword not in source or source[keyword].value is None:
            setattr(source, keyword, "")
    source.SpecificCharacterSet = UTF_8
    return source


def frames_of(source: Dataset) -> int:
    """Return how many frames an image has."""
    return max(1, int(source.get("NumberOfFrames") or 1))


def frame_number(source: Dataset, frame: int | None) -> int | None:
    """Return DICOM's number (from 1) of a frame (from 0); None where the image has only one.

    Raises:
        GeometryError: there is no such frame, or several and none is named.
    """
    frames = frames_of(source)
    if frame is None and frames > 1:
        raise GeometryError(f"the image has {frames} frames; say of which one, counted from 0")
    if frame is not None and not 0 <= frame < frames:
        raise GeometryError(f"the image has {frames} frame(s), counted from 0, not {frame}")
    return None if frame is None or frames == 1 else frame + 1


def side_of(source: Dataset) -> str:
    """Return L or R, or nothing: what every series of an image of one side must repeat.

    Example:
        >>> side_of(Dataset())
        ''
    """
    side = str(source.get("ImageLaterality") or source.get("Laterality") or "").strip().upper()
    return side if side in ("L", "R") else ""


def new_uid() -> UID:
    """Return a UID from a random UUID, which needs no registered root (PS3.5 B.2)."""
    from pydicom.uid import generate_uid

    return generate_uid(prefix=None)


def _read(path: Path) -> Dataset:
    from pydicom import dcmread

    from palpate.io.dicom import read_dicom_header

    # Says in our words what is wrong with a file that is no image.
    read_dicom_header(path)
    with quiet():
        return dcmread(path, stop_before_pixels=True, force=True)
