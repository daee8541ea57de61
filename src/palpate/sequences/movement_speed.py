"""How far, how fast, how abruptly: of the frames in which a limb's movement is seen, nothing else.

A joint that rests is still measured with noise, so that path and speed of a body at rest are not
zero: with errors of s px at 30 frames a second and the usual half width the speed of a body at
rest is about 5.7 s px/s. Whether a limb moves is therefore told by its bouts.
"""

import numpy as np

from palpate.sequences.movement_amount import Amount
from palpate.sequences.movement_course import Course

# The greatest value rests on one frame; of the fastest hundredth of the time it does not.
PEAK = 0.99


def path_length(course: Course) -> Amount:
    """Length of the way of the limb's end in the observed time, in the unit of the positions.

    Example:
        >>> from palpate.sequences.movement import derived
        >>> from palpate.sequences.movement_course import course
        >>> from palpate.sequences.movement_settings import MovementSettings
        >>> times = 0.04 * np.arange(100)
        >>> east = np.stack([5.0 * times, 0.0 * times], axis=-1)[:, None]
        >>> moved = derived(("wrist",), east, times, MovementSettings())
        >>> round(path_length(course(moved, "arm", 0, (1.0, 3.0))).value, 2)
        10.0
    """
    if not course.known.any():
        return _unseen(course)
    return Amount(float((course.speed * course.seconds)[course.known].sum()))


def mean_speed(course: Course) -> Amount:
    """Path length over the observed time, in units a second."""
    path = path_length(course)
    if path.value is None or course.observed_s == 0.0:
        return _unseen(course)
    return Amount(path.value / course.observed_s)


def peak_speed(course: Course) -> Amount:
    """The speed that is passed in 1 % of the observed frames, in units a second."""
    if not course.known.any():
        return _unseen(course)
    return Amount(float(np.quantile(course.speed[course.known], PEAK)))


def mean_acceleration(course: Course) -> Amount:
    """Root mean square of the acceleration, in units a second squared."""
    return _root_mean_square(course, course.acceleration)


def mean_jerk(course: Course) -> Amount:
    """Root mean square of the jerk, the third derivative, in units a second cubed.

    Mostly noise at rest: about 960 times the error of a position, at 30 frames a second.
    """
    return _root_mean_square(course, course.jerk)


def _root_mean_square(course: Course, values: np.ndarray) -> Amount:
    if course.observed_s == 0.0:
        return _unseen(course)
    squares = (values**2 * course.seconds)[course.known].sum()
    return Amount(float(np.sqrt(squares / course.observed_s)))


def _unseen(course: Course) -> Amount:
    return Amount(reason=f"the movement of the {course.name} is not seen in this window")
