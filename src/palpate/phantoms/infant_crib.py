"""The crib: a mattress with folds, an edge beyond which it falls away, a roll around the infant."""

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float
from numpy import ndarray
from numpy.random import Generator

from palpate.phantoms.infant_body import InfantBody
from palpate.phantoms.infant_camera import InfantCamera
from palpate.phantoms.infant_solid import Capsule, Depth, Rays, draw

Folds = Float[ndarray, "fold 6"]


@dataclass(frozen=True, eq=False, slots=True)
class Crib:
    """What does not move.

    Args:
        lumps: height of the sheet over the mattress on a coarse grid of 40 mm, in mm.
        folds: x, y of the middle, direction in rad, length, half width, height in mm.
        edge: direction in rad of the mattress's near edge, and its distance from the middle in mm;
            beyond it is the floor.
        drop: of the floor below the mattress in mm.
        roll: the middle line of the rolled towel around the infant, in mm; empty is none.
        roll_radius: in mm.
    """

    lumps: Float[ndarray, "40 40"]
    folds: Folds
    edge: tuple[float, float]
    drop: float
    roll: Float[ndarray, "knot 3"]
    roll_radius: float


def draw_crib(rng: Generator, body: InfantBody, turn: float) -> Crib:
    """Draw a crib around an infant that lies in this direction."""
    count = int(rng.integers(6, 15))
    folds = np.stack(
        [
            rng.uniform(-280.0, 280.0, count),
            rng.uniform(-220.0, 220.0, count),
            rng.uniform(0.0, np.pi, count),
            rng.uniform(60.0, 220.0, count),
            rng.uniform(6.0, 14.0, count),
            rng.uniform(3.0, 11.0, count),
        ],
        axis=1,
    )
    radius = float(rng.uniform(18.0, 32.0))
    return Crib(
        lumps=cv2.GaussianBlur(rng.normal(0.0, 11.0, (40, 40)), (0, 0), 1.5),
        folds=folds,
        edge=(_side(rng), float(rng.uniform(205.0, 300.0))),
        drop=float(rng.uniform(50.0, 120.0)),
        roll=_around(rng, body, turn, radius) if rng.random() < 0.65 else np.empty((0, 3)),
        roll_radius=radius,
    )


def _side(rng: Generator) -> float:
    return float(rng.choice([0.0, np.pi]) + rng.normal(0.0, 0.06))


def _around(
    rng: Generator, body: InfantBody, turn: float, radius: float
) -> Float[ndarray, "knot 3"]:
    """A horseshoe that is open at the head."""
    half = float(rng.uniform(0.50, 0.58)) * body.length
    angles = np.linspace(-0.40 * np.pi, 1.40 * np.pi, 41) + rng.normal(0.0, 0.05)
    waves = sum(rng.normal(0.0, 0.03) * np.sin(k * angles + rng.uniform(0.0, 6.0)) for k in (2, 3))
    x = half * (1.0 + waves) * np.cos(angles)
    y = 0.04 * body.length + float(rng.uniform(0.92, 1.05)) * half * (1.0 + waves) * np.sin(angles)
    c, s = np.cos(turn), np.sin(turn)
    return np.stack([c * x - s * y, s * x + c * y, np.full(41, -0.75 * radius)], axis=1)


def build_mattress(crib: Crib, camera: InfantCamera, rays: Rays) -> Depth:
    """How far away mattress and floor are, px by px."""
    normal = camera.rotation[:, 2]
    towards = normal[0] * rays.x + normal[1] * rays.y + normal[2]
    flat = (normal @ camera.shift_mm) / towards
    x, y = _on_mattress(camera, rays, flat)
    height = _height(crib, x, y)
    out = x * np.cos(crib.edge[0]) + y * np.sin(crib.edge[0]) - crib.edge[1]
    # The edge is round, the side of the mattress steep.
    fall = crib.drop / (1.0 + np.exp(np.clip(-out / 3.0, -30.0, 30.0)))
    return (flat - (height - fall) / towards).astype(np.float32)


def with_roll(crib: Crib, mattress: Depth, camera: InfantCamera, rays: Rays) -> Depth:
    """The same with the roll on it."""
    depth = mattress.copy()
    for first, last in zip(crib.roll[:-1], crib.roll[1:], strict=True):
        bar = Capsule(camera.seen(first), camera.seen(last), (crib.roll_radius, crib.roll_radius))
        draw(depth, bar, rays, soft_mm=6.0)
    return depth


def _on_mattress(camera: InfantCamera, rays: Rays, flat: Depth) -> tuple[Depth, Depth]:
    seen = np.stack(np.broadcast_arrays(flat * rays.x, flat * rays.y, flat), axis=-1)
    crib = (seen - camera.shift_mm) @ camera.rotation
    return crib[..., 0], crib[..., 1]


def _height(crib: Crib, x: Depth, y: Depth) -> Depth:
    """Height of the sheet over the flat mattress in mm."""
    across, down = ((axis / 40.0 + 19.5).astype(np.float32) for axis in (x, y))
    lumps = crib.lumps.astype(np.float32)
    height: Depth = np.asarray(
        cv2.remap(lumps, across, down, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
    )
    for mx, my, angle, length, half, high in crib.folds:
        along = (x - mx) * np.cos(angle) + (y - my) * np.sin(angle)
        beside = (y - my) * np.cos(angle) - (x - mx) * np.sin(angle)
        beside = beside - 10.0 * np.sin(along / 35.0 + mx)
        fold = high * np.exp(-((beside / half) ** 2) - (along / length) ** 4)
        height = height + fold
    return height
