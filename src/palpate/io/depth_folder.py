"""A folder of 16-bit PNG frames as a clip: which numbers there are, which are broken, and when.

The number of a frame is the last number in its file's name (``000120.png``, ``depth_120.png``,
``00120_16bit.png``: 120). Pictures of 8 bits beside a 16-bit frame of the same number are there to
be looked at, and are passed over.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from palpate.errors import FormatError
from palpate.io.csv_plain import csv_records
from palpate.io.depth_clip import DepthClip
from palpate.io.depth_png import PngHead, read_png_head, refuse_no_depth
from palpate.io.depth_settings import DepthSettings
from palpate.io.text import parse_number, read_whole_text

TIMESTAMPS = "timestamps.csv"
_COLUMNS = ["frame", "time_s"]
_BITS = re.compile(r"[-_ ]*(8|16)[-_ ]*bits?$", re.IGNORECASE)
_NUMBER = re.compile(r"(\d+)\D*$", re.ASCII)
_MOST_NAMED = 4


def frame_files(folder: Path) -> list[Path]:
    """List the PNG files directly in a folder, by name; hidden ones are left out."""
    return sorted(
        path
        for path in folder.glob("*")
        if path.suffix.lower() == ".png" and not path.name.startswith(".") and path.is_file()
    )


def number_in_name(path: Path) -> int | None:
    """Return the number of a frame, None where its name has none.

    Example:
        >>> [number_in_name(Path(n)) for n in ("000120.png", "00007_16bit.png", "mean.png")]
        [120, 7, None]
    """
    found = _NUMBER.search(_BITS.sub("", path.stem))
    return int(found[1]) if found else None


def open_depth_folder(folder: Path, settings: DepthSettings) -> DepthClip:
    """Find out what a folder of frames holds; only the headers of its files are read.

    A frame that is cut off, of another size or of 8 bits is as a missing one, and is told in
    ``problem``; so are gaps in the numbers.

    Raises:
        FormatError: no frame at all, none of 16 bits, a name without a number, a number twice,
            times that are wrong.
    """
    files = frame_files(folder)
    if not files:
        raise FormatError(folder, "holds no frame: 16-bit PNG files named by their number")
    heads, broken = _heads(files)
    sound = {path: head for path, head in heads.items() if head.is_depth}
    if not sound:
        for path, head in heads.items():
            refuse_no_depth(path, head)
        raise FormatError(folder, f"not one of its {len(files)} frames can be read: {broken[0]}")
    numbers = _numbers(sound)
    shown = {path: head for path, head in heads.items() if not head.is_depth}
    broken += [
        f"{path.name} is {head.bits}-bit {head.kind}, not 16-bit grey"
        for path, head in shown.items()
        if number_in_name(path) not in numbers
    ]
    size = Counter(head.size for head in sound.values()).most_common(1)[0][0]
    for number, path in list(numbers.items()):
        if sound[path].size != size:
            width, height = sound[path].size
            broken.append(f"{path.name} is {width} x {height} px, the others {size[0]} x {size[1]}")
            del numbers[number]
    order = np.array(sorted(numbers), dtype=np.int64)
    return DepthClip(
        folder,
        size,
        _times(folder, order, settings.rate_hz),
        order,
        _problem(order, broken),
        settings.unit_mm,
        settings.intrinsics,
        settings.rate_hz,
        tuple(numbers[int(number)] for number in order),
    )


def _heads(files: Sequence[Path]) -> tuple[dict[Path, PngHead], list[str]]:
    heads, broken = {}, []
    for path in files:
        try:
            heads[path] = read_png_head(path)
        except FormatError as error:
            broken.append(f"{path.name} {error.problem}")
    return heads, broken


def _numbers(sound: Mapping[Path, PngHead]) -> dict[int, Path]:
    numbers: dict[int, Path] = {}
    for path in sound:
        number = number_in_name(path)
        if number is None:
            raise FormatError(path, "has no number in its name; name frames 000000.png and so on")
        first = numbers.setdefault(number, path)
        if first is not path:
            raise FormatError(
                path, f"is frame {number}, and so is {first.name}; keep one of the two"
            )
    return numbers


def _times(folder: Path, numbers: Int[ndarray, " frame"], rate_hz: float) -> ndarray:
    table = folder / TIMESTAMPS
    if not table.is_file():
        return numbers / rate_hz
    known = read_timestamps(table)
    for number in numbers.tolist():
        if number not in known:
            raise FormatError(table, f"gives no time for frame {number}; add a row for it")
    times: Float[ndarray, " frame"] = np.array([known[number] for number in numbers.tolist()])
    return times - times[0]


def read_timestamps(path: Path) -> dict[int, float]:
    """Read ``frame,time_s``: when each number was taken, in s of any clock.

    Raises:
        FormatError: another header, a number twice, a time that does not increase with the number.
    """
    records = csv_records(path, read_whole_text(path))
    line, header = next(records)
    if [cell.strip() for cell in header] != _COLUMNS:
        raise FormatError(path, f"has the columns {header}, expected {_COLUMNS}", line=line)
    found: dict[int, float] = {}
    last: tuple[int, float] | None = None
    for line, cells in records:
        if not cells[0].strip().isdecimal():
            raise FormatError(path, f"frame {cells[0]!r} is no number of a frame", line=line)
        number = int(cells[0])
        time = parse_number(cells[1], path, line=line, what=f"time of frame {number}")
        if number in found:
            raise FormatError(path, f"frame {number} is there twice", line=line)
        if last is not None and (number <= last[0] or time <= last[1]):
            raise FormatError(
                path,
                f"frame {number} at {time:g} s comes after frame {last[0]} at {last[1]:g} s; "
                "numbers and times increase: a clock that was set back must be put right first",
                line=line,
            )
        found[number] = time
        last = number, time
    if not found:
        raise FormatError(path, "holds no row")
    return found


def _problem(numbers: Int[ndarray, " frame"], broken: Sequence[str]) -> str:
    """Say which frames are broken or missing."""
    said = []
    if broken:
        more = f" and {len(broken) - _MOST_NAMED} more" if len(broken) > _MOST_NAMED else ""
        count = _counted(len(broken), "frame")
        said.append(f"{count} cannot be used: {'; '.join(broken[:_MOST_NAMED])}{more}")
    return "; ".join(filter(None, [*said, gaps_in(numbers)]))


def gaps_in(numbers: Int[ndarray, " frame"]) -> str:
    """Say which numbers are missing; empty if none. A clip of every fifth number has no gaps.

    Example:
        >>> gaps_in(np.array([0, 1, 2, 5]))
        '2 frames missing in 1 gap, the first between the numbers 2 and 5'
    """
    steps = np.diff(numbers)
    usual = int(np.quantile(steps, 0.5, method="lower")) if len(steps) else 1
    gaps = np.flatnonzero(steps > usual)
    if not len(gaps):
        return ""
    missing = int((steps[gaps] // usual - 1).sum())
    first = gaps[0]
    return (
        f"{_counted(missing, 'frame')} missing in {_counted(len(gaps), 'gap')}, the first "
        f"between the numbers {numbers[first]} and {numbers[first + 1]}"
    )


def _counted(count: int, what: str) -> str:
    return f"{count} {what}" + ("s" if count != 1 else "")
