"""Laws of learning curves: nested cuts, exact fits, advice that claims no more than it knows."""

import csv
import json
from dataclasses import dataclass, replace

import numpy as np
import PIL.Image
import pytest
from hypothesis import given
from hypothesis import strategies as st

from palpate.errors import ConfigError, PalpateError, StudyError
from palpate.evaluation.advice import Beside, Figures, Method, Pair, advice
from palpate.evaluation.bootstrap import Resampling
from palpate.evaluation.learning_curve import (
    PowerLaw,
    fit_curve,
    fit_power_law,
    resampled_means,
    resampled_medians,
)
from palpate.files import write_json
from palpate.localisers.run_folder import RunFolder
from palpate.prediction import Prediction
from palpate.splits import folds_by_subject
from palpate.study import open_study
from palpate.training.recipe import read_recipe
from palpate.training.record import write_request
from palpate.workflows import curve_runs as curve_runs_module
from palpate.workflows import train_folds as train_folds_module
from palpate.workflows.curve import learn_curve, with_measure
from palpate.workflows.curve_cut import cut_training_sets
from palpate.workflows.curve_figures import percentiles
from palpate.workflows.curve_runs import curve_runs
from palpate.workflows.curve_write import write_curve
from palpate.workflows.folds import Folds
from palpate.workflows.train_folds import TIMING, Workers

SIZES = np.array([25.0, 50.0, 100.0, 200.0])
laws = st.builds(
    PowerLaw,
    floor=st.floats(0.0, 5.0),
    amplitude=st.floats(1.0, 50.0),
    rate=st.floats(0.2, 1.5),
)


def quiet(*_):
    """Show nothing."""


# --- the fitted curve


@given(laws)
def test_an_exact_curve_is_recovered(law):
    found = fit_power_law(SIZES, law.at(SIZES))
    beyond = np.array([30.0, 250.0, 400.0])
    np.testing.assert_allclose(found.at(beyond), law.at(beyond), rtol=1e-4)
    assert found.rate == pytest.approx(law.rate, rel=1e-2)


@given(st.lists(st.floats(0.1, 50.0), min_size=2, max_size=6))
def test_a_fitted_curve_never_rises_and_never_goes_below_its_floor(errors):
    sizes = 10.0 * 2.0 ** np.arange(len(errors))
    law = fit_power_law(sizes, np.array(errors))
    curve = law.at(np.geomspace(5.0, 1e6, 50))
    assert (np.diff(curve) <= 1e-9 * curve[:-1]).all()
    assert law.floor >= 0
    assert (curve >= law.floor).all()


@given(laws, st.floats(0.01, 100.0), st.integers(0, 1000))
def test_the_unit_of_the_errors_does_not_matter(law, factor, seed):
    errors = law.at(SIZES) * np.random.default_rng(seed).uniform(0.9, 1.1, 4)
    one, other = fit_power_law(SIZES, errors), fit_power_law(SIZES, factor * errors)
    np.testing.assert_allclose(other.at(SIZES), factor * one.at(SIZES), rtol=1e-4)
    assert other.is_flat == one.is_flat


@pytest.mark.parametrize("errors", [(2.0, 2.0, 2.0, 2.0), (1.0, 2.0, 3.0, 4.0), (2.0, 2.0)])
def test_a_curve_that_does_not_fall_is_flat(errors):
    fit = fit_curve(SIZES[: len(errors)].tolist(), errors, None)
    assert fit.law.is_flat
    assert fit.gain.value == 0
    assert min(errors) <= fit.next_error <= max(errors)


def test_two_sizes_give_a_power_law_without_floor_through_both():
    fit = fit_curve([50.0, 200.0], [4.0, 2.0], None)
    assert not fit.has_floor
    assert (fit.law.floor, fit.law.rate) == (0.0, pytest.approx(0.5))
    assert fit.law.at(np.array([50.0, 200.0])) == pytest.approx([4.0, 2.0])
    assert fit.next_error == pytest.approx(4.0 * (50 / 250) ** 0.5)


