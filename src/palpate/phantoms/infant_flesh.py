"""The flesh on an infant's bones: trunk, head, limbs, hands, feet and diaper as round solids."""

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from palpate.phantoms.infant_body import InfantBody
from palpate.phantoms.infant_camera import InfantCamera
from palpate.phantoms.infant_pose import Skeleton
from palpate.phantoms.infant_solid import Capsule, Ellipsoid, Solid

Point = Float[ndarray, "3"]
# Radius of a limb at shoulder, elbow, wrist and hip, knee, ankle, as shares of the length.
_ARM = (0.040, 0.030, 0.023)
_LEG = (0.058, 0.040, 0.027)
# How far a joint lies under the skin at most, seen from any side, in the same order.
_UNDER_ARM = (0.052, 0.036, 0.029)
_UNDER_LEG = (0.108, 0.050, 0.036)


def under_skin_mm(body: InfantBody) -> Float[ndarray, "12"]:
    """How far a joint may lie behind the surface that is its own, in mm."""
    return np.array([body.thick(share) for share in (*_UNDER_ARM * 2, *_UNDER_LEG * 2)])


def flesh(
    body: InfantBody, skeleton: Skeleton, frame: int, camera: InfantCamera
) -> list[tuple[Solid, float]]:
    """The solids of a frame, in the camera's frame, and how softly each joins the others."""
    soft = body.thick(0.02)
    limbs = [part for limb in range(4) for part in _limb(body, skeleton, frame, limb, camera)]
    return [
        *((solid, soft) for solid in _trunk(body, skeleton, frame, camera)),
        *((solid, soft / 2) for solid in _head(body, skeleton, frame, camera)),
        *((solid, 0.6 * soft) for solid in limbs),
    ]


def _trunk(body: InfantBody, skeleton: Skeleton, frame: int, camera: InfantCamera) -> list[Solid]:
    joints, axes = skeleton.joints[frame], skeleton.axes[frame]
    chest, pelvis = joints[[0, 3]].mean(axis=0), joints[[6, 9]].mean(axis=0)
    spine = chest - pelvis
    length = float(np.linalg.norm(spine))
    turned = axes @ camera.rotation.T

    def lump(at: float, front: float, halves: tuple[float, float, float]) -> Ellipsoid:
        centre = camera.seen(pelvis + at * spine + body.thick(front) * axes[2])
        return Ellipsoid(centre, turned, halves)

    t = body.thick
    parts: list[Solid] = [
        lump(0.70, 0.004, (1.02 * body.shoulders, 0.46 * length, t(0.090))),
        lump(0.34, 0.012, (t(0.124), 0.46 * length, t(0.098))),
        lump(-0.02, 0.0, (t(0.126), 0.28 * length, t(0.094))),
    ]
    for shoulder, hip in ((0, 6), (3, 9)):
        top = joints[shoulder] + 0.34 * (chest - joints[shoulder]) - 0.10 * spine
        low = joints[hip] + 0.10 * (joints[hip] - pelvis)
        parts.append(Capsule(camera.seen(top), camera.seen(low), (t(0.062), t(0.068))))
        neck = joints[shoulder] + 0.8 * (chest - joints[shoulder]) + 0.10 * spine
        yoke = (t(0.042), t(0.058))
        parts.append(Capsule(camera.seen(joints[shoulder]), camera.seen(neck), yoke))
    return parts


def _head(body: InfantBody, skeleton: Skeleton, frame: int, camera: InfantCamera) -> list[Solid]:
    middle, axes = skeleton.head[frame], skeleton.head_axes[frame]
    chest = skeleton.joints[frame, [0, 3]].mean(axis=0)
    turned = axes @ camera.rotation.T
    side, top, face = body.head

    def at(left: float, up: float, front: float) -> Point:
        return camera.seen(middle + np.array([left * side, up * top, front * face]) @ axes)

    parts: list[Solid] = [
        Ellipsoid(at(0.0, 0.0, 0.0), turned, body.head),
        Ellipsoid(at(0.0, -0.52, 0.40), turned, (0.62 * side, 0.52 * top, 0.50 * face)),
        Capsule(at(0.0, -0.18, 0.90), at(0.0, -0.40, 0.99), (0.08 * side, 0.16 * side)),
        Capsule(camera.seen(chest), at(0.0, -0.6, 0.0), (body.thick(0.060), body.thick(0.058))),
    ]
    for ear in (-1.0, 1.0):
        parts.append(
            Ellipsoid(at(ear, -0.15, -0.1), turned, (0.10 * side, 0.24 * top, 0.16 * face))
        )
    if body.hat:
        halves = (side + body.hat, 0.86 * top + body.hat, face + body.hat)
        parts.append(Ellipsoid(at(0.0, 0.24, -0.10), turned, halves))
    return parts


def _limb(
    body: InfantBody, skeleton: Skeleton, frame: int, limb: int, camera: InfantCamera
) -> list[Solid]:
    t = body.thick
    a, b, c = camera.seen(skeleton.joints[frame, 3 * limb : 3 * limb + 3])
    r = [t(share) for share in (_ARM if limb < 2 else _LEG)]
    parts: list[Solid] = [Capsule(a, b, (r[0], r[1]))]
    # The belly of the muscle is above the middle of forearm and shank.
    parts.append(Capsule(b, b + 0.35 * (c - b), (r[1], 1.02 * r[1])))
    parts.append(Capsule(b + 0.35 * (c - b), c, (1.02 * r[1], r[2])))
    if limb < 2:
        hand = camera.seen(skeleton.hands[frame, limb])
        palm = c + 0.45 * (hand - c)
        parts.append(Capsule(c, palm, (r[2], t(0.031))))
        parts.append(Capsule(palm, c + 0.8 * (hand - c), (t(0.031), t(0.024))))
        aside = np.cross(hand - c, [0.0, 0.0, 1.0])
        aside = aside / max(float(np.linalg.norm(aside)), 1e-6) * (1.0 if limb else -1.0)
        thumb = palm + t(0.036) * aside
        parts.append(Capsule(palm, thumb, (t(0.016), t(0.012))))
    else:
        heel, toe = (camera.seen(ends[frame, limb - 2]) for ends in (skeleton.heels, skeleton.toes))
        parts.append(Capsule(heel, toe, (t(0.028), t(0.022))))
        parts.append(Capsule(c, heel, (r[2], t(0.026))))
    return parts
