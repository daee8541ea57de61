"""Fit a depth frame into the grid of a network without mixing what was measured with holes.

A hole is the value 0, which is no depth: an average over it would put a surface where none is. So
the counts that were measured and their weights are averaged apart, and divided at the end
(normalised convolution; Knutsson and Westin 1993).
"""

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from jaxtyping import Bool, Float, UInt16
from numpy import ndarray

from palpate.affine import Affine

# A cell is valid from this share of what it covers; less a little, for weights that are rounded.
_ENOUGH = 0.5 - 1e-4
# A turned frame is first shrunk to this many times the grid, so that the bilinear warp that follows
# does not alias.
_HEADROOM = 1.25
# What is kept around the part of the frame that the grid sees, in cells.
_MARGIN = 2.0
_REMEMBERED = 64
_EXACT = 1e-6

Box = tuple[int, int, int, int]


def fit_depth(
    pixels: UInt16[ndarray, "y x"], to_grid: Affine, grid: tuple[int, int]
) -> tuple[Float[ndarray, "grid_y grid_x"], Bool[ndarray, "grid_y grid_x"]]:
    """Average a depth frame over the cells of a grid, over valid pixels only.

    Args:
        pixels: counts; 0 is a hole.
        to_grid: px of the frame -> grid; any affine.
        grid: size (x, y).

    Returns:
        Values in counts, float32, 0 where not valid; and which cells are valid: at least half of
        what they cover was measured. A value never lies outside the range of the valid pixels.

    Example:
        >>> frame = np.full((4, 4), 500, np.uint16)
        >>> frame[0, :3] = 0
        >>> values, valid = fit_depth(frame, Affine.resize((4, 4), (2, 2)), (2, 2))
        >>> values.tolist(), valid.tolist()
        ([[500.0, 500.0], [500.0, 500.0]], [[True, True], [True, True]])
    """
    size = pixels.shape[1], pixels.shape[0]
    plan = _plan(to_grid.matrix.tobytes(), size, grid)
    empty = np.zeros(grid[::-1], dtype=np.float32), np.zeros(grid[::-1], dtype=np.bool_)
    if plan is None:
        return empty
    left, top, right, bottom = plan.box
    seen = np.ascontiguousarray(pixels[top:bottom, left:right])
    # Holes wrap round to the largest value, so the smallest is that of a valid pixel.
    least = int((seen - np.uint16(1)).min())
    if least == np.iinfo(np.uint16).max:
        return empty
    nearest = np.uint16(least + 1)
    # Counted from the nearest, a constant is 0 and stays exact; holes stay 0.
    above = (np.maximum(seen, nearest) - nearest).astype(np.float32)
    weight = plan.averaged((seen > 0).astype(np.float32))
    values = plan.averaged(above)
    valid = weight >= _ENOUGH
    np.divide(values, weight, out=values, where=valid)
    values += np.float32(nearest)
    np.minimum(values, np.float32(seen.max()), out=values)
    values[~valid] = 0
    return values, valid


def centred(values: Float[ndarray, "y x"], valid: Bool[ndarray, "y x"]) -> Float[ndarray, "y x"]:
    """Subtract the mean over the valid cells; 0 where not valid, and where nothing is.

    Example:
        >>> values = np.array([[500.0, 510.0, 0.0]], dtype=np.float32)
        >>> centred(values, np.array([[True, True, False]])).tolist()
        [[-5.0, 5.0, 0.0]]
    """
    if not valid.any():
        return np.zeros(values.shape, dtype=np.float32)
    mean = float(values.mean(where=valid, dtype=np.float64))
    return np.where(valid, values - np.float32(mean), np.float32(0)).astype(np.float32, copy=False)


@dataclass(frozen=True, eq=False, slots=True)
class _Plan:
    """How a frame becomes a grid; worked out once for all frames of a clip.

    Args:
        box: left, top, right, bottom of what is looked at.
        size: (x, y) that it is shrunk to.
        from_grid: 2 x 3, of the warp that follows; None where none need follow.
        grid: size (x, y).
    """

    box: Box
    size: tuple[int, int]
    from_grid: ndarray | None
    grid: tuple[int, int]

    def averaged(self, plane: Float[ndarray, "y x"]) -> Float[ndarray, "grid_y grid_x"]:
        """Average over the cells; what is outside the frame counts as 0."""
        if plane.shape != self.size[::-1]:
            plane = cv2.resize(plane, self.size, interpolation=cv2.INTER_AREA)
        if self.from_grid is None:
            return plane
        return cv2.warpAffine(
            plane,
            self.from_grid,
            self.grid,
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_CONSTANT,
            borderValue=0,
        )


@lru_cache(maxsize=_REMEMBERED)
def _plan(matrix: bytes, size: tuple[int, int], grid: tuple[int, int]) -> _Plan | None:
    """Return None where the grid sees nothing of the frame."""
    to_grid = Affine(np.frombuffer(matrix).reshape(3, 3), "pixel", "grid")
    upright = bool((np.abs(to_grid.linear[[0, 1], [1, 0]]) < _EXACT * to_grid.scale).all())
    box = _seen(to_grid, size, grid, margin=0.0)
    if upright and box is not None:
        plan = _shrunk(box, to_grid, grid, headroom=1.0)
        if plan.size == grid and plan.from_grid is None:
            return plan
    box = _seen(to_grid, size, grid, margin=_MARGIN)
    return None if box is None else _shrunk(box, to_grid, grid, headroom=_HEADROOM)


def _seen(
    to_grid: Affine, size: tuple[int, int], grid: tuple[int, int], *, margin: float
) -> Box | None:
    across, down = grid[0] - 0.5 + margin, grid[1] - 0.5 + margin
    first = -0.5 - margin
    corners = [[first, first], [across, first], [first, down], [across, down]]
    outline = to_grid.inverse()(corners)
    low = np.clip(np.floor(outline.min(axis=0) + 0.5 + _EXACT), 0, size).astype(int)
    high = np.clip(np.ceil(outline.max(axis=0) + 0.5 - _EXACT), 0, size).astype(int)
    if (low >= high).any():
        return None
    return int(low[0]), int(low[1]), int(high[0]), int(high[1])


def _shrunk(box: Box, to_grid: Affine, grid: tuple[int, int], *, headroom: float) -> _Plan:
    left, top, right, bottom = box
    old = right - left, bottom - top
    ratio = min(to_grid.scale * headroom, 1.0)
    new = max(1, round(old[0] * ratio)), max(1, round(old[1] * ratio))
    shrink = Affine.resize(old, new, source="pixel", target="pixel")
    from_frame = shrink @ Affine.translation((-left, -top))
    from_grid = from_frame @ to_grid.inverse()
    same = bool(np.abs(from_grid.matrix - np.eye(3)).max() < _EXACT)
    return _Plan(box, new, None if same else from_grid.matrix[:2].copy(), grid)
