"""The numbers of a study as text, in the order of the page."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from palpate.evaluation.agreement_pair import PairAgreement
from palpate.evaluation.evaluate import Evaluation
from palpate.evaluation.measurements import Agreement, QuantityAgreement
from palpate.evaluation.normalised import FAILURE_LIMITS
from palpate.measurement import Measurement, Report
from palpate.report.accuracy_section import Accuracy, accuracy_section, bounded
from palpate.report.agreement_cells import (
    RELIABILITY,
    agreement_warnings,
    limits_cell,
    reliability_cells,
)
from palpate.report.agreement_plot import agreement_plot, clear
from palpate.report.case_view import CaseView, protocols, view_case
from palpate.report.outline_section import OutlineSection, outline_section
from palpate.report.parts import Bounded, Plot, Row, Section, Table, Tile
from palpate.report.picked import pick
from palpate.report.reported import ReportedCase, StudyReport
from palpate.report.wording import (
    DIGITS,
    chances_text,
    digits_of,
    figure,
    interval_text,
    number,
    percent,
    span,
    unit_name,
)

MOST_ROWS = 2000
MOST_PLOTS = 4


@dataclass(frozen=True, slots=True)
class Agreed:
    """Agreement of measurements, ready to print."""

    table: Table
    refusals: tuple[str, ...]
    plots: tuple[Plot, ...]


@dataclass(frozen=True, slots=True)
class Cell:
    """One measurement of the long table; ``reason`` is a number into the list below it."""

    value: str
    interval: str
    chances: str
    reason: int | None


@dataclass(frozen=True, slots=True)
class MeasuredImage:
    """One row of the long table."""

    image: str
    subject: str
    set_aside: bool
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Measured:
    """All measurements, one row an image."""

    head: tuple[str, ...]
    rows: tuple[MeasuredImage, ...]
    reasons: tuple[str, ...]
    left_out: int


@dataclass(frozen=True, slots=True)
class Page:
    """Everything that the template prints."""

    title: str
    subtitle: str
    banner: str
    warnings: tuple[str, ...]
    tiles: tuple[Tile, ...]
    accuracy: Accuracy | None
    outlines: tuple[OutlineSection, ...]
    agreed: Agreed | None
    sections: tuple[Section, ...]
    shown: tuple[tuple[str, tuple[CaseView, ...]], ...]
    shown_note: str
    set_aside: Mapping[str, tuple[str, ...]]
    not_shown: tuple[tuple[str, tuple[str, ...]], ...]
    has_truth: bool
    has_others: bool
    measured: Measured | None
    provenance: tuple[tuple[str, str], ...]


def page(report: StudyReport) -> Page:
    """Turn a report into text."""
    aside = report.set_aside or {}
    picked = pick(report.cases, report.embed, report.set_aside)
    shown, place = [], 0
    for part in picked:
        views = tuple(view_case(case, f"case-{place + k}") for k, case in enumerate(part.cases))
        place += len(views)
        shown.append((part.heading, views))
    total = len(report.cases)
    left_out = total - place
    seen = {case.identifier for part in picked for case in part.cases}
    note = (
        f"All {total} images are shown."
        if not left_out
        else (
            f"{place} of {total} images are shown; {left_out} are left out to keep the page small. "
            "Figures and measurements above and below are of all images."
        )
    )
    return Page(
        title=report.title,
        subtitle=_subtitle(report.cases),
        banner=_banner(report.cases),
        warnings=tuple(report.warnings),
        tiles=_tiles(report),
        accuracy=None if report.evaluation is None else accuracy_section(report.evaluation),
        outlines=()
        if report.evaluation is None
        else tuple(outline_section(outline) for outline in report.evaluation.outlines),
        agreed=None if report.agreement is None else _agreed(report.agreement),
        sections=tuple(report.sections),
        shown=tuple(shown),
        shown_note=note,
        set_aside=aside,
        not_shown=tuple((name, why) for name, why in aside.items() if name not in seen),
        has_truth=any(case.truth is not None for case in report.cases),
        has_others=any(len(case.annotators) > 1 for case in report.cases),
        measured=_measured(report.cases, aside),
        provenance=_provenance(report),
    )


def _subtitle(cases: Sequence[ReportedCase]) -> str:
    subjects = {case.subject for case in cases if case.subject}
    scheme = cases[0].prediction.scheme
    parts = [_count(len(cases), "image")]
    if subjects:
        parts.append(_count(len(subjects), "subject"))
    parts.append(f"{_count(len(scheme), 'landmark')} of {scheme.name}")
    groups = {case.group for case in cases if case.group}
    if groups:
        parts.append(_count(len(groups), "group"))
    return " · ".join(parts)


def _count(count: int, noun: str) -> str:
    return f"{count:,} {noun}" + ("" if count == 1 else "s")


def _banner(cases: Sequence[ReportedCase]) -> str:
    reports = [case.report for case in cases if case.report is not None]
    signed = sum(report.reviewed_by is not None for report in reports)
    if not reports:
        return "Not for diagnosis. Unsigned: no person has reviewed these landmarks."
    if not signed:
        return "Not for diagnosis. Unsigned: no person has reviewed these measurements."
    return (
        f"Not for diagnosis. {signed} of {len(reports)} reports are signed by a reviewer; "
        f"{len(reports) - signed} are unsigned."
    )


def _tiles(report: StudyReport) -> tuple[Tile, ...]:
    tiles = []
    if report.set_aside is not None:
        tiles.append(_kept_tile(len(report.cases), len(report.set_aside)))
    if report.evaluation is not None:
        tiles += _accuracy_tiles(report.evaluation)
    if report.agreement is not None:
        first = next((row for row in report.agreement.quantities.values() if row.n), None)
        if first is not None:
            tiles.append(_agreement_tile(first))
    if report.evaluation is None:
        found = sum(int(case.prediction.found.sum()) for case in report.cases)
        total = sum(len(case.prediction.scheme) for case in report.cases)
        tiles.append(Tile("Landmarks found", percent(found / total), f"{found:,} of {total:,}"))
        items = [item for case in report.cases if case.report for item in case.report.measurements]
        refused = sum(item.value is None for item in items)
        if items:
            tiles.append(
                Tile(
                    "Measurements",
                    f"{len(items) - refused:,}",
                    f"{refused:,} refused, each with its reason",
                )
            )
    return tuple(tiles)


def _kept_tile(total: int, aside: int) -> Tile:
    detail = "why stands with each that is set aside"
    if not aside:
        detail = "no check spoke against any of them"
    return Tile("Kept / set aside", f"{total - aside:,} / {aside:,}", detail)


def _accuracy_tiles(evaluation: Evaluation) -> list[Tile]:
    unit, overall = evaluation.unit, evaluation.overall
    detail = f"median {figure(overall.median)}, SD {figure(overall.sd)}"
    if overall.interval is not None:
        detail = f"{100 * overall.level:g} % interval {span(overall.interval)}; " + detail
    tiles = [Tile("Mean radial error", f"{figure(overall.mean)} {unit}", detail)]
    if overall.success:
        (first, rate), *rest = overall.success.items()
        others = ", ".join(f"{limit:g} {unit}: {percent(share)}" for limit, share in rest)
        tiles.append(Tile(f"Within {first:g} {unit}", percent(rate), others))
    tiles.append(Tile("Missed landmarks", f"{overall.missed:,}", f"of {overall.count:,} annotated"))
    if evaluation.ceiling is not None:
        between, model = evaluation.ceiling.between.best, evaluation.ceiling.model.best
        tiles.append(
            Tile(
                "Two annotators apart",
                f"{figure(between.overall.mean)} {between.unit}",
                f"the model from one annotator: {figure(model.overall.mean)} {model.unit}",
            )
        )
    if evaluation.model.normalised is not None:
        images = evaluation.model.normalised.overall
        limit = min(images.failure, default=FAILURE_LIMITS[0])
        tiles.append(
            Tile(
                f"Failures at {limit:g}",
                percent(images.failure.get(limit)),
                f"of {_count(images.images, 'image')}, {images.incomplete} by a missed landmark; "
                f"NME {figure(images.nme, 4)}, AUC {figure(images.auc, 3)}",
            )
        )
    return tiles


def _agreement_tile(row: QuantityAgreement) -> Tile:
    digits, unit = DIGITS[row.unit], unit_name(row.unit)
    spread = "" if row.limits is None else f", limits of agreement {span(row.limits, digits)}"
    return Tile(
        f"{row.name}: mean absolute error",
        f"{figure(row.mean_absolute_error, digits)} {unit}".strip(),
        f"n = {row.n}, {row.total_refused} refused; bias {figure(row.bias, digits)}{spread}",
    )


def _agreed(agreement: Agreement) -> Agreed:
    head = ("Quantity", "n", "refused", "mean absolute error", "bias", "SD", "limits of agreement")
    rows: list[Row] = []
    refusals: list[str] = []
    plots: list[Plot] = []
    for row in agreement.quantities.values():
        rows.append(_agreement_row(row))
        refusals += [f"{row.name}: {count} × {reason}" for reason, count in row.refused.items()]
        if row.without_truth:
            refusals.append(f"{row.name}: {row.without_truth} × no annotated value to compare with")
        refusals += agreement_warnings(row)
        if row.method is not None and row.n > 2 and len(plots) < MOST_PLOTS:
            plots.append(_bland_altman(row, row.method))
    for sentence, images in (
        ("not compared, no annotated measurement", agreement.only_predicted),
        ("not predicted", agreement.only_true),
    ):
        if images:
            shown = ", ".join(images[:5]) + (" …" if len(images) > 5 else "")
            refusals.append(f"{_count(len(images), 'image')} {sentence}: {shown}")
    return Agreed(
        Table((*head, *RELIABILITY, "SMAPE", "truth inside the interval"), tuple(rows)),
        tuple(refusals),
        tuple(plots),
    )


def _agreement_row(row: QuantityAgreement) -> Row:
    digits = DIGITS[row.unit]
    name = f"{row.name}, {row.unit}" if unit_name(row.unit) else row.name
    coverage = Bounded("–", "")
    if row.coverage is not None:
        stated = "" if row.level is None else f"stated {row.level:g} %"
        coverage = Bounded(f"{row.coverage:.0f} % of {row.with_interval}", stated)
    return (
        name,
        f"{row.n:,}",
        f"{row.total_refused:,}",
        bounded(row.mean_absolute_error, row.mae_interval, digits),
        bounded(row.bias, row.bias_interval, digits),
        figure(row.sd, digits),
        limits_cell(row, digits),
        *reliability_cells(row),
        f"{figure(row.smape, 1)} %" if row.smape is not None else "–",
        coverage,
    )


def _bland_altman(row: QuantityAgreement, method: PairAgreement) -> Plot:
    unit = unit_name(row.unit) or "no unit"
    drawing = agreement_plot(replace(method, points=row.pairs), title=row.name, unit=unit)
    slope = " Dotted: the trend of the differences." if clear(method.slope) else ""
    return Plot(
        drawing,
        "Line: bias; dashed: 95 % limits of agreement; bands: their 95 % intervals." + slope,
    )


def _measured(cases: Sequence[ReportedCase], aside: Collection[str]) -> Measured | None:
    reports = [(case, case.report) for case in cases if case.report is not None]
    units: dict[str, str] = {}
    for _, report in reports:
        for item in report.measurements:
            units.setdefault(item.name, unit_name(item.unit))
    if not units:
        return None
    reasons: dict[str, int] = {}
    rows = []
    for case, report in reports[:MOST_ROWS]:
        given = {item.name: item for item in report.measurements}
        cells = tuple(_cell(given.get(name), reasons) for name in units)
        name = case.identifier
        rows.append(MeasuredImage(name, case.subject, name in aside, cells))
    head = tuple(f"{name}, {unit}" if unit else name for name, unit in units.items())
    return Measured(head, tuple(rows), tuple(reasons), max(0, len(reports) - MOST_ROWS))


def _cell(item: Measurement | None, reasons: dict[str, int]) -> Cell:
    if item is None:
        return Cell("", "", "", None)
    if item.value is None:
        return Cell("", "", "", reasons.setdefault(item.reason or "", len(reasons) + 1))
    shown = number(item.value, digits_of(item))
    return Cell(shown, interval_text(item), chances_text(item), None)


def _provenance(report: StudyReport) -> tuple[tuple[str, str], ...]:
    rows = dict(report.provenance)
    localisers = sorted({case.prediction.localiser for case in report.cases})
    rows.setdefault("localiser", ", ".join(localisers))
    reports: list[Report] = [case.report for case in report.cases if case.report is not None]
    if reports:
        rows.setdefault("protocol", ", ".join(protocols(reports)))
    if report.evaluation is not None:
        rows.setdefault(
            "intervals",
            f"percentile bootstrap over {report.evaluation.subjects} subjects, "
            f"{report.evaluation.resamples} resamples",
        )
    return tuple(rows.items())
