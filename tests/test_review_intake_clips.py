"""Clips, depth clips and DICOM in a review, and their labels out again."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from dicom_films import SPACING_MM, write_clip, write_film
from palpate.image import Image
from palpate.io.depth_write import write_depth_folder
from palpate.io.predictions import PredictedImage, PredictionFile, write_predictions
from palpate.io.video_write import write_video
from palpate.prediction import Prediction
from palpate.protocols.protocol import read_protocol
from palpate.review.account import Account
from palpate.review.case import Case
from palpate.review.event import Change
from palpate.review.labels_out import every_case, write_labels
from palpate.review.mark import Mark
from palpate.review.store import Store
from palpate.study import open_study
from palpate.workflows import review_predict
from palpate.workflows.review import Prepared, ReviewWish, prepared, put_in

SATCO = read_protocol("satco")
NAMES = SATCO.scheme.names
CHIEF = Account("chief", "Prof. Chief", "reviewer")
SIZE = (64, 48)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "review.sqlite") as opened:
        yield opened


def into(store: Store, wish: ReviewWish) -> tuple[Prepared, list[Case]]:
    ready = prepared(wish, advance=lambda stage, done, total, remark: None)
    put_in(store, ready, who="chief")
    return ready, list(every_case(store, ready.project.identifier))


def labels(path: Path, frames: dict[str, float]) -> None:
    """Every landmark at (10 + k, y) in each frame, named 'clip#frame'."""
    columns = [f"{name}_{axis}" for name in NAMES for axis in "xy"]
    lines = [",".join(["image", "subject", *columns])]
    for name, y in frames.items():
        cells = [f"{10 + k if axis == 'x' else y}" for k in range(len(NAMES)) for axis in "xy"]
        lines.append(",".join([name, "S1", *cells]))
    path.write_text("\n".join(lines) + "\n")


def predictions(path: Path, *names: str, y: float = 20.0) -> Path:
    k = len(NAMES)
    mean = np.stack([10.0 + np.arange(k), np.full(k, y)], axis=1)
    one = Prediction(SATCO.scheme, mean, np.tile(np.eye(2), (k, 1, 1)), np.ones(k), "net 1")
    images = tuple(PredictedImage(name, one, SIZE) for name in names)
    write_predictions(PredictionFile(SATCO.scheme, images), path)
    return path


def add(store: Store, case: Case, frame: int, y: float) -> None:
    """Move the first landmark of a frame, or set it."""
    now = store.reading(case.identifier)
    before = now.marks.get((frame, NAMES[0]))
    after = Mark(NAMES[0], "occluded", 11.0, y, frame)
    store.append(
        case.identifier,
        "shared",
        after=now.step,
        key=f"frame-{frame:04}",
        who=CHIEF,
        kind="marks",
        changes=[Change(before, after)],
    )


def test_a_clip_is_one_case_with_marks_on_its_frames(tmp_path: Path, store: Store) -> None:
    study = tmp_path / "study"
    (study / "videos").mkdir(parents=True)
    frames = [np.full((48, 64, 3), 10 * i, dtype=np.uint8) for i in range(8)]
    write_video(study / "videos" / "child_a.mp4", frames, rate_hz=25.0)
    write_video(study / "videos" / "child_b.mp4", frames, rate_hz=25.0)
    (study / "study.toml").write_text('protocol = "satco"\n[video]\ninterpolate = 4\n')
    labels(study / "landmarks.csv", {"child_a.mp4#1": 5.0, "child_a.mp4#3": 9.0})
    path = predictions(tmp_path / "predictions.json", "child_a.mp4#3", "child_a.mp4#6")
    ready, cases = into(store, ReviewWish(study, predictions=path))
    first, second = cases
    assert (first.given.frames, first.given.source, first.given.subject) == (8, "video", "S1")
    assert second.given.image == "child_b.mp4"
    marks = store.reading(first.identifier).marks
    # Nobody annotated frame 2, which lies between; the label of frame 3 stands before the model's.
    assert sorted({frame for frame, _ in marks}) == [1, 3, 6]
    assert (marks[3, NAMES[0]].y, marks[6, NAMES[0]].origin) == (9.0, "model")
    add(store, first, 5, 30.0)
    write_labels(store, ready.project, tmp_path / "out")
    found = open_study(tmp_path / "out")
    own = {
        case.identifier: case for case in found.cases if case.clip and not case.clip.interpolated
    }
    assert set(own) >= {"child_a.mp4#1", "child_a.mp4#3", "child_a.mp4#5"}
    points = own["child_a.mp4#5"].points
    assert points is not None
    assert points[NAMES[0]].tolist() == [11.0, 30.0]
    assert found.settings.video is not None
    assert found.settings.video.interpolate == 4


def test_frames_of_a_depth_clip_keep_their_numbers(tmp_path: Path, store: Store) -> None:
    """The frames are called 4, 5 and 9: marks count their places, labels say their numbers."""
    study = tmp_path / "study"
    clip = study / "videos" / "infant01"
    frames = [np.full((48, 64), 700 + i, dtype=np.uint16) for i in range(3)]
    write_depth_folder(clip, frames, numbers=[4, 5, 9])
    (study / "study.toml").write_text('protocol = "satco"\n[video.depth]\nrate_hz = 30.0\n')
    labels(study / "landmarks.csv", {"infant01#9": 7.0})
    ready, cases = into(store, ReviewWish(study))
    assert (cases[0].given.frames, cases[0].given.source) == (3, "depth")
    assert {frame for frame, _ in store.reading(cases[0].identifier).marks} == {2}
    add(store, cases[0], 0, 12.0)
    write_labels(store, ready.project, tmp_path / "out")
    found = open_study(tmp_path / "out")
    points = found.case("infant01#4").points
    assert points is not None
    assert points[NAMES[0]].tolist() == [11.0, 12.0]
    assert found.case("infant01#9").points is not None
    assert found.depth is not None


def test_dicom_brings_its_spacing_and_no_patients_number(tmp_path: Path, store: Store) -> None:
    folder = tmp_path / "study" / "images"
    folder.mkdir(parents=True)
    write_film(folder / "film.dcm", patient="SECRET-17")
    write_clip(folder / "clip.dcm", frames=3)
    (tmp_path / "study" / "study.toml").write_text('protocol = "satco"\nsubjects = "dicom"\n')
    ready, cases = into(store, ReviewWish(tmp_path / "study"))
    clip, film = cases
    assert (clip.given.frames, film.given.frames) == (3, 1)
    assert film.given.calibration is not None
    assert film.given.calibration.spacing_mm == pytest.approx((SPACING_MM, SPACING_MM), rel=0.2)
    assert film.given.subject
    assert b"SECRET-17" not in (tmp_path / "review.sqlite").read_bytes()
    add(store, film, 0, 4.0)
    write_labels(store, ready.project, tmp_path / "out")
    case = open_study(tmp_path / "out").case("film.dcm")
    assert case.calibration == film.given.calibration
    assert case.subject == film.given.subject


class Still:
    """A localiser that finds every landmark where it always is."""

    scheme = SATCO.scheme
    name = "still"
    weights = "0"
    protocol = "satco"
    variance_factor = None

    def predict(self, image: Image) -> Prediction:
        k = len(NAMES)
        mean = np.stack([10.0 + np.arange(k), np.full(k, 20.0)], axis=1)
        return Prediction(self.scheme, mean, np.tile(np.eye(2), (k, 1, 1)), np.ones(k), "still 0")


@pytest.mark.parametrize("clips", [False, True])
def test_a_run_marks_the_films_first(
    tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch, clips: bool
) -> None:
    study = tmp_path / "study"
    frames = [np.full((48, 64, 3), 10 * i, dtype=np.uint8) for i in range(3)]
    if clips:
        (study / "videos").mkdir(parents=True)
        write_video(study / "videos" / "a.mp4", frames, rate_hz=25.0)
    else:
        (study / "images").mkdir(parents=True)
        for i, frame in enumerate(frames):
            Pillow.fromarray(frame).save(study / "images" / f"{i}.png")
    monkeypatch.setattr(review_predict, "load_asked", lambda run, asking: Still())
    _, cases = into(store, ReviewWish(study, run="RUN", protocol="satco"))
    assert len(cases) == (1 if clips else 3)
    marks = store.reading(cases[0].identifier).marks
    assert {frame for frame, _ in marks} == ({0, 1, 2} if clips else {0})
    assert {mark.origin for mark in marks.values()} == {"model"}
    assert cases[0].model == "still 0"
    assert (study / "review-predictions" / "predictions.json").is_file()
