"""What may be wrong with an image's labels, as hypotheses held against 'nothing is'.

Every hypothesis puts the labels in another order, on another place or in the mirror, and is as
likely as the labels then lie at their predictions, in units of log10: a suspicion of score 4 is
ten thousand times likelier than an image without an error. What no hypothesis explains are single
points off. In the flow: ``Residuals`` -> :func:`suspicions_of` -> :mod:`palpate.labels.ranked`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray
from scipy.optimize import linear_sum_assignment

from palpate.labels.facing import turned
from palpate.labels.levels import level_shift
from palpate.labels.residuals import LabelSet, Residuals
from palpate.labels.robust import Tail
from palpate.shape_checks import ShapeKind, ShapeProblem, shape_problems

Kind = Literal[
    "single point off",
    "several points off",
    "whole set off",
    "swapped",
    "sides exchanged",
    "mirrored",
    "other order",
    "whole set off by one level",
    "annotators apart",
]

# Clean images in which something is found by chance; of all kinds of finding together, nearly.
RATE = 0.01
# A hypothesis must leave no more than this share of what speaks against the labels as they are.
_LEFT = 0.4
# From this share of the landmarks on, another order is of the whole set, and points off are many.
_MOST = 0.5
# Below this surprise a label lies where it was predicted.
_AS_PREDICTED = 1.5
# A single label cannot speak louder than this; the arithmetic ends somewhere.
_LOUDEST = 30.0

_BY_SHAPE: dict[ShapeKind, Kind] = {
    "swapped": "swapped",
    "sides-swapped": "sides exchanged",
    "mirrored": "mirrored",
    "reversed-order": "other order",
}


@dataclass(frozen=True, slots=True)
class Suspicion:
    """One thing that may be wrong with the labels of one image.

    Args:
        row: of the image in its set.
        kind: what.
        landmarks: the rows concerned; of a swap in pairs, one after the other.
        score: log10 of how unlikely the labels are if they are clean.
        needed: the score from which it is a finding, at the rate stated.
        apart_px: the farthest of these labels from where it should be; None where not known.
        by_shape: the labels' shape alone says so.
    """

    row: int
    kind: Kind
    landmarks: tuple[int, ...]
    score: float
    needed: float
    apart_px: float | None = None
    by_shape: bool = False

    @property
    def found(self) -> bool:
        """Whether it is more than the stated rate of clean images would give."""
        return self.score >= self.needed


def suspicions_of(labels: LabelSet, residuals: Residuals) -> list[Suspicion]:
    """Return every suspicion of a set; at least the most unusual label of each image.

    Args:
        labels: in any order of images, which changes nothing.
        residuals: of them.
    """
    unordered = _by_shape(labels)
    most = _MOST * len(labels.scheme)
    found: list[Suspicion] = []
    for row in range(len(labels.images)):
        disordered = any(
            problem.kind == "reversed-order" and len(problem.landmarks) >= most
            for problem in unordered.get(row, [])
        )
        told = [] if disordered else list(_hypotheses(labels, residuals, row))
        if not told:
            told = [
                _scored_by_shape(problem, residuals, labels)
                for problem in unordered.get(row, [])
                if _not_refuted(problem, residuals, labels)
            ]
        found += told
        sure = [suspicion for suspicion in told if suspicion.found]
        taken = {k for suspicion in sure for k in suspicion.landmarks}
        found += _points_off(residuals, row, taken, has_others=bool(sure))
    return found


def _by_shape(labels: LabelSet) -> dict[int, list[ShapeProblem]]:
    """What the shape checks call out of order; places are judged here with more evidence."""
    rows: dict[int, list[ShapeProblem]] = {}
    shapes = turned(labels.labels, labels.faces_other_way())
    for problem in shape_problems(shapes, mirror_order=labels.scheme.mirror_order()):
        if problem.kind in _BY_SHAPE:
            rows.setdefault(problem.row, []).append(problem)
    return rows


def _not_refuted(problem: ShapeProblem, residuals: Residuals, labels: LabelSet) -> bool:
    """Labels that lie where a prediction says are in order, however unusual their shape."""
    named = list(problem.landmarks or range(len(labels.scheme)))
    known = ~np.isnan(residuals.usual[problem.row, named])
    surprise = residuals.surprise[problem.row, named]
    return not known.any() or bool(surprise[known].max() >= _AS_PREDICTED)


def _scored_by_shape(problem: ShapeProblem, residuals: Residuals, labels: LabelSet) -> Suspicion:
    """A shape's problem is as unlikely as the least likely of its landmarks."""
    landmarks = problem.landmarks or tuple(range(len(labels.scheme)))
    surprise = residuals.surprise[problem.row, list(landmarks)]
    needed = _needed(len(labels.scheme))
    # Out of order is a finding of its own: shape_checks accuses no clean image as a rule.
    score = max(float(surprise.max()), needed)
    kind = _BY_SHAPE[problem.kind]
    return Suspicion(problem.row, kind, landmarks, score, needed, None, by_shape=True)