def noisy(law, replicates=400, spread=0.05):
    noise = np.random.default_rng(1).normal(1.0, spread, (replicates, len(SIZES)))
    return law.at(SIZES)[None, :] * noise


def test_the_band_widens_beyond_the_data_and_holds_the_curve():
    law = PowerLaw(1.0, 20.0, 0.6)
    fit = fit_curve(SIZES.tolist(), law.at(SIZES).tolist(), noisy(law), more=200)
    band = fit.band
    width = (band.high - band.low) / band.middle
    inside = band.images <= SIZES[-1]
    assert (np.diff(width[~inside]) > 0).all()
    assert width[-1] > 1.2 * width[inside].min()
    assert ((band.low <= band.middle) & (band.middle <= band.high)).all()
    assert fit.next_interval[0] < fit.next_error < fit.next_interval[1]
    assert fit.fall.clear
    assert fit.fall.value == pytest.approx(float(law.at(SIZES)[0] - law.at(SIZES)[-1]))


def test_refitting_a_replicate_is_fitting_it():
    law = PowerLaw(1.0, 20.0, 0.6)
    drawn = noisy(law, 3)
    fit = fit_curve(SIZES.tolist(), law.at(SIZES).tolist(), np.repeat(drawn[:1], 5, axis=0))
    alone = fit_power_law(SIZES, drawn[0])
    np.testing.assert_allclose(fit.band.low, alone.at(fit.band.images), rtol=2e-3)


def test_replicates_without_anybody_of_a_size_are_left_out():
    drawn = noisy(PowerLaw(1.0, 20.0, 0.6))
    holes = np.concatenate([drawn, np.full((50, 4), np.nan)])
    one, other = (fit_curve(SIZES.tolist(), [4.0, 3.0, 2.5, 2.2], d) for d in (drawn, holes))
    assert one.next_interval == other.next_interval
    np.testing.assert_array_equal(one.band.low, other.band.low)
    assert one.fall == other.fall


@pytest.mark.parametrize(
    ("images", "errors", "words"),
    [
        ([50.0], [1.0], "two sizes"),
        ([50.0, 50.0], [1.0, 1.0], "grow"),
        ([50.0, 100.0], [1.0, 0.0], "positive"),
        ([50.0, 100.0], [1.0, float("nan")], "positive"),
    ],
)
def test_what_cannot_be_fitted_is_refused(images, errors, words):
    with pytest.raises(StudyError, match=words):
        fit_curve(images, errors, None)


def test_resampled_means_give_the_interval_of_the_evaluation():
    rng = np.random.default_rng(3)
    resampling = Resampling.draw(tuple("abcdefgh"), rng)
    total, count = rng.uniform(1, 9, 8), rng.integers(1, 5, 8).astype(float)
    means = resampled_means(total[None], count[None], resampling)[:, 0]
    low, high = np.quantile(means, [0.025, 0.975])
    assert (float(low), float(high)) == pytest.approx(resampling.ratio(total, count))


@given(st.lists(st.integers(0, 3), min_size=6, max_size=6).filter(any))
def test_a_resampled_median_is_that_of_the_films_repeated(times):
    films, owners = (
        np.array([3.0, 1.0, np.inf, 2.0, 8.0, 5.0, 4.0]),
        np.array([0, 1, 2, 3, 4, 5, 5]),
    )
    resampling = Resampling(tuple("abcdef"), np.array([times], dtype=float))
    repeated = np.repeat(films, np.array(times)[owners])
    expected = np.quantile(repeated, 0.5, method="inverted_cdf")
    assert resampled_medians(films, owners, resampling)[0] == expected


