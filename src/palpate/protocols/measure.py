"""Landmarks in, a report out: every quantity of a protocol with a value or a reason."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from scipy.stats import norm

from palpate.errors import ConfigError, GeometryError
from palpate.geometry.propagation import Propagated, block_diagonal, propagate
from palpate.image import Calibration
from palpate.io.predictions import PredictedImage
from palpate.measurement import Measurement, Report
from palpate.points import Points
from palpate.protocols.formula import Formula, SideOfLine
from palpate.protocols.protocol import Protocol, Quantity
from palpate.protocols.scene import Scene
from palpate.scheme import LandmarkScheme
from palpate.suggest import did_you_mean

NOT_CALIBRATED = "the image is not calibrated: it carries no pixel spacing, so no length in mm"
SQUARE = "pixels taken as square: the image is not calibrated"
DETECTOR = "at the detector plane, not corrected for magnification"


@dataclass(frozen=True, slots=True)
class _Evidence:
    """What is known of one image: found landmarks in px, their covariance, scale and size."""

    at: Mapping[str, ndarray]
    covariance: Mapping[str, ndarray] | None
    calibration: Calibration | None
    size: tuple[int, int] | None
    level: float


def measure(protocol: Protocol, predicted: PredictedImage, *, level: float = 0.9) -> Report:
    """Measure every quantity on one predicted image, with uncertainty.

    Landmarks are matched by name. Angles and ratios are taken in mm where the image is
    calibrated, so that pixels need not be square. The covariances of different landmarks are
    taken as independent.

    Raises:
        ConfigError: a quantity needs a landmark that the localiser does not know.
        GeometryError: the prediction is not two-dimensional or not in pixels, or ``level`` is
            not between 0 and 1.

    Example:
        >>> from palpate.prediction import Prediction
        >>> from palpate.protocols.protocol import read_protocol
        >>> protocol = read_protocol("cephalogram")
        >>> nowhere = Points.of(protocol.scheme, np.full((19, 2), np.nan))
        >>> image = PredictedImage("1", Prediction.exact(nowhere, made_by="nobody"), (640, 480))
        >>> measure(protocol, image).measurements[0].reason
        'landmark not found: sella, nasion, A_point'
    """
    prediction = predicted.prediction
    if not 0.0 < level < 1.0:
        raise GeometryError(f"the level of an interval is between 0 and 1, got {level}")
    _check_scheme(protocol, prediction.scheme, prediction.frame)
    rows = {name: i for i, name in enumerate(prediction.scheme.names) if prediction.found[i]}
    evidence = _Evidence(
        {name: prediction.mean[i] for name, i in rows.items()},
        {name: prediction.covariance[i] for name, i in rows.items()},
        predicted.calibration,
        predicted.size,
        level,
    )
    return _report(
        protocol,
        evidence,
        Report(
            predicted.subject, predicted.image, (), provenance={"localiser": prediction.localiser}
        ),
    )


def measure_points(
    protocol: Protocol,
    points: Points,
    calibration: Calibration | None,
    *,
    size: tuple[int, int] | None = None,
) -> Report:
    """Measure annotated points: no uncertainty, for nobody knows that of an annotation.

    ``size`` is (width, height) of the image in px, for the formulas that ask for it. The report
    has no subject and no image: ``dataclasses.replace`` names them.

    Raises:
        ConfigError: a quantity needs a landmark that the points' scheme does not have.
        GeometryError: the points are not two-dimensional or not in pixels.
    """
    _check_scheme(protocol, points.scheme, points.frame)
    rows = {name: i for i, name in enumerate(points.scheme.names) if points.present[i]}
    at = {name: points.coordinates[i] for name, i in rows.items()}
    evidence = _Evidence(at, None, calibration, size, 0.9)
    return _report(protocol, evidence, Report("", "", (), provenance={"localiser": "annotation"}))


def failed(protocol: Protocol, image: str, reason: str) -> Report:
    """Report that no landmark of an image is known, with the reason on every quantity."""
    measurements = tuple(
        Measurement(q.name, q.unit, reason=reason, landmarks=q.needs(), protocol=protocol.label)
        for q in protocol.quantities
    )
    return Report("", image, measurements, provenance={"protocol": protocol.label})


def _check_scheme(protocol: Protocol, scheme: LandmarkScheme, frame: str) -> None:
    """Refuse landmarks that the quantities could never be computed from."""
    if scheme.dimension != protocol.scheme.dimension or frame != "pixel":
        raise GeometryError(
            f"protocol {protocol.name!r} measures {protocol.scheme.dimension}-D points in pixel, "
            f"got {scheme.dimension}-D in {frame}"
        )
    for quantity in protocol.quantities:
        for name in quantity.needs():
            if name not in scheme.names:
                raise ConfigError(
                    f"protocol {protocol.name!r}: {quantity.name!r} needs landmark {name!r}, and "
                    f"scheme {scheme.name!r} does not know it (to measure the rest, leave the "
                    "quantity out of a copy of the protocol file)"
                    + did_you_mean(name, scheme.names)
                )


def _report(protocol: Protocol, evidence: _Evidence, empty: Report) -> Report:
    provenance = {**empty.provenance, "protocol": protocol.label}
    for convention in sorted(protocol.flipped):
        provenance[f"sign of {convention}"] = protocol.conventions[convention].flipped
    calibration = evidence.calibration
    provenance["calibration"] = (
        "none"
        if calibration is None
        else " ".join((calibration.source, calibration.detail)).strip()
    )
    measurements = tuple(_measure(protocol, q, evidence) for q in protocol.quantities)
    return Report(empty.subject, empty.image, measurements, provenance)


def _measure(protocol: Protocol, quantity: Quantity, evidence: _Evidence) -> Measurement:
    """Return the quantity, or the reason why not."""
    normal = protocol.normal(quantity)

    def refuse(reason: str) -> Measurement:
        return Measurement(
            quantity.name,
            quantity.unit,
            reason=reason,
            level=evidence.level,
            landmarks=quantity.needs(),
            protocol=protocol.label,
            normal=normal,
        )

    obstacle = _obstacle(quantity, evidence)
    if obstacle is not None:
        return refuse(obstacle)
    scale = _scale(quantity, evidence)
    facing = None
    if quantity.formula.needs_facing() and protocol.facing is not None:
        facing = protocol.facing.of({name: scale * p for name, p in evidence.at.items()})
        if facing is None:
            return refuse(_no_facing(protocol, evidence))
    height = None if evidence.size is None else float(scale[1] * evidence.size[1])
    scene = Scene({n: scale * evidence.at[n] for n in quantity.needs()}, facing or 1.0, height)
    try:
        result = _evaluate(quantity.formula, scene, evidence, scale)
    except GeometryError as error:
        return refuse(str(error))
    factor = protocol.sense(quantity) * (100.0 if quantity.unit == "%" else 1.0)
    return Measurement(
        quantity.name,
        quantity.unit,
        value=factor * result.value + 0.0,
        standard_uncertainty=None if result.sd is None else abs(factor) * result.sd,
        interval=_ordered(result.interval, factor),
        level=evidence.level,
        landmarks=result.landmarks,
        protocol=protocol.label,
        normal=normal,
        note="; ".join(
            note for note in (result.note, *_notes(protocol, quantity, evidence)) if note
        ),
    )


def _obstacle(quantity: Quantity, evidence: _Evidence) -> str | None:
    """Why the quantity cannot be measured, in a clinician's words; None where it can."""
    missing = [name for name in quantity.needs() if name not in evidence.at]
    if missing:
        return f"landmark not found: {', '.join(missing)}"
    if quantity.unit == "mm" and evidence.calibration is None:
        return NOT_CALIBRATED
    return None


