"""What is not the child: the gonads' lead shield, plates and screws, side letters, a nappy's tape.

Metal and lead are given as how much of the beam they take, pixel by pixel, and laid on the
exposed film: its processing looks at the body, and they stay near white.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float
from numpy import ndarray
from numpy.random import Generator

from palpate.phantoms.canvas import Canvas
from palpate.phantoms.contour import Contour, oval, place, smooth, smooth_path
from palpate.phantoms.femur_bone import Femur, neck_direction
from palpate.phantoms.femur_pelvis import Pelvis

# Outlines about their centre, y upwards, in half distances of the hips.
SHIELDS: dict[str, Contour] = {
    "heart": np.array([[0.0, 0.3], [0.3, 0.42], [0.5, 0.28], [0.42, 0.0], [0.0, -0.45],
                       [-0.42, 0.0], [-0.5, 0.28], [-0.3, 0.42]]),
    "triangle": np.array([[-0.55, 0.42], [0.55, 0.42], [0.12, -0.5], [-0.12, -0.5]]),
    "apron": np.array([[-0.42, 0.3], [0.42, 0.3], [0.42, -0.3], [-0.42, -0.3]]),
    "drop": np.array([[0.0, 0.5], [0.2, 0.35], [0.32, 0.0], [0.2, -0.4], [-0.2, -0.4],
                      [-0.32, 0.0], [-0.2, 0.35]]),
}  # fmt: skip


@dataclass(frozen=True, eq=False, slots=True)
class Laid:
    """What covers a film.

    Args:
        cover: part of the beam that it takes, 0 to 1.
        names: of the things.
    """

    cover: Float[ndarray, "y x"]
    names: tuple[str, ...]


def lay_lead(
    pelvis: Pelvis, femurs: tuple[Femur, Femur], blank: Canvas, rng: Generator, *, clutter: float
) -> Laid:
    """Draw what lies on a film and add it to a blank canvas; ``clutter`` scales how likely."""
    names = []
    for name, likely in (("shield", 0.4), ("hardware", 0.07), ("letter", 0.75)):
        # A generator for each, so that one more screw moves no shield.
        own = rng.spawn(1)[0]
        if own.random() >= likely * clutter:
            continue
        names.append(name)
        if name == "shield":
            _shield(pelvis, blank, own)
        elif name == "hardware":
            _fixation(femurs[int(own.random() < 0.4)], blank, own)
        else:
            _letter(pelvis, blank, own)
    return Laid(np.clip(blank.values, 0.0, 1.0), tuple(names))


def _shield(pelvis: Pelvis, canvas: Canvas, rng: Generator) -> None:
    """Lead before the gonads, or where it slipped to, now and then over a hip."""
    shape = SHIELDS[str(rng.choice(sorted(SHIELDS)))] * rng.uniform(0.6, 1.15)
    low = float(rng.choice([-0.25, 0.35]))
    slip = rng.normal(0.0, 0.12, 2) if rng.random() < 0.75 else rng.normal(0.0, 0.45, 2)
    centre = (np.array([0.0, low]) + np.clip(slip, -0.95, 0.95)) * pelvis.half_mm
    turned = place(shape * pelvis.half_mm, centre, float(rng.normal(0.0, 9.0)))
    rounding = int(rng.choice([0, 3]))
    canvas.fill(smooth(turned, rounding), float(rng.uniform(0.86, 1.0)))


def _fixation(femur: Femur, canvas: Canvas, rng: Generator) -> None:
    """Either a plate along the shaft with its screws, or two to three screws up the neck."""
    sizes = femur.sizes
    w, neck = sizes.shaft_width, neck_direction(sizes)
    if rng.random() < 0.6:
        top = float(rng.uniform(-0.5, -0.2))
        plate = np.array([[0.5, top], [0.64, top], [0.66, -2.2], [0.52, -2.2]]) * w
        canvas.fill(femur.to_plane(plate), 0.9)
        for height in np.linspace(top - 0.3, -2.0, int(rng.integers(3, 5))):
            _screw(femur, np.array([[0.66, height], [-0.5, height]]) * w, canvas)
        blade = np.stack([[0.55 * w, top * w], 0.62 * sizes.neck_length * neck])
        _screw(femur, blade, canvas, width=3.0)
        return
    for shift in np.linspace(-0.2, 0.2, int(rng.integers(2, 4))):
        across = shift * sizes.neck_width * np.array([-neck[1], neck[0]])
        start = np.array([0.55 * w, -0.62 * w]) + across
        _screw(femur, np.stack([start, float(rng.uniform(0.75, 1.1)) * sizes.neck_length * neck
                                + across]), canvas, width=2.6)  # fmt: skip


def _screw(femur: Femur, line: Contour, canvas: Canvas, *, width: float = 2.0) -> None:
    path = femur.to_plane(line)
    canvas.stroke(path, 0.85, width_mm=width)
    canvas.fill(oval(path[0], (0.9 * width, 0.9 * width)), 0.9)


def _letter(pelvis: Pelvis, canvas: Canvas, rng: Generator) -> None:
    """A lead R at the left of the film, or an L at its right, as the patient lies."""
    left = rng.random() < 0.5
    height, width = canvas.values.shape
    scale = canvas.mm * pelvis.half_mm / 100.0 * float(rng.uniform(0.8, 1.6))
    x = float(rng.uniform(0.86, 0.94) if left else rng.uniform(0.02, 0.08)) * width
    y = float(rng.choice([rng.uniform(0.08, 0.25), rng.uniform(0.75, 0.95)])) * height
    letters = np.zeros((height, width), np.uint8)
    text = ("L" if left else "R") if rng.random() < 0.8 else ("LT" if left else "RT")
    cv2.putText(
        letters, text, (round(x), round(y)), cv2.FONT_HERSHEY_SIMPLEX, scale, 255,
        max(round(2.4 * scale), 1), cv2.LINE_AA,
    )  # fmt: skip
    canvas.values[:] += letters.astype(np.float32) * np.float32(0.95 / 255.0)


def draw_nappy(pelvis: Pelvis, canvas: Canvas, rng: Generator) -> None:
    """Add the tapes and folds of a small child's nappy: faint lines."""
    unit = pelvis.half_mm
    for sign in (-1.0, 1.0):
        for _ in range(int(rng.integers(1, 3))):
            start = np.array([sign * rng.uniform(1.0, 1.7), rng.uniform(0.7, 1.2)])
            end = np.array([sign * rng.uniform(0.1, 0.4), rng.uniform(-1.2, -0.8)])
            fold = smooth_path(np.stack([start, (start + end) / 2 + rng.normal(0, 0.1, 2), end]))
            canvas.stroke(fold * unit, 0.05, width_mm=float(rng.uniform(1.0, 3.0)), soften_mm=0.5)
