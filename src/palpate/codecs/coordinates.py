"""Coordinates straight from the network, scaled to the grid."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray

from palpate.codecs.decoded import Decoded


@dataclass(frozen=True, slots=True)
class CoordinateCodec:
    """The network puts out (x, y) as fractions of the grid, 0 at its left and upper edge.

    The output says nothing of its own uncertainty: the covariance is that of a point anywhere
    within one grid pixel until a run calibrates it on held-out subjects; the score is 1 inside
    the grid and 0 outside.

    Args:
        grid: size (x, y) of the network's input.
    """

    grid: tuple[int, int]

    @property
    def tolerance_px(self) -> float:
        """How far a round trip may be off, in grid pixels."""
        return 1e-3

    def encode(
        self, points: Float[ndarray, "landmark 2"], present: Bool[ndarray, " landmark"]
    ) -> Float[ndarray, "landmark 2"]:
        """Scale to [0, 1]; absent landmarks are 0 and must be masked."""
        fraction = (points + 0.5) / np.array(self.grid)
        return np.where(present[:, None], fraction, 0.0).astype(np.float32)

    def decode(self, output: Float[ndarray, "landmark 2"]) -> Decoded:
        """Scale back to grid pixels."""
        fraction = np.asarray(output, dtype=np.float64).reshape(-1, 2)
        mean = fraction * np.array(self.grid) - 0.5
        inside = ((fraction >= 0) & (fraction <= 1)).all(axis=1)
        covariance = np.repeat(np.eye(2)[None] / 12.0, len(mean), axis=0)
        return Decoded(mean, covariance, inside.astype(float))
