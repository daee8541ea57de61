"""Recipes: complete TOML files that say how a localiser is made. Unknown keys are refused.

To add a recipe: write ``recipes/NAME.toml``; it is found by its name. A setting is changed for
one run with ``--set optimiser.learning_rate=1e-3``.
"""

import tomllib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, Field, ValidationError, model_serializer

from palpate.errors import ConfigError
from palpate.forest.settings import RfrvSettings, settings_from_plain
from palpate.suggest import did_you_mean
from palpate.training.settings import (
    AugmentSettings,
    ClipAugmentSettings,
    ClipInputSettings,
    CrossvalSettings,
    InputSettings,
    LabelSettings,
    LossSettings,
    MapSettings,
    MapStageSettings,
    NetworkSettings,
    OptimiserSettings,
    PredictSettings,
    RegionSettings,
    SplitSettings,
    Strict,
    TargetSettings,
    TrainingSettings,
)


class Recipe(Strict, ABC):
    """All that a training run needs to know besides the study, whatever is trained."""

    name: str
    about: str
    source: str = ""
    split: SplitSettings = SplitSettings()
    crossval: CrossvalSettings = CrossvalSettings()

    @property
    @abstractmethod
    def chance(self) -> int:
        """The seed of everything that is drawn in training."""


class LabelledRecipe(Recipe, ABC):
    """A recipe that may say which annotators' points it is trained on."""

    labels: LabelSettings = LabelSettings()

    @model_serializer(mode="wrap")
    def _plain(self, handler: Callable[["LabelledRecipe"], dict[str, Any]]) -> dict[str, Any]:
        """Leave labels out where nothing is asked: a run that never heard of them is the same."""
        values = handler(self)
        if self.labels == LabelSettings():
            values.pop("labels", None)
        return values


class NetworkRecipe(LabelledRecipe):
    """How a network is trained and used."""

    method: Literal["network"] = "network"
    input: InputSettings
    augment: AugmentSettings
    network: NetworkSettings
    target: TargetSettings = TargetSettings()
    loss: LossSettings
    optimiser: OptimiserSettings
    training: TrainingSettings
    predict: PredictSettings = PredictSettings()

    @property
    def chance(self) -> int:
        """The seed of weights, order and variations."""
        return self.training.seed


class ForestRecipe(LabelledRecipe):
    """How forests and a shape model are trained; the settings are those of ``RfrvSettings``."""

    method: Literal["forest"]
    forest: dict[str, Any] = Field(default_factory=dict)
    seed: int = Field(default=0, ge=0)

    @property
    def chance(self) -> int:
        """The seed of features, samples and trees."""
        return self.seed

    @property
    def settings(self) -> RfrvSettings:
        """The settings of the forests, those that the recipe leaves out at their defaults.

        Raises:
            ConfigError: an unknown name, or a value against its range.
        """
        return settings_from_plain(self.forest)


class CascadeRecipe(Recipe):
    """How two searches follow each other: two landmarks in the film, then all in their region.

    In a file, the table of a search is a recipe of its own, or names one: ``recipe = "whdv"``,
    with what is to differ beside it.
    """

    method: Literal["cascade"]
    region: RegionSettings = RegionSettings()
    global_search: NetworkRecipe | ForestRecipe
    local_search: NetworkRecipe | ForestRecipe
    seed: int = Field(default=0, ge=0)

    @property
    def chance(self) -> int:
        """The seed of folds and regions; each search has its own."""
        return self.seed


class LimbRecipe(Recipe):
    """How limbs are found in clips: maps of joints and of connections, which are then linked.

    The maps are those of ``regression``, which sees the clip and, where there is a ``detection``,
    the maps of that.
    """

    method: Literal["limbs"]
    input: ClipInputSettings = ClipInputSettings()
    augment: ClipAugmentSettings = ClipAugmentSettings()
    maps: MapSettings = MapSettings()
    detection: MapStageSettings | None = None
    regression: MapStageSettings

    @property
    def stages(self) -> dict[str, MapStageSettings]:
        """The networks by name, in the order in which they are trained."""
        first = {} if self.detection is None else {"detection": self.detection}
        return {**first, "regression": self.regression}

    @property
    def chance(self) -> int:
        """The seed of weights, order and variations of the last network; each has its own."""
        return self.regression.training.seed


SEARCHES = ("global_search", "local_search")

METHODS: dict[
    str, type[NetworkRecipe] | type[ForestRecipe] | type[CascadeRecipe] | type[LimbRecipe]
] = {
    "network": NetworkRecipe,
    "limbs": LimbRecipe,
    "forest": ForestRecipe,
    "cascade": CascadeRecipe,
}


def recipe_names() -> list[str]:
    """Return the names of the recipes that come with palpate."""
    folder = files("palpate.training") / "recipes"
    return sorted(
        item.name.removesuffix(".toml") for item in folder.iterdir() if item.name.endswith(".toml")
    )


def read_recipe(name: str, changes: Iterable[str] = ()) -> Recipe:
    """Read a recipe by name or from a TOML file, with ``KEY=VALUE`` changes on top.

    Raises:
        ConfigError: unknown recipe, unknown key (the nearest known one is named), wrong value.

    Example:
        >>> read_recipe("default", ["training.steps=10"]).training.steps
        10
    """
    values = _values(name)
    for change in changes:
        _change(values, change)
    return parse_recipe(values, where=name)


