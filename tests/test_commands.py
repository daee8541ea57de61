"""The commands as a user runs them: the whole way, and what they say to bad input."""

import json
import shutil
import sys
from importlib.resources import files

import numpy as np
import pytest
from PIL import Image as Pillow

from palpate.cli.app import main
from palpate.localisers.run_folder import RunFolder
from palpate.phantoms.write import write_phantom
from palpate.training.recipe import recipe_names

SMALL = [
    *("--set", "input.size=[64, 64]"),
    *("--set", "training.batch=4"),
    *("--set", "training.epochs=1"),
    *("--set", "training.precision=float32"),
    *("--set", "split.test=0.3"),
    *("--set", "split.validation=0.2"),
]


def palpate(*words, monkeypatch):
    """Run the command; return its exit code."""
    monkeypatch.setattr(sys, "argv", ["palpate", *map(str, words)])
    with pytest.raises(SystemExit) as stop:
        main()
    return stop.value.code or 0


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return write_phantom("cervical", tmp_path_factory.mktemp("study") / "s", n=18, seed=4)


@pytest.fixture(scope="module")
def run(study, tmp_path_factory):
    out = tmp_path_factory.mktemp("run") / "run"
    with pytest.MonkeyPatch.context() as patch:
        assert palpate("train", study, "--out", out, *SMALL, monkeypatch=patch) == 0
    return out


def test_the_whole_way(study, run, tmp_path, monkeypatch, capsys):
    out = tmp_path / "evaluation"
    assert palpate("evaluate", run, study, "--out", out, monkeypatch=monkeypatch) == 0
    metrics = json.loads((out / "metrics.json").read_text())
    assert metrics["images"] == 6
    assert "NaN" not in (out / "metrics.json").read_text()
    assert metrics["provenance"]["split"].startswith("by subject, seed 0")
    page = (out / "report.html").read_text()
    assert "http://" not in page.replace("http://www.w3.org", "")
    found = tmp_path / "found"
    assert palpate("predict", run, study, "--out", found, monkeypatch=monkeypatch) == 0
    assert len(list((found / "overlays").iterdir())) == 18
    table = tmp_path / "angles.csv"
    measured = ("measure", found / "predictions.json", "--protocol", "cervical", "--out", table)
    assert palpate(*measured, monkeypatch=monkeypatch) == 0
    assert "Cobb C2-C7" in table.read_text()
    assert "report.html" in capsys.readouterr().out
    assert (found / "measurements.csv").exists()
    assert "Cobb C2-C7" in (found / "report.html").read_text()


def test_a_batch_goes_on_past_bad_files(study, run, tmp_path, monkeypatch, capsys):
    folder = tmp_path / "films"
    folder.mkdir()
    good = sorted((study / "images").iterdir())[0]
    shutil.copy(good, folder / "good.png")
    (folder / "cut.png").write_bytes(good.read_bytes()[:2000])
    (folder / "empty.png").write_bytes(b"")
    (folder / "text.jpg").write_text("not an image")
    Pillow.fromarray(np.zeros((40, 50, 3), np.uint8)).save(folder / "colour.png")
    out = tmp_path / "out"
    assert palpate("predict", run, folder, "--out", out, monkeypatch=monkeypatch) == 0
    written = json.loads((out / "predictions.json").read_text())
    assert sorted(image["image"] for image in written["images"]) == ["colour.png", "good.png"]
    assert sorted(written["failures"]) == ["cut.png", "empty.png", "text.jpg"]
    said = capsys.readouterr().err
    for name in ("cut.png", "empty.png", "text.jpg"):
        assert f"not predicted: {name}" in said.replace("\n", " ")
    assert "Traceback" not in said


