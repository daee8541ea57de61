"""Painting of solids that move: round to the eye, cut by area, blurred where they are quick.

A solid is painted from its outline alone. Its form is shaded at a quarter of the resolution,
where blurring is cheap; its edge is cut at twice the resolution, to about 0.1 px on average.
"""

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from jaxtyping import Float, Int, UInt8
from numpy import ndarray

from palpate.phantoms.satco_body import Colour
from palpate.phantoms.satco_outline import Outline, grown

Picture = UInt8[ndarray, "y x 3"]
# How many times finer edges are cut, and how much more than a polygon OpenCV's antialiased fill
# covers at that, all around.
FINE = 2
FILL_GROWS_PX = 0.65 / FINE
# Part of a frame's time for which the shutter is open.
SHUTTER = 0.4
# Values at a quarter of the resolution.
Coarse = Float[ndarray, "y4 x4"]
COARSE = 4
# How far a solid reaches beyond its outline, without and with a shadow.
MARGIN_PX, SHADOW_PX = 4, 12


@dataclass(frozen=True, slots=True)
class Light:
    """Where light comes from, as a unit vector of the picture, and how hard it is."""

    x: float = 0.35
    y: float = -0.94
    hard: float = 0.6


@dataclass(frozen=True, eq=False, slots=True)
class Fold:
    """A soft crease (dark) or ridge (light) on a solid; ``tone`` is what it adds to its shade."""

    path: Outline
    width_px: float
    tone: float


