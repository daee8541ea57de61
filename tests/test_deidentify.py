"""What identifies a patient goes, what is measured stays, and the same salt gives the same."""

import shutil
import subprocess

import numpy as np
import pytest
from PIL import Image as Picture
from PIL import ImageDraw, ImageFont
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.tag import Tag

from dicom_films import write_film
from dicom_service import work
from palpate.io.dicom_deidentify import Deidentifier
from palpate.io.dicom_deidentify_table import Action, actions
from palpate.io.dicom_deidentify_text import find_text
from palpate.io.dicom_sr_read import read_sr
from palpate.workflows.dicom_deidentify import deidentify_each, read_salt

SALT = b"a salt of the tests"
SECRETS = ("Doe", "Jane", "SECRET", "19770707", "General Hospital")


@pytest.fixture
def film(tmp_path):
    """A film with a secret wherever one may be."""
    data = write_film(tmp_path / "film.dcm", patient="SECRET-17")
    data.PatientName = "Doe^Jane"
    data.PatientBirthDate = "19770707"
    data.InstitutionName = "General Hospital"
    data.OperatorsName = ["Doe^Jane", "Doe^John"]
    data.PatientAge = "047Y"
    data.StudyDescription = "knee of Jane Doe"
    data.ImageComments = "SECRET"
    data.DateOfSecondaryCapture = "19770707"
    inner = Dataset()
    inner.ReferencedSOPClassUID = data.SOPClassUID
    inner.ReferencedSOPInstanceUID = data.SOPInstanceUID
    inner.PatientName = "Doe^Jane"
    data.SourceImageSequence = [inner]
    request = Dataset()
    request.RequestedProcedureDescription = "SECRET"
    data.RequestAttributesSequence = [request]
    block = data.private_block(0x0011, "SECRET VENDOR", create=True)
    block.add_new(1, "LO", "Doe^Jane")
    data.add_new(0x60000010, "US", 8)
    data.add_new(0x60000011, "US", 8)
    data.add_new(0x60003000, "OW", bytes(8))
    data.add_new(0x60004000, "LT", "SECRET")
    data.add_new(0x50000010, "US", 8)
    data.add_new(0x00091001, "UN", b"Doe^Jane")
    data.add_new(0x00189999, "UN", b"Doe^Jane")
    data.save_as(tmp_path / "film.dcm", enforce_file_format=True)
    return dcmread(tmp_path / "film.dcm")


def test_no_secret_is_left_anywhere(film, tmp_path):
    made = Deidentifier(SALT)(film)
    made.save_as(tmp_path / "made.dcm", enforce_file_format=True)
    content = (tmp_path / "made.dcm").read_bytes()
    assert str(film.StudyInstanceUID).encode() not in content
    for secret in SECRETS:
        assert secret.encode() in (tmp_path / "film.dcm").read_bytes()
        assert secret.encode() not in content, secret
    assert film.PatientName == "Doe^Jane", "the object that was given is as it was"


def test_what_is_measured_stays(film):
    made = Deidentifier(SALT)(film)
    assert made.PixelData == film.PixelData
    for keyword in ("PixelSpacing", "Rows", "PatientOrientation", "Modality", "WindowCenter"):
        assert made[keyword].value == film[keyword].value
    assert made.SOPClassUID == film.SOPClassUID


def test_the_profile_of_the_table_is_kept(film):
    """Every attribute of the table is gone, empty, a dummy, or another UID."""
    made = Deidentifier(SALT)(film)
    for element in film:
        action = actions().get(int(element.tag))
        new = made.get(element.tag)
        if action is Action.REMOVE:
            assert new is None, element.keyword
        elif action is Action.EMPTY and element.keyword != "PatientName":
            assert new.is_empty, element.keyword
        elif action is Action.DUMMY and not element.is_empty:
            assert new.value != element.value, element.keyword
        elif action is Action.UID and element.VR == "UI":
            assert new.value.startswith("2.25."), element.keyword
    assert not [element for element in made if element.tag.is_private]
    assert not [e for e in made if e.tag.group & 0xFF00 in (0x5000, 0x6000)]
    assert made.PatientIdentityRemoved == "YES"
    assert [c.CodeValue for c in made.DeidentificationMethodCodeSequence] == ["113100"]
    assert made.LongitudinalTemporalInformationModified == "REMOVED"