def _needed(tried: int) -> float:
    """The score at which, of so many things tried on an image, one is found by chance in RATE."""
    return float(np.log10(max(tried, 1) / RATE))


def _points_off(
    residuals: Residuals, row: int, taken: set[int], *, has_others: bool
) -> Iterator[Suspicion]:
    """Single labels far from their place; where there are none, the farthest for the ranking."""
    surprise = np.minimum(residuals.surprise[row], _LOUDEST)
    needed = _needed(len(surprise))
    order = [int(k) for k in np.argsort(-surprise, kind="stable") if int(k) not in taken]
    off = tuple(k for k in order if surprise[k] >= needed)
    if not off:
        if order and not has_others and surprise[order[0]] > 0.0:
            k = order[0]
            apart = float(residuals.apart[row, k])
            yield Suspicion(row, "single point off", (k,), float(surprise[k]), needed, apart)
        return
    many = len(off) >= max(3, _MOST * len(surprise))
    kind: Kind = "single point off" if len(off) == 1 else "several points off"
    kind = "whole set off" if many else kind
    apart = float(residuals.apart[row, list(off)].max())
    yield Suspicion(row, kind, off, float(surprise[off[0]]), needed, apart)


@dataclass(frozen=True, eq=False, slots=True)
class _Row:
    """One image's labels, and the places that its prediction tells, in px."""

    labels: Float[ndarray, "landmark 2"]
    place: Float[ndarray, "landmark 2"]
    inverse: Float[ndarray, "landmark 2 2"]
    both: Bool[ndarray, " landmark"]
    tail: Tail

    @classmethod
    def of(cls, labels: LabelSet, residuals: Residuals, row: int) -> "_Row":
        own, place = labels.labels[row], residuals.place[row]
        both = ~np.isnan(own).any(axis=1) & ~np.isnan(place).any(axis=1)
        doubt = np.where(both[:, None, None], residuals.doubt[row], np.eye(2))
        return cls(own, place, np.linalg.inv(doubt), both, residuals.place_tail)

    def costs(self, labels: Float[ndarray, "n 2"], places: Sequence[int]) -> Float[ndarray, " n"]:
        """Surprise of each label at the place of the landmark beside it."""
        apart = labels - self.place[list(places)]
        square = np.einsum("ni,nij,nj->n", apart, self.inverse[list(places)], apart)
        return np.asarray(np.minimum(self.tail.surprise(square), _LOUDEST))

    def table(self, labels: Float[ndarray, "n 2"], places: Sequence[int]) -> Float[ndarray, "n m"]:
        """Surprise of every label at the place of every one of these landmarks."""
        apart = labels[:, None] - self.place[None, list(places)]
        square = np.einsum("nmi,mij,nmj->nm", apart, self.inverse[list(places)], apart)
        return np.asarray(np.minimum(self.tail.surprise(square), _LOUDEST))


def _hypotheses(labels: LabelSet, residuals: Residuals, row: int) -> Iterator[Suspicion]:
    """The one whole-set hypothesis that explains most, else single exchanges."""
    if labels.predicted is None:
        return
    image = _Row.of(labels, residuals, row)
    if image.both.sum() < 2:
        return
    whole = [
        *_mirrored(labels, image, row),
        *_level(labels, image, residuals, row),
        *_shifted(image, residuals, row),
    ]
    best = max(whole, key=lambda suspicion: suspicion.score, default=None)
    exchanged = list(_exchanged(labels, image, residuals.shift[row], row))
    if best is not None and (best.kind != "whole set off" or not exchanged):
        yield best
    else:
        yield from exchanged


def _explained(
    kind: Kind,
    row: int,
    landmarks: Sequence[int],
    costs: tuple[Float[ndarray, " n"], Float[ndarray, " n"]],
    tried: int,
) -> Iterator[Suspicion]:
    """A suspicion where a hypothesis leaves little of what speaks against the labels."""
    before, after = (float(cost.sum()) for cost in costs)
    needed = _needed(tried)
    if after <= _LEFT * before and before - after >= needed:
        yield Suspicion(row, kind, tuple(landmarks), before - after, needed)


