"""Errors of the limbs of a study of clips: predicted frames against labelled ones, as tables."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from palpate.augment.resample import fit
from palpate.errors import StudyError
from palpate.evaluation.cases import EvaluatedCase
from palpate.evaluation.limb_clips import LimbFrames
from palpate.evaluation.limb_costs import RunCost, run_cost
from palpate.evaluation.limb_errors import LimbEvaluation, evaluate_limbs
from palpate.evaluation.limb_paired import LimbDifference, paired_limbs
from palpate.evaluation.plain import plain
from palpate.evaluation.posture_frames import mean_pose
from palpate.files import write_rows
from palpate.localisers.limb_spec import LIMBS
from palpate.localisers.run_folder import RunFolder
from palpate.report.limb_report import ReportedLimbs, write_limb_report
from palpate.study import Study
from palpate.study_case import ClipFrame
from palpate.workflows.limb_scales import (
    GRID,
    MM,
    NOT_KNOWN,
    Millimetres,
    labels_in_mm,
    limb_scales,
    region_of,
)
from palpate.workflows.scored import scored_cases

BASELINE = "mean pose of the other subjects"


@dataclass(frozen=True, eq=False, slots=True)
class StudiedLimbs:
    """What predictions say of limbs, and what the mean pose of other subjects would.

    Args:
        found: of each prediction; the first is what the others are compared with.
        baseline: of the mean pose of the other subjects, which sees no image; None where the
            study is of one subject.
        costs: of each prediction: what its runs cost.
        differences: name of a prediction -> paired differences to the first.
        notes: how the figures are to be read.
    """

    found: tuple[LimbEvaluation, ...]
    baseline: LimbEvaluation | None
    costs: Mapping[str, RunCost]
    differences: Mapping[str, tuple[LimbDifference, ...]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def every(self) -> tuple[LimbEvaluation, ...]:
        """All evaluations, the baseline last."""
        return (*self.found, *(() if self.baseline is None else (self.baseline,)))

    def to_json(self) -> dict[str, Any]:
        """Return plain values; None where a figure does not exist."""
        return {
            "grid": list(GRID),
            "predictions": {each.made_by: each.to_json() for each in self.every},
            "costs": {name: cost.to_json() for name, cost in self.costs.items()},
            "differences": {
                name: [plain(row) for row in rows] for name, rows in self.differences.items()
            },
            "notes": list(self.notes),
        }


def tells_of_limbs(study: Study, runs: Sequence[Path]) -> bool:
    """Say whether runs find limbs in the frames of clips: one of method ``limbs`` is enough."""
    if not study.scheme.edges or any(case.clip is None for case in study.cases):
        return False
    folders = [RunFolder(run) for run in runs]
    return any(
        folder.localiser.exists() and folder.description().get("method") == LIMBS
        for folder in folders
    )


def study_limbs(
    study: Study,
    predicted: Mapping[str, Sequence[EvaluatedCase]],
    runs: Mapping[str, Sequence[Path]],
    *,
    seed: int,
) -> StudiedLimbs:
    """Evaluate the limbs of one prediction or of several, the mean pose of others beside them.

    Labels that were interpolated between annotated frames are left out: the clips are of
    annotated frames. Where the clips are of a depth camera of known focal length, every frame is
    read once more, for its errors in mm.

    Args:
        study: where the frames are from.
        predicted: who predicted -> frames with their truth; the first is the one that the others
            are compared with.
        runs: who predicted -> run folders, whose ``metrics.json`` tells what they cost.
        seed: draws the bootstrap.

    Raises:
        StudyError: a case is not a frame of a clip, no label is a person's, or predictions that
            are not of the same frames.
    """
    scored = {
        name: scored_cases(study, cases, annotated_only=True) for name, cases in predicted.items()
    }
    in_mm = labels_in_mm(study, [case for cases in scored.values() for case in cases])
    frames = {
        name: limb_frames(study, cases, made_by=name, in_mm=in_mm) for name, cases in scored.items()
    }
    first, *others = frames
    guessed = _mean_poses(study, frames[first])
    baseline = None if guessed is None else frames[first].predicted(guessed, made_by=BASELINE)
    found = tuple(_evaluated(each, seed) for each in frames.values())
    return StudiedLimbs(
        found=found,
        baseline=None if baseline is None else _evaluated(baseline, seed),
        costs={name: read_cost(folders) for name, folders in runs.items()},
        differences={
            name: paired_limbs(frames[first], frames[name], rng=np.random.default_rng(seed))
            for name in others
        },
        notes=_notes(found[0], frames[first], alone=baseline is None),
    )


def limb_frames(
    study: Study,
    cases: Sequence[EvaluatedCase],
    *,
    made_by: str,
    in_mm: Millimetres = NOT_KNOWN,
) -> LimbFrames:
    """Join labels and predictions of the frames of clips.

    Args:
        study: where the frames are from.
        cases: frames with their truth.
        made_by: who predicted.
        in_mm: frame -> mm a px is at its joints; empty where that is not known.

    Raises:
        StudyError: a case is not a frame of a clip.
    """
    frames = {case.identifier: _frame_of(study, case.identifier) for case in cases}
    return LimbFrames(
        scheme=study.scheme,
        identifiers=tuple(case.identifier for case in cases),
        subjects=tuple(case.subject for case in cases),
        labels=np.stack([case.truth.coordinates for case in cases]),
        predictions=np.stack([case.prediction.mean for case in cases]),
        scales=limb_scales(frames, in_mm, joints=len(study.scheme)),
        made_by=made_by,
    )


def fold_runs(out: Path, folds: int) -> tuple[Path, ...]:
    """Return the run folders of a cross-validation."""
    return tuple(out / f"fold-{number + 1}" for number in range(folds))


def read_cost(runs: Sequence[Path]) -> RunCost:
    """Read what training and predicting cost in several runs of one method."""
    return run_cost({run.name: _metrics(RunFolder(run).metrics) for run in runs})


def write_limbs(
    studied: StudiedLimbs, out: Path, *, title: str, provenance: Mapping[str, str]
) -> None:
    """Write ``limbs.csv``, ``limb_clips.csv``, ``limb_differences.csv`` and ``limbs.html``."""
    costs = {name: cost.row() for name, cost in studied.costs.items()}
    empty = RunCost().row()
    write_rows(
        out / "limbs.csv",
        [
            {**row, **costs.get(each.made_by, empty)}
            for each in studied.every
            for row in each.rows()
        ],
    )
    clips = [row for each in studied.every for row in each.errors.rows()]
    if clips:
        write_rows(out / "limb_clips.csv", clips)
    differences = [
        {"recipe": name, **row.row()} for name, rows in studied.differences.items() for row in rows
    ]
    if differences:
        write_rows(out / "limb_differences.csv", differences)
    write_limb_report(
        ReportedLimbs(
            title,
            studied.found,
            studied.baseline,
            studied.costs,
            studied.differences,
            notes=studied.notes,
            provenance=provenance,
        ),
        out / "limbs.html",
    )


def _evaluated(frames: LimbFrames, seed: int) -> LimbEvaluation:
    return evaluate_limbs(frames, rng=np.random.default_rng(seed))


def _notes(found: LimbEvaluation, frames: LimbFrames, *, alone: bool) -> tuple[str, ...]:
    notes = []
    errors = found.errors
    if errors.left_out:
        notes.append(
            f"{errors.left_out:,} annotated frames are in no clip of three: they stand at the end "
            "of their video, or beside a gap of its annotation."
        )
    if MM in frames.scales:
        notes.append(_note_of_mm(frames))
    if len(set(errors.subjects)) == 1:
        notes.append("One subject: there are no intervals.")
    if alone:
        notes.append("The study has no other subject, whose mean pose could stand beside.")
    return tuple(notes)


def _note_of_mm(frames: LimbFrames) -> str:
    note = "In mm a distance is across the scene, at the depth measured at the labelled joint."
    labelled = int(frames.annotated.sum())
    unknown = labelled - int((frames.annotated & np.isfinite(frames.scales[MM])).sum())
    if not unknown:
        return note
    return f"{note} None was at {unknown:,} of {labelled:,}; those are in no figure in mm."


def _frame_of(study: Study, identifier: str) -> ClipFrame:
    frame = study.case(identifier).clip
    if frame is None:
        raise StudyError(
            f"errors of limbs are told from clips, and {identifier!r} is an image; put the clips "
            "into videos/ and name video and frame in landmarks.csv"
        )
    return frame


def _mean_poses(study: Study, frames: LimbFrames) -> Float[ndarray, "frame joint 2"] | None:
    """For every frame the mean pose of the study's other subjects, mapped from the grid into it.

    None where the study has no other subject.
    """
    known = [
        (case.subject, fit(region_of(case.clip), GRID)(case.points.coordinates))
        for case in study.cases
        if case.points is not None and case.clip is not None
    ]
    owners = np.array([subject for subject, _ in known])
    if len(set(owners.tolist()) | set(frames.subjects)) < 2:
        return None
    on_grid = np.stack([points for _, points in known])
    means = {
        subject: mean_pose(on_grid[owners != subject], tuple(owners[owners != subject].tolist()))
        for subject in sorted(set(frames.subjects))
        if (owners != subject).any()
    }
    absent = np.full_like(frames.labels[0], np.nan)
    return np.stack(
        [
            fit(region_of(_frame_of(study, name)), GRID).inverse()(means.get(subject, absent))
            for name, subject in zip(frames.identifiers, frames.subjects, strict=True)
        ]
    )


def _metrics(path: Path) -> dict[str, Any]:
    """What a run tells of itself; nothing where it cannot be read, which a note will say."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return values if isinstance(values, dict) else {}
