"""Errors of limbs, what methods cost and how they differ, as tables of a page."""

from collections.abc import Mapping, Sequence

from palpate.evaluation.bootstrap import Interval
from palpate.evaluation.limb_costs import RunCost
from palpate.evaluation.limb_errors import LimbSummary
from palpate.evaluation.limb_paired import Change, LimbDifference
from palpate.report.clip_tiles import counted
from palpate.report.limb_paper import PUBLISHED
from palpate.report.limb_reported import ReportedLimbs
from palpate.report.parts import Bounded, Row, Table
from palpate.report.wording import figure, number, percent, span

# A lighter method should be no more than so many per cent worse.
AIM_PERCENT = 5.0
UNITS = {"grid_px": "px at 128 x 96", "px": "px of the image as given", "mm": "mm"}


def error_table(report: ReportedLimbs, unit: str) -> Table:
    """Median and interquartile range of each prediction, a limb a column; the paper's below."""
    rows: list[Row] = [
        (
            each.made_by,
            *(_median(summary, len(each.errors.clips)) for summary in each.summaries[unit]),
        )
        for each in report.every
    ]
    limbs = report.first.errors.limbs
    beside = published(report) if unit == "grid_px" else ()
    if beside:
        rows.append(("Published, of other infants",))
        rows += [
            (name, *(_printed(PUBLISHED[name].get(limb)) for limb in limbs)) for name in beside
        ]
    return Table((f"RMSD, {UNITS.get(unit, unit)}", *limbs), tuple(rows))


def found_table(report: ReportedLimbs) -> Table:
    """Share of the annotated joints that each prediction found, a limb a column."""
    main = next(iter(report.first.summaries))
    rows: list[Row] = [
        (each.made_by, *(_found(summary) for summary in each.summaries[main]))
        for each in report.every
    ]
    return Table(("Method", *report.first.errors.limbs), tuple(rows))


def published(report: ReportedLimbs) -> tuple[str, ...]:
    """Methods of the paper, where the limbs are the paper's; else none."""
    limbs = next(iter(PUBLISHED.values()))
    return tuple(PUBLISHED) if set(limbs) <= set(report.first.errors.limbs) else ()


def cost_table(report: ReportedLimbs) -> Table:
    """What each method costs: its size, a clip and an epoch."""
    head = (
        "Method",
        "parameters",
        "multiply-accumulates of a clip",
        "s an epoch, regression alone",
        "s an epoch, all networks",
        "s a clip, prediction",
    )
    rows: list[Row] = [
        (
            name,
            big(cost.parameters),
            big(cost.multiply_accumulates),
            seconds(cost.regression_seconds_per_epoch),
            seconds(cost.seconds_per_epoch),
            seconds(cost.seconds_per_clip),
        )
        for name, cost in report.costs.items()
    ]
    return Table(head, tuple(rows))


def stage_table(report: ReportedLimbs) -> Table:
    """What each network of each method costs."""
    head = ("Network", "parameters", "multiply-accumulates", "s an epoch", "epochs", "steps")
    rows: list[Row] = []
    for name, cost in report.costs.items():
        rows.append((name,))
        rows += [
            (
                stage.name,
                big(stage.parameters),
                big(stage.multiply_accumulates),
                seconds(stage.seconds_per_epoch),
                big(stage.epochs),
                big(stage.steps),
            )
            for stage in cost.stages
        ]
    return Table(head, tuple(rows))


def difference_table(differences: Sequence[LimbDifference]) -> Table:
    """A method against the first one, limb by limb, over joints that both found."""
    rows: list[Row] = [
        (
            each.limb,
            _change(each.median, each.reason),
            _change(each.mean, each.reason),
            Bounded(figure(each.difference), span(each.interval)),
            reading(each),
            f"{each.clips:,}",
            f"{each.unpaired:,}",
            percent(each.first_share),
            percent(each.second_share),
        )
        for each in differences
    ]
    head = (
        "Limb",
        "median RMSD",
        "mean RMSD",
        "difference of the means",
        f"within {AIM_PERCENT:g} %",
        "clips",
        "joints not by both",
        "found by the first",
        "found by this",
    )
    return Table(head, tuple(rows))


def reading(each: LimbDifference) -> str:
    """Say whether the median is within the aim, as far as its interval tells."""
    interval = None if each.median is None else each.median.interval
    if interval is None:
        return "not known"
    if interval[1] <= AIM_PERCENT:
        return "yes"
    return "no" if interval[0] > AIM_PERCENT else "not settled"


def notes_of(costs: Mapping[str, RunCost]) -> tuple[str, ...]:
    """Say what could not be read of which method."""
    return tuple(f"{name}, {note}" for name, cost in costs.items() for note in cost.notes)


def big(value: float | None) -> str:
    """Return a count in thousands, millions or milliards, or a dash.

    Example:
        >>> big(26_400_000.0), big(512.0), big(None)
        ('26.4 M', '512', '–')
    """
    if value is None:
        return "–"
    for size, name in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if value >= size:
            return f"{number(value / (1e3 if name == 'k' else size), 1)} {name}"
    return f"{value:.0f}"


def seconds(value: float | None) -> str:
    """Return seconds with three digits that tell, or a dash.

    Example:
        >>> seconds(0.03123), seconds(128.4), seconds(None)
        ('0.0312', '128', '–')
    """
    return "–" if value is None else f"{value:.3g}" if value < 1000 else f"{value:.0f}"


def _median(summary: LimbSummary, clips: int) -> Bounded:
    if summary.median is None or summary.quartiles is None:
        return Bounded("–", summary.reason)
    wide = summary.quartiles[1] - summary.quartiles[0]
    fewer = f"of {summary.clips:,} clips" if summary.clips < clips else ""
    below = "; ".join(part for part in (span(summary.interval), fewer) if part)
    return Bounded(f"{number(summary.median)} ({number(wide)})", below)


def _found(summary: LimbSummary) -> Bounded:
    nothing = f"nothing in {counted(summary.unfound, 'clip')}" if summary.unfound else ""
    return Bounded(percent(summary.share), nothing)


def _printed(value: tuple[float, float] | None) -> str:
    return "–" if value is None else f"{number(value[0])} ({number(value[1])})"


def _change(change: Change | None, reason: str) -> Bounded:
    if change is None:
        return Bounded("–", reason)
    if change.percent is None:
        return Bounded("–", "without error in the first")
    return Bounded(f"{change.percent:+.1f} %", _signed(change.interval))


def _signed(interval: Interval | None) -> str:
    return "" if interval is None else f"{interval[0]:+.1f} to {interval[1]:+.1f}"
