"""How far a measurement may be off, on what that rests, and how probable its classes are."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from palpate.conformal.measurement_scores import MeasurementScores
from palpate.geometry.propagation import Propagated
from palpate.measurement import IntervalBasis, Unit
from palpate.prediction import Basis
from palpate.protocols.classes import Classes

Interval = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Doubt:
    """What a measurement says of its own error, in the measurement's unit and signs.

    Args:
        standard_uncertainty: None where nothing is known.
        spread: below and above, where these differ.
        interval: at the level asked for.
        basis: what it rests on.
        chances: of each class.
        crosses: the limits of classes inside the interval.
    """

    standard_uncertainty: float | None = None
    spread: tuple[float, float] | None = None
    interval: Interval | None = None
    basis: IntervalBasis = ""
    chances: Mapping[str, float] = field(default_factory=dict)
    crosses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of one quantity's uncertainty.

    Args:
        level: of the interval.
        basis: of the landmarks' covariances.
        scores: errors of this quantity on held-out subjects, with its sign as it is to be printed;
            None where there are none.
        unit: of the quantity.
        classes: of it.
        sense: -1 where its sign is turned round, else 1.
    """

    level: float
    basis: Basis
    scores: MeasurementScores | None
    unit: Unit
    classes: Classes | None
    sense: float


def doubt(found: Propagated, asked: Asked) -> Doubt:
    """State the doubt of a value, given in the unit and the signs of the protocol's file.

    Enough held-out subjects give a conformal interval, and chances of the classes from the same
    errors. Otherwise both are of the propagated distribution. An interval from fewer than
    :data:`palpate.conformal.measurement_scores.FEWEST_FOR_CHANCES` subjects, as a low level
    allows, is told without chances.
    """
    below, above = found.spread or (found.standard_uncertainty,) * 2
    interval = found.interval(asked.level)
    basis: IntervalBasis = "uncalibrated" if asked.basis == "uncalibrated" else "scaled"
    scores, classes = asked.scores, asked.classes
    if scores is not None and asked.sense < 0.0:
        scores = scores.flipped()
    held_out = None
    if scores is not None:
        held_out = scores.interval(found.value, below, above, asked.level)
    chances: dict[str, float] = {}
    if held_out is None or scores is None:
        chances = {} if classes is None else classes.chances(found.probability_below)
    else:
        # What cannot be is no part of an interval.
        low, high = held_out
        interval = max(low, found.bounds[0]), min(high, found.bounds[1])
        basis = "conformal"
        if classes is not None:
            under = [
                scores.probability_below(found.value, below, above, limit)
                for limit in classes.limits
            ]
            known = {
                limit: chance
                for limit, chance in zip(classes.limits, under, strict=True)
                if chance is not None
            }
            chances = classes.chances(known.__getitem__) if len(known) == len(under) else {}
    turned = asked.sense < 0.0
    return Doubt(
        found.standard_uncertainty,
        None if found.spread is None else ((above, below) if turned else (below, above)),
        _turned(interval) if turned else interval,
        basis,
        chances,
        () if classes is None else classes.crossed(interval, asked.unit, asked.sense),
    )


def _turned(interval: Interval) -> Interval:
    return 0.0 - interval[1], 0.0 - interval[0]
