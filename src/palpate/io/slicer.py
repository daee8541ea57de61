"""3D Slicer markups (.mrk.json): one file an image, one control point a landmark.

Markups are millimetres of the patient, not pixels, so a file alone does not say which pixel is
meant. It is read only together with an explicit convention, never by a guess:

- the file says so itself (files written here carry ``palpate.convention``), or
- the caller says so: :func:`read_slicer_1mm` (``--from slicer-1mm``), or ``to_pixel``, the map
  from LPS millimetres to the pixels of the image.

The convention ``1 mm = 1 px``: the image was loaded without geometry (PNG: spacing 1, origin 0,
identity directions in LPS), so the LPS position (x, y, 0) mm is the pixel (x, y), 0 at the
*centre* of the first pixel, x right, y down. Beware of JPEG and TIFF whose resolution tag Slicer
may turn into a spacing; then this convention is wrong and only ``to_pixel`` is right.

- ``coordinateSystem`` LPS is taken as it is, RAS turned (x and y change sign); a missing one is
  refused. ``coordinateUnits`` must be mm (or missing, as in the first versions of the format).
- z must be 0: the points are of a picture.
- Absent: ``positionStatus`` 'undefined' (or 'missing'); a 'preview' is refused.
- Occluded: the control point's ``description`` is 'occluded', which Slicer keeps.
- The field ``palpate`` carries subject, annotator, group, split; Slicer drops it when it saves.
  Without it the image is called like the file.
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from palpate.affine import Affine
from palpate.errors import FormatError, GeometryError
from palpate.io.annotation import AnnotatedImage, AnnotationFile
from palpate.io.note import NOTE, Note, note_of
from palpate.io.one_per_image import files_of, place_of, write_each
from palpate.io.rows import collected, file_name, occluded_names, points_of, scheme_of, stem_of
from palpate.io.text import read_model
from palpate.scheme import LandmarkScheme

SUFFIX = ".mrk.json"
SCHEMA = (
    "https://raw.githubusercontent.com/slicer/slicer/master/Modules/Loadable/Markups/"
    "Resources/Schema/markups-schema-v1.0.3.json#"
)
CONVENTION = "1 mm = 1 px: LPS (x, y, 0) mm is pixel (x, y), 0 at the centre of the first pixel"

_Finite = Annotated[float, Field(strict=True, allow_inf_nan=False)]


class _ControlPoint(BaseModel):
    model_config = ConfigDict(extra="ignore")
    label: Annotated[str, Field(strict=True, min_length=1)]
    position: Annotated[list[_Finite], Field(min_length=3, max_length=3)] | None = None
    positionStatus: Literal["defined", "undefined", "missing", "preview"] = "defined"  # noqa: N815
    description: str = ""


class _Markup(BaseModel):
    model_config = ConfigDict(extra="ignore")
    type: str
    coordinateSystem: Literal["LPS", "RAS"]  # noqa: N815 - Slicer's own names
    coordinateUnits: str | list[str] = "mm"  # noqa: N815
    controlPoints: list[_ControlPoint] = Field(default_factory=list)  # noqa: N815


class _File(BaseModel):
    model_config = ConfigDict(extra="ignore")
    markups: list[_Markup]
    palpate: Note = Note()


def read_slicer(path: Path, *, to_pixel: Affine | None = None) -> AnnotationFile:
    """Read one .mrk.json file or a folder of them.

    Args:
        path: of the file or folder.
        to_pixel: from (x, y) in LPS mm to pixels; None where the files state their convention.

    Raises:
        FormatError: not a markup of one point list, no convention stated, other units, points
            outside the plane z = 0, a label twice, landmarks that differ between the files.
        GeometryError: ``to_pixel`` is no plane map from mm to pixel.
    """
    if to_pixel is not None and (to_pixel.dimension, to_pixel.source, to_pixel.target) != (
        2,
        "mm",
        "pixel",
    ):
        raise GeometryError("reading markups needs a map of the plane from mm to pixel")
    files = [(file, read_model(file, _File)) for file in files_of(path, SUFFIX)]
    scheme = _scheme(path, files)
    return collected(
        path, scheme, (_row(path, file, content, scheme, to_pixel) for file, content in files)
    )


def read_slicer_1mm(path: Path) -> AnnotationFile:
    """Read markups placed on images without geometry: 1 mm is 1 px (see the module).

    Raises:
        FormatError: as :func:`read_slicer`.
    """
    return read_slicer(path, to_pixel=Affine.identity(source="mm", target="pixel"))


def write_slicer(annotations: AnnotationFile, path: Path) -> None:
    """Write one .mrk.json file an image into a folder, or one file, in the stated convention.

    Raises:
        OutputError: as :func:`palpate.io.one_per_image.write_each`.
    """
    write_each(annotations, path, suffix=SUFFIX, format_name="Slicer", text_of=_text)


def _text(row: AnnotatedImage) -> str:
    hidden = occluded_names(row.points)
    values = row.points.coordinates.tolist()
    present = row.points.present.tolist()
    points: list[dict[str, Any]] = [
        {
            "id": str(k + 1),
            "label": name,
            "description": "occluded" if name in hidden else "",
            "associatedNodeID": "",
            "position": [*values[k], 0.0] if present[k] else [0.0, 0.0, 0.0],
            "orientation": [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0],
            "selected": True,
            "locked": False,
            "visibility": True,
            "positionStatus": "defined" if present[k] else "undefined",
        }
        for k, name in enumerate(row.points.scheme.names)
    ]
    markup = {
        "type": "Fiducial",
        "coordinateSystem": "LPS",
        "coordinateUnits": "mm",
        "locked": False,
        "fixedNumberOfControlPoints": True,
        "labelFormat": "%N-%d",
        "lastUsedControlPointNumber": len(points),
        "controlPoints": points,
    }
    content = {"@schema": SCHEMA, NOTE: note_of(row, convention=CONVENTION), "markups": [markup]}
    return json.dumps(content, indent=2, allow_nan=False, ensure_ascii=False) + "\n"


def _scheme(path: Path, files: Iterable[tuple[Path, _File]]) -> LandmarkScheme:
    first: tuple[Path, list[str]] | None = None
    for file, content in files:
        names = [point.label for point in _list_of(file, content).controlPoints]
        double = next((name for name in names if names.count(name) > 1), None)
        if double is not None:
            raise FormatError(file, f"control point {double!r} is there twice; remove one of them")
        first = first or (file, names)
        if names != first[1]:
            raise FormatError(
                file,
                f"has the control points {', '.join(names)}; {first[0].name!r} has "
                f"{', '.join(first[1])}",
            )
    return scheme_of(path, first[1] if first else [])


def _list_of(file: Path, content: _File) -> _Markup:
    kinds = [markup.type for markup in content.markups]
    if kinds != ["Fiducial"]:
        raise FormatError(
            file, f"one point list ('Fiducial') was expected, got {', '.join(kinds) or 'no markup'}"
        )
    markup = content.markups[0]
    if markup.coordinateUnits not in ("mm", ["mm", "UCUM", "millimeter"]):
        raise FormatError(
            file, f"coordinateUnits is {markup.coordinateUnits!r}, expected 'mm'; save it in mm"
        )
    return markup


def _row(
    path: Path, file: Path, content: _File, scheme: LandmarkScheme, to_pixel: Affine | None
) -> AnnotatedImage:
    note, markup = content.palpate, _list_of(file, content)
    if to_pixel is None:
        if note.convention != CONVENTION:
            raise FormatError(
                file,
                "holds millimetres and does not say which pixel they mean; if the image was "
                "loaded without geometry (1 mm = 1 px), read it as 'slicer-1mm'",
            )
        to_pixel = Affine.identity(source="mm", target="pixel")
    turned = -1.0 if markup.coordinateSystem == "RAS" else 1.0
    table = np.full((len(scheme), 2), np.nan)
    hidden = []
    for k, point in enumerate(markup.controlPoints):
        position = _position(file, point)
        if position is not None:
            table[k] = (turned * position[0], turned * position[1])
        if point.description == "occluded":
            hidden.append(point.label)
    name = note.image.rsplit("/", 1)[-1] or stem_of(file)
    return AnnotatedImage(
        place_of(path, file) + file_name(name),
        points_of(scheme, to_pixel(table), occluded=hidden),
        subject=note.subject,
        annotator=note.annotator,
        group=note.group,
        split=note.split,
        size=note.size_px,
    )


def _position(file: Path, point: _ControlPoint) -> list[float] | None:
    if point.positionStatus in ("undefined", "missing"):
        return None
    if point.positionStatus == "preview" or point.position is None:
        raise FormatError(file, f"control point {point.label!r} has no position that was placed")
    if abs(point.position[2]) > 1e-6:
        raise FormatError(
            file,
            f"control point {point.label!r} is at z = {point.position[2]} mm, outside the plane "
            "z = 0 of a picture",
        )
    return point.position
