"""One image of a study, or one frame of a clip, without its pixels."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from palpate.errors import StudyError
from palpate.image import Calibration
from palpate.points import Points
from palpate.sample import agreed


@dataclass(frozen=True, slots=True)
class ClipFrame:
    """Where in a clip a case is from.

    Args:
        clip: name of the clip in its study: a trial.
        frame: number of the frame, from 0, in the order of presentation; of a depth clip the
            number in its file's name, so that a missing frame leaves a gap.
        time_s: of the frame, from the start of the clip.
        size: (width, height) of the clip in px.
        region: the part to look at, (x, y, width, height) in px; None is the whole frame.
        interpolated: names of the landmarks that nobody annotated here: they lie between those
            of annotated frames.
    """

    clip: str
    frame: int
    time_s: float
    size: tuple[int, int]
    region: tuple[int, int, int, int] | None = None
    interpolated: frozenset[str] = frozenset()


@dataclass(frozen=True, eq=False, slots=True)
class StudyCase:
    """One image of a study, or one frame of a clip, without its pixels.

    Args:
        identifier: file name relative to the folder of images, with forward slashes, and for a
            frame of a clip its number behind a ``#``; unique.
        path: where the file is on this machine; never written into a result.
        subject: the unit of every split; never empty.
        group: a view or a class; may be empty.
        split: part that the annotation names for it; may be empty.
        annotations: annotator -> points.
        reference: the agreed truth where the study has one.
        calibration: as the study gives it, else as the file does; None where neither does.
        clip: for a frame of a clip, which one; None for an image.
    """

    identifier: str
    path: Path
    subject: str
    group: str = ""
    split: str = ""
    annotations: Mapping[str, Points] = field(default_factory=dict)
    reference: Points | None = None
    calibration: Calibration | None = None
    clip: ClipFrame | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "annotations", MappingProxyType(dict(self.annotations)))
        if not self.subject:
            raise StudyError(f"image {self.identifier!r} has no subject")

    @property
    def points(self) -> Points | None:
        """The reference, else the annotators' mean, or None when nobody annotated."""
        return agreed(self.annotations, self.reference)
