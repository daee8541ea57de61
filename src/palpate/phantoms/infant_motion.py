"""How an infant moves by itself: writhing, cramped-synchronised, or hardly at all.

A movement is a function of time: it can be asked at any times, at any rate, a day long, piece by
piece. Writhing movements are smooth, come and go, and wander through arms and legs in a changing
sequence; cramped-synchronised ones are stiff, and all limbs and the trunk contract and relax
together; see Einspieler and Prechtl 2005. The amounts are plausible, not measured.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from numpy.random import Generator

from palpate.phantoms.infant_body import InfantBody
from palpate.phantoms.infant_pose import Pose
from palpate.phantoms.infant_signal import Times, Wander, draw_wander, risen
from palpate.phantoms.infant_truth import CRAMPED, KINDS, REST, WRITHING

Limbs = Float[ndarray, "frame 4 4"]
# How long one kind of movement passes into the next.
PASSAGE_S = 0.8
# Limits of OUT, UP, TWIST, BEND in degrees, of an arm and of a leg.
_LOW = np.radians([[5.0, -25.0, -80.0, 8.0], [10.0, -10.0, -45.0, 10.0]])
_HIGH = np.radians([[150.0, 58.0, 80.0, 135.0], [85.0, 72.0, 45.0, 130.0]])
_AS_LIMBS = [0, 0, 1, 1]


@dataclass(frozen=True, eq=False, slots=True)
class Motion:
    """All that is drawn of a movement.

    Args:
        parts: (start in s, kind), in order; the first starts at 0.
        home: the angles about which each limb moves, in rad, as :class:`Pose` has them.
        pelvis: where the middle of the hips lies, in mm of the crib.
        turn: direction of the body in rad.
        roll: about its long axis in rad.
        slow: drift of the posture.
        quick: of every angle on its own.
        shared: of all limbs alike.
        bursts: when there is movement.
        phase: which limb moves more, in the course of time.
        trunk: of place, direction, roll, sway and head.
    """

    parts: tuple[tuple[float, str], ...]
    home: Float[ndarray, "4 4"]
    pelvis: Float[ndarray, "3"]
    turn: float
    roll: float
    slow: Wander
    quick: Wander
    shared: Wander
    bursts: Wander
    phase: Wander
    trunk: Wander

    def pose(self, times_s: Times) -> Pose:
        """How the infant lies at these times."""
        weights = self.weights(times_s)
        angles = self.home + np.radians([9.0, 6.0, 9.0, 11.0]) * _limbs(self.slow.at(times_s))
        stir = 0.25 * np.ones(len(times_s))
        for kind, move in ((WRITHING, _writhing), (CRAMPED, _cramped), (REST, _resting)):
            weight = weights[:, KINDS.index(kind)]
            if weight.any():
                limbs, trunk = move(self, times_s)
                angles += weight[:, None, None] * limbs
                stir += weight * trunk
        angles = _within(angles)
        about = self.trunk.at(times_s)
        breath = -0.8 * np.sin(2 * np.pi * 0.85 * times_s + about[:, 6])
        moved = np.stack([5.0 * stir * about[:, 0], 5.0 * stir * about[:, 1], breath], axis=1)
        return Pose(
            pelvis=self.pelvis + moved,
            turn=self.turn + 0.05 * about[:, 2],
            roll=self.roll + 0.09 * stir * about[:, 3],
            sway=0.10 * stir * about[:, 4],
            limbs=angles,
            head=np.stack([0.55 * np.tanh(about[:, 5]) + self.roll, 0.12 * about[:, 7]], axis=1),
        )

    def weights(self, times_s: Times) -> Float[ndarray, "frame kind"]:
        """How much each of KINDS holds at these times; rows sum to one."""
        weights = np.zeros((len(times_s), len(KINDS)))
        weights[:, KINDS.index(self.parts[0][1])] = 1.0
        for start, kind in self.parts[1:]:
            share = np.clip((times_s - start) / PASSAGE_S + 0.5, 0.0, 1.0)
            share = (share * share * (3.0 - 2.0 * share))[:, None]
            weights = (1.0 - share) * weights + share * np.eye(len(KINDS))[KINDS.index(kind)]
        return weights

    def kinds(self, times_s: Times) -> tuple[str, ...]:
        """The kind of movement at each of these times."""
        starts = np.array([start for start, _ in self.parts])
        at = np.searchsorted(starts, times_s, side="right") - 1
        return tuple(self.parts[i][1] for i in np.maximum(at, 0))


def _writhing(motion: Motion, times_s: Times) -> tuple[Limbs, Float[ndarray, " frame"]]:
    """Every angle by itself; bursts and rests; the sequence through the limbs changes."""
    burst = risen(motion.bursts.at(times_s)[:, 0], 3.0, -0.3)
    turns = 2 * np.pi * times_s / 4.2 + 2.2 * motion.phase.at(times_s)[:, 0]
    first = np.array([0.0, 2.0, 4.2, 5.5])
    share = 0.25 + 0.75 * (0.5 + 0.5 * np.cos(turns[:, None] - first))
    moves = np.radians([20.0, 15.0, 26.0, 34.0]) * _limbs(motion.quick.at(times_s))
    return (burst[:, None] * share)[:, :, None] * moves, 0.8 * burst


def _cramped(motion: Motion, times_s: Times) -> tuple[Limbs, Float[ndarray, " frame"]]:
    """All limbs straighten and lift at once, tremble together, and relax at once."""
    burst = risen(motion.bursts.at(times_s)[:, 1], 9.0, 0.1)
    shared = motion.shared.at(times_s)
    stiff = np.radians([[-8.0, 16.0, 0.0, -48.0], [-12.0, 10.0, 0.0, -42.0]])[_AS_LIMBS]
    shaken = np.radians([5.0, 5.0, 5.0, 9.0]) * shared[:, None, :]
    alone = np.radians([1.0, 1.0, 1.5, 2.0]) * _limbs(motion.quick.at(times_s))
    return burst[:, None, None] * (stiff + shaken) + alone, 0.6 * burst


def _resting(motion: Motion, times_s: Times) -> tuple[Limbs, Float[ndarray, " frame"]]:
    """Hardly anything, and now and then a twitch of one limb."""
    twitch = risen(motion.bursts.at(times_s)[:, 2:6], 9.0, 1.7)
    moves = np.radians([6.0, 5.0, 8.0, 12.0]) * _limbs(motion.quick.at(times_s))
    return (0.05 + twitch)[:, :, None] * moves, np.zeros(len(times_s))


def _limbs(signals: Float[ndarray, "frame 16"]) -> Limbs:
    return signals.reshape(-1, 4, 4)


def _within(angles: Float[ndarray, "*frame 4 4"]) -> Float[ndarray, "*frame 4 4"]:
    """Bring angles softly within what joints allow."""
    low, high = _LOW[_AS_LIMBS], _HIGH[_AS_LIMBS]
    middle, half = (low + high) / 2, (high - low) / 2
    return middle + half * np.tanh((angles - middle) / half)


def draw_motion(
    rng: Generator, body: InfantBody, seconds: float, parts: tuple[tuple[float, str], ...]
) -> Motion:
    """Draw how an infant lies and moves for so long; more seconds begin with the same movement."""
    lying, slow, quick, shared, bursts, phase, trunk = rng.spawn(7)
    turn = float(np.radians(np.clip(lying.normal(0.0, 16.0), -33.0, 33.0)))
    aside = lying.random() < 0.25
    roll = (
        lying.uniform(28.0, 62.0) * lying.choice([-1.0, 1.0]) if aside else lying.normal(0.0, 7.0)
    )
    roll = float(np.radians(roll))
    raised = body.thick(0.098) + body.thick(0.03) * np.sin(roll) ** 2
    crown = np.array([np.sin(turn), -np.cos(turn)])
    pelvis = -0.11 * body.length * crown + lying.uniform(-8.0, 8.0, 2)
    usual = np.radians([[75.0, 10.0, 5.0, 85.0], [50.0, 26.0, 0.0, 86.0]])[_AS_LIMBS]
    # On its side, what is on top falls forwards.
    top = np.clip(np.array([-1.0, 1.0, -1.0, 1.0]) * np.sin(roll), 0.0, 1.0)[:, None]
    usual = usual + top * np.radians([[-55.0, 55.0, 0.0, 0.0], [-38.0, 45.0, 0.0, 0.0]])[_AS_LIMBS]
    spread = np.radians([[24.0, 10.0, 32.0, 22.0], [10.0, 10.0, 15.0, 18.0]])[_AS_LIMBS]
    return Motion(
        parts=parts,
        home=_within(usual + spread * lying.standard_normal((4, 4))),
        pelvis=np.array([pelvis[0], pelvis[1], -raised]),
        turn=turn,
        roll=roll,
        slow=draw_wander(slow, seconds, 7.0, 16),
        quick=draw_wander(quick, seconds, 0.52, 16),
        shared=draw_wander(shared, seconds, 0.45, 4),
        bursts=draw_wander(bursts, seconds, 1.1, 6),
        phase=draw_wander(phase, seconds, 3.0, 1),
        trunk=draw_wander(trunk, seconds, 2.2, 8),
    )


def draw_parts(rng: Generator, seconds: float) -> tuple[tuple[float, str], ...]:
    """Draw which kinds of movement follow each other, each for 2.5 to 5 s."""
    parts: list[tuple[float, str]] = [(0.0, str(rng.choice(KINDS)))]
    while parts[-1][0] < seconds:
        others = [kind for kind in KINDS if kind != parts[-1][1]]
        parts.append((parts[-1][0] + float(rng.uniform(2.5, 5.0)), str(rng.choice(others))))
    return tuple(parts)
