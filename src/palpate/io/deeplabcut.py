"""DeepLabCut labels of one animal: CSV and HDF5.

Three header rows (``scorer``, ``bodyparts``, ``coords``) over one row an image; the image is one
path ``labeled-data/clip/img001.png``, or its three parts in three columns.

- Origin and axes: px, x right, y down, 0 at the *centre* of the first pixel: labels are clicks in
  matplotlib or napari, which both centre pixels on whole numbers. Nothing is converted.
- ``scorer`` is the annotator; one a file. 'unknown' is written where
  there is none, and read as none.
- Absent: both cells empty (CSV) or NaN (HDF5). Occlusion, subject, group, split and the size of
  the image are not carried. Backslashes of Windows become slashes.
- Predictions (``likelihood``) and several animals (``individuals``) are refused.

HDF5: pandas stores the names of the columns pickled, and nothing may be unpickled: a pickle is a
program. The names are recovered by :mod:`palpate.io.pickled_text`, which reads lists of texts and
refuses everything else. Both of pandas' layouts are read, 'table' (one path column) and 'fixed'
(which DeepLabCut uses for three-part paths, and which needs no pickle); 'table' is written.
"""

import csv
import io
import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from palpate.errors import FormatError, OutputError
from palpate.files import write_bytes, write_text
from palpate.io.annotation import AnnotatedImage, AnnotationFile
from palpate.io.csv_plain import csv_records
from palpate.io.pandas_h5 import Frame, read_frame
from palpate.io.rows import (
    collected,
    file_name,
    only_annotator,
    points_of,
    refuse_volumes,
    scheme_of,
)
from palpate.io.text import parse_number, read_whole_text

UNKNOWN_SCORER = "unknown"
_LEVELS = ("scorer", "bodyparts", "coords")
KEY = "df_with_missing"


def read_deeplabcut(path: Path) -> AnnotationFile:
    """Read DeepLabCut's CollectedData_*.csv.

    Raises:
        FormatError: other header rows, a column missing, doubled or unknown, a coordinate without
            the other or no finite number, one image twice; says line and landmark.
    """
    records = csv_records(path, read_whole_text(path))
    header = [next(records, (0, [""])) for _ in _LEVELS]
    for (line, cells), level in zip(header, _LEVELS, strict=True):
        if cells[0] != level:
            raise _other_header(path, line or None, cells[0], level)
    width = 1
    while width < len(header[0][1]) and all(not cells[width] for _, cells in header):
        width += 1
    names = list(zip(*(cells[width:] for _, cells in header), strict=True))
    columns = [(scorer, part, axis) for scorer, part, axis in names]
    lines, index, table = [], [], []
    for line, cells in records:
        lines.append(line)
        index.append("/".join(cells[:width]))
        table.append(
            [
                parse_number(cell, path, line=line, what=f"{axis} of landmark {part!r}")
                if cell.strip()
                else np.nan
                for cell, (_, part, axis) in zip(cells[width:], columns, strict=True)
            ]
        )
    values = np.array(table, dtype=float).reshape(len(table), len(columns))
    return _annotations(path, Frame(columns, index, values), lines)


def read_deeplabcut_h5(path: Path) -> AnnotationFile:
    """Read DeepLabCut's CollectedData_*.h5 without pandas, and without unpickling anything.

    Raises:
        FormatError: not such a file, cut, several animals, predictions, or as the CSV.
    """
    frame = read_frame(path, key=KEY, levels=_LEVELS)
    return _annotations(path, frame, [None] * len(frame.index))


def write_deeplabcut(annotations: AnnotationFile, path: Path) -> None:
    """Write DeepLabCut's CSV; three index columns where every image has three path parts.

    Raises:
        OutputError: several annotators, three axes, no row, or the disk refuses.
    """
    frame = _frame(annotations, path)
    parts = [image.split("/") for image in frame.index]
    if any(len(part) != 3 for part in parts):
        parts = [[image] for image in frame.index]
    blank = [""] * (len(parts[0]) - 1)
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\n")
    for level, cells in zip(_LEVELS, zip(*frame.columns, strict=True), strict=True):
        writer.writerow([level, *blank, *cells])
    for part, row in zip(parts, frame.values.tolist(), strict=True):
        writer.writerow([*part, *("" if np.isnan(value) else repr(value) for value in row)])
    write_text(path, stream.getvalue())


