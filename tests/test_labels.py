"""Which labels to look at first: what is planted stands first, and clean labels are left alone."""

import csv
import json

import numpy as np
import pytest
from PIL import Image as Pillow
from typer.testing import CliRunner

from palpate.cli.app import app
from palpate.errors import FormatError, StudyError
from palpate.io.predictions import PredictedImage, PredictionFile, write_predictions
from palpate.labels.expected import unexpected
from palpate.labels.held_out import read_held_out
from palpate.labels.levels import level_shift
from palpate.labels.planted import plant
from palpate.labels.planted_study import planted_study, reference_labels, write_planted
from palpate.labels.ranked import rank_labels, rank_set
from palpate.labels.residuals import LabelSet, Predicted, standardise
from palpate.labels.robust import Tail, usual_scatter
from palpate.points import Points
from palpate.prediction import Prediction
from palpate.scheme import LandmarkScheme
from palpate.shape_checks import faces_other_way
from palpate.splits import Split
from palpate.study import open_study

NAMES = ("V1_front", "V1_back", "V2_front", "V2_back", "V3_front", "V3_back", "V4_front", "V4_back")
SCHEME = LandmarkScheme(
    "spine", NAMES, mirror=tuple((f"V{i}_front", f"V{i}_back") for i in range(1, 5))
)
BASE = np.array(
    [[60, 40], [110, 45], [64, 80], [116, 88], [60, 122], [112, 130], [70, 165], [125, 170]], float
)
SIZE = (200.0, 220.0)


def films(n, seed=0, *, sure=2.0):
    """Labels drawn from their predictions' own distribution."""
    rng = np.random.default_rng(seed)
    place = BASE + rng.normal(0, 6, (n, 1, 2)) + rng.normal(0, 3, (n, 8, 2))
    sd = sure * rng.uniform(0.5, 2.0, (n, 8))
    covariance = sd[..., None, None] ** 2 * np.eye(2)
    mean = place + rng.normal(size=(n, 8, 2)) * sd[..., None]
    sizes = np.tile(np.array(SIZE), (n, 1))
    predicted = Predicted(mean, covariance, np.full((n, 8), 0.8), sizes)
    names = tuple(f"f{i:03d}.png" for i in range(n))
    return LabelSet(SCHEME, names, names, place, predicted)


def changed(labels, row, how):
    new = labels.labels.copy()
    new[row] = how(new[row].copy())
    return LabelSet(SCHEME, labels.images, labels.subjects, new, labels.predicted)


def first(labels):
    return rank_set(labels)[0]


@pytest.mark.parametrize("seed", range(2))
def test_labels_of_the_predictions_own_distribution_give_no_more_findings_than_the_rate(seed):
    entries = rank_set(films(300, seed))
    found = {entry.image for entry in entries if entry.found}
    # One in a hundred is 3 of 300; more than 8 has a chance of 0.4 %.
    assert len(found) <= 8


@pytest.mark.parametrize("pair", [(0, 3), (2, 4), (5, 6)])
def test_a_planted_swap_is_named_as_that_swap(pair):
    def swap(points):
        points[list(pair)] = points[list(pair[::-1])]
        return points

    entry = first(changed(films(40), 7, swap))
    assert (entry.image, entry.kind, entry.found) == ("f007.png", "swapped", True)
    assert set(entry.landmarks) == {NAMES[k] for k in pair}


def test_a_slip_is_named_with_its_distance():
    def slip(points):
        points[4] += (0.0, 30.0)
        return points

    entry = first(changed(films(60), 7, slip))
    assert (entry.image, entry.kind, entry.landmarks) == (
        "f007.png",
        "single point off",
        ("V3_front",),
    )
    assert "px from where the prediction and its other labels say" in entry.sentence


def off_by_one(points):
    return np.vstack([points[2:], points[-2:] + np.array([5.0, 42.0])])


def shifted_whole(points):
    return points + np.array([60.0, 5.0])


def test_exchanged_sides_a_mirrored_film_and_a_level_off_are_told_apart():
    sides = first(changed(films(40), 7, lambda p: p[SCHEME.mirror_order()]))
    assert (sides.image, sides.kind, sides.evidence) == (
        "f007.png",
        "sides exchanged",
        "prediction",
    )
    assert sides.found
    turned = first(changed(films(40), 7, lambda p: np.array([SIZE[0] - 1, 0]) + p * (-1, 1)))
    assert (turned.image, turned.kind, turned.found) == ("f007.png", "mirrored", True)
    level = first(changed(films(40), 7, off_by_one))
    assert (level.image, level.kind) == ("f007.png", "whole set off by one level")
    shifted = first(changed(films(40), 7, shifted_whole))
    assert (shifted.image, shifted.kind) == ("f007.png", "whole set off")


