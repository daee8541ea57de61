"""Plain CSV: one row an image and annotator, the simplest annotation of a study.

Columns: ``image`` (for a frame of a clip ``video`` and ``frame``, counted from 0, instead), then
optionally ``split``, ``subject``, ``group``, ``annotator``, then for each
landmark ``<name>_x, <name>_y`` (and ``<name>_z`` for volumes), optionally ``<name>_v``.

- Origin and axes: px of the image, 0 at the *centre* of the first pixel, x right, y down. palpate's
  own convention: nothing is converted.
- Absent: all cells of the landmark are empty (``_v`` empty or 0).
- ``_v``: 0 absent, 1 occluded, 2 visible, as COCO; where the column or cell is missing, a landmark
  with a coordinate is visible. The writer adds the column where a landmark is occluded somewhere.
- Not carried: mirror pairs, edges, the size of the image.
- Cut files: a missing line break at the end, an open quote or a short row is refused; a file cut
  exactly between two rows is a shorter file and cannot be told.
"""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from palpate.errors import FormatError
from palpate.files import write_text
from palpate.frame_names import frame_name
from palpate.io.annotation import AnnotatedImage, AnnotationFile
from palpate.io.rows import collected, refuse_empty, scheme_of
from palpate.io.text import parse_number, read_whole_text
from palpate.points import ABSENT, OCCLUDED, VISIBLE, Points
from palpate.scheme import LandmarkScheme
from palpate.suggest import did_you_mean

ABOUT_THE_IMAGE = ("image", "split", "subject", "group", "annotator")
_FRAME_OF_A_CLIP = ("video", "frame")
_AXES = ("x", "y", "z")


@dataclass(frozen=True, slots=True)
class _Columns:
    """Which cell of a row holds what."""

    header: list[str]
    scheme: LandmarkScheme
    known: dict[str, int]
    coordinates: list[list[int]]
    visibility: list[int | None]


def read_csv(path: Path) -> AnnotationFile:
    """Read a plain CSV of landmarks.

    Raises:
        FormatError: a column is unknown, missing or doubled; a cell is no finite number; a
            landmark has one coordinate without the other; one annotator gives an image twice.
    """
    records = csv_records(path, read_whole_text(path))
    line, header = next(records)
    columns = _columns(path, line, header)
    return collected(
        path, columns.scheme, (_row(path, line, cells, columns) for line, cells in records)
    )


def csv_records(path: Path, text: str, *, delimiter: str = ",") -> Iterator[tuple[int, list[str]]]:
    """Yield (line, cells) of every record that is not empty, all as wide as the first.

    Raises:
        FormatError: a quote stays open, or a row has another number of cells.
    """
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    width: int | None = None
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader, None)
        except csv.Error as error:
            raise FormatError(
                path, f"is not CSV, or is cut off: {error}", line=reader.line_num
            ) from error
        if cells is None:
            return
        if not cells:
            continue
        width = len(cells) if width is None else width
        if len(cells) != width:
            raise FormatError(
                path, f"the row has {len(cells)} cells, the header has {width}", line=line
            )
        yield line, cells


def write_csv(annotations: AnnotationFile, path: Path) -> None:
    """Write a plain CSV of landmarks; numbers read back exactly.

    Raises:
        OutputError: there is no row, one image twice by one annotator, or the disk refuses.
    """
    refuse_empty(annotations, path)
    rows, scheme = annotations.rows, annotations.scheme
    optional = [name for name in ABOUT_THE_IMAGE[3:] if any(getattr(row, name) for row in rows)]
    about = [*ABOUT_THE_IMAGE[:3], *optional]
    states = np.stack([row.points.visibility for row in rows])
    occluded: list[bool] = (states == OCCLUDED).any(axis=0).tolist()
    axes = _AXES[: scheme.dimension]
    header = list(about)
    for name, hidden in zip(scheme.names, occluded, strict=True):
        header += [f"{name}_{axis}" for axis in axes] + ([f"{name}_v"] if hidden else [])
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(header)
    for row in rows:
        cells = [getattr(row, name) for name in about]
        for k, hidden in enumerate(occluded):
            given = row.points.visibility[k] != ABSENT
            values = row.points.coordinates[k].tolist()
            cells += [repr(value) if given else "" for value in values]
            cells += [str(row.points.visibility[k])] if hidden else []
        writer.writerow(cells)
    write_text(path, stream.getvalue())


