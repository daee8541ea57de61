"""A review with films made for the viewer's tests, and a browser's page on one of its cases."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import cv2
import numpy as np
from argon2 import PasswordHasher

from palpate.files import sha256
from palpate.image import Calibration
from palpate.io.predictions import PredictedImage
from palpate.prediction import Prediction
from palpate.protocols.protocol import Protocol, read_protocol
from palpate.review import accounts
from palpate.review.case import NewCase, Project
from palpate.review.mark import Mark
from palpate.review.store import Store
from palpate.serve.web.app import create_app
from palpate.serve.web.background import in_background
from palpate.serve.web.settings import Settings
from serve_web_server import ACCOUNTS, OWNER, PASSWORD, TOKEN

SIZE = (320, 400)
LAMP = (123, 45)
FRAMES = 12
CALIBRATION = Calibration((0.3, 0.3), "ruler")


@dataclass(frozen=True, slots=True)
class Review:
    """A running review: its store, its address, and its cases by image."""

    store: Store
    address: str
    cases: dict[str, str]


def laid_out(protocol: Protocol) -> np.ndarray:
    """Plausible places of all landmarks, well inside a film of SIZE."""
    layout = protocol.drawings[protocol.layout or next(iter(protocol.drawings))]
    places = np.array([layout[name] for name in protocol.scheme.names], dtype=float)
    places -= places.min(0)
    room = 0.8 * np.array(SIZE)
    return np.round(0.1 * np.array(SIZE) + places * float((room / places.max(0)).min()), 3)


def _film(path: Path, values: np.ndarray) -> Path:
    assert cv2.imwrite(str(path), values)
    return path


def _grey() -> np.ndarray:
    rows, columns = np.mgrid[: SIZE[1], : SIZE[0]]
    return (20_000 + 60 * rows + 40 * columns + 3_000 * np.sin(columns / 9.0)).astype(np.uint16)


def _predicted(protocol: Protocol, image: str) -> PredictedImage:
    mean = laid_out(protocol)
    spread = np.tile(np.array([[9.0, 2.0], [2.0, 5.0]]), (len(mean), 1, 1))
    said = Prediction(protocol.scheme, mean, spread, np.ones(len(mean)), "test 1")
    return PredictedImage(image, said, SIZE, calibration=CALIBRATION)


def _necks(folder: Path, images: tuple[str, ...]) -> list[NewCase]:
    protocol = read_protocol("cervical")
    path = _film(folder / "neck.png", _grey())
    return [
        NewCase(
            image, path.name, sha256(path), SIZE, calibration=CALIBRATION,
            predictions={0: _predicted(protocol, image)},
        )
        for image in images
    ]  # fmt: skip


def _lamps(folder: Path) -> list[NewCase]:
    values = np.zeros((300, 240), dtype=np.uint16)
    values[LAMP[1], LAMP[0]] = 65_535
    path = _film(folder / "lamp.png", values)
    marks = (Mark("C2_odontoid_tip", "visible", float(LAMP[0]), float(LAMP[1])),)
    tall = Calibration((0.2, 0.4), "ruler")
    colour = np.zeros((30, 40, 3), dtype=np.uint8)
    colour[:, :20, 2] = 200
    red = _film(folder / "colour.png", colour)
    return [
        NewCase("lamp.png", path.name, sha256(path), (240, 300), marks=marks),
        NewCase("tall.png", path.name, sha256(path), (240, 300), calibration=tall, marks=marks),
        NewCase("colour.png", red.name, sha256(red), (40, 30)),
    ]


def _clip(folder: Path) -> NewCase:
    frames = folder / "clip"
    frames.mkdir()
    for i in range(FRAMES):
        depth = np.full((48, 64), 800 + 100 * i, dtype=np.uint16)
        depth[:, 32:] += 200
        depth[:12, :16] = 0
        _film(frames / f"{i:04d}.png", depth)
    marks = tuple(Mark("T1_TL", "visible", 10.0 + i, 20.0, frame=i) for i in range(FRAMES))
    return NewCase("clip", "clip", "0" * 64, (64, 48), frames=FRAMES, marks=marks, source="depth")


def _spine(folder: Path) -> NewCase:
    protocol = read_protocol("spine-cobb")
    path = _film(folder / "spine.png", (_grey() >> 8).astype(np.uint8))
    named = zip(protocol.scheme.names, laid_out(protocol).tolist(), strict=True)
    marks = tuple(Mark(name, "visible", x, y) for name, (x, y) in named)
    return NewCase("spine.png", path.name, sha256(path), SIZE, marks=marks)


def filled(folder: Path, images: tuple[str, ...]) -> Store:
    """Make a store; ``images`` are cases of their own with the same film of a neck."""
    store = Store.open(folder / "review.sqlite")
    for account in ACCOUNTS:
        store.add_account(account, PASSWORD)
    necks = [*_necks(folder, images), *_lamps(folder)]
    spines = [_spine(folder), _clip(folder)]
    for name, known, cases in (("necks", "cervical", necks), ("spines", "spine-cobb", spines)):
        protocol = read_protocol(known)
        project = Project(name, name.title(), protocol.scheme, protocol)
        store.add_project(project, root=folder)
        store.add_cases(name, cases, who="test", urgency={})
    return store


@contextmanager
def reviewing(folder: Path, images: tuple[str, ...] = ("neck.png",)) -> Iterator[Review]:
    """Serve the review from another thread until the block ends."""
    settings = Settings(films=folder / "films", token=TOKEN, owner=OWNER)
    # Passwords are hashed as ever, with less work.
    cheap = patch.object(accounts, "_HASHER", PasswordHasher(1, 8, 1))
    with cheap, filled(folder, images) as store:
        cases = {
            row.image: row.id
            for project in ("necks", "spines")
            for row in store.queue(project, reader=OWNER).rows
        }
        with in_background(create_app(store, settings)) as address:
            yield Review(store, address, cases)


class Viewer:
    """A reader at the page of a case."""

    def __init__(self, browser: Any, review: Review, *, name: str = "", **context: Any) -> None:
        settings = {"viewport": {"width": 1280, "height": 800}, **context}
        self.review = review
        self.context = browser.new_context(base_url=review.address, **settings)
        self.page = self.context.new_page()
        self.troubles: list[str] = []
        self.page.on("pageerror", lambda error: self.troubles.append(str(error)))
        asked = {"name": name, "password": PASSWORD} if name else {"token": TOKEN}
        answer = self.context.request.post("/api/session", data=asked)
        assert answer.ok, answer.text()

    def open(self, image: str) -> "Viewer":
        """Open a case and wait until its film is painted."""
        self.page.goto(f"/case/{self.review.cases[image]}")
        self.page.wait_for_selector("#film[data-paints]", state="attached")
        self.page.wait_for_selector("#loading", state="hidden")
        return self

    def here(self) -> "Viewer":
        """Be on some page of the review: modules are tried out on any."""
        if not self.page.url.startswith(self.review.address):
            self.page.goto("/help")
        return self

    def close(self) -> None:
        """Leave; whatever went wrong in the page comes out here."""
        self.page.goto("about:blank")
        self.context.close()
        assert self.troubles == []

    def point(self, landmark: str) -> Any:
        """The point of a landmark on the film."""
        return self.page.locator(f'#points [data-landmark="{landmark}"]')

    def place(self, landmark: str) -> tuple[float, float]:
        """Where it is, px of the film."""
        point = self.point(landmark)
        return float(point.get_attribute("data-x")), float(point.get_attribute("data-y"))

    def centre(self, landmark: str) -> tuple[float, float]:
        """Where it is drawn, CSS px of the page."""
        box = self.point(landmark).locator(".centre").bounding_box()
        return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2

    def hold(self, landmark: str, dx: float, dy: float, *, aside: float = 0.0) -> None:
        """Take hold of a point, ``aside`` of its centre, and pull; the button stays down."""
        x, y = self.centre(landmark)
        self.page.mouse.move(x + aside, y)
        self.page.mouse.down()
        self.page.mouse.move(x + aside + dx, y + dy, steps=5)
        self.frame()

    def drop(self) -> None:
        """Let go, and wait until it is saved."""
        self.page.mouse.up()
        self.saved()

    def press(self, *keys: str) -> None:
        """Press keys one after another."""
        for key in keys:
            self.page.keyboard.press(key)

    def frame(self) -> None:
        """Wait for two frames of the screen: what was asked for is shown."""
        self.page.evaluate(
            "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
        )

    def saved(self) -> None:
        """Wait until everything is on the server's disk and shown as such."""
        self.page.wait_for_function(
            "() => document.querySelector('#save').dataset.save === 'saved'"
            " && !document.querySelector('.point.dragged')"
        )
        self.frame()

    def row(self, quantity: str) -> Any:
        """The row of a measurement."""
        return self.page.locator(f'[data-measurement="{quantity}"]')

    def value(self, quantity: str) -> float:
        """Its value, all digits."""
        return float(self.row(quantity).get_attribute("data-value"))