@dataclass(frozen=True, eq=False)
class Solid:
    """A part of a body or a garment over a clip.

    Args:
        name: of the part; parts of one name may be several.
        pieces: outlines whose union it is.
        colour: in full light.
        round_px: how far from its edge the form still bends.
        shadow: how dark a shadow it casts on what is behind it, 0 to 1.
        folds: what bends its surface.
        hides: whether it can hide a landmark of what is behind it.
    """

    name: str
    pieces: tuple[Outline, ...]
    colour: Colour
    round_px: float
    shadow: float = 0.0
    folds: tuple[Fold, ...] = ()
    hides: bool = False

    def paint(self, picture: Picture, frame: int, light: Light) -> None:
        """Paint the solid as it is in one frame over the picture."""
        window = self._window(frame, picture.shape)
        if window is None:
            return
        left, top, right, bottom = window
        view = picture[top:bottom, left:right]
        cover = self.cover(frame, window)
        coarse = self._coarse(frame, window)
        if self.shadow > 0:
            _darken(view, coarse, self.shadow)
        tone = self._tone(frame, window, coarse, light)
        form = np.clip(tone[..., None] * np.array(self.colour, np.float32), 0, 255)
        surface = cv2.resize(
            form.astype(np.uint8), (right - left, bottom - top), interpolation=cv2.INTER_LINEAR
        )
        weight = np.multiply(cover, np.float32(1 / 255), dtype=np.float32)
        cv2.blendLinear(surface, view, weight, 1 - weight, dst=view)

    def cover(self, frame: int, window: tuple[int, int, int, int]) -> UInt8[ndarray, "y x"]:
        """How much of each pixel is covered while the shutter is open, 255 for all of it."""
        corner = np.array(window[:2], np.int32) * 16
        shape = (window[3] - window[1], window[2] - window[0])
        now = [piece[frame] - corner for piece in self._fixed]
        middle = _cut(shape, now)
        if self._speeds[frame] * SHUTTER < 1.0:
            return middle
        steps = [np.round(step[frame] / 3).astype(np.int32) for step in self._steps]
        early = _cut(shape, [piece - step for piece, step in zip(now, steps, strict=True)])
        late = _cut(shape, [piece + step for piece, step in zip(now, steps, strict=True)])
        both = cv2.addWeighted(early, 0.5, late, 0.5, 0)
        return cv2.addWeighted(both, 2 / 3, middle, 1 / 3, 0)

    @cached_property
    def _fixed(self) -> list[Int[ndarray, "frame _ 2"]]:
        """Outlines in sixteenths of a pixel, smaller by what filling adds."""
        return [np.round(16 * grown(o, -FILL_GROWS_PX)).astype(np.int32) for o in self.pieces]

    @cached_property
    def _steps(self) -> list[Float[ndarray, "frame _ 2"]]:
        """How far vertices move while the shutter is open, in sixteenths of a pixel."""
        return [
            16 * SHUTTER * (np.gradient(o, axis=0) if len(o) > 1 else np.zeros_like(o))
            for o in self.pieces
        ]

    @cached_property
    def _speeds(self) -> Float[ndarray, " frame"]:
        fastest = [np.linalg.norm(s, axis=-1).max(axis=1) for s in self._steps]
        return np.max(fastest, axis=0) / (16 * SHUTTER)

    @cached_property
    def _boxes(self) -> Float[ndarray, "frame 4"]:
        reach = SHADOW_PX if self.shadow > 0 else MARGIN_PX
        low = np.min([o.min(axis=1) for o in self.pieces], axis=0) - reach
        high = np.max([o.max(axis=1) for o in self.pieces], axis=0) + reach
        return np.concatenate([low, high], axis=1)

    def _window(self, frame: int, shape: tuple[int, ...]) -> tuple[int, int, int, int] | None:
        """Left, top, right, bottom of what it touches, in steps of the coarse grid."""
        height, width = shape[0] - shape[0] % COARSE, shape[1] - shape[1] % COARSE
        x0, y0, x1, y1 = (int(v) // COARSE * COARSE for v in self._boxes[frame])
        left, top = max(x0, 0), max(y0, 0)
        right, bottom = min(x1 + COARSE, width), min(y1 + COARSE, height)
        return (left, top, right, bottom) if left < right and top < bottom else None

    def _coarse(self, frame: int, window: tuple[int, int, int, int]) -> Coarse:
        shape = ((window[3] - window[1]) // COARSE, (window[2] - window[0]) // COARSE)
        # The first coarse pixel has its centre at 1.5 px.
        corner = np.array(window[:2], np.int32) * 16 + 24
        mask = _filled(shape, [(piece[frame] - corner) // COARSE for piece in self._fixed])
        return np.multiply(mask, np.float32(1 / 255), dtype=np.float32)

    def _tone(
        self,
        frame: int,
        window: tuple[int, int, int, int],
        coarse: Coarse,
        light: Light,
    ) -> Coarse:
        sigma = max(self.round_px / COARSE, 0.6)
        # Two boxes of width w have the variance (w^2 - 1) / 6.
        box = 2 * round((np.sqrt(6 * sigma**2 + 1) - 1) / 2) + 1
        height = cv2.blur(cv2.blur(coarse, (box, box)), (box, box))
        slope_x = cv2.Sobel(height, cv2.CV_32F, 1, 0, ksize=3)
        slope_y = cv2.Sobel(height, cv2.CV_32F, 0, 1, ksize=3)
        # Sobel's sum is eight times the slope.
        facing = (slope_x * light.x + slope_y * light.y) * np.float32(-sigma / 8)
        tone = np.float32(0.70) + np.float32(0.32) * height + np.float32(light.hard) * facing
        if self.folds:
            tone += self._bent(frame, window, tone.shape)
        return tone

    def _bent(
        self, frame: int, window: tuple[int, int, int, int], shape: tuple[int, ...]
    ) -> Coarse:
        bent = np.zeros(shape, np.float32)
        corner = np.array(window[:2]) + 1.5
        for fold in self.folds:
            path = np.round((fold.path[frame] - corner) * (16 / COARSE)).astype(np.int32)
            one = np.zeros(shape, np.uint8)
            thick = max(round(fold.width_px / COARSE), 1)
            cv2.polylines(one, [path], False, 255, thick, cv2.LINE_AA, 4)
            bent += cv2.blur(one, (3, 3)) * np.float32(fold.tone / 255)
        return bent


@dataclass(frozen=True, eq=False, slots=True)
class Mark:
    """A small flat thing on top of a solid: an eye, a lip, a print; filled, or a line.

    Args:
        outline: closed where it is filled.
        colour: of it.
        line_px: width of the line; 0 fills.
    """

    outline: Outline
    colour: Colour
    line_px: int = 0

    def paint(self, picture: Picture, frame: int, light: Light) -> None:
        """Paint the mark as it is in one frame over the picture."""
        path = np.round(16 * self.outline[frame]).astype(np.int32)
        if self.line_px:
            cv2.polylines(picture, [path], False, self.colour, self.line_px, cv2.LINE_AA, 4)
        else:
            cv2.fillPoly(picture, [path], self.colour, cv2.LINE_AA, 4)


Layer = Solid | Mark


def shaded(colour: Colour, tone: float) -> Colour:
    """Return a colour in more or less light."""
    r, g, b = (min(max(c * tone, 0.0), 255.0) for c in colour)
    return r, g, b


def _cut(shape: tuple[int, int], pieces: list[Int[ndarray, "_ 2"]]) -> UInt8[ndarray, "y x"]:
    """Cover of the union of polygons, the mean of a finer fill."""
    # The centre of a pixel is at 8 sixteenths from its corner, on either grid.
    fine = [piece * FINE + 8 * (FINE - 1) for piece in pieces]
    mask = _filled((shape[0] * FINE, shape[1] * FINE), fine)
    return cv2.resize(mask, (shape[1], shape[0]), interpolation=cv2.INTER_AREA)


def _filled(shape: tuple[int, int], pieces: list[Int[ndarray, "_ 2"]]) -> UInt8[ndarray, "y x"]:
    """Cover of the union of polygons given in sixteenths of a pixel."""
    mask = np.zeros(shape, np.uint8)
    for piece in pieces:
        cv2.fillPoly(mask, [piece], 255, cv2.LINE_AA, 4)
    return mask


def _darken(view: Picture, coarse: Coarse, amount: float) -> None:
    """Lay a soft shadow a little below and behind a solid."""
    # The anchor below the middle moves what is blurred down by one coarse pixel.
    soft = cv2.blur(coarse * np.float32(amount), (5, 5), anchor=(2, 3))
    weight = cv2.resize(soft, (view.shape[1], view.shape[0]))
    cv2.blendLinear(np.zeros_like(view), view, weight, 1 - weight, dst=view)
