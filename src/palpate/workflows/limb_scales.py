"""How long a px is at each joint of the frames of a study: of the grid, as given, in mm."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from palpate.augment.resample import fit
from palpate.errors import PalpateError
from palpate.evaluation.cases import EvaluatedCase
from palpate.evaluation.limb_depth import px_in_mm
from palpate.study import Study
from palpate.study_case import ClipFrame, StudyCase

# The paper's grid, whatever a localiser's own: errors in its pixels can be compared.
GRID = (128, 96)
GRID_PX, PX, MM = "grid_px", "px", "mm"
# Frame -> mm a px is at each of its labelled joints.
Millimetres = Mapping[str, Float[ndarray, " joint"]]
NOT_KNOWN: Millimetres = MappingProxyType({})


def region_of(frame: ClipFrame) -> tuple[int, int, int, int]:
    """Return the part of a frame that is looked at, (x, y, width, height) in px."""
    return frame.region or (0, 0, frame.size[0], frame.size[1])


def limb_scales(
    frames: Mapping[str, ClipFrame], in_mm: Millimetres, *, joints: int
) -> dict[str, Float[ndarray, "frame joint"]]:
    """Return unit -> how long a px of the frame is in it, at each joint of each frame.

    Args:
        frames: identifier -> where in a clip it is; in the order of the rows.
        in_mm: as :func:`labels_in_mm` gives it; empty where millimetres are not known.
        joints: how many.
    """
    grid = np.array([fit(region_of(frame), GRID).scale for frame in frames.values()])
    scales = {
        GRID_PX: np.repeat(grid[:, None], joints, axis=1),
        PX: np.ones((len(frames), joints)),
    }
    if in_mm:
        scales[MM] = np.stack([in_mm[name] for name in frames])
    return scales


def labels_in_mm(study: Study, cases: Sequence[EvaluatedCase]) -> Millimetres:
    """Read how many mm a px is at the labelled joints, from the depth measured there.

    Every frame is read once, in the order of its clip. A frame that cannot be read any more is not
    known in mm: what was predicted of it counts in px all the same.

    Returns:
        Frame -> (joint,), NaN where no label is or nothing was measured; nothing at all where the
        clips are not of a depth camera of known focal length.
    """
    settings = study.depth
    if settings is None or settings.intrinsics is None:
        return NOT_KNOWN
    labels = {case.identifier: case.truth.coordinates for case in cases}
    found = {}
    for case in sorted((study.case(name) for name in labels), key=_order):
        points = labels[case.identifier]
        try:
            counts = study.load(case).image.pixels[0]
        except PalpateError:
            found[case.identifier] = np.full(len(points), np.nan)
            continue
        found[case.identifier] = px_in_mm(
            counts, points, unit_mm=settings.unit_mm, intrinsics=settings.intrinsics
        )
    return found


def _order(case: StudyCase) -> tuple[str, int]:
    return (case.clip.clip, case.clip.frame) if case.clip is not None else (case.identifier, 0)