def test_the_table_is_the_standard_s():
    """Rows of PS3.15 table E.1-1 that were looked up by hand."""
    known = {
        0x00100010: "Z",  # Patient's Name
        0x00100020: "D",  # Patient ID, Z/D
        0x00100030: "Z",  # Patient's Birth Date
        0x00080050: "Z",  # Accession Number
        0x00081030: "X",  # Study Description
        0x00081070: "D",  # Operators' Name, X/Z/D
        0x00080018: "U",  # SOP Instance UID
        0x00081155: "U",  # Referenced SOP Instance UID
        0x00200052: "U",  # Frame of Reference UID
        0x00324000: "X",  # Study Comments
        0x0040A075: "D",  # Verifying Observer Name
        0x00080080: "D",  # Institution Name, X/Z/D
    }
    assert {tag: actions()[tag].value for tag in known} == known
    assert len(actions()) > 600
    assert Tag("PixelData") not in actions()


def test_the_same_salt_gives_the_same_and_another_does_not(film):
    one, two, other = (Deidentifier(salt)(film) for salt in (SALT, SALT, b"another salt of it"))
    assert one == two
    for keyword in ("SOPInstanceUID", "StudyInstanceUID", "PatientID", "PatientName"):
        assert one[keyword].value != other[keyword].value
    assert one.SourceImageSequence[0].ReferencedSOPInstanceUID == one.SOPInstanceUID
    assert one.file_meta.MediaStorageSOPInstanceUID == one.SOPInstanceUID
    with pytest.raises(ValueError, match="16 bytes"):
        Deidentifier(b"short")
    assert "salt" not in repr(Deidentifier(SALT))


def test_dates_are_moved_together_or_go(film, tmp_path):
    assert not Deidentifier(SALT)(film).StudyDate
    keep = Deidentifier(SALT, keep_dates=True)
    film.ContentDate = "20261125"
    film.AcquisitionDateTime = "20261130101500.5+0100"
    made = keep(film)
    moved = np.datetime64(f"{made.StudyDate[:4]}-{made.StudyDate[4:6]}-{made.StudyDate[6:]}")
    later = np.datetime64(f"{made.ContentDate[:4]}-{made.ContentDate[4:6]}-{made.ContentDate[6:]}")
    assert later - moved == np.timedelta64(5, "D")
    assert moved < np.datetime64("2026-10-21")
    assert made.AcquisitionDateTime.endswith("101500.5+0100")
    assert made.StudyTime == film.StudyTime
    assert not made.PatientBirthDate
    assert made.LongitudinalTemporalInformationModified == "MODIFIED"
    second = write_film(tmp_path / "second.dcm", patient="SECRET-17", number=2, study="other")
    assert keep(second).StudyDate == made.StudyDate, "all films of a patient move alike"
    codes = [code.CodeValue for code in made.DeidentificationMethodCodeSequence]
    assert codes == ["113100", "113107"]


def test_sex_and_age_stay_on_request_and_great_age_is_hidden(film):
    keep = Deidentifier(SALT, keep_characteristics=True)
    assert (keep(film).PatientAge, keep(film).PatientSex) == ("047Y", "F")
    film.PatientAge = "101Y"
    assert keep(film).PatientAge == "089Y"
    plain = Deidentifier(SALT)(film)
    assert "PatientAge" not in plain
    assert not plain.PatientSex


def test_a_report_keeps_its_numbers_and_loses_its_people(film, tmp_path):
    (report,) = work()(tmp_path / "film.dcm", "digest")
    hide = Deidentifier(SALT)
    made = hide(report)
    made.save_as(tmp_path / "made.dcm", enforce_file_format=True)
    report.save_as(tmp_path / "report.dcm", enforce_file_format=True)
    (old,), (new,) = (read_sr(tmp_path / n).rows for n in ("report.dcm", "made.dcm"))
    assert new.image == hide.uid(old.image) == hide(film).SOPInstanceUID
    assert np.array_equal(new.points.coordinates, old.points.coordinates)
    content = (tmp_path / "made.dcm").read_bytes()
    for secret in SECRETS:
        assert secret.encode() not in content, secret
    codes = [code.CodeValue for code in made.DeidentificationMethodCodeSequence]
    assert codes == ["113100", "113104"]


def test_words_in_a_report_go(film):
    film.ContentSequence = [_item("TEXT", "121106", TextValue="Jane Doe")]
    film.ContentSequence.append(_item("TEXT", "112039", TextValue="sella"))
    film.ContentSequence.append(_item("PNAME", "121008", PersonName="Doe^Jane"))
    film.ContentSequence.append(_item("DATE", "1", Date="19770707"))
    film.ContentSequence.append(_item("LETTER", "1", TextValue="Jane Doe"))
    film.ContentSequence.append(
        _item("CONTAINER", "1", ContentSequence=[_item("PNAME", "1", PersonName="Doe^Jane")])
    )
    made = Deidentifier(SALT)(film)
    text = str(made)
    for secret in SECRETS:
        assert secret not in text, secret
    assert made.ContentSequence[1].TextValue == "sella"