def recipe_variants(name: str, vary: str, changes: Iterable[str] = ()) -> list[Recipe]:
    """Read a recipe once for each of several values of one setting, named after the value.

    Args:
        name: as for :func:`read_recipe`.
        vary: ``KEY=VALUE,VALUE,...``, as ``loss.name=l2,ic``.
        changes: other changes, the same for all.

    Raises:
        ConfigError: as :func:`read_recipe`, or there are fewer than two values.

    Example:
        >>> [recipe.name for recipe in recipe_variants("default", "loss.name=l2,ic")]
        ['default-l2', 'default-ic']
    """
    key, _, listed = vary.partition("=")
    values = [value.strip() for value in listed.split(",") if value.strip()]
    if not key or len(values) < 2:
        raise ConfigError(
            f"--vary needs KEY=VALUE,VALUE,..., such as loss.name=l2,ic; got {vary!r}"
        )
    recipes = [read_recipe(name, [*changes, f"{key}={value}"]) for value in values]
    return [
        recipe.model_copy(update={"name": f"{recipe.name}-{value}"})
        for recipe, value in zip(recipes, values, strict=True)
    ]


def parse_recipe(values: Mapping[str, Any], *, where: str) -> Recipe:
    """Check the values of a recipe that came from ``where``.

    Raises:
        ConfigError: an unknown method or setting, or a wrong value.
    """
    method = str(values.get("method", "network"))
    if method not in METHODS:
        raise ConfigError(
            f"recipe {where}: there is no method {method!r}{did_you_mean(method, METHODS)}"
        )
    kind = METHODS[method]
    if kind is CascadeRecipe:
        values = _with_searches(values, where)
    try:
        recipe = kind.model_validate(values)
    except ValidationError as error:
        raise ConfigError(f"recipe {where}: {_first_problem(error, kind)}") from error
    if isinstance(recipe, ForestRecipe):
        _ = recipe.settings  # now, not after the images were read
    return recipe


def _with_searches(values: Mapping[str, Any], where: str) -> dict[str, Any]:
    """The values of a cascade, with the recipes of its two searches read."""
    read = dict(values)
    for name in SEARCHES:
        table, place = read.get(name), f"{where}, [{name}]"
        if not isinstance(table, Mapping):
            raise ConfigError(f'recipe {where}: expected a table [{name}], such as recipe = "whdv"')
        own = _based(table, place)
        if own.get("method") == "cascade":
            raise ConfigError(f"recipe {place}: a search cannot be a cascade itself")
        read[name] = parse_recipe({"name": name, "about": "", **own}, where=place)
    return read


def _based(table: Mapping[str, Any], place: str) -> Mapping[str, Any]:
    """The recipe that a table names, with what else the table says put over it."""
    if "recipe" not in table:
        return table
    based = _values(str(table["recipe"]))
    for path, value in _leaves({key: own for key, own in table.items() if key != "recipe"}):
        _put(based, path, value, where=place)
    return based


def _leaves(values: Mapping[str, Any]) -> Iterable[tuple[list[str], Any]]:
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from (([key, *path], leaf) for path, leaf in _leaves(value))
        else:
            yield [key], value


def network_recipe(recipe: Recipe) -> NetworkRecipe:
    """Return the recipe as that of a network.

    Raises:
        ConfigError: it is of another method.
    """
    if not isinstance(recipe, NetworkRecipe):
        raise ConfigError(f"recipe {recipe.name!r} trains no network")
    return recipe


def _values(name: str) -> dict[str, Any]:
    if name.endswith(".toml"):
        try:
            text = Path(name).read_text(encoding="utf-8")
        except OSError as error:
            raise ConfigError(f"cannot read recipe {name}: {error.strerror}") from error
    elif name in recipe_names():
        text = (files("palpate.training") / "recipes" / f"{name}.toml").read_text(encoding="utf-8")
    else:
        raise ConfigError(
            f"there is no recipe {name!r}{did_you_mean(name, recipe_names())} "
            "(a file's name must end in .toml)"
        )
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"recipe {name} is not TOML: {error}") from error


def _change(values: dict[str, Any], change: str) -> None:
    key, equals, text = change.partition("=")
    if not equals or not key:
        raise ConfigError(f"--set needs KEY=VALUE, such as training.steps=500; got {change!r}")
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        value = text  # a bare word is a string
    _put(values, key.split("."), value, where=f"--set {change}")


def _put(values: dict[str, Any], key: list[str], value: Any, *, where: str) -> None:
    *path, last = key
    for part in path:
        values = values.setdefault(part, {})
        if not isinstance(values, dict):
            raise ConfigError(f"{where}: {part!r} is a value, not a table")
    values[last] = value
    # Of two settings that exclude each other, the one asked for wins.
    for one, other in (("epochs", "steps"), ("size", "longest")):
        if last == one:
            values.pop(other, None)
        elif last == other:
            values.pop(one, None)


def _first_problem(error: ValidationError, kind: type[BaseModel]) -> str:
    problem = error.errors()[0]
    place = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        *path, last = problem["loc"]
        return f"unknown setting {place!r}{did_you_mean(str(last), _known(path, kind))}"
    message = problem["msg"].removeprefix("Value error, ")
    return f"{place or 'the recipe'}: {message}, got {problem['input']!r}"


def _known(path: Iterable[int | str], kind: type[BaseModel]) -> list[str]:
    model = kind
    for part in path:
        annotation = model.model_fields[str(part)].annotation
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            model = annotation
    return list(model.model_fields)
