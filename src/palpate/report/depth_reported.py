"""What the page of a clip of linked limbs is made of."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8
from numpy import ndarray

from palpate.errors import GeometryError
from palpate.linking.limbs import Limb, limbs_of
from palpate.linking.pose import LinkedPose
from palpate.report.clip_reported import ReportedClip
from palpate.report.depth_colours import DepthScale
from palpate.scheme import LandmarkScheme

# RGB frames by increasing indices
Pictures = Callable[[Sequence[int]], Iterator[tuple[int, UInt8[ndarray, "y x 3"]]]]


@dataclass(frozen=True, eq=False, slots=True)
class LimbCourse:
    """How limbs were linked over the frames of a clip.

    Args:
        scheme: its edges are the connections.
        scores: (frame, joint) in [0, 1]; 0 where not found.
        links: (frame, connection) in [0, 1]; 0 where not linked.
        lengths_mm: (frame, connection); NaN where not known.
        others: (frame,), how many more bodies, or parts of such.

    Raises:
        GeometryError: shapes that do not fit.
    """

    scheme: LandmarkScheme
    scores: Float[ndarray, "frame joint"]
    links: Float[ndarray, "frame connection"]
    lengths_mm: Float[ndarray, "frame connection"]
    others: Int[ndarray, " frame"]

    def __post_init__(self) -> None:
        frames, edges = len(self.links), len(self.scheme.edges)
        for name, wanted in (
            ("scores", (frames, len(self.scheme))),
            ("links", (frames, edges)),
            ("lengths_mm", (frames, edges)),
            ("others", (frames,)),
        ):
            if getattr(self, name).shape != wanted:
                raise GeometryError(
                    f"{name} of limbs should be of shape {wanted}, got {getattr(self, name).shape}"
                )

    @property
    def limbs(self) -> tuple[Limb, ...]:
        """The limbs of the scheme."""
        return limbs_of(self.scheme)

    def whole(self, limb: Limb) -> Bool[ndarray, " frame"]:
        """In which frames all connections of a limb are linked."""
        return np.asarray((self.links[:, list(limb.edges)] > 0).all(axis=1))

    def partial(self, limb: Limb) -> Bool[ndarray, " frame"]:
        """In which frames a limb is not whole, but some joint of it was found."""
        seen = (self.scores[:, list(limb.joints)] > 0).any(axis=1)
        return np.logical_and(seen, ~self.whole(limb))

    def shares(self, limb: Limb) -> tuple[float, float, float]:
        """Return the shares of frames in which a limb was whole, partial, and not found at all."""
        whole, partial = self.whole(limb), self.partial(limb)
        nothing = np.logical_not(np.logical_or(whole, partial))
        return float(whole.mean()), float(partial.mean()), float(nothing.mean())


@dataclass(frozen=True, eq=False, slots=True)
class ReportedDepth:
    """A clip with its frames as pictures, and its limbs.

    Args:
        clip: its track, and what was wrong.
        numbers: what each frame of the clip is called by.
        pictures: its frames as RGB.
        limbs: of each frame of the track; None where nothing was linked.
        scale: of the false colours, in counts; None for pictures that are not of depth.
        unit_mm: millimetres per count.
        notes: what else the figures rest on, in sentences.

    Raises:
        GeometryError: limbs of another number of frames than the track has.
    """

    clip: ReportedClip
    numbers: Int[ndarray, " frame"]
    pictures: Pictures
    limbs: LimbCourse | None = None
    scale: DepthScale | None = None
    unit_mm: float = 1.0
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        frames = len(self.clip.track.times_s)
        if self.limbs is not None and len(self.limbs.links) != frames:
            raise GeometryError(
                f"{self.clip.name}: limbs of {len(self.limbs.links)} frames beside a track of "
                f"{frames}"
            )

    def pose(self, row: int) -> LinkedPose | None:
        """Return how the limbs of one frame are linked; None where nothing was linked at all."""
        if self.limbs is None:
            return None
        track, there = self.clip.track, self.clip.track.present[row]
        nothing = np.where(there[:, None, None], np.zeros((2, 2)), np.nan)
        return LinkedPose(
            track.coordinates[row],
            nothing if track.covariance is None else track.covariance[row],
            np.where(there, self.limbs.scores[row], 0.0),
            self.limbs.links[row],
            int(self.limbs.others[row]),
        )
