"""Movement of limbs: laws of motion, invariances, missing data, and windows of a stream."""

from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from palpate.errors import ConfigError, GeometryError, SchemeError
from palpate.monitor.movement_windows import MovementWindows
from palpate.scheme import LandmarkScheme
from palpate.sequences.movement import derived, movement_of
from palpate.sequences.movement_amount import Amount
from palpate.sequences.movement_body import MovingBody
from palpate.sequences.movement_bouts import bouts
from palpate.sequences.movement_course import Course, course
from palpate.sequences.movement_entropy import sample_entropy
from palpate.sequences.movement_measures import BODY_MEASURES, LIMB_MEASURES, SIDE_MEASURES
from palpate.sequences.movement_row import LimbMovement, MovementRow, SideMovement
from palpate.sequences.movement_settings import MovementSettings
from palpate.sequences.movement_sides import speed_correlation, symmetry_index, synchrony
from palpate.sequences.movement_smoothness import ldlj, sparc
from palpate.sequences.movement_speed import mean_acceleration, mean_jerk, mean_speed, path_length
from palpate.sequences.movement_window import summarise
from palpate.sequences.outliers import Hampel
from palpate.sequences.track import Track

PLAIN = MovementSettings(jumps=None)
_ARMS = ("shoulder", "elbow", "wrist")
_LEGS = ("hip", "knee", "ankle")
INFANT = LandmarkScheme(
    "infant",
    tuple(f"{side}_{j}" for part in (_ARMS, _LEGS) for side in ("right", "left") for j in part),
    mirror=tuple((f"right_{j}", f"left_{j}") for j in (*_ARMS, *_LEGS)),
    edges=tuple(
        (f"{side}_{part[i]}", f"{side}_{part[i + 1]}")
        for part in (_ARMS, _LEGS)
        for side in ("right", "left")
        for i in (0, 1)
    ),
)
BODY = MovingBody.of(INFANT)
_REST_ARMS = [[100.0, 100.0], [70.0, 130.0], [60.0, 170.0]]
_REST_LEGS = [[125.0, 250.0], [110.0, 300.0], [105.0, 350.0]]
REST = np.array(
    [
        [x if right else 300.0 - x, y]
        for part in (_REST_ARMS, _REST_LEGS)
        for right in (True, False)
        for x, y in part
    ]
)
WRISTS = (2, 5)


def clock(seconds: float, rate_hz: float = 30.0) -> np.ndarray:
    return np.arange(round(seconds * rate_hz)) / rate_hz


def circle(times: np.ndarray, hz: float, radius: float) -> np.ndarray:
    angle = 2.0 * np.pi * hz * times
    return radius * np.stack([np.cos(angle), np.sin(angle)], axis=-1)


def of_one(places: np.ndarray, times: np.ndarray, how: MovementSettings = PLAIN) -> Course:
    return course(derived(("end",), places[:, None], times, how), "limb", 0)


def infant(times: np.ndarray, ways: dict[int, np.ndarray]) -> Track:
    places = np.repeat(REST[None], len(times), axis=0)
    for joint, way in ways.items():
        places[:, joint] += way
    return Track(INFANT.names, places, times)


def bursts(times: np.ndarray, size: float = 20.0, hz: float = 0.7) -> np.ndarray:
    """Movement in the first half of every eight seconds."""
    on = np.clip(np.sin(2.0 * np.pi * times / 8.0), 0.0, None)
    return np.stack([size * on * np.sin(2.0 * np.pi * hz * times), 0.0 * times], axis=-1)


# --- derivatives -----------------------------------------------------------------------------


@pytest.mark.parametrize("rate_hz", [15.0, 30.0, 60.0])
def test_a_circle_has_the_speed_acceleration_and_jerk_of_a_circle(rate_hz):
    hz, radius, times = 0.3, 40.0, clock(12.0, rate_hz)
    turned = of_one(circle(times, hz, radius), times)
    omega = 2.0 * np.pi * hz
    assert mean_speed(turned).value == pytest.approx(radius * omega, rel=0.01)
    assert mean_acceleration(turned).value == pytest.approx(radius * omega**2, rel=0.02)
    assert mean_jerk(turned).value == pytest.approx(radius * omega**3, rel=0.05)


