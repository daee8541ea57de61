"""A proximal femur on a canvas: shells where its outlines are, and what lies inside them."""

import numpy as np
from numpy.random import Generator

from palpate.phantoms.canvas import Canvas
from palpate.phantoms.contour import Contour, oval, smooth, smooth_path
from palpate.phantoms.femur_bone import Femur, neck_direction


def paint_femur(femur: Femur, canvas: Canvas, rng: Generator, *, dense: float) -> None:
    """Add both bones of a proximal femur, and what disease does to their inside."""
    sizes = femur.sizes
    canvas.bone(femur.metaphysis, 0.42 * dense, rim=0.34 * dense, rim_mm=0.9)
    sclerosis = 1.0 + 0.35 * sizes.flattening
    canvas.bone(femur.epiphysis, 0.46 * dense * sclerosis, rim=0.3 * dense, rim_mm=0.8)
    _paint_shaft(femur, canvas, dense)
    _paint_neck(femur, canvas, dense)
    _paint_trochanter(femur, canvas, dense)
    _paint_plate(femur, canvas, dense)
    if sizes.flattening > 0.1:
        _paint_fragments(femur, canvas, rng, dense)
        _paint_cysts(femur, canvas, rng, dense)


def _own(femur: Femur, local: Contour) -> Contour:
    return femur.to_plane(np.asarray(local, dtype=float))


def _paint_shaft(femur: Femur, canvas: Canvas, dense: float) -> None:
    """The marrow's canal, and with it the two thick walls of the shaft."""
    w, low = femur.sizes.shaft_width, femur.sizes.level + 6.0
    canal = np.array(
        [[-0.12, -0.4], [0.2, -0.3], [0.3, -1.2], [0.24, -2.4], [0.22, -low], [-0.22, -low],
         [-0.24, -2.4], [-0.3, -1.3], [-0.28, -0.8]]
    )  # fmt: skip
    canvas.fill(_own(femur, smooth(canal * w, 2)), -0.24 * dense, soften_mm=0.05 * w)
    for sign in (-1.0, 1.0):
        wall = np.array([[0.4 * sign, -1.5], [0.38 * sign, -2.4], [0.38 * sign, -low]])
        canvas.stroke(_own(femur, wall * w), 0.3 * dense, width_mm=0.14 * w, soften_mm=0.05 * w)


def _paint_neck(femur: Femur, canvas: Canvas, dense: float) -> None:
    """The spur of the medial side, the bundles of trabeculae, and the thin triangle between."""
    sizes = femur.sizes
    w, neck = sizes.shaft_width, neck_direction(sizes)
    head = neck * sizes.neck_length
    along = 0.62 * head
    spur = np.stack([np.array([-0.43 * w, -1.6 * w]), np.array([-0.46 * w, -0.3 * w]),
                     along + 0.4 * sizes.neck_width * np.array([neck[1], -neck[0]])])  # fmt: skip
    line = smooth_path(spur)
    canvas.stroke(_own(femur, line), 0.28 * dense, width_mm=0.12 * w, soften_mm=0.05 * w)
    pressed = smooth_path(np.stack([[-0.4 * w, -0.2 * w], 0.6 * head, 0.9 * head]))
    canvas.stroke(_own(femur, pressed), 0.13 * dense, width_mm=0.4 * w, soften_mm=0.14 * w)
    arch = smooth_path(
        np.stack([[0.45 * w, -0.8 * w], [0.4 * w, 0.1 * w], 0.5 * head + [0.1 * w, 0.2 * w],
                  0.86 * head - 0.2 * w * np.array([neck[1], -neck[0]])])
    )  # fmt: skip
    canvas.stroke(_own(femur, arch), 0.1 * dense, width_mm=0.3 * w, soften_mm=0.12 * w)
    thin = oval(0.36 * head + np.array([0.02 * w, -0.02 * w]), (0.2 * w, 0.16 * w))
    canvas.fill(_own(femur, thin), -0.13 * dense, soften_mm=0.12 * w)


