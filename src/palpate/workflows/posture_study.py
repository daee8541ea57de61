"""Posture of a study with labels: predicted frames against labelled ones, as tables."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from palpate.augment.resample import fit
from palpate.errors import StudyError
from palpate.evaluation.cases import EvaluatedCase
from palpate.evaluation.posture import PostureEvaluation, evaluate_posture
from palpate.evaluation.posture_frames import PostureFrames, mean_pose
from palpate.files import write_json, write_rows
from palpate.protocols.posture import arranged
from palpate.protocols.protocol import Protocol
from palpate.study import Study
from palpate.study_case import ClipFrame

# The paper's grid, whatever a localiser's own: errors in its pixels can be compared.
GRID = (256, 256)
BASELINE = "mean pose of the other children"


@dataclass(frozen=True, eq=False, slots=True)
class StudiedPosture:
    """What a localiser says of posture, and what the mean pose of other children would.

    Args:
        found: of the localiser.
        baseline: of the mean pose of the other children, which sees no image.
    """

    found: PostureEvaluation
    baseline: PostureEvaluation


def posture_frames(
    protocol: Protocol,
    study: Study,
    cases: Sequence[EvaluatedCase],
    *,
    made_by: str,
    annotated_only: bool = False,
) -> PostureFrames:
    """Join labels and predictions of the frames of clips.

    Args:
        protocol: with a posture table; its landmarks are those of the study, in any order.
        study: where the frames are from.
        cases: predicted frames with their truth.
        made_by: who predicted.
        annotated_only: leave labels out of the score that lie between annotated frames.

    Raises:
        StudyError: a case is not a frame of a clip.
        SchemeError: the study lacks a landmark of the protocol.
    """
    scheme = study.scheme
    frames = [_frame_of(study, case.identifier) for case in cases]
    scored = None
    if annotated_only:
        names = protocol.scheme.names
        scored = np.array([[name not in frame.interpolated for name in names] for frame in frames])
    return PostureFrames(
        identifiers=tuple(case.identifier for case in cases),
        subjects=tuple(case.subject for case in cases),
        labels=arranged(protocol, scheme, np.stack([case.truth.coordinates for case in cases])),
        predictions=arranged(protocol, scheme, np.stack([case.prediction.mean for case in cases])),
        grid_per_px=np.array([min(GRID[0] / r[2], GRID[1] / r[3]) for r in map(_region, frames)]),
        made_by=made_by,
        facing=None if study.settings.video is None else study.settings.video.facing,
        scored=scored,
    )


def study_posture(
    protocol: Protocol,
    study: Study,
    cases: Sequence[EvaluatedCase],
    *,
    made_by: str,
    seed: int,
    annotated_only: bool = False,
) -> StudiedPosture:
    """Evaluate posture, and that of the mean pose of the other children beside it.

    Raises:
        StudyError: as :func:`posture_frames`, or there is one child only.
    """
    frames = posture_frames(protocol, study, cases, made_by=made_by, annotated_only=annotated_only)
    guessed = frames.predicted(_mean_poses(study, frames), made_by=BASELINE)
    return StudiedPosture(
        evaluate_posture(protocol, frames, rng=np.random.default_rng(seed)),
        evaluate_posture(protocol, guessed, rng=np.random.default_rng(seed)),
    )


def write_posture(posture: StudiedPosture, out: Path) -> None:
    """Write posture.json and the tables as CSV into ``out``."""
    both = (posture.found, posture.baseline)
    write_json(out / "posture.json", {each.made_by: each.to_json() for each in both})
    tables = [each.tables() for each in both]
    for name in tables[0]:
        write_rows(out / f"{name}.csv", [row for one in tables for row in one[name]])
    write_rows(out / "frames.csv", list(posture.found.rows()))


def _frame_of(study: Study, identifier: str) -> ClipFrame:
    frame = study.case(identifier).clip
    if frame is None:
        raise StudyError(
            f"posture is told from clips, and {identifier!r} is an image; put the clips into "
            "videos/ and name video and frame in landmarks.csv"
        )
    return frame


def _region(frame: ClipFrame) -> tuple[int, int, int, int]:
    return frame.region or (0, 0, frame.size[0], frame.size[1])


def _mean_poses(study: Study, frames: PostureFrames) -> Float[ndarray, "frame landmark 2"]:
    """For every frame the mean pose of the other children, on the grid, mapped into its image."""
    owners = np.array(frames.subjects)
    if len(set(frames.subjects)) < 2:
        return np.full_like(frames.labels, np.nan)
    to_grid = [fit(_region(_frame_of(study, name)), GRID) for name in frames.identifiers]
    on_grid = np.stack([affine(row) for affine, row in zip(to_grid, frames.labels, strict=True)])
    means = {
        child: mean_pose(on_grid[owners != child], tuple(owners[owners != child]))
        for child in sorted(set(frames.subjects))
    }
    return np.stack(
        [
            affine.inverse()(means[child])
            for affine, child in zip(to_grid, frames.subjects, strict=True)
        ]
    )
