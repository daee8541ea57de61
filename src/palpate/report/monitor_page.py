"""One page for hours at a cot: what was seen, what moved, and how each number is defined.

The page holds everything it needs: no network, no file beside it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from palpate.files import write_text
from palpate.report.clip_render import rendered
from palpate.report.monitor_plots import (
    Clock,
    Curve,
    CurvePanel,
    activity_plot,
    coverage_plot,
    curves_plot,
    delay_plot,
)
from palpate.report.monitor_pooled import (
    LOOKED_AT,
    NO_FRAME,
    Bin,
    active_of,
    bins,
    coverage,
    mean_of,
    observed,
    series,
    states,
)
from palpate.report.monitor_reported import Delays, MonitorSummary, StreamGap
from palpate.report.monitor_sentences import between, grounds, length, spoken, warnings
from palpate.report.monitor_tables import (
    MOST_GAPS,
    definition_table,
    gap_table,
    hour_table,
    measure_table,
    speed_of,
)
from palpate.report.parts import Plot, SheetHead, Table, Tile
from palpate.report.plots import HUMAN, MODEL, THIRD
from palpate.report.wording import figure, number, percent
from palpate.sequences.movement_amount import Amount
from palpate.sequences.movement_row import MovementRow

__all__ = ["Delays", "MonitorSummary", "StreamGap", "render_monitor", "write_monitor_page"]

_HOUR_S = 3600.0
# Rows of the table by the hour, for shorter times.
_TABLE_S = (60.0, 300.0, 600.0, 1800.0, _HOUR_S, 4 * _HOUR_S, 24 * _HOUR_S)
_MOST_ROWS = 26
# The darkest shade is never below this share, or rest would look like movement.
_LEAST_FULL = 0.2


@dataclass(frozen=True, slots=True)
class MonitorPage(SheetHead):
    """The sections that the template prints below the head."""

    coverage: Plot
    activity: Plot
    speeds: Plot
    sides: Plot
    hours: Table
    hours_title: str
    measures: Table
    gaps: Table | None
    gaps_note: str
    delays: Plot | None
    definitions: Table


def render_monitor(summary: MonitorSummary) -> str:
    """Return the whole page as HTML."""
    return rendered("monitor.html", monitor_page(summary))


def write_monitor_page(summary: MonitorSummary, path: Path) -> None:
    """Write the page.

    Raises:
        OutputError: it cannot be written; nothing half-written is left.
    """
    write_text(path, render_monitor(summary))


def monitor_page(summary: MonitorSummary) -> MonitorPage:
    """Turn a summary into text and drawings."""
    parts = bins(summary)
    clock = Clock(np.array([*(part.start_s for part in parts), parts[-1].end_s]), summary.began)
    hours = _table_bins(summary)
    each = length(hours[0].end_s - hours[0].start_s)
    return MonitorPage(
        title=summary.title,
        subtitle=_subtitle(summary, clock),
        banner="Not for diagnosis. Unsigned: no person has reviewed what was found.",
        warnings=warnings(summary),
        spoken=spoken(summary),
        notes=grounds(summary),
        tiles=_tiles(summary),
        provenance=tuple(summary.provenance.items()),
        coverage=_coverage(clock, parts),
        activity=_activity(summary, clock, parts),
        speeds=_speeds(summary, clock, parts),
        sides=_sides(summary, clock, parts),
        hours=hour_table(summary, hours, clock),
        hours_title="By the hour" if each == length(_HOUR_S) else f"Every {each}",
        measures=measure_table(summary),
        gaps=gap_table(summary, clock),
        gaps_note=_gaps_note(summary),
        delays=None if summary.delays is None else _delays(summary.delays),
        definitions=definition_table(),
    )


def _subtitle(summary: MonitorSummary, clock: Clock) -> str:
    rows = summary.rows
    parts = [
        f"{length(summary.end_s - summary.start_s)} in {len(rows):,} windows of "
        f"{length(rows[0].length_s)}",
        f"{sum(states(rows).values()):,} frames",
        f"{len(summary.limbs)} limbs",
    ]
    if summary.began is not None:
        parts.append(f"{summary.began:%d %B %Y}, from {clock.words(float(clock.hours[0]))}")
    return " · ".join(parts)


def _tiles(summary: MonitorSummary) -> tuple[Tile, ...]:
    rows = summary.rows
    shares, counts = coverage(rows), states(rows)
    seen = [observed(rows, k) or 0.0 for k in range(len(summary.limbs))]
    looked = sum(counts[state] for state in LOOKED_AT)
    tiles = [
        Tile(
            "Limbs seen",
            percent(float(np.mean(seen))),
            f"of the time, {between(seen)}; {looked:,} frames looked at",
        ),
        Tile(
            "Time without frames",
            percent(shares.get(NO_FRAME, 0.0)),
            f"{length(sum(row.gap_s for row in rows))} in all; "
            f"{counts.get('missing', 0):,} frame numbers never came",
        ),
    ]
    active = [active_of(k)(rows) for k in range(len(summary.limbs))]
    known = [share for share in active if share is not None]
    if known:
        tiles.append(Tile("Limbs active", percent(float(np.mean(known))), between(known)))
    together = mean_of(rows, lambda row: row.synchrony)
    tiles.append(Tile("Synchrony", figure(together), "mean correlation of the limbs' speeds"))
    if summary.delays is not None and summary.delays.frames:
        tiles.append(_delay_tile(summary.delays))
    return tuple(tiles)


def _delay_tile(delays: Delays) -> Tile:
    middle, most = delays.percentile(50.0), delays.percentile(99.0)
    return Tile(
        "Delay, median",
        _milliseconds(middle),
        f"99 % within {_milliseconds(most)}; longest {_milliseconds(delays.longest_s)}",
    )


def _milliseconds(seconds: float | None) -> str:
    if seconds is None:
        return "–"
    return f"{number(1000.0 * seconds, 0)} ms" if seconds < 10.0 else f"{number(seconds, 1)} s"


def _coverage(clock: Clock, parts: Sequence[Bin]) -> Plot:
    return Plot(
        coverage_plot(clock, [coverage(part.rows) for part in parts]),
        f"Share of each {length(parts[0].end_s - parts[0].start_s)}: what became of the frames, "
        "and the time in which none came.",
    )


def _activity(summary: MonitorSummary, clock: Clock, parts: Sequence[Bin]) -> Plot:
    active = np.stack([series(parts, active_of(k)) for k in range(len(summary.limbs))])
    full = _full(active)
    beyond = int((active > full + 1e-9).sum())
    more = (
        f" {beyond} of {active.size} cells are above and have the darkest shade." if beyond else ""
    )
    return Plot(
        activity_plot(clock, summary.limbs, active, full),
        "Share of the observed time in which the limb was active; hatched: the limb was not seen "
        f"enough to tell. All limbs have the same shades.{more}",
    )


def _full(active: Float[ndarray, "limb bin"]) -> float:
    """The share of the darkest shade: a round number that hardly any cell passes."""
    known = active[np.isfinite(active)]
    if not len(known):
        return 1.0
    most = max(_LEAST_FULL, float(np.quantile(known, 0.98)))
    return min(1.0, np.ceil(10.0 * most - 1e-9) / 10.0)


def _speeds(summary: MonitorSummary, clock: Clock, parts: Sequence[Bin]) -> Plot:
    panels, taken = [], set()
    curves = [series(parts, speed_of(k)) for k in range(len(summary.limbs))]
    index = {name: k for k, name in enumerate(summary.limbs)}
    for side in summary.rows[0].sides:
        left, right = index[side.left], index[side.right]
        taken |= {left, right}
        pair = (
            Curve("left", curves[left], MODEL),
            Curve("right", curves[right], HUMAN, "--"),
        )
        panels.append(CurvePanel(side.name, pair))
    for k, name in enumerate(summary.limbs):
        if k not in taken:
            panels.append(CurvePanel(name, (Curve(name, curves[k], MODEL),)))
    return Plot(
        curves_plot(clock, panels, "Speed of the limbs over time"),
        "Mean speed of the limb's end in body lengths a second, while it is seen; noise of the "
        "localiser included, so that rest is not zero.",
    )


def _sides(summary: MonitorSummary, clock: Clock, parts: Sequence[Bin]) -> Plot:
    panels = []
    if summary.pairs:
        shapes = ((MODEL, "-"), (HUMAN, "--"), (THIRD, ":"))
        for title, field in (("symmetry", "symmetry_index"), ("correlation", "speed_correlation")):
            curves = tuple(
                Curve(name, series(parts, _mean_side(k, field)), *shapes[k % len(shapes)])
                for k, name in enumerate(summary.pairs)
            )
            panels.append(CurvePanel(title, curves, (-1.05, 1.05)))
    whole = series(parts, lambda rows: mean_of(rows, lambda row: row.synchrony))
    panels.append(CurvePanel("synchrony", (Curve("all limbs", whole, THIRD),), (-1.05, 1.05)))
    return Plot(
        curves_plot(clock, panels, "Symmetry and synchrony over time"),
        "Symmetry (L - R) / (L + R) of the mean speeds: above 0 the left moves more. Correlation: "
        "of the speeds of left and right; synchrony: of all pairs of limbs. In times of rest these "
        "are of noise.",
    )


def _mean_side(pair: int, field: str) -> Callable[[Sequence[MovementRow]], float | None]:
    def measure(row: MovementRow) -> Amount:
        side = row.sides[pair]
        return side.symmetry_index if field == "symmetry_index" else side.speed_correlation

    return lambda rows: mean_of(rows, measure)


def _table_bins(summary: MonitorSummary) -> tuple[Bin, ...]:
    whole_s = summary.end_s - summary.start_s
    least_s = summary.rows[0].length_s
    fitting = [n for n in _TABLE_S if n >= least_s and whole_s / n <= _MOST_ROWS]
    return bins(summary, length_s=fitting[0] if fitting else max(least_s, whole_s / _MOST_ROWS))


def _gaps_note(summary: MonitorSummary) -> str:
    count = len(summary.gaps)
    if count <= MOST_GAPS:
        return ""
    return f"The {MOST_GAPS} longest of {count:,}."


def _delays(delays: Delays) -> Plot | None:
    if not delays.frames:
        return None
    found = {f"{p:g} %": delays.percentile(p) for p in (50.0, 99.0)}
    marks = {name: seconds for name, seconds in found.items() if seconds is not None}
    return Plot(
        delay_plot(delays.bins, marks),
        f"{delays.frames:,} frames, from arrival to joints in memory. Dashed: what half of them "
        "and 99 % of them did not exceed.",
    )
