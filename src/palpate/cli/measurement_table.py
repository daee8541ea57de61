"""Measurements as tables on a terminal."""

from collections import Counter, defaultdict
from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from palpate.measurement import Measurement, NormalRange, Report
from palpate.protocols.measure_shape import OUTLIER
from palpate.protocols.protocol import Protocol
from palpate.protocols.side_differences import PAIR
from palpate.report.wording import (
    chances_text,
    crossing,
    digits_of,
    interval_text,
    number,
    value_text,
)

_MOST_NAMED = 12
_CHANCES = ("chances",)


def image_table(report: Report) -> Table:
    """Every measurement of one image, with its uncertainty or the reason why there is none."""
    title = report.image if not report.subject else f"{report.image} (subject {report.subject})"
    classed = any(m.probabilities for m in report.measurements)
    table = Table(title=Text(title))
    for column in ("quantity", "value", "± 1 sd", "interval", *_CHANCES[: int(classed)], "normal"):
        table.add_column(column, justify="left" if column in ("quantity", *_CHANCES) else "right")
    table.add_column("note")
    for m in report.measurements:
        u = m.standard_uncertainty
        chances = (chances_text(m).replace(", ", "\n"),) if classed else ()
        shown = (
            m.name,
            value_text(m),
            "" if u is None else number(u, digits_of(m)),
            interval_text(m).replace(", ", "\n"),
            *chances,
            _range(m.normal),
            m.reason or _remark(m),
        )
        table.add_row(*(Text(cell) for cell in shown))
    return table


def summary_table(protocol: Protocol, reports: Sequence[Report]) -> Table:
    """How many images each quantity was measured on, its middle and its spread.

    Where there are classes, also in how many images the interval crosses a limit between them.
    """
    images = {report.image for report in reports if PAIR not in report.image}
    table = Table(title=Text(f"{protocol.label}: {len(images)} images"))
    table.add_column("quantity")
    classed = any(m.probabilities for report in reports for m in report.measurements)
    crossed = ("limit crossed",) if classed else ()
    for column in ("measured", "median", "from", "to", *crossed, "normal"):
        table.add_column(column, justify="right")
    table.add_column("most frequent reason for none")
    by_name: dict[str, list[Measurement]] = defaultdict(list)
    for report in reports:
        for measurement in report.measurements:
            by_name[measurement.name].append(measurement)
    for name, found in by_name.items():
        values = sorted(m.value for m in found if m.value is not None)
        reasons = Counter(m.reason for m in found if m.reason is not None).most_common(1)
        cells = [_value(v, found[0].unit) for v in _spread(values)] or ["-", "", ""]
        normal = next((m.normal for m in found if m.normal is not None), None)
        doubted = [m for m in found if m.probabilities]
        count = f"{sum(bool(m.crosses) for m in doubted)} of {len(doubted)}" if doubted else ""
        shown = (
            name,
            f"{len(values)} of {len(found)}",
            *cells,
            *((count,) if classed else ()),
            _range(normal),
            f"{reasons[0][0]} ({reasons[0][1]})" if reasons else "",
        )
        table.add_row(*(Text(cell) for cell in shown))
    return table


def unusual_shapes(reports: Sequence[Report]) -> list[str]:
    """Sentences that name the images whose shape is unusual; none where no shape was judged."""
    judged = [(report, m) for report in reports for m in report.measurements if m.name == OUTLIER]
    found = [(report, m) for report, m in judged if m.value]
    if not judged:
        return []
    lines = [f"{len(found)} of {len(judged)} shapes are unusual" + (":" if found else "")]
    lines += [f"  {report.image}: {m.note}" for report, m in found[:_MOST_NAMED]]
    if len(found) > _MOST_NAMED:
        lines.append(f"  and {len(found) - _MOST_NAMED} more, in the file that --out writes")
    return lines


def _value(value: float, unit: str) -> str:
    return f"{value:.1f}" if unit == "1" else f"{value:.1f} {unit}"


def _spread(values: list[float]) -> list[float]:
    """Median, least and greatest of sorted values; nothing of nothing."""
    if not values:
        return []
    half = len(values) // 2
    median = values[half] if len(values) % 2 else (values[half - 1] + values[half]) / 2.0
    return [median, values[0], values[-1]]


def _range(normal: NormalRange | None) -> str:
    return "" if normal is None else f"{normal.low:g} to {normal.high:g}"


def _remark(m: Measurement) -> str:
    """Say when the value is outside the usual range, then the measurement's own note."""
    outside = (
        "outside the normal range"
        if m.normal is not None
        and m.value is not None
        and not m.normal.low <= m.value <= m.normal.high
        else ""
    )
    return "; ".join(part for part in (outside, crossing(m), m.note) if part)
