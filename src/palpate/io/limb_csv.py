"""How the limbs of a clip were linked, as CSV: one row a frame, written as the frames come.

Columns: ``frame``, ``time_s``; for each limb its name with ``whole`` (all of its connections were
linked), ``partial`` (some, or only joints of it were found) or ``none``; for each connection
``<first>-<second>_link``, its score in [0, 1], and ``<first>-<second>_mm``, the distance of its
ends in the scene; and ``others``, how many more bodies, or parts of such, lie in the frame. A cell
is empty where a connection was not linked, or its length is not known.
"""

from pathlib import Path
from typing import Literal

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from palpate.io.growing_csv import GrowingCsv
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


class LimbWriter(GrowingCsv):
    """A table of limbs being written, frame by frame.

    Raises:
        OutputError: the folder cannot be written, or the disk is full.
    """

    def __init__(self, path: Path, scheme: LandmarkScheme) -> None:
        self._limbs = limbs_of(scheme)
        connections = (
            f"{first}-{second}_{part}" for first, second in scheme.edges for part in ("link", "mm")
        )
        limbs = (limb.name for limb in self._limbs)
        super().__init__(path, ["frame", "time_s", *limbs, *connections, "others"])

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
        self.write([*cells, str(pose.others)])
