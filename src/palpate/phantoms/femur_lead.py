"""What is not the child: the gonads' lead shield, plates and screws, side letters.

Metal and lead are given as how much of the beam they take, pixel by pixel, and laid on the
exposed film: its processing looks at the body, and they stay near white.
"""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float
from numpy import ndarray
from numpy.random import Generator

from palpate.phantoms.canvas import Canvas
from palpate.phantoms.contour import Contour, oval, place, smooth
from palpate.phantoms.femur_bone import Femur, neck_direction
from palpate.phantoms.femur_pose import Hips

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


def lay_lead(hips: Hips, blank: Canvas, rng: Generator, *, clutter: float) -> Laid:
    """Draw what lies on a film and add it to a blank canvas; ``clutter`` scales how likely."""
    names = []
    for name, (likely, lay) in LEAD.items():
        # A generator for each, so that one more screw moves no shield.
        own = rng.spawn(1)[0]
        if own.random() < likely * clutter and lay(hips, blank, own):
            names.append(name)
    return Laid(np.clip(blank.values, 0.0, 1.0), tuple(names))


def _shield(hips: Hips, canvas: Canvas, rng: Generator) -> bool:
    """Lead before the gonads, or where it slipped to, now and then over a hip."""
    shape = SHIELDS[str(rng.choice(sorted(SHIELDS)))] * rng.uniform(0.6, 1.15)
    low = float(rng.choice([-0.25, 0.35]))
    slip = rng.normal(0.0, 0.12, 2) if rng.random() < 0.75 else rng.normal(0.0, 0.6, 2)
    centre = (np.array([0.0, low]) + np.clip(slip, -0.95, 0.95)) * hips.pelvis.half_mm
    turned = place(shape * hips.pelvis.half_mm, centre, float(rng.normal(0.0, 9.0)))
    rounding = int(rng.choice([0, 3]))
    canvas.fill(smooth(turned, rounding), float(rng.uniform(0.86, 1.0)))
    return True


def _fixation(hips: Hips, canvas: Canvas, rng: Generator) -> bool:
    """On one side, either a plate along the shaft with its blade, or screws up the neck."""
    femur = hips.femurs[int(rng.random() < 0.4)]
    if rng.random() < 0.6:
        _plate(femur, canvas, rng)
    else:
        _neck_screws(femur, canvas, rng)
    return True


def _plate(femur: Femur, canvas: Canvas, rng: Generator) -> None:
    sizes = femur.sizes
    w, top = sizes.shaft_width, float(rng.uniform(-0.5, -0.2))
    plate = np.array([[0.5, top], [0.64, top], [0.66, -2.2], [0.52, -2.2]]) * w
    canvas.fill(femur.to_plane(plate), 0.9)
    for height in np.linspace(top - 0.3, -2.0, int(rng.integers(3, 5))):
        _screw(femur, np.array([[0.66, height], [-0.5, height]]) * w, canvas)
    end = 0.62 * sizes.neck_length * neck_direction(sizes)
    _screw(femur, np.stack([np.array([0.55, top]) * w, end]), canvas, width=3.0)


def _neck_screws(femur: Femur, canvas: Canvas, rng: Generator) -> None:
    sizes = femur.sizes
    w, neck = sizes.shaft_width, neck_direction(sizes)
    for shift in np.linspace(-0.2, 0.2, int(rng.integers(2, 4))):
        across = shift * sizes.neck_width * np.array([-neck[1], neck[0]])
        start = np.array([0.55, -0.62]) * w + across
        end = float(rng.uniform(0.75, 1.1)) * sizes.neck_length * neck + across
        _screw(femur, np.stack([start, end]), canvas, width=2.6)


def _screw(femur: Femur, line: Contour, canvas: Canvas, *, width: float = 2.0) -> None:
    path = femur.to_plane(line)
    canvas.stroke(path, 0.85, width_mm=width)
    canvas.fill(oval(path[0], (0.9 * width, 0.9 * width)), 0.9)


def _letter(hips: Hips, canvas: Canvas, rng: Generator) -> bool:
    """A lead R at the left of the film, or an L at its right, where it covers no landmark."""
    left = rng.random() < 0.5
    height, width = canvas.values.shape
    scale = canvas.mm * hips.pelvis.half_mm / 100.0 * float(rng.uniform(0.8, 1.6))
    text = ("L" if left else "R") if rng.random() < 0.8 else ("LT" if left else "RT")
    thick, font = max(round(2.4 * scale), 1), cv2.FONT_HERSHEY_SIMPLEX
    box = np.array(cv2.getTextSize(text, font, scale, thick)[0])
    points = canvas.to_pixel(hips.landmarks)
    for _ in range(8):
        x = rng.uniform(0.01, 0.08) * width
        x = width - 1 - x - box[0] if left else x
        low = np.array([x, float(rng.uniform(0.08, 0.97)) * height])
        first, last = low - np.array([8, box[1] + 8]), low + np.array([box[0] + 8, 8])
        if ((points > first) & (points < last)).all(axis=1).any():
            continue
        letters = np.zeros((height, width), np.uint8)
        at = (round(float(low[0])), round(float(low[1])))
        cv2.putText(letters, text, at, font, scale, 255, thick, cv2.LINE_AA)
        canvas.values[:] += letters.astype(np.float32) * np.float32(0.95 / 255.0)
        return True
    return False


# How likely each is on a film; each says whether there was room for it.
LEAD: dict[str, tuple[float, Callable[[Hips, Canvas, Generator], bool]]] = {
    "shield": (0.4, _shield),
    "hardware": (0.07, _fixation),
    "letter": (0.75, _letter),
}
