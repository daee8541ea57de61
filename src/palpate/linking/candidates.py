"""Where joints may be: the peaks of their maps, between the pixels."""

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray

_PER_MAP = 64  # pixels looked at before near ones are left out; noise has more, a network fewer
_FLAT = 0.2  # of a peak's window has to be lower than half the peak, or it is none
_NOTHING = 1e-4  # what is less is this: numbers near the smallest that there are cost much time
_CELL = np.eye(2) / 12.0  # covariance of a point that may be anywhere within one cell


@dataclass(frozen=True, eq=False, slots=True)
class Candidates:
    """Places where a joint may be, by joint and then by the height of the smoothed map.

    Args:
        joint: (candidate,), the map that it is the peak of; ascending.
        position: (candidate, 2) as (x, y), in cells.
        covariance: (candidate, 2, 2), spread of the peak, in cells^2.
        score: (candidate,), height of the smoothed map, in (0, 1].
    """

    joint: Int[ndarray, " candidate"]
    position: Float[ndarray, "candidate 2"]
    covariance: Float[ndarray, "candidate 2 2"]
    score: Float[ndarray, " candidate"]


def find_candidates(
    maps: Float[ndarray, "joint y x"], *, radius: float, least: float, share: float, most: int
) -> Candidates:
    """Find the peaks of maps by non-maximum suppression, and their centres of mass.

    Maps may be flat discs, so a highest pixel says little. They are smoothed by a Gaussian of a
    third of the radius; a pixel that is highest within the radius is a peak. Its place is the
    centre of mass of what lies above a share of its height within two radii, and is nearer to it
    than to another peak. Where the map's border cuts that, a disc is assumed to have been cut. A
    flat map has no peak.

    Args:
        maps: finite, 1 where a joint certainly is.
        radius: of the regions that the maps show, in cells.
        least: height of the smoothed map that a peak has, above 0.
        share: of the height; what lies below does not count.
        most: peaks per map.

    Example:
        >>> maps = np.zeros((1, 9, 9), np.float32)
        >>> maps[0, 3:6, 4:7] = 1.0
        >>> find_candidates(maps, radius=1.5, least=0.2, share=0.3, most=4).position.round(6)
        array([[5., 4.]])
    """
    joint, pixel, score = _peaks(maps, radius, least, most)
    column, row, inside = _around(pixel, int(np.ceil(2 * radius)), maps.shape[1:])
    values = maps[joint[:, None], row, column].astype(np.float64)
    values *= inside
    height = values.max(axis=1, initial=0.0)
    low = (values < 0.5 * height[:, None]) & inside
    peaked = low.sum(axis=1) >= _FLAT * inside.sum(axis=1)
    mass = np.maximum(values - share * height[:, None], 0.0)
    _leave_to_others(mass, joint, pixel, column, row)
    total = mass.sum(axis=1)
    peaked &= total > 0
    mass = mass[peaked] / total[peaked, None]
    mean, covariance = _moments(mass, column[peaked], row[peaked])
    _mend_cut(mean, covariance, inside[peaked].all(axis=1), maps.shape[1:], radius / 2)
    return Candidates(joint[peaked], mean, covariance + _CELL, np.minimum(score[peaked], 1.0))


def _peaks(
    maps: Float[ndarray, "joint y x"], radius: float, least: float, most: int
) -> tuple[Int[ndarray, " candidate"], Int[ndarray, "candidate 2"], Float[ndarray, " candidate"]]:
    """Joint, pixel (x, y) and smoothed height of what is highest within the radius."""
    joints, height, width = maps.shape
    reach = max(round(radius), 1)
    sigma = radius / 3
    spread = int(np.ceil(3 * sigma))
    # All maps at once, one below the other, and between them rows that nothing crosses.
    pitch = height + max(reach, spread)
    tall = np.zeros((joints, pitch, width), np.float32)
    np.maximum(maps, np.float32(_NOTHING), out=tall[:, :height])
    smooth = cv2.GaussianBlur(
        tall.reshape(-1, width),
        (2 * spread + 1, 2 * spread + 1),
        sigma,
        borderType=cv2.BORDER_CONSTANT,
    )
    smooth.reshape(joints, pitch, width)[:, height:] = 0.0
    highest = cv2.dilate(smooth, np.ones((2 * reach + 1, 2 * reach + 1), np.uint8))
    hits = np.flatnonzero((smooth == highest) & (smooth >= least))
    row, column = np.divmod(hits, width)
    joint, row = np.divmod(row, pitch)
    heights = smooth.ravel()[hits]
    kept = _apart(joint, column, row, heights, reach, most)
    return joint[kept], np.stack([column[kept], row[kept]], axis=1), heights[kept]


