"""Where a limb or a body is while it moves: how much room it takes, how steady its middle is."""

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from palpate.sequences.movement import Movement
from palpate.sequences.movement_amount import Amount
from palpate.sequences.movement_course import Course
from palpate.sequences.movement_settings import MovementSettings


def spread(course: Course) -> Amount:
    """How far the limb's end is from its mean place (root mean square), in the unit of positions.

    The root of the trace of the covariance of the place over the observed time.
    """
    if not course.placed.any():
        return Amount(reason=f"the movement of the {course.name} is not seen in this window")
    covariance = _covariance(course.position[course.placed], course.seconds[course.placed])
    return Amount(float(np.sqrt(np.trace(covariance))))


def room(course: Course) -> Amount:
    """Area of the ellipse of one standard deviation of the place of the limb's end, in unit².

    In three dimensions the volume of the ellipsoid, in unit³.
    """
    if not course.placed.any():
        return Amount(reason=f"the movement of the {course.name} is not seen in this window")
    covariance = _covariance(course.position[course.placed], course.seconds[course.placed])
    ball = {2: np.pi, 3: 4.0 * np.pi / 3.0}[len(covariance)]
    return Amount(float(ball * np.sqrt(max(float(np.linalg.det(covariance)), 0.0))))


def quantity_of_motion(
    movement: Movement, settings: MovementSettings, window_s: tuple[float, float], scale: float
) -> Amount:
    """Mean speed of all joints in body lengths a second, of the time in which each is seen.

    Source:
        The idea: Adde et al., Early Human Development 85(9), 2009, where it is the share of pixels
        that change from frame to frame; here of joints, so the two numbers do not compare.
    """
    inside = (movement.times_s >= window_s[0]) & (movement.times_s < window_s[1])
    seconds = np.where(movement.known[inside], movement.seconds[inside][:, None], 0.0)
    seen_s = float(seconds.sum()) / max(1, len(movement.names))
    lacking = _lacking(seen_s, window_s, settings)
    if lacking is not None:
        return lacking
    return Amount(
        float((np.nan_to_num(movement.speed[inside]) * seconds).sum() / seconds.sum() / scale)
    )


def centroid_spread(
    movement: Movement, settings: MovementSettings, window_s: tuple[float, float], scale: float
) -> Amount:
    """How much the middle of what moves wanders: its standard deviation, in body lengths.

    The middle of a frame is the mean of the joints' places, weighted by their speeds; of a window
    its root mean square distance from its mean, weighted by the sum of the speeds. Frames that
    show all joints' movement count.

    Source:
        The idea: Adde et al., Developmental Medicine and Child Neurology 52(8), 2010 (standard
        deviation of the centroid of motion, there of pixels that change).
    """
    inside = (movement.times_s >= window_s[0]) & (movement.times_s < window_s[1])
    inside &= movement.known.all(axis=1) & ~np.isnan(movement.position).any(axis=(1, 2))
    seconds = movement.seconds[inside]
    lacking = _lacking(float(seconds.sum()), window_s, settings)
    if lacking is not None:
        return lacking
    speed = movement.speed[inside]
    moved = speed.sum(axis=1)
    if not moved.sum() > 0.0:
        return Amount(reason="nothing moves, so there is no middle of what moves")
    middle = (movement.position[inside] * speed[..., None]).sum(axis=1)
    middle = middle / np.where(moved > 0.0, moved, 1.0)[:, None]
    covariance = _covariance(middle, seconds * moved)
    return Amount(float(np.sqrt(np.trace(covariance))) / scale)


def _covariance(
    places: Float[ndarray, "frame d"], weights: Float[ndarray, " frame"]
) -> Float[ndarray, "d d"]:
    share = weights / weights.sum()
    aside = places - share @ places
    return (aside * share[:, None]).T @ aside


def _lacking(
    seen_s: float, window_s: tuple[float, float], settings: MovementSettings
) -> Amount | None:
    length_s = window_s[1] - window_s[0]
    least_s = max(settings.least_observed_s, settings.least_observed * length_s)
    if seen_s >= least_s * (1.0 - 1e-9):
        return None
    return Amount(
        reason=f"the joints are seen together for {seen_s:.1f} s of {length_s:.0f} s; "
        f"{least_s:.1f} s are needed"
    )