def test_a_doubtful_prediction_accuses_no_label():
    def slip(points):
        points[4] += (0.0, 14.0)
        return points

    labels = changed(films(60, sure=1.0), 7, slip)

    def found(sd):
        p = labels.predicted
        covariance = p.covariance.copy()
        covariance[7, 4] = sd**2 * np.eye(2)
        predicted = Predicted(p.mean, covariance, p.score, p.sizes)
        spoilt = LabelSet(SCHEME, labels.images, labels.subjects, labels.labels, predicted)
        return {e.landmarks for e in rank_set(spoilt) if e.image == "f007.png" and e.found}

    assert found(1.0) == {("V3_front",)}
    assert found(20.0) == set()


def test_a_prediction_of_an_odd_shape_is_doubted():
    labels = films(60)
    labels.predicted.mean[7, 4] += (0.0, 40.0)
    assert "f007.png" not in {entry.image for entry in rank_set(labels) if entry.found}


def as_told(entries):
    return {(e.image, e.kind, e.landmarks, round(e.score, 2), e.found) for e in entries}


@pytest.mark.parametrize("seed", [0, 1])
def test_scale_changes_nothing_be_it_of_all_films_or_of_each(seed):
    labels, truth = planted_set(films(30, seed), seed)
    factor = np.random.default_rng(seed).uniform(0.05, 20.0, (30, 1, 1))
    p = labels.predicted
    scaled = Predicted(
        p.mean * factor, p.covariance * factor[..., None] ** 2, p.score, p.sizes * factor[:, 0]
    )
    other = LabelSet(SCHEME, labels.images, labels.subjects, labels.labels * factor, scaled)
    assert {error.kind for error in truth} == {"swap", "slip", "wrong side"}
    assert as_told(rank_set(other)) == as_told(rank_set(labels))


def planted_set(labels, seed):
    given_labels = {
        name: Points.of(SCHEME, own) for name, own in zip(labels.images, labels.labels, strict=True)
    }
    widths = dict.fromkeys(labels.images, SIZE[0])
    new, truth = plant(given_labels, widths, np.random.default_rng(seed), slip_px=25.0)
    stack = np.stack([new[name].coordinates for name in labels.images])
    return LabelSet(SCHEME, labels.images, labels.subjects, stack, labels.predicted), truth


def test_what_is_planted_is_known_deterministic_and_found():
    labels, truth = planted_set(films(90), 3)
    again, same = planted_set(films(90), 3)
    assert truth == same
    assert np.array_equal(labels.labels, again.labels)
    assert len(truth) == 9
    assert {error.kind for error in truth} == {"swap", "slip", "wrong side"}
    untouched = {error.image for error in truth}
    for name, own, clean in zip(labels.images, labels.labels, films(90).labels, strict=True):
        assert (name in untouched) == bool((own != clean).any())
    order = list(dict.fromkeys(entry.image for entry in rank_set(labels)))
    assert len(set(order[:9]) & untouched) >= 8


def test_planting_refuses_what_it_cannot_do():
    with pytest.raises(StudyError, match="share above 0"):
        plant({}, {}, np.random.default_rng(0), share=0.0)
    with pytest.raises(StudyError, match="no image with two labels"):
        plant({}, {}, np.random.default_rng(0))


def test_shape_alone_expects_a_landmark_where_the_others_say():
    labels = films(60)
    labels.labels.setflags(write=True)
    spoilt = labels.labels.copy()
    spoilt[7, 4] += (0.0, 40.0)
    offsets, _ = unexpected(spoilt, labels.subjects)
    assert np.linalg.norm(offsets[7, 4] - (0.0, 40.0)) < 12.0
    # The wrong label does not accuse its neighbours.
    clean, _ = unexpected(labels.labels, labels.subjects)
    others = np.delete(np.arange(8), 4)
    assert np.abs(offsets[7, others] - clean[7, others]).max() < 12.0
    entry = first(LabelSet(SCHEME, labels.images, labels.subjects, spoilt))
    assert (entry.image, entry.landmarks, entry.evidence) == ("f007.png", ("V3_front",), "shape")


def test_two_wrong_labels_do_not_excuse_each_other():
    labels = films(60)
    spoilt = labels.labels.copy()
    spoilt[7, 4] += (0.0, 40.0)
    spoilt[7, 5] += (30.0, 0.0)
    offsets, _ = unexpected(spoilt, labels.subjects)
    left = offsets[7, [4, 5]] - np.array([[0.0, 40.0], [30.0, 0.0]])
    assert np.linalg.norm(left, axis=1).max() < 11.5


