"""The commands on clips as a user runs them: phantom, crossval by halves, predict, bad input."""

import csv
import json
import shutil
import sys

import numpy as np
import pytest

from palpate.cli.app import main
from palpate.io.track_csv import read_track
from palpate.io.video_write import write_video
from palpate.localisers.run_folder import RunFolder
from palpate.phantoms.satco import satco_clips
from palpate.phantoms.satco_write import write_satco

SMALL = [
    *("--set", "input.size=[64, 64]"),
    *("--set", "training.epochs=1"),
    *("--set", "training.validate_at_most=4"),
]


def palpate(*words, monkeypatch):
    """Run the command; return its exit code."""
    monkeypatch.setattr(sys, "argv", ["palpate", *map(str, words)])
    with pytest.raises(SystemExit) as stop:
        main()
    return stop.value.code or 0


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    clips = list(satco_clips(2, np.random.default_rng(3), seconds=1.0))
    chosen = [clip for clip in clips if clip.identifier[-5] in "ab"]
    return write_satco(tmp_path_factory.mktemp("satco") / "study", chosen)


@pytest.fixture(scope="module")
def folds(study, tmp_path_factory):
    out = tmp_path_factory.mktemp("folds") / "folds"
    with pytest.MonkeyPatch.context() as patch:
        words = ("crossval", study, "--recipe", "satco-unet", "--out", out, *SMALL)
        assert palpate(*words, monkeypatch=patch) == 0
    return out


def rows_of(path):
    with path.open() as stream:
        return list(csv.DictReader(stream))


def test_crossval_leaves_one_child_out_and_tells_of_posture(folds, capsys):
    folds_done = sorted(path.name for path in folds.iterdir() if path.name.startswith("fold"))
    assert folds_done == ["fold-1", "fold-2"]
    for name in folds_done:
        first, second = RunFolder(folds / name).read_halves()
        assert {clip.split("#")[0] for clip in first}.isdisjoint(
            clip.split("#")[0] for clip in second
        )
    tables = folds / "posture"
    written = {path.name for path in tables.iterdir()}
    assert {"posture.json", "alignment.csv", "contact.csv", "curves.csv", "angles.csv"} <= written
    for path in tables.iterdir():
        assert "nan" not in path.read_text().lower().replace("nance", "")
    angles = rows_of(tables / "angles.csv")
    assert {row["prediction"] for row in angles} == {
        "satco-unet",
        "mean pose of the other children",
    }
    assert (folds / "report.html").exists()
    assert "satco-unet" in (folds / "posture.html").read_text()


def test_a_clip_is_predicted_into_a_folder_of_its_own(folds, study, tmp_path, monkeypatch, capsys):
    clip = study / "videos" / "child01_a.mp4"
    words = ("predict", folds / "fold-1", clip, "--out", tmp_path / "found", "--smooth", "rts")
    assert palpate(*words, "--level", "Head control", monkeypatch=monkeypatch) in (0, 1)
    assert palpate(*words, monkeypatch=monkeypatch) == 0
    folder = tmp_path / "found" / "child01_a"
    written = {path.name for path in folder.iterdir()}
    assert written == {
        "points.csv",
        "smoothed.csv",
        "labelled.mp4",
        "angles.csv",
        "posture.csv",
        "posture.json",
        "clip.json",
        "report.html",
    }
    assert len(read_track(folder / "points.csv").times_s) == 25
    about = json.loads((folder / "clip.json").read_text())
    assert about["frames"] == 25
    assert about["region"] is not None
    assert "Rauch" in about["smoothing"] or "RTS" in about["smoothing"]
    page = (folder / "report.html").read_text()
    assert "http://" not in page.replace("http://www.w3.org", "")


