"""What keeps others out: hosts, origins, tokens, passwords, sizes, headers, the log."""

import logging
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from palpate.errors import ConfigError
from palpate.review.store import Store
from palpate.serve.web.attempts import PER_ADDRESS, PER_NAME, Attempts
from palpate.serve.web.run import listening, refuse_open
from palpate.serve.web.settings import Settings
from serve_web_server import OWNER, PASSWORD, TOKEN, Served, case_of, moved, sentence, served


@pytest.fixture(scope="module")
def review(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("security")) as found:
        yield found


@pytest.fixture(scope="module")
def owner(review: Served) -> Iterator[httpx.Client]:
    with review.signed_in() as client:
        yield client


def every_route(review: Served) -> list[tuple[str, str]]:
    """Method and address of every call of the document, with names that there are."""
    with review.signed_in() as client:
        document = client.get("/openapi.json").json()
        case = case_of(client)
    values = {"project": "necks", "case": case, "reading": "shared", "name": "anna", "index": "0"}
    return [
        (method.upper(), re.sub(r"{(\w+)}", lambda found: values[found[1]], path))
        for path, methods in document["paths"].items()
        for method in methods
    ]


def test_nothing_is_told_to_who_is_not_signed_in(review: Served) -> None:
    routes = [one for one in every_route(review) if one != ("POST", "/api/session")]
    assert len(routes) > 15
    with review.client() as client:
        for method, path in routes:
            sentence(client.request(method, path), 401)
        for path in (
            "/accounts",
            "/case/abcdefghijklmnopqrst",
            "/case/abcdefghijklmnopqrst/report",
        ):
            answer = client.get(path)
            assert (answer.status_code, answer.headers["location"]) == (303, f"/sign-in#{path}")
        assert "necks" not in client.get("/").text


def test_whatever_changes_state_brings_the_sessions_own_header(review: Served) -> None:
    with review.signed_in() as client, review.signed_in() as other:
        foreign = other.headers["X-CSRF-Token"]
        own = client.headers.pop("X-CSRF-Token")
        for method, path in every_route(review):
            if method != "GET" and (method, path) != ("POST", "/api/session"):
                assert "not from the page" in sentence(client.request(method, path), 403)
                headers = {"X-CSRF-Token": foreign}
                sentence(client.request(method, path, headers=headers), 403)
        kept = client.delete("/api/session", headers={"X-CSRF-Token": own})
        assert kept.status_code == 204
        sentence(client.get("/api/session"), 401)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "attacker.example"}, 421),
        ({"Host": "attacker.example:80"}, 421),
        ({"Host": "127.0.0.1@attacker.example"}, 421),
        ({"Host": "127.0.0.1.attacker.example"}, 421),
        ({"Host": ""}, 421),
        ({"Origin": "https://attacker.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://127.0.0.1:1"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
    ],
)
def test_other_hosts_and_other_sites_are_refused(
    review: Served, headers: dict[str, str], status: int
) -> None:
    with review.client() as client:
        answer = client.post("/api/session", json={"token": TOKEN}, headers=headers)
        sentence(answer, status)
        assert "set-cookie" not in answer.headers


def test_the_token_leaves_the_address_and_the_cookie_is_kept_from_scripts(review: Served) -> None:
    with review.client() as client:
        wrong = client.get("/sign-in", params={"token": TOKEN[:-1]})
        assert (wrong.status_code, wrong.headers["location"]) == (303, "/sign-in?reason=token")
        assert "set-cookie" not in wrong.headers
        sentence(client.post("/api/session", json={"token": TOKEN[:-1] + "x"}), 401)
        right = client.get("/sign-in", params={"token": TOKEN})
        assert (right.status_code, right.headers["location"]) == (303, "/")
        cookie = right.headers["set-cookie"]
        assert all(word in cookie for word in ("HttpOnly", "SameSite=strict", "Path=/"))
        assert client.get("/api/session").json()["role"] == OWNER.role


