"""DICOM films for the tests: a synthetic digital radiograph, and a clip of several frames.

Deterministic: the same arguments give the same pixels and the same UIDs.
"""

from pathlib import Path

import numpy as np
from jaxtyping import UInt16
from numpy import ndarray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import (
    DigitalXRayImageStorageForPresentation,
    ExplicitVRLittleEndian,
    MultiFrameGrayscaleWordSecondaryCaptureImageStorage,
    generate_uid,
)

SIZE = (400, 480)
SPACING_MM = 0.15


def write_film(
    path: Path,
    *,
    seed: int = 0,
    size: tuple[int, int] = SIZE,
    pixels: UInt16[ndarray, "y x"] | None = None,
    patient: str = "LMK001",
    study: str = "study",
    number: int = 1,
) -> Dataset:
    """Write a 12-bit DX image (for presentation) and return its dataset.

    Args:
        path: of the file.
        seed: of the noise, and part of the image's UID.
        size: (width, height) in px.
        pixels: instead of the blob; their shape replaces ``size``.
        patient: PatientID.
        study: films of the same patient and study share study and series UID.
        number: InstanceNumber, and part of the image's UID.
    """
    data = _film(seed, pixels if pixels is not None else _blob(seed, size), patient, study, number)
    data.save_as(path, enforce_file_format=True)
    return data


def write_clip(
    path: Path, *, frames: int = 3, seed: int = 0, size: tuple[int, int] = SIZE
) -> Dataset:
    """Write a multi-frame image (grayscale word secondary capture) and return its dataset."""
    stack = np.stack([_blob(seed + frame, size) for frame in range(frames)])
    data = _film(seed, stack[0], "LMK002", "clip", 1)
    for keyword in (
        *("ImagerPixelSpacing", "PresentationIntentType", "PixelIntensityRelationship"),
        *("PixelIntensityRelationshipSign", "BodyPartExamined", "ImageLaterality"),
        *("AcquisitionDate", "AcquisitionTime", "DetectorType", "AcquisitionContextSequence"),
    ):
        del data[keyword]
    data.SOPClassUID = MultiFrameGrayscaleWordSecondaryCaptureImageStorage
    data.file_meta.MediaStorageSOPClassUID = data.SOPClassUID
    data.Modality = "OT"
    data.Laterality = ""
    data.ConversionType = "SYN"
    data.NumberOfFrames = frames
    data.FrameIncrementPointer = 0x00181063
    data.FrameTime = 40
    data.PixelData = stack.tobytes()
    data.save_as(path, enforce_file_format=True)
    return data


def lamp(at: tuple[int, int], size: tuple[int, int] = SIZE) -> UInt16[ndarray, "y x"]:
    """A black film on which the one pixel (x, y) shines."""
    pixels = np.zeros((size[1], size[0]), dtype=np.uint16)
    pixels[at[1], at[0]] = 4095
    return pixels


def _blob(seed: int, size: tuple[int, int]) -> UInt16[ndarray, "y x"]:
    width, height = size
    y, x = np.mgrid[:height, :width]
    blob = 1500 * np.exp(-((x - width / 2) ** 2 + (y - height / 2) ** 2) / (2 * (width / 5) ** 2))
    noise = np.random.default_rng(seed).normal(0, 40, (height, width))
    return (800 + blob + noise).clip(0, 4095).astype(np.uint16)


def _film(
    seed: int, pixels: UInt16[ndarray, "y x"], patient: str, study: str, number: int
) -> Dataset:
    data = Dataset()
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data.SOPClassUID = DigitalXRayImageStorageForPresentation
    own = ["palpate test film", patient, study]
    data.StudyInstanceUID = generate_uid(entropy_srcs=[*own, "study"])
    data.SeriesInstanceUID = generate_uid(entropy_srcs=[*own, "series"])
    data.SOPInstanceUID = generate_uid(entropy_srcs=[*own, str(seed), str(number)])
    data.file_meta.MediaStorageSOPClassUID = data.SOPClassUID
    data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID
    _say_who(data, patient, number)
    _say_how(data)
    height, width = pixels.shape
    data.Rows, data.Columns = height, width
    data.PixelData = np.ascontiguousarray(pixels).tobytes()
    return data


def _say_who(data: Dataset, patient: str, number: int) -> None:
    data.PatientName = "Test^Pelvis"
    data.PatientID = patient
    data.PatientBirthDate = "20240101"
    data.PatientSex = "F"
    data.AccessionNumber = "A1"
    data.ReferringPhysicianName = "Doe^J"
    data.StudyID = "1"
    data.SeriesNumber = 1
    data.InstanceNumber = number
    for kind in ("Study", "Series", "Content", "Acquisition"):
        setattr(data, f"{kind}Date", "20261120")
        setattr(data, f"{kind}Time", "101500")


def _pelvis() -> Dataset:
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = "12921003", "SCT", "Pelvis"
    return code


def _say_how(data: Dataset) -> None:
    data.Modality = "DX"
    data.Manufacturer = "synthetic"
    data.PresentationIntentType = "FOR PRESENTATION"
    data.BodyPartExamined = "PELVIS"
    data.AnatomicRegionSequence = [_pelvis()]
    data.DetectorType = "DIRECT"
    data.AcquisitionContextSequence = []
    data.ImageLaterality = "U"
    data.PatientOrientation = ["L", "F"]
    data.ImageType = ["DERIVED", "PRIMARY"]
    data.SamplesPerPixel = 1
    data.PhotometricInterpretation = "MONOCHROME2"
    data.BitsAllocated, data.BitsStored, data.HighBit = 16, 12, 11
    data.PixelRepresentation = 0
    data.ImagerPixelSpacing = [SPACING_MM, SPACING_MM]
    data.PixelSpacing = [SPACING_MM, SPACING_MM]
    data.WindowCenter, data.WindowWidth = 1500, 2500
    data.RescaleIntercept, data.RescaleSlope, data.RescaleType = 0, 1, "US"
    data.PresentationLUTShape = "IDENTITY"
    data.PixelIntensityRelationship = "LOG"
    data.PixelIntensityRelationshipSign = -1
    data.BurnedInAnnotation = "NO"
    data.LossyImageCompression = "00"
