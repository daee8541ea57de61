"""Laws of folds: each half is judged by weights it did not choose, and no subject leaks."""

import json
from dataclasses import replace

import numpy as np
import pytest
from safetensors.numpy import load_file

from palpate.errors import ConfigError, PalpateError, StudyError
from palpate.files import sha256
from palpate.image import Image
from palpate.localisers.run_folder import RunFolder
from palpate.phantoms.write import write_phantom
from palpate.splits import Split
from palpate.study import Study, open_study
from palpate.study_case import ClipFrame
from palpate.training import loop
from palpate.training import train as train_module
from palpate.training.job import TrainingJob
from palpate.training.recipe import CrossvalSettings, read_recipe
from palpate.training.train import Manner, train
from palpate.workflows.compare import compare_recipes
from palpate.workflows.crossval import cross_validate, judge_folds
from palpate.workflows.folds import fold_job, halves_of, make_folds
from palpate.workflows.train_folds import Workers

SMALL = [
    "input.size=[32, 32]",
    "training.batch=2",
    "training.precision=float32",
    "training.epochs=2",
    "training.validate_every=1",
    "training.keep=best",
]
HALVES = ["crossval.choose=halves", "crossval.folds=subjects", "training.validations_per_epoch=4"]


def quiet(*_):
    """Show nothing."""


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return open_study(write_phantom("cervical", tmp_path_factory.mktemp("p") / "s", n=12, seed=2))


def recipe(*changes, base="default"):
    return read_recipe(base, [*SMALL, *changes])


def test_an_epoch_is_validated_in_parts_and_both_halves_choose(study, tmp_path):
    chosen = recipe(*HALVES)
    folds = make_folds(study, chosen.crossval, seed=0, only=1)
    assert folds.splits[0].parts["validation"] == ()
    job = fold_job(folds, 0, chosen)
    assert sorted(name for half in job.halves for name in half) == sorted(job.part("test"))
    train(job, tmp_path / "run")
    folder = RunFolder(tmp_path / "run")
    rows = folder.log.read_text().splitlines()
    assert rows[0] == "epoch,step,learning_rate,loss,half_1_px,half_2_px"
    # nine films in batches of two: four steps an epoch, each its own part
    assert [row.split(",")[0] for row in rows[1:]] == [
        "0.25",
        "0.5",
        "0.75",
        "1",
        "1.25",
        "1.5",
        "1.75",
        "2",
    ]
    best = np.array([row.split(",")[4:] for row in rows[1:]], float).min(axis=0)
    for part, smallest in zip((folder, folder.second), best, strict=True):
        metrics = json.loads(part.metrics.read_text())
        index = 0 if part == folder else 1
        assert metrics["best_validation_px"][index] == pytest.approx(smallest)
        # what was kept is what was best on this half: measured again, it gives the same
        assert metrics["validation_mean_radial_error_px"] == pytest.approx(smallest, rel=1e-3)


def test_each_half_is_judged_by_what_the_other_chose(study, tmp_path, monkeypatch):
    chosen = recipe(*HALVES)
    folds = make_folds(study, chosen.crossval, seed=0, only=1)
    cross_validate(folds, chosen, tmp_path, workers=Workers(device="cpu"), advance=quiet)
    folder = RunFolder(tmp_path / "fold-1")
    first, second = folder.read_halves()
    judged = judge_folds(folds, tmp_path)
    assert sorted(case.identifier for case in judged.cases) == sorted([*first, *second])
    by = {image.image: image.prediction.localiser for image in judged.predicted}
    hashes = [sha256(f.weights)[:12] for f in (folder, folder.second)]
    assert all(by[name].endswith(hashes[0]) for name in second)
    assert all(by[name].endswith(hashes[1]) for name in first)


def test_a_run_stopped_in_a_part_of_an_epoch_resumes_to_the_same(study, tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "CHECKPOINT_SECONDS", 0.0)
    job = fold_job(make_folds(study, recipe(*HALVES).crossval, seed=0), 0, recipe(*HALVES))
    train(job, tmp_path / "whole")
    steps = 0

    def stop(what, done, total, remark):
        nonlocal steps
        steps += what == "training"
        if steps == 6:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(job, tmp_path / "cut", advance=stop)
    train(job, tmp_path / "cut", manner=Manner(resume=True))
    for one, two in ((RunFolder(tmp_path / n) for n in ("whole", "cut")),):
        assert one.log.read_text() == two.log.read_text()
        for a, b in ((one, two), (one.second, two.second)):
            left, right = load_file(a.weights), load_file(b.weights)
            assert all((left[name] == right[name]).all() for name in left)


def test_patience_counts_validations_since_either_half_fell(study, tmp_path, monkeypatch):
    script = iter([(5.0, 5.0), (4.0, 5.0), (4.0, 3.0), *[(4.0, 3.0)] * 9])
    pending = []

    def scripted(localiser, images):
        if not pending:
            pending.extend(next(script))
        return pending.pop(0)

    monkeypatch.setattr(train_module, "mean_radial_error_px", scripted)
    chosen = recipe(*HALVES, "training.epochs=9", "training.patience=3")
    job = fold_job(make_folds(study, chosen.crossval, seed=0), 0, chosen)
    train(job, tmp_path / "run")
    assert len(RunFolder(tmp_path / "run").log.read_text().splitlines()) == 1 + 3 + 3


