"""The annotated cases of a study as shapes: one side, one unit, the useless ones left out."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from palpate.errors import StudyError
from palpate.protocols.located import LocatedCase
from palpate.protocols.side_table import read_sides
from palpate.study import Study
from palpate.study_case import StudyCase

# A case with fewer of its landmarks says more of the model than of itself.
LEAST_SHARE = 0.5


@dataclass(frozen=True, eq=False, slots=True)
class ShapeCase:
    """One annotated shape.

    Args:
        identifier: of the image.
        subject: never empty.
        group: may be empty.
        side: left, right, or empty where no table tells.
        points: in mm where the image is calibrated, else in px; mirrored where the image shows
            a right side; NaN where absent.
    """

    identifier: str
    subject: str
    group: str
    side: str
    points: Float[ndarray, "k 2"]


@dataclass(frozen=True, eq=False, slots=True)
class ShapeCases:
    """What a model is built of.

    Args:
        names: of the landmarks, in the study's order.
        cases: those of one subject next to each other, so that they are left out together.
        left_out: image -> why it is no shape.
        notes: what a reader must know.
    """

    names: tuple[str, ...]
    cases: tuple[ShapeCase, ...]
    left_out: dict[str, str]
    notes: tuple[str, ...]

    @property
    def subjects(self) -> tuple[str, ...]:
        """Each once, in the order of the cases."""
        return tuple(dict.fromkeys(case.subject for case in self.cases))


def shape_cases(study: Study, *, sides: Path | None) -> ShapeCases:
    """Gather the shapes of a study.

    Args:
        study: with annotation.
        sides: a table that tells which side each image shows; right sides are mirrored.

    Raises:
        StudyError: landmarks that are not two-dimensional, or nothing is annotated.
        FormatError: the table cannot be read.
    """
    scheme = study.scheme
    if scheme.dimension != 2:
        raise StudyError(f"shape models are of two dimensions, study {study.name!r} has 3")
    told = {} if sides is None else read_sides(sides, [case.identifier for case in study.cases])
    cases, left_out = [], {}
    for case in sorted(study.annotated().cases, key=lambda case: (case.subject, case.identifier)):
        side = told.get(case.identifier)
        if sides is not None and side is None:
            left_out[case.identifier] = "the table tells no side of this image"
            continue
        points = _points(case, mirrored=side is not None and side.lies_right)
        why = _useless(points)
        if why:
            left_out[case.identifier] = why
            continue
        name = "" if side is None else side.side
        cases.append(ShapeCase(case.identifier, case.subject, case.group, name, points))
    if not cases:
        raise StudyError(f"study {study.name!r} has no annotated shape" + _first(left_out))
    stack = np.stack([case.points for case in cases])
    given = ~np.isnan(stack).any(axis=2).all(axis=0)
    absent = [name for name, some in zip(scheme.names, given, strict=True) if not some]
    notes = [f"In no case annotated, so not in the model: {', '.join(absent)}."] if absent else []
    kept = tuple(
        ShapeCase(case.identifier, case.subject, case.group, case.side, case.points[given])
        for case in cases
    )
    names = tuple(name for name in scheme.names if name not in absent)
    return ShapeCases(names, kept, left_out, tuple(notes))


def _points(case: StudyCase, *, mirrored: bool) -> Float[ndarray, "k 2"]:
    points = case.points
    if points is None:
        raise StudyError(f"image {case.identifier!r} is not annotated")
    located = LocatedCase(case.identifier, case.subject, points, calibration=case.calibration)
    turned = located.mirrored() if mirrored else located
    return turned.spacing * turned.points.coordinates


def _useless(points: Float[ndarray, "k 2"]) -> str:
    """Say why points are no shape; nothing where they are one."""
    present = points[~np.isnan(points).any(axis=1)]
    if len(present) < max(2, LEAST_SHARE * len(points)):
        return f"only {len(present)} of {len(points)} landmarks are annotated"
    if not np.ptp(present, axis=0).max() > 0.0:
        return "all its landmarks coincide"
    return ""


def _first(left_out: dict[str, str]) -> str:
    if not left_out:
        return ""
    name, why = next(iter(left_out.items()))
    return f"; {name}: {why}"
