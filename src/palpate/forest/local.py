"""The local search: votes, the shape model, votes nearer by; from coarse to fine."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from palpate.forest.model import Level, RfrvModel
from palpate.forest.region import Pyramid
from palpate.forest.response import Responses, respond
from palpate.shape.model import ShapeFit
from palpate.shape.similarity import Similarity


@dataclass(frozen=True, eq=False, slots=True)
class Found:
    """What one level found, in px of the film.

    Args:
        points: best places near the shape that the model allows.
        fit: the model's shape.
        covariance: spread of the votes around the points.
        score: of each point, in [0, 1]: its response against that of votes which all agree.
        variation: of the smoothed votes for each point, over that of votes which all agree.
    """

    points: Float[ndarray, "k 2"]
    fit: ShapeFit
    covariance: Float[ndarray, "k 2 2"]
    score: Float[ndarray, " k"]
    variation: Float[ndarray, " k"]


def search_level(
    model: RfrvModel,
    level: Level,
    pyramid: Pyramid,
    start: Float[ndarray, "k 2"],
) -> Found:
    """Refine points at one resolution.

    Each round samples the region in the pose of the points, lets the forests vote, and goes from
    the best places to the nearest shape of the model while the radius shrinks.

    Source:
        Lindner et al., IEEE PAMI 37(9):1862-1874, 2015, algorithm 1.

    Args:
        model: that is searched with.
        level: of the model.
        pyramid: the film.
        start: where the points are thought to be, px of the film.
    """
    fit = model.shape.fit(start)
    points = fit.points
    for _ in range(level.settings.rounds):
        to_film = fit.pose
        region = pyramid.sample(to_film, level.grid)
        here = level.grid.to_region(to_film.inverse()(points))
        responses = respond(region, level, here, smooth_px=model.settings.smooth_px)
        best, fit_here = _settle(model, level, responses, here)
        fit = _in_film(fit_here, level, to_film)
        points = fit.points
    score = _score(responses, best)
    film_px = to_film.scale / level.grid.scale
    turn = to_film.linear / to_film.scale
    spread = responses.covariance(best[0], 3 * model.settings.smooth_px)
    return Found(
        to_film(level.grid.to_reference(best[0])),
        fit,
        film_px**2 * turn @ spread @ turn.T,
        score,
        responses.variation(best[0]),
    )


def _settle(
    model: RfrvModel, level: Level, responses: Responses, here: Float[ndarray, "k 2"]
) -> tuple[tuple[Float[ndarray, "k 2"], Float[ndarray, " k"]], ShapeFit]:
    """Go between the best places and the nearest shape until the radius is small."""
    radius = level.settings.radius_px
    while True:
        places, _ = responses.best_near(here, radius)
        fit = model.shape.fit(places)
        here = fit.points
        if radius <= model.settings.last_radius_px:
            return responses.best_near(here, model.settings.last_radius_px), fit
        radius = max(radius * model.settings.shrink, model.settings.last_radius_px)


def _in_film(fit: ShapeFit, level: Level, to_film: Similarity) -> ShapeFit:
    """Move a fit from the region to the film."""
    grid = level.grid
    from_region = to_film @ Similarity(1 / grid.scale, 0.0, -grid.origin / grid.scale)
    return ShapeFit(
        from_region @ fit.pose,
        fit.b,
        from_region(fit.points),
        fit.filled,
        fit.plausibility,
        fit.mahalanobis,
    )


def _score(
    responses: Responses, best: tuple[Float[ndarray, "k 2"], Float[ndarray, " k"]]
) -> Float[ndarray, " k"]:
    full = 1 / (2 * np.pi * responses.smooth_px**2)
    return np.clip(best[1] / full, 0.0, 1.0)
