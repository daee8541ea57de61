"""COCO key points: one JSON file, ``images``, ``annotations`` and one category of ``keypoints``.

- Origin and axes: x right, y down, 0-indexed *pixel indices*: a key point on the first pixel is 0,
  palpate's own convention; nothing is converted. COCO's page calls key points '0-indexed', its
  files hold integers 0 ... width - 1, and detectron2 adds 0.5 to them to reach its corner origin.
  (COCO's boxes and polygons do count from the corner: the box written here is in that frame.)
- ``v``: 0 not labelled = absent (x and y are then ignored), 1 occluded, 2 visible.
- Names and edges (``skeleton``, counted from 1) are the category's. One category with key points
  is expected; annotations of other categories, and images without annotation, are passed over.
- One annotation an image and annotator: two bodies in one image are refused.
- Fields beside COCO's: ``subject``, ``group``, ``split`` of an image, ``annotator`` of an
  annotation. Mirror pairs are not carried.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from palpate.affine import Affine
from palpate.errors import FormatError
from palpate.files import write_json
from palpate.io.annotation import AnnotatedImage, AnnotationFile
from palpate.io.rows import collected, file_name, refuse_volumes, scheme_of
from palpate.io.text import read_model
from palpate.points import ABSENT, Points
from palpate.scheme import LandmarkScheme

_Id = Annotated[int, Field(strict=True)]
_Finite = Annotated[float, Field(strict=True, allow_inf_nan=False)]
_Pixels = Annotated[int, Field(strict=True, gt=0)]


class _Image(BaseModel):
    model_config = ConfigDict(extra="ignore")
    id: _Id
    file_name: Annotated[str, Field(min_length=1)]
    width: _Pixels | None = None
    height: _Pixels | None = None
    subject: str = ""
    group: str = ""
    split: str = ""


class _Annotation(BaseModel):
    model_config = ConfigDict(extra="ignore")
    id: _Id
    image_id: _Id
    category_id: _Id
    keypoints: list[_Finite] | None = None
    num_keypoints: _Id | None = None
    iscrowd: Literal[0, 1] = 0
    annotator: str = ""


class _Category(BaseModel):
    model_config = ConfigDict(extra="ignore")
    id: _Id
    name: str
    keypoints: list[str] = Field(default_factory=list)
    skeleton: list[tuple[_Id, _Id]] = Field(default_factory=list)


class _File(BaseModel):
    model_config = ConfigDict(extra="ignore")
    images: list[_Image]
    annotations: list[_Annotation]
    categories: list[_Category]


def read_coco(path: Path) -> AnnotationFile:
    """Read COCO key points.

    Raises:
        FormatError: not COCO, no or several categories with key points, an annotation of an
            unknown image, two of one image, wrong counts, a value that is no finite number.
    """
    content = read_model(path, _File)
    category, scheme = _category(path, content)
    return collected(path, scheme, _rows(path, content, category, scheme))


def write_coco(annotations: AnnotationFile, path: Path) -> None:
    """Write COCO key points; numbers read back exactly.

    Raises:
        OutputError: three axes, no row, or the disk refuses.
    """
    refuse_volumes(annotations, path, format_name="COCO")
    scheme = annotations.scheme
    images: dict[str, dict[str, Any]] = {}
    entries = []
    for number, row in enumerate(annotations.rows, start=1):
        image = images.setdefault(row.image, {"id": len(images) + 1, **_about(row)})
        entry = {"id": number, "image_id": image["id"], "category_id": 1, **_entry(row)}
        entries.append(entry)
    category = {
        "id": 1,
        "name": scheme.name,
        "supercategory": "",
        "keypoints": list(scheme.names),
        "skeleton": [[scheme.index(a) + 1, scheme.index(b) + 1] for a, b in scheme.edges],
    }
    content = {"images": list(images.values()), "annotations": entries, "categories": [category]}
    write_json(path, content)


def _about(row: AnnotatedImage) -> dict[str, Any]:
    about: dict[str, Any] = {"file_name": row.image}
    if row.size:
        about |= {"width": row.size[0], "height": row.size[1]}
    extra = {"subject": row.subject, "group": row.group, "split": row.split}
    return about | {name: value for name, value in extra.items() if value}


def _entry(row: AnnotatedImage) -> dict[str, Any]:
    given = row.points.present
    table = np.where(given[:, None], row.points.coordinates, 0.0).tolist()
    triples = zip(table, row.points.visibility.tolist(), strict=True)
    entry: dict[str, Any] = {
        "keypoints": [value for (x, y), v in triples for value in (x, y, v)],
        "num_keypoints": int(given.sum()),
        "iscrowd": 0,
        **_box(row.points),
    }
    return entry | ({"annotator": row.annotator} if row.annotator else {})


def _box(points: Points) -> dict[str, Any]:
    """The box round the points, which pycocotools asks for, from the corner of the first pixel."""
    if not points.present.any():
        return {"bbox": [0.0, 0.0, 0.0, 0.0], "area": 0.0}
    corner = Affine.from_corner_origin().inverse()(points.coordinates[points.present])
    low, high = corner.min(axis=0), corner.max(axis=0)
    size = high - low
    return {"bbox": [*low.tolist(), *size.tolist()], "area": float(size[0] * size[1])}


def _category(path: Path, content: _File) -> tuple[_Category, LandmarkScheme]:
    with_points = [category for category in content.categories if category.keypoints]
    if len(with_points) != 1:
        names = ", ".join(repr(category.name) for category in with_points) or "none"
        raise FormatError(path, f"one category with 'keypoints' was expected, got {names}")
    category = with_points[0]
    labels = category.keypoints
    for pair in category.skeleton:
        if not all(1 <= number <= len(labels) for number in pair):
            raise FormatError(
                path, f"skeleton pair {list(pair)} is outside 1 ... {len(labels)} (counted from 1)"
            )
    edges = [(labels[a - 1], labels[b - 1]) for a, b in category.skeleton]
    return category, scheme_of(path, labels, edges=edges)


def _rows(
    path: Path, content: _File, category: _Category, scheme: LandmarkScheme
) -> Iterator[AnnotatedImage]:
    images: dict[int, _Image] = {}
    names: set[str] = set()
    for image in content.images:
        if image.id in images or image.file_name in names:
            raise FormatError(path, f"image {image.file_name!r} (id {image.id}) is there twice")
        images[image.id] = image
        names.add(image.file_name)
    for entry in content.annotations:
        if entry.category_id != category.id:
            continue
        found = images.get(entry.image_id)
        if found is None:
            raise FormatError(path, f"annotation {entry.id} is of image_id {entry.image_id}: none")
        known = found.width is not None and found.height is not None
        yield AnnotatedImage(
            file_name(found.file_name),
            _points(path, entry, scheme),
            subject=found.subject,
            annotator=entry.annotator,
            group=found.group,
            split=found.split,
            size=(found.width or 0, found.height or 0) if known else None,
        )


def _points(path: Path, entry: _Annotation, scheme: LandmarkScheme) -> Points:
    where = f"annotation {entry.id}"
    values = entry.keypoints
    if values is None or entry.iscrowd or len(values) != 3 * len(scheme):
        came = "a crowd" if entry.iscrowd else f"{len(values or [])} numbers"
        raise FormatError(path, f"{where}: {len(scheme)} triples x, y, v were expected, got {came}")
    table = np.array(values, dtype=float).reshape(-1, 3)
    for name, state in zip(scheme.names, table[:, 2], strict=True):
        if state not in (0, 1, 2):
            raise FormatError(path, f"{where}: v of {name!r} is {state:g}, expected 0, 1 or 2")
    visibility = table[:, 2].astype(np.int64)
    given = int((visibility != ABSENT).sum())
    if entry.num_keypoints not in (None, given):
        raise FormatError(
            path, f"{where}: num_keypoints is {entry.num_keypoints}, but {given} have v > 0"
        )
    coordinates = np.where((visibility != ABSENT)[:, None], table[:, :2], np.nan)
    return Points(scheme, coordinates, visibility)
