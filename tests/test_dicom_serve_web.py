"""STOW-RS against servers that are out of service, refuse, cut off, or are none."""

import json
import re
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from dicom_films import write_film
from dicom_service import work
from palpate.serve.dicom.ledger import Ledger
from palpate.serve.dicom.service import Service
from palpate.serve.dicom.web import WebArchive

STORED = (200, "application/dicom+json", b"the object's own")
SILENT = (200, "text/plain", b"thank you")
# Of the reports of a service.
_UID = re.compile(rb"2\.25\.\d+")


def _taken(uid):
    """What PS3.18 table I.1-2 has a server say of an object that it stored."""
    named = {"00081155": {"vr": "UI", "Value": [uid]}}
    return json.dumps({"00081199": {"vr": "SQ", "Value": [named]}}).encode()


@contextmanager
def answering(*answers):
    """A server that gives one answer after the other; None cuts the connection."""
    left, held = list(answers), []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            sent = self.rfile.read(int(self.headers["Content-Length"]))
            answer = left.pop(0)
            if answer is None:
                self.close_connection = True
                return
            code, kind, body = answer
            uid = _UID.search(sent).group().decode()
            if answer is STORED:
                body = _taken(uid)
            if answer is SILENT:
                held.append(uid)
            self.send_response(code)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_GET(self):
            body = json.dumps([{"00080018": {"vr": "UI", "Value": list(held)}}] if held else [])
            self.send_response(200)
            self.send_header("Content-Type", "application/dicom+json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/dicom-web"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _service(folder, url):
    service = Service(folder, work(), WebArchive(url), 0.0)
    if not service.ledger.films():
        data = write_film(folder / "film.dcm")
        (folder / "film.dcm").rename(service.inbox.folder / f"{data.SOPInstanceUID}.dcm")
        assert service.recover() == 1
        assert service.predict_due() == 1
    return service


def test_a_server_that_is_out_of_service_gets_the_report_in_the_end(tmp_path, monkeypatch):
    monkeypatch.setattr("palpate.serve.dicom.backoff.FIRST", 0.0)
    html = (200, "text/html", b"<html>please sign in</html>")
    odd = [html, (200, "application/dicom+json", b"none"), (200, "application/dicom+json", b"{}")]
    away = [(503, "text/plain", b""), None, (401, "text/plain", b""), *odd]
    told = ["503 (it is out of service", "not reached", "401 (the credentials"]
    told += ["did not say that it stored"] * len(odd)
    with answering(*away, STORED) as url:
        service = _service(tmp_path / "service", url)
        try:
            for tries, words in enumerate(told, start=1):
                assert service.send_due() == 0
                (made,) = service.ledger.objects()
                assert (made.state, made.tries) == ("waiting", tries)
                assert words in made.reason
                assert made.uid not in made.reason
            assert service.send_due() == 1
            assert service.send_due() == 0
        finally:
            service.close()
    with Ledger(tmp_path / "service" / "ledger.sqlite") as ledger:
        assert [one.state for one in ledger.objects()] == ["sent"]


def test_a_server_that_stores_without_a_word_of_it_is_asked_whether_it_did(tmp_path):
    with answering(SILENT) as url:
        service = _service(tmp_path / "service", url)
        try:
            assert service.send_due() == 1
            assert [one.state for one in service.ledger.objects()] == ["sent"]
        finally:
            service.close()


@pytest.mark.parametrize("code", [400, 409, 413])
def test_what_a_server_will_not_take_is_refused_once_and_said(tmp_path, code):
    with answering((code, "text/plain", b"")) as url:
        service = _service(tmp_path / "service", url)
        try:
            assert service.send_due() == 0
            (made,) = service.ledger.objects()
            assert made.state == "refused"
            assert str(code) in made.reason
            assert service.send_due() == 0, "it is not asked again"
        finally:
            service.close()
