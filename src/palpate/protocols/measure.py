"""Landmarks in, a report out: every quantity of a protocol with a value or a reason."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from scipy.special import ndtr

from palpate.conformal.measurement_scores import MeasurementScores
from palpate.errors import ConfigError, GeometryError
from palpate.geometry.propagation import AtOnce, Propagated, propagate
from palpate.image import Calibration
from palpate.io.predictions import PredictedImage
from palpate.measurement import Measurement, Report
from palpate.points import Points
from palpate.prediction import Prediction
from palpate.protocols.formula import SideOfLine
from palpate.protocols.protocol import Protocol, Quantity
from palpate.protocols.scene import Scene, Scenes
from palpate.protocols.uncertain import Asked, Doubt, doubt
from palpate.scheme import LandmarkScheme
from palpate.suggest import did_you_mean

NOT_CALIBRATED = "the image is not calibrated: it carries no pixel spacing, so no length in mm"
SQUARE = "pixels taken as square: the image is not calibrated"
DETECTOR = "at the detector plane, not corrected for magnification"
# Of the draws where a formula bends: the same landmarks always have the same interval.
SEED = 20


@dataclass(frozen=True, slots=True)
class _Evidence:
    """What is known of one image: found landmarks in px, who says so, scale and size.

    ``joint`` is the covariance of the landmarks of ``at`` in their order: taken once, since
    every quantity needs a part of it.
    """

    at: Mapping[str, ndarray]
    joint: Float[ndarray, "kd kd"] | None
    prediction: Prediction | None
    calibration: Calibration | None
    size: tuple[int, int] | None
    level: float
    scores: Mapping[str, MeasurementScores]


def measure(
    protocol: Protocol,
    predicted: PredictedImage,
    *,
    level: float = 0.9,
    scores: Mapping[str, MeasurementScores] | None = None,
) -> Report:
    """Measure every quantity on one predicted image, with uncertainty.

    Landmarks are matched by name. Angles and ratios are taken in mm where the image is
    calibrated, so that pixels need not be square. The landmarks' joint covariance is carried
    through each formula; ``scores`` of a quantity replace what comes of it by what held-out
    subjects showed, where they are enough for ``level``.

    Args:
        protocol: what is measured.
        predicted: the image.
        level: of the intervals.
        scores: errors of this protocol's quantities on held-out subjects, by the quantity's name,
            with signs as its conventions stand.

    Raises:
        ConfigError: a quantity needs a landmark that the localiser does not know.
        GeometryError: the prediction is not two-dimensional or not in pixels, ``level`` is not
            between 0 and 1, or the scores are of another unit.

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
    _check_scores(protocol, scores or {})
    evidence = _Evidence(
        {name: prediction.mean[i] for name, i in rows.items()},
        prediction.joint(list(rows.values())),
        prediction,
        predicted.calibration,
        predicted.size,
        level,
        scores or {},
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
    evidence = _Evidence(at, None, None, calibration, size, 0.9, {})
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


def _check_scores(protocol: Protocol, scores: Mapping[str, MeasurementScores]) -> None:
    """Refuse errors that were gathered in another unit."""
    for quantity in protocol.quantities:
        held_out = scores.get(quantity.name)
        if held_out is not None and held_out.unit != quantity.unit:
            raise GeometryError(
                f"protocol {protocol.name!r}: {quantity.name!r} is in {quantity.unit!r}, its "
                f"held-out errors are in {held_out.unit!r}: they are of another protocol"
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
    obstacle = _obstacle(quantity, evidence)
    if obstacle is not None:
        return _refused(protocol, quantity, evidence, obstacle)
    scale = _scale(quantity, evidence)
    facing = None
    if quantity.formula.needs_facing() and protocol.facing is not None:
        facing = protocol.facing.of({name: scale * p for name, p in evidence.at.items()})
        if facing is None:
            return _refused(protocol, quantity, evidence, _no_facing(protocol, evidence))
    height = None if evidence.size is None else float(scale[1] * evidence.size[1])
    scene = Scene({n: scale * evidence.at[n] for n in quantity.needs()}, facing or 1.0, height)
    asked = Asked(
        evidence.level,
        "uncalibrated" if evidence.prediction is None else evidence.prediction.basis,
        evidence.scores.get(quantity.name),
        quantity.unit,
        quantity.classes,
        protocol.sense(quantity),
    )
    try:
        result = _evaluate(quantity, scene, evidence, scale, asked)
    except GeometryError as error:
        return _refused(protocol, quantity, evidence, str(error))
    told = result.doubt
    return Measurement(
        quantity.name,
        quantity.unit,
        value=protocol.sense(quantity) * quantity.factor * result.value + 0.0,
        standard_uncertainty=told.standard_uncertainty,
        interval=told.interval,
        level=evidence.level,
        landmarks=result.landmarks,
        protocol=protocol.label,
        normal=protocol.normal(quantity),
        note="; ".join(
            note for note in (result.note, *_notes(protocol, quantity, evidence)) if note
        ),
        spread=told.spread,
        basis=told.basis,
        probabilities=told.chances,
        crosses=told.crosses,
    )


def _refused(
    protocol: Protocol, quantity: Quantity, evidence: _Evidence, reason: str
) -> Measurement:
    return Measurement(
        quantity.name,
        quantity.unit,
        reason=reason,
        level=evidence.level,
        landmarks=quantity.needs(),
        protocol=protocol.label,
        normal=protocol.normal(quantity),
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
    doubt: Doubt
    landmarks: tuple[str, ...]
    note: str


def _evaluate(
    quantity: Quantity,
    scene: Scene,
    evidence: _Evidence,
    scale: Float[ndarray, " 2"],
    asked: Asked,
) -> _Result:
    """Value at the landmarks; with a covariance also its uncertainty.

    Raises:
        GeometryError: the formula has no answer here.
    """
    held, note = quantity.formula.held(scene)
    names, value = held.needs(), held.value(scene)
    if evidence.joint is None:
        return _Result(value, Doubt(), names, note)
    mean = np.array([scene.at[name] for name in names])
    joint = _joint(evidence.joint, [tuple(evidence.at).index(name) for name in names], scale)

    def varied(points: Float[ndarray, "n 2"]) -> Scene:
        return Scene(dict(zip(names, points, strict=True)), scene.facing, scene.height)

    if isinstance(held, SideOfLine):
        offset = propagate(lambda points: held.offset(varied(points)), mean, joint)
        told, note = _side(value, offset, asked)
        return _Result(value, told, names, note)

    def scenes(places: Float[ndarray, "place n 2"]) -> Scenes:
        at = {name: places[:, k] for k, name in enumerate(names)}
        return Scenes(at, scene.facing, scene.height)

    found = propagate(
        AtOnce(lambda points: held.value(varied(points)), lambda many: held.values(scenes(many))),
        mean,
        joint,
        period=held.period,
        bounds=held.bounds,
        generator=np.random.default_rng(SEED),
    )
    low, high = Propagated(value, found.standard_uncertainty).interval(evidence.level)
    if held.period is not None and high - low >= held.period:
        raise GeometryError("the landmarks are too uncertain to give a direction")
    return _Result(value, doubt(found.scaled(quantity.factor), asked), names, note)


def _joint(
    whole: Float[ndarray, "all all"], places: Sequence[int], scale: Float[ndarray, " 2"]
) -> Float[ndarray, "kd kd"]:
    """Joint covariance of some landmarks, in the unit that ``scale`` leads to."""
    own = (2 * np.asarray(places, dtype=int)[:, None] + np.arange(2)).reshape(-1)
    units = np.tile(scale, len(places))
    return np.outer(units, units) * whole[np.ix_(own, own)]


def _side(value: float, offset: Propagated, asked: Asked) -> tuple[Doubt, str]:
    """Doubt and note of a side, from the chance that the point is on the other one."""
    sd = offset.standard_uncertainty
    other = float(ndtr(-abs(offset.value) / sd)) if sd > 0.0 else 0.0
    turned = asked.sense * value
    interval = (-1.0, 1.0) if other > (1.0 - asked.level) / 2.0 else (turned, turned)
    told = Doubt(
        2.0 * float(np.sqrt(other * (1.0 - other))),
        interval=interval,
        basis="uncalibrated" if asked.basis == "uncalibrated" else "scaled",
    )
    return told, f"chance of the other side {100.0 * other:.2g} %"


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
