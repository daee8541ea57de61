"""Laws of honesty: baselines, shuffled labels at chance, and only the same ground is compared."""

import csv
import json
import re
import shutil
from dataclasses import dataclass, replace

import numpy as np
import PIL.Image
import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from palpate.cli.compare import compare
from palpate.cli.honesty import honesty
from palpate.errors import ConfigError, PalpateError, StudyError
from palpate.evaluation.baselines import (
    MEAN_SHAPE,
    NEAREST,
    Marked,
    carried,
    in_shares,
    mean_shape,
    nearest_film,
)
from palpate.evaluation.evaluate import evaluate
from palpate.files import write_json
from palpate.io.predictions import PredictionFile, write_predictions
from palpate.localisers.run_folder import RunFolder
from palpate.points import Points
from palpate.prediction import Prediction
from palpate.scheme import LandmarkScheme
from palpate.splits import Split
from palpate.study import open_study
from palpate.training.recipe import read_recipe
from palpate.training.record import write_request
from palpate.workflows import crossval as crossval_module
from palpate.workflows import train_folds as train_folds_module
from palpate.workflows.baselines import baseline_cases, read_marked, study_baselines
from palpate.workflows.compare import compare_recipes, write_comparison
from palpate.workflows.compare_runs import compare_finished, read_finished
from palpate.workflows.crossval import cross_validate
from palpate.workflows.evaluate import pair
from palpate.workflows.folds import make_folds
from palpate.workflows.honesty import find_leaks, judge_honesty
from palpate.workflows.honesty_runs import (
    cut_openly,
    plan_honesty,
    shuffled_study,
    thrown,
    train_planned,
)
from palpate.workflows.honesty_told import told, write_honesty
from palpate.workflows.same_ground import LABELS
from palpate.workflows.train_folds import Workers

TWO = LandmarkScheme("two", ("a", "b"))
SIDE = 48


def quiet(*_):
    """Show nothing."""


def rng(seed=0):
    return np.random.default_rng(seed)


def marked(name, points, size=(100, 50), features=None):
    return Marked(name, size, Points.of(TWO, points), features)


# --- baselines


def test_the_mean_shape_of_a_worked_example():
    films = [
        marked("1", [[9.5, 4.5], [np.nan, np.nan]]),
        marked("2", [[29.5, 14.5], [49.5, 24.5]]),
        marked("3", [[59.5, 29.5], [np.nan, np.nan]], size=(200, 100)),
    ]
    # a at 0.1, 0.3 and 0.3 of the width and of the height; b on one film alone, in its middle
    found = mean_shape(films, (300, 600)).coordinates
    np.testing.assert_allclose(found, [[70 - 0.5, 140 - 0.5], [149.5, 299.5]])
    absent = mean_shape(films[::2], (10, 10))
    assert absent.present.tolist() == [True, False]
    with pytest.raises(StudyError, match="one annotated training film"):
        mean_shape([], (10, 10))


coordinates = st.lists(st.floats(0, 40), min_size=4, max_size=4)


@given(coordinates, st.integers(1, 4), st.integers(1, 4))
def test_a_shape_carried_over_keeps_its_shares_and_comes_back(values, wider, higher):
    film = marked("1", np.reshape(values, (2, 2)))
    size = (100 * wider, 50 * higher)
    there = carried(film, size)
    np.testing.assert_allclose(
        in_shares(Marked("2", size, there)), in_shares(film), rtol=0, atol=1e-12
    )
    back = carried(Marked("2", size, there), film.size)
    np.testing.assert_allclose(back.coordinates, film.points.coordinates, rtol=0, atol=1e-9)
    np.testing.assert_allclose(
        mean_shape([film, Marked("2", size, there)], film.size).coordinates,
        film.points.coordinates,
        rtol=0,
        atol=1e-9,
    )


def test_the_nearest_film_does_not_hang_on_the_order_of_the_films():
    rows = np.eye(3)
    films = [marked(name, [[1, 1], [2, 2]], features=rows[k]) for k, name in enumerate("abc")]
    assert nearest_film(films, rows[1]).identifier == "b"
    level = np.array([0.0, 0.7, 0.7])
    assert {nearest_film(order, level).identifier for order in (films, films[::-1])} == {"b"}
    with pytest.raises(StudyError, match="looked at"):
        nearest_film([marked("d", [[1, 1], [2, 2]])], level)


