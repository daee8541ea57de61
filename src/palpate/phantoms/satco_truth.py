"""What is true of a frame of a seated child: landmarks, segments, angles and contact.

Points are in px of the frame, x to the right and y down; the child faces the right. An angle
is measured from the upright (image up), positive towards the child's front.
"""

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray

from palpate.scheme import LandmarkScheme

LANDMARKS = (
    "ear_tragus", "temporal_fossa", "C7", "T3", "T7", "T11", "L3", "S1",
    "greater_trochanter", "ASIS", "shoulder", "elbow", "wrist",
)  # fmt: skip
# The vector that a segment's angle belongs to goes from the first landmark to the second.
SEGMENTS: dict[str, tuple[str, str]] = {
    "head": ("ear_tragus", "temporal_fossa"),
    "neck": ("C7", "ear_tragus"),
    "UT": ("C7", "T3"),
    "MT": ("T3", "T7"),
    "LT": ("T7", "T11"),
    "UL": ("T11", "L3"),
    "LL": ("L3", "S1"),
    "pelvis": ("greater_trochanter", "ASIS"),
    "upper arm": ("shoulder", "elbow"),
    "forearm": ("elbow", "wrist"),
}
SCHEME = LandmarkScheme("satco", LANDMARKS, edges=tuple(SEGMENTS.values()))
# What the child is asked to control, from the top; the therapist's hands hold right below.
LEVELS = (
    "head", "upper thoracic", "mid thoracic", "lower thoracic",
    "upper lumbar", "lower lumbar", "free sitting",
)  # fmt: skip


def wrapped_deg(degrees: Float[ndarray, "*any"]) -> Float[ndarray, "*any"]:
    """Bring angles into (-180, 180].

    Example:
        >>> wrapped_deg(np.array([190.0, -180.0, 540.0])).tolist()
        [-170.0, 180.0, 180.0]
    """
    return 180.0 - (180.0 - degrees) % 360.0


def upright_deg(vectors: Float[ndarray, "*any 2"]) -> Float[ndarray, "*any"]:
    """Angle of vectors in px from the upright, positive to the right, in (-180, 180].

    Example:
        >>> upright_deg(np.array([[0.0, -2.0], [3.0, 0.0], [0.0, 1.0]])).tolist()
        [0.0, 90.0, 180.0]
    """
    return wrapped_deg(np.degrees(np.arctan2(vectors[..., 0], -vectors[..., 1])))


def segment_angles(points: Float[ndarray, "frame 13 2"]) -> Float[ndarray, "frame 10"]:
    """The ten segments' angles of each frame in degrees, in the order of SEGMENTS."""
    first = points[:, SCHEME.indices([a for a, _ in SEGMENTS.values()])]
    second = points[:, SCHEME.indices([b for _, b in SEGMENTS.values()])]
    return upright_deg(second - first)


def elbow_contacts(points: Float[ndarray, "frame 13 2"]) -> Bool[ndarray, " frame"]:
    """Whether the elbow is behind ASIS: drawn back onto trunk or therapist."""
    return points[:, SCHEME.index("elbow"), 0] < points[:, SCHEME.index("ASIS"), 0]


def wrist_contacts(points: Float[ndarray, "frame 13 2"]) -> Bool[ndarray, " frame"]:
    """Whether the wrist is below ASIS: a hand on thigh or bench."""
    return points[:, SCHEME.index("wrist"), 1] > points[:, SCHEME.index("ASIS"), 1]
