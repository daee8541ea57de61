"""Rows of an annotation file: built by every reader, checked by every writer, in the same words."""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from palpate.arrays import rows_with_nan
from palpate.errors import FormatError, OutputError, SchemeError
from palpate.io.annotation import AnnotatedImage, AnnotationFile
from palpate.points import ABSENT, OCCLUDED, VISIBLE, Points
from palpate.scheme import LandmarkScheme


def scheme_of(
    path: Path, names: Sequence[str], *, edges: Sequence[tuple[str, str]] = (), dimension: int = 2
) -> LandmarkScheme:
    """Return the scheme of a file that names its landmarks.

    Raises:
        FormatError: no name, an empty one, or one given twice.
    """
    try:
        return LandmarkScheme(stem_of(path), tuple(names), edges=tuple(edges), dimension=dimension)
    except SchemeError as error:
        raise FormatError(path, str(error)) from error


def stem_of(path: Path) -> str:
    """Return the name of a file without any of its suffixes.

    Example:
        >>> stem_of(Path("a/film_1.mrk.json"))
        'film_1'
    """
    name = path.name
    for suffix in (".mrk.json", path.suffix):
        if suffix and name.lower().endswith(suffix.lower()):
            return name[: -len(suffix)] or name
    return name or "landmarks"


def points_of(
    scheme: LandmarkScheme,
    coordinates: Float[ndarray, "landmark d"],
    *,
    occluded: Iterable[str] = (),
) -> Points:
    """Return points that are absent where NaN, occluded where named, visible elsewhere."""
    hidden = np.isin(np.array(scheme.names), list(occluded))
    visibility = np.where(
        rows_with_nan(coordinates), ABSENT, np.where(hidden, OCCLUDED, VISIBLE)
    ).astype(np.int64)
    return Points(scheme, coordinates, visibility)


def occluded_names(points: Points) -> list[str]:
    """Return the names of the landmarks that are annotated but hidden."""
    seen = zip(points.scheme.names, points.visibility, strict=True)
    return [name for name, visibility in seen if visibility == OCCLUDED]


def collected(path: Path, scheme: LandmarkScheme, rows: Iterable[AnnotatedImage]) -> AnnotationFile:
    """Return the rows as a file.

    Raises:
        FormatError: there is no row, or one annotator gives one image twice.
    """
    kept: dict[tuple[str, str], AnnotatedImage] = {}
    for row in rows:
        first = kept.setdefault((row.image, row.annotator), row)
        if first is not row:
            who = f" by {row.annotator!r}" if row.annotator else ""
            where = f", first on line {first.line}" if first.line is not None else ""
            raise FormatError(
                path,
                f"image {row.image!r} is annotated twice{who}{where}; remove one of them",
                line=row.line,
            )
    if not kept:
        raise FormatError(path, "holds no annotated image")
    return AnnotationFile(scheme, tuple(kept.values()))


def file_name(text: str) -> str:
    r"""Return an image's name as a study knows it: forward slashes, never a path of a machine.

    Example:
        >>> file_name("labeled-data\\clip\\img1.png")
        'labeled-data/clip/img1.png'
        >>> file_name("C:\\films\\a.jpg"), file_name("../images/a.jpg")
        ('a.jpg', 'images/a.jpg')
    """
    name = text.replace("\\", "/")
    if name.startswith("/") or re.match(r"[A-Za-z]:", name):
        return name.rsplit("/", 1)[-1]
    return "/".join(part for part in name.split("/") if part not in ("", ".", ".."))


def refuse_volumes(annotations: AnnotationFile, path: Path, *, format_name: str) -> None:
    """Refuse to write three-dimensional points, or no row at all, into a format of pictures.

    Raises:
        OutputError: the points are three-dimensional, or there is nothing to write.
    """
    refuse_empty(annotations, path)
    if annotations.scheme.dimension != 2:
        raise OutputError(f"{path}: {format_name} holds points of pictures, these have three axes")


def refuse_empty(annotations: AnnotationFile, path: Path) -> None:
    """Refuse to write a file without an image.

    Raises:
        OutputError: there is no row, or one annotator gives one image twice.
    """
    if not annotations.rows:
        raise OutputError(f"{path}: there is no annotated image to write")
    pairs = [(row.image, row.annotator) for row in annotations.rows]
    if len(set(pairs)) != len(pairs):
        double = next(pair for pair in pairs if pairs.count(pair) > 1)
        raise OutputError(f"{path}: image {double[0]!r} is annotated twice by {double[1]!r}")


def only_annotator(annotations: AnnotationFile, path: Path, *, format_name: str) -> str:
    """Return the one annotator of a file.

    Raises:
        OutputError: there are several, and the format holds one.
    """
    annotators = sorted({row.annotator for row in annotations.rows})
    if len(annotators) > 1:
        came = ", ".join(map(repr, annotators))
        raise OutputError(
            f"{path}: {format_name} holds one annotator, here are {came}; choose one (--annotator)"
        )
    return annotators[0]
