"""Laws of training: it learns, it resumes to the same numbers, it refuses what cannot work."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest
from safetensors.numpy import load_file

from palpate.cli.train import train as train_verb
from palpate.errors import ConfigError, FormatError, PalpateError, StudyError
from palpate.image import Image
from palpate.localisers.load import load_localiser
from palpate.localisers.run_folder import RunFolder
from palpate.phantoms.write import write_phantom
from palpate.points import Points
from palpate.prediction import Prediction
from palpate.scheme import LandmarkScheme
from palpate.splits import Split
from palpate.study import open_study
from palpate.training import loop
from palpate.training.batches import epoch_batches
from palpate.training.calibrate import variance_factor
from palpate.training.job import TrainingJob
from palpate.training.recipe import read_recipe
from palpate.training.train import Manner, train

SMALL = [
    "input.size=[64, 64]",
    "training.batch=4",
    "training.precision=float32",
    "training.validate_every=1",
    "training.epochs=3",
    "training.keep=last",
]


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return open_study(write_phantom("cervical", tmp_path_factory.mktemp("p") / "s", n=12, seed=2))


def job(study, *changes, recipe="default"):
    # three films a subject: no subject is in two parts
    names = [case.identifier for case in study.cases]
    split = Split({"train": tuple(names[:9]), "validation": tuple(names[9:]), "test": ()})
    return TrainingJob(study, read_recipe(recipe, [*SMALL, *changes]), split)


def weights(run):
    return load_file(RunFolder(run).weights)


def assert_same(one, two):
    assert one.keys() == two.keys()
    for name, value in one.items():
        np.testing.assert_array_equal(value, two[name], err_msg=name)


@pytest.fixture(scope="module")
def whole_run(study, tmp_path_factory):
    run = tmp_path_factory.mktemp("run") / "whole"
    train(job(study), run)
    return run


def test_a_run_holds_what_is_needed_to_use_and_to_explain_it(whole_run, study):
    folder = RunFolder(whole_run)
    spec = folder.spec()
    assert spec.scheme.names == study.scheme.names
    assert spec.variance_factor is not None
    assert read_recipe(str(folder.recipe)).training.epochs == 3
    assert len(folder.log.read_text().splitlines()) == 4
    assert json.loads(folder.metrics.read_text())["steps"] == 6
    assert {"study", "seed", "split", "palpate", "torch"} <= folder.provenance_values().keys()
    assert not [path for path in whole_run.iterdir() if path.suffix in (".pkl", ".pt", ".pth")]


def test_the_same_seed_gives_the_same_weights(whole_run, study, tmp_path):
    train(job(study), tmp_path / "again")
    assert_same(weights(whole_run), weights(tmp_path / "again"))


def test_another_seed_gives_other_weights(whole_run, study, tmp_path):
    train(job(study, "training.seed=1"), tmp_path / "other")
    one, two = weights(whole_run), weights(tmp_path / "other")
    assert any((one[name] != two[name]).any() for name in one)


@pytest.mark.parametrize("epochs_before", [1, 2])
def test_a_run_that_was_stopped_resumes_to_the_same_weights(
    whole_run, study, tmp_path, monkeypatch, epochs_before
):
    """Stopped in the middle of an epoch; what was done since the checkpoint is done again."""
    monkeypatch.setattr(loop, "CHECKPOINT_SECONDS", 0.0)
    steps = 0

    def stop(what, done, total, remark):
        nonlocal steps
        steps += what == "training"
        if steps == 2 * epochs_before + 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(job(study), tmp_path / "cut", advance=stop)
    assert not RunFolder(tmp_path / "cut").localiser.exists()
    with pytest.raises(PalpateError, match="--resume"):
        load_localiser(tmp_path / "cut")
    train(job(study), tmp_path / "cut", manner=Manner(resume=True))
    assert_same(weights(whole_run), weights(tmp_path / "cut"))
    log = RunFolder(tmp_path / "cut").log.read_text()
    assert log == RunFolder(whole_run).log.read_text()


def test_dropout_resumes_to_the_same_weights(study, tmp_path, monkeypatch):
    """What is dropped follows from the step, not from how long the process has run."""
    monkeypatch.setattr(loop, "CHECKPOINT_SECONDS", 0.0)
    dropping = ("network.name=unet-dropout", "training.epochs=2")
    train(job(study, *dropping), tmp_path / "whole")

    def stop(what, done, total, remark):
        if what == "training" and done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(job(study, *dropping), tmp_path / "cut", advance=stop)
    train(job(study, *dropping), tmp_path / "cut", manner=Manner(resume=True))
    assert_same(weights(tmp_path / "whole"), weights(tmp_path / "cut"))


def test_a_killed_process_resumes_to_the_same_weights(study, tmp_path):
    """SIGKILL as soon as there is a checkpoint, then --resume, against an uninterrupted run."""
    settings = [*SMALL, "training.epochs=6"]
    flags = [word for change in settings for word in ("--set", change)]
    split = tmp_path / "split.json"
    job(study).split.write(split)
    command = [sys.executable, "-m", "palpate", "train", str(study.root), *flags]
    command += ["--split", str(split), "--device", "cpu"]
    killed = tmp_path / "killed"
    process = subprocess.Popen([*command, "--out", str(killed)], env=_environment())
    deadline = time.monotonic() + 120
    while not RunFolder(killed).last.exists() and time.monotonic() < deadline:
        if process.poll() is not None:
            break
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert RunFolder(killed).last.exists()
    for out, more in ((killed, ["--resume"]), (tmp_path / "whole", [])):
        subprocess.run([*command, "--out", str(out), *more], env=_environment(), check=True)
    assert_same(weights(killed), weights(tmp_path / "whole"))


def _environment():
    return {**os.environ, "OMP_NUM_THREADS": "1"}


def test_two_processes_reach_what_one_reaches(study, tmp_path):
    """torchrun with gloo, the same total batch: equal but for the order of sums."""
    flags = [word for change in [*SMALL, "training.epochs=2"] for word in ("--set", change)]
    split = tmp_path / "split.json"
    job(study).split.write(split)
    rest = ["train", str(study.root), "--split", str(split), "--device", "cpu", *flags]
    alone = [sys.executable, "-m", "palpate", *rest, "--out", str(tmp_path / "one")]
    runner = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    shared = [*runner, "-m", "palpate", *rest, "--out", str(tmp_path / "two")]
    for command in (alone, shared):
        subprocess.run(command, env=_environment(), check=True, capture_output=True)
    one, two = weights(tmp_path / "one"), weights(tmp_path / "two")
    before = np.concatenate([value.ravel() for value in one.values()])
    after = np.concatenate([value.ravel() for value in two.values()])
    # Adam divides by the root of tiny second moments, so that rounding is seen in few weights.
    assert np.abs(before - after).mean() < 1e-5
    assert np.corrcoef(before, after)[0, 1] > 0.999999


def test_it_learns(study, tmp_path):
    """Two films by heart: the error falls far below that of the first epoch."""
    names = tuple(case.identifier for case in study.cases[:2])
    changes = ["training.steps=60", "training.batch=2", "augment.rotation_deg=0"]
    changes += ["augment.scale=0", "augment.hide=0", "training.validate_every=20"]
    recipe = read_recipe("default", [*SMALL, "input.size=[96, 128]", *changes])
    split = Split({"train": names, "validation": ()})
    run = tmp_path / "run"
    train(TrainingJob(study, recipe, split), run)
    localiser = load_localiser(run)
    case = study.case(names[0])
    found = localiser.predict(study.load(case).image)
    assert np.linalg.norm(found.mean - case.points.coordinates, axis=1).mean() < 12


def test_a_prediction_is_in_pixels_of_the_image_as_given(whole_run, study):
    """Twice as large an image gives points at twice the place, edges on edges."""
    localiser = load_localiser(whole_run)
    image = study.load(study.cases[0]).image
    large = Image(image.pixels.repeat(2, axis=1).repeat(2, axis=2), "large")
    one, two = localiser.predict(image), localiser.predict(large)
    np.testing.assert_allclose(two.mean, one.mean * 2 + 0.5, atol=2.0)


def test_a_run_is_not_overwritten(whole_run, study):
    with pytest.raises(PalpateError, match="already holds a run"):
        train(job(study), whole_run)


def test_a_finished_run_is_left_alone_by_resume(whole_run, study):
    before = RunFolder(whole_run).weights.stat().st_mtime_ns
    train(job(study), whole_run, manner=Manner(resume=True))
    assert RunFolder(whole_run).weights.stat().st_mtime_ns == before


def test_resuming_another_recipe_is_refused(study, tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "CHECKPOINT_SECONDS", 0.0)
    run = tmp_path / "run"
    train(job(study), run)
    RunFolder(run).localiser.unlink()
    with pytest.raises(ConfigError, match="begun with another recipe"):
        train(job(study, "optimiser.learning_rate=0.5"), run, manner=Manner(resume=True))


def test_there_is_nothing_to_resume(study, tmp_path):
    with pytest.raises(PalpateError, match="nothing to resume"):
        train(job(study), tmp_path / "none", manner=Manner(resume=True))


def test_a_cut_checkpoint_is_named(study, tmp_path):
    run = tmp_path / "run"
    train(job(study), run)
    RunFolder(run).localiser.unlink()
    last = RunFolder(run).last
    last.write_bytes(last.read_bytes()[:1000])
    with pytest.raises(FormatError, match=r"last\.safetensors"):
        train(job(study), run, manner=Manner(resume=True))


def test_cut_weights_are_named(whole_run, study, tmp_path):
    run = tmp_path / "run"
    train(job(study), run)
    folder = RunFolder(run)
    folder.weights.write_bytes(folder.weights.read_bytes()[:5000])
    with pytest.raises(FormatError, match=r"weights\.safetensors"):
        load_localiser(run)


def test_a_loss_that_is_not_finite_stops_with_advice(study, tmp_path):
    wild = job(study, "optimiser.learning_rate=1e30", "loss.name=l2", "optimiser.clip_norm=1e30")
    with pytest.raises(PalpateError, match=r"lower optimiser\.learning_rate"):
        train(wild, tmp_path / "run")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("network.name=unett", "no network 'unett'; did you mean 'unet'"),
        ("loss.name=l3", "no loss 'l3'"),
        ("loss.name=wing", "does not fit a network that puts out heatmap"),
        ("input.size=[60, 64]", "multiples of 32"),
    ],
)
def test_what_does_not_fit_is_refused_before_training(study, tmp_path, change, words):
    with pytest.raises(ConfigError, match=words):
        train(job(study, change), tmp_path / "run")


def test_a_subject_in_two_parts_is_refused(study, tmp_path):
    names = [case.identifier for case in study.cases]
    leak = next(c.identifier for c in study.cases[1:] if c.subject == study.cases[0].subject)
    rest = tuple(name for name in names if name != leak)
    Split({"train": rest, "test": (leak,)}).write(tmp_path / "leak.json")
    with pytest.raises(PalpateError, match=study.cases[0].subject):
        train_verb(study.root, out=tmp_path / "run", split=tmp_path / "leak.json")


def test_an_unannotated_image_in_a_split_is_named(study, tmp_path):
    bare = replace(study.cases[0], annotations={}, reference=None)
    partly = replace(study, cases=(bare, *study.cases[1:]))
    with pytest.raises(StudyError, match=f"{bare.identifier}.* not annotated"):
        train(job(partly), tmp_path / "run")


@pytest.mark.parametrize("recipe", ["posenet-ic"])
def test_a_published_recipe_trains(study, tmp_path, recipe):
    small = job(study, "input.size=[128, 128]", "training.epochs=1", recipe=recipe)
    train(small, tmp_path / "run")
    found = load_localiser(tmp_path / "run").predict(study.load(study.cases[0]).image)
    assert found.found.all()


def test_every_image_is_visited_once_an_epoch_in_a_new_order():
    first = epoch_batches(12, 4, epoch=0, seed=0)
    second = epoch_batches(12, 4, epoch=1, seed=0)
    assert sorted(i for batch in first for i in batch) == list(range(12))
    assert first != second


def test_the_variance_factor_is_recovered():
    """Errors drawn three times as wide as stated need nine times the variance."""
    rng = np.random.default_rng(0)
    scheme = LandmarkScheme("many", tuple(f"p{i}" for i in range(400)))
    covariance = np.array([[4.0, 1.0], [1.0, 2.0]])
    truth = Points.of(scheme, rng.uniform(0, 100, (400, 2)))
    errors = 3 * rng.multivariate_normal([0, 0], covariance, (10, 400))
    stated = np.repeat(covariance[None], 400, axis=0)
    predictions = [
        Prediction(scheme, truth.coordinates + e, stated, np.ones(400), "test") for e in errors
    ]
    calibration = variance_factor(predictions, [truth] * 10)
    assert calibration.factor == pytest.approx(9.0, rel=0.05)


def test_too_few_landmarks_calibrate_nothing():
    scheme = LandmarkScheme("few", ("a", "b"))
    truth = Points.of(scheme, np.zeros((2, 2)))
    assert variance_factor([Prediction.exact(truth, made_by="x")] * 0, []) is None
