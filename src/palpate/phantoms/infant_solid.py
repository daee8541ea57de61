"""Round solids in front of a pinhole: how far away their surface is, px by px.

Each solid is drawn within its own rectangle of the picture into a buffer of depths, in mm along
the camera's axis. The ray of a px and the solid meet where a quadratic equation says.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from palpate.phantoms.infant_camera import InfantCamera

# Where nothing is, in mm.
FAR = np.float32(1e4)
Depth = Float[ndarray, "y x"]
Point = Float[ndarray, "3"]
# What belongs to the columns or rows of a rectangle, and what to its px.
Row = Float[ndarray, "1 x"]
Column = Float[ndarray, "y 1"]


@dataclass(frozen=True, eq=False, slots=True)
class Capsule:
    """A round bar that may get thinner: all balls between two balls, in mm of the camera."""

    start: Point
    end: Point
    radii: tuple[float, float]


@dataclass(frozen=True, eq=False, slots=True)
class Ellipsoid:
    """A ball that is squeezed along three axes, in mm of the camera.

    Args:
        centre: its middle.
        axes: three unit vectors, as rows.
        halves: half of its extent along each.
    """

    centre: Point
    axes: Float[ndarray, "3 3"]
    halves: tuple[float, float, float]


Solid = Capsule | Ellipsoid


@dataclass(frozen=True, eq=False, slots=True)
class Rays:
    """Where each column and row of a picture looks, at depth one."""

    x: Row
    y: Column
    focal_px: tuple[float, float]
    centre_px: tuple[float, float]

    @classmethod
    def of(cls, camera: InfantCamera) -> "Rays":
        """The rays through the middle of each px."""
        x = (np.arange(camera.size[0]) - camera.centre_px[0]) / camera.focal_px[0]
        y = (np.arange(camera.size[1]) - camera.centre_px[1]) / camera.focal_px[1]
        return cls(
            x[None].astype(np.float32),
            y[:, None].astype(np.float32),
            camera.focal_px,
            camera.centre_px,
        )

    def empty(self) -> Depth:
        """A buffer in which nothing is drawn."""
        return np.full((self.y.shape[0], self.x.shape[1]), FAR, np.float32)


def draw(buffer: Depth, solid: Solid, rays: Rays, *, soft_mm: float = 0.0) -> None:
    """Draw a solid into a buffer, in front of what is behind it.

    Args:
        buffer: depths so far; changed.
        solid: what to draw.
        rays: of the camera.
        soft_mm: surfaces that are less than this apart flow into each other.
    """
    box = _box(solid, rays)
    if box is None:
        return
    x, y = rays.x[:, box[1]], rays.y[box[0]]
    new = _capsule(solid, x, y) if isinstance(solid, Capsule) else _ellipsoid(solid, x, y)
    old = buffer[box]
    if soft_mm > 0:
        h = np.maximum(np.float32(soft_mm) - np.abs(old - new), 0.0)
        h[new >= FAR] = 0.0
        buffer[box] = np.minimum(old, new) - h * h * np.float32(0.25 / soft_mm)
    else:
        np.minimum(old, new, out=old)


def _box(solid: Solid, rays: Rays) -> tuple[slice, slice] | None:
    """Rows and columns that a solid can be in; None where it is out of the picture."""
    if isinstance(solid, Capsule):
        centres, radii = np.stack([solid.start, solid.end]), np.array(solid.radii)
    else:
        reach = np.sqrt(((solid.axes * np.array(solid.halves)[:, None]) ** 2).sum(axis=0))
        centres, radii = solid.centre[None], reach.max(keepdims=True)
    near = centres[:, 2] - radii
    if near.min() < 10.0:
        return None  # behind the camera, or touching it
    slices = []
    far = centres[:, 2] + radii
    for axis, count in ((1, rays.y.shape[0]), (0, rays.x.shape[1])):
        least, most = centres[:, axis] - radii, centres[:, axis] + radii
        low = np.min(least / np.where(least > 0, far, near))
        high = np.max(most / np.where(most > 0, near, far))
        f, c = rays.focal_px[axis], rays.centre_px[axis]
        first, last = max(int(low * f + c) - 1, 0), min(int(high * f + c) + 3, count)
        if first >= last:
            return None
        slices.append(slice(first, last))
    return slices[0], slices[1]


def _hit(along: Depth, square: Depth, inside: Depth) -> Depth:
    """The nearer root of ``square z^2 - 2 along z + (...) = 0``; ``inside`` is its discriminant."""
    hit = inside > 0
    root = np.sqrt(np.maximum(inside, 0.0))
    return np.where(hit, (along - root) / square, FAR)


def _capsule(solid: Capsule, x: Row, y: Column) -> Depth:
    """Per px, the ball of the bar that is nearest to the ray; and the ball at the nearer end."""
    a, u = solid.start.astype(np.float32), (solid.end - solid.start).astype(np.float32)
    ra, rb = np.float32(solid.radii[0]), np.float32(solid.radii[1])
    square = 1 + x * x + y * y
    to_start = a[0] * x + a[1] * y + a[2]
    onto = u[0] * x + u[1] * y + u[2]
    uu, au, aa = np.float32(u @ u), np.float32(a @ u), np.float32(a @ a)
    t = (onto * to_start - square * au) / np.maximum(square * uu - onto * onto, 1e-3)
    np.clip(t, 0.0, 1.0, out=t)
    radius = ra + (rb - ra) * t
    along = to_start + t * onto
    far = aa + t * (2 * au + t * uu)
    body = _hit(along, square, along * along - square * (far - radius * radius))
    if solid.end[2] < solid.start[2]:
        to_start, aa, ra = to_start + onto, aa + 2 * au + uu, rb
    cap = _hit(to_start, square, to_start * to_start - square * (aa - ra * ra))
    return np.minimum(body, cap)


def _ellipsoid(solid: Ellipsoid, x: Row, y: Column) -> Depth:
    scaled = solid.axes / np.array(solid.halves)[:, None]
    m = (scaled.T @ scaled).astype(np.float32)
    c = solid.centre.astype(np.float32)
    mc = m @ c
    square = (
        m[0, 0] * x * x
        + m[1, 1] * y * y
        + m[2, 2]
        + 2 * (m[0, 1] * x * y + m[0, 2] * x + m[1, 2] * y)
    )
    along = mc[0] * x + mc[1] * y + mc[2]
    return _hit(along, square, along * along - square * np.float32(c @ mc - 1))
