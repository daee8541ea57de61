"""Agreement as rows of a table: one a quantity and two raters, or a group of raters."""

from collections.abc import Mapping

from palpate.evaluation.agreement_estimate import Estimate
from palpate.evaluation.agreement_pair import WEIGHTS, PairAgreement
from palpate.evaluation.agreement_reliability import RatersAgreement, Reliability
from palpate.evaluation.agreement_study import QuantityRated, RatersCompared
from palpate.evaluation.kappa import Weights

Cells = dict[str, object]


def agreement_rows(compared: RatersCompared) -> list[Cells]:
    """Rows of agreement.csv; None where there is nothing to say.

    Every figure has its bounds beside it (``_low``, ``_high``), and ``reason`` says why figures
    are missing.
    """
    rows = []
    for quantity in compared.quantities:
        rows += [_pair(quantity, pair) for pair in quantity.pairs]
        rows += [_group(quantity, title, group) for title, group in quantity.groups.items()]
    return rows


def _pair(quantity: QuantityRated, pair: PairAgreement) -> Cells:
    kappa: Mapping[Weights, Estimate] = {} if pair.classes is None else pair.classes.kappa
    figures = {
        "bias": pair.limits.bias,
        "sd": pair.limits.sd,
        "lower_limit": pair.limits.lower,
        "upper_limit": pair.limits.upper,
        "mae": pair.mae,
        "slope": pair.slope,
        **_reliability(pair.reliability),
        **{f"kappa_{name}": kappa.get(name) for name in WEIGHTS},
    }
    about: Cells = {
        "quantity": quantity.name,
        "unit": quantity.unit,
        "comparison": f"{pair.second} - {pair.first}",
        "images": pair.images,
        "subjects": pair.subjects,
    }
    told = {**about, **_cells(figures)}
    told["inside_limits"] = pair.inside
    told["shapiro_p"] = _number(pair.normal)
    told["refused"] = "; ".join(f"{count} x {why}" for why, count in pair.refused.items()) or None
    told["reason"] = _reasons(figures)
    return told


def _group(quantity: QuantityRated, title: str, group: RatersAgreement) -> Cells:
    empty = ("bias", "sd", "lower_limit", "upper_limit", "mae", "slope")
    figures: dict[str, Estimate | None] = dict.fromkeys(empty)
    figures.update(_reliability(group.reliability))
    figures.update(dict.fromkeys(f"kappa_{name}" for name in WEIGHTS))
    about: Cells = {
        "quantity": quantity.name,
        "unit": quantity.unit,
        "comparison": f"{title}: {', '.join(group.raters)}",
        "images": group.images,
        "subjects": group.subjects,
    }
    ends: Cells = {"inside_limits": None, "shapiro_p": None, "refused": None}
    return {**about, **_cells(figures), **ends, "reason": _reasons(figures)}


def _reliability(found: Reliability) -> dict[str, Estimate]:
    return {
        "icc_2_1": found.icc_agreement,
        "icc_3_1": found.icc_consistency,
        "sem_agreement": found.sem_agreement,
        "sem_consistency": found.sem_consistency,
        "mdc95": found.mdc,
    }


def _cells(figures: Mapping[str, Estimate | None]) -> Cells:
    cells: Cells = {}
    for name, found in figures.items():
        low, high = (None, None) if found is None or found.interval is None else found.interval
        cells[name] = _number(None if found is None else found.value)
        cells[f"{name}_low"], cells[f"{name}_high"] = _number(low), _number(high)
    return cells


def _number(value: float | None) -> str | None:
    return None if value is None else f"{value:.6g}"


def _reasons(figures: Mapping[str, Estimate | None]) -> str | None:
    found: dict[str, list[str]] = {}
    for name, each in figures.items():
        if each is not None and each.reason:
            found.setdefault(each.reason, []).append(name)
    return "; ".join(f"{', '.join(names)}: {why}" for why, names in found.items()) or None
