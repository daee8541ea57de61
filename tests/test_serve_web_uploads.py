"""Uploads: films are taken, whatever else comes is refused with its sentence, the rest is kept."""

import io
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest
from PIL import Image as Pillow
from pydicom import dcmread
from pydicom.uid import UID

from dicom_films import write_film
from palpate.io.dicom_sr_read import points_from_sr
from palpate.protocols.protocol import read_protocol
from palpate.serve.web import received
from serve_web_server import SIZE, Served, film, placed, sentence, served


@pytest.fixture(scope="module")
def review(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("uploads")) as found:
        yield found


@pytest.fixture(scope="module")
def owner(review: Served) -> Iterator[httpx.Client]:
    with review.signed_in() as client:
        yield client


def send(client: httpx.Client, files: dict[str, bytes]) -> dict[str, dict[str, str]]:
    parts = [("files", (name, content)) for name, content in files.items()]
    answer = client.post("/api/projects/necks/films", files=parts)
    assert answer.status_code == 200, answer.text
    found = answer.json()
    return {"added": {r["image"]: r["id"] for r in found["added"]}, "refused": found["refused"]}


def png(folder: Path, seed: int) -> bytes:
    return film(folder / "one.png", seed).read_bytes()


def packed(files: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return stream.getvalue()


def dicom(folder: Path) -> bytes:
    write_film(folder / "film.dcm", patient="DOE-1234")
    return (folder / "film.dcm").read_bytes()


def test_films_are_taken_and_shown(review: Served, owner: httpx.Client, tmp_path: Path) -> None:
    raw = dicom(tmp_path)
    jpeg = io.BytesIO()
    Pillow.fromarray(np.full((9, 7, 3), 90, np.uint8)).save(jpeg, "JPEG")
    # The name says nothing: what is in a file decides how it is read.
    found = send(owner, {"a.png": png(tmp_path, 20), "b.txt": raw, "c.exe": jpeg.getvalue()})
    assert found["refused"] == {}
    assert set(found["added"]) == {"a.png", "b.txt", "c.exe"}
    for name, (width, height, channels) in {"a.png": (*SIZE, 1), "c.exe": (7, 9, 3)}.items():
        case = found["added"][name]
        message = owner.get(f"/api/cases/{case}").json()
        assert (message["width"], message["height"]) == (width, height)
        values = owner.get(f"/api/cases/{case}/pixels").content
        assert len(values) == width * height * channels
    message = owner.get(f"/api/cases/{found['added']['b.txt']}").json()
    assert message["dtype"] == "uint16"
    assert "DOE" not in str(message)
    kept = sorted(path.name for path in (review.folder / "films").iterdir())
    assert all(len(name.partition(".")[0]) == 64 for name in kept)
    # Again: the same cases, and nothing is stored twice.
    assert send(owner, {"a.png": png(tmp_path, 20)})["added"] == {"a.png": found["added"]["a.png"]}
    assert sorted(path.name for path in (review.folder / "films").iterdir()) == kept


def test_another_film_of_the_same_name_is_refused(owner: httpx.Client, tmp_path: Path) -> None:
    found = send(owner, {"plain.png": png(tmp_path, 21)})
    assert "another film" in found["refused"]["plain.png"]


def bomb_png() -> bytes:
    """A PNG of a gigapixel in a few hundred bytes."""
    header = struct.pack(">IIBBBBB", 40_000, 40_000, 8, 0, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(bytes(1000))), (b"IEND", b"")]
    body = b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + body


def dicom_with(folder: Path, **tags: str | int) -> bytes:
    data = dcmread(io.BytesIO(dicom(folder)))
    for keyword, value in tags.items():
        if keyword == "TransferSyntaxUID":
            data.file_meta.TransferSyntaxUID = UID(str(value))
        else:
            setattr(data, keyword, value)
    stream = io.BytesIO()
    data.save_as(stream, enforce_file_format=False, implicit_vr=False, little_endian=True)
    return stream.getvalue()