# --- training sets


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """Twelve small images of twelve people, marked by two annotators who differ."""
    root = tmp_path_factory.mktemp("study") / "dots"
    (root / "images").mkdir(parents=True)
    rng = np.random.default_rng(0)
    places = rng.uniform(8, 24, (12, 6))
    for k in range(12):
        pixels = rng.integers(0, 255, (32, 32), dtype=np.uint8)
        PIL.Image.fromarray(pixels).save(root / "images" / f"{k}.png")
    moved = rng.normal(0, 0.5, places.shape)
    for who, points in (
        ("", places),
        ("_annotatorA", places + moved),
        ("_annotatorB", places - moved),
    ):
        rows = [
            f"{k}.png,p{k}," + ",".join(f"{v:.3f}" for v in points[k]) for k in range(len(points))
        ]
        head = "image,subject,a_x,a_y,b_x,b_y,c_x,c_y"
        (root / f"landmarks{who}.csv").write_text("\n".join([head, *rows, ""]))
    return open_study(root)


def cut_in_four(study, only=2):
    splits = folds_by_subject(study, 4, rng=np.random.default_rng(0))
    return Folds(study, tuple(splits[:only]))


def wide(study, images_each):
    """24 images of the study's landmarks, so many a subject; there are no files."""
    cases = [
        replace(study.cases[k % 12], identifier=f"{k}.png", subject=f"p{k // images_each}")
        for k in range(24)
    ]
    return replace(study, cases=tuple(cases))


def of(sets, **where):
    return [s for s in sets if all(getattr(s, key) == value for key, value in where.items())]


def test_training_sets_are_nested_by_whole_subjects_beside_a_test_set_that_stays(study):
    """Two images a subject: a size is met as nearly as that allows."""
    study = wide(study, 2)
    cut = cut_in_four(study)
    sets = cut_training_sets(cut, [9, 3, 6], repeats=2, seed=5)
    assert [(s.fold, s.repeat, s.size) for s in sets] == [
        (f, r, n) for f in (0, 1) for r in (0, 1) for n in (3, 6, 9)
    ]
    for one in sets:
        assert one.images == {3: 2, 6: 6, 9: 8}[one.size]
        own = [study.case(name).subject for name in one.split.parts["train"]]
        assert one.subjects == len(set(own)) == len(own) / 2
        assert one.split.parts["test"] == cut.splits[one.fold].parts["test"]
        assert one.split.parts["validation"] == cut.splits[one.fold].parts["validation"]
        assert set(one.split.parts["train"]) <= set(cut.splits[one.fold].parts["train"])
    for fold, repeat in ((0, 0), (0, 1), (1, 0)):
        small, middle, large = (
            set(s.split.parts["train"]) for s in of(sets, fold=fold, repeat=repeat)
        )
        assert small < middle < large
    assert len({s.split.parts["train"] for s in of(sets, fold=0, size=6)}) == 2


def test_sets_stay_when_a_size_or_a_repeat_is_added_and_change_with_the_seed(study):
    folds = cut_in_four(wide(study, 1))
    few = cut_training_sets(folds, [3, 9], repeats=1, seed=5)
    many = cut_training_sets(folds, [3, 6, 9], repeats=3, seed=5)
    assert all(one in many for one in few)
    other = cut_training_sets(folds, [3, 9], repeats=1, seed=6)
    assert other[0].split.parts["train"] != few[0].split.parts["train"]


def test_a_size_that_cannot_be_is_refused_with_what_there_is(study):
    folds = cut_in_four(wide(study, 1))
    there = min(len(split.parts["train"]) for split in folds.splits)
    with pytest.raises(StudyError, match=rf"size 99 is more than the {there} images"):
        cut_training_sets(folds, [3, 99], repeats=1, seed=0)
    for sizes in ([], [0], [3, 3]):
        with pytest.raises(ConfigError, match="sizes are numbers"):
            cut_training_sets(folds, sizes, repeats=1, seed=0)


def test_sizes_that_come_to_the_same_images_are_refused(study):
    cut = cut_in_four(wide(study, 4), only=1)
    with pytest.raises(StudyError, match="sizes 3 and 5 come to the same 4 images of 1 subjects"):
        cut_training_sets(cut, [3, 5], repeats=1, seed=0)


# --- runs, with trainings that take no time


