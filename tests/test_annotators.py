"""Several annotators: what their consensus obeys, which labels are off, training on all of them."""

import json
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from jaxtyping import Float
from numpy import ndarray

from palpate.annotators.consensus import Consensus, estimate_consensus
from palpate.annotators.marks import Marks, gather_marks
from palpate.annotators.outliers import outlier_labels
from palpate.cli.consensus import consensus as consensus_command
from palpate.errors import ConfigError, StudyError
from palpate.io.annotation import AnnotatedImage, AnnotationFile
from palpate.io.csv_plain import read_csv, write_csv
from palpate.phantoms.write import write_phantom
from palpate.points import ABSENT, OCCLUDED, VISIBLE, Points
from palpate.scheme import LandmarkScheme
from palpate.splits import Split
from palpate.study import Study, open_study
from palpate.study_case import StudyCase
from palpate.training.batches import Examples
from palpate.training.focus import SomeLandmarks
from palpate.training.inputs import training_grid, training_images
from palpate.training.job import TrainingJob, silent
from palpate.training.pixel_store import PixelStore
from palpate.training.recipe import Recipe, network_recipe, read_recipe
from palpate.training.train import make_examples, make_spec
from palpate.workflows.consensus_measured import AnnotatorValue, annotator_spread

NAMES = ("wrist", "thumb", "tip")
SCHEME = LandmarkScheme("hand", NAMES)
Drawn = Float[ndarray, "image landmark d"]


def truth_of(images: int, seed: int = 0) -> Drawn:
    return np.random.default_rng(seed).uniform(0.0, 400.0, (images, len(NAMES), 2))


def drawn(truth: Drawn, sds: Mapping[str, float], seed: int = 1) -> dict[str, Drawn]:
    rng = np.random.default_rng(seed)
    return {who: truth + rng.normal(0.0, sd, truth.shape) for who, sd in sds.items()}


def marks_of(points: Mapping[str, Drawn]) -> Marks:
    count = len(next(iter(points.values())))
    return Marks.of(
        SCHEME,
        {
            f"{i:03}.png": {who: Points.of(SCHEME, values[i]) for who, values in points.items()}
            for i in range(count)
        },
        subjects={f"{i:03}.png": f"s{i // 2}" for i in range(count)},
    )


def consensus_of(points: Mapping[str, Drawn]) -> Consensus:
    return estimate_consensus(marks_of(points))


def error(found: Drawn, truth: Drawn) -> float:
    return float(np.linalg.norm(found - truth, axis=2).mean())


def test_two_annotators_give_their_mean() -> None:
    points = drawn(truth_of(20), {"ann": 1.0, "bob": 4.0})
    points["bob"][3, 1] += 60.0  # which of the two is wrong cannot be told
    points["bob"] += 2.0
    found = consensus_of(points)
    np.testing.assert_allclose(found.mean, (points["ann"] + points["bob"]) / 2, atol=1e-8)
    np.testing.assert_allclose(found.spread[0], found.spread[1])
    assert any("not who of them errs more" in note for note in found.notes)


def test_the_spread_of_two_is_that_of_their_difference() -> None:
    points = drawn(truth_of(500), {"ann": 1.0, "bob": 3.0})
    found = consensus_of(points)
    both = (found.spread[0] + found.spread[1]).mean(axis=0)
    np.testing.assert_allclose(both, 10.0 * np.eye(2), atol=1.0)


def test_of_two_far_apart_the_consensus_says_that_it_may_be_at_either() -> None:
    points = drawn(truth_of(40), {"ann": 1.0, "bob": 1.0})
    points["bob"][3, 1] = points["ann"][3, 1] + (60.0, 0.0)
    found = consensus_of(points)
    sd = np.sqrt(np.diagonal(found.covariance[3, 1]))
    assert 25.0 < sd[0] < 35.0
    assert sd[1] < 3.0
    assert found.any_wild[3, 1] > 0.99


