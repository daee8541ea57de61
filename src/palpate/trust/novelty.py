"""What an image looks like, in a few numbers; how far it is from those that were seen before.

Cheap on purpose: an average over a coarse grid, the distribution of grey values, proportions,
texture and colour. It tells another body part, a photo, noise or a negative from the films of a
study, not one diagnosis from another.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from palpate.errors import GeometryError
from palpate.image import Image

SIDE = 12
_GREYS = 11
_LONGEST = 512  # px that are looked at along the longer side
_NEAREST = 3
_LEAST = 0.05  # a picture is never told to be nearer than this, so that no gain is endless

# Parts of a look: where they stand, how a clinician calls them, and what distance never matters.
_THUMBNAIL = slice(0, SIDE * SIDE)
_PARTS = (
    ("the picture as a whole", _THUMBNAIL, 0.15),
    ("the grey values", slice(_THUMBNAIL.stop, _THUMBNAIL.stop + _GREYS), 0.04),
    ("the proportions", slice(-3, -2), 0.05),
    ("the texture", slice(-2, -1), 0.15),
    ("the colour", slice(-1, None), 0.02),
)
LOOK = SIDE * SIDE + _GREYS + 3


def look_of(image: Image) -> Float[ndarray, " look"]:
    """Return the descriptor of an image, ``LOOK`` numbers.

    Thumbnail (zero mean, unit deviation), quantiles of the grey values in [0, 1], logarithm of
    width by height, logarithm of the mean step between neighbours in standard deviations, and
    how far the channels differ.

    Raises:
        GeometryError: the image is no single picture.

    Example:
        >>> flat = Image(np.zeros((1, 40, 80), np.uint8), "flat")
        >>> look_of(flat).shape, round(float(look_of(flat)[-3]), 3)
        ((158,), 0.693)
    """
    if image.axes != "yx":
        raise GeometryError(f"image {image.identifier!r}: only single pictures have a look")
    step = max(1, max(image.size) // _LONGEST)
    small = Image(image.pixels[:, ::step, ::step], image.identifier)
    grey = small.grey().astype(np.float64)
    spread = max(float(grey.std()), 1e-3)
    thumbnail = _averaged(_averaged(grey, SIDE).T, SIDE).T
    centred = thumbnail - thumbnail.mean()
    steps = [np.abs(np.diff(grey, axis=axis)).mean() for axis in (0, 1) if grey.shape[axis] > 1]
    texture = np.log(float(np.mean(steps or [0.0])) / spread + 1e-3)
    colour = 0.0
    if len(small.pixels) > 1:
        channels = small.pixels.astype(np.float64)
        reach = max(float(channels.max() - channels.min()), 1e-6)
        colour = float((channels.max(axis=0) - channels.min(axis=0)).mean()) / reach
    return np.concatenate(
        [
            (centred / max(float(centred.std()), 1e-3)).ravel(),
            np.quantile(grey, np.linspace(0.0, 1.0, _GREYS)),
            [np.log(image.size[0] / image.size[1]), texture, colour],
        ]
    )


def _averaged(values: Float[ndarray, "n m"], cells: int) -> Float[ndarray, "cells m"]:
    """Mean over equal parts of the first axis, also where it has fewer rows than parts."""
    total = np.concatenate([np.zeros((1, values.shape[1])), np.cumsum(values, axis=0)])
    edges = np.linspace(0, len(values), cells + 1)
    whole = np.minimum(edges.astype(int), len(values) - 1)
    at = total[whole] + (edges - whole)[:, None] * (total[whole + 1] - total[whole])
    return np.diff(at, axis=0) * (cells / len(values))


@dataclass(frozen=True, slots=True)
class Strangeness:
    """How far a look is from the nearest known ones: 1 is usual; and in what it differs most."""

    value: float
    part: str


def strangeness(
    look: Float[ndarray, " look"],
    known: Float[ndarray, "image look"],
    usual: Float[ndarray, " part"],
) -> Strangeness:
    """Compare a look with known ones.

    Args:
        look: of the image.
        known: of the images of other subjects.
        usual: distance of each part that is usual, see :func:`usual_distances`.

    Returns:
        The largest ratio over the parts of the mean distance from the three nearest to the usual
        one.

    Source:
        Ramaswamy, Rastogi and Shim, SIGMOD 2000 (distance to the nearest as outlier score).
    """
    ratios = _distances(look, known) / usual
    worst = int(ratios.argmax())
    return Strangeness(float(ratios[worst]), _PARTS[worst][0])


def usual_distances(
    looks: Float[ndarray, "image look"], owners: Int[ndarray, " image"]
) -> Float[ndarray, " part"]:
    """Median distance of each part from the nearest images of other subjects."""
    floors = np.array([floor for _, _, floor in _PARTS])
    if len(np.unique(owners)) < 2:
        return floors
    own = [
        _distances(look, looks[owners != owner]) for look, owner in zip(looks, owners, strict=True)
    ]
    return np.maximum(np.median(np.array(own), axis=0), floors)


# Ways in which a film comes in wrongly, in the words of the person at the scanner: how the grid is
# turned back, whether width and height change places, whether bright was dark.
_TURNS: tuple[tuple[str, Callable[[ndarray], ndarray], bool, bool], ...] = (
    ("mirrored", lambda grid: grid[:, ::-1], False, False),
    ("upside down", lambda grid: grid[::-1, ::-1], False, False),
    ("upside down and mirrored", lambda grid: grid[::-1], False, False),
    ("turned to the left", lambda grid: np.rot90(grid, -1), True, False),
    ("turned to the right", lambda grid: np.rot90(grid, 1), True, False),
    ("a negative", lambda grid: -grid, False, True),
    ("a mirrored negative", lambda grid: -grid[:, ::-1], False, True),
)


@dataclass(frozen=True, slots=True)
class WrongWay:
    """The turn that would make an image look most like the known ones.

    Args:
        turn: as 'mirrored': what seems to have been done to the image.
        gain: distance of the picture as it is by that when turned back; above 1, turning helps.
        strange: how strange the image would still be when turned back.
    """

    turn: str
    gain: float
    strange: float


def wrong_way(
    look: Float[ndarray, " look"],
    known: Float[ndarray, "image look"],
    usual: Float[ndarray, " part"],
) -> WrongWay:
    """Find the turn that fits known images best; arguments as of :func:`strangeness`."""
    as_given = float(_distances(look, known)[0])
    best = WrongWay("", 0.0, np.inf)
    for name, back, lying, negative in _TURNS:
        distances = _distances(_turned(look, back, lying=lying, negative=negative), known)
        gain = as_given / max(float(distances[0]), _LEAST)
        if gain > best.gain:
            best = WrongWay(name, gain, float((distances / usual).max()))
    return best


def _turned(
    look: Float[ndarray, " look"],
    back: Callable[[ndarray], ndarray],
    *,
    lying: bool,
    negative: bool,
) -> Float[ndarray, " look"]:
    """Return the look that the image would have when turned back."""
    grid = back(look[_THUMBNAIL].reshape(SIDE, SIDE))
    greys = look[_THUMBNAIL.stop : _THUMBNAIL.stop + _GREYS]
    proportions, texture, colour = look[-3:]
    return np.concatenate(
        [
            grid.ravel(),
            1.0 - greys[::-1] if negative else greys,
            [-proportions if lying else proportions, texture, colour],
        ]
    )


def _distances(
    look: Float[ndarray, " look"], known: Float[ndarray, "image look"]
) -> Float[ndarray, " part"]:
    """Mean distance from the nearest known looks, part by part."""
    found = []
    for _, part, _ in _PARTS:
        rms = np.sqrt(((known[:, part] - look[part]) ** 2).mean(axis=1))
        found.append(float(np.sort(rms)[:_NEAREST].mean()))
    return np.array(found)
