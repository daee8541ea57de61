"""A shape model whose points have names, so that it can be laid on the landmarks of any scheme."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from palpate.errors import GeometryError, SchemeError
from palpate.scheme import LandmarkScheme
from palpate.shape.model import ShapeModel
from palpate.suggest import did_you_mean


@dataclass(frozen=True, eq=False, slots=True)
class NamedShapeModel:
    """A shape model and the landmarks that its points are.

    Args:
        label: printed beside every number that it gives.
        names: of the points, in the order of the model.
        model: of their shapes.

    Raises:
        GeometryError: other than one name a point.
        SchemeError: a name is there twice.
    """

    label: str
    names: tuple[str, ...]
    model: ShapeModel

    def __post_init__(self) -> None:
        if len(self.names) != len(self.model.mean):
            raise GeometryError(
                f"a shape model of {len(self.model.mean)} points needs as many names, got "
                f"{len(self.names)}"
            )
        if len(set(self.names)) < len(self.names):
            raise SchemeError("the points of a shape model have different names")

    def rows(self, scheme: LandmarkScheme) -> Int[ndarray, " k"]:
        """Return where the points of the model are among the landmarks of a scheme.

        Raises:
            SchemeError: the scheme does not know one of them; names it and the nearest.
        """
        for name in self.names:
            if name not in scheme.names:
                raise SchemeError(
                    f"{self.label} has a landmark {name!r}, which scheme {scheme.name!r} does not "
                    "know" + did_you_mean(name, scheme.names)
                )
        return np.array(scheme.indices(self.names), dtype=np.int64)

    def edges(self, pairs: tuple[tuple[str, str], ...]) -> tuple[tuple[int, int], ...]:
        """Return pairs of names as rows of the model, without those it does not have."""
        place = {name: row for row, name in enumerate(self.names)}
        return tuple((place[a], place[b]) for a, b in pairs if a in place and b in place)

    def arranged(
        self, scheme: LandmarkScheme, values: Float[ndarray, "landmark ..."]
    ) -> Float[ndarray, "k ..."]:
        """Return what is given of each landmark of a scheme in the order of the model.

        Raises:
            SchemeError: as :meth:`rows`.
        """
        return values[self.rows(scheme)]
