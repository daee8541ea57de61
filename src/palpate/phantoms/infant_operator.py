"""Hands of an operator that reach into the crib at times and lie over a joint."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from numpy.random import Generator

from palpate.phantoms.infant_camera import InfantCamera
from palpate.phantoms.infant_pose import Skeleton
from palpate.phantoms.infant_solid import Capsule, Solid

# From the palm's middle: (sideways, along the hand) of the knuckles and finger tips, in mm.
_FINGERS = (
    (-30.0, 26.0, -36.0, 72.0), (-11.0, 34.0, -14.0, 92.0),
    (9.0, 34.0, 9.0, 94.0), (27.0, 28.0, 31.0, 76.0),
)  # fmt: skip
_THUMB = (36.0, -12.0, 62.0, 22.0)
_AWAY_MM = 430.0


@dataclass(frozen=True, slots=True)
class Visit:
    """A hand comes, stays and goes.

    Args:
        start_s: when it comes into the picture, about.
        lasts_s: until it is gone.
        joint: the joint that it lies over.
        side: direction in rad from which it comes, in the crib's plane.
        over_mm: how high over the joint the palm is.
        size: 1 is usual.
    """

    start_s: float
    lasts_s: float
    joint: int
    side: float
    over_mm: float
    size: float


def draw_visits(rng: Generator, seconds: float, every_s: float) -> tuple[Visit, ...]:
    """Draw when hands come, in the order of time; more seconds begin with the same visits."""
    visits: list[Visit] = []
    start = float(rng.exponential(every_s)) - 1.0
    while start < seconds:
        # An arm comes from a side of the crib or from its foot.
        side = float(rng.choice([0.0, 0.5 * np.pi, np.pi]) + rng.normal(0.0, 0.35))
        visits.append(
            Visit(
                start_s=start,
                lasts_s=float(rng.uniform(2.5, 6.0)),
                joint=int(rng.integers(12)),
                side=side,
                over_mm=float(rng.uniform(14.0, 34.0)),
                size=float(rng.uniform(0.85, 1.05)),
            )
        )
        start += visits[-1].lasts_s + 0.5 + float(rng.exponential(every_s))
    return tuple(visits)


def hands(
    visits: tuple[Visit, ...],
    times_s: Float[ndarray, " frame"],
    skeleton: Skeleton,
    frame: int,
    camera: InfantCamera,
) -> list[Solid]:
    """The operator's hand and arm in a frame, in the camera's frame; none where nobody is there."""
    now = times_s[frame]
    parts: list[Solid] = []
    for visit in visits:
        since = (now - visit.start_s) / visit.lasts_s
        if 0.0 < since < 1.0:
            near = np.sin(np.pi * since) * 1.8
            near = 1.0 if near >= 1.0 else float(0.5 - 0.5 * np.cos(np.pi * near))
            # The hand stays where the joint was when it came.
            middle = visit.start_s + visit.lasts_s / 2
            held = int(np.argmin(np.abs(times_s - middle)))
            parts += _hand(visit, skeleton.joints[held, visit.joint], near, camera)
    return parts


def _hand(
    visit: Visit, over: Float[ndarray, "3"], near: float, camera: InfantCamera
) -> list[Solid]:
    out = np.array([np.cos(visit.side), np.sin(visit.side), 0.0])
    across = np.array([-out[1], out[0], 0.0])
    rise = np.array([0.0, 0.0, -1.0])
    palm = over + (1.0 - near) * (_AWAY_MM * out + 60.0 * rise) + (visit.over_mm + 12.0) * rise
    s = visit.size

    def at(sideways: float, along: float, up: float = 0.0) -> Float[ndarray, "3"]:
        return camera.seen(palm + s * (sideways * across - along * out + up * rise))

    wrist, elbow, beyond = at(0.0, -62.0, 14.0), at(10.0, -250.0, 95.0), at(20.0, -420.0, 190.0)
    parts: list[Solid] = [
        Capsule(at(-17.0, 18.0), at(-11.0, -34.0, 4.0), (17.0 * s, 18.0 * s)),
        Capsule(at(15.0, 18.0), at(11.0, -34.0, 4.0), (17.0 * s, 18.0 * s)),
        Capsule(at(0.0, -30.0, 4.0), wrist, (22.0 * s, 25.0 * s)),
        Capsule(wrist, elbow, (25.0 * s, 40.0 * s)),
        Capsule(elbow, beyond, (40.0 * s, 46.0 * s)),
        Capsule(at(_THUMB[0] - 14.0, _THUMB[1]), at(*_THUMB[2:], -6.0), (12.0 * s, 9.0 * s)),
    ]
    for x0, y0, x1, y1 in _FINGERS:
        knuckle, tip = at(x0, y0), at(x1, y1, -14.0)
        parts.append(Capsule(knuckle, tip, (9.5 * s, 7.5 * s)))
    return parts
