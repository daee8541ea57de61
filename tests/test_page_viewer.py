"""A reader works on a case in a real browser: what is dragged, marked, undone, and measured."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from page_viewer_review import CALIBRATION, SIZE, Review, Viewer, laid_out, reviewing
from palpate.points import Points
from palpate.protocols.measure import measure_points
from palpate.protocols.protocol import read_protocol
from palpate.review.event import SHARED

CERVICAL = read_protocol("cervical")
CORNER = "C7_posterior_inferior"
ANGLE = "Cobb C2-C7"
IMAGES = tuple(f"neck-{i}.png" for i in range(8))


@pytest.fixture(scope="module")
def review(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Review]:
    with reviewing(tmp_path_factory.mktemp("review"), IMAGES) as found:
        yield found


@pytest.fixture(scope="module")
def opened(chromium: Any, review: Review) -> Iterator[Callable[[str], Viewer]]:
    viewer = Viewer(chromium, review)
    yield viewer.open
    viewer.close()


def python_value(moved: dict[str, tuple[float, float]], quantity: str = ANGLE) -> float:
    """What the engine says of the laid-out neck with some landmarks elsewhere."""
    places = laid_out(CERVICAL)
    for name, place in moved.items():
        places[CERVICAL.scheme.index(name)] = place
    report = measure_points(CERVICAL, Points.of(CERVICAL.scheme, places), CALIBRATION, size=SIZE)
    value = next(each.value for each in report.measurements if each.name == quantity)
    assert value is not None
    return value


def events(review: Review, image: str) -> list[str]:
    return [event.kind for event in review.store.history(review.cases[image], SHARED)]


def test_a_dragged_point_takes_the_angle_along(
    opened: Callable[[str], Viewer], review: Review
) -> None:
    viewer = opened(IMAGES[0])
    before = viewer.value(ANGLE)
    assert before == pytest.approx(python_value({}), abs=1e-9)
    paints = viewer.page.get_attribute("#film", "data-paints")
    start = viewer.centre(CORNER)
    viewer.hold(CORNER, 24, 15, aside=4)
    # The point stays below the hand where it was taken, and the film is not painted for it.
    assert np.subtract(viewer.centre(CORNER), start) == pytest.approx((24, 15), abs=0.02)
    assert viewer.page.get_attribute("#film", "data-paints") == paints
    live = viewer.value(ANGLE)
    assert live == pytest.approx(python_value({CORNER: viewer.place(CORNER)}), abs=1e-9)
    assert abs(live - before) > 1
    assert viewer.row(ANGLE).get_attribute("data-official") == "false"
    assert "after release" in viewer.row(ANGLE).inner_text()
    viewer.drop()
    assert viewer.row(ANGLE).get_attribute("data-official") == "true"
    assert viewer.value(ANGLE) == pytest.approx(live, abs=1e-9)
    assert "after release" not in viewer.row(ANGLE).inner_text()
    assert viewer.point(CORNER).get_attribute("data-origin") == "person"
    assert events(review, IMAGES[0]) == ["marks"]
    # What is said aloud is the official number.
    assert ANGLE in viewer.page.inner_text("#measured")


def test_undo_goes_back_through_saved_steps_and_outlives_a_reload(
    opened: Callable[[str], Viewer], review: Review
) -> None:
    viewer = opened(IMAGES[1])
    first = viewer.place(CORNER)
    viewer.hold(CORNER, 30, 0)
    viewer.drop()
    moved = viewer.place(CORNER)
    viewer.open(IMAGES[1])
    assert viewer.place(CORNER) == moved
    viewer.press("Control+z")
    viewer.saved()
    assert viewer.place(CORNER) == first
    assert viewer.point(CORNER).get_attribute("data-origin") == "model"
    assert viewer.value(ANGLE) == pytest.approx(python_value({}), abs=1e-9)
    viewer.press("Control+Shift+Z")
    viewer.saved()
    assert viewer.place(CORNER) == moved
    viewer.press("Control+z", "Control+z")
    viewer.saved()
    assert "nothing of yours to undo" in viewer.page.inner_text("#said")
    assert events(review, IMAGES[1]) == ["marks", "undo", "redo", "undo"]


def test_nudges_of_a_tenth_are_gathered_into_one_event(
    opened: Callable[[str], Viewer], review: Review
) -> None:
    viewer = opened(IMAGES[2])
    viewer.page.locator("#stage").focus()
    viewer.press("n")
    name = CERVICAL.scheme.names[0]
    assert "chosen" in viewer.point(name).get_attribute("class")
    x, y = viewer.place(name)
    viewer.press("Alt+ArrowRight", "Alt+ArrowRight", "Alt+ArrowRight", "ArrowUp", "Shift+ArrowDown")
    viewer.frame()
    assert viewer.place(name) == pytest.approx((x + 0.3, y + 9), abs=1e-9)
    viewer.page.wait_for_function("() => !document.querySelector('#undo').disabled")
    viewer.saved()
    assert events(review, IMAGES[2]) == ["marks"]
    # Tab goes on to the next landmark as N does; P goes back.
    viewer.press("Tab")
    viewer.frame()
    assert "chosen" in viewer.point(CERVICAL.scheme.names[1]).get_attribute("class")
    viewer.press("p")
    viewer.frame()
    assert "chosen" in viewer.point(name).get_attribute("class")


def test_absent_occluded_and_visible(opened: Callable[[str], Viewer], review: Review) -> None:
    viewer = opened(IMAGES[3])
    viewer.page.locator("#stage").focus()
    name = CERVICAL.scheme.names[0]
    place = viewer.place(name)
    viewer.press("n", "a")
    viewer.saved()
    assert viewer.point(name).count() == 0
    reason = viewer.row("ARA C2-C7").inner_text()
    assert "not measured" in reason or viewer.row("ARA C2-C7").get_attribute("data-value")
    item = viewer.page.locator(f'[data-choose="{name}"]')
    assert "absent" in item.inner_text()
    viewer.press("v")
    viewer.saved()
    assert viewer.place(name) == place
    viewer.press("o")
    viewer.saved()
    assert viewer.point(name).get_attribute("data-state") == "occluded"
    assert "occluded" in viewer.point(name).get_attribute("aria-label")
    viewer.press("r")
    viewer.saved()
    assert viewer.point(name).get_attribute("data-origin") == "model"
    kinds = [
        None if event.changes[0].after is None else event.changes[0].after.state
        for event in review.store.history(review.cases[IMAGES[3]], SHARED)
    ]
    assert kinds == ["absent", "visible", "occluded", "visible"]


def test_left_and_right_change_places(opened: Callable[[str], Viewer]) -> None:
    viewer = opened("spine.png")
    before = {name: viewer.place(name) for name in ("T1_TL", "T1_TR", "L5_BL", "L5_BR")}
    viewer.page.locator("#stage").focus()
    viewer.press("s")
    viewer.saved()
    assert viewer.place("T1_TL") == before["T1_TR"]
    assert viewer.place("L5_BR") == before["L5_BL"]
    viewer.press("Control+z")
    viewer.saved()
    assert {name: viewer.place(name) for name in before} == before


def test_points_are_placed_one_by_one_on_a_film_without_any(
    opened: Callable[[str], Viewer], review: Review
) -> None:
    viewer = opened("colour.png")
    viewer.press("g")
    names = CERVICAL.scheme.names
    box = viewer.page.locator("#stage").bounding_box()
    middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    title = viewer.page.locator("#guide h3")
    assert title.inner_text() == CERVICAL.title_of(names[0])
    viewer.page.mouse.click(*middle)
    viewer.saved()
    assert title.inner_text() == CERVICAL.title_of(names[1])
    viewer.press("a")
    viewer.saved()
    marks = {
        key[1]: mark.state
        for key, mark in review.store.reading(review.cases["colour.png"], SHARED).marks.items()
    }
    assert marks == {names[0]: "visible", names[1]: "absent"}
    assert viewer.place(names[0]) == pytest.approx((19.5, 14.5), abs=0.05)
    assert "not measured: not marked" in viewer.row(ANGLE).inner_text()


def test_a_chosen_measurement_is_drawn_and_follows(opened: Callable[[str], Viewer]) -> None:
    viewer = opened(IMAGES[4])
    viewer.page.get_by_role("button", name=ANGLE).click()
    viewer.frame()
    drawn = viewer.page.locator("#points .drawings path")
    before = [node.get_attribute("d") for node in drawn.all()]
    assert before
    shown = viewer.page.text_content("#points .drawings text")
    assert float(shown.rstrip("°")) == pytest.approx(viewer.value(ANGLE), abs=0.051)
    assert "part" in viewer.point(CORNER).get_attribute("class")
    viewer.hold(CORNER, 20, 20)
    assert [node.get_attribute("d") for node in drawn.all()] != before
    viewer.drop()


def test_a_signed_case_can_be_read_and_not_changed(opened: Callable[[str], Viewer]) -> None:
    viewer = opened(IMAGES[5])
    viewer.hold(CORNER, 10, 0)
    viewer.drop()
    viewer.press("Control+Enter")
    viewer.page.get_by_role("dialog").get_by_role("button", name="Sign").click()
    viewer.page.wait_for_selector("#signed:not([hidden])")
    assert "Signed by Dr. Owner" in viewer.page.inner_text("#signed")
    place = viewer.place(CORNER)
    # The report says what was changed of the model's marks, from where to where, and by whom.
    viewer.page.get_by_role("link", name="Signed report").click()
    moved = viewer.page.locator("section[aria-labelledby=moves] tbody tr").inner_text()
    x, y = laid_out(CERVICAL)[CERVICAL.scheme.index(CORNER)]
    far = place[0] - x
    assert moved.split("\t") == [
        CERVICAL.title_of(CORNER), f"{x:.1f}, {y:.1f}", f"{place[0]:.1f}, {place[1]:.1f}",
        f"{far:.1f} px, {0.3 * far:.1f} mm", "owner",
    ]  # fmt: skip
    viewer.open(IMAGES[5])
    viewer.hold(CORNER, 15, 0)
    viewer.page.mouse.up()
    viewer.frame()
    assert viewer.place(CORNER) == place
    assert "signed" in viewer.page.inner_text("#said")
    viewer.page.get_by_role("button", name="Reopen").click()
    viewer.page.fill("#reason", "the wrong corner")
    viewer.page.get_by_role("dialog").get_by_role("button", name="Reopen").click()
    viewer.page.wait_for_selector("#signed", state="hidden")
    viewer.hold(CORNER, 15, 0)
    viewer.drop()
    assert viewer.place(CORNER) != place


def test_keys_are_listed_and_lead_to_the_next_case(opened: Callable[[str], Viewer]) -> None:
    viewer = opened(IMAGES[6])
    viewer.press("?")
    keys = viewer.page.get_by_role("dialog")
    assert "tenth" in keys.inner_text() or "0.1 px" in keys.inner_text()
    viewer.press("Escape")
    here = viewer.page.url
    viewer.press("]")
    viewer.page.wait_for_url(lambda url: url != here)
    viewer.page.wait_for_selector("#loading", state="hidden")
    viewer.press("[")
    viewer.page.wait_for_url(here)
    viewer.page.wait_for_selector("#loading", state="hidden")
