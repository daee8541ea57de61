"""The tables of a posture's evaluation: worked by hand, and against the paper's own numbers."""

import json
from dataclasses import replace
from itertools import pairwise
from math import isnan

import numpy as np
import pytest

from palpate.errors import ConfigError, GeometryError, StudyError
from palpate.evaluation.bootstrap import Resampling
from palpate.evaluation.posture import FEWEST, evaluate_posture
from palpate.evaluation.posture_classes import RATES, Confusion, Rate, agreement_of, pooled, rate
from palpate.evaluation.posture_frames import PostureFrames, mean_pose
from palpate.evaluation.posture_paired import F1, LOWER_IS_BETTER, paired_posture
from palpate.protocols.posture import mean_posture, segment_angles
from palpate.protocols.protocol import read_protocol

SATCO = read_protocol("satco")
# With two thresholds only, for all tests but those of the curves.
BRIEF = replace(SATCO, posture=SATCO.posture.model_copy(update={"sweep_deg": (20, 21)}))
NAMES = SATCO.scheme.names
SEGMENTS = SATCO.posture.segments
UPRIGHT = np.array([0.0, 20.0, 180.0, 180.0, 180.0, 180.0, 180.0, 40.0, 180.0, 90.0])
CHAIN = {
    "neck": ("C7", "ear_tragus"), "head": ("ear_tragus", "temporal_fossa"),
    "UT": ("C7", "T3"), "MT": ("T3", "T7"), "LT": ("T7", "T11"), "UL": ("T11", "L3"),
    "LL": ("L3", "S1"), "pelvis": ("greater_trochanter", "ASIS"),
    "upper arm": ("shoulder", "elbow"), "forearm": ("elbow", "wrist"),
}  # fmt: skip

# Cunningham et al. 2019, table 1, in the order of the segments, then arm, reference, all.
MEAN_POOLING = ((9.6, 4.8, 6.2, 4.2, 5.1, 4.4, 8.7, 8.5, 6.7, 9.9), (8.3, 6.4, 6.8))
MAX_POOLING = ((8.7, 5.0, 6.2, 4.1, 5.0, 4.8, 8.9, 8.6, 7.5, 10.7), (9.1, 6.4, 6.9))
# Table 2: positives, negatives, then accuracy, TPR, FPR, TNR, FNR, precision, F1 in %.
TABLE_2 = {
    "head": (5003, 25822, 84.0, 48.7, 9.2, 90.8, 51.3, 50.7, 49.7),
    "neck": (2074, 28751, 95.3, 61.4, 2.3, 97.7, 38.6, 66.3, 63.7),
    "UT": (959, 29866, 96.2, 23.3, 1.5, 98.5, 76.7, 33.7, 27.5),
}
# Table 3, whose first row the paper calls 'elbow and wrist'.
TABLE_3 = {
    "elbow and wrist": (5583, 25242, 92.1, 69.2, 2.9, 97.1, 30.8, 84.2, 76.0),
    "elbow": (4458, 26367, 94.5, 77.9, 2.7, 97.3, 22.1, 83.2, 80.5),
    "wrist": (1445, 29380, 96.0, 24.2, 0.5, 99.5, 75.8, 71.4, 36.1),
}


def rng():
    return np.random.default_rng(0)


def pose(angles):
    """Points of a child who faces right, every segment 30 px long, at the given angles."""
    at = {"C7": np.array([300.0, 100.0])}
    angle = dict(zip(SEGMENTS, angles, strict=True))
    for segment, (start, end) in CHAIN.items():
        if segment == "pelvis":
            at["greater_trochanter"] = at["S1"] + [50.0, 10.0]
        if segment == "upper arm":
            at["shoulder"] = at["C7"] + [40.0, 30.0]
        turn = np.radians(angle[segment])
        at[end] = at[start] + 30.0 * np.array([np.sin(turn), -np.cos(turn)])
    return np.array([at[name] for name in NAMES])