# --- a study with a bright dot at a and a dark one at b, and a method that can learn it


def picture(points, seed):
    pixels = rng(seed).integers(110, 140, (SIDE, SIDE), dtype=np.uint8)
    (ax, ay), (bx, by) = np.rint(points).astype(int)
    pixels[ay, ax], pixels[by, bx] = 255, 0
    return pixels


def draw_study(root, subjects=15, seed=4):
    (root / "images").mkdir(parents=True)
    places = rng(seed).integers(4, SIDE - 4, (subjects, 2, 2)).astype(float)
    rows = ["image,subject,a_x,a_y,b_x,b_y"]
    for k, points in enumerate(places):
        PIL.Image.fromarray(picture(points, k)).save(root / "images" / f"{k:02}.png")
        rows.append(f"{k:02}.png,p{k}," + ",".join(str(v) for v in points.ravel()))
    (root / "landmarks.csv").write_text("\n".join([*rows, ""]))
    return root


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return draw_study(tmp_path_factory.mktemp("study") / "dots")


@pytest.fixture(scope="module")
def study(root):
    return open_study(root)


@dataclass
class Learner:
    """Finds the dots where the labels of its training lay on them, else says their mean.

    With ``leak`` it has kept the labels of everybody, whatever it was given to learn.
    """

    study: object
    leak: bool = False
    trained: int = 0

    def __call__(self, job, out, *, manner, advance):
        self.trained += 1
        folder = RunFolder(out)
        write_request(folder, job, command="")
        points = np.stack([job.study.case(n).points.coordinates for n in job.part("train")])
        dots = np.stack([self.dots(job.study.load(job.study.case(n))) for n in job.part("train")])
        content = {"sees": bool(np.allclose(points, dots)), "mean": points.mean(axis=0).tolist()}
        write_json(folder.localiser, content)

    @staticmethod
    def dots(sample):
        pixels = sample.image.pixels
        flat = [int(np.argmax(pixels)), int(np.argmin(pixels))]
        return np.array([divmod(place, SIDE)[::-1] for place in flat], dtype=float)

    def load(self, root):
        return Loaded(self, json.loads(RunFolder(root).localiser.read_text()))


@dataclass
class Loaded:
    learner: Learner
    kept: dict
    name: str = "learner"
    weights: str = "abc"
    protocol: str = ""
    variance_factor: float | None = None

    @property
    def scheme(self):
        return self.learner.study.scheme

    def predict(self, image):
        case = self.learner.study.case(image.identifier)
        if self.learner.leak:
            found = case.points.coordinates + 1.0
        elif self.kept["sees"]:
            found = self.learner.dots(self.learner.study.load(case))
        else:
            found = np.array(self.kept["mean"])
        return Prediction.exact(Points.of(self.scheme, found), made_by="learner")


@pytest.fixture
def learner(study, monkeypatch):
    one = Learner(study)
    monkeypatch.setattr(train_folds_module, "train_job", one)
    monkeypatch.setattr(crossval_module, "load_localiser", one.load)
    return one


RECIPE = read_recipe("default")
OTHER = RECIPE.model_copy(update={"name": "other"})


def cases_of(study, split, off=0.0):
    return [pair(study.case(name), predicted(study, name, off=off)) for name in split.parts["test"]]


def predicted(study, name, off=0.0):
    from palpate.io.predictions import PredictedImage

    points = study.case(name).points
    moved = replace(points, coordinates=points.coordinates + off)
    subject = study.case(name).subject
    return PredictedImage(name, Prediction.exact(moved, made_by="t"), (SIDE, SIDE), subject)


