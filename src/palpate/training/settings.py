"""The tables of a recipe; each refuses unknown keys and values against its range."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

ChannelsName = Literal["standardised", "grey-eq-inv", "grey-inv-eq", "rgb"]


class Strict(BaseModel):
    """Refuses what it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class InputSettings(Strict):
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


class AugmentSettings(Strict):
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


class NetworkSettings(Strict):
    """Which network; see ``palpate recipes`` for the names."""

    name: str


class TargetSettings(Strict):
    """Width of the bumps, in cells of the map, and how displacements vote.

    Only networks that put out heatmaps or displacements have bumps; only the latter have
    displacements, clipped to ``reach_px`` of the grid, and votes, smoothed by ``smooth_px``.
    """

    sigma_cells: float = Field(default=1.5, gt=0)
    reach_px: float = Field(default=20.0, gt=0)
    smooth_px: float = Field(default=4.0, ge=0)
    weigh_votes: bool = False


class LossSettings(Strict):
    """Which loss; there are those of heatmaps, of coordinates and of displacements."""

    name: str


class OptimiserSettings(Strict):
    """Adam, AdamW or SGD with momentum, and how the learning rate goes; see ``learning_rate``."""

    name: Literal["adam", "adamw", "sgd"] = "adamw"
    learning_rate: float = Field(gt=0)
    betas: tuple[float, float] = (0.9, 0.999)
    momentum: float = Field(default=0.0, ge=0.0, lt=1.0)
    weight_decay: float = Field(default=0.0, ge=0.0)
    schedule: Literal["constant", "one-cycle", "inverse-time", "stepped"] = "one-cycle"
    decay: float = Field(default=0.0, ge=0.0)
    decay_epochs: int = Field(default=10, ge=1)
    clip_norm: float | None = Field(default=None, gt=0)


class TrainingSettings(Strict):
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


class SplitSettings(Strict):
    """Shares of the subjects; used where neither the study nor a file says otherwise."""

    validation: float = Field(default=0.1, ge=0.0, lt=1.0)
    test: float = Field(default=0.2, ge=0.0, lt=1.0)
    seed: int = Field(default=0, ge=0)


class CrossvalSettings(Strict):
    """How ``crossval`` cuts a study and chooses the weights that a held-out subject is judged by.

    Of the images that are not held out, ``validation`` is the share that is set aside, by subject,
    to choose the weights and to calibrate; with 0 the last weights are kept, not calibrated.
    With ``subjects`` every subject is a fold of its own. With ``halves`` nobody is set aside for
    validation: the held-out subject's clips are cut in two, and each half is judged by the
    weights that were best on the other.
    """

    folds: Literal["subjects"] | Annotated[int, Field(ge=2)] = 5
    choose: Literal["validation", "halves"] = "validation"
    validation: float = Field(default=0.15, ge=0.0, lt=1.0)


class PredictSettings(Strict):
    """How many views of an image are averaged; 1 is the image alone."""

    views: int = Field(default=1, ge=1)
    rotation_deg: float = Field(default=4.0, ge=0.0)
    scale: float = Field(default=0.05, ge=0.0)
    both_orders: bool = False


class LabelSettings(Strict):
    """Which points an image with several annotators is trained on; see ``docs/annotators.md``.

    ``mean`` is the study's reference, else the annotators' mean; ``all`` each of them in turn;
    ``consensus`` the estimate that weighs them, of the training images alone. What is held out is
    judged by the reference or the mean whatever is said here.
    """

    use: Literal["mean", "all", "consensus"] = "mean"


class RegionSettings(Strict):
    """Where the second of two searches looks; see ``RegionOfInterest``.

    ``references`` names two landmarks, or leaves it to the protocol. ``size`` is that of the
    region in pixels; ``around`` the share of the landmarks' box that is added on each side. Each
    training film is seen in ``copies`` regions, off as the first search is on films that it was
    not trained on: validation subjects, and ``folds`` of the training subjects; 0 leaves those out.
    """

    references: tuple[str, str] | None = None
    size: tuple[int, int] = (224, 224)
    around: float = Field(default=0.15, ge=0.0, le=2.0)
    copies: int = Field(default=4, ge=1, le=100)
    folds: int = Field(default=3, ge=0)

    @model_validator(mode="after")
    def _possible(self) -> "RegionSettings":
        if self.folds == 1:
            raise ValueError("folds is 0 or at least 2")
        if min(self.size) < 16:
            raise ValueError("size is [width, height], 16 px or more")
        return self


class ClipInputSettings(Strict):
    """What a network of clips sees: frames of a grid, where the camera may have measured nothing.

    ``channels`` is ``depth``, where 0 is a hole, or ``grey``, of any image. A clip is ``frames``
    consecutive annotated frames; those trained on overlap, each ``shift`` frames after the last.
    """

    size: tuple[int, int] = (128, 96)
    frames: int = Field(default=3, ge=1, le=16)
    shift: int = Field(default=1, ge=1)
    channels: Literal["depth", "grey"] = "depth"


class ClipAugmentSettings(Strict):
    """Ranges of the random warps of a clip, the same in all its frames; see ``augment``."""

    rotation_deg: float = Field(default=0.0, ge=0.0, le=180.0)
    scale: float = Field(default=0.0, ge=0.0)
    stretch: float = Field(default=0.0, ge=0.0)
    shift: float = Field(default=0.0, ge=0.0)
    mirror: float = Field(default=0.0, ge=0.0, le=1.0)


class MapSettings(Strict):
    """How joints and connections are drawn as maps, and read back.

    ``radius_px`` is of the discs and rectangles, in pixels of the grid; ``sigma_px`` of the sharp
    maps, which are ours.
    """

    radius_px: float = Field(default=6.0, gt=0)
    sigma_px: float = Field(default=3.0, gt=0)


class MapStageSettings(Strict):
    """One network of a chain from clips to maps; a later one sees the maps of the former.

    ``width`` multiplies all channel counts of the network; 1 is as published.
    """

    network: str
    width: float = Field(default=1.0, gt=0)
    target: Literal["masks", "bumps", "sharp"]
    loss: Literal["binary-cross-entropy", "mean-squared-error"]
    optimiser: OptimiserSettings
    training: TrainingSettings
