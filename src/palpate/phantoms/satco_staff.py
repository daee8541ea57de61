"""The adults in the picture: a therapist whose hands hold, a helper who reaches in, a watcher.

The therapist sits behind the child. The near hand is in front of the child's side and hides what
it holds; the far hand is behind it.
"""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from numpy.random import Generator
from scipy.ndimage import gaussian_filter1d

from palpate.phantoms.satco_adult import Adult, reaching, sitting, standing
from palpate.phantoms.satco_arm import Track
from palpate.phantoms.satco_body import CLOTHS, Colour, varied
from palpate.phantoms.satco_outline import oval
from palpate.phantoms.satco_paint import Layer, Mark, Solid, shaded
from palpate.phantoms.satco_pose import Pose, turned
from palpate.phantoms.satco_signal import Signal, bumps, drift
from palpate.phantoms.satco_torso import C7, L3, S1, T3, T7, T11, Torso
from palpate.phantoms.satco_truth import LEVELS

# Where the middle of the palm is at each level: vertex of the back, depth from 0 at the back to
# 1 in front. Hands that are free hover where they would catch.
HOLDS: dict[str, tuple[float, float]] = {
    "head": (0.5 * (C7 + T3), 0.30),
    "upper thoracic": (0.5 * (T3 + T7), 0.28),
    "mid thoracic": (0.5 * (T7 + T11), 0.28),
    "lower thoracic": (0.5 * (T11 + L3), 0.28),
    "upper lumbar": (0.5 * (L3 + S1), 0.30),
    "lower lumbar": (S1 - 2.0, 0.36),
    "free sitting": (0.5 * (T7 + T11), 0.28),
}


@dataclass(frozen=True, eq=False, slots=True)
class Visit:
    """A hand that reaches in from the front: how far it is there, 0 to 1, and where it goes.

    Args:
        there: over time.
        goal: index of the landmark that it comes near.
        offset: from there in cm (forwards, upwards).
        tilt: of the hand in degrees.
    """

    there: Signal
    goal: int
    offset: Float[ndarray, "2"]
    tilt: float


@dataclass(frozen=True, eq=False, slots=True)
class Staff:
    """Who is there in a clip and what they do.

    Args:
        level: that is tested; the therapist holds right below.
        grip: how far the palm is off its place, cm (forwards, upwards) over time.
        tilt: of the holding hand against the trunk in degrees.
        behind: the therapist's shoulder from the seat, cm (forwards, upwards).
        sway: of adults, in cm over time.
        arm_outside: whether the child's right arm is in front of the holding hand.
        toy: colour of what the helper offers; None for a bare hand.
        watcher: place of somebody behind the bench in cm from the seat; None for nobody.
    """

    level: str
    therapist: Adult
    helper: Adult
    other: Adult
    grip: Track
    tilt: float
    behind: Float[ndarray, "2"]
    sway: Track
    arm_outside: bool
    visits: tuple[Visit, ...]
    toy: Colour | None
    watcher: float | None


def draw_staff(
    level: str, adults: tuple[Adult, Adult, Adult], time: tuple[int, float], rng: Generator
) -> Staff:
    """Draw what adults do in a clip: the grip shifts, hands reach in once or twice.

    Args:
        level: that is tested.
        adults: therapist, helper, watcher: the same for all clips of a child.
        time: number of frames and their rate in Hz.
        rng: of the clip.
    """
    frames, rate = time
    free = level == LEVELS[-1]
    slow = np.stack([drift(rng, frames, rate, 0.8) for _ in range(2)], axis=1)
    regrip = bumps(rng, frames, rate, every_s=4.0, lasts_s=(0.5, 1.6))[:, None]
    away = (
        rng.normal([0.0, 0.0], [0.8, 1.2])
        + 0.6 * slow
        + regrip * rng.uniform([-7.0, -4.5], [-1.0, 4.5])
    )
    if free:
        away = away + np.array([-10.0 - 3.0 * rng.random(), rng.uniform(-4.0, 6.0)])
    count = int(rng.integers(2, 4)) if free else int(rng.integers(1, 3))
    return Staff(
        level=level,
        therapist=adults[0],
        helper=adults[1],
        other=adults[2],
        grip=away,
        tilt=float(rng.normal(4.0, 9.0)),
        behind=rng.uniform([-44.0, 38.0], [-35.0, 48.0]),
        sway=0.9 * np.stack([drift(rng, frames, rate, 1.2) for _ in range(2)], axis=1),
        arm_outside=bool(rng.random() < 0.7),
        visits=tuple(_visit(time, rng) for _ in range(count)),
        toy=varied(CLOTHS[rng.integers(len(CLOTHS))], rng, 8.0) if rng.random() < 0.6 else None,
        watcher=float(rng.uniform(-32.0, 58.0)) if rng.random() < 0.45 else None,
    )


