"""Two people who mark the outline: along it they are unsure, across it they are not.

Each has habits that stay through a study, and on each film a slip that is much the same for
neighbouring landmarks. Amounts are in shaft widths, the unit of the source's errors. They are
chosen, not measured: the source prints its annotators' agreement as curves only.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray
from numpy.random import Generator
from scipy.ndimage import gaussian_filter1d

from palpate.phantoms.femur_bone import Femur
from palpate.phantoms.femur_scheme import ANCHORS, LANDMARKS

# Standard deviations in shaft widths: of one film along and across, and of the habits.
ALONG, ACROSS = 0.085, 0.014
HABIT_ALONG, HABIT_ACROSS = 0.035, 0.006
# What is left of the slip along the outline at an anchor.
AT_ANCHOR = 0.3
# Where landmarks lie close together they are also set with more care: the standard deviation is at
# most this part of the distance to the next.
CROWDED = 0.45
# Neighbours slip together over so many landmarks.
TOGETHER = 1.6
# What cannot be seen is guessed.
GUESSED = 1.6
# A person who is farther off looks again.
MOST = 2.5


@dataclass(frozen=True, eq=False, slots=True)
class Annotator:
    """One person's habits, in shaft widths.

    Args:
        name: as the study's files have it.
        along: where on the outline this person puts each landmark that is free to slip, beside
            its true place.
        outwards: how far outside the bone.
        care: factor of all slips.
    """

    name: str
    along: Float[ndarray, "58"]
    outwards: float
    care: float


def draw_annotators(rng: Generator) -> tuple[Annotator, Annotator]:
    """Draw annotators A and B of a study."""
    first, second = (
        Annotator(
            name,
            HABIT_ALONG * _together(rng),
            float(np.clip(rng.normal(0.0, HABIT_ACROSS), -2 * HABIT_ACROSS, 2 * HABIT_ACROSS)),
            float(rng.uniform(0.85, 1.2)),
        )
        for name in ("A", "B")
    )
    return first, second


def annotate(
    annotator: Annotator, femur: Femur, hidden: Bool[ndarray, "58"], rng: Generator
) -> Float[ndarray, "58 2"]:
    """Return where this person puts the landmarks, in mm of the plane.

    Args:
        annotator: who.
        femur: as it lies on the film.
        hidden: which landmarks lie under lead or metal.
        rng: of this film and this person.
    """
    width = femur.sizes.shaft_width
    free = np.minimum(_looseness(), CROWDED * femur.room / (ALONG * width))
    guess = np.where(hidden, GUESSED, 1.0) * annotator.care
    along = free * (annotator.along + ALONG * _together(rng) * guess)
    across = np.clip(rng.normal(0.0, 1.0, 58), -MOST, MOST)
    return femur.moved(width * along, width * (annotator.outwards + ACROSS * across * guess))


def _together(rng: Generator) -> Float[ndarray, "58"]:
    """Standard scores, alike for neighbours along the outline."""
    white = rng.normal(0.0, 1.0, 58 + 40)
    even = gaussian_filter1d(white, TOGETHER)[20:-20]
    # A Gaussian filter leaves 1 / (2 sqrt(pi) TOGETHER) of the variance.
    return np.clip(even * np.sqrt(2.0 * np.sqrt(np.pi) * TOGETHER), -MOST, MOST)


def _looseness() -> Float[ndarray, "58"]:
    """How free each landmark is to slip: least at an anchor, most between two."""
    anchors = np.array([LANDMARKS.index(name) for name in ANCHORS.values()])
    steps = np.abs(np.arange(58)[:, None] - anchors).min(axis=1)
    return np.minimum(AT_ANCHOR + (1.0 - AT_ANCHOR) * steps / 2.0, 1.0)
