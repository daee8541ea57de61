"""Laws of posture over time: angles, the seam, the reference, contact, sustained control."""

import json
import tomllib
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from palpate.errors import ConfigError, GeometryError, SchemeError, StudyError
from palpate.points import Points
from palpate.protocols.example import example_points
from palpate.protocols.formula import AngleToVertical
from palpate.protocols.measure import measure_points
from palpate.protocols.posture import (
    arranged,
    check_facing,
    contact,
    difference,
    mean_posture,
    misaligned,
    neutral_posture,
    posture_of,
    segment_angles,
)
from palpate.protocols.posture_control import (
    best_by_level,
    level_control,
    stretches,
    sustained,
)
from palpate.protocols.posture_flags import Flags, all_of, any_of
from palpate.protocols.posture_table import PostureTable, check_posture
from palpate.protocols.protocol import protocol_from_table, protocol_text, read_protocol
from palpate.scheme import LandmarkScheme

SATCO = read_protocol("satco")
TABLE = posture_of(SATCO)
NAMES = SATCO.scheme.names
SEGMENTS = TABLE.segments
UPRIGHT = np.array([0.0, 20.0, 180.0, 180.0, 180.0, 180.0, 180.0, 40.0, 180.0, 90.0])
# Segment -> the landmark that its vector starts at, and the one that it gives the place of.
CHAIN = {
    "neck": ("C7", "ear_tragus"), "head": ("ear_tragus", "temporal_fossa"),
    "UT": ("C7", "T3"), "MT": ("T3", "T7"), "LT": ("T7", "T11"), "UL": ("T11", "L3"),
    "LL": ("L3", "S1"), "pelvis": ("greater_trochanter", "ASIS"),
    "upper arm": ("shoulder", "elbow"), "forearm": ("elbow", "wrist"),
}  # fmt: skip


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


def without(coordinates, name):
    lacks = coordinates.copy()
    lacks[:, NAMES.index(name)] = np.nan
    return lacks


def at_seam(angles):
    """Bring -180 to 180, so that two angles can be compared without wrapping."""
    return np.where(np.isclose(angles, -180.0), 180.0, angles)


# Each draw holds thirty angles, so a few draws see many.
few = settings(max_examples=25)
each_angle = hnp.arrays(float, (3, 10), elements=st.floats(-179.0, 180.0, allow_nan=False))


# ---- angles


def test_the_landmarks_and_segments_are_in_the_agreed_order():
    assert NAMES == (
        "ear_tragus", "temporal_fossa", "C7", "T3", "T7", "T11", "L3", "S1",
        "greater_trochanter", "ASIS", "shoulder", "elbow", "wrist",
    )  # fmt: skip
    assert [quantity.name for quantity in SATCO.quantities] == list(SEGMENTS)
    assert SATCO.scheme.mirror == ()


def test_the_worked_example_of_every_segment_is_its_angle():
    points = example_points(SATCO, SATCO.quantities[0])
    angles = segment_angles(SATCO, points.coordinates[None], "right")
    answers = [quantity.example.value for quantity in SATCO.quantities]
    np.testing.assert_allclose(angles[0], answers, atol=5e-4)


def test_an_upright_child_and_a_leaning_one():
    """Leaning forwards adds the lean to every segment that leans, through the seam."""
    lean = np.full(10, 15.0)
    angles = segment_angles(SATCO, np.stack([pose(UPRIGHT), pose(UPRIGHT + lean)]), "right")
    np.testing.assert_allclose(at_seam(angles[0]), UPRIGHT, atol=1e-9)
    assert angles[1, SEGMENTS.index("UT")] == pytest.approx(-165.0)
    np.testing.assert_allclose(difference(angles[1], angles[0]), lean)


@few
@given(each_angle)
def test_the_angles_of_a_drawn_pose_are_those_it_was_drawn_with(angles):
    found = segment_angles(SATCO, np.stack([pose(row) for row in angles]), "right")
    assert np.abs(difference(found, angles)).max() < 1e-9
    assert ((found > -180.0) & (found <= 180.0)).all()


