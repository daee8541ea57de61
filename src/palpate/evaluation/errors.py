"""Radial errors of many images as arrays: one row an image, one column a landmark."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray

from palpate.evaluation.cases import EvaluatedCase
from palpate.points import Points
from palpate.sample import consensus


@dataclass(frozen=True, eq=False, slots=True)
class Comparison:
    """The distance of one set of positions from a reference of the same image.

    Args:
        case: the image; its truth gives the normaliser, its calibration the millimetres.
        wanted: landmarks that the reference holds.
        offset: position less reference in px; NaN where not wanted or missed.
    """

    case: EvaluatedCase
    wanted: Bool[ndarray, " landmark"]
    offset: Float[ndarray, "landmark d"]


@dataclass(frozen=True, eq=False, slots=True)
class Errors:
    """Radial errors of many comparisons over one scheme.

    Args:
        names: of the landmarks, one a column.
        identifiers: of the images, one a row; several rows may be of one image.
        subjects: one a row.
        groups: one a row.
        wanted: the reference holds the landmark.
        px: distance in pixels; NaN where not wanted, or wanted and missed.
        mm: the same in millimetres, or None unless every image is calibrated.
        normaliser_px: length that errors are divided by, NaN where an image has none;
            None where no normaliser was asked for.
    """

    names: tuple[str, ...]
    identifiers: tuple[str, ...]
    subjects: tuple[str, ...]
    groups: tuple[str, ...]
    wanted: Bool[ndarray, "row landmark"]
    px: Float[ndarray, "row landmark"]
    mm: Float[ndarray, "row landmark"] | None
    normaliser_px: Float[ndarray, " row"] | None


def model_against_truth(cases: Sequence[EvaluatedCase]) -> list[Comparison]:
    """Compare each prediction with the truth."""
    return [_compare(case, case.prediction.mean, case.truth) for case in cases]


def annotator_pairs(cases: Sequence[EvaluatedCase]) -> list[Comparison]:
    """Compare every two annotators of an image, over the landmarks that both gave."""
    return [
        _compare_given(case, first, second)
        for case in cases
        for first, second in combinations(case.annotators.values(), 2)
    ]


def model_against_each(cases: Sequence[EvaluatedCase]) -> list[Comparison]:
    """Compare the prediction with each annotator alone, on images with two or more."""
    return [
        _compare(case, case.prediction.mean, points)
        for case in cases
        if len(case.annotators) > 1
        for points in case.annotators.values()
    ]


def annotator_against_others(cases: Sequence[EvaluatedCase]) -> list[Comparison]:
    """Compare each annotator with the mean of the others, on images with three or more."""
    return [
        _compare_given(case, points, _others(case, name))
        for case in cases
        if len(case.annotators) > 2
        for name, points in case.annotators.items()
    ]


def model_against_others(cases: Sequence[EvaluatedCase]) -> list[Comparison]:
    """Compare the prediction with the references of :func:`annotator_against_others`."""
    return [
        _compare(case, case.prediction.mean, _others(case, name))
        for case in cases
        if len(case.annotators) > 2
        for name in case.annotators
    ]


def gather(comparisons: Sequence[Comparison], normaliser: tuple[str, str] | None) -> Errors:
    """Stack comparisons into arrays."""
    cases = [comparison.case for comparison in comparisons]
    offsets = np.stack([comparison.offset for comparison in comparisons])
    mm = None
    spacings = [case.calibration.spacing_mm for case in cases if case.calibration is not None]
    if len(spacings) == len(cases):
        mm = np.linalg.norm(offsets * np.array(spacings)[:, None, :], axis=2)
    lengths = None
    if normaliser is not None:
        lengths = np.array([normaliser_length(case.truth, normaliser) for case in cases])
    return Errors(
        names=cases[0].truth.scheme.names,
        identifiers=tuple(case.identifier for case in cases),
        subjects=tuple(case.subject for case in cases),
        groups=tuple(case.group for case in cases),
        wanted=np.stack([comparison.wanted for comparison in comparisons]),
        px=np.linalg.norm(offsets, axis=2),
        mm=mm,
        normaliser_px=lengths,
    )


def normaliser_length(truth: Points, normaliser: tuple[str, str]) -> float:
    """Distance of two true landmarks in px; NaN where one is absent or both coincide.

    Raises:
        SchemeError: the scheme has no landmark of that name.
    """
    first, second = normaliser
    length = float(np.linalg.norm(truth[first] - truth[second]))
    return length if length > 0 else float("nan")


def _compare(
    case: EvaluatedCase, positions: Float[ndarray, "landmark d"], reference: Points
) -> Comparison:
    return Comparison(case, reference.present, positions - reference.coordinates)


def _compare_given(case: EvaluatedCase, points: Points, reference: Points) -> Comparison:
    # A person who leaves a landmark out judged it not visible: that is no miss.
    both = points.present & reference.present
    return Comparison(case, both, points.coordinates - reference.coordinates)


def _others(case: EvaluatedCase, left_out: str) -> Points:
    return consensus([points for name, points in case.annotators.items() if name != left_out])
