"""From annotated shapes to a shape model.

Each shape is laid on the mean by the similarity that maps the mean onto it, turned round
(generalised Procrustes). Fitted in this direction, what is left of a shape is orthogonal to shift,
scale and turn of the mean: the aligned shapes lie in the tangent space of the mean, where a
straight mode is a mode of shape alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Complex, Float
from numpy import ndarray

from palpate.arrays import rows_with_nan
from palpate.errors import GeometryError
from palpate.shape.fit import Basis, best_fit
from palpate.shape.limits import Quadratic, free_scores
from palpate.shape.model import ShapeModel
from palpate.shape.precision import precision_of, prior_push
from palpate.shape.similarity import FLAT, fit_similarity
from palpate.shape.spread import ScaledChiSquare

_MOST_ROUNDS = 200
_STILL = 1e-12
# A filled point stands still when it moves less than this share of its shape's size.
_FILLED = 1e-4
# A variance below this is rounding: shapes have size 1.
_NOTHING = 1e-18
_FOLDS = 10
# One in so many points is left out to see how well the others tell where it is.
_EVERY = 5


def build_shape_model(
    shapes: Sequence[Float[ndarray, "k 2"]], *, variance: float = 0.98
) -> ShapeModel:
    """Align shapes, find the modes that explain a share of their variance, judge what is left.

    How unusual a new shape is, is told by shapes that were left out of the model in turn (in up to
    10 runs of neighbours, so that films of one person who stand together are left out together).
    Absent points (NaN) are filled by the model itself until they stand still.

    Args:
        shapes: one (k, 2) array a shape, all with the same points in the same order.
        variance: share of the variance to explain; fewer shapes than points is normal, and gives
            at most as many modes as there are shapes less one.

    Raises:
        GeometryError: fewer than two shapes, different numbers of points, a shape with fewer than
            two points or whose points coincide, a point that is absent in every shape, a share
            that is not in (0, 1].

    Source:
        Cootes et al., "Active shape models", CVIU 61(1):38-59, 1995; Goodall, J. R. Stat. Soc. B
        53(2):285-339, 1991.

    Example:
        >>> tall = np.array([[0.0, 0.0], [2.0, 0.0], [1.0, 2.0]])
        >>> model = build_shape_model([tall, tall * (1.0, 0.9), tall * (1.0, 1.1)])
        >>> len(model.modes), model.shapes
        (1, 3)
    """
    if not 0.0 < variance <= 1.0:
        raise GeometryError(f"the share of variance to explain is in (0, 1], got {variance}")
    stack, present = _checked(shapes)
    linear, filled = _linear(stack, present, variance)
    judged = _held_out(stack, filled, len(linear.variances))
    modes = len(linear.variances)
    free = max(2 * stack.shape[1] - 4 - modes, 1)
    return ShapeModel(
        linear.mean,
        linear.modes,
        linear.variances,
        total_variance=linear.total,
        residual_variance=judged.unseen,
        score_distance=_score_distance(judged.scores, modes),
        residual_distance=ScaledChiSquare.of(np.maximum(judged.left, _NOTHING), float(free)),
        shapes=len(stack),
    )


def _score_distance(seen: Float[ndarray, " n"], modes: int) -> ScaledChiSquare:
    # Without modes, or with two shapes, of which one has none: as of a normal population.
    if not seen.any():
        return ScaledChiSquare(1.0, float(max(modes, 1)))
    return ScaledChiSquare.of(seen, float(modes))


class UnusableShapeError(GeometryError):
    """One of the shapes cannot be part of a model: which, and why."""

    def __init__(self, row: int, problem: str) -> None:
        self.row = row
        self.problem = problem
        super().__init__(f"shape {row} {problem}")


@dataclass(frozen=True, eq=False, slots=True)
class _Linear:
    """Mean, modes and their variances, and the variance of all."""

    mean: Float[ndarray, "k 2"]
    modes: Float[ndarray, "m k2"]
    variances: Float[ndarray, " m"]
    total: float

    def basis(self) -> Basis:
        scaled = self.modes * np.sqrt(self.variances)[:, None]
        return Basis(self.mean, scaled.reshape(-1, *self.mean.shape))

    def first(self, modes: int) -> "_Linear":
        return replace(self, modes=self.modes[:modes], variances=self.variances[:modes])


def _checked(
    shapes: Sequence[Float[ndarray, "_ 2"]],
) -> tuple[Float[ndarray, "n k 2"], Bool[ndarray, "n k"]]:
    if len(shapes) < 2:
        raise GeometryError(f"a shape model needs two or more shapes, got {len(shapes)}")
    first = shapes[0].shape
    for row, shape in enumerate(shapes):
        if shape.shape != first:
            raise UnusableShapeError(row, f"is {shape.shape}, where the first is {first}")
        if np.isinf(shape).any():
            raise UnusableShapeError(row, "has an infinite coordinate")
    stack = np.stack([np.asarray(shape, dtype=float) for shape in shapes])
    present = ~rows_with_nan(stack)
    for row, there in enumerate(present):
        points = stack[row, there]
        if len(points) < 2:
            raise UnusableShapeError(
                row, f"has {len(points)} points; a shape needs two or more: leave it out"
            )
        if not np.ptp(points, axis=0).max() > FLAT * np.abs(points).max():
            raise UnusableShapeError(row, "has points that all coincide: leave it out")
    absent = np.flatnonzero(~present.any(axis=0))
    if len(absent):
        raise GeometryError(
            f"point {absent[0]} is absent in every shape, so no model can tell where it is; "
            "leave it out of the scheme"
        )
    return stack, present


def _linear(
    stack: Float[ndarray, "n k 2"], present: Bool[ndarray, "n k"], variance: float
) -> tuple[_Linear, Float[ndarray, "n k 2"]]:
    """Mean and modes, and the shapes with absent points filled until they stand still."""
    filled = _roughly_filled(stack, present)
    linear = _modes(*_aligned(filled), variance)
    if present.all():
        return linear, stack
    for _ in range(_MOST_ROUNDS):
        before, filled = filled, _filled(stack, present, linear)
        linear = _modes(*_aligned(filled), variance)
        size = np.ptp(filled, axis=1).max(axis=1)[:, None, None]
        if (np.abs(filled - before) / size).max() < _FILLED:
            break
    return linear, filled


def _complex(points: Float[ndarray, "*n 2"]) -> Complex[ndarray, "*n"]:
    return points[..., 0] + 1j * points[..., 1]


def _real(z: Complex[ndarray, "*n"]) -> Float[ndarray, "*n 2"]:
    return np.stack([z.real, z.imag], axis=-1)


def _unit(z: Complex[ndarray, " k"]) -> Complex[ndarray, " k"]:
    centred = z - z.mean()
    return centred / np.sqrt((np.abs(centred) ** 2).mean())


def _aligned(
    stack: Float[ndarray, "n k 2"],
) -> tuple[Float[ndarray, "k 2"], Float[ndarray, "n k 2"]]:
    """Return the mean and the shapes in its tangent space."""
    z = _complex(stack)
    z = z - z.mean(axis=1, keepdims=True)
    mean = _unit(z[0])
    for _ in range(_MOST_ROUNDS):
        new = _unit(_laid(z, mean)[0].mean(axis=0))
        moved = np.abs(new - mean).max()
        mean = new
        if moved < _STILL:
            break
    # Turned as the shapes are on average, so that 'up' stays up and no shape is singled out.
    factors = _laid(z, mean)[1]
    together = (factors / np.abs(factors)).mean()
    if abs(together) > 1e-6:
        mean = mean * together / abs(together)
    return _real(mean), _real(_laid(z, mean)[0])


def _laid(
    z: Complex[ndarray, "n k"], mean: Complex[ndarray, " k"]
) -> tuple[Complex[ndarray, "n k"], Complex[ndarray, " n"]]:
    """Take out of each shape the factor by which the mean fits it best; return both."""
    factors = z @ np.conj(mean) / (np.abs(mean) ** 2).sum()
    sizes = np.sqrt((np.abs(z) ** 2).mean(axis=1))
    unlike = np.flatnonzero(~(np.abs(factors) > 1e-6 * sizes))
    if len(unlike):
        raise UnusableShapeError(
            int(unlike[0]),
            "has no rotation in common with the others: are its points in the same order, and is "
            "it not mirrored?",
        )
    return z / factors[:, None], factors


def _modes(
    mean: Float[ndarray, "k 2"], aligned: Float[ndarray, "n k 2"], variance: float
) -> _Linear:
    """Principal components of the aligned shapes."""
    left = (aligned - mean).reshape(len(aligned), -1)
    _, singular, rows = np.linalg.svd(left - left.mean(axis=0), full_matrices=False)
    variances = singular**2 / max(len(aligned) - 1, 1)
    total = float(variances.sum())
    real = int((variances > max(_NOTHING, 1e-12 * total)).sum())
    enough = int(np.searchsorted(np.cumsum(variances), variance * total * (1.0 - 1e-12))) + 1
    kept = min(real, enough)
    modes = rows[:kept]
    # A mode has no direction of its own: its largest part is made positive.
    largest = np.argmax(np.abs(modes), axis=1)
    modes = modes * np.sign(modes[np.arange(kept), largest])[:, None]
    return _Linear(mean, modes, variances[:kept], total)


def _roughly_filled(
    stack: Float[ndarray, "n k 2"], present: Bool[ndarray, "n k"]
) -> Float[ndarray, "n k 2"]:
    """Fill absent points from the mean of all shapes as they lie on the fullest one."""
    if present.all():
        return stack
    fullest = stack[int(np.argmax(present.sum(axis=1)))]
    laid = []
    for row, shape in enumerate(stack):
        try:
            laid.append(fit_similarity(shape, fullest)(shape))
        except GeometryError as error:
            raise UnusableShapeError(
                row, f"cannot be laid on the fullest shape: {error}; leave it out"
            ) from error
    mean = np.where(present[..., None], laid, 0.0).sum(axis=0) / present.sum(axis=0)[:, None]
    return _filled(stack, present, _Linear(mean, np.zeros((0, mean.size)), np.zeros(0), 0.0))


def _filled(
    stack: Float[ndarray, "n k 2"], present: Bool[ndarray, "n k"], linear: _Linear
) -> Float[ndarray, "n k 2"]:
    """Put absent points where mean and modes expect them."""
    filled = stack.copy()
    for row in np.flatnonzero(~present.all(axis=1)):
        absent = ~present[row]
        filled[row, absent] = _expected(stack[row], linear)[absent]
    return filled


def _expected(shape: Float[ndarray, "k 2"], linear: _Linear) -> Float[ndarray, "k 2"]:
    """Return all points as mean and modes expect them from those present.

    The scores are held to the mean as much as the unexplained variance allows: without that, few
    points would be explained exactly by wild scores.
    """
    modes, coordinates = len(linear.variances), linear.mean.size
    free = max(coordinates - 4 - modes, 1)
    noise = max(linear.total - float(linear.variances.sum()), 1e-9 * linear.total) / free
    precision = precision_of(shape, None, None)
    push = prior_push(precision, noise)

    def held(problem: Quadratic) -> Float[ndarray, " m"]:
        return problem.with_prior(push).solution()

    best = best_fit(linear.basis(), shape, precision, held, np.zeros(modes))
    return best.pose(linear.basis().shape(best.scores))


@dataclass(frozen=True, eq=False, slots=True)
class _Judged:
    """What models of the others make of each shape.

    Args:
        scores: squared Mahalanobis distances.
        left: squared distances from the modes.
        unseen: variance of left out points about where they were expected, per axis.
    """

    scores: Float[ndarray, " n"]
    left: Float[ndarray, " n"]
    unseen: float


def _held_out(
    stack: Float[ndarray, "n k 2"], filled: Float[ndarray, "n k 2"], modes: int
) -> _Judged:
    """Judge each shape by a model of the others, in up to ten runs of neighbours."""
    scores, left, unseen = np.zeros(len(stack)), np.zeros(len(stack)), []
    for rows in np.array_split(np.arange(len(stack)), min(len(stack), _FOLDS)):
        linear = _modes(*_aligned(np.delete(filled, rows, axis=0)), 1.0).first(modes)
        basis, start = linear.basis(), np.zeros(len(linear.variances))
        for row in rows:
            precision = precision_of(stack[row], None, None)
            best = best_fit(basis, stack[row], precision, free_scores, start)
            # As of all modes and all points.
            scores[row] = best.scores @ best.scores * (modes / max(len(start), 1))
            share = np.isfinite(stack[row]).mean()
            left[row] = (best.residual**2).sum() / share
            unseen += _unseen(stack[row], linear, best.pose.scale, first=int(row) % _EVERY)
    variance = float(left.mean()) / stack[0].size
    return _Judged(scores, left, max(variance, float(np.mean(unseen)) if unseen else 0.0))


def _unseen(
    shape: Float[ndarray, "k 2"], linear: _Linear, scale: float, *, first: int
) -> list[float]:
    """Leave every fifth point out and return how far off it is expected, squared, per axis."""
    cut = shape.copy()
    cut[first::_EVERY] = np.nan
    there = ~rows_with_nan(cut)
    if there.sum() < 2 or not np.ptp(cut[there], axis=0).max() > 0.0:
        return []
    off = (_expected(cut, linear) - shape)[first::_EVERY] / scale
    return (off[~rows_with_nan(off)] ** 2).mean(axis=1).tolist()
