"""Recipes: complete TOML files that say how a localiser is made. Unknown keys are refused.

To add a recipe: write ``recipes/NAME.toml``; it is found by its name. A setting is changed for
one run with ``--set optimiser.learning_rate=1e-3``.
"""

import tomllib
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from palpate.errors import ConfigError
from palpate.forest.settings import RfrvSettings, settings_from_plain
from palpate.suggest import did_you_mean

ChannelsName = Literal["standardised", "grey-eq-inv", "grey-inv-eq", "rgb"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class InputSettings(_Strict):
    """What the network sees: a grid of a fixed size, or one that follows the study."""

    size: tuple[int, int] | None = None
    longest: int | None = Field(default=None, ge=32)
    multiple: int = Field(default=32, ge=1)
    channels: ChannelsName = "standardised"
    mirrored_channels: ChannelsName | None = None

    @model_validator(mode="after")
    def _one_size(self) -> "InputSettings":
        if (self.size is None) == (self.longest is None):
            raise ValueError("give either size = [width, height] or longest = px, one of them")
        return self


class AugmentSettings(_Strict):
    """Ranges of the random warps and exposures; see ``augment``.

    Images are turned by ``rotation_centre_deg`` +- ``rotation_deg``, anti-clockwise as one sees
    them.
    """

    rotation_deg: float = Field(default=0.0, ge=0.0, le=180.0)
    rotation_centre_deg: float = Field(default=0.0, ge=-180.0, le=180.0)
    scale: float = Field(default=0.0, ge=0.0)
    stretch: float = Field(default=0.0, ge=0.0)
    shear: float = Field(default=0.0, ge=0.0)
    shift: float = Field(default=0.0, ge=0.0)
    mirror: float = Field(default=0.0, ge=0.0, le=1.0)
    gamma: float = Field(default=0.0, ge=0.0)
    contrast: float = Field(default=0.0, ge=0.0, le=1.0)
    brightness: float = Field(default=0.0, ge=0.0, le=1.0)
    noise: float = Field(default=0.0, ge=0.0, le=1.0)
    blur_px: float = Field(default=0.0, ge=0.0)
    invert: float = Field(default=0.0, ge=0.0, le=1.0)
    hide: float = Field(default=0.0, ge=0.0, le=1.0)
    hide_size: float = Field(default=0.3, ge=0.0, le=1.0)


class NetworkSettings(_Strict):
    """Which network; see ``palpate recipes`` for the names."""

    name: str


class TargetSettings(_Strict):
    """Width of the bumps, in cells of the map, and how displacements vote.

    Only networks that put out heatmaps or displacements have bumps; only the latter have
    displacements, clipped to ``reach_px`` of the grid, and votes, smoothed by ``smooth_px``.
    """

    sigma_cells: float = Field(default=1.5, gt=0)
    reach_px: float = Field(default=20.0, gt=0)
    smooth_px: float = Field(default=4.0, ge=0)
    weigh_votes: bool = False


class LossSettings(_Strict):
    """Which loss; there are those of heatmaps, of coordinates and of displacements."""

    name: str


class OptimiserSettings(_Strict):
    """Adam or AdamW, and how the learning rate goes."""

    name: Literal["adam", "adamw"] = "adamw"
    learning_rate: float = Field(gt=0)
    betas: tuple[float, float] = (0.9, 0.999)
    weight_decay: float = Field(default=0.0, ge=0.0)
    schedule: Literal["constant", "one-cycle", "inverse-time"] = "one-cycle"
    decay: float = Field(default=0.0, ge=0.0)
    clip_norm: float | None = Field(default=None, gt=0)


class TrainingSettings(_Strict):
    """How long, in which batches, how often it is validated, and which weights are kept.

    ``validate_every`` counts epochs, ``validations_per_epoch`` divides one, ``validate_at_most``
    takes so many images of those held out, evenly spaced. ``patience`` counts validations.
    """

    epochs: int | None = Field(default=None, ge=1)
    steps: int | None = Field(default=None, ge=1)
    batch: int = Field(ge=1)
    validate_every: int = Field(default=1, ge=1)
    validations_per_epoch: int = Field(default=1, ge=1)
    validate_at_most: int | None = Field(default=None, ge=1)
    patience: int | None = Field(default=None, ge=1)
    average: float | None = Field(default=None, ge=0.0, lt=1.0)
    keep: Literal["best", "last"] = "best"
    precision: Literal["float32", "bfloat16"] = "float32"
    seed: int = Field(default=0, ge=0)

    @model_validator(mode="after")
    def _one_length(self) -> "TrainingSettings":
        if (self.epochs is None) == (self.steps is None):
            raise ValueError("give either epochs or steps, one of them")
        if self.validate_every > 1 and self.validations_per_epoch > 1:
            raise ValueError("validate_every counts epochs, validations_per_epoch divides one")
        return self


class SplitSettings(_Strict):
    """Shares of the subjects; used where neither the study nor a file says otherwise."""

    validation: float = Field(default=0.1, ge=0.0, lt=1.0)
    test: float = Field(default=0.2, ge=0.0, lt=1.0)
    seed: int = Field(default=0, ge=0)


class CrossvalSettings(_Strict):
    """How ``crossval`` cuts a study and chooses the weights that a held-out subject is judged by.

    With ``subjects`` every subject is a fold of its own. With ``halves`` nobody is set aside for
    validation: the held-out subject's clips are cut in two, and each half is judged by the
    weights that were best on the other.
    """

    folds: Literal["subjects"] | Annotated[int, Field(ge=2)] = 5
    choose: Literal["validation", "halves"] = "validation"


class PredictSettings(_Strict):
    """How many views of an image are averaged; 1 is the image alone."""

    views: int = Field(default=1, ge=1)
    rotation_deg: float = Field(default=4.0, ge=0.0)
    scale: float = Field(default=0.05, ge=0.0)
    both_orders: bool = False


class Recipe(_Strict, ABC):
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


class NetworkRecipe(Recipe):
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


class ForestRecipe(Recipe):
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


METHODS: dict[str, type[NetworkRecipe] | type[ForestRecipe]] = {
    "network": NetworkRecipe,
    "forest": ForestRecipe,
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
    try:
        recipe = kind.model_validate(values)
    except ValidationError as error:
        raise ConfigError(f"recipe {where}: {_first_problem(error, kind)}") from error
    if isinstance(recipe, ForestRecipe):
        _ = recipe.settings  # now, not after the images were read
    return recipe


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
    *path, last = key.split(".")
    for part in path:
        values = values.setdefault(part, {})
        if not isinstance(values, dict):
            raise ConfigError(f"--set {change}: {part!r} is a value, not a table")
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
