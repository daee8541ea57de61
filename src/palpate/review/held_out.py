"""What held-out subjects promise of a case: scores of measurements, regions of landmarks."""

from collections.abc import Mapping
from functools import lru_cache

import numpy as np

from palpate.conformal.measurement_scores import MeasurementScores
from palpate.evaluation.coverage import squared_radius
from palpate.protocols.protocol import Protocol
from palpate.review.case import NewCase, Project
from palpate.review.recent import Recent
from palpate.trust.calibration import UncertaintyCalibration

_Scores = Mapping[str, MeasurementScores]
# A protocol cannot be hashed: it is known by being the same object, which is kept with its scores.
_SCORES: Recent[tuple[UncertaintyCalibration, int], tuple[Protocol, _Scores]] = Recent(64)


def scores_of(given: NewCase, protocol: Protocol) -> _Scores:
    """Return the errors of a protocol's quantities on held-out subjects; empty where not known.

    The same objects for the same model and protocol, whichever case they are asked of.
    """
    uncertainty = given.uncertainty
    if uncertainty is None:
        return {}
    key = (uncertainty, id(protocol))
    known = _SCORES.find(key)
    if known is None or known[0] is not protocol:
        _SCORES.replace(key, (protocol, uncertainty.scores_of(protocol)))
        known = _SCORES.find(key) or (protocol, uncertainty.scores_of(protocol))
    return known[1]


def squared_radii(project: Project, given: NewCase, level: float) -> dict[str, float]:
    """Square of the radius, in standard deviations, of the region that holds each landmark.

    Where the model was calibrated, that in which held-out subjects had it; else, and where too
    few of them had the landmark, that of a normal distribution.

    Args:
        project: with the landmarks.
        given: with the predictions, and what is known of them.
        level: chance that a region holds its landmark.
    """
    radii = dict.fromkeys(project.scheme.names, float(squared_radius(level, 2)))
    calibrated = any(each.prediction.basis == "conformal" for each in given.predictions.values())
    if given.uncertainty is not None and calibrated:
        radii |= _promised(given.uncertainty, level)
    return radii


@lru_cache(maxsize=64)
def _promised(uncertainty: UncertaintyCalibration, level: float) -> dict[str, float]:
    found = zip(uncertainty.names, uncertainty.region_radius(level), strict=True)
    return {name: float(radius) for name, radius in found if np.isfinite(radius)}
