"""How often the truth is where the stated uncertainty says: is the uncertainty honest?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray
from scipy.special import gammaincinv

from palpate.evaluation.bootstrap import Interval, Resampling
from palpate.evaluation.cases import EvaluatedCase

LEVELS = (0.5, 0.8, 0.9, 0.95)


@dataclass(frozen=True, slots=True)
class EllipseCoverage:
    """Share of true landmarks inside the ellipse (ellipsoid) that should hold ``level`` of them.

    Args:
        count: annotated and found landmarks with an uncertainty.
        without: annotated and found landmarks whose covariance is zero or flat: no ellipse.
        inside: level -> share; empty where ``count`` is 0.
        intervals: level -> interval of the share, by bootstrap over subjects.
    """

    count: int
    without: int
    inside: Mapping[float, float]
    intervals: Mapping[float, Interval]


def squared_radius(level: float, dimension: int) -> float:
    """Squared Mahalanobis radius that holds ``level`` of a normal distribution.

    Source:
        The quantile of chi-square with ``dimension`` degrees of freedom.

    Example:
        >>> round(squared_radius(0.95, 2), 3)
        5.991
    """
    return float(2 * gammaincinv(dimension / 2, level))


def ellipse_coverage(cases: Sequence[EvaluatedCase], resampling: Resampling) -> EllipseCoverage:
    """Count the truths inside the stated ellipses."""
    owners = resampling.owners(tuple(case.subject for case in cases))
    found = np.stack([case.truth.present & case.prediction.found for case in cases])
    distance = np.stack([squared_distance(case) for case in cases])
    known = np.isfinite(distance)
    total = resampling.by_subject(known.sum(axis=1).astype(float), owners)
    inside: dict[float, float] = {}
    intervals: dict[float, Interval] = {}
    for level in LEVELS:
        hits = known & (distance <= squared_radius(level, cases[0].truth.scheme.dimension))
        if known.any():
            inside[level] = float(hits.sum() / known.sum())
        bounds = resampling.ratio(
            resampling.by_subject(hits.sum(axis=1).astype(float), owners), total
        )
        if bounds is not None:
            intervals[level] = bounds
    return EllipseCoverage(
        count=int(known.sum()),
        without=int((found & ~known).sum()),
        inside=inside,
        intervals=intervals,
    )


def squared_distance(case: EvaluatedCase) -> Float[ndarray, " landmark"]:
    """Squared Mahalanobis distance of each truth; NaN where there is no ellipse."""
    prediction = case.prediction
    both: Bool[ndarray, " landmark"] = case.truth.present & prediction.found
    covariance = np.where(both[:, None, None], prediction.covariance, 0.0)
    values, vectors = np.linalg.eigh(covariance)
    full = both & (values[:, 0] > 1e-9 * np.maximum(values[:, -1], 1e-9))
    offset = np.where(full[:, None], case.truth.coordinates - prediction.mean, 0.0)
    along = np.einsum("kde,kd->ke", vectors, offset)
    squared = (along**2 / np.where(full[:, None], values, 1.0)).sum(axis=1)
    return np.where(full, squared, np.nan)