def frames_of(labelled, predicted, subjects, *, scale=0.5, made_by="net", **more):
    """Frames whose labels and predictions deviate from the upright child by these angles."""
    labels = np.stack([pose(UPRIGHT + row) for row in labelled])
    predictions = np.stack([pose(UPRIGHT + row) for row in predicted])
    names = tuple(f"{child}#{i}" for i, child in enumerate(subjects))
    factors = np.full(len(names), scale)
    return PostureFrames(names, tuple(subjects), labels, predictions, factors, made_by, **more)


def turned(*degrees, segment="head"):
    """Deviations of one segment, a frame each; the others stay upright."""
    rows = np.zeros((len(degrees), 10))
    rows[:, SEGMENTS.index(segment)] = degrees
    return rows


UP = {"a": UPRIGHT, "b": UPRIGHT, "c": UPRIGHT}


def done(frames, *, protocol=BRIEF, resamples=20, **more):
    return evaluate_posture(protocol, frames, rng=rng(), resamples=resamples, **more)


def named(rows, name):
    return next(row for row in rows if row.name == name)


def random_frames(seed=0, *, children=3, count=20, noise=8.0):
    draw = np.random.default_rng(seed)
    labelled = draw.normal(scale=20.0, size=(children * count, 10))
    predicted = labelled + draw.normal(scale=noise, size=labelled.shape)
    subjects = [f"child{i // count}" for i in range(children * count)]
    return frames_of(labelled, predicted, subjects)


def lone(tp, fp, fn, tn):
    """Counts of one child."""
    return Confusion(*(np.array([float(value)]) for value in (tp, fp, fn, tn, 0)))


ONE = Resampling.draw(("a",), np.random.default_rng(0), resamples=2)

# ---- rates


def test_the_rates_of_ten_frames_worked_by_hand():
    """Labels turned by 30 in five of ten frames; 3 are found, 1 is called wrongly."""
    labelled = turned(30, 30, 30, -30, -30, 0, 0, 0, 0, 0)
    predicted = turned(30, -30, 25, 5, 20, 21, 0, 10, -20, 0)
    frames = frames_of(labelled, predicted, ["a"] * 5 + ["b"] * 5)
    row = named(done(frames, references=UP, fewest=1).alignment, "head")
    assert (row.positives, row.negatives, row.predicted_positives, row.children) == (5, 5, 4, 2)
    assert {name: each.value for name, each in row.rates.items()} == pytest.approx(
        {
            "accuracy": 0.7,
            "true_positive_rate": 0.6,
            "false_positive_rate": 0.2,
            "true_negative_rate": 0.8,
            "false_negative_rate": 0.4,
            "precision": 0.75,
            "f1": 2.0 / 3.0,
        }
    )


@pytest.mark.parametrize(
    "printed", [*TABLE_2.values(), *TABLE_3.values()], ids=[*TABLE_2, *TABLE_3]
)
def test_the_papers_rows_follow_from_their_counts(printed):
    """Its own TPR and FPR on its own counts give its accuracy, precision and F1."""
    positives, negatives, *percent = printed
    tp, fp = percent[1] / 100 * positives, percent[2] / 100 * negatives
    counts = lone(tp, fp, positives - tp, negatives - fp)
    for name, expected in zip(RATES, percent, strict=True):
        # The false positive rate is printed to 0.1 %, which is 13 positives in a thousand here.
        slack = 1.0 if name in ("precision", "f1") else 0.1
        assert 100 * rate(name, counts, ONE, fewest=1).value == pytest.approx(expected, abs=slack)


def test_the_papers_elbow_and_wrist_is_either_of_them():
    """More positives than each alone: a union, of which 320 frames have both."""
    either, elbow, wrist = (row[0] for row in TABLE_3.values())
    assert either > max(elbow, wrist)
    assert elbow + wrist - either == 320


