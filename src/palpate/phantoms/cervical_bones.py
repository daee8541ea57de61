"""The bones of the neck on a canvas. What carries a landmark is exact; the rest only looks so."""

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from palpate.phantoms.canvas import Canvas
from palpate.phantoms.cervical_anatomy import Neck
from palpate.phantoms.contour import Contour, body_outline, oval, place, smooth, smooth_path

# How far behind its body's back wall a spinous process ends, C2 to C7, in mm.
SPINOUS_MM = (40.0, 33.0, 33.0, 37.0, 44.0, 52.0)


def body_contour(neck: Neck, body: int) -> Contour:
    """Outline of a vertebral body in mm, 0 for C2 with its dens up to 5 for C7."""
    front_top, back_top, front_low, back_low = neck.corners[body]
    hollow = float(neck.anatomy.hollow[body])
    around = np.stack([front_top, front_low, back_low, back_top])
    if body > 0:
        sags = np.array([0.8, 0.8, 0.4, 0.5]) * hollow
        return body_outline(around, sags, np.full(4, 1.8))
    corners = np.concatenate([around, _dens(neck)])
    sags = np.array([1.6 * hollow, 1.2 * hollow, 0.5, 0.0, 0.3, -0.5, -0.5, 0.3, 0.0])
    return body_outline(corners, sags, [0.8, 1.8, 1.8, 0.8, 0.6, 2.0, 2.0, 2.0, 0.6])


def _dens(neck: Neck) -> Contour:
    """Back base, back, tip, front and front base of the dens, in that order."""
    front, back = neck.corners[0, 0], neck.corners[0, 1]
    across = (front - back) / np.linalg.norm(front - back)
    up = neck.dens_tip - (front + back) / 2
    waist = (front + back) / 2 + 0.68 * up
    size = neck.anatomy.stature
    return np.stack(
        [
            back + 2.0 * across + 0.03 * up,
            waist - 4.6 * size * across,
            neck.dens_tip,
            waist + 4.6 * size * across,
            front - 2.0 * across + 0.03 * up,
        ]
    )


def t1_contour(neck: Neck) -> Contour:
    """Outline of the body of T1."""
    front, back = neck.t1
    lower = place([[0.0, -16.5], [neck.anatomy.t1_depth + 0.8, -16.0]], back, neck.pose.t1)
    corners = np.stack([front, lower[1], lower[0], back])
    return body_outline(corners, [0.9, 0.8, 0.6, 0.5], np.full(4, 1.8))


def arch_contours(neck: Neck) -> tuple[Contour, Contour]:
    """Outlines of the rings that the atlas' two arches show, about their landmarks."""
    size = neck.anatomy.stature
    front = oval(neck.arches[0], (3.6 * size, 5.6 * size), neck.pose.atlas + 8.0)
    back = oval(neck.arches[1], (3.8 * size, 4.9 * size), neck.pose.atlas - 10.0)
    return front, back


def paint_bodies(neck: Neck, canvas: Canvas) -> None:
    """Add what carries the landmarks: C2 to C7, the upper part of T1, the atlas' arches."""
    dense = neck.anatomy.bone
    for body in range(6):
        canvas.bone(body_contour(neck, body), 0.42 * dense, rim=0.34 * dense, rim_mm=0.55)
    canvas.bone(t1_contour(neck), 0.38 * dense, rim=0.28 * dense)
    front, back = arch_contours(neck)
    canvas.bone(front, 0.3 * dense, rim=0.5 * dense, rim_mm=0.9)
    canvas.bone(back, 0.2 * dense, rim=0.42 * dense, rim_mm=0.9)


def paint_rear(neck: Neck, canvas: Canvas) -> None:
    """Add the posterior elements: articular pillars of both sides, laminae, spinous processes."""
    for body in range(6):
        _paint_pillars(neck, body, canvas)
        _paint_spinous(neck, body, canvas)
    _paint_atlas(neck, canvas)
    _paint_thoracic(neck, canvas)


