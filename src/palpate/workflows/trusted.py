"""Coverage of regions and of intervals on held-out images."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from scipy.stats import chi2

from palpate.evaluation.bootstrap import Resampling
from palpate.evaluation.cases import EvaluatedCase
from palpate.evaluation.coverage import squared_distance
from palpate.evaluation.reliability import ALL, Reliability, Trusted, reliability
from palpate.measurement import Measurement, Report
from palpate.protocols.protocol import Protocol
from palpate.trust.calibration import UncertaintyCalibration
from palpate.trust.measured import error_of, stated_spread
from palpate.workflows.evaluate import EvaluatedStudy

_LEVEL = 0.9


def calibrated_study(
    evaluated: EvaluatedStudy, calibrations: Mapping[str, UncertaintyCalibration]
) -> EvaluatedStudy:
    """Return the study with covariances and correlations as its calibrations have them."""
    if not calibrations:
        return evaluated
    predicted = tuple(
        replace(each, prediction=calibrations[each.image].applied(each.prediction))
        if each.image in calibrations
        else each
        for each in evaluated.predicted
    )
    cases = tuple(
        replace(case, prediction=image.prediction)
        for case, image in zip(evaluated.cases, predicted, strict=True)
    )
    return EvaluatedStudy(cases, predicted, evaluated.failures)


def judge_trust(
    stated: EvaluatedStudy,
    calibrations: Mapping[str, UncertaintyCalibration],
    measured: tuple[Protocol, Sequence[Report], Sequence[Report]] | None,
    *,
    seed: int,
) -> Trusted | None:
    """Count how often truths are inside; None where no image has a calibration of others.

    An image whose subject was calibrated on does not count: coverage there is by construction.

    Args:
        stated: predictions as the localiser states them, with truth.
        calibrations: image -> calibration.
        measured: protocol, and the reports of predictions and of truth, one an image; None
            where nothing was measured.
        seed: draws the bootstrap.
    """
    counted = {
        case.identifier
        for case in stated.cases
        if case.identifier in calibrations
        and case.subject not in calibrations[case.identifier].subjects
    }
    cases = [case for case in stated.cases if case.identifier in counted]
    if not cases:
        return None
    resampling = Resampling.draw(tuple(case.subject for case in cases), np.random.default_rng(seed))
    measurements: tuple[Reliability, ...] = ()
    if measured is not None:
        protocol, found, true = measured
        pairs = [(f, t) for f, t in zip(found, true, strict=True) if f.image in counted]
        measurements = _measurements(protocol, pairs, calibrations, resampling)
    sources = {calibrations[name].source for name in sorted(counted)}
    return Trusted(
        "; ".join(sorted(sources)),
        _all(_attained(cases, _as_stated), resampling, None),
        _regions(cases, calibrations, resampling),
        measurements,
    )


def _as_stated(case: EvaluatedCase) -> Float[ndarray, " landmark"]:
    """Level at which a normal distribution's ellipse reaches the truth."""
    return np.asarray(chi2.cdf(squared_distance(case), case.truth.scheme.dimension))


def _attained(
    cases: Sequence[EvaluatedCase], of: Callable[[EvaluatedCase], Float[ndarray, " landmark"]]
) -> dict[str, list[Float[ndarray, " landmark"]]]:
    found: dict[str, list[Float[ndarray, " landmark"]]] = defaultdict(list)
    for case in cases:
        found[case.subject].append(of(case))
    return found


def _all(
    found: Mapping[str, Sequence[Float[ndarray, " landmark"]]],
    resampling: Resampling,
    calibrated_on: int | None,
) -> Reliability:
    attained = {who: np.concatenate(rows) for who, rows in found.items()}
    return reliability(ALL, attained, resampling, calibrated_on=calibrated_on)


def _regions(
    cases: Sequence[EvaluatedCase],
    calibrations: Mapping[str, UncertaintyCalibration],
    resampling: Resampling,
) -> tuple[Reliability, ...]:
    def conformal(case: EvaluatedCase) -> Float[ndarray, " landmark"]:
        one = calibrations[case.identifier]
        return one.attained(squared_distance(case) / one.factors)

    found = _attained(cases, conformal)
    names = cases[0].truth.scheme.names
    used = _used(calibrations, [case.identifier for case in cases])
    each = (
        reliability(
            name,
            {who: np.array([row[k] for row in rows]) for who, rows in found.items()},
            resampling,
            calibrated_on=min(one.subjects_with(k) for one in used),
        )
        for k, name in enumerate(names)
    )
    return (_all(found, resampling, min(one.count for one in used)), *each)


def _used(
    calibrations: Mapping[str, UncertaintyCalibration], images: Sequence[str]
) -> list[UncertaintyCalibration]:
    """Return each calibration of these images once."""
    return list({id(calibrations[name]): calibrations[name] for name in images}.values())


def _measurements(
    protocol: Protocol,
    pairs: Sequence[tuple[Report, Report]],
    calibrations: Mapping[str, UncertaintyCalibration],
    resampling: Resampling,
) -> tuple[Reliability, ...]:
    attained: dict[str, dict[str, list[float]]] = {q.name: {} for q in protocol.quantities}
    halves: dict[str, list[float]] = defaultdict(list)
    for found, true in pairs:
        scores = calibrations[found.image].scores_of(protocol)
        for quantity, ours, theirs in zip(
            protocol.quantities, found.measurements, true.measurements, strict=True
        ):
            if quantity.name not in scores or ours.value is None or theirs.value is None:
                continue
            truth = ours.value + error_of(quantity, ours.value, theirs.value)
            level = scores[quantity.name].attained(ours.value, *stated_spread(ours), truth)
            if level is not None:
                attained[quantity.name].setdefault(found.subject, []).append(level)
                halves[quantity.name] += _half(ours)
    together: dict[str, list[float]] = defaultdict(list)
    for of in attained.values():
        for who, values in of.items():
            together[who] += values
    if not together:
        return ()
    used = _used(calibrations, [found.image for found, _ in pairs])
    known = [one.scores_of(protocol) for one in used]
    each = (
        reliability(
            name,
            of,
            resampling,
            calibrated_on=min(each[name].subjects for each in known if name in each),
            halfwidth=float(np.median(halves[name])) if halves[name] else None,
        )
        for name, of in attained.items()
        if of
    )
    fewest = min(one.count for one in used)
    return (reliability(ALL, together, resampling, calibrated_on=fewest), *each)


def _half(measurement: Measurement) -> list[float]:
    """Half width of an interval of 90 %; nothing where it has another level or none."""
    if measurement.interval is None or measurement.level != _LEVEL:
        return []
    low, high = measurement.interval
    return [(high - low) / 2]
