"""A report's content tree (TID 1500) and the document round it."""

from dataclasses import dataclass

from highdicom.coding_schemes import CodingSchemeIdentificationItem
from highdicom.sr import (
    AlgorithmIdentification,
    ComprehensiveSR,
    DeviceObserverIdentifyingAttributes,
    MeasurementReport,
    ObservationContext,
    ObserverContext,
    PersonObserverIdentifyingAttributes,
    SourceImageForRegion,
)
from jaxtyping import Float
from numpy import ndarray
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes

from palpate import __version__
from palpate.io import dicom_codes as code
from palpate.io.dicom_sr import MANUFACTURER, SERIES_NUMBER, Algorithm, Signer
from palpate.io.dicom_sr_groups import (
    Group,
    coded,
    landmark_group,
    outside_group,
    quantity_group,
    text_item,
)
from palpate.io.dicom_sr_source import UTF_8, new_uid
from palpate.io.dicom_sr_tree import concept
from palpate.measurement import Report
from palpate.points import Points

_MEASUREMENTS = codes.DCM.ImagingMeasurements.value
_PROJECTIONS_DESCRIBED = ("CR", "DX", "IO", "MG", "PX", "RF", "RG", "XA")
_SLICE = ("PixelSpacing", "SliceThickness", "ImagePositionPatient", "ImageOrientationPatient")
_PROJECTIONS = ("CR", "DX", "RG", "IO", "PX")


@dataclass(frozen=True, eq=False, slots=True)
class Content:
    """What a document says; see :func:`palpate.io.dicom_sr.sr_of`.

    Args:
        report: the measurements.
        points: in pixels of the image, those that lie on it.
        outside: names of the landmarks that lie outside.
        edge: (width, height) of the image in px.
        covariance: of the points in px², to be written; None writes none.
        algorithm: that placed or measured.
        predicted: whether the algorithm placed the points; else a person did.
        signer: who answers for it; None leaves it unverified.
        frame_number: from 1; None where the image has one frame.
        image_sha256: of the image's file; empty where unknown.
    """

    report: Report
    points: Points
    outside: tuple[str, ...]
    edge: tuple[int, int]
    covariance: Float[ndarray, "landmark 2 2"] | None
    algorithm: Algorithm
    predicted: bool
    signer: Signer | None
    frame_number: int | None
    image_sha256: str


def document(content: Content, source: Dataset, previous: Dataset | None) -> Dataset:
    """Return the document.

    Args:
        content: what it says.
        source: header of the image, as :func:`palpate.io.dicom_sr_source.source_of` gives it.
        previous: the report that this one replaces.
    """
    signer = content.signer
    first, *others = _groups(content, source)
    made = ComprehensiveSR(
        evidence=[source],
        content=_tree(content, source, first),
        series_instance_uid=new_uid(),
        series_number=SERIES_NUMBER,
        sop_instance_uid=new_uid(),
        instance_number=1,
        manufacturer=MANUFACTURER,
        manufacturer_model_name=MANUFACTURER,
        software_versions=__version__,
        series_description=_described(content),
        is_complete=True,
        is_final=signer is not None,
        is_verified=signer is not None,
        verifying_observer_name=person_name(signer.name) if signer else None,
        verifying_organization=signer.organisation if signer else None,
        previous_versions=[previous] if previous is not None else None,
        specific_character_set=UTF_8,
        coding_schemes=[_scheme()],
    )
    return _with_groups(made, others)


def _with_groups(made: ComprehensiveSR, groups: list[Group]) -> Dataset:
    """Put further groups behind the first one.

    highdicom copies and searches the whole tree five times; all groups are selected from the same
    image, so that one group tells it all that it looks for.
    """
    (container,) = (item for item in made.ContentSequence if concept(item)[0] == _MEASUREMENTS)
    for group in groups:
        container.ContentSequence.extend(list(group))
    # A plain dataset: what highdicom keeps beside its own, for reading, knows one group alone.
    whole = Dataset(made)
    whole.file_meta = made.file_meta
    return whole


def person_name(name: str) -> str:
    """Return a name as DICOM's PN: as given where it has a caret, else as one component.

    Which word of a name is the family's is not guessed.

    Example:
        >>> person_name("Jane Doe"), person_name("Doe^Jane")
        ('Jane Doe^', 'Doe^Jane')
    """
    return name if "^" in name else f"{name.strip()}^"


