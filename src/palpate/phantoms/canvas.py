"""Drawing by area: a grey value is how much of its pixel a shape covers.

Shapes are given in millimetres and drawn through the map to pixels, so that a vertex ends
where the truth says it is, to about 1/16 px: each shape is filled on a finer grid over its
own window and averaged. The outline of the fine fill counts half, or every shape would be
half a fine pixel too large.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float, UInt8
from numpy import ndarray

from palpate.affine import Affine
from palpate.phantoms.contour import Contour


@dataclass(frozen=True, eq=False, slots=True)
class Window:
    """The part of a canvas that a shape touches, and the finer grid over it."""

    left: int
    top: int
    width: int
    height: int
    fine: int

    def on_fine(self, points: Contour) -> ndarray:
        """Return pixel coordinates on the finer grid, rounded to its pixels."""
        corner = np.array([self.left, self.top])
        return np.round((points - corner + 0.5) * self.fine - 0.5).astype(np.int32)

    def blank(self) -> UInt8[ndarray, "y x"]:
        """Return an empty finer grid."""
        return np.zeros((self.height * self.fine, self.width * self.fine), dtype=np.uint8)

    def average(self, fine: ndarray) -> Float[ndarray, "y x"]:
        """Return the mean over each pixel."""
        size = (self.width, self.height)
        return cv2.resize(fine.astype(np.float32), size, interpolation=cv2.INTER_AREA)


@dataclass(frozen=True, eq=False, slots=True)
class Canvas:
    """An image that shapes in millimetres are added to.

    Args:
        values: (y, x), added to in place; this is the one noun here that changes.
        to_pixel: from mm of the plane to pixels, index 0 at the centre of the first.
        fine: how many times finer small shapes are drawn; large ones at most 2.

    Example:
        >>> canvas = Canvas(np.zeros((4, 4), np.float32), Affine.identity(source="mm"), fine=8)
        >>> canvas.fill(np.array([[0.5, 0.5], [2.5, 0.5], [2.5, 2.5], [0.5, 2.5]]), 1.0)
        >>> round(float(canvas.values.sum()), 1)
        4.0
    """

    values: Float[ndarray, "y x"]
    to_pixel: Affine
    fine: int = 3

    @property
    def mm(self) -> float:
        """Pixels of one millimetre."""
        return float(np.sqrt(abs(np.linalg.det(self.to_pixel.linear))))

    def fill(self, outline: Contour, amount: float, *, soften_mm: float = 0.0) -> None:
        """Add ``amount`` inside a closed outline, blurred by a Gaussian of ``soften_mm``."""
        points = self.to_pixel(outline)
        window = self._window(points, 3 * soften_mm * self.mm)
        if window is not None:
            cover = window.average(_filled(window, points)) * np.float32(amount / 255.0)
            self._add(window, _blurred(cover, soften_mm * self.mm))

    def bone(self, outline: Contour, interior: float, *, rim: float, rim_mm: float = 0.6) -> None:
        """Add a body with a denser shell: ``rim`` more at ``rim_mm`` under the surface."""
        points = self.to_pixel(outline)
        window = self._window(points, 0.0)
        if window is None:
            return
        mask = _filled(window, points)
        depth = window.average(cv2.distanceTransform((mask > 0).view(np.uint8), cv2.DIST_L2, 3))
        depth *= np.float32(1.0 / (window.fine * self.mm))
        shell = np.exp(np.float32(-0.5) * ((depth - np.float32(rim_mm)) / np.float32(rim_mm)) ** 2)
        cover = window.average(mask) * np.float32(1.0 / 255.0)
        self._add(window, cover * (np.float32(interior) + np.float32(rim) * shell))

    def stroke(
        self, path: Contour, amount: float, *, width_mm: float, soften_mm: float = 0.0
    ) -> None:
        """Add a line of a given width."""
        points = self.to_pixel(path)
        reach = (width_mm + 3 * soften_mm) * self.mm
        window = self._window(points, reach)
        if window is not None:
            fine = window.blank()
            thick = max(round(width_mm * self.mm * window.fine), 1)
            cv2.polylines(fine, [window.on_fine(points)], False, 255, thickness=thick)
            cover = window.average(fine) * np.float32(amount / 255.0)
            self._add(window, _blurred(cover, soften_mm * self.mm))

    def _window(self, points: Contour, reach: float) -> Window | None:
        height, width = self.values.shape
        low = np.clip(np.floor(points.min(axis=0) - reach) - 1, 0, [width, height]).astype(int)
        high = np.clip(np.ceil(points.max(axis=0) + reach) + 2, 0, [width, height]).astype(int)
        size = high - low
        if (size <= 0).any():
            return None
        area = int(size[0] * size[1])
        fine = self.fine if area <= 5_000 else min(self.fine, 2)
        return Window(int(low[0]), int(low[1]), int(size[0]), int(size[1]), fine)

    def _add(self, window: Window, values: Float[ndarray, "y x"]) -> None:
        rows = slice(window.top, window.top + window.height)
        self.values[rows, window.left : window.left + window.width] += values


def _filled(window: Window, points: Contour) -> UInt8[ndarray, "y x"]:
    fine = window.blank()
    vertices = window.on_fine(points)
    cv2.fillPoly(fine, [vertices], 255)
    cv2.polylines(fine, [vertices], True, 128)
    return fine


def _blurred(values: Float[ndarray, "y x"], sigma: float) -> Float[ndarray, "y x"]:
    return cv2.GaussianBlur(values, (0, 0), sigma) if sigma > 0.3 else values
