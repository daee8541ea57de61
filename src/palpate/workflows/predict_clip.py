"""Predict a clip frame by frame: memory stays flat, and what is done is kept."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np
from jaxtyping import UInt8, UInt16
from numpy import ndarray

from palpate.errors import FormatError
from palpate.image import Image
from palpate.io.track_csv import TrackWriter
from palpate.io.video import Video, open_video, read_frames
from palpate.io.video_write import VideoWriter
from palpate.linking.pose import LinkedPose
from palpate.localisers.calibrated import CalibratedLocaliser
from palpate.localisers.localiser import Localiser
from palpate.localisers.network import NetworkLocaliser
from palpate.prediction import Prediction
from palpate.report.overlay import draw_overlay
from palpate.sequences.track import Track
from palpate.side_by_side import processors, side_by_side
from palpate.workflows.clip_sources import ClipSource

# RGB, or counts of a depth camera
Pixels = UInt8[ndarray, "y x 3"] | UInt16[ndarray, "y x"]
Numbered = tuple[int, Pixels]

FRAMES_TOGETHER = 8  # through the network at a time
_TELL_EVERY = 25


@dataclass(frozen=True, eq=False, slots=True)
class PredictedClip:
    """What was found in a clip.

    Args:
        source: the clip.
        video: its size and times.
        track: of the frames that could be decoded.
        problem: empty, or why the clip was not read to its end.
    """

    source: ClipSource
    video: Video
    track: Track
    problem: str = ""


@dataclass(frozen=True, eq=False, slots=True)
class Found:
    """One frame with what was found in it.

    Args:
        index: of the frame in its clip, from 0.
        pixels: of the frame.
        prediction: its landmarks.
        pose: how they are linked; None where the localiser links nothing.
    """

    index: int
    pixels: Pixels
    prediction: Prediction
    pose: LinkedPose | None = None


def predict_clip(
    localiser: Localiser,
    source: ClipSource,
    out: Path,
    *,
    labelled: bool,
    advance: Callable[[int, int], None] = lambda done, total: None,
) -> PredictedClip:
    """Write points.csv and, if asked for, labelled.mp4 into ``out`` as the frames come.

    Raises:
        FormatError: the clip cannot be opened, or not one frame of it be decoded.
        GeometryError: the region does not lie in the frame.
        OutputError: the disk is full; the rows written by then are kept.
    """
    video = open_video(source.path)
    names = localiser.scheme.names
    frames, means, covariances = [], [], []
    problem = video.problem
    with ExitStack() as files:
        points = files.enter_context(TrackWriter(out / "points.csv", names))
        film = (
            files.enter_context(VideoWriter(out / "labelled.mp4", video.size, video.rate_hz))
            if labelled
            else None
        )
        try:
            for found in find_in_frames(localiser, source, read_frames(video)):
                points.add(found.index, float(video.times_s[found.index]), found.prediction)
                if film is not None:
                    film.add(draw_frame(found))
                frames.append(found.index)
                means.append(found.prediction.mean)
                covariances.append(found.prediction.covariance)
                if len(frames) % _TELL_EVERY == 0 or len(frames) == video.frames:
                    advance(len(frames), video.frames)
        except FormatError as error:  # a broken tail: what lies before it is kept
            if not frames:
                raise
            problem = error.problem
    track = Track(names, np.stack(means), video.times_s[frames], np.stack(covariances))
    return PredictedClip(source, video, track, problem)


def find_in_frames(
    localiser: Localiser, source: ClipSource, frames: Iterable[Pixels]
) -> Iterator[Found]:
    """Find the landmarks of frames that are numbered from 0, in order.

    Several frames go through the network at once; where its engine keeps to one thread, several
    such groups are under way. A frame that cannot be decoded ends it, after those before it were
    found.
    """
    if isinstance(localiser, CalibratedLocaliser):
        for found in find_in_frames(localiser.inner, source, frames):
            calibrated = localiser.calibration.applied(found.prediction)
            yield Found(found.index, found.pixels, calibrated)
        return
    if isinstance(localiser, NetworkLocaliser):
        find, alone = partial(_find_together, localiser, source), localiser.one_thread
    else:
        find, alone = partial(_find_each, localiser, source), True
    groups = side_by_side(find, _groups(frames), workers=processors() if alone else 1)
    for group in groups:
        yield from group


def _groups(frames: Iterable[Pixels]) -> Iterator[list[Numbered]]:
    """Frames with their numbers, some together; those before a broken one come in a last group."""
    numbered = enumerate(frames)
    while True:
        group: list[Numbered] = []
        try:
            group.extend(islice(numbered, FRAMES_TOGETHER))
        except FormatError:
            if group:
                yield group
            raise
        if not group:
            return
        yield group


def _find_each(localiser: Localiser, source: ClipSource, group: Sequence[Numbered]) -> list[Found]:
    return [
        Found(index, pixels, localiser.predict(frame_image(source, pixels)))
        for index, pixels in group
    ]


def frame_image(source: ClipSource, pixels: Pixels) -> Image:
    """Return a frame as an image, with the clip's region."""
    channels = pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)
    return Image(channels, source.name, region=source.region)


def _find_together(
    localiser: NetworkLocaliser, source: ClipSource, group: Sequence[Numbered]
) -> list[Found]:
    prepared = [localiser.load(frame_image(source, pixels)) for _, pixels in group]
    outputs = localiser.forward(localiser.inputs(*prepared))
    views = len(outputs) // len(group)
    return [
        Found(index, pixels, localiser.read(one, outputs[at * views : (at + 1) * views]))
        for at, ((index, pixels), one) in enumerate(zip(group, prepared, strict=True))
    ]


def draw_frame(found: Found) -> UInt8[ndarray, "y x 3"]:
    """Draw the landmarks on their frame; depth in shades of grey."""
    return draw_overlay(found.pixels, found.prediction, edges=found.prediction.scheme.edges)