@dataclass
class Trainer:
    """Trains nothing: a run's error falls with its images, and one place may fail."""

    study: object
    trained: list
    failing: str = ""

    def __call__(self, job, out, *, manner, advance):
        if self.failing and self.failing in str(out):
            raise PalpateError("the forest burnt")
        self.trained.append("/".join(out.parts[-3:]))
        folder = RunFolder(out)
        write_request(folder, job, command="")
        write_json(folder.localiser, {"images": len(job.part("train")), "recipe": job.recipe.name})

    def load(self, root, *, device):
        said = json.loads(RunFolder(root).localiser.read_text())
        return Guesser(self.study, 40.0 / said["images"] ** 0.5, said["recipe"])


@dataclass
class Guesser:
    """Finds the truth, off by so many px in a direction that the image decides."""

    study: object
    off: float
    recipe: str
    weights: str = "abc"
    protocol: str = ""
    variance_factor: float | None = None
    predicted: int = 0

    @property
    def name(self):
        return self.recipe

    @property
    def scheme(self):
        return self.study.scheme

    def predict(self, image):
        truth = self.study.case(image.identifier).points
        rng = np.random.default_rng(sum(image.identifier.encode()))
        far = self.off * rng.uniform(0.8, 1.2) * (1.1 if self.recipe == "other" else 1.0)
        found = replace(truth, coordinates=truth.coordinates + far * np.array([0.6, 0.8]))
        return Prediction.exact(found, made_by="guess")


@pytest.fixture(scope="module")
def folds(study):
    return cut_in_four(study)


@pytest.fixture
def trainer(study, monkeypatch):
    one = Trainer(study, [])
    monkeypatch.setattr(train_folds_module, "train_job", one)
    monkeypatch.setattr(curve_runs_module, "load_localiser", one.load)
    return one


RECIPES = [read_recipe("default"), read_recipe("default").model_copy(update={"name": "other"})]


def learnt(folds, out, sizes=(2, 4, 8), recipes=RECIPES, repeats=1):
    sets = cut_training_sets(folds, sizes, repeats=repeats, seed=0)
    return learn_curve(folds, recipes, sets, out, workers=Workers(device="cpu"), advance=quiet)


def rows_of(path):
    return list(csv.DictReader(path.read_text().splitlines()))


def test_every_recipe_at_every_size_on_the_same_test_images(folds, trainer, tmp_path):
    curve = learnt(folds, tmp_path)
    assert len(trainer.trained) == len(set(trainer.trained)) == 2 * 3 * 2
    tested = sorted(name for split in folds.splits for name in split.parts["test"])
    for own in curve.points.values():
        for point in own:
            assert [case.identifier for case in point.evaluation.cases] == tested
        errors = [point.evaluation.model.px.overall.mean for point in own]
        assert errors[0] / errors[2] == pytest.approx(2.0, rel=1e-6)  # the square root of 8 / 2
    law = curve.fits["default"].mean.law
    assert (law.rate, law.floor) == (pytest.approx(0.5, rel=1e-3), pytest.approx(0.0, abs=0.02))
    rows = {(row.size, row.paired.metric): row.paired for row in curve.differences}
    assert all(row.clear and row.difference > 0 for (_, m), row in rows.items() if "error" in m)


def test_finished_runs_are_not_done_again(folds, trainer, tmp_path):
    first = learnt(folds, tmp_path, sizes=(2, 8), recipes=RECIPES[:1])
    done = list(trainer.trained)
    again = learnt(folds, tmp_path, sizes=(2, 4, 8))
    assert not set(done) & set(trainer.trained[len(done) :])
    assert len(trainer.trained) == 12
    one, other = (curve.points["default"][-1].evaluation.overall.mean for curve in (first, again))
    assert one == other