def test_the_order_of_annotators_has_no_say() -> None:
    points = drawn(truth_of(15), {"ann": 1.0, "bob": 2.0, "cy": 3.0})
    turned = {who: points[who] for who in ("cy", "ann", "bob")}
    renamed = {"x": points["cy"], "y": points["bob"], "z": points["ann"]}
    first = consensus_of(points)
    np.testing.assert_array_equal(consensus_of(turned).mean, first.mean)
    other = consensus_of(renamed)
    np.testing.assert_allclose(other.mean, first.mean, atol=1e-6)
    np.testing.assert_allclose(other.weights[::-1], first.weights, atol=1e-6)


def test_the_consensus_moves_with_the_points() -> None:
    points = drawn(truth_of(15), {"ann": 1.0, "bob": 2.0, "cy": 3.0})
    points["cy"][4, 0] += 80.0
    matrix, shift = np.array([[2.0, 0.7], [-0.3, 0.5]]), np.array([100.0, -7.0])
    moved = consensus_of({who: values @ matrix.T + shift for who, values in points.items()})
    still = consensus_of(points)
    np.testing.assert_allclose(moved.mean, still.mean @ matrix.T + shift, atol=1e-4)
    np.testing.assert_allclose(
        moved.covariance, matrix @ still.covariance @ matrix.T, rtol=1e-3, atol=1e-4
    )
    np.testing.assert_allclose(moved.bias, still.bias @ matrix.T, atol=1e-3)
    np.testing.assert_allclose(moved.wild, still.wild, atol=1e-4)


def test_annotators_who_mark_the_same_spots_give_those() -> None:
    truth = truth_of(6)
    found = consensus_of({"ann": truth, "bob": truth, "cy": truth})
    np.testing.assert_allclose(found.mean, truth, atol=1e-6)
    assert np.isfinite(found.spread).all()
    assert not outlier_labels(found)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_whoever_scatters_more_weighs_less_and_the_truth_is_nearer(seed: int) -> None:
    truth = truth_of(60, seed)
    points = drawn(truth, {"ann": 1.0, "bob": 1.0, "cy": 5.0}, seed)
    found = consensus_of(points)
    plain = np.mean([*points.values()], axis=0)
    assert found.weights[2].max() < 0.15
    assert found.weights[:2].min() > 0.35
    assert error(found.mean, truth) < 0.6 * error(plain, truth)
    own = np.sqrt(np.trace(found.spread, axis1=2, axis2=3) / 2).mean(axis=1)
    np.testing.assert_allclose(own, [1.0, 1.0, 5.0], rtol=0.25)


def test_the_covariance_of_the_consensus_is_that_of_its_errors() -> None:
    truth = truth_of(300)
    sds = {"ann": 1.0, "bob": 1.5, "cy": 2.0, "di": 3.0}
    found = consensus_of(drawn(truth, sds))
    off = found.mean - truth
    squared = np.einsum("nku,nkuv,nkv->nk", off, np.linalg.inv(found.covariance), off)
    assert 1.8 < squared.mean() < 2.2


def test_a_bias_is_found_up_to_what_all_share() -> None:
    points = drawn(truth_of(80), {"ann": 1.0, "bob": 1.0, "cy": 1.0})
    given = {"ann": (3.0, 0.0), "bob": (0.0, 0.0), "cy": (0.0, -6.0)}
    for who, bias in given.items():
        points[who] = points[who] + np.array(bias)
    found = consensus_of(points)
    wanted = np.array([*given.values()]) - np.mean([*given.values()], axis=0)
    np.testing.assert_allclose(
        found.bias, np.repeat(wanted[:, None], len(NAMES), axis=1), atol=0.45
    )
    np.testing.assert_allclose(found.bias.sum(axis=0), 0.0, atol=1e-9)