def test_subjects_do_not_judge_themselves():
    labels = films(30)
    spoilt = np.concatenate([labels.labels, labels.labels[:1]])
    spoilt[[0, 30], 4] += (0.0, 40.0)
    offsets, _ = unexpected(spoilt, (*labels.subjects, labels.subjects[0]))
    assert np.linalg.norm(offsets[[0, 30], 4] - (0.0, 40.0), axis=1).max() < 15.0


def test_films_that_face_either_way_are_no_mistake():
    labels = films(60)
    both = labels.labels.copy()
    both[::2, :, 0] = SIZE[0] - 1 - both[::2, :, 0]
    other = faces_other_way(both, mirror_order=SCHEME.mirror_order())
    assert other[::2].all() != other[1::2].all()
    assert other.sum() == 30
    mean = labels.predicted.mean.copy()
    mean[::2, :, 0] = SIZE[0] - 1 - mean[::2, :, 0]
    p = labels.predicted
    predicted = Predicted(mean, p.covariance, p.score, p.sizes)
    mixed = LabelSet(SCHEME, labels.images, labels.subjects, both, predicted)
    assert sum(entry.found for entry in rank_set(mixed)) <= 2
    residuals = standardise(mixed)
    assert np.nanmax(np.abs(residuals.place - mean)) < 3.0


def test_gross_errors_move_the_usual_scatter_little():
    rng = np.random.default_rng(0)
    offsets = rng.normal(size=(300, 2, 2)) * np.array([4.0, 1.0])
    clean = usual_scatter(offsets)
    offsets[:20] += 500.0
    assert np.abs(usual_scatter(offsets) / clean - 1.0)[:, [0, 1], [0, 1]].max() < 0.6


def test_a_tail_is_as_heavy_as_its_labels():
    rng = np.random.default_rng(0)
    gauss = rng.chisquare(2.0, size=(2000, 4))
    heavy = gauss / (rng.chisquare(4.0, size=gauss.shape) / 4.0)
    assert Tail.of(gauss).freedom > 30.0
    assert 2.0 < Tail.of(heavy).freedom < 8.0
    for values in (gauss, heavy):
        assert 0.005 < (Tail.of(values).chance(values) < 0.01).mean() < 0.02


def test_levels_are_told_by_their_names():
    assert level_shift(NAMES, 1) == {k: k + 2 for k in range(6)}
    assert level_shift(("sella", "nasion", "A_point", "B_point"), 1) == {}


# ---- files, study, command ------------------------------------------------------------------


@pytest.fixture
def crossval(tmp_path):
    """Return a function that writes a study of films and a cross-validation of it."""

    def write(labels, *, subjects=None, folds=3, annotators=None):
        study, out = tmp_path / "study", tmp_path / "cv"
        (study / "images").mkdir(parents=True)
        (study / "study.toml").write_text(
            "mirror = " + json.dumps([list(pair) for pair in SCHEME.mirror]) + "\n"
        )
        rng = np.random.default_rng(0)
        for name in labels.images:
            grey = rng.integers(0, 255, (220, 200)).astype(np.uint8)
            Pillow.fromarray(grey).save(study / "images" / name)
        subjects = subjects or labels.subjects
        sets = annotators or {"": labels.labels}
        for who, points in sets.items():
            suffix = f"_annotator{who}" if who else ""
            write_labels(study / f"landmarks{suffix}.csv", labels.images, subjects, points)
        p = labels.predicted
        images = [
            PredictedImage(
                name,
                Prediction(SCHEME, p.mean[i], p.covariance[i], p.score[i], "test"),
                (200, 220),
                subjects[i],
            )
            for i, name in enumerate(labels.images)
        ]
        out.mkdir()
        write_predictions(PredictionFile(SCHEME, tuple(images)), out / "predictions.json")
        for fold in range(folds):
            test = labels.images[fold::folds]
            train = tuple(name for name in labels.images if name not in test)
            (out / f"fold-{fold + 1}").mkdir()
            Split({"train": train, "test": test}).write(out / f"fold-{fold + 1}" / "split.json")
        return study, out

    return write


def write_labels(path, images, subjects, points):
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["image", "subject", *(f"{n}_{a}" for n in NAMES for a in "xy")])
        for image, subject, own in zip(images, subjects, points, strict=True):
            writer.writerow([image, subject, *own.ravel().round(4).tolist()])


def swapped_set(n=24):
    def swap(points):
        points[[2, 5]] = points[[5, 2]]
        return points

    return changed(films(n), 7, swap)


def test_the_order_of_images_changes_nothing(crossval):
    study, out = crossval(swapped_set())
    opened = open_study(study)
    held_out = read_held_out(opened, out)
    ranked = rank_labels(opened, held_out)
    order = np.random.default_rng(0).permutation(len(opened))
    cases = tuple(opened.cases[int(i)] for i in order)
    shuffled = rank_labels(
        type(opened)(opened.name, opened.root, opened.landmarks, cases, opened.settings),
        held_out,
    )
    assert ranked == shuffled
    assert ranked.entries[0].landmarks == (NAMES[2], NAMES[5])
    assert set(ranked.images()) == {case.identifier for case in opened.cases}


