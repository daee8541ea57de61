"""Search of a whole film: a forest at low resolution votes for anchors of the shape."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from palpate.errors import GeometryError
from palpate.forest.forest import Walker
from palpate.forest.grow import grow_forest
from palpate.forest.haar import box_means, box_sizes, draw_features, feature_values, integral_image
from palpate.forest.model import FilmSize, RfrvModel, Searcher
from palpate.forest.region import Pyramid, RegionGrid, drawn_pose
from palpate.forest.settings import GlobalSettings, RfrvSettings
from palpate.shape.model import ShapeModel
from palpate.shape.similarity import Similarity, fit_similarity
from palpate.vote import accumulate

# Anchors beyond these say little more of the pose.
_MOST_ANCHORS = 8
_PASSES_PER_FILM = 4


@dataclass(frozen=True, eq=False, slots=True)
class Annotated:
    """A film, the pose of its shape (reference frame -> film), and all its points in px."""

    pyramid: Pyramid
    pose: Similarity
    points: Float[ndarray, "k 2"]


@dataclass(frozen=True, eq=False, slots=True)
class _View:
    """A whole film, turned upright and brought to one size.

    Args:
        centred: reference frame -> film, its zero in the middle of the film.
        grid: of the plane that holds the film and half a patch around it.
        stack: box means of the plane.
    """

    centred: Similarity
    grid: RegionGrid
    stack: Float[ndarray, "size y x"]

    @classmethod
    def of(
        cls,
        pyramid: Pyramid,
        about: Similarity,
        scale: float,
        patch_px: int,
        sizes: Int[ndarray, "size 2"],
    ) -> "_View":
        """View a film at the scale and turn of ``about``, with ``scale`` px per unit of it."""
        height, width = pyramid.planes[0].shape
        right, bottom = width - 1.0, height - 1.0
        middle = np.array([right, bottom]) / 2
        centred = Similarity(about.scale, about.rotation_rad, middle)
        corners = np.array([[0.0, 0.0], [right, 0.0], [0.0, bottom], [right, bottom]])
        inside = centred.inverse()(corners) * scale
        low = np.floor(inside.min(axis=0)) - patch_px // 2
        high = np.ceil(inside.max(axis=0)) + patch_px // 2
        across, down = (high - low + 1).astype(int)
        grid = RegionGrid(scale, -low, (int(across), int(down)))
        region = pyramid.sample(centred, grid)
        return cls(centred, grid, box_means(integral_image(region), sizes))

    def to_plane(self, points: Float[ndarray, "k 2"]) -> Float[ndarray, "k 2"]:
        """Map pixels of the film to pixels of the plane."""
        return self.grid.to_region(self.centred.inverse()(points))

    def to_film(self, points: Float[ndarray, "k 2"]) -> Float[ndarray, "k 2"]:
        """Map pixels of the plane to pixels of the film."""
        return self.centred(self.grid.to_reference(points))

    def base(self, places: Int[ndarray, "place 2"]) -> Int[ndarray, " place"]:
        """Flat index of places in a plane."""
        return places[:, 1] * self.grid.size[0] + places[:, 0]


def train_searcher(
    films: Sequence[Annotated],
    shape: ShapeModel,
    settings: RfrvSettings,
    rng: np.random.Generator,
) -> Searcher:
    """Grow the forest of the search.

    Args:
        films: each with the pose of its shape and all its points.
        shape: of the points.
        settings: of everything.
        rng: where chance comes from.
    """
    wish = settings.search
    scale = wish.long_side_px / float(np.ptp(shape.mean, axis=0).max())
    rule, known, otherwise = _rule(films)
    anchors = _anchors(shape.mean)
    sizes = box_sizes(settings.box_sides, wish.patch_px)
    features = draw_features(rng, settings.tree.pool, patch_px=wish.patch_px, sizes=sizes)
    each = max(1, round(wish.samples / (2 * len(films) * _PASSES_PER_FILM)))
    values, displacements = [], []
    for film in films:
        for _ in range(_PASSES_PER_FILM):
            nudge = drawn_pose(rng, wish.rotation_deg, wish.scale)
            view = _View.of(film.pyramid, film.pose @ nudge, scale, wish.patch_px, sizes)
            truth = view.to_plane(film.points)[anchors]
            places = _places(truth, view, each, wish, rng)
            values.append(feature_values(view.stack, features, sizes, view.base(places)))
            displacements.append(truth[None] - places[:, None])
    forest = grow_forest(
        np.concatenate(values), features, np.concatenate(displacements), settings.tree, rng
    )
    turns = [film.pose.rotation_rad for film in films]
    sides = [FilmSize("film").unit(film.pyramid.planes[0].shape) for film in films]
    return Searcher(
        wish,
        forest,
        anchors,
        scale,
        rule,
        known,
        (min(turns), max(turns)),
        settings.box_sides,
        otherwise,
        (min(sides), max(sides)),
    )


def _places(
    truth: Float[ndarray, "anchor 2"],
    view: "_View",
    each: int,
    wish: GlobalSettings,
    rng: np.random.Generator,
) -> Int[ndarray, "place 2"]:
    """Draw places all over the film, and as many near the shape, where a vote is worth most."""
    half = wish.patch_px // 2
    most = np.array(view.grid.size) - 1 - half
    anywhere = half + rng.random((each, 2)) * (most - half + 1)
    near = truth[rng.integers(0, len(truth), each)]
    near = near + rng.normal(0.0, 0.15 * wish.long_side_px, (each, 2))
    places = np.concatenate([np.floor(anywhere), np.rint(near)]).astype(np.int64)
    return np.clip(places, half, most)


def _rule(
    films: Sequence[Annotated],
) -> tuple[Literal["film", "pixel"], tuple[float, float], tuple[float, float]]:
    """Find what the size of a shape goes with: its film's, or nothing; and sizes by either."""
    rules: tuple[Literal["film", "pixel"], ...] = ("film", "pixel")
    sizes = {
        rule: np.array(
            [f.pose.scale / FilmSize(rule).unit(f.pyramid.planes[0].shape) for f in films]
        )
        for rule in rules
    }
    spans = {rule: float(np.ptp(np.log(sizes[rule]))) for rule in rules}
    # The share of the film also fits films of another resolution: pixels must be clearly better.
    rule, other = rules[::-1] if spans["pixel"] < 0.8 * spans["film"] else rules
    known, otherwise = ((float(s.min()), float(s.max())) for s in (sizes[rule], sizes[other]))
    return rule, known, otherwise


