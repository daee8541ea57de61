"""Measurement groups of a report: one for each landmark (TID 1410), one for each quantity.

This is the one place that moves points to SCOORD's frame, where (0, 0) is the outer corner of the
first pixel (PS3.3 C.18.6.1.2); palpate's (0, 0) is its centre.

A quantity is a TID 1410 group whose region goes through its landmarks: viewers of the OHIF family
take a number without a region of its own for a fault, and show none of the report. A quantity
that was not measured is a TID 1501 group without a number.
"""

import numpy as np
from highdicom.sr import (
    AlgorithmIdentification,
    CodedConcept,
    FindingSite,
    GraphicTypeValues,
    ImageRegion,
    MeasurementProperties,
    MeasurementsAndQualitativeEvaluations,
    MeasurementStatisticalProperties,
    NormalRangeProperties,
    NumContentItem,
    PlanarROIMeasurementsAndQualitativeEvaluations,
    QualitativeEvaluation,
    RelationshipTypeValues,
    SourceImageForMeasurementGroup,
    SourceImageForRegion,
    TextContentItem,
    TrackingIdentifier,
)
from highdicom.sr import Measurement as Number
from jaxtyping import Float
from numpy import ndarray
from pydicom.dataset import Dataset

from palpate.affine import Affine
from palpate.io import dicom_codes as code
from palpate.io.dicom_codes import Concept
from palpate.io.dicom_sr_source import new_uid
from palpate.measurement import Measurement, Unit
from palpate.points import OCCLUDED, Points

# More landmarks than these are marked by the box round them: a line through them says nothing.
MAX_CORNERS = 4

Group = MeasurementsAndQualitativeEvaluations | PlanarROIMeasurementsAndQualitativeEvaluations


def coded(concept: Concept) -> CodedConcept:
    """Return a concept as highdicom wants it."""
    return CodedConcept(concept.value, concept.scheme, concept.meaning)


def text_item(concept: Concept, text: str) -> TextContentItem:
    """Return a text that a container contains."""
    return TextContentItem(
        name=coded(concept), value=text, relationship_type=RelationshipTypeValues.CONTAINS
    )


def landmark_group(
    points: Points,
    name: str,
    image: SourceImageForRegion,
    *,
    covariance: Float[ndarray, "2 2"] | None,
    algorithm: AlgorithmIdentification | None,
) -> Group:
    """Return the group of one landmark that is there.

    Args:
        points: in pixels of the image.
        name: of the landmark.
        image: that the point is selected from, with the frame where it has several.
        covariance: in px², written as three numbers; None writes none.
        algorithm: that placed it; None where a person did.
    """
    row = points.scheme.index(name)
    hidden = points.visibility[row] == OCCLUDED
    concept = code.landmark_concept(name)
    return PlanarROIMeasurementsAndQualitativeEvaluations(
        tracking_identifier=TrackingIdentifier(uid=new_uid(), identifier=name),
        referenced_region=_region(points.coordinates[row][None], image),
        finding_type=coded(code.LANDMARK),
        finding_sites=[FindingSite(anatomic_location=coded(concept))],
        algorithm_id=algorithm,
        measurements=None if covariance is None else _spread(covariance),
        qualitative_evaluations=[_evaluation(code.VISIBILITY, code.OCCLUDED)] if hidden else None,
    )


def outside_group(
    name: str, image: SourceImageForRegion, *, algorithm: AlgorithmIdentification | None
) -> Group:
    """Return the group of a landmark that was placed outside the image: said, not drawn.

    Args:
        name: of the landmark.
        image: that it lies outside of.
        algorithm: that placed it; None where a person did.
    """
    return MeasurementsAndQualitativeEvaluations(
        tracking_identifier=TrackingIdentifier(uid=new_uid(), identifier=name),
        finding_type=coded(code.LANDMARK),
        finding_sites=[FindingSite(anatomic_location=coded(code.landmark_concept(name)))],
        algorithm_id=algorithm,
        qualitative_evaluations=[_evaluation(code.VISIBILITY, code.OUTSIDE)],
        source_images=[_whole(image)],
    )


def quantity_group(
    measurement: Measurement,
    points: Points,
    image: SourceImageForRegion,
    *,
    edge: tuple[int, int],
    algorithm: AlgorithmIdentification,
) -> Group:
    """Return the group of one quantity, measured or not.

    Args:
        measurement: with a value, or with the reason why there is none.
        points: in pixels; those that the quantity rests on mark its region.
        image: that the region is selected from.
        edge: (width, height) of the image: the region of a number that rests on no point on it.
        algorithm: that computed it.
    """
    tracking = TrackingIdentifier(uid=new_uid(), identifier=measurement.name)
    known = [name for name in measurement.landmarks if name in points.scheme.names]
    rows = [row for row in points.scheme.indices(known) if points.present[row]]
    numbers, evaluations = [], []
    if measurement.value is None:
        evaluations.append(_evaluation(code.STATUS, code.NOT_MEASURED))
    else:
        numbers.append(_number(measurement, algorithm))
    if measurement.probabilities:
        likely = max(measurement.probabilities, key=lambda name: measurement.probabilities[name])
        evaluations.append(_evaluation(code.MOST_PROBABLE, code.class_concept(likely)))
        numbers += [
            Number(name=coded(code.chance_concept(name)), value=float(chance), unit=_unit("1"))
            for name, chance in measurement.probabilities.items()
        ]
    finding = coded(code.QUANTITY)
    group: Group
    if numbers:
        group = PlanarROIMeasurementsAndQualitativeEvaluations(
            tracking_identifier=tracking,
            referenced_region=_region(points.coordinates[rows] if rows else _frame(edge), image),
            finding_type=finding,
            measurements=numbers,
            qualitative_evaluations=evaluations or None,
        )
    else:
        group = MeasurementsAndQualitativeEvaluations(
            tracking_identifier=tracking,
            finding_type=finding,
            qualitative_evaluations=evaluations or None,
            source_images=[_whole(image)],
        )
    group[0].ContentSequence.extend(_texts(measurement))
    return group


