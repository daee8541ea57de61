"""PNG, JPEG, TIFF and BMP, 8 and 16 bit.

What is kept: 16-bit grey stays uint16; colour stays three channels. What is decided here, once:

- *EXIF orientation* other than upright is refused. Some tools turn the picture before a person
  annotates it and some do not, so both turning it and not turning it may move every landmark.
- *Alpha* is laid over black, *CMYK* and *YCbCr* become RGB, a *palette* becomes RGB or grey;
  16-bit colour is read as 8-bit. Each is written in the provenance.
- A TIFF that counts from white (WhiteIsZero) is inverted, so that bright is dense.
- *Resolution* (dots per inch) describes a print, not a patient: kept in the provenance, never a
  calibration.
"""

import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import numpy as np
from numpy import ndarray
from PIL import Image as Pillow
from PIL import UnidentifiedImageError
from PIL.Image import DecompressionBombError

from palpate.errors import FormatError
from palpate.image import Image
from palpate.io.quiet import quiet

# 100 million pixels are 10,000 x 10,000: three times the largest radiograph of one exposure.
MAX_PIXELS = 100_000_000
FORMATS = ("PNG", "JPEG", "TIFF", "BMP")

_EXIF_ORIENTATION = 0x0112
_TIFF_PHOTOMETRIC = 262
_DAMAGE = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    TypeError,
    KeyError,
    IndexError,
    OverflowError,
    struct.error,
    zlib.error,
)


def read_raster(path: Path, *, identifier: str) -> Image:
    """Read one picture.

    Raises:
        FormatError: missing, empty, cut, not a picture, several pages, 32-bit float, turned by
            EXIF, or more than ``MAX_PIXELS`` pixels; says which and what to do.
    """
    with opened(path) as picture:
        provenance = _provenance(picture)
        refuse_turned(path, picture)
        pixels = _pixels(path, picture, provenance)
    return Image(np.ascontiguousarray(pixels), identifier, provenance=provenance)


@contextmanager
def opened(path: Path) -> Iterator[Pillow.Image]:
    """Open a picture of one page, its pixels not yet decoded, every error in our words.

    Raises:
        FormatError: as :func:`read_raster`.
    """
    try:
        if path.stat().st_size == 0:
            raise FormatError(path, "the file is empty; copy it again from its source")
        with quiet():
            picture = Pillow.open(path, formats=FORMATS)
        with picture:
            with quiet():
                _refuse_unfit(path, picture)
            yield picture
    except FormatError:
        raise
    except FileNotFoundError as error:
        raise FormatError(path, "there is no such file") from error
    except (IsADirectoryError, PermissionError) as error:
        raise FormatError(path, f"cannot be read: {error.strerror}") from error
    except UnidentifiedImageError as error:
        raise FormatError(
            path, "is not a PNG, JPEG, TIFF, BMP or DICOM file, or its beginning is damaged"
        ) from error
    except DecompressionBombError as error:
        raise FormatError(path, _too_large("178 million pixels or more")) from error
    except MemoryError as error:
        raise FormatError(path, _too_large("pixels that do not fit in memory")) from error
    except _DAMAGE as error:
        raise FormatError(
            path, f"is damaged or cut off ({error}); copy it again from its source"
        ) from error


def refuse_turned(path: Path, picture: Pillow.Image) -> None:
    """Refuse a picture that EXIF asks to turn: nobody knows whether its annotator saw it turned.

    Raises:
        FormatError: the orientation is not upright.
    """
    # PNG decodes its pixels for this, which threads should do side by side, so not in `quiet`.
    with nullcontext() if picture.format == "PNG" else quiet():
        orientation = picture.getexif().get(_EXIF_ORIENTATION, 1)
    if orientation not in (0, 1):
        raise FormatError(
            path,
            f"carries EXIF orientation {orientation}: programs differ on whether to turn it, and "
            "the annotation would not follow; save it upright without the tag "
            "('exiftran -ai FILE' or 'mogrify -auto-orient FILE') and check its landmarks",
        )


