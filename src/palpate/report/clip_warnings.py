"""What is wrong with a clip, and what its figures rest on: told before any figure."""

from collections.abc import Iterator

import numpy as np

from palpate.report.clip_reported import ReportedClip
from palpate.report.wording import number, percent

# A landmark that is found less often than this is named.
SELDOM = 0.8
# More jumps than this share of a landmark's positions are named.
_MANY_JUMPS = 0.02
_MOST_NAMES = 8


def warnings(clip: ReportedClip, jumps: np.ndarray) -> tuple[str, ...]:
    """Say what is wrong, the worst first; nothing where nothing is.

    Args:
        clip: what is reported.
        jumps: (frame, landmark), positions that jump.
    """
    return (*_of_file(clip), *_of_landmarks(clip, jumps), *_of_segments(clip))


def grounds(clip: ReportedClip) -> tuple[str, ...]:
    """Say what the figures rest on: the facing, the reference posture, the uncertainty."""
    return tuple(_grounds(clip))


def _of_file(clip: ReportedClip) -> Iterator[str]:
    video, read = clip.video, len(clip.track.times_s)
    if read < video.frames:
        why = f": {clip.problem}" if clip.problem else ""
        yield f"{read:,} of {video.frames:,} frames of the file are in this report{why}"
    elif clip.problem:
        yield f"The file has a problem: {clip.problem}"
    if video.problem and video.problem != clip.problem:
        yield f"The file has a problem: {video.problem}"
    if video.variable_rate:
        steps = np.diff(video.times_s)
        yield (
            f"The frame rate varies: frames last {steps.min():.3f} to {steps.max():.3f} s. Times "
            "are those of the file; what is said of a step from frame to frame is of unequal steps."
        )
    if video.pixel_aspect != 1.0:
        yield (
            f"Pixels are not square (width by height {video.pixel_aspect:.3g}): angles measured in "
            "px are not angles in the scene."
        )


def _of_landmarks(clip: ReportedClip, jumps: np.ndarray) -> Iterator[str]:
    track = clip.track
    shares = track.present.mean(axis=0)
    never = [name for name, share in zip(track.names, shares, strict=True) if share == 0.0]
    if never:
        yield f"Never found: {_listed(never)}."
    seldom = [
        f"{name} ({percent(float(share))} of the frames)"
        for name, share in zip(track.names, shares, strict=True)
        if 0.0 < share < SELDOM
    ]
    if seldom:
        yield f"Seldom found: {_listed(seldom)}."
    found = track.present.sum(axis=0)
    restless = [
        f"{name} ({int(count):,} of {int(all_found):,})"
        for name, count, all_found in zip(track.names, jumps.sum(axis=0), found, strict=True)
        if count > _MANY_JUMPS * all_found
    ]
    if restless:
        yield f"Positions that jump: {_listed(restless)}. Look at these frames in the video."


def _of_segments(clip: ReportedClip) -> Iterator[str]:
    if clip.out_of_line is None:
        return
    known = clip.out_of_line.known
    rarely = [
        f"{name} ({number(100 * float(share), 1)} %)"
        for name, share in zip(clip.segments, known.mean(axis=0), strict=True)
        if share < SELDOM
    ]
    if rarely:
        yield f"Posture is known in few frames for: {_listed(rarely)}."


def _grounds(clip: ReportedClip) -> Iterator[str]:
    facing = clip.summary.get("facing")
    if clip.segments and isinstance(facing, str):
        stated = "as was stated" if clip.summary.get("facing_stated") else "which nobody stated"
        yield (
            f"The child is taken to face the {facing} of the image, {stated}. All signs and all "
            "contact rest on it."
        )
    told = clip.summary.get("reference_from")
    if clip.segments and isinstance(told, str):
        yield (
            f"The reference posture is {told}. It comes from what was found in this clip, not from "
            "labels. Out of line means turned away from it: against its own mean, a child that "
            "leans throughout is in line."
        )
    if clip.provenance.get("uncertainty") == "not calibrated":
        yield (
            "The localiser's uncertainty is not calibrated: ellipses compare points, they are not "
            "probabilities."
        )


def _listed(names: list[str]) -> str:
    more = len(names) - _MOST_NAMES
    return ", ".join(names[:_MOST_NAMES]) + (f" and {more} more" if more > 0 else "")
