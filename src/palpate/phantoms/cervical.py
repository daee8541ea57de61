"""Lateral films of made-up necks: neutral, extension and flexion of each subject.

A film is drawn in the order in which a real one comes about: a subject, a pose, a place on
the detector, what is worn, an exposure, and what is laid on the picture. The landmarks and
the angles are known before the first pixel is drawn.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice

import cv2
import numpy as np
from jaxtyping import Float
from numpy import ndarray
from numpy.random import Generator

from palpate.affine import Affine
from palpate.errors import ConfigError
from palpate.image import Calibration, Image
from palpate.phantoms.canvas import Canvas
from palpate.phantoms.cervical_anatomy import (
    SCHEME,
    VIEWS,
    Anatomy,
    Neck,
    View,
    build_neck,
    draw_anatomy,
    draw_pose,
)
from palpate.phantoms.cervical_bones import paint_bodies, paint_rear
from palpate.phantoms.cervical_head import paint_air, paint_flesh, paint_head, paint_shoulders
from palpate.phantoms.cervical_truth import quantities_of
from palpate.phantoms.clutter import dress
from palpate.phantoms.film import PhantomFilm
from palpate.phantoms.overlay import burn_marker, burn_text, collimate
from palpate.phantoms.radiograph import Exposure, draw_exposure, expose
from palpate.points import Points
from palpate.sample import Sample

# The least distance of a landmark from the edge of the film, in px.
MARGIN_PX = 12.0


@dataclass(frozen=True, slots=True)
class Habit:
    """What a subject's films have in common besides the anatomy."""

    exposure: Exposure
    facing: int
    mm_per_px: float
    rise_mm: float
    haze: float


@dataclass(frozen=True, eq=False, slots=True)
class Placement:
    """Where the neck falls on the film.

    Args:
        size: (width, height) in px.
        facing: +1 where the patient looks to the right, -1 to the left.
        mm_per_px: at the patient, magnification taken off.
        to_pixel: from mm of the sagittal plane.
    """

    size: tuple[int, int]
    facing: int
    mm_per_px: float
    to_pixel: Affine

    def mirrored(self) -> "Placement":
        """Return the placement of the film seen from behind."""
        flip = np.diag([-1.0, 1.0, 1.0])
        flip[0, 2] = self.size[0] - 1.0
        return replace(
            self, facing=-self.facing, to_pixel=Affine(flip, "pixel", "pixel") @ self.to_pixel
        )


def cervical_study(
    n: int, rng: Generator, *, width: int = 320, noise: float = 1.0, clutter: float = 1.0
) -> Iterator[PhantomFilm]:
    """Draw ``n`` films, three of each subject: neutral, extension, flexion.

    Film k depends on the generator's seed and on k, not on ``n``.

    Args:
        n: number of films; the last subject may have fewer than three.
        rng: of the study; children are spawned from it.
        width: of a film in px; heights vary from 1.25 to 1.5 times that.
        noise: 1 as usual, 0 for a film without noise, grid and texture of bone.
        clutter: 1 as usual, 0 for nothing worn and nothing laid on the film.

    Raises:
        ConfigError: no film is asked for, or films too narrow to hold a neck.

    Example:
        >>> film = next(cervical_study(1, np.random.default_rng(7)))
        >>> film.sample.image.size, film.sample.group, len(film.sample.points.scheme)
        ((320, 464), 'neutral', 29)
    """
    if n < 1:
        raise ConfigError(f"a study has at least 1 film, got {n}")
    if width < 128:
        raise ConfigError(f"a film is at least 128 px wide, got {width}")
    return islice(_films(rng, width, noise, clutter), n)


def _films(rng: Generator, width: int, noise: float, clutter: float) -> Iterator[PhantomFilm]:
    subject = 0
    while True:
        own = rng.spawn(1)[0]
        anatomy, habit = draw_anatomy(own), draw_habit(own)
        for view in VIEWS:
            film = own.spawn(1)[0]
            name = f"s{subject:04d}_{view}"
            yield _film(name, (anatomy, habit, view), film, width=width, amounts=(noise, clutter))
        subject += 1


def draw_habit(rng: Generator) -> Habit:
    """Draw what all films of a subject share."""
    return Habit(
        exposure=draw_exposure(rng),
        facing=int(rng.choice([-1, 1])),
        mm_per_px=float(rng.uniform(0.5, 0.7)),
        rise_mm=float(rng.normal(2.0, 9.0)),
        haze=float(rng.uniform(0.5, 1.5)),
    )


