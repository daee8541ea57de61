"""Where a child's joints and landmarks are, in px of the frame, over a clip.

Built from the angles up, so the truth of a trunk's or arm's angle is the number that was drawn.
Two things foreshorten on purpose: the right arm stands out towards the camera, upper arm and
forearm by the same angle, and the head turns, so that ear and temple move against the neck.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from palpate.arrays import Numbers
from palpate.phantoms.satco_arm import ArmPlan, Reach, Track, arm_angles
from palpate.phantoms.satco_body import Body
from palpate.phantoms.satco_motion import Motion
from palpate.phantoms.satco_signal import Signal
from palpate.phantoms.satco_truth import upright_deg, wrapped_deg


@dataclass(frozen=True, eq=False, slots=True)
class Pose:
    """Joints in px, angles in degrees from the upright, over the frames of a clip.

    Args:
        px: of a centimetre.
        seat: the point of the bench that the pelvis rolls on.
        spine: S1, L3, T11, T7, T3, C7 on the skin of the back.
        right, left: shoulder, elbow, wrist of each arm.
        knees: right and left.
    """

    body: Body
    motion: Motion
    px: float
    seat: Track
    spine: Float[ndarray, "frame 6 2"]
    nape: Track
    right: Float[ndarray, "frame 3 2"]
    left: Float[ndarray, "frame 3 2"]
    arm_deg: Float[ndarray, "frame 2"]
    knees: Float[ndarray, "frame 2 2"]

    def on_pelvis(self, offset: Numbers) -> Track:
        """Place a point given in cm (forwards, upwards) of the pelvis."""
        return self.seat + turned(offset, self.motion.chain[:, 0], self.px)

    def on_head(self, offset: Numbers) -> Track:
        """Place a point given in cm (forwards, upwards, towards the camera) of the head.

        Its origin is in the axis that the head turns about, at the height of the ears.
        """
        forwards, upwards, lateral = np.asarray(offset, dtype=float)
        yaw = np.radians(self.motion.yaw)
        seen = np.stack(
            [forwards * np.cos(yaw) - lateral * np.sin(yaw), np.full(yaw.shape, upwards)], axis=1
        )
        return self.nape + turned(seen, self.motion.chain[:, 7], self.px)

    @property
    def points(self) -> Float[ndarray, "frame 13 2"]:
        """The landmarks in the order of the scheme."""
        body = self.body
        ear = self.on_head([0.0, 0.0, body.tragus_lateral])
        pelvis = [self.on_pelvis(body.trochanter), self.on_pelvis(body.asis)]
        back = list(self.spine[:, ::-1].swapaxes(0, 1))
        arm = list(self.right.swapaxes(0, 1))
        return np.stack([ear, self.on_head(body.fossa), *back, *pelvis, *arm], axis=1)

    @property
    def angles(self) -> Float[ndarray, "frame 10"]:
        """The segments' angles: as drawn, but for head and neck, which follow from the turn."""
        body, chain = self.body, self.motion.chain
        ear = self.on_head([0.0, 0.0, body.tragus_lateral])
        head = upright_deg(self.on_head(body.fossa) - ear)
        neck = upright_deg(ear - self.spine[:, 5])
        ilium = body.asis - body.trochanter
        pelvis = chain[:, 0] + np.degrees(np.arctan2(ilium[0], ilium[1]))
        # The links are built upwards and measured downwards.
        trunk = wrapped_deg(chain[:, 5:0:-1] + 180.0)
        arm = wrapped_deg(180.0 - self.arm_deg)
        return np.concatenate(
            [np.stack([head, neck], axis=1), trunk, wrapped_deg(pelvis)[:, None], arm], axis=1
        )


def turned(offset: Numbers, degrees: Signal, px: float) -> Track:
    """Turn (forwards, upwards) in cm by angles from the upright, to px with y down.

    Example:
        >>> turned([0.0, 2.0], np.array([0.0, 90.0]), 1.0).round(6).tolist()
        [[0.0, -2.0], [2.0, -0.0]]
    """
    forwards, upwards = np.moveaxis(np.asarray(offset, dtype=float), -1, 0)
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return px * np.stack([forwards * cos + upwards * sin, forwards * sin - upwards * cos], axis=1)


def build_pose(
    body: Body, motion: Motion, plans: tuple[ArmPlan, ArmPlan], *, seat: Track, px: float
) -> Pose:
    """Put a body into a motion: the chain from the seat up, then the arms, right and left.

    Args:
        body: of the child.
        motion: of the clip.
        plans: of the right and the left arm.
        seat: where the child sits on the bench, in px over time.
        px: of a centimetre.
    """
    chain = motion.chain
    spine = [seat + turned(body.s1, chain[:, 0], px)]
    for length, degrees in zip(body.links, chain[:, 1:6].T, strict=True):
        spine.append(spine[-1] + turned([0.0, length], degrees, px))
    nape = spine[5] + turned([0.0, body.neck], chain[:, 6], px)
    upper = 0.5 * (chain[:, 4] + chain[:, 5]) - 12.0
    joint = spine[4] + turned(body.shoulder, upper, px)
    hip = seat + turned(body.trochanter, chain[:, 0], px)
    mouth = nape + turned([0.0, 0.0], chain[:, 7], px)
    knees = [hip + px * body.thigh * np.array([0.985, rise]) for rise in (0.03, -0.03)]
    aside = np.cos(np.radians(motion.aside))
    arms, drawn = [], []
    for plan, shift, scale in zip(plans, ([0.0, 0.0], [1.4, 0.8]), (aside, 0.95), strict=True):
        lengths = (px * body.upper_arm * scale, px * body.forearm * scale)
        both = tuple(np.broadcast_to(length, (len(seat),)) for length in lengths)
        shoulder = joint + turned(shift, upper, px)
        reach = Reach(shoulder, mouth, hip, upper, (both[0], both[1]), px)
        degrees = arm_angles(plan, reach)
        drawn.append(degrees)
        arms.append(_arm(shoulder, degrees, (both[0], both[1])))
    return Pose(
        body=body,
        motion=motion,
        px=px,
        seat=seat,
        spine=np.stack(spine, axis=1),
        nape=nape,
        right=arms[0],
        left=arms[1],
        arm_deg=drawn[0],
        knees=np.stack(knees, axis=1),
    )


def _arm(
    shoulder: Track, degrees: Float[ndarray, "frame 2"], lengths: tuple[Signal, Signal]
) -> Float[ndarray, "frame 3 2"]:
    joints = [shoulder]
    for i in range(2):
        angle = np.radians(degrees[:, i])
        way = np.stack([np.sin(angle), np.cos(angle)], axis=1)
        joints.append(joints[-1] + lengths[i][:, None] * way)
    return np.stack(joints, axis=1)
