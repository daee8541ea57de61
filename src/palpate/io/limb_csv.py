"""How the limbs of a clip were linked, as CSV: one row a frame, written as the frames come.

Columns: ``frame``, ``time_s``; for each limb its name with ``whole`` (all of its connections were
linked), ``partial`` (some, or only joints of it were found) or ``none``; for each connection
``<first>-<second>_link``, its score in [0, 1], and ``<first>-<second>_mm``, the distance of its
ends in the scene; and ``others``, how many more bodies, or parts of such, lie in the frame. A cell
is empty where a connection was not linked, or its length is not known.
"""

import csv
import os
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Literal

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from palpate.errors import OutputError
from palpate.linking.limbs import Limb, limbs_of
from palpate.linking.pose import LinkedPose
from palpate.scheme import LandmarkScheme

LimbState = Literal["whole", "partial", "none"]


def limb_state(limb: Limb, pose: LinkedPose) -> LimbState:
    """Say how much of a limb was found.

    Returns:
        ``whole`` where all of its connections are linked, ``none`` where none of its joints was
        found, else ``partial``.
    """
    if bool(pose.linked[list(limb.edges)].all()):
        return "whole"
    return "partial" if bool(pose.found[list(limb.joints)].any()) else "none"


class LimbWriter:
    """A table of limbs being written, frame by frame; a context manager.

    The file has another name until it is closed; where an error ends the writing, the rows that
    were given by then are kept under the right name.

    Raises:
        OutputError: the folder cannot be written, or the disk is full.
    """

    def __init__(self, path: Path, scheme: LandmarkScheme) -> None:
        self.path = path
        self.rows = 0
        self._limbs = limbs_of(scheme)
        self._header = [
            *("frame", "time_s"),
            *(limb.name for limb in self._limbs),
            *(
                f"{first}-{second}_{part}"
                for first, second in scheme.edges
                for part in ("link", "mm")
            ),
            "others",
        ]

    def __enter__(self) -> "LimbWriter":
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(
                prefix=f".{self.path.name}.", suffix=".partial", dir=self.path.parent
            )
        except OSError as error:
            raise self._refused(error) from error
        self._temporary = Path(name)
        self._stream = os.fdopen(handle, "w", encoding="utf-8", newline="")
        self._csv = csv.writer(self._stream, lineterminator="\n")
        self._csv.writerow(self._header)
        return self

    def add(
        self,
        frame: int,
        time_s: float,
        pose: LinkedPose,
        lengths_mm: Float[ndarray, " connection"],
    ) -> None:
        """Write one row; ``lengths_mm`` is NaN where a length is not known."""
        cells = [str(frame), f"{time_s:.6f}", *(limb_state(limb, pose) for limb in self._limbs)]
        for score, length in zip(pose.links, lengths_mm, strict=True):
            cells.append(f"{score:.4f}" if score > 0 else "")
            cells.append(f"{length:.1f}" if np.isfinite(length) else "")
        try:
            self._csv.writerow([*cells, str(pose.others)])
        except OSError as error:
            raise self._refused(error) from error
        self.rows += 1

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            self._stream.close()
            if self.rows or error is None:
                self._temporary.chmod(0o644)
                self._temporary.replace(self.path)
        except OSError as refused:
            raise self._refused(refused) from error
        finally:
            self._temporary.unlink(missing_ok=True)

    def _refused(self, error: OSError) -> OutputError:
        return OutputError(
            f"could not write {self.path}: {error.strerror or error}; free some space or choose "
            "another folder, then run the same command again"
        )
