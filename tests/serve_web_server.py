"""A running server over a small review, for the tests of what it answers."""

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

import httpx
import numpy as np
from argon2 import PasswordHasher
from PIL import Image as Pillow

from palpate.files import sha256
from palpate.image import Calibration
from palpate.io.predictions import PredictedImage
from palpate.prediction import Prediction
from palpate.protocols.protocol import read_protocol
from palpate.review import accounts
from palpate.review.account import Account
from palpate.review.case import NewCase, Project, Urgency
from palpate.review.store import Store
from palpate.serve.web.app import create_app
from palpate.serve.web.background import in_background
from palpate.serve.web.settings import Settings

TOKEN = "a-token-for-tests-a-token-for-tests"
OWNER = Account("owner", "Dr. Owner", "administrator")
PASSWORD = "a long enough password"
ACCOUNTS = (
    Account("anna", "Dr. Anna Reader", "reader"),
    Account("ben", "Dr. Ben Reader", "reader"),
    Account("rita", "Prof. Rita Reviewer", "reviewer"),
)
SIZE = (60, 80)


@dataclass(frozen=True, slots=True)
class Served:
    """A server, and what it serves."""

    store: Store
    address: str
    folder: Path

    def client(self) -> httpx.Client:
        """Nobody yet."""
        return httpx.Client(base_url=self.address, timeout=30)

    @contextmanager
    def signed_in(self, name: str = "") -> Iterator[httpx.Client]:
        """The owner by the token, or an account by its password."""
        asked = {"name": name, "password": PASSWORD} if name else {"token": TOKEN}
        with self.client() as client:
            answer = client.post("/api/session", json=asked)
            assert answer.status_code == 200, answer.text
            client.headers["X-CSRF-Token"] = answer.json()["csrf"]
            yield client


def film(path: Path, seed: int = 0, *, dtype: str = "uint8") -> Path:
    """Write a film whose values tell rows from columns."""
    width, height = SIZE
    rows, columns = np.mgrid[:height, :width]
    values = (rows * 100 + columns + seed) % (256 if dtype == "uint8" else 5000)
    Pillow.fromarray(values.astype(dtype)).save(path)
    return path


def filled(folder: Path, people: Iterable[Account] = ACCOUNTS) -> Store:
    """Make a review of a shared and a blinded project with a film each, and one predicted."""
    store = Store.open(folder / "review.sqlite")
    protocol = read_protocol("cervical")
    for name, blinded in (("necks", False), ("blind", True)):
        project = Project(name, name.title(), protocol.scheme, protocol, blinded=blinded)
        store.add_project(project, root=folder)
    plain = film(folder / "plain.png")
    deep = film(folder / "deep.png", dtype="uint16")
    names = protocol.scheme.names
    layout = protocol.drawings[next(iter(protocol.drawings))]
    mean = np.array([layout.get(name, (5.0, 5.0)) for name in names], dtype=float)
    mean = 5 + 50 * (mean - mean.min(0)) / (np.ptp(mean, axis=0) + 1e-9)
    spread = np.tile(np.eye(2), (len(names), 1, 1))
    said = Prediction(protocol.scheme, mean, spread, np.ones(len(names)), "test 1")
    calibration = Calibration((0.5, 0.5), "ruler")
    predicted = {0: PredictedImage("deep.png", said, SIZE, calibration=calibration)}
    cases = [
        NewCase("plain.png", "plain.png", sha256(plain), SIZE, "s1"),
        NewCase("deep.png", "deep.png", sha256(deep), SIZE, "s2", 1, calibration, predicted),
    ]
    store.add_cases("necks", cases, who="test", urgency={"deep.png": Urgency(class_change=0.4)})
    store.add_cases("blind", cases[:1], who="test", urgency={})
    for account in people:
        store.add_account(account, PASSWORD)
    return store


@contextmanager
def served(folder: Path, *, piece_s: float = 30.0) -> Iterator[Served]:
    """Serve a review from another thread until the block ends."""
    settings = Settings(films=folder / "films", token=TOKEN, owner=OWNER, piece_s=piece_s)
    # Passwords are hashed as ever, with less work.
    cheap = patch.object(accounts, "_HASHER", PasswordHasher(1, 8, 1))
    with (
        cheap,
        filled(folder) as store,
        in_background(create_app(store, settings)) as address,
    ):
        yield Served(store, address, folder)


def case_of(client: httpx.Client, project: str = "necks", image: str = "deep.png") -> str:
    """Identifier of a case, as the queue tells it."""
    rows = client.get(f"/api/projects/{project}/queue").json()["rows"]
    return next(str(row["id"]) for row in rows if row["image"] == image)


def moved(reading: dict[str, object], key: str, landmark: int = 0) -> dict[str, object]:
    """An event that moves one mark of a reading by a pixel."""
    marks = reading["marks"]
    assert isinstance(marks, list)
    before = marks[landmark]
    after = {**before, "x": before["x"] + 1, "origin": "person"}
    changes = [{"before": before, "after": after}]
    return {"after": reading["step"], "key": key, "kind": "marks", "changes": changes}


def placed(step: int, key: str, landmark: str, x: float, y: float) -> dict[str, object]:
    """An event that places a mark where there was none."""
    after = {"landmark": landmark, "frame": 0, "state": "visible", "x": x, "y": y}
    changes = [{"before": None, "after": after}]
    return {"after": step, "key": key, "kind": "marks", "changes": changes}


def sentence(answer: httpx.Response, status: int) -> str:
    """The sentence of a refusal, which says nothing of the server's inside."""
    assert answer.status_code == status, answer.text
    told = answer.json()
    assert {"code", "sentence"} <= set(told)
    assert not re.search(r"Traceback|site-packages|/tmp/|/home/|\.py\b", answer.text)
    return str(told["sentence"])
