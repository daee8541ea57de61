"""Landmarks of a clip as CSV, one row a frame: written as the frames come, read back whole.

Columns: ``frame`` (from 0), ``time_s``, then for each landmark ``<name>_x, <name>_y`` in px of the
frame as given, ``<name>_xx, <name>_xy, <name>_yy`` (covariance in px²) and ``<name>_score``. All of
a landmark's cells are empty where it was not found; covariance and score where there is none.
"""

from pathlib import Path

import numpy as np
from numpy import ndarray

from palpate.errors import FormatError, PalpateError
from palpate.io.csv_plain import csv_records
from palpate.io.growing_csv import GrowingCsv
from palpate.io.text import parse_number, read_whole_text
from palpate.prediction import Prediction
from palpate.sequences.track import Track

_PARTS = ("x", "y", "xx", "xy", "yy", "score")


class TrackWriter(GrowingCsv):
    """A track being written, frame by frame.

    Raises:
        OutputError: the folder cannot be written, or the disk is full.
    """

    def __init__(self, path: Path, names: tuple[str, ...]) -> None:
        columns = (f"{name}_{part}" for name in names for part in _PARTS)
        super().__init__(path, ["frame", "time_s", *columns])

    def add(self, frame: int, time_s: float, prediction: Prediction) -> None:
        """Write one row."""
        cells = [str(frame), f"{time_s:.6f}"]
        rows = zip(prediction.mean, prediction.covariance, prediction.score, strict=True)
        for mean, covariance, score in rows:
            cells += _cells(mean, covariance, float(score))
        self.write(cells)


def _cells(mean: ndarray, covariance: ndarray, score: float) -> list[str]:
    if np.isnan(mean).any():
        return [""] * len(_PARTS)
    spread = (covariance[0, 0], covariance[0, 1], covariance[1, 1])
    return [*(f"{v:.4f}" for v in mean), *(f"{v:.6g}" for v in spread), f"{score:.4f}"]


def read_track(path: Path) -> Track:
    """Read what :class:`TrackWriter` wrote; the covariances where every point has one.

    Raises:
        FormatError: not such a file; says line and column.
    """
    records = csv_records(path, read_whole_text(path))
    line, header = next(records, (1, []))
    names = tuple(column.removesuffix("_x") for column in header[2 :: len(_PARTS)])
    expected = ["frame", "time_s", *(f"{name}_{part}" for name in names for part in _PARTS)]
    if not names or header != expected:
        raise FormatError(
            path,
            "expected the columns frame, time_s, <name>_x, <name>_y, <name>_xx, <name>_xy, "
            "<name>_yy, <name>_score, ...",
            line=line,
        )
    rows = [
        [
            np.nan if not cell else parse_number(cell, path, line=line, what=column)
            for cell, column in zip(cells, header, strict=True)
        ]
        for line, cells in records
    ]
    if not rows:
        raise FormatError(path, "holds no frame")
    values = np.array(rows)
    parts = values[:, 2:].reshape(len(values), len(names), len(_PARTS))
    covariance = parts[..., [2, 3, 3, 4]].reshape(*parts.shape[:2], 2, 2)
    there = ~np.isnan(parts[..., 0])
    try:
        given = covariance if np.isfinite(covariance[there]).all() else None
        return Track(names, parts[..., :2], values[:, 1], given)
    except PalpateError as error:
        raise FormatError(path, str(error)) from error
