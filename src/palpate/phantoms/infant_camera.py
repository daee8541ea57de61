"""A depth camera above a crib: where it is, and where a point of the room is in its picture."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from numpy.random import Generator

from palpate.arrays import locked
from palpate.errors import ConfigError

# Of the Astra Mini S at 640 x 480, about; other sizes see the same part of the room.
WIDTH, FOCAL_PX = 640, 570.0
Size = tuple[int, int]


@dataclass(frozen=True, eq=False, slots=True)
class InfantCamera:
    """Pinhole and place.

    The crib's frame lies on the mattress: x to the right and y down as the camera is meant to
    see them, z into the mattress. The camera's frame is (x right, y down, z away), in mm.

    Args:
        size: (width, height) of a frame in px.
        focal_px: focal length (x, y).
        centre_px: where the axis meets the frame; 0 is the centre of the first pixel.
        rotation: from the crib's frame into the camera's.
        shift_mm: of the crib's origin in the camera's frame.
    """

    size: Size
    focal_px: tuple[float, float]
    centre_px: tuple[float, float]
    rotation: Float[ndarray, "3 3"]
    shift_mm: Float[ndarray, "3"]

    def __post_init__(self) -> None:
        for name in ("rotation", "shift_mm"):
            object.__setattr__(self, name, locked(getattr(self, name)))

    def seen(self, crib_mm: Float[ndarray, "*any 3"]) -> Float[ndarray, "*any 3"]:
        """Points of the crib's frame in the camera's, in mm."""
        return crib_mm @ self.rotation.T + self.shift_mm

    def project(self, camera_mm: Float[ndarray, "*any 3"]) -> Float[ndarray, "*any 2"]:
        """Where points of the camera's frame are in the picture, in px."""
        return camera_mm[..., :2] / camera_mm[..., 2:] * self.focal_px + self.centre_px


def draw_camera(rng: Generator, length_mm: float, size: Size) -> InfantCamera:
    """Draw a camera that sees an infant of this length: 49 to 59 cm above the mattress.

    Raises:
        ConfigError: the size is not in the proportion 4 to 3, or tiny.
    """
    width, height = size
    if width * 3 != height * 4 or width < 32:
        raise ConfigError(
            f"frames are 4 to 3 and at least 32 px wide, such as 640 x 480 or 160 x 120; "
            f"got {width} x {height}"
        )
    height_mm = 410.0 + 0.32 * length_mm + float(rng.uniform(-16.0, 40.0))
    tilt, slope, roll = np.radians(rng.normal(0.0, [4.0, 4.0, 3.0]).clip(-9.0, 9.0))
    aside = rng.uniform(-12.0, 12.0, 2)
    return InfantCamera(
        size=size,
        focal_px=(FOCAL_PX * width / WIDTH, FOCAL_PX * width / WIDTH),
        centre_px=((width - 1) / 2, (height - 1) / 2),
        rotation=_about_x(tilt) @ _about_y(slope) @ _about_z(roll),
        shift_mm=np.array([aside[0], aside[1], height_mm]),
    )


def _about_x(angle: float) -> Float[ndarray, "3 3"]:
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[1.0, 0.0, 0.0], [0.0, c, -s], [0.0, s, c]])


def _about_y(angle: float) -> Float[ndarray, "3 3"]:
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, 0.0, s], [0.0, 1.0, 0.0], [-s, 0.0, c]])


def _about_z(angle: float) -> Float[ndarray, "3 3"]:
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])
