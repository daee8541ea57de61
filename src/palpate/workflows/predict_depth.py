"""Predict a clip with what sees several frames at once: every frame once, in the order of time.

Frames are read and prepared once and kept as long as another clip may need them, that is for the
time that one clip covers to either side; memory does not grow with the length of the recording.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from palpate.errors import FormatError
from palpate.linking.pose import LinkedPose
from palpate.localisers.clip import ClipLocaliser, ClipPlane, FoundFrame
from palpate.prediction import Prediction
from palpate.scheme import LandmarkScheme
from palpate.side_by_side import processors, side_by_side
from palpate.workflows.clip_sources import ClipSource
from palpate.workflows.predict_clip import Found, Pixels, frame_image
from palpate.workflows.predict_depth_frames import OpenClip
from palpate.workflows.predict_depth_groups import Spacing, Together, planned, usual_step

CLIPS_TOGETHER = 4  # through the network at a time


@dataclass(frozen=True, eq=False, slots=True)
class FoundSpaced:
    """One frame with what was found in it, and whether its clip was spaced as in training."""

    found: Found
    spaced: bool


@dataclass(frozen=True, eq=False, slots=True)
class _Shown:
    """A clip that is ready for the network, with the frames that are kept of it."""

    together: Together
    planes: tuple[ClipPlane, ...]
    pixels: tuple[Pixels, ...]


def find_in_clip(
    localiser: ClipLocaliser, source: ClipSource, clip: OpenClip
) -> Iterator[FoundSpaced]:
    """Find the landmarks of every frame of a clip, in order.

    A frame in which nothing at all was measured holds nothing, whatever a network sees in its
    neighbours. A frame that cannot be read ends it, after those before it were found.

    Raises:
        FormatError: a frame cannot be read.
        GeometryError: the frames are not of the kind that the localiser was trained on.
    """
    interval_s = localiser.interval_s or usual_step(clip.times_s)
    # A single frame without an interval: any will do, since it stands for all three.
    spacing = Spacing(localiser.frames, interval_s if np.isfinite(interval_s) else 1.0)
    # Several blocks at a time only where each keeps to one core; otherwise one keeps all busy.
    workers = processors() if getattr(localiser, "one_thread", False) else 1
    blocks = _blocks(_shown(localiser, source, clip, spacing))
    found = side_by_side(partial(_find, localiser), blocks, workers=workers)
    yield from _in_order(one for block in found for one in block)


class _Frames:
    """The frames of a clip that were read and may be needed again."""

    def __init__(self, localiser: ClipLocaliser, source: ClipSource, clip: OpenClip) -> None:
        self.read = 0
        self._frames = clip.read(0)
        self._localiser, self._source = localiser, source
        self._kept: dict[int, tuple[Pixels, ClipPlane]] = {}

    def read_to(self, index: int) -> None:
        """Read on until a frame is there."""
        while self.read <= index:
            pixels = next(self._frames)
            plane = self._localiser.prepare(frame_image(self._source, pixels))
            self._kept[self.read] = pixels, plane
            self.read += 1

    def forget_before(self, index: int) -> None:
        """Let go of what no clip needs any more."""
        for old in [one for one in self._kept if one < index]:
            del self._kept[old]

    def shown(self, together: Together) -> _Shown:
        """Return the frames of a clip."""
        chosen = [self._kept[index] for index in together.indices]
        return _Shown(
            together,
            tuple(plane for _, plane in chosen),
            tuple(chosen[place][0] for place in together.kept),
        )


def _shown(
    localiser: ClipLocaliser, source: ClipSource, clip: OpenClip, spacing: Spacing
) -> Iterator[_Shown]:
    """Clips until every frame has been kept once; where reading breaks, of those before it."""
    times_s, frames = clip.times_s, _Frames(localiser, source, clip)
    stop, broken = len(times_s), None
    done = np.zeros(stop, dtype=bool)
    while True:
        for together in planned(times_s[:stop], spacing, done[:stop]):
            try:
                frames.read_to(max(together.indices))
            except FormatError as error:
                done[[together.indices[place] for place in together.kept]] = False
                stop, broken = frames.read, error
                break
            yield frames.shown(together)
            earliest = times_s[np.argmin(done)] - spacing.reach_s
            frames.forget_before(int(np.searchsorted(times_s, earliest)))
        else:
            break
    if broken is not None:
        raise broken


def _blocks(shown: Iterator[_Shown]) -> Iterator[list[_Shown]]:
    """Some clips together; those before a broken frame come in a last block."""
    while True:
        block: list[_Shown] = []
        try:
            block.extend(islice(shown, CLIPS_TOGETHER))
        except FormatError:
            if block:
                yield block
            raise
        if not block:
            return
        yield block


def _find(localiser: ClipLocaliser, block: Sequence[_Shown]) -> list[FoundSpaced]:
    answers = localiser.find([shown.planes for shown in block])
    return [
        FoundSpaced(_found(localiser, shown, which, answer), shown.together.spaced)
        for shown, answer in zip(block, answers, strict=True)
        for which in range(len(shown.pixels))
    ]


def _found(
    localiser: ClipLocaliser, shown: _Shown, which: int, answer: Sequence[FoundFrame]
) -> Found:
    place, pixels = shown.together.kept[which], shown.pixels[which]
    one = answer[place]
    if pixels.ndim == 2 and not pixels.any():
        one = nothing_found(localiser.scheme, one.prediction.localiser)
    return Found(shown.together.indices[place], pixels, one.prediction, one.pose)


def nothing_found(scheme: LandmarkScheme, made_by: str) -> FoundFrame:
    """Return the answer for a frame in which nothing was measured."""
    where: Float[ndarray, "landmark 2"] = np.full((len(scheme), 2), np.nan)
    spread, score = np.full((len(scheme), 2, 2), np.nan), np.zeros(len(scheme))
    return FoundFrame(
        Prediction(scheme, where, spread, score, made_by),
        LinkedPose(where, spread, score, np.zeros(len(scheme.edges))),
    )


def _in_order(found: Iterable[FoundSpaced]) -> Iterator[FoundSpaced]:
    """Put frames of interleaved clips into the order of time."""
    waiting: dict[int, FoundSpaced] = {}
    following = 0
    for one in found:
        waiting[one.found.index] = one
        while following in waiting:
            yield waiting.pop(following)
            following += 1
