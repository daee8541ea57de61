"""Two readers, lost connections, reloads: no work is lost, the page says what is not saved."""

from collections.abc import Iterator
from typing import Any

import pytest

from page_viewer_review import Review, Viewer, reviewing
from palpate.review.event import SHARED
from palpate.review.mark import Mark
from serve_web_server import PASSWORD

CORNER = "C5_anterior_superior"
OTHER = "C3_anterior_superior"
IMAGES = tuple(f"neck-{i}.png" for i in range(6))


@pytest.fixture(scope="module")
def review(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Review]:
    with reviewing(tmp_path_factory.mktemp("review"), IMAGES) as found:
        yield found


@pytest.fixture(scope="module")
def viewer(chromium: Any, review: Review) -> Iterator[Viewer]:
    found = Viewer(chromium, review)
    yield found
    found.close()


@pytest.fixture(scope="module")
def anna(chromium: Any, review: Review) -> Iterator[Viewer]:
    found = Viewer(chromium, review, name="anna")
    yield found
    found.close()


def stored(review: Review, image: str, landmark: str = CORNER) -> Mark:
    return review.store.reading(review.cases[image], SHARED).marks[(0, landmark)]


def moves(viewer: Viewer, dx: float, landmark: str = CORNER) -> tuple[float, float]:
    viewer.hold(landmark, dx, 0)
    viewer.page.mouse.up()
    viewer.frame()
    return viewer.place(landmark)


def state(viewer: Viewer, wanted: str) -> None:
    viewer.page.wait_for_selector(f'#save[data-save="{wanted}"]')


@pytest.mark.parametrize(
    ("image", "choice", "landmark"),
    [
        (IMAGES[0], "Put mine on top", CORNER),
        (IMAGES[1], "Take theirs", CORNER),
        (IMAGES[2], "Put mine on top", OTHER),
    ],
)
def test_of_two_readers_the_second_sees_the_firsts_change_and_decides(
    viewer: Viewer, anna: Viewer, review: Review, image: str, choice: str, landmark: str
) -> None:
    viewer.open(image)
    anna.open(image)
    theirs = moves(anna, 20)
    anna.saved()
    mine = moves(viewer, -15, landmark)
    state(viewer, "conflict")
    dialog = viewer.page.get_by_role("dialog")
    assert "anna changed this case" in dialog.inner_text()
    assert f"x {theirs[0]:.1f}" in dialog.inner_text()
    assert f"x {mine[0]:.1f}" in dialog.inner_text()
    # One's own work stays in sight, Escape decides nothing, and nothing was overwritten.
    viewer.press("Escape")
    assert dialog.is_visible()
    assert viewer.place(landmark) == mine
    assert stored(review, image).x == theirs[0]
    dialog.get_by_role("button", name=choice).click()
    viewer.saved()
    kept = mine if choice.startswith("Put") else None
    if landmark == OTHER:
        assert stored(review, image).x == theirs[0]
        assert stored(review, image, OTHER).x == mine[0]
    else:
        assert stored(review, image).x == (kept or theirs)[0]
    assert viewer.place(CORNER)[0] == stored(review, image).x
    people = [event.who for event in review.store.history(review.cases[image], SHARED)]
    assert people == (["anna", "owner"] if kept else ["anna"])


def test_without_a_connection_changes_wait_and_are_saved_once(
    viewer: Viewer, review: Review
) -> None:
    viewer.open(IMAGES[3])
    viewer.context.set_offline(True)
    moves(viewer, 12)
    last = moves(viewer, 8)
    state(viewer, "waiting")
    assert "2 changes wait" in viewer.page.inner_text("#save")
    assert viewer.place(CORNER) == last
    viewer.context.set_offline(False)
    viewer.saved()
    assert stored(review, IMAGES[3]).x == last[0]
    assert len(review.store.history(review.cases[IMAGES[3]], SHARED)) == 2


def test_an_answer_that_is_lost_does_not_save_twice(viewer: Viewer, review: Review) -> None:
    viewer.open(IMAGES[4])
    sent = []

    def lose_the_first(route: Any) -> None:
        sent.append(route.request.post_data_json["key"])
        if len(sent) == 1:
            route.fetch()
            route.abort()
        else:
            route.continue_()

    viewer.page.route("**/events", lose_the_first)
    moves(viewer, 12)
    viewer.page.wait_for_function(
        "() => document.querySelector('#save').dataset.save === 'waiting'"
    )
    viewer.saved()
    viewer.page.unroute("**/events")
    assert len(sent) == 2
    assert sent[0] == sent[1]
    assert len(review.store.history(review.cases[IMAGES[4]], SHARED)) == 1


def test_what_was_not_saved_when_the_page_was_left_is_saved_on_return(
    viewer: Viewer, review: Review
) -> None:
    viewer.open(IMAGES[5])
    asked = []

    def leave(dialog: Any) -> None:
        asked.append(dialog.type)
        dialog.accept()

    viewer.page.once("dialog", leave)
    viewer.page.route("**/events", lambda route: route.abort())
    last = moves(viewer, 18)
    state(viewer, "waiting")
    viewer.page.reload()
    assert asked == ["beforeunload"]
    viewer.page.unroute("**/events")
    viewer.open(IMAGES[5])
    viewer.saved()
    assert viewer.place(CORNER) == last
    assert stored(review, IMAGES[5]).x == last[0]


def test_an_account_gives_its_password_again_to_sign(anna: Viewer) -> None:
    anna.open(IMAGES[0])
    anna.press("Control+Enter")
    dialog = anna.page.get_by_role("dialog")
    dialog.get_by_label("Statement").fill("Read twice.")
    dialog.get_by_role("button", name="Sign").click()
    dialog.get_by_label("Your password").fill("not the password")
    dialog.get_by_role("button", name="Sign").click()
    anna.page.wait_for_function(
        "() => document.querySelector('dialog [role=alert]').textContent.includes('password')"
    )
    dialog.get_by_label("Your password").fill(PASSWORD)
    dialog.get_by_role("button", name="Sign").click()
    anna.page.wait_for_selector("#signed:not([hidden])")
    assert "“Read twice.”" in anna.page.inner_text("#signed")
    assert anna.page.locator("#sign").is_hidden()
