"""What a localiser says of one image."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray

from palpate.affine import Affine, Frame
from palpate.arrays import locked, rows_with_nan
from palpate.errors import GeometryError
from palpate.points import ABSENT, VISIBLE, Points
from palpate.scheme import LandmarkScheme


@dataclass(frozen=True, eq=False, slots=True)
class Prediction:
    """Where each landmark probably is, how sure that is, and who says so.

    Args:
        scheme: the landmarks.
        mean: (landmark, d); NaN where the landmark was not found.
        covariance: (landmark, d, d), symmetric, no negative eigenvalue; NaN where not found.
        score: (landmark,) in [0, 1]; 0 where not found. Not a probability.
        localiser: name and hash of what made it.
        frame: localisers answer in pixels of the image as given.

    Raises:
        GeometryError: shapes or values against the above.
    """

    scheme: LandmarkScheme
    mean: Float[ndarray, "landmark d"]
    covariance: Float[ndarray, "landmark d d"]
    score: Float[ndarray, " landmark"]
    localiser: str
    frame: Frame = "pixel"

    def __post_init__(self) -> None:
        for name in ("mean", "covariance", "score"):
            object.__setattr__(self, name, locked(getattr(self, name)))
        k, d = len(self.scheme), self.scheme.dimension
        shapes = (self.mean.shape, self.covariance.shape, self.score.shape)
        if shapes != ((k, d), (k, d, d), (k,)):
            raise GeometryError(
                f"scheme {self.scheme.name!r}: wrong shapes {shapes} for {k} landmarks"
            )
        found = self.found
        if not np.isfinite(self.mean[found]).all() or not np.isfinite(self.covariance[found]).all():
            raise GeometryError("a found landmark needs a finite mean and covariance")
        if not np.isfinite(self.score).all() or (self.score < 0).any() or (self.score > 1).any():
            raise GeometryError("scores are in [0, 1]")
        inside = self.covariance[found]
        if not np.allclose(inside, np.swapaxes(inside, -1, -2), rtol=1e-6, atol=1e-9):
            raise GeometryError("covariances must be symmetric")
        if len(inside) and np.linalg.eigvalsh(inside).min() < -1e-6 * max(
            1.0, np.abs(inside).max()
        ):
            raise GeometryError("covariances must have no negative eigenvalue")

    @property
    def found(self) -> Bool[ndarray, " landmark"]:
        """Which landmarks were found."""
        return ~rows_with_nan(self.mean)

    @property
    def points(self) -> Points:
        """The means as points."""
        visibility = np.where(self.found, VISIBLE, ABSENT)
        return Points(
            self.scheme, np.where(self.found[:, None], self.mean, np.nan), visibility, self.frame
        )

    def moved(self, affine: Affine) -> "Prediction":
        """Map means and covariances together into another frame."""
        if affine.source != self.frame:
            raise GeometryError(
                f"a prediction in {self.frame} cannot be moved by a map from {affine.source}"
            )
        return Prediction(
            self.scheme,
            affine(self.mean),
            affine.covariance(self.covariance),
            self.score,
            self.localiser,
            affine.target,
        )

    @classmethod
    def exact(cls, points: Points, *, made_by: str) -> "Prediction":
        """Take annotated points as a prediction without uncertainty."""
        k, d = points.coordinates.shape
        covariance = np.where(points.present[:, None, None], np.zeros((k, d, d)), np.nan)
        return cls(
            points.scheme,
            points.coordinates,
            covariance,
            points.present.astype(float),
            made_by,
            points.frame,
        )
