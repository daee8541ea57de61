"""What is said of a clip of depth or of linked limbs, in clip.json and on its page."""

import numpy as np

from palpate.localisers.clip import ClipLocaliser
from palpate.localisers.localiser import Localiser
from palpate.report.clip_reported import ReportedClip
from palpate.report.depth_reported import LimbCourse, ReportedDepth
from palpate.workflows.predict_depth_clip import PredictedDepth
from palpate.workflows.predict_depth_groups import usual_step


def about_depth(found: PredictedDepth, localiser: Localiser) -> dict[str, object]:
    """Return what clip.json says beside what it says of every clip."""
    opened = found.opened
    said: dict[str, object] = {
        "numbers": [int(opened.numbers[0]), int(opened.numbers[-1])],
        "start_s": opened.start_s,
    }
    if opened.depth is not None:
        camera = opened.depth.intrinsics
        said["depth"] = {
            "unit_mm": opened.depth.unit_mm,
            "focal_px": None if camera is None else list(camera.focal_px),
            "centre_px": None if camera is None else list(camera.centre_px),
        }
    if isinstance(localiser, ClipLocaliser):
        said["seen_together"] = {
            "frames": localiser.frames,
            "interval_s": localiser.interval_s,
            "not_spaced": found.unspaced,
        }
    if found.limbs is not None:
        said["limbs"] = _limbs(found.limbs)
    return said


def _limbs(course: LimbCourse) -> dict[str, dict[str, float]]:
    names = ("whole", "partial", "none")
    return {limb.name: dict(zip(names, course.shares(limb), strict=True)) for limb in course.limbs}


def reported_depth(
    found: PredictedDepth, clip: ReportedClip, localiser: Localiser
) -> ReportedDepth:
    """Return what the page of the clip is made of."""
    opened = found.opened
    return ReportedDepth(
        clip,
        opened.numbers,
        opened.pictures,
        found.limbs,
        opened.scale,
        1.0 if opened.depth is None else opened.depth.unit_mm,
        tuple(_notes(found, localiser)),
    )


def _notes(found: PredictedDepth, localiser: Localiser) -> list[str]:
    if not isinstance(localiser, ClipLocaliser):
        return []
    said = []
    step = usual_step(found.opened.times_s)
    if localiser.interval_s > 0:
        said.append(
            f"Frames are seen {localiser.frames} at a time, {localiser.interval_s:.3f} s apart as "
            "in training, each of them in one group."
        )
    else:
        said.append(
            f"Frames are seen {localiser.frames} at a time, each after the last: how far apart "
            "they were in training is not known."
        )
    if found.unspaced:
        why = (
            f"the clip has a frame every {step:.3f} s"
            if np.isfinite(step) and step > localiser.interval_s > 0
            else "at the ends, or beside gaps"
        )
        said.append(
            f"{found.unspaced:,} of {len(found.clip.track.times_s):,} frames were seen beside "
            f"frames that are not so far apart ({why}): trust them less."
        )
    return said
