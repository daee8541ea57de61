"""One table of babyPose: a row a frame, a column a joint, as CSV or as an Excel sheet.

::

    image;right_shoulder;right_elbow;...
    00000_8bit.png;403,322;429,297;...

- A cell is ``x,y``; two columns a joint (``right_elbow_x``, ``right_elbow_y``) are read as well,
  and so is CSV that is separated by commas or tabs.
- Origin and axes: px of the frame as given, 0 at the *centre* of the first pixel, x right, y down.
  The format does not say; its authors draw the whole numbers at that pixel.
- Absent: an empty cell, ``-1`` in either coordinate (a joint that is covered), ``nan``, ``0,0``.
- A joint that is annotated is visible: the tables know no other state.
"""

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from palpate.errors import ConfigError, FormatError
from palpate.io.babypose_joints import BABYPOSE, joint_of
from palpate.io.csv_plain import csv_records
from palpate.io.text import parse_number, read_whole_text

TABLE_SUFFIXES = (".csv", ".tsv", ".xlsx")
_IMAGE = ("image", "images", "img", "frame", "frames", "file", "filename", "file_name", "name")
_ABSENT = ("", "nan", "none", "na", "-1")
_AXES = ("x", "y")


@dataclass(frozen=True, eq=False, slots=True)
class BabyPoseTable:
    """What a table says.

    Args:
        images: name of each row's picture, as written.
        joints: names of its joints, each one of the twelve.
        coordinates: (row, joint, 2); NaN where absent.
        lines: where each row stands in the file, from 1.
        passed_over: columns that are of no limb's joint, such as the head.
    """

    images: tuple[str, ...]
    joints: tuple[str, ...]
    coordinates: Float[ndarray, "row joint 2"]
    lines: tuple[int, ...]
    passed_over: tuple[str, ...]


Record = tuple[int, list[str]]
# Joint -> axis ('' for both) -> column.
_Columns = dict[str, dict[str, int]]


def read_babypose_table(path: Path) -> BabyPoseTable:
    """Read one table.

    Raises:
        ConfigError: an Excel sheet, and openpyxl is not installed.
        FormatError: no column of images, no column of a joint, a joint twice, or a cell that is
            no pair of numbers.
    """
    records = _records(path)
    line, header = next(records, (1, []))
    columns, passed_over = _columns(path, line, header)
    rows = [(at, cells) for at, cells in records if any(cells)]
    if not rows:
        raise FormatError(path, "holds no annotated image")
    joints = tuple(name for name in BABYPOSE.names if name in columns)
    coordinates = np.array(
        [[_position(path, at, cells, name, columns[name]) for name in joints] for at, cells in rows]
    )
    images = tuple(cells[0] for _, cells in rows)
    for (at, _), image in zip(rows, images, strict=True):
        if not image:
            raise FormatError(path, "the row names no image", line=at)
    return BabyPoseTable(images, joints, coordinates, tuple(at for at, _ in rows), passed_over)


def names_a_joint(path: Path) -> bool:
    """Say whether a table has a column of a joint; one that cannot be read may have.

    Raises:
        ConfigError: as :func:`read_babypose_table`.
    """
    try:
        _, header = _header(path)
    except FormatError:  # told where it is read
        return True
    return any(joint_of(cell) for cell in header)


def columns_passed_over(path: Path) -> tuple[str, ...]:
    """Return the columns of a table that are of no limb's joint.

    Raises:
        ConfigError: as :func:`read_babypose_table`.
        FormatError: likewise.
    """
    line, header = _header(path)
    return _columns(path, line, header)[1]


def _header(path: Path) -> Record:
    return next(_records(path), (1, []))


def _records(path: Path) -> Iterator[Record]:
    return _excel(path) if path.suffix.lower() == ".xlsx" else _csv(path)


def _csv(path: Path) -> Iterator[Record]:
    text = read_whole_text(path)
    head = text.split("\n", 1)[0]
    separator = max(";,\t", key=head.count)
    for line, cells in csv_records(path, text, delimiter=separator):
        yield line, [cell.strip() for cell in cells]


def _excel(path: Path) -> Iterator[Record]:
    """The first sheet; a number stays as Excel holds it."""
    try:
        from openpyxl import load_workbook
    except ImportError as error:
        raise ConfigError(
            f"{path}: an Excel sheet is read with openpyxl; pip install 'palpate[excel]', or save "
            "the sheet as CSV"
        ) from error
    try:
        content = path.read_bytes()
        book = load_workbook(io.BytesIO(content), read_only=True, data_only=True)
        rows = list(book.worksheets[0].iter_rows(values_only=True))
    except FileNotFoundError as error:
        raise FormatError(path, "there is no such file") from error
    # openpyxl passes on whatever the zip archive or its XML raise.
    except Exception as error:
        raise FormatError(
            path, f"is no Excel workbook, or is damaged ({error}); copy it again from its source"
        ) from error
    for line, row in enumerate(rows, start=1):
        if any(cell is not None for cell in row):
            yield line, [_excel_text(cell) for cell in row]


def _excel_text(cell: Any) -> str:
    if cell is None:
        return ""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell).strip()


def _columns(path: Path, line: int, header: Sequence[str]) -> tuple[_Columns, tuple[str, ...]]:
    if not header or header[0].lower().replace(" ", "_") not in _IMAGE:
        came = header[0] if header else ""
        raise FormatError(
            path, f"the first column is {came!r}, expected 'image' with the frames", line=line
        )
    columns: _Columns = {}
    passed_over = []
    for place, name in enumerate(header[1:], start=1):
        found = joint_of(name)
        if found is None:
            if name:
                passed_over.append(name)
            continue
        joint, axis = found
        given = columns.setdefault(joint, {})
        if axis in given or (given and ("" in given) != (axis == "")):
            raise FormatError(path, f"column {name!r}: {joint} is there twice", line=line)
        given[axis] = place
    for joint, given in columns.items():
        if "" not in given and set(given) != set(_AXES):
            raise FormatError(path, f"{joint} has one coordinate without the other", line=line)
    if not columns:
        raise FormatError(
            path,
            f"has no column of a joint, such as 'right_shoulder', only {', '.join(header[1:5])}",
            line=line,
        )
    return columns, tuple(passed_over)


def _position(
    path: Path, line: int, cells: Sequence[str], joint: str, given: dict[str, int]
) -> tuple[float, float]:
    if "" in given:
        parts = _pair(path, line, cells[given[""]], joint)
    else:
        parts = [cells[given[axis]] for axis in _AXES]
    if any(part.lower() in _ABSENT for part in parts):
        return (np.nan, np.nan)
    x, y = (
        parse_number(part, path, line=line, what=f"{axis} of {joint}")
        for part, axis in zip(parts, _AXES, strict=True)
    )
    return (np.nan, np.nan) if x == y == 0 or -1 in (x, y) else (x, y)


def _pair(path: Path, line: int, cell: str, joint: str) -> list[str]:
    inner = cell.strip("()[] ")
    parts = [part.strip() for part in inner.replace(";", ",").split(",")]
    if len(parts) == 2:
        return parts
    if inner.lower() in _ABSENT or inner == "0":
        return ["", ""]
    hint = ""
    if len(parts) == 1 and "." in inner:
        hint = "; the comma was taken for a decimal point: save these cells as text"
    raise FormatError(path, f"{joint} is {cell!r}, expected 'x,y'{hint}", line=line)