def test_a_wild_point_hardly_moves_the_consensus_and_is_named() -> None:
    truth = truth_of(30)
    points = drawn(truth, {"ann": 1.0, "bob": 1.0, "cy": 1.0})
    points["bob"][7, 2] += (40.0, 0.0)
    found = consensus_of(points)
    assert np.linalg.norm(found.mean[7, 2] - truth[7, 2]) < 2.5
    (worst, *rest) = outlier_labels(found)
    assert (worst.annotators, worst.image, worst.landmark) == (("bob",), "007.png", "tip")
    assert worst.subject == "s3"
    assert worst.probability > 0.99
    assert 36.0 < worst.distance_px < 44.0
    assert "annotator bob, image 007.png: tip lies" in worst.sentence
    assert len(rest) <= 2


def test_of_two_annotators_a_wild_point_is_laid_to_neither() -> None:
    points = drawn(truth_of(30), {"ann": 1.0, "bob": 1.0})
    points["bob"][7, 2] += (40.0, 0.0)
    (worst, *_) = outlier_labels(consensus_of(points))
    assert (worst.annotators, worst.image) == (("ann", "bob"), "007.png")
    assert "two cannot tell whose is wrong" in worst.sentence


def test_annotators_may_have_marked_only_a_part() -> None:
    truth = truth_of(60)
    points = drawn(truth, {"ann": 1.0, "bob": 1.0, "cy": 5.0, "di": 2.0})
    points["ann"][:20] = np.nan
    points["bob"][20:40, 1] = np.nan
    points["cy"][40:] = np.nan
    points["di"][:, 2] = np.nan
    found = consensus_of(points)
    assert np.isfinite(found.mean).all()
    together = np.nanmean([*points.values()], axis=0)
    assert error(found.mean, truth) < 0.8 * error(together, truth)
    assert found.images[:, 2].tolist() == [40, 60, 40, 0]
    assert any("annotator di" in note or "di marked" in note for note in found.notes) is False


def test_a_landmark_that_nobody_marked_stays_absent() -> None:
    points = drawn(truth_of(8), {"ann": 1.0, "bob": 1.0, "cy": 1.0})
    for values in points.values():
        values[:, 1] = np.nan
        values[2] = np.nan
    found = consensus_of(points)
    assert found.points("000.png").visibility.tolist() == [VISIBLE, ABSENT, VISIBLE]
    assert not found.points("002.png").present.any()
    assert np.isfinite(found.spread).all()
    assert any(note.startswith("thumb: marked by nobody") for note in found.notes)


def test_a_landmark_that_one_alone_marked_is_taken_as_it_is() -> None:
    points = drawn(truth_of(8), {"ann": 1.0, "bob": 1.0, "cy": 1.0})
    points["ann"][:, 1] = points["bob"][:, 1] = np.nan
    found = consensus_of(points)
    np.testing.assert_allclose(found.mean[:, 1], points["cy"][:, 1], atol=1e-9)
    assert any("annotator cy marked thumb in no image where another did" in n for n in found.notes)


def test_a_landmark_is_seen_where_one_saw_it() -> None:
    truth = truth_of(3)
    hidden = np.array([OCCLUDED, OCCLUDED, VISIBLE])
    images = {
        str(i): {
            "ann": Points(SCHEME, at, hidden),
            "bob": Points(SCHEME, at + 1.0, np.array([OCCLUDED, VISIBLE, VISIBLE])),
        }
        for i, at in enumerate(truth)
    }
    found = estimate_consensus(Marks.of(SCHEME, images))
    assert found.all_points()["0"].visibility.tolist() == [OCCLUDED, VISIBLE, VISIBLE]


def test_one_annotator_is_refused() -> None:
    with pytest.raises(StudyError, match="two annotators or more, and there is only one, 'ann'"):
        marks_of({"ann": truth_of(3)})


