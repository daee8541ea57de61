"""Structured reports back: our own, those of viewers, and what is refused."""

import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import dcmread
from pydicom.config import IGNORE
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import (
    ComprehensiveSRStorage,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    generate_uid,
)
from typer.testing import CliRunner

from dicom_films import SIZE, write_clip, write_film
from palpate.cli.app import app
from palpate.errors import FormatError, OutputError, PalpateError
from palpate.io.annotation import AnnotatedImage
from palpate.io.dicom_sr import Provenance, Signer, sr_of, write_dicom
from palpate.io.dicom_sr_read import is_sr, points_from_sr, read_sr, read_sr_listed
from palpate.io.formats import format_of, format_to_write, read_annotation, reader_of, writer_of
from palpate.measurement import Measurement, Report
from palpate.points import Points
from palpate.scheme import LandmarkScheme

SCHEME = LandmarkScheme("hip", ("lateral rim", "triradiate", "centre of head", "ilium"))
POINTS = Points(
    SCHEME,
    np.array([[120.5, 200.25], [200.0, 230.5], [0.0, 0.0], [np.nan, np.nan]]),
    np.array([2, 1, 2, 0]),
)
PLAIN = Report("s1", "film.dcm", ())
Change = Callable[[Dataset], None]


def films(folder: Path, count: int = 1) -> list[Dataset]:
    folder.mkdir(parents=True, exist_ok=True)
    return [write_film(folder / f"film_{k}.dcm", seed=k, number=k) for k in range(count)]


def signed(name: str) -> Provenance:
    return Provenance(signer=Signer(name, "Clinic"))


# --- our own ------------------------------------------------------------------------------------


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    (film,) = films(tmp_path / "study" / "a")
    # Quantities have regions too: a point of one landmark, a line of two. They are no landmarks.
    measured = (
        Measurement("triradiate", "px", value=3.0, landmarks=("triradiate",)),
        Measurement("slope", "deg", value=3.0, landmarks=("triradiate", "lateral rim")),
    )
    report = Report("s1", "film.dcm", measured)
    write_dicom(tmp_path / "sr.dcm", sr_of(report, POINTS, film, signed("Doe^Jane")))
    found = read_annotation(tmp_path / "sr.dcm")
    assert found.scheme.names == SCHEME.names
    (row,) = found.rows
    assert (row.image, row.annotator) == (film.SOPInstanceUID, "Jane Doe")
    assert row.points.visibility.tolist() == [2, 1, 2, 0]
    np.testing.assert_allclose(row.points.coordinates, POINTS.coordinates, atol=1e-6, rtol=0)
    listed = read_sr_listed(tmp_path / "sr.dcm", images=tmp_path / "study")
    (row,) = listed.annotations.rows
    assert (row.image, row.size, listed.unread) == ("a/film_0.dcm", SIZE, ())
    again = points_from_sr(tmp_path / "sr.dcm", film.SOPInstanceUID, SCHEME)
    assert again.visibility.tolist() == [2, 1, 2, 0]


@pytest.fixture(scope="module")
def one_film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("one")
    write_film(folder / "film.dcm")
    return folder / "film.dcm"


@settings(max_examples=8)
@given(
    st.lists(
        st.tuples(
            st.floats(-0.5, SIZE[0] - 0.5, width=32), st.floats(-0.5, SIZE[1] - 0.5, width=32)
        ),
        min_size=1,
        max_size=3,
    )
)
def test_every_point_comes_back_to_a_32_bit_float(
    one_film: Path, at: list[tuple[float, float]]
) -> None:
    folder, film = one_film.parent, dcmread(one_film)
    scheme = LandmarkScheme("any", tuple(f"p{k}" for k in range(len(at))))
    points = Points.of(scheme, [list(pair) for pair in at])
    write_dicom(folder / "sr.dcm", sr_of(PLAIN, points, film))
    back = points_from_sr(folder / "sr.dcm", film.SOPInstanceUID, scheme)
    assert np.abs(back.coordinates - points.coordinates).max() <= 2.0**-16


