"""From angles to joints: an infant's skeleton on a mattress, at each time of a movement.

The crib's frame: x right, y down (towards the feet), z into the mattress, in mm; so what lies on
the mattress has a negative z. Bones keep their lengths; a limb that would sink into the mattress
or the trunk is turned upwards at its joint.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from palpate.phantoms.infant_body import InfantBody

Vectors = Float[ndarray, "frame 3"]
Angles = Float[ndarray, " frame"]
# What a limb's four angles say; of each limb in the order of LIMBS.
OUT, UP, TWIST, BEND = 0, 1, 2, 3
# Where a joint bends to, as (to the side, to the crown, to the front) of the trunk.
_ELBOW_TO = (-0.25, 0.90, 0.22)
_KNEE_TO = (-0.50, -0.85, -0.15)


@dataclass(frozen=True, eq=False, slots=True)
class Pose:
    """How an infant lies, at each time.

    Args:
        pelvis: middle of the hips in mm of the crib.
        turn: direction of the body in the picture's plane in rad; 0 is head up, positive
            clockwise.
        roll: about the long axis in rad; 0 is on the back, positive on its right side.
        sway: of the shoulders against the hips in rad, positive to its left.
        limbs: for each limb OUT (0 along the trunk to the feet, a right angle to the side),
            UP (to the front), TWIST of the joint's bend, BEND (0 is straight), in rad.
        head: turn to the left and nod in rad.
    """

    pelvis: Vectors
    turn: Angles
    roll: Angles
    sway: Angles
    limbs: Float[ndarray, "frame 4 4"]
    head: Float[ndarray, "frame 2"]


@dataclass(frozen=True, eq=False, slots=True)
class Skeleton:
    """Where everything is in the crib's frame, in mm, at each time.

    Args:
        joints: in the order of the scheme.
        axes: of the trunk as rows: to its left, to the crown, to the front.
        head: middle of the head.
        head_axes: as ``axes``.
        hands: ends of the hands, right and left.
        toes: right and left.
        heels: right and left.
    """

    joints: Float[ndarray, "frame 12 3"]
    axes: Float[ndarray, "frame 3 3"]
    head: Vectors
    head_axes: Float[ndarray, "frame 3 3"]
    hands: Float[ndarray, "frame 2 3"]
    toes: Float[ndarray, "frame 2 3"]
    heels: Float[ndarray, "frame 2 3"]


def build_skeleton(body: InfantBody, pose: Pose) -> Skeleton:
    """Build the skeleton of each time upon its angles."""
    axes = _trunk_axes(pose)
    left, crown, front = axes[:, 0], axes[:, 1], axes[:, 2]
    leaning = np.cos(pose.sway)[:, None] * crown + np.sin(pose.sway)[:, None] * left
    chest = pose.pelvis + body.trunk * leaning
    joints = np.empty((len(pose.turn), 12, 3))
    hands, toes, heels = (np.empty((len(joints), 2, 3)) for _ in range(3))
    for limb in range(4):
        arm, side = limb < 2, (-1.0, 1.0)[limb % 2]
        lengths = body.arm if arm else body.leg
        root = (
            chest + side * body.shoulders * left if arm else pose.pelvis + side * body.hips * left
        )
        first, second = _directions(pose.limbs[:, limb], (side * left, crown, front), arm=arm)
        low = body.thick(0.030 if arm else 0.036)
        first = _raised(first, (low + root[:, 2]) / lengths[0])
        middle = root + lengths[0] * first
        second = _raised(second, (low + middle[:, 2]) / lengths[1])
        if arm:
            over = _trunk_top(body, pose.pelvis, axes, middle + lengths[1] * second)
            second = _raised(second, np.minimum((over + low + middle[:, 2]) / lengths[1], 0.8))
        end = middle + lengths[1] * second
        joints[:, 3 * limb : 3 * limb + 3] = np.stack([root, middle, end], axis=1)
        if arm:
            hands[:, limb] = end + lengths[2] * _raised(second, (low + end[:, 2]) / lengths[2])
        else:
            fore = _unit(first - _dot(first, second) * second + 0.2 * front)
            heel = end + lengths[2] * (0.16 * second - 0.22 * fore)
            toe = end + lengths[2] * (0.28 * second + 0.72 * fore)
            heels[:, limb - 2], toes[:, limb - 2] = _over(heel, 0.6 * low), _over(toe, 0.6 * low)
    head, head_axes = _head(body, pose, chest, axes)
    return Skeleton(joints, axes, head, head_axes, hands, toes, heels)


def _trunk_axes(pose: Pose) -> Float[ndarray, "frame 3 3"]:
    c, s, zero = np.cos(pose.turn), np.sin(pose.turn), np.zeros_like(pose.turn)
    flat_left = np.stack([c, s, zero], axis=1)
    crown = np.stack([s, -c, zero], axis=1)
    flat_front = np.stack([zero, zero, zero - 1.0], axis=1)
    cr, sr = np.cos(pose.roll)[:, None], np.sin(pose.roll)[:, None]
    return np.stack([cr * flat_left + sr * flat_front, crown, cr * flat_front - sr * flat_left], 1)


def _directions(
    angles: Float[ndarray, "frame 4"], axes: tuple[Vectors, Vectors, Vectors], *, arm: bool
) -> tuple[Vectors, Vectors]:
    """Of a limb's upper and lower part; ``axes`` point outwards, to the crown, to the front."""
    out, crown, front = axes
    c, s = np.cos(angles)[..., None], np.sin(angles)[..., None]
    first = c[:, UP] * (s[:, OUT] * out - c[:, OUT] * crown) + s[:, UP] * front
    aim = _ELBOW_TO if arm else _KNEE_TO
    to = aim[0] * out + aim[1] * crown + aim[2] * front
    across = _unit(to - _dot(to, first) * first)
    aside = np.cross(first, across)
    towards = c[:, TWIST] * across + s[:, TWIST] * aside
    return first, c[:, BEND] * first + s[:, BEND] * towards


