"""One map per landmark, a Gaussian bump where it is.

The cells of a map are ``stride`` grid pixels wide: the centre of cell i is at
``(i + 1/2) * stride - 1/2``.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray

from palpate.codecs.decoded import Decoded
from palpate.codecs.gaussian_fit import gaussian_centre
from palpate.errors import ConfigError

_ROUNDS = 8  # of re-centring the window; the step shrinks by about ten each time


@dataclass(frozen=True, slots=True)
class HeatmapCodec:
    """Gaussian bumps of peak 1; decoding finds the peak and takes moments about it.

    Args:
        grid: size (x, y) of the network's input, multiples of ``stride``.
        stride: grid pixels per cell.
        sigma_cells: standard deviation of the bump, in cells; at least 1, or it aliases.
        scale: what the network puts out: ``logit`` (a softmax over the map is taken) or
            ``intensity`` (the map itself, 0 to 1).

    Law:
        ``decode(encode(p))`` is p within ``tolerance_px`` for points at least 3 sigma inside.

    Raises:
        ConfigError: a bump too narrow or a grid that the stride does not divide.
    """

    grid: tuple[int, int]
    stride: int = 4
    sigma_cells: float = 1.5
    scale: Literal["logit", "intensity"] = "logit"

    def __post_init__(self) -> None:
        if self.sigma_cells < 1:
            raise ConfigError(
                f"sigma_cells = {self.sigma_cells} is narrower than one cell: the bump aliases "
                "and decoding is biased; use at least 1"
            )
        if self.grid[0] % self.stride or self.grid[1] % self.stride:
            raise ConfigError(
                f"a grid of {self.grid[0]} x {self.grid[1]} cannot be cut into cells of "
                f"{self.stride} px; use multiples of {self.stride}"
            )

    @property
    def tolerance_px(self) -> float:
        """How far a round trip may be off, in grid pixels."""
        return 0.02 * self.stride

    @property
    def shape(self) -> tuple[int, int]:
        """Size of a map as (y, x)."""
        return self.grid[1] // self.stride, self.grid[0] // self.stride

    def _cells(self, points: Float[ndarray, "*n 2"]) -> Float[ndarray, "*n 2"]:
        return (points + 0.5) / self.stride - 0.5

    def encode(
        self, points: Float[ndarray, "landmark 2"], present: Bool[ndarray, " landmark"]
    ) -> Float[ndarray, "landmark y x"]:
        """Draw one bump per landmark; absent landmarks give empty maps."""
        height, width = self.shape
        cells = self._cells(np.where(present[:, None], points, 0.0))
        x = np.exp(-0.5 * ((np.arange(width) - cells[:, :1]) / self.sigma_cells) ** 2)
        y = np.exp(-0.5 * ((np.arange(height) - cells[:, 1:]) / self.sigma_cells) ** 2)
        maps = y[:, :, None] * x[:, None, :] * present[:, None, None]
        return maps.astype(np.float32)

    def decode(self, output: Float[ndarray, "landmark y x"]) -> Decoded:
        """Read means, covariances and scores in grid pixels.

        Of logits, the mean is the centroid in a window that follows it, so that it is not pulled
        towards the centre of the cell where the peak was found, and the score is the share of
        the map's mass in the window. Of intensities, whose background may be anything, a Gaussian
        is fitted to the peak, and the score is the peak's height. The covariance is the second
        moment in the window.
        """
        mass = self._mass(np.asarray(output, dtype=np.float64))
        reach = 3 * self.sigma_cells
        total = mass.sum(axis=(1, 2))
        flat = np.argmax(mass.reshape(len(mass), -1), axis=1)
        peak = np.stack([flat % mass.shape[2], flat // mass.shape[2]], axis=1)
        centre = peak.astype(float)
        wx, wy = np.arange(mass.shape[2], dtype=float), np.arange(mass.shape[1], dtype=float)
        for _ in range(_ROUNDS):
            px, py, inside = _marginals(mass, centre, reach)
            centre = np.stack([px @ wx, py @ wy], axis=1)
        if self.scale == "intensity":
            centre = gaussian_centre(np.asarray(output, dtype=np.float64), peak)
        covariance = _second_moment(mass, centre, reach)
        score = np.clip(inside / np.maximum(total, 1e-12), 0, 1)
        if self.scale == "intensity":
            score = np.clip(output.reshape(len(output), -1).max(axis=1), 0, 1).astype(float)
        mean = (centre + 0.5) * self.stride - 0.5
        return Decoded(mean, covariance * self.stride**2, score)

    def _mass(self, output: ndarray) -> ndarray:
        if self.scale == "intensity":
            # Below half the peak lies background, which would widen the covariance: IC-Loss, for
            # one, lets it be anything up to 0.4.
            peak = output.max(axis=(1, 2), keepdims=True)
            positive = np.clip(output - 0.5 * np.maximum(peak, 1e-6), 0, None)
            return positive + 1e-12
        shifted = np.exp(output - output.max(axis=(1, 2), keepdims=True))
        return shifted / shifted.sum(axis=(1, 2), keepdims=True)


def _window(centre: ndarray, length: int, reach: float) -> ndarray:
    """Weights 1 within ``reach`` of the centre, falling to 0 over one cell."""
    return np.clip(reach + 0.5 - np.abs(np.arange(length) - centre[:, None]), 0, 1)


def _marginals(mass: ndarray, centre: ndarray, reach: float) -> tuple[ndarray, ndarray, ndarray]:
    x = _window(centre[:, 0], mass.shape[2], reach)
    y = _window(centre[:, 1], mass.shape[1], reach)
    px = np.einsum("kyx,ky->kx", mass, y) * x
    py = np.einsum("kyx,kx->ky", mass, x) * y
    inside = px.sum(axis=1)
    safe = np.maximum(inside, 1e-300)[:, None]
    return px / safe, py / np.maximum(py.sum(axis=1), 1e-300)[:, None], inside


def _second_moment(mass: ndarray, centre: ndarray, reach: float) -> Float[ndarray, "landmark 2 2"]:
    x = _window(centre[:, 0], mass.shape[2], reach)
    y = _window(centre[:, 1], mass.shape[1], reach)
    dx = np.arange(mass.shape[2]) - centre[:, :1]
    dy = np.arange(mass.shape[1]) - centre[:, 1:]
    inside = np.maximum(np.einsum("kyx,ky,kx->k", mass, y, x), 1e-300)
    xx = np.einsum("kyx,ky,kx->k", mass, y, x * dx * dx) / inside
    yy = np.einsum("kyx,ky,kx->k", mass, y * dy * dy, x) / inside
    xy = np.einsum("kyx,ky,kx->k", mass, y * dy, x * dx) / inside
    return np.stack([np.stack([xx, xy], -1), np.stack([xy, yy], -1)], -2)