SVG = (
    b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
)


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[bytes, str]]:
    """Name -> content, and words of the refusal."""
    folder = tmp_path_factory.mktemp("hostile")
    good, raw = png(folder, 30), dicom(folder)
    huge = dicom_with(folder, Rows=32768, Columns=32768)
    return {
        "picture.svg": (SVG, "SVG"),
        "renamed.png": (b"\n  " + SVG, "SVG"),
        "page.dcm": (b"<!doctype html><script>1</script>", "HTML"),
        "empty.png": (b"", "empty"),
        "cut.png": (good[: len(good) // 2], "damaged or cut off"),
        "words.png": (b"not a picture at all" * 20, "is not a PNG"),
        "gigapixel.png": (bomb_png(), "pixels"),
        "declared.dcm": (huge, "MiB are read at once"),
        "cut.dcm": (raw[: len(raw) // 2], "cut off"),
        "program.dcm": (b"MZ" + raw[2:], "preamble"),
        "syntax.dcm": (dicom_with(folder, TransferSyntaxUID="1.2.3.4.5"), "is"),
        "gif.png": (b"GIF89a" + bytes(40), "is not a PNG"),
    }


def test_hostile_files_are_refused_and_the_rest_is_kept(
    review: Served, owner: httpx.Client, tmp_path: Path, hostile: dict[str, tuple[bytes, str]]
) -> None:
    before = len(list((review.folder / "films").glob("*")))
    files = {name: content for name, (content, _) in hostile.items()}
    found = send(owner, {**files, "good one.png": png(tmp_path, 31)})
    assert set(found["added"]) == {"good one.png"}
    assert set(found["refused"]) == set(hostile)
    for name, (_, words) in hostile.items():
        assert words in found["refused"][name], name
        assert str(review.folder) not in found["refused"][name]
        assert ".upload" not in found["refused"][name]
    # Nothing of what was refused lies anywhere.
    assert len(list((review.folder / "films").iterdir())) == before + 1


def linked(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name)
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    return entry


def test_a_zip_is_looked_through(review: Served, owner: httpx.Client, tmp_path: Path) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, name in enumerate(("deep/one.png", "../../escaped.png", "/rooted.png")):
            archive.writestr(name, png(tmp_path, 40 + number))
        archive.writestr("C:\\windows.png", png(tmp_path, 45))
        archive.writestr(linked("link.png"), "/etc/passwd")
        archive.writestr("inner.zip", packed({"a.png": png(tmp_path, 46)}))
        archive.writestr("picture.svg", SVG)
        archive.writestr(".hidden.png", png(tmp_path, 47))
    found = send(owner, {"films.zip": stream.getvalue()})
    assert set(found["added"]) == {"deep/one.png"}
    words = {
        "escaped.png": "outside",
        "rooted.png": "outside",
        "windows.png": "outside",
        "link.png": "link",
        "inner.zip": "zip file inside",
        "picture.svg": "SVG",
        ".hidden.png": "hidden",
    }
    assert set(found["refused"]) == set(words)
    for name, told in words.items():
        assert told in found["refused"][name], name
    assert not (review.folder.parent / "escaped.png").exists()
    broken = send(owner, {"broken.zip": stream.getvalue()[:200]})
    assert "damaged" in broken["refused"]["broken.zip"]


def test_a_zip_bomb_is_read_no_further_than_there_is_room(
    owner: httpx.Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(received, "ALWAYS", 1 << 20)
    zeros = bytes(8 << 20)
    bomb = packed({"first.png": png(tmp_path, 50), "zeros.dcm": zeros, "after.png": zeros})
    assert len(bomb) < 40_000
    found = send(owner, {"bomb.zip": bomb})
    assert set(found["added"]) == {"first.png"}
    assert all("far more than its size" in why for why in found["refused"].values())
    assert set(found["refused"]) == {"zeros.dcm", "after.png"}
    monkeypatch.setattr(received, "MOST_FILES", 3)
    many = packed({f"{number}.png": b"x" for number in range(4)})
    assert "at most 3" in send(owner, {"many.zip": many})["refused"]["many.zip"]


def test_uploading_is_for_reviewers(review: Served) -> None:
    with review.signed_in("anna") as anna:
        parts = [("files", ("a.png", b"x"))]
        sentence(anna.post("/api/projects/necks/films", files=parts), 403)
        sentence(anna.post("/api/projects/none/films", files=parts), 404)


def test_what_is_no_upload_is_told_so(owner: httpx.Client) -> None:
    path = "/api/projects/necks/films"
    sentence(owner.post(path, json={"files": []}), 415)
    sentence(owner.post(path, files=[("other", ("a.png", b"x"))]), 422)
    broken = owner.post(
        path, content=b"--x\r\nnonsense", headers={"Content-Type": "multipart/form-data"}
    )
    assert broken.status_code in (400, 422)
    sentence(broken, broken.status_code)


def test_a_signed_report_of_a_dicom_film_leaves_as_a_structured_report(
    owner: httpx.Client, tmp_path: Path
) -> None:
    write_film(tmp_path / "film.dcm", seed=60)
    found = send(owner, {"neck.dcm": (tmp_path / "film.dcm").read_bytes()})
    case = found["added"]["neck.dcm"]
    scheme = read_protocol("cervical").scheme
    path = f"/api/cases/{case}/readings/shared"
    assert owner.get(f"{path}/sr").status_code == 404  # nothing is signed yet
    assert owner.post(
        f"{path}/events", json=placed(0, "one-point", scheme.names[2], 7.25, 9.5)
    ).is_success
    signed = owner.post(f"{path}/signature", json={"after": 1, "statement": "Looked at."})
    assert signed.status_code == 201
    answer = owner.get(f"{path}/sr")
    assert answer.headers["content-type"] == "application/dicom"
    (tmp_path / "report.dcm").write_bytes(answer.content)
    image = dcmread(tmp_path / "film.dcm", stop_before_pixels=True)
    points = points_from_sr(tmp_path / "report.dcm", image.SOPInstanceUID, scheme)
    np.testing.assert_allclose(points.coordinates[2], (7.25, 9.5), atol=1e-4)
    assert points.present.sum() == 1
    assert sentence(owner.get(f"{path}/sr", params={"frame": 3}), 404)
    png_case = next(iter(send(owner, {"p.png": png(tmp_path, 61)})["added"].values()))
    told = owner.get(f"/api/cases/{png_case}/readings/shared/sr")
    assert "no DICOM" in sentence(told, 409)