def _columns(path: Path, line: int, header: list[str]) -> _Columns:
    if len(header) == 1 and ";" in header[0]:
        raise FormatError(path, "is separated by ';', expected ','; save it again", line=line)
    double = next((name for name in header if header.count(name) > 1), None)
    if double is not None:
        raise FormatError(path, f"column {double!r} is there twice", line=line)
    if "image" not in header and not set(_FRAME_OF_A_CLIP) <= set(header):
        hint = did_you_mean("image", header[:3])
        raise FormatError(path, f"has no column 'image'{hint} (or 'video' and 'frame')", line=line)
    place = {name: i for i, name in enumerate(header)}
    parts: dict[str, dict[str, int]] = {}
    for name, i in place.items():
        if name not in (*ABOUT_THE_IMAGE, *_FRAME_OF_A_CLIP):
            landmark, _, axis = name.rpartition("_")
            if not landmark or axis not in (*_AXES, "v"):
                raise _unknown(path, name, line)
            parts.setdefault(landmark, {})[axis] = i
    axes = _AXES if any("z" in given for given in parts.values()) else _AXES[:2]
    for landmark, given in parts.items():
        for axis in axes:
            if axis not in given:
                raise FormatError(path, f"no {axis} column for landmark {landmark!r}", line=line)
    return _Columns(
        header,
        scheme_of(path, list(parts), dimension=len(axes)),
        {name: place[name] for name in (*ABOUT_THE_IMAGE, *_FRAME_OF_A_CLIP) if name in place},
        [[given[axis] for axis in axes] for given in parts.values()],
        [given.get("v") for given in parts.values()],
    )


def _unknown(path: Path, name: str, line: int) -> FormatError:
    return FormatError(
        path,
        f"unknown column {name!r}{did_you_mean(name, ABOUT_THE_IMAGE)}; "
        "a landmark's columns are <name>_x, <name>_y and <name>_v",
        line=line,
    )


def _row(path: Path, line: int, cells: list[str], columns: _Columns) -> AnnotatedImage:
    about = {name: cells[i] for name, i in columns.known.items()}
    image = about.get("image", "") or _frame(path, line, about)
    names = columns.scheme.names
    coordinates = np.full((len(names), columns.scheme.dimension), np.nan)
    visibility = np.full(len(names), ABSENT)
    for k, name in enumerate(names):
        given = [i for i in columns.coordinates[k] if cells[i].strip()]
        cell = columns.visibility[k]
        visibility[k] = _visibility(path, line, name, "" if cell is None else cells[cell], given)
        if given and len(given) < len(columns.coordinates[k]):
            raise FormatError(
                path, f"landmark {name!r} has one coordinate without the other", line=line
            )
        for axis, i in enumerate(given):
            coordinates[k, axis] = parse_number(
                cells[i], path, line=line, what=f"{columns.header[i]} of landmark {name!r}"
            )
    return AnnotatedImage(
        image,
        Points(columns.scheme, coordinates, visibility),
        subject=about.get("subject", ""),
        annotator=about.get("annotator", ""),
        group=about.get("group", ""),
        split=about.get("split", ""),
        line=line,
    )


def _frame(path: Path, line: int, about: dict[str, str]) -> str:
    clip, frame = about.get("video", ""), about.get("frame", "")
    if not clip and not frame:
        raise FormatError(path, "the row names no image", line=line)
    if not clip or not frame.strip().isdecimal():
        raise FormatError(
            path,
            f"expected a video and the number of its frame, got {clip!r} and {frame!r}",
            line=line,
        )
    return frame_name(clip, int(frame))


def _visibility(path: Path, line: int, name: str, cell: str, given: list[int]) -> int:
    states = {"0": ABSENT, "1": OCCLUDED, "2": VISIBLE, "": VISIBLE if given else ABSENT}
    if cell.strip() not in states:
        raise FormatError(
            path, f"{name}_v is {cell!r}, expected 0 (absent), 1 (occluded), 2 (visible)", line=line
        )
    state = states[cell.strip()]
    if (state != ABSENT) != bool(given):
        what = "no coordinates" if state != ABSENT else "coordinates"
        raise FormatError(path, f"{name}_v is {cell} but {name!r} has {what}", line=line)
    return state
