"""TPS (tpsDig, geomorph): records of landmarks without names, y upwards.

::

    LM=2
    31.5 459.5
    NA NA
    IMAGE=film_1.png
    ID=0

- Origin and axes: lower left, x right, y *up*, so the height H of the image is needed:
  ``x = x_tps - 0.5``, ``y = H - 0.5 - y_tps``. The lower left *corner* of the picture is (0, 0),
  its upper right corner (W, H). TPS itself says only 'lower left', and programs that count whole
  pixels differ from this by up to one; the corner is the one reading in which turning y upside
  down leaves the picture in its place.
- The height comes from the image: in ``images``, else beside the file or in ``images/`` beside it,
  else from the comment below. Without a height the file is refused.
- Absent: ``NA NA``, as geomorph. A negative coordinate is refused: for some programs it means
  'missing', for others a point left of or below the picture.
- ``IMAGE=`` and ``ID=`` are required, and a record ends with them, so that a cut file is noticed.
  ID is a running number, not a subject. ``SCALE=`` (units a px) is checked and passed over:
  coordinates stay in px. Curves and LM3 are refused; unknown keys too.
- Names: '1', '2', ... in order. The writer adds ``COMMENT=palpate {...}``, which other programs
  pass over, with names, subject, annotator, group, split, occlusion and the size of the image.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy import ndarray

from palpate.affine import Affine
from palpate.errors import FormatError, OutputError
from palpate.files import write_text
from palpate.io.annotation import AnnotatedImage, AnnotationFile
from palpate.io.note import NOTE, Note, note_of
from palpate.io.rows import collected, file_name, points_of, refuse_volumes, scheme_of
from palpate.io.sizes import size_in
from palpate.io.text import as_model, parse_number, read_whole_text
from palpate.scheme import LandmarkScheme
from palpate.suggest import did_you_mean

_KEYS = ("IMAGE", "ID", "SCALE", "COMMENT", "VARIABLES")
_KEY = re.compile(r"([A-Za-z]\w*)\s*=(.*)")


@dataclass(slots=True)
class _Record:
    """One specimen as it stands in the file."""

    line: int
    table: ndarray
    values: dict[str, str] = field(default_factory=dict)
    note: Note = field(default_factory=Note)


def read_tps(path: Path, *, images: Path | None = None) -> AnnotationFile:
    """Read TPS landmarks.

    Args:
        path: of the file.
        images: folder of the images, whose heights are needed; None: beside the file.

    Raises:
        FormatError: no height for an image, counts that differ, a key that is missing, unknown
            or doubled, a coordinate that is negative or no number; says line and landmark.
    """
    if images is not None and not images.is_dir():
        raise FormatError(images, "there is no such folder of images")
    records = list(_records(path))
    for record in records:
        _complete(path, record)
        if len(record.table) != len(records[0].table):
            raise FormatError(
                path,
                f"LM={len(record.table)}, the first record has LM={len(records[0].table)}",
                line=record.line,
            )
    scheme = _scheme(path, records)
    return collected(path, scheme, (_row(path, record, scheme, images) for record in records))


def write_tps(annotations: AnnotationFile, path: Path) -> None:
    """Write TPS landmarks.

    Raises:
        OutputError: an image's height is not known, a landmark lies left of or below its image,
            three axes, or the disk refuses.
    """
    refuse_volumes(annotations, path, format_name="TPS")
    lines: list[str] = []
    for number, row in enumerate(annotations.rows):
        if row.size is None:
            raise OutputError(
                f"{path}: TPS counts y upwards from the lower edge, and the height of "
                f"{row.image!r} is not known; give the folder of the images (--images)"
            )
        if "\n" in row.image or row.image != row.image.strip() or not row.image:
            raise OutputError(f"{path}: TPS cannot hold the image name {row.image!r}")
        values = Affine.from_lower_left(row.size[1]).inverse()(row.points.coordinates).tolist()
        lines.append(f"LM={len(values)}")
        for name, given, (x, y) in zip(
            row.points.scheme.names, row.points.present, values, strict=True
        ):
            if given and (x < 0 or y < 0):
                raise OutputError(
                    f"{path}: landmark {name!r} of {row.image!r} lies left of or below the image; "
                    "other programs would read its negative coordinate as missing"
                )
            lines.append(f"{x!r} {y!r}" if given else "NA NA")
        note = json.dumps(note_of(row), allow_nan=False)
        lines += [f"IMAGE={row.image}", f"COMMENT={NOTE} {note}", f"ID={number}"]
    write_text(path, "\n".join(lines) + "\n")


def _records(path: Path) -> Iterator[_Record]:
    """Yield the records; a record is its landmarks, then its keys up to the next LM=."""
    lines = iter(
        [
            (number, line.strip())
            for number, line in enumerate(read_whole_text(path).split("\n"), start=1)
            if line.strip()
        ]
    )
    record: _Record | None = None
    for number, line in lines:
        match = _KEY.fullmatch(line)
        key = match[1].upper() if match else ""
        value = match[2].strip() if match else ""
        if key == "LM":
            if record is not None:
                yield record
            record = _Record(number, _table(path, number, value, lines))
        elif record is None:
            raise FormatError(path, f"begins with {line[:40]!r}, expected 'LM=N'", line=number)
        else:
            _enter(path, record, number, (key, value, line))
    if record is not None:
        yield record


def _table(path: Path, number: int, count: str, lines: Iterator[tuple[int, str]]) -> ndarray:
    if not re.fullmatch(r"\d{1,6}", count, re.ASCII) or int(count) == 0:
        raise FormatError(path, f"LM={count}: a number of landmarks was expected", line=number)
    table = np.full((int(count), 2), np.nan)
    for k in range(len(table)):
        line, text = next(lines, (number, ""))
        cells = text.split()
        if len(cells) != 2:
            raise FormatError(
                path,
                f"landmark '{k + 1}' of {len(table)}: x and y were expected, got {text[:40]!r}",
                line=line,
            )
        if cells == ["NA", "NA"]:
            continue
        for axis, cell in enumerate(cells):
            what = f"{'xy'[axis]} of landmark '{k + 1}'"
            table[k, axis] = parse_number(cell, path, line=line, what=what)
            if table[k, axis] < 0:
                raise FormatError(
                    path,
                    f"{what} is {cell}: some programs mean 'missing' by a negative coordinate; "
                    "write 'NA NA' for a missing landmark",
                    line=line,
                )
    return table


def _enter(path: Path, record: _Record, number: int, entry: tuple[str, str, str]) -> None:
    """Enter one KEY=value line into a record."""
    key, value, line = entry
    if key in ("LM3", "CURVES", "POINTS", "OUTLINES", "CHAIN"):
        raise FormatError(path, f"{key}= is not read: only landmarks of pictures are", line=number)
    if key not in _KEYS:
        what = f"unknown key {key!r}{did_you_mean(key, _KEYS)}" if key else f"{line[:40]!r}"
        raise FormatError(
            path, f"{what} after {len(record.table)} landmarks; is LM= right?", line=number
        )
    if key == "COMMENT":
        if value.startswith(f"{NOTE} "):
            record.note = _note(path, number, value.removeprefix(NOTE))
        return
    if key in record.values:
        raise FormatError(path, f"{key}= is there twice in one record", line=number)
    if key == "SCALE":
        parse_number(value, path, line=number, what="SCALE")
    record.values[key] = value


def _note(path: Path, number: int, text: str) -> Note:
    try:
        content = json.loads(text)
    except ValueError as error:
        raise FormatError(path, f"COMMENT={NOTE} is no JSON: {error}", line=number) from error
    return as_model(path, content, Note, line=number)


def _complete(path: Path, record: _Record) -> None:
    for key in ("IMAGE", "ID"):
        if not record.values.get(key):
            raise FormatError(
                path, f"the record has no {key}=; it may be cut off", line=record.line
            )


def _scheme(path: Path, records: list[_Record]) -> LandmarkScheme:
    if not records:
        raise FormatError(path, "holds no landmarks")
    names = records[0].note.landmarks or [str(k + 1) for k in range(len(records[0].table))]
    for record in records:
        noted = record.note.landmarks
        if noted != records[0].note.landmarks or (noted and len(noted) != len(record.table)):
            raise FormatError(path, "the comment notes other landmarks", line=record.line)
    return scheme_of(path, names)


def _row(
    path: Path, record: _Record, scheme: LandmarkScheme, images: Path | None
) -> AnnotatedImage:
    note, image = record.note, file_name(record.values["IMAGE"])
    folders = [images] if images else [path.parent, path.parent / "images"]
    sizes = [size for folder in folders if (size := size_in(folder, image)) is not None]
    noted = [note.size_px] if note.size_px else []
    if not sizes and not noted:
        raise FormatError(
            path,
            f"y counts upwards from the lower edge, and the height of {image!r} is not known; "
            "give the folder of the images (--images)",
            line=record.line,
        )
    if len(set(sizes + noted)) > 1:
        raise FormatError(
            path,
            f"the size of {image!r} is in doubt: {sorted(set(sizes + noted))}",
            line=record.line,
        )
    size = (sizes + noted)[0]
    return AnnotatedImage(
        image,
        points_of(scheme, Affine.from_lower_left(size[1])(record.table), occluded=note.occluded),
        subject=note.subject,
        annotator=note.annotator,
        group=note.group,
        split=note.split,
        size=size,
        line=record.line,
    )
