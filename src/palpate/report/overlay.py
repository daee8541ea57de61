"""Landmarks drawn on the image, for a PNG beside a prediction."""

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import Float, UInt8
from numpy import ndarray
from PIL import Image as Pillow

from palpate.errors import GeometryError
from palpate.files import write_bytes
from palpate.points import Points
from palpate.prediction import Prediction
from palpate.report.ellipse import uncertainty_ellipse
from palpate.report.picture import to_uint8

Edges = Sequence[tuple[str, str]]
Colour = tuple[int, int, int]

# Blue and yellow are told apart by every common kind of colour vision; shapes differ as well.
PREDICTED: Colour = (76, 201, 240)
TRUE: Colour = (255, 209, 102)
ERROR: Colour = (255, 107, 107)

_BITS = 4  # OpenCV draws in fixed point; an integer coordinate is the centre of a pixel


def draw_overlay(
    image: ndarray, prediction: Prediction, truth: Points | None = None, *, edges: Edges
) -> UInt8[ndarray, "y x 3"]:
    """Draw predicted circles with their 90 % ellipses, true crosses and the lines between.

    Args:
        image: grey (y, x): uint8, float in [0, 1], or anything else from its least to greatest;
            or colour (y, x, 3), uint8.
        prediction: in pixels of this image, two-dimensional; what was not found is not drawn.
        truth: drawn as crosses joined with their prediction; None where there is none.
        edges: pairs of names joined by lines in the prediction.

    Raises:
        GeometryError: not such an image, or landmarks in another frame or of three dimensions.
        SchemeError: an edge names an unknown landmark.
    """
    for what in (prediction, truth):
        if what is not None and (what.scheme.dimension != 2 or what.frame != "pixel"):
            raise GeometryError(
                "an overlay needs two-dimensional landmarks in pixels, got "
                f"{what.scheme.dimension} dimensions in {what.frame}"
            )
    canvas = _canvas(image)
    mean, radius = prediction.mean, max(2.0, max(canvas.shape) / 200)
    for first, second in edges:
        ends = mean[prediction.scheme.indices([first, second])]
        if np.isfinite(ends).all():
            _line(canvas, ends, PREDICTED)
    if truth is not None:
        for k in np.flatnonzero(truth.present):
            if prediction.found[k]:
                _line(canvas, np.stack([mean[k], truth.coordinates[k]]), ERROR)
            _cross(canvas, truth.coordinates[k], radius)
    for k in np.flatnonzero(prediction.found):
        _landmark(canvas, mean[k], prediction.covariance[k], radius)
    return canvas


def _canvas(image: ndarray) -> UInt8[ndarray, "y x 3"]:
    if image.ndim == 3 and image.shape[2] == 3 and image.dtype == np.uint8:
        return image.copy()
    return np.ascontiguousarray(np.repeat(to_uint8(image)[:, :, None], 3, axis=2))


def write_overlay(
    path: Path,
    image_grey: ndarray,
    prediction: Prediction,
    truth: Points | None = None,
    *,
    edges: Edges,
) -> None:
    """Write :func:`draw_overlay` as a PNG.

    Raises:
        OutputError: it cannot be written; nothing half-written is left.
    """
    stream = BytesIO()
    overlay = draw_overlay(image_grey, prediction, truth, edges=edges)
    Pillow.fromarray(overlay).save(stream, format="PNG")
    write_bytes(path, stream.getvalue())


def _fixed(point: Float[ndarray, " 2"]) -> tuple[int, int]:
    # far outside the image: a coordinate must still fit OpenCV's integers
    x, y = np.clip(np.round(point * 2**_BITS), -(2**24), 2**24).astype(int)
    return int(x), int(y)


def _line(canvas: UInt8[ndarray, "y x 3"], ends: Float[ndarray, "2 2"], colour: Colour) -> None:
    width = max(1, round(max(canvas.shape) / 900))
    cv2.line(canvas, _fixed(ends[0]), _fixed(ends[1]), colour, width, cv2.LINE_AA, _BITS)


def _cross(canvas: UInt8[ndarray, "y x 3"], centre: Float[ndarray, " 2"], radius: float) -> None:
    for step in (np.array([radius, radius]), np.array([radius, -radius])):
        _line(canvas, np.stack([centre - step, centre + step]), TRUE)


def _landmark(
    canvas: UInt8[ndarray, "y x 3"],
    centre: Float[ndarray, " 2"],
    covariance: Float[ndarray, "2 2"],
    radius: float,
) -> None:
    ellipse = uncertainty_ellipse(covariance)
    if ellipse.major > 0.5:
        turn = np.radians(ellipse.degrees)
        axes = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
        angle = np.linspace(0, 2 * np.pi, 49)[:, None]
        circle = np.concatenate([ellipse.major * np.cos(angle), ellipse.minor * np.sin(angle)], 1)
        outline = np.array([_fixed(point) for point in centre + circle @ axes], dtype=np.int32)
        cv2.polylines(canvas, [outline], True, PREDICTED, 1, cv2.LINE_AA, _BITS)
    cv2.circle(canvas, _fixed(centre), round(radius * 2**_BITS), PREDICTED, 1, cv2.LINE_AA, _BITS)
    cv2.circle(canvas, _fixed(centre), 2 ** (_BITS - 1), PREDICTED, -1, cv2.LINE_AA, _BITS)
