"""The head of a child from its right side, with ear, face and hair."""

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from palpate.arrays import Numbers
from palpate.phantoms.satco_body import Look
from palpate.phantoms.satco_outline import Outline, curve, tube
from palpate.phantoms.satco_paint import Fold, Layer, Mark, Solid, shaded
from palpate.phantoms.satco_pose import Pose

# (forwards, upwards) in cm from the axis of the head at the height of the ears.
SKULL = ((-1.0, 12.1), (4.6, 10.9), (7.9, 7.4), (8.7, 4.2), (8.1, 1.9), (9.0, 0.2), (10.2, -1.3),
         (9.6, -2.2), (8.9, -2.6), (9.3, -3.5), (8.8, -4.1), (9.1, -4.9), (8.3, -5.7), (8.5, -6.8),
         (7.0, -8.0), (3.5, -7.4), (0.5, -5.2), (-2.5, -5.4), (-6.2, -4.2), (-8.9, 0.6),
         (-9.0, 5.2), (-6.2, 10.0))  # fmt: skip
SCALP = ((6.7, 9.1), (3.4, 11.9), (-1.2, 13.0), (-6.8, 10.8), (-9.8, 5.4), (-9.6, 0.4),
         (-6.9, -4.3), (-4.6, -4.2), (-3.4, -1.6), (-2.9, 2.4), (-0.6, 3.4), (0.9, 0.6), (1.9, 1.0),
         (2.6, 4.2), (4.6, 5.2), (5.6, 7.2))  # fmt: skip
BOB = ((6.9, 9.1), (3.4, 12.1), (-1.2, 13.3), (-7.2, 11.0), (-10.3, 5.4), (-10.4, -0.6),
       (-8.8, -5.0), (-5.4, -6.2), (-3.6, -5.0), (-3.2, -1.2), (-2.9, 2.4), (-0.6, 3.3), (0.8, 0.4),
       (1.9, 0.2), (2.8, 4.0), (4.8, 5.0), (6.0, 7.0))  # fmt: skip
EAR = ((0.0, 0.9), (-0.3, 2.2), (-1.5, 2.9), (-2.9, 2.2), (-3.2, 0.6), (-2.4, -1.0), (-1.3, -2.3),
       (-0.4, -2.2), (-0.2, -1.0))  # fmt: skip
CONCHA = ((-0.5, 0.8), (-1.1, 1.6), (-2.0, 1.2), (-2.1, 0.0), (-1.3, -1.0), (-0.7, -0.5))


def head_layers(pose: Pose, look: Look) -> list[Layer]:
    """Skull and face, then hair, ear and eye."""
    px = pose.px * pose.body.head
    side = pose.body.tragus_lateral / pose.body.head
    hair = BOB if look.hair_style == "bob" else SCALP
    dark = shaded(look.skin, 0.62)
    lip = (0.72 * look.skin[0] + 40.0, 0.55 * look.skin[1], 0.55 * look.skin[2])
    layers: list[Layer] = []
    if look.hair_style == "tail":
        layers.append(_tail(pose, look))
    strands = tuple(
        Fold(
            _on(pose, [(5.0 - f, 10.4), (-2.0 - f, 8.6 - 0.5 * f), (-4.2 - f, 3.0)], 2.0),
            0.9 * px,
            t,
        )
        for f, t in ((0.0, 0.10), (1.6, -0.10), (3.1, 0.08))
    )
    cheek = Fold(_on(pose, [(3.6, -2.6), (5.4, -3.4), (6.3, -4.6)], 4.0), 1.5 * px, 0.07)
    jaw = Fold(_on(pose, [(0.6, -4.2), (3.6, -6.4), (6.8, -7.2)], 2.0), 0.9 * px, -0.10)
    return [
        *layers,
        Solid("head", (_around(pose, SKULL, 0.0),), look.skin, 3.6 * px, 0.25, (cheek, jaw)),
        Solid("hair", (_around(pose, hair, 0.9),), look.hair, 3.2 * px, 0.12, strands),
        Solid("ear", (_around(pose, EAR, side),), shaded(look.skin, 1.0), 1.2 * px, 0.2),
        Mark(_around(pose, CONCHA, side), shaded(look.skin, 0.66)),
        *_eye(pose, look),
        Mark(_on(pose, [(9.0, -4.15), (8.2, -4.2), (7.5, -4.0)], 1.2), lip, 2),
        Mark(_on(pose, [(9.2, -2.4), (8.7, -2.25)], 0.6), dark, 1),
    ]


def _eye(pose: Pose, look: Look) -> list[Layer]:
    lid = shaded(look.hair, 0.8)
    white = ((6.3, 1.05), (6.9, 1.55), (7.6, 1.45), (7.7, 0.95), (7.1, 0.65))
    iris = ((7.1, 1.45), (7.55, 1.45), (7.7, 1.1), (7.5, 0.75), (7.1, 0.8))
    return [
        Mark(_around(pose, white, 2.4), (236.0, 232.0, 228.0)),
        Mark(_around(pose, iris, 2.4), (52.0, 40.0, 34.0)),
        Mark(_on(pose, [(6.1, 1.1), (6.8, 1.75), (7.8, 1.5)], 2.4), lid, 1),
        Mark(_on(pose, [(5.9, 2.9), (7.0, 3.4), (8.2, 3.1)], 1.6), lid, 1),
    ]


def _tail(pose: Pose, look: Look) -> Solid:
    """A pony tail that hangs from the back of the head, clear of C7."""
    px = pose.px * pose.body.head
    root = _points(pose, [(-8.6, 7.0)], 0.0)[:, 0]
    tip = root + px * np.array([-5.0, 6.5])
    return Solid(
        "hair", (tube(root, tip, px * np.array([1.6, 2.3, 2.4, 1.6, 0.7])),), look.hair, 1.8 * px
    )


def _points(pose: Pose, places: Numbers, lateral: float) -> Float[ndarray, "frame _ 2"]:
    size = pose.body.head
    return np.stack([pose.on_head([size * f, size * u, size * lateral]) for f, u in places], axis=1)


def _around(pose: Pose, places: Numbers, lateral: float) -> Outline:
    return curve(_points(pose, places, lateral), closed=True, samples=3)


def _on(pose: Pose, places: Numbers, lateral: float) -> Outline:
    return curve(_points(pose, places, lateral), closed=False, samples=4)
