"""Readings side by side: how far apart they are, what is settled, and who may see it when."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import expect

from page_fake import ORIGIN, FakeServer
from palpate.protocols.measure import measure_points
from palpate.review.account import Account
from palpate.review.event import SHARED, Change
from palpate.review.mark import Mark, points_of
from serve_web_server import ACCOUNTS, TOKEN, Served, served

ANNA, BEN, _ = ACCOUNTS
COMPARE = """([readers, spacing]) => import("/page/js/adjudicate/spread.js").then(({ compare }) =>
  readers.map((marks) => {
    const { mean, apart, spread, distances, disputed } = compare(new Map(marks), spacing);
    return { mean, apart, spread, distances: [...distances.values()], disputed };
  }))"""


@pytest.fixture(scope="module")
def page(chromium: Any) -> Iterator[Any]:
    """One page for the module."""
    context = chromium.new_context(viewport={"width": 1280, "height": 800})
    yield context.new_page()
    context.close()


def test_distances_and_spread_are_numpys(page: Any) -> None:
    generator = np.random.default_rng(5)
    spacing = np.array([0.2, 0.3])
    places = [generator.uniform(0, 500, (n, 2)) for n in (1, 2, 2, 3, 5)]
    FakeServer().attach(page)
    page.goto(f"{ORIGIN}/help")
    sent = [
        [[f"r{i}", {"x": x, "y": y, "state": "visible"}] for i, (x, y) in enumerate(at.tolist())]
        for at in places
    ]
    found = page.evaluate(COMPARE, [sent, spacing.tolist()])
    page.unroute_all(behavior="ignoreErrors")
    for at, each in zip(places, found, strict=True):
        mean = at.mean(0)
        assert (each["mean"]["x"], each["mean"]["y"]) == pytest.approx(tuple(mean))
        away = at - mean
        assert [d["px"] for d in each["distances"]] == pytest.approx(np.hypot(*away.T))
        assert [d["mm"] for d in each["distances"]] == pytest.approx(np.hypot(*(away * spacing).T))
        assert not each["disputed"]
        if len(at) == 1:
            assert each["apart"] is None
            assert each["spread"] is None
            continue
        steps = at[:, None] - at[None]
        assert each["apart"]["px"] == pytest.approx(np.hypot(*steps.T).max())
        assert each["apart"]["mm"] == pytest.approx(np.hypot(*(steps * spacing).T).max())
        assert each["spread"]["px"] == pytest.approx(np.sqrt((away**2).sum(1).mean()))


def test_absent_is_a_dispute_and_directions_go_the_short_way_round(page: Any) -> None:
    FakeServer().attach(page)
    page.goto(f"{ORIGIN}/help")
    absent = {"x": None, "y": None, "state": "absent"}
    there = {"x": 1, "y": 2, "state": "visible"}
    sent = [
        [["a", there], ["b", absent]],
        [["a", absent], ["b", absent]],
        [["a", there], ["b", None]],
    ]
    found = page.evaluate(COMPARE, [sent, None])
    assert [each["disputed"] for each in found] == [True, False, True]
    differences = page.evaluate(
        "import('/page/js/adjudicate/spread.js').then(({ difference: d }) =>"
        "[d([179, -179], 360), d([179, -179]), d([1, null, 4]), d([1, null]), d([359, 1, 3], 360)])"
    )
    assert differences == [2, 358, 3, None, 4]
    page.unroute_all(behavior="ignoreErrors")


# --- with a server ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server with a blinded project."""
    with served(tmp_path_factory.mktemp("review")) as server:
        yield server


def _case(server: Served) -> str:
    return server.store.queue("blind", reader=ANNA).rows[0].id


def _read(server: Served, who: Account, shift: float, *, absent: tuple[str, ...] = ()) -> None:
    """Set every landmark, at places that differ between readers by their shift."""
    case = _case(server)
    project = server.store.project("blind")
    marks = [
        Mark(name, "absent")
        if name in absent
        else Mark(name, "visible", 5.0 + 2 * (i % 6) + shift, 6.0 + 2.5 * i)
        for i, name in enumerate(project.scheme.names)
    ]
    changes = [Change(None, mark) for mark in marks]
    server.store.append(
        case, who.name, after=0, key=f"read-{who.name}", who=who, kind="marks", changes=changes
    )


