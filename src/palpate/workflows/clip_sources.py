"""Which clips are to be predicted, and where in them to look."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from palpate.errors import PalpateError
from palpate.io.video import VIDEO_SUFFIXES
from palpate.protocols.posture_table import Side
from palpate.study_settings import SETTINGS, ClipSettings, Region, read_settings


@dataclass(frozen=True, slots=True)
class ClipSource:
    """A clip to predict.

    Args:
        name: how it is called: its path below the input.
        path: of the file.
        region: the part to look at, (x, y, width, height) in px; None is the whole frame.
        facing: the side of the image that the subject faces.
        facing_stated: whether a person said so, or it is the usual side.
    """

    name: str
    path: Path
    region: Region | None = None
    facing: Side = "right"
    facing_stated: bool = False


def find_clip_sources(
    inputs: Sequence[Path], *, region: Region | None = None, facing: Side | None = None
) -> list[ClipSource]:
    """Return the clips of files and folders.

    Args:
        inputs: clips, folders of clips, or studies.
        region: for all of them; None takes that of the study.toml of the clip's study.
        facing: likewise; the right where there is no study.

    Raises:
        PalpateError: an input does not exist, or two clips have one name.
        ConfigError: a study.toml is wrong.
    """
    sources: dict[str, ClipSource] = {}
    for given in inputs:
        for folder, path in _clips(given):
            name = path.relative_to(folder).as_posix()
            if name in sources:
                raise PalpateError(
                    f"two inputs hold a clip {name!r}; predict them one folder at a time"
                )
            settings = _settings_of(path)
            sources[name] = ClipSource(
                name,
                path,
                region or settings.region.get(name) or settings.region.get(path.name),
                facing or settings.facing,
                facing is not None or "facing" in settings.model_fields_set,
            )
    return list(sources.values())


def _clips(given: Path) -> list[tuple[Path, Path]]:
    """The folder that names count from, and the clip."""
    if given.is_file():
        return [(given.parent, given)] if given.suffix.lower() in VIDEO_SUFFIXES else []
    if not given.is_dir():
        raise PalpateError(f"there is no file or folder {given}")
    inside = _settings_in(given)
    folder = given / inside.folder if inside and (given / inside.folder).is_dir() else given
    return [
        (folder, path)
        for path in sorted(folder.rglob("*"))
        if path.suffix.lower() in VIDEO_SUFFIXES and not path.name.startswith(".")
    ]


def _settings_of(path: Path) -> ClipSettings:
    """The settings of the study that a clip lies in; the usual ones where it lies in none."""
    for folder in path.resolve().parents[:3]:
        found = _settings_in(folder)
        if found is not None:
            return found
    return ClipSettings()


def _settings_in(folder: Path) -> ClipSettings | None:
    file = folder / SETTINGS
    return read_settings(file).video if file.is_file() else None
