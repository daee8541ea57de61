"""From a DICOM film to the objects that go back: predicted, measured, reported."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pydicom.dataset import Dataset

from palpate import __version__
from palpate.errors import ConfigError, PalpateError
from palpate.image import Image
from palpate.io.dicom import read_dicom
from palpate.io.dicom_sr import Algorithm, Provenance, sr_of
from palpate.io.predictions import PredictedImage, PredictionFile
from palpate.localisers.calibrated import CalibratedLocaliser
from palpate.localisers.clip import ClipLocaliser
from palpate.localisers.localiser import Localiser
from palpate.measurement import Report
from palpate.prediction import Prediction
from palpate.protocols.measure import measure
from palpate.protocols.protocol import Protocol
from palpate.serve.dicom.derived import derived_uid
from palpate.serve.dicom.quiet_logs import LOGGER
from palpate.workflows.abstain import Judged, familiar_of, judge, marked
from palpate.workflows.abstain_looks import Looks


@dataclass(frozen=True, slots=True)
class MeasuredFilm:
    """A DICOM film with what was found on it.

    Args:
        path: of the film's file.
        digest: SHA-256 of the file.
        image: its pixels.
        predicted: landmarks, in px of the film.
        report: the measurements; a film to be looked at by a person says so in their notes.
        judged: whether it should be looked at by a person, and why.
    """

    path: Path
    digest: str
    image: Image
    predicted: PredictedImage
    report: Report
    judged: Judged


# (the report, its landmarks, the film) to one object that shows them.
Present = Callable[[Report, Prediction, Path], Dataset]


def nobody(film: MeasuredFilm) -> None:
    """Take no notice of a film that was measured."""


@dataclass(frozen=True, slots=True)
class FilmWork:
    """Makes the objects of a film: a structured report, and what else shows it.

    Args:
        localiser: finds the landmarks; of single images.
        protocol: what is measured.
        presents: makes further objects, by the name of their kind, such as a presentation state.
        on_predicted: is told of every film that was measured, before its objects are kept: a
            review's store takes it in here. Told twice of one film where the service was killed
            in between.

    Raises:
        ConfigError: the localiser needs clips.
    """

    localiser: Localiser
    protocol: Protocol
    presents: tuple[tuple[str, Present], ...] = ()
    on_predicted: Callable[[MeasuredFilm], None] = field(default=nobody)

    def __post_init__(self) -> None:
        if isinstance(self.localiser, ClipLocaliser):
            raise ConfigError(
                "this run sees several frames at once: films need one that sees single images"
            )

    def __call__(self, path: Path, digest: str) -> Sequence[Dataset]:
        """Predict, measure and report one film.

        Raises:
            PalpateError: the film cannot be read, predicted or measured.
        """
        film = self.measured(path, digest)
        self.on_predicted(film)
        return self.objects(film)

    def measured(self, path: Path, digest: str) -> MeasuredFilm:
        """Predict and measure one film.

        Raises:
            PalpateError: it cannot be read, predicted or measured.
        """
        image = read_dicom(path, identifier=path.stem)
        told = image.provenance
        predicted = PredictedImage(
            image=told.get("SOPInstanceUID", path.stem),
            prediction=self.localiser.predict(image),
            size=(image.size[0], image.size[1]),
            subject=told.get("patient", ""),
            calibration=image.calibration,
        )
        report, judged = self._report(image, predicted)
        return MeasuredFilm(path, digest, image, predicted, marked(report, judged), judged)

    def objects(self, film: MeasuredFilm) -> list[Dataset]:
        """Return the objects of a measured film; their identifiers follow from what they say."""
        prediction = film.predicted.prediction
        algorithm = Algorithm(self.localiser.name or "palpate", model=self.localiser.weights)
        origin = Provenance(algorithm, image_sha256=film.digest)
        report = sr_of(film.report, prediction, film.path, origin)
        made = [self._named(report, film, "structured report")]
        for kind, present in self.presents:
            try:
                one = present(film.report, prediction, film.path)
            except PalpateError as error:
                # A film in colour has no presentation state, and still its report.
                LOGGER.warning("without %s: %s: %s", kind, film.predicted.image, error)
            else:
                made.append(self._named(one, film, kind))
        return made

    def _report(self, image: Image, predicted: PredictedImage) -> tuple[Report, Judged]:
        one = self.localiser
        calibration = one.calibration if isinstance(one, CalibratedLocaliser) else None
        scores = None if calibration is None else calibration.scores_of(self.protocol)
        report = measure(self.protocol, predicted, scores=scores)
        familiar = familiar_of(calibration)
        looks = Looks(wanted=familiar is not None)
        looks.see(image)
        seen = dict.fromkeys((predicted.image,), looks.seen[image.identifier]) if looks.seen else {}
        file = PredictionFile(self.localiser.scheme, (predicted,))
        (judged,) = judge(file, seen, familiar, None, {predicted.image: report})
        return report, judged

    def _named(self, data: Dataset, film: MeasuredFilm, kind: str) -> Dataset:
        """Give an object the identifiers of its content, so that the same work has the same."""
        content = (
            film.predicted.image,
            film.digest,
            self.localiser.name,
            self.localiser.weights,
            self.protocol.label,
            __version__,
            kind,
        )
        data.SOPInstanceUID = derived_uid(*content, "object")
        data.SeriesInstanceUID = derived_uid(*content, "series")
        data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID
        return data
