"""Posture over time: segment angles of every frame, how far they are from a reference, contact.

Works on plain arrays with the landmarks in the order of the protocol's scheme: ``arranged`` puts
those of another scheme in that order. What is measured is data, the ``[posture]`` table of
the protocol; here is only what a table cannot say.
"""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from palpate.arrays import rows_with_nan
from palpate.errors import ConfigError, GeometryError, StudyError
from palpate.protocols.formula import AngleToVertical
from palpate.protocols.posture_flags import Flags
from palpate.protocols.posture_table import PostureTable, Side
from palpate.protocols.protocol import Protocol
from palpate.protocols.scene import Line, Place
from palpate.scheme import LandmarkScheme

FORWARDS: Mapping[Side, float] = {"right": 1.0, "left": -1.0}

# A turn by exactly the threshold must not become 'more' in the last digit of an arctangent.
ROUNDING_DEG = 1e-9
# Directions that cancel to less than this have no mean: any answer would be rounding.
NO_MEAN = 1e-9


def posture_of(protocol: Protocol) -> PostureTable:
    """Return the protocol's posture table.

    Raises:
        ConfigError: it has none.
    """
    if protocol.posture is None:
        raise ConfigError(
            f"protocol {protocol.name!r} says nothing of posture over time: "
            "its file needs a [posture] table, as 'palpate protocols satco --toml' shows"
        )
    return protocol.posture


def arranged(
    protocol: Protocol, scheme: LandmarkScheme, coordinates: Float[ndarray, "frame given 2"]
) -> Float[ndarray, "frame landmark 2"]:
    """Put the landmarks of another scheme in the protocol's order; others are left out.

    Raises:
        SchemeError: the scheme lacks a landmark of the protocol.
    """
    return coordinates[:, scheme.indices(protocol.scheme.names)]


def segment_angles(
    protocol: Protocol, coordinates: Float[ndarray, "frame landmark 2"], facing: Side
) -> Float[ndarray, "frame segment"]:
    """Direction of every segment in every frame, in degrees, in (-180, 180].

    From the upright (image up) to the vector from the segment's first to its second place,
    positive towards the child's front. NaN where a landmark is absent, or where the two places
    coincide and there is no direction. Pixels are taken as square.

    Args:
        protocol: with a posture table.
        coordinates: px, in the order of the protocol's scheme; NaN where absent.
        facing: the side of the image that the child faces.

    Raises:
        ConfigError: the protocol has no posture table.
        GeometryError: not one row a landmark of the protocol.

    Source:
        Cunningham et al., R. Soc. Open Sci. 6:191011, 2019, section 2.7 and figure 1.

    Example:
        >>> from palpate.protocols.protocol import read_protocol
        >>> satco = read_protocol("satco")
        >>> child = [satco.drawings["child"][name] for name in satco.scheme.names]
        >>> angles = segment_angles(satco, np.array([child], dtype=float), "right")
        >>> round(float(angles[0, satco.posture.segments.index("pelvis")]), 4)
        43.6028
    """
    _check_shape(protocol, coordinates)
    columns = []
    for start, end in segment_lines(protocol):
        way = _position(protocol, coordinates, end) - _position(protocol, coordinates, start)
        angle = np.degrees(np.arctan2(FORWARDS[facing] * way[:, 0], -way[:, 1]))
        columns.append(np.where((way == 0.0).all(axis=1), np.nan, angle))
    angles = np.stack(columns, axis=1)
    # arctan2 gives -180 where x is -0.0.
    return np.where(angles == -180.0, 180.0, angles)


def segment_lines(protocol: Protocol) -> tuple[Line, ...]:
    """From where to where each segment runs, in the order of the posture table."""
    formulas = [protocol.quantity(name).formula for name in posture_of(protocol).segments]
    return tuple(formula.line for formula in formulas if isinstance(formula, AngleToVertical))


def difference(
    angles: Float[ndarray, "*frames segment"], reference: Float[ndarray, "*other segment"]
) -> Float[ndarray, "*frames segment"]:
    """How far each segment is turned from the reference, the short way, in (-180, 180].

    Positive where the segment's upper end turns towards the child's front, whichever end is
    named first. The trunk is named from above, so that upright its angle is at the seam of 180:
    only the difference reads well.

    Example:
        >>> difference(np.array([[-170.0]]), np.array([175.0])).tolist()
        [[15.0]]
    """
    turned = 180.0 - (180.0 - (angles - reference)) % 360.0
    # % gives 360 itself for a remainder that is negative by less than rounding.
    return np.where(turned == -180.0, 180.0, turned)


def mean_posture(angles: Float[ndarray, "frame segment"]) -> Float[ndarray, " segment"]:
    """Mean angle of each segment over all frames, in (-180, 180].

    The arithmetic mean of the angles, counted from their mean direction: an upright trunk lies
    at the seam, where 179 and -179 have a plain mean of 0, the trunk upside down. Away from the
    seam it is the plain mean, the paper's, and not the mean direction, which differs from that
    where angles are skewed. NaN for a segment that is never known, or whose directions cancel.

    Source:
        Cunningham et al. 2019, section 2.7: the reference is 'the mean posture over all levels
        and sessions, as defined by the labels'.

    Example:
        >>> mean_posture(np.array([[10.0, 179.0], [40.0, -177.0]])).tolist()
        [25.0, -179.0]
    """
    known = np.isfinite(angles)
    count = known.sum(axis=0)
    turns = np.exp(1j * np.radians(np.where(known, angles, 0.0)))
    resultant = np.where(known, turns, 0.0).sum(axis=0)
    has_mean = np.abs(resultant) > NO_MEAN * np.maximum(count, 1)
    middle = np.degrees(np.angle(resultant))
    offset = np.where(known, difference(angles, middle), 0.0).sum(axis=0) / np.maximum(count, 1)
    return np.where(has_mean, difference(middle + offset, np.zeros_like(middle)), np.nan)


