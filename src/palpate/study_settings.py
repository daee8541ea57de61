"""What a study.toml may say. Unknown keys are refused, with the nearest known one."""

import re
import tomllib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, ValidationError, field_validator

from palpate.errors import ConfigError
from palpate.io.depth_settings import DepthSettings
from palpate.suggest import did_you_mean

_Share = Annotated[float, Field(ge=0.0, lt=1.0)]
# TOML has lists only, so tuples are not strict.
_Names = Annotated[tuple[str, ...], Field(strict=False)]
Region = Annotated[tuple[int, int, int, int], Field(strict=False)]
_Pair = Annotated[tuple[str, str], Field(strict=False)]


SETTINGS = "study.toml"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class CalibrationSettings(_Strict):
    """Size of a pixel: the same for all images, or a column of a table.

    ``spacing_mm`` is (x, y). ``column`` names a column of ``file`` (beside study.toml) with
    millimetres per pixel; an empty cell means not calibrated by it.
    """

    spacing_mm: Annotated[tuple[PositiveFloat, PositiveFloat], Field(strict=False)] | None = None
    column: str | None = None
    file: str = "meta.csv"
    source: Literal["ruler", "marker", "user"] = "user"
    plane: Literal["patient", "detector"] = "patient"
    detail: str = ""


class ClipSettings(_Strict):
    """A study of clips instead of images.

    Args:
        folder: of the clips, relative to study.toml or absolute.
        interpolate: annotated frames that are at most so many apart are joined by straight lines,
            and the frames between become cases of their own, flagged; 1 joins none.
        region: clip -> the part to look at, [x, y, width, height] in px; static.
        facing: the side of the image that the subject faces.
        depth: where the clips are of a depth camera: folders of 16-bit PNG frames, or lossless
            16-bit videos.
    """

    folder: str = "videos"
    interpolate: Annotated[int, Field(ge=1)] = 4
    region: dict[str, Region] = Field(default_factory=dict)
    facing: Literal["right", "left"] = "right"
    depth: DepthSettings | None = None


class SplitSettings(_Strict):
    """Shares of the images for validation and test, by whole subjects, and the seed."""

    validation: _Share = 0.15
    test: _Share = 0.15
    seed: int = 0


class StudySettings(_Strict):
    """All keys of study.toml; every one may be left out.

    Args:
        name: of the study; the folder's name by default.
        protocol: what to measure, by name or file.
        images: folder of the images, relative to study.toml or absolute.
        annotations: a file, or ``{annotator = file}``.
        reference: the file of the agreed truth where several annotators are named.
        subject_pattern: regular expression with one group, searched in the image's name, for
            images whose annotation names no subject.
        subjects: ``image`` where every image is another subject, ``dicom`` to tell subjects by
            PatientID; for images that neither annotation nor pattern gives a subject.
        same_subject: lists of images that show one person whatever else is said, as two copies
            of one film do; they get the subject of the first.
        group_pattern: regular expression with one group, as ``subject_pattern``, for the view.
        mirror: pairs of landmarks that change sides in a mirrored image.
        edges: pairs of landmarks that are joined in a drawing.
        calibration: size of a pixel.
        split: how the study is divided; None leaves it to the recipe.
        video: where the study is of clips, and how their annotation is read.
        flagged: images whose annotation is known to be doubtful: results with and without them.
        exclude: images that are left out.
    """

    name: str | None = None
    protocol: str | None = None
    images: str = "images"
    annotations: str | dict[str, str] | None = None
    reference: str | None = None
    subject_pattern: str | None = None
    subjects: Literal["image", "dicom"] | None = None
    same_subject: tuple[_Names, ...] = Field(default=(), strict=False)
    group_pattern: str | None = None
    mirror: tuple[_Pair, ...] = Field(default=(), strict=False)
    edges: tuple[_Pair, ...] = Field(default=(), strict=False)
    calibration: CalibrationSettings | None = None
    split: SplitSettings | None = None
    video: ClipSettings | None = None
    flagged: tuple[str, ...] = Field(default=(), strict=False)
    exclude: tuple[str, ...] = Field(default=(), strict=False)

    @field_validator("subject_pattern", "group_pattern")
    @classmethod
    def _one_group(cls, pattern: str | None) -> str | None:
        if pattern is None:
            return None
        try:
            groups = re.compile(pattern).groups
        except re.error as error:
            raise ValueError(f"is no regular expression: {error}") from error
        if groups != 1:
            raise ValueError(
                f"needs exactly one group in parentheses, as in '^(\\d+)_'; it has {groups}"
            )
        return pattern


def read_settings(path: Path) -> StudySettings:
    """Read study.toml; without the file everything is at its default.

    Raises:
        ConfigError: no TOML, an unknown key, or a value of the wrong kind; names file and key.
    """
    try:
        text = path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        return StudySettings()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read as UTF-8 text: {error}") from error
    try:
        return _checked(StudySettings.model_validate(tomllib.loads(text)), path)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: is no TOML: {error}") from error
    except ValidationError as error:
        raise ConfigError(f"{path}: {_in_words(error)}") from error


def _checked(settings: StudySettings, path: Path) -> StudySettings:
    calibration = settings.calibration
    if calibration and (calibration.spacing_mm is None) == (calibration.column is None):
        raise ConfigError(f"{path}: calibration needs spacing_mm = [x, y] or column, one of them")
    if settings.split and settings.split.validation + settings.split.test >= 1.0:
        raise ConfigError(f"{path}: split.validation and split.test leave nothing to train on")
    if settings.reference is not None and not isinstance(settings.annotations, dict):
        raise ConfigError(
            f"{path}: reference goes with annotations = {{ANNOTATOR = 'FILE', ...}}; "
            "one file alone is the reference already"
        )
    return settings


_TABLES: dict[str, type[BaseModel]] = {
    "calibration": CalibrationSettings,
    "split": SplitSettings,
    "video": ClipSettings,
    "video.depth": DepthSettings,
}


def _in_words(error: ValidationError) -> str:
    """Say the first problem, with the nearest known key where one is unknown."""
    first = error.errors()[0]
    place = [str(part) for part in first["loc"]]
    key = ".".join(place)
    if first["type"] == "extra_forbidden":
        model = _TABLES.get(".".join(place[:-1]), StudySettings)
        return f"unknown setting {key!r}" + did_you_mean(place[-1], model.model_fields)
    message = first["msg"].removeprefix("Value error, ")
    return f"setting {key!r}: {message[:1].lower()}{message[1:]}, got {first['input']!r}"