def _tree(content: Content, source: Dataset, first: Group) -> MeasurementReport:
    plain = str(source.get("Modality", "")) in _PROJECTIONS
    tree = MeasurementReport(
        observation_context=_observers(content),
        procedure_reported=coded(code.PLAIN_FILM if plain else code.IMAGING),
        imaging_measurements=[first],
        title=codes.DCM.ImagingMeasurementReport,
        referenced_images=[_described_image(source)],
    )
    protocols = dict.fromkeys(m.protocol for m in content.report.measurements if m.protocol)
    said = (
        (code.PROTOCOL, "; ".join(protocols)),
        (code.SCHEME_OF_LANDMARKS, "\n".join(content.points.scheme.names)),
        (code.IMAGE_DIGEST, content.image_sha256),
    )
    # TID 1500 may be extended; what it does not know comes behind what it does.
    tree[0].ContentSequence.extend(text_item(concept, text) for concept, text in said if text)
    return tree


def _described_image(source: Dataset) -> Dataset:
    """The header for the image library (TID 1600), where viewers look for the images.

    highdicom wants of a film or a slice what many do not hold. Such an image is described by its
    kind and size alone, as one of another modality is; the kind comes from its SOP class.
    """
    projection = str(source.get("Modality", "")) in _PROJECTIONS_DESCRIBED
    needed = ("PatientOrientation", "ImagerPixelSpacing") if projection else _SLICE
    if all(source.get(keyword) for keyword in needed):
        return source
    plain = Dataset()
    for keyword in ("SOPClassUID", "SOPInstanceUID", "Rows", "Columns"):
        setattr(plain, keyword, source[keyword].value)
    plain.Modality = "OT"
    return plain


def _groups(content: Content, source: Dataset) -> list[Group]:
    number = content.frame_number
    image = SourceImageForRegion(
        source.SOPClassUID, source.SOPInstanceUID, None if number is None else [number]
    )
    points, covariance = content.points, content.covariance
    placed = _algorithm(content, "") if content.predicted else None
    groups = [
        landmark_group(
            points,
            name,
            image,
            covariance=None if covariance is None else covariance[row],
            algorithm=placed,
        )
        for row, name in enumerate(points.scheme.names)
        if points.present[row]
    ]
    groups += [outside_group(name, image, algorithm=placed) for name in content.outside]
    groups += [
        quantity_group(
            one, points, image, edge=content.edge, algorithm=_algorithm(content, one.protocol)
        )
        for one in content.report.measurements
    ]
    return groups


def _algorithm(content: Content, protocol: str) -> AlgorithmIdentification:
    named = content.algorithm
    parameters = [
        f"{what}={value}"
        for what, value in (("model", named.model), ("protocol", protocol))
        if value
    ]
    return AlgorithmIdentification(
        name=named.name,
        version=named.version,
        parameters=parameters or None,
        manufacturer=MANUFACTURER,
    )


def _observers(content: Content) -> ObservationContext:
    """The device that measured, and the person who signed or at least looked."""
    device = ObserverContext(
        observer_type=codes.DCM.Device,
        observer_identifying_attributes=DeviceObserverIdentifyingAttributes(
            uid=new_uid(),
            name=content.algorithm.name,
            manufacturer_name=MANUFACTURER,
            model_name=MANUFACTURER,
            serial_number=content.algorithm.version,
        ),
    )
    signer = content.signer
    name = signer.name if signer else content.report.reviewed_by
    if not name:
        return ObservationContext(observer_device_context=device)
    person = ObserverContext(
        observer_type=codes.DCM.Person,
        observer_identifying_attributes=PersonObserverIdentifyingAttributes(
            name=person_name(name), organization_name=signer.organisation if signer else None
        ),
    )
    return ObservationContext(observer_person_context=person, observer_device_context=device)


def _described(content: Content) -> str:
    protocols = dict.fromkeys(m.protocol for m in content.report.measurements if m.protocol)
    return code.clipped(f"Measurements {', '.join(protocols)}".strip())


def _scheme() -> CodingSchemeIdentificationItem:
    return CodingSchemeIdentificationItem(
        designator=code.SCHEME,
        name=code.SCHEME_NAME,
        responsible_organization=MANUFACTURER,
    )