def test_predictions_are_kept_and_made_anew_for_other_weights(
    folds, trainer, tmp_path, monkeypatch
):
    learnt(folds, tmp_path, sizes=(2,), recipes=RECIPES[:1])
    monkeypatch.setattr(Guesser, "predict", lambda *_: pytest.fail("predicted again"))
    learnt(folds, tmp_path, sizes=(2,), recipes=RECIPES[:1])
    monkeypatch.undo()
    monkeypatch.setattr(train_folds_module, "train_job", trainer)
    seen = []
    monkeypatch.setattr(
        curve_runs_module,
        "load_localiser",
        lambda root, device: (
            seen.append(root) or replace(trainer.load(root, device=device), weights="x")
        ),
    )
    learnt(folds, tmp_path, sizes=(2,), recipes=RECIPES[:1])
    kept = json.loads((seen[0] / "predictions.json").read_text())
    assert kept["provenance"]["weights"] == "x"


@pytest.mark.parametrize("what", ["settings", "images", "labels"])
def test_a_folder_with_another_run_is_not_taken_for_this_one(folds, trainer, tmp_path, what):
    learnt(folds, tmp_path, sizes=(2, 4), recipes=RECIPES[:1])
    recipes, cut = RECIPES[:1], folds
    if what == "settings":
        recipes = [read_recipe("default", ["training.steps=7"])]
    elif what == "images":
        cut = Folds(folds.study, folds.splits[::-1])
    else:
        name = folds.splits[0].parts["validation"][0]
        cases = [
            replace(c, reference=replace(c.points, coordinates=c.points.coordinates + 1))
            if c.identifier == name
            else c
            for c in folds.study.cases
        ]
        cut = Folds(replace(folds.study, cases=tuple(cases)), folds.splits)
    before = len(trainer.trained)
    with pytest.raises(ConfigError, match=f"run of other {what}"):
        learnt(cut, tmp_path, sizes=(2, 4), recipes=recipes)
    assert len(trainer.trained) == before


def test_a_run_that_fails_is_named_and_loses_no_other(folds, trainer, tmp_path):
    trainer.failing = "other/4/fold-2"
    curve = learnt(folds, tmp_path, sizes=(2, 4))
    assert [(one.run.place.as_posix(), one.reason) for one in curve.failed] == [
        ("other/4/fold-2-repeat-1", "the forest burnt")
    ]
    point = curve.points["other"][1]
    assert len(point.evaluation.cases) == len(folds.splits[0].parts["test"])
    assert any("failed: 1" in caveat for caveat in curve.advice.caveats)
    write_curve(curve, tmp_path, {"palpate": "0"})
    rows = rows_of(tmp_path / "curve.csv")
    assert [row["failed"] for row in rows if row["failed"]] == ["the forest burnt"]
    trainer.failing = ""
    assert not learnt(folds, tmp_path, sizes=(2, 4)).failed


def test_where_all_fail_the_reason_is_told(folds, trainer, tmp_path):
    trainer.failing = "fold"
    with pytest.raises(PalpateError, match=r"all 12 runs failed.*burnt"):
        learnt(folds, tmp_path)


def test_repeats_pool_and_a_subject_stays_one(folds, trainer, tmp_path):
    curve = learnt(folds, tmp_path, sizes=(2,), recipes=RECIPES[:1], repeats=2)
    point = curve.points["default"][0]
    images = sum(len(split.parts["test"]) for split in folds.splits)
    assert len(point.evaluation.cases) == 2 * images
    assert point.evaluation.subjects == len(
        {folds.study.case(n).subject for split in folds.splits for n in split.parts["test"]}
    )
    assert curve.figures.test_images == images


def test_what_is_written_says_how_many_images_there_really_were(folds, trainer, tmp_path):
    curve = learnt(folds, tmp_path)
    write_curve(curve, tmp_path, {"study": "<b>bold</b>"})
    written = json.loads((tmp_path / "curve.json").read_text())
    given_ = [point["training_images"] for point in written["recipes"]["default"]]
    assert given_ == [[2, 2], [4, 4], [8, 8]]
    assert written["recipes"]["default"][0]["beside_annotators"]["people"] > 0
    assert written["advice"] == list(curve.advice.advised)
    rows = rows_of(tmp_path / "curve.csv")
    assert len(rows) == 12
    assert rows[0]["training_images"] == "2"
    assert (tmp_path / rows[0]["run"] / TIMING).exists()
    html = (tmp_path / "curve.html").read_text()
    assert "&lt;b&gt;bold" in html
    assert "<b>bold" not in html
    assert "http" not in html.replace("http-equiv", "")
    assert (tmp_path / "curve.png").read_bytes()[:4] == b"\x89PNG"


