"""A calibrated model under review: the page shows what 'palpate measure' prints, to the word."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image as Pillow
from sqlalchemy import text
from typer.testing import CliRunner

from palpate.cli.app import app
from palpate.conformal.measurement_scores import MeasurementScores
from palpate.correlation import Correlation
from palpate.evaluation.coverage import squared_radius
from palpate.image import Calibration
from palpate.io.predictions import PredictedImage, PredictionFile, write_predictions
from palpate.prediction import Prediction
from palpate.protocols.protocol import read_protocol
from palpate.review.account import Account
from palpate.review.held_out import scores_of, squared_radii
from palpate.review.labels_out import every_case
from palpate.review.measured import measure_reading
from palpate.review.refusals import ReviewError
from palpate.review.store import Store
from palpate.serve.web.app import create_app
from palpate.serve.web.background import in_background
from palpate.serve.web.settings import Settings
from palpate.trust.calibration import UncertaintyCalibration
from palpate.trust.store import calibration_to_plain
from palpate.workflows.review import ReviewWish, prepared, put_in

PROTOCOL = read_protocol("cephalogram")
NAMES = PROTOCOL.scheme.names
SIZE = (640, 480)
TOKEN = "a-token-for-tests-a-token-for-tests"
OWNER = Account("owner", "Dr. Owner", "administrator")
SUBJECTS = 60


def calibration() -> UncertaintyCalibration:
    """As though of sixty held-out subjects; of the first landmark there are too few."""
    k, rng = len(NAMES), np.random.default_rng(4)
    distance = rng.chisquare(2, (SUBJECTS, k)) * 1.7
    distance[5:, 0] = np.nan
    errors = rng.normal(0.0, 3.0, SUBJECTS)
    widths, owners = np.full(SUBJECTS, 2.0), np.arange(SUBJECTS)
    known = {
        q.name: MeasurementScores(q.unit, errors, widths, widths, owners, q.defined)
        for q in PROTOCOL.quantities
    }
    return UncertaintyCalibration(
        NAMES,
        "60 subjects",
        "split",
        owners,
        distance,
        distance,
        distance,
        distance,
        np.full(k, 1.7),
        Correlation(0.8 * np.eye(2 * k) + 0.2 * np.tile(np.eye(2), (k, k))),
        {PROTOCOL.label: known},
        subjects=tuple(f"Subject {i}" for i in range(SUBJECTS)),
    )


def predicted(name: str, shift: float) -> PredictedImage:
    drawn = max((PROTOCOL.example_points(q) for q in PROTOCOL.quantities), key=len)
    rng = np.random.default_rng(3)
    mean = np.array([drawn.get(n, tuple(rng.uniform(100, 400, 2))) for n in NAMES]) + shift
    covariance = np.tile(np.array([[4.0, 1.0], [1.0, 3.0]]), (len(NAMES), 1, 1))
    stated = Prediction(PROTOCOL.scheme, mean, covariance, np.full(len(NAMES), 0.9), "net 1")
    scale = Calibration((0.1, 0.12), "user", detail="by hand")
    return PredictedImage(name, calibration().applied(stated), SIZE, "S1", calibration=scale)


def files(folder: Path, *, calibrated: bool = True) -> Path:
    """Two films, and the predictions of them."""
    (folder / "films").mkdir(parents=True)
    images = [predicted("a.png", 0.0), predicted("b.png", 3.0)]
    for image in images:
        Pillow.fromarray(np.zeros(SIZE[::-1], np.uint8)).save(folder / "films" / image.image)
    plain = calibration_to_plain(calibration()) if calibrated else None
    if not calibrated:
        images = [replace(i, prediction=replace(i.prediction, basis="scaled")) for i in images]
    file = PredictionFile(PROTOCOL.scheme, tuple(images), {"localiser": "net 1"}, {}, plain)
    write_predictions(file, folder / "predictions.json")
    return folder / "predictions.json"


def filled(store: Store, path: Path) -> str:
    """Put the predictions in, and return the name of the project."""
    films = path.parent / "films"
    wish = ReviewWish(path, images=films, protocol="cephalogram", project="Heads")
    ready = prepared(wish, advance=lambda *told: None)
    put_in(store, ready, who="owner")
    return ready.project.identifier


@pytest.fixture(scope="module")
def review(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Store, str, Path]]:
    folder = tmp_path_factory.mktemp("calibrated")
    path = files(folder)
    with Store.open(folder / "review.sqlite") as store:
        project = filled(store, path)
        yield store, project, path


@pytest.fixture(scope="module")
def page(review: tuple[Store, str, Path]) -> Iterator[httpx.Client]:
    application = create_app(review[0], Settings(token=TOKEN, owner=OWNER))
    with (
        in_background(application) as address,
        httpx.Client(base_url=address, timeout=30) as client,
    ):
        answer = client.post("/api/session", json={"token": TOKEN})
        client.headers["X-CSRF-Token"] = answer.json()["csrf"]
        yield client


def printed(path: Path) -> dict[str, dict[str, Any]]:
    """What 'palpate measure' prints as JSON, by image."""
    done = CliRunner().invoke(app, ["measure", str(path), "--protocol", "cephalogram", "--json"])
    assert done.exit_code == 0, done.output
    return {report["image"]: report for report in json.loads(done.output)["reports"]}


def shown(page: httpx.Client, case: str) -> dict[str, Any]:
    """The shared reading, as the page gets it."""
    found: dict[str, Any] = page.get(f"/api/cases/{case}/readings/shared").json()
    return found


SAME = (
    *("name", "value", "reason", "standard_uncertainty", "interval", "level", "basis"),
    *("probabilities", "crosses", "landmarks", "note"),
)


def test_an_untouched_case_shows_what_measure_prints(
    review: tuple[Store, str, Path], page: httpx.Client
) -> None:
    store, project, path = review
    told = printed(path)
    for case in every_case(store, project):
        expected = told[case.given.image]["measurements"]
        found = shown(page, case.identifier)["measurements"]["0"]
        marks = {"marks": shown(page, case.identifier)["marks"]}
        unsaved = page.post(f"/api/cases/{case.identifier}/measure", json=marks).json()["0"]
        assert found == unsaved
        assert [{key: one[key] for key in SAME} for one in found] == [
            {key: one[key] for key in SAME} for one in expected
        ]
        assert {one["basis"] for one in found if one["interval"]} == {"conformal"}
    assert any(one["probabilities"] for one in found)
    # The queue is ordered by the chances that are shown.
    rows = store.queue(project, reader=OWNER).rows
    chances = {
        report["image"]: max(
            1 - max(one["probabilities"].values())
            for one in report["measurements"]
            if one["probabilities"]
        )
        for report in told.values()
    }
    for row in rows:
        assert row.class_change is not None
        assert row.class_change >= chances[row.image] - 1e-12


def test_a_moved_landmark_takes_the_promise_from_what_needs_it_alone(
    review: tuple[Store, str, Path], page: httpx.Client
) -> None:
    store, project, _ = review
    case = next(case for case in every_case(store, project) if case.given.image == "b.png")
    now = shown(page, case.identifier)
    before = next(mark for mark in now["marks"] if mark["landmark"] == "nasion")
    after = {**before, "x": before["x"] + 4.0, "origin": "person"}
    event = {
        "after": now["step"],
        "key": "a-key-of-its-own",
        "kind": "marks",
        "changes": [{"before": before, "after": after}],
    }
    url = f"/api/cases/{case.identifier}/readings/shared"
    saved = page.post(f"{url}/events", json=event)
    assert saved.status_code == 201
    found = {one["name"]: one for one in saved.json()["measurements"]["0"]}
    assert list(found.values()) == shown(page, case.identifier)["measurements"]["0"]
    assert {one["basis"] for one in now["measurements"]["0"] if one["interval"]} == {"conformal"}
    for was in now["measurements"]["0"]:
        one = found[was["name"]]
        if "nasion" in PROTOCOL.quantity(was["name"]).needs():
            assert one["basis"] != "conformal" or one["interval"] is None
            assert "set by the reader: nasion" in one["note"]
        else:
            assert one == was
    signed = page.post(
        f"{url}/signature", json={"after": now["step"] + 1, "statement": "Read by me."}
    )
    assert signed.status_code == 201
    report = page.get(f"{url}/report").json()["reports"]["0"]["measurements"]
    frozen = {one["name"]: (one["basis"], one["interval"]) for one in report}
    assert frozen == {name: (one["basis"], one["interval"]) for name, one in found.items()}


def test_ellipses_hold_what_held_out_subjects_say(
    review: tuple[Store, str, Path], page: httpx.Client
) -> None:
    store, project, _ = review
    case = next(every_case(store, project))
    told = page.get(f"/api/cases/{case.identifier}").json()
    promised = calibration().region_radius(told["level"])
    usual = float(squared_radius(told["level"], 2))
    assert not np.isfinite(promised[0])
    # Seven digits of the distances are kept.
    expected = dict(zip(NAMES, [usual, *map(float, promised[1:])], strict=True))
    assert told["ellipse"] == pytest.approx(expected, rel=1e-6)
    assert all(abs(value - usual) > 1e-6 for value in promised[1:])
    plain = replace(case.given, uncertainty=None)
    assert set(squared_radii(store.project(project), plain, 0.9).values()) == {usual}
    stated = replace(case.given.predictions[0].prediction, basis="scaled")
    image = replace(case.given.predictions[0], prediction=stated)
    scaled = replace(case.given, predictions={0: image})
    assert set(squared_radii(store.project(project), scaled, 0.9).values()) == {usual}


def test_it_is_kept_once_and_names_nobody(review: tuple[Store, str, Path]) -> None:
    store, project, path = review
    with store._database.read() as connection:
        rows = connection.execute(text("SELECT content FROM shared_values")).scalars().all()
    assert len(rows) == 2  # a correlation and a calibration
    assert "Subject" not in "".join(rows)
    protocol = store.project(project).protocol
    assert protocol is not None
    first, second = (case.given for case in every_case(store, project))
    assert first.uncertainty is second.uncertainty
    assert scores_of(first, protocol) is scores_of(second, protocol)
    assert put_again(store, path) == 0
    assert put_again(store, files(path.parent / "new", calibrated=False)) == 2


def put_again(store: Store, path: Path) -> int:
    """Put predictions in once more; how many events tell of new ones."""
    before = store.head()[0]
    filled(store, path)
    return store.head()[0] - before


def test_an_export_carries_it(tmp_path: Path) -> None:
    path = files(tmp_path / "old")
    with (
        Store.open(tmp_path / "old.sqlite") as old,
        Store.open(tmp_path / "new.sqlite") as new,
    ):
        project = filled(old, path)
        old.export(tmp_path / "review.zip")
        new.import_(tmp_path / "review.zip", root=tmp_path / "films")
        for one, other in zip(every_case(old, project), every_case(new, project), strict=True):
            marks = new.reading(other.identifier).marks
            reports = measure_reading(new.project(project), other, marks)
            assert reports == measure_reading(old.project(project), one, marks)
            assert "conformal" in {each.basis for each in reports[0].measurements}
        assert new.verify() == ()
        with new._database.write() as connection:
            connection.execute(text("DELETE FROM shared_values WHERE content LIKE '%owners%'"))
        assert "shares with others is missing" in new.verify()[0].sentence


def test_a_calibration_of_other_landmarks_is_refused(tmp_path: Path) -> None:
    path = files(tmp_path)
    wish = ReviewWish(path, images=tmp_path / "films", protocol="cephalogram")
    ready = prepared(wish, advance=lambda *told: None)
    assert ready.cases[0].uncertainty is not None
    other = replace(ready.cases[0].uncertainty, names=tuple(reversed(NAMES)))
    with Store.open(tmp_path / "review.sqlite") as store:
        store.add_project(ready.project, root=tmp_path)
        with pytest.raises(ReviewError, match=r"calibration of 'a\.png' is of other landmarks"):
            store.add_cases(
                ready.project.identifier,
                [replace(ready.cases[0], uncertainty=other)],
                who="owner",
                urgency={},
            )
