"""What the page of raters' agreement says, as text and drawings, in the order of the page."""

from collections.abc import Mapping
from dataclasses import dataclass

from palpate.evaluation.agreement_estimate import Estimate
from palpate.evaluation.agreement_pair import PairAgreement
from palpate.evaluation.agreement_reliability import Reliability
from palpate.evaluation.agreement_sentences import sentences
from palpate.evaluation.agreement_study import QuantityRated, RatersCompared
from palpate.report.agreement_cells import bounded
from palpate.report.agreement_plot import agreement_plot
from palpate.report.parts import Bounded, Plot, Row, SheetHead, Table, Tile
from palpate.report.wording import figure, number, percent, span, unit_name

# Plots beyond these would make the page slow; the table holds every pair.
MOST_PLOTS = 36


@dataclass(frozen=True, slots=True)
class ClassTable:
    """Images by the classes of two raters, and their kappa."""

    title: str
    table: Table
    kappa: str


@dataclass(frozen=True, slots=True)
class AgreementPage(SheetHead):
    """The sections that the template prints below the head."""

    differences: Table
    reliability: Table
    classes: tuple[ClassTable, ...]
    plots: tuple[Plot, ...]
    plots_note: str
    refused: Table | None
    methods: tuple[str, ...]


def agreement_page(compared: RatersCompared, provenance: Mapping[str, str]) -> AgreementPage:
    """Turn agreement into text and drawings."""
    drawn = [
        (quantity, pair)
        for quantity in compared.quantities
        for pair in quantity.pairs
        if pair.limits.bias.value is not None
    ]
    left = len(drawn) - MOST_PLOTS
    return AgreementPage(
        title="Agreement of " + _listed(compared.raters),
        subtitle=_subtitle(compared),
        banner="Not for diagnosis. Figures of a comparison, not of a patient.",
        warnings=(),
        spoken=(),
        notes=(*compared.notes, *sentences(compared)),
        tiles=_tiles(compared),
        differences=_differences(compared),
        reliability=_reliability(compared),
        classes=tuple(_classes(compared)),
        plots=tuple(_plot(quantity, pair) for quantity, pair in drawn[:MOST_PLOTS]),
        plots_note=f"{left} more comparisons are in the table alone." if left > 0 else "",
        refused=_refused(compared),
        methods=_METHODS,
        provenance=tuple(provenance.items()),
    )


def _listed(names: tuple[str, ...]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}"


def _subtitle(compared: RatersCompared) -> str:
    counts = [pair.images for quantity in compared.quantities for pair in quantity.pairs]
    people = [pair.subjects for quantity in compared.quantities for pair in quantity.pairs]
    parts = [f"{len(compared.quantities)} quantities", f"{len(compared.raters)} raters"]
    if counts:
        parts += [f"up to {max(counts):,} images of {max(people):,} subjects"]
    return " · ".join(parts)


def _tiles(compared: RatersCompared) -> tuple[Tile, ...]:
    """Key figures of the first quantity, one tile a pair."""
    tiles = []
    for quantity in compared.quantities[:1]:
        unit = unit_name(quantity.unit)
        for pair in quantity.pairs[:4]:
            if pair.limits.bias.value is None:
                continue
            tiles.append(
                Tile(
                    f"{quantity.name}: {pair.label}",
                    f"{figure(pair.limits.bias.value)} {unit}".strip(),
                    f"limits {figure(pair.limits.lower.value)} to "
                    f"{figure(pair.limits.upper.value)}; n = {pair.images}; "
                    f"ICC(2,1) {figure(pair.reliability.icc_agreement.value)}",
                )
            )
    return tuple(tiles)


def _heading(quantity: QuantityRated) -> str:
    unit = unit_name(quantity.unit)
    return f"{quantity.name}, {unit}" if unit else quantity.name


def _differences(compared: RatersCompared) -> Table:
    head = ("Difference", "n", "subjects", "bias", "SD", "lower limit", "upper limit", "MAE")
    rows: list[Row] = []
    for quantity in compared.quantities:
        rows.append((_heading(quantity),))
        for pair in quantity.pairs:
            limits = (pair.limits.bias, pair.limits.sd, pair.limits.lower, pair.limits.upper)
            inside = "–" if pair.inside is None else percent(pair.inside / pair.images)
            rows.append(
                (
                    pair.label,
                    f"{pair.images:,}",
                    f"{pair.subjects:,}",
                    *(bounded(each) for each in (*limits, pair.mae)),
                    inside,
                    bounded(pair.slope),
                )
            )
    return Table((*head, "inside limits", "slope"), tuple(rows))


