"""Pixels, and what is known of their size in millimetres and of where that knowledge is from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

import numpy as np
from numpy import ndarray

from palpate.affine import Affine
from palpate.errors import GeometryError

Axes = Literal["yx", "tyx", "zyx"]
CalibrationSource = Literal["dicom", "ruler", "marker", "user"]


@dataclass(frozen=True, slots=True)
class Calibration:
    """Millimetres per pixel along (x, y[, z]) and where the number is from.

    Args:
        spacing_mm: distance of pixel centres along x, y (and z).
        source: who says so.
        plane: ``patient`` where magnification is corrected, ``detector`` where it is not.
        detail: the DICOM tags, the ruler, the person.

    Raises:
        GeometryError: a spacing is not positive and finite.
    """

    spacing_mm: tuple[float, ...]
    source: CalibrationSource
    plane: Literal["patient", "detector"] = "patient"
    detail: str = ""

    def __post_init__(self) -> None:
        if not all(np.isfinite(s) and s > 0 for s in self.spacing_mm):
            raise GeometryError(
                f"pixel spacing must be positive, got {self.spacing_mm}; "
                "leave it out where it is not known"
            )


@dataclass(frozen=True, eq=False, slots=True)
class Image:
    """Pixels as they were given, with their axes and their calibration.

    Args:
        pixels: (channel, then the axes), uint8, uint16, int16 or float32; bright is dense.
        identifier: the image's name in its study; never a path of this machine.
        axes: the meaning of the axes after the channel.
        calibration: None where not known; never 'spacing 1'.
        laterality: 'L', 'R', 'B' or None, as DICOM's ImageLaterality.
        region: the part to look at, (x, y, width, height) in px; None is the whole image. Points
            are in pixels of the whole image all the same.
        provenance: tags worth keeping, as text.

    Raises:
        GeometryError: rank, size or content do not fit.
    """

    pixels: ndarray
    identifier: str
    axes: Axes = "yx"
    calibration: Calibration | None = None
    laterality: str | None = None
    provenance: Mapping[str, str] = field(default_factory=dict)
    region: tuple[int, int, int, int] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "provenance", MappingProxyType(dict(self.provenance)))
        if self.pixels.ndim != len(self.axes) + 1:
            raise GeometryError(
                f"image {self.identifier!r}: axes {self.axes!r} need pixels of rank "
                f"{len(self.axes) + 1} (channel first), got shape {self.pixels.shape}"
            )
        if 0 in self.pixels.shape:
            raise GeometryError(f"image {self.identifier!r} is empty: shape {self.pixels.shape}")
        spatial = len(self.axes.replace("t", ""))
        if self.calibration is not None and len(self.calibration.spacing_mm) != spatial:
            raise GeometryError(f"image {self.identifier!r} needs {spatial} spacings")
        if self.region is not None:
            self._refuse_outside(self.region)
        view = self.pixels.view()
        view.flags.writeable = False
        object.__setattr__(self, "pixels", view)

    def _refuse_outside(self, region: tuple[int, int, int, int]) -> None:
        x, y, width, height = region
        across, down = self.size[:2]
        if width < 1 or height < 1 or x < 0 or y < 0 or x + width > across or y + height > down:
            raise GeometryError(
                f"image {self.identifier!r}: the region {region} (x, y, width, height) is not "
                f"inside its {across} x {down} px"
            )

    @property
    def size(self) -> tuple[int, ...]:
        """Number of pixels along (x, y[, z])."""
        spatial = len(self.axes.replace("t", ""))
        return tuple(reversed(self.pixels.shape[-spatial:]))

    def to_mm(self) -> Affine | None:
        """Return the map from pixels to millimetres, or None where not calibrated."""
        if self.calibration is None:
            return None
        return Affine.scaling(self.calibration.spacing_mm, source="pixel", target="mm")

    def grey(self) -> ndarray:
        """Return one float32 channel in [0, 1]: the mean of the channels over the value range."""
        pixels = self.pixels.astype(np.float32).mean(axis=0)
        if self.pixels.dtype == np.uint8:
            return pixels / np.float32(255.0)
        low, high = float(pixels.min()), float(pixels.max())
        return (pixels - np.float32(low)) / np.float32(max(high - low, 1e-6))
