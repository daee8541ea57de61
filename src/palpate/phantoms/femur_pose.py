"""A child on the table: one pelvis and two femurs as one film will show them."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from numpy.random import Generator

from palpate.phantoms.femur_bone import Femur, build_femur
from palpate.phantoms.femur_growth import SIDES, Child, HipSizes, sizes_at
from palpate.phantoms.femur_pelvis import Pelvis, draw_pelvis


@dataclass(frozen=True, eq=False, slots=True)
class Hips:
    """One child on one film, in mm of the plane: midway between the hips is the origin.

    x is to the patient's left, which is the right of the film, y upwards.
    """

    child: Child
    age: float
    pelvis: Pelvis
    femurs: tuple[Femur, Femur]

    @property
    def landmarks(self) -> Float[ndarray, "116 2"]:
        """The landmarks of the left, then of the right femur."""
        return np.concatenate([femur.landmarks for femur in self.femurs])


def pose(child: Child, years: float, rng: Generator) -> Hips:
    """Lay a child on the table: sizes of the age, the pelvis' turn and tilt, the legs' tilts."""
    sizes = [_turned(sizes_at(child, side, years), rng) for side in SIDES]
    pelvis = draw_pelvis(
        child, years, (sizes[0].head_diameter / 2, sizes[1].head_diameter / 2), rng
    )
    femurs = []
    for sign, own in zip((1.0, -1.0), sizes, strict=True):
        # A flat head is pushed out of its socket, and so is one that lies a little slack.
        out = 0.05 * own.head_diameter * own.flattening + float(np.clip(rng.normal(0, 0.4), -1, 1))
        down = float(np.clip(rng.normal(0.2, 0.4), -0.5, 1.2))
        centre = np.array([sign * (pelvis.half_mm + out), -down])
        tilt = float(np.clip(rng.normal(-2.0, 5.0), -12.0, 14.0))
        femurs.append(build_femur(own).placed(centre, tilt, mirrored=sign < 0))
    return Hips(child, child.age + years, pelvis, (femurs[0], femurs[1]))


def _turned(sizes: HipSizes, rng: Generator) -> HipSizes:
    """Turn a leg on the table, inwards or outwards: what the film then shows of its sizes."""
    turn = float(np.clip(rng.normal(0.0, 0.6), -1.5, 1.5))
    return replace(
        sizes,
        neck_length=sizes.neck_length * (1.0 - 0.08 * abs(turn)),
        neck_shaft_deg=sizes.neck_shaft_deg + 3.0 * turn,
        lesser=max(sizes.lesser * (1.0 + 0.4 * turn), 0.05),
    )
