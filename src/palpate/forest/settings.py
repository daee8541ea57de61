"""How a forest model is trained and searched; every number is checked at birth."""

from dataclasses import asdict, dataclass, field, fields
from typing import Any, TypeVar

from palpate.errors import ConfigError
from palpate.suggest import did_you_mean


def _within(name: str, value: float | int, low: float | int, high: float | int) -> None:
    if not low <= value <= high:
        raise ConfigError(f"{name} = {value} is not between {low:g} and {high:g}")


@dataclass(frozen=True, slots=True)
class LevelSettings:
    """One resolution of the local search.

    Args:
        long_side_px: how many pixels the longer side of the mean shape has.
        patch_px: side of the patch that a tree looks at, odd.
        reach_px: displacements that are trained, along each axis.
        search_px: half side of the square around a point in which places vote.
        rounds: how often the region is sampled anew in the pose found so far.
        radius_px: where the best place of a point is looked for at first; it shrinks from there.
        step_px: pixels between places that vote.
    """

    long_side_px: int
    patch_px: int
    reach_px: int
    search_px: int
    rounds: int
    radius_px: float
    step_px: int = 2

    def __post_init__(self) -> None:
        _within("long_side_px", self.long_side_px, 8, 2000)
        _within("patch_px", self.patch_px, 5, 201)
        _within("reach_px", self.reach_px, 1, 200)
        _within("search_px", self.search_px, 0, 200)
        _within("rounds", self.rounds, 1, 20)
        _within("radius_px", self.radius_px, 1, 400)
        _within("step_px", self.step_px, 1, 20)
        if self.patch_px % 2 == 0:
            raise ConfigError(f"patch_px = {self.patch_px} has no middle pixel; use an odd number")


@dataclass(frozen=True, slots=True)
class GlobalSettings:
    """The search over the whole film.

    Args:
        long_side_px: how many pixels the longer side of the mean shape has.
        patch_px: side of the patch, odd.
        rotation_deg: turns of the shape that one pass allows for, to either side.
        scale: ratio of sizes that one pass allows for, up or down; 0.2 is 1/1.2 to 1.2.
        samples: places in all films together that are trained on.
        step_px: pixels between places that vote.
        candidates: poses that the coarsest level tries.
        finalists: of these, how many go on to the finer levels.
    """

    long_side_px: int = 40
    patch_px: int = 25
    rotation_deg: float = 12.0
    scale: float = 0.15
    samples: int = 12000
    step_px: int = 2
    candidates: int = 4
    finalists: int = 1

    def __post_init__(self) -> None:
        _within("global long_side_px", self.long_side_px, 8, 400)
        _within("global patch_px", self.patch_px, 5, 101)
        _within("global rotation_deg", self.rotation_deg, 0.0, 90.0)
        _within("global scale", self.scale, 0.0, 1.0)
        _within("global samples", self.samples, 10, 1e6)
        _within("global step_px", self.step_px, 1, 20)
        _within("global candidates", self.candidates, 1, 50)
        _within("global finalists", self.finalists, 1, self.candidates)
        if self.patch_px % 2 == 0:
            raise ConfigError(f"patch_px = {self.patch_px} has no middle pixel; use an odd number")


@dataclass(frozen=True, slots=True)
class TreeSettings:
    """How trees are grown.

    Args:
        trees: of each forest.
        pool: Haar features that are drawn for a forest.
        tries: features of the pool that are tried at each node, one threshold each.
        min_leaf: samples in a leaf, at least.
        depth: of a tree, at most.
    """

    trees: int = 10
    pool: int = 800
    tries: int = 200
    min_leaf: int = 3
    depth: int = 14

    def __post_init__(self) -> None:
        _within("trees", self.trees, 1, 500)
        _within("pool", self.pool, 10, 20000)
        _within("tries", self.tries, 1, self.pool)
        _within("min_leaf", self.min_leaf, 1, 1000)
        _within("depth", self.depth, 1, 40)