def _item(kind, code, **values):
    item, name = Dataset(), Dataset()
    name.CodeValue, name.CodingSchemeDesignator, name.CodeMeaning = code, "DCM", "something"
    item.ValueType, item.ConceptNameCodeSequence = kind, [name]
    for keyword, value in values.items():
        setattr(item, keyword, value)
    return item


def test_a_packed_document_is_left_out(film, tmp_path):
    film.EncapsulatedDocument = b"%PDF Jane Doe"
    film.save_as(tmp_path / "film.dcm", enforce_file_format=True)
    (tmp_path / "notes.txt").write_text("no film")
    found = {
        one.source.name: one
        for one in deidentify_each(
            Deidentifier(SALT), tmp_path, tmp_path.parent / f"{tmp_path.name}-out"
        )
    }
    assert found["film.dcm"].path is None
    assert "packed document" in found["film.dcm"].reason
    assert "no DICOM file" in found["notes.txt"].reason


def test_a_folder_is_written_under_new_names_and_still_valid(tmp_path, program):
    (tmp_path / "in").mkdir()
    write_film(tmp_path / "in" / "Doe_Jane.dcm", patient="SECRET-17")
    salt = tmp_path / "salt"
    hide = Deidentifier(read_salt(salt), keep_dates=True)
    (one,) = deidentify_each(hide, tmp_path / "in", tmp_path / "out")
    assert one.path.name == f"{dcmread(one.path).SOPInstanceUID}.dcm"
    assert read_salt(salt) == read_salt(salt)
    assert salt.stat().st_mode & 0o077 == 0
    salt.chmod(0o644)
    with pytest.raises(ValueError, match="chmod 600"):
        read_salt(salt)
    with pytest.raises(ValueError, match="another folder"):
        list(deidentify_each(hide, tmp_path / "in", tmp_path / "in" / "out"))
    told = subprocess.run(
        [program("dciodvfy"), "-new", str(one.path)], capture_output=True, text=True, check=False
    )
    before = subprocess.run(
        [program("dciodvfy"), "-new", str(tmp_path / "in" / "Doe_Jane.dcm")],
        capture_output=True,
        text=True,
        check=False,
    )
    errors = {line for line in told.stderr.splitlines() if line.startswith("Error")}
    assert errors <= {line for line in before.stderr.splitlines() if line.startswith("Error")}


def test_text_burnt_into_a_film_is_warned_of(tmp_path):
    ground = np.array(_phantom(0), dtype=np.uint16)
    clean = write_film(tmp_path / "clean.dcm", pixels=ground)
    drawn = Picture.fromarray((ground // 16).astype(np.uint8))
    ImageDraw.Draw(drawn).text((12, 12), "DOE JANE 1977", fill=255, font=_font(18))
    burnt = (np.asarray(drawn).astype(np.uint16) * 16) + 15 * (np.asarray(drawn) == 255)
    write_film(tmp_path / "burnt.dcm", pixels=burnt.astype(np.uint16), number=2)
    found = {
        one.source.name: " ".join(one.warnings)
        for one in deidentify_each(
            Deidentifier(SALT), tmp_path, tmp_path.parent / f"{tmp_path.name}-out"
        )
    }
    assert "may hold text" in found["burnt.dcm"]
    assert "may hold text" not in found["clean.dcm"]
    assert clean.BurnedInAnnotation == "NO"
    shutil.rmtree(tmp_path.parent / f"{tmp_path.name}-out")


@pytest.mark.parametrize("height", [12, 20, 40])
@pytest.mark.parametrize("bright", [True, False])
def test_rows_of_letters_are_found_in_either_polarity(height, bright):
    picture = Picture.fromarray((_phantom(1) // 16).astype(np.uint8))
    ImageDraw.Draw(picture).text(
        (15, 300), "St. Mary 04.05.2021", fill=255 if bright else 0, font=_font(height)
    )
    pixels = np.asarray(picture)
    (first, *_) = find_text(pixels)
    assert first.letters >= 6
    assert 280 < first.top < first.bottom < 300 + 2 * height
    assert not find_text(np.flipud(_phantom(1)))


def _phantom(seed):
    y, x = np.mgrid[:480, :400]
    blob = 1500 * np.exp(-((x - 200) ** 2 + (y - 240) ** 2) / 2 / 90**2)
    noise = np.random.default_rng(seed).normal(0, 40, (480, 400))
    return (800 + blob + noise).clip(1, 4000).astype(np.uint16)


def _font(height):
    return ImageFont.load_default(size=height)