def test_recipes_that_cannot_be_judged_alike_are_refused(folds):
    sets = cut_training_sets(folds, [2], repeats=1, seed=0)
    with pytest.raises(ConfigError, match="different names"):
        curve_runs([RECIPES[0], RECIPES[0]], sets)
    halves = read_recipe("default", ["crossval.choose=halves"])
    with pytest.raises(ConfigError, match="halves"):
        curve_runs([halves], sets)
    with pytest.raises(ConfigError, match="differ in"):
        curve_runs([RECIPES[0], read_recipe("quick", ["crossval.folds=3"])], sets)


def test_percentiles_are_of_films_and_missed_films_are_beyond_all():
    films = np.concatenate([np.arange(1.0, 100.0), [np.inf]])
    assert percentiles(films) == {50: 50.0, 90: 90.0, 95: 95.0, 99: 99.0}
    assert percentiles(np.array([np.inf, np.inf])) == dict.fromkeys((50, 90, 95, 99))


# --- a measurement

PROTOCOL = """
name = "dots"
version = "1"
title = "Dots"
source = "drawn"

[scheme]
landmarks = ["a", "b", "c"]

[[quantity]]
name = "span"
unit = "px"
meaning = "From a to b."
sign = "unsigned"
source = "drawn"
[quantity.formula]
kind = "polyline_length"
through = ["a", "b"]
[quantity.example]
because = "3, 4, 5"
value = 5.0
points = {a = [3, 0], b = [0, 4]}
"""


def stretched(self, image):
    """Find a and c, and b too far from a by a share that falls with the training images."""
    truth = self.study.case(image.identifier).points
    found = truth.coordinates.copy()
    found[1] += (found[1] - found[0]) * self.off / 100
    return Prediction.exact(replace(truth, coordinates=found), made_by="guess")


@pytest.fixture
def measuring(study, folds, trainer, tmp_path, monkeypatch):
    path = tmp_path / "dots.toml"
    path.write_text(PROTOCOL)
    monkeypatch.setattr(Guesser, "predict", stretched)
    named = replace(study, settings=study.settings.model_copy(update={"protocol": str(path)}))
    return Folds(named, folds.splits)


def span(points):
    return float(np.linalg.norm(points.coordinates[1] - points.coordinates[0]))


def test_the_curve_of_a_measurement_is_in_its_own_unit(measuring, tmp_path):
    curve = with_measure(learnt(measuring, tmp_path / "c"), measuring.study, "span")
    found = curve.measured
    first, *_, last = found.points["default"]
    tested = [name for split in measuring.splits for name in split.parts["test"]]
    lengths = np.array([span(measuring.study.case(name).points) for name in tested])
    assert first.error == pytest.approx(0.4 / 2**0.5 * lengths.mean())
    assert first.error / last.error == pytest.approx(2.0)
    assert (first.count, first.refused) == (len(tested), 0)
    assert first.interval[0] < first.error < first.interval[1]
    assert found.fits["default"].law.rate == pytest.approx(0.5, rel=1e-3)
    people = [
        abs(span(points[0]) - span(points[1]))
        for points in (list(measuring.study.case(name).annotations.values()) for name in tested)
    ]
    assert last.beside.people == pytest.approx(np.mean(people))
    said_ = " ".join(found.advice.advised)
    assert f"{last.error:.2f} px" in said_
    assert f"two annotators differ by {last.beside.people:.2f} px" in said_
    write_curve(curve, tmp_path, {})
    written = json.loads((tmp_path / "curve.json").read_text())["measured"]
    assert (written["quantity"], written["unit"]) == ("span", "px")
    assert written["advice"] == list(found.advice.advised)
    assert "span: With 8 training images" in (tmp_path / "curve.html").read_text()


