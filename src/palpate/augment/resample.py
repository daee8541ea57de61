"""Fit an image into the grid of a network; one affine says where every pixel went."""

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from jaxtyping import Float, UInt
from numpy import ndarray

from palpate.affine import Affine
from palpate.image import Image

# An image is shrunk by area averaging to this many times the grid before it is warped, so
# that the warp (bilinear, no prefilter) does not alias. Colour is of clips, which bring thousands
# of frames that are only shifted a little: they are kept at the size of the grid.
_HEADROOM, _HEADROOM_COLOUR = 1.25, 1.0
# Down to this ratio colour is shrunk bilinearly: four pixels then still see every one, and it
# takes a sixth of the time. Cunningham et al. 2019 resample so, at any ratio.
_BILINEAR_DOWN_TO = 0.5
# All frames of a clip have one size and one region: what follows from these is worked out once.
_REMEMBERED = 64
# Around a region so much of its sides is kept, for a warp to bring in.
_MARGIN = 0.15

# x, y of the upper left pixel, width, height, in pixels of the image as given.
Region = tuple[int, int, int, int]


@dataclass(frozen=True, eq=False, slots=True)
class Prepared:
    """Grey or colour, small enough to keep in memory, and where it came from.

    Args:
        pixels: (y, x) or (y, x, 3), uint8 or uint16.
        from_image: pixels of the image as given -> pixels of this array.
        region: the part of the image that is fitted into the grid.
    """

    pixels: ndarray
    from_image: Affine
    region: Region


@lru_cache(maxsize=_REMEMBERED)
def fit(region: Region, grid: tuple[int, int]) -> Affine:
    """Map a region of an image into ``grid`` (x, y): same aspect ratio, centred.

    Example:
        >>> fit((0, 0, 100, 50), (50, 50))([[49.5, 24.5]]).tolist()
        [[24.5, 24.5]]
    """
    x, y, width, height = region
    ratio = min(grid[0] / width, grid[1] / height)
    centre = (x + (width - 1) / 2, y + (height - 1) / 2)
    shift = [(g - 1) / 2 - ratio * c for g, c in zip(grid, centre, strict=True)]
    scale = Affine.scaling((ratio, ratio), source="pixel", target="grid")
    return Affine.translation(shift, source="grid", target="grid") @ scale


def prepare(image: Image, grid: tuple[int, int], *, colour: bool = False) -> Prepared:
    """Reduce an image to one grey channel, or to three of colour, little larger than the grid."""
    size = (image.size[0], image.size[1])
    region = image.region or (0, 0, *size)
    cut = _cut(region, size, grid, _HEADROOM_COLOUR if colour else _HEADROOM)
    left, top, right, bottom = cut.box
    cropped = image.pixels[:, top:bottom, left:right]
    pixels = _colour(cropped) if colour else _grey(cropped, image)
    if cut.ratio >= 1:
        # A copy: the crop must not keep the whole image in memory.
        return Prepared(pixels.copy(), cut.from_image, region)
    bilinear = colour and cut.ratio >= _BILINEAR_DOWN_TO
    how = cv2.INTER_LINEAR if bilinear else cv2.INTER_AREA
    return Prepared(cv2.resize(pixels, cut.size, interpolation=how), cut.from_image, region)


@dataclass(frozen=True, eq=False, slots=True)
class _Cut:
    """What is cut out of images of one size, and the size that it is brought to.

    Args:
        box: left, top, right, bottom.
        size: (x, y) afterwards.
        ratio: of sizes; 1 or more leaves the pixels as they are.
        from_image: pixels of the image as given -> pixels afterwards.
    """

    box: tuple[int, int, int, int]
    size: tuple[int, int]
    ratio: float
    from_image: Affine


@lru_cache(maxsize=_REMEMBERED)
def _cut(
    region: Region, image_size: tuple[int, int], grid: tuple[int, int], headroom: float
) -> _Cut:
    left, top, right, bottom = box = _with_margin(region, image_size)
    from_image = Affine.translation((-left, -top))
    size = (right - left, bottom - top)
    ratio = min(grid[0] / region[2], grid[1] / region[3]) * headroom
    if ratio >= 1:
        return _Cut(box, size, ratio, from_image)
    new = (max(1, round(size[0] * ratio)), max(1, round(size[1] * ratio)))
    shrink = Affine.resize(size, new, source="pixel", target="pixel")
    return _Cut(box, new, ratio, shrink @ from_image)


def _with_margin(region: Region, size: tuple[int, int]) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of the region and what lies close around it in the image."""
    x, y, width, height = region
    beside, above = round(_MARGIN * width), round(_MARGIN * height)
    return (
        max(x - beside, 0),
        max(y - above, 0),
        min(x + width + beside, size[0]),
        min(y + height + above, size[1]),
    )


def _grey(pixels: ndarray, image: Image) -> ndarray:
    if pixels.dtype == np.uint8:
        if len(pixels) == 1:
            return pixels[0]
        return np.rint(pixels.mean(axis=0)).astype(np.uint8)
    grey = Image(pixels, image.identifier).grey()
    return np.rint(grey * 65535).astype(np.uint16)


def _colour(pixels: ndarray) -> ndarray:
    if pixels.dtype != np.uint8:
        grey = Image(pixels, "colour").grey()
        pixels = np.rint(grey * 255).astype(np.uint8)[None]
    if len(pixels) != 3:
        pixels = np.repeat(pixels[:1], 3, axis=0)
    return pixels.transpose(1, 2, 0)


def resample(prepared: Prepared, to_grid: Affine, grid: tuple[int, int]) -> ndarray:
    """Sample the grid from the prepared pixels, bilinearly; black where there is no image.

    Args:
        prepared: the grey channel.
        to_grid: pixels of the image as given -> grid.
        grid: size (x, y).
    """
    grid_to_prepared = prepared.from_image @ to_grid.inverse()
    return cv2.warpAffine(
        prepared.pixels,
        grid_to_prepared.matrix[:2],
        grid,
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=0,
    )


def unit(
    pixels: UInt[ndarray, "..."], *, out: Float[ndarray, "..."] | None = None
) -> Float[ndarray, "..."]:
    """Return float32 in [0, 1]; in ``out``, where given."""
    scale = np.float32(1 / np.iinfo(pixels.dtype).max)
    return np.multiply(pixels, scale, out=out, dtype=np.float32)