def _no_facing(protocol: Protocol, evidence: _Evidence) -> str:
    """Why the patient's front is not known."""
    pairs = protocol.facing.front_back if protocol.facing is not None else ()
    missing = [name for pair in pairs for name in pair if name not in evidence.at]
    if missing:
        return f"which way the patient faces is not known; landmark not found: {', '.join(missing)}"
    return "which way the patient faces is not clear from the landmarks"


def _scale(quantity: Quantity, evidence: _Evidence) -> Float[ndarray, " 2"]:
    """Units per pixel along x and y: mm where calibrated, except for a length asked in px."""
    if evidence.calibration is None or quantity.unit == "px":
        return np.ones(2)
    spacing = np.asarray(evidence.calibration.spacing_mm, dtype=float)
    if spacing.shape != (2,):
        raise GeometryError(f"a two-dimensional image needs two spacings, got {len(spacing)}")
    return spacing


@dataclass(frozen=True, slots=True)
class _Result:
    value: float
    sd: float | None
    interval: tuple[float, float] | None
    landmarks: tuple[str, ...]
    note: str


def _evaluate(
    formula: Formula, scene: Scene, evidence: _Evidence, scale: Float[ndarray, " 2"]
) -> _Result:
    """Value at the landmarks; with a covariance also its uncertainty.

    Raises:
        GeometryError: the formula has no answer here.
    """
    held, note = formula.held(scene)
    names, value = held.needs(), held.value(scene)
    if evidence.covariance is None:
        return _Result(value, None, None, names, note)
    mean = np.array([scene.at[name] for name in names])
    blocks = np.array([np.outer(scale, scale) * evidence.covariance[name] for name in names])
    joint = block_diagonal(blocks)

    def varied(points: Float[ndarray, "n 2"]) -> Scene:
        return Scene(dict(zip(names, points, strict=True)), scene.facing, scene.height)

    if isinstance(held, SideOfLine):
        offset = propagate(lambda points: held.offset(varied(points)), mean, joint)
        spread, interval, note = _side(value, offset, evidence.level)
        return _Result(value, spread, interval, names, note)
    result = propagate(lambda points: held.value(varied(points)), mean, joint, period=held.period)
    low, high = result.interval(evidence.level)
    if held.period is not None and high - low >= held.period:
        raise GeometryError("the landmarks are too uncertain to give a direction")
    interval = (max(low, held.bounds[0]), min(high, held.bounds[1]))
    return _Result(value, result.standard_uncertainty, interval, names, note)


