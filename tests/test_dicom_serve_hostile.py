"""What a storage service is sent by mistake or in malice: a status, a line, and life goes on."""

import logging
import socket
import subprocess
import time
from io import BytesIO

import pytest
from pydicom import dcmread
from pydicom.dataset import FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    BasicTextSRStorage,
    DigitalXRayImageStorageForPresentation,
    ExplicitVRLittleEndian,
    JPEGExtended12Bit,
    generate_uid,
)
from pynetdicom import AE
from pynetdicom.dimse_primitives import C_STORE
from pynetdicom.dsutils import encode

from dicom_films import write_clip, write_film
from dicom_service import Running, until, work
from palpate.errors import OutputError
from palpate.serve.dicom.address import Caller, Peer
from palpate.serve.dicom.admit import Admitted, Refusal, admit
from palpate.serve.dicom.classes import FILM_CLASSES
from palpate.serve.dicom.credentials import Credentials, check_url, read_credentials
from palpate.serve.dicom.inbox import Inbox
from palpate.serve.dicom.send import StoreDestination
from palpate.serve.dicom.web import WebArchive

# pynetdicom leaves the socket of a caller that is gone to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed <socket")
DX = DigitalXRayImageStorageForPresentation


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    with Running(
        tmp_path_factory.mktemp("service"),
        work(),
        quiet=3600.0,
        title="PALPATE",
        associations=4,
        allowed=(Caller("PACS", "127.0.0.1"),),
    ) as one:
        yield one


def _link(running, title="PALPATE", calling="PACS", contexts=((DX, ExplicitVRLittleEndian),)):
    entity = AE(ae_title=calling)
    for sop_class, syntax in contexts:
        entity.add_requested_context(sop_class, syntax)
    return entity.associate("127.0.0.1", running.port, ae_title=title)


def _store(running, data, announced=None, uid=None):
    """Send a data set under any announcement; return the answer."""
    link = until(lambda: _established(running))
    try:
        # pynetdicom announces what the data set says; a liar does not.
        request = C_STORE()
        request.MessageID = 1
        request.AffectedSOPClassUID = announced or data.SOPClassUID
        request.AffectedSOPInstanceUID = uid or data.SOPInstanceUID
        request.Priority = 2
        request.DataSet = BytesIO(encode(data, False, True))
        context = link.accepted_contexts[0].context_id
        link._reactor_checkpoint.clear()
        link.dimse.send_msg(request, context)
        _, answer = link.dimse.get_msg(block=True)
        return answer
    finally:
        link._reactor_checkpoint.set()
        link.release()


def _huge(data):
    data.Rows = data.Columns = 65535