def test_a_session_that_is_over_is_over(tmp_path: Path, review: Served) -> None:
    with review.signed_in("anna") as client:
        assert client.get("/api/session").status_code == 200
        review.store.change_account("anna", password=PASSWORD + "!")
        sentence(client.get("/api/session"), 401)
    review.store.change_account("anna", password=PASSWORD)


def test_trying_passwords_is_slowed_down(tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    with served(tmp_path / "own") as review, review.client() as client:
        asked = {"name": "ben", "password": "wrong password"}
        for _ in range(PER_NAME.most):
            sentence(client.post("/api/session", json=asked), 401)
        answer = client.post("/api/session", json={"name": "ben", "password": PASSWORD})
        assert "try again in 5 minutes" in sentence(answer, 429)
        assert 0 < int(answer.headers["retry-after"]) <= PER_NAME.window_s
        # Another name may still sign in from the same address.
        right = client.post("/api/session", json={"name": "rita", "password": PASSWORD})
        assert right.status_code == 200


def test_an_address_runs_out_of_attempts_whatever_the_names() -> None:
    now = [0.0]
    attempts = Attempts(lambda: now[0])
    waits = [attempts.wait_s(f"name-{n}", "10.0.0.1") for n in range(PER_ADDRESS.most + 1)]
    assert waits[:-1] == [0] * PER_ADDRESS.most
    assert waits[-1] > 0
    assert attempts.wait_s("name-0", "10.0.0.2") == 0
    now[0] = PER_ADDRESS.window_s + 1
    assert attempts.wait_s("name-0", "10.0.0.1") == 0


def test_every_answer_has_the_headers(review: Served, owner: httpx.Client) -> None:
    paths = (
        "/",
        "/api/projects",
        "/nothing",
        "/page/base.css",
        "/page/nothing.css",
        "/openapi.json",
    )
    for path in paths:
        answer = owner.get(path)
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cross-origin-opener-policy"] == "same-origin"
        assert "server" not in answer.headers or "uvicorn" in answer.headers["server"]
    assert owner.get("/api/projects").headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "path",
    [
        "/page/../web/app.py",
        "/page/%2e%2e/web/app.py",
        "/page/..%2fweb%2fapp.py",
        "/page//etc/passwd",
        "/page/%2fetc%2fpasswd",
        "/page/js/../../web/app.py",
        "/page/base.css%00.js",
        "/page/",
        "/page/js",
    ],
)
def test_no_path_of_the_disk_comes_from_a_request(review: Served, path: str) -> None:
    with review.client() as client:
        target = httpx.URL(review.address).copy_with(raw_path=path.encode())
        sentence(client.get(target), 404)


def test_bodies_are_bounded(owner: httpx.Client) -> None:
    address = owner.base_url
    with socket.create_connection((address.host, address.port or 0)) as line:
        declared = f"Host: {address.host}\r\nContent-Length: {1 << 40}\r\n\r\n"
        line.sendall(f"POST /api/session HTTP/1.1\r\n{declared}".encode())
        told = line.recv(4096)
    assert b" 413 " in told.partition(b"\r\n")[0]
    assert b"Content-Security-Policy" in told or b"content-security-policy" in told

    def endless() -> Iterator[bytes]:
        for _ in range(6):
            yield b" " * (1 << 20)

    answer = owner.post(
        "/api/session", content=endless(), headers={"Content-Type": "application/json"}
    )
    sentence(answer, 413)


def test_the_log_tells_no_names_no_queries_no_values(
    owner: httpx.Client, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, logger="palpate.serve.web"):
        owner.get("/api/projects/necks/queue", params={"search": "DOE JOHN"})
        owner.get("/api/projects/doe-john/queue")
        owner.get("/doe/john")
        owner.get("/sign-in", params={"token": "doe"})
    lines = [record.getMessage() for record in caplog.records]
    assert any(
        re.match(r"GET /api/projects/\{project\}/queue 200 [\d.]+ ms owner [0-9a-f]{12}$", line)
        for line in lines
    )
    assert not any("doe" in line.lower() or TOKEN in line for line in lines)


