"""The film of a signed report: a small picture with the marks drawn over it."""

from base64 import b64encode
from dataclasses import dataclass
from io import BytesIO

import numpy as np
from jaxtyping import UInt8
from numpy import ndarray
from PIL import Image as Pillow

from palpate.review.frozen import FrozenReport
from palpate.scheme import LandmarkScheme
from palpate.serve.web.film import Film

# px: what a sheet of paper shows.
LONGEST = 1000


@dataclass(frozen=True, slots=True)
class Dot:
    """One mark, in px of the small picture from its corner."""

    name: str
    x: float
    y: float
    state: str
    origin: str


@dataclass(frozen=True, slots=True)
class ReportFilm:
    """A small picture and what is drawn over it.

    Args:
        frame: of a clip.
        uri: of the picture.
        width: in px.
        height: in px.
        lines: (x1, y1, x2, y2) of the edges whose ends are marked.
        dots: the marks.
    """

    frame: int
    uri: str
    width: int
    height: int
    lines: tuple[tuple[float, float, float, float], ...]
    dots: tuple[Dot, ...]


def report_film(
    film: Film,
    report: FrozenReport,
    scheme: LandmarkScheme,
    frame: int,
    spacing_mm: tuple[float, ...] | None = None,
) -> ReportFilm:
    """Return a frame as it is printed.

    Args:
        film: its values.
        report: with the marks.
        scheme: with the edges.
        frame: of a clip; 0 of an image.
        spacing_mm: mm for each px across and down, so that what is round looks round.
    """
    picture = Pillow.fromarray(_shown(film))
    wide, high = (1.0, 1.0) if spacing_mm is None else spacing_mm[:2]
    true = (picture.width * wide / min(wide, high), picture.height * high / min(wide, high))
    scale = min(1.0, LONGEST / max(true))
    size = (max(1, round(true[0] * scale)), max(1, round(true[1] * scale)))
    stream = BytesIO()
    picture.resize(size, Pillow.Resampling.BOX).save(stream, "PNG")
    uri = "data:image/png;base64," + b64encode(stream.getvalue()).decode("ascii")
    # Index 0 is the centre of the first pixel, half a pixel from the corner.
    across, down = size[0] / picture.width, size[1] / picture.height
    dots = {
        mark.landmark: Dot(
            mark.landmark,
            round((mark.x + 0.5) * across, 2),
            round((mark.y + 0.5) * down, 2),
            mark.state,
            mark.origin,
        )
        for mark in report.marks
        if mark.frame == frame and mark.x is not None and mark.y is not None
    }
    lines = tuple(
        (dots[a].x, dots[a].y, dots[b].x, dots[b].y)
        for a, b in scheme.edges
        if a in dots and b in dots
    )
    return ReportFilm(frame, uri, *size, lines, tuple(dots.values()))


def _shown(film: Film) -> UInt8[ndarray, "..."]:
    """Values through the window."""
    centre, width = film.window
    share = (film.values.astype(np.float32) - (centre - width / 2)) / width
    return np.rint(255 * np.clip(share, 0, 1)).astype(np.uint8)