def test_annotators_without_a_common_image_are_refused() -> None:
    points = {"ann": truth_of(4), "bob": truth_of(4)}
    points["ann"][:2], points["bob"][2:] = np.nan, np.nan
    with pytest.raises(StudyError, match="no landmark of any image in common"):
        marks_of(points)


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """Films of three subjects, each marked by two annotators whose names sort as they are given."""
    made = open_study(write_phantom("cervical", tmp_path_factory.mktemp("p") / "s", n=8, seed=2))
    rng = np.random.default_rng(5)
    return replace(made, cases=tuple(_marked_by_two(case, rng) for case in made.cases))


def _marked_by_two(case: StudyCase, rng: np.random.Generator) -> StudyCase:
    assert case.points is not None
    at = case.points.coordinates
    annotations = {
        who: Points.of(case.points.scheme, at + rng.normal(0.0, 2.0, at.shape) + shift)
        for who, shift in {"ann": -1.5, "bob": 1.5}.items()
    }
    return replace(case, annotations=annotations, reference=None)


def job_of(study: Study, *changes: str, recipe: str = "default") -> TrainingJob[Recipe]:
    names = [case.identifier for case in study.cases]
    split = Split({"train": tuple(names[:6]), "validation": tuple(names[6:]), "test": ()})
    small = [] if recipe == "rfrv-clm" else ["input.size=[64, 64]"]
    return TrainingJob(study, read_recipe(recipe, [*small, *changes]), split)


def examples_of(job: TrainingJob[Recipe], tmp_path: Path, part: str = "train") -> Examples:
    recipe = network_recipe(job.recipe)
    own = TrainingJob(job.study, recipe, job.split)
    grid = training_grid(own)
    images = training_images(
        own, part, own.part(part), grid, advance=silent, store=PixelStore(tmp_path)
    )
    return make_examples(recipe, make_spec(recipe, own, grid), images)


def alone(study: Study, who: str) -> Study:
    """The study as if one annotator had marked it; of 'mean', the agreed points."""

    def points(case: StudyCase) -> Points:
        if who != "mean":
            return case.annotations[who]
        assert case.points is not None
        return case.points

    cases = tuple(replace(case, annotations={who: points(case)}) for case in study.cases)
    return replace(study, cases=cases)


def test_the_mean_is_trained_on_as_if_it_were_all_that_is_known(
    study: Study, tmp_path: Path
) -> None:
    """Bit by bit: several annotators change nothing where nobody asks for them."""
    made = examples_of(job_of(study), tmp_path).batch(range(6), 3)
    known = examples_of(job_of(alone(study, "mean")), tmp_path).batch(range(6), 3)
    assert made.targets.tobytes() == known.targets.tobytes()
    assert made.inputs.tobytes() == known.inputs.tobytes()
    assert "labels" not in job_of(study).recipe.model_dump(mode="json")
    said = job_of(study, "labels.use=mean")
    assert said.fingerprint() == job_of(study).fingerprint()
    assert said.fingerprint() == job_of(alone(study, "mean")).fingerprint()


def test_with_all_each_example_is_one_annotators(study: Study, tmp_path: Path) -> None:
    """The pictures are those of any other run; the points are the one's or the other's."""
    job = job_of(study, "labels.use=all")
    examples = examples_of(job, tmp_path)
    theirs = [examples_of(job_of(alone(study, who)), tmp_path) for who in ("ann", "bob")]
    assert len(examples) == 6
    chosen = []
    for epoch in range(8):
        made = examples.batch(range(6), epoch)
        whole = [each.batch(range(6), epoch) for each in theirs]
        assert made.inputs.tobytes() == whole[0].inputs.tobytes()
        same = [
            [np.array_equal(made.targets[i], each.targets[i]) for each in whole] for i in range(6)
        ]
        assert all(sum(row) == 1 for row in same)
        chosen.append([row.index(True) for row in same])
    counts = np.array(chosen)
    assert 0.3 < counts.mean() < 0.7  # neither of them always
    assert (counts.min(axis=0) < counts.max(axis=0)).sum() >= 5  # nor always the same of an image
    again = examples_of(job, tmp_path).batch([4, 2], 1)
    before = examples.batch([4, 2], 1)
    assert again.targets.tobytes() == before.targets.tobytes()


