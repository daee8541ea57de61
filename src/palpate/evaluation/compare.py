"""The difference of two methods on the same images, and how sure it is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from palpate.errors import ConfigError, StudyError
from palpate.evaluation.bootstrap import Interval, Resampling
from palpate.evaluation.cases import EvaluatedCase, check_cases
from palpate.evaluation.errors import Errors, gather, model_against_truth
from palpate.evaluation.tables import THRESHOLDS, ErrorUnit
from palpate.suggest import did_you_mean


@dataclass(frozen=True, slots=True)
class Metric:
    """What is compared: the radial error, or whether it is at most a threshold.

    Args:
        unit: px or mm.
        threshold: None for the error itself.
    """

    unit: ErrorUnit
    threshold: float | None = None

    @property
    def lower_is_better(self) -> bool:
        """Whether a negative difference speaks for the second method."""
        return self.threshold is None


METRICS: Mapping[str, Metric] = {
    "error_px": Metric("px"),
    "error_mm": Metric("mm"),
    **{f"success_{limit:g}_mm": Metric("mm", limit) for limit in THRESHOLDS["mm"]},
    **{f"success_{limit:g}_px": Metric("px", limit) for limit in THRESHOLDS["px"]},
}


@dataclass(frozen=True, slots=True)
class PairedDifference:
    """Second less first, over the same landmarks of the same images.

    Args:
        metric: a name of :data:`METRICS`.
        difference: mean of second - first; negative errors speak for the second.
        interval: of the difference, by bootstrap over subjects; None for one subject.
        subjects: how many.
        images: how many.
        landmarks: how many were compared.
        unpaired: annotated landmarks that one of the two (or both) missed, which an error
            cannot be compared for; 0 for success rates, where a miss is a failure.
        first: mean of the first over the same landmarks.
        second: mean of the second over the same landmarks.
        level: of the interval.
    """

    metric: str
    difference: float
    interval: Interval | None
    subjects: int
    images: int
    landmarks: int
    unpaired: int
    first: float
    second: float
    level: float = 0.95

    @property
    def clear(self) -> bool:
        """Whether the interval leaves zero out."""
        return self.interval is not None and not self.interval[0] <= 0 <= self.interval[1]


def paired(
    first: Sequence[EvaluatedCase],
    second: Sequence[EvaluatedCase],
    *,
    rng: np.random.Generator,
    metric: str = "error_px",
    resamples: int = 1000,
) -> PairedDifference:
    """Compare two methods landmark by landmark on the same images.

    Raises:
        ConfigError: there is no metric of that name, or mm without calibration.
        StudyError: the images, their subjects or their truths are not the same, or there is no
            landmark that both found.
    """
    if metric not in METRICS:
        raise ConfigError(f"there is no metric {metric!r}" + did_you_mean(metric, METRICS))
    chosen = METRICS[metric]
    left, right = _matched(first, second)
    subjects = tuple(case.subject for case in left)
    wanted, a = _values(left, chosen, metric)
    _, b = _values(right, chosen, metric)
    both = np.isfinite(a) & np.isfinite(b)
    if not both.any():
        raise StudyError("there is no annotated landmark that both methods found: no difference")
    resampling = Resampling.draw(subjects, rng, resamples=resamples)
    owners = resampling.owners(subjects)
    change = np.where(both, b, 0.0) - np.where(both, a, 0.0)
    interval = resampling.ratio(
        resampling.by_subject(change.sum(axis=1), owners),
        resampling.by_subject(both.sum(axis=1).astype(float), owners),
    )
    mean_a, mean_b = float(a[both].mean()), float(b[both].mean())
    return PairedDifference(
        metric=metric,
        difference=float(change[both].mean()),
        interval=interval,
        subjects=len(set(owners[both.any(axis=1)].tolist())),
        images=len(left),
        landmarks=int(both.sum()),
        unpaired=int((wanted & ~both).sum()),
        first=mean_a,
        second=mean_b,
        level=resampling.level,
    )


def _values(
    cases: Sequence[EvaluatedCase], metric: Metric, name: str
) -> tuple[ndarray, Float[ndarray, "row landmark"]]:
    errors: Errors = gather(model_against_truth(cases), None)
    values = errors.px if metric.unit == "px" else errors.mm
    if values is None:
        raise ConfigError(
            f"metric {name!r} needs every image to be calibrated; "
            f"use {name.replace('_mm', '_px') if name == 'error_mm' else 'error_px'!r}"
        )
    if metric.threshold is None:
        return errors.wanted, values
    hits = (np.where(np.isnan(values), np.inf, values) <= metric.threshold).astype(float)
    return errors.wanted, np.where(errors.wanted, hits, np.nan)


def _matched(
    first: Sequence[EvaluatedCase], second: Sequence[EvaluatedCase]
) -> tuple[list[EvaluatedCase], list[EvaluatedCase]]:
    check_cases(first)
    check_cases(second)
    left = {case.identifier: case for case in first}
    right = {case.identifier: case for case in second}
    for name, has, lacks in (("second", left, right), ("first", right, left)):
        missing = sorted(set(has) - set(lacks))
        if missing:
            shown = ", ".join(repr(image) for image in missing[:5])
            more = f" and {len(missing) - 5} more" if len(missing) > 5 else ""
            raise StudyError(
                f"a paired comparison needs the same images: the {name} method lacks "
                f"{shown}{more}; predict them or leave them out of both"
            )
    for image, case in left.items():
        other = right[image]
        if case.subject != other.subject:
            raise StudyError(
                f"image {image!r} is of subject {case.subject!r} in the first and of "
                f"{other.subject!r} in the second"
            )
        if case.truth.scheme.names != other.truth.scheme.names or not np.array_equal(
            case.truth.coordinates, other.truth.coordinates, equal_nan=True
        ):
            raise StudyError(f"image {image!r} has another truth in the second than in the first")
    order = sorted(left)
    return [left[image] for image in order], [right[image] for image in order]
