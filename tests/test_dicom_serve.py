"""Films in by DICOM, reports out, nothing lost: against a real Orthanc."""

import json
import os
import signal
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread
from typer.testing import CliRunner

from dicom_films import write_film
from dicom_service import PROTOCOL, Quick, Running, until, work
from orthanc import TITLE, Orthanc, free_port
from palpate.cli.dicom import dicom
from palpate.errors import ConfigError, PalpateError
from palpate.files import sha256
from palpate.io.dicom_patient import patient_hash
from palpate.io.dicom_sr_read import read_sr
from palpate.io.predictions import PredictionFile, write_predictions
from palpate.review.store import Store
from palpate.serve.dicom.address import Caller, Peer
from palpate.serve.dicom.associate import Timeouts
from palpate.serve.dicom.delivery import Delivered
from palpate.serve.dicom.inbox import Inbox
from palpate.serve.dicom.ledger import Ledger
from palpate.serve.dicom.receiver import Listening
from palpate.serve.dicom.retrieve import Archive, fetch_web, of_patient
from palpate.serve.dicom.send import StoreDestination, echo
from palpate.serve.dicom.service import Service
from palpate.serve.dicom.web import WebArchive
from palpate.workflows.dicom_objects import FilmWork
from palpate.workflows.dicom_review import SERVICE
from palpate.workflows.dicom_serve import presents_of

OURS = "PALPATE"
# pynetdicom leaves the socket of a connection that was refused to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed <socket")


@pytest.fixture(scope="module")
def move_port():
    return free_port()


@pytest.fixture(scope="module")
def orthanc(program, tmp_path_factory, move_port):
    server = Orthanc(
        program("Orthanc"), tmp_path_factory.mktemp("orthanc"), modalities=[(OURS, move_port)]
    ).start()
    yield server
    server.kill()


@pytest.fixture
def archive(orthanc):
    return Peer(TITLE, "127.0.0.1", orthanc.dicom)


def _send(path, port, title=OURS, calling="PACS"):
    (one,) = StoreDestination(Peer(title, "127.0.0.1", port), calling).deliver([path])
    return one


def test_what_is_sent_either_way_comes_back_every_way(tmp_path, orthanc, archive, move_port):
    films = [tmp_path / "a.dcm", tmp_path / "b.dcm"]
    data = [write_film(path, seed=i, study="ways") for i, path in enumerate(films)]
    study, web = data[0].StudyInstanceUID, WebArchive(orthanc.web)
    echo(archive)
    assert StoreDestination(archive).deliver(films[:1]) == [Delivered(films[0], "stored", "stored")]
    assert web.deliver(films[1:]) == [Delivered(films[1], "stored", "stored")]
    asked = Archive(archive)
    ways = {
        "get": asked.get(study, Inbox(tmp_path / "get")),
        "move": asked.move(study, Inbox(tmp_path / "move"), Listening(port=move_port)),
        "web": fetch_web(web, study, Inbox(tmp_path / "web")),
    }
    for how, found in ways.items():
        assert not found.failed, how
        assert {path.name for path in found.files} == {f"{d.SOPInstanceUID}.dcm" for d in data}
        for one in data:
            back = dcmread(tmp_path / how / f"{one.SOPInstanceUID}.dcm")
            assert back.PixelData == one.PixelData
    hashed = patient_hash("LMK001")
    for each in (asked, web):
        assert study in of_patient(each.studies({"StudyDate": "20261120"}), hashed)
        assert not of_patient(each.studies({"StudyDate": "20261120"}), patient_hash("LMK009"))


def test_an_archive_says_in_words_what_it_cannot_do(tmp_path, orthanc, archive):
    with pytest.raises(PalpateError, match="no such study"):
        Archive(archive).get("1.2.3", Inbox(tmp_path))
    with pytest.raises(PalpateError, match="no study"):
        fetch_web(WebArchive(orthanc.web), "1.2.3", Inbox(tmp_path))
    with pytest.raises(PalpateError, match="404"):
        WebArchive(f"{orthanc.rest}/nothing").instances("1.2.3")
    away = Peer("AWAY", "127.0.0.1", free_port())
    with pytest.raises(PalpateError, match="not reached"):
        echo(away, timeouts=Timeouts(1.0, 1.0))
    with pytest.raises(ConfigError, match="digits and dots"):
        Archive(archive).get("../1", Inbox(tmp_path))


