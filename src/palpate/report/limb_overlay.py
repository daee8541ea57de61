"""Limbs drawn on a frame as they are linked: the body's right and left differ in three ways.

Right limbs are drawn in orange with discs, left ones in white along a dark core with squares; what
is on neither side is yellow. A limb that is not linked throughout is dashed. The surer a link, the
more opaque its line; the same holds for a joint.
"""

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from jaxtyping import Float, UInt8
from numpy import ndarray

from palpate.affine import Affine
from palpate.errors import GeometryError
from palpate.linking.limbs import Limb, limbs_of
from palpate.linking.pose import LinkedPose
from palpate.scheme import LandmarkScheme

Side = Literal["right", "left", "neither"]
Colour = tuple[int, int, int]

COLOURS: dict[Side, Colour] = {
    "right": (255, 122, 48),
    "left": (255, 255, 255),
    "neither": (255, 226, 92),
}
_HALO: Colour = (16, 16, 20)
_BITS = 4  # OpenCV draws in fixed point; an integer coordinate is the centre of a pixel
_FAINTEST = 0.35
_DASH = 5.0  # widths that a dash is long, and a gap
_FARTHEST = 2**24  # far outside the frame: a coordinate must still fit OpenCV's integers


@dataclass(frozen=True, slots=True)
class _Pen:
    colour: Colour
    side: Side
    width: int
    dashed: bool


def draw_limbs(
    picture: UInt8[ndarray, "y x 3"], pose: LinkedPose, scheme: LandmarkScheme
) -> UInt8[ndarray, "y x 3"]:
    """Return the picture with the links and joints of one body drawn on it.

    Args:
        picture: RGB.
        pose: in px of this picture; what was not found is not drawn, nor what was not linked.
        scheme: of the joints; its edges are the connections.

    Raises:
        GeometryError: a pose of another number of joints or connections than the scheme has.
    """
    if len(pose.coordinates) != len(scheme) or len(pose.links) != len(scheme.edges):
        raise GeometryError(
            f"scheme {scheme.name!r} has {len(scheme)} joints and {len(scheme.edges)} connections, "
            f"the pose {len(pose.coordinates)} and {len(pose.links)}"
        )
    canvas = picture.copy()
    width = max(2, round(max(picture.shape) / 220))
    for limb in limbs_of(scheme):
        side = side_of(limb, scheme)
        dashed = not bool(pose.linked[list(limb.edges)].all())
        pen = _Pen(COLOURS[side], side, width, dashed)
        for edge in limb.edges:
            if pose.links[edge] > 0:
                ends = pose.coordinates[scheme.indices(list(scheme.edges[edge]))]
                _link(canvas, ends, pen, float(pose.links[edge]))
    for joint in np.flatnonzero(pose.found):
        side = side_of_name(scheme, int(joint))
        _joint(canvas, pose.coordinates[joint], _Pen(COLOURS[side], side, width, False),
               float(pose.score[joint]))  # fmt: skip
    return canvas


def side_of(limb: Limb, scheme: LandmarkScheme) -> Side:
    """Return the side of the body that a limb is on: that of all of its joints.

    Example:
        >>> scheme = LandmarkScheme("arm", ("left_elbow", "left_wrist"), (),
        ...     (("left_elbow", "left_wrist"),))
        >>> side_of(limbs_of(scheme)[0], scheme)
        'left'
    """
    sides = {side_of_name(scheme, joint) for joint in limb.joints}
    return sides.pop() if len(sides) == 1 else "neither"


def side_of_name(scheme: LandmarkScheme, joint: int) -> Side:
    """Return the side that a joint's name says, as a word of it: ``right_knee``, ``knee_l``."""
    words = scheme.names[joint].lower().replace("-", "_").replace(" ", "_").split("_")
    if "right" in words or words[-1] == "r":
        return "right"
    if "left" in words or words[-1] == "l":
        return "left"
    return "neither"


