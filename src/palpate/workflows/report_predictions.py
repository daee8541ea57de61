"""The report of predicted images: overlays and measurements, no truth."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from numpy import ndarray

from palpate.image import Image
from palpate.io.measurements import write_measurements
from palpate.io.predictions import PredictionFile
from palpate.measurement import Report
from palpate.protocols.measure import measure
from palpate.protocols.protocol import Protocol
from palpate.report.reported import ReportedCase, StudyReport
from palpate.report.study_report import write_report
from palpate.trust.calibration import UncertaintyCalibration
from palpate.workflows.abstain import Verdict, marked, write_set_aside
from palpate.workflows.predict import Source


def measure_all(
    file: PredictionFile,
    protocol: Protocol | None,
    calibration: UncertaintyCalibration | None = None,
) -> dict[str, Report]:
    """Measure every image, with what held-out subjects say of the errors; empty without protocol.

    Raises:
        ConfigError: the protocol needs landmarks that the localiser does not know.
    """
    if protocol is None:
        return {}
    scores = None if calibration is None else calibration.scores_of(protocol)
    return {image.image: measure(protocol, image, scores=scores) for image in file.images}


def report_predictions(
    out: Path,
    file: PredictionFile,
    sources: Sequence[Source],
    *,
    reports: Mapping[str, Report],
    verdict: Verdict,
    grey: Callable[[Image], ndarray] = Image.grey,
) -> None:
    """Write report.html, set_aside.csv, and measurements.csv where there are measurements.

    Args:
        out: folder.
        file: what was predicted.
        sources: how each image is read.
        reports: measurements by image.
        verdict: which cases are set aside, and why, and sentences for the top of the page.
        grey: makes one channel of an image.
    """
    by_image = {one.image: one for one in verdict.judged}
    if reports:
        noted = [
            marked(report, by_image[name]) if name in by_image else report
            for name, report in reports.items()
        ]
        write_measurements(noted, out / "measurements.csv")
    if verdict.judged:
        write_set_aside(verdict.judged, out / "set_aside.csv")
    reads = {source.identifier: source for source in sources}
    cases = [
        ReportedCase(
            identifier=image.image,
            subject=image.subject,
            group=image.group,
            image=_read(reads[image.image], grey),
            prediction=image.prediction,
            report=reports.get(image.image),
            calibration=image.calibration,
        )
        for image in file.images
    ]
    aside = verdict.set_aside
    report = StudyReport(
        title=f"Landmarks in {len(cases)} images",
        cases=cases,
        provenance=file.provenance,
        warnings=[
            *_aside_sentence(len(aside), len(cases)),
            *verdict.notes,
            *(f"Not predicted: {name}: {why}" for name, why in file.failures.items()),
        ],
        set_aside={one.image: tuple(reason.words for reason in one.reasons) for one in aside}
        if verdict.judged
        else None,
    )
    write_report(report, out / "report.html")


def _aside_sentence(aside: int, total: int) -> tuple[str, ...]:
    if not aside:
        return ()
    verb = "is" if aside == 1 else "are"
    return (f"{aside} of {total} cases {verb} set aside; the reasons stand with the cases below.",)


def _read(source: Source, grey: Callable[[Image], ndarray]) -> Callable[[], ndarray]:
    def read() -> ndarray:
        return grey(source.read())

    return read
