"""A calibration as plain values: a file in the run's folder, a part of its predictions."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from pydantic import BaseModel, ConfigDict, ValidationError

from palpate.conformal.measurement_scores import MeasurementScores
from palpate.correlation import Correlation
from palpate.errors import FormatError, PalpateError
from palpate.files import write_json
from palpate.trust.calibration import UncertaintyCalibration

FORMAT = "palpate uncertainty calibration"
VERSION = 1
# Enough to tell films apart, and a third of the bytes.
_DIGITS = 7
_Number = float | None
_Rows = tuple[tuple[_Number, ...], ...]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class _Scores(_Table):
    unit: str
    residual: tuple[float, ...]
    below: tuple[float, ...]
    above: tuple[float, ...]
    owners: tuple[int, ...]
    defined: str


class _Calibration(_Table):
    format: Literal["palpate uncertainty calibration"]
    version: Literal[1]
    names: tuple[str, ...]
    dimension: Literal[2, 3]
    source: str
    how: Literal["split", "cross"]
    owners: tuple[int, ...]
    distance: _Rows
    error_px: _Rows
    error_mm: _Rows
    sd_px: _Rows
    factors: tuple[float, ...]
    correlation: tuple[tuple[float, ...], ...] | None
    measurements: dict[str, dict[str, _Scores]]
    subjects: tuple[str, ...]
    weights: str
    familiar: dict[str, Any] | None


def write_calibration(calibration: UncertaintyCalibration, path: Path) -> None:
    """Write a calibration whole.

    Raises:
        OutputError: the file cannot be written.
    """
    write_json(path, calibration_to_plain(calibration, subjects=True))


def read_calibration(path: Path) -> UncertaintyCalibration:
    """Read what :func:`write_calibration` wrote.

    Raises:
        FormatError: not there, cut, or something else.
    """
    try:
        content = json.loads(path.read_bytes().decode("utf-8"))
    except OSError as error:
        raise FormatError(path, f"cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise FormatError(path, f"is no JSON: {error}") from error
    return calibration_from_plain(content, where=path)


def calibration_to_plain(
    calibration: UncertaintyCalibration, *, subjects: bool = False
) -> dict[str, Any]:
    """Return plain values without NaN; names of subjects only where asked for.

    Predictions that leave the house carry errors, not who they are of.
    """
    one = calibration
    return {
        "format": FORMAT,
        "version": VERSION,
        "names": list(one.names),
        "dimension": one.dimension,
        "source": one.source,
        "how": one.how,
        "owners": one.owners.tolist(),
        "distance": _rows(one.distance),
        "error_px": _rows(one.error_px),
        "error_mm": _rows(one.error_mm),
        "sd_px": _rows(one.sd_px),
        "factors": one.factors.tolist(),
        "correlation": None if one.correlation is None else one.correlation.matrix.tolist(),
        "measurements": {
            label: {name: _scores(scores) for name, scores in known.items()}
            for label, known in one.measurements.items()
        },
        "subjects": list(one.subjects) if subjects else [],
        "weights": one.weights,
        "familiar": None if one.familiar is None else dict(one.familiar),
    }


def calibration_from_plain(values: Any, *, where: Path) -> UncertaintyCalibration:
    """Read what :func:`calibration_to_plain` gave.

    Raises:
        FormatError: it is something else.
    """
    try:
        table = _Calibration.model_validate(values)
        return _calibration(table)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise FormatError(where, f"is no calibration: {first['msg']} at {place}") from error
    except (PalpateError, ValueError) as error:
        raise FormatError(where, f"is a damaged calibration: {error}") from error


def _calibration(table: _Calibration) -> UncertaintyCalibration:
    shape = (len(table.owners), len(table.names))
    correlation = None
    if table.correlation is not None:
        matrix = np.array(table.correlation, dtype=float)
        correlation = Correlation(matrix, table.dimension)
        if correlation.landmarks != len(table.names):
            raise ValueError("its correlation is of other landmarks")
    if len(table.factors) != len(table.names):
        raise ValueError("its factors are of other landmarks")
    return UncertaintyCalibration(
        names=table.names,
        source=table.source,
        how=table.how,
        owners=np.array(table.owners, dtype=int),
        distance=_array(table.distance, shape),
        error_px=_array(table.error_px, shape),
        error_mm=_array(table.error_mm, shape),
        sd_px=_array(table.sd_px, shape),
        factors=np.array(table.factors, dtype=float),
        correlation=correlation,
        measurements={label: _known(known) for label, known in table.measurements.items()},
        subjects=table.subjects,
        weights=table.weights,
        familiar=table.familiar,
        dimension=table.dimension,
    )


def _known(known: Mapping[str, _Scores]) -> dict[str, MeasurementScores]:
    return {
        name: MeasurementScores(
            each.unit,
            np.array(each.residual, dtype=float),
            np.array(each.below, dtype=float),
            np.array(each.above, dtype=float),
            np.array(each.owners, dtype=int),
            each.defined,
        )
        for name, each in known.items()
    }


def _scores(scores: MeasurementScores) -> dict[str, Any]:
    return {
        "unit": scores.unit,
        "residual": scores.residual.tolist(),
        "below": scores.below.tolist(),
        "above": scores.above.tolist(),
        "owners": scores.owners.tolist(),
        "defined": scores.defined,
    }


def _rows(values: Float[ndarray, "image landmark"]) -> list[list[float | None]]:
    return [
        [float(f"{value:.{_DIGITS}g}") if np.isfinite(value) else None for value in row]
        for row in values
    ]


def _array(rows: _Rows, shape: tuple[int, int]) -> Float[ndarray, "image landmark"]:
    array = np.array(rows, dtype=float).reshape(len(rows), -1)
    if array.shape != shape:
        raise ValueError(f"expected {shape[0]} rows of {shape[1]}, got {array.shape}")
    return array
