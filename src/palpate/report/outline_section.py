"""Errors along an outline, ready to print: percentiles, and cumulative curves."""

from dataclasses import dataclass

import numpy as np
from markupsafe import Markup

from palpate.evaluation.curve_errors import ErrorDistribution
from palpate.evaluation.outline_errors import ANNOTATORS, MODEL, Kind, OutlineErrors
from palpate.evaluation.tables import ErrorUnit
from palpate.report.parts import Bounded, Plot, Row, Table
from palpate.report.plots import cumulative_plot
from palpate.report.wording import figure, span

_COLUMNS: tuple[tuple[str, str, Kind], ...] = (
    ("Model to point", MODEL, "to point"),
    ("Model to curve", MODEL, "to curve"),
    ("Annotator to point", ANNOTATORS, "to point"),
    ("Annotator to curve", ANNOTATORS, "to curve"),
)
_NAMES = {50.0: "Median"}
_UNITS: dict[ErrorUnit, str] = {
    "px": "In pixels",
    "mm": "In millimetres",
    "%": "In % of the normaliser",
}
# A curve is drawn to where all but one image in twenty are reached, and somewhat beyond.
_DRAWN, _BEYOND = 0.95, 1.3
# Of fewer images the 99th percentile is the largest of all.
_MANY = 100


@dataclass(frozen=True, slots=True)
class OutlineSection:
    """One outline, ready to print."""

    title: str
    plots: tuple[Plot, ...]
    table: Table
    note: str


def outline_section(errors: OutlineErrors) -> OutlineSection:
    """Turn the errors of one outline into a table and two drawings."""
    outline = errors.outline
    ends = "closed" if outline.closed else "open"
    people = any(who == ANNOTATORS for who, _, _ in errors.distributions)
    note = (
        f"{len(outline.names)} landmarks, {ends}. Percentiles of the mean error of an image; "
        f"below a figure: its {100 * errors.level:g} % interval, by bootstrap over subjects. "
        "An image with a missed landmark is never reached: where a percentile falls on one, "
        "there is a dash."
    )
    images = min(len(each.values) for each in errors.distributions.values())
    if images < _MANY:
        note += f" Of {images} images the 99th percentile is the largest error."
    if people:
        note += (
            " The annotators' figures are of each person from the truth: of two people who made "
            "it as their mean, half of what they differ by, which is kind to them."
        )
    title = f"{outline.title[:1].upper()}{outline.title[1:]}"
    return OutlineSection(title, _plots(errors), _table(errors), note)


def _plots(errors: OutlineErrors) -> tuple[Plot, ...]:
    unit = errors.best
    label = "of the normaliser" if unit == "%" else ""
    plots = []
    captions: dict[Kind, str] = {
        "to point": "to the annotated point",
        "to curve": "to the annotated curve",
    }
    for kind, caption in captions.items():
        curves = {
            name: each.values
            for name, who in (("model", MODEL), ("annotators", ANNOTATORS))
            if (each := _found(errors, who, kind, unit)) is not None
        }
        drawing = _drawn(curves, f"mean error {kind}, {unit} {label}".strip())
        plots.append(
            Plot(drawing, f"Cumulative distribution of the mean error of an image {caption}.")
        )
    return tuple(plots)


def _drawn(curves: dict[str, np.ndarray], label: str) -> Markup:
    known = [values[np.isfinite(values)] for values in curves.values()]
    reach = max((float(np.quantile(v, _DRAWN)) for v in known if len(v)), default=1.0)
    return cumulative_plot(curves, label=label, limit=_BEYOND * max(reach, 1e-6))


def _table(errors: OutlineErrors) -> Table:
    columns = [
        column for column in _COLUMNS if _found(errors, column[1], column[2], "px") is not None
    ]
    rows: list[Row] = [
        (
            "Images, or readings of them",
            *(_count(_found(errors, who, kind, "px")) for _, who, kind in columns),
        )
    ]
    for unit in ("%", "mm", "px"):
        if unit not in errors.units:
            continue
        every = [_found(errors, who, kind, unit) for _, who, kind in columns]
        rows.append((_UNITS[unit],))
        for percentile in sorted({p for each in every if each for p in each.percentiles}):
            name = _NAMES.get(percentile, f"{percentile:g}th percentile")
            rows.append((name, *(_cell(each, percentile) for each in every)))
    return Table(("", *(name for name, _, _ in columns)), tuple(rows))


def _found(
    errors: OutlineErrors, who: str, kind: Kind, unit: ErrorUnit
) -> ErrorDistribution | None:
    return errors.distributions.get((who, kind, unit))


def _count(each: ErrorDistribution | None) -> str:
    return "–" if each is None else f"{len(each.values):,}"


def _cell(each: ErrorDistribution | None, percentile: float) -> Bounded:
    if each is None:
        return Bounded("–", "")
    return Bounded(figure(each.percentiles[percentile]), span(each.intervals.get(percentile)))