def _number(measurement: Measurement, algorithm: AlgorithmIdentification) -> Number:
    """TID 300 with its properties (TID 310): uncertainty, interval, normal range."""
    values = _uncertainty(measurement)
    statistics = MeasurementStatisticalProperties(values=values) if values else None
    return Number(
        name=coded(code.quantity_concept(measurement.name)),
        value=float(measurement.value or 0.0),
        unit=_unit(measurement.unit),
        algorithm_id=algorithm,
        properties=MeasurementProperties(
            measurement_statistical_properties=statistics,
            normal_range_properties=_normal(measurement),
        ),
    )


def _uncertainty(measurement: Measurement) -> list[NumContentItem]:
    """Standard uncertainty, bounds of the interval, and how far these are from the value.

    highdicom writes the two ranges of TID 310 without their unit, so they are made here.
    """
    numbers: list[tuple[Concept, float]] = []
    value = measurement.value or 0.0
    if measurement.standard_uncertainty is not None:
        numbers.append((code.STANDARD_DEVIATION, measurement.standard_uncertainty))
    if measurement.interval is not None:
        lower, upper = measurement.interval
        numbers += [(code.LOWER, lower), (code.UPPER, upper)]
        # An interval of held-out errors may lie beside the value: then there is no such range.
        if lower <= value <= upper:
            numbers += [(code.ABOVE, upper - value), (code.BELOW, value - lower)]
    items = [_property(concept, number, measurement.unit) for concept, number in numbers]
    if measurement.interval is not None:
        items.append(_property(code.LEVEL, measurement.level, "1"))
    return items


def _normal(measurement: Measurement) -> NormalRangeProperties | None:
    normal = measurement.normal
    if normal is None:
        return None
    limits = ((code.NORMAL_LOW, normal.low), (code.NORMAL_HIGH, normal.high))
    return NormalRangeProperties(
        values=[_property(concept, limit, measurement.unit) for concept, limit in limits],
        authority=normal.source or None,
    )


def _property(concept: Concept, value: float, unit: Unit) -> NumContentItem:
    return NumContentItem(
        name=coded(concept),
        value=float(value),
        unit=_unit(unit),
        relationship_type=RelationshipTypeValues.HAS_PROPERTIES,
    )


def _texts(measurement: Measurement) -> list[TextContentItem]:
    """What has no code: TID 1501 may be extended by texts."""
    said = (
        (code.REASON, measurement.reason or ""),
        (code.BASIS, measurement.basis),
        (code.CROSSES, "; ".join(measurement.crosses)),
        (code.NOTE, measurement.note),
    )
    return [text_item(concept, text) for concept, text in said if text]


def _spread(covariance: Float[ndarray, "2 2"]) -> list[Number]:
    deviations = np.sqrt(np.maximum(np.diag(covariance), 0.0))
    product = float(deviations.prod())
    together = float(covariance[0, 1]) / product if product > 0 else 0.0
    numbers: tuple[tuple[Concept, float, Unit], ...] = (
        (code.SD_X, float(deviations[0]), "px"),
        (code.SD_Y, float(deviations[1]), "px"),
        (code.CORRELATION, together, "1"),
    )
    return [
        Number(name=coded(what), value=value, unit=_unit(unit)) for what, value, unit in numbers
    ]


def _region(coordinates: Float[ndarray, "n 2"], image: SourceImageForRegion) -> ImageRegion:
    corner = Affine.from_corner_origin().inverse()(coordinates)
    if len(corner) > MAX_CORNERS:
        (left, top), (right, bottom) = corner.min(axis=0), corner.max(axis=0)
        corner = np.array([[left, top], [right, top], [right, bottom], [left, bottom], [left, top]])
    kind = GraphicTypeValues.POINT if len(corner) == 1 else GraphicTypeValues.POLYLINE
    return ImageRegion(graphic_type=kind, graphic_data=corner, source_image=image)


def _frame(edge: tuple[int, int]) -> Float[ndarray, "5 2"]:
    """The edge of an image, in pixels from the centre of the first one."""
    right, bottom = edge[0] - 0.5, edge[1] - 0.5
    corners = [[-0.5, -0.5], [right, -0.5], [right, bottom], [-0.5, bottom], [-0.5, -0.5]]
    return np.array(corners)


def _whole(image: SourceImageForRegion) -> SourceImageForMeasurementGroup:
    reference: Dataset = image.ReferencedSOPSequence[0]
    number = reference.get("ReferencedFrameNumber")
    return SourceImageForMeasurementGroup(
        reference.ReferencedSOPClassUID,
        reference.ReferencedSOPInstanceUID,
        None if number is None else [int(number)],
    )


def _evaluation(name: Concept, value: Concept) -> QualitativeEvaluation:
    return QualitativeEvaluation(name=coded(name), value=coded(value))


def _unit(unit: Unit) -> CodedConcept:
    return coded(code.UNITS[unit])