def test_an_empty_class_is_too_few_and_never_a_number():
    nothing = agreement_of("x", "segment", lone(0, 0, 0, 0), ONE, fewest=1)
    assert {each.shown for each in nothing.rates.values()} == {
        "too few (0 frames)", "too few (0 positives)", "too few (0 negatives)",
    }  # fmt: skip
    all_aligned = agreement_of("x", "segment", lone(0, 0, 0, 50), ONE, fewest=10)
    assert all_aligned.rates["accuracy"].value == 1.0
    assert all_aligned.f1.shown == "too few (0 positives)"
    assert all_aligned.rates["precision"].shown == "too few (0 positives)"
    never_called = agreement_of("x", "segment", lone(0, 0, 40, 50), ONE, fewest=10)
    assert never_called.f1.value == 0.0
    assert never_called.rates["precision"].shown == "too few (0 predicted positives)"


def test_a_class_below_the_stated_minimum_is_too_few_too():
    counts = lone(4, 0, 143, 30678)  # the paper's UL: precision 100.0 %, of four
    assert rate("precision", counts, ONE, fewest=1).value == 1.0
    assert rate("precision", counts, ONE, fewest=FEWEST).shown == "too few (4 predicted positives)"
    assert rate("f1", lone(9, 0, 0, 90), ONE, fewest=10).shown == "too few (9 positives)"
    assert rate("f1", lone(10, 0, 0, 90), ONE, fewest=10).value == 1.0


def test_a_rate_has_a_value_or_a_reason():
    for wrong in ({}, {"value": 0.5, "reason": "too few"}):
        with pytest.raises(StudyError, match="a value or a reason"):
            Rate(**wrong)
    with pytest.raises(StudyError, match="at least 1 frame"):
        done(random_frames(), fewest=0)


def test_labels_and_predictions_that_change_places_change_fp_and_fn():
    frames = random_frames()
    reference = {child: UPRIGHT for child in set(frames.subjects)}
    swapped = replace(frames, labels=frames.predictions, predictions=frames.labels)
    one, other = (done(each, references=reference, fewest=1) for each in (frames, swapped))
    for a, b in zip(one.alignment, other.alignment, strict=True):
        assert a.f1.value == pytest.approx(b.f1.value)
        assert a.rates["precision"].value == pytest.approx(b.rates["true_positive_rate"].value)
        assert (a.positives, a.predicted_positives) == (b.predicted_positives, b.positives)


def test_groups_pool_their_segments():
    result = done(random_frames())
    arm = named(result.alignment, "arm")
    parts = [named(result.alignment, name) for name in ("upper arm", "forearm")]
    assert arm.positives == sum(part.positives for part in parts)
    assert arm.negatives == sum(part.negatives for part in parts)
    assert arm.kind == "group"
    both = pooled([lone(1, 2, 3, 4), lone(10, 20, 30, 40)])
    assert [float(each[0]) for each in (both.tp, both.fp, both.fn, both.tn)] == [11, 22, 33, 44]


# ---- table 1


@pytest.mark.parametrize("column", [MEAN_POOLING, MAX_POOLING], ids=["mean", "max"])
def test_the_papers_group_means_follow_from_its_segments(column):
    """Errors of exactly the paper's size: our groups must give its arm, reference and all."""
    segments, (arm, reference, every) = column
    error = np.array(segments)
    signs = np.array([1, -1] * 5)
    frames = frames_of(np.zeros((2, 10)), [signs * error, -signs * error], ["a", "b"])
    angles = done(frames).angles
    groups = angles.groups
    found = {name: each.mean for name, each in angles.segments.items()}
    assert found == pytest.approx(dict(zip(SEGMENTS, error, strict=True)))
    # Its segments are rounded to 0.05, and so are its groups.
    assert groups["arm"].mean == pytest.approx(arm, abs=0.1)
    assert groups["reference"].mean == pytest.approx(reference, abs=0.06)
    assert groups["all"].mean == pytest.approx(every, abs=0.06)


def test_the_papers_trunk_is_that_of_neck_and_trunk():
    """Its footnote says UT to LL; its 5.6 and 5.7 are the means with the neck, and not without."""
    for (segments, _), printed in ((MEAN_POOLING, 5.6), (MAX_POOLING, 5.7)):
        error = dict(zip(SEGMENTS, segments, strict=True))
        groups = SATCO.posture.groups
        means = {g: np.mean([error[s] for s in groups[g]]) for g in ("trunk", "neck and trunk")}
        assert means["neck and trunk"] == pytest.approx(printed, abs=0.05)
        assert abs(means["trunk"] - printed) > 0.09


