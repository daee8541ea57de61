"""Several annotators of the same images made one: the truth as all of them together tell it.

In the flow: marks -> **consensus** -> points with a covariance; what each annotator is worth.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from palpate.annotators.estimate import estimate_errors, groups_of
from palpate.annotators.marks import Marks
from palpate.points import ABSENT, Points


@dataclass(frozen=True, eq=False, slots=True)
class Consensus:
    """The truth that several annotators agree on, and how each of them errs.

    Args:
        marks: what it was estimated from.
        mean: px; NaN exactly where nobody marked the landmark.
        covariance: of the mean, px squared, if annotators err independently of each other: what
            all of them get wrong alike is not in it. NaN where the mean is.
        bias: of every annotator, px; of annotators who share images they sum to zero.
        spread: covariance of every annotator's points about the truth and the bias, px squared.
        rate: share of the points that are wild.
        images: how many images with another annotator's point tell of an annotator there; where
            it is 0, bias and spread are those of the prior.
        weights: mean share of an annotator's point in the consensus, over those images.
        wild: probability that a point is a wild one, by image.
        any_wild: probability that one of the points of a landmark in an image is.
        notes: what a reader must know, in sentences.

    Source:
        Warfield, Zou and Wells, IEEE Trans. Med. Imaging 23(7):903-921, 2004 (STAPLE), in spirit;
        Phil. Trans. R. Soc. A 366:2361-2375, 2008, for values on a scale.
    """

    marks: Marks
    mean: Float[ndarray, "image landmark d"]
    covariance: Float[ndarray, "image landmark d d"]
    bias: Float[ndarray, "annotator landmark d"]
    spread: Float[ndarray, "annotator landmark d d"]
    rate: float
    images: Int[ndarray, "annotator landmark"]
    weights: Float[ndarray, "annotator landmark"]
    wild: Float[ndarray, "image annotator landmark"]
    any_wild: Float[ndarray, "image landmark"]
    notes: tuple[str, ...] = ()

    def points(self, image: str) -> Points:
        """Return the consensus of one image, in px; a landmark is visible where somebody saw it.

        Raises:
            ValueError: there is no such image.
        """
        row = self.marks.images.index(image)
        return Points(self.marks.scheme, self.mean[row], self.marks.seen()[row])

    def all_points(self) -> dict[str, Points]:
        """Return image -> consensus."""
        seen = self.marks.seen()
        return {
            image: Points(self.marks.scheme, self.mean[row], seen[row])
            for row, image in enumerate(self.marks.images)
        }


def estimate_consensus(marks: Marks) -> Consensus:
    """Estimate the truth behind several annotators' points, and how each of them errs.

    Two annotators give their mean, with a covariance that tells how far apart they are; with three
    or more, those who scatter less weigh more, and a wild point hardly counts. Annotators may have
    marked some images or some landmarks only.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> from palpate.scheme import LandmarkScheme
        >>> scheme = LandmarkScheme("hand", ("wrist", "tip"))
        >>> truth = rng.uniform(0.0, 500.0, (30, 2, 2))
        >>> images = {
        ...     str(i): {
        ...         who: Points.of(scheme, at + rng.normal(0.0, sd, at.shape))
        ...         for who, sd in {"ann": 1.0, "bob": 1.0, "cy": 5.0}.items()
        ...     }
        ...     for i, at in enumerate(truth)
        ... }
        >>> estimate_consensus(Marks.of(scheme, images)).weights.mean(axis=1).round(1).tolist()
        [0.5, 0.5, 0.0]
    """
    errors, truth = estimate_errors(marks)
    given = marks.given
    shared = given & (given.sum(axis=1, keepdims=True) > 1)
    somebody = marks.seen() != ABSENT
    images = shared.sum(axis=0)
    weights = (truth.weight.transpose(0, 2, 1) * shared).sum(axis=0) / np.maximum(images, 1)
    return Consensus(
        marks=marks,
        mean=np.where(somebody[..., None], truth.mean, np.nan),
        covariance=np.where(somebody[..., None, None], truth.covariance, np.nan),
        bias=errors.bias.transpose(1, 0, 2),
        spread=errors.covariance.transpose(1, 0, 2, 3),
        rate=errors.rate,
        images=images,
        weights=weights,
        wild=truth.wild.transpose(0, 2, 1),
        any_wild=truth.any_wild,
        notes=tuple(_notes(marks)),
    )


def _notes(marks: Marks) -> Iterator[str]:
    names, who = marks.scheme.names, marks.annotators
    given = marks.given
    nobody = [names[k] for k in np.flatnonzero(~given.any(axis=(0, 1)))]
    if nobody:
        yield (
            f"{', '.join(nobody)}: marked by nobody, so absent in the consensus; have it marked, "
            "or leave it out of the files"
        )
    if len(who) == 2:
        yield (
            f"there are two annotators, {who[0]} and {who[1]}: only how far they differ is known, "
            "not who of them errs more; they weigh the same, the covariance of their difference is "
            "halved between them, and so is their mean difference"
        )
    alone: dict[int, list[str]] = {}
    apart = []
    for k, name in enumerate(names):
        marked = set(np.flatnonzero(given[:, :, k].any(axis=0)).tolist())
        groups = [group for group in groups_of(given[:, :, k]) if group[0] in marked]
        several = [group for group in groups if len(group) > 1]
        for group in groups:
            if len(group) == 1:
                alone.setdefault(group[0], []).append(name)
        if len(several) > 1:
            apart.append(name)
    for a, landmarks in alone.items():
        yield (
            f"annotator {who[a]} marked {_listed(landmarks)} in no image where another did: how "
            "well is not known there, and the points are taken as they are"
        )
    if apart:
        yield (
            f"{_listed(apart)}: the annotators fall into groups that share no image, so biases "
            "are known within a group only"
        )


def _listed(names: list[str], most: int = 4) -> str:
    rest = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + rest