def test_a_fault_of_ours_is_a_sentence_and_its_place_is_in_the_log(
    review: Served,
    owner: httpx.Client,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("DOE JOHN")

    monkeypatch.setattr(Store, "counts", broken)
    with caplog.at_level(logging.ERROR, logger="palpate.serve.web"):
        told = sentence(owner.get("/api/projects"), 500)
    number = caplog.records[-1].getMessage().partition(" ")[0]
    assert number in told
    assert "RuntimeError" in caplog.text
    assert "DOE" not in caplog.text


def test_who_listens_beyond_the_machine_needs_tls_in_front() -> None:
    refuse_open("127.0.0.1", Settings())
    refuse_open("0.0.0.0", Settings(public_address="https://review.example.org"))
    for host in ("0.0.0.0", "192.168.1.4", "review.example.org"):
        with pytest.raises(ConfigError, match="TLS"):
            refuse_open(host, Settings())
    with listening("127.0.0.1", 0) as listener, pytest.raises(ConfigError, match="--port"):
        listening("127.0.0.1", listener.getsockname()[1])


def test_short_answers_wait_for_no_confirmation() -> None:
    with (
        listening("127.0.0.1", 0) as listener,
        socket.create_connection(listener.getsockname()),
        listener.accept()[0] as accepted,
    ):
        assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0


def test_settings_that_cannot_be() -> None:
    with pytest.raises(ConfigError, match="account"):
        Settings(token=TOKEN)
    with pytest.raises(ConfigError, match="32"):
        Settings(token="short", owner=OWNER)
    for address in ("review.example.org", "https://", "https://a.example/path"):
        with pytest.raises(ConfigError, match="public address"):
            Settings(public_address=address)


_SERVER = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from serve_web_server import OWNER, TOKEN, filled
from palpate.serve.web.run import serve
from palpate.serve.web.settings import Settings
with filled(Path(sys.argv[1]), ()) as store:
    serve(store, Settings(token=TOKEN, owner=OWNER), announce=lambda text: print(text, flush=True))
"""


def save_until_it_dies(client: httpx.Client, case: str, acknowledged: list[dict[str, Any]]) -> None:
    """Move one mark to and fro; note what the server said is saved."""
    path = f"/api/cases/{case}/readings/shared"
    event = moved(client.get(path).json(), "moved-to-begin-with")
    for number in range(10_000):
        try:
            answer = client.post(f"{path}/events", json=event)
        except httpx.TransportError:
            return
        assert answer.status_code == 201
        after = event["changes"][0]["after"]  # type: ignore[index]
        acknowledged.append({"number": answer.json()["number"], "x": after["x"]})
        again = {"before": after, "after": {**after, "x": after["x"] + (-1) ** number}}
        step, key = answer.json()["step"], f"moved-{number:05}"
        event = {"after": step, "key": key, "kind": "marks", "changes": [again]}


def test_killed_in_the_middle_of_saving_nothing_acknowledged_is_lost(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _SERVER, str(tmp_path), str(Path(__file__).parent)]
    acknowledged: list[dict[str, Any]] = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as server:
        assert server.stdout is not None
        address = server.stdout.readline().decode().strip()
        assert address.endswith(f"/sign-in?token={TOKEN}")
        with httpx.Client(base_url=address.partition("/sign-in")[0], timeout=30) as client:
            session = client.post("/api/session", json={"token": TOKEN}).json()
            client.headers["X-CSRF-Token"] = session["csrf"]
            case = case_of(client)
            with ThreadPoolExecutor(1) as pool:
                saving = pool.submit(save_until_it_dies, client, case, acknowledged)
                while len(acknowledged) < 10 and not saving.done():
                    time.sleep(0.001)
                server.send_signal(signal.SIGKILL)
                saving.result()
    with Store.open(tmp_path / "review.sqlite", create=False) as store:
        saved = {event.number: event for event in store.history(case, "shared")}
        assert len(acknowledged) >= 10
        # At most the one that was on its way is there without having been acknowledged.
        assert 0 <= len(saved) - len(acknowledged) <= 1
        for one in acknowledged:
            (change,) = saved[one["number"]].changes
            assert change.after is not None
            assert change.after.x == one["x"]
