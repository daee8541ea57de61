"""The report of predicted images: overlays and measurements, no truth."""

from collections.abc import Callable, Sequence
from pathlib import Path

from numpy import ndarray

from palpate.image import Image
from palpate.io.measurements import write_measurements
from palpate.io.predictions import PredictionFile
from palpate.protocols.measure import measure
from palpate.protocols.protocol import Protocol
from palpate.report.reported import ReportedCase, StudyReport
from palpate.report.study_report import write_report
from palpate.workflows.predict import Source


def report_predictions(
    out: Path,
    file: PredictionFile,
    sources: Sequence[Source],
    *,
    protocol: Protocol | None,
    doubts: Sequence[str] = (),
    grey: Callable[[Image], ndarray] = Image.grey,
) -> None:
    """Write report.html, and measurements.csv where there is a protocol, into ``out``.

    ``doubts`` are sentences about images, shown first; ``grey`` makes one channel of an image.

    Raises:
        ConfigError: the protocol needs landmarks that the localiser does not know.
    """
    reports = {}
    if protocol is not None:
        reports = {image.image: measure(protocol, image) for image in file.images}
        write_measurements(list(reports.values()), out / "measurements.csv")
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
    report = StudyReport(
        title=f"Landmarks in {len(cases)} images",
        cases=cases,
        provenance=file.provenance,
        warnings=[
            *doubts,
            *(f"Not predicted: {name}: {why}" for name, why in file.failures.items()),
        ],
    )
    write_report(report, out / "report.html")


def _read(source: Source, grey: Callable[[Image], ndarray]) -> Callable[[], ndarray]:
    def read() -> ndarray:
        return grey(source.read())

    return read
