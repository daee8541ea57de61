"""ibug .pts: one text file an image, points in order without names.

::

    version: 1
    n_points: 2
    {
    31.5 20.0
    40.0 22.25
    }

- Origin and axes: x right, y down; the centre of the first pixel is (1, 1), Matlab's counting, as
  the 300-W annotations were made and as menpo reads them. The format itself does not say; this is
  a decision: ``pixel = pts - 1``. A file that counts from 0 is to be shifted before.
- Names: landmarks are called '1', '2', ... in order. The image is called like the file, with the
  suffix of the one picture of that name beside it, or without one.
- Absent landmarks cannot be said: the writer refuses. Occlusion, subject, annotator, group, split,
  names and the suffix of the image are not carried.
"""

import re
from pathlib import Path, PurePosixPath

import numpy as np

from palpate.affine import Affine
from palpate.errors import FormatError, OutputError
from palpate.io.annotation import AnnotatedImage, AnnotationFile
from palpate.io.one_per_image import files_of, place_of, write_each
from palpate.io.rows import collected, points_of, scheme_of, stem_of
from palpate.io.text import parse_number, read_whole_text
from palpate.points import ABSENT

_PICTURES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".dcm", ".dicom")


def read_pts(path: Path) -> AnnotationFile:
    """Read one .pts file or a folder of them.

    Raises:
        FormatError: header, count or braces are wrong, a coordinate is no finite number, files
            differ in their number of points, two pictures could be meant.
    """
    files = files_of(path, ".pts")
    tables = [(file, _coordinates(file)) for file in files]
    first, wanted = tables[0][0], len(tables[0][1])
    scheme = scheme_of(path, [str(k + 1) for k in range(wanted)])
    to_pixel = Affine.from_one_based()
    rows = []
    for file, table in tables:
        if len(table) != wanted:
            raise FormatError(file, f"holds {len(table)} points, {first.name!r} holds {wanted}")
        image = place_of(path, file) + _picture(file)
        rows.append(AnnotatedImage(image, points_of(scheme, to_pixel(table)), line=4))
    return collected(path, scheme, rows)


def write_pts(annotations: AnnotationFile, path: Path) -> None:
    """Write one .pts file an image into a folder, or one file.

    Raises:
        OutputError: a landmark is absent, or as :func:`palpate.io.one_per_image.write_each`.
    """
    from_pixel = Affine.from_one_based().inverse()

    def text_of(row: AnnotatedImage) -> str:
        for name, state in zip(row.points.scheme.names, row.points.visibility, strict=True):
            if state == ABSENT:
                raise OutputError(
                    f"{path}: .pts cannot say that landmark {name!r} of {row.image!r} is absent; "
                    "write another format"
                )
        values = from_pixel(row.points.coordinates).tolist()
        lines = [f"{x!r} {y!r}" for x, y in values]
        return "\n".join(["version: 1", f"n_points: {len(lines)}", "{", *lines, "}"]) + "\n"

    write_each(annotations, path, suffix=".pts", format_name=".pts", text_of=text_of)


def _coordinates(file: Path) -> np.ndarray:
    lines = [
        (number, line.strip())
        for number, line in enumerate(read_whole_text(file).split("\n"), start=1)
        if line.strip()
    ]
    head = [line for _, line in lines[:3]]
    count = re.fullmatch(r"n_points:\s*(\d{1,6})", head[1]) if len(head) == 3 else None
    if count is None or not re.fullmatch(r"version:\s*1(\.0)?", head[0]) or head[2] != "{":
        raise FormatError(
            file, "does not begin with 'version: 1', 'n_points: N' and '{'", line=lines[0][0]
        )
    if lines[-1][1] != "}":
        raise FormatError(file, "does not end with '}': it is cut off", line=lines[-1][0])
    body = lines[3:-1]
    if len(body) != int(count[1]) or not body:
        raise FormatError(file, f"n_points is {count[1]}, but {len(body)} points follow")
    table = np.empty((len(body), 2))
    for k, (number, line) in enumerate(body):
        cells = line.split()
        if len(cells) != 2:
            raise FormatError(
                file, f"point {k + 1} has {len(cells)} numbers, expected x and y", line=number
            )
        for axis, cell in enumerate(cells):
            what = f"{'xy'[axis]} of landmark '{k + 1}'"
            table[k, axis] = parse_number(cell, file, line=number, what=what)
    return table


def _picture(file: Path) -> str:
    """Return the name of the picture beside the file, or the file's own without suffix."""
    stem = stem_of(file)
    beside = sorted(
        other.name
        for other in file.parent.iterdir()
        if other.suffix.lower() in _PICTURES and other.stem == stem
    )
    if len(beside) > 1:
        raise FormatError(file, f"may belong to {beside[0]!r} or to {beside[1]!r}; move one away")
    return beside[0] if beside else PurePosixPath(stem).name
