"""How limbs move beside each other: the right against the left, and all of them together."""

from collections.abc import Sequence
from itertools import combinations

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray

from palpate.sequences.movement_amount import Amount
from palpate.sequences.movement_course import Course
from palpate.sequences.movement_settings import MovementSettings


def symmetry_index(left: Course, right: Course, settings: MovementSettings) -> Amount:
    """Mean speeds as (L - R) / (L + R), in [-1, 1]; 0 is even, positive if the left moves more.

    Of the frames alone in which both are seen, so that no side has more time than the other.

    Source:
        The form of the index: Robinson, Herzog and Nigg, Journal of Manipulative and
        Physiological Therapeutics 10(4), 1987, there as 100 (R - L) / ((R + L) / 2).
    """
    both = _both(left, right, settings)
    if isinstance(both, Amount):
        return both
    a, b = (float((c.speed * c.seconds)[both].sum()) for c in (left, right))
    if a + b == 0.0:
        return Amount(reason=f"neither the {left.name} nor the {right.name} moves")
    return Amount((a - b) / (a + b))


def speed_correlation(left: Course, right: Course, settings: MovementSettings) -> Amount:
    """Pearson's correlation of the two speeds without delay, in [-1, 1]; 1: both always together.

    It compares when they move, not where to: a movement in phase and one in opposition of the
    same speed both have 1.
    """
    both = _both(left, right, settings)
    if isinstance(both, Amount):
        return both
    return _correlation(left, right, both)


def synchrony(limbs: Sequence[Course], settings: MovementSettings) -> Amount:
    """Mean of the correlations of speed of all pairs of limbs, in frames that show all of them.

    General movements run through the limbs in a changing sequence; in the pattern that observers
    call cramped-synchronised all limbs contract and relax at almost the same time. This number
    says how much the limbs speed up and slow down together, and is no assessment of that pattern.

    Source:
        The pattern: Einspieler and Prechtl, Mental Retardation and Developmental Disabilities
        Research Reviews 11(1), 2005. The number is our own definition.
    """
    if len(limbs) < 2:
        return Amount(reason="one limb alone is synchronous with nothing")
    all_seen = np.logical_and.reduce([limb.known for limb in limbs])
    lacking = _lacking(limbs[0], all_seen, settings)
    if lacking is not None:
        return Amount(reason=f"all limbs together are seen for {lacking}")
    pairs = [_correlation(a, b, all_seen) for a, b in combinations(limbs, 2)]
    values = [pair.value for pair in pairs if pair.value is not None]
    if len(values) < len(pairs):
        return next(pair for pair in pairs if pair.value is None)
    return Amount(float(np.mean(values)))


def _both(
    left: Course, right: Course, settings: MovementSettings
) -> Bool[ndarray, " frame"] | Amount:
    both = left.known & right.known
    lacking = _lacking(left, both, settings)
    if lacking is None:
        return both
    return Amount(reason=f"{left.name} and {right.name} together are seen for {lacking}")


def _lacking(
    course: Course, seen: Bool[ndarray, " frame"], settings: MovementSettings
) -> str | None:
    seen_s = float(course.seconds[seen].sum())
    least_s = max(settings.least_observed_s, settings.least_observed * course.length_s)
    if seen_s >= least_s * (1.0 - 1e-9) and seen.sum() > 2:
        return None
    return f"{seen_s:.1f} s of {course.length_s:.0f} s; {least_s:.1f} s are needed"


def _correlation(a: Course, b: Course, seen: Bool[ndarray, " frame"]) -> Amount:
    weights = a.seconds[seen]
    x, y = (_centred(course.speed[seen], weights) for course in (a, b))
    spread = np.sqrt((weights * x * x).sum() * (weights * y * y).sum())
    if not spread > 1e-12 * max(float((weights * a.speed[seen] * b.speed[seen]).sum()), 1e-300):
        return Amount(reason=f"the speed of the {a.name} or of the {b.name} does not change")
    return Amount(float(np.clip((weights * x * y).sum() / spread, -1.0, 1.0)))


def _centred(
    values: Float[ndarray, " frame"], weights: Float[ndarray, " frame"]
) -> Float[ndarray, " frame"]:
    return values - (weights * values).sum() / weights.sum()
