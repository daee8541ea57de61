"""How long a connection is in the scene, from the depth at its two joints."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, UInt16
from numpy import ndarray

from palpate.evaluation.limb_depth import counts_at
from palpate.geometry.pinhole import Intrinsics
from palpate.linking.limbs import ends_of
from palpate.linking.pose import LinkedPose
from palpate.scheme import LandmarkScheme


@dataclass(frozen=True, slots=True)
class DepthCamera:
    """What turns counts and px into millimetres."""

    unit_mm: float
    intrinsics: Intrinsics


def segment_lengths(
    depth: UInt16[ndarray, "y x"], pose: LinkedPose, scheme: LandmarkScheme, camera: DepthCamera
) -> Float[ndarray, " connection"]:
    """Return the distance in mm between the ends of each connection that is linked.

    The depth of a joint is that of the skin or the cloth above it: the median of what was measured
    in a small disc around it. Lengths are those of the surface, therefore, and shorter than a
    bone's where one end is covered and the other is not.

    Returns:
        (connection,), NaN where it is not linked, or nothing was measured at one of its ends.
    """
    deep = np.array([counts_at(depth, point) for point in pose.coordinates])
    places = camera.intrinsics.deproject(pose.coordinates, deep * camera.unit_mm)
    ends = places[ends_of(scheme)]
    lengths = np.linalg.norm(ends[:, 1] - ends[:, 0], axis=1)
    return np.where(pose.linked, lengths, np.nan)
