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
from palpate.forest.region import Pyramid, RegionGrid
from palpate.forest.settings import RfrvSettings
from palpate.shape.model import ShapeModel
from palpate.shape.similarity import Similarity, fit_similarity
from palpate.vote import accumulate

# Anchors beyond these say little more of the pose.
_MOST_ANCHORS = 8
_PASSES_PER_FILM = 4


def _plane(
    film: tuple[int, ...], pose: Similarity, scale: float, margin: int
) -> tuple[Similarity, RegionGrid]:
    """Return a map from the reference frame and a grid that hold the whole turned film.

    Args:
        film: size (y, x) px.
        pose: its scale and turn are kept, its shift goes to the middle of the film.
        scale: px of the plane per unit of the reference frame.
        margin: px around the film.
    """
    height, width = film[:2]
    centred = Similarity(
        pose.scale, pose.rotation_rad, np.array([(width - 1) / 2, (height - 1) / 2])
    )
    corners = np.array(
        [[0.0, 0.0], [width - 1.0, 0.0], [0.0, height - 1.0], [width - 1.0, height - 1.0]]
    )
    inside = centred.inverse()(corners) * scale
    low = np.floor(inside.min(axis=0)) - margin
    high = np.ceil(inside.max(axis=0)) + margin
    across, down = (high - low + 1).astype(int)
    return centred, RegionGrid(scale, -low, (int(across), int(down)))


