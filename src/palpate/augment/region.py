"""A region of interest that two landmarks place, scale and turn; the rest of a film is left out.

The region is an image of its own, with its own pixels: whatever finds landmarks in images finds
them in it. One ``Affine`` says where each of its pixels lies in the film.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from palpate.affine import Affine
from palpate.arrays import rows_with_nan
from palpate.augment.resample import prepare, resample
from palpate.errors import GeometryError, StudyError
from palpate.image import Image
from palpate.points import Points
from palpate.shape.similarity import fit_similarity

# So much of the region's longer side is kept around it, for variations to bring in.
_MARGIN = 0.15
# Two references nearer than this, in px of the film, say nothing of scale and turn.
_NEAREST_PX = 2.0

Place = tuple[float, float]


@dataclass(frozen=True, slots=True)
class RegionOfInterest:
    """Where two landmarks of a film shall lie in the region that is cut out of it.

    Args:
        references: names of the two.
        places: (x, y) of each in px of the region.
        size: of the region, (x, y).

    Raises:
        GeometryError: the places coincide.

    Example:
        >>> region = RegionOfInterest(("a", "b"), ((10.0, 10.0), (10.0, 30.0)), (40, 40))
        >>> to_region = region.view(np.array([[100.0, 50.0], [100.0, 90.0]]))
        >>> to_region([[110.0, 70.0]]).round(6).tolist()  # half the size; 6 px of margin
        [[21.0, 26.0]]
    """

    references: tuple[str, str]
    places: tuple[Place, Place]
    size: tuple[int, int]

    def __post_init__(self) -> None:
        if np.hypot(*np.subtract(*self.places)) < 1e-6:
            raise GeometryError(f"the places of {self.references} in their region coincide")

    @property
    def margin(self) -> int:
        """Pixels that are cut out on each side of the region beyond it."""
        return round(_MARGIN * max(self.size))

    @property
    def canvas(self) -> tuple[int, int]:
        """Size (x, y) of what is cut out: the region and its margin."""
        return self.size[0] + 2 * self.margin, self.size[1] + 2 * self.margin

    def view(self, positions: Float[ndarray, "2 2"]) -> Affine:
        """Map px of the film to px of the canvas; a similarity.

        Args:
            positions: of the references, px of the film.

        Raises:
            GeometryError: one is missing, or they coincide.
        """
        first, second = self.references
        missing = [n for n, m in zip(self.references, rows_with_nan(positions), strict=True) if m]
        if missing:
            raise GeometryError(f"without {missing[0]!r} it is not known where to look")
        apart = float(np.hypot(*(positions[0] - positions[1])))
        if apart < _NEAREST_PX:
            raise GeometryError(
                f"{first!r} and {second!r} are {apart:.1f} px apart: scale and turn of the region "
                "cannot be told from them"
            )
        places = np.array(self.places) + self.margin
        return fit_similarity(positions, places).to_affine(source="pixel", target="pixel")

    def cut(self, image: Image, view: Affine) -> Image:
        """Cut a view out of a film: bilinear, black where the film ends.

        Raises:
            GeometryError: nothing of the film is in the view.
        """
        colour = len(image.pixels) == 3
        to_grid = Affine(view.matrix, "pixel", "grid")
        prepared = prepare(image, self.canvas, colour=colour, view=to_grid)
        pixels = resample(prepared, to_grid, self.canvas)
        return Image(
            pixels.transpose(2, 0, 1) if colour else pixels[None],
            image.identifier,
            region=(self.margin, self.margin, *self.size),
        )


def learn_region(
    annotated: Sequence[Points],
    references: tuple[str, str],
    size: tuple[int, int],
    *,
    around: float,
) -> RegionOfInterest:
    """Choose the region so that all landmarks of all films fit, upright as they are on average.

    Args:
        annotated: points of training films; those without both references are left out.
        references: two landmarks.
        size: of the region, (x, y) px.
        around: share of the landmarks' box that is added on each side.

    Raises:
        StudyError: no film has both references.
        SchemeError: an unknown landmark.
    """
    rows = [points.scheme.indices(references) for points in annotated[:1]]
    placed = [p.coordinates for p in annotated if p.present[rows[0]].all()] if rows else []
    placed = [p for p in placed if np.hypot(*(p[rows[0][0]] - p[rows[0][1]])) >= _NEAREST_PX]
    if not placed:
        raise StudyError(
            f"no training film has both {references[0]!r} and {references[1]!r}, apart from each "
            "other; name two landmarks that have been annotated: region.references"
        )
    first, second = np.array([p[rows[0]] for p in placed]).transpose(1, 0, 2)
    upright = (second - first) @ (1.0, 1.0j)
    turn = float(np.angle(np.sum(upright / np.abs(upright))))
    ends = np.array([[0.0, 0.0], [np.cos(turn), np.sin(turn)]])
    moved = np.concatenate([fit_similarity(p[rows[0]], ends)(p) for p in placed])
    low, high = np.nanmin(moved, axis=0), np.nanmax(moved, axis=0)
    box = np.maximum((high - low) * (1 + 2 * around), 1e-3)
    ratio = float(np.min(np.array(size) / box))
    places = (np.array(size) - 1) / 2 + ratio * (ends - (low + high) / 2)
    (x1, y1), (x2, y2) = places.tolist()
    return RegionOfInterest(references, ((x1, y1), (x2, y2)), size)