@few
@given(each_angle, st.floats(-500, 500), st.floats(0.05, 20))
def test_moving_scaling_and_mirroring_the_picture_change_no_angle(angles, shift, scale):
    points = np.stack([pose(row) for row in angles])
    found = segment_angles(SATCO, points, "right")
    moved = segment_angles(SATCO, scale * points + [shift, -shift], "right")
    mirrored = segment_angles(SATCO, [640.0, 0.0] + [-1.0, 1.0] * points, "left")
    assert np.abs(difference(moved, found)).max() < 1e-6
    assert np.abs(difference(mirrored, found)).max() < 1e-6


def test_a_wrong_facing_turns_every_sign_round():
    points = pose(UPRIGHT + 10.0)[None]
    right, left = (segment_angles(SATCO, points, side) for side in ("right", "left"))
    np.testing.assert_allclose(difference(left, -right), 0.0, atol=1e-9)


def test_over_frames_and_on_a_single_picture_the_angle_is_the_same():
    """What 'measure' says of an image is what is judged over time."""
    rng = np.random.default_rng(3)
    frames = np.stack([pose(UPRIGHT + rng.normal(scale=30.0, size=10)) for _ in range(20)])
    angles = segment_angles(SATCO, frames, "right")
    for points, row in zip(frames, angles, strict=True):
        report = measure_points(SATCO, Points.of(SATCO.scheme, points), None)
        np.testing.assert_allclose([m.value for m in report.measurements], row, atol=1e-9)


@pytest.mark.parametrize("x", [0.0, -0.0, -1e-300])
def test_straight_down_is_180_and_never_minus_180(x):
    points = pose(UPRIGHT)[None]
    points[0, NAMES.index("C7")] = [0.0, 0.0]
    points[0, NAMES.index("T3")] = [x, 30.0]
    assert segment_angles(SATCO, points, "right")[0, SEGMENTS.index("UT")] == 180.0


def test_an_absent_landmark_costs_its_own_segments_only():
    points = without(pose(UPRIGHT)[None], "C7")
    missing = np.isnan(segment_angles(SATCO, points, "right")[0])
    assert [name for name, gone in zip(SEGMENTS, missing, strict=True) if gone] == ["neck", "UT"]


def test_two_landmarks_in_one_place_have_no_direction():
    points = pose(UPRIGHT)[None]
    points[0, NAMES.index("T3")] = points[0, NAMES.index("C7")]
    assert np.isnan(segment_angles(SATCO, points, "right")[0, SEGMENTS.index("UT")])


def test_a_scheme_in_another_order_is_put_in_the_protocols():
    points = pose(UPRIGHT)[None]
    other = LandmarkScheme("study", ("toy", *reversed(NAMES)))
    given_points = np.concatenate([np.zeros((1, 1, 2)), points[:, ::-1]], axis=1)
    np.testing.assert_array_equal(arranged(SATCO, other, given_points), points)
    with pytest.raises(SchemeError, match="no landmark 'ear_tragus'"):
        arranged(SATCO, LandmarkScheme("few", ("C7",)), points[:, :1])
    with pytest.raises(GeometryError, match="13 landmarks, got coordinates of 14"):
        segment_angles(SATCO, given_points, "right")


# ---- differences and the reference


@given(st.floats(-1000, 1000), st.floats(-1000, 1000))
def test_a_difference_is_the_short_way_and_in_its_range(a, b):
    found = difference(np.array([a]), np.array([b]))[0]
    assert -180.0 < found <= 180.0
    assert np.cos(np.radians(found)) == pytest.approx(np.cos(np.radians(a - b)), abs=1e-9)
    assert np.sin(np.radians(found)) == pytest.approx(np.sin(np.radians(a - b)), abs=1e-9)


