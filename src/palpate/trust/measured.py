"""Errors of a protocol's measurements on held-out images."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from palpate.conformal.measurement_scores import MeasurementScores
from palpate.geometry.angles import wrapped
from palpate.measurement import Measurement
from palpate.protocols.measure import measure, measure_points
from palpate.protocols.protocol import Protocol, Quantity
from palpate.trust.calibration import UncertaintyCalibration
from palpate.trust.held_out import HeldOut


def with_measurements(
    calibration: UncertaintyCalibration, held_out: Sequence[HeldOut], protocol: Protocol
) -> UncertaintyCalibration:
    """Add what the held-out images say of a protocol's measurements.

    Args:
        calibration: of the same images.
        held_out: predictions as the localiser states them.
        protocol: signs turned round in it do not matter.
    """
    scores = measurement_scores(calibration, held_out, protocol)
    return replace(calibration, measurements={**calibration.measurements, protocol.label: scores})


def measurement_scores(
    calibration: UncertaintyCalibration, held_out: Sequence[HeldOut], protocol: Protocol
) -> Mapping[str, MeasurementScores]:
    """Measure predictions and truth of each image; return the errors by quantity.

    A quantity that could not be measured in an image does not count in it. A side (left or right
    of a line) has no error to standardise and gets no scores.
    """
    plain = replace(protocol, flipped=frozenset())
    rows: dict[str, list[tuple[float, float, float, int]]] = defaultdict(list)
    for each, owner in zip(held_out, calibration.owners, strict=True):
        image = replace(each.predicted, prediction=calibration.applied(each.predicted.prediction))
        found = measure(plain, image).measurements
        true = measure_points(plain, each.truth, image.calibration, size=image.size).measurements
        for quantity, ours, theirs in zip(plain.quantities, found, true, strict=True):
            row = _row(quantity, ours, theirs)
            if row is not None:
                rows[quantity.name].append((*row, int(owner)))
    by_name = {quantity.name: quantity for quantity in plain.quantities}
    return {name: _scores(by_name[name], values) for name, values in rows.items()}


def _row(
    quantity: Quantity, ours: Measurement, theirs: Measurement
) -> tuple[float, float, float] | None:
    if quantity.formula.gives == "side" or ours.value is None or theirs.value is None:
        return None
    below, above = stated_spread(ours)
    return error_of(quantity, ours.value, theirs.value), below, above


def stated_spread(measurement: Measurement) -> tuple[float, float]:
    """Half widths of a measurement to either side, as long as one standard deviation."""
    if measurement.spread is not None:
        return measurement.spread
    u = measurement.standard_uncertainty or 0.0
    return u, u


def measured_doubt(measurement: Measurement) -> float | None:
    """How wide a measurement is stated to be, both sides; None where nothing is stated.

    Example:
        >>> measured_doubt(Measurement("ANB", "deg", value=2.0, standard_uncertainty=1.5))
        3.0
    """
    if measurement.value is None or measurement.standard_uncertainty is None:
        return None
    below, above = stated_spread(measurement)
    return below + above


def error_of(quantity: Quantity, value: float, truth: float) -> float:
    """True less predicted value; of a direction the short way round."""
    if quantity.formula.period is not None:
        return float(wrapped(truth - value, quantity.formula.period))
    return truth - value


def _scores(
    quantity: Quantity, values: Sequence[tuple[float, float, float, int]]
) -> MeasurementScores:
    residual, below, above, owners = zip(*values, strict=True)
    return MeasurementScores(
        quantity.unit,
        np.array(residual, dtype=float),
        np.array(below, dtype=float),
        np.array(above, dtype=float),
        np.array(owners, dtype=int),
        quantity.defined,
    )