def test_what_is_held_out_is_judged_by_the_mean(study: Study, tmp_path: Path) -> None:
    for use in ("all", "consensus"):
        held_out = examples_of(job_of(study, f"labels.use={use}"), tmp_path, "validation")
        for image, case in zip(held_out.images, study.cases[6:], strict=True):
            assert case.points is not None
            np.testing.assert_array_equal(image.points.coordinates, case.points.coordinates)
            assert not image.annotators


def test_the_consensus_is_that_of_training_images_alone(study: Study) -> None:
    cy = Points.of(study.scheme, np.full((len(study.scheme), 2), 3.0))

    def with_third(case: StudyCase, which: int) -> StudyCase:
        first = case.annotations["ann"]
        rng = np.random.default_rng(which)
        near = first.coordinates + rng.normal(0.0, 0.5, first.coordinates.shape)
        third = Points.of(study.scheme, near) if which < 6 else cy
        return replace(case, annotations={**case.annotations, "cy": third})

    three = replace(study, cases=tuple(with_third(case, i) for i, case in enumerate(study.cases)))
    own = job_of(three, "labels.use=consensus").own_points
    assert own is not None
    wanted = estimate_consensus(gather_marks(three, [c.identifier for c in study.cases[:6]]))
    for name, (points,) in own.items():
        np.testing.assert_array_equal(points.coordinates, wanted.points(name).coordinates)
        mean = three.case(name).points
        assert mean is not None
        assert np.abs(points.coordinates - mean.coordinates).max() > 0.1
    # of all images it would have been another
    of_all = estimate_consensus(gather_marks(three)).points(study.cases[0].identifier)
    first = own[study.cases[0].identifier][0]
    assert np.abs(of_all.coordinates - first.coordinates).max() > 0.01


def test_forests_take_each_annotators_points_as_a_film(study: Study) -> None:
    job = job_of(study, "labels.use=all", recipe="rfrv-clm")
    case = study.cases[0]
    first, second = job.samples(case.identifier)
    for sample, who in ((first, "ann"), (second, "bob")):
        assert sample.points is not None
        np.testing.assert_array_equal(sample.points.coordinates, case.annotations[who].coordinates)
        assert sample.image.identifier == case.identifier
    assert len(job.samples(study.cases[-1].identifier)) == 1


def test_a_search_of_some_landmarks_has_each_annotators_too(study: Study) -> None:
    names = study.scheme.names[:2]
    job = replace(job_of(study, "labels.use=all"), focus=SomeLandmarks.of(study.scheme, names))
    ((first, second),) = job.views(study.cases[0].identifier)
    assert first.points is not None
    assert second.points is not None
    assert first.points.scheme.names == second.points.scheme.names == names
    assert not np.array_equal(first.points.coordinates, second.points.coordinates)


def test_other_annotations_are_another_run_where_they_are_trained_on(study: Study) -> None:
    case = study.cases[0]
    assert case.points is not None
    moved = {
        "ann": Points.of(study.scheme, case.annotations["ann"].coordinates + 1.0),
        "bob": Points.of(study.scheme, case.annotations["bob"].coordinates - 1.0),
    }
    other = replace(study, cases=(replace(case, annotations=moved), *study.cases[1:]))
    assert job_of(study).fingerprint() == job_of(other).fingerprint()
    for use in ("labels.use=all", "labels.use=consensus"):
        assert job_of(study, use).fingerprint() != job_of(study).fingerprint()
    assert (
        job_of(study, "labels.use=all").fingerprint()
        != job_of(other, "labels.use=all").fingerprint()
    )


@pytest.mark.parametrize("use", ["all", "consensus"])
def test_several_annotators_are_asked_for_where_there_is_one(study: Study, use: str) -> None:
    job = job_of(alone(study, "ann"), f"labels.use={use}")
    with pytest.raises(StudyError, match=r"no training image of study .* has two annotators"):
        job.samples(study.cases[0].identifier)