def test_a_film_becomes_a_report_in_the_archive(tmp_path, orthanc, archive):
    film = tmp_path / "film.dcm"
    data = write_film(film, study="whole")
    told = []
    make = work(on_predicted=told.append)
    with Running(tmp_path / "service", make, StoreDestination(archive)) as running:
        assert _send(film, running.port).outcome == "stored"
        (made,) = until(lambda: [o for o in running.service.ledger.objects() if o.state == "sent"])
        assert [one.state for one in running.service.ledger.films()] == ["predicted"]
        # The same film again is no news: nothing is predicted or sent twice.
        assert _send(film, running.port).outcome == "stored"
        assert not running.service.predict_due()
        assert len(running.service.ledger.objects()) == 1
    assert [one.predicted.image for one in told] == [data.SOPInstanceUID]
    fetched = Archive(archive).get(data.StudyInstanceUID, Inbox(tmp_path / "back"))
    assert f"{made.uid}.dcm" in {path.name for path in fetched.files}
    (row,) = read_sr(tmp_path / "back" / f"{made.uid}.dcm").rows
    assert row.image == data.SOPInstanceUID
    truth = Quick().predict(told[0].image)
    for name in PROTOCOL.scheme.names:
        assert np.abs(row.points[name] - truth.points[name]).max() < 1e-4


def test_an_archive_that_goes_away_gets_the_report_when_it_is_back(tmp_path, orthanc, archive):
    film = tmp_path / "film.dcm"
    data = write_film(film, study="away")
    service = Service(tmp_path / "service", work(), StoreDestination(archive), 0.0)
    web = Service(tmp_path / "web", work(), WebArchive(orthanc.web), 0.0)
    try:
        for one in (service, web):
            _put(one, film)
            assert one.predict_due() == 1
        orthanc.kill()
        for one in (service, web):
            assert one.send_due() == 0
            (made,) = one.ledger.objects()
            assert (made.state, made.tries) == ("waiting", 1)
            assert "not reached" in made.reason
            assert one.send_due() == 0, "it waits before it asks again"
            assert one.ledger.objects()[0].tries == 1
        orthanc.start()
        for one in (service, web):
            assert one.ledger.again() == 1
            assert one.send_due() == 1
            assert one.send_due() == 0, "what is sent is not sent again"
        # Both services did the same work: the same object, which the archive holds once.
        assert made.uid == service.ledger.objects()[0].uid
        assert sorted(orthanc.instances()).count(made.uid) == 1
    finally:
        service.close()
        web.close()
    assert data.SOPInstanceUID != made.uid


def _put(service, film):
    """Lay a film into the inbox as a killed service leaves it, and let it be found."""
    uid = str(dcmread(film).SOPInstanceUID)
    (service.inbox.folder / f"{uid}.dcm").write_bytes(film.read_bytes())
    assert service.recover() == 1


