"""What the page of a clip is made of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from palpate.errors import GeometryError
from palpate.io.video import Video
from palpate.protocols.posture_flags import Flags
from palpate.sequences.smooth import Smoothed
from palpate.sequences.track import Track

# Times are kept to the microsecond where a track is written.
_SAME_TIME_S = 1e-5


@dataclass(frozen=True, eq=False, slots=True)
class ReportedClip:
    """One clip of the page, with what was found in it.

    Args:
        name: of the clip, as its study or folder names it.
        video: its size and times; frames are read from its file when the page is written.
        track: as found, in px of the frames; its times are times of the video's frames.
        edges: pairs of landmarks that are joined by a line.
        region: the part that was looked at, (x, y, width, height) in px; None is all of it.
        smoothed: drawn beside the raw track, never instead of it; None where nothing is smoothed.
        provenance: localiser, versions, hashes, as text.
        problem: empty, or why the clip was not read to its end.
        segments: names of the segments; empty where posture is not measured.
        angles: (frame, segment) in degrees; NaN where a landmark was not found.
        reference: (segment,) in degrees; NaN where not known.
        out_of_line: (frame, segment), whether it deviates by more than the threshold.
        rules: names of the rules of contact.
        touching: (frame, rule), whether there is contact.
        summary: what posture.json holds: threshold_deg, facing, reference_from, control.
        smoothed_angles: (frame, segment) in degrees, of the smoothed track.

    Raises:
        GeometryError: arrays that do not fit the track, or a track that is not of the video.
    """

    name: str
    video: Video
    track: Track
    edges: Sequence[tuple[str, str]]
    region: tuple[int, int, int, int] | None
    smoothed: Smoothed | None
    provenance: Mapping[str, str]
    problem: str = ""
    segments: tuple[str, ...] = ()
    angles: Float[ndarray, "frame segment"] | None = None
    reference: Float[ndarray, " segment"] | None = None
    out_of_line: Flags | None = None
    rules: tuple[str, ...] = ()
    touching: Flags | None = None
    summary: Mapping[str, object] = field(default_factory=dict)
    smoothed_angles: Float[ndarray, "frame segment"] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "edges", tuple(self.edges))
        object.__setattr__(self, "provenance", MappingProxyType(dict(self.provenance)))
        object.__setattr__(self, "summary", MappingProxyType(dict(self.summary)))
        frames = len(self.track.times_s)
        if not frames:
            raise GeometryError(f"{self.name}: a report needs at least one frame, the track has 0")
        _refuse_other_times(self.name, self.track, self.video)
        if self.smoothed is not None and self.smoothed.raw.present.shape != (
            frames,
            len(self.track.names),
        ):
            raise GeometryError(f"{self.name}: the smoothed track is not of this track")
        by_segment, by_rule = (frames, len(self.segments)), (frames, len(self.rules))
        self._refuse_shape("angles", self.angles, by_segment)
        self._refuse_shape("smoothed_angles", self.smoothed_angles, by_segment)
        self._refuse_shape("reference", self.reference, (len(self.segments),))
        for name, flags, shape in (
            ("out_of_line", self.out_of_line, by_segment),
            ("touching", self.touching, by_rule),
        ):
            self._refuse_shape(name, None if flags is None else flags.value, shape)
        if self.segments and (
            self.angles is None or self.reference is None or self.out_of_line is None
        ):
            raise GeometryError(
                f"{self.name}: segments come with angles, a reference and flags out of line"
            )
        if self.rules and self.touching is None:
            raise GeometryError(f"{self.name}: rules of contact come with their flags")

    @property
    def frames(self) -> Int[ndarray, " frame"]:
        """Number of each frame of the track in the video, from 0."""
        return nearest_frames(self.track, self.video)

    @property
    def control(self) -> Mapping[str, object]:
        """What the summary says of control; empty where it says nothing."""
        said = self.summary.get("control")
        return said if isinstance(said, Mapping) else {}

    def _refuse_shape(self, what: str, array: ndarray | None, wanted: tuple[int, ...]) -> None:
        if array is not None and array.shape != wanted:
            raise GeometryError(
                f"{self.name}: {what} should be of shape {wanted}, got {array.shape}"
            )


def nearest_frames(track: Track, video: Video) -> Int[ndarray, " frame"]:
    """Number of the video's frame that is nearest in time to each of the track's."""
    after = np.clip(np.searchsorted(video.times_s, track.times_s), 1, max(1, video.frames - 1))
    after = np.minimum(after, video.frames - 1)
    before = np.maximum(after - 1, 0)
    nearer = np.abs(track.times_s - video.times_s[before]) <= np.abs(
        track.times_s - video.times_s[after]
    )
    return np.where(nearer, before, after)


def _refuse_other_times(name: str, track: Track, video: Video) -> None:
    away = np.abs(video.times_s[nearest_frames(track, video)] - track.times_s)
    if away.max() > _SAME_TIME_S:
        frame = int(np.argmax(away))
        raise GeometryError(
            f"{name}: the track has a frame at {track.times_s[frame]:g} s, and the video has none "
            "there; is it the track of another clip?"
        )
