"""The film as it is painted: pixels, windows, sizes, frames."""

import json
import re
from collections.abc import Iterator
from importlib.resources import files
from os.path import normpath
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from page_viewer_review import FRAMES, LAMP, Review, Viewer, reviewing
from palpate.report.depth_colours import HOLE, DepthScale, false_colour
from palpate.report.ellipse import uncertainty_ellipse

# Centre of what is bright on the film's canvas, CSS px of the page.
BRIGHT = """() => {
  const canvas = document.querySelector('#film');
  const box = canvas.getBoundingClientRect();
  const { data, width, height } = canvas.getContext('2d')
    .getImageData(0, 0, canvas.width, canvas.height);
  let [sum, x, y] = [0, 0, 0];
  for (let i = 0; i < width * height; i += 1) {
    sum += data[4 * i];
    x += data[4 * i] * ((i % width) + 0.5);
    y += data[4 * i] * (Math.floor(i / width) + 0.5);
  }
  return [box.left + (x / sum) * (box.width / width), box.top + (y / sum) * (box.height / height)];
}"""
# Colour of the canvas at a place of the film.
COLOUR = """([x, y, width, height]) => {
  const canvas = document.querySelector('#film');
  const scale = Math.min(canvas.width / width, canvas.height / height);
  const left = (canvas.width - width * scale) / 2;
  const top = (canvas.height - height * scale) / 2;
  return [...canvas.getContext('2d').getImageData(
    Math.floor(left + (x + 0.5) * scale), Math.floor(top + (y + 0.5) * scale), 1, 1).data];
}"""


@pytest.fixture(scope="module")
def review(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Review]:
    with reviewing(tmp_path_factory.mktemp("review")) as found:
        yield found


@pytest.fixture(scope="module")
def viewer(chromium: Any, review: Review) -> Iterator[Viewer]:
    found = Viewer(chromium, review)
    yield found
    found.close()


@pytest.fixture(scope="module")
def tablet(chromium: Any, review: Review) -> Iterator[Viewer]:
    """Two pixels of the screen for a CSS px, and fingers."""
    found = Viewer(chromium, review, device_scale_factor=2, has_touch=True)
    yield found
    found.close()


def evaluated(viewer: Viewer, module: str, script: str, given: object) -> Any:
    """Run a module of the viewer on something, and return what it gives."""
    return viewer.page.evaluate(
        f"(given) => import('/page/js/viewer/{module}.js').then(async (m) => ({script})(m, given))",
        given,
    )


@pytest.mark.parametrize("screen", ["viewer", "tablet"])
def test_a_point_lies_on_the_middle_of_the_pixel_it_names(
    request: pytest.FixtureRequest, screen: str
) -> None:
    viewer = request.getfixturevalue(screen).open("lamp.png")
    assert viewer.page.evaluate("devicePixelRatio") == (2 if screen == "tablet" else 1)
    assert viewer.place("C2_odontoid_tip") == LAMP
    viewer.page.select_option("#preset", "full")
    for zoom in (0.3, 1.0, 7.3):
        viewer.page.fill("#zoom", str(100 * zoom))
        viewer.press("Enter")
        viewer.page.locator("#stage").focus()
        if zoom > 1:
            viewer.page.locator('[data-choose="C2_odontoid_tip"]').click()
        viewer.frame()
        bright = viewer.page.evaluate(BRIGHT)
        # Half a pixel of the film off would be seen at every one of these.
        assert viewer.centre("C2_odontoid_tip") == pytest.approx(bright, abs=0.3 * zoom + 0.2)
        viewer.press("Escape", "f")