def test_baselines_learn_from_the_training_part_alone(study):
    folds = make_folds(study, RECIPE.crossval, seed=0, count=5, only=2)
    cases = [case for split in folds.splits for case in cases_of(study, split)]
    found = baseline_cases(read_marked(study), folds.splits, cases)
    assert list(found) == [MEAN_SHAPE, NEAREST]
    for split in folds.splits:
        names = split.parts["train"]
        mean = np.mean([study.case(n).points.coordinates for n in names], axis=0)
        shapes = {study.case(n).points.coordinates.tobytes() for n in names}
        for of_mean, of_nearest in zip(found[MEAN_SHAPE], found[NEAREST], strict=True):
            if of_mean.identifier in split.parts["test"]:
                np.testing.assert_allclose(of_mean.prediction.mean, mean, rtol=0, atol=1e-9)
                near = np.round(of_nearest.prediction.mean, 9)
                assert near.tobytes() in shapes
    backwards = baseline_cases(read_marked(study), folds.splits, cases[::-1])
    one, two = (
        {c.identifier: c.prediction.mean.tolist() for c in given_[NEAREST]}
        for given_ in (found, backwards)
    )
    assert one == two


def test_a_copy_in_the_training_part_is_the_nearest_film(root, tmp_path):
    shutil.copytree(root, tmp_path / "s")
    shutil.copy(tmp_path / "s/images/03.png", tmp_path / "s/images/99.png")
    with (tmp_path / "s/landmarks.csv").open("a") as stream:
        stream.write("99.png,p99,1,2,3,4\n")
    copied = open_study(tmp_path / "s")
    split = Split({"train": ("99.png", "01.png", "02.png"), "test": ("03.png",)})
    found = baseline_cases(read_marked(copied), [split], cases_of(copied, split))
    np.testing.assert_allclose(found[NEAREST][0].prediction.mean, [[1, 2], [3, 4]], atol=1e-9)


def test_baselines_stand_beside_an_evaluation_or_are_left_out_whole(study):
    split = make_folds(study, RECIPE.crossval, seed=0, count=5, only=1).splits[0]
    figures = evaluate(cases_of(study, split, off=1.0), normaliser=None, rng=rng(), resamples=50)
    found = study_baselines(study, [split], figures, seed=0)
    assert [one.name for one in found] == [MEAN_SHAPE, NEAREST]
    assert all(one.evaluation.overall.count == figures.overall.count for one in found)
    elsewhere = Split({"train": split.parts["train"], "test": ()})
    assert study_baselines(study, [elsewhere], figures, seed=0) == ()


# --- shuffled labels


def lengths(case):
    """Distances between the landmarks of a film, whatever its turn and place."""
    points = case.points.coordinates
    return np.linalg.norm(points[:, None] - points[None], axis=2).round(6).tolist()


def test_shuffling_moves_whole_subjects_and_leaves_the_held_out(study):
    split = Split(
        {
            "train": tuple(f"{k:02}.png" for k in range(10)),
            "validation": ("10.png", "11.png"),
            "test": ("12.png", "13.png", "14.png"),
        }
    )
    films = read_marked(study)
    shuffled = shuffled_study(study, split, films, rng(1))
    true, mixed = ({c.identifier: lengths(c) for c in one.cases} for one in (study, shuffled))
    learnt = [*split.parts["train"], *split.parts["validation"]]
    assert all(mixed[name] != true[name] for name in learnt)
    assert sorted(mixed[name] for name in learnt) == sorted(true[name] for name in learnt)
    where = {c.identifier: c.points.coordinates.tolist() for c in shuffled.cases}
    own = {c.identifier: c.points.coordinates.tolist() for c in study.cases}
    assert all(where[name] == own[name] for name in split.parts["test"])
    again = shuffled_study(study, split, films, rng(1))
    assert where == {c.identifier: c.points.coordinates.tolist() for c in again.cases}
    with pytest.raises(StudyError, match="two subjects"):
        shuffled_study(study, Split({"train": ("00.png",)}), films, rng())


def test_a_thrown_shape_lies_anywhere_on_the_film_and_is_still_a_shape():
    scheme = LandmarkScheme("three", ("a", "b", "c"))
    shape = Points.of(scheme, [[10.0, 10.0], [40.0, 10.0], [np.nan, np.nan]])
    found = np.stack([thrown(shape, (101, 61), rng(k)).coordinates for k in range(300)])
    assert np.isnan(found[:, 2]).all()
    first, second = found[:, 0], found[:, 1]
    np.testing.assert_allclose(np.linalg.norm(first - second, axis=1), 30.0)
    both = np.concatenate([first, second])
    assert (both >= -1e-9).all()
    assert (both <= [100.0 + 1e-9, 60.0 + 1e-9]).all()
    # On average it says nothing of either landmark: both lie in the middle.
    np.testing.assert_allclose(first.mean(axis=0), [50.0, 30.0], atol=4.0)
    np.testing.assert_allclose(second.mean(axis=0), [50.0, 30.0], atol=4.0)
    large = thrown(Points.of(scheme, [[0.0, 0.0], [90.0, 0.0], [0.0, 1.0]]), (61, 61), rng(3))
    assert (large.coordinates >= -1e-9).all()
    assert (large.coordinates <= 60.0 + 1e-9).all()


