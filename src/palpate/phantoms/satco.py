"""Clips of made-up children who sit on a bench while a therapist's hands hold their trunk.

A clip is drawn in the order in which a real one comes about: a child, a room and a camera; then,
for each trial, the level that is held, how the child moves, what the adults do, and the region
that somebody drew around the child. Points and angles are known before the first pixel is.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from numpy.random import Generator

from palpate.errors import ConfigError
from palpate.phantoms.satco_adult import Adult, draw_adult
from palpate.phantoms.satco_arm import draw_arm_plan
from palpate.phantoms.satco_body import Body, Look, draw_body, draw_look
from palpate.phantoms.satco_camera import Camera, draw_camera
from palpate.phantoms.satco_clip import PhantomClip
from palpate.phantoms.satco_motion import draw_motion
from palpate.phantoms.satco_paint import Light
from palpate.phantoms.satco_pose import Pose, build_pose
from palpate.phantoms.satco_room import SIZE, Room, draw_room
from palpate.phantoms.satco_scene import Scene, visible_points
from palpate.phantoms.satco_staff import draw_staff
from palpate.phantoms.satco_truth import LEVELS

RATE_HZ = 25.0
TRIALS = 4
# The least distance of a landmark from the edge of the region, in px.
MARGIN_PX = 10.0


@dataclass(frozen=True, eq=False, slots=True)
class Child:
    """What all clips of a child share."""

    name: str
    body: Body
    look: Look
    room: Room
    light: Light
    camera: Camera
    adults: tuple[Adult, Adult, Adult]
    px: float
    levels: tuple[str, ...]


def satco_clips(children: int, rng: Generator, *, seconds: float = 8.0) -> Iterator[PhantomClip]:
    """Draw the clips of so many children, four of each, at different levels of support.

    Clips of child k depend on the generator's seed and on k, not on the number of children.

    Args:
        children: how many.
        rng: of the study; children are spawned from it.
        seconds: length of a clip, at 25 frames a second.

    Raises:
        ConfigError: no child is asked for, or clips of less than a second.

    Example:
        >>> clip = next(satco_clips(1, np.random.default_rng(7), seconds=1.0))
        >>> clip.identifier, clip.subject, clip.points.shape
        ('child01_a.mp4', 'child01', (25, 13, 2))
        >>> next(clip.frames()).shape
        (480, 640, 3)
    """
    if children < 1:
        raise ConfigError(f"a study has at least 1 child, got {children}")
    if not seconds >= 1.0:
        raise ConfigError(f"a clip is at least 1 s long, got {seconds}")
    return islice(_clips(rng, round(seconds * RATE_HZ)), children * TRIALS)


def _clips(rng: Generator, frames: int) -> Iterator[PhantomClip]:
    number = 1
    while True:
        own = rng.spawn(1)[0]
        child = draw_child(f"child{number:02d}", own)
        for trial in range(TRIALS):
            yield _clip(child, trial, frames, own.spawn(1)[0])
        number += 1


def draw_child(name: str, rng: Generator) -> Child:
    """Draw a child, and the room and the people that it meets."""
    angle = rng.uniform(-0.7, 0.7)
    return Child(
        name=name,
        body=draw_body(rng),
        look=draw_look(rng),
        room=draw_room(rng),
        light=Light(float(np.sin(angle)), float(-np.cos(angle)), float(rng.uniform(0.35, 0.9))),
        camera=draw_camera(rng),
        adults=(draw_adult(rng), draw_adult(rng), draw_adult(rng)),
        px=float(rng.uniform(4.15, 4.5)),
        levels=tuple(LEVELS[i] for i in rng.permutation(len(LEVELS))[:TRIALS]),
    )


def _clip(child: Child, trial: int, frames: int, rng: Generator) -> PhantomClip:
    for_motion, for_arms, for_staff, for_camera, for_region = rng.spawn(5)
    level = child.levels[trial]
    motion = draw_motion(level, frames, RATE_HZ, for_motion)
    place = np.array(child.room.seat) + for_motion.normal(0.0, [9.0, 0.8])
    seat = place + child.px * np.stack([motion.seat, np.zeros(frames)], axis=1)
    plans = (draw_arm_plan(frames, RATE_HZ, for_arms), draw_arm_plan(frames, RATE_HZ, for_arms))
    pose = build_pose(child.body, motion, plans, seat=seat, px=child.px)
    scene = Scene(
        pose=pose,
        look=child.look,
        staff=draw_staff(level, child.adults, (frames, RATE_HZ), for_staff),
        room=child.room,
        light=child.light,
        camera=replace(child.camera, seed=int(for_camera.integers(2**31))),
        trial=trial,
    )
    points = pose.points
    return PhantomClip(
        identifier=f"{child.name}_{'abcd'[trial]}.mp4",
        subject=child.name,
        level=level,
        region=_region(points, pose, for_region),
        rate_hz=RATE_HZ,
        points=points,
        visible=visible_points(scene),
        angles=pose.angles,
        scene=scene,
    )


def _region(
    points: Float[ndarray, "frame 13 2"], pose: Pose, rng: Generator
) -> tuple[int, int, int, int]:
    """Draw the square that somebody marks around a child: not centred, but with every point."""
    low = np.floor(points.min(axis=(0, 1)) - MARGIN_PX)
    high = np.ceil(points.max(axis=(0, 1)) + MARGIN_PX)
    side = max(float(rng.uniform(360.0, 420.0)), *(high - low + 1))
    side = float(np.ceil(min(side, *SIZE)))
    centre = pose.seat.mean(axis=0) + pose.px * np.array([8.0, -22.0])
    corner = centre - side / 2 + rng.normal(0.0, [16.0, 13.0])
    corner = np.clip(corner, high + 1 - side, low)
    corner = np.round(np.clip(corner, 0.0, np.array(SIZE) - side))
    return int(corner[0]), int(corner[1]), int(side), int(side)
