"""Measurements read back from the CSV or JSON that ``palpate measure --out`` writes."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

from palpate.errors import FormatError, PalpateError
from palpate.io.csv_plain import csv_records
from palpate.io.measurements import FORMAT
from palpate.io.text import parse_number, read_json, read_text, read_whole_text
from palpate.measurement import Measurement, Report, Unit

_NEEDED = ("image", "quantity", "value", "unit", "reason")


def is_measurements(path: Path) -> bool:
    """Whether a file is one of measurements, by its first line or its format entry."""
    if path.suffix.lower() == ".csv":
        head = read_text(path).split("\n", 1)[0].split(",")
        return set(_NEEDED) <= {cell.strip() for cell in head}
    if path.suffix.lower() == ".json":
        content = read_json(path)
        return isinstance(content, dict) and content.get("format") == FORMAT
    return False


def read_measured(path: Path) -> list[Report]:
    """Read measurements: values, units and reasons; intervals are not needed here.

    Raises:
        FormatError: a column is missing, a number is not finite, a unit is unknown, a row has
            both or neither of value and reason, or an image gives a quantity twice.
    """
    rows = _json_rows(path) if path.suffix.lower() == ".json" else _csv_rows(path)
    found: dict[str, Report] = {}
    seen: set[tuple[str, str]] = set()
    for subject, image, item, line in rows:
        if (image, item.name) in seen:
            raise FormatError(path, f"gives {item.name!r} of image {image!r} twice", line=line)
        seen.add((image, item.name))
        report = found.setdefault(image, Report(subject, image, ()))
        if report.subject != subject:
            raise FormatError(
                path,
                f"image {image!r} is of subject {report.subject!r} and of {subject!r}",
                line=line,
            )
        found[image] = replace(report, measurements=(*report.measurements, item))
    if not found:
        raise FormatError(path, "holds no measurement")
    return list(found.values())


_Row = tuple[str, str, Measurement, int | None]


def _csv_rows(path: Path) -> list[_Row]:
    records = csv_records(path, read_whole_text(path))
    _, header = next(records)
    missing = [name for name in _NEEDED if name not in header]
    if missing:
        raise FormatError(path, f"a file of measurements has a column {missing[0]!r}", line=1)
    rows: list[_Row] = []
    for line, cells in records:
        row = dict(zip(header, cells, strict=True))
        what = f"value of {row['quantity']!r}"
        value = (
            parse_number(row["value"], path, line=line, what=what) if row["value"].strip() else None
        )
        item = _measurement(path, line, row["quantity"], row["unit"], value, row["reason"] or None)
        rows.append((row.get("subject", ""), _image(path, line, row["image"]), item, line))
    return rows


def _json_rows(path: Path) -> list[_Row]:
    rows: list[_Row] = []
    content = read_json(path)
    try:
        for report in content["reports"]:
            image = _image(path, None, report["image"])
            for item in report["measurements"]:
                rows.append((str(report["subject"]), image, _of_json(path, item), None))
    except (KeyError, TypeError) as error:
        raise FormatError(path, f"is no file of measurements: {error!r} is not there") from error
    return rows


def _of_json(path: Path, item: Mapping[str, Any]) -> Measurement:
    value = item["value"]
    if isinstance(value, bool) or not isinstance(value, (int, float, type(None))):
        raise FormatError(path, f"value of {item['name']!r} is {value!r}, no number")
    number = None if value is None else float(value)
    return _measurement(path, None, item["name"], item["unit"], number, item["reason"])


def _measurement(
    path: Path, line: int | None, name: str, unit: str, value: float | None, reason: str | None
) -> Measurement:
    known: dict[str, Unit] = {each: each for each in get_args(Unit)}
    if unit not in known:
        raise FormatError(
            path, f"unit {unit!r} of {name!r} is none of {', '.join(known)}", line=line
        )
    try:
        return Measurement(name, known[unit], value=value, reason=reason)
    except PalpateError as error:
        raise FormatError(path, str(error), line=line) from error


def _image(path: Path, line: int | None, name: str) -> str:
    if not name:
        raise FormatError(path, "a measurement names no image", line=line)
    return name