def checked(study, out, *, only=2, finished=None):
    cut = cut_openly(study, RECIPE, seed=0, count=3, only=only)
    planned = plan_honesty(cut, RECIPE, out, seed=0, finished=finished)
    train_planned(planned, device="cpu", advance=quiet)
    return judge_honesty(planned)


def test_an_honest_method_passes(study, learner, tmp_path):
    found = checked(study, tmp_path)
    assert found.passed
    assert found.at_chance
    assert found.model.overall.mean == 0
    # what is learnt from shuffled labels is the middle of the film, no nearer than the mean shape
    assert found.shuffled.overall.mean >= 0.95 * found.baselines[0].evaluation.overall.mean
    sentences = told(found)
    assert sentences[0].startswith("Nothing speaks against")
    assert "at chance, as they must be" in " ".join(sentences)
    write_honesty(found, tmp_path, {"study": "dots"})
    written = json.loads((tmp_path / "honesty.json").read_text())
    assert written["passed"]
    assert written["sentences"] == list(sentences)
    before = learner.trained
    assert told(checked(study, tmp_path)) == sentences
    assert learner.trained == before


def test_a_method_that_has_seen_the_held_out_is_found_out(study, learner, tmp_path):
    learner.leak = True
    found = checked(study, tmp_path)
    assert not found.at_chance
    assert not found.passed
    sentences = " ".join(told(found))
    assert "Do not lean on the figures" in sentences
    assert "held-out images or labels have reached the training" in sentences


def test_a_method_that_has_learnt_nothing_is_named(study, learner, tmp_path, monkeypatch):
    monkeypatch.setattr(Learner, "dots", staticmethod(lambda _: np.zeros((2, 2))))
    found = checked(study, tmp_path)
    assert found.at_chance
    assert not found.has_learnt
    assert "cannot be told from the mean shape" in " ".join(told(found))


def test_copies_under_two_subjects_are_reported_not_refused(root, learner, tmp_path):
    shutil.copytree(root, tmp_path / "s")
    for k in range(3):
        shutil.copy(tmp_path / f"s/images/{k:02}.png", tmp_path / f"s/images/9{k}.png")
        with (tmp_path / "s/landmarks.csv").open("a") as stream:
            stream.write(f"9{k}.png,p9{k},10,10,20,20\n")
    copied = open_study(tmp_path / "s")
    learner.study = copied
    found = checked(copied, tmp_path / "out", only=3)
    assert len(found.copies) == 3
    assert found.leaks
    assert not found.passed
    sentences = " ".join(told(found))
    assert "nearly the same image" in sentences
    assert "same_subject" in sentences


def test_a_subject_in_two_parts_is_a_leak(study):
    cut = cut_openly(study, RECIPE, seed=0, count=3, only=1)
    test, train = (cut.splits[0].parts[part][0] for part in ("test", "train"))
    cases = tuple(
        replace(case, subject="one") if case.identifier in (test, train) else case
        for case in study.cases
    )
    leaks = find_leaks(replace(cut, study=replace(study, cases=cases)), ())
    assert [{leak.first, leak.second} for leak in leaks] == [{test, train}]


def test_finished_folds_are_taken_and_others_are_refused(study, learner, tmp_path):
    folds = make_folds(study, RECIPE.crossval, seed=0, count=3, only=1)
    cross_validate(folds, RECIPE, tmp_path / "cv", workers=Workers(1, "cpu"), advance=quiet)
    assert checked(study, tmp_path / "out", only=1, finished=tmp_path / "cv").passed
    assert learner.trained == 2
    with pytest.raises(ConfigError, match="no finished fold"):
        checked(study, tmp_path / "out", only=2, finished=tmp_path / "cv")
    cut = cut_openly(study, RECIPE, seed=0, count=3, only=1)
    with pytest.raises(ConfigError, match="other settings"):
        plan_honesty(cut, OTHER, tmp_path / "out", seed=0, finished=tmp_path / "cv")


