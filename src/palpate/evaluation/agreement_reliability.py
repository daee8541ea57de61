"""ICC, standard error of measurement and minimal detectable change of two raters or more."""

from dataclasses import dataclass

from jaxtyping import Float
from numpy import ndarray

from palpate.evaluation.agreement_estimate import Estimate
from palpate.evaluation.agreement_resamples import ReliabilityResamples, bootstrapped
from palpate.evaluation.bootstrap import Resampling
from palpate.evaluation.change import minimal_detectable_change, sem_agreement, sem_consistency
from palpate.evaluation.icc import MeanSquares, icc_agreement, icc_consistency


@dataclass(frozen=True, slots=True)
class Reliability:
    """How well one measurement of one rater tells subjects apart.

    Args:
        icc_agreement: ICC(2,1).
        icc_consistency: ICC(3,1).
        sem_agreement: standard error of measurement of any rater, in the unit.
        sem_consistency: of one and the same rater.
        mdc: minimal detectable change, 95 %, from ``sem_agreement``.
    """

    icc_agreement: Estimate
    icc_consistency: Estimate
    sem_agreement: Estimate
    sem_consistency: Estimate
    mdc: Estimate


@dataclass(frozen=True, slots=True)
class RatersAgreement:
    """Reliability of a group of raters, over the images that all of them measured.

    Args:
        raters: their names.
        images: measured by all.
        subjects: of these.
        reliability: over these images.
    """

    raters: tuple[str, ...]
    images: int
    subjects: int
    reliability: Reliability


def reliability(
    table: Float[ndarray, "image rater"],
    subjects: tuple[str, ...],
    resampling: Resampling | None,
) -> Reliability:
    """Reliability of a complete table.

    Intervals of ICC by ratios of mean squares where each image is of another subject, else by
    bootstrap over subjects; those of the standard errors always by bootstrap.

    Args:
        table: finite.
        subjects: of each image.
        resampling: None: no bootstrap.
    """
    squares = MeanSquares.of(table)
    level = 0.95 if resampling is None else resampling.level
    agree, consist = icc_agreement(squares, level=level), icc_consistency(squares, level=level)
    sem, own = sem_agreement(squares), sem_consistency(squares)
    repeated = len(set(subjects)) < len(subjects)
    if repeated:
        agree, consist = agree.or_interval(None, ""), consist.or_interval(None, "")
    if resampling is not None and len(set(subjects)) > 1:
        drawn = ReliabilityResamples.of(table, resampling.owners(subjects), resampling)
        sem = bootstrapped(sem, drawn.sem_agreement, resampling)
        own = bootstrapped(own, drawn.sem_consistency, resampling)
        if repeated:
            agree = bootstrapped(agree, drawn.icc_agreement, resampling)
            consist = bootstrapped(consist, drawn.icc_consistency, resampling)
    return Reliability(agree, consist, sem, own, minimal_detectable_change(sem))
