"""Films of made-up children's hips, healthy or with Perthes disease, of one visit or two.

A film is drawn in the order in which a real one comes about: a child, an age, a pose, a place on
the detector, an exposure, and what is laid on the picture. The outlines of both femurs are known
before the first pixel is drawn; two annotators then mark the left one, each in his own way.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

import cv2
import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray
from numpy.random import Generator

from palpate.affine import Affine
from palpate.errors import ConfigError
from palpate.image import Calibration, Image
from palpate.phantoms.canvas import Canvas
from palpate.phantoms.femur_annotators import Annotator, annotate, draw_annotators
from palpate.phantoms.femur_bone import Femur
from palpate.phantoms.femur_film import FemurFilm, FemurTruth
from palpate.phantoms.femur_flesh import paint_flesh, paint_nappy
from palpate.phantoms.femur_growth import OLDEST, draw_child
from palpate.phantoms.femur_lead import Laid, lay_lead
from palpate.phantoms.femur_paint import paint_femur
from palpate.phantoms.femur_pelvis import paint_pelvis
from palpate.phantoms.femur_pose import Hips, pose
from palpate.phantoms.femur_scheme import SCHEME
from palpate.phantoms.femur_truth import quantities_of
from palpate.phantoms.overlay import collimate
from palpate.phantoms.radiograph import Exposure, draw_exposure, expose
from palpate.points import OCCLUDED, VISIBLE, Points
from palpate.sample import Sample

# The least distance of a landmark from the edge of the film, in px of a film 640 px wide.
MARGIN_PX = 14.0
# How likely a child comes again a year later.
AGAIN = 0.35


@dataclass(frozen=True, eq=False, slots=True)
class Amounts:
    """How much of what is no anatomy: 1 as usual, 0 for none."""

    noise: float
    clutter: float


def femur_study(
    n: int, rng: Generator, *, width: int = 640, noise: float = 1.0, clutter: float = 1.0
) -> Iterator[FemurFilm]:
    """Draw ``n`` AP films of the pelvis; about a third of the children have two, a year apart.

    Film k depends on the generator's seed and on k, not on ``n``.

    Args:
        n: number of films.
        rng: of the study; children are spawned from it.
        width: of a film in px; heights vary from 0.8 to 0.94 times that.
        noise: 1 as usual, 0 for a film without noise, grid and texture of bone.
        clutter: 1 as usual, 0 for nothing laid on the film: no lead, metal, letters, collimation.

    Raises:
        ConfigError: no film is asked for, or films too narrow to hold two hips.

    Example:
        >>> film = next(femur_study(1, np.random.default_rng(7)))
        >>> film.sample.image.size[0], sorted(film.sample.annotations), film.visit
        (640, ['A', 'B'], 1)
    """
    if n < 1:
        raise ConfigError(f"a study has at least 1 film, got {n}")
    if width < 256:
        raise ConfigError(f"a film of both hips is at least 256 px wide, got {width}")
    return islice(_films(rng, width, Amounts(noise, clutter)), n)


def _films(rng: Generator, width: int, amounts: Amounts) -> Iterator[FemurFilm]:
    annotators = draw_annotators(rng.spawn(1)[0])
    subject = 0
    while True:
        own = rng.spawn(1)[0]
        child, exposure = draw_child(own), draw_exposure(own)
        visits = 2 if own.random() < AGAIN and child.age < OLDEST - 0.5 else 1
        for visit in range(1, visits + 1):
            film = own.spawn(1)[0]
            years = 0.0 if visit == 1 else float(np.clip(film.normal(1.0, 0.12), 0.7, 1.4))
            hips = pose(child, years, film)
            name = f"s{subject:04d}_{visit}"
            yield _film(name, hips, (exposure, annotators), film, look=(width, amounts))
        subject += 1


def place(hips: Hips, rng: Generator, *, width: int) -> tuple[Affine, tuple[int, int], float]:
    """Draw size of film, scale, place and turn so that every landmark of both hips is on it.

    Returns:
        The map from mm of the plane to pixels, (width, height) of the film, mm of a pixel.
    """
    height = int(8 * round(width * rng.uniform(0.8, 0.94) / 8))
    size, margin = np.array([width, height]), MARGIN_PX * width / 640
    angle = np.radians(np.clip(rng.normal(0.0, 2.5), -7.0, 7.0))
    # y upwards becomes y downwards.
    turn = np.array([[np.cos(angle), -np.sin(angle)], [-np.sin(angle), -np.cos(angle)]])
    plane = hips.landmarks @ turn.T
    extent = np.ptp(plane, axis=0)
    share = rng.uniform(0.62, 0.8)
    scale = max(float(extent[0] / (share * width)), *(extent / (size - 1 - 2 * margin)))
    slack = size - 1 - 2 * margin - extent / scale
    corner = margin + slack * np.array([rng.beta(6.0, 6.0), rng.beta(6.0, 3.5)])
    matrix = np.eye(3)
    matrix[:2, :2] = turn / scale
    matrix[:2, 2] = corner - plane.min(axis=0) / scale
    return Affine(matrix, "mm", "pixel"), (width, height), float(scale)


def attenuation(
    hips: Hips, to_pixel: Affine, size: tuple[int, int], rng: Generator, *, noise: float = 1.0
) -> Float[ndarray, "y x"]:
    """What the beam has to pass, pixel by pixel, without lead and metal."""
    shape = (size[1], size[0])
    for_soft, for_left, for_right, for_grain = rng.spawn(4)
    soft = Canvas(np.zeros(shape, np.float32), to_pixel)
    paint_flesh(hips, soft, for_soft)
    if hips.age < 3.5:
        paint_nappy(hips, soft, for_soft)
    bone = Canvas(np.zeros(shape, np.float32), to_pixel)
    paint_pelvis(hips.pelvis, bone)
    for femur, own in zip(hips.femurs, (for_left, for_right), strict=True):
        paint_femur(femur, Canvas(bone.values, to_pixel, fine=4), own, dense=hips.child.bone)
    if noise > 0:
        grain = for_grain.standard_normal(shape, np.float32)
        fine, coarse = cv2.GaussianBlur(grain, (0, 0), 1.2), cv2.GaussianBlur(grain, (0, 0), 3.0)
        bone.values[:] *= 1 + np.float32(noise) * (
            np.float32(0.3) * fine + np.float32(0.9) * coarse
        )
    return soft.values + bone.values


def _film(
    name: str,
    hips: Hips,
    room: tuple[Exposure, tuple[Annotator, Annotator]],
    rng: Generator,
    *,
    look: tuple[int, Amounts],
) -> FemurFilm:
    (exposure, annotators), (width, amounts) = room, look
    for_place, for_body, for_lead, for_grain, for_top, for_people = rng.spawn(6)
    to_pixel, size, scale = place(hips, for_place, width=width)
    dense = attenuation(hips, to_pixel, size, for_body, noise=amounts.noise)
    blank = Canvas(np.zeros_like(dense), to_pixel, fine=4)
    laid = lay_lead(hips, blank, for_lead, clutter=amounts.clutter)
    picture = expose(dense, exposure, for_grain, noise=amounts.noise)
    picture = picture * (1 - laid.cover) + np.float32(0.985) * laid.cover
    picture, top = _finished(picture, to_pixel(hips.landmarks), exposure, for_top, amounts)
    image = Image(
        np.round(picture * 255.0).astype(np.uint8)[None],
        f"{name}.png",
        calibration=Calibration((scale, scale), "user", detail="exact by construction"),
    )
    left, right = (_truth(femur, to_pixel, laid) for femur in hips.femurs)
    hidden = left.points.visibility == OCCLUDED
    given = {
        annotator.name: _marked(annotator, hips.femurs[0], hidden, to_pixel, own)
        for annotator, own in zip(annotators, for_people.spawn(2), strict=True)
    }
    group = "flattened" if hips.femurs[0].sizes.flattening >= 0.15 else "normal"
    notes = {
        "foreground": "black" if exposure.black_foreground else "white",
        "pelvis_turn": f"{hips.pelvis.turn:.4f}",
        "pelvis_tilt": f"{hips.pelvis.tilt:.4f}",
        "artefacts": " ".join((*laid.names, *top)),
    }
    subject, _, visit = name.partition("_")
    sample = Sample(image, subject, given, group=group)
    return FemurFilm(sample, left, right, int(visit), hips.age, notes)


def _truth(femur: Femur, to_pixel: Affine, laid: Laid) -> FemurTruth:
    points = to_pixel(femur.landmarks)
    x, y = np.round(points).astype(int).T
    seen = np.where(laid.cover[y, x] > 0.5, OCCLUDED, VISIBLE)
    return FemurTruth(Points(SCHEME, points, seen), quantities_of(femur))


def _marked(
    annotator: Annotator,
    femur: Femur,
    hidden: Bool[ndarray, "58"],
    to_pixel: Affine,
    rng: Generator,
) -> Points:
    """The left femur as one person marks it; a click has a hundredth of a pixel."""
    return Points.of(SCHEME, np.round(to_pixel(annotate(annotator, femur, hidden, rng)), 2))


def _finished(
    picture: Float[ndarray, "y x"],
    points: Float[ndarray, "landmark 2"],
    exposure: Exposure,
    rng: Generator,
    amounts: Amounts,
) -> tuple[Float[ndarray, "y x"], tuple[str, ...]]:
    """Collimation and inversion."""
    laid: tuple[str, ...] = ()
    if rng.random() < 0.35 * amounts.clutter:
        picture, laid = collimate(picture, points, rng), ("collimation",)
    if exposure.black_foreground:
        picture = 1 - picture
    return np.clip(picture, 0.0, 1.0), laid
