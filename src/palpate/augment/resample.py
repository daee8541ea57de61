"""Fit an image into the grid of a network; one affine says where every pixel went."""

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from jaxtyping import Float, UInt
from numpy import ndarray

from palpate.affine import Affine
from palpate.errors import GeometryError
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
# Left, top, and right, bottom, which are just outside.
Box = tuple[int, int, int, int]


@dataclass(frozen=True, eq=False, slots=True)
class Prepared:
    """Grey or colour, small enough to keep in memory, and where it came from.

    Args:
        pixels: (y, x) or (y, x, 3), uint8 or uint16.
        from_image: pixels of the image as given -> pixels of this array.
        to_grid: pixels of the image as given -> grid, unless something is varied.
    """

    pixels: ndarray
    from_image: Affine
    to_grid: Affine


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


def prepare(
    image: Image, grid: tuple[int, int], *, colour: bool = False, view: Affine | None = None
) -> Prepared:
    """Reduce an image to one grey channel, or to three of colour, little larger than the grid.

    Args:
        image: a plane.
        grid: size (x, y).
        colour: three channels.
        view: pixels of the image as given -> grid; None fits the image's region into the grid.

    Raises:
        GeometryError: nothing of the image is in the view.
    """
    size = (image.size[0], image.size[1])
    if view is None:
        region = image.region or (0, 0, *size)
        view, box = fit(region, grid), _with_margin(region, size)
    else:
        box = _seen(view, grid, image)
    cut = _cut(box, view.scale * (_HEADROOM_COLOUR if colour else _HEADROOM))
    left, top, right, bottom = box
    cropped = image.pixels[:, top:bottom, left:right]
    pixels = _colour(cropped) if colour else _grey(cropped, image)
    if cut.ratio >= 1:
        # A copy: the crop must not keep the whole image in memory.
        return Prepared(pixels.copy(), cut.from_image, view)
    bilinear = colour and cut.ratio >= _BILINEAR_DOWN_TO
    how = cv2.INTER_LINEAR if bilinear else cv2.INTER_AREA
    return Prepared(cv2.resize(pixels, cut.size, interpolation=how), cut.from_image, view)


@dataclass(frozen=True, eq=False, slots=True)
class _Cut:
    """What becomes of a box that is cut out of an image.

    Args:
        size: (x, y) afterwards.
        ratio: of sizes; 1 or more leaves the pixels as they are.
        from_image: pixels of the image as given -> pixels afterwards.
    """

    size: tuple[int, int]
    ratio: float
    from_image: Affine


@lru_cache(maxsize=_REMEMBERED)
def _cut(box: Box, ratio: float) -> _Cut:
    left, top, right, bottom = box
    from_image = Affine.translation((-left, -top))
    size = (right - left, bottom - top)
    if ratio >= 1:
        return _Cut(size, ratio, from_image)
    new = (max(1, round(size[0] * ratio)), max(1, round(size[1] * ratio)))
    shrink = Affine.resize(size, new, source="pixel", target="pixel")
    return _Cut(new, ratio, shrink @ from_image)


def _seen(view: Affine, grid: tuple[int, int], image: Image) -> Box:
    """What the grid sees of an image, and what lies close around it."""
    corners = [[-0.5, -0.5], [grid[0] - 0.5, -0.5], [-0.5, grid[1] - 0.5]]
    corners.append([grid[0] - 0.5, grid[1] - 0.5])
    outline = view.inverse()(corners)
    low, high = outline.min(axis=0), outline.max(axis=0)
    around = _MARGIN * (high - low)
    most = np.array([image.size[0], image.size[1]])
    first = np.clip(np.floor(low - around + 0.5), 0, most).astype(int)
    last = np.clip(np.ceil(high + around + 0.5), 0, most).astype(int)
    if (first >= last).any():
        raise GeometryError(
            f"image {image.identifier!r}: the part to look at, x {low[0]:.0f} to {high[0]:.0f} and "
            f"y {low[1]:.0f} to {high[1]:.0f} px, lies outside its {most[0]} x {most[1]} px"
        )
    return int(first[0]), int(first[1]), int(last[0]), int(last[1])


def _with_margin(region: Region, size: tuple[int, int]) -> Box:
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
