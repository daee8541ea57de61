"""Training: a shape model, then forests for every point at every resolution, then a searcher."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from palpate.errors import GeometryError, StudyError
from palpate.forest.film import Film
from palpate.forest.forest import Forest
from palpate.forest.grow import grow_forest
from palpate.forest.haar import (
    HaarFeatures,
    box_means,
    box_sizes,
    draw_features,
    feature_values,
    integral_image,
)
from palpate.forest.model import Level, RfrvModel
from palpate.forest.region import Pyramid, RegionGrid, drawn_pose
from palpate.forest.searcher import Annotated, train_searcher
from palpate.forest.settings import LevelSettings, RfrvSettings
from palpate.shape.build import build_shape_model
from palpate.shape.model import ShapeModel
from palpate.shape.similarity import Similarity

Advance = Callable[[str, int, int, str], None]


def _silently(stage: str, done: int, total: int, remark: str) -> None:
    """Tell nobody."""


def train_rfrv(
    films: Sequence[Film],
    settings: RfrvSettings,
    rng: np.random.Generator,
    *,
    advance: Advance = _silently,
    workers: int = 2,
) -> RfrvModel:
    """Train a model that finds the points of the films in other films.

    The same films, settings and generator give the same model, whatever ``workers`` is.

    Args:
        films: two or more, with the same landmarks.
        settings: of levels, trees and samples.
        rng: where chance comes from.
        advance: is told the stage, what is done of how much, and a remark.
        workers: threads that grow trees.

    Raises:
        StudyError: too few films, films with other landmarks, or a film of one grey value.
        GeometryError: a point that no film has, points that coincide.

    Source:
        Lindner, Bromiley, Ionita, Cootes, "Robust and accurate shape model matching using random
        forest regression-voting", IEEE PAMI 37(9):1862-1874, 2015.
    """
    _check(films)
    shape = build_shape_model([film.points for film in films], variance=settings.variance)
    placed = [_Placed.of(film, shape) for film in films]
    generators = rng.spawn(len(settings.levels) + 1)
    total = len(settings.levels) * len(shape.mean) + 1
    levels = []
    with ThreadPoolExecutor(workers) as executor:
        for index, (wish, chance) in enumerate(zip(settings.levels, generators[:-1], strict=True)):
            work = _LevelWork.of(placed, shape, wish, settings, chance)
            chances = chance.spawn(len(shape.mean))
            forests = []
            for forest in executor.map(work.forest, range(len(shape.mean)), chances):
                forests.append(forest)
                done = index * len(shape.mean) + len(forests)
                advance("growing forests", done, total, f"level {index + 1}")
            levels.append(Level(wish, work.grid, tuple(forests), settings.box_sides))
    searcher = train_searcher(
        [Annotated(each.pyramid, each.pose, each.all_points) for each in placed],
        shape,
        settings,
        generators[-1],
    )
    advance("growing forests", total, total, "search")
    return RfrvModel(settings, shape, tuple(levels), searcher, len(films))


def _check(films: Sequence[Film]) -> None:
    if len(films) < 2:
        raise StudyError(f"a forest model needs two or more films, got {len(films)}")
    for row, film in enumerate(films):
        if film.points.shape != films[0].points.shape:
            raise StudyError(
                f"film {row} has {len(film.points)} points, where the first has "
                f"{len(films[0].points)}"
            )
        if film.pixels.min() == film.pixels.max():
            raise StudyError(f"film {row} has one grey value everywhere: leave it out")


@dataclass(frozen=True, eq=False, slots=True)
class _Placed:
    """A film with the pose of its shape.

    Args:
        pyramid: the film.
        points: as annotated, NaN where absent.
        all_points: with the model's place for what is absent.
        pose: reference frame -> film.
    """

    pyramid: Pyramid
    points: Float[ndarray, "k 2"]
    all_points: Float[ndarray, "k 2"]
    pose: Similarity

    @classmethod
    def of(cls, film: Film, shape: ShapeModel) -> "_Placed":
        fit = shape.fit(film.points)
        points = np.where(film.present[:, None], film.points, fit.points)
        return cls(Pyramid.of(film.pixels), film.points, points, fit.pose)


@dataclass(frozen=True, eq=False, slots=True)
class _LevelWork:
    """All films sampled in perturbed poses, and where the points are in them.

    Args:
        regions: (region, y, x) float32.
        truth: (region, k, 2) px of the region; NaN where absent.
    """

    wish: LevelSettings
    settings: RfrvSettings
    grid: RegionGrid
    regions: Float[ndarray, "region y x"]
    truth: Float[ndarray, "region k 2"]

    @classmethod
    def of(
        cls,
        placed: Sequence[_Placed],
        shape: ShapeModel,
        wish: LevelSettings,
        settings: RfrvSettings,
        rng: np.random.Generator,
    ) -> "_LevelWork":
        span = np.ptp(shape.mean, axis=0).max()
        around = [each.pose.inverse()(each.all_points) - shape.mean for each in placed]
        wander = float(np.abs(around).max()) / span * wish.long_side_px
        margin = wish.patch_px // 2 + wish.reach_px + int(np.ceil(1.2 * wander)) + 2
        grid = RegionGrid.around(
            shape.mean, long_side_px=float(wish.long_side_px), margin_px=float(margin)
        )
        regions, truth = [], []
        for each in placed:
            for _ in range(settings.poses):
                pose = each.pose @ drawn_pose(rng, settings.rotation_deg, settings.scale)
                regions.append(each.pyramid.sample(pose, grid).astype(np.float32))
                truth.append(grid.to_region(pose.inverse()(each.points)))
        return cls(wish, settings, grid, np.stack(regions), np.stack(truth))

    def forest(self, point: int, rng: np.random.Generator) -> Forest:
        """Grow the forest of one point."""
        truth = self.truth[:, point]
        there = np.flatnonzero(~np.isnan(truth).any(axis=1))
        if not len(there):
            raise GeometryError(f"point {point} is absent in every film; leave it out")
        rows = np.repeat(there, self.settings.displaced)
        wish = self.wish
        half = wish.patch_px // 2
        away = rng.uniform(-wish.reach_px, wish.reach_px, (len(rows), 2))
        most = np.array(self.grid.size) - 1 - half
        places = np.clip(np.rint(truth[rows] + away).astype(np.int64), half, most)
        sizes = box_sizes(self.settings.box_sides, wish.patch_px)
        features = draw_features(rng, self.settings.tree.pool, patch_px=wish.patch_px, sizes=sizes)
        values = self._values(features, sizes, rows, places)
        displacements = (truth[rows] - places)[:, None, :]
        return grow_forest(values, features, displacements, self.settings.tree, rng)

    def _values(
        self,
        features: HaarFeatures,
        sizes: Int[ndarray, "size 2"],
        rows: Int[ndarray, " sample"],
        places: Int[ndarray, "sample 2"],
    ) -> Float[ndarray, "sample feature"]:
        """Evaluate the features around places, some regions at a time."""
        half = self.wish.patch_px // 2
        low = np.maximum(places.min(axis=0) - half, 0)
        high = places.max(axis=0) + half + 1
        values = np.empty((len(rows), len(features)), dtype=np.float32)
        width, height = (high - low).tolist()
        cut = self.regions[:, low[1] : high[1], low[0] : high[0]]
        for first in range(0, len(rows), 64 * self.settings.displaced):
            part = slice(first, first + 64 * self.settings.displaced)
            used, index = np.unique(rows[part], return_inverse=True)
            integrals = np.stack([integral_image(region) for region in cut[used]])
            stack = box_means(integrals, sizes)
            x, y = (places[part] - low).T
            base = index * (width * height) + y * width + x
            values[part] = feature_values(stack, features, sizes, base)
        return values
