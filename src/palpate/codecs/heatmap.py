"""One map per landmark, a Gaussian bump where it is.

The cells of a map are ``stride`` grid pixels wide: the centre of cell i is at
``(i + 1/2) * stride - 1/2``.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray

from palpate.codecs.decoded import Decoded
from palpate.codecs.gaussian_fit import gaussian_centre
from palpate.errors import ConfigError
from palpate.variation import between_cells, bump, total_variation, variation_of_shares

_BACKGROUND = 0.4  # an intensity; IC-Loss lets it be anything up to this


@dataclass(frozen=True, slots=True)
class HeatmapCodec:
    """Gaussian bumps of peak 1; decoding takes moments of the map, or fits its peak.

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

        Logits are a distribution over the cells: mean and covariance are its own, over the whole
        map. Where two places are likely, the mean lies between them and the covariance says so;
        the score is the share of the mass within 3 sigma of the mean. Of intensities, whose
        background may be anything, a Gaussian is fitted to the peak, the covariance is the second
        moment near it, and the score is the peak's height.

        The variation compares with the bump that is taught. Logits: with that bump as a
        distribution; a map as wide as it has 1, one of twice the width 1/2, and where several
        places share the mass the value stays, since each is lower. Intensities: of what rises
        above half of the peak, and above 0.4, over what does of the bump; two such bumps have 2.
        """
        maps = np.asarray(output, dtype=np.float32)
        if self.scale == "logit":
            mass = _distribution(maps)
            centre, moment = _moments(mass)
            variation = variation_of_shares(mass, self.sigma_cells, between_cells(centre))
            score = _share_within(mass, centre, 3 * self.sigma_cells)
        else:
            values = maps.astype(np.float64)
            centre = gaussian_centre(values, _peaks(values))
            moment = _second_moment(_above_half(values), centre, 3 * self.sigma_cells)
            score = np.clip(values.max(axis=(1, 2)), 0, 1)
            variation = self._of_bumps(maps, centre)
        mean = (centre + 0.5) * self.stride - 0.5
        return Decoded(mean, moment * self.stride**2, score, variation)

    def _of_bumps(
        self, maps: Float[ndarray, "landmark y x"], centre: Float[ndarray, "landmark 2"]
    ) -> Float[ndarray, " landmark"]:
        """Total variation above the background, over that of bumps at the same centres."""
        ideal = _above_background(bump(between_cells(centre), self.sigma_cells))
        return total_variation(_above_background(maps)) / total_variation(ideal)


def _distribution(logits: Float[ndarray, "landmark y x"]) -> Float[ndarray, "landmark y x"]:
    shifted = np.exp(logits - logits.max(axis=(1, 2), keepdims=True))
    return shifted / shifted.sum(axis=(1, 2), keepdims=True)


def _above_half(intensity: Float[ndarray, "landmark y x"]) -> Float[ndarray, "landmark y x"]:
    # Below half the peak lies background, which would widen the covariance: IC-Loss, for
    # one, lets it be anything up to 0.4.
    peak = intensity.max(axis=(1, 2), keepdims=True)
    return np.clip(intensity - 0.5 * np.maximum(peak, 1e-6), 0, None) + 1e-12


def _above_background(maps: Float[ndarray, "landmark y x"]) -> Float[ndarray, "landmark y x"]:
    """Flatten what may be background: see above. A low map then is flat, however noisy."""
    height = maps.max(axis=(1, 2), keepdims=True)
    return np.maximum(maps, np.maximum(0.5 * height, _BACKGROUND))


def _peaks(values: Float[ndarray, "landmark y x"]) -> Int[ndarray, "landmark 2"]:
    """Cell (x, y) of the highest value."""
    flat = np.argmax(values.reshape(len(values), -1), axis=1)
    return np.stack([flat % values.shape[2], flat // values.shape[2]], axis=1)


def _moments(
    mass: Float[ndarray, "landmark y x"],
) -> tuple[Float[ndarray, "landmark 2"], Float[ndarray, "landmark 2 2"]]:
    """Mean and covariance of distributions over the cells, in one pass.

    Distances are taken from the peak, so that single precision suffices: where nearly all mass
    is, they are small.
    """
    _, height, width = mass.shape
    peak = _peaks(mass)
    dx = np.arange(width) - peak[:, :1]
    dy = np.arange(height) - peak[:, 1:]
    across = np.stack([np.ones_like(dx), dx, dx * dx], axis=-1).astype(np.float32)
    down = np.stack([np.ones_like(dy), dy, dy * dy], axis=1).astype(np.float64)
    raw = down @ (mass @ across).astype(np.float64)  # [k, i, j] = sum of mass dy^i dx^j
    raw /= raw[:, :1, :1]
    x, y = raw[:, 0, 1], raw[:, 1, 0]
    xx, yy, xy = raw[:, 0, 2] - x * x, raw[:, 2, 0] - y * y, raw[:, 1, 1] - x * y
    covariance = np.stack([np.stack([xx, xy], -1), np.stack([xy, yy], -1)], -2)
    return peak + np.stack([x, y], axis=1), covariance


def _window(centre: ndarray, length: int, reach: float) -> ndarray:
    """Weights 1 within ``reach`` of the centre, falling to 0 over one cell."""
    return np.clip(reach + 0.5 - np.abs(np.arange(length) - centre[:, None]), 0, 1)


def _weighted(mass: ndarray, y: ndarray, x: ndarray) -> Float[ndarray, " landmark"]:
    """Sum of mass * y * x over each map; a matrix product is much faster than einsum here."""
    return ((mass @ x[:, :, None])[..., 0] * y).sum(axis=1)


def _share_within(mass: ndarray, centre: ndarray, reach: float) -> Float[ndarray, " landmark"]:
    x = _window(centre[:, 0], mass.shape[2], reach)
    y = _window(centre[:, 1], mass.shape[1], reach)
    return np.clip(_weighted(mass, y, x) / mass.sum(axis=(1, 2)), 0, 1)


def _second_moment(mass: ndarray, centre: ndarray, reach: float) -> Float[ndarray, "landmark 2 2"]:
    x = _window(centre[:, 0], mass.shape[2], reach)
    y = _window(centre[:, 1], mass.shape[1], reach)
    dx = np.arange(mass.shape[2]) - centre[:, :1]
    dy = np.arange(mass.shape[1]) - centre[:, 1:]
    inside = np.maximum(_weighted(mass, y, x), 1e-300)
    xx = _weighted(mass, y, x * dx * dx) / inside
    yy = _weighted(mass, y * dy * dy, x) / inside
    xy = _weighted(mass, y * dy, x * dx) / inside
    return np.stack([np.stack([xx, xy], -1), np.stack([xy, yy], -1)], -2)