def test_a_cubic_comes_back_exactly_on_an_uneven_clock_with_holes():
    rng = np.random.default_rng(3)
    times = np.cumsum(rng.uniform(0.02, 0.045, 300))
    t = times - 5.0
    places = np.stack([1.0 + 2.0 * t - 3.0 * t**2 + 0.5 * t**3, 4.0 - t**3], axis=-1)[:, None]
    places[rng.random(300) < 0.2] = np.nan
    moved = derived(("end",), places, times, PLAIN)
    known = moved.known[:, 0]
    assert known.sum() > 150
    t = t[known]
    np.testing.assert_allclose(moved.velocity[known, 0, 0], 2 - 6 * t + 1.5 * t**2, atol=1e-6)
    np.testing.assert_allclose(moved.acceleration[known, 0, 1], -6.0 * t, atol=1e-5)
    np.testing.assert_allclose(moved.jerk[known, 0, 0], 3.0, atol=1e-4)


def test_an_even_clock_gives_the_filter_of_savitzky_and_golay():
    from scipy.signal import savgol_filter

    times, rng = clock(10.0), np.random.default_rng(1)
    x = rng.normal(size=(300, 1, 2)).cumsum(axis=0)
    moved = derived(("end",), x, times, PLAIN)
    for order, found in ((1, moved.velocity), (2, moved.acceleration), (3, moved.jerk)):
        wanted = savgol_filter(x, 15, 3, deriv=order, delta=1 / 30, axis=0)
        np.testing.assert_allclose(found[20:-20], wanted[20:-20], rtol=1e-6, atol=1e-6)


def test_speed_is_not_told_beside_a_gap_nor_across_it():
    times = clock(10.0)
    east = np.stack([50.0 * times, 0.0 * times], axis=-1)
    east[150:180] = np.nan
    seen = of_one(east, times)
    assert not seen.known[146:184].any()
    np.testing.assert_allclose(seen.speed[seen.known], 50.0)
    assert seen.observed_s == pytest.approx(10.0 - 1.0 - 4 * 0.12, abs=0.15)


def test_a_short_absence_does_not_end_a_bout():
    times = clock(20.0)
    east = np.stack([60.0 * np.clip(times - 5.0, 0.0, 6.0), 0 * times], axis=-1)
    east[200:204] = np.nan
    [found] = bouts(of_one(east, times), 100.0, PLAIN)
    assert found.whole
    assert found.seconds == pytest.approx(6.0, abs=0.3)


def test_frames_too_far_apart_tell_no_speed():
    times = clock(60.0, 2.0)
    assert not of_one(circle(times, 0.1, 10.0), times).known.any()


@pytest.mark.parametrize("rate_hz", [5.0, 8.0])
def test_a_slow_clock_widens_the_fit_and_says_so(rate_hz):
    times = clock(30.0, rate_hz)
    moved = derived(("end",), circle(times, 0.05, 40.0)[:, None], times, PLAIN)
    assert moved.half_width_s == pytest.approx(3.5 / rate_hz)
    turned = course(moved, "limb", 0)
    assert turned.observed > 0.9
    assert mean_speed(turned).value == pytest.approx(40.0 * 0.1 * np.pi, rel=0.01)


def test_one_wrong_position_is_left_out_and_counted():
    times = clock(20.0)
    places = np.random.default_rng(0).normal(0.0, 0.5, (600, 1, 2))
    places[300, 0] += 80.0
    kept = derived(("end",), places, times, PLAIN)
    left_out = derived(("end",), places, times, replace(PLAIN, jumps=Hampel()))
    assert left_out.jumped >= 1
    assert np.nanmax(kept.speed) > 10.0 * np.nanmax(left_out.speed)


# --- bouts -----------------------------------------------------------------------------------


@given(seed=st.integers(0, 50))
@settings(max_examples=10)
def test_a_body_at_rest_with_noise_is_not_active(seed):
    times = clock(30.0)
    noise = np.random.default_rng(seed).normal(0.0, 1.5, (900, 12, 2))
    row = summarise(Track(INFANT.names, REST + noise, times), BODY, PLAIN)
    assert [limb.active_share.value for limb in row.limbs] == [0.0] * 4
    assert all(limb.bouts == 0 for limb in row.limbs)