def _visit(time: tuple[int, float], rng: Generator) -> Visit:
    frames, rate = time
    middle, lasts = rng.uniform(0.15, 0.85) * frames / rate, rng.uniform(1.2, 3.0)
    away = np.abs(np.arange(frames) / rate - middle) / (lasts / 2)
    there = 0.5 * (1 + np.cos(np.pi * np.clip(2.2 * away - 1.2, 0.0, 1.0)))
    goal = int(rng.choice([0, 3, 4, 5, 6, 8, 9, 10, 11, 12]))
    return Visit(
        there, goal, rng.uniform([-4.0, -3.0], [2.0, 3.0]), float(rng.uniform(-25.0, 25.0))
    )


def behind_layers(staff: Staff, pose: Pose, torso: Torso) -> list[Layer]:
    """What adults show behind the child: the therapist and the far arm."""
    px = pose.px
    anchor, degrees = _held(staff, pose, torso)
    shoulder = _shoulder(staff, pose)
    far = anchor + px * np.array([3.5, 1.0])
    dim = replace(staff.therapist, skin=shaded(staff.therapist.skin, 0.8))
    return [
        *sitting(staff.therapist, shoulder, pose.seat + px * np.array([-48.0, -8.0]), px),
        *reaching(
            dim, shoulder + px * np.array([5.0, -1.0]), (far, degrees - 6.0), px, hides=False
        ),
    ]


def holding_layers(staff: Staff, pose: Pose, torso: Torso) -> list[Layer]:
    """The therapist's near arm and hand."""
    hand = _held(staff, pose, torso)
    return reaching(staff.therapist, _shoulder(staff, pose), hand, pose.px, hides=True)


def helper_layers(staff: Staff, pose: Pose) -> list[Layer]:
    """The helper's arm from the front, with or without a toy."""
    px, points = pose.px, pose.points
    rest = pose.seat + px * (np.array([58.0, -30.0]) + staff.sway * [1.5, 1.0])
    palm, tilt = rest, np.zeros(len(rest))
    for visit in staff.visits:
        goal = gaussian_filter1d(points[:, visit.goal], 3.0, axis=0, mode="nearest")
        goal = goal + px * visit.offset * [1.0, -1.0]
        palm = palm + visit.there[:, None] * (goal - palm)
        tilt = tilt + visit.there * (visit.tilt - tilt)
    shoulder = pose.seat + px * (np.array([80.0, -46.0]) + staff.sway)
    layers = reaching(staff.helper, shoulder, (palm, tilt), px, hides=True, mirrored=True)
    if staff.toy is None:
        return layers
    ball = palm + turned([-9.5, 0.5], tilt, px)
    toy = Solid(
        "toy", (oval(ball, (4.2 * px, 4.2 * px), tilt),), staff.toy, 3.0 * px, 0.25, hides=True
    )
    stripe = oval(ball, (1.2 * px, 4.0 * px), tilt + 25.0, count=12)
    return [toy, Mark(stripe, shaded(staff.toy, 1.5)), *layers]


def _held(staff: Staff, pose: Pose, torso: Torso) -> tuple[Track, Signal]:
    """Middle of the holding palm and the way that its fingers point, over time."""
    chain, px = pose.motion.chain, pose.px
    at, degrees = torso.at(*HOLDS[staff.level]), chain[:, 1:6].mean(axis=1)
    # A hand follows what it holds, but not its quickest shakes.
    at = gaussian_filter1d(at, 2.0, axis=0, mode="nearest")
    degrees = gaussian_filter1d(degrees, 4.0, mode="nearest") + staff.tilt
    return at + turned(staff.grip, degrees, px), degrees


def _shoulder(staff: Staff, pose: Pose) -> Track:
    return pose.seat + pose.px * (staff.behind + staff.sway) * [1.0, -1.0]


def watcher_layers(staff: Staff, pose: Pose) -> list[Layer]:
    """Somebody who stands behind the bench, as in the first frame; or nobody."""
    if staff.watcher is None:
        return []
    return standing(
        staff.other, pose.seat[:1] + pose.px * np.array([[staff.watcher, -58.0]]), pose.px
    )
