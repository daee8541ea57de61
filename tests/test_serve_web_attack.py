"""What somebody tries who means ill: as a reader, as a reviewer, and without an account."""

import gzip
import io
import socket
import struct
import time
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from palpate.protocols.protocol import read_protocol
from palpate.serve.web import attempts
from palpate.serve.web.attempts import Limit
from serve_web_server import (
    PASSWORD,
    TOKEN,
    Served,
    case_of,
    film,
    placed,
    sentence,
    served,
)

NAMES = read_protocol("cervical").scheme.names


@pytest.fixture(scope="module")
def review(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("attack"), piece_s=0.3) as found:
        yield found


@pytest.fixture(scope="module")
def people(review: Served) -> Iterator[dict[str, httpx.Client]]:
    with ExitStack() as stack:
        names = ("anna", "ben", "rita")
        yield {name: stack.enter_context(review.signed_in(name)) for name in names}


def sign(client: httpx.Client, path: str) -> httpx.Response:
    step = client.get(path).json()["step"]
    asked = {"after": step, "statement": "Looked at.", "password": PASSWORD}
    return client.post(f"{path}/signature", json=asked)


def leaks(client: httpx.Client, case: str, name: str) -> list[str]:
    """Every way in which a reviewer might see a reading: those by which its mark came through."""
    path = f"/api/cases/{case}/readings/{name}"
    found = {
        "reading": client.get(path),
        "report": client.get(f"{path}/report"),
        "sr": client.get(f"{path}/sr"),
        "page": client.get(f"/case/{case}/report", params={"reading": name}),
        "labels": client.get("/api/projects/blind/labels", params={"reading": name}),
        "conflict": client.request(
            "DELETE", f"{path}/signature", json={"after": 0, "reason": "let me see"}
        ),
        "event": client.post(f"{path}/events", json=placed(0, "by-a-reviewer", NAMES[0], 1, 1)),
        "queue": client.get("/api/projects/blind/queue"),
        "case": client.get(f"/api/cases/{case}"),
    }
    return [way for way, answer in found.items() if "33.2" in answer.text]


def test_a_reviewer_sees_no_reading_before_it_may_be_compared(
    people: dict[str, httpx.Client],
) -> None:
    anna, ben, rita = (people[name] for name in ("anna", "ben", "rita"))
    case = case_of(anna, "blind", "plain.png")
    at = f"/api/cases/{case}/readings"
    for client, name in ((anna, "anna"), (ben, "ben")):
        event = placed(0, "a-mark-to-hide", NAMES[0], 33.25, 44.5)
        assert client.post(f"{at}/{name}/events", json=event).status_code == 201
        assert leaks(rita, case, name) == []
    kept = rita.get(f"{at}/anna").json()
    assert (kept["state"], kept["step"], kept["marks"]) == ("open", 1, [])
    assert "not signed yet" in kept["withheld"]
    # One that is signed leads the eye as well, as long as the other is not.
    assert sign(anna, f"{at}/anna").status_code == 201
    assert set(leaks(rita, case, "anna")) <= {"labels"}
    assert rita.get(f"{at}/anna").json()["state"] == "signed"
    assert "two readers" in sentence(rita.get(f"{at}/anna/report"), 423)
    assert sign(ben, f"{at}/ben").status_code == 201
    assert set(leaks(rita, case, "ben")) >= {"reading", "report", "page", "labels", "conflict"}
    # Whoever reads as well is blind until their own is signed.
    own = placed(0, "her-own-reading", NAMES[0], 1.0, 1.0)
    assert rita.post(f"{at}/rita/events", json=own).status_code == 201
    assert leaks(rita, case, "anna") == []
    assert sign(rita, f"{at}/rita").status_code == 201
    assert "reading" in leaks(rita, case, "anna")


def test_what_is_signed_in_again_leaves_no_older_session(review: Served) -> None:
    with review.signed_in("anna") as client:
        (first,) = client.cookies.jar
        client.post("/api/session", json={"name": "anna", "password": PASSWORD})
        with review.client() as thief:
            thief.cookies.set(first.name, first.value or "")
            sentence(thief.get("/api/session"), 401)
        assert client.get("/api/session").status_code == 200
    with review.client() as fixed:
        # A cookie that somebody planted is never taken over.
        fixed.cookies.set(first.name, "planted")
        cookie = fixed.post("/api/session", json={"token": TOKEN}).cookies[first.name]
        assert cookie != "planted"


def test_signing_out_empties_the_browsers_store_of_films(review: Served) -> None:
    with review.signed_in("anna") as client:
        gone = client.delete("/api/session")
        assert gone.headers["clear-site-data"] == '"cache"'
        assert "Max-Age=0" in gone.headers["set-cookie"]


