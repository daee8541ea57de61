"""Where the landmarks of one image are."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray

from palpate.affine import Affine, Frame
from palpate.arrays import Numbers, locked, locked_int, rows_with_nan
from palpate.errors import GeometryError
from palpate.scheme import LandmarkScheme

# The states of COCO key points: not labelled, labelled but hidden, labelled and seen.
ABSENT, OCCLUDED, VISIBLE = 0, 1, 2


@dataclass(frozen=True, eq=False, slots=True)
class Points:
    """Positions, one row per landmark of the scheme, in one named frame.

    Invariant: a coordinate is NaN exactly where ``visibility`` is ABSENT, finite elsewhere.

    Raises:
        GeometryError: shape, NaN or infinity against the invariant.

    Example:
        >>> scheme = LandmarkScheme("face", ("nose", "ear"))
        >>> Points.of(scheme, [[3.0, 4.0], [np.nan, np.nan]]).present.tolist()
        [True, False]
    """

    scheme: LandmarkScheme
    coordinates: Float[ndarray, "landmark d"]
    visibility: Int[ndarray, " landmark"]
    frame: Frame = "pixel"

    def __post_init__(self) -> None:
        object.__setattr__(self, "coordinates", locked(self.coordinates))
        object.__setattr__(self, "visibility", locked_int(self.visibility))
        wanted = (len(self.scheme), self.scheme.dimension)
        if self.coordinates.shape != wanted or self.visibility.shape != wanted[:1]:
            raise GeometryError(
                f"scheme {self.scheme.name!r} needs coordinates of shape {wanted}, "
                f"got {self.coordinates.shape} with visibility {self.visibility.shape}"
            )
        if not np.isin(self.visibility, (ABSENT, OCCLUDED, VISIBLE)).all():
            raise GeometryError("visibility is 0 (absent), 1 (occluded) or 2 (visible)")
        if np.isinf(self.coordinates).any():
            raise GeometryError(f"landmark {self._first(np.isinf(self.coordinates))!r} is infinite")
        if not np.array_equal(
            np.isnan(self.coordinates), np.repeat(~self.present[:, None], wanted[1], 1)
        ):
            wrong = rows_with_nan(self.coordinates) != ~self.present
            raise GeometryError(
                f"landmark {self._first(wrong)!r}: coordinates must be NaN exactly "
                "where it is absent"
            )

    def _first(self, rows: Bool[ndarray, "..."]) -> str:
        flat = rows.reshape(len(self.scheme), -1).any(axis=1)
        return self.scheme.names[int(np.argmax(flat))]

    @classmethod
    def of(
        cls, scheme: LandmarkScheme, coordinates: Numbers, *, frame: Frame = "pixel"
    ) -> "Points":
        """Make points that are visible where they have a coordinate and absent elsewhere."""
        values = np.array(coordinates, dtype=float)
        missing = rows_with_nan(values)
        values[missing] = np.nan
        return cls(scheme, values, np.where(missing, ABSENT, VISIBLE), frame)

    @property
    def present(self) -> Bool[ndarray, " landmark"]:
        """Which landmarks were annotated, seen or hidden."""
        return self.visibility != ABSENT

    def moved(self, affine: Affine) -> "Points":
        """Map the points into another frame.

        Raises:
            GeometryError: the map does not start from the points' own frame.
        """
        if affine.source != self.frame:
            raise GeometryError(
                f"points in {self.frame} cannot be moved by a map from {affine.source}"
            )
        return Points(self.scheme, affine(self.coordinates), self.visibility, affine.target)

    def mirrored(self, affine: Affine) -> "Points":
        """Map by a reflection and swap the names of mirror pairs, so that left stays left."""
        moved = self.moved(affine)
        order = self.scheme.mirror_order()
        return Points(self.scheme, moved.coordinates[order], moved.visibility[order], moved.frame)

    def only(self, scheme: LandmarkScheme) -> "Points":
        """Return the points that another scheme names too, in its order.

        Raises:
            SchemeError: it names one that is not here.
        """
        rows = self.scheme.indices(scheme.names)
        return Points(scheme, self.coordinates[rows], self.visibility[rows], self.frame)

    def __getitem__(self, name: str) -> Float[ndarray, " d"]:
        """Return the coordinate of one landmark by name."""
        return self.coordinates[self.scheme.index(name)]