def neutral_posture(
    angles: Float[ndarray, "frame segment"], frame: int
) -> Float[ndarray, " segment"]:
    """Angles of a frame that was marked as the neutral posture.

    Raises:
        GeometryError: there is no such frame, or a segment is not known in it.
    """
    if not 0 <= frame < len(angles):
        raise GeometryError(f"the neutral frame is one of 0 to {len(angles) - 1}, got {frame}")
    if np.isnan(angles[frame]).any():
        raise GeometryError(
            f"frame {frame} cannot be the neutral posture: a landmark is absent in it; "
            "mark a frame with all landmarks"
        )
    return angles[frame].copy()


def misaligned(
    angles: Float[ndarray, "frame segment"],
    reference: Float[ndarray, "*frames segment"],
    threshold_deg: float,
) -> Flags:
    """Whether each segment deviates from the reference by more than the threshold.

    A turn of exactly the threshold is aligned. Not known where the angle or the reference is not.

    Args:
        angles: of :func:`segment_angles`.
        reference: of one child, or one row a frame.
        threshold_deg: of the protocol, or of a sweep.
    """
    return exceeds(difference(angles, reference), threshold_deg)


def exceeds(turned: Float[ndarray, "frame segment"], threshold_deg: float) -> Flags:
    """Whether each of these differences is larger than the threshold, either way.

    What :func:`misaligned` asks, for a sweep of thresholds over differences computed once.
    """
    return Flags(np.abs(turned) > threshold_deg + ROUNDING_DEG, np.isfinite(turned))


def contact(
    protocol: Protocol,
    coordinates: Float[ndarray, "frame landmark 2"],
    facing: Side,
    *,
    against: Float[ndarray, "frame landmark 2"] | None = None,
) -> Flags:
    """Whether each contact rule holds in each frame, one column a rule.

    ``behind`` is nearer the child's back, ``below`` is lower in the image; level with the
    landmark is neither. :func:`~palpate.protocols.posture_flags.any_of` tells whether there
    is contact at all.

    Args:
        protocol: with a posture table.
        coordinates: px, of the points that are judged.
        facing: the side of the image that the child faces.
        against: px, where the landmark that they are compared with is taken from. Labels, in
            the paper's evaluation; by default ``coordinates`` itself, as in use.

    Raises:
        ConfigError: the protocol has no posture table.
        GeometryError: not one row a landmark of the protocol.

    Source:
        Cunningham et al. 2019, section 2.8: the elbow left of the ASIS, the wrist below it.
    """
    other = coordinates if against is None else against
    _check_shape(protocol, coordinates)
    _check_shape(protocol, other)
    columns = []
    for rule in posture_of(protocol).contact:
        way = _position(protocol, coordinates, rule.point) - _position(protocol, other, rule.of)
        columns.append(-FORWARDS[facing] * way[:, 0] if rule.side == "behind" else way[:, 1])
    depth = np.stack(columns, axis=1)
    return Flags(depth > 0.0, np.isfinite(depth))


def check_facing(
    protocol: Protocol, coordinates: Float[ndarray, "frame landmark 2"], facing: Side
) -> None:
    """Refuse a facing that the landmarks contradict.

    Which way the child faces is a fact of the camera's place and is taken from the study; the
    landmarks of the protocol's ``[facing]`` table, each at its mean over the frames, only guard
    it: a wrong word there would turn every sign and every contact round without a trace.

    Raises:
        StudyError: the landmarks clearly tell the other side.
    """
    _check_shape(protocol, coordinates)
    if protocol.facing is None:
        return
    absent = rows_with_nan(coordinates)
    count = (~absent).sum(axis=0)
    total = np.where(absent[..., None], 0.0, coordinates).sum(axis=0)
    at = {name: total[k] / count[k] for k, name in enumerate(protocol.scheme.names) if count[k]}
    told = protocol.facing.of(at)
    if told is not None and told != FORWARDS[facing]:
        pairs = "; ".join(
            f"{front} in front of {back}" for front, back in protocol.facing.front_back
        )
        other = "left" if facing == "right" else "right"
        raise StudyError(
            f"the study says that the child faces the image's {facing}, and the landmarks tell "
            f"{other} ({pairs}); set facing = {other!r} in the study, or look for landmarks "
            "that change places"
        )


def _position(
    protocol: Protocol, coordinates: Float[ndarray, "frame landmark 2"], place: Place
) -> Float[ndarray, "frame 2"]:
    """Where a place is in every frame; NaN where one of its landmarks is absent."""
    names = [place] if isinstance(place, str) else list(place)
    return coordinates[:, protocol.scheme.indices(names)].mean(axis=1)


def _check_shape(protocol: Protocol, coordinates: Float[ndarray, "frame given 2"]) -> None:
    if coordinates.shape[1] != len(protocol.scheme):
        raise GeometryError(
            f"protocol {protocol.name!r} has {len(protocol.scheme)} landmarks, got coordinates of "
            f"{coordinates.shape[1]}; 'arranged' picks them from another scheme"
        )
