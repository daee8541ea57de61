"""Landmarks for viewers without structured reports: a presentation state, or a burnt-in picture.

A Grayscale Softcopy Presentation State (GSPS) draws points, lines and names over the untouched
film; a Secondary Capture is a picture of its own. Both belong to the study of the film and refer
to it. Graphics in PIXEL units count from the outer corner of the first pixel: its centre is
(0.5, 0.5) (PS3.3 C.10.5.1.2: with sub-pixel resolution); this is the one place that adds it there.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, UInt8
from numpy import ndarray
from pydicom.dataset import Dataset

from palpate import __version__
from palpate.affine import Affine
from palpate.errors import FormatError, GeometryError, PalpateError
from palpate.io.dicom_sr import MANUFACTURER
from palpate.io.dicom_sr_source import UTF_8, frame_number, frames_of, new_uid, side_of, source_of
from palpate.io.dicom_sr_within import on_image, refuse_all_outside
from palpate.points import Points

STATE_SERIES, PICTURE_SERIES = 901, 902
# Half the length of the arms of a cross, in px of the image per 1,000 px of its longer side.
_ARM = 6.0
_FUNCTIONAL = {
    "PixelValueTransformationSequence": ("RescaleIntercept", "RescaleSlope", "RescaleType"),
    "FrameVOILUTSequence": ("WindowCenter", "WindowWidth", "VOILUTFunction"),
}


@dataclass(frozen=True, slots=True)
class Line:
    """A line to draw, with the words beside its first end.

    Args:
        start: (x, y) in px.
        end: (x, y) in px.
        words: such as 'SNA 82.1 deg'; empty for none.
    """

    start: tuple[float, float]
    end: tuple[float, float]
    words: str = ""


def presentation_of(
    points: Points,
    image: Path | Dataset,
    *,
    lines: tuple[Line, ...] = (),
    names: bool = True,
    frame: int | None = None,
) -> Dataset:
    """Return a Grayscale Softcopy Presentation State that draws landmarks over an image.

    Args:
        points: in pixels of the image; absent ones and those outside it are not drawn. The
            scheme's edges are.
        image: the DICOM file or dataset (a header is enough) that it refers to; grey values.
        lines: drawn beside, such as those of an angle.
        names: whether each landmark's name stands beside it.
        frame: from 0, where the image has several.

    Raises:
        FormatError: the image is no DICOM image, not identified, or in colour.
        GeometryError: points of three axes or of another frame, or none that is present; no such
            frame of the image; every point, or a line, outside the image.
        PalpateError: highdicom is not installed.
    """
    try:
        from palpate.io.dicom_present_graphics import Drawn, state
    except ImportError as error:
        raise PalpateError(
            "presentation states are written through highdicom: pip install 'palpate[pacs]'"
        ) from error

    source = source_of(image)
    if str(source.get("PhotometricInterpretation", "")) not in ("MONOCHROME1", "MONOCHROME2"):
        where = image if isinstance(image, Path) else Path("image")
        raise FormatError(where, "is not grey; a grayscale presentation state cannot refer to it")
    within, outside = on_image(points, source)
    refuse_all_outside(points, outside, source)
    if not within.present.any():
        raise GeometryError("there is nothing to draw: no landmark is present")
    corner = within.moved(Affine.from_corner_origin().inverse())
    edge = np.array([source.Columns, source.Rows], dtype=float)
    arm = _ARM * float(edge.max()) / 1000.0
    drawn = Drawn(
        crosses=tuple(_cross(corner[name], arm, edge) for name in _present(corner)),
        joins=tuple(
            np.stack([corner[a], corner[b]])
            for a, b in points.scheme.edges
            if {a, b} <= set(_present(corner))
        ),
        words=tuple((name, np.minimum(corner[name] + arm, edge)) for name in _present(corner))
        if names
        else (),
        lines=tuple(_moved(line, edge) for line in lines),
    )
    number = frame_number(source, frame)
    try:
        return state(drawn, _with_window(source), number)
    except PalpateError:
        raise
    except (AttributeError, KeyError, ValueError) as error:
        # highdicom copies the film's window; a film may hold half of one.
        where = image if isinstance(image, Path) else Path("image")
        raise FormatError(where, f"no presentation state can refer to it: {error}") from error


def capture_of(picture: UInt8[ndarray, "y x 3"], image: Path | Dataset) -> Dataset:
    """Return a picture with everything burnt in as a Secondary Capture of the image's study.

    Args:
        picture: RGB, of any size.
        image: the DICOM file or dataset (a header is enough) that was drawn upon.

    Raises:
        FormatError: the image is no DICOM image, or not identified.
        PalpateError: highdicom is not installed.
    """
    try:
        from highdicom.sc import SCImage
    except ImportError as error:
        raise PalpateError(
            "secondary captures are written through highdicom: pip install 'palpate[pacs]'"
        ) from error

    from pydicom.uid import ExplicitVRLittleEndian

    source = source_of(image)
    made: Dataset = SCImage.from_ref_dataset(
        source,
        pixel_array=np.ascontiguousarray(picture),
        photometric_interpretation="RGB",
        bits_allocated=8,
        coordinate_system="PATIENT",
        series_instance_uid=new_uid(),
        series_number=PICTURE_SERIES,
        sop_instance_uid=new_uid(),
        instance_number=1,
        manufacturer=MANUFACTURER,
        manufacturer_model_name=MANUFACTURER,
        software_versions=__version__,
        series_description="Landmarks and measurements, burnt in",
        patient_orientation=_orientation(source),
        transfer_syntax_uid=ExplicitVRLittleEndian,
        specific_character_set=UTF_8,
    )
    made.Laterality = side_of(source)
    made.BurnedInAnnotation = "YES"
    made.ImageType = ["DERIVED", "SECONDARY"]
    made.DerivationDescription = "Landmarks and measurements drawn over the image"
    made.SourceImageSequence = [_reference(source)]
    made.ConversionType = "WSD"
    return made


def _present(points: Points) -> list[str]:
    return [name for name, there in zip(points.scheme.names, points.present, strict=True) if there]


def _cross(
    centre: Float[ndarray, " 2"], arm: float, edge: Float[ndarray, " 2"]
) -> tuple[Float[ndarray, "2 2"], ...]:
    """Two strokes, cut at the image's edge; the centre stays in sight, unlike under a blot."""
    return tuple(
        np.clip(np.stack([centre - step, centre + step]), 0.0, edge)
        for step in (np.array([arm, 0.0]), np.array([0.0, arm]))
    )


