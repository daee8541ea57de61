"""A trained forest model: a shape model, forests for every point and level, and a searcher."""

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from jaxtyping import Int
from numpy import ndarray

from palpate.arrays import locked_int
from palpate.errors import GeometryError
from palpate.forest.forest import Forest, Walker
from palpate.forest.haar import box_sizes
from palpate.forest.region import RegionGrid
from palpate.forest.settings import GlobalSettings, LevelSettings, RfrvSettings
from palpate.shape.model import ShapeModel

# A film that is so many times larger or smaller than any of training is unlike them.
_LIKE_TRAINING = 1.15


@dataclass(frozen=True, eq=False, slots=True)
class Level:
    """One resolution of the local search.

    Args:
        settings: of this level.
        grid: of the regions.
        forests: one a point, each with one target, the point itself.
        box_sides: sides of the boxes of the features.
    """

    settings: LevelSettings
    grid: RegionGrid
    forests: tuple[Forest, ...]
    box_sides: tuple[int, ...]
    sizes: Int[ndarray, "size 2"] = field(init=False)
    walkers: tuple[Walker, ...] = field(init=False)

    def __post_init__(self) -> None:
        sizes = locked_int(box_sizes(self.box_sides, self.settings.patch_px))
        object.__setattr__(self, "sizes", sizes)
        walkers = tuple(Walker.of(forest, sizes, self.grid.size) for forest in self.forests)
        object.__setattr__(self, "walkers", walkers)


@dataclass(frozen=True, eq=False, slots=True)
class Searcher:
    """What finds the shape in a whole film, of which nothing is known.

    Args:
        settings: of the search.
        forest: with one target for each anchor.
        anchors: points of the shape that it votes for.
        scale: pixels of the searched plane per unit of the reference frame.
        rule: whether the shapes of training were of one size in px, or of one share of the film.
        sizes_known: smallest and largest size of a shape in training, under that rule.
        turns_known: smallest and largest rotation in training, in radians.
        box_sides: sides of the boxes of the features.
        sizes_otherwise: as ``sizes_known``, under the other rule; None in models that do not know.
        films_known: smallest and largest film of training, as the side of a square, in px; None in
            models that do not know.
    """

    settings: GlobalSettings
    forest: Forest
    anchors: Int[ndarray, " anchor"]
    scale: float
    rule: Literal["film", "pixel"]
    sizes_known: tuple[float, float]
    turns_known: tuple[float, float]
    box_sides: tuple[int, ...]
    sizes_otherwise: tuple[float, float] | None = None
    films_known: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "anchors", locked_int(self.anchors))
        if self.forest.mean.shape[1] != len(self.anchors):
            raise GeometryError(
                f"a forest that votes for {self.forest.mean.shape[1]} points cannot search "
                f"{len(self.anchors)} anchors"
            )

    def sizes_in(self, film: tuple[int, ...]) -> list[tuple[float, float]]:
        """Return the ranges of sizes in px that a shape may have in a film (y, x).

        A film much larger or smaller than those of training is of another resolution, or was cut
        out of one: in the one case shapes grow with it, in the other they do not. Both are looked
        for then, which takes twice as long.
        """
        ranges = [(self.rule, self.sizes_known)]
        side = FilmSize("film").unit(film)
        if self.films_known is not None and self.sizes_otherwise is not None:
            low, high = self.films_known
            if not low / _LIKE_TRAINING <= side <= high * _LIKE_TRAINING:
                ranges.append(("pixel" if self.rule == "film" else "film", self.sizes_otherwise))
        units = [(FilmSize(rule).unit(film), sizes) for rule, sizes in ranges]
        return [(low * unit, high * unit) for unit, (low, high) in units]


@dataclass(frozen=True, eq=False, slots=True)
class RfrvModel:
    """Random-forest regression voting in a constrained local model.

    Args:
        settings: as trained.
        shape: of all points.
        levels: coarse to fine.
        searcher: over the whole film.
        films: how many it was trained on.

    Raises:
        GeometryError: forests and points that differ in number.
    """

    settings: RfrvSettings
    shape: ShapeModel
    levels: tuple[Level, ...]
    searcher: Searcher
    films: int

    def __post_init__(self) -> None:
        k = len(self.shape.mean)
        for level in self.levels:
            if len(level.forests) != k:
                raise GeometryError(f"{k} points need as many forests, got {len(level.forests)}")
        if not (self.searcher.anchors < k).all():
            raise GeometryError(f"an anchor of the search is beyond the {k} points")

    @property
    def landmarks(self) -> int:
        """Number of points."""
        return len(self.shape.mean)


@dataclass(frozen=True, eq=False, slots=True)
class FilmSize:
    """How large a shape is in a film, under a rule."""

    rule: Literal["film", "pixel"]

    def unit(self, film: tuple[int, ...]) -> float:
        """Return the unit in px: 1, or the side of a square as large as the film (y, x)."""
        return float(np.sqrt(film[0] * film[1])) if self.rule == "film" else 1.0