def _side(value: float, offset: Propagated, level: float) -> tuple[float, tuple[float, float], str]:
    """Spread, interval and note of a side, from the chance that the point is on the other one."""
    sd = offset.standard_uncertainty
    other = float(norm.cdf(-abs(offset.value) / sd)) if sd > 0.0 else 0.0
    interval = (-1.0, 1.0) if other > (1.0 - level) / 2.0 else (value, value)
    spread = 2.0 * float(np.sqrt(other * (1.0 - other)))
    return spread, interval, f"chance of the other side {100.0 * other:.2g} %"


def _ordered(interval: tuple[float, float] | None, factor: float) -> tuple[float, float] | None:
    if interval is None:
        return None
    low, high = sorted((factor * interval[0], factor * interval[1]))
    return low, high


def _notes(protocol: Protocol, quantity: Quantity, evidence: _Evidence) -> list[str]:
    """What a reader must know of the number."""
    notes = []
    if quantity.convention in protocol.flipped:
        notes.append(f"sign turned round: {protocol.sign(quantity)}")
    calibration = evidence.calibration
    if calibration is None and quantity.unit not in ("mm", "px"):
        notes.append(SQUARE)
    if calibration is not None and quantity.unit == "mm":
        if calibration.plane == "detector":
            notes.append(DETECTOR)
        if calibration.source != "dicom":
            notes.append(f"scale from {calibration.source}")
    return notes
