"""Structured reports out: what is in them, where the points are, what validators say."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import highdicom as hd
import numpy as np
import pytest
from highdicom.sr import srread
from pydicom import dcmread
from pydicom.dataset import Dataset

from dicom_films import SIZE, lamp, write_clip, write_film
from palpate.errors import FormatError, GeometryError, PalpateError
from palpate.io import dicom_codes as code
from palpate.io.dicom_sr import Algorithm, Provenance, Signer, sr_of, write_dicom
from palpate.io.dicom_sr_read import points_from_sr, read_sr_listed
from palpate.measurement import Measurement, NormalRange, Report
from palpate.points import Points
from palpate.prediction import Prediction
from palpate.scheme import LandmarkScheme

SCHEME = LandmarkScheme("hip", ("lateral rim", "triradiate", "centre of head", "ilium"))
POINTS = Points(
    SCHEME,
    np.array([[120.5, 200.25], [200.0, 230.5], [210.75, 120.0], [np.nan, np.nan]]),
    np.array([2, 1, 2, 0]),
)
ANGLE = Measurement(
    "Acetabular index",
    "deg",
    value=21.123456789,
    standard_uncertainty=1.5,
    interval=(18.25, 23.875),
    level=0.9,
    landmarks=("lateral rim", "triradiate", "centre of head"),
    protocol="hip 1",
    normal=NormalRange(10.0, 25.0, "Tönnis 1968"),
    note="at the detector plane",
    basis="conformal",
    probabilities={"normal": 0.75, "dysplastic": 0.25},
    crosses=("20 deg",),
)
MISSED = Measurement(
    "Width", "mm", reason="landmark not found: ilium", landmarks=("ilium", "triradiate")
)
REPORT = Report("s1", "film.dcm", (ANGLE, MISSED))
SIGNED = Provenance(
    algorithm=Algorithm("hip net", "2.0", "sha256:abc"),
    signer=Signer("Zoë Müller", "St Mary's"),
    image_sha256="ab" * 32,
)


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("films") / "film.dcm"
    write_film(path)
    return path


@pytest.fixture(scope="module")
def report(film: Path) -> Path:
    path = film.with_name("report.dcm")
    write_dicom(path, sr_of(REPORT, POINTS, film, SIGNED))
    return path


def predicted(points: Points) -> Prediction:
    spread = np.array([[4.0, 1.0], [1.0, 2.0]])
    covariance = np.where(points.present[:, None, None], spread, np.nan)
    found = points.present.astype(float)
    return Prediction(SCHEME, points.coordinates, covariance, found, "net abc")


def items(item: Any) -> list[Any]:
    below = list(item.get("ContentSequence", ()))
    return [*below, *(one for child in below for one in items(child))]


def named(item: Any, concept: code.Concept) -> list[Any]:
    def key(one: Any) -> tuple[str, str]:
        name = one.ConceptNameCodeSequence[0]
        return name.CodeValue, name.CodingSchemeDesignator

    return [one for one in items(item) if key(one) == concept.key]


def number(item: Any, concept: code.Concept) -> tuple[Any, str]:
    (found,) = named(item, concept)
    value = found.MeasuredValueSequence[0]
    return value.FloatingPointValue, value.MeasurementUnitsCodeSequence[0].CodeValue


def groups(data: Dataset) -> dict[str, Any]:
    found = [one for one in items(data) if one.ConceptNameCodeSequence[0].CodeValue == "125007"]
    return {one.ContentSequence[0].TextValue: one for one in found}


# --- where the points are -----------------------------------------------------------------------


def test_a_lamp_is_in_the_middle_of_its_pixel(tmp_path: Path) -> None:
    """PS3.3 C.18.6.1: (0, 0) is the corner of the first pixel, so its centre is (0.5, 0.5)."""
    at = (37, 11)
    write_film(tmp_path / "lamp.dcm", pixels=lamp(at))
    pixels = dcmread(tmp_path / "lamp.dcm").pixel_array
    y, x = np.argwhere(pixels == pixels.max())[0]
    scheme = LandmarkScheme("one", ("lamp",))
    points = Points.of(scheme, [[float(x), float(y)]])
    made = sr_of(Report("s", "lamp.dcm", ()), points, tmp_path / "lamp.dcm")
    (shape,) = [one for one in items(made) if one.ValueType == "SCOORD"]
    assert shape.GraphicType == "POINT"
    assert list(shape.GraphicData) == [37.5, 11.5]
    # The pixel whose square holds the point, by SCOORD's own definition, is the lamp's.
    column, row = (int(np.floor(value)) for value in shape.GraphicData)
    assert pixels[row, column] == pixels.max()


def test_the_corners_of_the_film_are_written(film: Path) -> None:
    scheme = LandmarkScheme("corners", ("first", "last"))
    points = Points.of(scheme, [[-0.5, -0.5], [SIZE[0] - 0.5, SIZE[1] - 0.5]])
    made = sr_of(Report("s", "a", ()), points, film)
    shapes = [list(one.GraphicData) for one in items(made) if one.ValueType == "SCOORD"]
    assert shapes == [[0.0, 0.0], [float(SIZE[0]), float(SIZE[1])]]


def test_thirty_two_bits_cost_an_eighth_of_a_thousandth_of_a_pixel(tmp_path: Path) -> None:
    """Numbers of SCOORD are 32-bit floats: between 2,048 and 4,096 their steps are 2^-12."""
    rng = np.random.default_rng(5)
    width, height = 4000, 3000
    scheme = LandmarkScheme("many", tuple(f"p{k}" for k in range(40)))
    given = rng.uniform(0, 1, (40, 2)) * [width - 1, height - 1]
    source = write_film(tmp_path / "small.dcm")
    source.Rows, source.Columns = height, width
    write_dicom(tmp_path / "sr.dcm", sr_of(Report("s", "a", ()), Points.of(scheme, given), source))
    back = points_from_sr(tmp_path / "sr.dcm", source.SOPInstanceUID, scheme)
    apart = np.abs(back.coordinates - given)
    assert apart.max() <= 2.0**-13
    # And it is not free: a test that compares with 1e-6 would fail.
    assert apart.max() > 1e-5


# --- what is said -------------------------------------------------------------------------------


def test_highdicom_reads_it_back(report: Path) -> None:
    content: Any = srread(report).content
    read = content.get_planar_roi_measurement_groups()
    landmarks = {
        one.tracking_identifier: one for one in read if one.finding_type.value == "LANDMARK"
    }
    assert list(landmarks) == ["lateral rim", "triradiate", "centre of head"]
    for name, one in landmarks.items():
        assert one.roi.graphic_type.value == "POINT"
        assert one.roi.value == pytest.approx(POINTS[name][None] + 0.5, abs=1e-6)
        assert one.finding_sites[0].value.value == code.landmark_concept(name).value
    (angle,) = (one for one in read if one.finding_type.value == "QUANTITY")
    (first, *chances) = angle.get_measurements()
    assert first.value == pytest.approx(21.123456789, abs=1e-6)
    assert (first.unit.value, first.unit.scheme_designator) == ("deg", "UCUM")
    assert [one.value for one in chances] == [0.75, 0.25]
    (likely,) = angle.get_qualitative_evaluations()
    assert likely.value.meaning == "normal"


def test_the_uncertainty_the_interval_and_the_normal_range_stand_below_the_number(
    report: Path,
) -> None:
    group = groups(dcmread(report))["Acetabular index"]
    (value,) = named(group, code.quantity_concept("Acetabular index"))
    assert number(value, code.STANDARD_DEVIATION) == (1.5, "deg")
    assert number(value, code.LOWER) == (18.25, "deg")
    assert number(value, code.UPPER) == (23.875, "deg")
    assert number(value, code.ABOVE) == (pytest.approx(23.875 - 21.123456789), "deg")
    assert number(value, code.BELOW) == (pytest.approx(21.123456789 - 18.25), "deg")
    assert number(value, code.LEVEL) == (0.9, "1")
    assert number(value, code.NORMAL_LOW) == (10.0, "deg")
    assert number(value, code.NORMAL_HIGH) == (25.0, "deg")
    texts = {one.TextValue for one in items(value) if one.ValueType == "TEXT"}
    assert texts >= {"Tönnis 1968", "hip net", "2.0", "model=sha256:abc", "protocol=hip 1"}
    assert {one.TextValue for one in group.ContentSequence if one.ValueType == "TEXT"} == {
        *("Acetabular index", "conformal", "20 deg", "at the detector plane"),
    }


def test_an_interval_beside_the_value_has_bounds_and_no_ranges(film: Path) -> None:
    beside = Measurement("A", "deg", value=10.0, interval=(11.0, 12.0))
    made = sr_of(Report("s", "a", (beside,)), POINTS, film)
    assert number(made, code.LOWER) == (11.0, "deg")
    assert not named(made, code.ABOVE)
    assert not named(made, code.BELOW)


def test_what_was_not_measured_is_said_and_is_no_number(report: Path) -> None:
    group = groups(dcmread(report))["Width"]
    assert not [one for one in items(group) if one.ValueType == "NUM"]
    (status,) = named(group, code.STATUS)
    assert status.ConceptCodeSequence[0].CodeValue == "NOT-MEASURED"
    assert named(group, code.REASON)[0].TextValue == "landmark not found: ilium"


def test_an_absent_landmark_has_no_point_and_a_hidden_one_says_so(report: Path) -> None:
    data = dcmread(report)
    found = groups(data)
    assert "ilium" not in found
    assert [one for one in found if named(found[one], code.VISIBILITY)] == ["triradiate"]
    (listed,) = named(data, code.SCHEME_OF_LANDMARKS)
    assert listed.TextValue.split("\n") == list(SCHEME.names)


def test_a_landmark_outside_has_no_point_and_its_measurement_keeps_its_value(
    film: Path, tmp_path: Path
) -> None:
    at = POINTS.coordinates.copy()
    at[0], at[1] = (SIZE[0] - 0.5, 3.0), (SIZE[0] - 0.4, 3.0)
    moved = Points(SCHEME, at, POINTS.visibility)
    alone = Measurement("Alone", "deg", value=4.5, landmarks=SCHEME.names[1:2])
    write_dicom(tmp_path / "sr.dcm", sr_of(Report("s", "a", (ANGLE, alone)), moved, film))
    data = dcmread(tmp_path / "sr.dcm")
    found = groups(data)
    out = found[SCHEME.names[1]]
    assert not [one for one in items(out) if one.ValueType == "SCOORD"]
    (said,) = named(out, code.VISIBILITY)
    assert said.ConceptCodeSequence[0].CodeValue == "OUTSIDE"
    assert number(found[ANGLE.name], code.quantity_concept(ANGLE.name))[0] == ANGLE.value
    assert number(found["Alone"], code.quantity_concept("Alone"))[0] == 4.5
    shapes = [one for one in items(data) if one.ValueType == "SCOORD"]
    flat = np.concatenate([np.reshape(one.GraphicData, (-1, 2)) for one in shapes])
    assert (flat >= 0).all()
    assert (flat <= SIZE).all()
    kinds = [{item.ValueType for item in one.ContentSequence} for one in found.values()]
    assert all("SCOORD" in kind for kind in kinds if "NUM" in kind)
    read = read_sr_listed(tmp_path / "sr.dcm")
    assert f"{SCHEME.names[1]}: outside the image" in read.unread[0]
    assert not read.annotations.rows[0].points.present[1]
    assert read.annotations.rows[0].points.present[0], "on the edge is not outside"


def test_a_prediction_that_lies_outside_altogether_is_still_reported(film: Path) -> None:
    far = Points(SCHEME, POINTS.coordinates + 5000.0, POINTS.visibility)
    found = groups(sr_of(REPORT, predicted(far), film))
    assert all(named(found[name], code.VISIBILITY) for name in SCHEME.names if name in found)
    assert {ANGLE.name, MISSED.name} <= set(found)


def test_every_shape_is_selected_from_the_image(report: Path, film: Path) -> None:
    data, image = dcmread(report), dcmread(film)
    shapes = [one for one in items(data) if one.ValueType == "SCOORD"]
    assert len(shapes) == 4
    for shape in shapes:
        (selected,) = shape.ContentSequence
        assert selected.RelationshipType == "SELECTED FROM"
        assert selected.ReferencedSOPSequence[0].ReferencedSOPInstanceUID == image.SOPInstanceUID
    evidence = data.CurrentRequestedProcedureEvidenceSequence[0]
    assert evidence.StudyInstanceUID == image.StudyInstanceUID == data.StudyInstanceUID
    assert data.PatientID == image.PatientID


def test_every_number_has_a_region_beside_it(report: Path) -> None:
    """Viewers of the OHIF family fail on a number without one, and show no report at all."""
    for group in groups(dcmread(report)).values():
        kinds = [one.ValueType for one in group.ContentSequence]
        assert "NUM" not in kinds or "SCOORD" in kinds


def test_a_quantity_of_many_landmarks_is_marked_by_a_box(film: Path) -> None:
    scheme = LandmarkScheme("six", tuple("abcdef"))
    points = Points.of(scheme, [[k * 10.0, (k % 2) * 5.0] for k in range(6)])
    one = Measurement("A", "deg", value=1.0, landmarks=tuple("abcdef"))
    group = groups(sr_of(Report("s", "a", (one,)), points, film))["A"]
    (shape,) = [item for item in group.ContentSequence if item.ValueType == "SCOORD"]
    assert list(shape.GraphicData) == [0.5, 0.5, 50.5, 0.5, 50.5, 5.5, 0.5, 5.5, 0.5, 0.5]


def test_a_report_is_verified_only_by_a_signer(report: Path, film: Path) -> None:
    data = dcmread(report)
    assert (data.VerificationFlag, data.CompletionFlag) == ("VERIFIED", "COMPLETE")
    assert data.PreliminaryFlag == "FINAL"
    signed = data.VerifyingObserverSequence[0]
    assert str(signed.VerifyingObserverName) == "Zoë Müller^"
    assert signed.VerifyingOrganization == "St Mary's"
    seen = Report("s1", "film.dcm", (ANGLE,), reviewed_by="Doe^Jane")
    plain = sr_of(seen, POINTS, film, Provenance(previous=data))
    assert (plain.VerificationFlag, plain.PreliminaryFlag) == ("UNVERIFIED", "PRELIMINARY")
    assert [str(one.PersonName) for one in items(plain) if one.ValueType == "PNAME"] == ["Doe^Jane"]
    replaced = plain.PredecessorDocumentsSequence[0].ReferencedSeriesSequence[0]
    assert replaced.ReferencedSOPSequence[0].ReferencedSOPInstanceUID == data.SOPInstanceUID


def test_a_prediction_names_its_localiser_and_its_spread(film: Path) -> None:
    made = sr_of(REPORT, predicted(POINTS), film, spread=True)
    group = groups(made)["lateral rim"]
    texts = [one.TextValue for one in items(group) if one.ValueType == "TEXT"]
    assert "model=net abc" in texts
    assert number(group, code.SD_X) == (2.0, "{pixels}")
    assert number(group, code.SD_Y) == (pytest.approx(2**0.5), "{pixels}")
    assert number(group, code.CORRELATION) == (pytest.approx(1 / 8**0.5), "1")
    bare = groups(sr_of(REPORT, predicted(POINTS), film))["lateral rim"]
    assert not [one for one in items(bare) if one.ValueType == "NUM"]
    # A person placed these: no algorithm did.
    drawn = groups(sr_of(REPORT, POINTS, film))["lateral rim"]
    assert not [one for one in items(drawn) if one.ValueType == "TEXT"][1:]


def test_a_frame_is_numbered_from_one(tmp_path: Path) -> None:
    write_clip(tmp_path / "clip.dcm", frames=3)
    made = sr_of(REPORT, POINTS, tmp_path / "clip.dcm", frame=1)
    references = [
        one.ReferencedSOPSequence[0]
        for shape in items(made)
        if shape.ValueType == "SCOORD"
        for one in shape.ContentSequence
    ]
    assert {one.ReferencedFrameNumber for one in references} == {2}
    with pytest.raises(GeometryError, match="3 frames; say of which"):
        sr_of(REPORT, POINTS, tmp_path / "clip.dcm")
    with pytest.raises(GeometryError, match="not 3"):
        sr_of(REPORT, POINTS, tmp_path / "clip.dcm", frame=3)


# --- films as they come -------------------------------------------------------------------------


def test_a_film_with_few_tags_and_a_latin_name_is_enough(film: Path, tmp_path: Path) -> None:
    bare = dcmread(film)
    for keyword in (
        *("PatientBirthDate", "PatientSex", "AccessionNumber", "StudyID", "StudyDate"),
        *("StudyTime", "ReferringPhysicianName", "PixelData", "PatientOrientation"),
    ):
        del bare[keyword]
    bare.SpecificCharacterSet = "ISO_IR 100"
    bare.PatientName = "Müller^Zoë"
    bare.save_as(tmp_path / "bare.dcm", enforce_file_format=True)
    write_dicom(tmp_path / "sr.dcm", sr_of(REPORT, POINTS, tmp_path / "bare.dcm"))
    data = dcmread(tmp_path / "sr.dcm")
    assert data.SpecificCharacterSet == "ISO_IR 192"
    assert str(data.PatientName) == "Müller^Zoë"
    assert data.PatientID == "LMK001"
    assert dcmread(tmp_path / "bare.dcm").PatientName.encodings == ("latin_1",)


def test_the_dataset_that_was_given_stays_as_it_was(film: Path) -> None:
    given = dcmread(film)
    given.SpecificCharacterSet = "ISO_IR 100"
    given.StudyID = None
    before = given.to_json()
    sr_of(REPORT, POINTS, given)
    assert given.to_json() == before
    assert given.SpecificCharacterSet == "ISO_IR 100"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"SOPInstanceUID": ""}, "has no SOPInstanceUID"),
        ({"StudyInstanceUID": None}, "has no StudyInstanceUID"),
        ({"Rows": None}, "it is not an image"),
        ({"SOPClassUID": "1.2.3.4"}, "no report can refer to it"),
    ],
)
def test_an_image_that_cannot_be_referred_to_is_refused(
    film: Path, change: dict[str, str | None], message: str
) -> None:
    data = dcmread(film)
    for keyword, value in change.items():
        setattr(data, keyword, value)
    with pytest.raises(FormatError, match=message):
        sr_of(REPORT, POINTS, data)


def test_what_cannot_be_reported_is_refused(film: Path, tmp_path: Path) -> None:
    far = Points.of(LandmarkScheme("one", ("far",)), [[SIZE[0] + 3.0, 5.0]])
    with pytest.raises(GeometryError, match=r"'far' is at \(403.0, 5.0\), outside .* 400 x 480"):
        sr_of(REPORT, far, film)
    none = Points.of(SCHEME, np.full((4, 2), np.nan))
    with pytest.raises(GeometryError, match="nothing to report"):
        sr_of(Report("s", "a", ()), none, film)
    solid = Points.of(LandmarkScheme("s", ("a",), dimension=3), [[1.0, 2.0, 3.0]])
    with pytest.raises(GeometryError, match="3-dimensional"):
        sr_of(REPORT, solid, film)
    (tmp_path / "no.dcm").write_bytes(b"nothing")
    with pytest.raises(FormatError):
        sr_of(REPORT, POINTS, tmp_path / "no.dcm")


@pytest.mark.parametrize(("name", "place"), [("", "Clinic"), ("Jane Doe", " "), ("a\\b", "Clinic")])
def test_a_signature_needs_a_name_and_an_organisation(name: str, place: str) -> None:
    with pytest.raises(PalpateError, match="verified only with"):
        Signer(name, place)
    with pytest.raises(PalpateError, match="version"):
        Algorithm("net", "")


def test_the_private_scheme_identifies_itself(report: Path) -> None:
    (scheme,) = dcmread(report).CodingSchemeIdentificationSequence
    assert scheme.CodingSchemeDesignator == "99PALPATE"
    assert scheme.CodingSchemeName == code.SCHEME_NAME


# --- validators ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def reports(report: Path, film: Path) -> list[Path]:
    clip = film.with_name("clip.dcm")
    write_clip(clip)
    of_clip = film.with_name("clip_report.dcm")
    write_dicom(of_clip, sr_of(REPORT, predicted(POINTS), clip, frame=2, spread=True))
    return [report, of_clip]


def run(*command: object) -> str:
    done = subprocess.run([str(part) for part in command], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    return (done.stdout + done.stderr).decode("utf-8")


def test_dciodvfy_finds_no_error(program: Callable[[str], str], reports: list[Path]) -> None:
    for path in reports:
        said = run(program("dciodvfy"), "-new", path)
        assert "Error" not in said
        unknown = [line for line in said.splitlines() if "Unrecognized defined term" in line]
        assert all("<99PALPATE>" in line for line in unknown)


def test_dsrdump_reads_the_tree(program: Callable[[str], str], reports: list[Path]) -> None:
    for path in reports:
        said = run(program("dsrdump"), "+Pc", path)
        assert '"Acetabular index")="21.123456789" (deg,UCUM,"degree")' in said
        assert '<contains SCOORD:(111030,DCM,"Image Region")=(POINT,121/200.75)>' in said


def test_dcmqi_reads_the_groups(reports: list[Path], tmp_path: Path) -> None:
    reader = Path(hd.__file__).parents[4] / "bin" / "tid1500reader"
    if not reader.is_file():
        pytest.skip("dcmqi is not installed")
    for path in reports:
        out = tmp_path / "read.json"
        run(reader, "--inputDICOM", path, "--outputMetadata", out)
        read = json.loads(out.read_text())["Measurements"]
        named = {one["TrackingIdentifier"]: one for one in read}
        assert set(named) == {*SCHEME.names[:3], "Acetabular index", "Width"}
        first = named["Acetabular index"]["measurementItems"][0]
        assert float(first["value"]) == pytest.approx(21.123456789, abs=1e-6)
        assert first["units"]["CodeValue"] == "deg"
