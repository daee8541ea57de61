"""Where a landmark would be, given the others of its image: what shape alone can tell.

Every shape is laid on the median of the others' by shift, turn and scale; there the landmarks are
one Gaussian vector, of which each is expected from the rest. What stands out is left out of the
rest, one landmark after the other, so that a wrong label does not accuse its neighbours. Mean and
covariance are of other subjects.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Complex, Float
from numpy import ndarray

from palpate.labels.robust import Offsets, centred, known, squared, usual_scatter

# Fewer shapes, or landmarks of one, do not tell what is usual.
FEWEST_SHAPES, FEWEST_LANDMARKS = 10, 5
_FOLDS = 5
# Shares of the diagonal that a covariance is drawn towards; the best on other subjects is taken.
_RIDGES = (0.003, 0.01, 0.03, 0.1, 0.3)
# An offset longer than this many scatters is cut to it, or is left out of the rest.
_CUT, _OUT = 4.0, 4.0
_MOST_OUT = 8
_ROUNDS = 6

Shapes = Complex[ndarray, "image landmark"]


def unexpected(
    labels: Offsets, subjects: Sequence[str], judged: Offsets | None = None
) -> tuple[Offsets, Offsets | None]:
    """Return how far each landmark is from where the others of its image say, in px of the image.

    Args:
        labels: (image, landmark, 2), NaN where absent; what is usual is learned from these.
        subjects: of each image; none is judged by itself.
        judged: predictions of the same images, to be held against the same shapes; or None.

    Returns:
        Offsets of the labels, and of ``judged``; NaN where absent, and everywhere where there are
        too few shapes or landmarks to tell.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> base = np.array([[0.0, 0.0], [40.0, 0.0], [40.0, 60.0], [0.0, 50.0], [20.0, 30.0]])
        >>> labels = base + rng.normal(size=(40, 5, 2))
        >>> labels[7, 4] += (15.0, 0.0)
        >>> offsets, _ = unexpected(labels, [str(i) for i in range(40)])
        >>> bool(abs(offsets[7, 4, 0] - 15.0) < 5.0)
        True
    """
    there = known(labels)
    usable = there.sum(axis=1) >= FEWEST_LANDMARKS
    nothing = np.full(labels.shape, np.nan)
    if usable.sum() < FEWEST_SHAPES or labels.shape[1] < FEWEST_LANDMARKS:
        return nothing, None if judged is None else nothing
    folds = _folds(subjects)
    found, other = nothing.copy(), nothing.copy()
    z = _complex(labels)
    for fold in range(_FOLDS):
        here, learn = folds == fold, usable & (folds != fold)
        if not here.any() or learn.sum() < FEWEST_SHAPES // 2:
            continue
        rest = _Rest.of(z[learn])
        found[here] = rest.offsets(z[here])
        if judged is not None:
            other[here] = rest.offsets(_complex(judged[here]))
    return found, None if judged is None else other


def _folds(subjects: Sequence[str]) -> ndarray:
    """Deal the subjects in the order of their names, so that the order of images is nothing."""
    dealt = {subject: i % _FOLDS for i, subject in enumerate(sorted(set(subjects)))}
    return np.array([dealt[subject] for subject in subjects], dtype=np.int64)


def _complex(points: Offsets) -> Shapes:
    return np.asarray(points[..., 0] + 1j * points[..., 1])


def _real(z: Shapes) -> Offsets:
    return np.stack([z.real, z.imag], axis=-1)


@dataclass(frozen=True, eq=False, slots=True)
class _Laid:
    """Shapes laid on a common one; ``turn`` maps an offset of the image to one laid."""

    z: Shapes
    turn: Complex[ndarray, "image 1"]


def _lay(z: Shapes, shape: Complex[ndarray, " landmark"]) -> _Laid:
    """Shift, turn and scale each row onto a shape, with little regard for what does not fit."""
    there = ~np.isnan(z) & ~np.isnan(shape)
    a, b = np.where(there, z, 0), np.where(there, shape, 0)
    weight = there.astype(float)
    for _ in range(_ROUNDS):
        total = np.maximum(weight.sum(axis=1, keepdims=True), 1e-12)
        mean_a = (weight * a).sum(axis=1, keepdims=True) / total
        mean_b = (weight * b).sum(axis=1, keepdims=True) / total
        moment = (weight * np.conj(a - mean_a) * (b - mean_b)).sum(axis=1, keepdims=True)
        size = (weight * np.abs(a - mean_a) ** 2).sum(axis=1, keepdims=True)
        turn = moment / np.maximum(size, 1e-12)
        turn = np.where(np.abs(turn) > 1e-9, turn, 1.0)
        laid = turn * (z - mean_a) + mean_b
        distance = np.where(there, np.abs(laid - shape), np.nan)
        usual = np.maximum(_medians(distance), 1e-9)
        weight = np.where(there, 1.0 / (1.0 + (np.nan_to_num(distance) / (2 * usual)) ** 2), 0.0)
    return _Laid(laid, turn)


def _medians(values: Float[ndarray, "image landmark"]) -> Float[ndarray, "image 1"]:
    empty = np.isnan(values).all(axis=1, keepdims=True)
    return np.asarray(np.nanmedian(np.where(empty, 0.0, values), axis=1, keepdims=True))


def _middle(z: Shapes) -> Complex[ndarray, " landmark"]:
    """The shape of unit size that most rows resemble; NaN for a landmark never given."""
    fullest = np.argsort(-(~np.isnan(z)).sum(axis=1), kind="stable")[:60]
    trials = [_unit(z[i]) for i in fullest[:: max(1, len(fullest) // 12)]]
    cost = [float(np.nanmedian(np.abs(_lay(z[fullest], each).z - each))) for each in trials]
    shape = trials[int(np.argmin(cost))]
    for _ in range(4):
        laid = _lay(z, shape).z
        given = (~np.isnan(laid)).any(axis=0)
        new = np.full(len(shape), np.nan + 0j)
        new[given] = np.nanmedian(laid[:, given].real, axis=0) + 1j * np.nanmedian(
            laid[:, given].imag, axis=0
        )
        shape = _unit(new)
    return shape


def _unit(shape: Complex[ndarray, " landmark"]) -> Complex[ndarray, " landmark"]:
    there = ~np.isnan(shape)
    middle = shape - shape[there].mean()
    return np.asarray(middle / max(float(np.sqrt((np.abs(middle[there]) ** 2).mean())), 1e-12))


@dataclass(frozen=True, eq=False, slots=True)
class _Rest:
    """What is usual among the shapes of other subjects.

    ``precision`` is of the offsets from ``shape``, x and y of landmark after landmark;
    ``scatter`` of what it leaves unexpected, ``usual`` of the offsets themselves.
    """

    shape: Complex[ndarray, " landmark"]
    precision: Float[ndarray, "k2 k2"]
    usual: Float[ndarray, "landmark 2 2"]
    scatter: Float[ndarray, "landmark 2 2"]

    @classmethod
    def of(cls, z: Shapes) -> "_Rest":
        shape = _middle(z)
        offsets = centred(_real(_lay(z, shape).z - shape), fewest=1)
        usual = usual_scatter(offsets)
        cut = _cut(offsets, usual)
        half = np.arange(len(cut)) % 2 == 0
        best = min(_RIDGES, key=lambda ridge: _cost(cut[half], cut[~half], ridge))
        precision = _precision(cut, best)
        # Of shapes that had no part in it: each half by the other.
        left = np.concatenate(
            [
                _left(cut[half], _precision(cut[~half], best)),
                _left(cut[~half], _precision(cut[half], best)),
            ]
        )
        return cls(shape, precision, usual, usual_scatter(left))

    def offsets(self, z: Shapes) -> Offsets:
        """How far each landmark is from where the others say, in px of its image."""
        laid = _lay(z, self.shape)
        offsets = _real(laid.z - self.shape)
        there = known(offsets)
        used = _cut(offsets, self.usual)
        out = np.zeros(there.shape, dtype=bool)
        rows = np.arange(len(z))
        for _ in range(min(_MOST_OUT, z.shape[1] // 3)):
            left = _left(used, self.precision)
            far = np.where(there & ~out, squared(left, self.scatter), 0.0)
            worst = np.argmax(far, axis=1)
            stands_out = far[rows, worst] > _OUT**2
            if not stands_out.any():
                break
            out[rows[stands_out], worst[stands_out]] = True
            used = _replaced(used, out, self.precision)
        expected = used - _left(used, self.precision)
        apart = np.where(there[..., None], offsets - expected, np.nan)
        back = (apart[..., 0] + 1j * apart[..., 1]) / laid.turn
        return _real(np.where(there, back, np.nan + 1j * np.nan))


def _cut(offsets: Offsets, usual: Float[ndarray, "landmark 2 2"]) -> Offsets:
    """Zero where absent, and no longer than a few scatters."""
    far = np.sqrt(np.nan_to_num(squared(np.nan_to_num(offsets), usual)))
    return np.asarray(
        np.nan_to_num(offsets) * np.minimum(1.0, _CUT / np.maximum(far, 1e-9))[..., None]
    )


def _precision(cut: Offsets, ridge: float) -> Float[ndarray, "k2 k2"]:
    flat = cut.reshape(len(cut), -1)
    covariance = flat.T @ flat / max(len(flat), 1)
    diagonal = np.maximum(np.diagonal(covariance), 1e-12 + 1e-6 * np.diagonal(covariance).mean())
    drawn = (1.0 - ridge) * covariance + ridge * np.diag(diagonal)
    return np.asarray(np.linalg.inv(drawn + np.diag(1e-9 * diagonal)))


def _left(cut: Offsets, precision: Float[ndarray, "k2 k2"]) -> Offsets:
    """Each landmark less what the others say: the inverse of its own block times its row."""
    landmarks = cut.shape[1]
    pulled = (cut.reshape(len(cut), -1) @ precision).reshape(cut.shape)
    blocks = precision.reshape(landmarks, 2, landmarks, 2)
    own = np.stack([blocks[k, :, k] for k in range(landmarks)])
    return np.asarray(np.einsum("kij,nkj->nki", np.linalg.inv(own), pulled))


def _replaced(
    used: Offsets, out: Bool[ndarray, "image landmark"], precision: Float[ndarray, "k2 k2"]
) -> Offsets:
    """Put in place of what is left out where the rest of its row says it is."""
    filled = used.copy()
    for row in np.flatnonzero(out.any(axis=1)):
        o = np.repeat(out[row], 2)
        kept = used[row].reshape(-1)[~o]
        filled[row].reshape(-1)[o] = -np.linalg.solve(
            precision[np.ix_(o, o)], precision[np.ix_(o, ~o)] @ kept
        )
    return filled


def _cost(
    learned: Float[ndarray, "learned landmark 2"],
    judged: Float[ndarray, "judged landmark 2"],
    ridge: float,
) -> float:
    left = _left(judged, _precision(learned, ridge))
    return float(np.median(np.linalg.norm(left, axis=2)))