def _anchors(mean: Float[ndarray, "k 2"]) -> Int[ndarray, " anchor"]:
    """Choose points that lie far apart, the first farthest from the middle."""
    chosen = [int((mean**2).sum(axis=1).argmax())]
    while len(chosen) < min(_MOST_ANCHORS, len(mean)):
        apart = np.linalg.norm(mean[:, None] - mean[chosen], axis=2).min(axis=1)
        chosen.append(int(apart.argmax()))
    return np.array(sorted(chosen))


@dataclass(frozen=True, eq=False, slots=True)
class Candidate:
    """A pose in the film and the height of the votes for it."""

    pose: Similarity
    height: float


def candidates(model: RfrvModel, pyramid: Pyramid) -> list[Candidate]:
    """Return the poses that most votes agree on, the best first.

    The film is passed over in every size and turn that training knew, in steps that one pass
    allows for. Places vote for all anchors at once; where votes for their centre gather, those
    who cast them say where each anchor is.
    """
    searcher = model.searcher
    wish = searcher.settings
    kept: list[Candidate] = []
    for smallest, largest in searcher.sizes_in(pyramid.planes[0].shape):
        found: list[Candidate] = []
        for size in _spaced(np.log(smallest), np.log(largest), 1.6 * np.log1p(wish.scale)):
            for turn in _spaced(*searcher.turns_known, 1.6 * np.deg2rad(wish.rotation_deg)):
                about = Similarity(float(np.exp(size)), turn, np.zeros(2))
                found += _pass(model, pyramid, about)
        found.sort(key=lambda each: -each.height)
        kept += _apart(found, wish.candidates)
    return kept


