"""Two annotators of one image who are farther apart than is usual: which of them to ask."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from palpate.labels.residuals import LabelSet
from palpate.labels.robust import Tail, centred, levelled, squared, usual_scatter
from palpate.labels.suspicion import RATE

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
    for first, second in combinations([one for one in sets if one.annotator], 2):
        rows = {name: i for i, name in enumerate(second.images)}
        both = [(i, rows[name]) for i, name in enumerate(first.images) if name in rows]
        if len(both) >= _FEWEST:
            yield from _apart(first, second, np.array(both))


def _apart(first: LabelSet, second: LabelSet, both: np.ndarray) -> Iterator[Apart]:
    here, there = first.labels[both[:, 0]], second.labels[both[:, 1]]
    offsets = centred(here - there)
    square = levelled(squared(offsets, usual_scatter(offsets)))
    surprise = np.nan_to_num(Tail.of(square).surprise(square))
    length = np.linalg.norm(here - there, axis=2)
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