def test_a_whole_hospital_behind_one_address_signs_in(
    review: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempts, "PER_ADDRESS", Limit(3, 300.0))
    with review.client() as client:
        for _ in range(6):
            assert client.post("/api/session", json={"token": TOKEN}).status_code == 200
            assert client.get("/sign-in", params={"token": TOKEN}).headers["location"] == "/"
        # Those who fail are counted, whoever succeeds in between.
        answers = []
        for _ in range(4):
            wrong = client.post("/api/session", json={"token": TOKEN[::-1]})
            answers.append(wrong.status_code)
            client.post("/api/session", json={"token": TOKEN})
        assert answers == [401, 401, 401, 429]


@pytest.mark.parametrize(
    "after",
    [
        "WyJhIl0",
        "~",
        "no-such-case~0.5",
        "' or 1=1 --",
        "[" * 1999,
        "W1tb" * 400,
        "\ud800".encode("utf-8", "surrogatepass").decode("latin-1"),
        "a~\0",
    ],
)
@pytest.mark.parametrize("order", ["urgency", "image", "updated"])
def test_made_up_places_of_the_queue(
    people: dict[str, httpx.Client], after: str, order: str
) -> None:
    asked = {"after": after, "order": order}
    answer = people["anna"].get("/api/projects/necks/queue", params=asked)
    assert "begin with the first" in sentence(answer, 409)


def test_places_of_the_queue_name_no_image(people: dict[str, httpx.Client]) -> None:
    for order in ("urgency", "image", "updated"):
        asked = {"limit": 1, "order": order}
        page = people["anna"].get("/api/projects/necks/queue", params=asked).json()
        assert page["next"].startswith(page["rows"][0]["id"])
        rest = (
            people["anna"]
            .get("/api/projects/necks/queue", params={**asked, "after": page["next"]})
            .json()
        )
        assert rest["rows"][0]["id"] != page["rows"][0]["id"]
        assert rest["next"] == ""
        # Of another project's case nothing is told.
        other = people["anna"].get("/api/projects/blind/queue", params={"after": page["next"]})
        sentence(other, 409)
    for first in ("nan", "inf", "1e999", "x", ""):
        token = f"{page['rows'][0]['id']}~{first}"
        answer = people["anna"].get("/api/projects/necks/queue", params={"after": token})
        assert answer.status_code in (200, 409)


def raw_json(client: httpx.Client, path: str, content: bytes) -> httpx.Response:
    return client.post(path, content=content, headers={"Content-Type": "application/json"})


@pytest.mark.parametrize(
    "content",
    [
        b"[" * 200_000,
        b'{"a":' * 100_000,
        b'{"marks": [{"landmark": "a", "state": "visible", "x": NaN, "y": 1}]}',
        b'{"marks": [{"landmark": "a", "state": "visible", "x": 1e999, "y": 1}]}',
        b'{"marks": [{"landmark": "\\ud800", "state": "visible", "x": 1, "y": 1}]}',
        b'{"marks": [{"landmark": "\\u0000", "state": "visible", "x": 1, "y": 1}]}',
        b'{"marks": ' + b"9" * 10_000 + b"}",
        b"\xff\xfe",
        b"",
    ],
)
def test_json_that_is_none_is_refused(people: dict[str, httpx.Client], content: bytes) -> None:
    path = f"/api/cases/{case_of(people['anna'])}/measure"
    answer = raw_json(people["anna"], path, content)
    sentence(answer, answer.status_code)
    assert answer.status_code in (400, 422)


def test_marks_beyond_what_there_is_are_not_measured(people: dict[str, httpx.Client]) -> None:
    path = f"/api/cases/{case_of(people['anna'])}/measure"
    mark = {"landmark": NAMES[0], "state": "visible", "x": 1, "y": 1}
    many = [{**mark, "frame": frame} for frame in range(5000)]
    began = time.perf_counter()
    assert "frames" in sentence(people["anna"].post(path, json={"marks": many}), 422)
    assert time.perf_counter() - began < 5
    sentence(people["anna"].post(path, json={"marks": [*many, mark]}), 422)


def test_a_method_is_what_it_is(people: dict[str, httpx.Client]) -> None:
    anna = people["anna"]
    for headers in ({"X-HTTP-Method-Override": "DELETE"}, {"X-Method-Override": "DELETE"}):
        assert anna.get("/api/session", headers=headers).status_code == 200
    assert anna.get("/api/session").status_code == 200
    for method in ("TRACE", "OPTIONS", "PUT", "PROPFIND"):
        sentence(anna.request(method, "/api/projects"), 405)
    for path in ("/docs", "/redoc", "/docs/oauth2-redirect"):
        sentence(anna.get(path), 404)


