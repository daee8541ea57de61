"""Several annotators of one image: too far apart, too much alike, or in another order.

In the flow: study -> findings of :mod:`palpate.checks`.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray
from scipy.optimize import linear_sum_assignment
from scipy.stats import chi2

from palpate.finding import Finding
from palpate.points import Points
from palpate.study import Study
from palpate.study_case import StudyCase

# Distance of two annotators, in usual scatters of their difference there, from which it is told.
APART = 8.0
# Fewer pairs do not tell what is usual.
_FEWEST_PAIRS = 10
# Degrees of freedom of the t distribution that the scatter is fitted by: a few wild points count
# for little. As many pairs as this weigh the landmark's own scatter and that of all equally.
_HEAVY_TAILS, _OF_ALL = 3.0, 3.0
_ROUNDS = 10
# Another order must bring two annotators so much nearer, and be one of so many landmarks.
_NEARER, _FEWEST_IN_ORDER = 0.5, 3
# An order that is no worse than this many times the best one is as good.
_AS_GOOD = 1.5
# Landmarks on the very same spot, of all, that no two people set by themselves.
_ALIKE, _FEWEST_ALIKE = 0.5, 3
_SAME_PX = 1e-6


@dataclass(frozen=True, eq=False, slots=True)
class _Pair:
    """Two annotators of one image."""

    case: StudyCase
    names: tuple[str, str]
    first: Points
    second: Points

    @property
    def both(self) -> Bool[ndarray, " landmark"]:
        return self.first.present & self.second.present

    @property
    def offsets(self) -> Float[ndarray, "landmark d"]:
        return self.first.coordinates - self.second.coordinates


def annotator_problems(study: Study) -> Iterator[Finding]:
    """Compare every two annotators of every image."""
    pairs = [
        _Pair(case, (first, second), case.annotations[first], case.annotations[second])
        for case in study.cases
        for first, second in combinations(case.annotations, 2)
    ]
    disordered = {id(pair): order for pair in pairs if (order := other_order(pair)) is not None}
    yield from _in_other_order(pairs, disordered)
    yield from _apart([pair for pair in pairs if id(pair) not in disordered], study.scheme.names)
    yield from _alike(pairs)


def other_order(pair: _Pair) -> Int[ndarray, " landmark"] | None:
    """Return which landmark of the second lies at each of the first; None where it is the same.

    Only landmarks that both gave are told apart, and only an order that more than halves their
    distance counts: neighbours may lie nearer to each other than annotators do.
    """
    rows = np.flatnonzero(pair.both)
    if len(rows) < _FEWEST_IN_ORDER:
        return None
    first, second = pair.first.coordinates[rows], pair.second.coordinates[rows]
    distance = np.linalg.norm(first[:, None] - second[None], axis=2)
    here, order = linear_sum_assignment(distance)
    as_is = float(np.diagonal(distance).mean())
    best = float(distance[here, order].mean())
    # From the other end explains it, though neighbours might be exchanged for a little more.
    if float(distance[here, here[::-1]].mean()) <= _AS_GOOD * best:
        order = here[::-1]
    changed = int((order != np.arange(len(rows))).sum())
    if changed < _FEWEST_IN_ORDER or best >= _NEARER * as_is:
        return None
    whole = np.arange(len(pair.both))
    whole[rows] = rows[order]
    return whole


def _in_other_order(
    pairs: Iterable[_Pair], disordered: dict[int, Int[ndarray, " landmark"]]
) -> Iterator[Finding]:
    """One finding for each two annotators and kind of order, with the first image as an example."""
    found: dict[tuple[tuple[str, str], bool], list[_Pair]] = defaultdict(list)
    for pair in pairs:
        if id(pair) in disordered:
            given = np.flatnonzero(pair.both)
            is_reversed = bool((disordered[id(pair)][given] == given[::-1]).all())
            found[pair.names, is_reversed].append(pair)
    for (names, is_reversed), several in found.items():
        first = several[0]
        order = disordered[id(first)]
        moved = np.flatnonzero(order != np.arange(len(order)))
        scheme = first.first.scheme.names
        how = "in reversed order" if is_reversed else "in another order"
        here, there = scheme[moved[0]], scheme[order[moved[0]]]
        sentence = (
            f"the points of annotators {names[0]} and {names[1]} correspond {how} in "
            f"{_counted(several)}: {here} of {names[0]} lies at {there} of {names[1]}; bring one "
            "of the files into the other's order"
        )
        yield Finding(
            "annotators-order",
            "error",
            sentence,
            first.case.identifier,
            tuple(scheme[k] for k in moved),
            weight=float(len(several)),
        )


def _apart(pairs: list[_Pair], names: tuple[str, ...]) -> Iterator[Finding]:
    """Annotators who differ on a landmark far more, or another way, than they usually do on it."""
    if len(pairs) < _FEWEST_PAIRS:
        return
    offsets = np.stack([pair.offsets for pair in pairs])
    length = np.linalg.norm(offsets, axis=2)
    score = np.nan_to_num(unlikely(offsets))
    told: dict[tuple[str, int], tuple[float, int]] = {}
    for i, k in np.argwhere(score > APART).tolist():
        place = pairs[i].case.identifier, k
        told[place] = max(told.get(place, (0.0, -1)), (float(score[i, k]), i))
    for (image, k), (weight, i) in told.items():
        usual = float(np.nanmedian(length[:, k]))
        sentence = (
            f"{image}: annotators {' and '.join(pairs[i].names)} are {length[i, k]:.1f} px apart "
            f"on {names[k]}, where {usual:.1f} px is usual"
        )
        yield Finding("annotators-apart", "warning", sentence, image, (names[k],), weight=weight)


def unlikely(offsets: Float[ndarray, "pair landmark d"]) -> Float[ndarray, "pair landmark"]:
    """Return how many usual scatters each offset is long, along its own direction.

    Along an outline people are less sure than across it, so the scatter of a landmark is a matrix:
    that of a t distribution, which single wild points move little, drawn towards the round scatter
    of all landmarks, since few images tell little of each.

    Args:
        offsets: of two annotators; NaN where one of them gave nothing, and so is the result.

    Source:
        Lange, Little and Taylor, J. Am. Stat. Assoc. 84(408):881-896, 1989.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> offsets = rng.normal(size=(20, 5, 2)) * (6.0, 1.0)
        >>> offsets[3, 2], offsets[4, 2] = (0.0, 15.0), (15.0, 0.0)
        >>> across, along = unlikely(offsets)[[3, 4], 2]
        >>> bool(across > 2.0 * along)
        True
    """
    axes = offsets.shape[2]
    known = ~np.isnan(offsets).any(axis=2)
    given = np.where(known[..., None], offsets, 0.0)
    squared = (given**2).sum(axis=2)
    of_all = float(np.median(squared[known])) / float(chi2.ppf(0.5, axes)) if known.any() else 0.0
    # Annotators who click the same pixel have no scatter: a tenth of the mean distance at least.
    least = (0.1 * float(np.sqrt(squared[known]).mean())) ** 2 if known.any() else 0.0
    round_ = max(of_all, least, 1e-12) * np.eye(axes)
    scatter = np.broadcast_to(round_, (offsets.shape[1], axes, axes))
    for _ in range(_ROUNDS):
        weight = known * (axes + _HEAVY_TAILS) / (_HEAVY_TAILS + _squared(given, scatter))
        total = np.einsum("nk,nki,nkj->kij", weight, given, given) + _OF_ALL * round_
        scatter = total / (known.sum(axis=0) + _OF_ALL)[:, None, None]
    return np.where(known, np.sqrt(_squared(given, scatter)), np.nan)


def _squared(
    offsets: Float[ndarray, "pair landmark d"], scatter: Float[ndarray, "landmark d d"]
) -> Float[ndarray, "pair landmark"]:
    return np.einsum("nki,kij,nkj->nk", offsets, np.linalg.inv(scatter), offsets)


def _alike(pairs: Iterable[_Pair]) -> Iterator[Finding]:
    """Two people do not click the same spots: one copied, or both began from one proposal."""
    found: dict[tuple[str, str], list[_Pair]] = defaultdict(list)
    for pair in pairs:
        same = (np.abs(pair.offsets) <= _SAME_PX).all(axis=1)
        between = pair.first.coordinates % 1.0
        # On whole pixels two people do meet.
        fine = same & (np.minimum(between, 1.0 - between) > _SAME_PX).any(axis=1)
        count = int(fine.sum())
        if count >= _FEWEST_ALIKE and count >= _ALIKE * int(pair.both.sum()):
            found[pair.names].append(pair)
    for names, several in found.items():
        first = several[0]
        sentence = (
            f"annotators {names[0]} and {names[1]} have points on the very same spots in "
            f"{_counted(several)}: one was copied from the other, or both began from one proposal; "
            "how well they agree there says nothing"
        )
        yield Finding(
            "annotators-alike",
            "warning",
            sentence,
            first.case.identifier,
            weight=float(len(several)),
        )


def _counted(pairs: list[_Pair]) -> str:
    first = pairs[0].case.identifier
    return first if len(pairs) == 1 else f"{len(pairs)} images, such as {first}"
