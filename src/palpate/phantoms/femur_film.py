"""A film of a child's hips: what is annotated, and what is known of both femurs."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

import numpy as np

from palpate.errors import GeometryError
from palpate.phantoms.femur_scheme import SCHEME
from palpate.points import Points
from palpate.sample import Sample


@dataclass(frozen=True, eq=False, slots=True)
class FemurTruth:
    """One femur as it was built.

    Args:
        points: the 58 landmarks in px of the film, exact; occluded under lead or metal.
        quantities: name -> value, from the numbers that the bone was built with.

    Raises:
        GeometryError: points over another scheme.
    """

    points: Points
    quantities: Mapping[str, float]

    def __post_init__(self) -> None:
        object.__setattr__(self, "quantities", MappingProxyType(dict(self.quantities)))
        if self.points.scheme.names != SCHEME.names:
            raise GeometryError(f"a femur has the landmarks of {SCHEME.name!r}")

    def mirrored(self, width: int) -> "FemurTruth":
        """Return the same femur in a mirrored film of this width."""
        return replace(self, points=_mirrored(self.points, width))


@dataclass(frozen=True, eq=False, slots=True)
class FemurFilm:
    """One made-up film and its exact truth.

    Args:
        sample: image, subject, group, and the left femur as two annotators see it.
        left: truth of the annotated femur: at the right of an AP film.
        right: truth of the other.
        visit: 1, or 2 a year later.
        age: in years.
        notes: how the film was made, for a table beside the images.
    """

    sample: Sample
    left: FemurTruth
    right: FemurTruth
    visit: int
    age: float
    notes: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "notes", MappingProxyType(dict(self.notes)))

    def mirrored(self) -> "FemurFilm":
        """Return the film in a mirror: its left femur is the right one of this film.

        Nobody annotated that one, so that the sample's reference is its exact truth.
        """
        image = self.sample.image
        width = image.size[0]
        flipped = replace(image, pixels=np.ascontiguousarray(image.pixels[..., ::-1]))
        left, right = self.right.mirrored(width), self.left.mirrored(width)
        sample = replace(self.sample, image=flipped, annotations={}, reference=left.points)
        notes = {**self.notes, "mirrored": "no" if self.notes.get("mirrored") == "yes" else "yes"}
        return replace(self, sample=sample, left=left, right=right, notes=notes)


def _mirrored(points: Points, width: int) -> Points:
    """Mirror in the film's middle column; names stay, for the side of the femur changes."""
    coordinates = points.coordinates * np.array([-1.0, 1.0]) + np.array([width - 1.0, 0.0])
    return replace(points, coordinates=coordinates)
