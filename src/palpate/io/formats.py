"""All annotation formats: the tables of readers and writers, and how a file's format is found.

The contract over both tables (``tests/test_formats.py``): what is written is read back; all
formats give the same pixels for the same points; a cut file is refused with its name. To add a
format: one module with a reader and a writer, one line in each table, one sample file.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from palpate.errors import FormatError, OutputError, PalpateError
from palpate.io.annotation import AnnotatedImage, AnnotationFile, Reader, Writer
from palpate.io.babypose import babypose_tables, read_babypose, write_babypose
from palpate.io.babypose_joints import joint_of
from palpate.io.babypose_layout import find_infants
from palpate.io.coco import read_coco, write_coco
from palpate.io.csv_plain import read_csv, write_csv
from palpate.io.deeplabcut import (
    read_deeplabcut,
    read_deeplabcut_h5,
    write_deeplabcut,
    write_deeplabcut_h5,
)
from palpate.io.dicom_sr_read import is_sr, read_sr
from palpate.io.labelme import read_labelme, write_labelme
from palpate.io.pts import read_pts, write_pts
from palpate.io.slicer import SUFFIX, read_slicer, read_slicer_1mm, write_slicer
from palpate.io.text import read_json, read_text
from palpate.io.tps import read_tps, write_tps
from palpate.suggest import did_you_mean

READERS: dict[str, Reader] = {
    "csv": read_csv,
    "coco": read_coco,
    "deeplabcut": read_deeplabcut,
    "deeplabcut-h5": read_deeplabcut_h5,
    "slicer": read_slicer,
    "slicer-1mm": read_slicer_1mm,
    "tps": read_tps,
    "pts": read_pts,
    "labelme": read_labelme,
}

WRITERS: dict[str, Writer] = {
    "csv": write_csv,
    "coco": write_coco,
    "deeplabcut": write_deeplabcut,
    "deeplabcut-h5": write_deeplabcut_h5,
    "slicer": write_slicer,
    "tps": write_tps,
    "pts": write_pts,
    "labelme": write_labelme,
}

# Data sets that hold their own landmarks and no others, and so are outside the contract.
DATA_SETS: dict[str, tuple[Reader, Writer]] = {"babypose": (read_babypose, write_babypose)}

# What others write and we only read: a report that we write refers to its image, so it is made
# with that image at hand (palpate.io.dicom_sr).
ONLY_READ: dict[str, Reader] = {"dicom-sr": read_sr}

# Where the end of the name decides; the longer ends come first.
_BY_NAME = {
    SUFFIX: "slicer",
    ".tps": "tps",
    ".pts": "pts",
    ".h5": "deeplabcut-h5",
    ".hdf5": "deeplabcut-h5",
}
_DICOM = (".dcm", ".dicom", ".dic")
# How an Excel workbook begins; one data set has its tables in some.
_ZIP = b"PK"
# How a database file begins, as a review is kept in.
_SQLITE = b"SQLite format 3\0"
_BY_FIRST_CELL = {"image": "csv", "scorer": "deeplabcut"}
_BY_JSON_FIELD = {"annotations": "coco", "shapes": "labelme", "markups": "slicer"}
_NO_WRITING = (
    "a structured report is not converted from labels: it refers to its image and holds "
    "measurements; 'palpate dicom' writes it"
)
# Coordinates that were written and read back may differ by rounding, in px.
TOLERANCE_PX = 1e-6


def read_annotation(path: Path) -> AnnotationFile:
    r"""Read an annotation file, or a folder of one file an image, in whichever format it is.

    Raises:
        FormatError: the format cannot be told, or the file is not as its format wants it.

    Example:
        >>> import tempfile
        >>> file = Path(tempfile.mkdtemp()) / "landmarks.csv"
        >>> _ = file.write_text("image,nose_x,nose_y\na.png,3.5,4\n")
        >>> read_annotation(file).rows[0].points["nose"].tolist()
        [3.5, 4.0]
    """
    return reader_of(format_of(path))(path)


def format_of(path: Path) -> str:
    """Return the name of the format of an existing file or folder, by its name and its content.

    Raises:
        FormatError: there is none, none fits, or several do; or it is a review, not its labels.
    """
    if not path.exists():
        raise FormatError(path, "there is no such file or folder")
    if path.is_dir():
        return _format_of_folder(path)
    if _begins(path, _SQLITE):
        raise FormatError(
            path,
            "is a review; its labels come out with 'palpate review-labels STORE OUT', whose "
            "landmarks.csv this command takes",
        )
    name = path.name.lower()
    for suffix, format_name in _BY_NAME.items():
        if name.endswith(suffix):
            return format_name
    if name.endswith(".csv"):
        return _format_of_csv(path)
    if name.endswith(".json"):
        return _format_of_json(path)
    if name.endswith(_DICOM):
        return _format_of_dicom(path)
    if name.endswith(".xlsx") and path.read_bytes()[:2] == _ZIP:
        return "babypose"
    raise FormatError(path, f"the name tells no annotation format{_choice()}", line=None)


def _begins(path: Path, head: bytes) -> bool:
    """Whether a file begins with these bytes; what cannot be read is told by whoever reads it."""
    try:
        with path.open("rb") as stream:
            return stream.read(len(head)) == head
    except OSError:
        return False


def format_to_write(path: Path) -> str:
    """Return the format that the name of a new file asks for.

    Raises:
        OutputError: the name asks for none, or for several.

    Example:
        >>> format_to_write(Path("study/landmarks.csv")), format_to_write(Path("wings.TPS"))
        ('csv', 'tps')
    """
    name = path.name.lower()
    for suffix, format_name in _BY_NAME.items():
        if name.endswith(suffix):
            return format_name
    if name.endswith(".csv"):
        return "deeplabcut" if name.startswith("collecteddata_") else "csv"
    if name.endswith(".json"):
        raise OutputError(f"{path}: JSON may be coco or labelme; say which (--to)")
    if name.endswith(_DICOM):
        raise OutputError(f"{path}: {_NO_WRITING}")
    raise OutputError(f"{path}: the name tells no annotation format; say which (--to)")


def reader_of(name: str) -> Reader:
    """Return the reader of a named format.

    Raises:
        PalpateError: there is no such format; says which is near.
    """
    if name in DATA_SETS:
        return DATA_SETS[name][0]
    if name in ONLY_READ:
        return ONLY_READ[name]
    if name not in READERS:
        known = did_you_mean(name, {*READERS, *DATA_SETS, *ONLY_READ})
        raise PalpateError(f"no format {name!r} can be read{known}")
    return READERS[name]


def writer_of(name: str) -> Writer:
    """Return the writer of a named format.

    Raises:
        PalpateError: there is no such format; says which is near.
    """
    if name in DATA_SETS:
        return DATA_SETS[name][1]
    if name in ONLY_READ:
        raise PalpateError(_NO_WRITING)
    if name not in WRITERS:
        known = did_you_mean(name, {*WRITERS, *DATA_SETS})
        raise PalpateError(f"no format {name!r} can be written{known}")
    return WRITERS[name]


def not_carried(before: AnnotationFile, after: AnnotationFile, *, path: Path) -> list[str]:
    """Compare what was to be written with what is read back: which knowledge the format lost.

    Raises:
        OutputError: images, presence or coordinates differ: the file is not what was written.
    """
    if len(before.rows) != len(after.rows) or len(before.scheme) != len(after.scheme):
        raise OutputError(f"{path}: read back, it has other images or landmarks")
    pairs = _pairs(before, after, path)
    for mine, theirs in pairs:
        same = np.array_equal(mine.points.present, theirs.points.present)
        apart = np.abs(mine.points.coordinates - theirs.points.coordinates)
        if not same or (apart[mine.points.present] > TOLERANCE_PX).any():
            raise OutputError(f"{path}: the points of {mine.image!r} read back otherwise")
    tests: dict[str, Callable[[AnnotatedImage, AnnotatedImage], bool]] = {
        "image names": lambda a, b: a.image != b.image,
        "subject": lambda a, b: a.subject != b.subject,
        "annotator": lambda a, b: a.annotator != b.annotator,
        "group": lambda a, b: a.group != b.group,
        "split": lambda a, b: a.split != b.split,
        "image size": lambda a, b: a.size is not None and a.size != b.size,
        "occlusion": lambda a, b: not np.array_equal(a.points.visibility, b.points.visibility),
    }
    lost = [what for what, differs in tests.items() if any(differs(*pair) for pair in pairs)]
    schemes = {
        "landmark names": before.scheme.names != after.scheme.names,
        "edges": before.scheme.edges != after.scheme.edges,
        "mirror pairs": before.scheme.mirror != after.scheme.mirror,
    }
    return lost + [what for what, differs in schemes.items() if differs]


def _pairs(
    before: AnnotationFile, after: AnnotationFile, path: Path
) -> list[tuple[AnnotatedImage, AnnotatedImage]]:
    """Match rows by image; a format that drops the suffix of an image is matched without it."""

    def exact(row: AnnotatedImage) -> str:
        return row.image

    def stem(row: AnnotatedImage) -> str:
        return str(Path(row.image).with_suffix(""))

    if len(before.rows) == len(after.rows) == 1:
        return [(before.rows[0], after.rows[0])]
    for key in (exact, stem):
        annotators = {row.annotator for row in after.rows} == {""}
        found = {(key(row), "" if annotators else row.annotator): row for row in after.rows}
        wanted = [(key(row), "" if annotators else row.annotator) for row in before.rows]
        if len(found) == len(after.rows) and set(wanted) == set(found):
            return [(row, found[name]) for row, name in zip(before.rows, wanted, strict=True)]
    raise OutputError(f"{path}: read back, it names other images")


def _choice() -> str:
    return f"; 'palpate convert --from NAME' reads {', '.join([*READERS, *DATA_SETS, *ONLY_READ])}"


def _format_of_csv(path: Path) -> str:
    first_line = read_text(path).split("\n", 1)[0]
    cells = [cell.strip().strip('"') for cell in first_line.split(",")]
    if cells[0] == "scorer":
        return "deeplabcut"
    if "image" in cells or {"video", "frame"} <= set(cells):
        return "csv"
    if any(joint_of(cell) for cell in first_line.split(";")[1:]):
        return "babypose"
    raise FormatError(
        path,
        f"begins with {first_line[:40]!r}; a header with 'image' (csv) or 'scorer' (deeplabcut) "
        "was expected",
        line=1,
    )


def _format_of_json(path: Path) -> str:
    content = read_json(path)
    fields = set(content) if isinstance(content, dict) else set()
    fitting = [name for field, name in _BY_JSON_FIELD.items() if field in fields]
    if len(fitting) != 1:
        came = f"fits {' and '.join(fitting)}" if fitting else "fits no annotation format"
        raise FormatError(path, f"the JSON {came}{_choice()}")
    return fitting[0]


def _format_of_dicom(path: Path) -> str:
    if not is_sr(path):
        raise FormatError(
            path, "is no structured report; of DICOM files, those hold landmarks (dicom-sr)"
        )
    return "dicom-sr"


def _format_of_folder(path: Path) -> str:
    fitting: dict[str, Path] = {}
    for file in sorted(path.rglob("*")):
        name = file.name.lower()
        if not file.is_file() or any(p.startswith(".") for p in file.relative_to(path).parts):
            continue
        if name.endswith(SUFFIX):
            fitting.setdefault("slicer", file)
        elif name.endswith(".pts"):
            fitting.setdefault("pts", file)
        elif name.endswith(".json") and "labelme" not in fitting:
            fitting.setdefault(_format_of_json(file), file)
    if len(fitting) == 1:
        found = next(iter(fitting))
        if found in ("slicer", "pts", "labelme"):
            return found
    if fitting:
        came = " and ".join(f"{name} ({file.name})" for name, file in fitting.items())
        raise FormatError(
            path,
            f"the folder holds {came}; give the file, or convert it: palpate convert --from NAME",
        )
    if _holds_babypose(path):
        return "babypose"
    dicom = (file for file in sorted(path.rglob("*")) if file.name.lower().endswith(_DICOM))
    if any(is_sr(file) for file in dicom):
        return "dicom-sr"
    raise FormatError(
        path, "the folder holds no .pts, LabelMe or .mrk.json files; give the annotation file"
    )


def _holds_babypose(path: Path) -> bool:
    """Whether a folder is a data set of babyPose, or holds its tables."""
    if find_infants(path):
        return True
    try:
        return any(format_of(table) == "babypose" for table in babypose_tables(path).values())
    except FormatError:
        return False
