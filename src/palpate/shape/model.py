"""The statistical shape model: a mean, modes of variation, and a limit.

Built by :func:`palpate.shape.build.build_shape_model`, kept by :mod:`palpate.shape.store`.
"""

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray

from palpate.arrays import locked, rows_with_nan
from palpate.errors import GeometryError
from palpate.shape.fit import Basis, Best, Nearest, best_fit
from palpate.shape.limits import Ellipsoid, Limit, Quadratic, free_scores
from palpate.shape.precision import precision_of, prior_push, shares
from palpate.shape.similarity import Similarity
from palpate.shape.spread import ScaledChiSquare


@dataclass(frozen=True, eq=False, slots=True)
class ShapeFit:
    """What a model makes of found points.

    Args:
        pose: from the reference frame to the frame of the points.
        b: mode parameters, within the model's limit.
        points: ``pose(model.shape(b))``; finite for every landmark.
        filled: landmarks that were absent, so that the model alone says where they are.
        plausibility: chance that a shape of the population is at least so unusual, from the
            scores before the limit and from what the modes do not explain, in [0, 1].
        mahalanobis: distance of the scores from the mean before the limit, in standard deviations.
    """

    pose: Similarity
    b: Float[ndarray, " m"]
    points: Float[ndarray, "k 2"]
    filled: Bool[ndarray, " k"]
    plausibility: float
    mahalanobis: float


