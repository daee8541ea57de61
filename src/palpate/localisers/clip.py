"""What finds landmarks in several frames of a clip at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray

from palpate.affine import Affine
from palpate.image import Image
from palpate.linking.pose import LinkedPose
from palpate.localisers.localiser import Localiser
from palpate.prediction import Prediction


@dataclass(frozen=True, eq=False, slots=True)
class ClipPlane:
    """One frame, fitted into the grid of a network.

    Args:
        values: (y, x) with mean 0 over what is valid; 0 where it is not.
        valid: (y, x), False where the camera measured nothing, and outside the frame.
        to_grid: px of the frame as given -> grid.
    """

    values: Float[ndarray, "y x"]
    valid: Bool[ndarray, "y x"]
    to_grid: Affine

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", np.asarray(self.values, dtype=np.float32))


@dataclass(frozen=True, eq=False, slots=True)
class FoundFrame:
    """What was found in one frame: a prediction of its landmarks, and how they are linked.

    Args:
        prediction: in px of the frame as given; its ``scheme.edges`` are the connections.
        pose: the same joints in px of the frame as given, with the links.
    """

    prediction: Prediction
    pose: LinkedPose


@runtime_checkable
class ClipLocaliser(Localiser, Protocol):
    """Finds landmarks in ``frames`` frames that are ``interval_s`` apart, in all of them at once.

    ``predict`` of one image shows it that image ``frames`` times: a still.
    """

    @property
    def frames(self) -> int:
        """How many frames it is given at a time."""
        ...

    @property
    def interval_s(self) -> float:
        """From one frame to the next, as in training."""
        ...

    def prepare(self, image: Image) -> ClipPlane:
        """Fit a frame into the grid."""
        ...

    def find(
        self, clips: Sequence[Sequence[ClipPlane]], *, last: bool = False
    ) -> list[list[FoundFrame]]:
        """Find the landmarks of clips of ``frames`` frames each, in time's order.

        With ``last`` only the last frame of each clip is read, the others being its past.
        """
        ...
