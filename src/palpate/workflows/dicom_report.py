"""Structured reports of a predictions file, by hand: one for each film that is DICOM."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from palpate.errors import FormatError, PalpateError
from palpate.files import sha256
from palpate.io.dicom import read_dicom_header
from palpate.io.dicom_sr import Provenance, sr_of, write_dicom
from palpate.io.images import is_dicom
from palpate.io.predictions import PredictedImage, PredictionFile, read_predictions
from palpate.measurement import Report
from palpate.protocols.protocol import Protocol
from palpate.trust.store import calibration_from_plain
from palpate.workflows.dicom_objects import Present
from palpate.workflows.report_predictions import measure_all


@dataclass(frozen=True, slots=True)
class Reported:
    """Files that were written, and images without a report with the reason in words."""

    files: tuple[Path, ...] = ()
    failed: Mapping[str, str] = field(default_factory=dict)


def report_dicom(
    predictions: Path,
    images: Path,
    out: Path,
    protocol: Protocol,
    presents: Sequence[tuple[str, Present]] = (),
) -> Reported:
    """Write ``NAME.sr.dcm`` for every predicted film below ``images``, and what else is asked.

    Args:
        predictions: predictions.json.
        images: folder of the films, by their names in the predictions.
        out: folder.
        protocol: what is measured.
        presents: kinds of further objects, written as ``NAME.KIND.dcm``.

    Raises:
        FormatError: ``predictions`` is no predictions file.
        ConfigError: the protocol needs landmarks that were not predicted.
    """
    file = read_predictions(predictions)
    calibration = None
    if file.calibration is not None:
        calibration = calibration_from_plain(file.calibration, where=predictions)
    reports = measure_all(file, protocol, calibration)
    places = _places(file, images)
    written: list[Path] = []
    failed = dict(file.failures)
    for image in file.images:
        try:
            film = _film(places, image.image, images)
            written += _write(image, reports[image.image], film, out, presents)
        except PalpateError as error:
            failed[image.image] = str(error)
    return Reported(tuple(written), failed)


def _write(
    image: PredictedImage,
    report: Report,
    film: Path,
    out: Path,
    presents: Sequence[tuple[str, Present]],
) -> list[Path]:
    prediction = image.prediction
    size = read_dicom_header(film).size
    if size != image.size:
        raise FormatError(
            film,
            f"is {size[0]} x {size[1]} px, and was predicted as {image.size[0]} x "
            f"{image.size[1]} px: another film of the same name",
        )
    base = Path(image.image).as_posix().removesuffix(".dcm")
    made = [("sr", sr_of(report, prediction, film, Provenance(image_sha256=sha256(film))))]
    made += [(kind, present(report, prediction, film)) for kind, present in presents]
    paths = []
    for kind, data in made:
        path = out / f"{base}.{kind}.dcm"
        if not path.resolve().is_relative_to(out.resolve()):
            raise FormatError(film, f"the predictions call it {image.image!r}, which leaves {out}")
        write_dicom(path, data)
        paths.append(path)
    return paths


def _places(file: PredictionFile, folder: Path) -> Mapping[str, Path]:
    """Where each predicted image is: by its name, where that stays in the folder."""
    inside = folder.resolve()
    places = {}
    for image in file.images:
        path = folder / image.image
        if path.resolve().is_relative_to(inside) and path.is_file():
            places[image.image] = path
    return places


def _film(places: Mapping[str, Path], name: str, folder: Path) -> Path:
    path = places.get(name)
    if path is None:
        raise PalpateError(f"there is no file {name!r} in {folder}; name its folder with --images")
    if not is_dicom(path):
        raise FormatError(path, "is no DICOM file, so a structured report cannot refer to it")
    return path