def test_frames_have_names_of_frames(tmp_path: Path) -> None:
    (tmp_path / "study").mkdir()
    write_clip(tmp_path / "study" / "clip.dcm", frames=3)
    for frame in (0, 2):
        made = sr_of(PLAIN, POINTS, tmp_path / "study" / "clip.dcm", frame=frame)
        write_dicom(tmp_path / "reports" / f"{frame}.dcm", made)
    found = read_sr_listed(tmp_path / "reports", images=tmp_path / "study").annotations
    assert [row.image for row in found.rows] == ["clip.dcm#0", "clip.dcm#2"]
    uid = dcmread(tmp_path / "study" / "clip.dcm").SOPInstanceUID
    assert [row.image for row in read_sr(tmp_path / "reports").rows] == [f"{uid}#0", f"{uid}#2"]


def at_time(data: Dataset, time: str) -> Dataset:
    data.ContentDate, data.ContentTime = "20261122", time
    return data


def moved(points: Points, by: float) -> Points:
    return Points(points.scheme, points.coordinates + by, points.visibility)


def test_the_newest_report_of_an_observer_wins_and_observers_stay_apart(tmp_path: Path) -> None:
    first, second = films(tmp_path / "study", 2)
    reports = {
        # The names of the files say nothing about the time.
        "a_late": at_time(sr_of(PLAIN, moved(POINTS, 5.0), first, signed("Doe^Jane")), "120000"),
        "b_early": at_time(sr_of(PLAIN, POINTS, first, signed("Doe^Jane")), "110000"),
        "c_other": at_time(sr_of(PLAIN, moved(POINTS, 9.0), first, signed("Adams^Amy")), "100000"),
        "d_second": at_time(sr_of(PLAIN, POINTS, second, signed("Doe^Jane")), "090000"),
    }
    for name, data in reports.items():
        write_dicom(tmp_path / "reports" / f"{name}.dcm", data)
    read = read_sr_listed(tmp_path / "reports", images=tmp_path / "study")
    found = {(row.image, row.annotator): row.points for row in read.annotations.rows}
    assert set(found) == {
        *(("film_0.dcm", "Jane Doe"), ("film_0.dcm", "Amy Adams"), ("film_1.dcm", "Jane Doe")),
    }
    assert found["film_0.dcm", "Jane Doe"]["lateral rim"].tolist() == [125.5, 205.25]
    assert found["film_0.dcm", "Amy Adams"]["lateral rim"].tolist() == [129.5, 209.25]
    (line,) = read.unread
    assert line.startswith("b_early.dcm: an older report")
    write_dicom(tmp_path / "reports" / "e_copy.dcm", reports["d_second"])
    again = read_sr_listed(tmp_path / "reports").unread
    assert any(line.endswith("dcm: the same report again") for line in again)
    hidden = read_sr_listed(tmp_path / "reports", hide_observers=True).annotations
    assert {row.annotator for row in hidden.rows} == {"reader 1", "reader 2"}


# --- of viewers ---------------------------------------------------------------------------------


def code(value: str, scheme: str, meaning: str) -> Dataset:
    made = Dataset()
    # OHIF's own code of a free text is longer than DICOM allows.
    made.add(DataElement("CodeValue", "SH", value, validation_mode=IGNORE))
    made.CodingSchemeDesignator, made.CodeMeaning = scheme, meaning
    return made


def item(kind: str, name: Dataset, relation: str, *below: Dataset) -> Dataset:
    made = Dataset()
    made.ValueType, made.RelationshipType = kind, relation
    made.ConceptNameCodeSequence = [name]
    if below:
        made.ContentSequence = list(below)
    return made


def said(name: Dataset, text: str) -> Dataset:
    made = item("TEXT", name, "HAS OBS CONTEXT")
    made.TextValue = text
    return made


def coded(name: Dataset, value: Dataset) -> Dataset:
    made = item("CODE", name, "CONTAINS")
    made.ConceptCodeSequence = [value]
    return made


TRACKING = code("112039", "DCM", "Tracking Identifier")
FINDING = code("121071", "DCM", "Finding")
SITE = code("363698007", "SCT", "Finding Site")
OLD_SITE = code("G-C0E3", "SRT", "Finding Site")