_LEVELS = (
    LevelSettings(60, 25, 12, 10, rounds=2, radius_px=10.0),
    LevelSettings(120, 25, 12, 10, rounds=2, radius_px=8.0),
    LevelSettings(240, 25, 12, 12, rounds=2, radius_px=10.0),
)


@dataclass(frozen=True, slots=True)
class RfrvSettings:
    """All of it.

    Args:
        levels: of the local search, coarse to fine.
        search: over the whole film.
        tree: how trees are grown.
        box_sides: sides in px that the boxes of Haar features may have.
        poses: perturbed poses in which each film is sampled.
        displaced: patches of each landmark in each pose.
        rotation_deg: largest turn of a perturbed pose.
        scale: largest ratio of sizes of a perturbed pose, up or down.
        variance: share of the variance that the shape model's modes explain.
        smooth_px: standard deviation of the Gaussian that smooths the votes.
        shrink: what the radius is multiplied with until it is ``last_radius_px``.
        last_radius_px: how far a point may end from the shape that the model allows.

    Raises:
        ConfigError: a number out of its range, or levels that do not go from coarse to fine.

    Example:
        >>> [level.long_side_px for level in RfrvSettings().levels]
        [60, 120, 240]
    """

    levels: tuple[LevelSettings, ...] = _LEVELS
    search: GlobalSettings = field(default_factory=GlobalSettings)
    tree: TreeSettings = field(default_factory=TreeSettings)
    box_sides: tuple[int, ...] = (2, 3, 5, 8)
    poses: int = 4
    displaced: int = 8
    rotation_deg: float = 8.0
    scale: float = 0.1
    variance: float = 0.98
    smooth_px: float = 1.5
    shrink: float = 0.6
    last_radius_px: float = 3.0

    def __post_init__(self) -> None:
        if not self.levels:
            raise ConfigError("a forest model needs one level or more")
        sides = [level.long_side_px for level in self.levels]
        if sides != sorted(set(sides)):
            raise ConfigError(f"levels go from coarse to fine, got long sides of {sides} px")
        if not self.box_sides or min(self.box_sides) < 1:
            raise ConfigError(f"boxes have sides of 1 px or more, got {self.box_sides}")
        _within("poses", self.poses, 1, 100)
        _within("displaced", self.displaced, 1, 1000)
        _within("rotation_deg", self.rotation_deg, 0.0, 90.0)
        _within("scale", self.scale, 0.0, 1.0)
        _within("variance", self.variance, 0.01, 1.0)
        _within("smooth_px", self.smooth_px, 0.1, 20.0)
        _within("shrink", self.shrink, 0.1, 0.95)
        _within("last_radius_px", self.last_radius_px, 0.5, 100.0)


_Settings = TypeVar("_Settings", LevelSettings, GlobalSettings, TreeSettings, RfrvSettings)


def settings_as_plain(settings: RfrvSettings) -> dict[str, Any]:
    """Return the settings as what JSON holds."""
    return asdict(settings)


def settings_from_plain(plain: dict[str, Any]) -> RfrvSettings:
    """Read settings as ``settings_as_plain`` wrote them; what is left out has its default.

    Raises:
        ConfigError: an unknown name, or a value against its range.

    Example:
        >>> settings_from_plain(settings_as_plain(RfrvSettings(poses=2))).poses
        2
    """
    known = dict(plain)
    if "levels" in known:
        known["levels"] = tuple(_of(LevelSettings, level) for level in known["levels"])
    if "search" in known:
        known["search"] = _of(GlobalSettings, known["search"])
    if "tree" in known:
        known["tree"] = _of(TreeSettings, known["tree"])
    if "box_sides" in known:
        known["box_sides"] = tuple(known["box_sides"])
    return _of(RfrvSettings, known)


def _of(kind: type[_Settings], plain: dict[str, Any]) -> _Settings:
    names = [each.name for each in fields(kind)]
    for name in plain:
        if name not in names:
            raise ConfigError(f"a forest model has no setting {name!r}{did_you_mean(name, names)}")
    try:
        return kind(**plain)
    except TypeError as error:
        raise ConfigError(f"the settings of a forest model are not complete: {error}") from error