def test_what_is_smaller_than_the_film_is_the_mean_of_what_it_covers(viewer: Viewer) -> None:
    viewer.here()
    rng = np.random.default_rng(1)
    film = rng.integers(0, 65_536, (61, 83), dtype=np.uint16)
    script = """(m, g) => import('/page/js/viewer/pyramid.js').then(({ Pyramid }) => {
      const pyramid = new Pyramid(Uint16Array.from(g.values), g.width, g.height);
      const shown = m.resample(pyramid, g.view, { width: g.wide, height: g.high });
      return { values: [...shown.values], area: shown.area };
    })"""
    for scale, down, left, top in (
        (0.7, 0.7, 3.3, -2.0), (0.51, 0.51, 0.0, 0.0), (3.0, 3.0, 10.2, 5.7), (0.6, 0.9, 2.1, 1.0),
    ):  # fmt: skip
        wide, high = 40, 30
        given = {
            "values": film.ravel().tolist(), "width": 83, "height": 61, "wide": wide, "high": high,
            "view": {"across": scale, "down": down, "left": left, "top": top},
        }  # fmt: skip
        found = evaluated(viewer, "resample", script, given)
        shown = np.array(found["values"]).reshape(high, wide)
        area = found["area"]
        inside = np.zeros_like(shown, dtype=bool)
        inside[area["y0"] : area["y1"], area["x0"] : area["x1"]] = True
        weights = [
            _shares(left, scale, wide, film.shape[1], nearest=scale > 1),
            _shares(top, down, high, film.shape[0], nearest=scale > 1),
        ]
        expected = weights[1] @ film @ weights[0].T
        assert inside.sum() > 300
        assert np.abs(shown - expected)[inside].max() <= 0.51 + 1e-2


def _shares(start: float, scale: float, count: int, size: int, *, nearest: bool) -> np.ndarray:
    """Share of every pixel of a line of the film in every pixel of the screen."""
    shares = np.zeros((count, size))
    for i in range(count):
        a, b = start + i / scale, start + (i + 1) / scale
        if nearest:
            a = np.floor((a + b) / 2)
            b = a + 1
        cover = np.clip(
            np.minimum(b, np.arange(1, size + 1)) - np.maximum(a, np.arange(size)), 0, 1
        )
        shares[i] = cover / max(cover.sum(), 1e-12)
    return shares


def test_a_pyramid_of_depth_never_averages_a_hole(viewer: Viewer) -> None:
    viewer.here()
    script = """(m, g) => [...new m.Pyramid(
      Uint16Array.from(g), 4, 2, { holes: true }).level(1).values]"""
    assert evaluated(viewer, "pyramid", script, [0, 800, 0, 0, 0, 900, 0, 700]) == [850, 0]
    plain = script.replace("true", "false")
    assert evaluated(viewer, "pyramid", plain, [0, 800, 0, 0, 0, 900, 0, 700]) == [425, 175]


def test_windows_are_dicoms(viewer: Viewer) -> None:
    """PS3.3 C.11.2.1.2: its own examples of centre and width."""
    viewer.here()
    script = "(m, g) => [...m.ramp({ centre: g[0], width: g[1] }, g[2])]"
    ramp = evaluated(viewer, "window", script, [2048, 4096, "uint16"])
    assert ramp[0] == 0
    assert ramp[4095] == 255
    assert ramp[2048] == round((0.5 / 4095 + 0.5) * 255)
    narrow = evaluated(viewer, "window", script, [100, 1, "uint8"])
    assert narrow[99] == 0
    assert narrow[100] == 255
    signed = evaluated(viewer, "window", script, [0, 100, "int16"])
    assert (signed[32_768 - 50], signed[32_768 + 49]) == (0, 255)


def test_ellipses_and_colours_are_the_reports(viewer: Viewer) -> None:
    viewer.here()
    for covariance in ([4.0, 0.0, 1.0], [5.0, 2.0, 3.0], [1.0, -0.9, 2.0]):
        xx, xy, yy = covariance
        expected = uncertainty_ellipse(np.array([[xx, xy], [xy, yy]]))
        found = evaluated(viewer, "ellipse", "(m, g) => m.ellipse(g, 4.605170186)", covariance)
        assert found["major"] == pytest.approx(expected.major, rel=1e-6)
        assert found["minor"] == pytest.approx(expected.minor, rel=1e-6)
        turned = np.radians(found["degrees"] - expected.degrees)
        assert abs(np.sin(turned)) < 1e-6
    colours = evaluated(viewer, "colours", "(m) => [...m.depths()].map((c) => c % 2 ** 24)", None)
    depth = np.arange(1, 257, dtype=np.uint16)[None]
    expected_colours = false_colour(depth, DepthScale(1.0, 256.0))[0].astype(int)
    packed = np.array(colours)
    found_colours = np.stack([packed & 255, (packed >> 8) & 255, packed >> 16], axis=-1)
    # The page's map is a polynomial fit of the table.
    assert np.abs(found_colours - expected_colours).max() <= 4


