"""A named shape model on disk: a folder with the model and, last written, what its points are."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from palpate.errors import FormatError, PalpateError
from palpate.files import write_json
from palpate.shape.named import NamedShapeModel
from palpate.shape.store import read_shape_model, write_shape_model

MODEL, ABOUT = "model.npz", "shape.json"
FORMAT, VERSION = "palpate-named-shape-model", 1


class _About(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    format: Literal["palpate-named-shape-model"]
    version: Literal[1]
    label: str
    landmarks: list[str]
    study: dict[str, Any]


def write_named(named: NamedShapeModel, folder: Path, *, study: Mapping[str, Any]) -> None:
    """Write ``model.npz`` and then ``shape.json``: a folder without the latter is not whole.

    Args:
        named: the model.
        folder: made where it is not there.
        study: what it was built of, as plain values for JSON, for a reader.

    Raises:
        OutputError: a file cannot be written.
    """
    write_shape_model(named.model, folder / MODEL)
    write_json(
        folder / ABOUT,
        {
            "format": FORMAT,
            "version": VERSION,
            "label": named.label,
            "landmarks": list(named.names),
            "study": dict(study),
        },
    )


def read_named(folder: Path) -> NamedShapeModel:
    """Read what :func:`write_named` wrote.

    Raises:
        FormatError: a file is not there, is cut, or the two do not belong together.
    """
    path = folder / ABOUT
    try:
        about = _About.model_validate(json.loads(path.read_bytes()))
    except OSError as error:
        raise FormatError(path, f"cannot be read: {error.strerror}") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise FormatError(path, f"not a shape model's: {place}: {first['msg']}") from error
    except ValueError as error:
        raise FormatError(path, f"not a whole JSON file: {error}") from error
    model = read_shape_model(folder / MODEL)
    try:
        return NamedShapeModel(about.label, tuple(about.landmarks), model)
    except PalpateError as error:
        raise FormatError(path, f"does not fit {MODEL} beside it: {error}") from error
