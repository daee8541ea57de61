"""A film with its landmarks and, beside it, its measurements in words: for viewers of pictures."""

import numpy as np
from jaxtyping import UInt8
from numpy import ndarray
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

from palpate.measurement import Report
from palpate.prediction import Prediction
from palpate.report.overlay import draw_overlay
from palpate.report.wording import line

_WORDS = (233, 236, 239)
# Of the film's height: readable on a screen that shows the whole picture.
_TEXT = 1 / 60
_LEAST_TEXT_PX = 11


def draw_capture(image: ndarray, prediction: Prediction, report: Report) -> UInt8[ndarray, "y x 3"]:
    """Draw the landmarks on the film, and write every measurement on a black strip beside it.

    Nothing of the film is covered by words. The picture says that nobody has signed it.

    Args:
        image: grey (y, x) or colour, as :func:`palpate.report.overlay.draw_overlay` takes it.
        prediction: in pixels of this image.
        report: its measurements.

    Raises:
        GeometryError: as of :func:`palpate.report.overlay.draw_overlay`.
    """
    drawn = draw_overlay(image, prediction, edges=prediction.scheme.edges)
    by = f"reviewed by {report.reviewed_by}" if report.reviewed_by else "not reviewed by a person"
    words = [f"{prediction.localiser}: {by}", "", *map(line, report.measurements)]
    size = max(_LEAST_TEXT_PX, round(drawn.shape[0] * _TEXT))
    font = ImageFont.load_default(size)
    # Many lines on a low film: smaller rather than cut off.
    room = drawn.shape[0] - size
    pitch = min(1.5 * size, room / len(words))
    font = font if pitch >= 1.2 * size else ImageFont.load_default(max(6.0, pitch / 1.2))
    width = round(max(font.getlength(text) for text in words)) + 2 * size
    strip = Pillow.new("RGB", (width, drawn.shape[0]))
    pen = ImageDraw.Draw(strip)
    for row, text in enumerate(words):
        pen.text((size, size / 2 + row * pitch), text, fill=_WORDS, font=font)
    return np.concatenate([drawn, np.asarray(strip)], axis=1)
