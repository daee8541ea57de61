"""Predict a clip of linked limbs, or of depth, into a folder: memory flat, what is done is kept."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from jaxtyping import Float, UInt8
from numpy import ndarray

from palpate.errors import FormatError
from palpate.io.limb_csv import LimbWriter
from palpate.io.track_csv import TrackWriter
from palpate.io.video_write import VideoWriter
from palpate.linking.pose import LinkedPose
from palpate.localisers.clip import ClipLocaliser
from palpate.localisers.localiser import Localiser
from palpate.prediction import Prediction
from palpate.report.depth_reported import LimbCourse
from palpate.report.limb_overlay import draw_limbs
from palpate.report.overlay import draw_overlay
from palpate.scheme import LandmarkScheme
from palpate.sequences.track import Track
from palpate.workflows.clip_sources import ClipSource
from palpate.workflows.predict_clip import Found, PredictedClip, find_in_frames
from palpate.workflows.predict_depth import FoundSpaced, find_in_clip
from palpate.workflows.predict_depth_frames import OpenClip, open_clip
from palpate.workflows.predict_depth_lengths import DepthCamera, segment_lengths

_TELL_EVERY = 25


@dataclass(frozen=True, eq=False, slots=True)
class PredictedDepth:
    """What was found in a clip.

    Args:
        clip: the source, and its track on a clock that begins with the first frame.
        opened: its frames.
        limbs: how they were linked; None where the localiser links nothing.
        unspaced: frames whose clip was not spaced as in training.
    """

    clip: PredictedClip
    opened: OpenClip
    limbs: LimbCourse | None
    unspaced: int


@dataclass(eq=False, slots=True)
class _Course:
    """What is kept of every frame while a clip is read."""

    scheme: LandmarkScheme
    frames: list[int] = field(default_factory=list)
    predictions: list[Prediction] = field(default_factory=list)
    poses: list[LinkedPose] = field(default_factory=list)
    lengths: list[Float[ndarray, " connection"]] = field(default_factory=list)
    unspaced: int = 0

    def track(self, opened: OpenClip) -> Track:
        return Track(
            self.scheme.names,
            np.stack([one.mean for one in self.predictions]),
            opened.video.times_s[self.frames],
            np.stack([one.covariance for one in self.predictions]),
        )

    def limbs(self) -> LimbCourse | None:
        if not self.poses:
            return None
        return LimbCourse(
            self.scheme,
            np.stack([pose.score for pose in self.poses]),
            np.stack([pose.links for pose in self.poses]),
            np.stack(self.lengths),
            np.array([pose.others for pose in self.poses]),
        )


def predict_depth_clip(
    localiser: Localiser,
    source: ClipSource,
    out: Path,
    *,
    labelled: bool,
    advance: Callable[[int, int], None] = lambda done, total: None,
) -> PredictedDepth:
    """Write points.csv, limbs.csv and, if asked for, labelled.mp4 into ``out`` as the frames come.

    Frames are called by their numbers, and timed by the clip's own clock. A localiser that takes
    one image at a time links nothing: there is no limbs.csv then.

    Raises:
        FormatError: the clip cannot be opened, or not one frame of it be read.
        GeometryError: the frames are not of the kind that the localiser was trained on.
        OutputError: the disk is full; the rows written by then are kept.
    """
    opened = open_clip(source)
    course, problem = _Course(localiser.scheme), opened.video.problem
    with ExitStack() as files:
        writers = _Writers(files, out, localiser, opened, labelled=labelled)
        try:
            for one in _find(localiser, source, opened):
                writers.add(one.found, course)
                course.unspaced += not one.spaced
                if len(course.frames) % _TELL_EVERY == 0 or len(course.frames) == opened.frames:
                    advance(len(course.frames), opened.frames)
        except FormatError as error:  # a broken tail: what lies before it is kept
            if not course.frames:
                raise
            problem = error.problem
    clip = PredictedClip(source, opened.video, course.track(opened), problem)
    return PredictedDepth(clip, opened, course.limbs(), course.unspaced)


def _find(localiser: Localiser, source: ClipSource, opened: OpenClip) -> Iterator[FoundSpaced]:
    if isinstance(localiser, ClipLocaliser):
        yield from find_in_clip(localiser, source, opened)
        return
    for found in find_in_frames(localiser, source, opened.read(0)):
        yield FoundSpaced(found, True)


class _Writers:
    """The files of a clip, written frame by frame."""

    def __init__(
        self, files: ExitStack, out: Path, localiser: Localiser, opened: OpenClip, *, labelled: bool
    ) -> None:
        self._opened, self._scheme = opened, localiser.scheme
        self._points = files.enter_context(TrackWriter(out / "points.csv", localiser.scheme.names))
        self._limbs = (
            files.enter_context(LimbWriter(out / "limbs.csv", localiser.scheme))
            if isinstance(localiser, ClipLocaliser)
            else None
        )
        video = opened.video
        self._film = (
            files.enter_context(VideoWriter(out / "labelled.mp4", video.size, video.rate_hz))
            if labelled
            else None
        )

    def add(self, found: Found, course: _Course) -> None:
        """Write one frame, and keep of it what the report needs."""
        number = int(self._opened.numbers[found.index])
        time_s = float(self._opened.times_s[found.index])
        self._points.add(number, time_s, found.prediction)
        if self._limbs is not None and found.pose is not None:
            lengths = self._lengths(found)
            self._limbs.add(number, time_s, found.pose, lengths)
            course.poses.append(found.pose)
            course.lengths.append(lengths)
        if self._film is not None:
            self._film.add(draw_found(found, self._opened, self._scheme))
        course.frames.append(found.index)
        course.predictions.append(found.prediction)

    def _lengths(self, found: Found) -> Float[ndarray, " connection"]:
        depth = self._opened.depth
        if depth is None or depth.intrinsics is None or found.pose is None:
            return np.full(len(self._scheme.edges), np.nan)
        camera = DepthCamera(depth.unit_mm, depth.intrinsics)
        return segment_lengths(found.pixels, found.pose, self._scheme, camera)


def draw_found(found: Found, opened: OpenClip, scheme: LandmarkScheme) -> UInt8[ndarray, "y x 3"]:
    """Draw what was found on its frame: linked limbs, or landmarks where nothing is linked."""
    picture = opened.picture(found.pixels)
    if found.pose is None:
        return draw_overlay(picture, found.prediction, edges=scheme.edges)
    return draw_limbs(picture, found.pose, scheme)
