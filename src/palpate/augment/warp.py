"""Random affine maps of the grid. Draw, then apply: the drawn map is an ``Affine``."""

from dataclasses import dataclass

import numpy as np

from palpate.affine import Affine


@dataclass(frozen=True, slots=True)
class RandomWarp:
    """How far a training image may be turned, scaled, sheared, shifted and mirrored.

    Args:
        rotation_deg: uniform in +-, about ``rotation_centre_deg``.
        scale: the logarithm is uniform in +- log(1 + scale).
        stretch: ratio of the two scales, likewise.
        shear: uniform in +-.
        shift: uniform in +-, as a fraction of the grid's size.
        mirror: probability of a mirrored image.
        rotation_centre_deg: middle of the angles; positive is anti-clockwise as one sees the image.

    Example:
        >>> turned = RandomWarp(rotation_centre_deg=90.0).draw(np.random.default_rng(0), (9, 9))
        >>> turned([[8.0, 4.0]]).round(6).tolist()  # what was on the right is at the top
        [[4.0, 0.0]]
    """

    rotation_deg: float = 0.0
    scale: float = 0.0
    stretch: float = 0.0
    shear: float = 0.0
    shift: float = 0.0
    mirror: float = 0.0
    rotation_centre_deg: float = 0.0

    def draw(self, rng: np.random.Generator, grid: tuple[int, int]) -> Affine:
        """Draw a map grid -> grid about the centre of the grid (x, y)."""
        # y points down: a positive angle of this matrix is clockwise as one sees the image.
        angle = np.radians(rng.uniform(-1, 1) * self.rotation_deg - self.rotation_centre_deg)
        size = (1 + self.scale) ** rng.uniform(-1, 1)
        stretch = (1 + self.stretch) ** (rng.uniform(-1, 1) / 2)
        shear = rng.uniform(-1, 1) * self.shear
        shift = rng.uniform(-1, 1, 2) * self.shift * np.array(grid)
        flip = -1.0 if rng.uniform() < self.mirror else 1.0
        rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        linear = rotation @ np.array([[1, shear], [0, 1]])
        linear = linear @ np.diag([size * stretch * flip, size / stretch])
        centre = (np.array(grid) - 1) / 2
        matrix = np.eye(3)
        matrix[:2, :2] = linear
        matrix[:2, 2] = centre + shift - linear @ centre
        return Affine(matrix, "grid", "grid")
