"""The whole way as a person goes it, over a running server: signing in, reading, signing."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from palpate.review.event import SHARED
from palpate.review.store import Store
from palpate.serve.web.app import create_app
from palpate.serve.web.background import in_background
from palpate.serve.web.settings import Settings
from serve_web_server import ACCOUNTS, PASSWORD, TOKEN, Served, filled, served

ANNA, BEN, _ = ACCOUNTS
# What a server in a process of its own runs, so that it can be killed.
SERVER = """
import sys
from palpate.review.store import Store
from palpate.serve.web.run import serve
from palpate.serve.web.settings import Settings
serve(Store.open(sys.argv[1]), Settings())
"""


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server over a shared and a blinded project."""
    with served(tmp_path_factory.mktemp("review")) as server:
        yield server


@pytest.fixture(scope="module")
def browsers(chromium: Any) -> Iterator[tuple[Any, Any]]:
    """Two browsers that keep files of the page, as a reader's own does; nothing else is kept."""
    contexts = [chromium.new_context(viewport={"width": 1280, "height": 800}) for _ in range(2)]
    yield contexts[0], contexts[1]
    for context in contexts:
        context.close()


@pytest.fixture
def person(browsers: tuple[Any, Any]) -> Iterator[Any]:
    """Opens a browser of their own for each of two people, who are not signed in.

    A script that complains fails the test.
    """
    free = list(browsers)
    pages: list[Any] = []
    troubles: list[str] = []

    def open_browser() -> Any:
        page = free.pop(0).new_page()
        pages.append(page)
        page.on("pageerror", lambda error: troubles.append(str(error)))
        return page

    yield open_browser
    for page in pages:
        page.goto("about:blank")
        page.close()
        page.context.clear_cookies()
    assert not troubles


def sign_in(page: Any, address: str, name: str) -> None:
    """With name and password, by keyboard."""
    page.goto(address)
    expect(page.get_by_label("Name")).to_be_focused()
    page.keyboard.type(name)
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.locator("#rows tr").first.wait_for()


def open_case(page: Any, server: Served, project: str, image: str) -> str:
    """Open a case by its address; returns its identifier."""
    rows = server.store.queue(project, reader=ANNA).rows
    case = next(row.id for row in rows if row.image == image)
    page.goto(f"{server.address}/case/{case}")
    expect(page.locator("#loading")).to_be_hidden()
    return case


def saved(page: Any) -> None:
    """Wait until everything is on disk."""
    expect(page.locator("#save")).to_have_text("All changes saved", timeout=20_000)


# --- getting in ----------------------------------------------------------------------------------


def test_the_printed_link_leads_in_and_leaves_the_address(person: Any, running: Served) -> None:
    page = person()
    page.goto(f"{running.address}/sign-in?token={TOKEN}")
    expect(page.get_by_role("heading", level=1)).to_have_text("Blind")
    assert page.url == f"{running.address}/"
    page.get_by_label("Project").select_option(label="Necks")
    expect(page.get_by_role("heading", level=1)).to_have_text("Necks")
    expect(page.locator("#rows tr").first).to_contain_text("40 %")  # the urgent one is on top
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in to palpate")
    page.goto(f"{running.address}/")
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in to palpate")


def test_a_wrong_link_and_a_wrong_password_are_told_in_words(person: Any, running: Served) -> None:
    page = person()
    page.goto(f"{running.address}/sign-in?token={TOKEN[::-1]}")
    expect(page.get_by_role("status")).to_contain_text("This link is no longer valid")
    assert "token" not in page.url
    page.get_by_label("Name").fill("anna")
    page.get_by_label("Password").fill("not her password")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_have_text("name and password do not belong together")


def test_a_session_that_ends_leads_back_to_where_one_was(person: Any, running: Served) -> None:
    page = person()
    sign_in(page, running.address, "ben")
    page.context.clear_cookies()
    page.get_by_role("button", name="All 1").click()
    expect(page.get_by_role("status")).to_contain_text("Your session is over.")
    sign_in(page, page.url, "ben")
    assert page.url == f"{running.address}/"


# --- reading and signing -------------------------------------------------------------------------


def find_case(page: Any) -> str:
    """Search the list for a film and open it, by keyboard."""
    page.get_by_label("Project").select_option(label="Necks")
    page.get_by_role("link", name="deep.png").wait_for()
    page.keyboard.press("/")
    page.keyboard.type("deep")
    expect(page.locator("#rows tr")).to_have_count(1)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator("#loading")).to_be_hidden()
    return str(page.url.rpartition("/")[2])


def sign(page: Any) -> None:
    """Sign what is on the screen, by keyboard; the server asks for the password again."""
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("dialog", name="Sign this reading")).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.get_by_label("Your password")).to_be_focused()
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")


def test_from_sign_in_to_signature_with_the_keyboard_alone(person: Any, running: Served) -> None:
    page = person()
    sign_in(page, running.address, "anna")
    case = find_case(page)
    page.keyboard.press("n")
    point = page.locator("#points .point.chosen")
    before = float(point.get_attribute("data-x"))
    with page.expect_response("**/events"):  # nudges are gathered into one event
        page.keyboard.press("Alt+ArrowRight")
        page.keyboard.press("Alt+ArrowRight")
    saved(page)
    assert float(point.get_attribute("data-x")) == pytest.approx(before + 0.2, abs=1e-3)
    sign(page)
    expect(page.locator("#signed")).to_contain_text("Signed by Dr. Anna Reader")

    page.reload()
    expect(page.locator("#signed")).to_contain_text("Signed by Dr. Anna Reader")
    page.keyboard.press("n")
    assert float(point.get_attribute("data-x")) == pytest.approx(before + 0.2, abs=1e-3)
    page.keyboard.press("ArrowRight")  # signed: nothing moves
    assert float(point.get_attribute("data-x")) == pytest.approx(before + 0.2, abs=1e-3)
    page.get_by_role("link", name="Signed report").focus()
    page.keyboard.press("Enter")
    expect(page.locator("body")).to_contain_text("Dr. Anna Reader")
    expect(page.locator("body")).to_contain_text("deep.png")
    reading = running.store.reading(case, SHARED)
    assert reading.signature is not None
    assert [event.kind for event in reading.events] == ["marks", "sign"]
    page.goto(f"{running.address}/")
    expect(page.locator("#rows tr").first).to_contain_text("signed")