def write_deeplabcut_h5(annotations: AnnotationFile, path: Path) -> None:
    """Write DeepLabCut's HDF5 with pandas, as DeepLabCut does.

    Raises:
        OutputError: pandas or tables is not installed, several annotators, three axes, too many
            columns for one file, no row, or the disk refuses.
    """
    frame = _frame(annotations, path)
    try:
        import pandas as pd
        import tables
    except ImportError as error:
        raise OutputError(
            f"{path}: writing DeepLabCut's HDF5 needs pandas and tables; "
            "install them with: pip install 'palpate[deeplabcut]' (or write the CSV)"
        ) from error
    columns = pd.MultiIndex.from_tuples(frame.columns, names=list(_LEVELS))
    content = pd.DataFrame(frame.values, columns=columns, index=frame.index)
    with tempfile.TemporaryDirectory(prefix="palpate-") as folder:
        whole = Path(folder) / "labels.h5"
        try:
            with warnings.catch_warnings():
                # Advice to programmers about names and sizes; what matters is read back below.
                warnings.simplefilter("ignore", tables.NaturalNameWarning)
                warnings.simplefilter("ignore", tables.PerformanceWarning)
                content.to_hdf(whole, key=KEY, format="table", mode="w")
        except (tables.HDF5ExtError, ValueError, OverflowError) as error:
            raise OutputError(
                f"{path}: pandas could not write {len(frame.columns)} columns as HDF5 "
                f"({str(error).splitlines()[-1]}); write the CSV instead"
            ) from error
        write_bytes(path, whole.read_bytes())


def _other_header(path: Path, line: int | None, came: str, level: str) -> FormatError:
    if came == "individuals":
        return FormatError(path, "holds several animals; only one is read", line=line)
    return FormatError(path, f"header row {level!r} was expected, got {came!r}", line=line)


def _annotations(path: Path, frame: Frame, lines: Sequence[int | None]) -> AnnotationFile:
    scorer, names, columns = _layout(path, frame.columns)
    scheme = scheme_of(path, names)
    table = frame.values[:, columns].reshape(len(frame.index), len(names), 2)
    rows = []
    for image, line, points in zip(frame.index, lines, table, strict=True):
        _refuse_wrong(path, line, image, (names, points))
        if not file_name(image):
            raise FormatError(path, "a row names no image", line=line)
        annotator = "" if scorer == UNKNOWN_SCORER else scorer
        rows.append(
            AnnotatedImage(
                file_name(image), points_of(scheme, points), annotator=annotator, line=line
            )
        )
    return collected(path, scheme, rows)


def _layout(
    path: Path, columns: Sequence[tuple[str, str, str]]
) -> tuple[str, list[str], list[int]]:
    """Return the scorer, the landmarks, and the columns of x and y of each in turn."""
    place = {column: i for i, column in enumerate(columns)}
    if len(place) != len(columns):
        double = next(column for column in columns if list(columns).count(column) > 1)
        raise FormatError(path, f"column {double[2]!r} of landmark {double[1]!r} is there twice")
    scorers = list(dict.fromkeys(scorer for scorer, _, _ in columns))
    if len(scorers) != 1:
        raise FormatError(path, f"one scorer was expected, got {', '.join(map(repr, scorers))}")
    names = list(dict.fromkeys(part for _, part, _ in columns))
    for _, part, axis in columns:
        if axis not in ("x", "y"):
            why = ": these are predictions, not labels" if axis == "likelihood" else ""
            raise FormatError(path, f"unknown column {axis!r} of landmark {part!r}{why}")
    for name in names:
        for axis in "xy":
            if (scorers[0], name, axis) not in place:
                raise FormatError(path, f"no {axis} column for landmark {name!r}")
    return scorers[0], names, [place[scorers[0], name, axis] for name in names for axis in "xy"]


def _refuse_wrong(
    path: Path, line: int | None, image: str, labels: tuple[list[str], Float[ndarray, "landmark 2"]]
) -> None:
    for name, point in zip(*labels, strict=True):
        if np.isinf(point).any():
            raise FormatError(path, f"landmark {name!r} of {image!r} is infinite", line=line)
        if np.isnan(point).sum() == 1:
            raise FormatError(
                path,
                f"landmark {name!r} of {image!r} has one coordinate without the other",
                line=line,
            )


def _frame(annotations: AnnotationFile, path: Path) -> Frame:
    refuse_volumes(annotations, path, format_name="DeepLabCut")
    scorer = only_annotator(annotations, path, format_name="DeepLabCut") or UNKNOWN_SCORER
    columns = [(scorer, name, axis) for name in annotations.scheme.names for axis in "xy"]
    values = np.stack([row.points.coordinates.reshape(-1) for row in annotations.rows])
    return Frame(columns, [row.image for row in annotations.rows], values)
