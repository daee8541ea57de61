"""The study.toml of labels that came out of a review: films stay where they are."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import tomli_w

from palpate.image import Calibration
from palpate.protocols.protocol import PROTOCOLS, Protocol, read_protocol
from palpate.review.case import Project
from palpate.study_settings import SETTINGS, StudySettings, read_settings

_COLUMN = "mm_per_px"
_HEAD = "# Labels from a review; the films are where they were. See docs/review.md.\n"


@dataclass(frozen=True, slots=True)
class CalibrationRow:
    """What a case says of the size of its pixels."""

    image: str
    source: str
    calibration: Calibration | None


def study_text(
    project: Project,
    root: Path,
    out: Path,
    files: Mapping[str, str],
    spacings: Sequence[CalibrationRow],
) -> tuple[str, list[dict[str, str]]]:
    """Return study.toml, and rows of meta.csv where films differ in the size of a pixel.

    What the study that the films came from says of clips and of the split is taken over.

    Args:
        project: whose labels they are.
        root: folder of the films.
        out: folder of the new study.
        files: reader (empty: what all share) -> file in ``out``.
        spacings: of every case.
    """
    films = Path(os.path.relpath(root, out.resolve())).as_posix()
    settings: dict[str, Any] = {"name": project.identifier}
    if project.protocol is not None and is_shipped(project.protocol):
        settings["protocol"] = project.protocol.name
    readers = {name: file for name, file in files.items() if name}
    if readers:
        settings["annotations"] = readers
        if "" in files:
            settings["reference"] = files[""]
    else:
        settings["annotations"] = files[""]
    if project.scheme.mirror:
        settings["mirror"] = [list(pair) for pair in project.scheme.mirror]
    if project.scheme.edges:
        settings["edges"] = [list(pair) for pair in project.scheme.edges]
    clips = any(row.source in ("video", "depth") for row in spacings)
    origin = _origin(root)
    if clips:
        settings["video"] = _video(origin, films, depth=any(r.source == "depth" for r in spacings))
    else:
        settings["images"] = films
    if origin is not None and origin.split is not None:
        settings["split"] = origin.split.model_dump()
    calibration, table = _calibration(spacings)
    if calibration:
        settings["calibration"] = calibration
    return _HEAD + tomli_w.dumps(settings), table


def is_shipped(protocol: Protocol) -> bool:
    """Whether a protocol is one of palpate's own, whichever signs were turned."""
    if protocol.name not in PROTOCOLS:
        return False
    return read_protocol(protocol.name) == replace(protocol, flipped=frozenset())


def _origin(root: Path) -> StudySettings | None:
    """The settings of the study whose films these are; None where they lie in a plain folder."""
    path = root.parent / SETTINGS
    if not path.is_file():
        return None
    settings = read_settings(path)
    folders = [settings.images, *([settings.video.folder] if settings.video else ["videos"])]
    known = any((root.parent / folder).resolve() == root.resolve() for folder in folders)
    return settings if known else None


def _video(origin: StudySettings | None, films: str, *, depth: bool) -> dict[str, Any]:
    """The table of clips; frames between labelled ones are filled in only where that was so."""
    video = origin.video if origin is not None else None
    if video is None:
        return {"folder": films, "interpolate": 1, **({"depth": {}} if depth else {})}
    return {**video.model_dump(exclude_none=True), "folder": films}


def _calibration(
    spacings: Sequence[CalibrationRow],
) -> tuple[dict[str, Any], list[dict[str, str]]]:
    """One spacing for all, or a column of a table; what DICOM says stays in its files."""
    given = [row for row in spacings if _told(row)]
    known = {_plain(row.calibration) for row in given if row.calibration is not None}
    if not known:
        return {}, []
    first = next(row.calibration for row in given if row.calibration is not None)
    about: dict[str, Any] = {"source": first.source, "plane": first.plane}
    about |= {"detail": first.detail} if first.detail else {}
    if len(known) == 1 and len(given) == len(spacings):
        return {"spacing_mm": list(first.spacing_mm[:2]), **about}, []
    table = [
        {"image": row.image, _COLUMN: repr(float(row.calibration.spacing_mm[0]))}
        for row in given
        if row.calibration is not None and len(set(row.calibration.spacing_mm[:2])) == 1
    ]
    # A table has room for square pixels alone.
    return ({"column": _COLUMN, "file": "meta.csv", **about}, table) if table else ({}, [])


def _told(row: CalibrationRow) -> bool:
    return row.calibration is not None and row.calibration.source != "dicom"


def _plain(calibration: Calibration) -> tuple[object, ...]:
    return (calibration.spacing_mm, calibration.source, calibration.plane)