def _cut(data):
    data.PixelData = data.PixelData[: len(data.PixelData) // 2]


def _frames(data):
    data.NumberOfFrames = 12


def _no_pixels(data):
    del data.PixelData


def _other_instance(data):
    data.SOPInstanceUID = generate_uid()


def _report_inside(data):
    data.SOPClassUID = BasicTextSRStorage


def _no_study(data):
    data.StudyInstanceUID = "../../etc"


@pytest.mark.parametrize(
    ("spoil", "status", "words"),
    [
        (_huge, 0xC000, "8191 MiB"),
        (_cut, 0xC000, "it is cut"),
        (_frames, 0xC000, "12 frames"),
        (_no_pixels, 0xC000, "no pixels"),
        (_other_instance, 0xA900, "SOPInstanceUID"),
        (_report_inside, 0xA900, "SOPClassUID"),
        (_no_study, 0xC000, "StudyInstanceUID"),
    ],
)
@pytest.mark.filterwarnings("ignore:Invalid value for VR UI")
def test_a_spoilt_film_is_refused_and_the_next_is_taken(
    running, tmp_path, caplog, spoil, status, words
):
    data = write_film(tmp_path / "film.dcm", patient="SECRET-17", study=spoil.__name__)
    uid = data.SOPInstanceUID
    spoil(data)
    kept = running.service.inbox.files()
    with caplog.at_level(logging.DEBUG):
        answer = _store(running, data, DX, uid)
    assert answer.Status == status
    assert words in answer.ErrorComment or words in caplog.text
    assert words in caplog.text
    assert "SECRET" not in caplog.text
    assert "Pelvis" not in caplog.text
    assert running.service.inbox.files() == kept
    good = write_film(tmp_path / "good.dcm", study=spoil.__name__, seed=5)
    assert _store(running, good).Status == 0x0000
    assert running.service.inbox.place(good.SOPInstanceUID).exists()


@pytest.mark.filterwarnings("ignore:Invalid value for VR UI")
@pytest.mark.parametrize(
    "uid", ["../../evil", "/etc/passwd", "1.2.3/../4", "1.2\n3", "x", "1" * 65]
)
def test_an_identifier_that_is_a_path_names_no_file(tmp_path, uid):
    data = write_film(tmp_path / "film.dcm")
    content = (tmp_path / "film.dcm").read_bytes()
    found = admit(content, data.SOPClassUID, uid, classes=FILM_CLASSES)
    assert isinstance(found, Refusal)
    assert found.status == 0xC000
    assert uid not in found.words
    with pytest.raises(ValueError, match="identifier"):
        Inbox(tmp_path / "inbox").place(uid)


@pytest.mark.filterwarnings("ignore:Invalid value for VR UI")
def test_over_the_network_a_path_is_refused_too(running, tmp_path, caplog):
    data = write_film(tmp_path / "film.dcm")
    before = sorted(running.service.folder.rglob("*"))
    assert _store(running, data, uid="../../evil").Status == 0xC000
    assert sorted(running.service.folder.rglob("*")) == before
    assert "evil" not in caplog.text


@pytest.mark.parametrize("at", [0, 100, 140, 400, 700])
def test_a_film_cut_anywhere_is_refused(tmp_path, at):
    data = write_film(tmp_path / "film.dcm")
    content = (tmp_path / "film.dcm").read_bytes()[:at]
    found = admit(content, data.SOPClassUID, data.SOPInstanceUID, classes=FILM_CLASSES)
    assert isinstance(found, Refusal)
    assert found.status in (0xC000, 0xA900)


def test_a_clip_is_no_film_and_a_colour_film_is_one(tmp_path):
    clip = write_clip(tmp_path / "clip.dcm")
    content = (tmp_path / "clip.dcm").read_bytes()
    found = admit(content, clip.SOPClassUID, clip.SOPInstanceUID, classes=FILM_CLASSES)
    assert isinstance(found, Refusal)
    assert "not a film" in found.words
    data = write_film(tmp_path / "film.dcm")
    data.SamplesPerPixel, data.PhotometricInterpretation = 3, "RGB"
    data.PlanarConfiguration, data.BitsAllocated, data.BitsStored, data.HighBit = 0, 8, 8, 7
    data.PixelData = bytes(data.Rows * data.Columns * 3)
    data.save_as(tmp_path / "colour.dcm", enforce_file_format=True)
    content = (tmp_path / "colour.dcm").read_bytes()
    found = admit(content, data.SOPClassUID, data.SOPInstanceUID, classes=FILM_CLASSES)
    assert isinstance(found, Admitted)


def test_who_is_not_known_or_calls_another_is_turned_away(running, caplog):
    with caplog.at_level(logging.WARNING):
        for title, calling in (("PALPATE", "STRANGER"), ("OTHER", "PACS")):
            link = _link(running, title, calling)
            assert link.is_rejected
    assert "STRANGER" in caplog.text
    assert "OTHER" in caplog.text
    until(lambda: _established(running)).release()


def test_reports_and_unknown_encodings_are_not_negotiated(running, tmp_path, caplog):
    with caplog.at_level(logging.WARNING):
        link = _link(running, contexts=((BasicTextSRStorage, ExplicitVRLittleEndian),))
        assert not link.is_established
        if link.is_alive():
            link.abort()
    path = tmp_path / "film.dcm"
    write_film(path)
    data = dcmread(path)
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = JPEGExtended12Bit
    data.PixelData = encapsulate([bytes(100)])
    data["PixelData"].is_undefined_length = True
    data.save_as(path, enforce_file_format=True)
    (one,) = StoreDestination(Peer("PALPATE", "127.0.0.1", running.port), "PACS").deliver([path])
    assert one.outcome in ("later", "refused")
    assert "none of these kinds" in one.words or "not take objects of this kind" in one.words


def test_a_flood_of_associations_is_told_to_wait_and_the_server_lives(running, tmp_path):
    open_links = [until(lambda: _established(running)) for _ in range(4)]
    crowd = [_link(running) for _ in range(3)]
    assert all(link.is_rejected for link in crowd)
    for link in open_links:
        link.release()
    silent = [socket.create_connection(("127.0.0.1", running.port)) for _ in range(8)]
    silent[0].sendall(b"GET / HTTP/1.1\r\n\r\n" * 100)
    # Whoever is gone is forgotten after a moment.
    data = write_film(tmp_path / "after.dcm", seed=77)
    for one in silent:
        one.close()
    assert _store(running, data).Status == 0x0000


def _established(running):
    link = _link(running)
    if link.is_established:
        return link
    time.sleep(0.05)
    return None


def test_a_sender_that_breaks_off_leaves_nothing_behind(running, tmp_path):
    data = write_film(tmp_path / "film.dcm", seed=91, size=(1500, 1500))
    before = running.service.inbox.files()
    link = until(lambda: _established(running))
    original = link.dul.socket.send
    count = 0

    def send(raw):
        nonlocal count
        count += 1
        if count > 20:
            link.dul.socket.close()
            return
        original(raw)

    link.dul.socket.send = send
    try:
        status = link.send_c_store(data)
    except (RuntimeError, AttributeError, OSError):
        status = {}
    assert "Status" not in status
    assert running.service.inbox.files() == before
    assert not list(running.service.inbox.folder.glob(".*"))
    assert _store(running, data).Status == 0x0000


def test_an_object_without_end_is_dropped_while_it_comes(running, tmp_path, monkeypatch, caplog):
    data = write_film(tmp_path / "film.dcm", seed=92, size=(1200, 1200))
    before = running.service.inbox.files()
    with monkeypatch.context() as patch:
        patch.setattr("palpate.serve.dicom.receiver.MAX_BYTES", 1 << 20)
        link = until(lambda: _established(running))
        try:
            status = link.send_c_store(data)
        except (RuntimeError, AttributeError, OSError):
            status = {}
        assert "Status" not in status
    assert "dropped" in caplog.text
    assert running.service.inbox.files() == before
    assert _store(running, data).Status == 0x0000


def test_a_full_disk_is_out_of_resources_and_nothing_is_half_written(
    running, tmp_path, monkeypatch
):
    data = write_film(tmp_path / "film.dcm", seed=55)

    def full(*_):
        raise OutputError("no space")

    with monkeypatch.context() as patch:
        patch.setattr(Inbox, "keep", full)
        assert _store(running, data).Status == 0xA700
    with monkeypatch.context() as patch:
        patch.setattr(Inbox, "room_for", lambda self, size: False)
        assert _store(running, data).Status == 0xA700
    with monkeypatch.context() as patch:
        # The file is written but the ledger is not: no success is answered.
        patch.setattr(type(running.service.ledger), "receive", full)
        assert _store(running, data).Status == 0xA700
    assert _store(running, data).Status == 0x0000
    uids = [film.uid for film in running.service.ledger.films()]
    assert uids.count(data.SOPInstanceUID) == 1


def test_a_film_under_a_known_identifier_is_kept_beside_the_first(running, tmp_path):
    data = write_film(tmp_path / "film.dcm", seed=33)
    assert _store(running, data).Status == 0
    data.PatientName = "Corrected^Name"
    assert _store(running, data).Status == 0
    names = [path.name for path in running.service.inbox.folder.glob(f"{data.SOPInstanceUID}*")]
    assert len(names) == 2
    (film,) = [f for f in running.service.ledger.films() if f.uid == data.SOPInstanceUID]
    assert "~" in film.file


def test_dcmtk_stores_and_asks(running, program, tmp_path):
    path = tmp_path / "film.dcm"
    write_film(path, seed=44)
    where = ["-aet", "PACS", "-aec", "PALPATE", "127.0.0.1", str(running.port)]
    subprocess.run([program("echoscu"), *where], check=True, capture_output=True)
    subprocess.run([program("storescu"), *where, str(path)], check=True, capture_output=True)
    known = subprocess.run(
        [program("storescu"), "-aet", "X", *where[2:], str(path)], capture_output=True, check=False
    )
    assert known.returncode != 0


def test_secrets_stay_out_of_addresses_and_words(tmp_path):
    with pytest.raises(ValueError, match="in the clear"):
        check_url("http://pacs.example/dicom-web", Credentials(token="t0p"))
    for url in ("http://u:p@localhost/x", "ftp://a/b", "localhost", "http://h/?q=1"):
        with pytest.raises(ValueError) as told:  # noqa: PT011
            check_url(url, Credentials())
        assert "u:p" not in str(told.value)
    check_url("http://127.0.0.1:1/dicom-web", Credentials(token="t0p"))
    assert "t0p" not in repr(WebArchive("https://a.example", Credentials(token="t0p")))
    with pytest.raises(ValueError, match="logs"):
        WebArchive("https://a.example").studies({"PatientID": "1"})
    path = tmp_path / "secret.toml"
    path.write_text('token = "t0p"\n')
    path.chmod(0o644)
    with pytest.raises(ValueError, match="chmod 600"):
        read_credentials(path)
    path.chmod(0o600)
    assert read_credentials(path) == Credentials(token="t0p")
    path.write_text('token = t0p"\n')
    with pytest.raises(ValueError, match="TOML") as told:
        read_credentials(path)
    assert "t0p" not in str(told.value)
    found = read_credentials(None, {"PALPATE_DICOMWEB_USER": "a", "PALPATE_DICOMWEB_PASSWORD": "b"})
    assert found == Credentials(user="a", password="b")
    with pytest.raises(ValueError, match="not both"):
        Credentials("t", "u", "p")
