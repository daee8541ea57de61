"""How smooth a movement is, free of its size and duration."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from palpate.sequences.movement_amount import Amount
from palpate.sequences.movement_bouts import Bout
from palpate.sequences.movement_course import Course

# As in the source: the spectrum above 10 Hz, and its tail below 5 % of the peak, is left out.
_HIGHEST_HZ = 10.0
_TAIL = 0.05
_PADDED = 4
# Below half a second a bout is one stroke of the filter, whatever the limb did.
_LEAST_S = 0.5


def log_dimensionless_jerk(course: Course, found: Sequence[Bout]) -> Amount:
    """Median over the bouts of -ln(T³ / v_peak² * integral of jerk²); less negative is smoother.

    Without unit. Bouts of at least 0.5 s of which beginning and end are seen. The jerk is the
    length of the third derivative of the position, so that a turn counts as well; the single
    straight movement of least jerk has -5.32.

    Source:
        Balasubramanian, Melendez-Calderon, Roby-Brami and Burdet, Journal of NeuroEngineering and
        Rehabilitation 12:112, 2015 (there of the speed); Hogan and Sternad, Journal of Motor
        Behavior 41(6), 2009 (of the position).
    """
    values = [
        ldlj(course.speed[part], course.jerk[part], course.seconds[part]) for part in _parts(found)
    ]
    return _median(course, values)


def spectral_arc_length(course: Course, found: Sequence[Bout]) -> Amount:
    """Median over the bouts of the arc length of the speed's spectrum; less negative is smoother.

    Without unit. Bouts of at least 0.5 s of which beginning and end are seen; a single smooth
    stroke has about -1.4.

    Source:
        Balasubramanian, Melendez-Calderon and Burdet, IEEE Transactions on Biomedical Engineering
        59(8), 2012; in the form (SPARC) of Balasubramanian et al., Journal of NeuroEngineering
        and Rehabilitation 12:112, 2015.
    """
    values = [sparc(course.times_s[part], course.speed[part]) for part in _parts(found)]
    return _median(course, values)


def ldlj(
    speed: Float[ndarray, " frame"],
    jerk: Float[ndarray, " frame"],
    seconds: Float[ndarray, " frame"],
) -> float:
    """Log dimensionless jerk of one movement.

    Example:
        >>> t = (np.arange(1000) + 0.5) / 1000
        >>> speed, jerk = 30 * t**2 * (1 - t) ** 2, 60 - 360 * t + 360 * t**2
        >>> round(ldlj(speed, jerk, np.full(1000, 0.001)), 2)
        -5.32
    """
    whole_s = float(seconds.sum())
    return -float(np.log(whole_s**3 / speed.max() ** 2 * (jerk**2 * seconds).sum()))


def sparc(times_s: Float[ndarray, " frame"], speed: Float[ndarray, " frame"]) -> float:
    """Spectral arc length of one movement, from its speed at four times or more.

    Uneven steps are evened by straight lines, at the median step.

    Example:
        >>> t = np.arange(0.0, 1.0, 0.01)
        >>> one, two = np.sin(np.pi * t) ** 2, np.sin(2 * np.pi * t) ** 2
        >>> sparc(t, two) < sparc(t, one) < 0.0
        True
    """
    step_s = float(np.median(np.diff(times_s)))
    even = np.interp(np.arange(times_s[0], times_s[-1] + step_s / 2.0, step_s), times_s, speed)
    points = 2 ** (int(np.ceil(np.log2(len(even)))) + _PADDED)
    spectrum = np.abs(np.fft.rfft(even, points))
    spectrum /= spectrum[0]
    hz = np.fft.rfftfreq(points, step_s)
    spectrum, hz = spectrum[hz <= _HIGHEST_HZ], hz[hz <= _HIGHEST_HZ]
    above = np.flatnonzero(spectrum >= _TAIL)
    last = max(int(above[-1]) + 1, 2)
    spectrum, hz = spectrum[:last], hz[:last]
    return -float(np.hypot(np.diff(hz) / (hz[-1] - hz[0]), np.diff(spectrum)).sum())


def _parts(found: Sequence[Bout]) -> list[slice]:
    return [
        slice(bout.start, bout.stop)
        for bout in found
        if bout.whole and bout.seconds >= _LEAST_S and bout.stop - bout.start >= 4
    ]


def _median(course: Course, values: Sequence[float]) -> Amount:
    if not values:
        return Amount(
            reason=f"no bout of the {course.name} of {_LEAST_S:g} s with beginning and end in this "
            "window"
        )
    return Amount(float(np.median(values)))