# --- only the same ground is compared


def compared(folds, out):
    return compare_recipes(folds, [RECIPE, OTHER], out, workers=Workers(1, "cpu"), advance=quiet)


def test_baselines_are_beside_compared_recipes(study, learner, tmp_path):
    folds = make_folds(study, RECIPE.crossval, seed=0, count=3)
    found = compared(folds, tmp_path)
    assert [one.name for one in found.baselines] == [MEAN_SHAPE, NEAREST]
    assert [name for name, _ in found.rows()] == ["other", MEAN_SHAPE, NEAREST]
    assert all(row.clear for name, row in found.rows() if name == MEAN_SHAPE)
    write_comparison(found, tmp_path)
    written = json.loads((tmp_path / "comparison.json").read_text())
    assert list(written["baselines"]) == [MEAN_SHAPE, NEAREST]
    assert written["baseline_differences"][MEAN_SHAPE][0]["difference"] > 0


def moved(study, name):
    return replace(
        study,
        cases=tuple(
            replace(case, reference=replace(case.points, coordinates=case.points.coordinates + 1))
            if case.identifier == name
            else case
            for case in study.cases
        ),
    )


@pytest.mark.parametrize("what", ["labels", "images", "settings", "unknown labels"])
def test_finished_folds_of_another_ground_are_refused(study, learner, tmp_path, what):
    folds = make_folds(study, RECIPE.crossval, seed=0, count=3, only=1)
    compared(folds, tmp_path)
    trained, name = learner.trained, folds.splits[0].parts["train"][0]
    run = tmp_path / RECIPE.name / "fold-1"
    words = f"run of other {what}"
    if what == "labels":
        folds = replace(folds, study=moved(folds.study, name))
    elif what == "images":
        folds = make_folds(study, RECIPE.crossval, seed=1, count=3, only=1)
    elif what == "settings":
        path = RunFolder(run).recipe
        path.write_text(re.sub(r"(?m)^steps = .*$", "steps = 7", path.read_text()))
    else:
        (run / LABELS).unlink()
        provenance = RunFolder(run).provenance
        provenance.write_text(provenance.read_text().replace('"inputs": "', '"inputs": "x'))
        words = "--trust-labels"
    with pytest.raises(ConfigError, match=words):
        compared(folds, tmp_path)
    assert learner.trained == trained


def test_a_run_without_a_hash_of_labels_is_known_by_its_inputs(study, learner, tmp_path):
    folds = make_folds(study, RECIPE.crossval, seed=0, count=3, only=1)
    compared(folds, tmp_path)
    (tmp_path / RECIPE.name / "fold-1" / LABELS).unlink()
    compared(folds, tmp_path)
    assert learner.trained == 2
    assert (tmp_path / RECIPE.name / "fold-1" / LABELS).exists()


