"""The neck of a made-up subject: sizes, the pose of a film, and where the landmarks come to lie.

Everything is in millimetres of the sagittal plane, x forwards and y upwards, and every
angle is drawn first and built upon after, so that the truth of an angle is the number that
was drawn. Sizes and ranges of motion are typical adult values.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from numpy.random import Generator

from palpate.phantoms.contour import forwards, upwards
from palpate.scheme import LandmarkScheme

View = Literal["neutral", "extension", "flexion"]
VIEWS: tuple[View, ...] = ("neutral", "extension", "flexion")
BODIES = ("C2", "C3", "C4", "C5", "C6", "C7")
CORNERS = ("anterior_superior", "posterior_superior", "anterior_inferior", "posterior_inferior")

# Four corners of each body, then five more.
LANDMARKS = (
    *(f"{body}_{corner}" for body in BODIES for corner in CORNERS),
    "C2_odontoid_tip",
    "C1_anterior_arch",
    "C1_posterior_arch",
    "T1_anterior_superior",
    "T1_posterior_superior",
)
AROUND = (CORNERS[0], CORNERS[1], CORNERS[3], CORNERS[2], CORNERS[0])
EDGES = (
    *((f"{body}_{a}", f"{body}_{b}") for body in BODIES for a, b in pairwise(AROUND)),
    ("C2_anterior_superior", "C2_odontoid_tip"),
    ("C2_odontoid_tip", "C2_posterior_superior"),
    ("C1_anterior_arch", "C1_posterior_arch"),
    ("T1_anterior_superior", "T1_posterior_superior"),
)
SCHEME = LandmarkScheme("cervical", LANDMARKS, edges=EDGES)

# How far each segment C2-C3 .. C6-C7 bends from neutral, in degrees.
EXTENSION_DEG = np.array([3.5, 5.5, 7.0, 7.5, 5.5])
FLEXION_DEG = np.array([5.0, 7.0, 8.5, 9.0, 7.5])
# What is left of a disc at its narrow end.
NARROWEST_MM = 1.2


@dataclass(frozen=True, eq=False, slots=True)
class Anatomy:
    """What stays the same in all films of a subject; arrays run from C2 to C7."""

    depth: Float[ndarray, "6"]
    top_depth: Float[ndarray, "6"]
    height: Float[ndarray, "6"]
    top_tilt: Float[ndarray, "6"]
    bottom_tilt: Float[ndarray, "6"]
    hollow: Float[ndarray, "6"]
    disc: Float[ndarray, "6"]
    slip: Float[ndarray, "6"]
    bend: Float[ndarray, "5"]
    motion: Float[ndarray, "2"]
    t1_slope: float
    t1_depth: float
    wall_on_t1: float
    atlas_tilt: float
    atlas_length: float
    dens_height: float
    dens_tilt: float
    skull_tilt: float
    stature: float
    girth: float
    bone: float


@dataclass(frozen=True, eq=False, slots=True)
class Pose:
    """The tilts of one film in degrees, positive where the front is higher, C2 to C7."""

    view: View
    wall: Float[ndarray, "6"]
    top: Float[ndarray, "6"]
    bottom: Float[ndarray, "6"]
    t1: float
    atlas: float
    dens: float
    skull: float
    slip: Float[ndarray, "6"]


@dataclass(frozen=True, eq=False, slots=True)
class Neck:
    """One subject in one pose. ``corners`` is (body, corner, xy) in the order of CORNERS."""

    anatomy: Anatomy
    pose: Pose
    corners: Float[ndarray, "6 4 2"]
    dens_tip: Float[ndarray, "2"]
    arches: Float[ndarray, "2 2"]
    t1: Float[ndarray, "2 2"]

    @property
    def landmarks(self) -> Float[ndarray, "29 2"]:
        """The landmarks in the order of the scheme, in mm."""
        return np.concatenate(
            [self.corners.reshape(-1, 2), self.dens_tip[None], self.arches, self.t1]
        )


def draw_anatomy(rng: Generator) -> Anatomy:
    """Draw a subject: sex and stature move all sizes together, the rest varies by itself."""
    stature = float(np.clip(rng.normal(1.0, 0.08), 0.82, 1.18))
    slope = float(np.clip(rng.normal(22.0, 6.0), 9.0, 36.0))
    lordosis = -7.0 - 0.8 * slope + float(np.clip(rng.normal(0.0, 8.0), -14.0, 22.0))
    share = np.clip(rng.normal([0.19, 0.2, 0.2, 0.2, 0.21], 0.05), 0.04, 0.4)
    base_depth = np.array([15.8, 15.4, 15.6, 16.0, 16.7, 17.2])
    base_height = np.array([19.0, 14.2, 13.9, 13.6, 13.8, 15.0])
    depth = stature * (base_depth + rng.normal(0.0, 0.7) + rng.normal(0.0, 0.35, 6))
    narrow = np.array([0.74, 0.96, 0.96, 0.96, 0.96, 0.96]) + rng.normal(0.0, 0.015, 6)
    worn = rng.random(6) < np.array([0.02, 0.05, 0.1, 0.2, 0.18, 0.05])
    disc = (
        stature
        * (4.9 + rng.normal(0.0, 0.4) + rng.normal(0.0, 0.3, 6))
        * np.where(worn, rng.uniform(0.5, 0.8, 6), 1.0)
    )
    slipped = rng.random(6) < 0.06
    return Anatomy(
        depth=depth,
        top_depth=depth * narrow,
        height=stature * (base_height + rng.normal(0.0, 0.5) + rng.normal(0.0, 0.35, 6)),
        top_tilt=rng.normal([1.0, -4.0, -4.0, -4.0, -4.0, -4.0], 1.6),
        bottom_tilt=rng.normal([-12.0, -5.0, -5.0, -4.5, -4.0, -3.0], 1.6),
        hollow=np.clip(rng.normal(1.0, 0.2, 6), 0.4, 1.6),
        disc=disc,
        slip=np.clip(rng.normal(0.0, 0.5, 6) + slipped * rng.normal(0.0, 2.0, 6), -3.5, 3.5),
        bend=lordosis * share / share.sum() + rng.normal(0.0, 1.5, 5),
        motion=np.clip(rng.normal(1.0, 0.18, 2), 0.6, 1.3),
        t1_slope=slope,
        t1_depth=stature * float(rng.normal(17.4, 0.8)),
        wall_on_t1=float(rng.normal(2.0, 2.0)),
        atlas_tilt=float(rng.normal(14.0, 3.5)),
        atlas_length=stature * float(rng.normal(43.0, 2.0)),
        dens_height=stature * float(rng.normal(16.0, 1.0)),
        dens_tilt=float(rng.normal(8.0, 4.0)),
        skull_tilt=float(rng.normal(-18.0, 3.5)),
        stature=stature,
        girth=float(np.clip(rng.normal(1.0, 0.18), 0.65, 1.5)),
        bone=float(np.clip(rng.normal(1.0, 0.18), 0.6, 1.4)),
    )


def draw_pose(anatomy: Anatomy, view: View, rng: Generator) -> Pose:
    """Draw how a subject holds the neck for one view, with the tilt of the whole on the film."""
    bend = anatomy.bend + rng.normal(0.0, 0.8, 5)
    effort = float(np.clip(rng.normal(1.0, 0.12), 0.7, 1.2))
    lean, nod = float(rng.normal(0.0, 3.5)), float(rng.normal(0.0, 3.0))
    slide = np.zeros(6)
    if view == "extension":
        bend = bend - EXTENSION_DEG * anatomy.motion[0] * effort
        lean, nod, slide = lean + 3.0, nod + 5.0, slide - 0.5
    elif view == "flexion":
        bend = bend + FLEXION_DEG * anatomy.motion[1] * effort
        lean, nod, slide = lean - 4.0, nod - 2.0, slide + 0.7
    t1 = -anatomy.t1_slope + lean
    # From C7 upwards each wall leans back by what its segment bends: lordosis is negative.
    c7 = t1 + anatomy.wall_on_t1
    wall = np.append(c7 - np.cumsum(bend[::-1])[::-1], c7)
    atlas = wall[0] + anatomy.atlas_tilt + 0.3 * nod
    return Pose(
        view=view,
        wall=wall,
        top=wall + anatomy.top_tilt,
        bottom=wall + anatomy.bottom_tilt,
        t1=float(t1),
        atlas=float(atlas),
        dens=float(wall[0] + anatomy.dens_tilt),
        skull=float(atlas + anatomy.skull_tilt + 0.7 * nod),
        slip=anatomy.slip + slide,
    )


def build_neck(anatomy: Anatomy, pose: Pose) -> Neck:
    """Stack the bodies on T1, whose upper back corner is the origin."""
    corners = np.zeros((6, 4, 2))
    t1 = np.stack([anatomy.t1_depth * forwards(pose.t1), np.zeros(2)])
    below, tilt = t1[1], pose.t1
    for i in reversed(range(6)):
        # A disc keeps its height in the middle: what opens in front closes at the back.
        opens = np.sin(np.radians(pose.bottom[i] - tilt))
        gap = max(anatomy.disc[i] - 0.5 * anatomy.depth[i] * opens, NARROWEST_MM)
        gap = max(gap, NARROWEST_MM - anatomy.depth[i] * opens)
        back_low = below + gap * upwards(tilt) + pose.slip[i] * forwards(tilt)
        back_high = back_low + anatomy.height[i] * upwards(pose.wall[i])
        corners[i] = [
            back_high + anatomy.top_depth[i] * forwards(pose.top[i]),
            back_high,
            back_low + anatomy.depth[i] * forwards(pose.bottom[i]),
            back_low,
        ]
        below, tilt = back_high, pose.top[i]
    shoulder = corners[0, :2].mean(axis=0)
    size = anatomy.stature
    tip = shoulder + anatomy.dens_height * upwards(pose.dens)
    front = (
        shoulder
        + 0.62 * anatomy.dens_height * upwards(pose.dens)
        + 10.2 * size * forwards(pose.dens)
    )
    arches = np.stack([front, front - anatomy.atlas_length * forwards(pose.atlas)])
    return Neck(anatomy, pose, corners, tip, arches, t1)