def moved_pose(pose: LinkedPose, affine: Affine) -> LinkedPose:
    """Return a pose with positions and covariances mapped, for a picture of another size."""
    return LinkedPose(
        affine(pose.coordinates),
        affine.covariance(pose.covariance),
        pose.score,
        pose.links,
        pose.others,
    )


def _link(
    canvas: UInt8[ndarray, "y x 3"], ends: Float[ndarray, "2 2"], pen: _Pen, score: float
) -> None:
    if not np.isfinite(ends).all():
        return
    low = np.floor(ends.min(axis=0)) - 4 * pen.width
    high = np.ceil(ends.max(axis=0)) + 4 * pen.width
    part = _part(canvas, low, high)
    if part is None:
        return
    window, corner = part
    drawn = window.copy()
    pieces = _dashes(ends - corner, _DASH * pen.width) if pen.dashed else [ends - corner]
    for width, colour in _strokes(pen):
        for piece in pieces:
            cv2.line(drawn, _fixed(piece[0]), _fixed(piece[1]), colour, width, cv2.LINE_AA, _BITS)
    _blend(window, drawn, score)


def _strokes(pen: _Pen) -> list[tuple[int, Colour]]:
    """Widths and colours of one line, the lowest first; a left one has a dark core."""
    strokes = [(pen.width + 2, _HALO), (pen.width, pen.colour)]
    return [*strokes, (max(1, pen.width // 3), _HALO)] if pen.side == "left" else strokes


def _dashes(ends: Float[ndarray, "2 2"], period: float) -> list[Float[ndarray, "2 2"]]:
    """Pieces of a line that begin and end with a dash, about as long as the gaps."""
    length = float(np.linalg.norm(ends[1] - ends[0]))
    count = 2 * min(200, max(1, round(length / (2 * period)))) + 1
    along = np.linspace(0.0, 1.0, count + 1)[:, None]
    corners = ends[0] + along * (ends[1] - ends[0])
    return [corners[k : k + 2] for k in range(0, count, 2)]


def _joint(
    canvas: UInt8[ndarray, "y x 3"], centre: Float[ndarray, " 2"], pen: _Pen, score: float
) -> None:
    radius = 1.5 * pen.width
    part = _part(canvas, np.floor(centre) - 3 * radius, np.ceil(centre) + 3 * radius)
    if part is None:
        return
    window, corner = part
    drawn, here = window.copy(), centre - corner
    for grown, colour in ((radius + 1.5, _HALO), (radius, pen.colour)):
        if pen.side == "left":
            low, high = _fixed(here - 0.85 * grown), _fixed(here + 0.85 * grown)
            cv2.rectangle(drawn, low, high, colour, -1, cv2.LINE_AA, _BITS)
        else:
            size = round(grown * 2**_BITS)
            cv2.circle(drawn, _fixed(here), size, colour, -1, cv2.LINE_AA, _BITS)
    _blend(window, drawn, score)


def _part(
    canvas: UInt8[ndarray, "y x 3"], low: Float[ndarray, " 2"], high: Float[ndarray, " 2"]
) -> tuple[UInt8[ndarray, "height width 3"], Float[ndarray, " 2"]] | None:
    """The window of the picture between two corners, and its own corner; None: outside."""
    size = np.array(canvas.shape[1::-1], dtype=float)
    left, top = (int(v) for v in np.clip(low, 0, size))
    right, bottom = (int(v) for v in np.clip(high + 1, 0, size))
    if right <= left or bottom <= top:
        return None
    return canvas[top:bottom, left:right], np.array([left, top], dtype=float)


def _blend(
    window: UInt8[ndarray, "height width 3"], drawn: UInt8[ndarray, "height width 3"], score: float
) -> None:
    """Lay what was drawn over the window, the more opaque the surer."""
    share = _FAINTEST + (1.0 - _FAINTEST) * score
    window[:] = cv2.addWeighted(drawn, share, np.ascontiguousarray(window), 1.0 - share, 0.0)


def _fixed(point: Float[ndarray, " 2"]) -> tuple[int, int]:
    x, y = np.clip(np.round(point * 2**_BITS), -_FARTHEST, _FARTHEST).astype(int)
    return int(x), int(y)