def test_a_difference_at_the_very_seam():
    near = np.array([180.0, -180.0, 540.0, np.nextafter(180.0, 181.0)])
    assert difference(near, np.zeros(4)).tolist() == [180.0, 180.0, 180.0, 180.0]
    assert difference(np.array([-179.0]), np.array([179.0])).tolist() == [2.0]


def test_the_mean_posture_goes_through_the_seam():
    angles = np.array([[170.0], [-160.0], [-178.0]])
    assert mean_posture(angles)[0] == pytest.approx(-176.0)


@few
@given(hnp.arrays(float, (5, 2), elements=st.floats(-80, 80)), st.floats(-720, 720))
def test_away_from_the_seam_it_is_the_plain_mean_and_it_turns_with_the_angles(angles, turn):
    plain = angles.mean(axis=0)
    np.testing.assert_allclose(mean_posture(angles), plain, atol=1e-9)
    turned = mean_posture(difference(angles + turn, np.zeros(2)))
    assert np.abs(difference(turned, plain + turn)).max() < 1e-8


def test_the_mean_posture_of_a_skewed_child_is_the_papers_mean_not_a_mean_direction():
    angles = np.array([[0.0], [0.0], [90.0]])
    assert mean_posture(angles)[0] == pytest.approx(30.0)


def test_a_mean_of_one_frame_of_none_and_of_opposites():
    angles = np.array([[12.0, np.nan, 0.0, 180.0], [np.nan, np.nan, 180.0, np.nan]])
    mean = mean_posture(angles)
    assert mean[0] == pytest.approx(12.0)
    assert np.isnan(mean[1])
    assert np.isnan(mean[2])
    assert mean[3] == 180.0


def test_a_neutral_frame_serves_as_the_reference_if_it_is_whole():
    angles = segment_angles(SATCO, np.stack([pose(UPRIGHT), pose(UPRIGHT + 5.0)]), "right")
    np.testing.assert_array_equal(neutral_posture(angles, 1), angles[1])
    with pytest.raises(GeometryError, match="0 to 1, got 2"):
        neutral_posture(angles, 2)
    angles[1, 3] = np.nan
    with pytest.raises(GeometryError, match="a landmark is absent in it"):
        neutral_posture(angles, 1)


# ---- alignment


@pytest.mark.parametrize("turn", [20.0, -20.0])
@few
@given(each_angle)
def test_a_segment_turned_by_exactly_the_threshold_is_aligned(turn, angles):
    """SATCo: misaligned is 'more than 20 degrees'."""
    reference = segment_angles(SATCO, np.stack([pose(row) for row in angles]), "right")
    turned = segment_angles(SATCO, np.stack([pose(row + turn) for row in angles]), "right")
    assert not misaligned(turned, reference, 20.0).value.any()
    more = segment_angles(SATCO, np.stack([pose(row + 1.001 * turn) for row in angles]), "right")
    assert misaligned(more, reference, 20.0).value.all()


def test_what_is_absent_is_not_known_to_be_aligned():
    angles = np.array([[0.0, np.nan], [50.0, 50.0]])
    flags = misaligned(angles, np.array([0.0, np.nan]), 20.0)
    assert flags.value.tolist() == [[False, False], [True, False]]
    assert flags.known.tolist() == [[True, False], [True, False]]


def test_the_higher_the_threshold_the_fewer_are_misaligned():
    rng = np.random.default_rng(1)
    angles = rng.normal(scale=15.0, size=(200, 10))
    sets = [misaligned(angles, np.zeros(10), degrees).value for degrees in TABLE.thresholds]
    assert TABLE.thresholds[0] == 1.0
    assert TABLE.thresholds[-1] == 40.0
    for lower, higher in pairwise(sets):
        assert (lower | ~higher).all()
        assert lower.sum() > higher.sum()


# ---- contact


