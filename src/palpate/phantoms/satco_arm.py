"""What an arm does: reach, play, go to the mouth, prop on thigh or bench, be drawn back.

Angles of an arm are measured here from straight down, positive forwards, so that nothing wraps.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from numpy.random import Generator

from palpate.phantoms.satco_signal import Signal, weights_of

Track = Float[ndarray, "frame 2"]

# What an arm may do: how likely, how long in s.
STATES: dict[str, tuple[float, tuple[float, float]]] = {
    "front": (0.30, (0.8, 3.0)),
    "reach": (0.16, (0.5, 2.0)),
    "mouth": (0.10, (0.5, 2.0)),
    "back": (0.18, (0.3, 2.0)),
    "thigh": (0.16, (0.3, 2.0)),
    "bench": (0.10, (0.3, 2.0)),
}
FREE = ("front", "reach", "mouth")


@dataclass(frozen=True, eq=False, slots=True)
class ArmPlan:
    """Which state holds when, and where each state puts the wrist.

    Args:
        weights: (frame, state), rows sum to one.
        offsets: of the wrist in cm, (forwards, upwards), from what the state refers to; of
            'back' the two angles in degrees.
    """

    weights: Float[ndarray, "frame 6"]
    offsets: Float[ndarray, "6 2"]


def draw_arm_plan(frames: int, rate_hz: float, rng: Generator) -> ArmPlan:
    """Draw one state after the other; two that touch something are parted by a free one."""
    names = list(STATES)
    likely = np.array([share for share, _ in STATES.values()])
    # A clip has its own habits.
    likely = likely * rng.uniform(0.4, 1.6, len(names))
    states: list[int] = []
    lasts: list[float] = []
    touching = bool(rng.random() < 0.35)
    while sum(lasts) < frames / rate_hz + 1.0:
        allowed = np.array([(name not in FREE) == touching for name in names])
        p = likely * allowed
        state = int(rng.choice(len(names), p=p / p.sum()))
        states.append(state)
        lasts.append(float(rng.uniform(*STATES[names[state]][1])))
        touching = not touching if touching else bool(rng.random() < 0.62)
    low = [[18.0, -12.0], [24.0, -6.0], [7.0, -8.0], [-48.0, 40.0], [9.0, 0.5], [-9.0, -3.2]]
    high = [[24.0, -2.0], [30.0, 8.0], [9.5, -5.0], [-18.0, 105.0], [16.0, 4.0], [2.0, -1.8]]
    return ArmPlan(
        weights=weights_of(states, lasts, len(names), frames, rate_hz),
        offsets=rng.uniform(low, high),
    )


@dataclass(frozen=True, eq=False, slots=True)
class Reach:
    """From where to where an arm reaches, over time: px, y down.

    Args:
        shoulder: of the arm.
        mouth_of: what the state 'mouth' refers to.
        hip: what 'thigh' and 'bench' refer to.
        leans_deg: of the upper trunk, that a drawn back arm goes along with.
        lengths: of upper arm and forearm in px, as they appear.
        px: of a centimetre.
    """

    shoulder: Track
    mouth_of: Track
    hip: Track
    leans_deg: Signal
    lengths: tuple[Signal, Signal]
    px: float


def arm_angles(plan: ArmPlan, reach: Reach) -> Float[ndarray, "frame 2"]:
    """Angles of upper arm and forearm from straight down in degrees, positive forwards."""
    origins = {
        "front": reach.shoulder,
        "reach": reach.shoulder,
        "mouth": reach.mouth_of,
        "thigh": reach.hip,
        "bench": reach.hip,
    }
    angles = np.zeros((len(reach.shoulder), 2))
    for i, name in enumerate(STATES):
        if name == "back":
            one = plan.offsets[i] - 0.3 * reach.leans_deg[:, None] * [1.0, 0.0]
        else:
            goal = origins[name] + reach.px * plan.offsets[i] * [1.0, -1.0]
            one = bent(reach.shoulder, goal, reach.lengths)
        angles += plan.weights[:, i : i + 1] * one
    return angles


def bent(start: Track, goal: Track, lengths: tuple[Signal, Signal]) -> Float[ndarray, "frame 2"]:
    """Angles of two links that end at ``goal``, or as near as they reach; the elbow hangs down.

    Example:
        >>> ones = np.ones(1)
        >>> bent(np.zeros((1, 2)), np.array([[1.0, 1.0]]), (ones, ones)).round().tolist()
        [[0.0, 90.0]]
    """
    upper, fore = lengths
    way = goal - start
    far = np.clip(np.linalg.norm(way, axis=1), 1.05 * np.abs(upper - fore), 0.995 * (upper + fore))
    towards = np.arctan2(way[:, 0], way[:, 1])
    at_start = np.arccos((upper**2 + far**2 - fore**2) / (2 * upper * far))
    at_goal = np.arccos((fore**2 + far**2 - upper**2) / (2 * fore * far))
    return np.degrees(np.stack([towards - at_start, towards + at_goal], axis=1))