def _raised(direction: Vectors, least: Angles) -> Vectors:
    """Turn a unit vector upwards until its part to the ceiling is at least so much, softly."""
    up = -direction[:, 2]
    least = np.minimum(least, 0.9)
    soft = 0.5 * (up + least + np.sqrt((up - least) ** 2 + 0.006))
    soft = np.minimum(soft, np.maximum(up, 0.985))
    level = np.maximum(np.hypot(direction[:, 0], direction[:, 1]), 1e-9)
    scale = np.sqrt(1.0 - soft**2) / level
    return np.stack([scale * direction[:, 0], scale * direction[:, 1], -soft], axis=1)


def _trunk_top(
    body: InfantBody, pelvis: Vectors, axes: Float[ndarray, "frame 3 3"], point: Vectors
) -> Angles:
    """How high the trunk is over the mattress where a point is, about."""
    away = point - pelvis
    flat = axes[:, 1, :2]
    along = (away[:, :2] * flat).sum(1) / body.trunk - 0.45
    side = (away[:, 0] * -flat[:, 1] + away[:, 1] * flat[:, 0]) / body.shoulders
    return body.thick(0.21) * np.exp(-((along / 0.75) ** 4) - (side / 1.15) ** 4)


def _head(
    body: InfantBody, pose: Pose, chest: Vectors, axes: Float[ndarray, "frame 3 3"]
) -> tuple[Vectors, Float[ndarray, "frame 3 3"]]:
    """The head lies on the mattress whatever it does, and turns to a side."""
    left, crown, front = axes[:, 0], axes[:, 1], axes[:, 2]
    middle = chest + (0.035 * body.length + 0.66 * body.head[1]) * crown
    middle[:, 2] = -0.97 * (
        body.head[2] + (body.head[0] - body.head[2]) * np.abs(np.sin(pose.head[:, 0] + pose.roll))
    )
    turn, nod = pose.head[:, :1], pose.head[:, 1:]
    face = np.cos(turn) * front + np.sin(turn) * left
    ear = np.cos(turn) * left - np.sin(turn) * front
    top = np.cos(nod) * crown + np.sin(nod) * face
    face = np.cos(nod) * face - np.sin(nod) * crown
    return middle, np.stack([ear, top, face], axis=1)


def _over(point: Vectors, low: float) -> Vectors:
    """A point that is not below the mattress's surface."""
    point[:, 2] = np.minimum(point[:, 2], -low)
    return point


def _dot(a: Vectors, b: Vectors) -> Float[ndarray, "frame 1"]:
    return (a * b).sum(axis=1, keepdims=True)


def _unit(vectors: Vectors) -> Vectors:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
