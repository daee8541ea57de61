"""Depth as colours that everybody tells apart: near is bright, what was not measured is grey."""

from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import matplotlib as mpl
import numpy as np
from jaxtyping import UInt8, UInt16
from numpy import ndarray

from palpate.errors import GeometryError
from palpate.image import Image

# Viridis has no grey in it, so that a hole is never taken for a depth.
HOLE = (112, 112, 112)
_COLOURS = mpl.colormaps["viridis"](np.linspace(0.0, 1.0, 256), bytes=True)[:, :3]
# Thin light lines are seen on colours that are this dark.
_DIMMED = 0.5
# A hand near the lens or a far floor must not take all colours for itself.
_SHARE = 0.01
# Of each frame so many pixels are looked at: a range needs no more.
_LOOKED_AT = 4096


@dataclass(frozen=True, slots=True)
class DepthScale:
    """Which depths the colours run between; the same for all frames of a clip.

    Args:
        near: counts that are brightest, and all that is nearer.
        far: counts that are darkest, and all that is farther.

    Raises:
        GeometryError: far is not beyond near.
    """

    near: float
    far: float

    def __post_init__(self) -> None:
        if not 0 <= self.near < self.far:
            raise GeometryError(f"colours need 0 <= near < far, got {self.near} to {self.far}")


def depth_scale(frames: Iterable[UInt16[ndarray, "y x"]]) -> DepthScale:
    """Return the range that all but a hundredth of the measured pixels at either end lie in.

    Where nothing was measured, or all at one depth, the range is made up around it.

    Example:
        >>> depth_scale([np.array([[0, 400, 500]], dtype=np.uint16)])
        DepthScale(near=401.0, far=499.0)
    """
    seen = [frame.ravel()[:: max(1, frame.size // _LOOKED_AT)] for frame in frames]
    values = np.concatenate(seen) if seen else np.zeros(0, dtype=np.uint16)
    values = values[values > 0]
    if len(values) == 0:
        return DepthScale(0.0, 1.0)
    near, far = (float(v) for v in np.quantile(values, [_SHARE, 1.0 - _SHARE]))
    return DepthScale(near, far) if far > near else DepthScale(near - 0.5, near + 0.5)


def false_colour(depth: UInt16[ndarray, "y x"], scale: DepthScale) -> UInt8[ndarray, "y x 3"]:
    """Return a depth frame as RGB: near is yellow, far is violet, a hole (0) is grey.

    Example:
        >>> frame = np.array([[0, 400, 500]], dtype=np.uint16)
        >>> false_colour(frame, DepthScale(400.0, 500.0)).tolist()
        [[[112, 112, 112], [253, 231, 36], [68, 1, 84]]]
    """
    picture = cv2.applyColorMap(_levels(depth, scale), _COLOURS[:, None, :].copy())
    picture[depth == 0] = HOLE
    return picture


def depth_picture(image: Image) -> ndarray:
    """Return an image to draw thin lines on: depth in dimmed false colour; any other as grey."""
    if not _is_depth(image):
        return image.grey()
    bright = false_colour(image.pixels[0], depth_scale([image.pixels[0]]))
    return np.rint(_DIMMED * bright).astype(np.uint8)


def depth_grey(image: Image) -> ndarray:
    """Return an image as one channel: depth with near bright and holes black; else its grey."""
    if not _is_depth(image):
        return image.grey()
    depth = image.pixels[0]
    return np.where(depth == 0, np.uint8(0), _levels(depth, depth_scale([depth])))


def _is_depth(image: Image) -> bool:
    return image.axes == "yx" and len(image.pixels) == 1 and image.pixels.dtype == np.uint16


def _levels(depth: UInt16[ndarray, "y x"], scale: DepthScale) -> UInt8[ndarray, "y x"]:
    """From 255, near, to 0, far."""
    share = (np.float32(scale.far) - depth) / np.float32(scale.far - scale.near)
    return np.rint(np.clip(255.0 * share, 0.0, 255.0)).astype(np.uint8)
