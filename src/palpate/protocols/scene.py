"""The landmarks of one image as a formula sees them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from pydantic import Field

Place = str | Annotated[tuple[str, ...], Field(min_length=1)]
Line = tuple[Place, Place]


@dataclass(frozen=True, slots=True)
class Scene:
    """Where the landmarks are, in mm or px with square pixels, and which way the patient faces.

    Args:
        at: name -> coordinate; holds at least what the formula needs.
        facing: +1 where an upright patient looks to the right of the film, -1 to the left.
        height: of the film, in the unit of the coordinates; None where not known.
    """

    at: Mapping[str, ndarray]
    facing: float = 1.0
    height: float | None = None

    def position(self, place: Place) -> Float[ndarray, " d"]:
        """Coordinate of a landmark, or the mean of several."""
        if isinstance(place, str):
            return self.at[place]
        return np.mean([self.at[name] for name in place], axis=0)

    def direction(self, line: Line) -> Float[ndarray, " d"]:
        """From the first place of a line to its second; not of length 1."""
        return self.position(line[1]) - self.position(line[0])

    @property
    def forwards(self) -> Float[ndarray, " 2"]:
        """The film's horizontal, towards the patient's front."""
        return np.array([self.facing, 0.0])


@dataclass(frozen=True, slots=True)
class Scenes:
    """Many scenes that differ in where the landmarks are, and in nothing else.

    Args:
        at: name -> (scene, 2) coordinates.
        facing: as of :class:`Scene`.
        height: likewise.
    """

    at: Mapping[str, ndarray]
    facing: float = 1.0
    height: float | None = None

    def __iter__(self) -> Iterator[Scene]:
        """Each scene alone."""
        for places in zip(*self.at.values(), strict=True):
            yield Scene(dict(zip(self.at, places, strict=True)), self.facing, self.height)

    def position(self, place: Place) -> Float[ndarray, "scene 2"]:
        """Coordinates of a landmark, or the means of several."""
        if isinstance(place, str):
            return self.at[place]
        return np.mean([self.at[name] for name in place], axis=0)

    def direction(self, line: Line) -> Float[ndarray, "scene 2"]:
        """From the first place of a line to its second; not of length 1."""
        return self.position(line[1]) - self.position(line[0])

    @property
    def forwards(self) -> Float[ndarray, " 2"]:
        """The film's horizontal, towards the patient's front."""
        return np.array([self.facing, 0.0])


UPWARDS = np.array([0.0, -1.0])
UPWARDS.flags.writeable = False


def names_of(*places: Place) -> tuple[str, ...]:
    """Return the landmarks of some places, each once, in order.

    Example:
        >>> names_of("a", ("b", "a"))
        ('a', 'b')
    """
    flat = [name for place in places for name in ((place,) if isinstance(place, str) else place)]
    return tuple(dict.fromkeys(flat))
