"""One case as text and numbers for the page."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from palpate.errors import PalpateError, StudyError
from palpate.measurement import Measurement, Report
from palpate.points import Points
from palpate.report.ellipse import Ellipse, uncertainty_ellipse
from palpate.report.picture import jpeg_uri
from palpate.report.reported import ReportedCase
from palpate.report.wording import DIGITS, crossing, figure, number, quantity, unit_name


@dataclass(frozen=True, slots=True)
class Mark:
    """One landmark as drawn: strings are escaped by the template, numbers are SVG pixels."""

    name: str
    tip: str
    predicted: tuple[float, float] | None
    ellipse: Ellipse | None
    true: tuple[float, float] | None
    others: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Picture:
    """The image with its landmarks; sizes in px of the image as given."""

    uri: str
    width: int
    height: int
    radius: float
    marks: tuple[Mark, ...]
    edges: tuple[tuple[float, float, float, float], ...]


@dataclass(frozen=True, slots=True)
class Bar:
    """Places in percent of a bar's width; None where not known."""

    value: float
    interval: tuple[float, float] | None
    normal: tuple[float, float] | None
    true: float | None


@dataclass(frozen=True, slots=True)
class MeasuredRow:
    """One measurement in words, with its bar where it has a value."""

    name: str
    text: str
    refused: bool
    bar: Bar | None
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CaseView:
    """Everything the page shows of a case."""

    anchor: str
    identifier: str
    subject: str
    group: str
    summary: str
    picture: Picture | None
    no_picture: str
    measured: tuple[MeasuredRow, ...]
    protocol: str
    signed: str
    landmarks: tuple[tuple[str, ...], ...]


def view_case(case: ReportedCase, anchor: str) -> CaseView:
    """Describe a case; an image that cannot be read leaves a sentence in its place."""
    if case.prediction.frame != "pixel":
        raise StudyError(
            f"image {case.identifier!r}: the prediction is in {case.prediction.frame}; "
            "a report shows pixels of the image"
        )
    picture, problem = _picture(case)
    report = case.report
    return CaseView(
        anchor=anchor,
        identifier=case.identifier,
        subject=case.subject,
        group=case.group,
        summary=_summary(case),
        picture=picture,
        no_picture=problem,
        measured=measured_rows(report, case.truth_report) if report is not None else (),
        protocol=", ".join(protocols([report])) if report is not None else "",
        signed=(report.reviewed_by or "") if report is not None else "",
        landmarks=tuple(_landmark_row(case, k) for k in range(len(case.prediction.scheme))),
    )


def protocols(reports: list[Report]) -> list[str]:
    """Return the protocols that measurements name, sorted."""
    found = {item.protocol for report in reports for item in report.measurements if item.protocol}
    return sorted(found)


def measured_rows(report: Report, truth: Report | None) -> tuple[MeasuredRow, ...]:
    """Put every measurement in words, beside the one on annotated landmarks where there is one."""
    true = {item.name: item for item in truth.measurements} if truth is not None else {}
    return tuple(_measured(item, true.get(item.name)) for item in report.measurements)


def _measured(item: Measurement, true: Measurement | None) -> MeasuredRow:
    notes = []
    digits, unit = DIGITS[item.unit], unit_name(item.unit)
    if true is not None and true.value is not None:
        notes.append(f"annotated: {number(true.value, digits)} {unit}".strip())
    elif true is not None:
        notes.append(f"annotated: not measured: {true.reason}")
    if item.normal is not None:
        low, high = number(item.normal.low, digits), number(item.normal.high, digits)
        usual = f"usual {low} to {high} {unit}".strip() + f" ({item.normal.source})"
        if item.value is not None and not item.normal.low <= item.value <= item.normal.high:
            usual = "outside the usual range: " + usual
        notes.append(usual)
    notes += [sentence for sentence in (crossing(item), item.note) if sentence]
    return MeasuredRow(
        item.name, quantity(item), item.value is None, _bar(item, true), tuple(notes)
    )


def _bar(item: Measurement, true: Measurement | None) -> Bar | None:
    if item.value is None:
        return None
    normal = None if item.normal is None else (item.normal.low, item.normal.high)
    truth = None if true is None else true.value
    numbers = [item.value, *(item.interval or ()), *(normal or ())]
    numbers += [] if truth is None else [truth]
    low, high = min(numbers), max(numbers)
    room = 0.08 * (high - low) or max(1.0, abs(item.value))
    low, high = low - room, high + room

    def place(value: float) -> float:
        return round(100 * (value - low) / (high - low), 2)

    return Bar(
        value=place(item.value),
        interval=None if item.interval is None else _both(item.interval, place),
        normal=None if normal is None else _both(normal, place),
        true=None if truth is None else place(truth),
    )


