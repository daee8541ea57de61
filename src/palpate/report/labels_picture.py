"""A crop of an image with its labels in one colour and its prediction in another."""

import base64
from collections.abc import Sequence
from io import BytesIO

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

from palpate.report.overlay import ERROR, PREDICTED, TRUE

SIDE = 420
# A crop is no narrower than this share of the image, and leaves so much around its points.
_LEAST, _AROUND = 0.22, 0.35
# Of several annotators: the one in question is yellow, the others green.
_OTHER = (140, 220, 120)
_MOST_NAMED = 6


def label_crop(
    grey: ndarray,
    labels: Sequence[Float[ndarray, "landmark 2"]],
    predicted: Float[ndarray, "landmark 2"] | None,
    names: Sequence[str],
    marked: Sequence[int],
) -> str:
    """Return a JPEG data address of the part of an image where labels are in question.

    Args:
        grey: (y, x), of any range.
        labels: crosses; the first in yellow, those of other annotators in green.
        predicted: blue circles; None where there is no prediction.
        names: of the landmarks.
        marked: rows in question: drawn large, named, and joined with their prediction.
    """
    points = [own[list(marked)] for own in labels]
    if predicted is not None:
        points.append(predicted[list(marked)])
    low, high = _box(np.concatenate(points), grey.shape)
    fit = SIDE / float((high - low).max())
    picture = _cut(grey, low, high, fit)
    draw = ImageDraw.Draw(picture)

    def place(point: Float[ndarray, " 2"]) -> tuple[float, float]:
        x, y = (point + 0.5 - low) * fit
        return float(x), float(y)

    for k in range(len(names)):
        known = k in marked
        end = None if predicted is None or np.isnan(predicted[k]).any() else place(predicted[k])
        for i, own in enumerate(labels):
            if not np.isnan(own[k]).any():
                colour = TRUE if i == 0 else _OTHER
                if known and end is not None and i == 0:
                    draw.line((*place(own[k]), *end), fill=ERROR, width=1)
                _cross(draw, place(own[k]), 7 if known else 3, colour)
        if end is not None:
            radius = 6 if known else 3
            x, y = end
            draw.ellipse(
                (x - radius, y - radius, x + radius, y + radius), outline=PREDICTED, width=2
            )
    _name(draw, [(names[k], place(labels[0][k])) for k in marked if _there(labels, k)])
    stream = BytesIO()
    picture.save(stream, "JPEG", quality=85)
    return "data:image/jpeg;base64," + base64.b64encode(stream.getvalue()).decode("ascii")


def _there(labels: Sequence[Float[ndarray, "landmark 2"]], k: int) -> bool:
    return bool(labels) and not np.isnan(labels[0][k]).any()


def _box(
    points: Float[ndarray, "n 2"], shape: tuple[int, ...]
) -> tuple[Float[ndarray, " 2"], Float[ndarray, " 2"]]:
    """A square around the points, inside the image as far as that goes; corners from (0, 0)."""
    size = np.array([shape[1], shape[0]], dtype=float)
    there = points[~np.isnan(points).any(axis=1)]
    if not len(there):
        return np.zeros(2), size
    low, high = there.min(axis=0), there.max(axis=0)
    side = max(float((high - low).max()) * (1.0 + 2.0 * _AROUND), _LEAST * float(size.max()))
    half = np.minimum(np.full(2, side), size) / 2.0
    middle = np.clip((low + high) / 2.0 + 0.5, half, np.maximum(size - half, half))
    return middle - half, middle + half


def _cut(
    grey: ndarray, low: Float[ndarray, " 2"], high: Float[ndarray, " 2"], fit: float
) -> Pillow.Image:
    levels = np.nan_to_num(np.asarray(grey, dtype=float))
    x0, y0 = np.floor(low).astype(int)
    x1, y1 = np.ceil(high).astype(int)
    part = levels[max(y0, 0) : y1, max(x0, 0) : x1]
    dark, bright = np.percentile(part if part.size else levels, (0.5, 99.5))
    stretched = np.clip((levels - dark) / max(float(bright - dark), 1e-9), 0.0, 1.0)
    image = Pillow.fromarray(np.rint(255 * stretched).astype(np.uint8))
    width, height = np.maximum(np.rint((high - low) * fit), 1).astype(int).tolist()
    box = (float(low[0]), float(low[1]), float(high[0]), float(high[1]))
    return image.resize((width, height), Pillow.Resampling.BICUBIC, box=box).convert("RGB")


def _cross(
    draw: ImageDraw.ImageDraw, place: tuple[float, float], radius: int, colour: tuple[int, int, int]
) -> None:
    x, y = place
    draw.line((x - radius, y - radius, x + radius, y + radius), fill=colour, width=2)
    draw.line((x - radius, y + radius, x + radius, y - radius), fill=colour, width=2)


def _name(draw: ImageDraw.ImageDraw, named: Sequence[tuple[str, tuple[float, float]]]) -> None:
    font = ImageFont.load_default(13)
    for name, (x, y) in named[:_MOST_NAMED]:
        width = draw.textlength(name, font=font)
        left = x + 9 if x + 9 + width < SIDE else x - 9 - width
        draw.text((left + 1, y - 17), name, fill=(0, 0, 0), font=font)
        draw.text((left, y - 18), name, fill=TRUE, font=font)