def _paint_pillars(neck: Neck, body: int, canvas: Canvas) -> None:
    size, dense = neck.anatomy.stature, neck.anatomy.bone
    origin, tilt = neck.corners[body, 3], float(neck.pose.wall[body])
    height = float(np.linalg.norm(neck.corners[body, 1] - origin))
    top = 0.55 * height if body == 0 else height + 2.2 * size
    front = 1.5 if body == 0 else -1.8
    pillar = np.array(
        [
            [front, top],
            [-12.2 * size, top - 6.5 * size],
            [-12.8 * size, -4.8 * size],
            [-2.4 * size, 1.2 * size],
        ]
    )
    # The beam diverges: the two sides never fall on each other exactly.
    for shift, amount in ((0.7, 0.17), (-0.7, 0.15)):
        outline = smooth(place(pillar + shift, origin, tilt), 2)
        canvas.bone(outline, amount * dense, rim=0.13 * dense, rim_mm=0.6)


def _paint_spinous(neck: Neck, body: int, canvas: Canvas) -> None:
    size, dense = neck.anatomy.stature, neck.anatomy.bone
    origin, tilt = neck.corners[body, 3], float(neck.pose.wall[body])
    height = float(np.linalg.norm(neck.corners[body, 1] - origin))
    reach, thick = SPINOUS_MM[body] * size, (11.0 if body in (0, 5) else 7.5) * size
    middle = 0.3 if body == 0 else 0.5
    outline = np.array(
        [
            [-12.0 * size, middle * height + 4.0],
            [-17.0 * size, middle * height + 4.5],
            [-0.7 * reach, 0.5 * thick - 3.0],
            [-reach, 0.5 * thick - 6.0],
            [-reach - 2.0, -0.5 * thick - 5.0],
            [-0.8 * reach, -0.5 * thick - 3.0],
            [-18.0 * size, -1.0],
            [-12.0 * size, 0.0],
        ]
    )
    canvas.bone(smooth(place(outline, origin, tilt)), 0.22 * dense, rim=0.24 * dense, rim_mm=0.7)
    line = place([[-17.0 * size, middle * height + 3.0], [-17.6 * size, 1.0]], origin, tilt)
    canvas.stroke(line, 0.3 * dense, width_mm=1.0, soften_mm=0.3)


def _paint_atlas(neck: Neck, canvas: Canvas) -> None:
    size, dense, tilt = neck.anatomy.stature, neck.anatomy.bone, neck.pose.atlas
    front, length = neck.arches[0], neck.anatomy.atlas_length
    mass = np.array([[-6.0, 6.5], [-20.0, 7.5], [-21.5, -3.0], [-13.0, -8.5], [-5.0, -5.5]])
    canvas.bone(smooth(place(mass * size, front, tilt)), 0.25 * dense, rim=0.15 * dense)
    band = np.array(
        [[-19.0, 2.8], [-0.6 * length / size, 2.2], [-length / size, 4.4], [-length / size, -4.4],
         [-0.6 * length / size, -3.8], [-19.0, -3.0]]
    )  # fmt: skip
    canvas.bone(smooth(place(band * size, front, tilt), 2), 0.16 * dense, rim=0.2 * dense)


def _paint_thoracic(neck: Neck, canvas: Canvas) -> None:
    """T1's process, T2 and the first ribs: faint, under the shoulders."""
    size, dense, back = neck.anatomy.stature, neck.anatomy.bone, neck.t1[1]
    depth, tilt = neck.anatomy.t1_depth, neck.pose.t1
    second = np.array([[0.5, -21.0], [depth + 0.5, -21.0], [depth + 1.5, -38.0], [0.5, -38.5]])
    outline = body_outline(place(second, back, tilt), [0.8, 0.9, 0.6, 0.6], np.full(4, 1.8))
    canvas.bone(outline, 0.3 * dense, rim=0.2 * dense)
    process = np.array([[-10, 1], [-30, -8], [-54, -18], [-55, -28], [-30, -19], [-10, -12]])
    canvas.bone(smooth(place(process * size, back, tilt)), 0.2 * dense, rim=0.18 * dense)
    for drop in (0.0, 7.0):
        rib = smooth_path(_rib(drop) * size + back)
        canvas.stroke(rib, 0.16 * dense, width_mm=6.0, soften_mm=1.0)


def _rib(drop: float) -> Float[ndarray, "point 2"]:
    return np.array([[-14.0, -6.0 - drop], [8.0, -22.0 - drop], [40.0, -38.0 - 2 * drop]])
