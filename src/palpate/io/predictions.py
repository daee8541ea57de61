"""Predictions on disk: a lossless JSON, and a CSV for spreadsheets."""

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from pydantic import BaseModel, ConfigDict, ValidationError

from palpate.affine import Frame
from palpate.correlation import Correlation
from palpate.errors import FormatError, GeometryError, PalpateError, SchemeError
from palpate.files import write_text
from palpate.image import Calibration, CalibrationSource
from palpate.prediction import Basis, Prediction
from palpate.scheme import LandmarkScheme


@dataclass(frozen=True, slots=True)
class PredictedImage:
    """The prediction of one image with what a measurement needs to know of the image.

    Args:
        image: identifier of the image; never a path.
        prediction: in pixels of the image as given.
        size: (width, height) in px.
        subject: empty where not known.
        group: view or class; may be empty.
        calibration: None where the image is not calibrated.
    """

    image: str
    prediction: Prediction
    size: tuple[int, int]
    subject: str = ""
    group: str = ""
    calibration: Calibration | None = None


@dataclass(frozen=True, slots=True)
class PredictionFile:
    """Predictions of many images over one scheme, and where they come from.

    ``failures`` maps an image to the reason in words why there is no prediction for it;
    ``calibration`` is what was known of the uncertainty when they were made, as plain values that
    :mod:`palpate.trust.store` reads; None where nothing was.
    """

    scheme: LandmarkScheme
    images: tuple[PredictedImage, ...]
    provenance: Mapping[str, str] = field(default_factory=dict)
    failures: Mapping[str, str] = field(default_factory=dict)
    calibration: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "provenance", MappingProxyType(dict(self.provenance)))
        object.__setattr__(self, "failures", MappingProxyType(dict(self.failures)))
        for image in self.images:
            if image.prediction.scheme.names != self.scheme.names:
                raise SchemeError(
                    f"the prediction of {image.image!r} has other landmarks than the file"
                )


FORMAT = "palpate predictions"
# Version 1 had no correlations, variations, bases and calibration; it is read as without them.
VERSION = 2
_Number = float | None


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class _SchemeTable(_Table):
    name: str
    names: tuple[str, ...]
    mirror: tuple[tuple[str, str], ...]
    edges: tuple[tuple[str, str], ...]
    dimension: Literal[2, 3]


class _CalibrationTable(_Table):
    spacing_mm: tuple[float, ...]
    source: CalibrationSource
    plane: Literal["patient", "detector"]
    detail: str


class _ImageTable(_Table):
    image: str
    subject: str
    group: str
    size: tuple[int, int]
    calibration: _CalibrationTable | None
    localiser: str
    frame: Frame
    mean: tuple[tuple[_Number, ...], ...]
    covariance: tuple[tuple[tuple[_Number, ...], ...], ...]
    score: tuple[float, ...]
    correlation: int | None = None
    variation: tuple[_Number, ...] | None = None
    basis: Basis = "uncalibrated"


class _FileTable(_Table):
    format: Literal["palpate predictions"]
    version: Literal[1, 2]
    scheme: _SchemeTable
    provenance: dict[str, str]
    failures: dict[str, str]
    images: tuple[_ImageTable, ...]
    correlations: tuple[tuple[tuple[float, ...], ...], ...] = ()
    calibration: dict[str, Any] | None = None


def is_predictions(path: Path) -> bool:
    """Whether a file begins as :func:`write_predictions` begins it.

    Example:
        >>> is_predictions(Path("no such file"))
        False
    """
    try:
        with path.open("rb") as stream:
            return f'"format": "{FORMAT}"'.encode() in stream.read(200)
    except OSError:
        return False


