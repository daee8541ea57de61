"""What a reader does beside dragging: notes, the least sure first, clips, pixels that are tall."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from page_viewer_review import FRAMES, LAMP, Review, Viewer, reviewing
from palpate.protocols.protocol import read_protocol
from palpate.review.event import SHARED, Change
from serve_web_server import OWNER
from test_page_viewer_film import BRIGHT

CERVICAL = read_protocol("cervical")
CORNER = "C5_anterior_superior"
IMAGES = ("neck-0.png", "neck-1.png")
OVERFLOW = """() => [...document.querySelectorAll('.case-bar > *, aside, .tools > *')]
  .filter((each) => each.getBoundingClientRect().right > innerWidth + 0.5).length"""


@pytest.fixture(scope="module")
def review(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Review]:
    with reviewing(tmp_path_factory.mktemp("review"), IMAGES) as found:
        yield found


@pytest.fixture(scope="module")
def viewer(chromium: Any, review: Review) -> Iterator[Viewer]:
    found = Viewer(chromium, review)
    yield found
    found.close()


def test_a_note_is_an_event_and_outlives_a_conflict(viewer: Viewer, review: Review) -> None:
    viewer.open(IMAGES[0])
    viewer.page.locator(".history summary").click()
    lists = viewer.page.locator("#landmark-scroll").bounding_box()
    # Another window was quicker: the note goes on top of its change.
    case = review.cases[IMAGES[0]]
    mark = review.store.reading(case, SHARED).marks[0, CORNER]
    assert mark.x is not None
    review.store.append(
        case, SHARED, after=0, key="elsewhere", who=OWNER, kind="marks",
        changes=[Change(mark, replace(mark, x=mark.x + 9, origin="person"))],
    )  # fmt: skip
    viewer.page.fill("#note", "C7 lies behind the shoulder.")
    viewer.press("Enter")
    viewer.page.get_by_role("dialog").get_by_role("button", name="Put mine on top").click()
    viewer.saved()
    history = review.store.history(case, SHARED)
    assert [event.kind for event in history] == ["marks", "comment"]
    assert history[-1].note == "C7 lies behind the shoulder."
    assert "C7 lies behind the shoulder." in viewer.page.inner_text("#events")
    assert "one note" in viewer.page.inner_text("#history-head")
    assert viewer.page.input_value("#note") == ""
    # However much has happened, the lists above stay where they are.
    assert viewer.page.locator("#landmark-scroll").bounding_box() == lists


def test_signing_right_after_a_nudge_waits_until_it_is_saved(viewer: Viewer) -> None:
    viewer.open(IMAGES[1])
    viewer.page.locator("#stage").focus()
    viewer.press("n", "ArrowRight", "Control+Enter")
    dialog = viewer.page.get_by_role("dialog", name="Sign this reading")
    dialog.wait_for()
    assert viewer.page.get_attribute("#save", "data-save") == "saved"
    assert "1 mark set by readers, 28 marks as the model put them." in dialog.inner_text()
    # All of the statement is in sight.
    assert viewer.page.evaluate(
        "() => { const box = document.querySelector('#statement');"
        " return box.scrollHeight <= box.clientHeight && box.value.length > 40; }"
    )
    dialog.get_by_role("button", name="Cancel").click()


def test_the_least_sure_are_looked_at_first(viewer: Viewer) -> None:
    viewer.open(IMAGES[1])
    script = """(m, names) => m.leastSure(names, new Map([['a', 1], ['b', 5], ['d', 3]]),
      new Set(['c']))"""
    order = viewer.page.evaluate(
        f"(g) => import('/page/js/viewer/sureness.js').then((m) => ({script})(m, g))",
        ["a", "b", "c", "d", "e"],
    )
    assert order == ["c", "b", "d", "a", "e"]
    rows = viewer.page.locator("#landmark-list button")
    # Half the longer axis of the ellipse of 90 %, in mm: pixels of 0.3 mm.
    reach = 0.3 * np.sqrt(4.605170 * np.linalg.eigvalsh([[9.0, 2.0], [2.0, 5.0]])[-1])
    assert f"± {reach:.1f} mm" in viewer.page.locator("#landmark-list").inner_text()
    viewer.page.get_by_role("button", name="Least sure first").click()
    # What a reader has set is passed over.
    name = rows.filter(has_text="model").first.get_attribute("data-choose")
    viewer.page.locator("#stage").focus()
    viewer.press("u")
    viewer.frame()
    assert viewer.page.locator("#landmark-list [aria-current=true]").count() == 1
    assert "chosen" in viewer.point(str(name)).get_attribute("class")


def test_names_in_reasons_are_titles(viewer: Viewer) -> None:
    viewer.open(IMAGES[1])
    script = "(m, [text, titles]) => m.titled(text, new Map(titles))"
    titles = [["lower_lip", "Lower lip"], ["C7", "Spinous process of C7"], ["sella", "Sella"]]
    for text, expected in (
        ("marked absent: lower_lip, C7", "marked absent: Lower lip, Spinous process of C7"),
        ("unlike: lower_lip (4.5 times).", "unlike: Lower lip (4.5 times)."),
        ("between C7 and sella", "between C7 and sella"),
        ("not marked: sella; C7 slope", "not marked: Sella; C7 slope"),
    ):
        told = viewer.page.evaluate(
            f"(g) => import('/page/js/viewer/titled.js').then((m) => ({script})(m, g))",
            [text, titles],
        )
        assert told == expected


def test_points_of_the_last_marked_frame_begin_the_next(viewer: Viewer, review: Review) -> None:
    viewer.open("clip")
    assert f"{FRAMES} marked" in viewer.page.inner_text("#frame-text")
    viewer.page.locator("#stage").focus()
    viewer.press("n", "A")
    viewer.saved()
    viewer.press(".")
    viewer.page.wait_for_function(
        "() => document.querySelector('[data-landmark=T1_TL]')?.dataset.x === '11'"
    )
    viewer.press("n")
    box = viewer.page.locator("#stage").bounding_box()
    viewer.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    viewer.saved()
    viewer.press(".", "c")
    viewer.page.wait_for_selector("#said:has-text('Copied one point from frame 2')")
    viewer.saved()
    marks = review.store.reading(review.cases["clip"], SHARED).marks
    other = next(name for frame, name in marks if frame == 1 and name != "T1_TL")
    # What is marked there stays; what is missing begins where it was.
    assert marks[2, "T1_TL"].x == 12
    assert marks[2, other].x == marks[1, other].x
    assert marks[2, other].origin == "person"
    assert review.store.history(review.cases["clip"], SHARED)[-1].note == "copied from frame 2"
    viewer.press("c")
    viewer.page.wait_for_selector("#said:has-text('Every landmark is marked')")


def test_pixels_that_are_not_square_are_drawn_as_they_are(viewer: Viewer) -> None:
    """0.2 by 0.4 mm: a pixel is twice as high as it is wide, and points lie on their middles."""
    viewer.open("tall.png")
    viewer.page.select_option("#preset", "full")
    for percent in (50, 130, 700):
        viewer.page.fill("#zoom", str(percent))
        viewer.press("Enter")
        viewer.page.locator('[data-choose="C2_odontoid_tip"]').click()
        viewer.frame()
        bright = viewer.page.evaluate(BRIGHT)
        zoom = percent / 100
        assert viewer.centre("C2_odontoid_tip") == pytest.approx(bright, abs=0.6 * zoom + 0.2)
        viewer.press("Escape", "f")
    viewer.page.fill("#zoom", "700")
    viewer.press("Enter")
    viewer.page.locator('[data-choose="C2_odontoid_tip"]').click()
    viewer.frame()
    start = viewer.centre("C2_odontoid_tip")
    viewer.press("ArrowRight", "ArrowDown")
    viewer.frame()
    assert viewer.place("C2_odontoid_tip") == (LAMP[0] + 1, LAMP[1] + 1)
    assert np.subtract(viewer.centre("C2_odontoid_tip"), start) == pytest.approx((7, 14), abs=0.05)
    viewer.saved()
    viewer.hold("C2_odontoid_tip", 70, 70)
    viewer.drop()
    assert viewer.place("C2_odontoid_tip") == pytest.approx((LAMP[0] + 11, LAMP[1] + 6), abs=0.05)


@pytest.mark.parametrize("width", [1000, 1280])
def test_nothing_of_a_case_with_long_names_is_cut_off(viewer: Viewer, width: int) -> None:
    viewer.page.set_viewport_size({"width": width, "height": 700})
    viewer.open("spine.png")
    viewer.page.evaluate(
        "() => { document.querySelector('#case-about').textContent = 'predicted by '.repeat(30); }"
    )
    assert viewer.page.evaluate(OVERFLOW) == 0
    viewer.page.set_viewport_size({"width": 1280, "height": 800})


def test_the_first_case_of_the_list_is_fetched_while_the_list_is_read(
    chromium: Any, review: Review
) -> None:
    viewer = Viewer(chromium, review)
    with viewer.page.expect_response("**/pixels?frame=0"):
        viewer.page.goto("/")
    viewer.page.get_by_role("link", name="Start with the first").click()
    viewer.page.wait_for_selector("#film[data-paints]", state="attached")
    sent = """() => performance.getEntriesByType('resource')
      .filter(({ name, transferSize: n }) => n > 0 && /\\/page\\/|pixels/.test(name)).length"""
    assert viewer.page.evaluate(sent) == 0
    assert viewer.page.evaluate("() => performance.getEntriesByType('resource').length") > 50
    viewer.close()