@dataclass(frozen=True, eq=False, slots=True)
class ShapeModel:
    """Shapes as ``mean + b @ modes``, up to a similarity.

    Coordinates are those of the reference frame: the centroid of the mean is 0, the root mean
    square distance of its points from it is 1, and it is turned as the shapes were on average.

    Args:
        mean: of the aligned shapes.
        modes: orthonormal rows, each (x, y) of point after point; orthogonal to shift, scale and
            turn of the mean.
        variances: of the shapes along the modes, the largest first.
        total_variance: of the shapes, with what the modes leave.
        residual_variance: of points about where the model expects them, per point and axis, of
            shapes not seen and points left out; what absent points are filled with.
        score_distance: how large the squared Mahalanobis distance of shapes not seen is.
        residual_distance: how large the squared distance of shapes not seen from the modes is.
        shapes: how many it was built of.
        limit: where b may lie.

    Raises:
        GeometryError: sizes that do not fit, or one of the laws above broken.
    """

    mean: Float[ndarray, "k 2"]
    modes: Float[ndarray, "m k2"]
    variances: Float[ndarray, " m"]
    total_variance: float
    residual_variance: float
    score_distance: ScaledChiSquare
    residual_distance: ScaledChiSquare
    shapes: int
    limit: Limit = field(default_factory=Ellipsoid)

    def __post_init__(self) -> None:
        for name in ("mean", "modes", "variances"):
            object.__setattr__(self, name, locked(getattr(self, name)))
        mean, modes, variances = self.mean, self.modes, self.variances
        if mean.ndim != 2 or mean.shape[1] != 2 or len(mean) < 2:
            raise GeometryError(f"a mean shape is (points, 2) with two or more, got {mean.shape}")
        if modes.shape != (len(variances), mean.size) or variances.ndim != 1:
            raise GeometryError(
                f"{len(mean)} points and {len(variances)} variances need modes of shape "
                f"{(len(variances), mean.size)}, got {modes.shape}"
            )
        if not all(np.isfinite(values).all() for values in (mean, modes, variances)):
            raise GeometryError("a shape model holds finite numbers")
        if np.abs(mean.mean(axis=0)).max() > 1e-6 or abs((mean**2).sum() / len(mean) - 1.0) > 1e-6:
            raise GeometryError("a mean shape has its centroid at 0 and root mean square size 1")
        if np.abs(modes @ modes.T - np.eye(len(modes))).max(initial=0.0) > 1e-6:
            raise GeometryError("the modes of a shape model are orthonormal")
        if (variances <= 0.0).any() or (np.diff(variances) > 0.0).any():
            raise GeometryError("the variances of a shape model are positive, the largest first")
        # A variance of nothing is 0; rounding may leave it a little below the sum of the modes.
        total = self.total_variance
        if not (self.residual_variance >= 0.0 and total >= variances.sum() * (1.0 - 1e-9)):
            raise GeometryError("the total variance of a shape model is at least that of its modes")

    @property
    def basis(self) -> Basis:
        """Mean, and modes as long as one standard deviation."""
        scaled = self.modes * np.sqrt(self.variances)[:, None]
        return Basis(self.mean, scaled.reshape(-1, *self.mean.shape))

    @property
    def explained(self) -> Float[ndarray, " m"]:
        """Share of the total variance that the modes up to each explain."""
        if not self.total_variance > 0.0:
            return np.zeros(0)
        return np.minimum(np.cumsum(self.variances) / self.total_variance, 1.0)

    def shape(self, b: Float[ndarray, " m"]) -> Float[ndarray, "k 2"]:
        """Return the shape at mode parameters, in the reference frame; no limit is applied."""
        if b.shape != self.variances.shape:
            raise GeometryError(f"the model has {len(self.variances)} modes, got {b.shape}")
        return self.mean + (b @ self.modes).reshape(-1, 2)

    def fit(
        self,
        points: Float[ndarray, "k 2"],
        weights: Float[ndarray, " w"] | None = None,
        *,
        covariances: Float[ndarray, "c 2 2"] | None = None,
    ) -> ShapeFit:
        """Find pose and mode parameters within the limit that come nearest to the points.

        Where points are left out (absent, or of weight zero) the parameters are the most probable
        ones given the others, so that absent points are where one would expect them.

        Args:
            points: in px; NaN where absent, and those are filled.
            weights: of the squared distances; zero leaves a point out.
            covariances: of the points in px, up to a common factor, instead of weights: a point
                is moved most along its own uncertain direction.

        Raises:
            GeometryError: other numbers of points, fewer than two present, points that coincide,
                weights or covariances that are none.
        """
        self._check(points)
        precision = precision_of(points, weights, covariances)
        free = self._best(points, precision, free_scores, np.zeros(len(self.variances)))
        held = free
        if not self.limit.holds(free.scores):
            held = self._best(points, precision, self.limit.nearest, free.scores)
        b = held.scores * np.sqrt(self.variances)
        return ShapeFit(
            held.pose,
            b,
            held.pose(self.shape(b)),
            rows_with_nan(points),
            self._plausibility(free, shares(precision)),
            float(np.linalg.norm(free.scores)),
        )

    def scores(self, points: Float[ndarray, "k 2"]) -> Float[ndarray, " m"]:
        """Return what the modes say of a shape, in standard deviations; no limit is applied.

        Raises:
            GeometryError: as :meth:`fit`.
        """
        return self.unlimited(points).scores

    def unlimited(self, points: Float[ndarray, "k 2"]) -> Best:
        """Return pose, scores and what they leave, with all present points alike and no limit.

        Raises:
            GeometryError: as :meth:`fit`.
        """
        self._check(points)
        precision = precision_of(points, None, None)
        return self._best(points, precision, free_scores, np.zeros(len(self.variances)))

    def _best(
        self,
        points: Float[ndarray, "k 2"],
        precision: Float[ndarray, "k 2 2"],
        nearest: Nearest,
        start: Float[ndarray, " m"],
    ) -> Best:
        # Few points would be met exactly by wild scores: where points are left out, the scores
        # are the most probable ones instead of the nearest.
        push = prior_push(precision, self.residual_variance)

        def held(problem: Quadratic) -> Float[ndarray, " m"]:
            return nearest(problem.with_prior(push))

        return best_fit(self.basis, points, precision, held, start)

    def _check(self, points: Float[ndarray, "k 2"]) -> None:
        if points.shape != self.mean.shape:
            raise GeometryError(
                f"the shape model has {len(self.mean)} points, got an array of {points.shape}"
            )

    def _plausibility(self, free: Best, counted: Float[ndarray, " k"]) -> float:
        """Return the smaller of two chances, for scores and for what is left, counted twice."""
        left = float(counted @ (free.residual**2).sum(axis=1))
        chances = (
            self.score_distance.survival(float(free.scores @ free.scores)),
            self.residual_distance.survival(left, float(counted.mean())),
        )
        return min(1.0, 2.0 * min(chances))
