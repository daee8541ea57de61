"""How the error falls when the doubtful cases are set aside: risk-coverage curves."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray

from palpate.errors import StudyError
from palpate.evaluation.bootstrap import Interval, Resampling

# Shares of kept cases that tables and bands are given at.
SHARES = tuple(k / 20 for k in range(1, 21))


@dataclass(frozen=True, slots=True)
class Ordered:
    """What a curve is about: the error's name and unit, and by what cases are ordered, in words."""

    name: str
    unit: str
    score: str


@dataclass(frozen=True, eq=False, slots=True)
class RiskCoverage:
    """Mean error of the cases kept, from the least doubtful on.

    Args:
        of: whose error, as 'SNA' or 'mean radial error', and how cases are ordered.
        cases: how many there are.
        subjects: of so many.
        kept: ``SHARES`` of the cases.
        risk: mean error of that share of the cases.
        bands: its interval by bootstrap over subjects; None for fewer than two subjects.
        oracle: mean error if the cases were ordered by their errors.
        area: mean of the risk over all numbers of kept cases (AURC).
        area_interval: of it.
        oracle_area: the least that any order reaches.
        random_area: what a random order reaches: the mean error of all.
        saved: which part of the way from the random to the oracle's area is gone; None where
            both are the same.
        saved_interval: of it, on the same resamples.
    """

    of: Ordered
    cases: int
    subjects: int
    kept: tuple[float, ...]
    risk: tuple[float, ...]
    bands: tuple[Interval | None, ...]
    oracle: tuple[float, ...]
    area: float
    area_interval: Interval | None
    oracle_area: float
    random_area: float
    saved: float | None
    saved_interval: Interval | None

    def rows(self) -> Iterator[dict[str, object]]:
        """Yield a row a share of kept cases, for a CSV."""
        for place, share in enumerate(self.kept):
            low, high = self.bands[place] or (None, None)
            yield {
                "quantity": self.of.name,
                "unit": self.of.unit,
                "ordered_by": self.of.score,
                "kept_share": f"{share:g}",
                "cases": max(1, round(share * self.cases)),
                "risk": f"{self.risk[place]:.6g}",
                "lower": None if low is None else f"{low:.6g}",
                "upper": None if high is None else f"{high:.6g}",
                "oracle": f"{self.oracle[place]:.6g}",
                "random": f"{self.random_area:.6g}",
            }


def risk_coverage(
    errors: Float[ndarray, " case"],
    doubts: Float[ndarray, " case"],
    subjects: Sequence[str],
    resampling: Resampling,
    of: Ordered,
) -> RiskCoverage | None:
    """Order cases by doubt and follow the mean error of those kept; None where no case counts.

    Cases without an error or a doubt (NaN) do not count. Cases of the same doubt are let in in
    every order alike: each counts with the mean error of its equals.

    Args:
        errors: not negative, in ``unit``.
        doubts: larger is less sure.
        subjects: one a case.
        resampling: of these subjects, or of more.
        of: what the errors and the doubts are.

    Raises:
        StudyError: lengths differ.

    Source:
        Geifman and El-Yaniv, NeurIPS 2017; Geifman, Uziel and El-Yaniv, ICLR 2019 (AURC).

    Example:
        >>> rng = np.random.default_rng(0)
        >>> people = ("a", "b", "c", "d")
        >>> found = risk_coverage(
        ...     np.array([1.0, 2.0, 3.0, 6.0]), np.array([0.1, 0.2, 0.3, 0.4]), people,
        ...     Resampling.draw(people, rng), Ordered("SNA", "deg", "interval"),
        ... )
        >>> found.area, found.oracle_area, found.random_area, found.saved
        (1.875, 1.875, 3.0, 1.0)
    """
    if not len(errors) == len(doubts) == len(subjects):
        raise StudyError(
            f"one error, doubt and subject a case: got {len(errors)}, {len(doubts)}, "
            f"{len(subjects)}"
        )
    told = ~np.isnan(errors) & ~np.isnan(doubts)
    if not told.any():
        return None
    order = np.flatnonzero(told)[np.argsort(doubts[told], kind="stable")]
    error, doubt = errors[order], doubts[order]
    owners = resampling.owners(tuple(subjects[i] for i in order.tolist()))
    enough = len(np.unique(owners)) > 1
    ours = _Curve.of(error, doubt, resampling, owners)
    best = _Curve.of(np.sort(error), np.sort(error), resampling, owners[np.argsort(error)])
    random = float(error.mean())
    total = resampling.weights[:, owners].sum(axis=1)
    weighed = resampling.weights[:, owners] @ error / np.maximum(total, 1e-12)
    random_drawn = weighed[total > 0]
    return RiskCoverage(
        of=of,
        cases=len(error),
        subjects=len(np.unique(owners)),
        kept=SHARES,
        risk=tuple(ours.at_shares.tolist()),
        bands=tuple(_bounds(column, resampling) if enough else None for column in ours.drawn.T),
        oracle=tuple(best.at_shares.tolist()),
        area=ours.area,
        area_interval=_bounds(ours.areas, resampling) if enough else None,
        oracle_area=best.area,
        random_area=random,
        saved=_saved(random, ours.area, best.area),
        saved_interval=_saved_bounds(random_drawn, ours.areas, best.areas, resampling)
        if enough
        else None,
    )


