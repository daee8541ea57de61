"""Which folders of babyPose are infants, and which table is whose.

::

    babypose/
      pz1/00000_16bit.png, 00000_8bit.png, 00001_16bit.png, ...   or pz1/16bit/*.png
      pz1/ANY.xlsx (or .csv)         or   annotations/result_pz1.csv   or   result_pz1.xlsx
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from palpate.errors import FormatError
from palpate.io.babypose_table import TABLE_SUFFIXES, names_a_joint
from palpate.io.depth_folder import TIMESTAMPS, frame_files, number_in_name
from palpate.io.depth_png import read_png_head
from palpate.io.depth_settings import DepthSettings

ANNOTATED_HZ = 6.0
_LOOKED_AT = 8  # PNG files, to know whether a folder is of 16-bit frames


@dataclass(frozen=True, slots=True)
class BabyPoseInfant:
    """One infant of a data set.

    Args:
        name: of the folder: the subject.
        frames: folder of the 16-bit frames.
        table: of the joints.
    """

    name: str
    frames: Path
    table: Path


def find_infants(root: Path) -> list[BabyPoseInfant]:
    """List the infants of a folder in babyPose's layout; none where it is another one.

    Raises:
        FormatError: frames lie in several folders of one infant, two tables may be an infant's, or
            some infants have a table and this one has none.
    """
    frames = _frames(root)
    tables = {name: _tables_of(root, name) for name in frames}
    if not any(tables.values()):
        return []
    infants = []
    for name, folders in frames.items():
        if not tables[name]:
            other = next(found[0] for found in tables.values() if found)
            raise FormatError(
                root / name,
                f"holds depth frames, but there is no table of its joints; expected one in it, or "
                f"one that ends in {name!r}, as {other.name} does",
            )
        table = _only_table(root, name, tables[name])
        infants.append(BabyPoseInfant(name, _only_folder(root / name, folders), table))
    return infants


def find_recordings(root: Path) -> dict[str, Path]:
    """Return infant -> folder of its frames, whether it has a table or not.

    None where no table names a joint: a folder of depth clips is not yet one of babyPose.

    Raises:
        ConfigError: the tables are Excel sheets, and openpyxl is not installed.
        FormatError: frames lie in several folders of one infant.
    """
    frames = _frames(root)
    if not any(names_a_joint(table) for name in frames for table in _tables_of(root, name)):
        return {}
    return {name: _only_folder(root / name, folders) for name, folders in frames.items()}


def is_recording(frames: Path) -> bool:
    """Say whether a folder of frames, by itself, is of an infant whose table lies in or beside it.

    Beside it: next to the infant's folder or in ``annotations/`` there, by the infant's name.

    Raises:
        ConfigError: the table is an Excel sheet, and openpyxl is not installed.
    """
    beside = [
        table
        for infant in (frames, frames.parent)
        for place in (infant.parent, infant.parent / "annotations")
        for table in _named(infant.name, place)
    ]
    return any(names_a_joint(table) for table in [*_own_tables(frames), *beside])


def babypose_depth(frames: Path) -> DepthSettings:
    """Return the settings of the camera as far as they are published: one frame in five of 30 Hz.

    Where the numbers of an infant's frames go up in steps of five, they count at 30 Hz.
    """
    numbers = [number_in_name(path) for path in frame_files(frames)]
    there = np.unique([number for number in numbers if number is not None])
    step = float(np.median(np.diff(there))) if len(there) > 1 else 1.0
    return DepthSettings(rate_hz=ANNOTATED_HZ * step)


def _folders(root: Path) -> list[Path]:
    return sorted(
        (path for path in root.glob("*") if path.is_dir() and not path.name.startswith(".")),
        key=lambda path: _by_number(path.name),
    )


def _by_number(name: str) -> tuple[str, int, str]:
    """pz2 before pz10."""
    found = re.fullmatch(r"(.*?)(\d+)", name)
    return (found[1], int(found[2]), name) if found else (name, -1, name)


def _frames(root: Path) -> dict[str, list[Path]]:
    """Infant -> folders of 16-bit frames: the infant's own, or some in it."""
    found = {
        folder.name: [at for at in (folder, *_folders(folder)) if _is_depth(at)]
        for folder in _folders(root)
    }
    return {name: folders for name, folders in found.items() if folders}


def _only_folder(infant: Path, folders: list[Path]) -> Path:
    if len(folders) > 1:
        raise FormatError(
            infant,
            f"has 16-bit frames in {folders[0].name} and in {folders[1].name}; one clip an infant "
            "was expected",
        )
    return folders[0]


def _is_depth(folder: Path) -> bool:
    for path in frame_files(folder)[:_LOOKED_AT]:
        try:
            if read_png_head(path).is_depth:
                return True
        except FormatError:
            continue
    return False


def _tables_of(root: Path, name: str) -> list[Path]:
    """The tables in an infant's folder, else those of its name elsewhere in the data set."""
    own = _own_tables(root / name)
    if own:
        return own
    places = (root, *(path for path in _folders(root) if not _is_depth(path)))
    return [table for place in places for table in _named(name, place)]


def _own_tables(infant: Path) -> list[Path]:
    return [path for path in _tables(infant.rglob("*")) if path.name != TIMESTAMPS]


def _named(name: str, place: Path) -> list[Path]:
    """The tables directly in a folder whose names end in an infant's."""
    ends = re.compile(rf"(^|[^a-z0-9]){re.escape(name.lower())}$")
    return [path for path in _tables(place.glob("*")) if ends.search(path.stem.lower())]


def _only_table(root: Path, name: str, tables: list[Path]) -> Path:
    if len({path.with_suffix("") for path in tables}) > 1:
        raise FormatError(
            root,
            f"two tables may be of {name}: {tables[0].name} and {tables[1].name}; keep one of them",
        )
    return tables[0]


# Paths come from ``glob``, which passes over folders that this user may not list.
def _tables(paths: Iterable[Path]) -> list[Path]:
    """Tables by name; of one sheet in two formats, CSV comes first."""
    return sorted(
        path
        for path in paths
        if path.suffix.lower() in TABLE_SUFFIXES
        and path.is_file()
        and not path.name.startswith((".", "~"))
    )