def test_a_clip_of_depth_shows_the_points_of_its_frame(viewer: Viewer) -> None:
    viewer.open("clip")
    colour = viewer.page.evaluate(COLOUR, [2, 2, 64, 48])
    assert tuple(colour[:3]) == HOLE
    near = viewer.page.evaluate(COLOUR, [20, 40, 64, 48])
    far = viewer.page.evaluate(COLOUR, [50, 40, 64, 48])
    assert sum(near[:3]) > sum(far[:3])
    assert viewer.place("T1_TL") == (10, 20)
    viewer.page.locator("#stage").focus()
    viewer.press(".", ".")
    viewer.page.wait_for_function(
        "() => document.querySelector('[data-landmark=T1_TL]').dataset.x === '12'"
    )
    assert f"3 of {FRAMES}" in viewer.page.inner_text("#frame-text")
    viewer.press("End")
    last = str(10 + FRAMES - 1)
    viewer.page.wait_for_function(
        f"() => document.querySelector('[data-landmark=T1_TL]').dataset.x === '{last}'"
    )
    later = viewer.page.evaluate(COLOUR, [20, 40, 64, 48])
    assert later != near


def test_colour_inversion_and_window_of_a_film(viewer: Viewer) -> None:
    viewer.open("colour.png")
    viewer.page.select_option("#preset", "full")
    viewer.frame()
    assert viewer.page.evaluate(COLOUR, [5, 5, 40, 30])[:3] == [255, 0, 0]
    viewer.page.locator("#stage").focus()
    viewer.press("i")
    viewer.frame()
    assert viewer.page.evaluate(COLOUR, [5, 5, 40, 30])[:3] == [0, 255, 255]
    assert viewer.page.get_attribute("#invert", "aria-pressed") == "true"
    viewer.open("neck.png")
    before = viewer.page.evaluate(COLOUR, [300, 380, 320, 400])
    viewer.press("Shift+L", "Shift+L", "Shift+L")
    viewer.frame()
    assert viewer.page.evaluate(COLOUR, [300, 380, 320, 400])[0] >= before[0]
    assert viewer.page.input_value("#preset") == "own"
    paints = int(viewer.page.get_attribute("#film", "data-paints"))
    box = viewer.page.locator("#stage").bounding_box()
    viewer.page.mouse.move(box["x"] + 5, box["y"] + 200)
    viewer.page.mouse.down(button="right")
    viewer.page.mouse.move(box["x"] + 105, box["y"] + 200, steps=4)
    viewer.page.mouse.up(button="right")
    viewer.frame()
    assert int(viewer.page.get_attribute("#film", "data-paints")) > paints


def test_zooming_keeps_what_is_under_the_cursor_and_the_magnifier_follows(viewer: Viewer) -> None:
    viewer.open("neck.png")
    name = "C4_anterior_superior"
    x, y = viewer.centre(name)
    viewer.page.mouse.move(round(x), round(y))
    viewer.page.mouse.wheel(0, -600)
    viewer.frame()
    # The cursor is at whole pixels of the screen, the point beside it.
    assert viewer.centre(name) == pytest.approx((x, y), abs=0.5)
    x, y = viewer.centre(name)
    assert float(viewer.page.input_value("#zoom")) > 200
    viewer.press("m")
    loupe = viewer.page.locator("#loupe")
    assert loupe.is_visible()
    first = loupe.bounding_box()
    viewer.page.mouse.move(x - 120, y - 60)
    viewer.frame()
    assert loupe.bounding_box() != first
    viewer.press("m")
    assert not loupe.is_visible()
    box = viewer.page.locator("#stage").bounding_box()
    viewer.page.mouse.move(box["x"] + 40, box["y"] + 40)
    viewer.page.mouse.down()
    viewer.page.mouse.move(box["x"] + 90, box["y"] + 60, steps=4)
    viewer.page.mouse.up()
    viewer.frame()
    assert viewer.centre(name) == pytest.approx((x + 50, y + 20), abs=0.05)