def test_errors_go_through_the_seam():
    frames = frames_of(turned(5, 5, segment="UT"), turned(-5, -5, segment="UT"), ["a", "b"])
    assert done(frames).angles.segments["UT"].mean == pytest.approx(10.0)


def test_mean_and_standard_deviation_by_hand():
    labelled = np.zeros((3, 10))
    predicted = turned(0, 6, -12, segment="forearm")
    angles = done(frames_of(labelled, predicted, ["a", "a", "b"])).angles
    assert angles.segments["forearm"].mean == pytest.approx(6.0)
    assert angles.segments["forearm"].sd == pytest.approx(6.0)
    # A frame of the group is the mean over its two segments: 0, 3, 6.
    assert angles.groups["arm"].mean == pytest.approx(3.0)
    assert angles.groups["arm"].sd == pytest.approx(3.0)
    low, high = angles.segments["forearm"].interval
    assert low == pytest.approx(3.0)
    assert high == pytest.approx(12.0)


def test_points_are_given_in_px_of_the_image_and_of_the_grid():
    labels = np.stack([pose(UPRIGHT)] * 2)
    found = labels + np.array([3.0, 4.0])
    factors = np.array([0.5, 2.0])
    frames = PostureFrames(("a#0", "b#0"), ("a", "b"), labels, found, factors, "net")
    points = done(frames).points
    assert points.overall_px.mean == pytest.approx(5.0)
    assert points.overall_grid.mean == pytest.approx(6.25)
    assert points.grid["wrist"].mean == pytest.approx(6.25)
    assert points.overall_px.count == 26
    assert points.overall_grid.interval == pytest.approx((2.5, 10.0))


def test_moving_the_picture_or_scaling_it_with_its_factor_changes_nothing():
    frames = random_frames()
    other = replace(
        frames,
        labels=3.0 * frames.labels + 50.0,
        predictions=3.0 * frames.predictions + 50.0,
        grid_per_px=frames.grid_per_px / 3.0,
    )
    one, two = done(frames), done(other)
    assert one.points.overall_grid.mean == pytest.approx(two.points.overall_grid.mean)
    assert one.angles.groups["all"].mean == pytest.approx(two.angles.groups["all"].mean)
    assert [row.positives for row in one.alignment] == [row.positives for row in two.alignment]
    assert one.contact[0].rates["accuracy"] == two.contact[0].rates["accuracy"]


def test_a_mirrored_study_that_says_so_has_the_same_tables():
    frames = random_frames()
    flip = np.array([-1.0, 1.0])
    other = replace(
        frames, labels=frames.labels * flip, predictions=frames.predictions * flip, facing="left"
    )
    one, two = done(frames), done(other)
    assert one.contact == two.contact
    assert one.contact_own == two.contact_own
    for a, b in zip(one.alignment, two.alignment, strict=True):
        assert a == b
    with pytest.raises(StudyError, match="set facing = 'left'"):
        done(replace(other, facing=None))


# ---- the reference posture


def test_the_reference_is_the_mean_of_each_childs_labels():
    labelled = np.vstack([turned(0, 60), turned(100, 100)])
    frames = frames_of(labelled, labelled, ["a", "a", "b", "b"])
    result = done(frames, fewest=1)
    assert result.references["a"]["head"] == pytest.approx(30.0)
    assert result.references["b"]["head"] == pytest.approx(100.0)
    # 30 from the child's own mean: misaligned; a child that is always at 100 is aligned.
    head = named(result.alignment, "head")
    assert (head.positives, head.negatives, head.f1.value) == (2, 2, 1.0)


def test_predictions_are_judged_against_the_reference_of_the_labels():
    labelled = turned(*[0.0] * 12)
    frames = frames_of(labelled, labelled + turned(30.0), ["a"] * 6 + ["b"] * 6)
    head = named(done(frames).alignment, "head")
    assert (head.positives, head.predicted_positives) == (0, 12)
    assert head.rates["false_positive_rate"].value == 1.0


