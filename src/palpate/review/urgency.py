"""Which cases a reader should see first: where the model may be wrong in a way that matters.

Every case is told in three numbers from 0 to 1 (:class:`palpate.review.case.Urgency`): the chance
that a class changes, how wide its intervals are beside those of the other cases, and how
implausible its shape is. :func:`urgency_score` makes one of them.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from palpate.measurement import Measurement, Report
from palpate.protocols.protocol import Protocol, Quantity
from palpate.review.case import Urgency

# What each number counts when it is 1. A class that changes and a shape that cannot be are reasons
# in themselves; a wide interval alone is a quarter of one.
WEIGHTS: Mapping[str, float] = {"class_change": 1.0, "implausible": 1.0, "width": 0.25}
# Less is not worth a word: a class is then as good as certain, a width nothing unusual.
_TOLD_CHANCE = 0.05
_TOLD_TIMES = 1.5
_MOST_TOLD = 3


@dataclass(frozen=True, slots=True)
class Doubted:
    """What is known of one case before anybody has looked at it.

    Args:
        image: identifier.
        reports: measurements of the prediction, one a frame; empty where nothing was measured.
        implausible: how unlike the shapes that are known, in [0, 1]; None where not known.
        reasons: why the prediction should not be trusted, in words.
    """

    image: str
    reports: tuple[Report, ...] = ()
    implausible: float | None = None
    reasons: tuple[str, ...] = ()


def urgencies(cases: Sequence[Doubted], protocol: Protocol | None) -> dict[str, Urgency]:
    """Judge the cases of a project beside each other; the order that they come in is no matter.

    - ``class_change``: 1 less the probability of the class that a value lies in, of the
      measurement where that is most.
    - ``width``: every interval's width is divided by the median width of its measurement over the
      cases; the share of the cases whose widest is narrower than this one's.
    - ``implausible``: as given.

    Of a clip, the frame that is worst in each respect counts.

    Example:
        >>> urgencies([Doubted("1", implausible=0.9, reasons=("shape",))], None)["1"].reasons
        ('shape',)
    """
    usual = _usual_widths(cases)
    widest = {case.image: _widest(case, usual) for case in cases}
    told = np.sort([times for times, _ in filter(None, widest.values())])
    found = {}
    for case in cases:
        change, changes = _class_change(case, protocol)
        width, words = None, []
        wide = widest[case.image]
        if wide is not None:
            width = float(np.searchsorted(told, wide[0], side="left")) / len(told)
            words = [_wide_in_words(*wide)] if wide[0] >= _TOLD_TIMES else []
        reasons = (*case.reasons, *changes, *words)
        found[case.image] = Urgency(change, width, case.implausible, reasons)
    return found


def urgency_score(urgency: Urgency) -> float:
    """One number from 0 to 1 to order a queue by, the largest first; 0 where nothing is known.

    ``1 - (1 - c) (1 - p) (1 - w / 4)`` with the chance ``c`` that a class changes, the implausible
    shape ``p`` and the width ``w``: the chance that at least one of them matters, were each the
    chance that it does and each by itself (:data:`WEIGHTS`). So more of any never lowers it, and
    what is not known counts as nothing.

    Example:
        >>> urgency_score(Urgency(class_change=0.4, width=0.5)), urgency_score(Urgency())
        (0.475, 0.0)
    """
    parts = {
        "class_change": urgency.class_change,
        "implausible": urgency.implausible,
        "width": urgency.width,
    }
    kept = 1.0
    for name, part in parts.items():
        kept *= 1.0 - WEIGHTS[name] * (part or 0.0)
    return round(1.0 - kept, 12)


def _class_change(case: Doubted, protocol: Protocol | None) -> tuple[float | None, tuple[str, ...]]:
    """The largest chance that a class changes, and the largest ones in words."""
    if protocol is None:
        return None, ()
    quantities = {quantity.name: quantity for quantity in protocol.quantities}
    chances: dict[str, tuple[float, str]] = {}
    for report in case.reports:
        for one in report.measurements:
            told = _change(one, quantities.get(one.name), protocol)
            if told is not None and told[0] > chances.get(one.name, (-1.0, ""))[0]:
                chances[one.name] = told
    if not chances:
        return None, ()
    order = sorted(chances.items(), key=lambda pair: (-pair[1][0], pair[0]))
    words = [sentence for _, (chance, sentence) in order if chance >= _TOLD_CHANCE]
    return order[0][1][0], tuple(words[:_MOST_TOLD])


def _change(
    one: Measurement, quantity: Quantity | None, protocol: Protocol
) -> tuple[float, str] | None:
    """Chance that the class of a value is another one, and the two most probable in words."""
    if quantity is None or quantity.classes is None or one.value is None or not one.probabilities:
        return None
    own = quantity.classes.of(protocol.sense(quantity) * one.value)
    others = {name: chance for name, chance in one.probabilities.items() if name != own}
    chance = min(max(1.0 - one.probabilities[own], 0.0), 1.0)
    next_to = max(others, key=lambda name: others[name])
    return chance, f"{one.name}: chance {chance:.2f} that the class changes ({own} / {next_to})"


def _usual_widths(cases: Sequence[Doubted]) -> dict[str, float]:
    """Median width of every measurement's intervals."""
    widths: dict[str, list[float]] = defaultdict(list)
    for case in cases:
        for report in case.reports:
            for one in report.measurements:
                if one.interval is not None:
                    widths[one.name].append(one.interval[1] - one.interval[0])
    return {name: float(np.median(known)) for name, known in widths.items()}


def _widest(case: Doubted, usual: Mapping[str, float]) -> tuple[float, Measurement] | None:
    """The measurement whose interval is the widest beside what is usual, and how many times."""
    found = [
        ((one.interval[1] - one.interval[0]) / usual[one.name], one)
        for report in case.reports
        for one in report.measurements
        if one.interval is not None and usual[one.name] > 0.0
    ]
    return max(found, key=lambda pair: (pair[0], pair[1].name)) if found else None


def _wide_in_words(times: float, one: Measurement) -> str:
    return f"{one.name}: interval {times:.1f} times as wide as usual"