def write_predictions(file: PredictionFile, path: Path) -> None:
    """Write everything, so that :func:`read_predictions` gives the same numbers to the last bit.

    NaN, which JSON does not have, is written as null.

    Raises:
        OutputError: the file cannot be written.
    """
    correlations = _shared(file.images)
    places = {key: place for place, key in enumerate(correlations)}
    content = json.dumps(
        {
            "format": FORMAT,
            "version": VERSION,
            "scheme": {
                "name": file.scheme.name,
                "names": file.scheme.names,
                "mirror": file.scheme.mirror,
                "edges": file.scheme.edges,
                "dimension": file.scheme.dimension,
            },
            "provenance": dict(file.provenance),
            "failures": dict(file.failures),
            "correlations": [one.matrix.tolist() for one in correlations.values()],
            "calibration": None if file.calibration is None else dict(file.calibration),
            "images": [_image_table(image, places) for image in file.images],
        },
        allow_nan=False,
        ensure_ascii=False,
    )
    write_text(path, content + "\n")


def read_predictions(path: Path) -> PredictionFile:
    """Read what :func:`write_predictions` wrote.

    Raises:
        FormatError: the file is not there, is cut, is of another format or version, or holds
            shapes that do not fit its scheme.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise FormatError(path, f"cannot be read: {error.strerror}") from error
    try:
        table = _FileTable.model_validate_json(content, strict=True)
    except ValidationError as error:
        raise FormatError(path, _complaint(error)) from error
    s = table.scheme
    try:
        scheme = LandmarkScheme(s.name, s.names, s.mirror, s.edges, s.dimension)
        size = len(scheme) * scheme.dimension
        correlations = [
            Correlation(_array(each, (size, size), "a correlation"), scheme.dimension)
            for each in table.correlations
        ]
        images = tuple(_image(scheme, image, correlations) for image in table.images)
    except PalpateError as error:
        raise FormatError(path, str(error)) from error
    return PredictionFile(scheme, images, table.provenance, table.failures, table.calibration)


def write_predictions_csv(file: PredictionFile, path: Path) -> None:
    """Write one row an image for a spreadsheet; covariances are cut down to one deviation.

    Columns: image, subject, group, width, height, localiser, then of each landmark its
    coordinates, ``NAME_score`` and ``NAME_sd_px`` (root of the mean variance of its
    coordinates), empty where it was not found; then ``failure``, the reason where there is no
    prediction.

    Raises:
        OutputError: the file cannot be written.
    """
    axes = "xyz"[: file.scheme.dimension]
    header = ["image", "subject", "group", "width", "height", "localiser"]
    for name in file.scheme.names:
        header += [f"{name}_{axis}" for axis in axes] + [f"{name}_score", f"{name}_sd_px"]
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*header, "failure"])
    for image in file.images:
        prediction = image.prediction
        row: list[str | float] = [image.image, image.subject, image.group, *image.size]
        row.append(prediction.localiser)
        for k, found in enumerate(prediction.found):
            values = [*prediction.mean[k], prediction.score[k]]
            values.append(np.sqrt(np.trace(prediction.covariance[k]) / len(axes)))
            row += [f"{value:.6g}" for value in values] if found else [""] * len(values)
        writer.writerow([*row, ""])
    for name, reason in file.failures.items():
        writer.writerow([name, *[""] * (len(header) - 1), reason])
    write_text(path, text.getvalue())


def image_to_plain(image: PredictedImage, places: Mapping[int, int]) -> dict[str, Any]:
    """Return one image's prediction as plain values; NaN is None.

    Args:
        image: what is written.
        places: identity of a correlation -> where :func:`image_from_plain` finds it in its list.
    """
    return _image_table(image, places)


def image_from_plain(
    scheme: LandmarkScheme, plain: Mapping[str, Any], correlations: Sequence[Correlation]
) -> PredictedImage:
    """Return what :func:`image_to_plain` was given, to the last bit.

    Raises:
        GeometryError: values that are no prediction over this scheme.
    """
    try:
        table = _ImageTable.model_validate_json(json.dumps(plain), strict=True)
    except ValidationError as error:
        raise GeometryError(_complaint(error)) from error
    return _image(scheme, table, correlations)


def _shared(images: tuple[PredictedImage, ...]) -> dict[int, Correlation]:
    """Return every correlation once, by its identity: most images of a localiser share one."""
    used = (image.prediction.correlation for image in images)
    return {id(one): one for one in used if one is not None}


def _image_table(image: PredictedImage, places: Mapping[int, int]) -> dict[str, Any]:
    prediction, calibration = image.prediction, image.calibration
    one, variation = prediction.correlation, prediction.variation
    return {
        "image": image.image,
        "subject": image.subject,
        "group": image.group,
        "size": image.size,
        "calibration": None
        if calibration is None
        else {
            "spacing_mm": calibration.spacing_mm,
            "source": calibration.source,
            "plane": calibration.plane,
            "detail": calibration.detail,
        },
        "localiser": prediction.localiser,
        "frame": prediction.frame,
        "mean": _with_null(prediction.mean.tolist()),
        "covariance": _with_null(prediction.covariance.tolist()),
        "score": prediction.score.tolist(),
        "correlation": None if one is None else places[id(one)],
        "variation": None if variation is None else _with_null(variation.tolist()),
        "basis": prediction.basis,
    }


def _image(
    scheme: LandmarkScheme, table: _ImageTable, correlations: Sequence[Correlation]
) -> PredictedImage:
    k, d = len(scheme), scheme.dimension
    calibration = None
    if table.calibration is not None:
        c = table.calibration
        calibration = Calibration(c.spacing_mm, c.source, c.plane, c.detail)
    prediction = Prediction(
        scheme,
        _array(table.mean, (k, d), f"the mean of {table.image!r}"),
        _array(table.covariance, (k, d, d), f"the covariance of {table.image!r}"),
        _array(table.score, (k,), f"the score of {table.image!r}"),
        table.localiser,
        table.frame,
        _correlation(table, correlations),
        None
        if table.variation is None
        else _array(table.variation, (k,), f"the variation of {table.image!r}"),
        table.basis,
    )
    return PredictedImage(
        table.image, prediction, table.size, table.subject, table.group, calibration
    )


def _correlation(table: _ImageTable, correlations: Sequence[Correlation]) -> Correlation | None:
    if table.correlation is None:
        return None
    if not 0 <= table.correlation < len(correlations):
        raise GeometryError(
            f"{table.image!r} names correlation {table.correlation}, the file has "
            f"{len(correlations)}"
        )
    return correlations[table.correlation]


def _with_null(values: Any) -> Any:
    """Nested lists with None where a number is not finite."""
    if isinstance(values, list):
        return [_with_null(value) for value in values]
    return values if np.isfinite(values) else None


def _array(values: tuple[Any, ...], shape: tuple[int, ...], what: str) -> Float[ndarray, "..."]:
    """Nested tuples as an array with NaN for None."""
    try:
        array = np.array(values, dtype=float)
    except ValueError as error:
        raise GeometryError(f"{what} has rows of different lengths") from error
    if array.shape != shape:
        raise GeometryError(f"{what} has shape {array.shape}, the scheme asks for {shape}")
    return array


def _complaint(error: ValidationError) -> str:
    """The first problem of a file, in words."""
    first = error.errors(include_url=False)[0]
    place = ".".join(str(part) for part in first["loc"])
    if first["loc"] in (("format",), ("version",)) and first["type"] != "missing":
        return (
            f"expected {place} {f'{FORMAT!r}' if place == 'format' else f'{VERSION} or less'}, "
            f"got {first['input']!r}; another program or a newer palpate wrote it"
        )
    if first["type"] == "json_invalid":
        return f"not a whole JSON file: {first['msg'].removeprefix('Invalid JSON: ')}"
    return f"not a predictions file: {first['msg']}" + (f" at {place}" if place else "")
