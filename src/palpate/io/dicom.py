"""One DICOM image: pixels, size of a pixel and in which plane, side, and what the tags say.

Pixels are values after the modality LUT (rescale), bright is dense: MONOCHROME1 is inverted and
the provenance says so. Window and VOI LUT are for the eye: kept in the provenance, applied only
on request. Padding pixels take the darkest real value.

Plane of the spacing, after PS3.3 10.7 (Basic Pixel Spacing Calibration Macro):

- PixelSpacing that differs from ImagerPixelSpacing, or carries a calibration type
  (GEOMETRY, FIDUCIAL): in the patient.
- ImagerPixelSpacing alone, or equal PixelSpacing without a type: at the detector; with an
  EstimatedRadiographicMagnificationFactor, divided by it: in the patient.
- PixelSpacing alone: in the patient for tomography, at the detector for projections, where
  nothing says that the magnification was corrected.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy import ndarray

from palpate.errors import FormatError
from palpate.image import Calibration, Image
from palpate.io.dicom_patient import patient_hash
from palpate.io.quiet import quiet

# Bytes of pixels that are decoded at once; a mammogram has 50 million.
MAX_BYTES = 1 << 29

Window = tuple[float, float] | Literal["file"]

_KEPT = (
    "Modality",
    "SOPClassUID",
    "SOPInstanceUID",
    "SeriesInstanceUID",
    "StudyInstanceUID",
    "PhotometricInterpretation",
    "PresentationLUTShape",
    "PresentationIntentType",
    "BitsStored",
    "RescaleSlope",
    "RescaleIntercept",
    "WindowCenter",
    "WindowWidth",
    "VOILUTFunction",
    "PixelSpacing",
    "ImagerPixelSpacing",
    "NominalScannedPixelSpacing",
    "PixelSpacingCalibrationType",
    "PixelSpacingCalibrationDescription",
    "EstimatedRadiographicMagnificationFactor",
    "PixelAspectRatio",
    "PixelPaddingValue",
    "ImageLaterality",
    "Laterality",
    "ViewPosition",
    "PatientOrientation",
    "BodyPartExamined",
    "BurnedInAnnotation",
    "Manufacturer",
    "ManufacturerModelName",
)
_PROJECTIONS = ("CR", "DX", "MG", "XA", "RF", "IO", "PX", "RG", "OT", "")
_PIXEL_TAGS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")
_DAMAGE = (
    OSError,
    EOFError,
    ValueError,
    TypeError,
    KeyError,
    AttributeError,
    IndexError,
    NotImplementedError,
    RuntimeError,
    OverflowError,
    AssertionError,
    struct.error,
)


@dataclass(frozen=True, slots=True)
class DicomHeader:
    """What the tags say of one image, without its pixels.

    Args:
        size: (width, height) in px.
        frames: number of frames.
        laterality: 'L', 'R', 'B' or None.
        provenance: DICOM keyword -> value as text, and ``patient``: the first 16 digits of the
            SHA-256 of PatientID. That links a patient's films without showing the number; whoever
            knows the numbers of a hospital can try them all, so it is no anonymisation.
    """

    size: tuple[int, int]
    frames: int
    laterality: str | None
    provenance: dict[str, str]


def read_dicom(
    path: Path,
    *,
    identifier: str,
    calibration: Calibration | None = None,
    window: Window | None = None,
    frame: int | None = None,
) -> Image:
    """Read one image.

    Args:
        path: of the file.
        identifier: the image's name in its study.
        calibration: replaces that of the file, whose spacing is then not read.
        window: (centre, width), or ``"file"`` for the file's own window or VOI LUT; the result
            is then uint16 over the whole range. None keeps the values.
        frame: from 0, of a file with several.

    Returns:
        uint8, uint16 or int16 where the values fit, else float32; (channel, y, x).

    Raises:
        FormatError: not DICOM, cut, without pixels, several frames and none named, compressed in
            a way that needs ``palpate[dicom]``, too large, or with a spacing that is no spacing.
    """
    data = _header_dataset(path)
    header = _header(path, data)
    _refuse_size(path, data, header.frames)
    if not 0 <= (frame or 0) < header.frames or (frame is None and header.frames > 1):
        asked = "" if frame is None else f", not frame {frame}"
        raise FormatError(
            path,
            f"holds {header.frames} frames, counted from 0{asked}; name one of them, "
            "or save it as a file of its own",
        )
    if calibration is None:
        calibration = calibration_of(path, data)
    provenance = dict(header.provenance)
    pixels = _pixels(path, window, frame, provenance)
    return Image(pixels, identifier, "yx", calibration, header.laterality, provenance)


def read_dicom_header(path: Path) -> DicomHeader:
    """Read the tags and stop before the pixels.

    Raises:
        FormatError: not DICOM, cut, or without rows and columns.
    """
    return _header(path, _header_dataset(path))


def read_dicom_calibration(path: Path) -> Calibration | None:
    """Return the size of a pixel as the tags give it, or None where they do not.

    Raises:
        FormatError: not DICOM, or a spacing that is not two positive numbers.
    """
    return calibration_of(path, _header_dataset(path))


def calibration_of(path: Path, data: Any) -> Calibration | None:
    """Decide spacing and plane from a dataset; see the head of this module.

    Raises:
        FormatError: a spacing or a magnification that cannot be one, naming its tag.
    """
    pixel = _spacing(path, data, "PixelSpacing")
    imager = _spacing(path, data, "ImagerPixelSpacing")
    kind = str(data.get("PixelSpacingCalibrationType", "") or "")
    modality = str(data.get("Modality", "") or "")
    if pixel is not None:
        if kind:
            return Calibration(pixel, "dicom", "patient", f"PixelSpacing, calibrated by {kind}")
        if imager is not None and not np.allclose(pixel, imager, rtol=1e-4, atol=0):
            detail = "PixelSpacing, which differs from ImagerPixelSpacing"
            return Calibration(pixel, "dicom", "patient", detail)
        if imager is None and modality not in _PROJECTIONS:
            return Calibration(pixel, "dicom", "patient", "PixelSpacing")
    uncorrected = imager or pixel
    if uncorrected is not None:
        return _projected(path, data, uncorrected, "ImagerPixelSpacing" if imager else "")
    scanned = _spacing(path, data, "NominalScannedPixelSpacing")
    if scanned is not None:
        detail = "NominalScannedPixelSpacing: on the film that was scanned"
        return Calibration(scanned, "dicom", "detector", detail)
    return _ultrasound(path, data)


def _projected(path: Path, data: Any, spacing: tuple[float, float], tag: str) -> Calibration | None:
    """Spacing at the detector, carried into the patient where the magnification is given."""
    name = tag or "PixelSpacing of a projection, without ImagerPixelSpacing"
    factor = data.get("EstimatedRadiographicMagnificationFactor")
    if factor is None or not tag:
        return Calibration(spacing, "dicom", "detector", f"{name}: magnification not corrected")
    magnification = _number(factor)
    if magnification is None or magnification < 0.99:
        raise FormatError(
            path,
            f"(0018,1114) EstimatedRadiographicMagnificationFactor is {factor}, expected 1 or "
            "more; give the calibration in study.toml",
        )
    x, y = spacing
    return Calibration(
        (x / magnification, y / magnification),
        "dicom",
        "patient",
        f"{name} / EstimatedRadiographicMagnificationFactor {magnification:g}",
    )


def _ultrasound(path: Path, data: Any) -> Calibration | None:
    """Spacing of the only two-dimensional region in centimetres (PS3.3 C.8.5.5)."""
    regions = [
        region
        for region in data.get("SequenceOfUltrasoundRegions") or ()
        if region.get("RegionSpatialFormat") == 1
        and region.get("PhysicalUnitsXDirection") == 3
        and region.get("PhysicalUnitsYDirection") == 3
    ]
    if len(regions) != 1:
        return None
    deltas = [_number(regions[0].get(f"PhysicalDelta{axis}")) for axis in "XY"]
    x, y = (abs(delta) * 10.0 if delta is not None else 0.0 for delta in deltas)
    if not (x > 0 and y > 0):
        raise FormatError(
            path,
            "(0018,6011) SequenceOfUltrasoundRegions has a PhysicalDelta of zero; "
            "give the calibration in study.toml",
        )
    return Calibration((x, y), "dicom", "patient", "PhysicalDelta of the ultrasound region")


def _spacing(path: Path, data: Any, keyword: str) -> tuple[float, float] | None:
    """Return (x, y) of a tag that DICOM writes (row distance, column distance) = (y, x)."""
    value = data.get(keyword)
    if value is None or value == "":
        return None
    parts = list(value) if isinstance(value, Sequence) and not isinstance(value, str) else [value]
    numbers = [_number(part) for part in parts]
    if len(numbers) != 2 or any(n is None or n <= 0 for n in numbers):
        raise FormatError(
            path,
            f"{data[keyword].tag} {keyword} is {_text(value)}, expected two positive numbers; "
            "give the calibration in study.toml",
        )
    y, x = (float(n) for n in numbers if n is not None)
    return (x, y)


def _number(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if isfinite(number) else None


def _header_dataset(path: Path) -> Any:
    return _dataset(path, "header")


def _dataset(path: Path, part: Literal["header", "whole"]) -> Any:
    from pydicom import dcmread
    from pydicom.errors import BytesLengthException, InvalidDicomError

    try:
        if path.stat().st_size == 0:
            raise FormatError(path, "the file is empty; copy it again from its source")
        with quiet():
            # Old archives hold files without the preamble: forced, then judged by their content.
            data = dcmread(path, stop_before_pixels=part == "header", force=True)
            data.get("Rows")
    except FileNotFoundError as error:
        raise FormatError(path, "there is no such file") from error
    except FormatError:
        raise
    except MemoryError as error:
        raise FormatError(path, "declares more bytes than there is memory for") from error
    except (InvalidDicomError, BytesLengthException, *_DAMAGE) as error:
        raise FormatError(
            path, f"is damaged or cut off as a DICOM file ({error}); copy it again"
        ) from error
    if "SOPClassUID" not in data and "Rows" not in data:
        raise FormatError(path, "is not a DICOM image, or is cut off in its header; copy it again")
    return data


def _header(path: Path, data: Any) -> DicomHeader:
    with quiet():
        rows, columns = (_number(data.get(tag)) for tag in ("Rows", "Columns"))
        frames = _number(data.get("NumberOfFrames") or 1)
        if not rows or not columns:
            kind = getattr(data.get("SOPClassUID"), "name", None) or "an object without pixels"
            raise FormatError(
                path, f"has no Rows (0028,0010) and Columns (0028,0011): it is {kind}, not an image"
            )
        provenance = _provenance(data)
        side = str(data.get("ImageLaterality") or data.get("Laterality") or "").strip().upper()
    return DicomHeader(
        (int(columns), int(rows)),
        max(1, int(frames or 1)),
        side if side in ("L", "R", "B") else None,
        provenance,
    )


def _provenance(data: Any) -> dict[str, str]:
    found = {"format": "DICOM"}
    for keyword in _KEPT:
        value = data.get(keyword)
        if value is not None and _text(value):
            found[keyword] = _text(value)
    syntax = getattr(getattr(data, "file_meta", None), "TransferSyntaxUID", None)
    if syntax is not None:
        found["TransferSyntaxUID"] = str(syntax)
    patient = str(data.get("PatientID") or "").strip()
    if patient:
        found["patient"] = patient_hash(patient)
    return found


def _text(value: Any) -> str:
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "\\".join(str(part) for part in value)
    return str(value).strip()


def _refuse_size(path: Path, data: Any, frames: int) -> None:
    """Refuse by the declared size, before a byte of the pixels is read."""
    rows, columns, samples, bits = (
        int(_number(data.get(tag)) or 1)
        for tag in ("Rows", "Columns", "SamplesPerPixel", "BitsAllocated")
    )
    declared = rows * columns * samples * frames * max(bits, 8) // 8
    if declared > MAX_BYTES:
        raise FormatError(
            path,
            f"declares {columns} x {rows} pixels in {frames} frame(s), "
            f"{declared / 2**20:,.0f} MiB; at most {MAX_BYTES >> 20} MiB are read at once: "
            "save one frame, or a smaller image",
        )


def _pixels(
    path: Path, window: Window | None, frame: int | None, provenance: dict[str, str]
) -> ndarray:
    """Decode to (channel, y, x), noting in ``provenance`` what was changed."""
    from pydicom.pixels.processing import apply_color_lut
    from pydicom.pixels.utils import pixel_array

    data = _dataset(path, "whole")
    if not any(tag in data for tag in _PIXEL_TAGS):
        raise FormatError(path, "has no PixelData (7FE0,0010): it is cut off, or holds no image")
    _refuse_syntax(path, data)
    photometric = str(data.get("PhotometricInterpretation", ""))
    try:
        with quiet():
            stored = pixel_array(data, index=frame)
            if photometric == "PALETTE COLOR":
                stored = _eight_bits(apply_color_lut(stored, data))
                provenance["colour"] = "palette resolved"
            if stored.ndim == 3:
                return np.ascontiguousarray(stored.transpose(2, 0, 1))
            return _grey(data, stored, window, provenance)[None]
    except MemoryError as error:
        raise FormatError(path, "has more pixels than there is memory for") from error
    except _DAMAGE as error:
        raise FormatError(
            path, f"its pixels cannot be decoded ({error}); the file is damaged or cut off"
        ) from error


def _refuse_syntax(path: Path, data: Any) -> None:
    """Say which extra decodes a compression that this installation cannot."""
    from pydicom.pixels.decoders.base import get_decoder

    syntax = getattr(getattr(data, "file_meta", None), "TransferSyntaxUID", None)
    if syntax is None:
        from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

        implicit = data.original_encoding[0]
        data.ensure_file_meta()
        data.file_meta.TransferSyntaxUID = (
            ImplicitVRLittleEndian if implicit else ExplicitVRLittleEndian
        )
        return
    try:
        available = get_decoder(syntax).is_available
    except NotImplementedError as error:
        raise FormatError(
            path,
            f"is compressed as {syntax.name} (transfer syntax {syntax}), which is not read; "
            "convert it with 'dcmdjpeg' or export it uncompressed",
        ) from error
    if not available:
        raise FormatError(
            path,
            f"is compressed as {syntax.name} (transfer syntax {syntax}); "
            "install the decoders with: pip install 'palpate[dicom]'",
        )


def _grey(data: Any, stored: ndarray, window: Window | None, provenance: dict[str, str]) -> ndarray:
    """Stored values to values with bright dense: modality LUT, window, inversion, padding."""
    from pydicom.pixels.processing import apply_modality_lut

    padding = _padding(data, stored)
    values = apply_modality_lut(stored, data)
    low, high = _range(data, stored, values)
    if window is not None:
        values, low, high = _windowed(data, values, window), 0.0, 65535.0
        provenance["window"] = "of the file" if window == "file" else f"{window[0]:g} {window[1]:g}"
    if str(data.get("PhotometricInterpretation", "")) == "MONOCHROME1":
        values = (low + high) - values.astype(np.float64)
        provenance["inverted"] = "MONOCHROME1, inverted so that bright is dense"
    if padding.any() and not padding.all():
        values = np.where(padding, values[~padding].min(), values)
        provenance["padding"] = f"{int(padding.sum())} px set to the darkest value"
    return narrowed(values)


def _range(data: Any, stored: ndarray, values: ndarray) -> tuple[float, float]:
    """Smallest and largest possible value, or those that occur where bits do not tell."""
    linear = "ModalityLUTSequence" not in data and stored.dtype.kind in "iu"
    if not linear:
        return float(values.min()), float(values.max())
    bits = int(data.get("BitsStored") or stored.dtype.itemsize * 8)
    signed = int(data.get("PixelRepresentation") or 0) == 1
    limits = (-(2.0 ** (bits - 1)), 2.0 ** (bits - 1) - 1) if signed else (0.0, 2.0**bits - 1)
    slope = _number(data.get("RescaleSlope")) or 1.0
    intercept = _number(data.get("RescaleIntercept")) or 0.0
    ends = [slope * limit + intercept for limit in limits]
    return min(ends), max(ends)


def _padding(data: Any, stored: ndarray) -> ndarray:
    first = _number(data.get("PixelPaddingValue"))
    if first is None:
        return np.zeros(stored.shape, dtype=bool)
    last = _number(data.get("PixelPaddingRangeLimit"))
    low, high = sorted((first, first if last is None else last))
    return (stored >= low) & (stored <= high)


def _windowed(data: Any, values: ndarray, window: Window) -> ndarray:
    """Apply a window (PS3.3 C.11.2.1.2) or VOI LUT; the result runs from 0 to 65535."""
    from pydicom.pixels.processing import apply_voi

    if window == "file" and data.get("VOILUTSequence"):
        table = data.VOILUTSequence[0].LUTDescriptor
        bits = int(table[2])
        return apply_voi(values.astype(np.int64), data) * (65535.0 / (2**bits - 1))
    if window == "file":
        centre, width = (_first(data.get(tag)) for tag in ("WindowCenter", "WindowWidth"))
        function = str(data.get("VOILUTFunction") or "LINEAR")
    else:
        (centre, width), function = window, "LINEAR_EXACT"
    if centre is None or width is None or width <= 0:
        raise ValueError(f"no usable window: centre {centre}, width {width}")
    if function == "SIGMOID":
        share = 1.0 / (1.0 + np.exp(-4.0 * (values - centre) / width))
    elif function == "LINEAR_EXACT" or width <= 1:
        share = (values - centre) / width + 0.5
    else:
        share = (values - (centre - 0.5)) / (width - 1.0) + 0.5
    return np.rint(np.clip(share, 0.0, 1.0) * 65535.0)


def _first(value: Any) -> float | None:
    several = isinstance(value, Sequence) and not isinstance(value, str)
    return _number(value[0] if several and len(value) else value)


def narrowed(values: ndarray) -> ndarray:
    """Return whole numbers as uint8, uint16 or int16 where they fit, anything else as float32.

    Example:
        >>> narrowed(np.array([0.0, 4095.0])).dtype
        dtype('uint16')
    """
    if values.dtype in (np.uint8, np.uint16, np.int16):
        return np.ascontiguousarray(values)
    low, high = float(values.min()), float(values.max())
    if values.dtype.kind in "iu" or bool((values == np.rint(values)).all()):
        for dtype in (np.uint16, np.int16):
            if np.iinfo(dtype).min <= low and high <= np.iinfo(dtype).max:
                return values.astype(dtype)
    return values.astype(np.float32)


def _eight_bits(colour: ndarray) -> ndarray:
    return colour if colour.dtype == np.uint8 else (colour >> 8).astype(np.uint8)