def _apart(
    joint: Int[ndarray, " hit"],
    column: Int[ndarray, " hit"],
    row: Int[ndarray, " hit"],
    height: Float[ndarray, " hit"],
    reach: int,
    most: int,
) -> Int[ndarray, " candidate"]:
    """Which of the hits to keep: the highest first, none near another; twins in reading order."""
    order = np.lexsort((-height, joint))
    first = np.searchsorted(joint[order], joint[order])
    order = order[np.arange(len(order)) - first < _PER_MAP]
    kept: list[int] = []
    near: list[tuple[int, int]] = []
    last = -1
    each = zip(order.tolist(), joint[order].tolist(), strict=True)
    for hit, of in each:
        if of != last:
            near, last = [], of
        x, y = int(column[hit]), int(row[hit])
        if len(near) < most and all(max(abs(x - a), abs(y - b)) > reach for a, b in near):
            near.append((x, y))
            kept.append(hit)
    return np.array(kept, dtype=np.intp)


@lru_cache(maxsize=16)
def _circle(reach: int) -> tuple[Int[ndarray, " cell"], Int[ndarray, " cell"]]:
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    near = x * x + y * y <= reach * reach
    return x[near], y[near]


def _around(
    pixel: Int[ndarray, "candidate 2"], reach: int, shape: tuple[int, ...]
) -> tuple[
    Int[ndarray, "candidate cell"], Int[ndarray, "candidate cell"], Bool[ndarray, "candidate cell"]
]:
    """Columns and rows of the cells around pixels, and which of them the map has."""
    x, y = _circle(reach)
    column, row = pixel[:, :1] + x, pixel[:, 1:] + y
    inside = (column >= 0) & (column < shape[1]) & (row >= 0) & (row < shape[0])
    return column.clip(0, shape[1] - 1), row.clip(0, shape[0] - 1), inside


def _leave_to_others(
    mass: Float[ndarray, "candidate cell"],
    joint: Int[ndarray, " candidate"],
    pixel: Int[ndarray, "candidate 2"],
    column: Int[ndarray, "candidate cell"],
    row: Int[ndarray, "candidate cell"],
) -> None:
    """Take away, in place, what is nearer to another peak of the same map."""
    same = joint[:, None] == joint
    for one, other in np.argwhere(same & ~np.eye(len(joint), dtype=bool)):
        to_own = (column[one] - pixel[one, 0]) ** 2 + (row[one] - pixel[one, 1]) ** 2
        to_other = (column[one] - pixel[other, 0]) ** 2 + (row[one] - pixel[other, 1]) ** 2
        mass[one, to_other < to_own] = 0.0


def _moments(
    mass: Float[ndarray, "candidate cell"],
    column: Int[ndarray, "candidate cell"],
    row: Int[ndarray, "candidate cell"],
) -> tuple[Float[ndarray, "candidate 2"], Float[ndarray, "candidate 2 2"]]:
    """Mean and covariance of masses with the sum 1."""
    at = np.stack([column, row], axis=-1).astype(np.float64)
    mean = (mass[:, None, :] @ at)[:, 0]
    at -= mean[:, None]
    return mean, (at * mass[:, :, None]).transpose(0, 2, 1) @ at


@lru_cache(maxsize=1)
def _cut_disc() -> tuple[Float[ndarray, " step"], Float[ndarray, " step"]]:
    """A disc of radius 1, its centre so far from a border: how far its visible part's mean is."""
    distance = np.linspace(0.0, 1.0, 101)
    x = np.linspace(-1.0, 1.0, 4001)
    chord = np.sqrt(1 - x * x)
    mean = np.array([np.average(x, weights=chord * (x >= -far)) for far in distance])
    return mean + distance, distance


def _mend_cut(
    mean: Float[ndarray, "candidate 2"],
    covariance: Float[ndarray, "candidate 2 2"],
    whole: Bool[ndarray, " candidate"],
    shape: tuple[int, ...],
    usual: float,
) -> None:
    """Put the centres of peaks that the border cuts where those of whole discs would be, in place.

    A disc is twice as wide as its standard deviation along the border, which does not cut it. In
    a corner two borders do: there the width is that of whole peaks, or the usual one.
    """
    seen, distance = _cut_disc()
    spreads = np.sqrt(covariance[:, [0, 1], [0, 1]])
    if whole.any():
        usual = float(np.median(spreads[whole]))
    size = np.array([shape[1], shape[0]])
    for one in np.flatnonzero(~whole):
        left = mean[one] + 0.5
        from_border = np.minimum(left, size - left)
        radius = np.maximum(2 * spreads[one, ::-1], 0.5)  # at least half of the cell itself
        if (from_border < 2 * spreads[one].max()).all():
            radius = np.maximum(radius, 2 * usual)
        cut = from_border < radius
        centre = np.where(
            cut, radius * np.interp(from_border / radius, seen, distance), from_border
        )
        mean[one] = np.where(left <= size / 2, centre, size - centre) - 0.5
        covariance[one, [0, 1], [0, 1]] = (
            np.maximum(spreads[one], np.where(cut, radius / 2, 0)) ** 2
        )
