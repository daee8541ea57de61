"""Which of many unlabelled images to annotate next: the ones in doubt, each unlike another.

The most unsure images alone are often one kind of image many times over; the most unlike alone are
often outliers that nobody needs. So only the more unsure are looked at, and among them each next
one is the farthest from all that was chosen (greedy k-centre).

Source: Sener and Savarese, Active learning for convolutional neural networks: a core-set approach,
ICLR 2018 (k-centre); Monarch, Human-in-the-Loop Machine Learning, 2021, chapter 5 (among the
unsure).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from scipy.stats import rankdata

from palpate.errors import StudyError
from palpate.prediction import Prediction

# So many times the wanted number are looked at, the most unsure of all.
AMONG = 2
# What stands for the covariance of a landmark that was not found: so many times the usual spread.
_LOST = 4.0
# Directions along which shapes differ that count; beyond them lies the noise of a few images.
_MODES = 8


@dataclass(frozen=True, eq=False, slots=True)
class Candidate:
    """An unlabelled image with what a model says of it.

    Args:
        image: identifier.
        subject: whom it shows; the image's own name where it is not known.
        size: (width, height) in px.
        prediction: in px of the image.
        features: of unit length; what the image looks like.
    """

    image: str
    subject: str
    size: tuple[int, int]
    prediction: Prediction
    features: Float[ndarray, " feature"]


@dataclass(frozen=True, slots=True)
class Chosen:
    """An image to annotate.

    Args:
        image: identifier.
        subject: whom it shows.
        unsure: how much wider than usual the landmarks' spread is, in the mean of the logarithm,
            as a factor: 2 is twice the usual radius.
        rank_unsure: place among all images by :func:`doubts`, 1 the most unsure.
        score: mean over the landmarks found, as a factor of the usual one; no probability.
        unlike: distance from the nearest image chosen before, in units of the usual distance
            between two images; None for the first.
        nearest: that image; empty for the first.
        worst: names of the landmarks that are the most unusual, the most so first.
        missed: names of the landmarks that were not found.
    """

    image: str
    subject: str
    unsure: float
    rank_unsure: int
    score: float
    unlike: float | None
    nearest: str
    worst: tuple[str, ...]
    missed: tuple[str, ...]


def log_spreads(candidates: Sequence[Candidate]) -> Float[ndarray, "image landmark"]:
    """Return the logarithm of each landmark's spread as a factor of what is usual for it.

    The spread is the radius of the ellipse, the 2 d-th root of the covariance's determinant, in
    shares of the image's diagonal; the usual one is the median over the images. A landmark that
    was not found counts as four times the usual.

    Raises:
        StudyError: there is no image.
    """
    if not candidates:
        raise StudyError("there is no image to choose from")
    rows = []
    for candidate in candidates:
        prediction = candidate.prediction
        dimension = prediction.mean.shape[1]
        there = prediction.found
        diagonal = float(np.hypot(*candidate.size))
        determinant = np.linalg.det(prediction.covariance[there] / diagonal**2)
        row = np.full(len(there), np.nan)
        # No uncertainty at all, as of a person's points, is a tiny one.
        row[there] = np.log(np.maximum(determinant, 1e-300)) / (2 * dimension)
        rows.append(row)
    spreads = np.array(rows)
    found = ~np.isnan(spreads)
    usual = [
        np.median(column[there]) if there.any() else 0.0
        for column, there in zip(spreads.T, found.T, strict=True)
    ]
    return np.where(found, spreads - np.array(usual), np.log(_LOST))


def scores(candidates: Sequence[Candidate]) -> Float[ndarray, " image"]:
    """Return each image's mean score over its landmarks; 0 counts for one that was not found."""
    return np.array([float(one.prediction.score.mean()) for one in candidates])


def doubts(candidates: Sequence[Candidate]) -> Float[ndarray, " image"]:
    """Return how much each image is in doubt, as a share of the images that are less so.

    The mean of two ranks: by the spread of the landmarks and by the score. Each alone is blind
    for some method: forests that are lost agree on nothing but need not spread, and a network's
    score says little of films that are all alike (docs/annotate-next.md).
    """
    spread = log_spreads(candidates).mean(axis=1)
    score = scores(candidates)
    return (rankdata(spread) + rankdata(-score) - 2) / (2 * max(len(candidates) - 1, 1))


def shape_features(candidates: Sequence[Candidate]) -> Float[ndarray, "image feature"]:
    """Return what tells images apart: predicted shape in its main directions, and the picture.

    Both are standardised to a mean square of 1 over the images, so that neither drowns the other.
    A landmark that was not found lies where it does in the mean.
    """
    shapes = np.stack(
        [one.prediction.mean / np.array(one.size, dtype=float) for one in candidates]
    ).reshape(len(candidates), -1)
    there = ~np.isnan(shapes)
    mean = np.where(there, shapes, 0.0).sum(axis=0) / np.maximum(there.sum(axis=0), 1)
    looks = np.stack([one.features for one in candidates])
    return np.hstack([_standard(np.where(there, shapes - mean, 0.0)), _standard(looks)])


