"""Two annotators of one image who are farther apart than is usual: which of them to ask."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from jaxtyping import Int
from numpy import ndarray

from palpate.labels.residuals import LabelSet
from palpate.labels.robust import Squares, Tail, centred, levelled, squared, usual_scatter
from palpate.labels.suspicion import RATE, Suspicion

# Fewer images with both do not tell what is usual between two people.
_FEWEST = 10


@dataclass(frozen=True, slots=True)
class Apart:
    """Two annotators apart on one landmark.

    Args:
        annotator: the one who lies farther from the prediction; empty where none tells.
        score: log10 of how unlikely it is; ``needed`` makes it a finding.
    """

    image: str
    subject: str
    annotator: str
    landmark: str
    score: float
    needed: float
    sentence: str


def annotators_apart(sets: Sequence[LabelSet]) -> Iterator[Apart]:
    """Compare every two annotators on the images of both; the landmark that is farthest."""
    for first, second, both in _pairs(sets):
        yield from _apart(first, second, both)


def agreement(sets: Sequence[LabelSet]) -> dict[tuple[str, int], float]:
    """Return of each image and landmark how surprisingly far apart two annotators are at most."""
    found: dict[tuple[str, int], float] = {}
    for first, second, both in _pairs(sets):
        surprise = _surprise(first, second, both)[0]
        for row, k in np.argwhere(~np.isnan(surprise)).tolist():
            place = first.images[int(both[row, 0])], k
            found[place] = max(found.get(place, 0.0), float(surprise[row, k]))
    return found


def supported(
    suspicion: Suspicion, labels: LabelSet, agreed: Mapping[tuple[str, int], float]
) -> Suspicion:
    """Lower a suspicion of points where another person set them at the same places.

    Two people do not slip the same way: it is the prediction that is then wrong.
    """
    image = labels.images[suspicion.row]
    told = [agreed.get((image, k)) for k in suspicion.landmarks]
    here = [surprise for surprise in told if surprise is not None]
    if len(here) < len(told) or not told:
        return suspicion
    return replace(suspicion, score=min(suspicion.score, max(here)))


def _pairs(
    sets: Sequence[LabelSet],
) -> Iterator[tuple[LabelSet, LabelSet, Int[ndarray, "both 2"]]]:
    """Every two annotators with enough images of both, and the rows of these."""
    for first, second in combinations([one for one in sets if one.annotator], 2):
        rows = {name: i for i, name in enumerate(second.images)}
        both = [(i, rows[name]) for i, name in enumerate(first.images) if name in rows]
        if len(both) >= _FEWEST:
            yield first, second, np.array(both)


def _surprise(
    first: LabelSet, second: LabelSet, both: Int[ndarray, "both 2"]
) -> tuple[Squares, Squares]:
    """Surprise and distance in px of two annotators; NaN where one gave nothing."""
    apart = first.labels[both[:, 0]] - second.labels[both[:, 1]]
    offsets = centred(apart)
    square = levelled(squared(offsets, usual_scatter(offsets)))
    return Tail.of(square).surprise(square), np.linalg.norm(apart, axis=2)


def _apart(first: LabelSet, second: LabelSet, both: Int[ndarray, "both 2"]) -> Iterator[Apart]:
    surprise, length = _surprise(first, second, both)
    surprise = np.nan_to_num(surprise)
    needed = float(np.log10(len(first.scheme) / RATE))
    for row, k in np.argwhere(surprise >= needed).tolist():
        i, j = (int(n) for n in both[row])
        name, image = first.scheme.names[k], first.images[i]
        who = _farther(first, second, (i, j), k)
        usual = float(np.nanmedian(length[:, k]))
        told = f"; {who} is farther from the prediction" if who else ""
        yield Apart(
            image,
            first.subjects[i],
            who,
            name,
            round(float(surprise[row, k]), 3),
            needed,
            f"{image}: annotators {first.annotator} and {second.annotator} are "
            f"{length[row, k]:.1f} px apart on {name}, where {usual:.1f} px is usual{told}",
        )


def _farther(first: LabelSet, second: LabelSet, rows: tuple[int, int], k: int) -> str:
    """Whose label is farther from its prediction; empty where there is none."""
    if first.predicted is None:
        return ""
    place = first.predicted.mean[rows[0], k]
    if np.isnan(place).any():
        return ""
    ways = [
        float(np.linalg.norm(one.labels[row, k] - place))
        for one, row in zip((first, second), rows, strict=True)
    ]
    return (first if ways[0] > ways[1] else second).annotator