def test_a_prediction_of_a_subject_that_was_learned_from_is_refused(crossval):
    labels = films(24)
    subjects = ("shared", "shared", *labels.subjects[2:])
    study, out = crossval(labels, subjects=subjects)
    held_out = read_held_out(open_study(study), out)
    assert set(held_out.refused) == {"f000.png", "f001.png"}
    assert "of the same subject 'shared'" in held_out.refused["f000.png"]
    ranked = rank_labels(open_study(study), held_out)
    assert (ranked.judged, ranked.by_shape) == (22, 2)


def test_what_is_no_cross_validation_is_refused(crossval, tmp_path):
    study, out = crossval(films(24))
    opened = open_study(study)
    with pytest.raises(FormatError, match="palpate crossval STUDY"):
        read_held_out(opened, tmp_path)
    for split in out.glob("fold-*/split.json"):
        split.unlink()
    with pytest.raises(FormatError, match="who was trained on"):
        read_held_out(opened, out)
    (out / "fold-1" / "split.json").write_text('{"parts": {"train": ["x"], "test": ["y"]}}')
    with pytest.raises(StudyError, match="none of its 24 images"):
        read_held_out(opened.subset([]), out)


def test_an_image_that_no_fold_held_out_is_refused(crossval):
    study, out = crossval(films(24))
    (out / "fold-1" / "split.json").unlink()
    held_out = read_held_out(open_study(study), out)
    assert len(held_out.refused) == 8
    assert "no fold held it out" in held_out.refused["f000.png"]


def test_of_two_annotators_the_one_who_slipped_is_named(crossval):
    labels = films(24)
    rng = np.random.default_rng(5)
    first_, second = (labels.labels + rng.normal(0, 0.7, labels.labels.shape) for _ in range(2))
    second[7, 4] += (0.0, 30.0)
    # Both set this one where neither prediction nor shape expects it: anatomy, not a slip.
    first_[9, 1] += (0.0, 30.0)
    second[9, 1] += (0.0, 30.0)
    study, out = crossval(labels, annotators={"A": first_, "B": second})
    ranked = rank_labels(open_study(study), read_held_out(open_study(study), out))
    entry = ranked.entries[0]
    assert (entry.image, entry.annotator, entry.landmarks) == ("f007.png", "B", ("V3_front",))
    assert "f009.png" not in {entry.image for entry in ranked.found}


def test_the_command_writes_the_list_and_the_page(crossval, tmp_path):
    study, out = crossval(swapped_set())
    report = tmp_path / "report"
    result = CliRunner().invoke(
        app,
        ["check", str(study), "--predictions", str(out), "--top", "3", "--out", str(report)],
    )
    assert result.exit_code == 0, result.output
    with (report / "check_first.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert (rows[0]["image"], rows[0]["kind"], rows[0]["finding"]) == ("f007.png", "swapped", "yes")
    assert rows[0]["landmarks"].split() == [NAMES[2], NAMES[5]]
    assert {row["image"] for row in rows} == set(films(24).images)
    findings = json.loads((report / "findings.json").read_text())["findings"]
    assert "label-swapped" in {finding["kind"] for finding in findings}
    page = (report / "check_first.html").read_text()
    assert page.count("<figure>") == page.count("data:image/jpeg") == 3
    assert "f007.png: V2_front and V3_back lie at each other" in page


def test_without_predictions_shape_alone_is_told(crossval, tmp_path):
    study, _ = crossval(swapped_set())
    result = CliRunner().invoke(app, ["check", str(study), "--out", str(tmp_path / "r")])
    assert result.exit_code == 0, result.output
    with (tmp_path / "r" / "check_first.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert (rows[0]["image"], rows[0]["evidence"]) == ("f007.png", "shape")
    assert "Shape alone" in (tmp_path / "r" / "check_first.html").read_text()


def test_a_planted_copy_is_a_study_with_the_errors(crossval, tmp_path):
    study, _ = crossval(films(24))
    opened = open_study(study)
    widths = dict.fromkeys((case.identifier for case in opened.cases), SIZE[0])
    labels, truth = plant(reference_labels(opened), widths, np.random.default_rng(0))
    write_planted(opened, labels, truth, tmp_path / "copy")
    again, inside = open_study(tmp_path / "copy"), planted_study(opened, labels)
    for case, same in zip(again.cases, inside.cases, strict=True):
        assert np.array_equal(case.points.coordinates, same.points.coordinates)
    assert len(json.loads((tmp_path / "copy" / "planted.json").read_text())) == len(truth) == 2