def reaching(elbow_x, wrist_y):
    """The upright child, ASIS at (0, 0), with the elbow and the wrist at a place."""
    points = pose(UPRIGHT)
    points = points - points[NAMES.index("ASIS")]
    points[NAMES.index("elbow"), 0] = elbow_x
    points[NAMES.index("wrist"), 1] = wrist_y
    return points


def test_the_elbow_is_in_contact_behind_and_the_wrist_below_and_level_is_neither():
    places = [(5.0, -5.0), (-5.0, -5.0), (5.0, 5.0), (-5.0, 5.0), (0.0, 0.0)]
    points = np.stack([reaching(*place) for place in places])
    found = contact(SATCO, points, "right")
    expected = [[False, False], [True, False], [False, True], [True, True], [False, False]]
    assert found.value.tolist() == expected
    assert any_of(found).value.tolist() == [False, True, True, True, False]
    assert all_of(found).value.tolist() == [False, False, False, True, False]
    mirrored = contact(SATCO, points * [-1.0, 1.0], "left")
    assert mirrored.value.tolist() == expected


def test_the_papers_contact_takes_the_labels_asis_and_real_use_its_own():
    predicted = reaching(-5.0, 5.0)[None]
    predicted[0, NAMES.index("ASIS")] = [-10.0, 10.0]
    label = reaching(0.0, 0.0)[None]
    assert contact(SATCO, predicted, "right", against=label).value.tolist() == [[True, True]]
    assert contact(SATCO, predicted, "right").value.tolist() == [[False, False]]


def test_contact_that_one_rule_settles_is_known_without_the_other():
    behind, free = reaching(-5.0, -5.0)[None], reaching(5.0, -5.0)[None]
    for points, anyone in ((behind, (True, True)), (free, (False, False))):
        found = contact(SATCO, without(points, "wrist"), "right")
        assert found.known.tolist() == [[True, False]]
        assert (any_of(found).value[0], any_of(found).known[0]) == anyone
    found = contact(SATCO, without(free, "wrist"), "right")
    assert (all_of(found).value[0], all_of(found).known[0]) == (False, True)
    assert not contact(SATCO, without(free, "ASIS"), "right").known.any()


def test_flags_need_to_be_known_everywhere():
    with pytest.raises(GeometryError, match="known in shape"):
        Flags(np.zeros(3, dtype=bool), np.zeros(2, dtype=bool))


# ---- which way the child faces


def test_a_facing_that_the_landmarks_contradict_is_refused():
    points = np.stack([pose(UPRIGHT), pose(UPRIGHT + 8.0)])
    check_facing(SATCO, points, "right")
    check_facing(SATCO, points * [-1.0, 1.0], "left")
    with pytest.raises(StudyError, match="faces the image's left, and the landmarks tell right"):
        check_facing(SATCO, points, "left")
    check_facing(SATCO, np.full((2, 13, 2), np.nan), "left")


def test_a_head_that_falls_back_does_not_turn_the_child_round():
    points = pose(UPRIGHT - np.eye(10)[SEGMENTS.index("head")] * 80.0)[None]
    assert points[0, NAMES.index("temporal_fossa"), 0] < points[0, NAMES.index("ear_tragus"), 0]
    check_facing(SATCO, points, "right")


# ---- sustained control


def seconds(found):
    return [(round(each.start_s, 6), round(each.end_s, 6)) for each in found]


def held(text):
    return np.array([letter == "x" for letter in text])


def test_control_is_held_from_exactly_the_asked_length_on():
    """Whatever the last digit of a sum of frame intervals is."""
    for first in range(0, 200, 7):
        for frames, enough in ((26, True), (25, False)):
            times = 0.04 * (first + np.arange(frames))
            found = sustained(np.ones(frames, dtype=bool), times, hold_s=1.0, bridge_s=0.2)
            assert bool(found) is enough


