"""A smoothed track as CSV, beside the raw one."""

import csv
import io
from pathlib import Path

import numpy as np

from palpate.files import write_text
from palpate.sequences.smooth import Smoothed

_PARTS = ("x", "y", "filled", "outlier")


def write_smoothed(smoothed: Smoothed, path: Path) -> None:
    """Write one row a frame: positions, and which were filled in or jumped in the raw track.

    Raises:
        OutputError: it cannot be written.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    names = smoothed.raw.names
    writer.writerow(["frame", "time_s", *(f"{name}_{part}" for name in names for part in _PARTS)])
    for frame, time in enumerate(smoothed.raw.times_s):
        cells = [str(frame), f"{time:.6f}"]
        for k, (x, y) in enumerate(smoothed.coordinates[frame]):
            position = ["", ""] if np.isnan(x) else [f"{x:.4f}", f"{y:.4f}"]
            flags = (smoothed.filled[frame, k], smoothed.outliers[frame, k])
            cells += [*position, *(str(int(flag)) for flag in flags)]
        writer.writerow(cells)
    write_text(path, text.getvalue())
