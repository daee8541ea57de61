"""What a localiser says of one image."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray

from palpate.affine import Affine, Frame
from palpate.arrays import locked, rows_with_nan
from palpate.correlation import Correlation
from palpate.errors import GeometryError
from palpate.points import ABSENT, VISIBLE, Points
from palpate.scheme import LandmarkScheme

# What the covariances rest on: nothing held out; one factor from held-out landmarks; a conformal
# calibration on held-out subjects.
Basis = Literal["uncalibrated", "scaled", "conformal"]


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
        correlation: of the errors of different landmarks; None where they are taken as
            independent. What it says of landmarks that were not found means nothing.
        variation: (landmark,) normalised total variation of what the position was read from: 1
            for one clean peak, much less for a flat map; more for several peaks of intensities
            (a distribution or votes are shared among peaks and stay near 1); NaN where not found.
            None where the localiser has no map.
        basis: what the covariances rest on.

    Raises:
        GeometryError: shapes or values against the above.
    """

    scheme: LandmarkScheme
    mean: Float[ndarray, "landmark d"]
    covariance: Float[ndarray, "landmark d d"]
    score: Float[ndarray, " landmark"]
    localiser: str
    frame: Frame = "pixel"
    correlation: Correlation | None = None
    variation: Float[ndarray, " landmark"] | None = None
    basis: Basis = "uncalibrated"

    def __post_init__(self) -> None:
        for name in ("mean", "covariance", "score"):
            object.__setattr__(self, name, locked(getattr(self, name)))
        if self.variation is not None:
            object.__setattr__(self, "variation", locked(self.variation))
        k, d = len(self.scheme), self.scheme.dimension
        shapes = (self.mean.shape, self.covariance.shape, self.score.shape)
        if shapes != ((k, d), (k, d, d), (k,)):
            raise GeometryError(
                f"scheme {self.scheme.name!r}: wrong shapes {shapes} for {k} landmarks"
            )
        self._check_extras()
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

    def _check_extras(self) -> None:
        """Refuse a correlation or a variation of other landmarks."""
        k, d = len(self.scheme), self.scheme.dimension
        one = self.correlation
        if one is not None and (one.landmarks, one.dimension) != (k, d):
            raise GeometryError(
                f"scheme {self.scheme.name!r} has {k} landmarks in {d}-D, its correlation is of "
                f"{one.landmarks} in {one.dimension}-D"
            )
        if self.variation is None:
            return
        if self.variation.shape != (k,):
            raise GeometryError(f"the variation is one number a landmark, {k} in all")
        known = self.variation[self.found]
        if not np.isfinite(known).all() or (known < 0).any():
            raise GeometryError("the variation of a found landmark is finite and not negative")

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

    def joint(self, rows: Sequence[int] | None = None) -> Float[ndarray, "kd kd"]:
        """Joint covariance of found landmarks, landmark by landmark.

        Args:
            rows: which, and in which order; None takes all, which then must be found.

        Raises:
            GeometryError: one of them was not found.
        """
        chosen = list(range(len(self.scheme))) if rows is None else list(rows)
        if not self.found[chosen].all():
            raise GeometryError("the joint covariance of landmarks that were not found is unknown")
        k, d = len(chosen), self.scheme.dimension
        own = self.covariance[chosen]
        if self.correlation is not None:
            return self.correlation.of(chosen).joint(own)
        joint = np.zeros((k, d, k, d))
        joint[np.arange(k), :, np.arange(k), :] = own
        return joint.reshape(k * d, k * d)

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
            self._moved_correlation(affine),
            self.variation,
            self.basis,
        )

    def _moved_correlation(self, affine: Affine) -> Correlation | None:
        if self.correlation is None:
            return None
        known = np.where(self.found[:, None, None], self.covariance, np.eye(self.scheme.dimension))
        return self.correlation.moved(known, affine.linear)

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
