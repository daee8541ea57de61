"""Grey images as bytes that a page or a file can hold."""

import base64
from io import BytesIO

import numpy as np
from jaxtyping import UInt8
from numpy import ndarray
from PIL import Image as Pillow

from palpate.errors import GeometryError


def to_uint8(grey: ndarray) -> UInt8[ndarray, "y x"]:
    """Return a grey image as bytes: uint8 as it is, floats in [0, 1] times 255, else min to max.

    Raises:
        GeometryError: not one grey channel (y, x), or empty.

    Example:
        >>> to_uint8(np.array([[0.0, 1.0]])).tolist()
        [[0, 255]]
    """
    if grey.ndim != 2 or grey.size == 0:
        raise GeometryError(f"an overlay needs a grey image (y, x), got shape {grey.shape}")
    if grey.dtype == np.uint8:
        return grey
    values = np.nan_to_num(grey.astype(np.float64))
    low, high = float(values.min()), float(values.max())
    if not (np.issubdtype(grey.dtype, np.floating) and low >= 0 and high <= 1):
        values = (values - low) / max(high - low, 1e-12)
    return np.round(255 * values).astype(np.uint8)


def jpeg_uri(grey: ndarray, *, longest: int = 720) -> str:
    """Return a grey image as a JPEG data address, shrunk to at most ``longest`` pixels a side."""
    picture = Pillow.fromarray(to_uint8(grey))
    scale = longest / max(picture.size)
    if scale < 1:
        size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
        picture = picture.resize(size, Pillow.Resampling.LANCZOS)
    stream = BytesIO()
    picture.save(stream, format="JPEG", quality=80)
    return "data:image/jpeg;base64," + base64.b64encode(stream.getvalue()).decode("ascii")