def test_a_folder_with_one_bad_clip_is_predicted_all_the_same(
    folds, study, tmp_path, monkeypatch, capsys
):
    place = tmp_path / "clips"
    place.mkdir()
    (place / "good.mp4").write_bytes((study / "videos" / "child02_b.mp4").read_bytes())
    (place / "bad.mp4").write_bytes(b"no video")
    words = ("predict", folds / "fold-1", place, "--out", tmp_path / "found", "--no-overlays")
    assert palpate(*words, "--region", "100,40,380,380", monkeypatch=monkeypatch) == 0
    said = capsys.readouterr()
    assert "not predicted: bad.mp4" in said.err
    assert "1 of 2 clips" in said.out
    assert not (tmp_path / "found" / "good" / "labelled.mp4").exists()


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (("--region", "1,2,3"), "X,Y,WIDTH,HEIGHT"),
        (("--region", "600,2,300,300"), "not inside its 640 x 480"),
        (("--facing", "up"), "right or left"),
        (("--smooth", "rst"), "did you mean 'rts'"),
        (("--neutral", "900"), "neutral frame is one of 0 to 24"),
    ],
)
def test_wrong_wishes_are_one_sentence(
    folds, study, tmp_path, monkeypatch, capsys, flags, sentence
):
    clip = study / "videos" / "child01_a.mp4"
    words = ("predict", folds / "fold-1", clip, "--out", tmp_path, "--no-overlays", *flags)
    assert palpate(*words, monkeypatch=monkeypatch) == 1
    said = capsys.readouterr().err
    assert sentence in said.replace("\n", " ")
    assert "Traceback" not in said


def test_one_child_cannot_be_left_out(tmp_path, monkeypatch, capsys):
    y, x = np.mgrid[:48, :64]
    write_video(
        tmp_path / "videos" / "a.mp4",
        (np.repeat(((x + y + f) % 255).astype(np.uint8)[..., None], 3, 2) for f in range(6)),
        rate_hz=25.0,
    )
    (tmp_path / "landmarks.csv").write_text(
        "video,frame,subject,p_x,p_y\na.mp4,0,ann,1,1\na.mp4,4,ann,2,2\n"
    )
    words = ("crossval", tmp_path, "--recipe", "satco-unet", "--out", tmp_path / "out", *SMALL)
    assert palpate(*words, monkeypatch=monkeypatch) == 1
    assert "of one subject, 'ann'" in capsys.readouterr().err.replace("\n", " ")


@pytest.mark.parametrize("engine", [None, "onnxruntime", "openvino"])
def test_every_engine_finds_the_same_points_in_a_clip(folds, study, tmp_path, monkeypatch, engine):
    run, clip = folds / "fold-1", study / "videos" / "child01_a.mp4"
    model = tmp_path / "model.onnx"
    assert palpate("export", run, model, monkeypatch=monkeypatch) == 0
    found = {}
    for name, words in (("a", (run,)), ("b", (model, "--engine", engine) if engine else (model,))):
        out = tmp_path / name
        asked = ("predict", *words, clip, "--out", out, "--no-overlays")
        assert palpate(*asked, monkeypatch=monkeypatch) == 0
        found[name] = read_track(out / "child01_a" / "points.csv").coordinates
    np.testing.assert_allclose(found["a"], found["b"], atol=0.05)


def test_an_engine_that_is_none_is_refused(folds, study, tmp_path, monkeypatch, capsys):
    run, clip = folds / "fold-1", study / "videos" / "child01_a.mp4"
    for engine, sentence in (
        ("tensorrt", "onnxruntime, openvino"),
        ("openvino", "is a run folder"),
    ):
        words = ("predict", run, clip, "--out", tmp_path / "o", "--engine", engine)
        assert palpate(*words, monkeypatch=monkeypatch) == 1
        assert sentence in capsys.readouterr().err.replace("\n", " ")


def test_only_annotated_frames_are_scored_if_so_asked(folds, study, tmp_path, monkeypatch):
    asked = ("crossval", study, "--recipe", "satco-unet", "--out", tmp_path / "folds", *SMALL)
    shutil.copytree(folds, tmp_path / "folds")  # finished folds are not trained again
    assert palpate(*asked, "--annotated-only", monkeypatch=monkeypatch) == 0
    scored = {row["image"] for row in rows_of(tmp_path / "folds" / "errors.csv")}
    every = {row["image"] for row in rows_of(folds / "errors.csv")}
    annotated = {f"{row['video']}#{row['frame']}" for row in rows_of(study / "landmarks.csv")}
    assert scored == annotated < every
    angles = [rows_of(root / "posture" / "angles.csv") for root in (folds, tmp_path / "folds")]
    before, after = (int(rows[0]["count"]) for rows in angles)
    assert after == len(annotated) < before
