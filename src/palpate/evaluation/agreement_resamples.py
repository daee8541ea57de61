"""Figures of agreement in every resample of the subjects, by one product of matrices.

Every figure here is a function of a few sums over images. The sums are taken by subject once;
the counts of a resample times these are the sums of the resample, so no resample is laid out.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from palpate.evaluation.agreement_estimate import Estimate
from palpate.evaluation.bootstrap import Resampling
from palpate.evaluation.icc import CRUMBS
from palpate.evaluation.kappa import ClassCuts, Weights, disagreement
from palpate.evaluation.medians import percentile_interval

Rows = Float[ndarray, " resample"]


@dataclass(frozen=True, eq=False, slots=True)
class ReliabilityResamples:
    """ICC and standard errors of measurement, one of each a resample; NaN where there is none."""

    icc_agreement: Rows
    icc_consistency: Rows
    sem_agreement: Rows
    sem_consistency: Rows

    @classmethod
    def of(
        cls,
        table: Float[ndarray, "image rater"],
        owners: Int[ndarray, " image"],
        resampling: Resampling,
    ) -> "ReliabilityResamples":
        """Mean squares of the two-way analysis of variance, from sums that add up over images.

        Args:
            table: complete.
            owners: place of each image's subject among those of the resampling.
            resampling: of the subjects.
        """
        k = table.shape[1]
        # Mean squares do not know of a shift; without it their sums lose no digits.
        x = table - table.mean()
        columns = [np.ones(len(x)), (x.sum(axis=1) ** 2) / k, (x**2).sum(axis=1), *x.T]
        n, rows, squares, *raters = _sums(columns, owners, resampling)
        grand = np.sum(raters, axis=0)
        with np.errstate(divide="ignore", invalid="ignore"):
            middle = grand**2 / (n * k)
            between = rows - middle
            judges = np.sum(np.square(raters), axis=0) / n - middle
            error = squares - rows - judges
            crumbs = CRUMBS * np.maximum(1.0, float((table**2).sum()))
            between, judges, error = (
                np.where(part > crumbs, part, 0.0) for part in (between, judges, error)
            )
            between, judges = between / (n - 1), judges / (k - 1)
            error = error / ((n - 1) * (k - 1))
            shared = between + (k - 1) * error
            return cls(
                _ratio(between - error, shared + k * (judges - error) / n),
                _ratio(between - error, shared),
                np.sqrt((judges + (n - 1) * error) / n),
                np.sqrt(error),
            )


@dataclass(frozen=True, eq=False, slots=True)
class DifferenceResamples:
    """Bias, error, spread and slope of two raters' differences, one of each a resample."""

    bias: Rows
    mae: Rows
    sd: Rows
    slope: Rows

    @classmethod
    def of(
        cls,
        table: Float[ndarray, "image two"],
        owners: Int[ndarray, " image"],
        resampling: Resampling,
    ) -> "DifferenceResamples":
        """Figures of second less first.

        The SD is that of a difference on a new image of a new subject: the root of the variance
        between subjects and that within, by a one-way analysis of variance. With one image a
        subject it is the plain SD.

        Source:
            Bland and Altman, Journal of Biopharmaceutical Statistics 17(4):571-582, 2007,
            section 3: several measurements of a subject whose true value varies.
        """
        d = table[:, 1] - table[:, 0]
        u = table.mean(axis=1) - table.mean()
        columns = [np.ones(len(d)), d, np.abs(d), d**2, u, u**2, u * d]
        n, total, absolute, squares, mean, mean2, product = _sums(columns, owners, resampling)
        own = [resampling.by_subject(values, owners) for values in (np.ones(len(d)), d)]
        with np.errstate(divide="ignore", invalid="ignore"):
            explained = np.where(own[0] > 0, own[1] ** 2 / own[0], 0.0)
            people = np.stack([(own[0] > 0).astype(float), own[0] ** 2, explained], axis=1)
            subjects, sizes, between = (resampling.weights @ people).T
            slope = _ratio(product - mean * total / n, mean2 - mean**2 / n)
            return cls(
                total / n,
                absolute / n,
                np.sqrt(_variance(n, subjects, sizes, between - total**2 / n, squares - between)),
                slope,
            )


def bootstrapped(figure: Estimate, values: Rows, resampling: Resampling) -> Estimate:
    """Return the figure with the percentile interval of its values in the resamples."""
    interval = percentile_interval(values, resampling)
    return figure.or_interval(interval, "bootstrap")


def once(subjects: tuple[str, ...]) -> Resampling:
    """Every subject once: the study itself as a resample, for figures of the study."""
    unique = tuple(sorted(set(subjects)))
    return Resampling(unique, np.ones((1, len(unique))))


def kappa_resamples(
    classes: ClassCuts,
    table: Float[ndarray, "image two"],
    owners: Int[ndarray, " image"],
    resampling: Resampling,
    *,
    weights: Weights,
) -> Rows:
    """Weighted kappa of two raters in every resample; NaN where all images are in one class."""
    count = len(classes.names)
    place = classes.of(table[:, 0]) * count + classes.of(table[:, 1])
    own = np.zeros((len(resampling.subjects), count**2))
    np.add.at(own, (owners, place), 1.0)
    counted = (resampling.weights @ own).reshape(-1, count, count)
    far = disagreement(count, weights)
    rows, columns = counted.sum(axis=2), counted.sum(axis=1)
    chance = np.einsum("ri,rj,ij->r", rows, columns, far)
    with np.errstate(divide="ignore", invalid="ignore"):
        return 1.0 - _ratio((far * counted).sum(axis=(1, 2)) * rows.sum(axis=1), chance)


def _sums(
    columns: list[Float[ndarray, " image"]], owners: Int[ndarray, " image"], resampling: Resampling
) -> Float[ndarray, "column resample"]:
    """Sums of columns in every resample: the counts of subjects times the sums by subject."""
    own = np.stack([resampling.by_subject(column, owners) for column in columns], axis=1)
    return (resampling.weights @ own).T


def _ratio(top: Rows, bottom: Rows) -> Rows:
    return np.where(bottom > 0, top / bottom, np.nan)


def _variance(n: Rows, subjects: Rows, sizes: Rows, between: Rows, within: Rows) -> Rows:
    """Variance between subjects and within; of one image a subject there is no telling apart."""
    groups = subjects - 1
    inside = np.maximum(0.0, within) / (n - subjects)
    usual = (n - sizes / n) / groups
    outside = np.maximum(0.0, (between / groups - inside) / usual)
    plain = np.maximum(0.0, between) / groups
    return np.where(n > subjects, inside + outside, plain)