def test_names_that_stand_on_the_film_do_not_cover_each_other(viewer: Viewer) -> None:
    viewer.open("neck.png")
    viewer.page.locator("#stage").focus()
    # So small that not every name has room.
    viewer.press("t", "-", "-", "-", "-", "-")
    viewer.frame()
    boxes = json.loads(
        viewer.page.evaluate(
            "() => JSON.stringify([...document.querySelectorAll('#points .labels text')]"
            ".map((each) => each.getBoundingClientRect()))"
        )
    )
    assert 5 < len(boxes) < 29
    for i, a in enumerate(boxes):
        for b in boxes[i + 1 :]:
            across = min(a["right"], b["right"]) - max(a["left"], b["left"])
            down = min(a["bottom"], b["bottom"]) - max(a["top"], b["top"])
            assert across < 8 or down < 8


def test_the_page_names_every_module_that_it_needs() -> None:
    """Named in advance, modules come at once and not one after another."""
    page = Path(str(files("palpate.serve") / "page"))
    waiting, needed = [page / "js/viewer/case.js"], set()
    while waiting:
        module = waiting.pop()
        if module in needed:
            continue
        needed.add(module)
        imported = re.findall(r'from "(\.[^"]+)"', module.read_text(encoding="utf-8"))
        waiting += [Path(normpath(module.parent / name)) for name in imported]
    markup = (page / "case.html").read_text(encoding="utf-8")
    named = {page / name for name in re.findall(r'(?:href|src)="/page/(js/[^"]+)"', markup)}
    assert named == needed
    assert not re.search(r"\sstyle=|\son[a-z]+=|<style|<script(?![^>]*\ssrc=)", markup)


def test_two_fingers_zoom_and_one_drags_a_point(tablet: Viewer) -> None:
    viewer = tablet.open("neck.png")
    name = "C4_anterior_superior"
    x, y = viewer.centre(name)
    touch = viewer.context.new_cdp_session(viewer.page)

    def fingers(kind: str, *places: tuple[float, float]) -> None:
        points = [{"x": px, "y": py, "id": i} for i, (px, py) in enumerate(places)]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    far = (x - 150, y + 100), (x - 250, y + 100)
    fingers("touchStart", far[0])
    fingers("touchStart", *far)
    fingers("touchMove", (x - 100, y + 100), (x - 300, y + 100))
    fingers("touchEnd")
    viewer.frame()
    # Twice as large about the middle of the fingers, which are 200 px beside the point.
    assert viewer.centre(name) == pytest.approx((x + 200, y - 100), abs=3)
    before = viewer.place(name)
    x, y = viewer.centre(name)
    fingers("touchStart", (x + 6, y + 6))
    fingers("touchMove", (x + 16, y + 6))
    fingers("touchMove", (x + 36, y + 6))
    fingers("touchEnd")
    viewer.saved()
    assert viewer.place(name)[0] > before[0] + 5
    assert viewer.place(name)[1] == pytest.approx(before[1], abs=0.01)


def test_a_film_that_cannot_be_read_is_said_so(viewer: Viewer) -> None:
    refusal = {"code": "film", "sentence": "the film is no longer where it was"}
    viewer.page.route(
        "**/pixels*",
        lambda route: route.fulfill(status=422, json=refusal),
    )
    viewer.page.goto(f"/case/{viewer.review.cases['neck.png']}")
    viewer.page.wait_for_selector("#loading.bad")
    assert "no longer where it was" in viewer.page.inner_text("#loading")
    viewer.page.unroute("**/pixels*")
