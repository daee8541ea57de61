"""Frames of clips with their labels and predictions, and which of them make up test clips."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from types import MappingProxyType

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray

from palpate.arrays import locked, rows_with_nan
from palpate.errors import GeometryError, StudyError
from palpate.frame_names import parse_frame_name
from palpate.scheme import LandmarkScheme

# Three annotated frames in a row (Migliorelli et al.; babyPose); test clips do not overlap.
CLIP_FRAMES = 3


@dataclass(frozen=True, eq=False, slots=True)
class LimbFrames:
    """What errors of limbs are computed from, one row a frame.

    Args:
        scheme: its edges make the limbs.
        identifiers: of the frames, each once, such as ``infant01#120``.
        subjects: whose frame it is: the unit of the bootstrap.
        labels: px of the image as given; NaN where a joint is absent.
        predictions: px of the image as given; NaN where a joint was not found.
        scales: unit -> how long a px of the image is in it, at each joint of each frame; NaN
            where that is not known, as millimetres are not at a hole in the depth.
        made_by: who predicted; named in every row.

    Raises:
        StudyError: a frame twice, without a subject, or not of a clip.
        GeometryError: shapes that do not fit, a coordinate that is infinite or half absent, or a
            scale that is not positive.
    """

    scheme: LandmarkScheme
    identifiers: tuple[str, ...]
    subjects: tuple[str, ...]
    labels: Float[ndarray, "frame joint 2"]
    predictions: Float[ndarray, "frame joint 2"]
    scales: Mapping[str, Float[ndarray, "frame joint"]]
    made_by: str

    def __post_init__(self) -> None:
        count = len(self.identifiers)
        if len(set(self.identifiers)) != count:
            twice = next(name for name in self.identifiers if self.identifiers.count(name) > 1)
            raise StudyError(f"frame {twice!r} is given twice; a frame counts once")
        for name in self.identifiers:
            if parse_frame_name(name) is None:
                raise StudyError(
                    f"errors of limbs are told from clips, and {name!r} is not a frame of one, "
                    "such as 'infant01#120'"
                )
        if len(self.subjects) != count or not all(self.subjects):
            raise StudyError(f"each of {count} frames needs the subject that it shows")
        shape = (count, len(self.scheme), 2)
        for who, points in (("labels", self.labels), ("predictions", self.predictions)):
            if points.shape != shape:
                raise GeometryError(f"{who} must be of shape {shape}, got {points.shape}")
            if np.isinf(points).any() or (rows_with_nan(points) & ~np.isnan(points).all(-1)).any():
                raise GeometryError(f"{who}: a joint has both coordinates, finite, or is NaN")
        for unit, scale in self.scales.items():
            if scale.shape != shape[:2] or np.isinf(scale).any() or (scale <= 0.0).any():
                raise GeometryError(
                    f"the scale in {unit} must be positive, of shape {shape[:2]}, "
                    f"got shape {scale.shape}"
                )
        for name in ("labels", "predictions"):
            object.__setattr__(self, name, locked(getattr(self, name)))
        object.__setattr__(self, "scales", MappingProxyType(dict(self.scales)))

    @property
    def annotated(self) -> Bool[ndarray, "frame joint"]:
        """Which joints have a label."""
        return ~rows_with_nan(self.labels)

    @property
    def found(self) -> Bool[ndarray, "frame joint"]:
        """Which joints have a label and were found."""
        return self.annotated & ~rows_with_nan(self.predictions)

    def predicted(
        self, predictions: Float[ndarray, "frame joint 2"], *, made_by: str
    ) -> "LimbFrames":
        """Return the same frames with another prediction: of a baseline, or another method."""
        return replace(self, predictions=predictions, made_by=made_by)


@dataclass(frozen=True, eq=False, slots=True)
class FrameClips:
    """Which frames make up which test clip.

    Args:
        rows: (clip, frame), rows of the frames given, in time's order.
        left_out: frames that are in no clip: what is left at the end of a run of frames.
    """

    rows: Int[ndarray, "clip frame"]
    left_out: int


def cut_clips(identifiers: Sequence[str], *, length: int = CLIP_FRAMES) -> FrameClips:
    """Cut the annotated frames of each video into clips that do not overlap.

    Two annotated frames are consecutive where they are as far apart as most neighbours in the
    annotation of their video are (the shorter step where two are as frequent). A clip never
    reaches across a gap: frames after it begin a clip of their own.

    Raises:
        StudyError: an identifier is not that of a frame.

    Example:
        >>> cut = cut_clips(["a#0", "a#5", "a#10", "a#15", "a#30", "a#35", "a#40"])
        >>> cut.rows.tolist(), cut.left_out
        ([[0, 1, 2], [4, 5, 6]], 1)
    """
    videos: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for row, name in enumerate(identifiers):
        parts = parse_frame_name(name)
        if parts is None:
            raise StudyError(f"{name!r} is not the name of a frame, such as 'infant01#120'")
        videos[parts[0]].append((parts[1], row))
    made = [
        rows[start : start + length]
        for name in sorted(videos)
        for rows in _runs(sorted(videos[name]))
        for start in range(0, len(rows) - length + 1, length)
    ]
    rows = np.array(made, dtype=int).reshape(-1, length)
    return FrameClips(rows, len(identifiers) - rows.size)


def _runs(video: list[tuple[int, int]]) -> list[list[int]]:
    """Rows of a video's frames, cut where two neighbours are not the usual step apart."""
    steps = [after[0] - before[0] for before, after in pairwise(video)]
    counts = Counter(steps)
    usual = min(counts, key=lambda step: (-counts[step], step), default=0)
    runs = [[video[0][1]]]
    for step, (_, row) in zip(steps, video[1:], strict=True):
        if step != usual:
            runs.append([])
        runs[-1].append(row)
    return runs
