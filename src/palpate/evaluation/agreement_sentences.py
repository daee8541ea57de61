"""What a reader must know of an agreement before its figures: in sentences."""

from palpate.evaluation.agreement_pair import PairAgreement
from palpate.evaluation.agreement_study import QuantityRated, RatersCompared

# Below this, differences that are not normal are told.
_NORMAL_P = 0.01


def sentences(compared: RatersCompared) -> tuple[str, ...]:
    """Every sentence of every quantity."""
    found = []
    for quantity in compared.quantities:
        beside = beside_people(quantity, compared.people)
        found += [beside] if beside else []
        for pair in quantity.pairs:
            found += [
                f"{quantity.name}, {pair.label}: {said}" for said in of_pair(pair, quantity.unit)
            ]
    return tuple(found)


def of_pair(pair: PairAgreement, unit: str) -> list[str]:
    """Say where bias is proportional, and where differences are not normal."""
    unit = "" if unit == "1" else unit
    found = []
    slope = pair.slope
    if slope.value is not None and slope.interval is not None:
        low, high = slope.interval
        if low > 0 or high < 0:
            way = "grows" if slope.value > 0 else "falls"
            found.append(
                f"proportional bias: the difference {way} by {abs(slope.value):.3f} {unit} for "
                f"each {unit or 'unit'} of the mean (slope {slope.value:.3f}, 95 % interval "
                f"{low:.3f} to {high:.3f}), so one bias and one pair of limits do not hold for "
                "small and large values alike".replace("  ", " ")
            )
    if pair.normal is not None and pair.normal < _NORMAL_P:
        found.append(
            f"the differences are not normal (Shapiro-Wilk p {_p(pair.normal)}), which limits of "
            f"agreement take them to be; {pair.inside} of {pair.images} lie inside"
        )
    return found


def beside_people(quantity: QuantityRated, people: tuple[str, ...]) -> str:
    """Say how far people are from each other and how far everybody else is from each of them."""
    own, others = [], []
    for pair in quantity.pairs:
        if pair.mae.value is None:
            continue
        told = f"{pair.mae.value:.2f} ({pair.label})"
        count = (pair.first in people) + (pair.second in people)
        if count == 2:
            own.append(told)
        elif count == 1:
            others.append(told)
    if not own or not others:
        return ""
    unit = quantity.unit if quantity.unit != "1" else "no unit"
    return (
        f"{quantity.name}: people are {', '.join(own)} {unit} apart on the average; "
        f"{', '.join(others)}"
    )


def _p(value: float) -> str:
    return "< 0.001" if value < 0.001 else f"= {value:.3f}"
