"""A pandas table of numbers in HDF5, read with h5py: no pandas, and nothing is unpickled.

Two layouts exist. 'table' keeps one compound array of rows, the names of its columns pickled in
attributes; 'fixed' keeps every level of rows and columns as arrays of text and of codes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from jaxtyping import Float
from numpy import ndarray

from palpate.errors import FormatError
from palpate.io.pickled_text import NotTextError, text_of_pickle

# 100 million numbers: 50,000 images of 1,000 landmarks. A small file can claim far more.
MAX_NUMBERS = 100_000_000


@dataclass(frozen=True, eq=False, slots=True)
class Frame:
    """Numbers (row, column) with the three names of each column and the name of each row."""

    columns: list[tuple[str, str, str]]
    index: list[str]
    values: Float[ndarray, "row column"]


class _UnexpectedError(ValueError):
    """The file is HDF5 but not such a table."""


def read_frame(path: Path, *, key: str, levels: Sequence[str]) -> Frame:
    """Read one table with three levels of column names.

    Args:
        path: of the file.
        key: of the group; where it is not there, the only group of the file is taken.
        levels: the expected names of the levels.

    Raises:
        FormatError: the file is missing, cut, no such table, or stores names as objects.
    """
    if not path.is_file():
        raise FormatError(path, "there is no such file")
    try:
        with h5py.File(path, "r") as file:
            group = _group(file, key)
            kind = _text(group.attrs.get("pandas_type", b""))
            if kind == "frame_table":
                frame = _table(group)
            elif kind == "frame":
                frame = _fixed(group, levels)
            else:
                raise _UnexpectedError(
                    f"a pandas table was expected, got {kind or 'something else'!r}"
                )
    except _UnexpectedError as error:
        raise FormatError(path, str(error)) from error
    except NotTextError as error:
        raise FormatError(
            path, f"the names of its columns are not plain text: a pickle that {error}"
        ) from error
    # h5py says what is wrong in many classes; each means that the file is not what it should be.
    except (OSError, KeyError, ValueError, TypeError, RuntimeError, IndexError) as error:
        raise FormatError(
            path, f"is not HDF5, or is damaged or cut off ({error}); copy it again"
        ) from error
    return frame


def _group(file: h5py.File, key: str) -> h5py.Group:
    names = list(file)
    chosen = key if key in names else names[0] if len(names) == 1 else None
    if chosen is None:
        raise _UnexpectedError(f"one table was expected, got {', '.join(names) or 'none'}")
    return _member(file, chosen, h5py.Group)


def _member(group: h5py.Group, name: str, kind: type) -> Any:
    """Return a member that lies in this file; links to other files are not followed."""
    if name not in group or not isinstance(group.get(name, getlink=True), h5py.HardLink):
        raise _UnexpectedError(f"{name!r} was expected in {group.name!r}")
    member = group[name]
    if not isinstance(member, kind):
        raise _UnexpectedError(f"{name!r} in {group.name!r} is of another kind")
    if isinstance(member, h5py.Dataset):
        if member.external or member.is_virtual:
            raise _UnexpectedError(f"{name!r} lies in another file, which is not followed")
        if member.size is not None and member.size * _width(member) > MAX_NUMBERS:
            raise _UnexpectedError(f"{name!r} claims more than {MAX_NUMBERS:,} numbers")
    return member


def _width(member: h5py.Dataset) -> int:
    return max(1, member.dtype.itemsize // 8)


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8")
    if isinstance(value, str):
        return value
    raise _UnexpectedError(f"text was expected, got {type(value).__name__}")


def _texts(values: ndarray) -> list[str]:
    if values.dtype.kind != "S":
        raise _UnexpectedError("names were expected as text; these rows or columns are numbers")
    return [_text(bytes(value)) for value in values]


def _names(group_or_array: Any, attribute: str) -> list[tuple[str, str, str]]:
    """Return the column names that an attribute holds pickled."""
    return _triples(text_of_pickle(bytes(group_or_array.attrs[attribute])))


def _triples(content: Any) -> list[tuple[str, str, str]]:
    if not isinstance(content, list):
        raise _UnexpectedError("a list of column names was expected")
    names = []
    for entry in content:
        if not isinstance(entry, tuple) or not all(isinstance(part, str) for part in entry):
            raise _UnexpectedError("each column is expected to have names of text")
        if len(entry) != 3:
            raise _UnexpectedError(
                f"three header rows (scorer, bodyparts, coords) were expected, got {len(entry)}; "
                "several animals are not read"
            )
        names.append((entry[0], entry[1], entry[2]))
    return names


def _table(group: h5py.Group) -> Frame:
    axes = text_of_pickle(bytes(group.attrs["non_index_axes"]))
    if not isinstance(axes, list) or len(axes) != 1 or not isinstance(axes[0], tuple):
        raise _UnexpectedError("one axis of columns was expected")
    columns = _triples(axes[0][-1])
    array = _member(group, "table", h5py.Dataset)
    rows = array[()]
    fields = list(rows.dtype.names or ())
    blocks = [name for name in fields if name.startswith("values_block_")]
    if fields != ["index", *blocks]:
        raise _UnexpectedError(
            f"the fields index and values were expected, got {', '.join(fields)}"
        )
    found: dict[tuple[str, str, str], ndarray] = {}
    for block in blocks:
        names = _names(array, f"{block}_kind")
        values = _numbers(rows[block]).reshape(len(rows), -1)
        found |= dict(zip(names, values.T, strict=True))
    if len(set(columns)) != len(columns) or set(found) != set(columns):
        raise _UnexpectedError("the columns of the table and of its header differ")
    values = np.stack([found[column] for column in columns], axis=1)
    return Frame(columns, _texts(rows["index"]), values)


def _fixed(group: h5py.Group, levels: Sequence[str]) -> Frame:
    columns = _triples(_axis(group, "axis0", levels))
    index = ["/".join(parts) for parts in _axis(group, "axis1", ())]
    found: dict[tuple[str, str, str], ndarray] = {}
    for number in range(int(group.attrs["nblocks"])):
        names = _triples(_axis(group, f"block{number}_items", levels))
        array = _member(group, f"block{number}_values", h5py.Dataset)
        values = _numbers(array[()])
        values = values.T if array.attrs.get("transposed", 0) else values
        if values.shape != (len(names), len(index)):
            raise _UnexpectedError("the numbers do not fill the table")
        found |= dict(zip(names, values, strict=True))
    if len(set(columns)) != len(columns) or set(found) != set(columns):
        raise _UnexpectedError("the columns of the table and of its header differ")
    return Frame(columns, index, np.stack([found[column] for column in columns], axis=1))


def _axis(group: h5py.Group, name: str, levels: Sequence[str]) -> list[tuple[str, ...]]:
    """Return the names along one axis, whose levels are stored as texts and codes into them."""
    if _text(group.attrs[f"{name}_variety"]) == "regular":
        return [(text,) for text in _texts(_member(group, name, h5py.Dataset)[()])]
    parts = []
    for level in range(int(group.attrs[f"{name}_nlevels"])):
        array = _member(group, f"{name}_level{level}", h5py.Dataset)
        if levels and level < len(levels):
            given = _text(array.attrs.get("name", b""))
            if given != levels[level]:
                raise _UnexpectedError(f"header row {levels[level]!r} was expected, got {given!r}")
        texts = _texts(array[()])
        codes = _member(group, f"{name}_label{level}", h5py.Dataset)[()]
        if codes.dtype.kind not in "iu" or (codes < 0).any():
            raise _UnexpectedError(f"a name of {name!r} is missing")
        parts.append([texts[code] for code in codes])
    return list(zip(*parts, strict=True))


def _numbers(values: ndarray) -> Float[ndarray, "..."]:
    if values.dtype.kind not in "fiu":
        raise _UnexpectedError("numbers were expected in the table")
    return values.astype(np.float64)
