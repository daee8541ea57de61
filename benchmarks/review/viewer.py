"""How fast the viewer is: a film of 3,000 x 4,000 pixels of 16 bits, opened, dragged, saved.

    nice python benchmarks/review/viewer.py [--seconds 3] [--size 1920x1080]

Starts a review on loopback with one film and drives a headless Chromium through it, without a
GPU. Prints milliseconds: from the click that opens the case to the first painted film, by its
address and after the list of cases was read for a while by a browser that knew nothing of the
review; between frames of the screen while a point, the film and the window are dragged; from
letting a point go until its event is on the server's disk.
"""

import argparse
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from playwright.sync_api import sync_playwright

from palpate.files import sha256
from palpate.image import Calibration
from palpate.io.predictions import PredictedImage
from palpate.prediction import Prediction
from palpate.protocols.protocol import read_protocol
from palpate.review.account import Account
from palpate.review.case import NewCase, Project
from palpate.review.store import Store
from palpate.serve.web.app import create_app
from palpate.serve.web.background import in_background
from palpate.serve.web.settings import Settings

TOKEN = "a-token-for-benchmarks-a-token-for-benchmarks"
OWNER = Account("owner", "Dr. Owner", "administrator")
WIDTH, HEIGHT = 3000, 4000
POINT = "C5_anterior_superior"
SAVES = 20
CHROMIUM = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync")

# Deltas of requestAnimationFrame while something is dragged.
RECORD = """() => {
  window.deltas = [];
  let last = performance.now();
  const step = (now) => {
    window.deltas.push(now - last);
    last = now;
    window.recording = requestAnimationFrame(step);
  };
  window.recording = requestAnimationFrame(step);
}"""
RECORDED = "() => { cancelAnimationFrame(window.recording); return window.deltas.slice(1); }"


