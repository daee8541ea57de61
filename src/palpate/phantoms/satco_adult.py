"""Adults: how they look, and their arms, hands, trunks and faces as layers."""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from palpate.phantoms.satco_arm import Track, bent
from palpate.phantoms.satco_body import CLOTHS, HAIRS, SKINS, Colour, varied
from palpate.phantoms.satco_outline import Outline, curve, oval, tube
from palpate.phantoms.satco_paint import Fold, Layer, Mark, Solid, shaded
from palpate.phantoms.satco_pose import turned
from palpate.phantoms.satco_signal import Signal
from palpate.phantoms.satco_truth import upright_deg

UPPER_ARM_CM, FOREARM_CM = 28.0, 25.0
# Palm of an adult's hand, (forwards, upwards) in cm from the wrist.
PALM = ((0.0, -2.5), (3.6, -3.7), (8.6, -4.0), (9.6, 0.0), (8.8, 3.7), (3.6, 3.4), (0.0, 2.5))
FINGERS = ((3.0, 5.6), (1.0, 6.6), (-1.1, 6.2), (-3.0, 4.6))
# From the side, (forwards, upwards) from the middle of the head.
FACE = ((2.0, 11.0), (7.6, 7.0), (8.6, 2.0), (11.0, -2.0), (8.8, -4.0), (9.0, -7.0), (7.0, -10.5),
        (2.0, -9.0), (-3.0, -5.0), (-8.0, 1.0), (-6.0, 8.0))  # fmt: skip
SCALP = ((6.8, 8.8), (2.0, 12.4), (-5.0, 11.6), (-10.0, 6.0), (-9.6, -2.0), (-6.5, -6.0),
         (-3.0, -4.0), (-2.0, 2.0), (1.5, 2.5), (3.0, 6.0))  # fmt: skip
# From in front, (right, upwards) from between the shoulders.
JACKET = ((-16.0, -10.0), (-15.0, -34.0), (-16.0, -60.0), (16.0, -60.0), (15.0, -34.0),
          (16.0, -10.0), (13.0, -1.0), (5.0, 3.0), (-5.0, 3.0), (-13.0, -1.0))  # fmt: skip
FRINGE = ((-8.6, 14.0), (-9.0, 21.0), (-5.0, 27.6), (5.0, 27.6), (9.0, 21.0), (8.6, 14.0),
          (7.0, 21.0), (-6.0, 22.5))  # fmt: skip


@dataclass(frozen=True, slots=True)
class Adult:
    """How somebody looks."""

    skin: Colour
    sleeve: Colour
    bare_arms: bool
    hair: Colour
    size: float


def draw_adult(rng: Generator) -> Adult:
    """Draw how somebody looks."""
    return Adult(
        skin=varied(SKINS[rng.integers(len(SKINS))], rng, 6.0),
        sleeve=varied(CLOTHS[rng.integers(len(CLOTHS))], rng, 8.0),
        bare_arms=bool(rng.random() < 0.6),
        hair=varied(HAIRS[rng.integers(len(HAIRS))], rng, 5.0),
        size=float(rng.uniform(0.9, 1.06)),
    )


def reaching(
    adult: Adult,
    shoulder: Track,
    hand: tuple[Track, Signal],
    px: float,
    *,
    hides: bool,
    mirrored: bool = False,
) -> list[Layer]:
    """An arm whose palm is where it should be; ``mirrored`` comes from the right."""
    palm, degrees = hand
    size = px * adult.size
    way = -1.0 if mirrored else 1.0
    wrist = palm - turned([5.2 * way, 0.0], degrees, size)
    span = np.linalg.norm(wrist - shoulder, axis=1)
    # Out of reach, the arm comes from nearer: adults lean.
    lengths = tuple(np.maximum(size * c, 0.53 * span) for c in (UPPER_ARM_CM, FOREARM_CM))
    flip = np.array([way, 1.0])
    upper_deg = bent(shoulder * flip, wrist * flip, (lengths[0], lengths[1]))[:, 0]
    angle = np.radians(upper_deg)
    elbow = shoulder + lengths[0][:, None] * np.stack([way * np.sin(angle), np.cos(angle)], axis=1)
    cloth, shadow = adult.sleeve, 0.3 if hides else 0.0
    upper = tube(shoulder, elbow, size * np.array([5.6, 5.2, 4.6, 4.2]))
    fore = tube(elbow, wrist, size * np.array([4.0, 4.2, 3.9, 3.2, 2.7, 2.4]))
    pieces, lines = _hand(wrist, degrees, size, way)
    creases = [Mark(line, shaded(adult.skin, 0.72), 1) for line in lines]
    return [
        Solid("adult upper arm", (upper,), cloth, 3.2 * px, shadow, hides=hides),
        Solid(
            "adult forearm",
            (fore,),
            adult.skin if adult.bare_arms else cloth,
            2.6 * px,
            shadow,
            hides=hides,
        ),
        Solid("adult hand", pieces, adult.skin, 1.6 * px, shadow, hides=hides),
        *creases,
    ]


def _hand(
    wrist: Track, degrees: Signal, px: float, way: float
) -> tuple[tuple[Outline, ...], list[Outline]]:
    """Palm, fingers and thumb; and the lines between the fingers."""

    def at(forwards: float, upwards: float) -> Track:
        return wrist + turned([way * forwards, upwards], degrees, px)

    palm = curve(np.stack([at(f, u) for f, u in PALM], axis=1), closed=True, samples=4)
    radii = px * np.array([1.0, 0.95, 0.75])
    fingers = [tube(at(8.4, y), at(8.4 + 0.85 * far, 1.02 * y - 0.3), radii) for y, far in FINGERS]
    thumb = tube(at(2.4, 2.2), at(6.2, 6.6), px * np.array([1.4, 1.25, 0.85]))
    gaps = [np.stack([at(9.0, y), at(13.0, y - 0.3)], axis=1) for y in (2.0, -0.05, -2.05)]
    return (palm, *fingers, thumb), gaps


