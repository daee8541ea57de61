"""Reports as DICOM structured reports: Comprehensive SR, TID 1500, one image a report.

What is written, code by code, and what viewers make of it: ``docs/dicom-sr.md``.
"""

from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from pydicom.dataset import Dataset

from palpate import __version__
from palpate.errors import FormatError, GeometryError, PalpateError
from palpate.files import write_bytes
from palpate.io.dicom_sr_source import frame_number, source_of
from palpate.io.dicom_sr_within import on_image, refuse_all_outside
from palpate.measurement import Report
from palpate.points import Points
from palpate.prediction import Prediction

MANUFACTURER = "palpate"
# A series number that a modality seldom uses; the UID is what tells series apart.
SERIES_NUMBER = 900


@dataclass(frozen=True, slots=True)
class Algorithm:
    """What placed the landmarks.

    Args:
        name: of the localiser.
        version: of the program.
        model: hash of the weights; empty where there are none.

    Raises:
        PalpateError: no name or no version, which DICOM needs.
    """

    name: str = "palpate"
    version: str = __version__
    model: str = ""

    def __post_init__(self) -> None:
        if not self.name.strip() or not self.version.strip():
            raise PalpateError("a structured report names its algorithm and that one's version")


@dataclass(frozen=True, slots=True)
class Signer:
    """Who answers for the report.

    Args:
        name: as written by people (Jane Doe) or by DICOM (Doe^Jane).
        organisation: DICOM takes no verification without it.

    Raises:
        PalpateError: one of them is empty, too long or holds characters that DICOM forbids.

    Example:
        >>> Signer("Jane Doe", "Children's Hospital").organisation
        "Children's Hospital"
    """

    name: str
    organisation: str

    def __post_init__(self) -> None:
        for what, text in (("name", self.name), ("organisation", self.organisation)):
            if not 0 < len(text.strip()) <= 64 or set(text) & set("\\="):
                raise PalpateError(
                    f"the signer's {what} must have 1 to 64 characters, without \\ and =; DICOM "
                    "marks a report as verified only with the name and the organisation"
                )


@dataclass(frozen=True, eq=False, slots=True)
class Provenance:
    """Who and what a report comes from.

    Args:
        algorithm: that placed the landmarks; None takes the prediction's, and palpate itself for
            points that a person placed.
        signer: marks the report as final and verified; None leaves it preliminary and unverified.
        image_sha256: of the image's file, to recognise it by; empty where unknown.
        previous: the report that this one replaces.
    """

    algorithm: Algorithm | None = None
    signer: Signer | None = None
    image_sha256: str = ""
    previous: Dataset | None = None


def sr_of(
    report: Report,
    landmarks: Points | Prediction,
    image: Path | Dataset,
    provenance: Provenance | None = None,
    *,
    frame: int | None = None,
    spread: bool = False,
) -> Dataset:
    """Return a report on one image as a Comprehensive SR (TID 1500 Measurement Report).

    Args:
        report: its measurements become numbers, or 'not measured' with the reason.
        landmarks: in pixels of the image, 0 at the centre of the first one; absent ones are not
            written, of one outside the image that alone is said.
        image: the DICOM file or dataset (a header is enough) that was measured.
        provenance: who signed, what placed the landmarks; None where there is nothing to say.
        frame: from 0, where the image has several.
        spread: also write each landmark's standard uncertainties, which some viewers print
            beside every point.

    Returns:
        the dataset, to be saved (:func:`write_dicom`) or sent; pixel coordinates are 32-bit
        floats in it.

    Raises:
        FormatError: the image is no DICOM image, not identified, or of a kind that is unknown.
        GeometryError: three-dimensional or other than pixel landmarks, points of a person that
            are all outside the image, no such frame, nothing to report.
        PalpateError: highdicom is not installed.
    """
    try:
        from palpate.io.dicom_sr_document import Content, document
    except ImportError as error:
        raise PalpateError(
            "structured reports are written through highdicom: pip install 'palpate[pacs]'"
        ) from error

    source = source_of(image)
    number = frame_number(source, frame)
    predicted = landmarks if isinstance(landmarks, Prediction) else None
    points = landmarks.points if isinstance(landmarks, Prediction) else landmarks
    within, outside = on_image(points, source)
    if predicted is None:
        refuse_all_outside(points, outside, source)
    if not points.present.any() and not report.measurements:
        raise GeometryError("there is nothing to report: no landmark is present, none measured")
    made = provenance or Provenance()
    content = Content(
        report=report,
        points=within,
        outside=outside,
        edge=(int(source.Columns), int(source.Rows)),
        covariance=predicted.covariance if predicted and spread else None,
        algorithm=made.algorithm or Algorithm(model=predicted.localiser if predicted else ""),
        predicted=predicted is not None,
        signer=made.signer,
        frame_number=number,
        image_sha256=made.image_sha256,
    )
    try:
        return document(content, source, made.previous)
    except PalpateError:
        raise
    except (AttributeError, KeyError, ValueError) as error:
        # highdicom describes an image by its kind, and knows those of the standard.
        where = image if isinstance(image, Path) else Path("image")
        kind = getattr(source.SOPClassUID, "name", source.SOPClassUID)
        raise FormatError(where, f"no report can refer to it, {kind}: {error}") from error


def write_dicom(path: Path, data: Dataset) -> None:
    """Write a dataset with its file header, whole or not at all.

    Raises:
        OutputError: the file cannot be written.
    """
    buffer = BytesIO()
    data.save_as(buffer, enforce_file_format=True)
    write_bytes(path, buffer.getvalue())