def clips_of(study, clips):
    """The study's cases as if they were frames of clips."""
    cases = tuple(
        replace(case, clip=ClipFrame(clips[i], i, i / 25, (100, 100)))
        for i, case in enumerate(study.cases)
    )
    return Study(study.name, study.root, study.landmarks, cases, study.settings)


def test_clips_are_not_cut_where_there_are_two(study):
    one = [replace(case, subject="child") for case in study.cases]
    clipped = clips_of(Study("s", study.root, study.landmarks, tuple(one)), list("aaaaabbbccdd"))
    first, second = halves_of(clipped.cases)
    clip = {case.identifier: case.clip.clip for case in clipped.cases}
    assert {clip[name] for name in first} == {"a"} | ({clip[name] for name in first} - {"a"})
    assert not {clip[name] for name in first} & {clip[name] for name in second}
    assert abs(len(first) - len(second)) <= 2


def test_images_of_no_clip_are_cut_in_their_order(study):
    one = [replace(case, subject="child") for case in study.cases]
    first, second = halves_of(one)
    names = [case.identifier for case in one]
    assert first == tuple(names[:6])
    assert second == tuple(names[6:])
    with pytest.raises(StudyError, match="two halves need two"):
        halves_of(one[:1])


def test_several_folds_at_a_time_give_the_same_weights(study, tmp_path):
    chosen = recipe("training.epochs=1", "training.validate_every=1")
    folds = make_folds(study, CrossvalSettings(folds=2), seed=0)
    told = set()

    def tell(number, what, done, total, remark):
        told.add(number)

    for jobs in (1, 2):
        workers = Workers(jobs, "cpu")
        cross_validate(folds, chosen, tmp_path / str(jobs), workers=workers, advance=tell)
    assert told == {0, 1}
    for fold in ("fold-1", "fold-2"):
        one, two = (load_file(RunFolder(tmp_path / jobs / fold).weights) for jobs in "12")
        for name in one:  # another number of threads adds in another order
            np.testing.assert_allclose(one[name], two[name], atol=2e-4)


def test_a_fold_that_fails_is_named_and_the_others_are_finished(study, tmp_path):
    chosen = recipe("training.epochs=1")
    folds = make_folds(study, CrossvalSettings(folds=2), seed=0)
    other = tmp_path / "fold-1"
    other.mkdir()
    (other / "weights.safetensors").write_bytes(b"of something else")
    (other / "last.safetensors").write_bytes(b"of something else")
    with pytest.raises(PalpateError, match=r"fold 1 failed: .*run it again"):
        cross_validate(folds, chosen, tmp_path, workers=Workers(2, "cpu"), advance=quiet)
    assert RunFolder(tmp_path / "fold-2").localiser.exists()


def test_a_planted_leak_is_refused(study):
    """The same film under another subject's name would be in training of its own fold."""
    cases = list(study.cases)
    copied = replace(cases[0], identifier="copy.png", subject="somebody else")
    leaky = Study("s", study.root, study.landmarks, (*cases, copied))
    with pytest.raises(StudyError, match=r"'copy.png'|nearly the same image"):
        make_folds(leaky, CrossvalSettings(folds="subjects", choose="halves"), seed=0)


def test_one_subject_cannot_be_left_out(study):
    alone = Study("s", study.root, study.landmarks, study.cases[:3])
    assert len({case.subject for case in alone.cases}) == 1
    with pytest.raises(StudyError, match="of one subject"):
        make_folds(alone, CrossvalSettings(folds="subjects"), seed=0)


def test_halves_are_the_held_out_images(study):
    names = [case.identifier for case in study.cases]
    split = Split({"train": tuple(names[:9]), "test": tuple(names[9:])})
    with pytest.raises(StudyError, match="each of them once"):
        TrainingJob(study, recipe(), split, (tuple(names[9:]), tuple(names[8:9])))


def test_recipes_that_choose_in_other_ways_are_not_compared(study, tmp_path):
    one, two = recipe(), recipe(*HALVES).model_copy(update={"name": "other"})
    folds = make_folds(study, one.crossval, seed=0, count=2)
    with pytest.raises(ConfigError, match=r"differ in \[crossval\]"):
        compare_recipes(folds, [one, two], tmp_path, workers=Workers(), advance=quiet)


def test_the_region_is_what_the_network_sees():
    """A frame outside its region changes nothing, or the crop would not be static."""
    from palpate.augment.resample import fit, prepare, resample

    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 255, (3, 60, 80), dtype=np.uint8)
    far = pixels.copy()
    far[:, :, 70:] = 0
    region = (10, 5, 40, 40)
    seen = []
    for some in (pixels, far):
        prepared = prepare(Image(some, "a", region=region), (32, 32), colour=True)
        seen.append(resample(prepared, fit(region, (32, 32)), (32, 32)))
    np.testing.assert_array_equal(*seen)
