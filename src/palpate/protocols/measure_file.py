"""Reports of everything in a predictions file, an annotation file or a study."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from palpate.conformal.measurement_scores import MeasurementScores
from palpate.errors import ConfigError, FormatError
from palpate.io.formats import read_annotation
from palpate.io.images import read_size
from palpate.io.predictions import is_predictions, read_predictions
from palpate.measurement import Report
from palpate.protocols.located import LocatedCase
from palpate.protocols.measure import failed
from palpate.protocols.measure_shape import failed_shape, shape_measurements, with_shape
from palpate.protocols.protocol import Protocol
from palpate.protocols.side_differences import SidedCase, side_differences
from palpate.protocols.side_table import CaseSide, read_sides
from palpate.shape.named import NamedShapeModel
from palpate.study import open_study


@dataclass(frozen=True, slots=True)
class ShapeWish:
    """What is asked of a shape model: scores of its first ``modes``, and its verdict.

    Raises:
        ConfigError: fewer than no modes.
    """

    named: NamedShapeModel
    modes: int = 5

    def __post_init__(self) -> None:
        if self.modes < 0:
            raise ConfigError(f"the number of modes to score is 0 or more, got {self.modes}")


@dataclass(frozen=True, slots=True)
class FailedCase:
    """An image that could not be predicted, and why."""

    image: str
    reason: str
    provenance: Mapping[str, str]


def measure_file(
    path: Path,
    protocol: Protocol,
    *,
    level: float = 0.9,
    shape: ShapeWish | None = None,
    sides: Path | None = None,
    scores: Mapping[str, MeasurementScores] | None = None,
) -> list[Report]:
    """Measure every image that ``path`` speaks of, in its order.

    Predictions carry their own calibration, and an image that could not be predicted is
    reported with that reason on every quantity. A folder is a study: its annotations are
    measured, with the study's calibration. Any other file is an annotation file: nothing is
    known there of calibration.

    Args:
        path: predictions, annotation or a study's folder.
        protocol: what is measured.
        level: of the intervals.
        shape: what a shape model is to say of each image as well.
        sides: a table that tells which side each image shows, as
            :func:`palpate.protocols.side_table.read_sides` reads it. A right side is mirrored
            before anything is measured, and reports of left less right follow those of the images.
        scores: errors of the quantities on held-out subjects, as
            :func:`palpate.protocols.measure.measure` takes them.

    Raises:
        FormatError: the file is of no known format, or is not there.
        ConfigError: the protocol needs a landmark that is not in the scheme.
        SchemeError: the shape model does.
        StudyError: the folder is no study.
    """
    cases, failures = located_cases(path)
    told = {} if sides is None else read_sides(sides, {case.image for case in cases})
    cases = [_as_left(case, told.get(case.image)) for case in cases]
    reports = [
        _with_shape(case.report(protocol, level=level, scores=scores), case, shape, level)
        for case in cases
    ]
    differences: list[Report] = []
    if sides is not None:
        sided = [
            SidedCase(case, report, told.get(case.image))
            for case, report in zip(cases, reports, strict=True)
        ]
        differences = side_differences(sided, protocol, level=level)
    return [*reports, *(_failed(each, protocol, shape) for each in failures), *differences]


def located_cases(path: Path) -> tuple[list[LocatedCase], list[FailedCase]]:
    """Return what ``path`` holds, and the images that could not be predicted.

    Raises:
        FormatError: the file is of no known format, is not there, or a study is not annotated.
        StudyError: the folder is no study.
    """
    if not path.exists():
        raise FormatError(path, "there is no such file or folder")
    if path.is_dir():
        return _study(path), []
    if is_predictions(path):
        return _predictions(path)
    cases = [
        LocatedCase(
            row.image,
            row.subject,
            row.points,
            row.size,
            provenance={"annotator": row.annotator},
        )
        for row in read_annotation(path).rows
    ]
    return cases, []


def _predictions(path: Path) -> tuple[list[LocatedCase], list[FailedCase]]:
    file = read_predictions(path)
    cases = [
        LocatedCase(
            image.image,
            image.subject,
            image.prediction,
            image.size,
            image.calibration,
            file.provenance,
        )
        for image in file.images
    ]
    failures = [FailedCase(name, reason, file.provenance) for name, reason in file.failures.items()]
    return cases, failures


def _study(path: Path) -> list[LocatedCase]:
    cases = []
    for case in open_study(path).cases:
        points = case.points
        if points is None:
            continue
        size = case.clip.size if case.clip else read_size(case.path)
        cases.append(LocatedCase(case.identifier, case.subject, points, size, case.calibration))
    if not cases:
        raise FormatError(path, "no image of the study is annotated; there is nothing to measure")
    return cases


def _as_left(case: LocatedCase, side: CaseSide | None) -> LocatedCase:
    if side is None:
        return case
    turned = case.mirrored() if side.lies_right else case
    told = f"{side.side}, mirrored" if side.lies_right or side.mirrored else side.side
    return replace(turned, provenance={**turned.provenance, "side": told})


def _with_shape(report: Report, case: LocatedCase, shape: ShapeWish | None, level: float) -> Report:
    if shape is None:
        return report
    measured = shape_measurements(shape.named, case, modes=shape.modes, level=level)
    return with_shape(report, measured)


def _failed(case: FailedCase, protocol: Protocol, shape: ShapeWish | None) -> Report:
    report = failed(protocol, case.image, case.reason)
    if shape is not None:
        report = with_shape(report, failed_shape(shape.named, case.reason, modes=shape.modes))
    return replace(report, provenance={**case.provenance, **report.provenance})