def test_active_time_is_that_of_the_movement():
    times = clock(80.0)
    x = np.zeros(len(times))
    for start in (10.0, 30.0, 50.0):  # uniform movement for 4 s each
        x += 100.0 * np.clip(times - start, 0.0, 4.0)
    found = bouts(of_one(np.stack([x, 0 * x], axis=-1), times), 150.0, PLAIN)
    assert [round(bout.seconds) for bout in found] == [4, 4, 4]
    assert all(bout.whole for bout in found)


def test_what_is_not_seen_is_neither_rest_nor_movement():
    times = clock(64.0)
    way = bursts(times, 30.0)
    whole = summarise(infant(times, {2: way}), BODY, PLAIN)
    track = infant(times, {2: way})
    places = track.coordinates.copy()
    hidden = (times % 16.0) >= 8.0  # every second burst with its rest
    places[hidden, 2] = np.nan
    seen = summarise(Track(INFANT.names, places, times), BODY, PLAIN)
    a, b = whole.limbs[0], seen.limbs[0]
    assert b.observed_s < 0.55 * a.observed_s
    assert b.active_share.value == pytest.approx(a.active_share.value, abs=0.06)
    assert b.mean_speed.value == pytest.approx(a.mean_speed.value, rel=0.1)


def test_a_bout_that_is_cut_by_absence_is_not_whole():
    times = clock(20.0)
    east = np.stack([60.0 * np.clip(times - 5.0, 0.0, 6.0), 0 * times], axis=-1)
    east[240:270] = np.nan
    # Not even a rest of any length would be bridged: nobody saw that it is one.
    found = bouts(of_one(east, times), 100.0, replace(PLAIN, bridge_s=5.0))
    assert [bout.whole for bout in found] == [False, False]


def test_a_limb_that_is_hardly_seen_gives_reasons_and_no_numbers():
    times = clock(60.0)
    track = infant(times, {2: bursts(times)})
    places = track.coordinates.copy()
    places[150:, 2] = np.nan
    row = summarise(Track(INFANT.names, places, times), BODY, PLAIN)
    arm = row.limbs[0]
    assert all(amount.value is None for amount in arm.amounts().values())
    assert "right arm" in arm.mean_speed.reason
    assert row.sides[0].symmetry_index.value is None
    assert row.synchrony.value is None
    assert row.limbs[1].mean_speed.value is not None


# --- invariances -----------------------------------------------------------------------------


def numbers(row: MovementRow) -> dict[str, float | None]:
    """Every number of a row, those with a length in body lengths."""
    found = {}
    for limb in row.limbs:
        for name, amount in limb.amounts().items():
            power = LIMB_MEASURES[name].body
            value = amount.value
            scaled = None if value is None else value / (row.scale.value or 1.0) ** power
            found[f"{limb.limb} {name}"] = scaled
    for side in row.sides:
        found[f"{side.name} symmetry"] = side.symmetry_index.value
        found[f"{side.name} correlation"] = side.speed_correlation.value
    for name in BODY_MEASURES:
        found[name] = getattr(row, name).value
    return found


def writhing(times: np.ndarray, seed: int) -> Track:
    rng = np.random.default_rng(seed)
    ways = {}
    for joint in range(12):
        phase, hz = rng.uniform(0, 2 * np.pi, (2, 3)), rng.uniform(0.2, 0.9, (2, 3))
        size = 0.0 if joint % 3 == 0 else rng.uniform(4, 12)
        waves = np.sin(2 * np.pi * hz[..., None] * times + phase[..., None])
        burst = np.clip(np.sin(2.0 * np.pi * times / 9.0 + joint), 0.0, None)
        ways[joint] = size * (waves.sum(axis=1) * burst).T
    return infant(times, ways)


@given(scale=st.floats(0.3, 4.0), degrees=st.floats(-180, 180), seed=st.integers(0, 20))
@settings(max_examples=10)
def test_a_higher_or_turned_camera_changes_nothing_in_body_lengths(scale, degrees, seed):
    times = clock(30.0)
    track = writhing(times, seed)
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    turned = scale * track.coordinates @ np.array([[c, s], [-s, c]]) + np.array([50.0, -20.0])
    before = numbers(summarise(track, BODY, PLAIN))
    after = numbers(summarise(Track(INFANT.names, turned, times), BODY, PLAIN))
    assert sum(value is not None for value in before.values()) > 40
    for name, value in before.items():
        assert (value is None) == (after[name] is None), name
        if value is not None:
            assert after[name] == pytest.approx(value, rel=1e-4, abs=1e-6), name


