"""One frame of a film as the page is sent it: values, not pictures."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

import numpy as np
from numpy import ndarray

from palpate.errors import FormatError, StudyError
from palpate.files import file_stamp, sha256
from palpate.image import Image
from palpate.io.depth import open_depth, read_depth_frame
from palpate.io.dicom import read_dicom
from palpate.io.images import is_dicom, read_image
from palpate.io.video import open_video, read_frame
from palpate.review.case import NewCase

Kind = Literal["uint8", "uint16", "int16"]
Window = tuple[float, float]

# Above this, a file is not read twice to see that it is the one that was put in.
_HASHED_BYTES = 1 << 28
# Every so many-th pixel tells the window of a large film as well as all do.
_LOOKED_AT = 200_000


@dataclass(frozen=True, eq=False, slots=True)
class Film:
    """The values of one frame.

    Args:
        values: (y, x) or (y, x, 3), little-endian.
        window: (centre, width) to begin with.
        rate_hz: of a clip; None of an image.
    """

    values: ndarray
    window: Window
    rate_hz: float | None = None

    @property
    def kind(self) -> Kind:
        """Type of the values."""
        kinds: dict[str, Kind] = {"uint8": "uint8", "uint16": "uint16", "int16": "int16"}
        return kinds[self.values.dtype.name]

    @property
    def channels(self) -> Literal[1, 3]:
        """Grey or colour."""
        return 3 if self.values.ndim == 3 else 1


def read_film(path: Path, given: NewCase, frame: int) -> Film:
    """Read one frame of the film of a case.

    Raises:
        FormatError: it is missing or damaged, or there is no such frame.
        StudyError: it is another file, or of another size, than the one that was put in.
    """
    if not path.exists():
        raise FormatError(path, "it is no longer where it was; put it back and load the page again")
    if frame >= given.frames:
        raise FormatError(path, f"has {given.frames} frames, counted from 0; not {frame}")
    _refuse_another(path, given)
    film = _READERS[given.source](path, given, frame)
    height, width = film.values.shape[:2]
    if (width, height) != given.size:
        raise StudyError(
            f"the film of {given.image!r} is now {width} x {height} px and was "
            f"{given.size[0]} x {given.size[1]} px when it was put in; points would be misplaced"
        )
    return film


def _refuse_another(path: Path, given: NewCase) -> None:
    if path.is_file() and path.stat().st_size <= _HASHED_BYTES and given.source != "depth":
        digest = _digest(path, file_stamp(path))
        if digest != given.digest:
            raise StudyError(
                f"the film of {given.image!r} is not the file that was put in; "
                "put the original back, or put the new one in under another name"
            )


@lru_cache(maxsize=4096)
def _digest(path: Path, stamp: tuple[int, ...]) -> str:
    del stamp  # only tells one state of the file from another
    return sha256(path)


def _still(path: Path, given: NewCase, frame: int) -> Film:
    if given.frames > 1 and is_dicom(path):
        image = read_dicom(path, identifier=given.image, frame=frame)
    else:
        image = read_image(path, identifier=given.image)
    values = _values(image)
    return Film(values, _window_of(image, values))


def _video(path: Path, given: NewCase, frame: int) -> Film:
    video = open_video(path)
    return Film(np.ascontiguousarray(read_frame(video, frame)), (127.5, 255.0), video.rate_hz)


def _depth(path: Path, given: NewCase, frame: int) -> Film:
    clip = open_depth(path)
    values = np.ascontiguousarray(read_depth_frame(clip, frame))
    times = clip.times_s
    rate = (len(times) - 1) / float(times[-1] - times[0]) if len(times) > 1 else None
    measured = values[values > 0]
    return Film(values, usual_window(measured if len(measured) else values), rate)


_READERS = {"raster": _still, "dicom": _still, "video": _video, "depth": _depth}


def _values(image: Image) -> ndarray:
    """Grey (y, x) or colour (y, x, 3); fractions are stretched over 16 bits."""
    pixels = image.pixels
    if pixels.dtype == np.float32:
        low, high = float(pixels.min()), float(pixels.max())
        stretched = (pixels - low) * (65535.0 / max(high - low, 1e-12))
        pixels = np.rint(stretched).astype(np.uint16)
    if len(pixels) not in (1, 3):
        pixels = np.rint(pixels.mean(axis=0, keepdims=True)).astype(pixels.dtype)
    values = pixels[0] if len(pixels) == 1 else pixels.transpose(1, 2, 0)
    return np.ascontiguousarray(values, dtype=values.dtype.newbyteorder("<"))


def _window_of(image: Image, values: ndarray) -> Window:
    """The file's own window where it has one that shows something, else what is usual."""
    told = image.provenance
    if values.ndim == 3 and values.dtype == np.uint8:
        return (127.5, 255.0)
    usual = usual_window(values)
    if "inverted" in told or image.pixels.dtype == np.float32:
        return usual
    centre, width = (_first(told.get(tag, "")) for tag in ("WindowCenter", "WindowWidth"))
    if centre is None or width is None or width < 1:
        return usual
    overlaps = centre - width / 2 < values.max() and centre + width / 2 > values.min()
    return (centre, width) if overlaps else usual


def usual_window(values: ndarray) -> Window:
    """Centre and width from the 0.5th to the 99.5th percentile; of all where these are one value.

    Example:
        >>> usual_window(np.arange(1001, dtype=np.uint16))
        (500.0, 990.0)
        >>> usual_window(np.array([0] * 999 + [40], dtype=np.uint16))
        (20.0, 40.0)
    """
    flat = values.reshape(-1)
    low, high = np.percentile(flat[:: max(1, flat.size // _LOOKED_AT)], (0.5, 99.5))
    if low == high:
        low, high = float(flat.min()), float(flat.max())
    return (float(low + high) / 2, max(float(high - low), 1.0))


def _first(text: str) -> float | None:
    try:
        number = float(text.partition("\\")[0])
    except ValueError:
        return None
    return number if np.isfinite(number) else None
