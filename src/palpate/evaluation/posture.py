"""Evaluate predicted postures against labels: the tables of Cunningham et al. 2019, with intervals.

Takes :class:`PostureFrames`, gives :class:`PostureEvaluation`. A baseline is evaluated as any other
prediction of the same frames (``frames.predicted(...)``); its rows carry its name, so that the
rows of several evaluations make one table.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from palpate.errors import StudyError
from palpate.evaluation.bootstrap import Resampling
from palpate.evaluation.plain import plain
from palpate.evaluation.posture_alignment import (
    Curve,
    alignment,
    contact_agreement,
    curves,
)
from palpate.evaluation.posture_classes import Agreement
from palpate.evaluation.posture_errors import AngleErrors, PointErrors, angle_errors, point_errors
from palpate.evaluation.posture_frames import PostureFrames
from palpate.evaluation.posture_judged import Judged, References, judge
from palpate.protocols.protocol import Protocol

Row = dict[str, float | str | None]

# A class of fewer frames than this gives no rate: less than half a second of video.
FEWEST = 10


@dataclass(frozen=True, eq=False, slots=True)
class PostureEvaluation:
    """Every figure of a predicted posture.

    Args:
        made_by: who predicted.
        protocol: name and version.
        frames: how many.
        children: sorted names.
        threshold_deg: of ``alignment``.
        fewest: frames that a class must hold for a rate.
        angles: errors of segments and groups (table 1).
        points: errors of points.
        alignment: agreement on misaligned segments (table 2).
        contact: agreement on contact with the landmark of the labels (table 3).
        contact_own: the same with the predicted landmark, as in use.
        curves: F1 against the threshold (figure 5).
        references: child -> segment -> angle of the reference posture; None where not known.
        resamples: of the bootstrap.
        level: of the intervals.
        notes: what a reader must know, in sentences.
        judged: the angles of every frame.
    """

    made_by: str
    protocol: str
    frames: int
    children: tuple[str, ...]
    threshold_deg: float
    fewest: int
    angles: AngleErrors
    points: PointErrors
    alignment: tuple[Agreement, ...]
    contact: tuple[Agreement, ...]
    contact_own: tuple[Agreement, ...]
    curves: tuple[Curve, ...]
    references: Mapping[str, Mapping[str, float | None]]
    resamples: int
    level: float
    notes: tuple[str, ...]
    judged: Judged

    def to_json(self) -> dict[str, Any]:
        """Return all figures as plain values, ready for :func:`palpate.files.write_json`.

        A figure that does not exist is None, with the reason beside it or a count of 0; there
        is no NaN.
        """
        return {
            part.name: plain(getattr(self, part.name))
            for part in fields(self)
            if part.name != "judged"
        }

    def tables(self) -> dict[str, list[Row]]:
        """Return each table as rows for a CSV, by name; each row names who predicted.

        A rate or a mean that does not exist is a text that begins with 'too few'.
        """
        tables: dict[str, list[Row]] = {
            "angles": self.angles.rows(),
            "points": self.points.rows(),
            "alignment": [
                {"threshold_deg": self.threshold_deg, **each.row()} for each in self.alignment
            ],
            "contact": _contact_rows(self.contact, "label")
            + _contact_rows(self.contact_own, "prediction"),
            "curves": [row for curve in self.curves for row in curve.rows()],
        }
        return {
            name: [{"prediction": self.made_by, **row} for row in rows]
            for name, rows in tables.items()
        }

    def rows(self) -> Iterator[Row]:
        """Yield one row a frame and segment, for a CSV; None where there is no value.

        ``status`` is ``found``, ``missed`` or ``not scored``: the label is absent, or left out.
        """
        judged = self.judged
        errors, wanted, frames = judged.errors, judged.wanted, judged.frames
        for i, identifier in enumerate(frames.identifiers):
            for k, segment in enumerate(judged.table.segments):
                found = bool(np.isfinite(judged.predicted[i, k]))
                yield {
                    "prediction": self.made_by,
                    "frame": identifier,
                    "subject": frames.subjects[i],
                    "segment": segment,
                    "status": ("found" if found else "missed") if wanted[i, k] else "not scored",
                    "reference_deg": _finite(judged.rows[i, k]),
                    "true_deg": _finite(judged.labelled[i, k]),
                    "deg": _finite(judged.predicted[i, k]),
                    "error_deg": _finite(errors[i, k]),
                }


def evaluate_posture(
    protocol: Protocol,
    frames: PostureFrames,
    *,
    rng: np.random.Generator,
    resamples: int = 1000,
    references: References | None = None,
    fewest: int = FEWEST,
) -> PostureEvaluation:
    """Compute the errors of points and angles, and the agreement on alignment and contact.

    The reference posture of a child is the mean of its label angles over all of its frames,
    those included that are not scored; labels and predictions are each compared with it. Groups
    of segments count each segment of each frame once. What is labelled and not predicted is
    'missed' or 'unknown', counted, and in no rate. Intervals are by bootstrap over children;
    the reference is held.

    Args:
        protocol: with a posture table.
        frames: labels and predictions.
        rng: draws the resamples of the children.
        resamples: how many.
        references: child -> angle of each segment in its neutral frame, instead of the mean.
        fewest: frames that a class must hold for a rate; else the rate is 'too few'.

    Raises:
        ConfigError: the protocol has no posture table, or asks for neutral frames.
        StudyError: a child without a reference, or a facing that the labels contradict.
        GeometryError: arrays that do not fit the protocol.

    Source:
        Cunningham et al., R. Soc. Open Sci. 6:191011, 2019, sections 2.7, 2.8 and 3.

    Example:
        >>> from palpate.protocols.protocol import read_protocol
        >>> satco = read_protocol("satco")
        >>> child = [satco.drawings["child"][name] for name in satco.scheme.names]
        >>> labels = np.array([child, child], dtype=float)
        >>> frames = PostureFrames(
        ...     ("a#0", "b#0"), ("a", "b"), labels, labels + 3.0, np.array([0.5, 0.5]), "net")
        >>> done = evaluate_posture(satco, frames, rng=np.random.default_rng(0))
        >>> round(done.points.overall_grid.mean, 3), done.alignment[0].f1.shown
        (2.121, 'too few (0 positives)')
    """
    if fewest < 1:
        raise StudyError(f"a rate needs at least 1 frame in its class, got fewest = {fewest}")
    resampling = Resampling.draw(frames.subjects, rng, resamples=resamples)
    judged = judge(protocol, frames, resampling, references)
    table = judged.table
    return PostureEvaluation(
        made_by=frames.made_by,
        protocol=protocol.label,
        frames=len(frames.identifiers),
        children=resampling.subjects,
        threshold_deg=table.threshold_deg,
        fewest=fewest,
        angles=angle_errors(judged),
        points=point_errors(judged, protocol.scheme.names),
        alignment=alignment(judged, table.threshold_deg, fewest=fewest),
        contact=contact_agreement(judged, protocol, against=frames.labels, fewest=fewest),
        contact_own=contact_agreement(judged, protocol, against=frames.predictions, fewest=fewest),
        curves=curves(judged, fewest=fewest),
        references={
            child: {
                name: _finite(angle) for name, angle in zip(table.segments, angles, strict=True)
            }
            for child, angles in judged.references.items()
        },
        resamples=resamples,
        level=resampling.level,
        notes=_notes(judged, given=references is not None),
        judged=judged,
    )


def _finite(value: np.floating[Any]) -> float | None:
    return float(value) if np.isfinite(value) else None


def _contact_rows(rows: tuple[Agreement, ...], source: str) -> list[Row]:
    return [{"compared_with": source, **each.row()} for each in rows]


def _notes(judged: Judged, *, given: bool) -> tuple[str, ...]:
    frames = judged.frames
    notes = []
    if not given:
        notes.append(
            "The reference posture of a child is its mean label angle over all of its frames: "
            "ground truth is used at test time for this."
        )
    notes.append(
        "Contact is given twice: compared with the landmark of the labels, which is ground truth, "
        "and compared with the predicted landmark, as in use."
    )
    if frames.scored is not None:
        left = int((~frames.scored & np.isfinite(frames.labels[..., 0])).sum())
        total = int(np.isfinite(frames.labels[..., 0]).sum())
        notes.append(
            f"{left} of {total} labelled points are not scored; the reference posture holds them."
        )
    missed = int((frames.counted & ~np.isfinite(frames.errors_px)).sum())
    if missed:
        notes.append(
            f"{missed} of {int(frames.counted.sum())} labelled points were not found: they are in "
            "no mean and no rate, and their counts are given."
        )
    if len(judged.resampling.subjects) < 2:
        notes.append("There is one child only: no interval can be given.")
    return tuple(notes)
