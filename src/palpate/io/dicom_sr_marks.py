"""Named points of a structured report, whoever wrote it: this package, OHIF, Slicer, others.

Moves points from SCOORD's frame, where (0, 0) is the outer corner of the first pixel (PS3.3
C.18.6.1.2), to palpate's, where it is the centre.

What a point is called, the first that there is:

1. a landmark's code of the scheme 99PALPATE, as finding site or finding: the tracking identifier
   where it has that code, else the code's meaning;
2. a label that a reader typed in OHIF: a finding or finding site coded CORNERSTONEFREETEXT;
3. the tracking identifier, except those that name a tool (``Cornerstone3DTools@...``);
4. the meaning of the finding site, then of the finding.

A group with several points (MULTIPOINT, POLYLINE) is read where its name lists as many names,
separated by commas, semicolons or new lines; of an arrow, the first point is its tip.
"""

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from palpate.affine import Affine
from palpate.io import dicom_codes as code
from palpate.io.dicom_sr_tree import (
    FINDING,
    FINDING_SITES,
    TRACKING_IDENTIFIER,
    children,
    coded_value,
    concept,
    kind,
    text,
)

_FREE_TEXT = "CORNERSTONEFREETEXT"
_TOOL = re.compile(r"cornerstone(3d)?tools@", re.IGNORECASE)
_ARROW = re.compile(r"arrowannotate", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Mark:
    """One named point of one image.

    Args:
        name: of the landmark.
        at: (x, y) in px, 0 at the centre of the first pixel.
        image: SOPInstanceUID; empty where the point says none.
        frame: from 1; None where the point says none.
        occluded: whether it is marked as hidden.
        image_class: SOPClassUID of the image.
    """

    name: str
    at: tuple[float, float]
    image: str
    frame: int | None
    occluded: bool
    image_class: str = ""


@dataclass(frozen=True, slots=True)
class GroupRead:
    """What one measurement group holds.

    Args:
        marks: its named points.
        unread: what it holds besides and a landmark is not, one line each.
        solid: whether it has points in the patient's space (SCOORD3D).
    """

    marks: tuple[Mark, ...] = ()
    unread: tuple[str, ...] = ()
    solid: bool = False


def read_group(group: Any) -> GroupRead:
    """Read a measurement group (TID 1410, 1501, or a tool's own likeness of them)."""
    items = children(group)
    if _coded(items, (FINDING,))[:2] == code.QUANTITY.key:
        return GroupRead()
    # Below the group itself, or below its numbers: INFERRED FROM.
    inner = [*items, *(child for item in items if kind(item) == "NUM" for child in children(item))]
    shapes = [item for item in inner if kind(item) == "SCOORD"]
    solid = any(kind(item) == "SCOORD3D" for item in inner)
    name, tool = _name(items)
    seen = [coded_value(item)[:2] for item in items if concept(item)[:2] == code.VISIBILITY.key]
    hidden = code.OCCLUDED.key in seen
    if not shapes:
        unread = (f"{name}: outside the image",) if code.OUTSIDE.key in seen else ()
        return GroupRead(unread=unread, solid=solid)
    names, table = _matched(name, tool, shapes[0])
    if not names:
        what = f"{shapes[0].get('GraphicType', 'a shape')} of {len(table)} point(s)"
        return GroupRead(unread=(f"{name or tool or 'no name'}: {what}",), solid=solid)
    image, frame, image_class = _reference(shapes[0])
    marks = tuple(
        Mark(one, (float(x), float(y)), image, frame, hidden, image_class)
        for one, (x, y) in zip(names, table, strict=True)
    )
    return GroupRead(marks, solid=solid)


def _name(items: list[Any]) -> tuple[str, str]:
    """The name of what a group marks, and of the tool that drew it."""
    tracking = next((text(item) for item in items if concept(item)[0] == TRACKING_IDENTIFIER), "")
    tool = tracking if _TOOL.match(tracking) else ""
    site, finding = _coded(items, FINDING_SITES), _coded(items, (FINDING,))
    for value, scheme, meaning in (site, finding):
        if scheme == code.SCHEME and value.startswith("L-"):
            # A meaning holds 64 characters; the tracking identifier holds the whole name.
            whole = tracking.strip() and code.landmark_concept(tracking).value == value
            return (tracking if whole else meaning), tool
    for value, _, meaning in (site, finding):
        if value == _FREE_TEXT and meaning:
            return meaning, tool
    if tracking and not tool:
        return tracking, tool
    return site[2] or finding[2], tool


def _matched(name: str, tool: str, shape: Any) -> tuple[list[str], Float[ndarray, "n 2"]]:
    """Names and points of a shape, as many of each; no name where they do not go together."""
    given = shape.get("GraphicData")
    numbers = np.atleast_1d(np.array([] if given is None else given, dtype=float))
    if len(numbers) % 2 or not np.isfinite(numbers).all():
        return [], np.zeros((0, 2))
    table = Affine.from_corner_origin()(numbers.reshape(-1, 2))
    if _ARROW.search(tool):
        table = table[:1]
    if not name or not len(table):
        return [], table
    if len(table) == 1:
        return [name], table
    names = [part.strip() for part in re.split(r"[,;\n]", name) if part.strip()]
    if str(shape.get("GraphicType", "")) not in ("MULTIPOINT", "POLYLINE"):
        return [], table
    return (names, table) if len(names) == len(table) else ([], table)


def _coded(items: list[Any], wanted: tuple[str, ...]) -> tuple[str, str, str]:
    return next((coded_value(item) for item in items if concept(item)[0] in wanted), ("", "", ""))


def _reference(shape: Any) -> tuple[str, int | None, str]:
    """The image that a shape is selected from: UID, frame from 1, class; empty where it lost it."""
    for item in children(shape):
        for reference in item.get("ReferencedSOPSequence") or ():
            number = reference.get("ReferencedFrameNumber")
            first = number[0] if isinstance(number, list) or hasattr(number, "append") else number
            uid = str(reference.get("ReferencedSOPInstanceUID", ""))
            image_class = str(reference.get("ReferencedSOPClassUID", ""))
            return uid, None if first in (None, "") else int(first), image_class
    return "", None, ""