def test_recipes_are_told_apart_by_the_measurement(measuring, tmp_path):
    found = with_measure(learnt(measuring, tmp_path), measuring.study, "span").measured
    # both stretch alike: the difference is none at all
    assert "cannot be told apart" in " ".join(found.advice.advised)


def test_what_cannot_be_measured_is_refused_or_counted(measuring, folds, tmp_path, monkeypatch):
    curve = learnt(measuring, tmp_path, recipes=RECIPES[:1])
    with pytest.raises(ConfigError, match="did you mean 'span'"):
        with_measure(curve, measuring.study, "spam")
    with pytest.raises(ConfigError, match="names no protocol"):
        with_measure(curve, folds.study, "span")

    def half_blind(self, image):
        found = stretched(self, image)
        if int(image.identifier.split(".")[0]) % 2:
            return found
        mean = found.mean.copy()
        mean[1] = np.nan
        covariance = np.where(np.isnan(mean)[:, :, None], np.nan, found.covariance)
        return Prediction(found.scheme, mean, covariance, np.array([1.0, 0.0, 1.0]), "guess")

    monkeypatch.setattr(Guesser, "predict", half_blind)
    some = with_measure(
        learnt(measuring, tmp_path / "some", recipes=RECIPES[:1]), measuring.study, "span"
    ).measured
    last = some.points["default"][-1]
    assert last.refused > 0
    assert last.count > 0
    assert f"on {last.refused} of {last.count + last.refused}" in " ".join(some.advice.caveats)


# --- advice


def method(name, errors, **changes):
    sizes = (50, 100, 200, 400)[: len(errors)]
    fit = None
    if len(errors) > 1:
        spread = np.random.default_rng(0).normal(
            1.0, changes.pop("spread", 0.02), (300, len(errors))
        )
        drawn = np.array(errors) * spread
        fit = fit_curve([float(n) for n in sizes], list(errors), drawn)
    given_ = {
        "sizes": sizes,
        "images": tuple(float(n) for n in sizes),
        "errors": tuple(errors),
        "interval": (0.9 * errors[-1], 1.1 * errors[-1]),
        "typical": errors[-1],
        "missed": 0.0,
        "minutes": 5.0,
        "fit": fit,
        "typical_fit": None,
        "beside": None,
    }
    return Method(name, **{**given_, **changes})


def said(*methods, pairs=(), **changes):
    given_ = {
        "test_images": 80,
        "test_subjects": 60,
        "validation_images": 0,
        "folds": 1,
        "repeats": 1,
    }
    found = advice(Figures("mm", **{**given_, **changes}, methods=methods, pairs=tuple(pairs)))
    return " ".join(found.advised), " ".join(found.caveats)


A, B = method("A", (6.0, 4.0, 3.0, 2.5)), method("B", (5.0, 4.2, 3.6, 3.2), minutes=90.0)


def test_a_winner_is_named_only_where_the_interval_supports_it():
    clear, _ = said(A, B, pairs=[Pair(400, "A", "B", 0.7, (0.4, 1.0))])
    assert "Use A" in clear
    assert "B is 0.70 mm (95 % interval 0.40 to 1.00) further off than A." in clear
    for interval in ((-0.1, 1.5), None):
        level, _ = said(A, B, pairs=[Pair(400, "A", "B", 0.7, interval)])
        assert "A and B cannot be told apart on 80 images" in level
        assert "A trains in 5 minutes, B in 90 minutes" in level
        assert "Use " not in level
        assert "further off" not in level
    assert "Use " not in said(A, B)[0]


def test_a_pair_reads_the_same_either_way_round():
    one, other = (
        said(A, B, pairs=[pair])
        for pair in (Pair(400, "A", "B", 0.7, (0.4, 1.0)), Pair(400, "B", "A", -0.7, (-1.0, -0.4)))
    )
    assert one == other