def test_an_unknown_use_of_labels_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"labels\.use: Input should be 'mean', 'all' or"):
        read_recipe("default", ["labels.use=median"])
    with pytest.raises(ConfigError, match=r"unknown setting 'labels\.us'; did you mean 'use'"):
        read_recipe("rfrv-clm", ["labels.us=all"])


def test_values_of_two_annotators_give_the_spread_of_one() -> None:
    rng = np.random.default_rng(0)
    values = [
        AnnotatorValue(f"{i}.png", f"s{i // 2}", who, float(value), None)
        for i in range(400)
        for who, value in zip("ab", rng.normal(10.0 + i, 2.0, 2), strict=True)
    ]
    values.append(AnnotatorValue("x.png", "s9", "a", None, "landmark not found: tip"))
    spread = annotator_spread(values, "deg", np.random.default_rng(1))
    assert spread.images == 400
    assert spread.single_sd is not None
    assert spread.mean_absolute_difference is not None
    assert 1.8 < spread.single_sd < 2.2
    # of a normal difference, 2 / sqrt(pi) times the deviation of one
    assert abs(spread.mean_absolute_difference - 2.0 * 2.0 / np.sqrt(np.pi)) < 0.25
    for value, interval in (
        (spread.single_sd, spread.single_sd_interval),
        (spread.mean_absolute_difference, spread.difference_interval),
    ):
        assert interval is not None
        assert interval[0] < value < interval[1]
    assert spread.reasons == {"landmark not found: tip": 1}


def on_disk(study: Study, root: Path, names: tuple[str, ...]) -> Path:
    """A study of a few films with a file of each annotator."""
    (root / "images").mkdir(parents=True)
    for case in study.cases[:4]:
        shutil.copy(case.path, root / "images" / case.identifier)
    for who in names:
        rows = tuple(
            AnnotatedImage(case.identifier, case.annotations[who], subject=case.subject)
            for case in study.cases[:4]
        )
        write_csv(AnnotationFile(study.scheme, rows), root / f"landmarks_annotator{who}.csv")
    (root / "study.toml").write_text('protocol = "cervical"\n', encoding="utf-8")
    return root


def test_the_command_writes_an_annotation_and_tables_without_nan(
    study: Study, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root, out = on_disk(study, tmp_path / "s", ("ann", "bob")), tmp_path / "out"
    consensus_command(root, out, protocol=None, seed=0)
    written = read_csv(out / "landmarks.csv")
    assert [row.image for row in written.rows] == [case.identifier for case in study.cases[:4]]
    for row, case in zip(written.rows, study.cases[:4], strict=True):
        assert row.subject == case.subject
        assert case.points is not None
        np.testing.assert_allclose(row.points.coordinates, case.points.coordinates, atol=1e-6)
    content = json.loads((out / "consensus.json").read_text(encoding="utf-8"))
    assert content["annotators"] == ["ann", "bob"]
    assert content["measurements"]
    for name in ("annotators.csv", "outliers.csv", "covariances.csv", "measurements.csv"):
        text = (out / name).read_text(encoding="utf-8")
        assert "nan" not in text.lower().split("\n", 1)[1]
    rows = (out / "measurements.csv").read_text(encoding="utf-8").splitlines()
    assert rows[0] == "subject,image,annotator,quantity,value,unit,reason"
    shown = capsys.readouterr().out
    assert "not who of them errs more" in shown
    assert "sd of one annotator" in shown


def test_the_command_says_in_a_sentence_that_there_is_one_annotator(
    study: Study, tmp_path: Path
) -> None:
    root = on_disk(study, tmp_path / "s", ("ann",))
    with pytest.raises(StudyError, match="a consensus needs two annotators or more"):
        consensus_command(root, tmp_path / "out", protocol=None, seed=0)
    assert not (tmp_path / "out").exists()
