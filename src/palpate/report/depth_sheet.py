"""Frames of a clip at random, each with its limbs drawn on it, as small pictures."""

import cv2
import numpy as np
from jaxtyping import UInt8
from numpy import ndarray

from palpate.affine import Affine
from palpate.errors import FormatError
from palpate.report.clip_frames import MOST, SEED, Paths, Sheet, Shown, predicted, rgb_uri
from palpate.report.clip_paths import paths as paths_of
from palpate.report.depth_reported import ReportedDepth
from palpate.report.limb_overlay import draw_limbs, moved_pose
from palpate.report.overlay import draw_overlay

_LONGEST = 320
_LONGEST_PATHS = 640


def depth_sheet(reported: ReportedDepth, *, most: int = MOST, seed: int = SEED) -> Sheet:
    """Draw at most ``most`` frames that chance picks, in order of time.

    A frame that cannot be read is not shown, and ``problem`` says so; the page needs none.
    """
    count = len(reported.clip.track.times_s)
    rng = np.random.default_rng(seed)
    rows = np.sort(rng.choice(count, size=min(most, count), replace=False))
    indices = reported.clip.frames
    row_of = {int(indices[row]): int(row) for row in rows}
    shown: list[Shown] = []
    paths, problem = None, ""
    try:
        for index, picture in reported.pictures(sorted(row_of)):
            if paths is None:
                paths = _paths(reported, picture)
            shown.append(_shown(reported, row_of[index], index, picture))
    except FormatError as error:
        problem = f"{len(shown)} of {len(row_of)} frames could be read: {error.problem}"
    return Sheet(tuple(shown), paths, "", problem)


def _shown(
    reported: ReportedDepth, row: int, index: int, picture: UInt8[ndarray, "y x 3"]
) -> Shown:
    small, onto = _shrunk(picture, _LONGEST)
    found = predicted(reported.clip.track, row, reported.clip.edges).moved(onto)
    pose = reported.pose(row)
    if pose is None or reported.limbs is None:
        drawn = draw_overlay(small, found, edges=found.scheme.edges)
    else:
        drawn = draw_limbs(small, moved_pose(pose, onto), reported.limbs.scheme)
    return Shown(
        uri=rgb_uri(drawn),
        frame=int(reported.numbers[index]),
        time_s=float(reported.clip.track.times_s[row]),
        found=int(found.found.sum()),
        notes=_notes(reported, row),
    )


def _notes(reported: ReportedDepth, row: int) -> tuple[str, ...]:
    if reported.limbs is None:
        return ()
    course = reported.limbs
    broken = [limb.name for limb in course.limbs if not course.whole(limb)[row]]
    said = [f"not whole: {', '.join(broken)}"] if broken else []
    others = int(course.others[row])
    return (*said, *([f"{others} more in view"] if others else []))


def _paths(reported: ReportedDepth, picture: UInt8[ndarray, "y x 3"]) -> Paths:
    small, onto = _shrunk(picture, _LONGEST_PATHS)
    height, width = small.shape[:2]
    return Paths(rgb_uri(small), width, height, paths_of(reported.clip.track, onto))


def _shrunk(
    picture: UInt8[ndarray, "y x 3"], longest: int
) -> tuple[UInt8[ndarray, "height width 3"], Affine]:
    """The picture at the size of the page, so that lines stay wide, and the way there."""
    height, width = picture.shape[:2]
    scale = min(1.0, longest / max(width, height))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    onto = Affine.resize((width, height), size, target="pixel")
    if size == (width, height):
        return picture, onto
    return cv2.resize(picture, size, interpolation=cv2.INTER_AREA), onto