@dataclass(frozen=True, eq=False, slots=True)
class _Curve:
    """A curve at the shares, its area, and both on every resample."""

    at_shares: Float[ndarray, " share"]
    area: float
    drawn: Float[ndarray, "resample share"]
    areas: Float[ndarray, " resample"]

    @classmethod
    def of(
        cls,
        error: Float[ndarray, " case"],
        doubt: Float[ndarray, " case"],
        resampling: Resampling,
        owners: Int[ndarray, " case"],
    ) -> "_Curve":
        starts = np.flatnonzero(np.diff(doubt, prepend=-np.inf) > 0)
        once = _weighed(error, np.ones((1, len(error))), starts)
        weights = resampling.weights[:, owners]
        drawn = _weighed(error, weights[weights.sum(axis=1) > 0], starts)
        return cls(once[0][0], float(once[1][0]), *drawn)


def _weighed(
    error: Float[ndarray, " case"], weights: Float[ndarray, "row case"], starts: Int[ndarray, " n"]
) -> tuple[Float[ndarray, "row share"], Float[ndarray, " row"]]:
    """Risk at every share and area under the curve, of cases that count several times."""
    equals = np.diff(np.append(starts, len(error)))
    group = np.repeat(np.arange(len(starts)), equals)
    mass = np.add.reduceat(weights, starts, axis=1)
    meant = np.add.reduceat(weights * error, starts, axis=1) / np.maximum(mass, 1e-12)
    count = np.cumsum(weights, axis=1)
    risk = np.cumsum(weights * meant[:, group], axis=1) / np.maximum(count, 1e-12)
    total = count[:, -1:]
    area = (weights * risk).sum(axis=1) / total[:, 0]
    columns = []
    for share in SHARES:
        reached: Bool[ndarray, "row case"] = count >= np.maximum(np.round(share * total), 1.0)
        columns.append(risk[np.arange(len(risk)), reached.argmax(axis=1)])
    return np.stack(columns, axis=1), area


def _saved(random: float, ours: float, best: float) -> float | None:
    gap = random - best
    return (random - ours) / gap if gap > 1e-12 * max(random, 1e-12) else None


def _saved_bounds(
    random: Float[ndarray, " resample"],
    ours: Float[ndarray, " resample"],
    best: Float[ndarray, " resample"],
    resampling: Resampling,
) -> Interval | None:
    gap = random - best
    told = gap > 1e-12 * np.maximum(random, 1e-12)
    return _bounds((random - ours)[told] / gap[told], resampling) if told.any() else None


def _bounds(values: Float[ndarray, " resample"], resampling: Resampling) -> Interval:
    tail = (1 - resampling.level) / 2
    low, high = np.quantile(values, [tail, 1 - tail])
    return float(low), float(high)
