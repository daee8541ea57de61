"""Children and the sizes of their hips at an age, with or without Perthes disease.

A child is drawn once and looked at on one or two films; what differs between them is age,
disease and pose. Sizes are those seen on the film in millimetres, typical rather than measured:
they grow evenly from 2 to 11 years, and ossification with them.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from numpy.random import Generator

Side = Literal["left", "right"]
SIDES: tuple[Side, ...] = ("left", "right")
YOUNGEST, OLDEST = 2.0, 11.0


@dataclass(frozen=True, eq=False, slots=True)
class Course:
    """How one hip fares.

    Args:
        flattening: of the head at the first film, 0 for a normal one to 1.
        change: of it in a year.
        own: standard scores of this hip's sizes, beside those of the child.
        bumps: of the head's surface; standard scores.
        extrusion: how much of the flattening pushes the head out; about 1.
    """

    flattening: float
    change: float
    own: Float[ndarray, "10"]
    bumps: Float[ndarray, "4"]
    extrusion: float


@dataclass(frozen=True, eq=False, slots=True)
class Child:
    """What does not change from one film to the next.

    Args:
        age: in years, at the first film.
        stature: of all sizes; about 1.
        maturity: years by which the bones are ahead of the age.
        traits: standard scores of the sizes, common to both hips.
        courses: of the left and of the right hip.
        pelvis: standard scores of the cover of both heads, of the width and of the cartilage.
        spread: standard scores of the places of the pelvis' outlines.
        bone: density; about 1.
        girth: of the soft parts; about 1.
    """

    age: float
    stature: float
    maturity: float
    traits: Float[ndarray, "10"]
    courses: tuple[Course, Course]
    pelvis: Float[ndarray, "4"]
    spread: Float[ndarray, "64 2"]
    bone: float
    girth: float


@dataclass(frozen=True, eq=False, slots=True)
class HipSizes:
    """One proximal femur at one age; lengths in mm, angles in degrees.

    Args:
        flattening: of the head, 0 to 1.
        shaft_width: at its bottom landmarks.
        neck_shaft_deg: between the shaft's axis, downwards, and the neck's.
        neck_length: from the crossing of both axes to the head's centre.
        neck_width: at its narrowest.
        head_diameter: of the head with its cartilage.
        epiphysis_width: of its bone.
        epiphysis_height: of its bone, at the middle of the growth plate, at right angles to it.
        metaphysis_width: at the growth plate.
        gap: height of the growth plate.
        physis_turn: by how much the plate's normal is steeper than the neck, in degrees.
        shift: of the epiphysis to the lateral side.
        trochanter: part of the greater trochanter that is bone, 0 to 1.
        trochanter_rise: of the greater trochanter's tip above its usual place, in shaft widths.
        lesser: prominence of the lesser trochanter, in shaft widths.
        lesser_drop: of the lesser trochanter below its usual place, in shaft widths.
        level: of the bottom landmarks below the crossing of the axes, in shaft widths.
        bumps: of the head's surface, in mm.
    """

    flattening: float
    shaft_width: float
    neck_shaft_deg: float
    neck_length: float
    neck_width: float
    head_diameter: float
    epiphysis_width: float
    epiphysis_height: float
    metaphysis_width: float
    gap: float
    physis_turn: float
    shift: float
    trochanter: float
    trochanter_rise: float
    lesser: float
    lesser_drop: float
    level: float
    bumps: Float[ndarray, "4"]


def draw_child(rng: Generator) -> Child:
    """Draw a child; more than half have Perthes disease, some of them on both sides."""
    kind = rng.choice(4, p=[0.45, 0.25, 0.18, 0.12])
    ill = (bool(kind in (1, 3)), bool(kind in (2, 3)))
    # The disease is one of children who walk.
    age = float(rng.uniform(YOUNGEST, OLDEST) if kind == 0 else rng.uniform(3.5, OLDEST))
    courses = (_draw_course(ill[0], rng), _draw_course(ill[1], rng))
    return Child(
        age=age,
        stature=float(np.clip(rng.normal(1.0, 0.05), 0.87, 1.13)),
        maturity=float(np.clip(rng.normal(0.0, 0.6) - 0.6 * max(ill), -1.6, 1.2)),
        traits=np.clip(rng.normal(0.0, 1.0, 10), -2.2, 2.2),
        courses=courses,
        pelvis=np.clip(rng.normal(0.0, 1.0, 4), -2.0, 2.0),
        spread=np.clip(rng.normal(0.0, 1.0, (64, 2)), -2.0, 2.0),
        bone=float(np.clip(rng.normal(1.0, 0.15), 0.7, 1.35)),
        girth=float(np.clip(rng.normal(1.0, 0.15), 0.75, 1.45)),
    )


def _draw_course(ill: bool, rng: Generator) -> Course:
    flattening = float(rng.uniform(0.2, 1.0)) if ill else float(rng.uniform(0.0, 0.05))
    change = float(rng.normal(0.05, 0.2)) if ill else 0.0
    own = np.clip(rng.normal(0.0, 0.35, 10), -0.8, 0.8)
    bumps = np.clip(rng.normal(0.0, 1.0, 4), -1.8, 1.8)
    return Course(flattening, change, own, bumps, float(rng.uniform(0.3, 1.6)))


def sizes_at(child: Child, side: Side, years: float) -> HipSizes:
    """Return the sizes of one hip, ``years`` after the first film.

    Example:
        >>> child = draw_child(np.random.default_rng(0))
        >>> now, later = sizes_at(child, "left", 0.0), sizes_at(child, "left", 1.0)
        >>> later.shaft_width > now.shaft_width
        True
    """
    course = child.courses[SIDES.index(side)]
    age = child.age + years
    bone_age = float(np.clip(age + child.maturity, 1.5, 12.0))
    flat = float(np.clip(course.flattening + course.change * years, 0.0, 1.0))
    z = child.traits + course.own
    shaft = child.stature * (11.6 + 1.15 * age) * (1 + 0.05 * z[0])
    head = child.stature * (24.2 + 1.9 * age) * (1 + 0.035 * z[1])
    ossified = float(np.interp(bone_age, [1.5, 4.0, 8.0, 12.0], [0.58, 0.78, 0.92, 0.97]))
    round_width = ossified * (head - 2.5)
    ratio = 0.55 + 0.035 * z[2]
    return HipSizes(
        flattening=flat,
        shaft_width=float(shaft),
        neck_shaft_deg=float(142.0 - 0.9 * age + 5.5 * z[3] - 6.0 * flat),
        neck_length=float(head * (0.93 + 0.075 * z[4]) * (1 - 0.2 * flat)),
        neck_width=float(head * (0.61 + 0.035 * z[5]) * (1 + 0.16 * flat)),
        head_diameter=float(head),
        epiphysis_width=float(round_width * (1 + 0.2 * flat)),
        epiphysis_height=float(round_width * ratio * (1 - 0.62 * flat)),
        metaphysis_width=float(head * (0.83 + 0.015 * z[5]) * (1 + 0.17 * flat)),
        gap=float(np.interp(bone_age, [1.5, 12.0], [2.8, 1.3]) * (1 + 0.2 * flat)),
        physis_turn=float(16.0 + 5.5 * z[6]),
        shift=float(0.06 * head * flat * course.extrusion),
        trochanter=float(np.clip((bone_age - 2.8) / 6.5, 0.0, 1.0)),
        trochanter_rise=float(0.1 * z[8]),
        lesser=float(np.clip(0.09 + 0.012 * bone_age + 0.025 * z[7], 0.06, 0.28)),
        lesser_drop=float(0.12 * z[9]),
        level=2.45 + float(0.12 * z[9]) + 0.04 * float(z[7]),
        bumps=course.bumps * (0.25 + 1.1 * flat) * round_width / 35.0,
    )
