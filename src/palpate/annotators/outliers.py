"""Which points of which annotator are likely wrong, given how that annotator usually errs.

In the flow: consensus -> **outliers** -> a list for a person to look through.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from palpate.annotators.consensus import Consensus


@dataclass(frozen=True, slots=True)
class Outlier:
    """A point that is likely wrong.

    Args:
        annotators: whose; both, where an image has two and either may be the one.
        image: identifier.
        subject: of the image.
        landmark: name.
        probability: that the point, or one of the two, is wild.
        distance_px: from where the others put it, less their usual difference.
        usual_px: what is usual of that distance: the median over the images.
        sentence: all of it in words.
    """

    annotators: tuple[str, ...]
    image: str
    subject: str
    landmark: str
    probability: float
    distance_px: float
    usual_px: float
    sentence: str


def outlier_labels(consensus: Consensus, *, least: float = 0.5) -> list[Outlier]:
    """List the points that are wild with a probability of at least ``least``, the surest first.

    Of two points of an image it cannot be told which is wild: they are one entry, with the
    probability that one of them is.
    """
    marks = consensus.marks
    distance = distances(consensus)
    usual = _usual(distance)
    found = []
    count = marks.given.sum(axis=1)
    for i, k in np.argwhere((count == 2) & (consensus.any_wild >= least)).tolist():
        a, b = np.flatnonzero(marks.given[i, :, k]).tolist()
        found.append(_pair(consensus, (i, a, b, k), float(distance[i, a, k]), float(usual[a, k])))
    several = (count > 2)[:, None] & (consensus.wild >= least)
    for i, a, k in np.argwhere(several).tolist():
        found.append(_one(consensus, (i, a, k), float(distance[i, a, k]), float(usual[a, k])))
    # Of those that are all but certain, the farthest in what is usual comes first.
    return sorted(
        found,
        key=lambda each: (
            -round(each.probability, 3),
            -each.distance_px / max(each.usual_px, 1e-9),
            each.image,
            each.landmark,
        ),
    )


def distances(consensus: Consensus) -> Float[ndarray, "image annotator landmark"]:
    """How far each point lies from where the others put it, in px, biases taken off.

    The others count as their weights in the consensus do, each by its covariance and by how likely
    it is wild itself. NaN where nobody else marked the landmark.
    """
    marks = consensus.marks
    given = marks.given
    free = np.where(given[..., None], marks.coordinates - consensus.bias, 0.0)
    precision = np.linalg.inv(consensus.spread)
    count = (given * (1.0 - consensus.wild)).astype(float) + 1e-9 * given
    part = np.einsum("iak,akuv->iakuv", count, precision)
    pull = np.einsum("iakuv,iakv->iaku", part, free)
    others = part.sum(axis=1, keepdims=True) - part
    known = given & (given.sum(axis=1, keepdims=True) > 1)
    axes = free.shape[3]
    safe = np.where(known[..., None, None], others, np.eye(axes))
    away = np.linalg.solve(safe, (pull.sum(axis=1, keepdims=True) - pull)[..., None])[..., 0]
    return np.where(known, np.linalg.norm(free - away, axis=3), np.nan)


def _usual(
    distance: Float[ndarray, "image annotator landmark"],
) -> Float[ndarray, "annotator landmark"]:
    known = ~np.isnan(distance)
    anything = known.any(axis=0)
    return np.nanmedian(np.where(anything, distance, 0.0), axis=0)


def _pair(
    consensus: Consensus, place: tuple[int, int, int, int], distance: float, usual: float
) -> Outlier:
    i, a, b, k = place
    marks = consensus.marks
    who = marks.annotators[a], marks.annotators[b]
    sentence = (
        f"annotators {who[0]} and {who[1]}, image {marks.images[i]}: {marks.scheme.names[k]} of "
        f"the one lies {distance:.1f} px from that of the other, {usual:.1f} px is usual; two "
        "cannot tell whose is wrong"
    )
    return Outlier(
        who,
        marks.images[i],
        marks.subjects[i],
        marks.scheme.names[k],
        float(consensus.any_wild[i, k]),
        distance,
        usual,
        sentence,
    )


def _one(
    consensus: Consensus, place: tuple[int, int, int], distance: float, usual: float
) -> Outlier:
    i, a, k = place
    marks = consensus.marks
    sentence = (
        f"annotator {marks.annotators[a]}, image {marks.images[i]}: {marks.scheme.names[k]} lies "
        f"{distance:.1f} px from where the others put it, {usual:.1f} px is usual"
    )
    return Outlier(
        (marks.annotators[a],),
        marks.images[i],
        marks.subjects[i],
        marks.scheme.names[k],
        float(consensus.wild[i, a, k]),
        distance,
        usual,
        sentence,
    )
