"""Reports on disk: a JSON with everything, and a CSV with one row a measurement."""

import csv
from collections.abc import Sequence
from io import StringIO
from pathlib import Path
from typing import Any

from palpate.errors import ConfigError
from palpate.files import write_json, write_text
from palpate.measurement import Measurement, Report

FORMAT = "palpate measurements"
# Version 1 had no basis, spread, probabilities and limits crossed.
VERSION = 2

COLUMNS = (
    "image",
    "subject",
    "quantity",
    "value",
    "unit",
    "standard_uncertainty",
    "lower",
    "upper",
    "level",
    "basis",
    "crosses",
    "reason",
    "normal_low",
    "normal_high",
    "normal_source",
    "landmarks",
    "protocol",
    "note",
    "reviewed_by",
)


def write_measurements(reports: Sequence[Report], path: Path) -> None:
    """Write CSV or JSON, as the name ends.

    Raises:
        ConfigError: the name ends otherwise.
        OutputError: the file cannot be written.
    """
    writers = {".csv": write_measurements_csv, ".json": write_measurements_json}
    write = writers.get(path.suffix.lower())
    if write is None:
        raise ConfigError(f"measurements are written as .csv or .json, not {path.suffix!r}: {path}")
    write(reports, path)


def write_measurements_csv(reports: Sequence[Report], path: Path) -> None:
    """Write one row a measurement; a cell is empty where there is nothing to say.

    Behind the columns of every measurement comes ``P_CLASS`` for each class that any of them has.

    Raises:
        OutputError: the file cannot be written.
    """
    text = StringIO()
    classes = [name for report in reports for m in report.measurements for name in m.probabilities]
    columns = (*COLUMNS, *(f"P_{name}" for name in dict.fromkeys(classes)))
    writer = csv.DictWriter(text, columns, restval="", lineterminator="\n")
    writer.writeheader()
    for report in reports:
        for measurement in report.measurements:
            writer.writerow(_row(report, measurement))
    write_text(path, text.getvalue())


def write_measurements_json(reports: Sequence[Report], path: Path) -> None:
    """Write every report with its provenance; null where there is nothing to say.

    Raises:
        OutputError: the file cannot be written.
    """
    write_json(path, measurements_table(reports))


def measurements_table(reports: Sequence[Report]) -> dict[str, Any]:
    """Reports as plain lists and tables, as the JSON file holds them.

    Example:
        >>> measurements_table([Report("s", "1.png", ())])["reports"][0]["image"]
        '1.png'
    """
    return {
        "format": FORMAT,
        "version": VERSION,
        "reports": [
            {
                "image": report.image,
                "subject": report.subject,
                "reviewed_by": report.reviewed_by,
                "provenance": dict(report.provenance),
                "measurements": [_table(m) for m in report.measurements],
            }
            for report in reports
        ],
    }


def _table(m: Measurement) -> dict[str, Any]:
    normal = m.normal
    return {
        "name": m.name,
        "unit": m.unit,
        "value": m.value,
        "reason": m.reason,
        "standard_uncertainty": m.standard_uncertainty,
        "interval": None if m.interval is None else list(m.interval),
        "level": m.level,
        "basis": m.basis,
        "spread": None if m.spread is None else list(m.spread),
        "probabilities": dict(m.probabilities),
        "crosses": list(m.crosses),
        "normal": None
        if normal is None
        else {"low": normal.low, "high": normal.high, "source": normal.source},
        "landmarks": list(m.landmarks),
        "protocol": m.protocol,
        "note": m.note,
    }


def _row(report: Report, m: Measurement) -> dict[str, str]:
    lower, upper = m.interval or (None, None)
    return {
        "image": report.image,
        "subject": report.subject,
        "quantity": m.name,
        "value": _number(m.value),
        "unit": m.unit,
        "standard_uncertainty": _number(m.standard_uncertainty),
        "lower": _number(lower),
        "upper": _number(upper),
        "level": "" if m.interval is None else _number(m.level),
        "basis": m.basis,
        "crosses": "; ".join(m.crosses),
        "reason": m.reason or "",
        "normal_low": _number(m.normal.low if m.normal else None),
        "normal_high": _number(m.normal.high if m.normal else None),
        "normal_source": m.normal.source if m.normal else "",
        "landmarks": " ".join(m.landmarks),
        "protocol": m.protocol,
        "note": m.note,
        "reviewed_by": report.reviewed_by or "",
        **{f"P_{name}": f"{chance:.4f}" for name, chance in m.probabilities.items()},
    }


def _number(value: float | None) -> str:
    """Six significant digits, far below what a landmark can tell; empty for None."""
    return "" if value is None else f"{value:.6g}"