def place(page: Any, landmark: int, x: float, y: float) -> None:
    """Choose a landmark in the list and click on the film, at shares of its width and height."""
    page.locator("#landmark-list button").nth(landmark).click()
    box = page.locator("#stage").bounding_box()
    size = min(box["width"] / 60, box["height"] / 80)
    left = box["x"] + (box["width"] - 60 * size) / 2
    top = box["y"] + (box["height"] - 80 * size) / 2
    page.mouse.click(left + 60 * size * x, top + 80 * size * y)


def test_two_readers_on_one_case_lose_nothing(person: Any, running: Served) -> None:
    anna, ben = person(), person()
    names = running.store.project("necks").scheme.names
    for page, who in ((anna, "anna"), (ben, "ben")):
        sign_in(page, running.address, who)
        case = open_case(page, running, "necks", "plain.png")
    place(anna, 0, 0.25, 0.5)
    saved(anna)
    place(ben, 1, 0.75, 0.5)
    dialog = ben.get_by_role("dialog")
    expect(dialog).to_contain_text("anna changed this case while you were working")
    marks = running.store.reading(case, SHARED).marks
    assert set(marks) == {(0, names[0])}
    dialog.get_by_role("button", name="Put mine on top").click()
    saved(ben)
    marks = running.store.reading(case, SHARED).marks
    assert set(marks) == {(0, names[0]), (0, names[1])}
    assert marks[0, names[0]].x == pytest.approx(0.25 * 60 - 0.5, abs=0.2)
    assert marks[0, names[1]].x == pytest.approx(0.75 * 60 - 0.5, abs=0.2)
    assert [event.who for event in running.store.history(case)] == ["anna", "ben"]


def test_a_blinded_second_reader_sees_nothing_of_the_first(person: Any, running: Served) -> None:
    anna, ben = person(), person()
    sign_in(anna, running.address, "anna")
    case = open_case(anna, running, "blind", "plain.png")
    place(anna, 0, 0.5, 0.5)
    saved(anna)
    assert running.store.readings(case)
    sign_in(ben, running.address, "ben")
    heard: list[str] = []

    def listen(answer: Any) -> None:
        if "/api/" in answer.url:
            heard.append(answer.text())

    ben.on("response", listen)
    ben.goto(f"{running.address}/")
    expect(ben.get_by_role("heading", level=1)).to_have_text("Blind")
    expect(ben.locator("#rows tr").first).to_contain_text("new")
    open_case(ben, running, "blind", "plain.png")
    assert ben.locator("#points .point").count() == 0
    assert len(heard) >= 5
    assert not [text for text in heard if re.search(r"\banna\b", text, re.IGNORECASE)]
    refused = ben.request.get(f"{running.address}/api/cases/{case}/readings/anna")
    assert refused.status == 404


# --- a server that dies --------------------------------------------------------------------------


@contextmanager
def process(folder: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A server in a process of its own: the process, and its address."""
    command = [sys.executable, "-u", "-c", SERVER, str(folder / "review.sqlite")]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment
    ) as running:
        try:
            assert running.stdout is not None
            yield running, running.stdout.readline().strip().rstrip("/")
        finally:
            running.kill()


@contextmanager
def again(store: Store, port: int) -> Iterator[None]:
    """A server at the same port."""
    with in_background(create_app(store, Settings()), port=port):
        yield


def test_nothing_acknowledged_is_lost_when_the_server_is_killed(
    person: Any, tmp_path: Path
) -> None:
    filled(tmp_path, (ANNA,)).close()
    page = person()
    sent: list[Any] = []
    with process(tmp_path) as (server, address):
        sign_in(page, address, "anna")
        page.get_by_label("Project").select_option(label="Necks")
        page.get_by_role("link", name="deep.png").click()
        expect(page.locator("#loading")).to_be_hidden()

        def kill_at_the_fourth(route: Any) -> None:
            sent.append(route)
            route.continue_()
            if len(sent) == 4:
                server.send_signal(signal.SIGKILL)

        page.route("**/events", kill_at_the_fourth)
        page.keyboard.press("n")
        for key in "ovovovovov":
            page.keyboard.press(key)
        # What is not on disk is said, and stays in sight.
        expect(page.locator("#save")).to_have_text(
            re.compile(r"Not saved yet: [67] changes wait"), timeout=20_000
        )
        server.wait()
        page.unroute("**/events")
    waiting = int(re.findall(r"\d+", page.locator("#save").inner_text())[0])
    case = page.url.rpartition("/")[2]
    with Store.open(str(tmp_path / "review.sqlite")) as store:
        # The answer to the one that was on its way may have been lost; nothing else was.
        assert len(store.history(case)) - (10 - waiting) in (0, 1)
        assert not store.verify()
        with again(store, int(address.rpartition(":")[2])):
            page.evaluate("dispatchEvent(new Event('online'))")  # no waiting for the next try
            saved(page)
            expect(page.locator("#points .point.chosen")).to_have_attribute("data-state", "visible")
        marks = [event.changes[0].after for event in store.history(case)]
        assert [mark and mark.state for mark in marks] == ["occluded", "visible"] * 5
        assert not store.verify()
