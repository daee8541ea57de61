"""One list of the labels that a person should look at first.

In the flow: study, held-out predictions -> :func:`rank_labels` -> :class:`RankedLabels` ->
findings, ``check_first.csv`` and a page. The unit of the list is an image and a kind of error.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from palpate.finding import Finding
from palpate.labels.between import Apart, agreement, annotators_apart, supported
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
    agreed = agreement(sets)
    entries = [
        entry
        for labels in sets
        for suspicion in suspicions_of(labels, standardise(labels))
        for entry in [_entry(labels, supported(suspicion, labels, agreed))]
    ]
    told = {(e.image, name) for e in entries if e.found for name in e.landmarks}
    entries += [
        _apart_entry(apart)
        for apart in annotators_apart(sets)
        if (apart.image, apart.landmark) not in told
    ]
    # What is within chance and stands in the list already is told once.
    told = {(e.image, name) for e in entries if e.found for name in e.landmarks}
    entries = [e for e in entries if e.found or (e.image, e.landmarks[0]) not in told]
    images = {name for labels in sets for name in labels.images}
    judged = len(images & set(held_out.images)) if held_out is not None else 0
    return RankedLabels(tuple(sorted(entries, key=_order)), judged, len(images) - judged)


def _apart_entry(apart: Apart) -> RankedLabel:
    return RankedLabel(
        apart.image,
        apart.subject,
        apart.annotator,
        "annotators apart",
        (apart.landmark,),
        apart.score,
        apart.score >= apart.needed,
        apart.sentence,
        "annotators",
    )


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


_SAID: dict[Kind, str] = {
    "single point off": "{names} lies {far}from where {by}",
    "several points off": "{names} lie up to {far}from where {by}",
    "whole set off": "{count} of {of} labels lie up to {far}from where {by}",
    "swapped": "{pairs} lie at each other's places: exchanged?",
    "sides exchanged": "left and right labels lie at each other's places: sides exchanged?",
    "mirrored": "the labels are those of the mirrored image",
    "other order": "{names} lie in another order than in the other images",
    "whole set off by one level": "every level lies where the next one is predicted: either all "
    "labels are off by one, or the prediction is",
    "annotators apart": "{names}",
}


def _said(suspicion: Suspicion, names: Sequence[str], of: int, evidence: str) -> str:
    """What a person should look for."""
    told = "the prediction and its other labels say"
    by = {"shape": "its other labels say", "prediction": "the prediction says"}.get(evidence, told)
    apart = suspicion.apart_px
    return _SAID[suspicion.kind].format(
        names=_listed(names),
        pairs=_pairs(names),
        far="" if apart is None else f"{apart:.1f} px ",
        by=by,
        count=len(names),
        of=of,
    )


def _pairs(names: Sequence[str]) -> str:
    pairs = [f"{a} and {b}" for a, b in zip(names[::2], names[1::2], strict=False)]
    more = f", and {len(pairs) - _MOST_NAMED} more pairs" if len(pairs) > _MOST_NAMED else ""
    return ", ".join(pairs[:_MOST_NAMED]) + more


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return ", ".join(names[:_MOST_NAMED]) + more
