"""Cells of a study's report on agreement: limits with their intervals, ICC, SEM and MDC95."""

from palpate.evaluation.agreement_estimate import Estimate
from palpate.evaluation.agreement_sentences import of_pair
from palpate.evaluation.measurements import QuantityAgreement
from palpate.report.parts import Bounded
from palpate.report.wording import figure, number, span

RELIABILITY = ("ICC(2,1)", "ICC(3,1)", "SEM", "MDC95")


def bounded(found: Estimate, digits: int = 2) -> Bounded:
    """A figure with its interval below it, or the reason why there is none.

    Example:
        >>> bounded(Estimate(0.5, (0.25, 0.75), "F")).below
        '0.25 to 0.75'
    """
    if found.value is None:
        return Bounded("–", found.reason)
    return Bounded(number(found.value, digits), span(found.interval, digits))


def limits_cell(row: QuantityAgreement, digits: int) -> Bounded:
    """Limits of agreement, and below them the interval of each."""
    text = span(row.limits, digits) or "–"
    if row.method is None:
        return Bounded(text, "")
    bounds = [row.method.limits.lower.interval, row.method.limits.upper.interval]
    return Bounded(text, "; ".join(span(bound, digits) for bound in bounds if bound is not None))


def reliability_cells(row: QuantityAgreement) -> tuple[Bounded, ...]:
    """ICC(2,1), ICC(3,1), SEM and MDC95, in the order of ``RELIABILITY``."""
    if row.method is None or row.n < 3:
        return (Bounded(figure(row.icc, 3), ""), *(Bounded("–", ""),) * 3)
    found = row.method.reliability
    return (
        bounded(found.icc_agreement, 3),
        bounded(found.icc_consistency, 3),
        bounded(found.sem_agreement),
        bounded(found.mdc),
    )


def agreement_warnings(row: QuantityAgreement) -> list[str]:
    """Sentences on a bias that is proportional and on differences that are not normal."""
    if row.method is None:
        return []
    return [f"{row.name}: {said}" for said in of_pair(row.method, row.unit)]
