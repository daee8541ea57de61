"""One image of one subject, with what the annotators said of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np

from palpate.arrays import rows_with_nan
from palpate.errors import GeometryError
from palpate.image import Image
from palpate.points import ABSENT, OCCLUDED, VISIBLE, Points


@dataclass(frozen=True, eq=False, slots=True)
class Sample:
    """An image, its subject (the unit of every split) and its annotations.

    Args:
        image: as given.
        subject: never empty.
        annotations: annotator's name -> points in pixels of the image; empty when not annotated.
        reference: the agreed truth where the study names one; else the annotators' mean stands in.
        group: a view or a class that results are reported by; may be empty.

    Raises:
        GeometryError: no subject, or points that are not in pixels of this image.
    """

    image: Image
    subject: str
    annotations: Mapping[str, Points] = field(default_factory=dict)
    reference: Points | None = None
    group: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "annotations", MappingProxyType(dict(self.annotations)))
        if not self.subject:
            raise GeometryError(f"image {self.image.identifier!r} has no subject")
        given = dict(self.annotations)
        if self.reference is not None:
            given["reference"] = self.reference
        for annotator, points in given.items():
            if points.frame != "pixel":
                raise GeometryError(
                    f"image {self.image.identifier!r}: points of {annotator!r} are in "
                    f"{points.frame}, a sample holds pixels"
                )

    @property
    def points(self) -> Points | None:
        """The reference, else the annotators' mean, or None when nobody annotated."""
        return agreed(self.annotations, self.reference)


def agreed(annotations: Mapping[str, Points], reference: Points | None) -> Points | None:
    """The reference where there is one, else the annotators' mean, else None."""
    if reference is not None:
        return reference
    return consensus(list(annotations.values())) if annotations else None


def consensus(annotations: list[Points]) -> Points:
    """Mean of the annotators, landmark by landmark, over those who gave it.

    A landmark is visible where one annotator saw it, absent where nobody gave it.
    """
    first = annotations[0]
    if len(annotations) == 1:
        return first
    stack = np.stack([points.coordinates for points in annotations])
    given = ~rows_with_nan(stack)
    total = np.where(given[..., None], stack, 0.0).sum(axis=0)
    count = given.sum(axis=0)
    mean = np.where(count[:, None] > 0, total / np.maximum(count, 1)[:, None], np.nan)
    seen = np.stack([points.visibility == VISIBLE for points in annotations]).any(axis=0)
    visibility = np.where(count == 0, ABSENT, np.where(seen, VISIBLE, OCCLUDED))
    return Points(first.scheme, mean, visibility, first.frame)