@given(seed=st.integers(0, 20))
@settings(max_examples=8)
def test_a_mirrored_infant_changes_sides(seed):
    times = clock(30.0)
    track = writhing(times, seed)
    flipped = (track.coordinates * np.array([-1.0, 1.0]))[:, INFANT.mirror_order()]
    a = summarise(track, BODY, PLAIN)
    b = summarise(Track(INFANT.names, flipped, times), BODY, PLAIN)
    for first, second in zip(a.sides, b.sides, strict=True):
        assert second.symmetry_index.value == pytest.approx(-first.symmetry_index.value, abs=1e-9)
        assert second.speed_correlation.value == pytest.approx(first.speed_correlation.value)
    by_name = {limb.limb: limb for limb in b.limbs}
    for limb in a.limbs:
        side, other = ("left", "right") if "left" in limb.limb else ("right", "left")
        swapped = by_name[limb.limb.replace(side, other)]
        assert swapped.mean_speed.value == pytest.approx(limb.mean_speed.value)
        assert swapped.bouts == limb.bouts
    assert a.synchrony.value == pytest.approx(b.synchrony.value)


def test_the_same_movement_on_both_sides_is_symmetric():
    times = clock(40.0)
    way = bursts(times)
    row = summarise(infant(times, {2: way, 5: way * np.array([-1.0, 1.0])}), BODY, PLAIN)
    arms = row.sides[0]
    assert (arms.left, arms.right, arms.name) == ("left arm", "right arm", "arms")
    assert arms.symmetry_index.value == pytest.approx(0.0, abs=1e-9)
    assert arms.speed_correlation.value == pytest.approx(1.0)


def test_one_side_alone_is_as_uneven_as_can_be():
    times = clock(40.0)
    row = summarise(infant(times, {5: bursts(times)}), BODY, PLAIN)
    assert row.sides[0].symmetry_index.value == pytest.approx(1.0)
    assert "does not change" in row.sides[0].speed_correlation.reason
    assert "neither" in row.sides[1].symmetry_index.reason


def test_twice_the_movement_of_the_left_has_an_index_of_a_third():
    times = clock(40.0)
    limbs = [of_one(size * bursts(times), times) for size in (2.0, 1.0)]
    assert symmetry_index(*limbs, PLAIN).value == pytest.approx(1 / 3)
    assert speed_correlation(*limbs, PLAIN).value == pytest.approx(1.0)


def test_synchrony_tells_limbs_that_move_together_from_those_that_take_turns():
    times = clock(64.0)
    together = [of_one(bursts(times), times) for _ in range(4)]
    in_turn = [of_one(bursts(times + 2.0 * k), times) for k in range(4)]
    assert synchrony(together, PLAIN).value == pytest.approx(1.0)
    assert synchrony(in_turn, PLAIN).value < 0.0


# --- smoothness and regularity ---------------------------------------------------------------