def _both(pair: tuple[float, float], place: Callable[[float], float]) -> tuple[float, float]:
    return place(pair[0]), place(pair[1])


def errors_of(case: ReportedCase) -> tuple[Float[ndarray, " landmark"], str]:
    """Return each landmark's error, NaN where there is none, in mm where calibrated, else px."""
    if case.truth is None:
        return np.full(len(case.prediction.scheme), np.nan), "px"
    offset = case.prediction.mean - case.truth.coordinates
    if case.calibration is None:
        return np.linalg.norm(offset, axis=1), "px"
    return np.linalg.norm(offset * np.array(case.calibration.spacing_mm), axis=1), "mm"


def _summary(case: ReportedCase) -> str:
    found = int(case.prediction.found.sum())
    total = len(case.prediction.scheme)
    if case.truth is None:
        return f"{found} of {total} landmarks found"
    errors, unit = errors_of(case)
    known = errors[np.isfinite(errors)]
    missed = int((case.truth.present & ~case.prediction.found).sum())
    parts = []
    if len(known):
        parts.append(f"mean error {number(float(known.mean()))} {unit}")
        worst = int(np.nanargmax(errors))
        parts.append(f"worst {case.prediction.scheme.names[worst]} {number(errors[worst])} {unit}")
    if missed:
        parts.append(f"{missed} of {int(case.truth.present.sum())} annotated landmarks missed")
    return "; ".join(parts) or "no landmark annotated"


def _picture(case: ReportedCase) -> tuple[Picture | None, str]:
    scheme = case.prediction.scheme
    if scheme.dimension != 2:
        return None, "No picture: the landmarks are three-dimensional."
    try:
        grey = case.image() if callable(case.image) else case.image
        uri = jpeg_uri(grey)
    except (PalpateError, OSError) as error:
        return None, f"The image could not be read: {error}"
    height, width = grey.shape
    mean = case.prediction.mean
    ends = [mean[scheme.indices([a, b])].ravel() for a, b in scheme.edges]
    return (
        Picture(
            uri=uri,
            width=width,
            height=height,
            radius=round(max(width, height) / 130, 3),
            marks=tuple(_mark(case, k) for k in range(len(scheme))),
            edges=tuple(
                (_two(end[0]), _two(end[1]), _two(end[2]), _two(end[3]))
                for end in ends
                if np.isfinite(end).all()
            ),
        ),
        "",
    )


def _mark(case: ReportedCase, k: int) -> Mark:
    prediction, truth = case.prediction, case.truth
    found = bool(prediction.found[k])
    ellipse = uncertainty_ellipse(prediction.covariance[k]) if found else None
    tip = [prediction.scheme.names[k]]
    error, unit = errors_of(case)
    if np.isfinite(error[k]):
        tip.append(f"error {number(error[k])} {unit}")
    if not found:
        tip.append("not found")
    if ellipse is not None and ellipse.major > 0:
        tip.append(
            f"90 % ellipse {number(ellipse.major, 1)} by {number(ellipse.minor, 1)} px (half axes)"
        )
    return Mark(
        name=prediction.scheme.names[k],
        tip="; ".join(tip),
        predicted=_pair(prediction.mean[k]) if found else None,
        ellipse=None if ellipse is None or ellipse.major == 0 else _rounded(ellipse),
        true=_place(truth, k),
        others=_others(case.annotators, k),
    )


def _others(annotators: Mapping[str, Points], k: int) -> tuple[tuple[float, float], ...]:
    if len(annotators) < 2:
        return ()
    places = (_place(points, k) for points in annotators.values())
    return tuple(place for place in places if place is not None)


def _place(points: Points | None, k: int) -> tuple[float, float] | None:
    return _pair(points.coordinates[k]) if points is not None and points.present[k] else None


def _rounded(ellipse: Ellipse) -> Ellipse:
    return Ellipse(_two(ellipse.major), _two(ellipse.minor), _two(ellipse.degrees))


def _pair(point: Float[ndarray, " d"]) -> tuple[float, float]:
    return _two(point[0]), _two(point[1])


def _two(value: float) -> float:
    return round(float(value), 2)


def _landmark_row(case: ReportedCase, k: int) -> tuple[str, ...]:
    prediction = case.prediction
    names = prediction.scheme.names
    if not prediction.found[k]:
        annotated = case.truth is not None and bool(case.truth.present[k])
        return (names[k], "not found", "", "", "missed" if annotated else "")
    sd = float(np.sqrt(np.trace(prediction.covariance[k]) / prediction.scheme.dimension))
    errors, unit = errors_of(case)
    error = float(errors[k]) if np.isfinite(errors[k]) else None
    return (
        names[k],
        ", ".join(number(value, 1) for value in prediction.mean[k]),
        number(sd, 1),
        number(prediction.score[k]),
        f"{figure(error)} {unit}" if error is not None else "",
    )
