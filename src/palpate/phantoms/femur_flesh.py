"""The soft parts of a child's hips: trunk, thighs, the air between them, gut and bladder."""

import cv2
import numpy as np
from numpy.random import Generator

from palpate.phantoms.canvas import Canvas
from palpate.phantoms.contour import Contour, oval, smooth, smooth_path
from palpate.phantoms.femur_bone import Femur
from palpate.phantoms.femur_pelvis import Pelvis
from palpate.phantoms.femur_pose import Hips


def paint_flesh(hips: Hips, canvas: Canvas, rng: Generator) -> None:
    """Add soft tissue as thick as round bodies of these silhouettes, then gut and bladder."""
    pelvis, girth = hips.pelvis, hips.child.girth
    trunk, thighs = _trunk(pelvis, girth), [_thigh(femur, pelvis, girth) for femur in hips.femurs]
    thick = _thickness([trunk, *thighs], canvas, pelvis.half_mm)
    canvas.values[:] += np.float32(1.15 * girth**0.5) * thick
    for thigh in thighs:
        # The round edge of the muscles, inside the fat.
        canvas.fill(thigh, 0.12, soften_mm=0.12 * pelvis.half_mm)
    _paint_planes(pelvis, canvas, rng)
    _paint_gut(pelvis, canvas, rng)
    _paint_bladder(pelvis, canvas, rng)


def _trunk(pelvis: Pelvis, girth: float) -> Contour:
    g = 0.35 * (girth - 1.0)
    half = np.array([[0.0, 3.2], [1.62 + g, 3.2], [1.55 + g, 1.9], [1.68 + g, 1.3], [1.9 + g, 0.4],
                     [1.95 + g, -0.3], [1.3, -0.95], [0.6, -1.15], [0.0, -1.18]])  # fmt: skip
    both = np.concatenate([half, (half * [-1.0, 1.0])[-2:0:-1]])
    return pelvis.half_mm * smooth(both, 3)


def _thigh(femur: Femur, pelvis: Pelvis, girth: float) -> Contour:
    unit, thick = pelvis.half_mm, 0.92 + 0.35 * (girth - 1.0)
    hip, knee = femur.to_plane(np.array([[0.0, 0.0], [0.0, -5.0 * femur.sizes.shaft_width]]))
    out = 1.0 if hip[0] > 0 else -1.0
    shift = np.array([-0.26 * out * unit, 0.0])
    axis = (knee - hip) / np.linalg.norm(knee - hip)
    side = np.array([-axis[1], axis[0]]) * unit * thick
    far = hip + axis * 6.0 * unit
    start = hip - 0.2 * unit * axis
    ends = [start - side, start + side, far + 0.85 * side, far - 0.85 * side]
    return smooth(np.stack(ends) + shift, 3)


def _thickness(outlines: list[Contour], canvas: Canvas, unit: float) -> np.ndarray:
    """From 0 at the skin to 1 deep inside; drawn beyond the film, so that its edge is no skin."""
    scale, margin = 4, 40
    height, width = canvas.values.shape
    mask = np.zeros([-(-side // scale) + 2 * margin for side in (height, width)], np.uint8)
    for outline in outlines:
        points = (canvas.to_pixel(outline) + 0.5) / scale - 0.5 + margin
        cv2.fillPoly(mask, [np.round(points).astype(np.int32)], 1)
    depth = cv2.distanceTransform(mask, cv2.DIST_L2, 3) * np.float32(scale / canvas.mm)
    share = np.minimum(depth / np.float32(0.85 * unit), 1)
    thick = np.sqrt(1 - (1 - share) ** 2).astype(np.float32)
    thick = cv2.GaussianBlur(thick, (0, 0), 1.2)[margin:-margin, margin:-margin]
    size = (thick.shape[1] * scale, thick.shape[0] * scale)
    return cv2.resize(thick, size, interpolation=cv2.INTER_LINEAR)[:height, :width]


def _paint_planes(pelvis: Pelvis, canvas: Canvas, rng: Generator) -> None:
    """Fat between the muscles: thin dark bands beside the hips."""
    unit = pelvis.half_mm
    for sign in (-1.0, 1.0):
        for x, tilt in ((1.62, -0.25), (1.5, -0.1), (0.62, 0.2)):
            top = np.array([sign * (x + rng.normal(0.0, 0.05)), 0.75])
            low = np.array([sign * (x + tilt + rng.normal(0.0, 0.04)), -0.1])
            path = smooth_path(np.stack([top, (top + low) / 2 + [0.05 * sign, 0.0], low])) * unit
            canvas.stroke(path, -0.07, width_mm=0.035 * unit, soften_mm=0.015 * unit)


def _paint_gut(pelvis: Pelvis, canvas: Canvas, rng: Generator) -> None:
    """Gas above and between the bones, and the mottled look of what else a bowel holds."""
    unit = pelvis.half_mm
    for _ in range(int(rng.integers(3, 13))):
        at = np.array([rng.uniform(-0.95, 0.95), rng.uniform(0.25, 1.9)]) * unit
        size = unit * rng.uniform(0.06, 0.2)
        half = (float(size), float(size * rng.uniform(0.6, 1.1)))
        gas = oval(at, half, float(rng.uniform(0.0, 180.0)))
        canvas.fill(gas, -float(rng.uniform(0.08, 0.3)), soften_mm=float(rng.uniform(0.8, 3.0)))
    rectum = oval(np.array([rng.normal(0.0, 0.08), rng.uniform(0.05, 0.4)]) * unit,
                  (0.16 * unit, 0.2 * unit))  # fmt: skip
    canvas.fill(rectum, -float(rng.uniform(0.0, 0.25)), soften_mm=2.0)
    centre = np.array([rng.uniform(-0.7, 0.7), rng.uniform(0.5, 1.6)]) * unit
    for _ in range(int(rng.choice([0, 25, 45]))):
        at = centre + rng.normal(0.0, 0.16, 2) * unit
        size = float(unit * rng.uniform(0.015, 0.04))
        canvas.fill(oval(at, (size, size)), -float(rng.uniform(0.04, 0.12)), soften_mm=0.8)


def _paint_bladder(pelvis: Pelvis, canvas: Canvas, rng: Generator) -> None:
    unit, full = pelvis.half_mm, float(rng.uniform(0.2, 0.5))
    at = np.array([rng.normal(0.0, 0.04), -0.2 + full]) * unit
    canvas.fill(oval(at, (1.1 * full * unit, full * unit)), 0.12, soften_mm=0.04 * unit)


def paint_nappy(hips: Hips, canvas: Canvas, rng: Generator) -> None:
    """Add the folds of a small child's nappy: faint lines."""
    unit = hips.pelvis.half_mm
    for sign in (-1.0, 1.0):
        for _ in range(int(rng.integers(1, 3))):
            start = np.array([sign * rng.uniform(1.0, 1.7), rng.uniform(0.7, 1.2)])
            end = np.array([sign * rng.uniform(0.1, 0.4), rng.uniform(-1.2, -0.8)])
            fold = smooth_path(np.stack([start, (start + end) / 2 + rng.normal(0, 0.1, 2), end]))
            canvas.stroke(fold * unit, 0.05, width_mm=float(rng.uniform(1.0, 3.0)), soften_mm=0.5)
