"""The error of one measurement, and the least change that is more than that error."""

from math import sqrt

from palpate.evaluation.agreement_estimate import Estimate
from palpate.evaluation.icc import TOO_FEW, MeanSquares

# Two measurements differ by more than this many standard errors in 5 % of unchanged subjects.
MDC95 = 1.96 * sqrt(2.0)


def sem_agreement(squares: MeanSquares | None) -> Estimate:
    """Standard error of measurement of one rater, whoever it is, in the measurement's unit.

    The root of the within-subject variance: what raters differ by on the average counts, as in
    ICC(2,1). It is the error of a measurement that anybody may take the next time.

    Source:
        de Vet et al., Journal of Clinical Epidemiology 59(10):1033-1039, 2006: SEM agreement;
        Bland and Altman, BMJ 313:744, 1996: within-subject standard deviation.

    Example:
        >>> round(sem_agreement(MeanSquares.of([[1.0, 2.0], [5.0, 6.0], [9.0, 10.0]])).value, 3)
        0.707
    """
    if squares is None:
        return Estimate(reason=TOO_FEW)
    return Estimate(sqrt(max(0.0, squares.within)))


def sem_consistency(squares: MeanSquares | None) -> Estimate:
    """Standard error of measurement of one and the same rater: the root of the mean square error.

    What raters differ by on the average does not count, as in ICC(3,1).

    Example:
        >>> sem_consistency(MeanSquares.of([[1.0, 2.0], [5.0, 6.0], [9.0, 10.0]])).value
        0.0
    """
    if squares is None:
        return Estimate(reason=TOO_FEW)
    return Estimate(sqrt(max(0.0, squares.error)))


def minimal_detectable_change(sem: Estimate) -> Estimate:
    """MDC95 = 1.96 * sqrt(2) * SEM: a smaller change may be the measurement's own error.

    Source:
        Weir, Journal of Strength and Conditioning Research 19(1):231-240, 2005.

    Example:
        >>> round(minimal_detectable_change(Estimate(1.0)).value, 2)
        2.77
    """
    if sem.value is None:
        return sem
    low, high = sem.interval or (0.0, 0.0)
    interval = None if sem.interval is None else (MDC95 * low, MDC95 * high)
    return Estimate(MDC95 * sem.value, interval, sem.method)