def test_a_gap_is_bridged_below_exactly_its_limit():
    for lost, runs in ((1, 1), (3, 1), (4, 2), (5, 2)):
        track = held("xxx" + lost * "-" + (9 - lost) * "x")
        for first in range(0, 200, 7):
            times = 0.04 * (first + np.arange(12))
            assert len(stretches(track, times, bridge_s=0.2)) == runs
    times = 0.04 * np.arange(12)
    track = held("---xxx---xx-")
    assert seconds(stretches(track, times, bridge_s=0.2)) == [(0.12, 0.4)]
    assert seconds(stretches(track, times, bridge_s=0.0)) == [(0.12, 0.2), (0.36, 0.4)]


def test_lengths_are_times_and_not_counts_of_frames():
    """The same eight frames, at a rate that changes."""
    track = held("xxxx-xxx")
    slow = np.array([0.0, 0.2, 0.4, 0.6, 0.7, 0.77, 0.87, 1.0])
    assert seconds(sustained(track, slow, hold_s=1.0, bridge_s=0.2)) == [(0.0, 1.0)]
    assert sustained(track, slow / 1.01, hold_s=1.0, bridge_s=0.2) == ()
    assert seconds(stretches(track, slow, bridge_s=0.1)) == [(0.0, 0.6), (0.77, 1.0)]


def test_lost_frames_are_a_gap_and_a_slow_camera_is_not():
    times = np.concatenate([np.arange(0, 10), np.arange(60, 70)]) * 0.04
    track = np.ones(20, dtype=bool)
    assert seconds(stretches(track, times, bridge_s=0.2)) == [(0.0, 0.36), (2.4, 2.76)]
    assert seconds(stretches(track, 0.5 * np.arange(20), bridge_s=0.2)) == [(0.0, 9.5)]


def test_nothing_held_a_single_frame_and_no_frame():
    assert stretches(held("---"), np.arange(3.0), bridge_s=0.2) == ()
    assert seconds(stretches(held("x"), np.array([2.0]), bridge_s=0.2)) == [(2.0, 2.0)]
    assert sustained(held("x"), np.array([2.0]), hold_s=1.0, bridge_s=0.2) == ()
    assert stretches(np.zeros(0, dtype=bool), np.zeros(0), bridge_s=0.2) == ()


@few
@given(st.lists(st.booleans(), min_size=1, max_size=40), st.randoms(use_true_random=False))
def test_time_backwards_gives_the_same_stretches_backwards(track, random):
    times = np.cumsum([random.uniform(0.01, 0.4) for _ in track])
    forwards = stretches(np.array(track), times, bridge_s=0.2)
    backwards = stretches(np.array(track)[::-1], -times[::-1], bridge_s=0.2)
    assert [(-b.end_s, -b.start_s) for b in reversed(backwards)] == [
        (f.start_s, f.end_s) for f in forwards
    ]


def test_times_must_fit_and_increase():
    for times in ([0.0, 1.0, 1.0], [0.0, np.nan, 1.0]):
        with pytest.raises(GeometryError, match="increase"):
            stretches(held("xxx"), np.array(times), bridge_s=0.2)
    with pytest.raises(GeometryError, match="3 frames have 2 times"):
        stretches(held("xxx"), np.array([0.0, 1.0]), bridge_s=0.2)


# ---- levels of the test


def recording(*, frames=50, wrong=(), touching=(), unknown=()):
    """Frames at 25 Hz; ``wrong`` holds (segment, from, to), the others (from, to)."""
    out = np.zeros((frames, 10), dtype=bool)
    for segment, start, end in wrong:
        out[start:end, SEGMENTS.index(segment)] = True
    known = np.ones((frames, 10), dtype=bool)
    for start, end in unknown:
        known[start:end] = False
    touch = np.zeros((frames, 2), dtype=bool)
    for start, end in touching:
        touch[start:end, 1] = True
    return Flags(out, known), Flags(touch, np.ones_like(touch)), 0.04 * np.arange(frames)


