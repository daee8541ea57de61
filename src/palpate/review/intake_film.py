"""What a store must know of a film or clip before anybody looks at it, without its pixels."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from palpate.errors import FormatError
from palpate.files import sha256
from palpate.image import Calibration
from palpate.io.depth import DepthClip, DepthSettings, open_depth
from palpate.io.dicom import read_dicom_calibration, read_dicom_header
from palpate.io.images import is_dicom, read_size
from palpate.io.video import open_video

Source = Literal["raster", "dicom", "video", "depth"]


@dataclass(frozen=True, slots=True)
class FilmFacts:
    """One film or clip.

    Args:
        source: how it is read.
        size: (width, height) in px.
        digest: SHA-256 of the file; of a folder of frames, of their names and digests.
        frames: of a clip; 1 of an image.
        calibration: as the file gives it; None where it does not.
        numbers: what the frames are called in annotation, of a depth clip whose frames are not
            called by their place; empty elsewhere.
    """

    source: Source
    size: tuple[int, int]
    digest: str
    frames: int = 1
    calibration: Calibration | None = None
    numbers: tuple[int, ...] = ()

    def index_of(self, number: int) -> int | None:
        """Place of the frame of a number; None where there is no such frame."""
        if self.numbers:
            return self.numbers.index(number) if number in self.numbers else None
        return number if 0 <= number < self.frames else None


def still_facts(path: Path) -> FilmFacts:
    """Return what is known of an image; DICOM of several frames is a clip.

    Raises:
        FormatError: it is missing, damaged or of another kind.
    """
    if is_dicom(path):
        header = read_dicom_header(path)
        calibration = read_dicom_calibration(path)
        return FilmFacts("dicom", header.size, sha256(path), header.frames, calibration)
    return FilmFacts("raster", read_size(path), sha256(path))


def clip_facts(path: Path, depth: DepthSettings | None = None) -> FilmFacts:
    """Return what is known of a clip; ``depth`` says that it is of a depth camera.

    Raises:
        FormatError: it is missing, damaged or of another kind.
    """
    if depth is None:
        video = open_video(path)
        return FilmFacts("video", video.size, sha256(path), video.frames)
    clip = open_depth(path, depth)
    numbers = frame_numbers(clip)
    return FilmFacts("depth", clip.size, _digest(clip), clip.frames, None, numbers)


def frame_numbers(clip: DepthClip) -> tuple[int, ...]:
    """What the frames of a depth clip are called; empty where each is called by its place."""
    numbers = tuple(clip.numbers.tolist())
    return () if numbers == tuple(range(clip.frames)) else numbers


def _digest(clip: DepthClip) -> str:
    """Of a file its own; of a folder that of a list of its frames."""
    if clip.path.is_file():
        return sha256(clip.path)
    if not clip.files:
        raise FormatError(clip.path, "is a folder without frames")
    lines = "".join(f"{file.name} {sha256(file)}\n" for file in sorted(clip.files))
    return hashlib.sha256(lines.encode()).hexdigest()