def test_killed_between_receipt_and_prediction_it_goes_on(tmp_path):
    film = tmp_path / "film.dcm"
    data = write_film(film, study="killed")
    script = Path(__file__).with_name("dicom_service.py")
    process = subprocess.Popen(
        [sys.executable, str(script), str(tmp_path / "service"), "0"],
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        port = int(process.stdout.readline())
        assert _send(film, port).outcome == "stored"
        with pytest.raises(ConfigError, match="another"):
            Service(tmp_path / "service", work())
        os.kill(process.pid, signal.SIGKILL)
    partial = tmp_path / "service" / "inbox" / ".9.9.dcm.x.partial"
    partial.write_bytes(b"half")
    service = Service(tmp_path / "service", work(), None, 0.0)
    try:
        assert service.recover() == 0, "the ledger knows it already"
        assert not partial.exists()
        (one,) = service.ledger.films()
        assert (one.uid, one.state) == (data.SOPInstanceUID, "received")
        assert one.digest == sha256(service.inbox.folder / one.file)
        assert service.predict_due() == 1
        (made,) = service.ledger.objects()
        assert (service.outbox.folder / made.file).exists()
    finally:
        service.close()


def test_work_that_was_cut_off_gives_the_same_object(tmp_path):
    film = tmp_path / "film.dcm"
    write_film(film)
    digest = sha256(film)
    (first,), (again,) = work()(film, digest), work()(film, digest)
    assert (
        first.SOPInstanceUID == again.SOPInstanceUID == again.file_meta.MediaStorageSOPInstanceUID
    )
    (other,) = work()(film, "another digest")
    assert other.SOPInstanceUID != first.SOPInstanceUID
    changed = type(work())(Quick(weights="beef"), PROTOCOL)
    assert changed(film, digest)[0].SOPInstanceUID != first.SOPInstanceUID


def test_a_landmark_outside_the_film_leaves_its_report_and_its_picture(tmp_path):
    film = tmp_path / "film.dcm"
    write_film(film)
    make = FilmWork(Quick(first=(-50.0, 20.0)), PROTOCOL, presents_of(presentation=True))
    report, picture = make(film, "ab")
    assert (report.Modality, picture.Modality) == ("SR", "PR")
    assert "OUTSIDE" in str(report)


def test_a_film_that_cannot_be_predicted_says_why_and_the_others_go_on(tmp_path):
    paths = [tmp_path / "a.dcm", tmp_path / "b.dcm"]
    bad, good = (write_film(path, seed=i) for i, path in enumerate(paths))

    def make(path, digest):
        if path.name.startswith(bad.SOPInstanceUID):
            raise PalpateError("the film shows no patient")
        return work()(path, digest)

    service = Service(tmp_path / "service", make, None, 0.0)
    try:
        for path in paths:
            _put(service, path)
        assert service.predict_due() == 2
        found = {one.uid: (one.state, one.reason) for one in service.ledger.films()}
        assert found[bad.SOPInstanceUID] == ("failed", "the film shows no patient")
        assert found[good.SOPInstanceUID] == ("predicted", "")
        assert service.predict_due() == 0
        assert service.ledger.again() == 1
        assert service.predict_due() == 1
    finally:
        service.close()


def test_a_prediction_that_breaks_is_tried_again_and_then_given_up(tmp_path, monkeypatch):
    film = tmp_path / "a.dcm"
    write_film(film)

    def make(path, digest):
        raise RuntimeError("PatientName Doe^Jane")

    monkeypatch.setattr("palpate.serve.dicom.backoff.FIRST", 0.0)
    service = Service(tmp_path / "service", make, None, 0.0)
    try:
        _put(service, film)
        for _ in range(5):
            assert service.predict_due() == 1
        (one,) = service.ledger.films()
        assert one.state == "failed"
        assert "RuntimeError" in one.reason
        assert "Doe" not in one.reason
    finally:
        service.close()


def test_a_study_is_waited_for_until_it_is_quiet(tmp_path):
    films = [tmp_path / "a.dcm", tmp_path / "b.dcm"]
    for i, path in enumerate(films):
        write_film(path, seed=i)
    with Running(tmp_path / "service", work(), quiet=3600.0) as running:
        for path in films:
            assert _send(path, running.port).outcome == "stored"
        ledger = running.service.ledger
        now = 1e12
        assert not running.service.predict_due()
        assert len(ledger.due_films(now, 3600.0)) == 2


def test_the_ledger_is_on_disk_and_several_versions_are_told_apart(tmp_path):
    from palpate.serve.dicom.admit import Admitted

    path = tmp_path / "ledger.sqlite"
    first = Admitted("1.2", "1.2.3", "1.1", "aa")
    with Ledger(path) as ledger:
        assert ledger.receive(first, "1.2.dcm", "CR1", 1.0)
        (film,) = ledger.due_films(9.0, 1.0)
        changed = Admitted("1.2", "1.2.3", "1.1", "bb")
        assert ledger.receive(changed, "1.2~bb.dcm", "CR1", 2.0)
        assert not ledger.predicted(film, [("1.9", "1.9.dcm")]), "another version came meanwhile"
        assert not ledger.objects()
    with Ledger(path) as ledger:
        (film,) = ledger.films()
        assert (film.digest, film.state) == ("bb", "received")
        assert ledger.predicted(film, [("1.9", "1.9.dcm")])
        (made,) = ledger.due_objects(0.0)
        ledger.object_later(made, "away", 100.0)
        assert not ledger.due_objects(101.9)
        assert ledger.due_objects(102.1)


def test_addresses_are_read_or_refused_in_words():
    assert Peer.parse("A@[::1]:104") == Peer("A", "::1", 104)
    assert str(Peer.parse("A@[::1]:104")) == "A@[::1]:104"
    assert Caller.parse("CR 1@cr.example") == Caller("CR 1", "cr.example")
    for text in ("A@b", "@b:1", "A@b:0", "A" * 17 + "@b:1", "A\\B@c:1", "A@b:99999", "nobody"):
        with pytest.raises(ConfigError):
            Peer.parse(text)
    with pytest.raises(ConfigError, match="leave :104 out"):
        Caller.parse("A@b:104")
    with pytest.raises(ConfigError, match="--allow"):
        Listening(host="0.0.0.0")


@pytest.fixture
def command():
    """Run ``palpate dicom ...``; give the exit code or error, and what was printed."""

    def run(*words):
        result = CliRunner().invoke(dicom, [str(word) for word in words])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            return result.exception
        return result

    return run


def test_by_hand_studies_are_sent_fetched_and_named(tmp_path, orthanc, archive, command):
    folder = tmp_path / "films"
    folder.mkdir()
    data = write_film(folder / "a.dcm", study="by hand", patient="Q7")
    write_film(folder / "b.dcm", study="by hand", patient="Q7", number=2)
    assert command("echo", archive).exit_code == 0
    assert command("send", folder, "--to", archive).exit_code == 0
    assert command("send", folder, "--web", orthanc.web).exit_code == 0
    (folder / "c.dcm").write_bytes(b"no film")
    failed = command("send", folder, "--to", archive)
    assert isinstance(failed, PalpateError)
    assert "1 of 3" in str(failed)
    where = {"--from": archive, "--web": orthanc.web}
    asks = {"--study": data.StudyInstanceUID, "--patient-hash": patient_hash("Q7")}
    for i, (flag, place) in enumerate(where.items()):
        for j, (ask, value) in enumerate(asks.items()):
            out = tmp_path / f"{i}{j}"
            assert command("fetch", flag, place, ask, value, "--out", out).exit_code == 0
            assert len(list(out.glob("*.dcm"))) == 2
    assert "no study fits" in str(
        command("fetch", "--from", archive, "--query", "StudyDate=19000101", "--out", tmp_path)
    )
    assert "KEYWORD=VALUE" in str(
        command("fetch", "--from", archive, "--query", "Name=Doe", "--out", tmp_path)
    )
    assert command("fetch", "--out", tmp_path, "--study", "1.2").exit_code == 2


def test_an_archive_that_answers_every_page_alike_is_asked_no_longer(tmp_path, orthanc, archive):
    """Orthanc takes no offset where it counts what is in a study."""
    film = tmp_path / "film.dcm"
    data = write_film(film, study="pages")
    StoreDestination(archive).deliver([film])
    web = WebArchive(orthanc.web, seconds=5.0)
    found = web.studies({"ModalitiesInStudy": "DX", "StudyInstanceUID": data.StudyInstanceUID})
    assert [one["StudyInstanceUID"] for one in found] == [data.StudyInstanceUID]


def test_the_command_serves_until_it_is_told_to_stop(tmp_path, command, monkeypatch):
    film = tmp_path / "film.dcm"
    data = write_film(film, study="command")
    monkeypatch.setattr("palpate.workflows.asking.load_asked", lambda *_, **__: Quick())
    monkeypatch.setattr("palpate.workflows.dicom_serve.read_protocol", lambda name: PROTOCOL)
    # A sender that asks why nobody answers yet would leave a connection to be waited for.
    monkeypatch.setattr("palpate.serve.dicom.associate._unreached", lambda *_: "away")
    port, out = free_port(), tmp_path / "out"
    seen = []

    def client():
        try:
            until(lambda: _send(film, port).outcome == "stored")
            with Ledger(out / "ledger.sqlite") as ledger:
                until(lambda: len(ledger.objects()) == 2)
                seen.extend(ledger.objects())
        finally:
            os.kill(os.getpid(), signal.SIGTERM)

    thread = threading.Thread(target=client)
    before = signal.getsignal(signal.SIGTERM)
    thread.start()
    words = ("--presentation", "--review", tmp_path / "review.sqlite", "--project", "Clinic A")
    told = command("serve", "RUN", "--out", out, "--port", port, "--quiet", 0, *words)
    thread.join()
    assert told.exit_code == 0, told
    assert signal.getsignal(signal.SIGTERM) is before
    kinds = {dcmread(out / "outbox" / one.file).Modality for one in seen}
    assert kinds == {"SR", "PR"}
    with Store.open(tmp_path / "review.sqlite", create=False) as store:
        (row,) = store.queue("clinic-a", reader=SERVICE).rows
        assert len(store.reading(row.id).marks) == len(PROTOCOL.scheme)
    assert command("serve", "RUN", "--out", out, "--project", "x").exit_code == 2
    listed = json.loads(command("ledger", out, "--json").stdout)
    assert listed["films"][0]["uid"] == data.SOPInstanceUID
    assert "predicted" in command("ledger", out).stdout
    assert command("ledger", out, "--again").exit_code == 0


def test_reports_of_a_predictions_file(tmp_path, command, monkeypatch):
    monkeypatch.setattr("palpate.protocols.protocol.read_protocol", lambda name: PROTOCOL)
    films = tmp_path / "films"
    films.mkdir()
    data = write_film(films / "a.dcm", patient="P1")
    (films / "b.dcm").write_bytes(b"gone bad")
    make = FilmWork(Quick(), PROTOCOL)
    one = make.measured(films / "a.dcm", "").predicted
    file = PredictionFile(
        PROTOCOL.scheme,
        tuple(replace(one, image=name) for name in ("a.dcm", "b.dcm", "../films/a.dcm", "c.dcm")),
    )
    write_predictions(file, tmp_path / "predictions.json")
    words = ("report", tmp_path / "predictions.json", "--images", films, "--out", tmp_path / "sr")
    failed = command(*words, "--protocol", "cephalogram", "--presentation", "--capture")
    assert "3 films have no report" in str(failed)
    written = sorted(path.name for path in (tmp_path / "sr").iterdir())
    assert written == ["a.capture.dcm", "a.presentation.dcm", "a.sr.dcm"]
    burnt = dcmread(tmp_path / "sr" / "a.capture.dcm")
    # The film is whole, and the words stand beside it.
    assert (burnt.Rows, burnt.Columns > data.Columns) == (data.Rows, True)
    assert burnt.pixel_array[:, data.Columns :].max() > 200
    assert burnt.BurnedInAnnotation == "YES"
    assert read_sr(tmp_path / "sr" / "a.sr.dcm").rows[0].image == data.SOPInstanceUID


def test_a_folder_loses_what_identifies(tmp_path, command):
    (tmp_path / "in").mkdir()
    write_film(tmp_path / "in" / "Doe.dcm", patient="P1")
    key, salt = tmp_path / "key.csv", tmp_path / "salt"
    words = ("deidentify", tmp_path / "in", tmp_path / "out", "--salt-file", salt, "--key", key)
    told = command(*words)
    assert told.exit_code == 0, told
    (made,) = (tmp_path / "out").iterdir()
    assert made.name in key.read_text()
    assert key.stat().st_mode & 0o077 == 0
    assert "look at pictures" in " ".join(told.stdout.split())
    (tmp_path / "in" / "notes.txt").write_text("x")
    assert "left out" in str(command(*words))