def sitting(adult: Adult, shoulder: Track, hips: Track, px: float) -> list[Layer]:
    """Thigh, trunk, head of somebody who sits on the bench behind the child."""
    size = px * adult.size
    turn = upright_deg(shoulder - hips)
    high = [
        [-9.5, -16.0],
        [-9.5, -4.0],
        [-7.0, 3.5],
        [-1.0, 7.0],
        [5.0, 5.0],
        [8.5, -3.0],
        [10.5, -14.0],
    ]
    low = [[10.5, 12.0], [12.0, 0.0], [8.0, -8.0], [-10.0, -8.0], [-14.0, -2.0], [-12.0, 12.0]]
    still = np.zeros(len(turn))
    outline = [
        *(shoulder + turned(o, turn, size) for o in high),
        *(hips + turned(o, still, size) for o in low),
    ]
    trunk = curve(np.stack(outline, axis=1), closed=True, samples=4)
    ends = [hips + size * np.array(o) for o in ([2.0, 0.0], [36.0, 1.0])]
    thigh = tube(ends[0], ends[1], size * np.array([8.5, 8.2, 6.8]))
    fold = np.stack([shoulder + turned(o, turn, size) for o in ([3.0, -8.0], [0.0, -30.0])], axis=1)
    cloth = shaded(adult.sleeve, 0.92)
    return [
        Solid("adult thigh", (thigh,), (62.0, 64.0, 78.0), 4.0 * px),
        Solid("adult trunk", (trunk,), cloth, 7.0 * px, folds=(Fold(fold, 2.0 * px, -0.1),)),
        *_face(adult, shoulder, turn, size),
    ]


def _face(adult: Adult, shoulder: Track, turn: Signal, size: float) -> list[Layer]:
    """Neck, head, hair, ear and eye of an adult who looks down at the child."""
    head, nod = shoulder + turned([4.0, 21.0], turn, size), turn + 14.0

    def at(forwards: float, upwards: float) -> Track:
        return head + turned([forwards, upwards], nod, size)

    neck = tube(
        shoulder + turned([0.5, 4.0], turn, size), at(-2.0, -3.0), size * np.array([6.0, 5.2])
    )
    outline, scalp = (
        curve(np.stack([at(f, u) for f, u in o], axis=1), closed=True, samples=3)
        for o in (FACE, SCALP)
    )
    brow = np.stack([at(5.8, 2.6), at(8.2, 3.3)], axis=1)
    return [
        Solid("adult neck", (neck,), shaded(adult.skin, 0.85), 3.0 * size),
        Solid("adult head", (outline,), adult.skin, 4.5 * size, 0.2),
        Solid("adult hair", (scalp,), adult.hair, 3.5 * size, 0.1),
        Solid(
            "adult ear",
            (oval(at(-1.4, -0.5), (1.7 * size, 3.0 * size), nod),),
            adult.skin,
            size,
            0.2,
        ),
        Mark(oval(at(7.0, 1.2), (0.8 * size, 0.5 * size), nod, count=10), (46.0, 38.0, 36.0)),
        Mark(brow, shaded(adult.hair, 0.8), 2),
    ]


def standing(adult: Adult, shoulder: Track, px: float) -> list[Layer]:
    """Somebody who stands and looks at the camera, hands folded; ``shoulder`` is its middle."""
    size = px * adult.size
    still = np.zeros(len(shoulder))

    def at(right: float, upwards: float) -> Track:
        return shoulder + turned([right, upwards], still, size)

    trunk = curve(np.stack([at(x, y) for x, y in JACKET], axis=1), closed=True, samples=4)
    legs = tuple(
        tube(at(x, -58.0), at(1.1 * x, -140.0), size * np.array([8.5, 6.0])) for x in (-8.0, 8.0)
    )
    arms = [
        tube(at(side * 15.5, -5.0), at(side * 18.0, -33.0), size * np.array([5.4, 4.4, 4.0]))
        for side in (-1.0, 1.0)
    ]
    fores = [
        tube(at(side * 18.0, -33.0), at(side * 5.0, -44.0), size * np.array([4.0, 3.6, 3.2]))
        for side in (-1.0, 1.0)
    ]
    skin, cloth = shaded(adult.skin, 0.85), shaded(adult.sleeve, 0.8)
    hair = curve(np.stack([at(x, y) for x, y in FRINGE], axis=1), closed=True, samples=4)
    eyes = [oval(at(x, 17.0), (0.9 * size, 0.6 * size), still, count=10) for x in (-3.4, 3.4)]
    return [
        Solid("watcher", legs, (58.0, 60.0, 70.0), 4.0 * px),
        Solid(
            "watcher",
            (tube(at(0.0, 2.0), at(0.0, 10.0), size * np.array([5.5, 5.5])),),
            shaded(skin, 0.85),
            3.0 * px,
        ),
        Solid(
            "watcher",
            (oval(at(0.0, 16.0), (11.0 * size, 8.4 * size), still + 90.0),),
            skin,
            5.0 * px,
            0.2,
        ),
        Solid("watcher", (hair,), shaded(adult.hair, 0.9), 2.0 * px),
        *(Mark(eye, (50.0, 42.0, 40.0)) for eye in eyes),
        Solid("watcher", (trunk,), cloth, 8.0 * px),
        Solid("watcher", tuple(arms), shaded(cloth, 0.97), 3.0 * px, 0.2),
        Solid("watcher", tuple(fores), skin if adult.bare_arms else cloth, 2.6 * px, 0.3),
    ]
