"""How regular a limb's speed is over time."""

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from scipy.spatial import cKDTree

from palpate.sequences.movement_amount import Amount
from palpate.sequences.movement_course import Course

# Speeds of a smoothed course repeat from frame to frame; ten a second hardly do.
_STEP_S = 0.1
_PATTERN = 2
_TOLERANCE = 0.2
_LEAST_PATTERNS = 100


def speed_entropy(course: Course) -> Amount:
    """Sample entropy of the speed at ten values a second; higher is less regular.

    Without unit: patterns of 2 values, tolerance 0.2 standard deviations. No pattern reaches
    across a stretch in which the movement is not seen.

    Source:
        Richman and Moorman, American Journal of Physiology - Heart and Circulatory Physiology
        278(6), 2000.
    """
    return sample_entropy(_even_runs(course), name=course.name)


def sample_entropy(runs: list[Float[ndarray, " _"]], *, name: str = "series") -> Amount:
    """Sample entropy of a series in unbroken runs (m = 2, r = 0.2 standard deviations of all).

    -ln(A / B): B pairs of patterns of two values are within the tolerance, A of them with the
    value that follows. White normal noise has -ln(erf(0.1)) = 2.18, a ramp next to 0.

    Example:
        >>> white = np.random.default_rng(0).normal(size=2000)
        >>> round(sample_entropy([white]).value, 1)
        2.2
    """
    longer = [_patterns(run, _PATTERN + 1) for run in runs if len(run) > _PATTERN]
    count = sum(len(part) for part in longer)
    if count < _LEAST_PATTERNS:
        return Amount(
            reason=f"{count} patterns of the {name}'s speed in unbroken sight; {_LEAST_PATTERNS} "
            "are needed"
        )
    patterns = np.concatenate(longer)
    tolerance = _TOLERANCE * float(np.concatenate(runs).std())
    if not tolerance > 0.0:
        return Amount(reason=f"the {name}'s speed does not change")
    alike, alike_next = (_pairs(patterns[:, :m], tolerance) for m in (_PATTERN, _PATTERN + 1))
    if alike_next == 0:
        return Amount(reason=f"no pattern of the {name}'s speed comes twice")
    return Amount(float(np.log(alike / alike_next)))


def _patterns(run: Float[ndarray, " value"], length: int) -> Float[ndarray, "pattern length"]:
    return np.lib.stride_tricks.sliding_window_view(run, length)


def _pairs(patterns: Float[ndarray, "pattern length"], tolerance: float) -> int:
    """Pairs of different patterns of which no value differs by more than the tolerance."""
    tree = cKDTree(patterns)
    return (int(tree.count_neighbors(tree, tolerance, p=np.inf)) - len(patterns)) // 2


def _even_runs(course: Course) -> list[Float[ndarray, " _"]]:
    """Speeds at even steps, from each stretch in which they are known."""
    edges = np.diff(np.concatenate([[False], course.known, [False]]).astype(int))
    starts, stops = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    runs = []
    for start, stop in zip(starts.tolist(), stops.tolist(), strict=True):
        times = course.times_s[start:stop]
        runs.append(
            np.interp(np.arange(times[0], times[-1], _STEP_S), times, course.speed[start:stop])
        )
    return runs