def _spaced(low: float, high: float, step: float) -> list[float]:
    """Return middles of equal parts of a range, none longer than ``step``."""
    parts = max(1, int(np.ceil((high - low) / max(step, 1e-6) - 1e-9)))
    parts = min(parts, 24)
    return [low + (high - low) * (i + 0.5) / parts for i in range(parts)]


def _pass(model: RfrvModel, pyramid: Pyramid, about: Similarity) -> list[Candidate]:
    """Let places all over the film vote for the anchors, at one size and turn."""
    searcher = model.searcher
    wish, forest = searcher.settings, searcher.forest
    half = wish.patch_px // 2
    sizes = box_sizes(searcher.box_sides, wish.patch_px)
    view = _View.of(pyramid, about, searcher.scale, wish.patch_px, sizes)
    across, down = view.grid.size
    xs = np.arange(half, across - half, wish.step_px)
    ys = np.arange(half, down - half, wish.step_px)
    places = np.stack(np.meshgrid(xs, ys), axis=-1).reshape(-1, 2)
    walker = Walker.of(forest, sizes, view.grid.size)
    leaves = walker.leaves(view.stack.reshape(-1), view.base(places)).ravel()
    who = np.tile(places, (len(forest.roots), 1))
    anchors = (forest.mean.take(leaves, axis=0) + who[:, None]).astype(np.float64)
    # Leaves that know little spread their votes: each counts as much as its density would.
    weight = 1.0 / (1.0 + forest.spread.take(leaves).astype(np.float64))
    return _gathered(model, view, anchors, weight)


def _gathered(
    model: RfrvModel,
    view: _View,
    anchors: Float[ndarray, "vote anchor 2"],
    weight: Float[ndarray, " vote"],
) -> list[Candidate]:
    """Find where votes for the centre of the anchors gather, and the pose that they mean."""
    wish = model.searcher.settings
    smooth = 0.05 * wish.long_side_px
    centre = anchors.mean(axis=1)
    votes = accumulate(centre, weight, size=view.grid.size)
    votes = cv2.GaussianBlur(votes, (0, 0), smooth, borderType=cv2.BORDER_CONSTANT)
    votes = votes / max(float(weight.sum()), 1e-300)
    down, across = np.indices(votes.shape)
    mean = model.shape.mean[model.searcher.anchors]
    found = []
    for _ in range(wish.candidates):
        y, x = np.unravel_index(int(votes.argmax()), votes.shape)
        height = float(votes[y, x])
        near = ((centre - (x, y)) ** 2).sum(axis=1) <= (2 * smooth) ** 2
        if height <= 0.0 or not near.any():
            break
        # One candidate for each gathering.
        votes[np.hypot(across - x, down - y) <= 0.15 * wish.long_side_px] = 0.0
        places = np.average(anchors[near], axis=0, weights=weight[near])
        try:
            found.append(Candidate(fit_similarity(mean, view.to_film(places)), height))
        except GeometryError:
            continue  # voters that put all anchors into one place mean no pose
    return found


def _apart(found: list[Candidate], most: int) -> list[Candidate]:
    """Keep the best of those that are nearly the same."""
    kept: list[Candidate] = []
    for each in found:
        alike = [
            np.linalg.norm(each.pose.shift - other.pose.shift) < 0.1 * other.pose.scale
            for other in kept
        ]
        if not any(alike):
            kept.append(each)
        if len(kept) == most:
            break
    return kept