def test_a_neutral_frame_may_be_the_reference():
    frames = frames_of(turned(0, 60), turned(0, 60), ["a", "b"])
    head = named(done(frames, references=UP, fewest=1).alignment, "head")
    assert (head.positives, head.negatives) == (1, 1)
    with pytest.raises(StudyError, match="no reference posture of 'b'"):
        done(frames, references={"a": UPRIGHT})
    with pytest.raises(GeometryError, match="each of 10 segments"):
        done(frames, references={"a": UPRIGHT, "b": UPRIGHT[:3]})
    neutral = replace(SATCO, posture=SATCO.posture.model_copy(update={"reference": "neutral"}))
    with pytest.raises(ConfigError, match="give the angles of those frames"):
        evaluate_posture(neutral, frames, rng=rng())


# ---- contact


def test_contact_of_the_paper_and_of_real_use_are_both_given():
    """Twelve frames with the elbow behind; the prediction's ASIS has moved behind the elbow."""
    labels = np.stack([pose(UPRIGHT)] * 12)
    asis, elbow, wrist = (NAMES.index(name) for name in ("ASIS", "elbow", "wrist"))
    labels[:, elbow] = labels[:, asis] + [-5.0, -20.0]
    labels[:, wrist] = labels[:, asis] + [20.0, -20.0]
    labels[6:, elbow, 0] += 10.0
    found = labels.copy()
    found[:, asis, 0] -= 8.0
    names = tuple(f"f{i}" for i in range(12))
    frames = PostureFrames(names, ("a", "b") * 6, labels, found, np.ones(12), "net")
    result = done(frames, fewest=1)
    assert [row.name for row in result.contact] == [
        "elbow", "wrist", "elbow or wrist", "elbow and wrist",
    ]  # fmt: skip
    assert named(result.contact, "elbow").f1.value == 1.0
    assert named(result.contact, "elbow or wrist").f1.value == 1.0
    assert named(result.contact, "elbow and wrist").positives == 0
    assert named(result.contact, "wrist").f1.shown == "too few (0 positives)"
    own = named(result.contact_own, "elbow")
    assert (own.positives, own.predicted_positives, own.f1.value) == (6, 0, 0.0)
    assert {row["compared_with"] for row in result.tables()["contact"]} == {"label", "prediction"}


# ---- what is absent, interpolated or missed


def test_interpolated_labels_can_be_left_out_of_the_score_and_stay_in_the_reference():
    labelled = turned(0, 10, 80, 0, 10, 80)
    frames = frames_of(labelled, labelled + turned(9.0), ["a"] * 3 + ["b"] * 3)
    scored = np.ones((6, 13), dtype=bool)
    scored[[1, 4], NAMES.index("temporal_fossa")] = False
    scored[2, NAMES.index("ASIS")] = False
    result = done(replace(frames, scored=scored), fewest=1)
    assert result.references["a"]["head"] == pytest.approx(30.0)
    assert result.angles.segments["head"].count == 4
    assert result.angles.segments["neck"].count == 6
    assert result.points.grid["temporal_fossa"].count == 4
    head = named(result.alignment, "head")
    assert head.positives + head.negatives == 4
    wrist = named(result.contact, "wrist")
    assert wrist.positives + wrist.negatives == 5
    assert any("3 of 78 labelled points are not scored" in note for note in result.notes)


def test_a_label_that_is_absent_counts_nowhere_and_a_miss_is_counted():
    frames = random_frames(children=2, count=12)
    labels, found = frames.labels.copy(), frames.predictions.copy()
    labels[:4, NAMES.index("wrist")] = np.nan
    found[4:7, NAMES.index("wrist")] = np.nan
    result = done(replace(frames, labels=labels, predictions=found))
    forearm = result.angles.segments["forearm"]
    assert (forearm.count, forearm.missed) == (20, 3)
    assert result.angles.groups["arm"].missed == 0
    row = named(result.alignment, "forearm")
    assert (row.positives + row.negatives, row.unknown) == (17, 3)
    assert named(result.contact, "wrist").unknown == 3
    assert any("3 of 308 labelled points were not found" in note for note in result.notes)


