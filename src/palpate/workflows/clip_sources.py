"""Which clips are to be predicted, and where in them to look."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from palpate.errors import PalpateError
from palpate.io.babypose_layout import babypose_depth, find_recordings, is_recording
from palpate.io.depth import DepthSettings, find_depth_clips, open_depth
from palpate.io.depth_raw import is_depth_raw
from palpate.io.images import IMAGE_SUFFIXES
from palpate.io.video import VIDEO_SUFFIXES
from palpate.protocols.posture_table import Side
from palpate.study_babypose import babypose_settings, may_be_babypose
from palpate.study_settings import (
    SETTINGS,
    ClipSettings,
    Region,
    StudySettings,
    read_settings,
)

# What may hold 16 bits of grey without loss.
_DEPTH_SUFFIXES = (".mkv", ".avi", ".mov")


@dataclass(frozen=True, slots=True)
class ClipSource:
    """A clip to predict.

    Args:
        name: how it is called: its path below the input.
        path: of the file, or of the folder of frames.
        region: the part to look at, (x, y, width, height) in px; None is the whole frame.
        facing: the side of the image that the subject faces.
        facing_stated: whether a person said so, or it is the usual side.
        depth: of its depth camera; None where it is not of one.
        rate_hz: numbers of frames per second of a folder of frames that says nothing of it.
    """

    name: str
    path: Path
    region: Region | None = None
    facing: Side = "right"
    facing_stated: bool = False
    depth: DepthSettings | None = None
    rate_hz: float = 30.0


@dataclass(frozen=True, slots=True)
class _Given:
    """A clip, what it is called, and the camera where it is one of depth."""

    name: str
    path: Path
    depth: DepthSettings | None


def find_clip_sources(
    inputs: Sequence[Path],
    *,
    region: Region | None = None,
    facing: Side | None = None,
    rate_hz: float | None = None,
    folders: bool = False,
) -> list[ClipSource]:
    """Return the clips of files and folders.

    Args:
        inputs: clips, folders of clips, or studies.
        region: for all of them; None takes that of the study.toml of the clip's study.
        facing: likewise; the right where there is no study.
        rate_hz: of folders of frames; None takes the study's, which is 30 where it says nothing.
        folders: whether a folder of pictures is a clip, as it is for what finds landmarks in
            several frames at once. A study of depth clips says so itself.

    Raises:
        PalpateError: an input does not exist, or two clips have one name.
        ConfigError: a study.toml is wrong.
    """
    sources: dict[str, ClipSource] = {}
    for given in inputs:
        for clip in _clips(given, folders=folders):
            name = clip.name
            if name in sources:
                raise PalpateError(
                    f"two inputs hold a clip {name!r}; predict them one folder at a time"
                )
            settings = _settings_of(clip.path)
            depth = clip.depth
            if depth is not None and rate_hz is not None:
                depth = depth.model_copy(update={"rate_hz": rate_hz})
            sources[name] = ClipSource(
                name,
                clip.path,
                region or settings.region.get(name) or settings.region.get(clip.path.name),
                facing or settings.facing,
                facing is not None or "facing" in settings.model_fields_set,
                depth,
                30.0 if rate_hz is None else rate_hz,
            )
    return list(sources.values())


def images_beside(inputs: Sequence[Path], clips: Sequence[ClipSource]) -> list[Path]:
    """Return the inputs that may hold images of their own: in those of the others lie frames."""
    of_frames = [clip.path.resolve() for clip in clips if clip.path.is_dir()]
    return [
        given
        for given in inputs
        if not any(path.is_relative_to(given.resolve()) for path in of_frames)
    ]


def _clips(given: Path, *, folders: bool) -> Iterator[_Given]:
    if given.is_file():
        if given.suffix.lower() in VIDEO_SUFFIXES or is_depth_raw(given):
            yield _Given(given.name, given, _camera(given))
        return
    if not given.is_dir():
        raise PalpateError(f"there is no file or folder {given}")
    settings = read_settings(given / SETTINGS)
    infants = _babypose(given, settings)
    if infants:
        camera = babypose_settings(settings, next(iter(infants.values()))).depth
        yield from (_Given(name, path, camera) for name, path in infants.items())
        return
    inside = settings.video
    folder = given / inside.folder if inside and (given / inside.folder).is_dir() else given
    camera = inside.depth if inside else _settings_of(given).depth
    if camera is not None:
        for path in find_depth_clips(folder):
            yield _Given(_name(path, folder), path, camera)
        return
    for path in sorted(folder.rglob("*")):
        film = path.suffix.lower() in VIDEO_SUFFIXES or is_depth_raw(path)
        if film and not path.name.startswith("."):
            yield _Given(_name(path, folder), path, _camera(path))
    if folders:
        for path in _folders_of_frames(folder):
            yield _Given(_name(path, folder), path, _camera_of_frames(path))


def _name(path: Path, folder: Path) -> str:
    """The path of a clip below the input; a folder that is the clip itself is called by its own."""
    inside = path.relative_to(folder).as_posix()
    return path.name if inside == "." else inside


def _babypose(root: Path, settings: StudySettings) -> dict[str, Path]:
    """Infant -> folder of its frames, where a folder is a data set of babyPose."""
    return find_recordings(root) if may_be_babypose(root, settings) else {}


def _folders_of_frames(folder: Path) -> list[Path]:
    """Folders below that hold pictures, the folder itself among them, by name."""
    return sorted(
        {
            path.parent
            for path in folder.rglob("*")
            if path.suffix.lower() in IMAGE_SUFFIXES
            and not any(part.startswith(".") for part in path.relative_to(folder).parts)
        }
    )


def _camera(path: Path) -> DepthSettings | None:
    """The camera that the study says; the usual one for lossless 16-bit grey outside of any."""
    said = _settings_of(path).depth
    if said is not None:
        return said
    if is_depth_raw(path):  # it can be nothing else: what is wrong with it is told by its reader
        return DepthSettings()
    return DepthSettings() if path.suffix.lower() in _DEPTH_SUFFIXES and _is_depth(path) else None


def _camera_of_frames(folder: Path) -> DepthSettings | None:
    """The camera of a folder of 16-bit frames: babyPose's for an infant of it, else the usual."""
    if not _is_depth(folder):
        return None
    return babypose_depth(folder) if is_recording(folder.resolve()) else DepthSettings()


def _is_depth(path: Path) -> bool:
    try:
        open_depth(path)
    except PalpateError:  # it is opened again as what else it may be, and told then
        return False
    return True


def _settings_of(path: Path) -> ClipSettings:
    """The settings of the study that a clip lies in; the usual ones where it lies in none."""
    there = path.resolve()
    for folder in (there, *there.parents[:3]):  # a folder of frames may be a clip itself
        found = _settings_in(folder)
        if found is not None:
            return found
    return ClipSettings()


def _settings_in(folder: Path) -> ClipSettings | None:
    file = folder / SETTINGS
    return read_settings(file).video if file.is_file() else None
