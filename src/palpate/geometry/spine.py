"""Cobb angles of a whole spine seen from the front, as the AASCE challenge counts them.

Each vertebra is four corners: top left, top right, bottom left, bottom right, as the film is
seen. Its midline runs from the middle of its left side to the middle of its right side.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from palpate.geometry.angles import angle_between, unit


@dataclass(frozen=True, slots=True)
class CobbPairs:
    """Which two vertebrae each angle is taken between, counted from 0 at the top.

    Args:
        main: the pair with the largest angle.
        second: above the main curve.
        third: below it, or, in an S-shaped spine whose main curve is low, above the second.
        distal: the largest below the main curve, whatever the shape.
        s_shaped: whether the spine crosses the chord between its ends.
        low: whether the third angle was taken above the second; always False without S.
    """

    main: tuple[int, int]
    second: tuple[int, int]
    third: tuple[int, int]
    distal: tuple[int, int]
    s_shaped: bool
    low: bool


def midlines(corners: Float[ndarray, "vertebra 4 2"]) -> Float[ndarray, "vertebra 2"]:
    """Direction of every vertebra from its left to its right side."""
    left = (corners[:, 0] + corners[:, 2]) / 2.0
    right = (corners[:, 1] + corners[:, 3]) / 2.0
    return right - left


def midline_angle(corners: Float[ndarray, "vertebra 4 2"], pair: tuple[int, int]) -> float:
    """Unsigned angle between the midlines of two vertebrae, in degrees.

    Raises:
        GeometryError: a vertebra has no width.
    """
    lines = midlines(corners)
    return angle_between(lines[pair[0]], lines[pair[1]])


def is_s_shaped(corners: Float[ndarray, "vertebra 4 2"]) -> bool:
    """Whether the spine lies on both sides of the chord between its two ends.

    The spine is the middles of all end plates, top to bottom, without the last but one: so the
    challenge counts, and the last vertebra's own tilt should not make an S.
    """
    middles = corners.reshape(-1, 2, 2).mean(axis=1)
    chord, offsets = middles[0] - middles[-1], middles[1:-2] - middles[-1]
    side = chord[0] * offsets[:, 1] - chord[1] * offsets[:, 0]
    return bool((side > 0).any() and (side < 0).any())


def cobb_pairs(corners: Float[ndarray, "vertebra 4 2"], film_height: float) -> CobbPairs:
    """Find the pairs of the challenge's three angles.

    The main pair has the largest angle of all. In a C-shaped spine the second angle is between
    the top vertebra and the main pair's upper one, the third between its lower one and the last
    vertebra. In an S-shaped spine the second is the largest angle between the upper one and any
    above it. The third is the largest between the lower one and any below it where the main
    curve is in the upper half of the film (the lower end plates of its two vertebrae add up to
    less than the film's height), else the largest above the second's upper vertebra. On the
    challenge's training films this gives all three published angles.

    ``film_height`` is in the unit of the corners, from the centre of the first pixel.

    Raises:
        GeometryError: a vertebra has no width.

    Example:
        >>> level = np.array([[0.0, 0.0], [9.0, 0.0], [0.0, 5.0], [9.0, 5.0]])
        >>> tilted = level + np.array([[0.0, 0.0], [0.0, 9.0], [0.0, 0.0], [0.0, 9.0]])
        >>> spine = np.stack([level, level + [0.0, 20.0], tilted + [0.0, 40.0]])
        >>> cobb_pairs(spine, 100.0).main
        (0, 2)
    """
    lines = np.array([unit(line) for line in midlines(corners)])
    difference = np.linalg.norm(lines[:, None] - lines[None], axis=-1)
    angles = 2.0 * np.arctan2(difference, np.linalg.norm(lines[:, None] + lines[None], axis=-1))
    last = len(lines) - 1
    # The first of equal pairs, reading row by row, so that i is above j.
    i, j = (int(n) for n in np.unravel_index(int(np.argmax(angles)), angles.shape))
    i, j = min(i, j), max(i, j)
    above = int(np.argmax(angles[i, : i + 1]))
    below = j + int(np.argmax(angles[j, j:]))
    if not is_s_shaped(corners):
        return CobbPairs((i, j), (0, i), (j, last), (j, below), s_shaped=False, low=False)
    bottoms = corners[:, 2:, 1].mean(axis=1)
    if bottoms[i] + bottoms[j] < film_height:
        return CobbPairs((i, j), (above, i), (j, below), (j, below), s_shaped=True, low=False)
    top = int(np.argmax(angles[above, : above + 1]))
    return CobbPairs((i, j), (above, i), (top, above), (j, below), s_shaped=True, low=True)
