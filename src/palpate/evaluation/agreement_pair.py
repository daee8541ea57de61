"""Two raters of one quantity: what a journal asks of a comparison of two methods."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from scipy.stats import shapiro

from palpate.evaluation.agreement_estimate import Estimate
from palpate.evaluation.agreement_reliability import Reliability, reliability
from palpate.evaluation.agreement_resamples import (
    DifferenceResamples,
    bootstrapped,
    kappa_resamples,
    once,
)
from palpate.evaluation.bootstrap import Resampling
from palpate.evaluation.kappa import ClassCuts, Weights, weighted_kappa
from palpate.evaluation.limits import (
    FEWEST,
    TOO_FEW_PAIRS,
    WIDTH,
    Limits,
    limits_of_agreement,
    proportional_bias,
)

WEIGHTS: tuple[Weights, ...] = ("linear", "quadratic")
# Beyond so many, Shapiro and Wilk's test has no tables, and any difference is significant.
_MOST_TESTED = 5000


@dataclass(frozen=True, slots=True)
class ClassAgreement:
    """How two raters class the same images.

    Args:
        names: of the classes, from the lowest.
        counts: images by class of the first (row) and of the second rater (column).
        kappa: weights -> weighted kappa.
    """

    names: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]
    kappa: Mapping[Weights, Estimate]


@dataclass(frozen=True, slots=True)
class PairAgreement:
    """Agreement of two raters; every difference is second less first.

    Args:
        first, second: names of the raters.
        images: measured by both.
        subjects: of these.
        limits: bias, SD of the differences and 95 % limits of agreement.
        mae: mean absolute difference.
        slope: of the difference on the mean of both: proportional bias.
        reliability: ICC, SEM and minimal detectable change.
        inside: differences inside the limits; None without limits.
        normal: p of Shapiro and Wilk's test that the differences are normal; None without.
        classes: None where the quantity has none.
        refused: 'rater: reason' -> images that one of them did not measure.
        points: (image, first, second), for plots and tables.
    """

    first: str
    second: str
    images: int
    subjects: int
    limits: Limits
    mae: Estimate
    slope: Estimate
    reliability: Reliability
    inside: int | None = None
    normal: float | None = None
    classes: ClassAgreement | None = None
    refused: Mapping[str, int] = field(default_factory=dict)
    points: tuple[tuple[str, float, float], ...] = ()

    @property
    def label(self) -> str:
        """The comparison as a difference: 'second - first'."""
        return f"{self.second} \N{MINUS SIGN} {self.first}"

    @property
    def repeated(self) -> bool:
        """Whether a subject has several images."""
        return self.images > self.subjects


@dataclass(frozen=True, eq=False, slots=True)
class Pairs:
    """Values of two raters on the same images.

    Args:
        first, second: names of the raters.
        images: identifiers.
        subjects: of each image.
        table: finite.
    """

    first: str
    second: str
    images: Sequence[str]
    subjects: tuple[str, ...]
    table: Float[ndarray, "image 2"]


def pair_agreement(
    pairs: Pairs, resampling: Resampling | None, *, classes: ClassCuts | None = None
) -> PairAgreement:
    """Every figure of two raters.

    With one image a subject, the intervals of the bias and the slope are Student's, those of the
    limits exact, those of ICC by ratios of mean squares; all others, and all where a subject has
    several images, by bootstrap over subjects.

    Args:
        pairs: of one quantity.
        resampling: of subjects, those of the pairs among them; None: no bootstrap.
        classes: of the quantity, for kappa.
    """
    images, subjects = len(pairs.images), len(set(pairs.subjects))
    found = PairAgreement(
        pairs.first,
        pairs.second,
        images,
        subjects,
        *_nothing(),
        points=tuple(
            (image, float(a), float(b))
            for image, (a, b) in zip(pairs.images, pairs.table, strict=True)
        ),
    )
    if images < FEWEST:
        return found
    if resampling is not None and subjects < 2:
        resampling = None  # one person says nothing of another
    difference = pairs.table[:, 1] - pairs.table[:, 0]
    limits = _limits(pairs, resampling, repeated=found.repeated)
    low, high = limits.lower.value or 0.0, limits.upper.value or 0.0
    return replace(
        found,
        limits=limits,
        mae=_mae(pairs, resampling),
        slope=_slope(pairs, resampling, repeated=found.repeated),
        reliability=reliability(pairs.table, pairs.subjects, resampling),
        inside=int(((difference >= low) & (difference <= high)).sum()),
        normal=_normal(difference),
        classes=None
        if classes is None
        else _classes(pairs, classes, resampling, repeated=found.repeated),
    )


def _nothing() -> tuple[Limits, Estimate, Estimate, Reliability]:
    none = Estimate(reason=TOO_FEW_PAIRS)
    return Limits(none, none, none, none), none, none, Reliability(none, none, none, none, none)


def _resampled(pairs: Pairs, resampling: Resampling) -> DifferenceResamples:
    return DifferenceResamples.of(pairs.table, resampling.owners(pairs.subjects), resampling)


def _limits(pairs: Pairs, resampling: Resampling | None, *, repeated: bool) -> Limits:
    difference = pairs.table[:, 1] - pairs.table[:, 0]
    drawn = None if resampling is None else _resampled(pairs, resampling)
    if not repeated:
        level = 0.95 if resampling is None else resampling.level
        limits = limits_of_agreement(difference, level=level)
        if drawn is None or resampling is None:
            return limits
        return replace(limits, sd=bootstrapped(limits.sd, drawn.sd, resampling))
    bias, sd = float(difference.mean()), float(_resampled(pairs, once(pairs.subjects)).sd[0])
    if not np.isfinite(sd):  # one subject: between subjects nothing is known
        sd = float(difference.std(ddof=1))
    low, high = Estimate(bias - WIDTH * sd), Estimate(bias + WIDTH * sd)
    if drawn is None or resampling is None:
        return Limits(Estimate(bias), Estimate(sd), low, high)
    return Limits(
        bootstrapped(Estimate(bias), drawn.bias, resampling),
        bootstrapped(Estimate(sd), drawn.sd, resampling),
        bootstrapped(low, drawn.bias - WIDTH * drawn.sd, resampling),
        bootstrapped(high, drawn.bias + WIDTH * drawn.sd, resampling),
    )


def _mae(pairs: Pairs, resampling: Resampling | None) -> Estimate:
    mae = Estimate(float(np.abs(pairs.table[:, 1] - pairs.table[:, 0]).mean()))
    if resampling is None:
        return mae
    return bootstrapped(mae, _resampled(pairs, resampling).mae, resampling)


def _slope(pairs: Pairs, resampling: Resampling | None, *, repeated: bool) -> Estimate:
    level = 0.95 if resampling is None else resampling.level
    slope = proportional_bias(pairs.table[:, 0], pairs.table[:, 1], level=level)
    if not repeated:
        return slope
    if resampling is None:
        return slope.or_interval(None, "")
    return bootstrapped(slope, _resampled(pairs, resampling).slope, resampling)


def _normal(difference: Float[ndarray, " image"]) -> float | None:
    """Return p of Shapiro and Wilk's test; None where all differences are one, or too many."""
    size = float(np.abs(difference).max())
    if len(difference) > _MOST_TESTED or float(np.ptp(difference)) <= 1e-9 * max(size, 1e-9):
        return None
    return float(shapiro(difference).pvalue)


def _classes(
    pairs: Pairs, classes: ClassCuts, resampling: Resampling | None, *, repeated: bool
) -> ClassAgreement:
    counts = classes.table(pairs.table[:, 0], pairs.table[:, 1])
    level = 0.95 if resampling is None else resampling.level
    kappa = {weights: weighted_kappa(counts, weights=weights, level=level) for weights in WEIGHTS}
    if repeated:
        kappa = {weights: found.or_interval(None, "") for weights, found in kappa.items()}
    if repeated and resampling is not None:
        owners = resampling.owners(pairs.subjects)
        kappa = {
            weights: bootstrapped(
                found,
                kappa_resamples(classes, pairs.table, owners, resampling, weights=weights),
                resampling,
            )
            for weights, found in kappa.items()
        }
    return ClassAgreement(classes.names, tuple(tuple(int(n) for n in row) for row in counts), kappa)
