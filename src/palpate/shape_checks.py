"""Landmarks that do not lie as in the other images: swapped, mirrored, reversed or far away.

All shapes are laid on their common median by shift, turn and scale. What is then unusual is not
the place of a single landmark, which anatomy moves, but the direction from one landmark to
another: a pair that points the same way in all images and the opposite way in one was mixed up,
and where exchanging the two repairs it, they were swapped. Where many images face the other way,
that is how the study is and no mistake: those are turned before anything is compared.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Bool, Complex, Float, Int
from numpy import ndarray

ShapeKind = Literal["swapped", "sides-swapped", "mirrored", "reversed-order", "far-off"]

# Fewer shapes do not tell what is usual.
FEWEST = 10

# A pair tells an order if its length along its median direction scatters less than this share.
_STEADY = 0.25
# It is reversed where it is so many scatters from usual, and points backwards.
_REVERSED, _SCATTER_FLOOR = 5.0, 0.08
# A landmark is far off at so many times its usual distance, of all landmarks' and of its own.
_FAR = 9.0
_MOST_FOR_MEDIANS = 600
# Of fewer landmarks a mirror image does not tell from the shape.
_FEWEST_TO_FACE = 5
# From this share of the images on, facing the other way is no mistake but how the study is.
_USUAL_TO_FACE = 0.15
# A mirror image must fit so much better to count as facing the other way.
_FACES_BETTER = 0.6


@dataclass(frozen=True, slots=True)
class ShapeProblem:
    """What is unusual in one shape: its row, the landmarks by index, and how unusual."""

    row: int
    kind: ShapeKind
    landmarks: tuple[int, ...]
    weight: float


def shape_problems(
    shapes: Float[ndarray, "image landmark 2"], *, mirror_order: Int[ndarray, " landmark"]
) -> list[ShapeProblem]:
    """Compare every shape with the median of all.

    Args:
        shapes: coordinates, NaN where absent.
        mirror_order: of the scheme; the identity where it has no mirror pairs.

    Returns:
        Nothing for fewer than ``FEWEST`` shapes or for fewer than three landmarks.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> base = np.array([[0.0, 0.0], [40.0, 0.0], [40.0, 60.0], [0.0, 50.0]])
        >>> shapes = base + rng.normal(size=(20, 4, 2))
        >>> shapes[7, [1, 2]] = shapes[7, [2, 1]]
        >>> found = shape_problems(shapes, mirror_order=np.arange(4))
        >>> [(problem.row, problem.kind, problem.landmarks) for problem in found]
        [(7, 'swapped', (1, 2))]
    """
    z = shapes[..., 0] + 1j * shapes[..., 1]
    usable = np.flatnonzero((~np.isnan(z)).sum(axis=1) >= 3)
    if len(usable) < FEWEST or z.shape[1] < 3:
        return []
    other = faces_other_way(shapes, mirror_order=mirror_order)[usable]
    z = np.where(other[:, None], np.conj(z[usable]), z[usable])
    median = _median_shape(z)
    laid = _laid_on(z, median)
    sides = _side_problems(z, laid, median, mirror_order)
    disordered = {problem.row for problem in sides}
    steady = _Steady.of(laid)
    found = list(sides)
    repaired = z.copy()
    for row in range(len(z)):
        if row in disordered:
            continue
        for problem in _order_problems(row, laid[row], steady):
            found.append(problem)
            if problem.kind == "swapped":
                exchanged = list(problem.landmarks)
                repaired[row, exchanged] = repaired[row, exchanged[::-1]]
            else:
                disordered.add(row)
    found += _far_problems(_laid_on(repaired, median), median, disordered)
    return [ShapeProblem(int(usable[p.row]), p.kind, p.landmarks, p.weight) for p in found]


def faces_other_way(
    shapes: Float[ndarray, "image landmark 2"], *, mirror_order: Int[ndarray, " landmark"]
) -> Bool[ndarray, " image"]:
    """Tell which images face the other way than most, where that is usual in the study.

    Where few do, none does: those are left to be found as mistakes. Where exchanging the sides
    repairs a shape as well, it is the names that were exchanged.

    Args:
        shapes: coordinates, NaN where absent.
        mirror_order: of the scheme; the identity where it has no mirror pairs.

    Example:
        >>> base = np.array([[0.0, 0.0], [40.0, 0.0], [40.0, 60.0], [0.0, 50.0], [9.0, 30.0]])
        >>> shapes = base + np.random.default_rng(0).normal(size=(20, 5, 2))
        >>> shapes[:6, :, 0] *= -1.0
        >>> order = np.arange(5)
        >>> [int(faces_other_way(s, mirror_order=order).sum()) for s in (shapes, shapes[5:])]
        [6, 0]
    """
    z = shapes[..., 0] + 1j * shapes[..., 1]
    usable = (~np.isnan(z)).sum(axis=1) >= _FEWEST_TO_FACE
    other = np.zeros(len(z), dtype=bool)
    if usable.sum() < FEWEST:
        return other
    other[usable] = _mirrored(z[usable], mirror_order)
    return other if other[usable].mean() >= _USUAL_TO_FACE else np.zeros(len(z), dtype=bool)


def _mirrored(
    z: Complex[ndarray, "image landmark"], mirror_order: Int[ndarray, " landmark"]
) -> Bool[ndarray, " image"]:
    """Which shapes fit far better mirrored.

    As many may be mirrored as not: all are turned as one of them before the median is sought.
    """
    trials = [_unit_size(each) for each in z[:: max(1, len(z) // 12)]]
    trial = min(
        trials,
        key=lambda shape: float(np.median(np.minimum(_misfit(z, shape), _misfit(z.conj(), shape)))),
    )
    other = _misfit(z.conj(), trial) < _misfit(z, trial)
    if other.mean() > 0.5:
        other = ~other
    median = _median_shape(np.where(other[:, None], z.conj(), z))
    as_is, mirrored = _misfit(z, median), _misfit(z.conj(), median)
    found = mirrored < _FACES_BETTER * as_is
    if (mirror_order != np.arange(len(median))).any():
        found &= mirrored < 0.5 * _misfit(z[:, mirror_order], median)
    return found


def _laid_on(
    z: Complex[ndarray, "image landmark"], shape: Complex[ndarray, " landmark"]
) -> Complex[ndarray, "image landmark"]:
    """Shift, turn and scale each row onto ``shape``, with little regard for what does not fit."""
    there = ~np.isnan(z) & ~np.isnan(shape)
    a, b = np.where(there, z, 0), np.where(there, shape, 0)
    weight = there.astype(float)
    for _ in range(6):
        total = np.maximum(weight.sum(axis=1, keepdims=True), 1e-12)
        mean_a = (weight * a).sum(axis=1, keepdims=True) / total
        mean_b = (weight * b).sum(axis=1, keepdims=True) / total
        centred_a, centred_b = a - mean_a, b - mean_b
        size = np.maximum((weight * np.abs(centred_a) ** 2).sum(axis=1, keepdims=True), 1e-12)
        turn = (weight * np.conj(centred_a) * centred_b).sum(axis=1, keepdims=True) / size
        laid = turn * (z - mean_a) + mean_b
        distance = np.where(there, np.abs(laid - shape), np.nan)
        usual = np.maximum(_row_median(distance), 1e-12)
        weight = np.where(there, 1.0 / (1.0 + (np.nan_to_num(distance) / (2 * usual)) ** 2), 0.0)
    return laid


def _row_median(values: Float[ndarray, "image landmark"]) -> Float[ndarray, "image 1"]:
    """Median of each row over what is not NaN; zero for a row of NaN."""
    ordered = np.sort(np.where(np.isnan(values), np.inf, values), axis=1)
    count = (~np.isnan(values)).sum(axis=1, keepdims=True)
    middle = np.take_along_axis(ordered, np.maximum(count - 1, 0) // 2, axis=1)
    return np.where(count > 0, middle, 0.0)


def _median_shape(z: Complex[ndarray, "image landmark"]) -> Complex[ndarray, " landmark"]:
    """The shape that most rows resemble, of unit size; NaN for a landmark never given."""
    fullest = np.argsort(-(~np.isnan(z)).sum(axis=1), kind="stable")[:200]
    trials = fullest[:: max(1, len(fullest) // 20)]
    cost = [float(np.median(_misfit(z[fullest], _unit_size(z[i])))) for i in trials]
    shape = _unit_size(z[trials[int(np.argmin(cost))]])
    for _ in range(5):
        laid = _laid_on(z, shape)
        shape = _unit_size(_column_median(laid.real) + 1j * _column_median(laid.imag))
    return shape


def _misfit(
    z: Complex[ndarray, "image landmark"], shape: Complex[ndarray, " landmark"]
) -> Float[ndarray, " image"]:
    return _row_median(np.abs(_laid_on(z, shape) - shape))[:, 0]


def _column_median(values: Float[ndarray, "image *rest"]) -> Float[ndarray, "*rest"]:
    """Median over images of what is not NaN; NaN where nothing is."""
    ordered = np.sort(values, axis=0)  # NaN goes last
    count = (~np.isnan(values)).sum(axis=0)
    low = np.take_along_axis(ordered, np.maximum(count - 1, 0)[None] // 2, axis=0)[0]
    high = np.take_along_axis(ordered, (np.maximum(count, 1) // 2)[None], axis=0)[0]
    return np.where(count > 0, (low + np.where(count > 1, high, low)) / 2, np.nan)


def _unit_size(shape: Complex[ndarray, " landmark"]) -> Complex[ndarray, " landmark"]:
    there = ~np.isnan(shape)
    centred = shape - shape[there].mean()
    return centred / max(float(np.sqrt((np.abs(centred[there]) ** 2).mean())), 1e-12)


def _side_problems(
    z: Complex[ndarray, "image landmark"],
    laid: Complex[ndarray, "image landmark"],
    median: Complex[ndarray, " landmark"],
    mirror_order: Int[ndarray, " landmark"],
) -> list[ShapeProblem]:
    """Shapes that fit once all sides are exchanged, or once the image is mirrored."""
    as_is = _row_median(np.abs(laid - median))[:, 0]
    usual = float(np.median(as_is))
    pairs = tuple(int(k) for k in np.flatnonzero(mirror_order != np.arange(len(median))))
    ways: list[tuple[ShapeKind, tuple[int, ...], ndarray]] = [
        ("mirrored", (), _misfit(np.conj(z), median))
    ]
    if pairs:
        ways.append(("sides-swapped", pairs, _misfit(z[:, mirror_order], median)))
    found = []
    for row in range(len(z)):
        # Of a shape with two like sides both fit; then it is the names that were exchanged.
        kind, landmarks, fits = min(
            ways, key=lambda way: float(way[2][row]) * (0.5 if way[1] else 1.0)
        )
        better = float(fits[row])
        if better < 0.4 * as_is[row] and better < 3 * usual < as_is[row]:
            found.append(ShapeProblem(row, kind, landmarks, float(as_is[row] / max(better, 1e-9))))
    return found


@dataclass(frozen=True, eq=False, slots=True)
class _Steady:
    """The pairs of landmarks that lie in the same order in nearly all images.

    ``direction`` (landmark, landmark) is the median way from the first to the second, and
    ``scatter`` that of the way along it, as a share of its length; NaN where not steady.
    """

    direction: Complex[ndarray, "landmark landmark"]
    scatter: Float[ndarray, "landmark landmark"]

    @classmethod
    def of(cls, laid: Complex[ndarray, "image landmark"]) -> "_Steady":
        step = max(1, len(laid) // _MOST_FOR_MEDIANS)
        some = laid[::step]
        ways = some[:, None, :] - some[:, :, None]
        direction = _column_median(ways.real) + 1j * _column_median(ways.imag)
        length = np.abs(direction) ** 2
        with np.errstate(invalid="ignore", divide="ignore"):
            along = (ways * np.conj(direction)).real / length
        scatter = 1.4826 * _column_median(np.abs(along - _column_median(along)))
        known = np.isfinite(scatter) & (scatter < _STEADY) & (length > 0)
        return cls(direction, np.where(known, np.maximum(scatter, _SCATTER_FLOOR), np.nan))

    def reversed(self, shape: Complex[ndarray, " landmark"]) -> Bool[ndarray, "landmark landmark"]:
        """Say which pairs point backwards in a shape; symmetric."""
        ways = shape[None, :] - shape[:, None]
        with np.errstate(invalid="ignore", divide="ignore"):
            along = (ways * np.conj(self.direction)).real / np.abs(self.direction) ** 2
            return (along < 0) & ((1.0 - along) / self.scatter > _REVERSED)


def _order_problems(
    row: int, shape: Complex[ndarray, " landmark"], steady: _Steady
) -> list[ShapeProblem]:
    """Exchange pairs while that puts them in order, then name those that stay out of order."""
    shape = shape.copy()
    wrong = steady.reversed(shape)
    found: list[ShapeProblem] = []
    while wrong.any() and len(found) < len(shape):
        best = _best_exchange(shape, wrong, steady)
        if best is None:
            break
        (a, b), repaired = best
        found.append(ShapeProblem(row, "swapped", (a, b), float(repaired)))
        shape[[a, b]] = shape[[b, a]]
        wrong = steady.reversed(shape)
    if wrong.any():
        count = wrong.sum(axis=1)
        worst = np.argsort(-count, kind="stable")[: int((count > 0).sum())]
        named = tuple(int(k) for k in worst)
        found.append(ShapeProblem(row, "reversed-order", named, float(wrong.sum() / 2)))
    return found


def _best_exchange(
    shape: Complex[ndarray, " landmark"],
    wrong: Bool[ndarray, "landmark landmark"],
    steady: _Steady,
) -> tuple[tuple[int, int], int] | None:
    """The exchange that repairs most pairs of its two landmarks, and at least two in three."""
    best: tuple[tuple[int, int], int] | None = None
    for a, b in np.argwhere(np.triu(wrong)).tolist():
        before = _touching(wrong, a, b)
        exchanged = shape.copy()
        exchanged[[a, b]] = exchanged[[b, a]]
        after = _touching(steady.reversed(exchanged), a, b)
        if 3 * after <= before and (best is None or before - after > best[1]):
            best = ((a, b), before - after)
    return best


def _touching(wrong: Bool[ndarray, "landmark landmark"], a: int, b: int) -> int:
    return int(wrong[a].sum() + wrong[b].sum() - wrong[a, b])


def _far_problems(
    laid: Complex[ndarray, "image landmark"],
    median: Complex[ndarray, " landmark"],
    disordered: set[int],
) -> list[ShapeProblem]:
    """Landmarks much farther from their median place than is usual for them.

    Not of shapes in disorder: what is near there says nothing.
    """
    distance = np.abs(laid - median)
    usual = np.maximum(_column_median(distance), 0.2 * np.nanmedian(distance))
    ratio = np.nan_to_num(distance / np.maximum(usual, 1e-9))
    found = []
    for i, row in enumerate(ratio):
        far = [int(k) for k in np.argsort(-row, kind="stable") if row[k] > _FAR]
        if far and i not in disordered:
            found.append(ShapeProblem(i, "far-off", tuple(far), float(row[far[0]])))
    return found
