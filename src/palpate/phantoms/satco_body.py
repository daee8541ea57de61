"""A made-up child: sizes and looks that stay the same in all of its clips.

Sizes are in centimetres. Proportions are typical of two to eight years (sitting height 56 % of
stature, a head of a fifth of it); children differ in stature and in each proportion.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from numpy.random import Generator

# Red, green, blue from 0 to 255.
Colour = tuple[int | float, int | float, int | float]
Hair = Literal["short", "bob", "tail"]
Top = Literal["bare", "crop", "shirt"]

# S1-L3, L3-T11, T11-T7, T7-T3, T3-C7 of a child of 100 cm, along the skin of the back.
LINKS_CM = np.array([5.7, 6.5, 5.6, 5.1, 3.8])
# Depth of the trunk in front of S1, L3, T11, T7, T3, C7.
DEPTHS_CM = np.array([13.2, 14.2, 14.0, 13.2, 11.4, 7.6])
SKINS = (
    (236, 190, 160), (232, 184, 152), (214, 160, 122), (172, 116, 82), (120, 78, 55),
    (240, 202, 178),
)  # fmt: skip
HAIRS = ((38, 28, 24), (70, 46, 30), (116, 78, 44), (182, 142, 84), (142, 70, 38), (24, 22, 24))
CLOTHS = (
    (52, 78, 140), (176, 44, 52), (44, 120, 84), (226, 190, 72), (70, 70, 78), (212, 112, 150),
    (232, 232, 228), (92, 60, 128), (60, 150, 180),
)  # fmt: skip


@dataclass(frozen=True, eq=False, slots=True)
class Body:
    """Sizes in cm. Offsets are (forwards, upwards) in the frame of their part.

    Args:
        stature: times a child of 100 cm.
        links: of the back, from S1 to C7.
        depths: of the trunk in front of S1, L3, T11, T7, T3, C7.
        s1, trochanter, asis: in the pelvis, from the point it rolls on.
        tragus_lateral: distance of the ear from the axis that the head turns about.
        fossa: of the temporal fossa in the head, (forwards, upwards, sideways).
        shoulder: from T3 in the frame of the upper trunk.
    """

    stature: float
    links: Float[ndarray, "5"]
    depths: Float[ndarray, "6"]
    s1: Float[ndarray, "2"]
    trochanter: Float[ndarray, "2"]
    asis: Float[ndarray, "2"]
    neck: float
    head: float
    tragus_lateral: float
    fossa: Float[ndarray, "3"]
    shoulder: Float[ndarray, "2"]
    upper_arm: float
    forearm: float
    thigh: float
    shank: float
    girth: float


@dataclass(frozen=True, slots=True)
class Look:
    """Colours and clothes.

    Args:
        waist_cm: how far above S1 the shorts end.
        print_seed: of what is printed on a shirt.
    """

    skin: Colour
    hair: Colour
    hair_style: Hair
    top: Top
    top_colour: Colour
    shorts: Colour
    waist_cm: float
    socks: Colour
    print_seed: int


def draw_body(rng: Generator) -> Body:
    """Draw a child's sizes."""
    stature = float(np.clip(rng.normal(0.98, 0.09), 0.82, 1.14))
    girth = float(np.clip(rng.normal(1.0, 0.09), 0.84, 1.2))

    def vary(size: float, share: float = 0.03) -> float:
        return stature * size * float(np.clip(rng.normal(1.0, share), 1 - 2 * share, 1 + 2 * share))

    def at(place: list[float], sd: float) -> Float[ndarray, "..."]:
        return stature * (np.array(place) + np.clip(rng.normal(0.0, sd, len(place)), -1.0, 1.0))

    return Body(
        stature=stature,
        links=LINKS_CM * vary(1.0) * (1 + np.clip(rng.normal(0.0, 0.012, 5), -0.03, 0.03)),
        depths=DEPTHS_CM * stature * (0.4 + 0.6 * girth) * rng.normal(1.0, 0.02, 6),
        s1=at([-7.6, 12.6], 0.3),
        trochanter=at([0.4, 6.6], 0.2),
        asis=at([5.0, 13.6], 0.3),
        neck=vary(10.6),
        # A small child's head is large for its body.
        head=float(np.clip(rng.normal(1.06, 0.025), 1.0, 1.12)) * (0.5 + 0.5 * stature),
        tragus_lateral=vary(6.0),
        fossa=at([0.0, 4.6, 5.6], 0.25),
        shoulder=at([5.2, 0.2], 0.4),
        upper_arm=vary(17.0),
        forearm=vary(14.2),
        thigh=vary(25.0),
        shank=vary(23.0),
        girth=girth,
    )


def draw_look(rng: Generator) -> Look:
    """Draw how a child looks; most trunks are bare, as in the clinic."""
    hair = rng.integers(len(HAIRS))
    cloth = rng.permutation(len(CLOTHS))[:3]
    return Look(
        skin=varied(SKINS[rng.integers(len(SKINS))], rng, 6.0),
        hair=varied(HAIRS[hair], rng, 5.0),
        hair_style=("short", "bob", "tail")[rng.choice(3, p=[0.6, 0.22, 0.18])],
        top=("bare", "crop", "shirt")[rng.choice(3, p=[0.55, 0.2, 0.25])],
        top_colour=varied(CLOTHS[cloth[0]], rng, 8.0),
        shorts=varied(CLOTHS[cloth[1]], rng, 8.0),
        waist_cm=float(rng.uniform(-2.0, 2.5)),
        socks=varied(CLOTHS[cloth[2]], rng, 8.0),
        print_seed=int(rng.integers(2**31)),
    )


def varied(colour: Colour, rng: Generator, sd: float) -> Colour:
    """Return a colour a little lighter or darker, and a little of another hue."""
    r, g, b = np.clip(np.array(colour) + rng.normal(0.0, sd) + rng.normal(0.0, sd / 3, 3), 8, 250)
    return float(r), float(g), float(b)
