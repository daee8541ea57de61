"""Movement by the hour, over the whole time, and what every number means."""

from collections.abc import Callable, Sequence

from palpate.report.monitor_plots import Clock
from palpate.report.monitor_pooled import (
    Bin,
    active_of,
    coverage,
    in_body,
    mean_in_body,
    mean_of,
    observed,
    quartiles,
    symmetry_of,
)
from palpate.report.monitor_reported import MonitorSummary
from palpate.report.monitor_sentences import length
from palpate.report.parts import Bounded, Row, Table
from palpate.report.wording import figure, number, percent
from palpate.sequences.movement_measures import (
    BODY_MEASURES,
    LIMB_MEASURES,
    SIDE_MEASURES,
    MovementMeasure,
)
from palpate.sequences.movement_row import MovementRow

MOST_GAPS = 20
_DIGITS = {"mean_jerk": 1, "mean_acceleration": 2, "bout_length": 2, "room": 4, "spread": 3}


def hour_table(summary: MonitorSummary, hours: Sequence[Bin], clock: Clock) -> Table:
    """A row a stretch of time: what was found, then how active and how fast each limb was."""
    head = ["from", "frames found", *(f"{limb}, active" for limb in summary.limbs)]
    head += [f"{pair}, symmetry" for pair in summary.pairs] + ["synchrony", "motion, bl/s"]
    rows = tuple(_hour(summary, part, clock) for part in hours)
    return Table(tuple(head), rows)


def _hour(summary: MonitorSummary, part: Bin, clock: Clock) -> Row:
    shares = coverage(part.rows)
    found = shares.get("found", 0.0) + shares.get("partial", 0.0) if shares else None
    cells: list[str | Bounded] = [_moment(part.start_s, clock), percent(found)]
    for k in range(len(summary.limbs)):
        share = active_of(k)(part.rows)
        seen = observed(part.rows, k)
        below = "" if seen is None else f"of {percent(seen)} seen"
        cells.append(Bounded(percent(share), below))
    for k in range(len(summary.pairs)):
        cells.append(figure(mean_of(part.rows, symmetry_of(k))))
    cells.append(figure(mean_of(part.rows, lambda row: row.synchrony)))
    cells.append(figure(mean_of(part.rows, lambda row: row.quantity_of_motion)))
    return tuple(cells)


def _moment(seconds: float, clock: Clock) -> str:
    start_h = (seconds - float(clock.edges_s[0])) / 3600.0 + float(clock.hours[0])
    return clock.words(start_h)


def measure_table(summary: MonitorSummary) -> Table:
    """A row a measure: median and quartiles over the windows, a column a limb."""
    rows: list[Row] = []
    for name, measure in LIMB_MEASURES.items():
        unit = _unit(measure)
        cells = [_spread(summary, k, name) for k in range(len(summary.limbs))]
        rows.append((f"{measure.title}{f', {unit}' if unit else ''}", *cells))
    return Table(("", *summary.limbs), tuple(rows))


def _spread(summary: MonitorSummary, limb: int, name: str) -> Bounded:
    values = [in_body(row, limb, name) for row in summary.rows]
    found = quartiles([value for value in values if value is not None])
    if found is None:
        return Bounded("–", "no window has it")
    digits = _DIGITS.get(name, 2)
    middle, low, high = (number(value, digits) for value in found)
    if name == "active_share":
        middle, low, high = (percent(value) for value in found)
    return Bounded(middle, f"{low} to {high}")


def _unit(measure: MovementMeasure) -> str:
    """Units as printed: lengths in body lengths, shares in %."""
    if measure.unit == "1":
        return ""
    return measure.unit.replace("{u}", "bl")


def definition_table() -> Table:
    """What every number means and where it comes from."""
    groups = (
        ("Of a limb", LIMB_MEASURES),
        ("Of a pair of limbs", SIDE_MEASURES),
        ("Of the body", BODY_MEASURES),
    )
    rows: list[Row] = []
    for heading, measures in groups:
        rows.append((heading,))
        rows += [
            (
                measure.title,
                _unit(measure).replace("bl", "body lengths") or "none",
                measure.meaning,
                measure.source,
            )
            for measure in measures.values()
        ]
    return Table(("Measure", "unit", "meaning", "source"), tuple(rows))


def gap_table(summary: MonitorSummary, clock: Clock) -> Table | None:
    """The longest stretches without frames, in order of time."""
    if not summary.gaps:
        return None
    longest = sorted(summary.gaps, key=lambda gap: gap.start_s - gap.end_s)[:MOST_GAPS]
    rows = tuple(
        (_moment(gap.start_s, clock), length(gap.end_s - gap.start_s), gap.reason)
        for gap in sorted(longest, key=lambda gap: gap.start_s)
    )
    return Table(("from", "length", "reason"), rows)


def speed_of(limb: int) -> Callable[[Sequence[MovementRow]], float | None]:
    """Mean speed of a limb in body lengths a second, of some windows."""
    return lambda rows: mean_in_body(rows, limb, "mean_speed")