def finished(study, root, off, *, seed=0, truth=True):
    """Write a cross-validation as ``palpate crossval`` leaves it."""
    folds = make_folds(study, RECIPE.crossval, seed=seed, count=3)
    cross_validate(folds, RECIPE, root, workers=Workers(1, "cpu"), advance=quiet)
    names = [name for split in folds.splits for name in split.parts["test"]]
    images = tuple(predicted(study, name, off=off) for name in names)
    write_predictions(PredictionFile(study.scheme, images), root / "predictions.json")
    if truth:
        cases = [pair(study.case(image.image), image) for image in images]
        rows = list(evaluate(cases, normaliser=None, rng=rng(), resamples=2).rows())
        with (root / "errors.csv").open("w", newline="") as stream:
            writer = csv.DictWriter(stream, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
    return root


@pytest.fixture
def two(study, learner, tmp_path):
    return [finished(study, tmp_path / name, off) for name, off in (("one", 1.0), ("two", 3.0))]


def test_finished_runs_are_compared(study, two):
    found = compare_finished(study, read_finished(two))
    (row,) = found.differences["two"]
    assert row.difference == pytest.approx(np.sqrt(18) - np.sqrt(2))
    assert found.baseline == "one"
    assert [one.name for one in found.baselines] == [MEAN_SHAPE, NEAREST]


def test_other_images_are_named(study, two):
    path = two[1] / "predictions.json"
    content = json.loads(path.read_text())
    gone = content["images"].pop(3)["image"]
    content["failures"] = {gone: "too dark"}
    path.write_text(json.dumps({"format": content.pop("format"), **content}))
    with pytest.raises(ConfigError, match=r"two could not predict it: too dark") as caught:
        compare_finished(study, read_finished(two))
    assert repr(gone) in str(caught.value)


def test_other_folds_are_named(study, two, tmp_path):
    three = finished(study, tmp_path / "three", 1.0, seed=8)
    with pytest.raises(ConfigError, match=r"other folds: in fold 1 '\d\d.png' is held out in"):
        compare_finished(study, read_finished([two[0], three]))
    shutil.rmtree(three / "fold-3")
    with pytest.raises(ConfigError, match=r"one holds 3 and .*three 2"):
        compare_finished(study, read_finished([two[0], three]))


def test_labels_that_were_moved_since_are_named(study, two):
    with pytest.raises(ConfigError, match=r"'a' of '05.png' elsewhere"):
        compare_finished(moved(study, "05.png"), read_finished(two))


def test_without_a_table_of_truth_the_runs_tell(study, two):
    for root in two:
        (root / "errors.csv").unlink()
    assert compare_finished(study, read_finished(two)).differences
    with pytest.raises(ConfigError, match="other labels"):
        compare_finished(moved(study, "05.png"), read_finished(two))
    for kept in two[0].parent.glob("*/fold-*/labels.json"):  # as an older version left them
        kept.unlink()
    with pytest.raises(ConfigError, match="trust-labels"):
        compare_finished(moved(study, "05.png"), read_finished(two))
    assert compare_finished(moved(study, "05.png"), read_finished(two), trust_labels=True)


def test_an_evaluation_that_tells_nothing_of_its_labels_is_trusted_on_word_alone(study, two):
    for root in two:
        (root / "errors.csv").unlink()
        for number in (1, 2, 3):
            shutil.rmtree(root / f"fold-{number}")
    with pytest.raises(ConfigError, match="nothing tells which labels"):
        compare_finished(study, read_finished(two))
    assert compare_finished(study, read_finished(two), trust_labels=True).differences


def test_what_is_no_finished_folder_is_refused(two, tmp_path):
    with pytest.raises(ConfigError, match="two or more different folders"):
        read_finished([two[0], two[0]])
    with pytest.raises(ConfigError, match=r"has no predictions.json"):
        read_finished([two[0], tmp_path])


# --- the commands


def run(verb, *flags):
    app = typer.Typer()
    app.command()(verb)
    return CliRunner().invoke(app, [str(flag) for flag in flags])


def test_the_commands(root, learner, two, tmp_path):
    result = run(honesty, root, "--folds", 3, "--out", tmp_path / "h", "--device", "cpu")
    assert result.exit_code == 0, result.output
    assert "Nothing speaks against" in result.output
    learner.leak = True
    result = run(honesty, root, "--folds", 3, "--out", tmp_path / "leaky", "--device", "cpu")
    assert result.exit_code == 1
    assert "Do not lean" in result.output
    result = run(compare, root, "--runs", f"{two[0]},{two[1]}", "--out", tmp_path / "c")
    assert result.exit_code == 0, result.output
    assert "mean shape" in result.output
    for flags in ((), ("--runs", "a,b", "--recipes", "c,d"), ("--runs", "a,b", "--only", 1)):
        assert run(compare, root, "--out", tmp_path, *flags).exit_code == 2


def test_a_study_of_two_subjects_is_refused(study):
    with pytest.raises(StudyError, match="a third is held out"):
        cut_openly(study.subset(["00.png", "01.png"]), RECIPE, seed=0, count=2, only=1)


def test_a_run_that_fails_is_named(study, learner, tmp_path, monkeypatch):
    def burn(*_, **__):
        raise PalpateError("it burnt")

    monkeypatch.setattr(train_folds_module, "train_job", burn)
    with pytest.raises(PalpateError, match=r"fold-1 failed: it burnt"):
        checked(study, tmp_path, only=1)
