"""Which landmarks lie on the image: only these can be points of a DICOM object."""

import numpy as np
from pydicom.dataset import Dataset

from palpate.errors import GeometryError
from palpate.points import ABSENT, Points


def on_image(points: Points, source: Dataset) -> tuple[Points, tuple[str, ...]]:
    """Return the points without those that lie outside an image, and the names of these.

    A model may put a landmark outside, where a film was collimated; what is measured from it keeps
    its value, and no viewer is given a point that its image does not have.

    Args:
        points: in pixels of the image.
        source: header of the image.

    Raises:
        GeometryError: three axes, or another frame than the image's pixels.
    """
    if points.scheme.dimension != 2 or points.frame != "pixel":
        raise GeometryError(
            f"a report's points are pixels of a picture; these are {points.scheme.dimension}-"
            f"dimensional, in {points.frame}"
        )
    size = np.array([source.Columns, source.Rows], dtype=float)
    given = points.coordinates
    # Half a pixel beyond the outer centres is the image's edge.
    outside = points.present & ((given < -0.5) | (given > size - 0.5)).any(axis=1)
    kept = Points(
        points.scheme,
        np.where(outside[:, None], np.nan, given),
        np.where(outside, ABSENT, points.visibility),
    )
    return kept, tuple(points.scheme.names[row] for row in np.flatnonzero(outside))


def refuse_all_outside(points: Points, outside: tuple[str, ...], source: Dataset) -> None:
    """Refuse points none of which lies on the image: they are of another one.

    Args:
        points: as they were given.
        outside: those of them that lie outside.
        source: header of the image.

    Raises:
        GeometryError: all that are present lie outside.
    """
    if outside and len(outside) == int(points.present.sum()):
        x, y = points[outside[0]]
        raise GeometryError(
            f"landmark {outside[0]!r} is at ({x:.1f}, {y:.1f}), outside the image of "
            f"{source.Columns} x {source.Rows} px, and so is every other; is it the image that "
            "was measured?"
        )