def _refuse_unfit(path: Path, picture: Pillow.Image) -> None:
    width, height = picture.size
    if width * height > MAX_PIXELS:
        raise FormatError(path, _too_large(f"{width} x {height} pixels"))
    pages = getattr(picture, "n_frames", 1)
    # A phone's MPO holds previews after the photograph: the first picture is the photograph.
    if pages > 1 and picture.format != "MPO":
        raise FormatError(
            path, f"holds {pages} pages where one was expected; save the page as a file of its own"
        )


def _too_large(what: str) -> str:
    return (
        f"has {what}, more than the {MAX_PIXELS:,} that are read at once; crop it or save it "
        "smaller, and scale its landmarks with it"
    )


def _provenance(picture: Pillow.Image) -> dict[str, str]:
    found = {"format": str(picture.format), "mode": str(picture.mode)}
    if "dpi" in picture.info:
        found["resolution"] = " x ".join(f"{float(d):g}" for d in picture.info["dpi"]) + " dpi"
    if "RGB;16" in str(getattr(picture, "tile", "")):
        found["depth"] = "16-bit colour read as 8-bit"
    return found


def _pixels(path: Path, picture: Pillow.Image, provenance: dict[str, str]) -> ndarray:
    """Decode to (channel, y, x), noting in ``provenance`` what was changed."""
    photometric = getattr(picture, "tag_v2", {}).get(_TIFF_PHOTOMETRIC)
    picture.load()
    mode = picture.mode
    if mode == "F":
        raise FormatError(
            path, "holds 32-bit floating point; its range is not known: save it as 16-bit"
        )
    if mode.startswith("I"):
        grey = _integers(path, np.asarray(picture))
        if photometric == 0 and grey.dtype == np.uint16:  # Pillow inverts 8-bit but not 16-bit
            grey = np.uint16(65535) - grey
            provenance["inverted"] = "TIFF counts from white; inverted so that bright is dense"
        return grey[None]
    if mode in ("1", "L"):
        return np.asarray(picture.convert("L"))[None]
    if mode not in ("RGB", "RGBX"):
        picture = _to_rgb(path, picture, provenance)
    colour = np.asarray(picture.convert("RGB")).transpose(2, 0, 1)
    if mode in ("P", "LA", "PA") and (colour == colour[:1]).all():
        return colour[:1]
    return colour


def _to_rgb(path: Path, picture: Pillow.Image, provenance: dict[str, str]) -> Pillow.Image:
    mode = picture.mode
    if mode in ("CMYK", "YCbCr"):
        provenance["colour"] = f"{mode} converted to RGB without a colour profile"
        return picture.convert("RGB")
    if mode not in ("P", "PA", "LA", "La", "RGBA", "RGBa"):
        raise FormatError(path, f"has the colour mode {mode}; save it as grey or RGB")
    if mode == "P":
        provenance["colour"] = "palette resolved"
        if "transparency" not in picture.info:
            return picture.convert("RGB")
    picture = picture.convert("RGBA")
    opaque = picture.getchannel("A").getextrema() == (255, 255)
    provenance["alpha"] = "opaque, dropped" if opaque else "laid over black"
    black = Pillow.new("RGBA", picture.size, (0, 0, 0, 255))
    return Pillow.alpha_composite(black, picture).convert("RGB")


def _integers(path: Path, values: ndarray) -> ndarray:
    """Narrow Pillow's 32-bit integers to the 16 bits they were stored with."""
    if values.dtype.kind == "u" and values.dtype.itemsize == 2:
        return values.astype(np.uint16)
    low, high = int(values.min()), int(values.max())
    for narrow in (np.uint16, np.int16):
        if np.iinfo(narrow).min <= low and high <= np.iinfo(narrow).max:
            return values.astype(narrow)
    raise FormatError(path, f"has values from {low} to {high}, beyond 16 bits; save it as 16-bit")
