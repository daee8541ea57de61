"""Agreement of raters on the terminal: a table a quantity, then what must be known of it."""

from rich.table import Table
from rich.text import Text

from palpate.cli.progress import console
from palpate.evaluation.agreement_estimate import Estimate
from palpate.evaluation.agreement_pair import PairAgreement
from palpate.evaluation.agreement_reliability import RatersAgreement, Reliability
from palpate.evaluation.agreement_sentences import sentences
from palpate.evaluation.agreement_study import QuantityRated, RatersCompared

_HEAD = (
    "raters",
    "n (subjects)",
    "bias",
    "lower limit",
    "upper limit",
    "MAE",
    "ICC(2,1)",
    "ICC(3,1)",
    "SEM",
    "MDC95",
)


def show_agreement(compared: RatersCompared) -> None:
    """Print every quantity; below a figure its 95 % interval."""
    for quantity in compared.quantities:
        console.print(quantity_table(quantity))
    for sentence in (*compared.notes, *sentences(compared)):
        console.print(f"note: {sentence}", highlight=False, markup=False, style="dim")


def quantity_table(quantity: QuantityRated) -> Table:
    """Return one row two raters, and one a group of raters."""
    kappa = any(pair.classes is not None for pair in quantity.pairs)
    unit = "" if quantity.unit == "1" else f", {quantity.unit}"
    # without padding a row with kappa keeps its intervals on one line
    table = Table(title=Text(f"{quantity.name}{unit} (95 % intervals)"), padding=(0, 0))
    for column in (*_HEAD, *(("kappa",) if kappa else ())):
        table.add_column(column, justify="left" if column == "raters" else "right")
    for pair in quantity.pairs:
        table.add_row(*(Text(cell) for cell in _pair(pair, kappa=kappa)))
    for title, group in quantity.groups.items():
        table.add_row(*(Text(cell) for cell in _group(title, group, kappa=kappa)))
    return table


def _pair(pair: PairAgreement, *, kappa: bool) -> list[str]:
    limits = (pair.limits.bias, pair.limits.lower, pair.limits.upper, pair.mae)
    cells = [pair.label, f"{pair.images} ({pair.subjects})", *(_cell(each) for each in limits)]
    cells += _reliability(pair.reliability)
    if kappa:
        cells.append("" if pair.classes is None else _cell(pair.classes.kappa["quadratic"]))
    return cells


def _group(title: str, group: RatersAgreement, *, kappa: bool) -> list[str]:
    cells = [title, f"{group.images} ({group.subjects})", "", "", "", ""]
    return [*cells, *_reliability(group.reliability), *([""] if kappa else [])]


def _reliability(found: Reliability) -> list[str]:
    icc = (found.icc_agreement, found.icc_consistency)
    return [*(_cell(each) for each in (*icc, found.sem_agreement, found.mdc))]


def _cell(found: Estimate) -> str:
    if found.value is None:
        return found.reason
    value = _number(found.value)
    if found.interval is None:
        return value
    low, high = (_number(bound) for bound in found.interval)
    return f"{value}\n{low} to {high}"


def _number(value: float) -> str:
    return f"{round(value, 2) + 0.0:.2f}"