def test_levels_add_one_segment_each_from_the_head_down():
    assert [level.name for level in TABLE.level] == [
        "head", "upper thoracic", "mid thoracic", "lower thoracic",
        "upper lumbar", "lower lumbar", "free sitting",
    ]  # fmt: skip
    for k, level in enumerate(TABLE.level):
        assert level.segments == SEGMENTS[: k + 2]


def test_control_is_demonstrated_in_the_agreed_words():
    done = level_control(SATCO, "upper thoracic", *recording(wrong=[("head", 0, 10)]))
    assert done.demonstrated
    assert seconds(done.shown) == [(0.4, 1.96)]
    assert done.sentence == (
        "Control at the upper thoracic level is demonstrated: head, neck, UT aligned within 20 "
        "degrees of the reference posture and free of contact for 1.56 s, from 0.40 s. One "
        "demonstration suffices."
    )


def test_control_that_is_not_demonstrated_proves_little_and_says_so():
    done = level_control(SATCO, "head", *recording(wrong=[("head", 0, 30)]))
    assert not done.demonstrated
    assert done.longest_s == pytest.approx(0.76)
    assert "not demonstrated in this recording, which proves little" in done.sentence
    assert "0.76 s, where 1 s are asked for" in done.sentence
    never = level_control(SATCO, "head", *recording(wrong=[("head", 0, 50)]))
    assert "is 0.00 s" in never.sentence


def test_only_the_segments_above_the_hands_are_asked_for_and_contact_always():
    wrong = [("MT", 0, 50), ("forearm", 0, 50)]
    assert level_control(SATCO, "upper thoracic", *recording(wrong=wrong)).demonstrated
    assert not level_control(SATCO, "mid thoracic", *recording(wrong=wrong)).demonstrated
    touched = recording(touching=[(10, 30)])
    assert not level_control(SATCO, "upper thoracic", *touched).demonstrated
    assert level_control(SATCO, "head", *recording(touching=[(25, 27)])).demonstrated


def test_what_is_not_known_is_no_evidence():
    done = level_control(SATCO, "head", *recording(unknown=[(10, 40)]))
    assert not done.demonstrated
    assert (done.unknown, done.frames) == (30, 50)
    assert done.sentence.endswith(
        "In 30 of 50 frames a landmark was absent; these count as no evidence."
    )
    assert level_control(SATCO, "head", *recording(unknown=[(25, 27)])).demonstrated
    known_bad = level_control(SATCO, "head", *recording(touching=[(0, 50)], unknown=[(0, 50)]))
    assert known_bad.unknown == 0


def test_one_recording_that_demonstrates_suffices():
    bad = level_control(SATCO, "head", *recording(wrong=[("neck", 0, 50)]))
    good = level_control(SATCO, "head", *recording())
    lumbar = level_control(SATCO, "upper lumbar", *recording(wrong=[("UL", 0, 50)]))
    best = best_by_level(SATCO, [lumbar, bad, good])
    assert [(each.level, each.demonstrated) for each in best] == [
        ("head", True), ("upper lumbar", False),
    ]  # fmt: skip
    assert best_by_level(SATCO, []) == ()


def test_a_level_that_the_protocol_does_not_have_is_named_with_its_neighbour():
    with pytest.raises(ConfigError, match=r"no level 'upper thorasic'.*'upper thoracic'"):
        level_control(SATCO, "upper thorasic", *recording())


def test_from_points_to_a_sentence():
    """A child that slumps after two seconds, seen at 25 Hz, with its own mean as reference."""
    lean = np.where(np.arange(75) < 50, 0.0, 40.0)
    frames = np.stack([pose(UPRIGHT + each) for each in lean])
    frames[:, NAMES.index("elbow")] = frames[:, NAMES.index("ASIS")] + [10.0, -5.0]
    frames[:, NAMES.index("wrist")] = frames[:, NAMES.index("ASIS")] + [20.0, -5.0]
    angles = segment_angles(SATCO, frames, "right")
    out = misaligned(angles, mean_posture(angles), TABLE.threshold_deg)
    done = level_control(
        SATCO, "lower lumbar", out, contact(SATCO, frames, "right"), 0.04 * np.arange(75)
    )
    assert seconds(done.shown) == [(0.0, 1.96)]


