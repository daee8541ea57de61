"""A scene: child, adults, room and camera, as layers from the back to the front."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool
from numpy import ndarray

from palpate.phantoms.satco_body import Look
from palpate.phantoms.satco_camera import Camera, film, seen, seen_picture
from palpate.phantoms.satco_head import head_layers
from palpate.phantoms.satco_limbs import arm_layers, leg_layers
from palpate.phantoms.satco_outline import inside
from palpate.phantoms.satco_paint import Layer, Light, Picture, Solid
from palpate.phantoms.satco_pose import Pose
from palpate.phantoms.satco_room import SIZE, Room, paint_room
from palpate.phantoms.satco_staff import (
    Staff,
    behind_layers,
    helper_layers,
    holding_layers,
    watcher_layers,
)
from palpate.phantoms.satco_torso import build_torso, hip_layers, torso_layers
from palpate.phantoms.satco_truth import LANDMARKS

ARM_POINTS = tuple(LANDMARKS.index(name) for name in ("shoulder", "elbow", "wrist"))


@dataclass(frozen=True, eq=False, slots=True)
class Scene:
    """All that a clip shows; ``trial`` counts the clips of a child from 0."""

    pose: Pose
    look: Look
    staff: Staff
    room: Room
    light: Light
    camera: Camera
    trial: int


@dataclass(frozen=True, eq=False, slots=True)
class Stage:
    """Layers of a scene, each group in front of the one before."""

    behind: list[Layer]
    body: list[Layer]
    middle: list[Layer]
    arm: list[Layer]
    front: list[Layer]

    @property
    def layers(self) -> list[Layer]:
        """All layers from the back to the front."""
        return [*self.behind, *self.body, *self.middle, *self.arm, *self.front]


def set_stage(scene: Scene) -> Stage:
    """Turn a scene into layers: what the child's arm hides and what hides the arm is settled."""
    pose, look, staff = scene.pose, scene.look, scene.staff
    torso = build_torso(pose)
    holding = holding_layers(staff, pose, torso)
    helping = helper_layers(staff, pose)
    return Stage(
        behind=[*behind_layers(staff, pose, torso), *leg_layers(pose, look, 1)],
        body=[
            *arm_layers(pose, look, pose.left, tone=0.82, hides=False),
            *torso_layers(pose, torso, look),
            *leg_layers(pose, look, 0),
            *hip_layers(pose, torso, look),
            *head_layers(pose, look),
        ],
        middle=holding if staff.arm_outside else [],
        arm=arm_layers(pose, look, pose.right, tone=1.0, hides=True),
        front=[*([] if staff.arm_outside else holding), *helping],
    )


def visible_points(scene: Scene) -> Bool[ndarray, "frame 13"]:
    """Which landmarks no hand and no arm is in front of."""
    stage, points = set_stage(scene), scene.pose.points
    hidden = np.zeros(points.shape[:2], dtype=bool)
    for layer in (*stage.middle, *stage.arm, *stage.front):
        if isinstance(layer, Solid) and layer.hides:
            for piece in layer.pieces:
                covered = inside(piece, points)
                if layer in stage.arm or layer in stage.middle:
                    covered[:, ARM_POINTS] = False
                hidden |= covered
    return ~hidden


def paint_frames(scene: Scene) -> Iterator[Picture]:
    """Paint a scene frame by frame."""
    camera = scene.camera
    people = watcher_layers(scene.staff, scene.pose)
    room = seen_picture(camera, paint_room(scene.room, scene.trial, people))
    # Layers are painted as the camera sees their colours, which spares a look-up for each pixel.
    layers = [replace(la, colour=seen(camera, la.colour)) for la in set_stage(scene).layers]
    shoot = film(camera, SIZE)
    for frame in range(len(scene.pose.seat)):
        picture = room.copy()
        for layer in layers:
            layer.paint(picture, frame, scene.light)
        yield shoot(picture)
