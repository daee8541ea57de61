"""Graphic annotations of a presentation state, through highdicom."""

from dataclasses import dataclass

from highdicom.pr import (
    AnnotationUnitsValues,
    GraphicAnnotation,
    GraphicLayer,
    GraphicObject,
    GraphicTypeValues,
    GrayscaleSoftcopyPresentationState,
    TextObject,
)
from jaxtyping import Float
from numpy import ndarray
from pydicom.dataset import Dataset

from palpate import __version__
from palpate.io.dicom_codes import clipped
from palpate.io.dicom_present import STATE_SERIES
from palpate.io.dicom_sr import MANUFACTURER
from palpate.io.dicom_sr_source import UTF_8, new_uid, side_of

Stroke = Float[ndarray, "2 2"]
_PIXEL = AnnotationUnitsValues.PIXEL


@dataclass(frozen=True, eq=False, slots=True)
class Drawn:
    """What is drawn, counted from the outer corner of the first pixel.

    Args:
        crosses: two strokes a landmark.
        joins: one stroke an edge of the scheme.
        words: a name and where it stands.
        lines: a stroke and the words at its first end.
    """

    crosses: tuple[tuple[Stroke, ...], ...]
    joins: tuple[Stroke, ...]
    words: tuple[tuple[str, Float[ndarray, " 2"]], ...]
    lines: tuple[tuple[Stroke, str], ...]


def state(drawn: Drawn, source: Dataset, number: int | None) -> Dataset:
    """Return the presentation state; landmarks and measurements are layers of their own.

    Args:
        drawn: what to draw.
        source: header of the image, made complete.
        number: of the frame, from 1; None where the image has one.
    """
    points = GraphicLayer("LANDMARKS", order=1, description="Landmarks")
    lines = GraphicLayer("MEASUREMENTS", order=2, description="Lines of measurements")
    strokes = [stroke for cross in drawn.crosses for stroke in cross]
    landmark_texts = [_text(words, at) for words, at in drawn.words]
    measured = [stroke for stroke, _ in drawn.lines]
    line_texts = [_text(words, stroke[0]) for stroke, words in drawn.lines if words]
    annotations = [
        _annotation(source, points, number, [*strokes, *drawn.joins], landmark_texts),
    ]
    layers = [points]
    if measured:
        annotations.append(_annotation(source, lines, number, measured, line_texts))
        layers.append(lines)
    made: Dataset = GrayscaleSoftcopyPresentationState(
        referenced_images=[source],
        series_instance_uid=new_uid(),
        series_number=STATE_SERIES,
        sop_instance_uid=new_uid(),
        instance_number=1,
        manufacturer=MANUFACTURER,
        manufacturer_model_name=MANUFACTURER,
        software_versions=__version__,
        device_serial_number=__version__,
        content_label="LANDMARKS",
        content_description="Landmarks and measurements",
        graphic_annotations=annotations,
        graphic_layers=layers,
        series_description="Landmarks and measurements",
        specific_character_set=UTF_8,
    )
    made.Laterality = side_of(source)
    return made


def _annotation(
    source: Dataset,
    layer: GraphicLayer,
    number: int | None,
    strokes: list[Stroke],
    texts: list[TextObject],
) -> GraphicAnnotation:
    objects = [
        GraphicObject(GraphicTypeValues.POLYLINE, graphic_data=stroke, units=_PIXEL)
        for stroke in strokes
    ]
    return GraphicAnnotation(
        referenced_images=[source],
        graphic_layer=layer,
        referenced_frame_number=number,
        graphic_objects=objects,
        text_objects=texts or None,
    )


def _text(words: str, at: Float[ndarray, " 2"]) -> TextObject:
    return TextObject(
        clipped(words),
        units=_PIXEL,
        anchor_point=(float(at[0]), float(at[1])),
        anchor_point_visible=False,
    )
