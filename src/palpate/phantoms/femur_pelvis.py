"""The pelvis around both hips: it carries no landmark, and only has to look like one.

Its outlines are written for the left half with the hip's centre at (1, 0) and the midline at
x = 0, in half distances of the two hips. A turn of the pelvis about its long axis widens one
half and narrows the other; a tilt closes or opens what lies below the hips.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from numpy.random import Generator

from palpate.arrays import Numbers
from palpate.phantoms.canvas import Canvas
from palpate.phantoms.contour import Contour, oval, smooth, smooth_path
from palpate.phantoms.femur_growth import Child, Side

# fmt: off
WING = (
    (0.58, 0.26), (0.47, 0.36), (0.38, 0.52), (0.31, 0.74), (0.33, 1.02), (0.42, 1.26),
    (0.62, 1.47), (0.92, 1.6), (1.24, 1.52), (1.5, 1.3), (1.58, 1.12), (1.46, 0.96), (1.33, 0.78),
    (1.31, 0.62), (1.34, 0.5),
)
TUBEROSITY = (
    (0.98, -0.44), (1.0, -0.56), (0.96, -0.76), (0.88, -0.96), (0.74, -1.07), (0.58, -1.07),
    (0.44, -0.98), (0.31, -0.86), (0.26, -0.78), (0.34, -0.72), (0.46, -0.79), (0.56, -0.8),
    (0.64, -0.72), (0.7, -0.56), (0.69, -0.42),
)
RAMUS = (
    (0.5, -0.06), (0.34, -0.17), (0.18, -0.22), (0.06, -0.25), (0.03, -0.34), (0.03, -0.54),
    (0.06, -0.66), (0.16, -0.76), (0.25, -0.84), (0.32, -0.75), (0.27, -0.64), (0.25, -0.52),
    (0.28, -0.42), (0.4, -0.33), (0.52, -0.28),
)
SACRUM = (
    (-0.4, 1.28), (-0.2, 1.36), (0.2, 1.36), (0.4, 1.28), (0.42, 1.0), (0.36, 0.72), (0.2, 0.5),
    (0.1, 0.36), (-0.1, 0.36), (-0.2, 0.5), (-0.36, 0.72), (-0.42, 1.0),
)
LUMBAR = ((-0.3, 1.42), (0.3, 1.42), (0.28, 1.55), (0.29, 1.72), (-0.29, 1.72), (-0.28, 1.55))
PROCESS = ((0.26, 1.6), (0.5, 1.68), (0.56, 1.62), (0.5, 1.56), (0.26, 1.5))
# fmt: on


@dataclass(frozen=True, eq=False, slots=True)
class Pelvis:
    """A child's pelvis as one film shows it.

    Args:
        half_mm: half the distance of the hips' centres.
        socket_mm: radius of the acetabulum's bone, of the left and the right side.
        cover_deg: how far the roof reaches round the head, left and right; from the horizontal.
        turn: about the long axis, to the left positive; 0.1 is much.
        tilt: forwards positive; 0.1 is much.
        cartilage_mm: height of the gap of the Y cartilage.
        bone: density.
        spread: small changes of the outlines' vertices, as drawn for this child.
    """

    half_mm: float
    socket_mm: tuple[float, float]
    cover_deg: tuple[float, float]
    turn: float
    tilt: float
    cartilage_mm: float
    bone: float
    spread: Float[ndarray, "64 2"]

    def place(self, local: Numbers, side: Side) -> Contour:
        """Put points of the left half into the plane, mm, on either side."""
        points = np.asarray(local, dtype=float)
        sign = 1.0 if side == "left" else -1.0
        wide = 1.0 + (points[:, 0] - 1.0) * (1.0 + sign * self.turn)
        high = points[:, 1] * np.where(points[:, 1] < 0, 1.0 + self.tilt, 1.0 - 0.6 * self.tilt)
        return self.half_mm * np.stack([sign * wide, high], axis=1)

    def rear(self, local: Numbers) -> Contour:
        """Put points of sacrum and spine, which a turn moves the other way, into the plane."""
        points = np.asarray(local, dtype=float)
        high = points[:, 1] * (1.0 - 0.9 * self.tilt)
        return self.half_mm * np.stack([points[:, 0] + 1.4 * self.turn, high], axis=1)

    def varied(self, outline: Numbers, first: int) -> Contour:
        """Give an outline's vertices this child's own places; both sides alike."""
        points = np.asarray(outline, dtype=float)
        return points + 0.022 * np.roll(self.spread, -first, axis=0)[: len(points)]

    def socket(self, side: Side, degrees: Numbers) -> Contour:
        """Return points of the socket's wall, in the left half's units; 0 is lateral, 90 up."""
        angle = np.radians(np.asarray(degrees, dtype=float))
        radius = self.socket_mm[0 if side == "left" else 1] / self.half_mm
        return np.array([1.0, 0.0]) + radius * np.stack([np.cos(angle), np.sin(angle)], axis=1)


def draw_pelvis(child: Child, years: float, radii: tuple[float, float], rng: Generator) -> Pelvis:
    """Draw how the pelvis lies on one film; its outlines are the child's.

    Args:
        child: whose pelvis.
        years: since the first film.
        radii: of the left and the right head with cartilage, mm.
        rng: of the film.
    """
    age, own = child.age + years, child.pelvis
    cover = np.clip(33.0 - 1.2 * (age - 2.0) + 4.0 * own[:2], 15.0, 45.0)
    return Pelvis(
        half_mm=float(child.stature * (40.0 + 3.4 * age) * (1 + 0.03 * own[2])),
        socket_mm=(radii[0] + 2.0, radii[1] + 2.0),
        cover_deg=(float(cover[0]), float(cover[1])),
        turn=float(np.clip(rng.normal(0.0, 0.035), -0.1, 0.1)),
        tilt=float(np.clip(rng.normal(0.0, 0.06), -0.14, 0.14)),
        cartilage_mm=float(np.interp(age, [2.0, 11.0], [5.5, 2.2]) * (1 + 0.08 * own[3])),
        bone=child.bone,
        spread=child.spread,
    )


def paint_pelvis(pelvis: Pelvis, canvas: Canvas) -> None:
    """Add spine, sacrum and both halves."""
    _paint_spine(pelvis, canvas)
    for side in ("left", "right"):
        _paint_ilium(pelvis, side, canvas)
        _paint_ischium(pelvis, side, canvas)
        _paint_pubis(pelvis, side, canvas)


def _paint_ilium(pelvis: Pelvis, side: Side, canvas: Canvas) -> None:
    dense, unit = pelvis.bone, pelvis.half_mm
    cover = pelvis.cover_deg[0 if side == "left" else 1]
    roof = pelvis.socket(side, np.linspace(cover, 158.0, 14))
    edge = pelvis.socket(side, [cover - 4.0])[0] + np.array([0.05, 0.06])
    inner = pelvis.socket(side, [166.0])[0] + np.array([-0.06, 0.04])
    wing = pelvis.varied(WING, 0)
    outline = np.concatenate([inner[None], wing, edge[None], roof])
    placed = pelvis.place(smooth(outline, 3), side)
    canvas.bone(placed, 0.3 * dense, rim=0.3 * dense, rim_mm=0.9)
    # The wing is thin in its middle, thick at the crest and above the socket.
    middle = pelvis.place(oval((0.92, 1.02), (0.3, 0.34), 20.0), side)
    canvas.fill(middle, -0.13 * dense, soften_mm=0.11 * unit)
    above = pelvis.place(oval((1.02, 0.5), (0.26, 0.16), 15.0), side)
    canvas.fill(above, 0.16 * dense, soften_mm=0.09 * unit)
    weight = pelvis.place(pelvis.socket(side, np.linspace(cover + 2.0, 125.0, 24)), side)
    canvas.stroke(weight, 0.32 * dense, width_mm=0.035 * unit, soften_mm=0.012 * unit)
    brim = smooth_path(np.array([[0.4, 0.56], [0.5, 0.38], [0.6, 0.26], inner]), 3)
    canvas.stroke(pelvis.place(brim, side), 0.2 * dense, width_mm=1.6, soften_mm=0.5)


def _paint_ischium(pelvis: Pelvis, side: Side, canvas: Canvas) -> None:
    dense, gap = pelvis.bone, 0.5 * pelvis.cartilage_mm / pelvis.half_mm
    wall = pelvis.socket(side, np.linspace(186.0, 262.0, 10))
    low = np.array([0.0, -2.0 * gap])
    inner = np.array([[0.62, -0.26], [0.58, -0.12]]) + low
    outline = np.concatenate([wall + low, pelvis.varied(TUBEROSITY, 16), inner])
    placed = pelvis.place(smooth(outline, 3), side)
    canvas.bone(placed, 0.3 * dense, rim=0.2 * dense, rim_mm=0.8)
    # The socket's rear rim is seen through the head.
    rear = pelvis.socket(side, np.linspace(30.0, -75.0, 12)) * 0.9 + np.array([0.06, 0.0])
    behind = np.concatenate([rear, pelvis.socket(side, np.linspace(230.0, 120.0, 12))])
    canvas.fill(pelvis.place(smooth(behind, 2), side), 0.07 * dense, soften_mm=1.0)


def _paint_pubis(pelvis: Pelvis, side: Side, canvas: Canvas) -> None:
    dense, gap = pelvis.bone, 0.5 * pelvis.cartilage_mm / pelvis.half_mm
    wall = pelvis.socket(side, [196.0, 182.0]) + np.array([-0.06, -gap])
    outline = np.concatenate([wall, pelvis.varied(RAMUS, 32)])
    placed = pelvis.place(smooth(outline, 3), side)
    canvas.bone(placed, 0.26 * dense, rim=0.22 * dense, rim_mm=0.8)
    drop = pelvis.socket(side, np.linspace(184.0, 224.0, 8)) + np.array([-0.035, -1.5 * gap])
    canvas.stroke(pelvis.place(drop, side), 0.24 * dense, width_mm=1.4, soften_mm=0.4)


def _paint_spine(pelvis: Pelvis, canvas: Canvas) -> None:
    dense, unit = pelvis.bone, pelvis.half_mm
    sacrum = pelvis.rear(smooth(pelvis.varied(SACRUM, 48), 3))
    canvas.bone(sacrum, 0.2 * dense, rim=0.12 * dense, rim_mm=1.2)
    for row, height in enumerate((1.16, 0.94, 0.75, 0.59)):
        reach = 0.2 - 0.03 * row
        for sign in (-1.0, 1.0):
            hole = oval((sign * reach, height), (0.055, 0.045))
            canvas.fill(pelvis.rear(hole), -0.12 * dense, soften_mm=0.02 * unit)
        line = np.array([[-0.8 * reach, height - 0.1], [0.8 * reach, height - 0.1]])
        canvas.stroke(pelvis.rear(line), 0.14 * dense, width_mm=1.2, soften_mm=0.4)
        spine = oval((0.0, height), (0.03, 0.06))
        canvas.fill(pelvis.rear(spine), 0.12 * dense, soften_mm=0.015 * unit)
    canvas.bone(pelvis.rear(smooth(LUMBAR, 2)), 0.28 * dense, rim=0.22 * dense, rim_mm=1.0)
    for sign in (-1.0, 1.0):
        process = smooth(np.array(PROCESS) * [sign, 1.0], 2)
        canvas.bone(pelvis.rear(process), 0.14 * dense, rim=0.12 * dense, rim_mm=0.8)
    tail = smooth_path([[0.0, 0.34], [0.02, 0.22], [0.0, 0.08], [-0.01, -0.02]])
    canvas.stroke(pelvis.rear(tail), 0.16 * dense, width_mm=0.1 * unit, soften_mm=0.02 * unit)
