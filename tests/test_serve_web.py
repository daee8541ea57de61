"""The application as a program sees it: cases, pixels, readings, signatures, accounts."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import httpx
import numpy as np
import pytest

from palpate.files import sha256
from palpate.protocols.landmark_picture import landmark_picture
from palpate.protocols.protocol import read_protocol
from palpate.review.case import NewCase
from palpate.review.frozen import read_report, report_digest
from palpate.review.measured import measure_reading
from palpate.serve.protocol_json import protocol_json
from serve_web_server import (
    PASSWORD,
    SIZE,
    Served,
    case_of,
    film,
    moved,
    placed,
    sentence,
    served,
)

FIRST = read_protocol("cervical").scheme.names[0]


@pytest.fixture(scope="module")
def review(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("review")) as found:
        yield found


@pytest.fixture(scope="module")
def owner(review: Served) -> Iterator[httpx.Client]:
    with review.signed_in() as client:
        yield client


@pytest.fixture(scope="module")
def people(review: Served) -> Iterator[dict[str, httpx.Client]]:
    with ExitStack() as stack:
        names = ("anna", "ben", "rita")
        yield {name: stack.enter_context(review.signed_in(name)) for name in names}


def reading_of(client: httpx.Client, case: str, name: str = "shared") -> dict[str, object]:
    answer = client.get(f"/api/cases/{case}/readings/{name}")
    assert answer.status_code == 200, answer.text
    found: dict[str, object] = answer.json()
    return found


def test_projects_and_queue(owner: httpx.Client) -> None:
    projects = {one["id"]: one for one in owner.get("/api/projects").json()}
    assert projects["necks"]["cases"] >= 2
    assert projects["blind"]["blinded"] is True
    page = owner.get("/api/projects/necks/queue", params={"limit": 1}).json()
    assert page["rows"][0]["image"] == "deep.png"
    rest = owner.get("/api/projects/necks/queue", params={"after": page["next"]}).json()
    assert "deep.png" not in [row["image"] for row in rest["rows"]]
    told = sentence(owner.get("/api/projects/none/queue"), 404)
    assert "no such project" in told or "project" in told


def test_protocol_is_that_of_the_engine(owner: httpx.Client) -> None:
    assert owner.get("/api/projects/necks/protocol").json() == protocol_json(
        read_protocol("cervical")
    )


def test_pictures_of_landmarks(owner: httpx.Client) -> None:
    protocol = read_protocol("cervical")
    answer = owner.get("/api/projects/necks/landmarks/1.svg")
    assert answer.headers["content-type"] == "image/svg+xml"
    assert answer.text == landmark_picture(protocol, protocol.scheme.names[1])
    beyond = owner.get(f"/api/projects/necks/landmarks/{len(protocol.scheme)}.svg")
    assert "no picture" in sentence(beyond, 404)


@pytest.mark.parametrize(("image", "dtype"), [("plain.png", "uint8"), ("deep.png", "uint16")])
def test_pixels_are_the_films_values(owner: httpx.Client, image: str, dtype: str) -> None:
    case = case_of(owner, image=image)
    message = owner.get(f"/api/cases/{case}").json()
    assert (message["width"], message["height"]) == SIZE
    assert (message["dtype"], message["channels"]) == (dtype, 1)
    answer = owner.get(f"/api/cases/{case}/pixels")
    values = np.frombuffer(answer.content, dtype).reshape(SIZE[::-1])
    rows, columns = np.mgrid[: SIZE[1], : SIZE[0]]
    np.testing.assert_array_equal(
        values, (rows * 100 + columns) % (256 if dtype == "uint8" else 5000)
    )
    assert "immutable" in answer.headers["cache-control"]
    again = owner.get(
        f"/api/cases/{case}/pixels", headers={"If-None-Match": answer.headers["etag"]}
    )
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("other.png", "another film", "not the file that was put in"),
        ("gone.png", None, "no longer where it was"),
        ("cut.png", "cut", "damaged or cut off"),
    ],
)
def test_films_that_cannot_be_shown(
    review: Served, owner: httpx.Client, name: str, content: str | None, told: str
) -> None:
    path = film(review.folder / name, seed=7)
    if content == "cut":
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    new = NewCase(name, name, sha256(path), SIZE)
    (case,) = review.store.add_cases("necks", [new], who="test", urgency={})
    if content is None:
        path.unlink()
    elif content == "another film":
        film(path, seed=8)
    for address in ("", "/pixels"):
        answer = owner.get(f"/api/cases/{case.identifier}{address}")
        assert told in sentence(answer, 422)


def test_no_frame_beyond_the_last(owner: httpx.Client) -> None:
    answer = owner.get(f"/api/cases/{case_of(owner)}/pixels", params={"frame": 5})
    assert "1 frames" in sentence(answer, 422)


def test_a_drag_gives_the_engines_number(review: Served, owner: httpx.Client) -> None:
    case = case_of(owner)
    before = reading_of(owner, case)
    answer = owner.post(f"/api/cases/{case}/readings/shared/events", json=moved(before, "drag-one"))
    assert answer.status_code == 201
    now = review.store.reading(case, "shared")
    project = review.store.project("necks")
    report = measure_reading(project, review.store.case(case, reading="shared"), now.marks)[0]
    told = answer.json()["measurements"]["0"]
    assert [one["value"] for one in told] == [one.value for one in report.measurements]
    assert any("set by the reader" in one["note"] for one in told)
    shown = reading_of(owner, case)
    assert shown["measurements"] == {"0": told}
    assert shown["step"] == answer.json()["step"]


def test_measuring_saves_nothing(owner: httpx.Client) -> None:
    case = case_of(owner)
    before = reading_of(owner, case)
    answer = owner.post(f"/api/cases/{case}/measure", json={"marks": before["marks"]})
    assert answer.json()["0"] == before["measurements"]["0"]  # type: ignore[index]
    assert reading_of(owner, case) == before
    twice = {"marks": [before["marks"][0]] * 2}  # type: ignore[index]
    sentence(owner.post(f"/api/cases/{case}/measure", json=twice), 422)


def test_the_same_event_again_is_saved_once(owner: httpx.Client) -> None:
    case = case_of(owner)
    event = moved(reading_of(owner, case), "sent-twice", 1)
    path = f"/api/cases/{case}/readings/shared/events"
    first, second = owner.post(path, json=event), owner.post(path, json=event)
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json()


def test_of_two_at_once_one_sees_a_conflict_with_the_others_work(
    people: dict[str, httpx.Client],
) -> None:
    case = case_of(people["anna"])
    before = reading_of(people["anna"], case)
    path = f"/api/cases/{case}/readings/shared/events"

    def send(name: str) -> httpx.Response:
        return people[name].post(path, json=moved(before, f"at-once-{name}", 2))

    with ThreadPoolExecutor(2) as pool:
        answers = dict(zip(("anna", "ben"), pool.map(send, ("anna", "ben")), strict=True))
    assert sorted(one.status_code for one in answers.values()) == [201, 409]
    winner = next(name for name, one in answers.items() if one.status_code == 201)
    conflict = next(one.json() for one in answers.values() if one.status_code == 409)
    assert [event["who"] for event in conflict["missed"]] == [winner]
    assert conflict["reading"]["step"] == before["step"] + 1  # type: ignore[operator]


def test_a_landmark_that_is_not_in_the_scheme_is_refused(owner: httpx.Client) -> None:
    case = case_of(owner, image="plain.png")
    answer = owner.post(
        f"/api/cases/{case}/readings/shared/events", json=placed(0, "no-such-one", "elbow", 1, 1)
    )
    assert "elbow" in sentence(answer, 422)
    wrong = placed(0, "not-finite", FIRST, 1, 1)
    body = str(wrong).replace("'", '"').replace("None", "null").replace("1.0", "NaN")
    answer = owner.post(
        f"/api/cases/{case}/readings/shared/events",
        content=body.replace('"x": 1', '"x": NaN'),
        headers={"Content-Type": "application/json"},
    )
    sentence(answer, 422)


def test_blinded_readers_learn_nothing_of_each_other(people: dict[str, httpx.Client]) -> None:
    case = case_of(people["anna"], "blind", "plain.png")
    own = people["anna"].get(f"/api/cases/{case}").json()["own"]
    assert own == "anna"
    path = f"/api/cases/{case}/readings"
    event = placed(0, "anna-sets", FIRST, 3, 4)
    assert people["anna"].post(f"{path}/anna/events", json=event).status_code == 201
    # The same words as of a reading that nobody has begun.
    told = [sentence(people["ben"].get(f"{path}/{name}"), 404) for name in ("anna", "nobody")]
    assert told[0] == told[1]
    for name in ("anna", "shared"):
        answer = people["ben"].post(
            f"{path}/{name}/events", json=placed(0, "ben-sets-x", FIRST, 1, 1)
        )
        assert answer.status_code == 404
    assert people["ben"].get(f"/api/cases/{case}").json()["readings"] == []
    queue = people["ben"].get("/api/projects/blind/queue").json()["rows"][0]
    assert (queue["state"], queue["readers"]) == ("new", [])
    # A reviewer sees how far they are, and writes the shared one by adjudicating.
    assert reading_of(people["rita"], case, "anna")["step"] == 1
    refused = people["rita"].post(f"{path}/anna/events", json=placed(1, "rita-sets", FIRST, 1, 1))
    sentence(refused, 403)
    event = {**placed(0, "rita-decides", FIRST, 3, 3), "kind": "adjudicate"}
    assert people["rita"].post(f"{path}/shared/events", json=event).status_code == 201


def test_signing_freezes_the_report(review: Served, people: dict[str, httpx.Client]) -> None:
    rita = people["rita"]
    case = case_of(rita, image="plain.png")
    path = f"/api/cases/{case}/readings/shared"
    asked = {"after": 0, "statement": "I have looked at every point", "password": PASSWORD}
    assert "nothing to sign" in sentence(rita.post(f"{path}/signature", json=asked), 409)
    rita.post(f"{path}/events", json=placed(0, "to-be-signed", FIRST, 10, 12))
    asked["after"] = 1
    bare = {key: value for key, value in asked.items() if key != "password"}
    sentence(rita.post(f"{path}/signature", json=bare), 403)
    wrong = {**asked, "password": "not hers at all"}
    sentence(rita.post(f"{path}/signature", json=wrong), 403)
    signed = rita.post(f"{path}/signature", json=asked)
    assert signed.status_code == 201
    # Twice: who and when.
    again = sentence(rita.post(f"{path}/signature", json=asked), 409)
    assert "Prof. Rita Reviewer" in again
    assert signed.json()["when"][:10] in again
    # Changing it: refused, and nothing is different.
    late = rita.post(f"{path}/events", json=placed(2, "too-late-now", FIRST, 1, 1))
    sentence(late, 423)
    report = rita.get(f"{path}/report")
    assert report_digest(report.content) == signed.json()["report"]
    assert read_report(report.content).reader.name == "rita"
    page = rita.get(f"/case/{case}/report")
    assert "Prof. Rita Reviewer" in page.text
    assert signed.json()["report"] in page.text
    assert "<script" not in page.text
    assert "style=" not in page.text
    # A reader who did not sign may not take it back; the reviewer may, and the report stays.
    reopen = {"after": 2, "reason": "point <b>slipped</b>"}
    sentence(people["ben"].request("DELETE", f"{path}/signature", json=reopen), 403)
    reopened = rita.request("DELETE", f"{path}/signature", json=reopen)
    assert reopened.json()["state"] == "open"
    assert rita.get(f"{path}/report").content == report.content
    page = rita.get(f"/case/{case}/report")
    assert "taken back" in page.text
    assert "&lt;b&gt;slipped" in page.text


def test_labels_come_out(people: dict[str, httpx.Client]) -> None:
    case = case_of(people["anna"], "blind", "plain.png")
    unsigned = people["rita"].get("/api/projects/blind/labels", params={"reading": "anna"})
    sentence(unsigned, 409)
    path = f"/api/cases/{case}/readings/anna"
    step = reading_of(people["anna"], case, "anna")["step"]
    asked = {"after": step, "statement": "Looked at.", "password": PASSWORD}
    assert people["anna"].post(f"{path}/signature", json=asked).status_code == 201
    answer = people["rita"].get("/api/projects/blind/labels", params={"reading": "anna"})
    assert answer.status_code == 200
    assert f"{FIRST}_x" in answer.text
    assert "plain.png" in answer.text
    none = people["rita"].get("/api/projects/blind/labels", params={"reading": "nobody"})
    sentence(none, 409)
    sentence(people["anna"].get("/api/projects/blind/labels"), 403)


def test_accounts_are_the_administrators(
    review: Served, owner: httpx.Client, people: dict[str, httpx.Client]
) -> None:
    sentence(people["rita"].get("/api/accounts"), 403)
    new = {"name": "carl", "title": "Carl", "role": "reader", "password": PASSWORD}
    made = owner.post("/api/accounts", json=new)
    assert (made.status_code, "password" in made.json()) == (201, False)
    sentence(owner.post("/api/accounts", json=new), 409)
    short = owner.post("/api/accounts", json={**new, "name": "dora", "password": "short"})
    assert "short" not in sentence(short, 422).replace("shorter", "")
    with review.signed_in("carl") as carl:
        assert owner.patch("/api/accounts/carl", json={"active": False}).status_code == 200
        sentence(carl.get("/api/projects"), 401)
    with review.client() as again:
        told = again.post("/api/session", json={"name": "carl", "password": PASSWORD})
        assert told.status_code == 401