def test_nothing_that_can_be_read_is_a_failure(run, tmp_path, monkeypatch, capsys):
    (tmp_path / "bad.png").write_bytes(b"")
    code = palpate(
        "predict", run, tmp_path / "bad.png", "--out", tmp_path / "o", monkeypatch=monkeypatch
    )
    assert code == 1
    assert "no image could be predicted" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("train", "nowhere", "--out", "run"), "nowhere"),
        (("predict", "norun", "STUDY", "--out", "o"), "no run folder norun"),
        (("predict", "none.onnx", "STUDY", "--out", "o"), "no model none.onnx"),
        (("train", "STUDY", "--out", "r", "--recipe", "defalt"), "did you mean 'default'"),
        (("train", "STUDY", "--out", "r", "--set", "training.epoch=1"), "did you mean 'epochs'"),
        (("evaluate", "RUN", "STUDY", "--out", "o", "--part", "tset"), "did you mean 'test'"),
        (("evaluate", "RUN", "STUDY", "--out", "o", "--part", "all"), "the run's split knows"),
        (("predict", "RUN", "nofilms", "--out", "o"), "no file or folder nofilms"),
        (("train", "STUDY", "--out", "r", "--device", "gpu"), "unknown device 'gpu'"),
        (("export", "RUN", "model.pt"), "must end in .onnx"),
        (("compare", "STUDY", "--recipes", "default", "--out", "o"), "two or more recipes"),
    ],
)
def test_a_mistake_gets_one_sentence_and_exit_code_1(
    words, said, study, run, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    places = {"STUDY": str(study), "RUN": str(run)}
    assert palpate(*(places.get(word, word) for word in words), monkeypatch=monkeypatch) == 1
    err = " ".join(capsys.readouterr().err.split())
    assert said in err
    assert "Traceback" not in err


def test_wrong_usage_has_exit_code_2(monkeypatch):
    assert palpate("train", monkeypatch=monkeypatch) == 2
    assert palpate("trian", monkeypatch=monkeypatch) == 2


def test_a_run_trained_on_other_landmarks_is_refused(study, run, tmp_path, monkeypatch, capsys):
    other = tmp_path / "other"
    shutil.copytree(study, other)
    table = other / "landmarks.csv"
    table.write_text(table.read_text().replace("C2_odontoid_tip", "dens_tip"))
    settings = (other / "study.toml").read_text()
    (other / "study.toml").write_text(settings.replace("C2_odontoid_tip", "dens_tip"))
    words = ("evaluate", run, other, "--out", tmp_path / "o")
    assert palpate(*words, monkeypatch=monkeypatch) == 1
    said = " ".join(capsys.readouterr().err.split())
    assert "trained on other landmarks" in said
    assert "'dens_tip'" in said


def test_a_full_disk_is_told_in_one_sentence(study, run, tmp_path, monkeypatch, capsys):
    def no_space(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("palpate.files.os.fsync", no_space)
    words = ("predict", run, study, "--out", tmp_path / "o", "--no-overlays")
    assert palpate(*words, monkeypatch=monkeypatch) == 1
    said = " ".join(capsys.readouterr().err.split())
    assert "No space left on device" in said
    assert "Traceback" not in said


def test_an_exported_model_predicts_the_same_without_torch(
    study, run, tmp_path, monkeypatch, capsys
):
    model = tmp_path / "model.onnx"
    assert palpate("export", run, model, monkeypatch=monkeypatch) == 0
    assert "px from the original" in capsys.readouterr().out
    image = sorted((study / "images").iterdir())[0]
    means = []
    for source, out in ((run, "a"), (model, "b")):
        words = ("predict", source, image, "--out", tmp_path / out, "--no-overlays")
        assert palpate(*words, monkeypatch=monkeypatch) == 0
        written = json.loads((tmp_path / out / "predictions.json").read_text())
        means.append(np.array(written["images"][0]["mean"]))
    assert np.abs(means[0] - means[1]).max() < 0.1


def test_crossval_and_compare_use_each_subject_once(study, tmp_path, monkeypatch, capsys):
    flags = ["--set", "input.size=[64, 64]", "--set", "training.batch=4"]
    flags += ["--set", "training.epochs=1", "--set", "training.precision=float32"]
    two = tmp_path / "two.toml"
    text = (files("palpate.training") / "recipes" / "default.toml").read_text(encoding="utf-8")
    two.write_text(text.replace('name = "default"', 'name = "l1"').replace("cross-entropy", "l1"))
    out = tmp_path / "compared"
    words = ("compare", study, "--recipes", f"default,{two}", "--folds", "2", "--out", out, *flags)
    assert palpate(*words, monkeypatch=monkeypatch) == 0
    comparison = json.loads((out / "comparison.json").read_text())
    assert comparison["baseline"] == "default"
    assert comparison["recipes"]["l1"]["images"] == 18
    row = comparison["differences"]["l1"][0]
    assert row["images"] == 18
    assert row["interval"][0] <= row["difference"] <= row["interval"][1]
    # The folds are there already: crossval of the same recipe does not train again.
    stamp = RunFolder(out / "default" / "fold-1").weights.stat().st_mtime_ns
    again = ("crossval", study, "--folds", "2", "--out", out / "default", *flags)
    assert palpate(*again, monkeypatch=monkeypatch) == 0
    assert RunFolder(out / "default" / "fold-1").weights.stat().st_mtime_ns == stamp
    assert (out / "default" / "report.html").exists()


def test_recipes_are_listed_with_their_counts(monkeypatch, capsys):
    assert palpate("recipes", monkeypatch=monkeypatch) == 0
    said = capsys.readouterr().out
    assert "3,402,074" not in said  # counts are for 29 landmarks
    for name in recipe_names():
        assert name in said
