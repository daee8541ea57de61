"""Which cases to keep, so that few of them are far off: a limit of doubt with a guarantee.

Cases of held-out subjects are let in from the least doubtful on. For each number let in, a
binomial test asks whether too many cases below the doubt of the next one may be far off; the tests
stand in a fixed sequence, so that asking often does not wear the confidence out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, inf, isfinite, log

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray
from scipy.stats import beta, binom

from palpate.errors import ConfigError, StudyError

_MANY = 200  # subjects, from which on the error is shared by two starts
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class RiskWish:
    """What is asked: of the cases kept, at most so many are off by more than so much.

    Args:
        max_risk: share of the kept cases, in (0, 1).
        within: error that is still good, in the unit of ``quantity``.
        quantity: of which the error is, as the protocol names it; '' for the mean distance of a
            film's landmarks from the truth.
        unit: of ``within``.
        confidence: that the limit keeps the promise, in (0, 1).

    Raises:
        ConfigError: a number is out of its range.
    """

    max_risk: float
    within: float
    quantity: str = ""
    unit: str = "mm"
    confidence: float = 0.95

    def __post_init__(self) -> None:
        for name, value in (("share", self.max_risk), ("confidence", self.confidence)):
            if not 0.0 < value < 1.0:
                raise ConfigError(f"a {name} is between 0 and 1, got {value:g}")
        if not (isfinite(self.within) and self.within > 0.0):
            raise ConfigError(f"an error that is still good is positive, got {self.within:g}")

    @property
    def what(self) -> str:
        """What must not be far off, as ``SNA``."""
        return self.quantity or "the mean distance of the landmarks"


@dataclass(frozen=True, slots=True)
class RiskLimit:
    """A limit of doubt, and what it rests on.

    Args:
        wish: what was asked.
        limit: cases with less doubt are kept; infinite: all, minus infinity: none.
        subjects: held-out subjects that were asked, one case each.
        kept: how many of these the limit keeps.
        off: how many of the kept ones are off by more than ``wish.within``.
        bound: upper confidence bound of the share that is off (Clopper and Pearson); None where
            nothing is kept.
        needed: fewest subjects that could promise this, if none of them were off.
    """

    wish: RiskWish
    limit: float
    subjects: int
    kept: int
    off: int
    bound: float | None
    needed: int

    def keeps(self, doubt: float | None) -> bool:
        """Whether a case is kept; never where its doubt is not known.

        Example:
            >>> wish = RiskWish(0.5, 2.0)
            >>> RiskLimit(wish, 0.7, 20, 10, 1, 0.4, 5).keeps(0.6)
            True
        """
        return doubt is not None and doubt < self.limit

    @property
    def sentence(self) -> str:
        """What is promised, or why nothing can be, for the reader of a report."""
        wish = self.wish
        goal = (
            f"at most {100 * wish.max_risk:g} % of the cases kept are off by more than "
            f"{wish.within:g} {wish.unit} in {wish.what}, with {100 * wish.confidence:g} % "
            "confidence"
        )
        if self.subjects < self.needed:
            return (
                f"Everything is set aside: to promise that {goal}, at least {self.needed} held-out "
                f"subjects are needed, and there are {self.subjects}."
            )
        if not self.kept:
            return (
                f"Everything is set aside: too many of the {self.subjects} held-out subjects are "
                f"further off, also among the least doubtful, to promise that {goal}."
            )
        return (
            f"Promised: {goal}. On {self.subjects} held-out subjects the limit keeps "
            f"{self.kept}, and {self.off} of these are off by more. This holds for new subjects "
            "of the same kind as these, not for another scanner, clinic or population, and not "
            "for every group of them on its own."
        )


def subjects_for_risk(max_risk: float, confidence: float) -> int:
    """Fewest subjects that promise a risk, if not one of them is off.

    Example:
        >>> [subjects_for_risk(risk, 0.95) for risk in (0.05, 0.1, 0.2)]
        [59, 29, 14]
    """
    return max(1, ceil(log(1.0 - confidence) / log(1.0 - max_risk) - _ROUNDING))


def risk_limit(
    errors: Float[ndarray, " image"],
    doubts: Float[ndarray, " image"],
    owners: Int[ndarray, " image"],
    wish: RiskWish,
) -> RiskLimit:
    """Choose the limit of doubt that keeps the most cases under the risk that is asked for.

    Each subject counts by the first of its images, so that cases are independent. Images without
    an error or without a doubt (NaN) do not count. With n cases below the limit, of which b are
    off, the share of new cases below it that are off is told by a binomial law given the limit,
    since the n are then like any other cases below it.

    Args:
        errors: how far each held-out image is off, in ``wish.unit``; not negative.
        doubts: larger is less sure; as new cases will have them.
        owners: number of each image's subject.
        wish: what is asked.

    Raises:
        StudyError: lengths differ.

    Source:
        Angelopoulos, Bates, Candes, Jordan and Lei, "Learn then test", 2021 (arXiv 2110.01052),
        section 3 (fixed sequences with several starts); Geifman and El-Yaniv, NeurIPS 2017
        (guaranteed selective risk); Wiens, Pharm. Stat. 2, 2003 (a rejected start hands its
        share of the error on).

    Example:
        >>> doubts = np.arange(100.0)
        >>> errors = np.where(doubts < 80, 1.0, 5.0)
        >>> found = risk_limit(errors, doubts, np.arange(100), RiskWish(0.1, 2.0))
        >>> found.kept, found.off, found.limit
        (83, 3, 83.0)
    """
    if not len(errors) == len(doubts) == len(owners):
        raise StudyError(
            f"one error, doubt and owner an image: got {len(errors)}, {len(doubts)}, {len(owners)}"
        )
    off, ordered = _one_a_subject(errors, doubts, owners, wish)
    total, needed = len(off), subjects_for_risk(wish.max_risk, wish.confidence)
    counted = np.cumsum(off)
    kept = 0
    for number in _passed(counted, wish):
        # The limit must lie between two cases: of equal doubts none is told from the other.
        if number == total or ordered[number - 1] < ordered[number]:
            kept = number
    if not kept:
        return RiskLimit(wish, -inf, total, 0, 0, None, needed)
    bad = int(counted[kept - 1])
    limit = inf if kept == total else float(ordered[kept])
    return RiskLimit(wish, limit, total, kept, bad, _upper(bad, kept, wish.confidence), needed)


def _one_a_subject(
    errors: Float[ndarray, " image"],
    doubts: Float[ndarray, " image"],
    owners: Int[ndarray, " image"],
    wish: RiskWish,
) -> tuple[Int[ndarray, " case"], Float[ndarray, " case"]]:
    """Return which cases are off and their doubts, the least doubtful first."""
    told = np.flatnonzero(~np.isnan(errors) & ~np.isnan(doubts))
    _, first = np.unique(owners[told], return_index=True)
    cases = told[np.sort(first)]
    order = cases[np.argsort(doubts[cases], kind="stable")]
    return (errors[order] > wish.within).astype(int), doubts[order]


def _passed(counted: Int[ndarray, " case"], wish: RiskWish) -> list[int]:
    """Return the numbers of cases at which the risk is shown to be small enough.

    Numbers are tested upwards from each start. A start brings its share of the error that is
    allowed; a test that fails loses all that was brought so far.
    """
    error = 1.0 - wish.confidence
    starts = _starts(len(counted), wish)
    passed, allowed = [], 0.0
    for number in range(starts[0] if starts else 1, len(counted) + 1):
        if number in starts:
            allowed += error / len(starts)
        if allowed <= 0.0:
            continue
        chance = float(binom.cdf(counted[number - 1], number, wish.max_risk))
        if chance <= allowed + _ROUNDING:
            passed.append(number)
        else:
            allowed = 0.0
    return passed


def _starts(total: int, wish: RiskWish) -> Sequence[int]:
    """Numbers of cases at which the tests start: they depend on the wish and ``total`` alone.

    A start that forgives one or two cases is worth waiting for, up to half of the subjects: in
    simulations with 60 to 200 subjects this keeps more than starting as early as possible, or
    than dividing the error among several starts.
    """
    count = 1 if total < _MANY else 2
    error = (1.0 - wish.confidence) / count
    first = subjects_for_risk(wish.max_risk, 1.0 - error)
    if total < first:
        return ()
    half = np.arange(first, total // 2 + 1)
    for forgiven in (2, 1):
        enough = half[binom.cdf(forgiven, half, wish.max_risk) <= error]
        if len(enough):
            first = int(enough[0])
            break
    return [first + place * (total - first) // count for place in range(count)]


def _upper(bad: int, count: int, confidence: float) -> float:
    """Upper confidence bound of a share, of Clopper and Pearson."""
    return 1.0 if bad >= count else float(beta.ppf(confidence, bad + 1, count - bad))