def test_a_landmark_that_is_absent_in_every_frame():
    frames = random_frames(children=2, count=12)
    labels = frames.labels.copy()
    labels[:, NAMES.index("C7")] = np.nan
    result = done(replace(frames, labels=labels))
    assert result.references["child0"]["UT"] is None
    assert result.angles.segments["UT"].mean is None
    assert named(result.alignment, "UT").rates["accuracy"].shown == "too few (0 frames)"
    assert named(result.alignment, "MT").rates["accuracy"].value is not None
    angles = {row["name"]: row for row in result.tables()["angles"]}
    assert angles["UT"]["mean"] == "too few (0 found)"
    assert isinstance(angles["trunk"]["mean"], float)


def test_one_frame_of_one_child():
    frames = frames_of(turned(0), turned(5), ["a"])
    result = done(frames)
    head = result.angles.segments["head"]
    assert (head.mean, head.sd, head.interval) == (pytest.approx(5.0), None, None)
    assert any("one child only" in note for note in result.notes)
    assert json.loads(json.dumps(result.to_json(), allow_nan=False))["frames"] == 1


# ---- curves


def test_positives_fall_along_the_sweep_and_the_table_is_a_point_of_the_curve():
    result = done(random_frames(), protocol=SATCO)
    assert [curve.name for curve in result.curves] == [*SEGMENTS, *SATCO.posture.groups]
    for curve in result.curves:
        assert all(a >= b for a, b in pairwise(curve.positives))
        assert len({p + n for p, n in zip(curve.positives, curve.negatives, strict=True)}) == 1
        at_20 = curve.thresholds_deg.index(20.0)
        assert curve.f1[at_20] == named(result.alignment, curve.name).f1


def test_a_perfect_prediction_has_f1_1_until_there_are_too_few():
    frames = random_frames(noise=0.0)
    result = done(frames, protocol=SATCO)
    assert result.angles.groups["all"].mean == pytest.approx(0.0, abs=1e-9)
    for curve in result.curves:
        assert {each.value for each in curve.f1} <= {1.0, None}
    head = named(result.curves, "head")
    few = [p < FEWEST for p in head.positives]
    assert [each.value is None for each in head.f1] == few
    assert head.reliable_to() == max(
        t for t, f in zip(head.thresholds_deg, few, strict=True) if not f
    )


def test_calling_every_frame_misaligned_is_shown_beside_the_method():
    labelled = turned(*([30.0] * 15), *([0.0] * 5))
    frames = frames_of(labelled, np.zeros((20, 10)), ["a", "b"] * 10)
    head = named(done(frames, references=UP, protocol=SATCO).curves, "head")
    assert head.f1[19].value == 0.0
    assert head.f1_if_all[19].value == pytest.approx(2 * 15 / (2 * 15 + 5))
    assert head.reliable_to() is None
    assert head.rows()[19]["f1_if_all"] == pytest.approx(6 / 7)
    assert head.rows()[39]["f1"] == "too few (0 positives)"


# ---- intervals


def test_intervals_are_by_child():
    """A child that is always right and one that is never: F1 of each is an end."""
    labelled = turned(*[30.0] * 20)
    predicted = turned(*[30.0] * 10, *[0.0] * 10)
    frames = frames_of(labelled, predicted, ["a"] * 10 + ["b"] * 10)
    row = named(done(frames, references=UP, resamples=200).alignment, "head")
    assert row.f1.value == pytest.approx(2 / 3)
    assert row.f1.interval == (0.0, 1.0)
    alone = replace(frames, subjects=("a",) * 20)
    assert named(done(alone, references=UP).alignment, "head").f1.interval is None


