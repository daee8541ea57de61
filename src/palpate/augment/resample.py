"""Fit an image into the grid of a network; one affine says where every pixel went."""

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float
from numpy import ndarray

from palpate.affine import Affine
from palpate.image import Image

# An image is shrunk by area averaging to this many times the grid before it is warped, so
# that the warp (bilinear, no prefilter) does not alias. Colour is of clips, which bring thousands
# of frames that are only shifted a little: they are kept at the size of the grid.
_HEADROOM, _HEADROOM_COLOUR = 1.25, 1.0
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
    region = image.region or (0, 0, image.size[0], image.size[1])
    left, top, right, bottom = _with_margin(region, (image.size[0], image.size[1]))
    cropped = image.pixels[:, top:bottom, left:right]
    pixels = _colour(cropped) if colour else _grey(cropped, image)
    from_image = Affine.translation((-left, -top))
    size = (right - left, bottom - top)
    headroom = _HEADROOM_COLOUR if colour else _HEADROOM
    ratio = min(grid[0] / region[2], grid[1] / region[3]) * headroom
    if ratio >= 1:
        # A copy: the crop must not keep the whole image in memory.
        return Prepared(np.ascontiguousarray(pixels), from_image, region)
    new = (max(1, round(size[0] * ratio)), max(1, round(size[1] * ratio)))
    small = cv2.resize(pixels, new, interpolation=cv2.INTER_AREA)
    shrink = Affine.resize(size, new, source="pixel", target="pixel")
    return Prepared(small, shrink @ from_image, region)


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
    return np.ascontiguousarray(pixels.transpose(1, 2, 0))


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


def unit(pixels: ndarray) -> Float[ndarray, "y x ..."]:
    """Return float32 in [0, 1]."""
    return pixels.astype(np.float32) / np.float32(np.iinfo(pixels.dtype).max)
