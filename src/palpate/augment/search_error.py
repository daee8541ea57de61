"""How far regions lie that a search found from those that the annotation gives; and drawing such.

A second search that was trained on regions about the annotation alone has never seen one that is
off; then its error on new films is larger than on those that it was tried on.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from palpate.affine import Affine
from palpate.augment.region import RegionOfInterest
from palpate.errors import StudyError

# A region whose size differs by more than this factor, or that is turned further, shows something
# else.
_LOST_SCALE = 2.0
_LOST_DEG = 60.0


@dataclass(frozen=True, slots=True)
class SearchError:
    """Root mean square differences of found regions from true ones, in the region's own frame.

    Args:
        shift_px: of the region's centre, along x and y, px of the region.
        rotation_deg: of the region.
        log_scale: natural logarithm of the ratio of sizes.
        films: how many regions were compared.
        lost: regions that are left out of the other figures: the true centre lies outside them, or
            they differ in size by more than a factor of two or by a turn of more than 60 degrees.
            A second search cannot mend these.
    """

    shift_px: tuple[float, float]
    rotation_deg: float
    log_scale: float
    films: int
    lost: int

    def draw(self, rng: np.random.Generator, region: RegionOfInterest) -> Affine:
        """Draw a map of the canvas onto itself as a search that is off would give it."""
        shift = rng.normal(0.0, self.shift_px)
        angle = np.radians(rng.normal(0.0, self.rotation_deg))
        factor = np.exp(rng.normal(0.0, self.log_scale))
        turn = factor * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        centre = _centre(region)
        matrix = np.eye(3)
        matrix[:2, :2], matrix[:2, 2] = turn, centre + shift - turn @ centre
        return Affine(matrix, "pixel", "pixel")


def search_error(
    pairs: Sequence[tuple[Affine, Affine | None]], region: RegionOfInterest
) -> SearchError:
    """Compare views: (true, found), each from px of a film to px of the canvas; None: not found.

    Raises:
        StudyError: nothing to compare, or every search was lost.
    """
    centre = _centre(region)
    kept, lost = [], 0
    for true, found in pairs:
        if found is None:
            lost += 1
            continue
        off = found @ true.inverse()
        shift = off(centre[None])[0] - centre
        log_scale = float(np.log(off.scale))
        angle = float(np.degrees(np.arctan2(off.linear[1, 0], off.linear[0, 0])))
        outside = (np.abs(shift) > np.array(region.size) / 2).any()
        if outside or abs(log_scale) > np.log(_LOST_SCALE) or abs(angle) > _LOST_DEG:
            lost += 1
        else:
            kept.append([*shift, angle, log_scale])
    if not kept:
        raise StudyError(
            f"of {len(pairs)} held-out films, the first search found the place of none: it needs "
            "more films or a longer training, or other region.references"
        )
    x, y, rotation, scale = np.sqrt(np.mean(np.square(kept), axis=0)).tolist()
    return SearchError((x, y), rotation, scale, len(pairs), lost)


def _centre(region: RegionOfInterest) -> Float[ndarray, " 2"]:
    return (np.array(region.canvas) - 1) / 2