def free(text: str) -> Dataset:
    return code("CORNERSTONEFREETEXT", "CORNERSTONEJS", text)


def shape(
    film: Dataset | None, kind: str, numbers: Sequence[float], value: str = "SCOORD"
) -> Dataset:
    made = item(value, code("260753009", "SCT", "Source"), "INFERRED FROM")
    made.GraphicType, made.GraphicData = kind, list(numbers)
    if film is not None:
        image = Dataset()
        image.RelationshipType, image.ValueType = "SELECTED FROM", "IMAGE"
        reference = Dataset()
        reference.ReferencedSOPClassUID = film.SOPClassUID
        reference.ReferencedSOPInstanceUID = film.SOPInstanceUID
        # Some viewers number the frame of an image that has only one.
        reference.ReferencedFrameNumber = 1
        image.ReferencedSOPSequence = [reference]
        made.ContentSequence = [image]
    return made


def below_number(*shapes: Dataset) -> Dataset:
    """As Cornerstone3D saves it: the point is what a number was inferred from."""
    made = item("NUM", code("111010", "DCM", "Center"), "CONTAINS", *shapes)
    value = Dataset()
    value.NumericValue = "0"
    value.MeasurementUnitsCodeSequence = [code("1", "UCUM", "no units")]
    made.MeasuredValueSequence = [value]
    return made


def group(*items: Dataset) -> Dataset:
    return item("CONTAINER", code("125007", "DCM", "Measurement Group"), "CONTAINS", *items)


def foreign(path: Path, film: Dataset, *groups: Dataset, person: str = "Doe^Jane") -> Path:
    """A report as another program saves it: no private codes, older schemes, few headers."""
    data = Dataset()
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data.SOPClassUID = data.file_meta.MediaStorageSOPClassUID = ComprehensiveSRStorage
    data.SOPInstanceUID = data.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    data.StudyInstanceUID, data.SeriesInstanceUID = film.StudyInstanceUID, generate_uid()
    data.Modality, data.ContentDate, data.ContentTime = "SR", "20261122", "101112"
    data.ValueType = "CONTAINER"
    data.ConceptNameCodeSequence = [code("126000", "DCM", "Imaging Measurement Report")]
    observer = item("PNAME", code("121008", "DCM", "Person Observer Name"), "HAS OBS CONTEXT")
    observer.PersonName = person
    measured = code("126010", "DCM", "Imaging Measurements")
    data.ContentSequence = [observer, item("CONTAINER", measured, "CONTAINS", *groups)]
    data.save_as(path, enforce_file_format=True)
    return path


def cornerstone(tool: str) -> Dataset:
    return said(TRACKING, f"Cornerstone3DTools@^0.1.0:{tool}")


def only(path: Path, folder: Path) -> AnnotatedImage:
    (row,) = read_sr_listed(path, images=folder).annotations.rows
    return row


def test_points_that_a_reader_labelled_in_ohif(tmp_path: Path) -> None:
    (film,) = films(tmp_path / "study")
    path = foreign(
        tmp_path / "ohif.dcm",
        film,
        group(
            *(cornerstone("Probe"), coded(FINDING, free("nasion"))),
            below_number(shape(film, "POINT", [10.5, 20.5])),
        ),
        group(
            *(cornerstone("Probe"), coded(OLD_SITE, free("sella"))),
            below_number(shape(film, "POINT", [30.0, 40.0])),
        ),
        group(
            *(cornerstone("ArrowAnnotate"), coded(SITE, free("menton"))),
            below_number(shape(film, "POINT", [50.5, 60.5, 90.0, 90.0])),
        ),
        group(
            *(cornerstone("Length"), coded(FINDING, free("a distance"))),
            below_number(shape(film, "POLYLINE", [1.0, 2.0, 3.0, 4.0])),
        ),
        group(cornerstone("Probe"), below_number(shape(film, "POINT", [7.0, 8.0]))),
    )
    read = read_sr_listed(path, images=tmp_path / "study")
    (row,) = read.annotations.rows
    assert (row.image, row.annotator) == ("film_0.dcm", "Jane Doe")
    assert {name: row.points[name].tolist() for name in row.points.scheme.names} == {
        "nasion": [10.0, 20.0],
        "sella": [29.5, 39.5],
        "menton": [50.0, 60.0],
    }
    assert read.unread == (
        "ohif.dcm: a distance: POLYLINE of 2 point(s)",
        "ohif.dcm: Cornerstone3DTools@^0.1.0:Probe: POINT of 1 point(s)",
    )


