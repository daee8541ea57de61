"""How the uncertainty of the landmarks becomes the uncertainty of the scores."""

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from palpate.arrays import rows_with_nan
from palpate.errors import GeometryError
from palpate.shape.fit import directions
from palpate.shape.limits import BLIND
from palpate.shape.model import ShapeModel
from palpate.shape.precision import precision_of, prior_push


def score_covariance(
    model: ShapeModel,
    points: Float[ndarray, "k 2"],
    covariances: Float[ndarray, "k 2 2"],
) -> Float[ndarray, "m m"]:
    """Return the covariance of the scores that :meth:`ShapeModel.scores` gives.

    To first order: how the scores follow the points while the pose is free to follow, too. The
    errors of different points are taken as independent. Where points are absent, what the others
    leave open is added: a score that nothing is known of has the variance of the population, 1.
    Of all points there is nothing to add, for then the scores are what the points say.

    Args:
        model: of the shapes.
        points: in px; NaN where absent.
        covariances: of the points in px; those of absent points do not matter.

    Raises:
        GeometryError: as :meth:`ShapeModel.fit`, or covariances that are not finite.

    Example:
        >>> from palpate.shape.build import build_shape_model
        >>> tall = np.array([[0.0, 0.0], [2.0, 0.0], [1.0, 2.0]])
        >>> model = build_shape_model([tall, tall * (1.0, 0.9), tall * (1.0, 1.1)])
        >>> score_covariance(model, tall, np.zeros((3, 2, 2))).tolist()
        [[0.0]]
    """
    if covariances.shape != (len(points), 2, 2):
        raise GeometryError(
            f"{len(points)} points need as many covariances of 2 x 2, got {covariances.shape}"
        )
    present = ~rows_with_nan(points)
    if not np.isfinite(covariances[present]).all():
        raise GeometryError("a covariance is finite where its point is present")
    best = model.unlimited(points)
    back = best.pose.inverse().linear
    own = np.where(present[:, None, None], back @ covariances @ back.T, 0.0)
    basis = model.basis
    there = present[:, None].astype(float)
    modes = (there * basis.modes).reshape(len(basis.modes), basis.mean.size)
    along = (there * directions(basis.shape(best.scores))).reshape(4, -1)
    # What a change of the pose explains of a mode says nothing of its score.
    free = modes - np.linalg.solve(along @ along.T, along @ modes.T).T @ along
    weight = 1.0 / (2.0 * present.sum())
    push = prior_push(precision_of(points, None, None), model.residual_variance)
    steep = weight * free @ free.T + push * np.eye(len(modes))
    inverse = np.linalg.pinv(steep, rcond=BLIND, hermitian=True)
    gain = (weight * inverse @ free).reshape(len(modes), -1, 2)
    noise = np.einsum("aki,kij,bkj->ab", gain, own, gain)
    # The posterior of the scores, given points that scatter about the modes.
    return noise + push * inverse
