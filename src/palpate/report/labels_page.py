"""What the page 'check these labels first' says, in the order of the page."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from palpate.labels.ranked import RankedLabel
from palpate.report.parts import Row, SheetHead, Table, Tile
from palpate.report.wording import number, percent


@dataclass(frozen=True, slots=True)
class LabelCrop:
    """An entry of the list with its picture: a data address, or why there is none."""

    entry: RankedLabel
    picture: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ReportedLabels:
    """What the page is made of.

    Args:
        crops: the first entries of the list.
        found: how many entries are findings, of ``entries`` in all.
        judged, by_shape: images held against a prediction, and against shape alone.
        rate: share of clean images in which a finding is expected by chance.
        refused: images whose prediction was not used, and why.
    """

    title: str
    crops: tuple[LabelCrop, ...]
    found: int
    entries: int
    judged: int
    by_shape: int
    rate: float
    refused: Mapping[str, str] = field(default_factory=dict)
    provenance: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LabelView:
    """One picture of the page with its words."""

    rank: int
    picture: str
    reason: str
    kind: str
    sentence: str
    score: str
    found: bool


@dataclass(frozen=True, slots=True)
class LabelsPage(SheetHead):
    """The sections that the template prints below the head."""

    views: tuple[LabelView, ...]
    shown_note: str
    has_prediction: bool
    kinds: Table | None
    refused: Table | None


def labels_page(labels: ReportedLabels) -> LabelsPage:
    """Turn a ranked list into text."""
    return LabelsPage(
        title=labels.title,
        subtitle=f"{labels.judged + labels.by_shape:,} images · {labels.entries:,} entries",
        banner="A label on this page is not wrong: it is one to look at. A person decides.",
        warnings=(),
        spoken=(_spoken(labels),),
        notes=_notes(labels),
        tiles=_tiles(labels),
        views=tuple(_view(rank, crop) for rank, crop in enumerate(labels.crops, start=1)),
        shown_note=f"The first {len(labels.crops)} of {labels.entries}; check_first.csv holds all.",
        has_prediction=labels.judged > 0,
        kinds=_kinds(labels),
        refused=Table(
            ("Image", "its prediction is not used because"), tuple(labels.refused.items())
        )
        if labels.refused
        else None,
        provenance=tuple(labels.provenance.items()),
    )


def _spoken(labels: ReportedLabels) -> str:
    if not labels.found:
        return "No label is so unusual that clean labels would not be, too. Look at the first few."
    return (
        f"{labels.found} entries are more unusual than clean labels would be: look at these "
        "first, correct what is wrong, and leave what is right."
    )


def _notes(labels: ReportedLabels) -> tuple[str, ...]:
    notes = [
        f"Of clean labels, about {percent(labels.rate)} of the images would have a finding by "
        "chance; the score is log10 of how unlikely labels are if they are clean."
    ]
    if labels.judged:
        notes.append(
            "Every prediction is by a model that did not learn from the subject. It may be wrong: "
            "a doubtful one accuses no label, a confident wrong one does."
        )
    else:
        notes.append(
            "Shape alone was held against the labels; a slip of a few px needs predictions: "
            "palpate crossval, then palpate check STUDY --predictions DIR."
        )
    return tuple(notes)


def _tiles(labels: ReportedLabels) -> tuple[Tile, ...]:
    return (
        Tile("Findings", f"{labels.found}", f"of {labels.entries:,} entries"),
        Tile("Held against predictions", f"{labels.judged:,}", "images of held-out subjects"),
        Tile("Held against shape alone", f"{labels.by_shape:,}", "images without a prediction"),
    )


def _kinds(labels: ReportedLabels) -> Table | None:
    count = Counter(crop.entry.kind for crop in labels.crops if crop.entry.found)
    rows: tuple[Row, ...] = tuple((kind, str(number)) for kind, number in count.most_common())
    return Table(("Kind", "findings shown"), rows) if rows else None


def _view(rank: int, crop: LabelCrop) -> LabelView:
    entry = crop.entry
    return LabelView(
        rank=rank,
        picture=crop.picture,
        reason=crop.reason,
        kind=entry.kind,
        sentence=entry.sentence,
        score=number(entry.score, 1),
        found=entry.found,
    )
