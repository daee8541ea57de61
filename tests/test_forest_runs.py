"""Forests from a study to a run folder, and used from there."""

import json

import numpy as np
import pytest

from palpate.errors import ConfigError, GeometryError
from palpate.image import Image
from palpate.localisers.forest import ForestLocaliser
from palpate.localisers.load import load_localiser
from palpate.localisers.localiser import Localiser
from palpate.localisers.run_folder import RunFolder
from palpate.phantoms.write import write_phantom
from palpate.splits import Split
from palpate.study import open_study
from palpate.training.job import TrainingJob, silent
from palpate.training.recipe import read_recipe
from palpate.training.train import Manner
from palpate.workflows.export import export_onnx
from palpate.workflows.train_job import train_job

LEVEL = "{long_side_px=60, patch_px=25, reach_px=12, search_px=10, rounds=2, radius_px=10.0}"
SMALL = [
    f"forest.levels=[{LEVEL}]",
    "forest.tree.trees=3",
    "forest.poses=2",
    "forest.search.samples=2000",
]


@pytest.fixture(scope="module")
def job(tmp_path_factory):
    study = open_study(write_phantom("femur", tmp_path_factory.mktemp("femur") / "study", n=9))
    names = tuple(case.identifier for case in study.cases)
    parts = {"train": names[:6], "validation": names[6:8], "test": names[8:]}
    split = Split(parts=parts, seed=0, by="given")
    return TrainingJob(study, read_recipe("rfrv-clm", SMALL), split)


@pytest.fixture(scope="module")
def run(job, tmp_path_factory):
    out = tmp_path_factory.mktemp("forest") / "run"
    train_job(job, out, manner=Manner(), advance=silent)
    return out


def test_a_run_of_forests_finds_the_points_of_a_film_that_it_never_saw(job, run):
    localiser = load_localiser(run)
    assert isinstance(localiser, ForestLocaliser)
    assert isinstance(localiser, Localiser)
    sample = job.study.load(job.study.case(job.part("test")[0]))
    found = localiser.predict(sample.image)
    truth = sample.points.coordinates
    error = np.linalg.norm(found.mean - truth, axis=1)[sample.points.present]
    size = np.nanmax(truth, axis=0) - np.nanmin(truth, axis=0)
    assert error.mean() < 0.1 * size.max()
    assert found.localiser.startswith("rfrv-clm on ")


def test_covariances_are_calibrated_on_validation_subjects(job, run):
    assert load_localiser(run).variance_factor > 0
    metrics = json.loads(RunFolder(run).metrics.read_text())
    assert metrics["films"] == 6
    assert metrics["variance_factor_images"] == 2


def test_the_same_seed_gives_the_same_file(job, run, tmp_path):
    train_job(job, tmp_path / "again", manner=Manner(), advance=silent)
    again = RunFolder(tmp_path / "again")
    assert again.weights.read_bytes() == RunFolder(run).weights.read_bytes()
    assert again.description() == RunFolder(run).description()


def test_a_finished_run_is_left_alone(job, run):
    before = RunFolder(run).weights.stat().st_mtime_ns
    train_job(job, run, manner=Manner(), advance=silent)
    assert RunFolder(run).weights.stat().st_mtime_ns == before


def test_points_stay_in_the_frame_of_the_whole_image(job, run):
    localiser = load_localiser(run)
    image = job.study.load(job.study.case(job.part("test")[0])).image
    plain = localiser.predict(image).mean
    black = np.pad(image.pixels, ((0, 0), (40, 0), (30, 0)))
    region = (30, 40, image.size[0], image.size[1])
    inside = localiser.predict(Image(black, "padded", region=region)).mean
    np.testing.assert_allclose(inside - (30, 40), plain, atol=1e-6)


def test_what_cannot_be_done_is_refused_by_name(run, tmp_path):
    localiser = load_localiser(run)
    with pytest.raises(GeometryError, match=r"'grey'.*one grey value"):
        localiser.predict(Image(np.full((1, 300, 300), 7, np.uint8), "grey"))
    with pytest.raises(ConfigError, match="a network is needed here, and this run is a forest"):
        export_onnx(run, tmp_path / "model.onnx")
