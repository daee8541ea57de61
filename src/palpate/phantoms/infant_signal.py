"""Smooth random signals that can be asked at any time, for movement of any length and rate."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from numpy.random import Generator

from palpate.arrays import locked

Times = Float[ndarray, " frame"]
# Mean over time of the sum of squares of the four weights of a uniform cubic B-spline: white
# coefficients of variance one give a signal of this variance.
_VARIANCE = 151.0 / 315.0


@dataclass(frozen=True, eq=False, slots=True)
class Wander:
    """Signals without jumps in speed or acceleration: cubic B-splines on even knots.

    Two halves of a signal do not know each other but for three knots, and a signal that was drawn
    for longer begins with the same values: :func:`draw_wander`.

    Args:
        coefficients: one row a knot, one column a signal.
        every_s: time between knots in s; frequencies above ``0.5 / every_s`` hardly occur.
    """

    coefficients: Float[ndarray, "knot signal"]
    every_s: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "coefficients", locked(self.coefficients))

    def at(self, times_s: Times) -> Float[ndarray, "frame signal"]:
        """Values at times in s, of variance about one; times past the end hold the last knots."""
        place = np.clip(times_s / self.every_s, 0.0, len(self.coefficients) - 3.001)
        knot = place.astype(np.int64)
        t = (place - knot)[:, None]
        weights = (
            (1 - t) ** 3,
            3 * t**3 - 6 * t**2 + 4,
            -3 * t**3 + 3 * t**2 + 3 * t + 1,
            t**3,
        )
        total = sum(w * self.coefficients[knot + i] for i, w in enumerate(weights))
        return total / (6.0 * np.sqrt(_VARIANCE))


def draw_wander(rng: Generator, seconds: float, every_s: float, signals: int) -> Wander:
    """Draw so many independent signals of so many seconds.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> wander = draw_wander(rng, 400.0, 0.5, 2)
        >>> wander.at(np.linspace(0.0, 400.0, 9000)).std(axis=0).round(1).tolist()
        [1.0, 1.0]
    """
    knots = int(np.ceil(seconds / every_s)) + 5
    return Wander(rng.standard_normal((knots, signals)), every_s)


def risen(signal: Float[ndarray, "*any"], steepness: float, at: float) -> Float[ndarray, "*any"]:
    """From 0 to 1 where a signal rises past ``at``: bursts out of a wander."""
    return 0.5 * (1.0 + np.tanh(0.5 * steepness * (signal - at)))
