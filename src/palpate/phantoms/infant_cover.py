"""A blanket over a part of the legs, and the cables and tubes that lead away from an infant."""

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray
from numpy.random import Generator

from palpate.phantoms.infant_body import InfantBody
from palpate.phantoms.infant_camera import InfantCamera
from palpate.phantoms.infant_motion import Motion
from palpate.phantoms.infant_pose import Skeleton
from palpate.phantoms.infant_solid import Depth, Rays

# Where a cable is stuck on: the chest, the face, or a joint.
CHEST, FACE = -1, -2
Pixels = Float[ndarray, "point 2"]


@dataclass(frozen=True, eq=False, slots=True)
class Blanket:
    """A blanket that hides whatever lies beyond its edge, towards the feet.

    Args:
        edge: a point of the edge and the direction to the feet, (x, y) in mm of the crib.
        wave: (height, length, phase) of the edge's waves in mm, mm, rad.
        thick_mm: of the cloth.
    """

    edge: Float[ndarray, "2 2"]
    wave: tuple[float, float, float]
    thick_mm: float


@dataclass(frozen=True, eq=False, slots=True)
class Cable:
    """A cable or tube from the infant to the edge of the picture.

    Args:
        stuck: CHEST, FACE, or the row of a joint.
        way: points in mm of the crib between there and the end.
        radius_mm: half of its thickness.
        dark: whether the camera sees nothing of it.
    """

    stuck: int
    way: Pixels
    radius_mm: float
    dark: bool


def draw_blanket(rng: Generator, body: InfantBody, motion: Motion) -> Blanket | None:
    """Draw the blanket of one infant in three; it begins between hips and knees, or below."""
    there = rng.random() < 0.33
    below = float(rng.uniform(0.06, 0.22)) * body.length
    lean = motion.turn + np.pi / 2 + float(rng.normal(0.0, 0.25))
    down = np.array([np.cos(lean), np.sin(lean)])
    wave = (float(rng.uniform(3.0, 9.0)), float(rng.uniform(25.0, 60.0)), float(rng.uniform(0, 6)))
    feet = np.array([-np.sin(motion.turn), np.cos(motion.turn)])
    edge = np.stack([motion.pelvis[:2] + below * feet, down])
    thick = float(rng.uniform(4.0, 9.0))
    return Blanket(edge, wave, thick) if there else None


def under_blanket(
    blanket: Blanket, camera: InfantCamera, flat: Depth, rays: Rays
) -> Bool[ndarray, "y x"]:
    """Px in which the blanket is, by where their rays meet a plane over the mattress."""
    seen = np.stack(np.broadcast_arrays(flat * rays.x, flat * rays.y, flat), axis=-1)
    crib = ((seen - camera.shift_mm) @ camera.rotation)[..., :2] - blanket.edge[0]
    down = blanket.edge[1]
    along = crib @ np.array([-down[1], down[0]])
    high, length, phase = blanket.wave
    return crib @ down > high * np.sin(along / length + phase)


def draped(surface: Depth, covered: Bool[ndarray, "y x"], thick_mm: float) -> Depth:
    """The surface with cloth over what is covered: it hangs from what stands out."""
    scale = surface.shape[1] / 640
    small = cv2.resize(surface, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
    reach = max(round(6 * scale), 1)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    cloth = cv2.GaussianBlur(cv2.erode(small, disc), (0, 0), max(4.5 * scale, 0.7))
    cloth = cv2.resize(cloth, surface.shape[::-1], interpolation=cv2.INTER_CUBIC)
    cloth = np.minimum(cloth, surface) - np.float32(thick_mm)
    return np.where(covered, cloth, surface)


def draw_cables(rng: Generator) -> tuple[Cable, ...]:
    """Draw one to four cables: of electrodes, of a sensor on a limb, of a breathing aid."""
    cables = []
    for stuck in rng.choice([CHEST, CHEST, FACE, 2, 8, 11], int(rng.integers(1, 5)), replace=False):
        side = float(rng.choice([-1.0, 1.0]))
        up = -1.0 if stuck == FACE else float(rng.uniform(-0.3, 1.0))
        end = np.array([side * 330.0, 200.0 * up])
        middle = 0.45 * end + rng.normal(0.0, 35.0, 2)
        tube = stuck == FACE
        cables.append(
            Cable(
                stuck=int(stuck),
                way=np.stack([middle, end]),
                radius_mm=float(rng.uniform(3.0, 5.0) if tube else rng.uniform(0.9, 1.8)),
                dark=bool(rng.random() < (0.3 if tube else 0.6)),
            )
        )
    return tuple(cables)


def cable_mask(
    cable: Cable, skeleton: Skeleton, frame: int, camera: InfantCamera
) -> Bool[ndarray, "y x"]:
    """Px in which a cable is."""
    if cable.stuck == CHEST:
        start = skeleton.joints[frame, [0, 3, 6, 9]].mean(axis=0)
    elif cable.stuck == FACE:
        start = skeleton.head[frame] + 30.0 * skeleton.head_axes[frame, 2]
    else:
        start = skeleton.joints[frame, cable.stuck]
    way = np.concatenate([start[None], np.c_[cable.way, [-6.0, -6.0]]])
    px = camera.project(camera.seen(way))
    points = _bent(px)
    mask = np.zeros(camera.size[::-1], np.uint8)
    thick = 2 * cable.radius_mm * camera.focal_px[0] / float(camera.shift_mm[2])
    cv2.polylines(mask, [points], False, 1, max(round(thick), 1))
    return mask.astype(bool)


def _bent(px: Pixels) -> Int[ndarray, "sample 1 2"]:
    """A smooth line through three points."""
    t = np.linspace(0.0, 1.0, 24)[:, None]
    line = (1 - t) * (1 - 2 * t) * px[0] + 4 * t * (1 - t) * px[1] + t * (2 * t - 1) * px[2]
    return np.round(line).astype(np.int32)[:, None]