def _paint_trochanter(femur: Femur, canvas: Canvas, dense: float) -> None:
    """The cartilage between the greater trochanter's bone and the neck's, once there is bone."""
    sizes = femur.sizes
    w, ossified = sizes.shaft_width, sizes.trochanter
    if ossified < 0.1:
        return
    line = np.array([[0.6, 0.1], [0.48, 0.26], [0.32, 0.4], [0.12, 0.52 + 0.2 * ossified]])
    path = smooth_path(line * w)
    dark = -0.36 * dense * min(1.0, 2.0 * ossified)
    canvas.stroke(_own(femur, path), dark, width_mm=sizes.gap, soften_mm=0.4)
    rim = path + 0.75 * sizes.gap * np.array([-0.6, -0.8])
    canvas.stroke(_own(femur, rim), 0.2 * dense, width_mm=0.9, soften_mm=0.4)


def _paint_plate(femur: Femur, canvas: Canvas, dense: float) -> None:
    """The dense line of calcifying cartilage under the growth plate."""
    below = _towards_shaft(femur, femur.plate[2:-2], 0.9)
    canvas.stroke(below, 0.24 * dense, width_mm=1.3, soften_mm=0.45)
    canvas.stroke(_towards_shaft(femur, femur.base[3:-3], -0.9), 0.1 * dense, width_mm=1.2,
                  soften_mm=0.4)  # fmt: skip


def _towards_shaft(femur: Femur, line: Contour, distance: float) -> Contour:
    centre = femur.head_centre
    down = femur.to_plane(np.zeros((1, 2)))[0] - centre
    return line + distance * down / np.linalg.norm(down)


def _paint_fragments(femur: Femur, canvas: Canvas, rng: Generator, dense: float) -> None:
    """Dense and empty patches of a dying head, and the clefts between its fragments."""
    flat = femur.sizes.flattening
    dome, base = femur.paths[1], femur.base
    stage = float(rng.uniform(0.5, 1.2)) * flat
    count = int(rng.integers(2, 6))
    for share in rng.uniform(0.12, 0.88, count):
        top = dome.at(np.array([share * dome.length]))[0]
        foot = base[round(share * (len(base) - 1))]
        middle = foot + float(rng.uniform(0.3, 0.7)) * (top - foot)
        size = 0.12 * femur.sizes.epiphysis_width * rng.uniform(0.5, 1.2, 2) * [1.0, 0.8]
        patch = oval(middle, (float(size[0]), float(size[1])), float(rng.uniform(0, 180)))
        strength = float(rng.choice([-0.6, -0.4, 0.45])) * dense * stage
        canvas.fill(patch, strength, soften_mm=1.0)
    for share in rng.uniform(0.2, 0.8, int(rng.integers(1, 4))):
        top = dome.at(np.array([share * dome.length]))[0]
        foot = base[round(share * (len(base) - 1))]
        bent = 0.5 * (top + foot) + rng.normal(0.0, 1.2, 2)
        # Clefts stop short of the surface, which carries landmarks.
        cleft = smooth_path(np.stack([foot + 0.05 * (top - foot), bent, top - 0.18 * (top - foot)]))
        width = float(rng.uniform(0.9, 2.2))
        canvas.stroke(cleft, -0.8 * dense * stage, width_mm=width, soften_mm=0.5)


def _paint_cysts(femur: Femur, canvas: Canvas, rng: Generator, dense: float) -> None:
    """Empty places in the metaphysis, close under the growth plate."""
    for share in rng.uniform(0.2, 0.8, int(rng.integers(0, 4))):
        at = femur.plate[round(share * (len(femur.plate) - 1))][None]
        centre = _towards_shaft(femur, at, float(rng.uniform(3.5, 8.0)))[0]
        half = (float(rng.uniform(1.5, 4.0)), float(rng.uniform(1.2, 2.8)))
        canvas.fill(oval(centre, half), -0.22 * dense * femur.sizes.flattening, soften_mm=0.8)
