"""Arms, hands and legs of a child."""

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from palpate.phantoms.satco_arm import Track
from palpate.phantoms.satco_body import Look
from palpate.phantoms.satco_outline import Outline, tube
from palpate.phantoms.satco_paint import Fold, Layer, Solid, shaded
from palpate.phantoms.satco_pose import Pose, turned
from palpate.phantoms.satco_truth import upright_deg

Joints = Float[ndarray, "frame 3 2"]


def arm_layers(pose: Pose, look: Look, joints: Joints, *, tone: float, hides: bool) -> list[Layer]:
    """Upper arm, forearm and hand about shoulder, elbow and wrist; a sleeve over a shirt.

    Args:
        pose: of the child.
        look: of the child.
        joints: shoulder, elbow, wrist.
        tone: how much light falls on it: less on the far side.
        hides: whether it is in front of what it passes.
    """
    px = pose.px * pose.body.stature * (0.6 + 0.4 * pose.body.girth)
    skin = shaded(look.skin, tone)
    shoulder, elbow, wrist = joints[:, 0], joints[:, 1], joints[:, 2]
    shadow = 0.28 if hides else 0.0
    upper = tube(shoulder, elbow, px * np.array([3.5, 3.4, 3.05, 2.75, 2.4]))
    fore = tube(elbow, wrist, px * np.array([2.4, 2.7, 2.6, 2.2, 1.85, 1.6]))
    layers: list[Layer] = [
        Solid("upper arm", (upper,), skin, 2.2 * px, shadow, (_crook(joints, px),), hides=hides),
        Solid("hand", hand_pieces(wrist, wrist - elbow, px), skin, 1.3 * px, shadow, hides=hides),
        Solid("forearm", (fore,), skin, 1.7 * px, 0.5 * shadow, hides=hides),
    ]
    if look.top == "shirt":
        hem = shoulder + 0.52 * (elbow - shoulder)
        sleeve = tube(shoulder, hem, px * np.array([3.7, 3.8, 3.6]), cap=5)
        cloth = shaded(look.top_colour, tone)
        layers.append(Solid("sleeve", (sleeve,), cloth, 2.2 * px, 0.15, hides=hides))
    return layers


def hand_pieces(wrist: Track, along: Track, px: float) -> tuple[Outline, ...]:
    """A small hand, a little bent towards the thumb."""
    degrees = upright_deg(along) + 8.0

    def at(forwards: float, upwards: float) -> Track:
        return wrist + turned([upwards, forwards], degrees, px)

    return (
        tube(wrist, at(4.2, 0.2), px * np.array([1.5, 1.9, 2.1])),
        tube(at(3.6, 0.9), at(7.4, 0.9), px * np.array([0.85, 0.8, 0.6])),
        tube(at(3.6, -0.3), at(7.8, -0.4), px * np.array([0.85, 0.8, 0.6])),
        tube(at(3.4, -1.2), at(6.9, -1.5), px * np.array([0.8, 0.75, 0.55])),
        tube(at(1.6, 1.3), at(4.2, 2.8), px * np.array([0.85, 0.8, 0.6])),
    )


def leg_layers(pose: Pose, look: Look, side: int) -> list[Layer]:
    """Shank and foot; of the far side (1) the thigh too, the near one belongs to the hips."""
    px = pose.px * pose.body.stature * (0.6 + 0.4 * pose.body.girth)
    tone = 0.97 if side == 0 else 0.78
    skin = shaded(look.skin, tone)
    knee = pose.knees[:, side]
    swing = 180.0 - pose.motion.knee[:, side]
    ankle = knee + turned([0.0, pose.body.shank], swing, pose.px)
    heel = ankle + turned([-1.5, 2.0], swing, px)
    toe = ankle + turned([-10.5, 3.4], swing, px)
    sock = shaded(look.socks, tone)
    layers: list[Layer] = []
    if side == 1:
        hip = pose.on_pelvis(pose.body.trochanter)
        far = tube(hip, knee, px * np.array([5.8, 5.8, 5.4, 4.8, 4.2]))
        layers.append(Solid("far thigh", (far,), shaded(look.shorts, 0.75), 3.0 * px))
    shank = tube(knee, ankle, px * np.array([4.2, 3.7, 3.7, 3.0, 2.3, 2.0]))
    cuff = tube(ankle - 0.25 * (ankle - knee), ankle, px * np.array([2.7, 2.4, 2.2]), cap=5)
    foot = tube(heel, toe, px * np.array([2.3, 2.3, 1.9, 1.4]))
    return [
        *layers,
        Solid("shank", (shank,), skin, 2.4 * px),
        Solid("foot", (cuff, foot), sock, 1.8 * px, 0.1),
    ]


def _crook(joints: Joints, px: float) -> Fold:
    """The crease inside a bent elbow."""
    shoulder, elbow, wrist = joints[:, 0], joints[:, 1], joints[:, 2]
    middle = 0.5 * (shoulder + wrist) - elbow
    inward = middle / np.maximum(np.linalg.norm(middle, axis=1, keepdims=True), 1.0)
    return Fold(np.stack([elbow + 0.8 * px * inward, elbow + 2.6 * px * inward], axis=1), px, -0.14)
