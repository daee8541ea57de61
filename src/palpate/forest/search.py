"""Finding the points of a film: everywhere, or near given ones."""

from dataclasses import dataclass

from jaxtyping import Float
from numpy import ndarray

from palpate.arrays import locked
from palpate.errors import GeometryError
from palpate.forest.film import grey_film
from palpate.forest.local import Found, search_level
from palpate.forest.model import RfrvModel
from palpate.forest.region import Pyramid
from palpate.forest.searcher import candidates
from palpate.shape.similarity import Similarity


@dataclass(frozen=True, eq=False, slots=True)
class RfrvResult:
    """Where the points of a film are, in px of the film.

    Args:
        points: (x, y) of every landmark.
        covariance: spread of the votes around each; not calibrated.
        score: in [0, 1], how much the votes for a point agree; 1 if all do.
        plausibility: of the shape, in [0, 1], as the shape model sees it.
        pose: reference frame of the shape model -> film.
        variation: of the votes for each point, as :class:`palpate.forest.local.Found` has it.
    """

    points: Float[ndarray, "k 2"]
    covariance: Float[ndarray, "k 2 2"]
    score: Float[ndarray, " k"]
    plausibility: float
    pose: Similarity
    variation: Float[ndarray, " k"]

    def __post_init__(self) -> None:
        for name in ("points", "covariance", "score", "variation"):
            object.__setattr__(self, name, locked(getattr(self, name)))


def search(model: RfrvModel, pixels: ndarray) -> RfrvResult:
    """Find the points in a film of which nothing is known.

    The forest of the whole film gives some poses; the coarsest level tries each of them, and
    those on whose points the votes agree best go on to the finer levels. One thread does it:
    the work is in many small steps, and two threads that share the points take longer.

    Args:
        model: trained.
        pixels: (y, x) grey.

    Raises:
        GeometryError: the film is not one grey plane, or has one grey value everywhere.
    """
    film = _film(pixels)
    pyramid = Pyramid.of(film)
    tried = []
    for candidate in candidates(model, pyramid):
        start = candidate.pose(model.shape.mean)
        tried.append(search_level(model, model.levels[0], pyramid, start))
    tried.sort(key=lambda found: -float(found.score.mean()))
    finalists = tried[: model.searcher.settings.finalists]
    done = [_finer(model, pyramid, found) for found in finalists]
    return _result(model, max(done, key=lambda found: float(found.score.mean())))


def refine(model: RfrvModel, pixels: ndarray, start: Float[ndarray, "k 2"]) -> RfrvResult:
    """Find the points in a film near given ones.

    Args:
        model: trained.
        pixels: (y, x) grey.
        start: (k, 2) px; NaN where nothing is known, but two points at least.

    Raises:
        GeometryError: the film is not one grey plane or has one grey value everywhere, or the
            start does not fit.
    """
    film = _film(pixels)
    if start.shape != (model.landmarks, 2):
        raise GeometryError(
            f"the model has {model.landmarks} points, got a start of shape {start.shape}"
        )
    pyramid = Pyramid.of(film)
    found = search_level(model, model.levels[0], pyramid, start)
    return _result(model, _finer(model, pyramid, found))


def _film(pixels: ndarray) -> Float[ndarray, "y x"]:
    film = grey_film(pixels)
    if film.min() == film.max():
        raise GeometryError("the film has one grey value everywhere: nothing can be found in it")
    return film


def _finer(model: RfrvModel, pyramid: Pyramid, found: Found) -> Found:
    """Go on from what the coarsest level found."""
    for level in model.levels[1:]:
        found = search_level(model, level, pyramid, found.fit.points)
    return found


def _result(model: RfrvModel, found: Found) -> RfrvResult:
    # Of the points themselves: the shape that the search settled on is within the limit anyway.
    fit = model.shape.fit(found.points)
    return RfrvResult(
        found.points, found.covariance, found.score, fit.plausibility, fit.pose, found.variation
    )
