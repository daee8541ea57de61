"""RMSD of limbs: which frames make a clip, worked examples, and laws of figures and pairs."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from palpate.errors import GeometryError, StudyError
from palpate.evaluation.bootstrap import Resampling
from palpate.evaluation.limb_clips import LimbFrames, cut_clips
from palpate.evaluation.limb_costs import run_cost
from palpate.evaluation.limb_errors import ALL_LIMBS, evaluate_limbs, limb_errors
from palpate.evaluation.limb_paired import Change, paired_limbs
from palpate.evaluation.medians import resampled_medians
from palpate.scheme import LandmarkScheme

ARM = LandmarkScheme(
    "arm",
    ("right_shoulder", "right_elbow", "right_wrist"),
    edges=(("right_shoulder", "right_elbow"), ("right_elbow", "right_wrist")),
)
BODY = LandmarkScheme(
    "body",
    tuple(f"{side}_{joint}" for side in ("right", "left") for joint in ("hip", "knee", "ankle")),
    edges=tuple(
        (f"{side}_{first}", f"{side}_{second}")
        for side in ("right", "left")
        for first, second in (("hip", "knee"), ("knee", "ankle"))
    ),
)


def rng(seed=0):
    return np.random.default_rng(seed)


def frames_of(offsets, *, scheme=ARM, names=None, subjects=None, grid=0.2, made_by="test"):
    """Labels at fixed places and predictions that are off by ``offsets`` (frame, joint, 2)."""
    offsets = np.asarray(offsets, dtype=float)
    count, joints = offsets.shape[:2]
    labels = np.tile(100.0 + 10.0 * np.arange(joints * 2).reshape(joints, 2), (count, 1, 1))
    return LimbFrames(
        scheme,
        tuple(names or (f"one#{5 * k}" for k in range(count))),
        tuple(subjects or ("p",) * count),
        labels,
        labels + offsets,
        {"grid_px": np.full((count, joints), grid), "px": np.ones((count, joints))},
        made_by,
    )


def random_frames(seed, *, subjects=3, clips=4, scheme=BODY, hidden=0.1, lost=0.1, sd=4.0):
    r = rng(seed)
    names = [f"v{s}#{5 * k}" for s in range(subjects) for k in range(3 * clips)]
    made = frames_of(
        r.normal(0.0, sd, (len(names), len(scheme), 2)),
        scheme=scheme,
        names=names,
        subjects=[name.split("#")[0] for name in names],
    )
    labels, predictions = made.labels.copy(), made.predictions.copy()
    labels[r.random(labels.shape[:2]) < hidden] = np.nan
    predictions[r.random(labels.shape[:2]) < lost] = np.nan
    return replace(made, labels=labels, predictions=predictions)


def shuffled(frames, seed=9):
    order = rng(seed).permutation(len(frames.identifiers))
    return LimbFrames(
        frames.scheme,
        tuple(frames.identifiers[k] for k in order),
        tuple(frames.subjects[k] for k in order),
        frames.labels[order],
        frames.predictions[order],
        {unit: scale[order] for unit, scale in frames.scales.items()},
        frames.made_by,
    )


def of(summaries, limb):
    return next(each for each in summaries if each.limb == limb)


# --- clips -----------------------------------------------------------------------------------


def test_250_annotated_frames_make_83_clips():
    cut = cut_clips([f"infant#{5 * k}" for k in range(250)])
    assert (len(cut.rows), cut.left_out) == (83, 1)


def test_no_clip_reaches_across_a_gap():
    cut = cut_clips([f"a#{k}" for k in (0, 5, 10, 15, 20, 30, 35, 40, 45, 90, 95)])
    assert cut.rows.tolist() == [[0, 1, 2], [5, 6, 7]]
    assert cut.left_out == 2 + 1 + 2


def test_each_video_has_a_step_of_its_own():
    names = [f"slow#{k}" for k in (0, 10, 20)] + [f"fast#{k}" for k in (0, 2, 4)]
    assert cut_clips(names).rows.tolist() == [[3, 4, 5], [0, 1, 2]]


def test_numbers_are_ordered_as_numbers_and_clips_hold_one_video():
    names = ["a#100", "a#95", "a#90", "b#105", "b#110", "b#115"]
    assert cut_clips(names).rows.tolist() == [[2, 1, 0], [3, 4, 5]]


def test_two_frames_make_no_clip():
    assert cut_clips(["a#0", "a#5"]).rows.shape == (0, 3)
    assert cut_clips(["a#0", "a#5"]).left_out == 2


@given(st.sets(st.integers(0, 60), min_size=1, max_size=40), st.integers(1, 6))
def test_every_frame_is_in_one_clip_at_most_and_clips_are_evenly_spaced(numbers, factor):
    names = [f"a#{factor * number}" for number in numbers]
    cut = cut_clips(names)
    used = cut.rows.ravel().tolist()
    assert len(set(used)) == len(used) == len(names) - cut.left_out
    found = {tuple(np.diff([int(names[k][2:]) for k in clip])) for clip in cut.rows}
    assert len({step for steps in found for step in steps}) <= 1


# --- RMSD ------------------------------------------------------------------------------------


def test_worked_example():
    """Joints off by 3, 4 and 5 px: sqrt(50 / 3) px; twice that, and nothing: the mean of three."""
    once = np.array([[3.0, 0.0], [0.0, 4.0], [3.0, 4.0]])
    errors = limb_errors(frames_of([once, 2 * once, 0 * once]))
    assert errors.limbs == ("right arm",)
    assert errors.clips == ("one#0",)
    assert errors.rmsd["px"][0, 0] == pytest.approx(np.sqrt(50 / 3))
    assert errors.rmsd["grid_px"][0, 0] == pytest.approx(0.2 * np.sqrt(50 / 3))
    assert (errors.annotated[0, 0], errors.found[0, 0]) == (9, 9)


def test_a_joint_that_is_not_found_is_in_the_share_and_not_in_the_distance():
    offsets = np.zeros((3, 3, 2))
    offsets[:, 0] = [6.0, 8.0]
    frames = frames_of(offsets)
    predictions = frames.predictions.copy()
    predictions[:, 1:] = np.nan
    result = evaluate_limbs(replace(frames, predictions=predictions), rng=rng())
    (arm,) = result.summaries["px"]
    assert arm.median == pytest.approx(10.0)
    assert (arm.annotated, arm.found, arm.share) == (9, 3, pytest.approx(1 / 3))


def test_a_joint_that_is_not_annotated_is_not_judged():
    frames = frames_of(np.full((3, 3, 2), 3.0))
    labels = frames.labels.copy()
    labels[:, 2] = np.nan
    errors = limb_errors(replace(frames, labels=labels))
    assert errors.annotated[0, 0] == errors.found[0, 0] == 6
    assert errors.rmsd["px"][0, 0] == pytest.approx(np.sqrt(18.0))


def test_a_frame_without_a_found_joint_leaves_the_mean_to_the_others():
    frames = frames_of(np.array([np.full((3, 2), k) for k in (1.0, 2.0, 50.0)]))
    predictions = frames.predictions.copy()
    predictions[2] = np.nan
    errors = limb_errors(replace(frames, predictions=predictions))
    assert errors.rmsd["px"][0, 0] == pytest.approx(1.5 * np.sqrt(2.0))
    assert errors.found[0, 0] == 6


def test_a_limb_that_is_never_annotated_or_found_has_a_reason():
    frames = random_frames(0, hidden=0.0, lost=0.0)
    labels, predictions = frames.labels.copy(), frames.predictions.copy()
    labels[:, :3] = np.nan
    predictions[:, 3:] = np.nan
    result = evaluate_limbs(replace(frames, labels=labels, predictions=predictions), rng=rng())
    right, left, both = result.summaries["grid_px"]
    assert (right.reason, right.median, right.share, right.unfound) == (
        "never annotated",
        None,
        None,
        0,
    )
    assert (left.reason, left.share, left.unfound) == ("never found", 0.0, 12)
    assert both.reason == "never found"
    assert right.row()["rmsd_median"] == "never annotated"


def test_too_few_frames_are_told():
    result = evaluate_limbs(frames_of(np.ones((2, 3, 2))), rng=rng())
    (arm,) = result.summaries["px"]
    assert arm.reason == "no consecutive annotated frames"
    assert result.to_json()["frames_in_no_clip"] == 2


def test_a_scheme_without_edges_has_no_limbs():
    with pytest.raises(StudyError, match="has no edges"):
        limb_errors(frames_of(np.ones((3, 2, 2)), scheme=LandmarkScheme("dots", ("a", "b"))))


def test_the_joint_that_closes_a_ring_counts_once():
    ring = LandmarkScheme("ring", ("a", "b", "c"), edges=(("a", "b"), ("b", "c"), ("c", "a")))
    errors = limb_errors(frames_of(np.ones((3, 3, 2)), scheme=ring))
    assert errors.annotated[0, 0] == 9


def test_a_place_where_the_unit_is_not_known_is_left_out_of_that_unit():
    frames = frames_of(np.tile([[3.0, 0.0], [4.0, 0.0], [9.0, 0.0]], (3, 1, 1)))
    known = np.tile([2.0, 2.0, np.nan], (3, 1))
    errors = limb_errors(replace(frames, scales={**frames.scales, "mm": known}))
    assert errors.rmsd["mm"][0, 0] == pytest.approx(2.0 * np.sqrt(12.5))
    assert errors.rmsd["px"][0, 0] == pytest.approx(np.sqrt(106 / 3))


def test_all_limbs_is_the_mean_over_limbs():
    errors = limb_errors(random_frames(1, hidden=0.0, lost=0.0))
    assert errors.limbs == ("right leg", "left leg", ALL_LIMBS)
    np.testing.assert_allclose(errors.rmsd["px"][:, 2], errors.rmsd["px"][:, :2].mean(axis=1))
    np.testing.assert_array_equal(errors.annotated[:, 2], errors.annotated[:, :2].sum(axis=1))


@settings(max_examples=15)
@given(st.integers(0, 1000))
def test_the_order_of_the_frames_has_no_say(seed):
    frames = random_frames(seed)
    one, other = (evaluate_limbs(each, rng=rng()) for each in (frames, shuffled(frames, seed)))
    assert one.summaries == other.summaries
    assert list(one.errors.rows()) == list(other.errors.rows())


@settings(max_examples=15)
@given(st.integers(0, 1000), st.floats(0.1, 20.0))
def test_a_larger_image_has_larger_errors_and_the_same_on_the_grid(seed, factor):
    frames = random_frames(seed)
    larger = replace(
        frames,
        labels=factor * frames.labels,
        predictions=factor * frames.predictions,
        scales={**frames.scales, "grid_px": frames.scales["grid_px"] / factor},
    )
    small, large = limb_errors(frames), limb_errors(larger)
    np.testing.assert_allclose(large.rmsd["px"], factor * small.rmsd["px"], atol=1e-9)
    np.testing.assert_allclose(large.rmsd["grid_px"], small.rmsd["grid_px"], atol=1e-9)


@settings(max_examples=15)
@given(st.integers(0, 1000))
def test_rmsd_by_plain_loops(seed):
    frames = random_frames(seed, hidden=0.3, lost=0.3)
    errors = limb_errors(frames)
    for row, first in enumerate(errors.clips):
        start = frames.identifiers.index(first)
        for column, joints in enumerate(((0, 1, 2), (3, 4, 5))):
            by_frame = []
            for k in range(start, start + 3):
                squares = [
                    float(((frames.predictions[k, j] - frames.labels[k, j]) ** 2).sum())
                    for j in joints
                ]
                squares = [value for value in squares if not np.isnan(value)]
                if squares:
                    by_frame.append(np.sqrt(np.mean(squares)))
            expected = np.mean(by_frame) if by_frame else np.nan
            assert errors.rmsd["px"][row, column] == pytest.approx(expected, nan_ok=True)


# --- figures ---------------------------------------------------------------------------------


def test_one_subject_has_no_interval():
    result = evaluate_limbs(random_frames(2, subjects=1), rng=rng())
    assert all(each.interval is None for each in result.summaries["px"])
    assert all(each.median is not None for each in result.summaries["px"])


def test_median_and_quartiles_are_those_of_the_clips():
    result = evaluate_limbs(random_frames(3), rng=rng())
    column = result.errors.rmsd["grid_px"][:, 0]
    summary = of(result.summaries["grid_px"], "right leg")
    assert summary.median == pytest.approx(np.nanmedian(column))
    assert summary.quartiles == pytest.approx(tuple(np.nanquantile(column, [0.25, 0.75])))
    assert summary.interval[0] <= summary.median <= summary.interval[1]


@settings(max_examples=25)
@given(st.integers(0, 1000), st.integers(1, 12))
def test_medians_of_resamples_are_those_of_repeated_rows(seed, count):
    r = rng(seed)
    subjects = tuple(r.choice(["a", "b", "c"], size=count))
    values = r.integers(0, 5, size=count).astype(float)
    resampling = Resampling.draw(("a", "b", "c"), r, resamples=20)
    owners = resampling.owners(subjects)
    for weights, found in zip(
        resampling.weights, resampled_medians(values, owners, resampling), strict=True
    ):
        rows = np.repeat(values, weights[owners].astype(int))
        expected = np.median(rows) if len(rows) else np.nan
        assert found == pytest.approx(expected, nan_ok=True)


def test_json_and_rows_hold_no_nan():
    result = evaluate_limbs(random_frames(4, hidden=0.6, lost=0.6), rng=rng())
    cells = [cell for row in (*result.rows(), *result.errors.rows()) for cell in row.values()]
    assert not any(isinstance(cell, float) and np.isnan(cell) for cell in cells)
    assert result.to_json()["limbs"][0]["limb"] == "right leg"


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"identifiers": ("a#0", "a#0", "a#1")}, StudyError, "given twice"),
        ({"identifiers": ("a#0", "film.png", "a#1")}, StudyError, "is not a frame"),
        ({"subjects": ("p", "", "p")}, StudyError, "needs the subject"),
        ({"scheme": BODY}, GeometryError, "labels must be of shape"),
        ({"predictions": np.full((3, 3, 2), np.inf)}, GeometryError, "both coordinates"),
        ({"scales": {"px": np.zeros((3, 3))}}, GeometryError, "must be positive"),
    ],
)
def test_what_does_not_fit_is_refused(change, error, words):
    with pytest.raises(error, match=words):
        replace(frames_of(np.ones((3, 3, 2))), **change)


# --- pairs -----------------------------------------------------------------------------------


def test_a_prediction_against_itself_differs_by_nothing():
    frames = random_frames(5)
    for each in paired_limbs(frames, frames, rng=rng()):
        assert (each.difference, each.interval, each.clear) == (0.0, (0.0, 0.0), False)
        assert str(each.mean) == str(each.median) == "+0.0 % (+0.0 to +0.0)"


def test_errors_that_are_a_tenth_larger_are_ten_per_cent_larger_for_certain():
    first = random_frames(6, lost=0.0)
    labels = np.where(np.isnan(first.labels), first.predictions, first.labels)
    second = first.predicted(labels + 1.1 * (first.predictions - labels), made_by="second")
    for each in paired_limbs(first, second, rng=rng()):
        assert each.mean.percent == pytest.approx(10.0)
        assert each.median.percent == pytest.approx(10.0)
        assert each.mean.interval == pytest.approx((10.0, 10.0))
        assert each.median.interval == pytest.approx((10.0, 10.0))
        assert each.clear
        assert each.mean.clear


def test_the_sign_turns_and_the_order_of_the_second_has_no_say():
    first, second = random_frames(7), random_frames(7, sd=6.0)
    second = first.predicted(second.predictions, made_by="second")
    forth, back = paired_limbs(first, second, rng=rng()), paired_limbs(second, first, rng=rng())
    assert forth == paired_limbs(first, shuffled(second), rng=rng())
    for one, other in zip(forth, back, strict=True):
        assert one.difference == pytest.approx(-other.difference)
        assert one.interval == pytest.approx((-other.interval[1], -other.interval[0]))
        assert (one.mean.first, one.median.first) == (other.mean.second, other.median.second)


def test_what_one_of_the_two_did_not_find_is_in_neither_distance():
    """The second leaves out the one joint that is hard: that is no gain."""
    offsets = np.ones((3, 3, 2))
    offsets[:, 2] = 90.0
    first = frames_of(offsets)
    predictions = first.predictions.copy()
    predictions[:, 2] = np.nan
    second = first.predicted(predictions, made_by="second")
    each = next(row for row in paired_limbs(first, second, rng=rng()) if row.unit == "px")
    assert each.difference == 0.0
    assert (each.joints, each.unpaired) == (6, 3)
    assert (each.first_share, each.second_share) == (1.0, pytest.approx(2 / 3))
    assert each.interval is None


def test_pairs_without_anything_in_common_have_a_reason():
    frames = frames_of(np.ones((3, 3, 2)))
    none = frames.predicted(np.full_like(frames.predictions, np.nan), made_by="none")
    each = paired_limbs(frames, none, rng=rng())[0]
    assert (each.reason, each.difference, each.mean) == ("no joint that both found", None, None)
    assert each.row()["difference"] == "no joint that both found"
    exact = frames.predicted(frames.labels.copy(), made_by="exact")
    perfect = paired_limbs(exact, frames, rng=rng())[0]
    assert str(perfect.mean) == "-"


def test_other_frames_or_labels_are_refused():
    frames = random_frames(8)
    other = replace(frames, identifiers=("z#1", *frames.identifiers[1:]))
    with pytest.raises(StudyError, match="same frames; only one of the two has"):
        paired_limbs(frames, other, rng=rng())
    with pytest.raises(StudyError, match="same subjects, labels and scales"):
        paired_limbs(frames, replace(frames, labels=frames.labels + 1.0), rng=rng())


def test_a_change_in_words():
    assert str(Change(10.0, 10.21, 2.1, (-1.0, 5.4))) == "+2.1 % (-1.0 to +5.4)"
    assert not Change(10.0, 10.21, 2.1, (-1.0, 5.4)).clear


# --- costs -----------------------------------------------------------------------------------


def stage(name, seconds, **more):
    return {
        "name": name,
        "parameters": 100,
        "multiply_accumulates": 1000,
        "seconds_per_epoch": seconds,
        "epochs": 4,
        "steps": 40,
        **more,
    }


def test_costs_are_medians_over_runs_and_sums_over_networks():
    runs = {
        f"fold-{k}": {
            "stages": [stage("detection", 10.0 * k), stage("regression", 1.0 * k)],
            "seconds_per_clip": 0.1 * k,
        }
        for k in (1, 2, 9)
    }
    cost = run_cost(runs)
    assert (cost.parameters, cost.multiply_accumulates) == (200.0, 2000.0)
    assert cost.regression_seconds_per_epoch == 2.0
    assert cost.seconds_per_epoch == 22.0
    assert cost.seconds_per_clip == pytest.approx(0.2)
    assert cost.notes == ()


@pytest.mark.parametrize("wrong", [None, "fast", float("nan"), True, 0, -1.0])
def test_what_is_no_cost_is_a_dash_and_a_note(wrong):
    metrics = {"stages": [stage("regression", wrong)], "seconds_per_clip": wrong}
    cost = run_cost({"fold-1": metrics})
    assert cost.seconds_per_clip is None
    assert cost.seconds_per_epoch is None
    assert cost.parameters == 100.0
    note = (
        "fold-1: its metrics.json does not tell seconds_per_epoch of regression, seconds_per_clip"
    )
    assert cost.notes == (note,)


def test_a_sum_over_networks_needs_all_of_them():
    told = [stage("detection", None), stage("regression", 2.0)]
    cost = run_cost({"fold-1": {"stages": told, "seconds_per_clip": 0.1}})
    assert cost.seconds_per_epoch is None
    assert (cost.regression_seconds_per_epoch, cost.parameters) == (2.0, 200.0)


def test_runs_that_tell_nothing_cost_nothing_known():
    cost = run_cost({"fold-1": {}, "fold-2": {"stages": "two"}})
    assert (cost.parameters, cost.stages, len(cost.notes)) == (None, (), 2)
    assert cost.to_json()["parameters"] is None
