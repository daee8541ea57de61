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
from palpate.io.babypose_table import TABLE_SUFFIXES
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
    frames = {folder.name: at for folder in _folders(root) if (at := _frames(folder)) is not None}
    if not frames:
        return []
    tables = {name: _table(root, name, root / name) for name in frames}
    if not any(tables.values()):
        return []
    infants = []
    for name, folder in frames.items():
        table = tables[name]
        if table is None:
            other = next(found for found in tables.values() if found is not None)
            raise FormatError(
                root / name,
                f"holds depth frames, but there is no table of its joints; expected one in it, or "
                f"one that ends in {name!r}, as {other.name} does",
            )
        infants.append(BabyPoseInfant(name, folder, table))
    return infants


def babypose_depth(infant: BabyPoseInfant) -> DepthSettings:
    """Return the settings of the camera as far as they are published: one frame in five of 30 Hz.

    Where numbers of frames go up in steps of five, they count at 30 Hz.
    """
    numbers = [number_in_name(path) for path in frame_files(infant.frames)]
    there = np.unique([number for number in numbers if number is not None])
    step = float(np.median(np.diff(there))) if len(there) > 1 else 1.0
    return DepthSettings(rate_hz=ANNOTATED_HZ * step)


def _folders(root: Path) -> list[Path]:
    return sorted(
        (path for path in root.iterdir() if path.is_dir() and not path.name.startswith(".")),
        key=lambda path: _by_number(path.name),
    )


def _by_number(name: str) -> tuple[str, int, str]:
    """pz2 before pz10."""
    found = re.fullmatch(r"(.*?)(\d+)", name)
    return (found[1], int(found[2]), name) if found else (name, -1, name)


def _frames(folder: Path) -> Path | None:
    """The folder of 16-bit frames: the infant's own, or one in it."""
    found = [at for at in (folder, *_folders(folder)) if _is_depth(at)]
    if len(found) > 1:
        raise FormatError(
            folder,
            f"has 16-bit frames in {found[0].name} and in {found[1].name}; one clip an infant "
            "was expected",
        )
    return found[0] if found else None


def _is_depth(folder: Path) -> bool:
    for path in frame_files(folder)[:_LOOKED_AT]:
        try:
            if read_png_head(path).is_depth:
                return True
        except FormatError:
            continue
    return False


def _table(root: Path, name: str, folder: Path) -> Path | None:
    """The table in the infant's folder, else one of its name elsewhere in the data set."""
    own = [path for path in _tables(folder.rglob("*")) if path.name != TIMESTAMPS]
    if not own:
        ends = re.compile(rf"(^|[^a-z0-9]){re.escape(name.lower())}$")
        places = (root, *(path for path in _folders(root) if not _is_depth(path)))
        own = [
            path
            for place in places
            for path in _tables(place.iterdir())
            if ends.search(path.stem.lower())
        ]
    if len({path.with_suffix("") for path in own}) > 1:
        raise FormatError(
            root, f"two tables may be of {name}: {own[0].name} and {own[1].name}; keep one of them"
        )
    return own[0] if own else None


def _tables(paths: Iterable[Path]) -> list[Path]:
    """Tables by name; of one sheet in two formats, CSV comes first."""
    return sorted(
        path
        for path in paths
        if path.suffix.lower() in TABLE_SUFFIXES
        and path.is_file()
        and not path.name.startswith((".", "~"))
    )
