"""What a shape model says of one image: scores with their intervals, and whether it is unusual."""

from dataclasses import replace

import numpy as np
from scipy.stats import norm

from palpate.errors import GeometryError
from palpate.measurement import IntervalBasis, Measurement, NormalRange, Report
from palpate.prediction import Prediction
from palpate.protocols.located import LocatedCase
from palpate.shape.named import NamedShapeModel
from palpate.shape.sides import judge_shape
from palpate.shape.uncertainty import score_covariance

PLAUSIBILITY, OUTLIER = "Shape plausibility", "Shape outlier"
# In standard deviations of a mode: what a score of the population mostly keeps within.
_USUAL = 2.0


def mode_name(number: int) -> str:
    """Name of the score of a mode, counted from 1.

    Example:
        >>> mode_name(1)
        'Shape mode 1'
    """
    return f"Shape mode {number}"


def is_score(measurement: Measurement) -> bool:
    """Whether a measurement is the score of a mode."""
    return measurement.name.startswith("Shape mode ")


def shape_measurements(
    named: NamedShapeModel, case: LocatedCase, *, modes: int, level: float
) -> tuple[Measurement, ...]:
    """Score the first modes, in standard deviations, and judge the whole shape.

    Scores are those of :meth:`ShapeModel.scores`, all landmarks alike, so that a prediction and
    an annotation of the same places have the same; the covariances of a prediction give their
    intervals. Then the plausibility, in %, and 1 for an outlier or 0, with the reason as a note.

    Args:
        named: the model.
        case: an image, mirrored already where it shows the other side.
        modes: how many to score at most; plausibility is of all.
        level: of the intervals.

    Raises:
        SchemeError: the model has a landmark that the case's scheme does not know.
    """
    scored = range(min(modes, len(named.model.variances)))
    empty = [Measurement(mode_name(k + 1), "1", reason="-") for k in scored]
    empty += [Measurement(PLAUSIBILITY, "%", reason="-"), Measurement(OUTLIER, "1", reason="-")]
    blank = [
        replace(each, level=level, landmarks=named.names, protocol=named.label) for each in empty
    ]
    points = case.spacing * named.arranged(case.points.scheme, case.points.coordinates)
    try:
        judged = judge_shape(named.model, points, names=named.names)
        scores = named.model.scores(points)
    except GeometryError as error:
        return tuple(replace(each, reason=f"no shape: {error}") for each in blank)
    sd = _deviations(named, case, points)
    note = _absent(points)
    half = float(norm.ppf((1.0 + level) / 2.0))
    measured = [
        replace(
            blank[k],
            reason=None,
            value=float(scores[k]),
            standard_uncertainty=None if sd is None else float(sd[k]),
            interval=None
            if sd is None
            else (float(scores[k] - half * sd[k]), float(scores[k] + half * sd[k])),
            normal=NormalRange(-_USUAL, _USUAL, f"2 standard deviations, {named.label}"),
            note=note,
            basis="" if sd is None else _basis(case),
        )
        for k in scored
    ]
    chance, flag = blank[len(measured) :]
    measured.append(replace(chance, reason=None, value=100.0 * judged.plausibility, note=note))
    measured.append(replace(flag, reason=None, value=float(judged.unusual), note=judged.sentence))
    return tuple(measured)


def with_shape(report: Report, measured: tuple[Measurement, ...]) -> Report:
    """Return a report with what a shape model says added at its end."""
    return replace(report, measurements=(*report.measurements, *measured))


def failed_shape(named: NamedShapeModel, reason: str, *, modes: int) -> tuple[Measurement, ...]:
    """Say of an image without landmarks why it has no shape."""
    names = [mode_name(k + 1) for k in range(min(modes, len(named.model.variances)))]
    return tuple(
        Measurement(
            name,
            "%" if name == PLAUSIBILITY else "1",
            reason=reason,
            landmarks=named.names,
            protocol=named.label,
        )
        for name in (*names, PLAUSIBILITY, OUTLIER)
    )


def _deviations(named: NamedShapeModel, case: LocatedCase, points: np.ndarray) -> np.ndarray | None:
    if case.covariance is None:
        return None
    scale = np.outer(case.spacing, case.spacing)
    covariances = scale * named.arranged(case.points.scheme, case.covariance)
    return np.sqrt(np.diag(score_covariance(named.model, points, covariances)))


def _basis(case: LocatedCase) -> IntervalBasis:
    """What intervals from the landmarks' covariances rest on."""
    stated = case.landmarks.basis if isinstance(case.landmarks, Prediction) else "uncalibrated"
    return "uncalibrated" if stated == "uncalibrated" else "scaled"


def _absent(points: np.ndarray) -> str:
    count = int(np.isnan(points).any(axis=1).sum())
    if not count:
        return ""
    return f"{count} of {len(points)} landmarks absent: the model says where they are expected"
