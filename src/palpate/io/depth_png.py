"""One depth frame as a 16-bit grey PNG: what its header says, and its counts."""

from dataclasses import dataclass
from pathlib import Path
from struct import unpack

import numpy as np
from jaxtyping import UInt16
from numpy import ndarray

from palpate.errors import FormatError
from palpate.io.raster import opened

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_END = b"\x00\x00\x00\x00IEND\xaeB`\x82"
_COLOUR_TYPES = {0: "grey", 2: "colour", 3: "palette", 4: "grey with transparency", 6: "colour"}


@dataclass(frozen=True, slots=True)
class PngHead:
    """What the first and the last bytes of a PNG say.

    Args:
        size: (width, height) in px.
        bits: per value.
        kind: grey, colour, ...
        bytes: of the file.
    """

    size: tuple[int, int]
    bits: int
    kind: str
    bytes: int

    @property
    def is_depth(self) -> bool:
        """Whether its values may be counts of a depth camera."""
        return self.bits == 16 and self.kind == "grey"


def read_png_head(path: Path) -> PngHead:
    """Read the header of a PNG, and see that the file reaches to its end.

    Raises:
        FormatError: missing, empty, no PNG, or cut off.
    """
    try:
        with path.open("rb") as stream:
            head = stream.read(33)
            length = stream.seek(0, 2)
            stream.seek(max(length - len(_END), 0))
            tail = stream.read()
    except FileNotFoundError as error:
        raise FormatError(path, "there is no such file") from error
    except OSError as error:
        raise FormatError(path, f"cannot be read: {error.strerror or error}") from error
    if length == 0:
        raise FormatError(path, "the file is empty; copy it again from its source")
    if not head.startswith(_SIGNATURE) or head[12:16] != b"IHDR" or len(head) < 33:
        raise FormatError(path, "is not a PNG file, or its beginning is damaged")
    if tail != _END:
        raise FormatError(path, "is cut off; copy it again from its source")
    width, height, bits, colour = unpack(">IIBB", head[16:26])
    if width == 0 or height == 0:
        raise FormatError(path, f"says that it is {width} x {height} px")
    return PngHead((width, height), bits, _COLOUR_TYPES.get(colour, "unknown"), length)


def refuse_no_depth(path: Path, head: PngHead) -> None:
    """Refuse a picture whose values are no counts of a depth camera.

    Raises:
        FormatError: it is of 8 bits or in colour.
    """
    if head.kind != "grey":
        raise FormatError(
            path,
            f"is a {head.kind} picture; depth is one 16-bit value a pixel: give raw frames",
        )
    if head.bits != 16:
        raise FormatError(
            path,
            f"is {head.bits}-bit; depth that was squeezed to 8 bit has lost its millimetres: give "
            "the 16-bit frames; plain grey pictures are a study of images, without [video.depth]",
        )


def read_depth_png(path: Path) -> UInt16[ndarray, "y x"]:
    """Return the counts of a frame; 0 is where nothing was measured.

    Raises:
        FormatError: missing, damaged, cut off, of 8 bits or in colour.
    """
    refuse_no_depth(path, read_png_head(path))
    with opened(path) as picture:
        picture.load()
        # A copy: Pillow's own array is read-only, and its memory Pillow's.
        return np.array(picture, dtype=np.uint16)
