"""What several annotators marked in the images of a study, as one array.

In the flow: study -> **marks** -> :mod:`palpate.annotators.consensus`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray

from palpate.arrays import locked, locked_int, rows_with_nan
from palpate.errors import StudyError
from palpate.points import ABSENT, OCCLUDED, VISIBLE, Points
from palpate.scheme import LandmarkScheme
from palpate.study import Study
from palpate.study_case import StudyCase


@dataclass(frozen=True, eq=False, slots=True)
class Marks:
    """The points of several annotators, who may each have seen only some images.

    Invariant: a coordinate is NaN exactly where ``visibility`` is ABSENT.

    Args:
        scheme: of all points.
        images: identifiers.
        subjects: of each image.
        annotators: names, sorted, so that the order of files has no say.
        coordinates: px of each image.
        visibility: of each point.

    Raises:
        StudyError: fewer than two annotators, or no image that two of them marked.
    """

    scheme: LandmarkScheme
    images: tuple[str, ...]
    subjects: tuple[str, ...]
    annotators: tuple[str, ...]
    coordinates: Float[ndarray, "image annotator landmark d"]
    visibility: Int[ndarray, "image annotator landmark"]

    def __post_init__(self) -> None:
        object.__setattr__(self, "coordinates", locked(self.coordinates))
        object.__setattr__(self, "visibility", locked_int(self.visibility))
        if not np.array_equal(rows_with_nan(self.coordinates), ~self.given):
            raise StudyError("the marks' coordinates must be NaN exactly where a point is absent")
        if len(self.annotators) < 2:
            who = f"only one, {self.annotators[0]!r}" if self.annotators else "none"
            raise StudyError(
                f"a consensus needs two annotators or more, and there is {who}: the points of one "
                "person are all that is known; give each annotator's points in a file of its own "
                "(landmarks_annotatorNAME.csv)"
            )
        if not (self.given.sum(axis=1) > 1).any():
            raise StudyError(
                f"annotators {', '.join(self.annotators)} have no landmark of any image in common, "
                "so nothing tells how far they differ; let two of them mark some of the same images"
            )

    @property
    def given(self) -> Bool[ndarray, "image annotator landmark"]:
        """Which points there are."""
        return self.visibility != ABSENT

    @classmethod
    def of(
        cls,
        scheme: LandmarkScheme,
        images: Mapping[str, Mapping[str, Points]],
        *,
        subjects: Mapping[str, str] | None = None,
    ) -> "Marks":
        """Gather image -> annotator -> points; an image without a subject named is its own.

        Raises:
            StudyError: fewer than two annotators, or nothing that two of them marked.
        """
        who = tuple(
            sorted(
                {
                    name
                    for several in images.values()
                    for name, points in several.items()
                    if points.present.any()
                }
            )
        )
        shape = (len(images), len(who), len(scheme))
        coordinates = np.full((*shape, scheme.dimension), np.nan)
        visibility = np.full(shape, ABSENT)
        for i, several in enumerate(images.values()):
            for a, name in enumerate(who):
                if name in several:
                    coordinates[i, a] = several[name].coordinates
                    visibility[i, a] = several[name].visibility
        whose = tuple((subjects or {}).get(name, name) for name in images)
        return cls(scheme, tuple(images), whose, who, coordinates, visibility)

    def seen(self) -> Int[ndarray, "image landmark"]:
        """Visible where one annotator saw it, occluded where somebody marked it, else absent."""
        visible = (self.visibility == VISIBLE).any(axis=1)
        return np.where(visible, VISIBLE, np.where(self.given.any(axis=1), OCCLUDED, ABSENT))


def gather_marks(study: Study, names: Iterable[str] | None = None) -> Marks:
    """Gather what the annotators of a study marked; its reference is nobody's annotation.

    Landmarks of a clip's frame that lie between annotated frames were marked by nobody.

    Args:
        study: as opened.
        names: identifiers to take; None takes all.

    Raises:
        StudyError: fewer than two annotators, or nothing that two of them marked.
    """
    cases = study.cases if names is None else tuple(study.case(name) for name in names)
    return Marks.of(
        study.scheme,
        {case.identifier: _marked(case) for case in cases},
        subjects={case.identifier: case.subject for case in cases},
    )


def _marked(case: StudyCase) -> dict[str, Points]:
    between = frozenset() if case.clip is None else case.clip.interpolated
    return {who: _without(points, between) for who, points in case.annotations.items()}


def _without(points: Points, names: frozenset[str]) -> Points:
    if not names:
        return points
    left_out = np.isin(points.scheme.names, sorted(names))
    coordinates = np.where(left_out[:, None], np.nan, points.coordinates)
    return Points(
        points.scheme, coordinates, np.where(left_out, ABSENT, points.visibility), points.frame
    )
