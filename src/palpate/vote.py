"""Votes for a position: a map of what was cast where, and the place that most agree on.

Networks that predict displacements and regression forests both vote; this is the one accumulator.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from palpate.errors import ConfigError, GeometryError

_AT_ONCE = 8192  # votes; what is worked out for so many stays in the processor's cache
_TAIL = 6  # standard deviations; beyond them a Gaussian is less than 2e-8 of its height
_NEAR = 3  # smoothing widths around a peak; what was cast there speaks of its spread
_SHARP = 0.1  # px; a Gaussian so narrow reaches no other pixel
_PIXEL = np.eye(2) / 12.0  # covariance of a point that may be anywhere within one pixel


@dataclass(frozen=True, eq=False, slots=True)
class Peak:
    """The place that most votes agree on.

    Args:
        position: (x, y) in pixels of the map, between the pixels.
        covariance: spread of the votes around it, and that of a point within one pixel; px^2.
        height: of the smoothed map at its highest pixel.
        total: sum of all votes in the map.
    """

    position: Float[ndarray, " 2"]
    covariance: Float[ndarray, "2 2"]
    height: float
    total: float


def accumulate(
    positions: Float[ndarray, "vote 2"],
    weights: Float[ndarray, " vote"] | None = None,
    *,
    size: tuple[int, int],
) -> Float[ndarray, "y x"]:
    """Cast votes into a map, each spread bilinearly over the four pixels around it.

    What falls outside is dropped, also the part of a vote beside the border that belongs to pixels
    outside. A position that is NaN is nowhere, hence outside.

    Args:
        positions: (x, y) in px of the map.
        weights: of the votes; 1 each where there are none.
        size: (x, y) of the map.

    Raises:
        GeometryError: the map has no pixels, or a weight is not finite.

    Example:
        >>> accumulate(np.array([[1.25, 0.0], [9.0, 9.0]]), size=(3, 2)).tolist()
        [[0.0, 0.75, 0.25], [0.0, 0.0, 0.0]]
    """
    width, height = size
    if width < 1 or height < 1:
        raise GeometryError(f"votes need a map of at least 1 x 1 px, got {width} x {height}")
    if weights is not None and not np.isfinite(weights).all():
        raise GeometryError("a vote's weight is not finite; leave such votes out")
    # A border of one pixel all around takes what falls outside.
    stride = width + 2
    cells = np.zeros((height + 3) * stride + 1)
    for start in range(0, len(positions), _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        _spread(cells, positions[part], None if weights is None else weights[part], size)
    framed = cells[: (height + 2) * stride].reshape(height + 2, stride)
    return np.ascontiguousarray(framed[1:-1, 1:-1])


def peak(votes: Float[ndarray, "y x"], *, smooth_px: float) -> Peak:
    """Find the place that most votes agree on.

    The map is smoothed with a Gaussian, nothing lying outside of it. Around its highest pixel a
    quadratic is fitted to the logarithm, which is exact for a Gaussian; where the map is too
    sharp for that, the centre of mass of nine pixels stands. The covariance is the second moment
    of the votes within three standard deviations of the smoothing, and 1/12 px^2 for the pixel.

    A map without votes has its peak in its middle, with the covariance of a point that may be
    anywhere in it, and no height.

    Args:
        votes: not negative.
        smooth_px: standard deviation of the Gaussian; 0 smooths nothing.

    Raises:
        ConfigError: ``smooth_px`` is negative.
        GeometryError: votes that are negative or not finite.

    Example:
        >>> votes = accumulate(np.array([[4.25, 3.0], [4.75, 3.0]]), size=(9, 7))
        >>> peak(votes, smooth_px=1.0).position.round(2).tolist()
        [4.5, 3.0]
    """
    if not 0 <= smooth_px < np.inf:
        raise ConfigError(f"votes are smoothed by 0 px or more, got {smooth_px}")
    total = float(votes.sum())
    if not np.isfinite(total) or votes.min() < 0:
        raise GeometryError("a map of votes is finite and nowhere negative")
    if total == 0:
        return _nowhere(votes.shape[1], votes.shape[0])
    smooth = _smoothed(votes, smooth_px)
    highest = int(np.argmax(smooth[1:-1, 1:-1]))
    row, column = divmod(highest, votes.shape[1])
    nine = smooth[row : row + 3, column : column + 3]
    position = np.array([column, row]) + _between_pixels(nine)
    spread = _second_moment(votes, position, max(_NEAR * smooth_px, 1.5))
    return Peak(position, spread + _PIXEL, float(nine[1, 1]), total)


def _spread(
    cells: Float[ndarray, " cell"],
    positions: Float[ndarray, "vote 2"],
    weights: Float[ndarray, " vote"] | None,
    size: tuple[int, int],
) -> None:
    """Add votes to the framed map, row after row, in place."""
    x, column = _cell(positions[:, 0], size[0])
    y, row = _cell(positions[:, 1], size[1])
    stride = size[0] + 2
    index = row * stride + column
    lower = y if weights is None else weights * y
    upper = (1.0 if weights is None else weights) - lower
    upper_right, lower_right = upper * x, lower * x
    np.add.at(cells, index, upper - upper_right)
    np.add.at(cells[1:], index, upper_right)
    np.add.at(cells[stride:], index, lower - lower_right)
    np.add.at(cells[stride + 1 :], index, lower_right)


def _cell(
    coordinate: Float[ndarray, " vote"], length: int
) -> tuple[Float[ndarray, " vote"], ndarray]:
    """Cells counted from the border before the map, and how far votes are beyond their centres."""
    # fmax takes the number beside a NaN.
    moved = np.fmin(np.fmax(np.add(coordinate, 1.0, dtype=np.float64), 0.0), length + 1.0)
    cell = moved.astype(np.intp)
    moved -= cell
    return moved, cell


def _nowhere(width: int, height: int) -> Peak:
    middle = np.array([width - 1, height - 1]) / 2
    return Peak(middle, np.diag([width**2, height**2]) / 12.0, 0.0, 0.0)


def _smoothed(votes: Float[ndarray, "y x"], smooth_px: float) -> Float[ndarray, "y2 x2"]:
    """The smoothed map with one more pixel on each side."""
    height, width = votes.shape
    # Two matrix products: faster than convolutions up to some hundred pixels, in numpy alone.
    return _gaussian(height, smooth_px) @ votes @ _gaussian(width, smooth_px).T


@lru_cache(maxsize=64)
def _gaussian(length: int, smooth_px: float) -> Float[ndarray, "length2 length"]:
    """Row i is a Gaussian about pixel i - 1, of sum 1 where no border cuts it."""
    distance = np.abs(np.arange(-1, length + 1)[:, None] - np.arange(length))
    if smooth_px < _SHARP:
        return (distance == 0).astype(np.float64)
    reach = np.arange(-np.ceil(_TAIL * smooth_px), np.ceil(_TAIL * smooth_px) + 1)
    whole = np.exp(-0.5 * (reach / smooth_px) ** 2).sum()
    bell = np.exp(-0.5 * (distance / smooth_px) ** 2) / whole
    return np.where(distance <= _TAIL * smooth_px, bell, 0.0)


def _between_pixels(nine: Float[ndarray, "3 3"]) -> Float[ndarray, " 2"]:
    """Offset (x, y) of the peak from the middle one of nine pixels."""
    if nine.min() > 1e-9 * nine[1, 1]:
        log = np.log(nine)
        xx = log[1, 0] - 2 * log[1, 1] + log[1, 2]
        yy = log[0, 1] - 2 * log[1, 1] + log[2, 1]
        xy = (log[0, 0] - log[0, 2] - log[2, 0] + log[2, 2]) / 4
        x, y = (log[1, 2] - log[1, 0]) / 2, (log[2, 1] - log[0, 1]) / 2
        determinant = xx * yy - xy * xy
        if xx < 0 and determinant > 0:
            offset = np.array([xy * y - yy * x, xy * x - xx * y]) / determinant
            if np.abs(offset).max() <= 1:
                return offset
    side = np.arange(-1.0, 2.0)
    return np.array([nine.sum(axis=0) @ side, nine.sum(axis=1) @ side]) / nine.sum()


def _second_moment(
    votes: Float[ndarray, "y x"], centre: Float[ndarray, " 2"], reach: float
) -> Float[ndarray, "2 2"]:
    low = np.maximum(np.ceil(centre - reach), 0).astype(int)
    high = np.floor(centre + reach).astype(int) + 1
    near = votes[low[1] : high[1], low[0] : high[0]]
    dx = np.arange(near.shape[1]) + low[0] - centre[0]
    dy = np.arange(near.shape[0]) + low[1] - centre[1]
    across, down = near.sum(axis=0), near.sum(axis=1)
    mass = max(float(across.sum()), 1e-300)
    xx, yy, xy = across @ (dx * dx), down @ (dy * dy), dy @ near @ dx
    return np.array([[xx, xy], [xy, yy]]) / mass
