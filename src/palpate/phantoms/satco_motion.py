"""How a child moves in one clip, before it has a body: angles over time.

The trunk is a chain from pelvis to head. A clip has a posture of its own (leaning, slumped,
arched), drifts about it, and is thrown out of it by events. Below the held level hands steady
the chain; above it the child has little control, the less the farther up.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from numpy.random import Generator

from palpate.phantoms.satco_signal import Signal, bumps, drift
from palpate.phantoms.satco_truth import LEVELS

# Of the chain: pelvis, S1-L3, L3-T11, T11-T7, T7-T3, T3-C7, neck, head; all in degrees from
# the upright, positive towards the front, when the child sits as it should.
NEUTRAL_DEG = np.array([0.0, 7.0, -3.0, -5.0, 7.0, 20.0, 37.0, 0.0])
LEAN = np.array([0.7, 0.85, 1.0, 1.05, 1.0, 0.95, 0.85, 0.6])
SLUMP = np.array([-1.0, -1.15, -0.6, 0.5, 0.85, 1.0, 0.8, 0.6])
# The link of the chain that is held when each level is tested.
HELD = dict(zip(LEVELS, (5, 4, 3, 2, 1, 0, -1), strict=True))


@dataclass(frozen=True, eq=False, slots=True)
class Motion:
    """Angles over the frames of a clip, in degrees.

    Args:
        chain: pelvis, S1-L3, L3-T11, T11-T7, T7-T3, T3-C7, neck, head, from the upright.
        yaw: of the head, positive towards the camera.
        aside: of the right arm out of the plane of the picture; the left arm stays in it.
        knee: of the right and the left shank from straight down, positive forwards.
        seat: how far the child has slid, in cm forwards.
    """

    chain: Float[ndarray, "frame 8"]
    yaw: Signal
    aside: Signal
    knee: Float[ndarray, "frame 2"]
    seat: Signal


def draw_motion(level: str, frames: int, rate_hz: float, rng: Generator) -> Motion:
    """Draw how a child that is held at ``level`` moves."""
    lean = _unrest(rng, frames, rate_hz, still=5.0, moving=4.0, thrown=17.0)
    slump = _unrest(rng, frames, rate_hz, still=9.0, moving=4.0, thrown=13.0)
    nod = _unrest(rng, frames, rate_hz, still=7.0, moving=6.0, thrown=22.0)
    local = np.stack(
        [_unrest(rng, frames, rate_hz, still=9.0, moving=5.0, thrown=0.0) for _ in LEAN], axis=1
    )
    # Neighbours bend together: a back has no kinks.
    local = 0.5 * local + 0.25 * np.roll(local, 1, axis=1) + 0.25 * np.roll(local, -1, axis=1)
    away = lean[:, None] * LEAN + slump[:, None] * SLUMP + 1.5 * local
    away = away * freedom(level)
    away[:, 0] += 5.0 * rng.standard_normal()
    away[:, 6] += 0.35 * nod
    away[:, 7] += nod
    return Motion(
        chain=NEUTRAL_DEG + _bounded(away, 42.0),
        yaw=_bounded(_unrest(rng, frames, rate_hz, still=4.0, moving=5.0, thrown=10.0), 22.0),
        aside=18.0 + 14.0 * np.tanh(drift(rng, frames, rate_hz, 0.6)),
        knee=np.stack([_swing(rng, frames, rate_hz) for _ in range(2)], axis=1),
        seat=0.5 * rng.standard_normal() + 0.25 * drift(rng, frames, rate_hz, 1.5),
    )


def freedom(level: str) -> Float[ndarray, "8"]:
    """How freely each link moves when ``level`` is tested: least at the hands below.

    Example:
        >>> freedom("upper thoracic").round(1).tolist()
        [0.9, 0.9, 0.9, 0.8, 0.8, 1.0, 1.2, 1.2]
        >>> freedom("free sitting").tolist()
        [0.95, 0.95, 0.95, 0.95, 0.95, 0.95, 0.95, 0.95]
    """
    if level == LEVELS[-1]:
        return np.full(8, 0.95)
    above = np.arange(8) - HELD[level]
    rise = 1 / (1 + np.exp(-(above - 0.8) / 0.45))
    return 0.78 + 0.04 * np.minimum(np.maximum(-above, 0), 3) + 0.42 * rise


def _unrest(
    rng: Generator, frames: int, rate_hz: float, *, still: float, moving: float, thrown: float
) -> Signal:
    """A posture of the clip, drift about it, and events that throw out of it either way."""
    posture = still * float(np.clip(rng.standard_normal(), -1.8, 1.8))
    slow = moving * drift(rng, frames, rate_hz, float(rng.uniform(0.5, 1.4)))
    there = bumps(rng, frames, rate_hz, every_s=5.0, lasts_s=(0.6, 2.2))
    back = bumps(rng, frames, rate_hz, every_s=6.5, lasts_s=(0.6, 2.2))
    return posture + slow + thrown * (there - back)


def _swing(rng: Generator, frames: int, rate_hz: float) -> Signal:
    times = np.arange(frames) / rate_hz
    kick = bumps(rng, frames, rate_hz, every_s=6.0, lasts_s=(0.6, 2.5))
    phase = rng.uniform(0.0, 2 * np.pi)
    pendulum = np.sin(2 * np.pi * rng.uniform(0.8, 1.3) * times + phase)
    return rng.uniform(-6.0, 10.0) + kick * (12.0 * pendulum + rng.uniform(0.0, 20.0))


def _bounded(degrees: Float[ndarray, "*any"], most: float) -> Float[ndarray, "*any"]:
    """Keep within ``most`` without a kink."""
    return most * np.tanh(degrees / most)
