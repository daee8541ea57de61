"""LabelMe JSON: one file an image, one point shape a landmark, named by its label.

- Origin and axes: x right, y down, 0 at the outer *corner* of the first pixel: LabelMe stores the
  position in the drawn picture, whose first pixel covers 0 to 1. ``pixel = labelme - 0.5``.
- Absent: no shape of that label. Occluded: the shape's flag ``occluded`` is true.
- Other shapes (polygons, rectangles, ...) are refused: they are no landmarks, and leaving them out
  silently would lose work.
- The field ``palpate`` beside LabelMe's own carries subject, annotator, group, split and the order
  of all landmarks; LabelMe keeps it. Without it the landmarks are those of all files, in order of
  first appearance, and the image is ``imagePath`` inside the file's folder.
- The picture itself (``imageData``) is neither read nor written.
"""

import json
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import Annotated

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from palpate.affine import Affine
from palpate.errors import FormatError
from palpate.io.annotation import AnnotatedImage, AnnotationFile
from palpate.io.note import NOTE, Note, note_of
from palpate.io.one_per_image import files_of, place_of, write_each
from palpate.io.rows import collected, file_name, occluded_names, points_of, scheme_of
from palpate.io.text import read_model
from palpate.scheme import LandmarkScheme

# The version of LabelMe whose files these are like.
VERSION = "5.5.0"
_Finite = Annotated[float, Field(strict=True, allow_inf_nan=False)]
_Pixels = Annotated[int, Field(strict=True, gt=0)]


class _Shape(BaseModel):
    model_config = ConfigDict(extra="ignore")
    label: Annotated[str, Field(strict=True, min_length=1)]
    points: list[Annotated[list[_Finite], Field(min_length=2, max_length=2)]]
    shape_type: str = "polygon"
    flags: dict[str, bool] | None = None


class _File(BaseModel):
    model_config = ConfigDict(extra="ignore")
    shapes: list[_Shape]
    imagePath: Annotated[str, Field(min_length=1)]  # noqa: N815 - LabelMe's own name
    imageHeight: _Pixels | None = None  # noqa: N815
    imageWidth: _Pixels | None = None  # noqa: N815
    palpate: Note = Note()


def read_labelme(path: Path) -> AnnotationFile:
    """Read one LabelMe file or a folder of them.

    Raises:
        FormatError: not LabelMe, a shape that is no point, a label twice in one image, a
            coordinate that is no finite number, landmarks against the noted scheme.
    """
    files = [(file, read_model(file, _File)) for file in files_of(path, ".json")]
    for file, content in files:
        _check(file, content)
    scheme = _scheme(path, files)
    return collected(path, scheme, (_row(path, file, content, scheme) for file, content in files))


def write_labelme(annotations: AnnotationFile, path: Path) -> None:
    """Write one LabelMe file an image into a folder, or one file.

    Raises:
        OutputError: as :func:`palpate.io.one_per_image.write_each`.
    """
    from_pixel = Affine.from_corner_origin().inverse()

    def text_of(row: AnnotatedImage) -> str:
        hidden = occluded_names(row.points)
        values = from_pixel(row.points.coordinates).tolist()
        shapes = [
            {
                "label": name,
                "points": [point],
                "group_id": None,
                "description": "",
                "shape_type": "point",
                "flags": {"occluded": True} if name in hidden else {},
            }
            for name, point, given in zip(
                row.points.scheme.names, values, row.points.present, strict=True
            )
            if given
        ]
        content = {
            "version": VERSION,
            "flags": {},
            "shapes": shapes,
            "imagePath": PurePosixPath(row.image).name,
            "imageData": None,
            "imageHeight": row.size[1] if row.size else None,
            "imageWidth": row.size[0] if row.size else None,
            NOTE: note_of(row),
        }
        return json.dumps(content, indent=2, allow_nan=False, ensure_ascii=False) + "\n"

    write_each(annotations, path, suffix=".json", format_name="LabelMe", text_of=text_of)


def _check(file: Path, content: _File) -> None:
    labels: set[str] = set()
    for k, shape in enumerate(content.shapes):
        where = f"shapes.{k}, label {shape.label!r}"
        if shape.shape_type != "point" or len(shape.points) != 1:
            raise FormatError(
                file, f"{where}: is a {shape.shape_type}, a landmark is a point; remove it"
            )
        if shape.label in labels:
            raise FormatError(file, f"{where}: the landmark is there twice; remove one of them")
        labels.add(shape.label)


def _scheme(path: Path, files: Iterable[tuple[Path, _File]]) -> LandmarkScheme:
    seen: dict[str, None] = {}
    noted: tuple[Path, list[str]] | None = None
    for file, content in files:
        if content.palpate.landmarks:
            noted = noted or (file, content.palpate.landmarks)
            if content.palpate.landmarks != noted[1]:
                raise FormatError(file, f"notes other landmarks than {noted[0].name!r}")
        seen.update(dict.fromkeys(shape.label for shape in content.shapes))
    if noted is not None:
        unknown = [name for name in seen if name not in noted[1]]
        seen = dict.fromkeys(noted[1] + unknown)
    if not seen:
        raise FormatError(path, "holds no point shape: there is no landmark")
    return scheme_of(path, list(seen))


def _row(path: Path, file: Path, content: _File, scheme: LandmarkScheme) -> AnnotatedImage:
    note = content.palpate
    table = np.full((len(scheme), 2), np.nan)
    for shape in content.shapes:
        table[scheme.index(shape.label)] = shape.points[0]
    hidden = [s.label for s in content.shapes if s.flags and s.flags.get("occluded")]
    size = None
    if content.imageWidth is not None and content.imageHeight is not None:
        size = (content.imageWidth, content.imageHeight)
    name = PurePosixPath(file_name(content.imagePath)).name
    if not name:
        raise FormatError(file, f"imagePath {content.imagePath!r} names no file")
    points = points_of(scheme, Affine.from_corner_origin()(table), occluded=hidden)
    return AnnotatedImage(
        place_of(path, file) + name,
        points,
        subject=note.subject,
        annotator=note.annotator,
        group=note.group,
        split=note.split,
        size=size,
    )