def test_points_whose_tracking_identifier_or_site_is_the_name(tmp_path: Path) -> None:
    (film,) = films(tmp_path / "study")
    path = foreign(
        tmp_path / "slicer.dcm",
        film,
        group(said(TRACKING, "nasion"), shape(film, "POINT", [10.5, 20.5])),
        group(
            coded(SITE, code("42575006", "SCT", "Sella turcica")),
            shape(film, "POINT", [1.5, 1.5]),
        ),
        group(said(TRACKING, "A, B; C"), shape(film, "MULTIPOINT", [1.5, 2.5, 3.5, 4.5, 5.5, 6.5])),
    )
    row = only(path, tmp_path / "study")
    assert row.points.scheme.names == ("nasion", "Sella turcica", "A", "B", "C")
    assert row.points.coordinates.tolist() == [[10, 20], [1, 1], [1, 2], [3, 4], [5, 6]]


def test_a_report_of_ours_that_a_viewer_saved_without_our_texts(tmp_path: Path) -> None:
    """The landmark's code alone tells the name, whatever became of the tracking identifier."""
    (film,) = films(tmp_path / "study")
    long = "upper corner of the anterior wall of the acetabulum, as drawn by the second reader"
    scheme = LandmarkScheme("hip", ("lateral rim", long))
    data = sr_of(PLAIN, Points.of(scheme, [[5.0, 6.0], [7.0, 8.0]]), film)
    data.ContentSequence = [one for one in data.ContentSequence if one.ValueType != "TEXT"]
    groups = data.ContentSequence[-1].ContentSequence
    groups[0].ContentSequence[0].TextValue = "Cornerstone3DTools@^0.1.0:Probe"
    write_dicom(tmp_path / "sr.dcm", data)
    assert only(tmp_path / "sr.dcm", tmp_path / "study").points.scheme.names == scheme.names


def test_a_point_that_lost_its_image_is_of_the_only_one(tmp_path: Path) -> None:
    first, second = films(tmp_path / "study", 2)
    known = group(said(TRACKING, "nasion"), shape(first, "POINT", [10.5, 20.5]))
    lost = group(said(TRACKING, "sella"), shape(None, "POINT", [1.5, 1.5]))
    path = foreign(tmp_path / "one.dcm", first, known, lost)
    assert only(path, tmp_path / "study").points["sella"].tolist() == [1.0, 1.0]
    other = group(said(TRACKING, "menton"), shape(second, "POINT", [10.5, 20.5]))
    path = foreign(tmp_path / "two.dcm", first, known, lost, other)
    with pytest.raises(FormatError, match=r"'sella' does not say of which image it is, .* 2"):
        read_sr(path)


@pytest.mark.parametrize("person", ["", "unknown^unknown"])
def test_nobody_is_no_annotator(tmp_path: Path, person: str) -> None:
    (film,) = films(tmp_path / "study")
    one = group(said(TRACKING, "nasion"), shape(film, "POINT", [10.5, 20.5]))
    path = foreign(tmp_path / "sr.dcm", film, one, person=person)
    assert only(path, tmp_path / "study").annotator == ""


# --- not what they should be --------------------------------------------------------------------


def test_a_report_of_another_image_is_refused(tmp_path: Path) -> None:
    first, second = films(tmp_path / "study", 2)
    write_dicom(tmp_path / "sr.dcm", sr_of(PLAIN, POINTS, first))
    with pytest.raises(FormatError, match="is a report of another image"):
        points_from_sr(tmp_path / "sr.dcm", second.SOPInstanceUID, SCHEME)
    with pytest.raises(FormatError, match="has none of the 1 landmarks; its points are: lateral"):
        points_from_sr(
            tmp_path / "sr.dcm", first.SOPInstanceUID, LandmarkScheme("other", ("nasion",))
        )
    (tmp_path / "study" / "film_0.dcm").unlink()
    with pytest.raises(FormatError, match=r"another image: .* none of the 1 DICOM images"):
        read_sr_listed(tmp_path / "sr.dcm", images=tmp_path / "study")


