"""Reports of everything in a predictions file, an annotation file or a study."""

from dataclasses import replace
from pathlib import Path

from palpate.errors import FormatError
from palpate.io.formats import read_annotation
from palpate.io.images import read_size
from palpate.io.predictions import is_predictions, read_predictions
from palpate.measurement import Report
from palpate.protocols.measure import failed, measure, measure_points
from palpate.protocols.protocol import Protocol
from palpate.study import open_study


def measure_file(path: Path, protocol: Protocol, *, level: float = 0.9) -> list[Report]:
    """Measure every image that ``path`` speaks of, in its order.

    Predictions carry their own calibration, and an image that could not be predicted is
    reported with that reason on every quantity. A folder is a study: its annotations are
    measured, with the study's calibration. Any other file is an annotation file: nothing is
    known there of calibration.

    Raises:
        FormatError: the file is of no known format, or is not there.
        ConfigError: the protocol needs a landmark that is not in the scheme.
        StudyError: the folder is no study.
    """
    if not path.exists():
        raise FormatError(path, "there is no such file or folder")
    if path.is_dir():
        return _study(path, protocol)
    if is_predictions(path):
        return _predictions(path, protocol, level)
    reports = []
    for row in read_annotation(path).rows:
        report = measure_points(protocol, row.points, None, size=row.size)
        provenance = {**report.provenance, "annotator": row.annotator}
        reports.append(replace(report, subject=row.subject, image=row.image, provenance=provenance))
    return reports


def _predictions(path: Path, protocol: Protocol, level: float) -> list[Report]:
    file = read_predictions(path)
    reports = [measure(protocol, image, level=level) for image in file.images]
    reports += [failed(protocol, name, reason) for name, reason in file.failures.items()]
    return [
        replace(report, provenance={**file.provenance, **report.provenance}) for report in reports
    ]


def _study(path: Path, protocol: Protocol) -> list[Report]:
    reports = []
    for case in open_study(path).cases:
        points = case.points
        if points is None:
            continue
        size = case.clip.size if case.clip else read_size(case.path)
        report = measure_points(protocol, points, case.calibration, size=size)
        reports.append(replace(report, subject=case.subject, image=case.identifier))
    if not reports:
        raise FormatError(path, "no image of the study is annotated; there is nothing to measure")
    return reports