def test_names_with_line_breaks_come_into_no_log(
    people: dict[str, httpx.Client], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO", logger="palpate.serve.web"):
        for path in (
            "/api/projects/a%0aGET%20/x/queue",
            "/api/cases/a%0d%0aSet-Cookie:x=1",
            "/a%0ab",
        ):
            answer = people["anna"].get(path)
            sentence(answer, answer.status_code)
            assert "set-cookie" not in answer.headers
    assert all("\n" not in record.getMessage() for record in caplog.records)


def test_a_body_that_stops_coming_is_waited_for_no_longer(review: Served) -> None:
    address = httpx.URL(review.address)
    with socket.create_connection((address.host, address.port or 0), timeout=10) as line:
        head = f"Host: {address.host}\r\nContent-Length: 100\r\nContent-Type: application/json"
        line.sendall(f"POST /api/session HTTP/1.1\r\n{head}\r\n\r\n{{".encode())
        told = b""
        while chunk := line.recv(4096):  # ends when the server closes
            told += chunk
    assert b" 408 " in told.partition(b"\r\n")[0]
    assert b"did not come" in told


def test_deep_links_come_back_after_signing_in(review: Served) -> None:
    with review.client() as client:
        for path, back in {
            "/case/abcdefghijklmnop/report": "/sign-in#/case/abcdefghijklmnop/report",
            "/case/%2f%2fevil.example": "/sign-in",
            "/case/abcdefghijklmnopqrst%0d%0ax": "/sign-in",
        }.items():
            answer = client.get(path)
            assert answer.headers.get("location", "/sign-in") == back


def test_files_of_the_page_are_kept_until_there_are_others(review: Served) -> None:
    with review.client() as client:
        page = client.get("/sign-in").text
        style = page.partition('rel="stylesheet" href="')[2].partition('"')[0]
        assert style.count("/") == 3
        answer = client.get(style)
        assert "immutable" in answer.headers["cache-control"]
        assert answer.headers["content-encoding"] == "gzip"
        plain = client.get(style, headers={"Accept-Encoding": "gzip;q=0, identity"})
        assert "content-encoding" not in plain.headers
        assert plain.content == answer.content
        assert plain.headers["etag"] != answer.headers["etag"]
        again = client.get(style, headers={"If-None-Match": answer.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        short = client.get("/page/base.css")
        assert short.headers["cache-control"] == "no-cache"
        digest = style.split("/")[2]
        for path in (f"/page/{digest}/", f"/page/{digest}/../x", f"/page/{digest[::-1]}/base.css"):
            sentence(client.get(path), 404)


def png_with(folder: Path, kind: bytes, data: bytes) -> bytes:
    raw = film(folder / "one.png", 90).read_bytes()
    chunk = struct.pack(">I", len(data)) + kind + data
    return raw[:33] + chunk + struct.pack(">I", zlib.crc32(kind + data)) + raw[33:]


def tiff_of(entries: int) -> bytes:
    return b"II*\0" + struct.pack("<IH", 8, entries) + bytes(12 * min(entries, 65535))


def zip_of(files: dict[str, bytes], way: int = zipfile.ZIP_DEFLATED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", way) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return stream.getvalue()


def test_files_made_to_hurt(review: Served, tmp_path: Path) -> None:
    good = film(tmp_path / "good.png", 91).read_bytes()
    flawed = bytearray(
        zip_of({"flawed.png": good, "after.png": film(tmp_path / "b.png", 92).read_bytes()})
    )
    flawed[60:90] = b"\xff" * 30  # inside what is deflated
    hurtful = {
        "text.png": png_with(tmp_path, b"zTXt", b"a\0\0" + zlib.compress(bytes(8 << 20))),
        "colour.png": png_with(tmp_path, b"iCCP", b"a\0\0" + zlib.compress(bytes(8 << 20))),
        "wide.tif": tiff_of(65535),
        "loop.tif": b"II*\0" + struct.pack("<IHI", 8, 0, 8),
        "jpeg.jpg": b"\xff\xd8\xff\xe1\xff\xff" + bytes(70_000),
        "wide.bmp": b"BM" + struct.pack("<IIIIii", 100, 0, 54, 40, 1 << 30, 1 << 30) + bytes(60),
        "lzma.zip": zip_of({"packed.png": good}, zipfile.ZIP_LZMA),
        "bzip.zip": zip_of({"squeezed.png": good}, zipfile.ZIP_BZIP2),
        "gz.png": gzip.compress(good),
    }
    with review.signed_in("rita") as rita:
        parts = [("files", (name, content)) for name, content in hurtful.items()]
        parts += [("files", ("flawed.zip", bytes(flawed))), ("files", ("good.png", good))]
        answer = rita.post("/api/projects/necks/films", files=parts)
        assert answer.status_code == 200, answer.text
        found = answer.json()
        added = {row["image"] for row in found["added"]}
        assert {"good.png", "after.png"} <= added
        left = set(hurtful) - {"lzma.zip", "bzip.zip"} | {
            "packed.png",
            "squeezed.png",
            "flawed.png",
        }
        assert left - added == set(found["refused"])
        assert "unusual way" in found["refused"]["packed.png"]
        names = zip_of(dict.fromkeys((f"{n}" for n in range(6000)), b""))
        many = rita.post("/api/projects/necks/films", files=[("files", ("many.zip", names))])
        assert "6,000 files" in many.json()["refused"]["many.zip"]
    assert not list((review.folder / "films").glob(".upload*"))