def _reliability(compared: RatersCompared) -> Table:
    head = ("Raters", "n", "ICC(2,1)", "ICC(3,1)", "SEM", "SEM, same rater", "MDC95")
    kappas = any(pair.classes for quantity in compared.quantities for pair in quantity.pairs)
    rows: list[Row] = []
    for quantity in compared.quantities:
        rows.append((_heading(quantity),))
        for pair in quantity.pairs:
            kappa: list[str | Bounded] = []
            if kappas:
                kappa = (
                    ["", ""]
                    if pair.classes is None
                    else [bounded(found) for found in pair.classes.kappa.values()]
                )
            rows.append(
                (
                    f"{pair.first}, {pair.second}",
                    f"{pair.images:,}",
                    *_reliable(pair.reliability),
                    *kappa,
                )
            )
        for title, group in quantity.groups.items():
            blank = ("", "") if kappas else ()
            name = f"{title}: {', '.join(group.raters)}"
            rows.append((name, f"{group.images:,}", *_reliable(group.reliability), *blank))
    more = ("kappa, linear", "kappa, quadratic") if kappas else ()
    return Table((*head, *more), tuple(rows))


def _reliable(found: Reliability) -> tuple[Bounded, ...]:
    icc = (bounded(found.icc_agreement, 3), bounded(found.icc_consistency, 3))
    return (*icc, *(bounded(x) for x in (found.sem_agreement, found.sem_consistency, found.mdc)))


def _classes(compared: RatersCompared) -> list[ClassTable]:
    tables = []
    for quantity in compared.quantities:
        for pair in quantity.pairs:
            if pair.classes is None:
                continue
            names = pair.classes.names
            rows: list[Row] = [
                (f"{pair.first}: {name}", *(f"{count:,}" for count in counts))
                for name, counts in zip(names, pair.classes.counts, strict=True)
            ]
            head = ("Images", *(f"{pair.second}: {name}" for name in names))
            said = "; ".join(_kappa(name, found) for name, found in pair.classes.kappa.items())
            title = f"{quantity.name}: {pair.first} and {pair.second}"
            tables.append(ClassTable(title, Table(head, tuple(rows)), said))
    return tables


def _kappa(weights: str, found: Estimate) -> str:
    if found.value is None:
        return f"kappa, {weights} weights: none, {found.reason}"
    bounds = f" (95 % interval {span(found.interval)})" if found.interval else ""
    return f"kappa, {weights} weights: {number(found.value)}{bounds}"


def _plot(quantity: QuantityRated, pair: PairAgreement) -> Plot:
    unit = unit_name(quantity.unit) or "no unit"
    drawing = agreement_plot(pair, title=f"{quantity.name}: {pair.label}", unit=unit)
    return Plot(drawing, f"n = {pair.images}; {pair.inside} inside the limits of agreement.")


def _refused(compared: RatersCompared) -> Table | None:
    rows: list[Row] = [
        (quantity.name, pair.label, f"{count:,}", reason)
        for quantity in compared.quantities
        for pair in quantity.pairs
        for reason, count in pair.refused.items()
    ]
    return (
        Table(("Quantity", "comparison", "images", "not measured by"), tuple(rows))
        if rows
        else None
    )


_METHODS = (
    "A difference is written as it is taken. Limits of agreement: bias ± 1.96 SD of the "
    "differences (Bland and Altman 1986, 1999). With one image a subject their intervals are "
    "exact, by the noncentral t (Carkeet 2015), and those of bias and slope are Student's; where a "
    "subject has several images, the SD is of the variances between and within subjects (Bland "
    "and Altman 2007) and intervals are by bootstrap over subjects.",
    "Slope: of the difference on the mean of both; where its interval leaves zero out, bias is "
    "proportional. It also differs from zero where one rater simply spreads more.",
    "ICC(2,1): absolute agreement, ICC(3,1): consistency, of single measurements (Shrout and "
    "Fleiss 1979), intervals by ratios of mean squares (McGraw and Wong 1996). ICC grows with the "
    "spread of the subjects: compare it with no study of other people.",
    "SEM: root of the within-subject variance (any rater the next time); same rater: root of the "
    "mean square error. MDC95 = 1.96 √2 SEM. Their intervals, and those of MAE and SD: bootstrap "
    "over subjects. Kappa: weighted by the distance of classes (Cohen 1968).",
)
