"""Where the forests of all points vote in one region, and the best place near a given one."""

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from palpate.forest.haar import box_means, integral_image
from palpate.forest.model import Level
from palpate.variation import between_cells, variation_of_shares
from palpate.vote import accumulate


@dataclass(frozen=True, eq=False, slots=True)
class Responses:
    """Smoothed votes around every point.

    Args:
        maps: (k, m, m) share of the votes per px^2.
        raw: (k, m, m) the same before smoothing.
        corner: (k, 2) pixel of the region (x, y) that the first of each map is.
        smooth_px: standard deviation of the smoothing.
    """

    maps: Float[ndarray, "k m m"]
    raw: Float[ndarray, "k m m"]
    corner: Int[ndarray, "k 2"]
    smooth_px: float

    def best_near(
        self, points: Float[ndarray, "k 2"], radius: float
    ) -> tuple[Float[ndarray, "k 2"], Float[ndarray, " k"]]:
        """Return the best place within a radius of each point, and the response there.

        Args:
            points: px of the region.
            radius: px; the nearest pixel is always looked at.
        """
        side = np.arange(self.maps.shape[1])
        inside = np.clip(points - self.corner, 0, len(side) - 1)
        dx2 = (side - inside[:, :1]) ** 2
        dy2 = (side - inside[:, 1:]) ** 2
        near = dy2[:, :, None] + dx2[:, None, :] <= max(radius, 0.75) ** 2
        flat = np.where(near, self.maps, -1.0).reshape(len(points), -1)
        highest = flat.argmax(axis=1)
        cell = np.stack([highest % len(side), highest // len(side)], axis=1)
        height = flat[np.arange(len(points)), highest]
        return cell + self._between(cell) + self.corner, height

    def _between(self, cell: Int[ndarray, "k 2"]) -> Float[ndarray, "k 2"]:
        """Vertex of the parabola through three pixels, along each axis, within half a pixel."""
        offset = np.zeros(cell.shape)
        rows = np.arange(len(cell))
        last = self.maps.shape[1] - 1
        x, y = cell.T
        here = self.maps[rows, y, x]
        sides = (
            (self.maps[rows, y, np.maximum(x - 1, 0)], self.maps[rows, y, np.minimum(x + 1, last)]),
            (self.maps[rows, np.maximum(y - 1, 0), x], self.maps[rows, np.minimum(y + 1, last), x]),
        )
        for axis, (before, after) in enumerate(sides):
            bend = 2 * here - before - after
            flat = bend <= 1e-12 * np.maximum(here, 1e-300)
            step = np.where(flat, 0.0, 0.5 * (after - before) / np.where(flat, 1.0, bend))
            # On a slope, cut by the radius, the vertex is elsewhere.
            offset[:, axis] = np.where(np.abs(step) <= 0.5, step, 0.0)
        return offset

    def covariance(self, points: Float[ndarray, "k 2"], reach: float) -> Float[ndarray, "k 2 2"]:
        """Second moment of the votes within ``reach`` px of each point, and that of a pixel."""
        side = np.arange(self.raw.shape[1])
        local = points - self.corner
        dx, dy = side - local[:, :1], side - local[:, 1:]
        near = (dy**2)[:, :, None] + (dx**2)[:, None, :] <= reach**2
        mass = np.where(near, self.raw, 0.0)
        across, down = mass.sum(axis=1), mass.sum(axis=2)
        total = across.sum(axis=1)
        voted = total > 0
        safe = np.where(voted, total, 1.0)
        xx = (across * dx**2).sum(axis=1) / safe
        yy = (down * dy**2).sum(axis=1) / safe
        xy = ((mass @ dx[:, :, None])[..., 0] * dy).sum(axis=1) / safe
        spread = np.stack([np.stack([xx, xy], -1), np.stack([xy, yy], -1)], -2)
        # Without a vote it may be anywhere in reach.
        spread[~voted] = np.eye(2) * reach**2 / 4
        return spread + np.eye(2) / 12.0

    def variation(self, points: Float[ndarray, "k 2"]) -> Float[ndarray, " k"]:
        """Total variation of the smoothed votes over that of votes which all agree on a point.

        Args:
            points: px of the region.
        """
        return variation_of_shares(self.maps, self.smooth_px, between_cells(points))


def respond(
    region: Float[ndarray, "y x"],
    level: Level,
    points: Float[ndarray, "k 2"],
    *,
    smooth_px: float,
) -> Responses:
    """Let places in a square around each point vote for it.

    Args:
        region: as ``Pyramid.sample`` gives it.
        level: its forests.
        points: where they are thought to be, px of the region.
        smooth_px: standard deviation of the Gaussian that smooths the votes.
    """
    stack = box_means(integral_image(region), level.sizes)
    flat = stack.reshape(-1)
    width, height = level.grid.size
    half = level.settings.patch_px // 2
    centre = np.rint(points).astype(np.int64)
    wish = level.settings
    # Symmetric about the point, whatever the step.
    steps = wish.search_px // wish.step_px
    side = wish.step_px * np.arange(-steps, steps + 1)
    square = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
    reach = wish.search_px + wish.reach_px
    corner = centre - reach

    def votes(k: int) -> ndarray:
        places = centre[k] + square
        # A patch must lie inside the region.
        places = np.clip(places, half, (width - 1 - half, height - 1 - half))
        walker = level.walkers[k]
        leaves = walker.leaves(flat, places[:, 1] * width + places[:, 0])
        moved = walker.forest.mean[:, 0].take(leaves, axis=0) + (places - corner[k])
        return accumulate(moved.reshape(-1, 2).astype(np.float64), size=(2 * reach + 1,) * 2)

    raw = np.stack([votes(k) for k in range(len(points))])
    raw /= len(square) * len(level.forests[0].roots)
    maps = np.stack(
        [cv2.GaussianBlur(m, (0, 0), smooth_px, borderType=cv2.BORDER_CONSTANT) for m in raw]
    )
    return Responses(maps, raw, corner, smooth_px)
