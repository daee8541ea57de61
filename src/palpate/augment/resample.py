"""Fit an image into the grid of a network; one affine says where every pixel went."""

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float
from numpy import ndarray

from palpate.affine import Affine
from palpate.image import Image

# An image is shrunk by area averaging to this many times the grid before it is warped, so
# that the warp (bilinear, no prefilter) does not alias.
_HEADROOM = 1.25


@dataclass(frozen=True, eq=False, slots=True)
class Prepared:
    """One grey channel, small enough to keep in memory, and where it came from.

    Args:
        pixels: (y, x), uint8 or uint16.
        from_image: pixels of the image as given -> pixels of this array.
        size: of the image as given (x, y).
    """

    pixels: ndarray
    from_image: Affine
    size: tuple[int, int]


def fit(size: tuple[int, int], grid: tuple[int, int]) -> Affine:
    """Map an image of ``size`` (x, y) into ``grid`` (x, y): same aspect ratio, centred.

    Example:
        >>> fit((100, 50), (50, 50))([[49.5, 24.5]]).tolist()
        [[24.5, 24.5]]
    """
    ratio = min(grid[0] / size[0], grid[1] / size[1])
    shift = [((g - 1) - ratio * (s - 1)) / 2 for g, s in zip(grid, size, strict=True)]
    scale = Affine.scaling((ratio, ratio), source="pixel", target="grid")
    return Affine.translation(shift, source="grid", target="grid") @ scale


def prepare(image: Image, grid: tuple[int, int]) -> Prepared:
    """Reduce an image to one grey channel of at most ``_HEADROOM`` times the grid."""
    pixels = _grey(image)
    size = (pixels.shape[1], pixels.shape[0])
    ratio = min(grid[0] / size[0], grid[1] / size[1]) * _HEADROOM
    if ratio >= 1:
        return Prepared(pixels, Affine.identity(), size)
    new = (max(1, round(size[0] * ratio)), max(1, round(size[1] * ratio)))
    small = cv2.resize(pixels, new, interpolation=cv2.INTER_AREA)
    from_image = Affine.resize(size, new, source="pixel", target="pixel")
    return Prepared(small, from_image, size)


def _grey(image: Image) -> ndarray:
    if image.pixels.dtype == np.uint8:
        if len(image.pixels) == 1:
            return image.pixels[0]
        return np.rint(image.pixels.mean(axis=0)).astype(np.uint8)
    return np.rint(image.grey() * 65535).astype(np.uint16)


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


def unit(pixels: ndarray) -> Float[ndarray, "y x"]:
    """Return float32 in [0, 1]."""
    return pixels.astype(np.float32) / np.float32(np.iinfo(pixels.dtype).max)