def train_searcher(
    films: Sequence[tuple[Pyramid, Similarity, ndarray]],
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
    rule, known = _rule(films)
    anchors = _anchors(shape.mean)
    turns = [pose.rotation_rad for _, pose, _ in films]
    sizes = box_sizes(settings.box_sides, wish.patch_px)
    features = draw_features(rng, settings.tree.pool, patch_px=wish.patch_px, sizes=sizes)
    each = max(1, round(wish.samples / (len(films) * _PASSES_PER_FILM)))
    values, displacements = [], []
    half = wish.patch_px // 2
    for pyramid, pose, points in films:
        for _ in range(_PASSES_PER_FILM):
            turn = np.deg2rad(rng.uniform(-wish.rotation_deg, wish.rotation_deg))
            ratio = np.exp(rng.uniform(-1.0, 1.0) * np.log1p(wish.scale))
            wanted = Similarity(
                pose.scale * float(ratio), pose.rotation_rad + float(turn), np.zeros(2)
            )
            centred, grid = _plane(pyramid.planes[0].shape, wanted, scale, half)
            stack = box_means(integral_image(pyramid.sample(centred, grid)), sizes)
            truth = grid.to_region(centred.inverse()(points))[anchors]
            room = np.array(grid.size) - 2 * half
            places = half + (rng.random((each, 2)) * room).astype(np.int64)
            # As many again near the shape, where a vote is worth most.
            near = truth[rng.integers(0, len(truth), each)]
            near = near + rng.normal(0.0, 0.15 * wish.long_side_px, (each, 2))
            places = np.concatenate([places, np.rint(near).astype(np.int64)])
            places = np.clip(places, half, np.array(grid.size) - 1 - half)
            base = places[:, 1] * grid.size[0] + places[:, 0]
            values.append(feature_values(stack, features, sizes, base))
            displacements.append(truth[None] - places[:, None])
    forest = grow_forest(
        np.concatenate(values), features, np.concatenate(displacements), settings.tree, rng
    )
    return Searcher(
        wish, forest, anchors, scale, rule, known, (min(turns), max(turns)), settings.box_sides
    )


def _rule(
    films: Sequence[tuple[Pyramid, Similarity, ndarray]],
) -> tuple[Literal["film", "pixel"], tuple[float, float]]:
    """Find what the size of a shape goes with: its film's, or nothing."""
    rules: tuple[Literal["film", "pixel"], ...] = ("film", "pixel")
    sizes = {
        rule: np.array(
            [pose.scale / FilmSize(rule).unit(film.planes[0].shape) for film, pose, _ in films]
        )
        for rule in rules
    }
    spans = {rule: float(np.ptp(np.log(sizes[rule]))) for rule in rules}
    # The share of the film also fits films of another resolution: pixels must be clearly better.
    rule = rules[1] if spans["pixel"] < 0.8 * spans["film"] else rules[0]
    return rule, (float(sizes[rule].min()), float(sizes[rule].max()))


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
    film = pyramid.planes[0].shape
    unit = FilmSize(searcher.rule).unit(film)
    found: list[Candidate] = []
    for size in _spaced(
        np.log(searcher.sizes_known[0]), np.log(searcher.sizes_known[1]), 1.6 * np.log1p(wish.scale)
    ):
        for turn in _spaced(*searcher.turns_known, 1.6 * np.deg2rad(wish.rotation_deg)):
            about = Similarity(float(np.exp(size)) * unit, turn, np.zeros(2))
            found += _pass(model, pyramid, about)
    found.sort(key=lambda each: -each.height)
    return _apart(found, wish.candidates)


def _spaced(low: float, high: float, step: float) -> list[float]:
    """Return middles of equal parts of a range, none longer than ``step``."""
    parts = max(1, int(np.ceil((high - low) / max(step, 1e-6) - 1e-9)))
    parts = min(parts, 24)
    return [low + (high - low) * (i + 0.5) / parts for i in range(parts)]


def _pass(model: RfrvModel, pyramid: Pyramid, about: Similarity) -> list[Candidate]:
    searcher = model.searcher
    wish = searcher.settings
    half = wish.patch_px // 2
    centred, grid = _plane(pyramid.planes[0].shape, about, searcher.scale, half)
    sizes = box_sizes(searcher.box_sides, wish.patch_px)
    stack = box_means(integral_image(pyramid.sample(centred, grid)), sizes)
    walker = Walker.of(searcher.forest, sizes, grid.size)
    across, down = grid.size
    xs = np.arange(half, across - half, wish.step_px)
    ys = np.arange(half, down - half, wish.step_px)
    places = np.stack(np.meshgrid(xs, ys), axis=-1).reshape(-1, 2)
    leaves = walker.leaves(stack.reshape(-1), places[:, 1] * across + places[:, 0]).ravel()
    who = np.tile(places, (len(searcher.forest.roots), 1))
    anchors = searcher.forest.mean.take(leaves, axis=0) + who[:, None]
    # Leaves that know little spread their votes: each counts as much as its density would.
    weight = 1.0 / (1.0 + searcher.forest.spread.take(leaves).astype(np.float64))
    return _gathered(model, centred, grid, anchors.astype(np.float64), weight)


def _gathered(
    model: RfrvModel,
    centred: Similarity,
    grid: RegionGrid,
    anchors: Float[ndarray, "vote anchor 2"],
    weight: Float[ndarray, " vote"],
) -> list[Candidate]:
    """Find where votes for the centre of the anchors gather, and the pose that they mean."""
    wish = model.searcher.settings
    smooth = 0.05 * wish.long_side_px
    centre = anchors.mean(axis=1)
    votes = accumulate(centre, weight, size=grid.size)
    smoothed = cv2.GaussianBlur(votes, (0, 0), smooth, borderType=cv2.BORDER_CONSTANT)
    smoothed = smoothed / max(float(weight.sum()), 1e-300)
    mean = model.shape.mean[model.searcher.anchors]
    found = []
    for _ in range(wish.candidates):
        y, x = np.unravel_index(int(smoothed.argmax()), smoothed.shape)
        height = float(smoothed[y, x])
        if height <= 0:
            break
        near = ((centre - (x, y)) ** 2).sum(axis=1) <= (2 * smooth) ** 2
        share = weight[near] / weight[near].sum() if near.any() else weight[near]
        places = np.tensordot(share, anchors[near], axes=1)
        # One candidate for each gathering.
        ring = (np.arange(grid.size[0]) - x) ** 2 + (np.arange(grid.size[1])[:, None] - y) ** 2 <= (
            0.15 * wish.long_side_px
        ) ** 2
        smoothed[ring] = 0.0
        if not near.any():
            continue
        try:
            pose = fit_similarity(mean, centred(grid.to_reference(places)))
        except GeometryError:
            continue  # voters that put all anchors into one place mean no pose
        found.append(Candidate(pose, height))
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