def _moved(line: Line, edge: Float[ndarray, " 2"]) -> tuple[Float[ndarray, "2 2"], str]:
    """The line from the corner's origin; DICOM takes no graphics outside the image."""
    ends = Affine.from_corner_origin().inverse()([line.start, line.end])
    if (ends < 0).any() or (ends > edge).any():
        raise GeometryError(
            f"line {line.words!r} from {line.start} to {line.end} leaves the image of "
            f"{edge[0]:g} x {edge[1]:g} px; cut it at the edge"
        )
    return ends, line.words


def _with_window(source: Dataset) -> Dataset:
    """Return the header with its rescale and its window where highdicom looks for them.

    A film with a window and a look-up table leaves the choice to the viewer; a state has one. Of
    images with several frames, highdicom knows only those that have functional groups.
    """
    if "WindowCenter" in source and "VOILUTSequence" in source:
        del source.VOILUTSequence
    if frames_of(source) == 1 or "SharedFunctionalGroupsSequence" in source:
        return source
    shared = Dataset()
    for group, keywords in _FUNCTIONAL.items():
        if all(keyword in source for keyword in keywords[:2]):
            values = Dataset()
            for keyword in keywords:
                if keyword in source:
                    setattr(values, keyword, source[keyword].value)
            setattr(shared, group, [values])
    source.SharedFunctionalGroupsSequence = [shared]
    source.PerFrameFunctionalGroupsSequence = []
    return source


def _orientation(source: Dataset) -> tuple[str, str] | None:
    found = source.get("PatientOrientation")
    rows, columns = (str(found[0]), str(found[1])) if found and len(found) > 1 else ("", "")
    return (rows, columns) if rows and columns else None


def _reference(source: Dataset) -> Dataset:
    reference = Dataset()
    reference.ReferencedSOPClassUID = source.SOPClassUID
    reference.ReferencedSOPInstanceUID = source.SOPInstanceUID
    return reference
