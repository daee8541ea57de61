"""Frames of a clip at random, each with what was found in it, as small pictures."""

import base64
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO

import cv2
import numpy as np
from jaxtyping import UInt8
from numpy import ndarray
from PIL import Image as Pillow

from palpate.affine import Affine
from palpate.errors import FormatError
from palpate.io.video import read_selected
from palpate.prediction import Prediction
from palpate.report.clip_paths import Path
from palpate.report.clip_paths import paths as paths_of
from palpate.report.clip_reported import ReportedClip
from palpate.report.overlay import draw_overlay
from palpate.scheme import LandmarkScheme
from palpate.sequences.track import Track

# The seed is fixed and named on the page: nobody has chosen the frames that are shown.
SEED = 0
MOST = 40
_LONGEST = 320
_LONGEST_PATHS = 640
_LONGEST_WHOLE = 900
_QUALITY = 78
_REGION = (255, 209, 102)


@dataclass(frozen=True, slots=True)
class Shown:
    """One frame of the sheet."""

    uri: str
    frame: int
    time_s: float
    found: int
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Paths:
    """A frame without marks, its size in px, and the ways of the landmarks over it."""

    uri: str
    width: int
    height: int
    ways: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class Sheet:
    """Frames of a clip.

    Args:
        shown: with their landmarks.
        paths: the ways of the landmarks; None where no frame could be read.
        whole: a whole frame with the region in it; empty where there is no region.
        problem: empty, or why frames are not there.
    """

    shown: tuple[Shown, ...]
    paths: Paths | None
    whole: str
    problem: str


def sheet(clip: ReportedClip, *, most: int = MOST, seed: int = SEED) -> Sheet:
    """Draw at most ``most`` frames that chance picks, in order of time.

    A frame that cannot be read is not shown, and ``problem`` says so; the page needs none.
    """
    count = len(clip.track.times_s)
    rng = np.random.default_rng(seed)
    rows = np.sort(rng.choice(count, size=min(most, count), replace=False))
    numbers = clip.frames
    row_of = {int(numbers[row]): int(row) for row in rows}
    shown: list[Shown] = []
    paths, whole, problem = None, "", ""
    try:
        for number, pixels in read_selected(clip.video, sorted(row_of)):
            if paths is None:
                paths = _paths(clip, pixels)
                whole = "" if clip.region is None else _whole(clip, pixels)
            shown.append(_shown(clip, row_of[number], number, pixels))
    except FormatError as error:
        problem = f"{len(shown)} of {len(row_of)} frames could be read: {error.problem}"
    return Sheet(tuple(shown), paths, whole, problem)


def _shown(clip: ReportedClip, row: int, number: int, pixels: UInt8[ndarray, "y x 3"]) -> Shown:
    small, onto = _looked_at(clip, pixels, _LONGEST)
    found = predicted(clip.track, row, clip.edges).moved(onto)
    return Shown(
        uri=rgb_uri(draw_overlay(small, found, edges=found.scheme.edges)),
        frame=number,
        time_s=float(clip.track.times_s[row]),
        found=int(found.found.sum()),
        notes=tuple(_notes(clip, row)),
    )


def _paths(clip: ReportedClip, pixels: UInt8[ndarray, "y x 3"]) -> Paths:
    small, onto = _looked_at(clip, pixels, _LONGEST_PATHS)
    height, width = small.shape[:2]
    return Paths(rgb_uri(small), width, height, paths_of(clip.track, onto))


def _looked_at(
    clip: ReportedClip, pixels: UInt8[ndarray, "y x 3"], longest: int
) -> tuple[UInt8[ndarray, "height width 3"], Affine]:
    """The region, shrunk before it is drawn on so that lines stay wide, and the way there."""
    x, y, width, height = _inside(clip, pixels)
    scale = min(1.0, longest / max(width, height))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    onto = Affine.resize((width, height), size, target="pixel") @ Affine.translation((-x, -y))
    return _resized(pixels[y : y + height, x : x + width], size), onto


def predicted(track: Track, row: int, edges: Sequence[tuple[str, str]]) -> Prediction:
    """One frame of a track as a prediction, for drawing: without a score of its own."""
    scheme = LandmarkScheme("clip", track.names, edges=tuple(edges))
    there = track.present[row]
    nothing = np.where(there[:, None, None], np.zeros((2, 2)), np.nan)
    return Prediction(
        scheme,
        track.coordinates[row],
        nothing if track.covariance is None else track.covariance[row],
        there.astype(float),
        "track",
    )


def _notes(clip: ReportedClip, row: int) -> Iterator[str]:
    for names, flags, words in (
        (clip.segments, clip.out_of_line, "out of line"),
        (clip.rules, clip.touching, "in contact"),
    ):
        if flags is not None and flags.value[row].any():
            held = [name for name, value in zip(names, flags.value[row], strict=True) if value]
            yield f"{', '.join(held)} {words}"


def _inside(clip: ReportedClip, pixels: UInt8[ndarray, "y x 3"]) -> tuple[int, int, int, int]:
    """The region as far as it lies in the frame; all of the frame where none of it does."""
    height, width = pixels.shape[:2]
    if clip.region is None:
        return 0, 0, width, height
    x, y, w, h = clip.region
    left, top = max(0, x), max(0, y)
    right, bottom = min(width, x + w), min(height, y + h)
    if right <= left or bottom <= top:
        return 0, 0, width, height
    return left, top, right - left, bottom - top


def _whole(clip: ReportedClip, pixels: UInt8[ndarray, "y x 3"]) -> str:
    x, y, width, height = _inside(clip, pixels)
    drawn = pixels.copy()
    thick = max(1, round(max(drawn.shape) / 400))
    cv2.rectangle(drawn, (x, y), (x + width - 1, y + height - 1), _REGION, thick)
    scale = min(1.0, _LONGEST_WHOLE / max(drawn.shape))
    return rgb_uri(
        _resized(drawn, (round(drawn.shape[1] * scale) or 1, round(drawn.shape[0] * scale) or 1))
    )


def _resized(
    pixels: UInt8[ndarray, "y x 3"], size: tuple[int, int]
) -> UInt8[ndarray, "height width 3"]:
    if pixels.shape[1::-1] == size:
        return np.ascontiguousarray(pixels)
    return cv2.resize(np.ascontiguousarray(pixels), size, interpolation=cv2.INTER_AREA)


def rgb_uri(pixels: UInt8[ndarray, "y x 3"]) -> str:
    """Return an RGB picture as a JPEG data address."""
    stream = BytesIO()
    Pillow.fromarray(pixels).save(stream, format="JPEG", quality=_QUALITY)
    return "data:image/jpeg;base64," + base64.b64encode(stream.getvalue()).decode("ascii")
