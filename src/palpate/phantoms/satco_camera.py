"""What a camera makes of a picture: blur, colour cast, contrast, noise."""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.random import Generator

from palpate.phantoms.satco_body import Colour
from palpate.phantoms.satco_paint import Picture

SHIFT = 64


@dataclass(frozen=True, slots=True)
class Camera:
    """How a camera is set; the same for all clips of a child, but for the noise.

    Args:
        cast: gain of red, green and blue.
        gamma: below 1 lightens.
        contrast: about middle grey.
        blur_px: SD of the lens's blur.
        noise: SD in grey levels.
        seed: of the noise.
    """

    cast: tuple[float, float, float]
    gamma: float
    contrast: float
    blur_px: float
    noise: float
    seed: int


def draw_camera(rng: Generator) -> Camera:
    """Draw a camera's setting."""
    warm = float(rng.normal(0.0, 0.05))
    return Camera(
        cast=(1.0 + warm, 1.0 + float(rng.normal(0.0, 0.025)), 1.0 - warm),
        gamma=float(rng.uniform(0.8, 1.3)),
        contrast=float(rng.uniform(0.75, 1.1)),
        blur_px=float(rng.uniform(0.55, 0.95)),
        noise=float(rng.uniform(1.5, 4.0)),
        seed=int(rng.integers(2**31)),
    )


def seen(camera: Camera, colour: Colour) -> Colour:
    """How a camera sees a colour: colour cast, gamma, contrast."""
    light = np.clip(np.array(colour) / 255 * np.array(camera.cast), 0.0, 1.0) ** camera.gamma
    r, g, b = 255 * np.clip(0.5 + camera.contrast * (light - 0.5), 0.0, 1.0)
    return float(r), float(g), float(b)


def seen_picture(camera: Camera, picture: Picture) -> Picture:
    """How a camera sees a picture."""
    greys = [seen(camera, (level, level, level)) for level in np.arange(256.0)]
    return cv2.LUT(picture, np.round(greys).astype(np.uint8)[None])


def film(camera: Camera, size: tuple[int, int]) -> Callable[[Picture], Picture]:
    """Return what turns a painted picture of ``size`` (width, height) into a frame.

    The function goes on from frame to frame: call it once for each, in order.
    """
    rng = np.random.default_rng(camera.seed)
    shape = (-(-(size[1] + SHIFT) // 2), -(-(size[0] + SHIFT) // 2))
    grain = rng.standard_normal((*shape, 1), np.float32)
    grain = grain + np.float32(0.4) * rng.standard_normal((*shape, 3), np.float32)
    # A quarter is drawn and repeated: the eye sees no pattern, and a clip starts sooner.
    grain = np.tile(np.float32(camera.noise) * grain, (2, 2, 1))
    # What is added and what is taken away: twice as quick as a sum with signs.
    lighter, darker = (np.round(np.clip(g, 0, 255)).astype(np.uint8) for g in (grain, -grain))

    def frame(picture: Picture) -> Picture:
        soft = cv2.GaussianBlur(picture, (3, 3), camera.blur_px)
        x, y = rng.integers(0, SHIFT, 2)
        part = np.s_[y : y + size[1], x : x + size[0]]
        return cv2.subtract(cv2.add(soft, lighter[part]), darker[part])

    return frame
