"""Agreement of two classifications: counts, rates, and 'too few' where a class is empty."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from palpate.errors import StudyError
from palpate.evaluation.bootstrap import Interval, Resampling
from palpate.protocols.posture_flags import Flags

BySubject = Float[ndarray, " subject"]
TOO_FEW = "too few"


@dataclass(frozen=True, eq=False, slots=True)
class Confusion:
    """How often a prediction and the labels agree, counted for each child.

    Args:
        tp: both positive.
        fp: predicted positive, labelled negative.
        fn: predicted negative, labelled positive.
        tn: both negative.
        unknown: labelled, and the prediction cannot be classified: a landmark was not found.
    """

    tp: BySubject
    fp: BySubject
    fn: BySubject
    tn: BySubject
    unknown: BySubject

    @classmethod
    def count(
        cls,
        labelled: Flags,
        predicted: Flags,
        owners: Int[ndarray, " frame"],
        children: int,
    ) -> list["Confusion"]:
        """Count the frames of each column; a flag that is not labelled counts nowhere.

        Args:
            labelled: (frame, column).
            predicted: (frame, column).
            owners: place of each frame's child.
            children: how many there are.
        """
        # Sums over the frames of each child, of all columns in one product.
        of_child = np.equal.outer(np.arange(children), owners).astype(float)
        both = labelled.known & predicted.known
        a, b = labelled.value, predicted.value
        cells = (
            both & a & b,
            both & ~a & b,
            both & a & ~b,
            both & ~a & ~b,
            labelled.known & ~predicted.known,
        )
        sums = [of_child @ cell for cell in cells]
        return [cls(*columns) for columns in zip(*(part.T for part in sums), strict=True)]

    @property
    def positives(self) -> BySubject:
        """Labelled positive."""
        return self.tp + self.fn

    @property
    def negatives(self) -> BySubject:
        """Labelled negative."""
        return self.fp + self.tn

    @property
    def called(self) -> BySubject:
        """Predicted positive."""
        return self.tp + self.fp


def pooled(parts: Sequence[Confusion]) -> Confusion:
    """Add counts: each segment of each frame counts once."""
    names = ("tp", "fp", "fn", "tn", "unknown")
    return Confusion(*(sum(getattr(part, name) for part in parts) for name in names))


@dataclass(frozen=True, slots=True)
class Rate:
    """A rate, or the reason why there is none; never both, never NaN.

    Args:
        value: 0 to 1.
        reason: begins with 'too few' and tells the count.
        interval: by bootstrap over children; None for fewer than two.

    Raises:
        StudyError: value and reason both, or neither.
    """

    value: float | None = None
    reason: str = ""
    interval: Interval | None = None

    def __post_init__(self) -> None:
        if (self.value is None) != bool(self.reason):
            raise StudyError(
                f"a rate has a value or a reason, got {self.value} and {self.reason!r}"
            )

    @property
    def shown(self) -> float | str:
        """The value, or the reason."""
        return self.reason if self.value is None else self.value


@dataclass(frozen=True, slots=True)
class _Rule:
    """A rate as counts over counts, and the classes that must be populated for it."""

    over: Callable[[Confusion], BySubject]
    under: Callable[[Confusion], BySubject]
    needs: tuple[str, ...]


_CLASSES: Mapping[str, Callable[[Confusion], BySubject]] = {
    "frames": lambda c: c.positives + c.negatives,
    "positives": lambda c: c.positives,
    "negatives": lambda c: c.negatives,
    "predicted positives": lambda c: c.called,
}

RATES: Mapping[str, _Rule] = MappingProxyType(
    {
        "accuracy": _Rule(lambda c: c.tp + c.tn, lambda c: c.positives + c.negatives, ("frames",)),
        "true_positive_rate": _Rule(lambda c: c.tp, lambda c: c.positives, ("positives",)),
        "false_positive_rate": _Rule(lambda c: c.fp, lambda c: c.negatives, ("negatives",)),
        "true_negative_rate": _Rule(lambda c: c.tn, lambda c: c.negatives, ("negatives",)),
        "false_negative_rate": _Rule(lambda c: c.fn, lambda c: c.positives, ("positives",)),
        "precision": _Rule(
            lambda c: c.tp, lambda c: c.called, ("positives", "predicted positives")
        ),
        "f1": _Rule(lambda c: 2.0 * c.tp, lambda c: 2.0 * c.tp + c.fp + c.fn, ("positives",)),
    }
)


def rate(name: str, counts: Confusion, resampling: Resampling, *, fewest: int) -> Rate:
    """Compute one of :data:`RATES`; 'too few' where a class that it needs is below ``fewest``.

    F1 is 2 TP / (2 TP + FP + FN): a method that never finds a positive has a true 0, and
    positives that are not there give no number at all.
    """
    rule = RATES[name]
    for each in rule.needs:
        number = int(_CLASSES[each](counts).sum())
        if number < max(fewest, 1):
            return Rate(reason=f"{TOO_FEW} ({number} {each})")
    over, under = rule.over(counts), rule.under(counts)
    return Rate(float(over.sum() / under.sum()), interval=resampling.ratio(over, under))


@dataclass(frozen=True, slots=True)
class Agreement:
    """One row of the paper's tables 2 and 3.

    Args:
        name: of a segment, a group or a contact rule.
        kind: which of these.
        positives: labelled positive, and predicted either way.
        negatives: labelled negative, and predicted either way.
        predicted_positives: called positive.
        unknown: labelled, and not classified by the prediction; in no rate.
        children: that the counts are of.
        rates: name of :data:`RATES` -> rate.
    """

    name: str
    kind: str
    positives: int
    negatives: int
    predicted_positives: int
    unknown: int
    children: int
    rates: Mapping[str, Rate] = field(default_factory=dict)

    @property
    def f1(self) -> Rate:
        """Harmonic mean of precision and recall."""
        return self.rates["f1"]

    def row(self) -> dict[str, float | str | None]:
        """Return the row of a CSV; a rate's text where there is no number."""
        row: dict[str, float | str | None] = {
            "name": self.name,
            "kind": self.kind,
            "positives": self.positives,
            "negatives": self.negatives,
            "predicted_positives": self.predicted_positives,
            "unknown": self.unknown,
            "children": self.children,
        }
        for name, each in self.rates.items():
            row[name] = each.shown
            row[f"{name}_low"], row[f"{name}_high"] = each.interval or (None, None)
        return row


def agreement_of(
    name: str, kind: str, counts: Confusion, resampling: Resampling, *, fewest: int
) -> Agreement:
    """Fill a row from its counts."""
    classified = counts.positives + counts.negatives
    return Agreement(
        name=name,
        kind=kind,
        positives=int(counts.positives.sum()),
        negatives=int(counts.negatives.sum()),
        predicted_positives=int(counts.called.sum()),
        unknown=int(counts.unknown.sum()),
        children=int(np.count_nonzero(classified)),
        rates={each: rate(each, counts, resampling, fewest=fewest) for each in RATES},
    )
