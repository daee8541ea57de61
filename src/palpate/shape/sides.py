"""One side against the other, and a shape against its population."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from palpate.arrays import rows_with_nan
from palpate.errors import GeometryError
from palpate.shape.model import ShapeModel
from palpate.shape.similarity import Similarity, fit_similarity

# Chance below which a shape of the population is called unusual.
UNUSUAL = 0.01
# A mirror image explains the points where it leaves less than this share of the distance.
_MIRRORED = 0.5


@dataclass(frozen=True, eq=False, slots=True)
class SideDifference:
    """How the left shape differs from the mirror image of the right one.

    Args:
        distance: of each pair of points once one lies on the other, in the unit of the left
            shape (px, or mm where it was given in mm); NaN where either is absent.
        rms: root mean square of them.
        size_ratio: size of the left shape over that of the right one, over their common points.
        score_difference: left less right, in standard deviations of each mode; None without a
            model.
    """

    distance: Float[ndarray, " k"]
    rms: float
    size_ratio: float
    score_difference: Float[ndarray, " m"] | None

    def percent_of(self, width: float) -> Float[ndarray, " k"]:
        """Return the distances in % of a width, such as that of the shaft.

        Raises:
            GeometryError: the width is not positive.
        """
        if not width > 0.0:
            raise GeometryError(f"the width to divide by is positive, got {width}")
        return 100.0 * self.distance / width


@dataclass(frozen=True, slots=True)
class Outlier:
    """Whether a shape is unusual, in a sentence.

    Args:
        unusual: rarer than one in a hundred of the population, or mirrored.
        mirrored: its mirror image fits much better.
        plausibility: chance that a shape of the population is at least so unusual.
        sentence: for the reader of a report.
    """

    unusual: bool
    mirrored: bool
    plausibility: float
    sentence: str


def mirrored_shape(points: Float[ndarray, "k 2"]) -> Float[ndarray, "k 2"]:
    """Reflect x. Points keep their order: that of a left outline is that of a mirrored right one.

    Example:
        >>> mirrored_shape(np.array([[3.0, 4.0]])).tolist()
        [[-3.0, 4.0]]
    """
    return points * np.array([-1.0, 1.0])


def compare_sides(
    left: Float[ndarray, "k 2"],
    right: Float[ndarray, "k 2"],
    *,
    model: ShapeModel | None = None,
) -> SideDifference:
    """Mirror the right shape, lay it on the left one, and measure what is left.

    Both are given in the same frame, in px of square pixels or in mm, landmark by landmark. Scale
    and turn are taken out: what is compared is shape, and the ratio of sizes is told beside it.

    Args:
        left: a side.
        right: the other; ``compare_sides(right, left)`` gives the same share of its size.
        model: of the left side, for the scores; as a mirror image, the right one is scored too.

    Raises:
        GeometryError: different numbers of points, fewer than two common ones, points that
            coincide.

    Example:
        >>> left = np.array([[0.0, 0.0], [4.0, 0.0], [0.0, 3.0]])
        >>> compare_sides(left, mirrored_shape(left) * 2.0).distance.round(6).tolist()
        [0.0, 0.0, 0.0]
    """
    if left.shape != right.shape:
        raise GeometryError(f"two sides have as many points, got {len(left)} and {len(right)}")
    other = mirrored_shape(right)
    pose = _same_size(other, left)
    distance = np.linalg.norm(pose(other) - left, axis=1)
    both = distance[~np.isnan(distance)]
    scores = None if model is None else model.scores(left) - model.scores(other)
    return SideDifference(distance, float(np.sqrt((both**2).mean())), pose.scale, scores)


def _same_size(source: Float[ndarray, "k 2"], target: Float[ndarray, "k 2"]) -> Similarity:
    """Lay one shape on another at the same size.

    The best scale of a least-squares fit shrinks what does not fit, so that neither side would be
    treated as the other is.
    """
    turn = fit_similarity(source, target).rotation_rad
    both = ~(rows_with_nan(source) | rows_with_nan(target))
    middle, there = source[both].mean(axis=0), target[both].mean(axis=0)
    sizes = np.linalg.norm(target[both] - there), np.linalg.norm(source[both] - middle)
    about = Similarity(float(sizes[0] / sizes[1]), turn, np.zeros(2))
    return Similarity(about.scale, turn, there - about(middle))


def judge_shape(
    model: ShapeModel,
    points: Float[ndarray, "k 2"],
    *,
    unusual: float = UNUSUAL,
    names: Sequence[str] = (),
) -> Outlier:
    """Tell whether a shape belongs to the population of the model.

    A shape that is too unusual is tried as its mirror image, which is what a film hung the wrong
    way round, or the other side's outline, gives.

    Args:
        model: of the population.
        points: in px of square pixels or in mm.
        unusual: plausibility below which a shape is called unusual.
        names: of the points, for the sentence; without them points are numbered.

    Raises:
        GeometryError: as :meth:`ShapeModel.fit`.
    """
    fit = model.fit(points)
    if fit.plausibility >= unusual:
        return Outlier(
            False,
            False,
            fit.plausibility,
            f"A usual shape: {100.0 * fit.plausibility:.0f} % of the population are as unusual.",
        )
    turned = mirrored_shape(points)
    other = model.fit(turned)
    present = ~rows_with_nan(points)
    # Both in units of their own size, and both within the limits of the model.
    as_is = _left_over(fit.points, points, present) / fit.pose.scale
    mirrored = _left_over(other.points, turned, present) / other.pose.scale
    if mirrored < _MIRRORED * as_is and other.plausibility > fit.plausibility:
        return Outlier(
            True,
            True,
            fit.plausibility,
            "The shape is that of the other side or of a mirrored image: its mirror image fits "
            f"{as_is / max(mirrored, 1e-12):.0f} times as well.",
        )
    far = int(np.argmax(np.where(present, np.linalg.norm(fit.points - points, axis=1), 0.0)))
    worst = f"landmark {names[far]!r}" if names else f"point {far + 1} of {len(points)}"
    return Outlier(
        True,
        False,
        fit.plausibility,
        f"An unusual shape: fewer than {_percent(unusual)} of the population are so unusual "
        f"({fit.mahalanobis:.1f} standard deviations from the mean; {worst} lies farthest from "
        "what the model allows). Check the landmarks.",
    )


def _left_over(
    fitted: Float[ndarray, "k 2"], points: Float[ndarray, "k 2"], present: ndarray
) -> float:
    return float(np.sqrt(((fitted - points)[present] ** 2).sum(axis=1).mean()))


def _percent(share: float) -> str:
    return f"{100.0 * share:g} %"
