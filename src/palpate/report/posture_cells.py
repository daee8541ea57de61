"""Figures of posture as cells of a table: a number with its interval, or why there is none."""

from palpate.evaluation.posture_classes import TOO_FEW, Rate
from palpate.evaluation.summary import Summary
from palpate.report.parts import Bounded
from palpate.report.wording import number, span


def rate_cell(rate: Rate) -> Bounded:
    """Return a rate above its interval, both in percent, or 'too few' above the count.

    Example:
        >>> rate_cell(Rate(0.4871, interval=(0.4, 0.5)))
        Bounded(text='48.7', below='40.0 to 50.0')
        >>> rate_cell(Rate(reason="too few (3 positives)"))
        Bounded(text='too few', below='3 positives')
    """
    if rate.value is not None:
        return Bounded(number(100 * rate.value, 1), span(rate.interval, 1, 100.0))
    return Bounded(TOO_FEW, rate.reason.removeprefix(TOO_FEW).strip(" ()"))


def error_cell(summary: Summary, digits: int = 1, *, missed: bool = False) -> Bounded:
    """Return ``mean ± SD`` above the interval of the mean, and what was missed if asked for.

    Example:
        >>> error_cell(Summary(9, 2, 3, 6.41, 5.0, 2.8, interval=(5.9, 7.0)), missed=True)
        Bounded(text='6.4 ± 2.8', below='5.9 to 7.0, 2 missed')
    """
    lost = f"{summary.missed:,} missed" if missed and summary.missed else ""
    if summary.mean is None:
        return Bounded(TOO_FEW, lost or f"{summary.found} found")
    spread = "" if summary.sd is None else f" ± {number(summary.sd, digits)}"
    below = [part for part in (span(summary.interval, digits), lost) if part]
    return Bounded(f"{number(summary.mean, digits)}{spread}", ", ".join(below))
