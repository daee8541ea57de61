"""From predictions with truth to figures, measurements, tables on disk and the report."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy import ndarray

from palpate.conformal.measurement_scores import MeasurementScores
from palpate.evaluation.agreement_study import RatersCompared
from palpate.evaluation.baselines import Baseline
from palpate.evaluation.cases import EvaluatedCase
from palpate.evaluation.curve_errors import Outline
from palpate.evaluation.evaluate import Evaluation, evaluate
from palpate.evaluation.measurements import Agreement, agreement
from palpate.evaluation.plain import plain
from palpate.evaluation.reliability import Trusted
from palpate.evaluation.risk_coverage import RiskCoverage
from palpate.files import write_json, write_rows
from palpate.io.measurements import write_measurements
from palpate.io.predictions import PredictedImage, PredictionFile, write_predictions
from palpate.measurement import Report
from palpate.protocols.measure import measure, measure_points
from palpate.protocols.protocol import Protocol
from palpate.report.baseline_section import baseline_section
from palpate.report.coverage_section import coverage_section
from palpate.report.parts import Section
from palpate.report.posture_report import ReportedPosture, write_posture_report
from palpate.report.reported import ReportedCase, StudyReport
from palpate.report.risk_section import risk_section
from palpate.report.study_report import write_report
from palpate.study import Study
from palpate.trust.calibration import UncertaintyCalibration
from palpate.workflows.agreement import write_agreement
from palpate.workflows.evaluate import EvaluatedStudy
from palpate.workflows.limb_tables import StudiedLimbs, study_limbs, tells_of_limbs, write_limbs
from palpate.workflows.posture_study import StudiedPosture, study_posture, write_posture
from palpate.workflows.risk_curves import risk_curves
from palpate.workflows.scored import scored_cases
from palpate.workflows.trusted import calibrated_study, judge_trust


@dataclass(frozen=True, eq=False, slots=True)
class Assessment:
    """Everything that is known of a localiser on held-out images.

    Args:
        study: where the images are from.
        evaluated: predictions and truth, uncertainty as calibrated.
        evaluation: the figures.
        protocol: what was measured with; None where the study names none.
        measured: one report an image, from the predictions.
        marked: one report an image, from the annotation.
        agreement: of the two; None without a protocol.
        posture: of the frames of clips, where the protocol tells of posture; then single frames
            are not measured.
        limbs: of clips, where the run finds limbs in them.
        trusted: whether regions and intervals hold; None where nothing was calibrated.
        risks: what setting the doubtful cases aside saves; empty for frames of clips, which
            nobody sets aside one by one, and where there are few cases.
        stated: predictions as the localiser states them, which are what is kept on disk: a later
            calibration needs them so. None where they are those of ``evaluated``.
        baselines: the same images guessed without a model.
        people: annotators and the model as raters; None where fewer than two annotated.
    """

    study: Study
    evaluated: EvaluatedStudy
    evaluation: Evaluation
    protocol: Protocol | None = None
    measured: tuple[Report, ...] = ()
    marked: tuple[Report, ...] = ()
    agreement: Agreement | None = None
    posture: StudiedPosture | None = None
    limbs: StudiedLimbs | None = None
    trusted: Trusted | None = None
    risks: tuple[RiskCoverage, ...] = ()
    stated: tuple[PredictedImage, ...] | None = None
    baselines: tuple[Baseline, ...] = ()
    people: RatersCompared | None = None
    warnings: Sequence[str] = field(default_factory=tuple)


def assess(  # noqa: PLR0913 - what is judged, and how
    study: Study,
    evaluated: EvaluatedStudy,
    *,
    protocol: Protocol | None,
    seed: int,
    made_by: str = "prediction",
    annotated_only: bool = False,
    calibrations: Mapping[str, UncertaintyCalibration] | None = None,
) -> Assessment:
    """Compute figures and measurements.

    Args:
        study: where the images are from.
        evaluated: predictions and truth.
        protocol: what is measured; None measures nothing.
        seed: draws the bootstrap.
        made_by: who predicted, for the tables.
        annotated_only: labels that were interpolated between annotated frames are not scored.
        calibrations: image -> what held-out subjects say of its uncertainty; predictions are
            given as the localiser states them.
    """
    stated, known = evaluated, calibrations or {}
    evaluated = calibrated_study(stated, known)
    normaliser = protocol.normaliser if protocol is not None else None
    scored = scored_cases(study, evaluated.cases, annotated_only=annotated_only)
    figures = evaluate(
        scored,
        normaliser=normaliser,
        rng=np.random.default_rng(seed),
        outlines=outlines_of(protocol),
    )
    of_clips = study.case(evaluated.cases[0].identifier).clip is not None
    if protocol is None:
        return Assessment(
            study,
            evaluated,
            figures,
            trusted=judge_trust(stated, known, None, seed=seed),
            risks=() if of_clips else risk_curves(scored, evaluated.predicted, None, seed=seed),
            stated=stated.predicted,
        )
    if protocol.posture is not None and of_clips:
        posture = study_posture(
            protocol,
            study,
            evaluated.cases,
            made_by=made_by,
            seed=seed,
            annotated_only=annotated_only,
        )
        return Assessment(study, evaluated, figures, protocol, posture=posture)
    measured = tuple(
        measure(protocol, image, scores=_scores(known.get(image.image), protocol))
        for image in evaluated.predicted
    )
    marked = tuple(
        _marked(protocol, case, image.size)
        for case, image in zip(evaluated.cases, evaluated.predicted, strict=True)
    )
    pairs = (protocol, measured, marked)
    return Assessment(
        study,
        evaluated,
        figures,
        protocol,
        measured,
        marked,
        agreement(measured, marked, rng=np.random.default_rng(seed)),
        trusted=judge_trust(stated, known, pairs, seed=seed),
        risks=() if of_clips else risk_curves(scored, evaluated.predicted, pairs, seed=seed),
        stated=stated.predicted,
    )


def _scores(
    calibration: UncertaintyCalibration | None, protocol: Protocol
) -> Mapping[str, MeasurementScores] | None:
    return None if calibration is None else calibration.scores_of(protocol)


def with_limbs(
    assessment: Assessment, runs: Sequence[Path], *, seed: int, made_by: str
) -> Assessment:
    """Add the errors of limbs, where the runs that predicted find limbs in clips."""
    if not tells_of_limbs(assessment.study, runs):
        return assessment
    cases = {made_by: assessment.evaluated.cases}
    limbs = study_limbs(assessment.study, cases, {made_by: runs}, seed=seed)
    return replace(assessment, limbs=limbs)


def outlines_of(protocol: Protocol | None) -> tuple[Outline, ...]:
    """Return the curves that a protocol names; none where there is no protocol."""
    if protocol is None:
        return ()
    return tuple(
        Outline(outline.landmarks, outline.closed, title=outline.title)
        for outline in protocol.outlines
    )


def _marked(protocol: Protocol, case: EvaluatedCase, size: tuple[int, int]) -> Report:
    report = measure_points(protocol, case.truth, case.calibration, size=size)
    return Report(case.subject, case.identifier, report.measurements, report.provenance)


def write_assessment(assessment: Assessment, out: Path, provenance: Mapping[str, str]) -> None:
    """Write predictions, metrics.json, tables, measurements and report.html into ``out``.

    Predictions are written as the localiser states them, all else as calibrated.

    Tables: ``errors.csv``; where the protocol names outlines ``outlines.csv``, their percentiles,
    and ``outline_errors.csv``, their errors image by image; ``measurements.csv``; where the run
    finds limbs in clips, ``limbs.csv``, ``limb_clips.csv`` and the page ``limbs.html``; where the
    uncertainty was calibrated, ``coverage.csv``; where there are cases enough,
    ``risk_coverage.csv``; where several people annotated, the folder ``agreement``.
    """
    evaluated = assessment.evaluated
    scheme = evaluated.cases[0].prediction.scheme
    predicted = evaluated.predicted if assessment.stated is None else assessment.stated
    write_predictions(
        PredictionFile(scheme, predicted, provenance, evaluated.failures),
        out / "predictions.json",
    )
    metrics = {"provenance": dict(provenance), **assessment.evaluation.to_json()}
    if assessment.trusted is not None:
        metrics["uncertainty"] = assessment.trusted.to_json()
        write_rows(out / "coverage.csv", assessment.trusted.rows())
    if assessment.risks:
        metrics["risk_coverage"] = {each.of.name: plain(each) for each in assessment.risks}
        write_rows(
            out / "risk_coverage.csv", [row for each in assessment.risks for row in each.rows()]
        )
    if assessment.baselines:
        metrics["baselines"] = {
            each.name: plain(each.evaluation.model) for each in assessment.baselines
        }
    if assessment.people is not None:
        write_agreement(assessment.people, out / "agreement", provenance)
    if assessment.agreement is not None:
        metrics["agreement"] = assessment.agreement.to_json()
    if assessment.limbs is not None:
        metrics["limbs"] = assessment.limbs.to_json()
        title = f"Limbs of {assessment.study.name}"
        write_limbs(assessment.limbs, out, title=title, provenance=provenance)
        provenance = {**provenance, "errors of limbs": "limbs.html, limbs.csv"}
    write_json(out / "metrics.json", metrics)
    write_rows(out / "errors.csv", list(assessment.evaluation.rows()))
    if assessment.evaluation.outlines:
        outlines = assessment.evaluation.outlines
        write_rows(
            out / "outlines.csv", [row for each in outlines for row in each.percentile_rows()]
        )
        write_rows(
            out / "outline_errors.csv", [row for each in outlines for row in each.image_rows()]
        )
    if assessment.posture is not None:
        write_posture(assessment.posture, out / "posture")
        write_posture_report(
            ReportedPosture(
                f"Posture of {assessment.study.name}",
                [assessment.posture.found],
                assessment.posture.baseline,
                provenance=provenance,
            ),
            out / "posture.html",
        )
    if assessment.measured:
        write_measurements(assessment.measured, out / "measurements.csv")
    write_report(_study_report(assessment, provenance), out / "report.html")


def _study_report(assessment: Assessment, provenance: Mapping[str, str]) -> StudyReport:
    measured = {report.image: report for report in assessment.measured}
    marked = {report.image: report for report in assessment.marked}
    cases = [
        ReportedCase(
            identifier=case.identifier,
            subject=case.subject,
            group=case.group,
            image=_reader(assessment.study, case.identifier),
            prediction=case.prediction,
            truth=case.truth,
            annotators=case.annotators,
            report=measured.get(case.identifier),
            truth_report=marked.get(case.identifier),
            calibration=case.calibration,
        )
        for case in assessment.evaluated.cases
    ]
    failures = assessment.evaluated.failures
    left_out = [f"Not predicted: {name}: {reason}" for name, reason in failures.items()]
    return StudyReport(
        title=f"Landmarks of {assessment.study.name}",
        cases=cases,
        evaluation=assessment.evaluation,
        agreement=assessment.agreement,
        provenance=provenance,
        warnings=[*assessment.warnings, *left_out],
        sections=_sections(assessment),
    )


def _sections(assessment: Assessment) -> tuple[Section, ...]:
    sections = []
    if assessment.baselines:
        sections.append(baseline_section(assessment.evaluation, assessment.baselines))
    if assessment.trusted is not None:
        sections.append(coverage_section(assessment.trusted))
    risk = risk_section(assessment.risks)
    if risk is not None:
        sections.append(risk)
    return tuple(sections)


def _reader(study: Study, identifier: str) -> Callable[[], ndarray]:
    """Read pixels only for the cases that the page shows."""

    def read() -> ndarray:
        return study.load(study.case(identifier)).image.grey()

    return read
