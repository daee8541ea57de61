"""Outlines in a sagittal plane, in millimetres: x forwards, y upwards.

An angle is in degrees from the forward axis towards the upward one: positive where the
front is higher.
"""

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from palpate.arrays import Numbers

# Any number of vertices: two contours in one call need not have the same.
Contour = Float[ndarray, "_ 2"]


def forwards(angle_deg: float) -> Float[ndarray, "2"]:
    """Return the unit vector to the front of something tilted by an angle.

    Example:
        >>> forwards(0.0).tolist(), upwards(0.0).tolist()
        ([1.0, 0.0], [-0.0, 1.0])
    """
    angle = np.radians(angle_deg)
    return np.array([np.cos(angle), np.sin(angle)])


def upwards(angle_deg: float) -> Float[ndarray, "2"]:
    """Return the unit vector to the top of something tilted by an angle."""
    angle = np.radians(angle_deg)
    return np.array([-np.sin(angle), np.cos(angle)])


def place(local: Numbers, origin: Float[ndarray, "2"], angle_deg: float) -> Contour:
    """Put points given as (forwards, upwards) of a tilted frame into the plane."""
    points = np.asarray(local, dtype=float)
    return origin + points[:, :1] * forwards(angle_deg) + points[:, 1:] * upwards(angle_deg)


def smooth(points: Numbers, times: int = 3) -> Contour:
    """Round a closed polygon by cutting its corners (Chaikin 1974)."""
    outline = np.asarray(points, dtype=float)
    for _ in range(times):
        following = np.roll(outline, -1, axis=0)
        outline = np.stack(
            [0.75 * outline + 0.25 * following, 0.25 * outline + 0.75 * following], axis=1
        ).reshape(-1, 2)
    return outline


def smooth_path(points: Numbers, times: int = 3) -> Contour:
    """Round an open path by cutting its corners; both ends stay."""
    path = np.asarray(points, dtype=float)
    for _ in range(times):
        cut = np.stack(
            [0.75 * path[:-1] + 0.25 * path[1:], 0.25 * path[:-1] + 0.75 * path[1:]], axis=1
        ).reshape(-1, 2)
        path = np.concatenate([path[:1], cut, path[-1:]])
    return path


def oval(centre: Numbers, half_axes: tuple[float, float], angle_deg: float = 0.0) -> Contour:
    """Return an ellipse of 32 vertices; half axes along forwards and upwards."""
    turn = np.linspace(0.0, 2 * np.pi, 32, endpoint=False)
    local = np.stack([half_axes[0] * np.cos(turn), half_axes[1] * np.sin(turn)], axis=1)
    return place(local, np.asarray(centre, dtype=float), angle_deg)


def body_outline(
    corners: Float[ndarray, "corner 2"], sags: Numbers, radii: Numbers, samples: int = 9
) -> Contour:
    """Outline with hollow sides and round corners that passes exactly through its corners.

    Each corner is the apex of a quadratic Bezier curve: the control point stands
    outside by as much as the rounding takes away, so that the point of the curve that
    is farthest along the bisector *is* the corner.

    Args:
        corners: in order around the body.
        sags: depth of the hollow of each side, from a corner to the next; same unit.
        radii: how much of a side the rounding of each corner takes; less than half of it.
        samples: vertices of a corner and of a side.
    """
    hollow = np.asarray(sags, dtype=float)
    radius = np.asarray(radii, dtype=float)[:, None]
    centre = corners.mean(axis=0)
    following = np.roll(corners, -1, axis=0)
    middle = (corners + following) / 2
    along = following - corners
    normal = np.stack([-along[:, 1], along[:, 0]], axis=1)
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    inwards = normal * np.sign(np.sum(normal * (centre - middle), axis=1, keepdims=True))
    control = middle + 2 * hollow[:, None] * inwards
    out = _unit(control - corners)
    back = _unit(np.roll(control, 1, axis=0) - corners)
    virtual = corners - radius / 4 * (out + back)
    start, end = virtual + radius * back, virtual + radius * out
    t = np.linspace(0.0, 1.0, samples)[None, :, None]
    bend = (1 - t) ** 2 * start[:, None] + 2 * t * (1 - t) * virtual[:, None] + t**2 * end[:, None]
    goal, leave, arrive = np.roll(start, -1, axis=0), out, -np.roll(back, -1, axis=0)
    length = np.linalg.norm(goal - end, axis=1)[:, None, None]
    side = (
        (2 * t**3 - 3 * t**2 + 1) * end[:, None]
        + (t**3 - 2 * t**2 + t) * length * leave[:, None]
        + (3 * t**2 - 2 * t**3) * goal[:, None]
        + (t**3 - t**2) * length * arrive[:, None]
    )
    return np.concatenate([bend, side[:, 1:-1]], axis=1).reshape(-1, 2)


def _unit(vectors: Float[ndarray, "corner 2"]) -> Float[ndarray, "corner 2"]:
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
