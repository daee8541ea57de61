"""What a structured-light camera makes of a surface: noise, shadows, holes, flying px.

A px in which the camera cannot tell the distance is 0: beside a steep edge where the projector's
pattern does not reach, on dark tubes, too near or too far, and here and there.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Bool, UInt16
from numpy import ndarray
from numpy.random import Generator

from palpate.phantoms.infant_camera import InfantCamera
from palpate.phantoms.infant_solid import Depth, Rays

NEAREST_MM, FARTHEST_MM = 350.0, 1500.0
# Of the Astra Mini S, about.
BASELINE_MM = 55.0
_SHIFT = 64
_EDGE_MM = 11.0


@dataclass(frozen=True, slots=True)
class SensorSetting:
    """How good a camera is.

    Args:
        noise_mm: SD at a distance of 500 mm; it grows with the square of the distance.
        speckle: share of px that are missing for no reason.
        seed: of the noise.
    """

    noise_mm: float
    speckle: float
    seed: int


def draw_sensor(rng: Generator) -> SensorSetting:
    """Draw a camera's quality."""
    return SensorSetting(
        noise_mm=float(rng.uniform(0.7, 1.5)),
        speckle=float(rng.uniform(0.001, 0.006)),
        seed=int(rng.integers(2**31)),
    )


class Sensor:
    """Turns surfaces into frames of counts; a frame's noise depends on its index alone."""

    def __init__(self, setting: SensorSetting, camera: InfantCamera, rays: Rays) -> None:
        rng = np.random.default_rng(setting.seed)
        width, height = camera.size
        shape = (height + _SHIFT, width + _SHIFT)
        grain = cv2.GaussianBlur(rng.standard_normal(shape, np.float32), (3, 3), 0.7)
        self._grain = grain * np.float32(setting.noise_mm / grain.std() / 500.0**2)
        self._dice = rng.random(shape, np.float32)
        blots = cv2.GaussianBlur(rng.standard_normal(shape, np.float32), (5, 5), 1.0)
        self._blots = blots > np.quantile(blots, 1.0 - setting.speckle)
        self._columns = (rays.x * np.float32(camera.focal_px[0]))[0]
        self._disparity = np.float32(BASELINE_MM * camera.focal_px[0])
        self._setting = setting

    def measured(
        self, surface: Depth, dark: Bool[ndarray, "y x"] | None, index: int
    ) -> UInt16[ndarray, "y x"]:
        """The frame of this index: mm, 0 where nothing was measured.

        Args:
            surface: distance along the axis in mm.
            dark: px that reflect nothing.
            index: of the frame.
        """
        rng = np.random.default_rng([self._setting.seed, index])
        grain, dice = self._part(self._grain, rng), self._part(self._dice, rng)
        lost = self._part(self._blots, rng) | self._shadow(surface)
        kernel = np.ones((3, 3), np.uint8)
        far, near = cv2.dilate(surface, kernel), cv2.erode(surface, kernel)
        step = far - near
        edge = step > _EDGE_MM
        lost |= edge & (dice < 0.45)
        flying = edge & (dice > 0.75)
        depth = surface + grain * surface * surface
        depth[flying] = near[flying] + step[flying] * (dice[flying] * 4.0 - 3.0)
        lost |= (depth < NEAREST_MM) | (depth > FARTHEST_MM)
        if dark is not None:
            lost |= dark & (dice < 0.85)
        depth[lost] = 0.0
        return np.rint(depth).astype(np.uint16)

    def _part(self, pool: ndarray, rng: Generator) -> ndarray:
        x, y = rng.integers(0, _SHIFT, 2)
        height, width = pool.shape
        return pool[y : y + height - _SHIFT, x : x + width - _SHIFT]

    def _shadow(self, surface: Depth) -> Bool[ndarray, "y x"]:
        """Px that the projector, to the left of the camera, cannot reach."""
        onto = self._columns + self._disparity / surface
        return np.maximum.accumulate(onto, axis=1) - onto > 0.75
