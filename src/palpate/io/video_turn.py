"""How the pictures of a video are turned before they are shown: phones film as they are held."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt8
from numpy import ndarray

from palpate.errors import FormatError

# Within this of a quarter turn it is one, in degrees; the file keeps the angle as its sine and
# cosine.
_NEAR_DEG = 1.0


@dataclass(frozen=True, slots=True)
class Turn:
    """A picture as stored is mirrored left to right, where it is, and then turned clockwise.

    Args:
        rotation_deg: clockwise: 0, 90, 180 or 270.
        mirrored: left and right change places first.

    Example:
        >>> stored = np.array([[1, 2], [3, 4]], dtype=np.uint8)[..., None].repeat(3, axis=2)
        >>> Turn(90).shown(stored)[..., 0].tolist()
        [[3, 1], [4, 2]]
    """

    rotation_deg: int = 0
    mirrored: bool = False

    def shown(self, stored: UInt8[ndarray, "y x 3"]) -> UInt8[ndarray, "shown_y shown_x 3"]:
        """Return a picture as it is meant to be seen."""
        if self.mirrored:
            stored = stored[:, ::-1]
        return np.ascontiguousarray(np.rot90(stored, k=-self.rotation_deg // 90))

    def shown_size(self, width: int, height: int) -> tuple[int, int]:
        """Return (width, height) after the turn."""
        return (height, width) if self.rotation_deg % 180 else (width, height)

    def shown_aspect(self, stored: float) -> float:
        """Return the width of a pixel by its height after the turn."""
        return 1 / stored if self.rotation_deg % 180 else stored


def turn_of(path: Path, frame: Any) -> Turn:
    """Read the display matrix of one of PyAV's frames.

    Raises:
        FormatError: an angle that is no multiple of 90 degrees.

    Source:
        ISO/IEC 14496-12, 6.2.2: (x, y) is shown at (a x + c y, b x + d y), y downwards.
    """
    try:
        found = frame.side_data.get("DISPLAYMATRIX")
    except ValueError:  # the frame carries data of a kind newer than this PyAV
        return _quarter_turn(path, -float(frame.rotation), mirrored=False)
    if found is None:
        return Turn()
    a, b, _, c, d, *_ = np.frombuffer(bytes(found), dtype=np.int32).astype(float)
    clockwise = float(np.degrees(np.arctan2(-c, d)))
    return _quarter_turn(path, clockwise, mirrored=bool(a * d - b * c < 0))


def _quarter_turn(path: Path, clockwise: float, *, mirrored: bool) -> Turn:
    quarters = round(clockwise / 90)
    if abs(clockwise - 90 * quarters) > _NEAR_DEG:
        raise FormatError(
            path,
            f"is to be shown turned by {clockwise:.0f} degrees; only quarter turns are read: "
            "save it upright",
        )
    return Turn(quarters % 4 * 90, mirrored)