def test_curves_cross_where_both_sides_are_clear():
    late = Pair(400, "A", "B", 0.7, (0.4, 1.0))
    crossed, _ = said(A, B, pairs=[Pair(50, "A", "B", -1.0, (-1.5, -0.5)), late])
    assert "cross between 50 and 400 training images: B is nearer below, A above" in crossed
    doubtful, _ = said(A, B, pairs=[Pair(50, "A", "B", -1.0, (-2.5, 0.5)), late])
    assert "curves cross" not in doubtful
    assert "order of B and A turns between 50 and 400" in doubtful
    assert "clear on one side only" in doubtful
    assert "turn" not in said(A, B, pairs=[Pair(50, "A", "B", 1.0, (0.5, 1.5)), late])[0]


def test_more_images_are_promised_a_gain_only_where_one_was_seen():
    falling, _ = said(A)
    assert f"50 more would bring it to about {A.fit.next_error:.2f} mm" in falling
    flat, _ = said(method("A", (2.0, 2.0, 2.0, 2.0)))
    assert "no more gain seen" in flat
    assert "would bring" not in flat
    noisy_, _ = said(method("A", (2.8, 2.5, 2.2, 2.0), spread=0.25))
    assert "no clear gain seen yet" in noisy_
    assert "would bring" not in noisy_
    early = fit_curve([5.0, 10.0, 20.0], [9.0, 6.0, 4.0], np.full((9, 3), [9.0, 6.0, 4.0]))
    far, _ = said(replace(A, fit=early))
    assert "50 more are too far beyond" in far
    assert "would bring" not in far
    two, _ = said(method("A", (6.0, 4.0)))
    assert "at best" in two
    saturated, _ = said(method("A", (9.0, 2.0, 2.0, 2.0)))
    assert "no more gain seen" in saturated


@pytest.mark.parametrize(
    ("difference", "interval", "words"),
    [
        (-0.3, (-0.5, -0.1), "already within what two annotators differ by"),
        (0.1, (-0.1, 0.3), "cannot be told from what two annotators differ by"),
        (-0.1, (-0.3, 0.1), "cannot be told from what two annotators differ by"),
        (0.5, (0.2, 0.8), "not yet within what two annotators differ by"),
    ],
)
def test_people_are_the_measure_and_only_as_far_as_the_interval_goes(difference, interval, words):
    beside = Beside(2.5, 2.5 - difference, difference, interval)
    told, caveats = said(replace(A, beside=beside))
    assert words in told
    assert "one annotator" not in caveats


def test_what_speaks_against_it_is_told():
    _, caveats = said(A, test_subjects=9, validation_images=12, failed=2)
    for words in ("drawn once", "9 test subjects", "12 validation", "failed: 2", "one annotator"):
        assert words in caveats
    assert "drawn once" not in said(A, repeats=3)[1]
    assert "one size" in said(method("A", (3.0,)))[1]
    assert "two sizes" in said(method("A", (3.0, 2.0)))[1]
    assert "three sizes" in said(method("A", (3.0, 2.0, 1.5)))[1]
    assert "extrapolated beyond the 400" in said(A)[1]


def test_a_mean_that_few_images_carry_is_not_the_whole_story():
    fit = fit_curve([50.0, 100.0, 200.0], [3.0, 2.0, 1.5], np.full((9, 3), [3.0, 2.0, 1.5]))
    told, caveats = said(replace(A, typical=0.9, typical_fit=fit))
    assert "carried by a few images" in caveats
    assert "A in half of the images: from 50 to 200" in told
    assert "half of the images" not in said(replace(A, typical_fit=fit))[0]


def test_a_method_without_the_largest_size_is_no_rival():
    short = method("B", (5.0, 1.0))
    told, _ = said(A, short)
    assert "With 400 training images A" in told
    assert "B has no result at size 400" in told
