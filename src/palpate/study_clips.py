"""The frames of a study of clips: those that are annotated, and those between.

In the flow: clips and sparse annotation -> **cases**, one a frame. A frame that nobody annotated
and that does not lie close between two annotated ones is no case.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from palpate.errors import FormatError, StudyError
from palpate.finding import Finding
from palpate.frame_names import frame_name, parse_frame_name
from palpate.io.annotation import AnnotatedImage
from palpate.io.depth import DepthClip, DepthSettings, find_depth_clips, open_depth
from palpate.io.depth_raw import RAW_SUFFIX
from palpate.io.video import VIDEO_SUFFIXES, Video, open_video
from palpate.points import ABSENT, OCCLUDED, VISIBLE, Points
from palpate.sequences.interpolate import fill_between
from palpate.study_case import ClipFrame
from palpate.study_settings import SETTINGS, ClipSettings
from palpate.suggest import did_you_mean

Clip = Video | DepthClip
# identifier of a frame -> annotator -> row
Rows = Mapping[str, Mapping[str, AnnotatedImage]]


def find_clips(root: Path, settings: ClipSettings) -> dict[str, Path]:
    """Name -> path of every clip below the study's folder of clips, sorted by name.

    Raises:
        StudyError: there is no such folder, no clip in it, frames that are in no folder of their
            own, or a region is of no clip.
    """
    folder = root / settings.folder
    if not folder.is_dir():
        raise StudyError(
            f"{root}: there is no folder {settings.folder!r} with the clips; make one, or say in "
            f"{SETTINGS} where they are: video.folder = 'FOLDER'"
        )
    paths = _videos(folder) if settings.depth is None else find_depth_clips(folder)
    found = {path.relative_to(folder).as_posix(): path for path in paths}
    if not found:
        kinds = ", ".join(VIDEO_SUFFIXES)
        depth = (
            f"folder of 16-bit PNG frames, {RAW_SUFFIX} recording, or 16-bit video in one of "
            if settings.depth
            else ""
        )
        raise StudyError(f"{folder}: holds no clip ({depth}{kinds})")
    if "." in found:
        raise StudyError(
            f"{folder}: holds frames beside each other; put those of each clip into a folder of "
            f"their own, such as {settings.folder}/infant01/000000.png"
        )
    for name in settings.region:
        if name not in found:
            raise StudyError(
                f"{root / SETTINGS}: video.region names {name!r}, which is no clip of the study"
                + did_you_mean(name, found)
            )
    return found


def _videos(folder: Path) -> list[Path]:
    return [
        path
        for path in sorted(folder.rglob("*"))
        if path.suffix.lower() in VIDEO_SUFFIXES and not path.name.startswith(".")
    ]


def open_clips(
    paths: Mapping[str, Path], findings: list[Finding], *, depth: DepthSettings | None = None
) -> dict[str, Clip]:
    """Open every clip; one that cannot be opened, or breaks off, is among the findings."""
    clips: dict[str, Clip] = {}
    for name, path in paths.items():
        try:
            clips[name] = open_video(path) if depth is None else open_depth(path, depth)
        except FormatError as error:
            sentence = f"{name}: {error.problem}"
            findings.append(Finding("unreadable-clip", "error", sentence, image=name))
            continue
        if clips[name].problem:
            sentence = f"{name}: {clips[name].problem}"
            kind = "broken-clip" if depth is None else "missing-frames"
            findings.append(Finding(kind, "warning", sentence, image=name))
    return clips


def within(rows: Rows, clips: Mapping[str, Clip], findings: list[Finding]) -> Rows:
    """The rows whose frame is there; the others are among the findings."""
    kept = {}
    for identifier, given in rows.items():
        clip, frame = _parts(identifier)
        if clip not in clips:
            continue  # the clip itself is among the findings
        if not _has(clips[clip], frame):
            sentence = _no_frame(clip, frame, clips[clip])
            findings.append(Finding("frame-missing", "error", sentence, image=identifier))
            continue
        kept[identifier] = given
    return kept


def _has(clip: Clip, number: int) -> bool:
    """Whether a clip has the frame that annotation calls by this number."""
    return clip.has(number) if isinstance(clip, DepthClip) else number < clip.frames


def _no_frame(name: str, number: int, clip: Clip) -> str:
    if isinstance(clip, Video):
        return (
            f"frame {number} of {name} is annotated, but the clip has {clip.frames} frames (0 to "
            f"{clip.frames - 1}); is the annotation of another clip?"
        )
    first, last = int(clip.numbers[0]), int(clip.numbers[-1])
    why = f" ({clip.problem})" if first < number < last and clip.problem else ""
    return (
        f"frame {number} of {name} is annotated, but there is no such frame among its "
        f"{clip.frames}, numbered from {first} to {last}{why}; add it, or leave it out with "
        "exclude = [...] in study.toml"
    )


def fill(
    rows: Rows, clips: Mapping[str, Clip], *, most: int
) -> tuple[Rows, Mapping[str, frozenset[str]]]:
    """Add the frames between annotated ones that are at most ``most`` frames apart.

    Returns:
        All rows, by clip and frame; and for each frame the landmarks that were filled in.
    """
    by_annotator: dict[tuple[str, str], list[tuple[int, AnnotatedImage]]] = defaultdict(list)
    for identifier, given in rows.items():
        clip, frame = _parts(identifier)
        for annotator, row in given.items():
            by_annotator[clip, annotator].append((frame, row))
    filled: dict[str, dict[str, AnnotatedImage]] = defaultdict(dict)
    between: dict[str, frozenset[str]] = {}
    for (clip, annotator), labelled in by_annotator.items():
        for frame, row, names in _filled(sorted(labelled, key=lambda one: one[0]), most):
            if not _has(clips[clip], frame):
                continue  # a frame that is missing between two annotated ones
            identifier = frame_name(clip, frame)
            filled[identifier][annotator] = replace(row, image=identifier)
            between[identifier] = between.get(identifier, frozenset()) | names
    order = sorted(filled, key=_parts)
    return {identifier: filled[identifier] for identifier in order}, between


def _filled(
    labelled: list[tuple[int, AnnotatedImage]], most: int
) -> Iterator[tuple[int, AnnotatedImage, frozenset[str]]]:
    frames = np.array([frame for frame, _ in labelled])
    rows = [row for _, row in labelled]
    scheme = rows[0].points.scheme
    found = fill_between(
        frames, np.stack([row.points.coordinates for row in rows]), most=max(most, 1)
    )
    before = np.searchsorted(frames, found.frames, side="right") - 1
    for index, frame in enumerate(found.frames):
        row = rows[before[index]]
        flags = found.interpolated[index]
        if not flags.any():
            if frame == frames[before[index]]:
                yield int(frame), row, frozenset()
            continue
        after = rows[min(before[index] + 1, len(rows) - 1)]
        points = Points(
            scheme,
            found.coordinates[index],
            _visibility(row.points, after.points, found.present[index]),
        )
        names = frozenset(name for name, flag in zip(scheme.names, flags, strict=True) if flag)
        yield int(frame), replace(row, points=points, line=None), names


def _visibility(before: Points, after: Points, present: np.ndarray) -> np.ndarray:
    """Visible where it is at both ends, else occluded."""
    seen = (before.visibility == VISIBLE) & (after.visibility == VISIBLE)
    return np.where(~present, ABSENT, np.where(seen, VISIBLE, OCCLUDED))


def clip_frame(
    identifier: str, clips: Mapping[str, Clip], settings: ClipSettings, between: frozenset[str]
) -> ClipFrame:
    """Say where in its clip a frame is.

    Raises:
        StudyError: the clip's region does not lie in it.
    """
    name, frame = _parts(identifier)
    clip = clips[name]
    region = settings.region.get(name)
    if region is not None:
        x, y, width, height = region
        across, down = clip.size
        if x < 0 or y < 0 or width < 1 or height < 1 or x + width > across or y + height > down:
            raise StudyError(
                f"video.region of {name!r}: {list(region)} (x, y, width, height) does not lie "
                f"within its {across} x {down} px"
            )
    index = clip.index_of(frame) if isinstance(clip, DepthClip) else frame
    return ClipFrame(name, frame, float(clip.times_s[index]), clip.size, region, between)


def _parts(identifier: str) -> tuple[str, int]:
    parts = parse_frame_name(identifier)
    if parts is None:
        raise StudyError(f"{identifier!r} is not the name of a frame, such as 'clip.mp4#120'")
    return parts