# ---- the table of the protocol


def changed(change):
    table = tomllib.loads(protocol_text("satco"))
    change(table["posture"])
    return protocol_from_table(table, where="mine.toml")


def test_groups_are_the_papers():
    groups = TABLE.groups
    assert groups["arm"] == ("upper arm", "forearm")
    assert groups["trunk"] == ("UT", "MT", "LT", "UL", "LL")
    assert groups["reference"] == SEGMENTS[:8]
    assert groups["all"] == SEGMENTS
    assert (TABLE.threshold_deg, TABLE.hold_s, TABLE.bridge_s) == (20.0, 1.0, 0.2)
    assert (TABLE.reference, TABLE.facing, TABLE.headline) == ("mean", "right", "reference")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.update(segments=["hed"]), "segment 'hed'.*did you mean 'head'"),
        (lambda t: t.update(segments=["head", "head"]), "segment 'head' twice"),
        (lambda t: t["groups"].update(arm=["upper arm", "fore arm"]), "'fore arm'.*'forearm'"),
        (lambda t: t["groups"].update(head=["head"]), "'head' is a group and a segment"),
        (lambda t: t.update(headline="trunks"), "headline names group 'trunks'.*'trunk'"),
        (lambda t: t["contact"][0].update(of="ASIS_left"), "'ASIS_left'"),
        (lambda t: t["contact"][1].update(point="elbow"), "contact of 'elbow' twice"),
        (lambda t: t["contact"][0].update(side="left"), "'behind' or 'below'"),
        (lambda t: t["level"][1].update(name="head"), "level 'head' twice"),
        (lambda t: t["level"][1].update(segments=["UTT"]), "level 'upper thoracic'.*'UTT'"),
        (lambda t: t["wording"].update(unknown="in {frame}"), "{frame}.*frames, unknown"),
        (lambda t: t.update(sweep_deg=[9, 3]), "ends before it begins"),
        (lambda t: t.update(hold=2.0), "unknown key 'hold'.*'hold_s'"),
        (lambda t: t.update(threshold_deg=0.0), "greater than 0"),
        (lambda t: t.pop("wording"), "'wording' is missing"),
    ],
)
def test_a_posture_table_that_does_not_fit_is_refused_in_words(change, message):
    with pytest.raises(ConfigError, match=message):
        changed(change)


def test_a_segment_must_be_a_lean_of_the_one_sign():
    table = tomllib.loads(protocol_text("satco"))
    table["quantity"][0]["formula"]["positive"] = "top_backwards"
    with pytest.raises(ConfigError, match="'head' must be of kind angle_to_vertical"):
        protocol_from_table(table, where="mine.toml")


def test_a_protocol_without_the_table_says_what_to_add():
    with pytest.raises(ConfigError, match=r"'cervical' says nothing of posture.*\[posture\]"):
        posture_of(read_protocol("cervical"))
    with pytest.raises(ConfigError, match="no segment 'UU'"):
        TABLE.columns(("UU",))


def test_the_table_of_the_documentation_is_one():
    text = (Path(__file__).parents[1] / "docs" / "protocols.md").read_text(encoding="utf-8")
    block = text.split("```toml\n")[2].split("```")[0]
    table = PostureTable.model_validate_json(json.dumps(tomllib.loads(block)["posture"]))
    formula = AngleToVertical(kind="angle_to_vertical", line=("C7", "S1"), positive="top_forwards")
    formulas = {"neck": formula, "trunk": formula}
    assert check_posture(table, formulas, NAMES, where="docs/protocols.md") is None
