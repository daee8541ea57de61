"""What one would say without looking, or by looking up: the mean shape and the nearest film.

A method that is no better than these has learnt nothing of where landmarks are. Shapes are moved
from film to film by the films' sizes: a point keeps its share of the width and of the height.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from palpate.affine import Affine
from palpate.errors import StudyError
from palpate.evaluation.cases import EvaluatedCase
from palpate.evaluation.evaluate import Evaluation
from palpate.points import ABSENT, VISIBLE, Points
from palpate.prediction import Prediction

MEAN_SHAPE, NEAREST = "mean shape", "nearest film"


@dataclass(frozen=True, eq=False, slots=True)
class Baseline:
    """Figures of what needs no training.

    Args:
        name: ``mean shape`` or ``nearest film``.
        evaluation: over the same held-out images as the model's.
    """

    name: str
    evaluation: Evaluation


@dataclass(frozen=True, eq=False, slots=True)
class Marked:
    """A film as baselines see it.

    Args:
        identifier: of the film.
        size: (width, height) in px.
        points: what people marked, in px of the film.
        features: of unit length, whose dot product tells how alike two films are; None where
            nobody looked.
    """

    identifier: str
    size: tuple[int, int]
    points: Points
    features: Float[ndarray, " feature"] | None = None


def in_shares(film: Marked) -> Float[ndarray, "landmark 2"]:
    """Return the points on a film of one px, whose corners are at -0.5 and 0.5; NaN where absent.

    Example:
        >>> from palpate.scheme import LandmarkScheme
        >>> points = Points.of(LandmarkScheme("one", ("a",)), [[49.5, 19.5]])
        >>> in_shares(Marked("1.png", (100, 80), points)).tolist()
        [[0.0, -0.25]]
    """
    return _shrink(film.size)(film.points.coordinates)


def carried(film: Marked, size: tuple[int, int]) -> Points:
    """Return the points of a film as they would lie on a film of another size."""
    return _placed(film.points, in_shares(film), size)


def mean_shape(training: Sequence[Marked], size: tuple[int, int]) -> Points:
    """Return the mean of the training films' points on a film of a size, in px.

    A landmark that no training film has is absent.

    Raises:
        StudyError: there is no training film.
    """
    _refuse_none(training)
    shapes = np.stack([in_shares(film) for film in training])
    there = ~np.isnan(shapes)
    count = there.sum(axis=0)
    mean = np.where(there, shapes, 0.0).sum(axis=0) / np.maximum(count, 1)
    return _placed(training[0].points, np.where(count > 0, mean, np.nan), size)


def nearest_film(training: Sequence[Marked], features: Float[ndarray, " feature"]) -> Marked:
    """Return the training film that is most alike; of several, the first by name.

    Raises:
        StudyError: there is no training film, or one was not looked at.
    """
    _refuse_none(training)
    ordered = sorted(training, key=lambda film: film.identifier)
    looked = [film.features for film in ordered if film.features is not None]
    if len(looked) < len(ordered):
        raise StudyError("the nearest film is looked for among films that were looked at")
    return ordered[int(np.argmax(np.stack(looked) @ features))]


def guessed(case: EvaluatedCase, points: Points, *, made_by: str) -> EvaluatedCase:
    """Return the case with points in place of its prediction, without uncertainty."""
    return replace(case, prediction=Prediction.exact(points, made_by=made_by))


def _refuse_none(training: Sequence[Marked]) -> None:
    if not training:
        raise StudyError("a baseline needs one annotated training film at least, got none")


def _shrink(size: tuple[int, int]) -> Affine:
    return Affine.resize(size, (1, 1), source="pixel", target="grid")


def _placed(like: Points, shares: Float[ndarray, "landmark 2"], size: tuple[int, int]) -> Points:
    coordinates = _shrink(size).inverse()(shares)
    visibility = np.where(np.isnan(coordinates).any(axis=1), ABSENT, VISIBLE)
    return Points(like.scheme, coordinates, visibility, "pixel")