def draw_placement(neck: Neck, habit: Habit, rng: Generator, *, width: int) -> Placement:
    """Draw size of film, scale and position so that every landmark is on the film."""
    height = int(16 * round(width * rng.uniform(1.25, 1.5) / 16))
    size = np.array([width, height])
    # Now and then a film shows the other side of the patient.
    facing = habit.facing if rng.random() > 0.12 else -habit.facing
    plane = neck.landmarks * [facing, -1.0]
    extent = np.ptp(plane, axis=0)
    wanted = habit.mm_per_px * rng.normal(1.0, 0.04) * 320 / width
    scale = max(float(wanted), *(extent / (size - 1 - 2 * MARGIN_PX)))
    slack = size - 1 - 2 * MARGIN_PX - extent / scale
    corner = MARGIN_PX + slack * np.array([rng.beta(2.5, 2.5), rng.beta(3.2, 2.8)])
    shift = corner - plane.min(axis=0) / scale
    matrix = np.diag([facing / scale, -1.0 / scale, 1.0])
    matrix[:2, 2] = shift
    return Placement((width, height), facing, float(scale), Affine(matrix, "mm", "pixel"))


def attenuation(
    neck: Neck, placement: Placement, habit: Habit, rng: Generator, *, noise: float = 1.0
) -> Float[ndarray, "y x"]:
    """What the beam has to pass, pixel by pixel, without anything worn."""
    shape = (placement.size[1], placement.size[0])
    soft = Canvas(np.zeros(shape, np.float32), placement.to_pixel)
    paint_flesh(neck, soft)
    paint_air(neck, soft)
    paint_shoulders(neck, soft, rise_mm=habit.rise_mm, amount=habit.haze)
    bone = Canvas(np.zeros(shape, np.float32), placement.to_pixel)
    paint_head(neck, soft)
    paint_rear(neck, bone)
    paint_bodies(neck, Canvas(bone.values, placement.to_pixel, fine=8))
    if noise > 0:
        grain = rng.standard_normal(shape, np.float32)
        fine, coarse = cv2.GaussianBlur(grain, (0, 0), 1.1), cv2.GaussianBlur(grain, (0, 0), 3.0)
        bone.values[:] *= 1 + np.float32(noise) * (np.float32(0.35) * fine + 2 * coarse)
    return soft.values + bone.values


def _film(
    name: str,
    who: tuple[Anatomy, Habit, View],
    rng: Generator,
    *,
    width: int,
    amounts: tuple[float, float],
) -> PhantomFilm:
    (anatomy, habit, view), (noise, clutter) = who, amounts
    for_pose, for_place, for_dress, for_look, for_grain, for_top = rng.spawn(6)
    neck = build_neck(anatomy, draw_pose(anatomy, view, for_pose))
    placement = draw_placement(neck, habit, for_place, width=width)
    exposure = _varied(habit.exposure, for_look)
    dense = attenuation(neck, placement, habit, for_grain, noise=noise)
    worn = dress(neck, Canvas(dense, placement.to_pixel, fine=4), for_dress, clutter=clutter)
    film = expose(dense, exposure, for_grain, noise=noise)
    points = placement.to_pixel(neck.landmarks)
    film, laid = _finished(film, points, exposure, for_top, clutter)
    magnification = float(for_place.uniform(1.1, 1.25))
    spacing = (placement.mm_per_px, placement.mm_per_px)
    image = Image(
        np.round(film * 255.0).astype(np.uint8)[None],
        f"{name}.png",
        calibration=Calibration(spacing, "user", detail="exact by construction"),
    )
    notes = {
        "view": view,
        "facing": "right" if placement.facing > 0 else "left",
        "foreground": "black" if exposure.black_foreground else "white",
        "magnification": f"{magnification:.4f}",
        "artefacts": " ".join((*worn, *laid)),
    }
    sample = Sample(image, name.partition("_")[0], reference=Points.of(SCHEME, points), group=view)
    return PhantomFilm(sample, quantities_of(neck), notes)


def _varied(habit: Exposure, rng: Generator) -> Exposure:
    """Another film of the same room: nearly the same settings, now and then inverted."""
    low, high = habit.window
    return replace(
        habit,
        photons=habit.photons * float(np.exp(rng.normal(0.0, 0.2))),
        window=(low * float(rng.uniform(0.7, 1.3)), min(high + float(rng.normal(0, 0.4)), 99.9)),
        gamma=habit.gamma * float(np.exp(rng.normal(0.0, 0.08))),
        black_foreground=habit.black_foreground != (rng.random() < 0.15),
    )


def _finished(
    film: Float[ndarray, "y x"],
    points: Float[ndarray, "landmark 2"],
    exposure: Exposure,
    rng: Generator,
    clutter: float,
) -> tuple[Float[ndarray, "y x"], tuple[str, ...]]:
    """Marker, collimation, inversion and text, in that order, each with its own generator."""
    steps = (
        ("marker", 0.7, burn_marker),
        ("collimation", 0.5, collimate),
        ("text", 0.6, burn_text),
    )
    laid = []
    for name, likely, lay in steps:
        own = rng.spawn(1)[0]
        if name == "text" and exposure.black_foreground:
            film = 1 - film
        if own.random() < likely * clutter:
            film = lay(film, points, own)
            laid.append(name)
    return np.clip(film, 0.0, 1.0), tuple(laid)
