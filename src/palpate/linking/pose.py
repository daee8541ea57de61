"""The joints of one body in one frame, as linked to limbs."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray

from palpate.arrays import locked, rows_with_nan
from palpate.errors import GeometryError


@dataclass(frozen=True, eq=False, slots=True)
class LinkedPose:
    """Joints that belong to one body, in one named frame of the caller.

    Args:
        coordinates: (joint, 2) as (x, y); NaN where a joint was not found.
        covariance: (joint, 2, 2); NaN where a joint was not found.
        score: (joint,) in [0, 1], the height of the joint's map; 0 where not found.
        links: (connection,) in [0, 1], the line integral of each connection's map between its two
            joints; 0 where it was not linked.
        others: how many more bodies, or parts of such, lie in the frame.

    Raises:
        GeometryError: shapes or values against the above.
    """

    coordinates: Float[ndarray, "joint 2"]
    covariance: Float[ndarray, "joint 2 2"]
    score: Float[ndarray, " joint"]
    links: Float[ndarray, " connection"]
    others: int = 0

    def __post_init__(self) -> None:
        for name in ("coordinates", "covariance", "score", "links"):
            object.__setattr__(self, name, locked(getattr(self, name)))
        joints = len(self.coordinates)
        if self.score.shape != (joints,) or self.covariance.shape != (joints, 2, 2):
            raise GeometryError(
                f"{joints} joints need as many scores and covariances, got {self.score.shape} and "
                f"{self.covariance.shape}"
            )
        if not np.isfinite(self.covariance[self.found]).all():
            raise GeometryError("a joint that was found needs a finite covariance")
        for name, values in (("scores", self.score), ("links", self.links)):
            if not np.isfinite(values).all() or (values < 0).any() or (values > 1).any():
                raise GeometryError(f"{name} are in [0, 1], got {values.tolist()}")
        if (self.score[~self.found] > 0).any():
            raise GeometryError("a joint that was not found has the score 0")

    @property
    def found(self) -> Bool[ndarray, " joint"]:
        """Which joints were found."""
        return ~rows_with_nan(self.coordinates)

    @property
    def linked(self) -> Bool[ndarray, " connection"]:
        """Which connections were linked."""
        return self.links > 0
