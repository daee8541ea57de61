"""Which side of the patient each image shows, from a table beside the images."""

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from palpate.errors import FormatError, StudyError
from palpate.study_names import ImageNames
from palpate.suggest import did_you_mean

Side = Literal["left", "right"]

META = "meta.csv"
_SIDES: dict[str, Side] = {"left": "left", "l": "left", "right": "right", "r": "right"}
_ANSWERS = {"": False, "no": False, "yes": True}


@dataclass(frozen=True, slots=True)
class CaseSide:
    """What a table tells of one image.

    Args:
        side: of the patient.
        mirrored: the image is kept as its mirror image.
        visit: tells films of one side of one subject apart; may be empty.
        subject: may be empty.
    """

    side: Side
    mirrored: bool = False
    visit: str = ""
    subject: str = ""

    @property
    def lies_right(self) -> bool:
        """Whether the image shows it as a right side lies: then its points are to be mirrored."""
        return (self.side == "right") != self.mirrored


def read_sides(path: Path, images: Iterable[str]) -> dict[str, CaseSide]:
    """Read a CSV with the columns ``image`` and ``side``: left or right; empty where not known.

    Optional columns: ``mirrored`` (yes where the image is kept as its mirror image), ``visit``
    (tells films of one side of one subject apart) and ``subject``. Rows of other images are left
    out.

    Args:
        path: the table, or a study's folder, for its meta.csv.
        images: identifiers to find.

    Raises:
        FormatError: the table cannot be read, lacks a column, or a cell says something else.
        StudyError: an image is there twice, or a name stands for several.
    """
    table = path / META if path.is_dir() else path
    names, found = ImageNames(images), dict[str, CaseSide]()
    for line, row in _rows(table):
        image = names.find(row["image"]) if row["image"] else None
        if image is None or not row["side"]:
            continue
        if image in found:
            raise StudyError(f"{table}:{line}: image {image!r} is in the table twice")
        side, answer = _SIDES.get(row["side"].lower()), row.get("mirrored", "").lower()
        if side is None or answer not in _ANSWERS:
            what, cell = ("side", row["side"]) if side is None else ("mirrored", row["mirrored"])
            known = "left or right" if what == "side" else "yes or no"
            raise FormatError(
                table, f"{what} of {image!r} is {cell!r}, expected {known}, or nothing", line=line
            )
        found[image] = CaseSide(
            side, _ANSWERS[answer], row.get("visit", ""), row.get("subject", "")
        )
    return found


def _rows(path: Path) -> list[tuple[int, dict[str, str]]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream)
            header = [name.strip() for name in reader.fieldnames or []]
            reader.fieldnames = header
            rows = [
                (reader.line_num, {k: (v or "").strip() for k, v in row.items() if k is not None})
                for row in reader
            ]
    except FileNotFoundError as error:
        raise FormatError(
            path, "there is no such table; it needs the columns image and side"
        ) from error
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise FormatError(path, f"cannot be read as a table: {error}") from error
    for needed in ("image", "side"):
        if needed not in header:
            raise FormatError(
                path,
                f"has no column {needed!r}, which tells the sides apart"
                + did_you_mean(needed, header),
            )
    return rows