def test_the_order_of_the_frames_has_no_say():
    frames = random_frames()
    back = replace(
        frames,
        identifiers=frames.identifiers[::-1],
        subjects=frames.subjects[::-1],
        labels=frames.labels[::-1],
        predictions=frames.predictions[::-1],
    )
    one, two = done(frames), done(back)
    for a, b in zip(one.alignment, two.alignment, strict=True):
        assert a == b
    assert one.angles.groups["all"].interval == pytest.approx(two.angles.groups["all"].interval)


# ---- output


def test_json_and_rows_hold_no_nan_and_name_the_prediction():
    frames = random_frames(count=15)
    labels = frames.labels.copy()
    labels[:3, 0] = np.nan
    result = done(replace(frames, labels=labels, made_by="mean posture"))
    told = json.loads(json.dumps(result.to_json(), allow_nan=False))
    assert told["made_by"] == "mean posture"
    assert "judged" not in told
    assert told["alignment"][0]["rates"]["f1"]["value"] == result.alignment[0].f1.value
    tables = result.tables()
    assert set(tables) == {"angles", "points", "alignment", "contact", "curves"}
    for rows in tables.values():
        assert len({tuple(row) for row in rows}) == 1
        assert {row["prediction"] for row in rows} == {"mean posture"}
        assert not any(
            isinstance(value, float) and isnan(value) for row in rows for value in row.values()
        )
    by_frame = list(result.rows())
    assert len(by_frame) == 45 * 10
    assert by_frame[0]["status"] == "not scored"
    assert by_frame[0]["true_deg"] is None
    assert by_frame[-1]["status"] == "found"
    last = by_frame[-1]
    assert last["error_deg"] == pytest.approx(abs(last["deg"] - last["true_deg"]) % 360, abs=180)


def test_a_baseline_is_another_prediction_of_the_same_frames():
    frames = random_frames()
    training = random_frames(seed=9)
    mean = mean_pose(training.labels, training.subjects)
    baseline = frames.predicted(np.broadcast_to(mean, frames.labels.shape), made_by="mean posture")
    model, other = done(frames), done(baseline)
    assert model.points.overall_grid.mean < other.points.overall_grid.mean
    rows = model.tables()["alignment"] + other.tables()["alignment"]
    assert {row["prediction"] for row in rows} == {"net", "mean posture"}
    # It never moves, so it never finds a misaligned head.
    assert named(other.alignment, "head").f1.value == 0.0


def test_a_mean_pose_gives_each_child_the_same_weight_and_passes_absence_by():
    points = np.array([[[0.0, 0.0]], [[4.0, 0.0]], [[np.nan, np.nan]], [[10.0, 2.0]]])
    assert mean_pose(points, ("a", "a", "b", "b")).tolist() == [[6.0, 1.0]]
    assert np.isnan(mean_pose(points[2:3], ("b",))).all()


# ---- two predictions compared


def test_a_prediction_against_itself_differs_by_nothing():
    frames = random_frames()
    for each in paired_posture(SATCO, frames, frames, rng=rng(), resamples=20):
        assert (each.difference, each.interval, each.clear) == (0.0, (0.0, 0.0), False)
        assert each.unpaired == 0


def test_the_difference_is_second_less_first_and_turns_its_sign():
    rough, fine = random_frames(noise=15.0), random_frames(noise=3.0)
    assert np.array_equal(rough.labels, fine.labels)
    there = paired_posture(SATCO, rough, fine, rng=rng(), resamples=50)
    back = paired_posture(SATCO, fine, rough, rng=rng(), resamples=50)
    assert [each.metric for each in there] == list(LOWER_IS_BETTER)
    for a, b in zip(there, back, strict=True):
        assert a.difference == pytest.approx(-b.difference)
        assert a.interval == pytest.approx((-b.interval[1], -b.interval[0]))
        assert (a.difference < 0) is LOWER_IS_BETTER[a.metric]
        assert a.interval[0] <= a.difference <= a.interval[1]
        assert a.difference == pytest.approx(a.second - a.first)
        assert a.clear