def filled(folder: Path) -> Store:
    """A review of one large film with all points of a neck."""
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    rng = np.random.default_rng(1)
    values = 20_000 + 4 * rows + 3 * columns + rng.integers(0, 2_000, rows.shape)
    path = folder / "film.png"
    cv2.imwrite(str(path), values.astype(np.uint16))
    protocol = read_protocol("cervical")
    layout = protocol.drawings[protocol.layout or next(iter(protocol.drawings))]
    mean = np.array([layout[name] for name in protocol.scheme.names], dtype=float)
    mean = 400 + 2000 * (mean - mean.min(0)) / np.ptp(mean)
    spread = np.tile(np.eye(2) * 50.0, (len(mean), 1, 1))
    said = Prediction(protocol.scheme, mean, spread, np.ones(len(mean)), "bench 1")
    calibration = Calibration((0.1, 0.1), "ruler")
    size = (WIDTH, HEIGHT)
    predicted = {0: PredictedImage("film.png", said, size, calibration=calibration)}
    case = NewCase(
        "film.png", path.name, sha256(path), size, calibration=calibration, predictions=predicted
    )
    store = Store.open(folder / "review.sqlite")
    store.add_project(Project("necks", "Necks", protocol.scheme, protocol), root=folder)
    store.add_cases("necks", [case], who="bench", urgency={})
    return store


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve it; the address of the case comes out."""
    settings = Settings(films=folder / "films", token=TOKEN, owner=OWNER)
    with filled(folder) as store, in_background(create_app(store, settings)) as address:
        yield f"{address}/case/{store.queue('necks', reader=OWNER).rows[0].id}"


def opened(page: Any, address: str) -> float:
    """Open the case; milliseconds until its film is painted."""
    page.goto("about:blank")
    page.goto(address, wait_until="commit")
    page.wait_for_selector("#film[data-paints]", state="attached")
    return float(
        page.evaluate(
            "() => performance.getEntriesByName('film painted')[0]?.startTime ?? performance.now()"
        )
    )


def begun(browser: Any, address: str, read_s: float) -> float:
    """Read the list of cases for a while, then open the first: milliseconds until it is painted."""
    context = browser.new_context(viewport={"width": 1920, "height": 1080})
    page = context.new_page()
    page.goto(f"{address.partition('/case/')[0]}/sign-in?token={TOKEN}")
    page.wait_for_selector("#rows tr")
    page.wait_for_timeout(1000 * read_s)
    page.click("#start")
    page.wait_for_selector("#film[data-paints]", state="attached")
    painted = "() => performance.getEntriesByName('film painted')[0].startTime"
    took = float(page.evaluate(painted))
    context.close()
    return took


def middle(page: Any) -> tuple[float, float]:
    """Centre of the point that is dragged, on the page."""
    box = page.locator(f'#points [data-landmark="{POINT}"] .centre').bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def dragged(page: Any, start: tuple[float, float], seconds: float, button: str) -> np.ndarray:
    """Pull in a small circle; the times between frames, in ms."""
    page.mouse.move(*start)
    page.mouse.down(button=button)
    page.evaluate(RECORD)
    until = time.monotonic() + seconds
    angle = 0.0
    while time.monotonic() < until:
        angle += 0.2
        page.mouse.move(start[0] + 60 * np.sin(angle), start[1] + 60 * (1 - np.cos(angle)))
    deltas = np.array(page.evaluate(RECORDED))
    page.mouse.up(button=button)
    return deltas


def saved(page: Any) -> float:
    """Move a point by a pixel; milliseconds until the page says that it is saved."""
    x, y = middle(page)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 5, y + 3)
    began = time.perf_counter()
    page.mouse.up()
    page.wait_for_function("() => document.querySelector('#save').dataset.save === 'saved'")
    return 1000 * (time.perf_counter() - began)


def told(name: str, values: np.ndarray | list[float]) -> None:
    """One line: median, 95th percentile, greatest, count."""
    found = np.asarray(values)
    print(
        f"{name:28s} median {np.median(found):7.1f}  p95 {np.quantile(found, 0.95):7.1f}  "
        f"max {found.max():7.1f}  n {len(found)}"
    )


def main() -> None:
    """Measure everything once."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--size", default="1920x1080")
    asked = parser.parse_args()
    width, height = (int(part) for part in asked.size.split("x"))
    program = shutil.which("chromium")
    with (
        tempfile.TemporaryDirectory() as folder,
        served(Path(folder)) as address,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=program, args=list(CHROMIUM))
        context = browser.new_context(viewport={"width": width, "height": height})
        page = context.new_page()
        page.goto(f"{address.split('/case/')[0]}/sign-in?token={TOKEN}")
        print(f"milliseconds, {WIDTH} x {HEIGHT} of 16 bits, window {asked.size}")
        told("first film, cold server", [opened(page, address)])
        told("first film, new browser", [begun(browser, address, 0.0) for _ in range(3)])
        told("first film, list read", [begun(browser, address, 4.0) for _ in range(3)])
        told("first film, again", [opened(page, address) for _ in range(5)])
        page.wait_for_selector("#loading", state="hidden")
        told("frames, a point dragged", dragged(page, middle(page), asked.seconds, "left"))
        page.wait_for_function("() => document.querySelector('#save').dataset.save === 'saved'")
        stage = page.locator("#stage").bounding_box()
        assert stage is not None
        bare = (stage["x"] + 80, stage["y"] + 80)
        told("frames, the film dragged", dragged(page, bare, asked.seconds, "left"))
        told("frames, the window dragged", dragged(page, bare, asked.seconds, "right"))
        page.keyboard.press("f")
        page.fill("#zoom", "100")
        page.keyboard.press("Enter")
        told("frames, dragged at 100 %", dragged(page, bare, asked.seconds, "left"))
        page.keyboard.press("f")
        told("saved after letting go", [saved(page) for _ in range(SAVES)])
        browser.close()


if __name__ == "__main__":
    main()
