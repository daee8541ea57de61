"""babyPose: twelve joints of preterm infants in depth frames, one table an infant.

Migliorelli, Moccia, Pietrini, Carnielli and Frontoni, "The babyPose dataset", Data in Brief
33:106329, 2020 (Zenodo 3891404): 16 infants, 1000 annotated frames each, 16-bit PNG and an
annotation sheet. The layout is of the tables that the same group publishes with its code;
docs/formats.md says what is known and what was assumed. Frames are called ``pz1#120``: folder and
number.
"""

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from palpate.errors import FormatError, OutputError
from palpate.files import write_text
from palpate.frame_names import frame_name, parse_frame_name
from palpate.io.annotation import AnnotatedImage, AnnotationFile
from palpate.io.babypose_joints import BABYPOSE
from palpate.io.babypose_layout import find_infants
from palpate.io.babypose_table import TABLE_SUFFIXES, read_babypose_table
from palpate.io.depth_folder import number_in_name
from palpate.io.rows import collected, only_annotator, points_of, refuse_volumes
from palpate.points import ABSENT
from palpate.scheme import LandmarkScheme

_PREFIX = "result_"
_TABLES = "annotations"
# Of the group's own files; both kinds of picture of a frame carry its number.
_FRAME_ENDS = ("_8bit.png", "_16bit.png")


def read_babypose(path: Path) -> AnnotationFile:
    """Read one table, a folder of tables, or a data set with its frames.

    Joints are in the order of :data:`BABYPOSE`, whatever that of the columns; those that no table
    has are left out. The subject of a row is its infant.

    Raises:
        ConfigError: an Excel sheet, and openpyxl is not installed.
        FormatError: no table, or one that is not as :mod:`palpate.io.babypose_table` says.
    """
    tables = [(clip, read_babypose_table(table)) for clip, table in babypose_tables(path).items()]
    known = {name for _, table in tables for name in table.joints}
    scheme = scheme_with(known)
    rows = []
    for clip, table in tables:
        places = scheme.indices(list(table.joints))
        for image, given, line in zip(table.images, table.coordinates, table.lines, strict=True):
            coordinates = np.full((len(scheme), 2), np.nan)
            coordinates[places] = given
            name = _frame(clip, image)
            rows.append(AnnotatedImage(name, points_of(scheme, coordinates), clip, line=line))
    return collected(path, scheme, rows)


def scheme_with(names: Iterable[str]) -> LandmarkScheme:
    """Return babyPose's scheme without the joints that are not named."""
    kept = set(names)
    return LandmarkScheme(
        BABYPOSE.name,
        tuple(name for name in BABYPOSE.names if name in kept),
        tuple(pair for pair in BABYPOSE.mirror if kept.issuperset(pair)),
        tuple(edge for edge in BABYPOSE.edges if kept.issuperset(edge)),
    )


def babypose_tables(path: Path) -> dict[str, Path]:
    """Return infant -> table of a table, a folder of tables, or a data set with its frames.

    Raises:
        FormatError: there is none.
    """
    if not path.is_dir():
        if not path.exists():
            raise FormatError(path, "there is no such file or folder")
        return {_clip_of(path): path}
    infants = find_infants(path)
    if infants:
        return {infant.name: infant.table for infant in infants}
    found = {
        _clip_of(table): table
        for folder in (path, path / _TABLES)
        if folder.is_dir()
        for table in sorted(folder.iterdir(), reverse=True)  # CSV before Excel
        if table.suffix.lower() in TABLE_SUFFIXES and table.name.startswith(_PREFIX)
    }
    if not found:
        raise FormatError(path, f"the folder holds no table such as {_PREFIX}pz1.csv")
    return dict(sorted(found.items()))


def write_babypose(annotations: AnnotationFile, path: Path) -> None:
    """Write a table, or into a folder one table a clip (``annotations/result_CLIP.csv``).

    Frames of clips are written as ``00120_16bit.png``, other images by their name.

    Args:
        annotations: over joints of babyPose, by one annotator.
        path: ends in .csv, or is a folder.

    Raises:
        OutputError: other landmarks, several annotators, volumes, several clips for one file, a
            point that would be read as absent, or the disk refuses.
    """
    refuse_volumes(annotations, path, format_name="babypose")
    only_annotator(annotations, path, format_name="babypose")
    if path.suffix.lower() in TABLE_SUFFIXES and path.suffix.lower() != ".csv":
        raise OutputError(f"{path}: tables are written as CSV; give a name that ends in .csv")
    strangers = [name for name in annotations.scheme.names if name not in BABYPOSE.names]
    if strangers:
        raise OutputError(
            f"{path}: babypose holds the joints of four limbs, not {strangers[0]!r}; known: "
            f"{', '.join(BABYPOSE.names)}"
        )
    clips: dict[str, list[AnnotatedImage]] = {}
    for row in annotations.rows:
        frame = parse_frame_name(row.image)
        clips.setdefault(frame[0] if frame else "", []).append(row)
    if path.suffix.lower() == ".csv":
        if len(clips) > 1:
            raise OutputError(
                f"{path}: babypose holds one clip a table, here are {len(clips)}; give a folder, a "
                "name without '.csv'"
            )
        write_text(path, _text(annotations.scheme, annotations.rows, path))
        return
    texts = {}
    for clip, rows in clips.items():
        if not clip or "/" in clip:
            raise OutputError(
                f"{path}: {rows[0].image!r} is no frame of a clip, and so of no table; give a "
                "file, a name that ends in '.csv'"
            )
        texts[clip] = _text(annotations.scheme, rows, path)
    for clip, text in texts.items():
        write_text(path / _TABLES / f"{_PREFIX}{clip}.csv", text)


def _text(scheme: LandmarkScheme, rows: Iterable[AnnotatedImage], path: Path) -> str:
    lines = [";".join(["image", *scheme.names])]
    for row in rows:
        cells = [_cell(row, k, path) for k in range(len(scheme))]
        frame = parse_frame_name(row.image)
        name = f"{frame[1]:05d}_16bit.png" if frame else row.image
        if any(sign in name for sign in ';"\n\r'):
            raise OutputError(f"{path}: the name {name!r} would break a row of the table")
        lines.append(";".join([name, *cells]))
    return "\n".join(lines) + "\n"


def _cell(row: AnnotatedImage, k: int, path: Path) -> str:
    if row.points.visibility[k] == ABSENT:
        return "-1,-1"
    x, y = row.points.coordinates[k].tolist()
    if -1 in (x, y) or x == y == 0:
        raise OutputError(
            f"{path}: {row.points.scheme.names[k]} of {row.image!r} is at ({x:g}, {y:g}), which "
            "babypose reads as absent"
        )
    return f"{_number(x)},{_number(y)}"


def _number(value: float) -> str:
    return str(int(value)) if value.is_integer() else repr(value)


def _clip_of(table: Path) -> str:
    """``result_pz1.csv`` is of pz1."""
    return table.stem.removeprefix(_PREFIX) or table.stem


def _frame(clip: str, image: str) -> str:
    """The frame that a row is of; a name that is not of a frame stays as it is."""
    name = image.replace("\\", "/").rsplit("/", 1)[-1]
    if image.isdecimal():
        return frame_name(clip, int(image))
    if name.lower().endswith(_FRAME_ENDS) or name.removesuffix(".png").isdecimal():
        number = number_in_name(Path(name))
        if number is not None:
            return frame_name(clip, number)
    return image
