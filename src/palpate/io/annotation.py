"""What every annotation format is read into and written from.

A reader takes a path and returns an :class:`AnnotationFile`; a writer takes both. Coordinates
are always pixels with index 0 at the *centre* of the first pixel: a reader of a format with
another origin (corner of the first pixel, y upwards) converts, and says so in its docstring.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from palpate.errors import SchemeError
from palpate.points import Points
from palpate.scheme import LandmarkScheme


@dataclass(frozen=True, slots=True)
class AnnotatedImage:
    """One annotator's points of one image.

    Args:
        image: file name as the annotation gives it.
        points: in pixels.
        subject: empty where the format does not say.
        annotator: empty where the format does not say.
        group: view or class; empty where the format does not say.
        split: part of the study ('train', 'test', ...); empty where the format does not say.
        size: (width, height) in px where the format says it.
        line: where it stands in the file, from 1, for messages.
    """

    image: str
    points: Points
    subject: str = ""
    annotator: str = ""
    group: str = ""
    split: str = ""
    size: tuple[int, int] | None = None
    line: int | None = None


@dataclass(frozen=True, slots=True)
class AnnotationFile:
    """All annotations of one file over one scheme.

    Raises:
        SchemeError: a row has points of another scheme.
    """

    scheme: LandmarkScheme
    rows: tuple[AnnotatedImage, ...]

    def __post_init__(self) -> None:
        for row in self.rows:
            if row.points.scheme.names != self.scheme.names:
                raise SchemeError(f"points of {row.image!r} have other landmarks than the file")


Reader = Callable[[Path], AnnotationFile]
Writer = Callable[[AnnotationFile, Path], None]
