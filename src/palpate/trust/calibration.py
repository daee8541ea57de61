"""What held-out subjects say of a localiser's uncertainty: regions, correlation, measurements."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray
from scipy.stats import chi2

from palpate.arrays import locked, locked_int
from palpate.conformal.measurement_scores import MeasurementScores
from palpate.conformal.quantile import (
    attained_level,
    conformal_quantile,
    subject_weights,
    subjects_needed,
)
from palpate.correlation import Correlation
from palpate.errors import StudyError
from palpate.prediction import Prediction
from palpate.protocols.protocol import Protocol
from palpate.trust.correlated import learnt_correlation, whitened_errors
from palpate.trust.held_out import HeldOut

# The region that a normal distribution would give is made to hold at this level.
_MATCHED = 0.9
# A landmark's own factor counts as much as it has subjects, that of all as many as this.
_OF_ALL = 10.0
_SMALLEST_FACTOR = 1e-6

How = Literal["split", "cross"]


@dataclass(frozen=True, eq=False, slots=True)
class UncertaintyCalibration:
    """Errors of a localiser on subjects that it did not learn from, and what follows from them.

    Args:
        names: of the landmarks.
        source: which subjects, in words.
        how: ``split`` where this localiser predicted them, ``cross`` where those of a
            cross-validation did, each trained on the other folds.
        owners: number of each held-out image's subject.
        distance: squared Mahalanobis distance of each truth as stated; NaN where there is none.
        error_px: distance of each truth in px; NaN likewise.
        error_mm: likewise in mm; NaN where the image is not calibrated.
        sd_px: stated uncertainty of each landmark, root of the mean variance of its coordinates.
        factors: what the covariance of each landmark is multiplied with.
        correlation: of landmarks' errors; None where too few images tell.
        measurements: protocol's name and version -> quantity -> its errors.
        subjects: names, in the order of their numbers; empty where they were left out.
        weights: short hash of the localiser's; empty where it is of several.
        familiar: plain values of what the images looked like; None where not known.
        dimension: of a point.

    Raises:
        StudyError: arrays of other images or landmarks, or factors that are not positive.
    """

    names: tuple[str, ...]
    source: str
    how: How
    owners: Int[ndarray, " image"]
    distance: Float[ndarray, "image landmark"]
    error_px: Float[ndarray, "image landmark"]
    error_mm: Float[ndarray, "image landmark"]
    sd_px: Float[ndarray, "image landmark"]
    factors: Float[ndarray, " landmark"]
    correlation: Correlation | None = None
    measurements: Mapping[str, Mapping[str, MeasurementScores]] = field(default_factory=dict)
    subjects: tuple[str, ...] = ()
    weights: str = ""
    familiar: Mapping[str, Any] | None = None
    dimension: int = 2

    def __post_init__(self) -> None:
        for name in ("distance", "error_px", "error_mm", "sd_px", "factors"):
            object.__setattr__(self, name, locked(getattr(self, name)))
        object.__setattr__(self, "owners", locked_int(self.owners))
        object.__setattr__(self, "measurements", MappingProxyType(dict(self.measurements)))
        shape = (len(self.owners), len(self.names))
        for name in ("distance", "error_px", "error_mm", "sd_px"):
            if getattr(self, name).shape != shape:
                raise StudyError(f"{name} is one number an image and landmark, {shape} in all")
        if self.factors.shape != shape[1:] or not (self.factors > 0).all():
            raise StudyError("factors are one positive number a landmark")

    @classmethod
    def of(cls, held_out: Sequence[HeldOut], *, source: str, how: How) -> "UncertaintyCalibration":
        """Learn the factors and the correlation from held-out images.

        Raises:
            StudyError: fewer subjects than an interval of 90 % needs.

        Source:
            Angelopoulos and Bates, Foundations and Trends in Machine Learning 16(4), 2023,
            section 2; regions are ellipses, so scores are Mahalanobis distances (Johnstone and
            Cox, Proc. Machine Learning Research 152, 2021).
        """
        unique = sorted({each.subject for each in held_out})
        refuse_too_few(len(unique))
        number = {subject: place for place, subject in enumerate(unique)}
        owners = np.array([number[each.subject] for each in held_out])
        errors = np.stack([_errors(each) for each in held_out])
        stated = np.stack([each.predicted.prediction.covariance for each in held_out])
        white = whitened_errors(errors, stated)
        distance = np.where(_flat(stated), np.nan, (white**2).sum(axis=2))
        dimension = errors.shape[2]
        factors = _factors(distance, owners, dimension)
        spacing = np.stack([_spacing(each, dimension) for each in held_out])
        return cls(
            names=held_out[0].truth.scheme.names,
            source=source,
            how=how,
            owners=owners,
            distance=distance,
            error_px=np.linalg.norm(errors, axis=2),
            error_mm=np.linalg.norm(errors * spacing[:, None], axis=2),
            sd_px=np.sqrt(np.trace(stated, axis1=2, axis2=3) / dimension),
            factors=factors,
            correlation=learnt_correlation(white / np.sqrt(factors)[:, None], owners),
            subjects=tuple(unique),
            dimension=dimension,
        )

    @property
    def count(self) -> int:
        """How many subjects."""
        return len(np.unique(self.owners))

    def subjects_with(self, landmark: int) -> int:
        """How many subjects tell of one landmark, by its place in ``names``."""
        return len(np.unique(self.owners[np.isfinite(self.distance[:, landmark])]))

    def applied(self, prediction: Prediction) -> Prediction:
        """Return the prediction with covariances and correlation as held-out subjects had them.

        Raises:
            StudyError: of other landmarks.
        """
        if prediction.scheme.names != self.names:
            raise StudyError("the calibration is of other landmarks than the prediction")
        return replace(
            prediction,
            covariance=prediction.covariance * self.factors[:, None, None],
            correlation=self.correlation or prediction.correlation,
            basis="conformal",
        )

    def region_radius(self, level: float) -> Float[ndarray, " landmark"]:
        """Squared Mahalanobis radius of each landmark's region, by calibrated covariances.

        NaN where too few subjects have the landmark.
        """
        found = [conformal_quantile(*self._scores(k), level) for k in range(len(self.names))]
        return np.array([np.nan if r is None else r for r in found]) / self.factors

    def attained(self, distance: Float[ndarray, " landmark"]) -> Float[ndarray, " landmark"]:
        """Level above which its region holds each truth.

        Args:
            distance: squared, by calibrated covariances; NaN where there is none.
        """
        stated = distance * self.factors
        return np.array(
            [attained_level(stated[k : k + 1], *self._scores(k))[0] for k in range(len(stated))]
        )

    def scores_of(self, protocol: Protocol) -> Mapping[str, MeasurementScores]:
        """Return the errors of a protocol's quantities, signs as its conventions stand.

        Empty where the protocol, or this version of it, was not measured. A quantity that a copy
        of the protocol computes otherwise has none, whatever it is called.
        """
        known = self.measurements.get(protocol.label, {})
        return {
            quantity.name: scores.flipped() if protocol.sense(quantity) < 0 else scores
            for quantity in protocol.quantities
            if (scores := known.get(quantity.name)) is not None
            and scores.defined == quantity.defined
        }

    def _scores(self, k: int) -> tuple[Float[ndarray, " image"], Float[ndarray, " image"]]:
        known = np.isfinite(self.distance[:, k])
        return self.distance[known, k], subject_weights(self.owners[known])


def refuse_too_few(subjects: int, level: float = _MATCHED) -> None:
    """Refuse to calibrate on fewer subjects than an interval of ``level`` needs.

    Raises:
        StudyError: with the number that is needed.
    """
    needed = subjects_needed(level)
    if subjects < needed:
        raise StudyError(
            f"{subjects} held-out subjects are too few to calibrate: an interval of "
            f"{100 * level:g} % needs {needed}, one of 95 % {subjects_needed(0.95)}; hold out "
            "more, or calibrate on a cross-validation (--crossval), where every subject is held "
            "out once; until then every number is printed as 'uncalibrated'"
        )


def _errors(each: HeldOut) -> Float[ndarray, "landmark d"]:
    prediction, truth = each.predicted.prediction, each.truth
    both = prediction.found & truth.present
    return np.where(both[:, None], truth.coordinates - prediction.mean, np.nan)


def _spacing(each: HeldOut, dimension: int) -> Float[ndarray, " d"]:
    calibration = each.predicted.calibration
    if calibration is None or len(calibration.spacing_mm) != dimension:
        return np.full(dimension, np.nan)
    return np.array(calibration.spacing_mm, dtype=float)


def _flat(covariances: Float[ndarray, "image landmark d d"]) -> ndarray:
    """Whether a covariance is zero or flat along a direction: it gives no region."""
    known = np.isfinite(covariances).all(axis=(2, 3))
    values = np.linalg.eigvalsh(np.where(known[..., None, None], covariances, 0.0))
    return ~known | (values[..., 0] <= 1e-9 * np.maximum(values[..., -1], 1e-9))


def _factors(
    distance: Float[ndarray, "image landmark"], owners: Int[ndarray, " image"], dimension: int
) -> Float[ndarray, " landmark"]:
    """Factor of each landmark, drawn towards that of all; every subject counts alike."""
    normal = float(chi2.ppf(_MATCHED, dimension))
    known = np.isfinite(distance)
    if not known.any():
        raise StudyError(
            "no held-out landmark has an uncertainty: the localiser gives none, so there is "
            "nothing to calibrate"
        )
    everyone = np.broadcast_to(subject_weights(owners)[:, None], distance.shape)
    of_all = np.log(max(_quantile(distance[known], everyone[known]) / normal, _SMALLEST_FACTOR))
    factors = np.empty(distance.shape[1])
    for k in range(distance.shape[1]):
        rows = known[:, k]
        own = of_all
        if rows.any():
            reach = _quantile(distance[rows, k], subject_weights(owners[rows]))
            own = np.log(max(reach / normal, _SMALLEST_FACTOR))
        n = float(len(np.unique(owners[rows])))
        factors[k] = np.exp((n * own + _OF_ALL * of_all) / (n + _OF_ALL))
    return factors


def _quantile(values: Float[ndarray, " n"], weights: Float[ndarray, " n"]) -> float:
    """Weighted quantile at the matched level, of the values alone."""
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weights[order]) / weights.sum()
    return float(values[order[min(int(np.searchsorted(reached, _MATCHED)), len(values) - 1)]])
