"""Outlines that move: closed polygons in px over the frames of a clip."""

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray

from palpate.arrays import Numbers
from palpate.phantoms.satco_arm import Track
from palpate.phantoms.satco_signal import Signal

# Any number of vertices: two outlines in one call need not have the same.
Outline = Float[ndarray, "frame _ 2"]


def curve(controls: Outline, *, closed: bool, samples: int = 5) -> Outline:
    """Smooth curve through all of its controls (Catmull and Rom 1974).

    Example:
        >>> square = np.array([[[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]]])
        >>> curve(square, closed=True, samples=2).shape
        (1, 8, 2)
    """
    if closed:
        around = np.concatenate([controls[:, -1:], controls, controls[:, :2]], axis=1)
    else:
        first, last = (
            2 * controls[:, :1] - controls[:, 1:2],
            2 * controls[:, -1:] - controls[:, -2:-1],
        )
        around = np.concatenate([first, controls, last], axis=1)
    a, b, c, d = (around[:, i : around.shape[1] - 3 + i, None] for i in range(4))
    t = (np.arange(samples) / samples)[:, None]
    bend = b + 0.5 * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)))
    path = bend.reshape(len(controls), -1, 2)
    return path if closed else np.concatenate([path, controls[:, -1:]], axis=1)


def tube(start: Track, end: Track, radii: Numbers, *, cap: int = 7) -> Outline:
    """A limb: round ends about ``start`` and ``end``, and a radius at even steps between, in px.

    The ends are half circles, so that the joints can be told from the outline.
    """
    radius = np.asarray(radii, dtype=float)
    way = end - start
    along = way / np.maximum(np.linalg.norm(way, axis=1, keepdims=True), 1e-6)
    across = np.stack([-along[:, 1], along[:, 0]], axis=1)
    share = np.linspace(0.0, 1.0, len(radius))[1:-1]
    middle = start[:, None] + share[:, None] * way[:, None]
    side = radius[1:-1, None] * across[:, None]
    turn = np.linspace(np.pi / 2, 3 * np.pi / 2, cap)[:, None]
    before = np.cos(turn) * along[:, None] + np.sin(turn) * across[:, None]
    behind = -before
    return np.concatenate(
        [
            start[:, None] + radius[0] * before,
            middle - side,
            end[:, None] + radius[-1] * behind,
            (middle + side)[:, ::-1],
        ],
        axis=1,
    )


def oval(centre: Track, half: tuple[float, float], degrees: Signal, *, count: int = 20) -> Outline:
    """An ellipse with half axes in px along (forwards, upwards) of a frame that is turned."""
    turn = np.linspace(0.0, 2 * np.pi, count, endpoint=False)
    x, y = half[0] * np.cos(turn), half[1] * np.sin(turn)
    cos, sin = np.cos(np.radians(degrees))[:, None], np.sin(np.radians(degrees))[:, None]
    return centre[:, None] + np.stack([x * cos + y * sin, x * sin - y * cos], axis=-1)


def grown(outline: Outline, by_px: float) -> Outline:
    """Move every vertex outwards along the outline's normal; a negative number moves it inwards."""
    after, before = np.roll(outline, -1, axis=1), np.roll(outline, 1, axis=1)
    tangent = after - before
    length = np.maximum(np.linalg.norm(tangent, axis=-1, keepdims=True), 1e-6)
    normal = np.stack([tangent[..., 1], -tangent[..., 0]], axis=-1) / length
    twice = outline[..., 0] * after[..., 1] - outline[..., 1] * after[..., 0]
    return outline + by_px * np.sign(twice.sum(axis=1))[:, None, None] * normal


def inside(
    outline: Outline, points: Float[ndarray, "frame point 2"]
) -> Bool[ndarray, "frame point"]:
    """Whether points lie in the outline of their frame, by the number of edges they look across.

    Example:
        >>> square = np.array([[[0.0, 0.0], [2.0, 0.0], [2.0, 2.0], [0.0, 2.0]]])
        >>> inside(square, np.array([[[1.0, 1.0], [3.0, 1.0]]])).tolist()
        [[True, False]]
    """
    x0, y0 = outline[:, None, :, 0], outline[:, None, :, 1]
    x1, y1 = np.roll(x0, -1, axis=-1), np.roll(y0, -1, axis=-1)
    x, y = points[..., None, 0], points[..., None, 1]
    spans = (y0 > y) != (y1 > y)
    drop = np.where(y1 == y0, 1.0, y1 - y0)
    crossed = spans & (x < x0 + (y - y0) * (x1 - x0) / drop)
    return crossed.sum(axis=-1) % 2 == 1
