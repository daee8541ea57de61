"""Agreement on misaligned segments and on contact, and F1 against the threshold."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray

from palpate.evaluation.posture_classes import (
    TOO_FEW,
    Agreement,
    Confusion,
    Rate,
    agreement_of,
    pooled,
    rate,
)
from palpate.evaluation.posture_judged import Angles, Judged
from palpate.protocols.posture import contact, exceeds
from palpate.protocols.posture_flags import Flags, all_of, any_of
from palpate.protocols.protocol import Protocol


@dataclass(frozen=True, slots=True)
class Curve:
    """F1 of one segment or group against the threshold: a line of the paper's figure 5.

    Args:
        name: of the segment or group.
        kind: which of these.
        thresholds_deg: of the sweep.
        positives: labelled misaligned, at each threshold.
        negatives: labelled aligned.
        f1: of the prediction.
        f1_if_all: of calling every frame misaligned. At low thresholds that is high, for
            nearly all frames are: there a high F1 says nothing of the method.
    """

    name: str
    kind: str
    thresholds_deg: tuple[float, ...]
    positives: tuple[int, ...]
    negatives: tuple[int, ...]
    f1: tuple[Rate, ...]
    f1_if_all: tuple[Rate, ...]

    def reliable_to(self, f1: float = 0.5) -> float | None:
        """Largest threshold up to which F1 is above ``f1`` at every one; None for none."""
        reached = None
        for threshold, each in zip(self.thresholds_deg, self.f1, strict=True):
            if each.value is None or each.value <= f1:
                break
            reached = threshold
        return reached

    def rows(self) -> list[dict[str, float | str | None]]:
        """One row a threshold, for a CSV."""
        return [
            {
                "name": self.name,
                "kind": self.kind,
                "threshold_deg": threshold,
                "positives": positives,
                "negatives": negatives,
                "f1": f1.shown,
                "f1_low": None if f1.interval is None else f1.interval[0],
                "f1_high": None if f1.interval is None else f1.interval[1],
                "f1_if_all": every.shown,
            }
            for threshold, positives, negatives, f1, every in zip(
                self.thresholds_deg,
                self.positives,
                self.negatives,
                self.f1,
                self.f1_if_all,
                strict=True,
            )
        ]


def alignment(judged: Judged, threshold_deg: float, *, fewest: int) -> tuple[Agreement, ...]:
    """Agreement on what is misaligned, a row a segment and group: the paper's table 2."""
    return tuple(
        agreement_of(name, kind, counts, judged.resampling, fewest=fewest)
        for name, kind, counts in confusions(judged, judged.turned(), threshold_deg)
    )


def curves(judged: Judged, *, fewest: int) -> tuple[Curve, ...]:
    """F1 against the threshold, a curve a segment and group: the paper's figure 5."""
    thresholds = judged.table.thresholds
    turned = judged.turned()
    swept = [confusions(judged, turned, threshold) for threshold in thresholds]
    made = []
    for each in zip(*swept, strict=True):
        name, kind, _ = each[0]
        counts = [part[2] for part in each]
        made.append(
            Curve(
                name=name,
                kind=kind,
                thresholds_deg=thresholds,
                positives=tuple(int(part.positives.sum()) for part in counts),
                negatives=tuple(int(part.negatives.sum()) for part in counts),
                f1=_f1(judged, counts, fewest),
                f1_if_all=tuple(_f1_if_all(part, fewest) for part in counts),
            )
        )
    return tuple(made)


def confusions(
    judged: Judged, turned: tuple[Angles, Angles], threshold_deg: float
) -> list[tuple[str, str, Confusion]]:
    """Counts of each segment, then of each group: each segment of each frame counts once."""
    labelled, predicted = (exceeds(each, threshold_deg) for each in turned)
    segments = _counts(judged, labelled, predicted)
    rows = [
        (name, "segment", part) for name, part in zip(judged.table.segments, segments, strict=True)
    ]
    for name, columns in judged.groups().items():
        rows.append((name, "group", pooled([segments[k] for k in columns])))
    return rows


def contact_agreement(
    judged: Judged,
    protocol: Protocol,
    *,
    against: Float[ndarray, "frame landmark 2"],
    fewest: int,
) -> tuple[Agreement, ...]:
    """Agreement on contact, a row a rule, then any of them and all of them: the paper's table 3.

    Args:
        judged: frames with labels and predictions.
        protocol: with the rules.
        against: px, where the landmark that predicted points are compared with is taken from:
            the labels, as in the paper, or the predictions, as in use. Labelled points are
            always compared with labels.
        fewest: that a class must hold.
    """
    frames = judged.frames
    labelled = contact(protocol, frames.labels, judged.facing).where(_counted(judged, protocol))
    predicted = contact(protocol, frames.predictions, judged.facing, against=against)
    points = [rule.point for rule in judged.table.contact]
    counts = _counts(judged, labelled, predicted)
    rows = [(point, "contact", part) for point, part in zip(points, counts, strict=True)]
    if len(points) > 1:
        for word, combine in ((" or ", any_of), (" and ", all_of)):
            (part,) = _counts(judged, combine(labelled).column(), combine(predicted).column())
            rows.append((word.join(points), "contact", part))
    return tuple(
        agreement_of(name, kind, part, judged.resampling, fewest=fewest)
        for name, kind, part in rows
    )


def _counts(judged: Judged, labelled: Flags, predicted: Flags) -> list[Confusion]:
    return Confusion.count(labelled, predicted, judged.owners, len(judged.resampling.subjects))


def _counted(judged: Judged, protocol: Protocol) -> Bool[ndarray, "frame rule"]:
    """Rules whose labels are scored, both of them."""
    counted, row = judged.frames.counted, protocol.scheme.index
    rules = judged.table.contact
    return np.stack([counted[:, row(r.point)] & counted[:, row(r.of)] for r in rules], axis=1)


def _f1(judged: Judged, counts: Sequence[Confusion], fewest: int) -> tuple[Rate, ...]:
    return tuple(rate("f1", part, judged.resampling, fewest=fewest) for part in counts)


def _f1_if_all(counts: Confusion, fewest: int) -> Rate:
    """F1 of calling every frame positive: nobody's result, so without an interval."""
    positives, negatives = float(counts.positives.sum()), float(counts.negatives.sum())
    if positives < fewest:
        return Rate(reason=f"{TOO_FEW} ({int(positives)} positives)")
    return Rate(2.0 * positives / (2.0 * positives + negatives))
