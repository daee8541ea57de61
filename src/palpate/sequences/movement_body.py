"""What of a scheme moves: the ends of its limbs, their sides, and what its size is taken from."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from palpate.errors import SchemeError
from palpate.linking.limbs import limbs_of
from palpate.scheme import LandmarkScheme
from palpate.sequences.movement_amount import Amount

# A length from fewer frames than this may be a slip of the localiser.
_LEAST_FRAMES = 5


@dataclass(frozen=True, slots=True)
class MovingBody:
    """The limbs of a scheme as far as movement is concerned.

    Args:
        scheme: whose joints these are.
        limbs: names of the limbs.
        ends: (limb) index of the joint at the end of each limb: wrist, ankle.
        sides: pairs of limbs as (left, right) indices.
        roots: indices of the shoulders and of the hips, two each, between whose middles the trunk
            lies; None where the scheme has none such.
    """

    scheme: LandmarkScheme
    limbs: tuple[str, ...]
    ends: tuple[int, ...]
    sides: tuple[tuple[int, int], ...]
    roots: tuple[tuple[int, int], tuple[int, int]] | None

    @classmethod
    def of(cls, scheme: LandmarkScheme) -> "MovingBody":
        """Find limbs, sides and trunk of a scheme.

        Raises:
            SchemeError: the scheme has no edges, or some that make no limbs.
        """
        limbs = limbs_of(scheme)
        if not limbs:
            raise SchemeError(
                f"scheme {scheme.name!r} has no edges, so it has no limbs whose movement could be "
                "told; give the edges in study.toml"
            )
        ends = tuple(limb.joints[-1] for limb in limbs)
        mirrored = scheme.mirror_order()
        pairs = [
            (i, j)
            for i, end in enumerate(ends)
            for j, other in enumerate(ends)
            if i < j and mirrored[end] == other
        ]
        sides = tuple(_left_first(limbs[i].name, i, j) for i, j in pairs)
        return cls(scheme, tuple(limb.name for limb in limbs), ends, sides, _roots(scheme))

    @property
    def measured_by(self) -> str:
        """What one body length is, in words."""
        if self.roots is not None:
            return "trunk length, from the shoulders' middle to the hips' middle"
        return "median length of a limb's part"

    def scale(self, coordinates: Float[ndarray, "frame joint d"]) -> Amount:
        """One body length in the unit of the positions: the median over the frames that show it.

        As the camera sees it: where the body turns out of the image plane it becomes shorter.
        """
        lengths = self._lengths(coordinates)
        known = lengths[np.isfinite(lengths)]
        if len(known) < _LEAST_FRAMES:
            return Amount(reason=f"the {self.measured_by} is seen in {len(known)} frames")
        scale = float(np.median(known))
        return Amount(scale) if scale > 0.0 else Amount(reason="the body has no length")

    def _lengths(self, coordinates: Float[ndarray, "frame joint d"]) -> Float[ndarray, " n"]:
        if self.roots is not None:
            (a, b), (c, d) = self.roots
            upper = (coordinates[:, a] + coordinates[:, b]) / 2.0
            lower = (coordinates[:, c] + coordinates[:, d]) / 2.0
            return np.linalg.norm(upper - lower, axis=-1)
        index = self.scheme.index
        parts = np.array([(index(a), index(b)) for a, b in self.scheme.edges])
        steps = coordinates[:, parts[:, 0]] - coordinates[:, parts[:, 1]]
        return np.linalg.norm(steps, axis=-1).reshape(-1)


def _left_first(name: str, i: int, j: int) -> tuple[int, int]:
    return (i, j) if "left" in name.lower() else (j, i)


def _roots(scheme: LandmarkScheme) -> tuple[tuple[int, int], tuple[int, int]] | None:
    names = ("right_shoulder", "left_shoulder", "right_hip", "left_hip")
    if any(name not in scheme.names for name in names):
        return None
    a, b, c, d = scheme.indices(names)
    return (a, b), (c, d)