def test_the_figures_compared_are_those_of_the_tables():
    first, second = random_frames(noise=15.0), random_frames(noise=3.0)
    points, segments, f1 = paired_posture(SATCO, first, second, rng=rng(), resamples=20)
    tables = done(first)
    assert points.first == pytest.approx(tables.points.overall_grid.mean)
    assert segments.first == pytest.approx(tables.angles.groups["all"].mean)
    assert f1.first == pytest.approx(named(tables.alignment, "reference").f1.value)
    assert (points.count, segments.count, f1.count) == (60 * 13, 60 * 10, 60 * 8)


def test_what_one_of_the_two_missed_is_compared_in_neither():
    frames = random_frames()
    lacks = frames.predictions.copy()
    lacks[:5, NAMES.index("temporal_fossa")] = np.nan
    other = frames.predicted(lacks, made_by="other")
    points, segments, f1 = paired_posture(SATCO, frames, other, rng=rng(), resamples=20)
    for each in (points, segments, f1):
        assert (each.unpaired, each.difference) == (5, 0.0)
    nothing = frames.predicted(np.full_like(lacks, np.nan), made_by="none")
    for each in paired_posture(SATCO, frames, nothing, rng=rng(), resamples=20):
        assert each.difference is None
        assert each.reason.startswith("too few (0 ")
        assert each.row()["difference"] == each.reason


def test_f1_of_too_few_positives_has_a_reason_and_no_difference():
    frames = frames_of(np.zeros((4, 10)), turned(0, 1, 2, 3), ["a", "b"] * 2)
    f1 = paired_posture(SATCO, frames, frames, rng=rng(), resamples=20)[2]
    assert (f1.metric, f1.difference, f1.interval) == (F1, None, None)
    assert f1.reason == "too few (0 positives)"


def test_only_the_same_frames_can_be_compared_and_their_order_has_no_say():
    frames = random_frames(count=5)
    turned_round = replace(
        frames,
        identifiers=frames.identifiers[::-1],
        subjects=frames.subjects[::-1],
        labels=frames.labels[::-1],
        predictions=frames.predictions[::-1],
    )
    for each in paired_posture(SATCO, frames, turned_round, rng=rng(), resamples=20):
        assert each.difference == 0.0
    renamed = replace(frames, identifiers=("new", *frames.identifiers[1:]))
    with pytest.raises(StudyError, match="only one of the two has"):
        paired_posture(SATCO, frames, renamed, rng=rng())
    for change in (
        {"labels": frames.labels + 1.0},
        {"grid_per_px": 2.0 * frames.grid_per_px},
        {"subjects": ("else", *frames.subjects[1:])},
    ):
        with pytest.raises(StudyError, match="same children, labels"):
            paired_posture(SATCO, frames, replace(frames, **change), rng=rng())


# ---- what cannot be evaluated


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"identifiers": ("x", "x")}, StudyError, "'x' is given twice"),
        ({"subjects": ("a", "")}, StudyError, "needs the child"),
        ({"grid_per_px": np.array([1.0, 0.0])}, GeometryError, "positive factor"),
        ({"predictions": np.full((2, 13, 2), np.inf)}, GeometryError, "predictions: a point"),
    ],
)
def test_frames_that_do_not_fit_are_refused(change, error, message):
    with pytest.raises(error, match=message):
        replace(frames_of(turned(0, 1), turned(0, 1), ["a", "b"]), **change)


def test_a_point_has_both_coordinates_or_none():
    frames = frames_of(turned(0), turned(0), ["a"])
    half = frames.labels.copy()
    half[0, 3, 1] = np.nan
    with pytest.raises(GeometryError, match="labels: a point has both coordinates"):
        replace(frames, labels=half)
    with pytest.raises(StudyError, match="no frame"):
        replace(frames, identifiers=())


def test_the_reference_and_the_angles_are_those_of_the_protocol():
    """What the tables are made of is what a user computes with the protocol."""
    frames = random_frames(count=6)
    angles = segment_angles(SATCO, frames.labels, "right")
    mine = np.array([child == "child1" for child in frames.subjects])
    told = done(frames).references["child1"]
    assert list(told.values()) == pytest.approx(mean_posture(angles[mine]).tolist())