def test_a_report_that_is_cut_anywhere_is_refused(tmp_path: Path) -> None:
    (film,) = films(tmp_path)
    write_dicom(tmp_path / "sr.dcm", sr_of(PLAIN, POINTS, film))
    whole = (tmp_path / "sr.dcm").read_bytes()
    cut = tmp_path / "cut.dcm"
    for length in [*range(0, len(whole), 97), len(whole) - 1]:
        cut.write_bytes(whole[:length])
        with pytest.raises(FormatError, match=r"cut\.dcm: "):
            read_sr(cut)


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, DeflatedExplicitVRLittleEndian])
@pytest.mark.parametrize("undefined", [False, True])
def test_other_transfer_syntaxes_are_read_and_their_cuts_refused(
    tmp_path: Path, syntax: Any, undefined: bool
) -> None:
    (film,) = films(tmp_path)
    write_dicom(tmp_path / "sr.dcm", sr_of(PLAIN, POINTS, film))
    data = dcmread(tmp_path / "sr.dcm")
    data["ContentSequence"].is_undefined_length = undefined
    for one in data.ContentSequence:
        one.is_undefined_length_sequence_item = undefined
    data.file_meta.TransferSyntaxUID = syntax
    implicit = syntax == ImplicitVRLittleEndian
    data.save_as(tmp_path / "other.dcm", implicit_vr=implicit, little_endian=True)
    (row,) = read_sr(tmp_path / "other.dcm").rows
    assert row.points.visibility.tolist() == [2, 1, 2, 0]
    whole = (tmp_path / "other.dcm").read_bytes()
    for length in (len(whole) - 20, len(whole) // 2, 700):
        (tmp_path / "cut.dcm").write_bytes(whole[:length])
        with pytest.raises(FormatError):
            read_sr(tmp_path / "cut.dcm")


def test_a_small_file_that_unpacks_to_a_large_one_is_refused(tmp_path: Path) -> None:
    (film,) = films(tmp_path)
    data = sr_of(PLAIN, POINTS, film)
    data.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    write_dicom(tmp_path / "sr.dcm", data)
    whole = (tmp_path / "sr.dcm").read_bytes()
    start = 132 + 12 + int.from_bytes(whole[140:144], "little")
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    bomb = b"".join(packer.compress(bytes(1 << 20)) for _ in range(70)) + packer.flush()
    (tmp_path / "bomb.dcm").write_bytes(whole[:start] + bomb)
    with pytest.raises(FormatError, match="unpacks to more than 64 MiB"):
        read_sr(tmp_path / "bomb.dcm")


def test_what_holds_no_landmark_is_refused(tmp_path: Path) -> None:
    (film,) = films(tmp_path / "study")
    with pytest.raises(FormatError, match=r"is Digital X-Ray Image .*, not a structured report"):
        read_sr(tmp_path / "study" / "film_0.dcm")
    with pytest.raises(FormatError, match="no such file"):
        read_sr(tmp_path / "gone.dcm")
    with pytest.raises(FormatError, match="holds no DICOM structured report"):
        read_sr(tmp_path / "study")
    with pytest.raises(FormatError, match="no measurement group with a point"):
        read_sr(foreign(tmp_path / "empty.dcm", film))
    solid = group(said(TRACKING, "nasion"), shape(film, "POINT", [1.0, 2.0, 3.0], "SCOORD3D"))
    with pytest.raises(FormatError, match=r"patient's space \(SCOORD3D\) only"):
        read_sr(foreign(tmp_path / "solid.dcm", film, solid))
    line = group(said(TRACKING, "length"), shape(film, "POLYLINE", [1.0, 2.0, 3.0, 4.0]))
    with pytest.raises(FormatError, match=r"no named landmark, only: length: POLYLINE of 2"):
        read_sr(foreign(tmp_path / "line.dcm", film, line))


def test_points_that_cannot_be_are_refused(tmp_path: Path) -> None:
    (film,) = films(tmp_path / "study")
    one = group(said(TRACKING, "nasion"), shape(film, "POINT", [10.5, 20.5]))
    with pytest.raises(FormatError, match="'nasion' is there twice"):
        read_sr(foreign(tmp_path / "twice.dcm", film, one, one))
    far = group(said(TRACKING, "nasion"), shape(film, "POINT", [900.0, 20.5]))
    path = foreign(tmp_path / "far.dcm", film, far)
    assert len(read_sr(path).rows) == 1
    with pytest.raises(FormatError, match=r"\(899.5, 20.0\), outside film_0.dcm of 400 x 480"):
        read_sr_listed(path, images=tmp_path / "study")
    for numbers in ([1.0], [float("nan"), 2.0], []):
        odd = group(said(TRACKING, "nasion"), shape(film, "POINT", numbers))
        with pytest.raises(FormatError, match="no named landmark, only"):
            read_sr(foreign(tmp_path / "odd.dcm", film, odd))


def test_two_files_that_are_one_image_are_refused(tmp_path: Path) -> None:
    (film,) = films(tmp_path / "study")
    write_dicom(tmp_path / "sr.dcm", sr_of(PLAIN, POINTS, film))
    copy = tmp_path / "study" / "again.dcm"
    copy.write_bytes((tmp_path / "study" / "film_0.dcm").read_bytes())
    with pytest.raises(FormatError, match=r"again.dcm and film_0.dcm have the same SOPInstanceUID"):
        read_sr_listed(tmp_path / "sr.dcm", images=tmp_path / "study")


# --- palpate convert ----------------------------------------------------------------------------


def test_convert_turns_corrected_reports_into_labels(tmp_path: Path) -> None:
    (film,) = films(tmp_path / "study")
    write_dicom(tmp_path / "in" / "ours.dcm", sr_of(PLAIN, POINTS, film, signed("Doe^Jane")))
    nameless = group(cornerstone("Probe"), below_number(shape(film, "POINT", [7.0, 8.0])))
    rim = group(said(TRACKING, "lateral rim"), shape(film, "POINT", [11.0, 12.0]))
    foreign(tmp_path / "in" / "other.dcm", film, rim, nameless, person="Adams^Amy")
    out = tmp_path / "out.csv"
    done = CliRunner().invoke(
        app,
        ["convert", str(tmp_path / "in"), str(out), "--images", str(tmp_path / "study")],
    )
    assert done.exit_code == 0, done.output
    assert "(dicom-sr)" in done.output
    assert "not read: other.dcm: Cornerstone3DTools@^0.1.0:Probe" in done.output
    rows = {row.annotator: row for row in read_annotation(out).rows}
    assert {row.image for row in rows.values()} == {"film_0.dcm"}
    assert rows["Amy Adams"].points["lateral rim"].tolist() == [10.5, 11.5]
    assert rows["Jane Doe"].points.visibility.tolist() == [2, 1, 2, 0]
    done = CliRunner().invoke(app, ["convert", str(tmp_path / "in"), str(out), "--hide-readers"])
    assert done.exit_code == 0, done.output
    assert {row.annotator for row in read_annotation(out).rows} == {"reader 1", "reader 2"}


def test_the_format_is_found_and_not_written(tmp_path: Path) -> None:
    (film,) = films(tmp_path / "study")
    write_dicom(tmp_path / "sr.DCM", sr_of(PLAIN, POINTS, film))
    assert format_of(tmp_path / "sr.DCM") == "dicom-sr"
    assert is_sr(tmp_path / "sr.DCM")
    assert not is_sr(tmp_path / "study" / "film_0.dcm")
    assert reader_of("dicom-sr")(tmp_path / "sr.DCM").scheme.names == SCHEME.names
    with pytest.raises(FormatError, match="is no structured report"):
        format_of(tmp_path / "study" / "film_0.dcm")
    with pytest.raises(FormatError, match="give the annotation file"):
        format_of(tmp_path / "study")
    with pytest.raises(OutputError, match="not converted from labels"):
        format_to_write(tmp_path / "out.dcm")
    with pytest.raises(PalpateError, match="not converted from labels"):
        writer_of("dicom-sr")