def choose(candidates: Sequence[Candidate], count: int, *, among: int = AMONG) -> list[Chosen]:
    """Choose images to annotate next; in whatever order the images are given, the same.

    Args:
        candidates: unlabelled images, each once.
        count: how many are wanted; fewer come back where there are fewer subjects.
        among: so many times ``count`` images, the most unsure, are looked at.

    Raises:
        StudyError: no image, an image twice, or a count below 1.

    Example:
        >>> from palpate.points import Points
        >>> from palpate.scheme import LandmarkScheme
        >>> one = Points.of(LandmarkScheme("one", ("a",)), [[3.0, 4.0]])
        >>> found = Prediction.exact(one, made_by="me")
        >>> [each.image for each in choose([Candidate("1", "1", (9, 9), found, np.ones(1))], 1)]
        ['1']
    """
    names = [one.image for one in candidates]
    if count < 1 or len(set(names)) < len(names):
        raise StudyError(f"choosing needs images, each once, and a count of 1 or more, got {count}")
    ordered = sorted(candidates, key=lambda one: one.image)
    spreads = log_spreads(ordered)
    found = scores(ordered)
    usual_score = float(np.median(found)) or 1.0
    by_unsure = np.argsort(-doubts(ordered), kind="stable")
    ranks = np.empty(len(ordered), dtype=int)
    ranks[by_unsure] = np.arange(1, len(ordered) + 1)
    looked_at = _once_a_subject(ordered, by_unsure)[: among * count]
    features = shape_features(ordered)
    usual = _usual_distance(features)
    picked: list[Chosen] = []
    for place, nearest, distance in _spread_out(features, looked_at, count):
        picked.append(
            _chosen(
                ordered[place],
                spreads[place],
                rank=int(ranks[place]),
                score=float(found[place]) / usual_score,
                unlike=None if nearest is None else distance / usual,
                nearest="" if nearest is None else ordered[nearest].image,
            )
        )
    return picked


def _once_a_subject(ordered: Sequence[Candidate], by_unsure: ndarray) -> list[int]:
    """Return the most unsure image of every subject, the most unsure first."""
    seen: set[str] = set()
    kept = []
    for place in by_unsure.tolist():
        if ordered[place].subject not in seen:
            seen.add(ordered[place].subject)
            kept.append(place)
    return kept


def _spread_out(
    features: Float[ndarray, "image feature"], looked_at: Sequence[int], count: int
) -> list[tuple[int, int | None, float]]:
    """Choose the first, then the farthest from all chosen: (place, nearest, distance) of each."""
    found: list[tuple[int, int | None, float]] = [(looked_at[0], None, 0.0)]
    places = np.array(looked_at)
    left = np.full(len(places), np.inf)
    nearest = np.full(len(places), looked_at[0])
    left[0] = -1.0
    while len(found) < min(count, len(places)):
        last = found[-1][0]
        away = np.linalg.norm(features[places] - features[last], axis=1)
        nearer = away < left
        left, nearest = np.where(nearer, away, left), np.where(nearer, last, nearest)
        left[places == last] = -1.0
        farthest = int(np.argmax(left))  # of several, the more unsure one
        found.append((int(places[farthest]), int(nearest[farthest]), float(left[farthest])))
    return found


def _chosen(
    candidate: Candidate,
    spreads: Float[ndarray, " landmark"],
    *,
    rank: int,
    score: float,
    unlike: float | None,
    nearest: str,
) -> Chosen:
    prediction = candidate.prediction
    names, found = prediction.scheme.names, prediction.found
    order = np.argsort(-spreads, kind="stable")
    return Chosen(
        image=candidate.image,
        subject=candidate.subject,
        unsure=float(np.exp(spreads.mean())),
        rank_unsure=rank,
        score=score,
        unlike=unlike,
        nearest=nearest,
        worst=tuple(names[k] for k in order[:3] if found[k] and spreads[k] > 0),
        missed=tuple(name for name, there in zip(names, found, strict=True) if not there),
    )


def _standard(values: Float[ndarray, "image feature"]) -> Float[ndarray, "image direction"]:
    """Return the main directions, centred, with a mean squared length of 1."""
    centred = values - values.mean(axis=0)
    left, singular, _ = np.linalg.svd(centred, full_matrices=False)
    kept = (left * singular)[:, :_MODES]
    length = float(np.sqrt((kept**2).sum(axis=1).mean()))
    return kept / length if length > 1e-12 else np.zeros_like(kept)


def _usual_distance(features: Float[ndarray, "image feature"]) -> float:
    """Return the root mean square distance between two images."""
    if len(features) < 2:
        return 1.0
    spread = float((features**2).sum(axis=1).mean()) * 2 * len(features) / (len(features) - 1)
    return float(np.sqrt(spread)) if spread > 0 else 1.0