def _exchanged(
    labels: LabelSet, image: _Row, shift: Float[ndarray, " 2"], row: int
) -> Iterator[Suspicion]:
    """Labels that lie at each other's predictions: the assignment that explains them best."""
    rows = np.flatnonzero(image.both)
    own = image.labels[rows] - shift
    table = image.table(own, rows.tolist())
    order = np.asarray(linear_sum_assignment(table)[1], dtype=np.int64)
    cycles = [
        cycle
        for cycle in _cycles(order)
        if any(
            _explained(
                "swapped",
                row,
                cycle,
                (np.diagonal(table)[cycle], table[cycle, order[cycle]]),
                len(rows) * (len(rows) - 1) // 2,
            )
        )
    ]
    if not cycles:
        return
    gained = sum(float((table[c, c] - table[c, order[c]]).sum()) for c in cycles)
    pairs = {frozenset(labels.scheme.indices(list(pair))) for pair in labels.scheme.mirror}
    here = {pair for pair in pairs if pair <= set(rows.tolist())}
    swapped = [frozenset(int(k) for k in rows[cycle]) for cycle in cycles]
    concerned = tuple(int(rows[i]) for cycle in cycles for i in cycle)
    needed = _needed(len(rows) * (len(rows) - 1) // 2)
    if set(swapped) == here:
        yield Suspicion(row, "sides exchanged", concerned, gained, needed)
    elif all(len(cycle) == 2 for cycle in cycles):
        yield Suspicion(row, "swapped", concerned, gained, needed)
    else:
        yield Suspicion(row, "other order", concerned, gained, needed)


def _cycles(order: Int[ndarray, " n"]) -> list[list[int]]:
    """The rings of an order, without those of one."""
    found: list[list[int]] = []
    seen: set[int] = set()
    for start in range(len(order)):
        ring: list[int] = []
        k = start
        while k not in seen:
            seen.add(k)
            ring.append(k)
            k = int(order[k])
        if len(ring) > 1:
            found.append(ring)
    return found


def _mirrored(labels: LabelSet, image: _Row, row: int) -> Iterator[Suspicion]:
    """Labels of the film as it is seen from behind, with and without exchanged names."""
    if labels.predicted is None or np.isnan(labels.predicted.sizes[row, 0]):
        return
    width = float(labels.predicted.sizes[row, 0])
    rows = np.flatnonzero(image.both).tolist()
    turned = np.stack([width - 1.0 - image.labels[:, 0], image.labels[:, 1]], axis=1)
    before = image.costs(image.labels[rows], rows)
    for order in {tuple(range(len(turned))), tuple(labels.scheme.mirror_order().tolist())}:
        used = [k for k in rows if image.both[order[k]]]
        after = image.costs(turned[[order[k] for k in used]], used)
        yield from _explained("mirrored", row, rows, (before, after), 4)


def _level(labels: LabelSet, image: _Row, residuals: Residuals, row: int) -> Iterator[Suspicion]:
    """The labels of each level at the predictions of the next or the one before.

    A model miscounts whole sets as a person does, and all labels speak with one voice: such a
    finding is worth no more than so large a common shift is rare in the study.
    """
    for step in (-1, 1):
        there = level_shift(labels.scheme.names, step)
        used = [k for k, to in there.items() if image.both[k] and image.both[to]]
        if len(used) < max(4, _MOST * int(image.both.sum())):
            continue
        before = image.costs(image.labels[used], used)
        after = image.costs(image.labels[used], [there[k] for k in used])
        kind: Kind = "whole set off by one level"
        every = np.flatnonzero(image.both).tolist()
        for found in _explained(kind, row, every, (before, after), 4):
            score = min(found.score, float(residuals.shift_surprise[row]))
            yield replace(found, score=score)


def _shifted(image: _Row, residuals: Residuals, row: int) -> Iterator[Suspicion]:
    """All labels beside their predictions by the same way, as of a film that was cut anew."""
    shift = residuals.shift[row]
    if residuals.shift_surprise[row] < _needed(1):
        return
    rows = np.flatnonzero(image.both).tolist()
    before = image.costs(image.labels[rows], rows)
    after = image.costs(image.labels[rows] - shift, rows)
    for found in _explained("whole set off", row, rows, (before, after), 4):
        length = float(np.linalg.norm(shift))
        score = min(found.score, float(residuals.shift_surprise[row]))
        yield replace(found, score=score, apart_px=length)