def _sign(server: Served, who: Account) -> None:
    server.store.sign(_case(server), who.name, after=1, who=who, statement="read", report=b"{}")


def test_a_reviewer_settles_what_readers_have_signed(page: Any, running: Served) -> None:
    names = running.store.project("blind").scheme.names
    _read(running, ANNA, 0.0)
    _sign(running, ANNA)
    _read(running, BEN, 1.0, absent=names[:1])
    case = _case(running)
    page.goto(f"{running.address}/sign-in?token={TOKEN}")
    page.goto(f"{running.address}/case/{case}/adjudicate")
    expect(page.get_by_role("heading", name="Not yet")).to_be_visible()
    expect(page.get_by_role("listitem")).to_have_text(["annadone, signed", "benstill reading"])
    assert page.locator("[data-reader]").count() == 0

    _sign(running, BEN)
    page.reload()
    expect(page.locator("#landmarks tr").first).to_contain_text("set by some only")
    expect(page.locator("#open-count")).to_have_text(f"{len(names)} open")
    assert page.locator("[data-reader=anna]").count() == len(names)
    assert page.locator("[data-reader=ben]").count() == len(names) - 1
    expect(page.get_by_role("button", name="Sign what was agreed")).to_be_disabled()

    page.keyboard.press("n")
    expect(page.get_by_role("heading", level=3)).to_have_text(
        page.locator("#landmarks th").first.inner_text()
    )
    page.keyboard.press("2")  # as ben: absent; the next open one is chosen
    expect(page.locator("#open-count")).to_have_text(f"{len(names) - 1} open")
    page.keyboard.press("Control+z")
    expect(page.locator("#open-count")).to_have_text(f"{len(names)} open")
    page.keyboard.press("Control+Shift+z")
    page.get_by_label("Settle all within").fill("1.5")
    page.get_by_role("button", name="by their mean").click()
    expect(page.locator("#open-count")).to_have_text("All agreed")
    expect(page.locator("#saving")).to_have_text("All changes saved")

    settled = running.store.reading(case, SHARED)
    assert {event.kind for event in settled.events} == {"adjudicate", "undo", "redo"}
    assert settled.marks[0, names[0]].state == "absent"
    assert settled.marks[0, names[7]] == Mark(names[7], "visible", 5.0 + 2 * (7 % 6) + 0.5, 23.5)


def test_agreed_numbers_are_the_engines_and_the_signature_is_kept(
    page: Any, running: Served
) -> None:
    case = _case(running)
    project = running.store.project("blind")
    page.goto(f"{running.address}/case/{case}/adjudicate")
    marks = running.store.reading(case, SHARED).marks.values()
    assert project.protocol is not None
    measured = measure_points(project.protocol, points_of(project.scheme, marks), None)
    known = {each.name: each.value for each in measured.measurements if each.value is not None}
    assert len(known) > 5
    for name, value in list(known.items())[:6]:
        shown = page.locator(f'#values tr[data-measurement="{name}"] .agreed')
        shown.wait_for()
        assert float(shown.get_attribute("data-value")) == pytest.approx(value, abs=1e-9)
    page.get_by_role("button", name="Sign what was agreed").click()
    page.get_by_role("button", name="Sign", exact=True).click()
    expect(page.locator("#signature")).to_contain_text("Signed by Dr. Owner")
    page.reload()
    expect(page.locator("#signature")).to_contain_text("Signed by Dr. Owner")
    expect(page.get_by_role("button", name="by their mean")).to_be_disabled()
    assert not running.store.verify()


def test_a_reader_is_told_that_reviewers_compare(chromium: Any, running: Served) -> None:
    with running.signed_in("ben") as client:
        cookie = {"url": running.address, "name": "", "value": ""}
        cookie["name"], cookie["value"] = next(iter(client.cookies.items()))
    context = chromium.new_context()
    context.add_cookies([cookie])
    page = context.new_page()
    page.goto(f"{running.address}/case/{_case(running)}/adjudicate")
    expect(page.get_by_role("alert")).to_contain_text("Readings are compared by a reviewer")
    assert page.locator("[data-reader]").count() == 0
    context.close()
