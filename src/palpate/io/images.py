"""Any image file: DICOM or picture, told apart by what is in it and not by its name."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import UInt8, UInt16
from numpy import ndarray
from PIL import Image as Pillow

from palpate.errors import FormatError, GeometryError
from palpate.image import Calibration, Image
from palpate.io.depth import DepthSettings, open_depth, read_depth_frame
from palpate.io.dicom import read_dicom, read_dicom_calibration, read_dicom_header
from palpate.io.raster import opened, read_raster, refuse_turned
from palpate.io.video import open_video, read_frame

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".dcm", ".dicom")
_DICOM_SUFFIXES = (".dcm", ".dicom")
_PICTURES = (b"\x89PNG", b"\xff\xd8\xff", b"II*\0", b"MM\0*", b"BM")


def read_image(path: Path, *, identifier: str, calibration: Calibration | None = None) -> Image:
    """Read a picture or a DICOM image of one frame.

    Args:
        path: of the file.
        identifier: the image's name in its study; never a path of this machine.
        calibration: replaces that of the file.

    Raises:
        FormatError: the file is missing, damaged, too large or of another kind.
    """
    if is_dicom(path):
        return read_dicom(path, identifier=identifier, calibration=calibration)
    image = read_raster(path, identifier=identifier)
    if calibration is None:
        return image
    try:
        return Image(image.pixels, identifier, "yx", calibration, None, image.provenance)
    except GeometryError as error:
        raise FormatError(path, f"does not fit its calibration: {error}") from error


def is_dicom(path: Path) -> bool:
    """Say whether a file is DICOM by its first bytes; the name counts only where they do not tell.

    Raises:
        FormatError: the file cannot be read.
    """
    try:
        with path.open("rb") as stream:
            head = stream.read(132)
    except OSError as error:
        reason = "there is no such file" if not path.exists() else f"cannot be read: {error}"
        raise FormatError(path, reason) from error
    if head[128:132] == b"DICM":
        return True
    if head.startswith(_PICTURES):
        return False
    # Old files have no preamble: they begin with an element of group 2 or 8.
    return path.suffix.lower() in _DICOM_SUFFIXES or (
        len(head) == 132 and head[:2] in (b"\x02\0", b"\x08\0") and head[3:4] == b"\0"
    )


def find_images(folder: Path) -> list[Path]:
    """List the image files of a folder and its sub-folders, by name, hidden ones left out.

    A file without a suffix counts where it is DICOM, as archives export them.

    Raises:
        FormatError: there is no such folder.
    """
    if not folder.is_dir():
        raise FormatError(folder, "there is no such folder of images")
    found = []
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder)
        if any(part.startswith(".") for part in inside.parts) or not path.is_file():
            continue
        if path.suffix.lower() in IMAGE_SUFFIXES or (not path.suffix and is_dicom(path)):
            found.append(path)
    return found


def read_size(path: Path) -> tuple[int, int]:
    """Return (width, height) in px without decoding the pixels.

    Raises:
        FormatError: the file is missing, damaged or of another kind.
    """
    if is_dicom(path):
        return read_dicom_header(path).size
    with opened(path) as picture:
        width, height = picture.size
    return (width, height)


def read_calibration(path: Path) -> Calibration | None:
    """Return the size of a pixel as the file gives it: DICOM may, a picture never does.

    Raises:
        FormatError: the file cannot be read, or gives a spacing that is none.
    """
    return read_dicom_calibration(path) if is_dicom(path) else None


@dataclass(frozen=True, slots=True)
class FrameOf:
    """One frame of a clip.

    Args:
        path: of the clip.
        frame: its number.
        depth: of the camera, where the clip is of depth.
    """

    path: Path
    frame: int
    depth: DepthSettings | None = None


Picture = Path | FrameOf


def read_thumbnail(picture: Picture, side: int) -> tuple[UInt8[ndarray, "y x"], tuple[int, int]]:
    """Read a small grey version whose longer side is ``side``, and the size of the original.

    JPEG is decoded at a fraction of its size, so that thousands of films take a minute.
    Values run from the darkest to the brightest pixel.

    Raises:
        FormatError: as :func:`read_image`.
    """
    if isinstance(picture, FrameOf):
        return _frame_thumbnail(picture, side)
    path = picture
    if is_dicom(path):
        image = read_dicom(path, identifier=path.name)
        small = Pillow.fromarray(np.rint(image.grey() * 255).astype(np.uint8))
        size = (image.size[0], image.size[1])
    else:
        with opened(path) as film:
            refuse_turned(path, film)
            size = (film.width, film.height)
            film.draft("L", (2 * side, 2 * side))
            film.load()
            small = _grey(path, film)
    small.thumbnail((side, side), Pillow.Resampling.BOX)
    return _stretched(np.asarray(small)), size


def _frame_thumbnail(picture: FrameOf, side: int) -> tuple[UInt8[ndarray, "y x"], tuple[int, int]]:
    if picture.depth is None:
        frame = Pillow.fromarray(read_frame(open_video(picture.path), picture.frame))
    else:
        clip = open_depth(picture.path, picture.depth)
        counts = read_depth_frame(clip, clip.index_of(picture.frame))
        frame = Pillow.fromarray(_depth_in_grey(counts))
    size = (frame.width, frame.height)
    small = frame.convert("L")
    small.thumbnail((side, side), Pillow.Resampling.BOX)
    return _stretched(np.asarray(small)), size


def _depth_in_grey(counts: UInt16[ndarray, "y x"]) -> UInt8[ndarray, "y x"]:
    """Bright is near; what was not measured is as far as the middle, so that holes do not shine."""
    measured = counts[counts > 0]
    if not len(measured):
        return np.zeros(counts.shape, dtype=np.uint8)
    near, middle, far = np.percentile(measured, (1.0, 50.0, 99.0))
    filled = np.where(counts > 0, counts, np.uint16(middle)).astype(np.float32)
    return np.rint(255 * np.clip((far - filled) / max(far - near, 1.0), 0, 1)).astype(np.uint8)


def _grey(path: Path, picture: Pillow.Image) -> Pillow.Image:
    """One 8-bit channel; pictures beyond 8 bits go through the full reader."""
    if picture.mode in ("L", "RGB", "1", "CMYK", "YCbCr"):
        return picture.convert("L")
    grey = read_raster(path, identifier=path.name).grey()
    return Pillow.fromarray(np.rint(grey * 255).astype(np.uint8))


def _stretched(values: ndarray) -> ndarray:
    low, high = int(values.min()), int(values.max())
    scale = 255.0 / max(high - low, 1)
    return np.rint((values.astype(np.float32) - low) * scale).astype(np.uint8)
