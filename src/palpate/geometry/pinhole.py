"""A camera without a lens: points of a depth picture in millimetres, and back.

Convention: x to the right, y down, z away from the camera along its axis; the camera is at 0. Depth
is z, not the length of the ray. Pixel index 0 is the centre of the first pixel, so an image resized
from 640 to 128 columns has its centre column at (x + 1/2) / 5 - 1/2, not at x / 5.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from palpate.affine import Affine
from palpate.errors import GeometryError


@dataclass(frozen=True, slots=True)
class Intrinsics:
    """Focal length and principal point of a camera, both in px of its pictures.

    Args:
        focal_px: along (x, y).
        centre_px: where the axis meets the picture, (x, y); it may lie outside.

    Raises:
        GeometryError: a focal length is not positive, or a number not finite.

    Example:
        >>> camera = Intrinsics((570.0, 570.0), (319.5, 239.5))
        >>> camera.deproject(np.array([[319.5, 239.5]]), np.array([450.0])).tolist()
        [[0.0, 0.0, 450.0]]
    """

    focal_px: tuple[float, float]
    centre_px: tuple[float, float]

    def __post_init__(self) -> None:
        if not all(np.isfinite(f) and f > 0 for f in self.focal_px):
            raise GeometryError(f"focal lengths in px are positive, got {self.focal_px}")
        if not all(np.isfinite(c) for c in self.centre_px):
            raise GeometryError(f"a principal point in px is finite, got {self.centre_px}")

    def deproject(
        self, points_px: Float[ndarray, "*n 2"], depth_mm: Float[ndarray, "*n"]
    ) -> Float[ndarray, "*n 3"]:
        """Return where points of the picture are, (x, y, z) in mm from the camera.

        A depth that is not positive, or NaN, was not measured: its point is NaN.
        """
        depth = np.asarray(depth_mm, dtype=float)
        depth = np.where(depth > 0, depth, np.nan)
        across = (points_px - np.array(self.centre_px)) / np.array(self.focal_px)
        return np.concatenate([across * depth[..., None], depth[..., None]], axis=-1)

    def project(self, points_mm: Float[ndarray, "*n 3"]) -> Float[ndarray, "*n 2"]:
        """Return where points (x, y, z) in mm appear in the picture, in px.

        A point beside or behind the camera (z not positive) does not: it is NaN.
        """
        z = points_mm[..., 2:]
        z = np.where(z > 0, z, np.nan)
        return points_mm[..., :2] / z * np.array(self.focal_px) + np.array(self.centre_px)

    def resized(self, old: tuple[int, int], new: tuple[int, int]) -> "Intrinsics":
        """Return the intrinsics of the same picture resampled from ``old`` size (x, y) to ``new``.

        Example:
            >>> Intrinsics((570.0, 570.0), (319.5, 239.5)).resized((640, 480), (320, 240))
            Intrinsics(focal_px=(285.0, 285.0), centre_px=(159.5, 119.5))
        """
        return self.moved(Affine.resize(old, new))

    def moved(self, picture: Affine) -> "Intrinsics":
        """Return the intrinsics of a picture that was scaled and shifted by ``picture``.

        Raises:
            GeometryError: it turns, shears or mirrors the picture, which no focal length tells.
        """
        linear = picture.linear
        if picture.dimension != 2 or abs(linear[0, 1]) + abs(linear[1, 0]) > 0:
            raise GeometryError("intrinsics follow a picture that is scaled and shifted, no other")
        centre = picture([self.centre_px])[0]
        focal = (linear[0, 0] * self.focal_px[0], linear[1, 1] * self.focal_px[1])
        return Intrinsics((float(focal[0]), float(focal[1])), (float(centre[0]), float(centre[1])))
