"""One list of the labels that a person should look at first.

In the flow: study, held-out predictions -> :func:`rank_labels` -> :class:`RankedLabels` ->
findings, ``check_first.csv`` and a page. The unit of the list is an image and a kind of error.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from palpate.finding import Finding
from palpate.labels.between import annotators_apart
from palpate.labels.gather import label_sets
from palpate.labels.held_out import HeldOutPredictions
from palpate.labels.residuals import LabelSet, standardise
from palpate.labels.suspicion import RATE, Kind, Suspicion, suspicions_of
from palpate.study import Study

_MOST_NAMED = 4


@dataclass(frozen=True, slots=True)
class RankedLabel:
    """One entry of the list.

    Args:
        image: its identifier.
        subject: whose image it is.
        annotator: whose label; empty where there is one only.
        kind: what seems wrong.
        landmarks: the names concerned, the worst first.
        score: log10 of how unlikely these labels are if they are clean; orders the list.
        found: whether a clean image would have so high a score in fewer than RATE of all.
        sentence: for a person; whole and readable alone.
        evidence: ``prediction and shape``, ``prediction``, ``shape``, or ``annotators``.
    """

    image: str
    subject: str
    annotator: str
    kind: Kind
    landmarks: tuple[str, ...]
    score: float
    found: bool
    sentence: str
    evidence: str

    @property
    def finding(self) -> Finding:
        """The entry among the findings of a check."""
        return Finding(
            "label-" + self.kind.replace(" ", "-"),
            "warning",
            self.sentence,
            self.image,
            self.landmarks,
            self.annotator,
            weight=self.score,
        )


@dataclass(frozen=True, slots=True)
class RankedLabels:
    """The whole list, the likeliest errors first.

    Args:
        entries: every image is in it, at least by its most unusual label.
        judged: images that a held-out prediction was held against.
        by_shape: images that shape alone was held against.
        rate: share of clean images in which one finding is expected by chance.
    """

    entries: tuple[RankedLabel, ...]
    judged: int
    by_shape: int
    rate: float = RATE

    @property
    def found(self) -> tuple[RankedLabel, ...]:
        """The entries that are findings."""
        return tuple(entry for entry in self.entries if entry.found)

    def images(self) -> tuple[str, ...]:
        """Every image once, in the order of its first entry."""
        return tuple(dict.fromkeys(entry.image for entry in self.entries))


def rank_labels(study: Study, held_out: HeldOutPredictions | None = None) -> RankedLabels:
    """Rank the labels of a study by how likely they are wrong.

    Args:
        study: with annotation; pixels are not read.
        held_out: of a cross-validation of the study; None judges by shape alone.

    Raises:
        StudyError: nothing is annotated, or in three dimensions.
    """
    sets = label_sets(study, held_out)
    entries = [entry for labels in sets for entry in rank_set(labels)]
    told = {(e.image, name) for e in entries if e.found for name in e.landmarks}
    for apart in annotators_apart(sets):
        if (apart.image, apart.landmark) not in told:
            entries.append(
                RankedLabel(
                    apart.image,
                    apart.subject,
                    apart.annotator,
                    "annotators apart",
                    (apart.landmark,),
                    apart.score,
                    apart.score >= apart.needed,
                    apart.sentence,
                    "annotators",
                )  # fmt: skip
            )
    images = {name for labels in sets for name in labels.images}
    judged = len(images & set(held_out.images)) if held_out is not None else 0
    return RankedLabels(tuple(sorted(entries, key=_order)), judged, len(images) - judged)


def rank_set(labels: LabelSet) -> list[RankedLabel]:
    """Rank the labels of one annotator."""
    found = suspicions_of(labels, standardise(labels))
    return sorted((_entry(labels, suspicion) for suspicion in found), key=_order)


def _order(entry: RankedLabel) -> tuple[bool, float, str, str, str]:
    return (not entry.found, -entry.score, entry.image, entry.annotator, entry.kind)


def _entry(labels: LabelSet, suspicion: Suspicion) -> RankedLabel:
    names = tuple(labels.scheme.names[k] for k in suspicion.landmarks)
    image = labels.images[suspicion.row]
    predicted = labels.predicted
    has_prediction = predicted is not None and bool(
        np.isfinite(predicted.mean[suspicion.row]).any()
    )
    if suspicion.by_shape or not has_prediction:
        evidence = "shape"
    else:
        evidence = "prediction and shape" if "point" in suspicion.kind else "prediction"
    whose = f" (annotator {labels.annotator})" if labels.annotator else ""
    return RankedLabel(
        image,
        labels.subjects[suspicion.row],
        labels.annotator,
        suspicion.kind,
        names,
        round(suspicion.score, 3),
        suspicion.found,
        f"{image}: {_said(suspicion, names, len(labels.scheme), evidence)}{whose}",
        evidence,
    )


def _said(suspicion: Suspicion, names: Sequence[str], of: int, evidence: str) -> str:
    """What a person should look for."""
    told = _listed(names)
    by = "the others of its image say" if evidence == "shape" else "the prediction says"
    apart = suspicion.apart_px
    far = "" if apart is None else f"{apart:.1f} px "
    match suspicion.kind:
        case "single point off":
            return f"{told} lies {far}from where {by}"
        case "several points off":
            return f"{told} lie up to {far}from where {by}"
        case "whole set off":
            if apart is not None and len(names) == of:
                return f"all labels lie {far}beside where {by}, by the same way"
            return f"{len(names)} of {of} labels lie up to {far}from where {by}"
        case "swapped":
            if evidence == "shape":
                return f"{' and '.join(names)} lie as if they had been exchanged"
            return f"{_pairs(names)} lie at each other's predictions: exchanged?"
        case "sides exchanged":
            return "all left and right labels lie as if the sides had been exchanged"
        case "mirrored":
            return "the labels are those of the mirrored image"
        case "other order":
            return f"{told} lie in another order than in the other images"
        case "whole set off by one level":
            return "every label lies at the prediction of the next level: all off by one, or it is"
        case "annotators apart":
            return told


def _pairs(names: Sequence[str]) -> str:
    pairs = [f"{a} and {b}" for a, b in zip(names[::2], names[1::2], strict=False)]
    more = f", and {len(pairs) - _MOST_NAMED} more pairs" if len(pairs) > _MOST_NAMED else ""
    return ", ".join(pairs[:_MOST_NAMED]) + more


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return ", ".join(names[:_MOST_NAMED]) + more
