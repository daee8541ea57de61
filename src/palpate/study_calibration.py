"""The size of a pixel as a study gives it, beside its images, which may give it too."""

import csv
from math import isfinite
from pathlib import Path

from palpate.errors import FormatError, StudyError
from palpate.image import Calibration
from palpate.study_names import ImageNames
from palpate.study_settings import CalibrationSettings, StudySettings
from palpate.suggest import did_you_mean

META = "meta.csv"
COLUMNS = ("mm_per_px_stored", "mm_per_px")


def given_calibrations(
    root: Path, settings: StudySettings, names: ImageNames
) -> dict[str, Calibration]:
    """Return identifier -> calibration for the images that study.toml or meta.csv calibrates.

    study.toml goes first; else meta.csv with a column ``mm_per_px_stored`` or ``mm_per_px``.

    Raises:
        FormatError: a cell that is neither empty nor a positive number.
        StudyError: study.toml names a table or a column that there is not.
    """
    asked = settings.calibration
    if asked is not None and asked.spacing_mm is not None:
        detail = asked.detail or "spacing_mm of study.toml"
        everywhere = Calibration(asked.spacing_mm, asked.source, asked.plane, detail)
        return dict.fromkeys(names.identifiers, everywhere)
    if asked is not None and asked.column is not None:
        path = root / asked.file
        if not path.is_file():
            raise StudyError(f"{root / 'study.toml'}: calibration.file: there is no file {path}")
        return _column(path, asked.column, asked, names)
    path = root / META
    if not path.is_file():
        return {}
    header = _header(path)
    column = next((name for name in COLUMNS if name in header), None)
    if column is None or "image" not in header:
        return {}
    return _column(path, column, CalibrationSettings(column=column), names)


def _header(path: Path) -> list[str]:
    return list(_rows(path)[0])


def _rows(path: Path) -> tuple[list[str], list[tuple[int, dict[str, str]]]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream)
            header = list(reader.fieldnames or [])
            rows = [
                (reader.line_num, {k: v or "" for k, v in row.items() if k is not None})
                for row in reader
            ]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise FormatError(path, f"cannot be read as a table: {error}") from error
    return header, rows


def _column(
    path: Path, column: str, asked: CalibrationSettings, names: ImageNames
) -> dict[str, Calibration]:
    header, rows = _rows(path)
    for needed in ("image", column):
        if needed not in header:
            raise StudyError(
                f"{path}: has no column {needed!r} for the calibration"
                + did_you_mean(needed, header)
            )
    detail = asked.detail or f"column {column} of {path.name}"
    found: dict[str, Calibration] = {}
    for line, row in rows:
        identifier = names.find(row["image"]) if row["image"].strip() else None
        cell = row[column].strip()
        if identifier is None or not cell:
            continue
        spacing = _positive(cell)
        if spacing is None:
            raise FormatError(
                path,
                f"{column} of {identifier!r} is {cell!r}, expected millimetres per pixel above 0; "
                "leave it empty where it is not known",
                line=line,
            )
        found[identifier] = Calibration((spacing, spacing), asked.source, asked.plane, detail)
    return found


def _positive(cell: str) -> float | None:
    try:
        number = float(cell)
    except ValueError:
        return None
    return number if isfinite(number) and number > 0 else None
