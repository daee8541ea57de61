"""A shape model in a file: arrays without pickle, and the rest as JSON beside them."""

import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from numpy import ndarray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from palpate.errors import FormatError, GeometryError
from palpate.files import write_bytes
from palpate.shape.limits import Box, Ellipsoid, Limit
from palpate.shape.model import ShapeModel
from palpate.shape.spread import ScaledChiSquare

FORMAT, VERSION = "palpate-shape-model", 1
_ARRAYS = ("mean", "modes", "variances")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class _ChiSquare(_Strict):
    scale: float
    degrees: float


class _Limit(_Strict):
    kind: Literal["ellipsoid", "box"]
    value: float


class _About(_Strict):
    format: Literal["palpate-shape-model"]
    version: Literal[1]
    total_variance: float
    residual_variance: float
    score_distance: _ChiSquare
    residual_distance: _ChiSquare
    shapes: Annotated[int, Field(ge=2)]
    limit: _Limit


def taken_apart(model: ShapeModel) -> tuple[dict[str, ndarray], dict[str, Any]]:
    """Return a model's arrays, and the rest as plain values for JSON.

    For a file that holds a model among other things.
    """
    limit = model.limit
    kind, value = (
        ("ellipsoid", limit.share) if isinstance(limit, Ellipsoid) else ("box", limit.deviations)
    )
    about = {
        "format": FORMAT,
        "version": VERSION,
        "total_variance": model.total_variance,
        "residual_variance": model.residual_variance,
        "score_distance": _plain(model.score_distance),
        "residual_distance": _plain(model.residual_distance),
        "shapes": model.shapes,
        "limit": {"kind": kind, "value": value},
    }
    return {name: np.array(getattr(model, name)) for name in _ARRAYS}, about


def put_together(arrays: Mapping[str, ndarray], about: Any, *, path: Path) -> ShapeModel:
    """Return the model that :func:`taken_apart` took apart; ``path`` is named in errors.

    Raises:
        FormatError: a part is missing, or the parts are no shape model.
    """
    missing = [name for name in _ARRAYS if name not in arrays]
    if missing:
        raise FormatError(path, f"not a shape model: it has no array {missing[0]!r}")
    if any(arrays[name].dtype != np.float64 for name in _ARRAYS):
        raise FormatError(path, "not a shape model: its arrays are not of 64-bit numbers")
    try:
        told = _About.model_validate_json(json.dumps(about), strict=True)
        limit: Limit = Box(told.limit.value)
        if told.limit.kind == "ellipsoid":
            limit = Ellipsoid(told.limit.value)
        return ShapeModel(
            arrays["mean"],
            arrays["modes"],
            arrays["variances"],
            told.total_variance,
            told.residual_variance,
            ScaledChiSquare(told.score_distance.scale, told.score_distance.degrees),
            ScaledChiSquare(told.residual_distance.scale, told.residual_distance.degrees),
            told.shapes,
            limit,
        )
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise FormatError(path, f"not a shape model: {place}: {first['msg']}") from error
    except GeometryError as error:
        raise FormatError(path, f"not a sound shape model: {error}") from error


def write_shape_model(model: ShapeModel, path: Path) -> None:
    """Write a model as .npz, whole or not at all; the same model gives the same bytes.

    Raises:
        OutputError: the file cannot be written.
    """
    arrays, about = taken_apart(model)
    stream = io.BytesIO()
    np.savez(stream, about=np.array(json.dumps(about, allow_nan=False)), **arrays)  # type: ignore[arg-type]
    write_bytes(path, stream.getvalue())


def read_shape_model(path: Path) -> ShapeModel:
    """Read what :func:`write_shape_model` wrote.

    Raises:
        FormatError: the file is not there, is cut, or holds something else.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise FormatError(path, f"cannot be read: {error.strerror}") from error
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
        about = json.loads(str(arrays.pop("about")))
    except (zipfile.BadZipFile, KeyError, ValueError, OSError, EOFError, AttributeError) as error:
        raise FormatError(path, "not a whole shape model file; build or copy it again") from error
    return put_together(arrays, about, path=path)


def _plain(spread: ScaledChiSquare) -> dict[str, float]:
    return {"scale": spread.scale, "degrees": spread.degrees}