def least_jerk(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Speed and jerk of the straight movement of least jerk, of length 1 in 1 s."""
    t = (np.arange(count) + 0.5) / count
    return 30.0 * t**2 * (1 - t) ** 2, 60.0 - 360.0 * t + 360.0 * t**2


@given(size=st.floats(0.1, 1000.0), seconds=st.floats(0.2, 20.0))
@settings(max_examples=20)
def test_log_dimensionless_jerk_knows_neither_size_nor_duration(size, seconds):
    speed, jerk = least_jerk(500)
    scaled = ldlj(speed * size / seconds, jerk * size / seconds**3, np.full(500, seconds / 500))
    # 720 / 1.875², by hand
    assert scaled == pytest.approx(-np.log(204.8), abs=1e-3)


@given(size=st.floats(0.1, 1000.0))
@settings(max_examples=10)
def test_spectral_arc_length_knows_no_size_and_sees_a_second_stroke(size):
    speed, _ = least_jerk(100)
    times = np.arange(100) / 100.0
    one = sparc(times, speed)
    assert sparc(times, size * speed) == pytest.approx(one)
    assert one == pytest.approx(-1.41, abs=0.03)  # of one stroke of least jerk
    two = sparc(np.arange(200) / 100.0, np.concatenate([speed, speed]))
    assert two < one - 0.3


def test_sample_entropy_of_noise_and_of_a_wave():
    rng = np.random.default_rng(0)
    noise = sample_entropy([rng.normal(size=3000)]).value
    assert noise == pytest.approx(2.185, abs=0.1)  # -ln(erf(0.1))
    wave = sample_entropy([np.sin(np.arange(1000) / 5.0)]).value
    assert wave < 0.3
    assert sample_entropy([np.ones(500)]).reason is not None
    assert "patterns" in sample_entropy([rng.normal(size=50)]).reason


def test_sample_entropy_by_counting():
    from math import erf

    values = np.random.default_rng(4).normal(size=130)
    r, n = 0.2 * values.std(), len(values)
    pairs = {2: 0, 3: 0}
    for m in pairs:
        for i in range(n - 2):
            for j in range(i):
                pairs[m] += np.abs(values[i : i + m] - values[j : j + m]).max() <= r
    assert sample_entropy([values]).value == pytest.approx(np.log(pairs[2] / pairs[3]))
    assert -np.log(erf(0.1)) == pytest.approx(2.185, abs=1e-3)


# --- one body length, rows -------------------------------------------------------------------


def test_a_body_length_is_the_trunk_and_else_a_part_of_a_limb():
    assert BODY.limbs == ("right arm", "left arm", "right leg", "left leg")
    assert BODY.scale(np.repeat(REST[None], 5, axis=0)).value == pytest.approx(150.0)
    arm = LandmarkScheme("arm", ("a", "b", "c"), edges=(("a", "b"), ("b", "c")))
    places = np.array([[[0.0, 0.0], [30.0, 0.0], [30.0, 40.0]]] * 6)
    assert MovingBody.of(arm).scale(places).value == pytest.approx(35.0)
    assert MovingBody.of(arm).scale(places[:2]).reason is not None
    with pytest.raises(SchemeError, match="no edges"):
        MovingBody.of(LandmarkScheme("face", ("nose",)))


def test_every_measure_is_described_and_every_description_is_a_measure():
    def measures(of: type) -> set[str]:
        return {field.name for field in fields(of) if field.type is Amount} - {"scale"}

    assert measures(LimbMovement) == set(LIMB_MEASURES)
    assert measures(SideMovement) == set(SIDE_MEASURES)
    assert measures(MovementRow) == set(BODY_MEASURES)


def test_three_coordinates_are_summarised_as_well():
    times = clock(20.0)
    places = np.pad(circle(times, 0.3, 40.0), ((0, 0), (0, 1)))[:, None]
    turned = course(derived(("end",), places, times, PLAIN), "limb", 0)
    assert path_length(turned).value == pytest.approx(
        40.0 * 0.6 * np.pi * turned.observed_s, rel=0.01
    )


def test_an_amount_is_a_value_or_a_reason():
    for wrong in ({}, {"value": 1.0, "reason": "no"}, {"value": np.nan}):
        with pytest.raises(GeometryError):
            Amount(**wrong)
    with pytest.raises(ConfigError, match="active_above"):
        MovementSettings(active_above=0.0)
    with pytest.raises(ConfigError, match="least_score"):
        MovementSettings(least_score=2.0)


# --- windows of a stream ---------------------------------------------------------------------


def stream(track: Track, windows: MovementWindows, skip: np.ndarray | None = None) -> list:
    rows = []
    for k, time_s in enumerate(track.times_s.tolist()):
        if skip is None or not skip[k]:
            rows += windows.feed(time_s, track.coordinates[k], None, "found")
    return rows + windows.finish()


def test_a_stream_in_windows_is_the_track_in_windows():
    times = clock(60.0)
    track = writhing(times, 5)
    rows = stream(track, MovementWindows(INFANT, PLAIN, window_s=20.0, step_s=20.0))
    assert [row.start_s for row in rows] == [0.0, 20.0, 40.0]
    moved = movement_of(track, PLAIN)
    for row in rows:
        for limb, joint in zip(row.limbs, BODY.ends, strict=True):
            cut = course(moved, limb.limb, joint, (row.start_s, row.end_s))
            assert limb.observed_s == pytest.approx(cut.observed_s)
            assert limb.path_length.value == pytest.approx(path_length(cut).value)


def test_windows_may_overlap_and_hold_no_more_than_they_need():
    windows = MovementWindows(INFANT, PLAIN, window_s=10.0, step_s=5.0)
    times = clock(100.0)
    rows = []
    for time_s in times.tolist():
        rows += windows.feed(time_s, REST, None, "found")
        assert len(windows._frames) <= 30 * (10 + 5 + 3)
    rows += windows.finish()
    assert [row.start_s for row in rows] == [5.0 * k for k in range(20)]
    assert {row.frames for row in rows[:-1]} == {300}


def test_a_silent_camera_gives_rows_that_say_so():
    times = clock(180.0)
    track = infant(times, {2: bursts(times)})
    silent = (times >= 50.0) & (times < 130.0)
    windows = MovementWindows(INFANT, PLAIN, window_s=30.0, step_s=30.0)
    rows = stream(track, windows, silent)
    assert [round(row.gap_s) for row in rows] == [0, 10, 30, 30, 10, 0]
    assert rows[2].frames == 0
    assert rows[2].limbs[0].active_share.value is None
    assert all(amount.reason for amount in rows[2].limbs[0].amounts().values())
    assert rows[5].limbs[0].active_share.value > 0.2


def test_every_frame_is_counted_by_its_state():
    windows = MovementWindows(INFANT, PLAIN, window_s=10.0, step_s=10.0)
    rows = []
    for k, time_s in enumerate(clock(30.0).tolist()):
        looked = k % 3 == 0
        found = REST if looked else None
        rows += windows.feed(time_s, found, None, "found" if looked else "skipped")
        if k == 400:
            rows += windows.count(time_s, "missing", 7)
    rows += windows.finish()
    assert [dict(row.states) for row in rows] == [
        {"found": 100, "skipped": 200},
        {"found": 100, "skipped": 200, "missing": 7},
        {"found": 100, "skipped": 200},
    ]
    # Ten frames a second are enough for speeds.
    assert rows[1].limbs[0].observed_s == pytest.approx(10.0, abs=0.01)


def test_a_hidden_trunk_takes_the_body_length_of_before():
    windows = MovementWindows(INFANT, PLAIN, window_s=10.0, step_s=10.0)
    times = clock(20.0)
    track = infant(times, {2: bursts(times)})
    places = track.coordinates.copy()
    places[300:, 6] = np.nan
    rows = stream(Track(INFANT.names, places, times), windows)
    assert rows[1].scale.value == pytest.approx(150.0)
    assert rows[1].limbs[0].active_share.value is not None


def test_a_low_score_is_absence_where_the_settings_say_so():
    windows = MovementWindows(INFANT, MovementSettings(least_score=0.3), window_s=10.0, step_s=10.0)
    score = np.ones(12)
    score[2] = 0.2
    rows = []
    for time_s in clock(10.0).tolist():
        rows += windows.feed(time_s, REST, score, "found")
    rows += windows.finish()
    assert [limb.observed_s > 0.0 for limb in rows[0].limbs] == [False, True, True, True]


def test_a_stream_that_goes_back_or_has_other_joints_is_refused():
    windows = MovementWindows(INFANT)
    windows.feed(1.0, REST, None, "found")
    with pytest.raises(GeometryError, match=r"1\.0 s"):
        windows.feed(1.0, REST, None, "found")
    with pytest.raises(GeometryError, match="12 joints"):
        windows.feed(2.0, REST[:3], None, "found")
    with pytest.raises(ConfigError, match="step"):
        MovementWindows(INFANT, window_s=10.0, step_s=20.0)


def test_after_a_day_of_silence_windows_begin_anew():
    windows = MovementWindows(INFANT, PLAIN)
    windows.feed(0.0, REST, None, "found")
    rows = windows.feed(1e9, REST, None, "found") + windows.finish()
    assert [row.start_s for row in rows] == [0.0, 60.0 * (1e9 // 60.0)]
