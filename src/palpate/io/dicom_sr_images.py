"""Which file of a folder is the image that a report refers to."""

from dataclasses import dataclass
from pathlib import Path

from palpate.errors import FormatError
from palpate.io.quiet import quiet

_READ = ("SOPInstanceUID", "NumberOfFrames", "Rows", "Columns")


@dataclass(frozen=True, slots=True)
class ImageFile:
    """A DICOM image of a folder.

    Args:
        name: relative to the folder, with forward slashes.
        frames: how many it has.
        size: (width, height) in px.
    """

    name: str
    frames: int
    size: tuple[int, int]


def images_by_uid(folder: Path) -> dict[str, ImageFile]:
    """Return the DICOM images below a folder, by SOPInstanceUID.

    Raises:
        FormatError: there is no such folder, or two of its files are the same image.
    """
    if not folder.is_dir():
        raise FormatError(folder, "there is no such folder of images")
    found: dict[str, ImageFile] = {}
    for file in sorted(folder.rglob("*")):
        if file.name.startswith(".") or not file.is_file():
            continue
        image = _image(folder, file)
        if image is None:
            continue
        uid, about = image
        if uid in found:
            raise FormatError(
                folder,
                f"{found[uid].name} and {about.name} have the same SOPInstanceUID; keep one",
            )
        found[uid] = about
    return found


def _image(folder: Path, file: Path) -> tuple[str, ImageFile] | None:
    """Return UID and name of an image; None for any other file."""
    from pydicom import dcmread
    from pydicom.errors import InvalidDicomError

    try:
        with quiet():
            data = dcmread(file, stop_before_pixels=True, specific_tags=list(_READ))
            uid, rows, columns = (data.get(key) for key in ("SOPInstanceUID", "Rows", "Columns"))
            frames = int(data.get("NumberOfFrames") or 1)
    except (InvalidDicomError, OSError, EOFError, ValueError, AttributeError):
        return None
    if not uid or not rows or not columns:
        return None
    name = file.relative_to(folder).as_posix()
    return str(uid), ImageFile(name, max(1, frames), (int(columns), int(rows)))
