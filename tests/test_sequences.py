"""Labels between frames, smoothing, gaps and jumps: laws, and examples worked by hand."""

from collections.abc import Iterator
from itertools import pairwise

import jaxtyping
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from palpate.errors import ConfigError, GeometryError
from palpate.sequences import rolling
from palpate.sequences.gaps import Absence, StraightLines, absences, fill_gaps
from palpate.sequences.interpolate import Filled, fill_between
from palpate.sequences.one_euro import OneEuro, one_euro
from palpate.sequences.outliers import Hampel, outliers
from palpate.sequences.presence import present
from palpate.sequences.rolling import rolling_median
from palpate.sequences.rts import Rts, rts
from palpate.sequences.smooth import Smoothed, smooth
from palpate.sequences.track import Track

settings.register_profile("sequences", deadline=None, derandomize=True, max_examples=20)
settings.load_profile("sequences")

NAN = float("nan")
seeds = st.integers(0, 10_000)
few = settings(max_examples=8)  # what is checked in every call costs more than what is computed
MIRROR = np.array([-1.0, 1.0])
SHIFT = np.array([30.0, -4.0])


@pytest.fixture
def as_in_use() -> Iterator[None]:
    """Without the tests' own check of shapes: what a user sees."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


def random_labels(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Annotated frames with gaps of 1 to 9, three landmarks, a fifth of them absent."""
    rng = np.random.default_rng(seed)
    frames = np.cumsum(rng.integers(1, 10, size=rng.integers(1, 12)))
    coordinates = rng.uniform(0.0, 500.0, (len(frames), 3, 2))
    coordinates[rng.random((len(frames), 3)) < 0.2] = np.nan
    return frames, coordinates


def test_labels_between_frames_by_hand():
    """Two landmarks; frames 2-6 and 6-8 are close, 8-13 is not; the second is absent at 8."""
    frames = np.array([2, 6, 8, 13])
    labels = np.array(
        [
            [[0.0, 40.0], [1.0, 1.0]],
            [[4.0, 20.0], [9.0, 5.0]],
            [[4.0, 30.0], [NAN, NAN]],
            [[50.0, 0.0], [7.0, 7.0]],
        ]
    )
    filled = fill_between(frames, labels, most=4)
    assert filled.frames.tolist() == [2, 3, 4, 5, 6, 7, 8, 13]
    first = [[0, 40], [1, 35], [2, 30], [3, 25], [4, 20], [4, 25], [4, 30], [50, 0]]
    second = [[1, 1], [3, 2], [5, 3], [7, 4], [9, 5], [NAN, NAN], [NAN, NAN], [7, 7]]
    np.testing.assert_array_equal(filled.coordinates[:, 0], first)
    np.testing.assert_array_equal(filled.coordinates[:, 1], second)
    yes, no = True, False
    assert filled.interpolated[:, 0].tolist() == [no, yes, yes, yes, no, yes, no, no]
    assert filled.interpolated[:, 1].tolist() == [no, yes, yes, yes, no, no, no, no]


@given(seeds, st.integers(1, 9))
def test_annotated_positions_come_back_to_the_last_bit(seed, most):
    frames, labels = random_labels(seed)
    filled = fill_between(frames, labels, most=most)
    at = np.searchsorted(filled.frames, frames)
    np.testing.assert_array_equal(filled.frames[at], frames)
    np.testing.assert_array_equal(filled.coordinates[at], labels)
    assert not filled.interpolated[at].any()


@given(seeds, st.integers(1, 9))
def test_filled_labels_lie_between_and_only_where_both_ends_are_near_and_shown(seed, most):
    frames, labels = random_labels(seed)
    filled = fill_between(frames, labels, most=most)
    for row, frame in enumerate(filled.frames):
        if frame in frames:
            continue
        right = int(np.searchsorted(frames, frame))
        a, b = labels[right - 1], labels[right]
        assert frames[right] - frames[right - 1] <= most
        shown = ~np.isnan(a + b).any(axis=1)
        np.testing.assert_array_equal(filled.interpolated[row], shown)
        np.testing.assert_array_equal(filled.present[row], shown)
        here = filled.coordinates[row, shown]
        assert (here >= np.minimum(a, b)[shown] - 1e-9).all()
        assert (here <= np.maximum(a, b)[shown] + 1e-9).all()
    # Nothing near enough was left out.
    inside = [frame for a, b in pairwise(frames) if b - a <= most for frame in range(a, b)]
    assert set(inside) <= set(filled.frames.tolist())


@given(seeds)
def test_filling_moves_with_the_picture_and_its_mirror(seed):
    frames, labels = random_labels(seed)
    filled = fill_between(frames, labels, most=5).coordinates
    moved = fill_between(frames + 7, labels + SHIFT, most=5)
    np.testing.assert_allclose(moved.coordinates, filled + SHIFT, atol=1e-9)
    np.testing.assert_array_equal(
        fill_between(frames, MIRROR * labels, most=5).coordinates, MIRROR * filled
    )


def test_filling_backwards_in_time_gives_the_same():
    frames, labels = random_labels(3)
    filled = fill_between(frames, labels, most=6)
    back = fill_between(-frames[::-1], labels[::-1], most=6)
    np.testing.assert_allclose(back.coordinates[::-1], filled.coordinates, atol=1e-9)
    np.testing.assert_array_equal(back.interpolated[::-1], filled.interpolated)


@pytest.mark.parametrize("count", [0, 1])
def test_nothing_is_between_fewer_than_two_frames(count):
    filled = fill_between(np.arange(count), np.ones((count, 2, 2)), most=4)
    assert filled.frames.size == count
    assert not filled.interpolated.any()


def test_labels_that_cannot_be_filled_are_refused():
    two = np.ones((2, 1, 2))
    with pytest.raises(GeometryError, match="at least 1; got 0"):
        fill_between(np.array([0, 4]), two, most=0)
    with pytest.raises(GeometryError, match="frame 4 comes after frame 4"):
        fill_between(np.array([4, 4]), two, most=4)
    with pytest.raises(GeometryError, match="frame 1 comes after frame 4"):
        fill_between(np.array([4, 1], dtype=np.int16), two, most=4)
    half = two.copy()
    half[1, 0, 1] = np.nan
    with pytest.raises(GeometryError, match=r"frame 1 .* landmark 0.*got \(1.0, nan\)"):
        fill_between(np.array([0, 4]), half, most=4)
    with pytest.raises(GeometryError, match="two finite numbers"):
        fill_between(np.array([0, 4]), two * np.inf, most=4)
    flags = np.zeros((2, 1), dtype=bool)
    with pytest.raises(GeometryError, match="has a position; one is NaN"):
        Filled(np.array([0, 1]), two * np.nan, ~flags)


@pytest.mark.usefixtures("as_in_use")
def test_labels_of_another_shape_are_refused():
    two, flags = np.ones((2, 1, 2)), np.zeros((2, 1), dtype=bool)
    with pytest.raises(GeometryError, match="2 frames, coordinates of shape"):
        fill_between(np.array([0, 1]), np.ones((3, 1, 2)), most=4)
    with pytest.raises(GeometryError, match="2 frames, coordinates of shape"):
        Filled(np.array([0, 1]), np.ones((3, 1, 2)), flags)
    with pytest.raises(GeometryError, match="one flag per frame and landmark"):
        Filled(np.array([0, 1]), two, flags[:1])


def test_filled_labels_cannot_be_changed():
    filled = fill_between(np.array([0, 4]), np.ones((2, 1, 2)), most=4)
    with pytest.raises(ValueError, match="read-only"):
        filled.coordinates[0] = 0.0
    with pytest.raises(ValueError, match="read-only"):
        filled.interpolated[0] = True


# --- tracks ---------------------------------------------------------------------------------


def random_track(seed: int, *, frames: int = 40, covariance: bool = True) -> Track:
    """Three landmarks that wander at a variable rate, with gaps of 1 to 12 frames."""
    rng = np.random.default_rng(seed)
    times = np.cumsum(rng.uniform(0.02, 0.08, frames))
    coordinates = 200.0 + np.cumsum(rng.normal(0.0, 3.0, (frames, 3, 2)), axis=0)
    for landmark in range(3):
        for start in rng.integers(0, frames, size=rng.integers(0, 5)):
            coordinates[start : start + rng.integers(1, 13), landmark] = np.nan
    root = rng.normal(size=(frames, 3, 2, 2))
    spread = root @ np.swapaxes(root, -1, -2) + 0.2 * np.eye(2)
    return Track(("a", "b", "c"), coordinates, times, spread if covariance else None)


def moved(track: Track, matrix: np.ndarray, shift: np.ndarray) -> Track:
    """The same track in a turned, mirrored or shifted picture."""
    coordinates = track.coordinates @ matrix.T + shift
    return Track(track.names, coordinates, track.times_s, matrix @ track.covariance @ matrix.T)


def backwards(track: Track) -> Track:
    """The same track with time running the other way."""
    return Track(track.names, track.coordinates[::-1], -track.times_s[::-1], track.covariance[::-1])


METHODS = {
    "one-euro": OneEuro(),
    "rts": Rts(speed_change_px_s=80.0),
    "rts one sigma": Rts(sigma_px=2.0, longest_gap_s=0.4),
    "lines": StraightLines(),
}
every_method = pytest.mark.parametrize("method", METHODS.values(), ids=METHODS.keys())


def test_a_track_holds_what_it_says():
    track = random_track(1)
    assert track.present.shape == (40, 3)
    np.testing.assert_array_equal(track.present, ~np.isnan(track.coordinates[..., 0]))
    np.testing.assert_array_equal(np.isnan(track.covariance[..., 0, 0]), ~track.present)
    with pytest.raises(ValueError, match="read-only"):
        track.coordinates[0] = 0.0


@pytest.mark.usefixtures("as_in_use")
def test_a_track_of_another_shape_is_refused():
    with pytest.raises(GeometryError, match=r"2 times and 1 names need .* \(2, 1, 2\)"):
        Track(("a",), np.ones((3, 1, 2)), np.array([0.0, 1.0]))
    with pytest.raises(GeometryError, match="one covariance per frame and landmark"):
        Track(("a",), np.ones((1, 1, 2)), np.zeros(1), np.ones((1, 2, 2, 2)))


def test_an_impossible_track_is_refused():
    two = np.ones((2, 1, 2))
    for times, message in (
        ([0.0, 0.0], "frame 1 .* at 0.0 s, after 0.0 s"),
        ([1.0, 0.5], "frame 1 .* at 0.5 s, after 1.0 s"),
        ([0.0, NAN], "frame 1 .* at nan s"),
        ([-np.inf, 0.0], "frame 0 .* at -inf s"),
    ):
        with pytest.raises(GeometryError, match=message):
            Track(("a",), two, np.array(times))
    with pytest.raises(GeometryError, match="'a' is there twice"):
        Track(("a", "a"), np.ones((1, 2, 2)), np.zeros(1))
    with pytest.raises(GeometryError, match="two finite numbers"):
        Track(("a",), np.array([[[1.0, NAN]]]), np.zeros(1))


@pytest.mark.parametrize(
    "spread",
    [
        [[1.0, 0.5], [0.4, 1.0]],
        [[1.0, 2.0], [2.0, 1.0]],
        [[-1.0, 0.0], [0.0, 1.0]],
        [[NAN, 0.0], [0.0, 1.0]],
        [[1.0, 0.0], [0.0, np.inf]],
    ],
    ids=["asymmetric", "indefinite", "negative", "NaN", "infinite"],
)
def test_an_impossible_covariance_is_refused_with_its_landmark(spread):
    with pytest.raises(GeometryError, match=r"frame 0 .* landmark 'nose'"):
        Track(("nose",), np.ones((1, 1, 2)), np.zeros(1), np.array([[spread]]))
    # Where there is no point, nobody asks for its covariance.
    Track(("nose",), np.full((1, 1, 2), NAN), np.zeros(1), np.array([[spread]]))


# --- gaps -----------------------------------------------------------------------------------


def test_absences_and_filling_by_hand():
    """Present at 1, 2, 5, 9 of 11 frames, on an uneven clock."""
    times = np.array([0.0, 1.0, 2.0, 2.5, 4.0, 6.0, 7.0, 8.0, 9.0, 10.5, 11.0])
    there = np.zeros((11, 1), dtype=bool)
    there[[1, 2, 5, 9]] = True
    assert absences(there, times) == (
        Absence(0, 0, 1, None),
        Absence(0, 3, 5, 4.0),
        Absence(0, 6, 9, 4.5),
        Absence(0, 10, 11, None),
    )
    path = np.full((11, 1, 2), NAN)
    path[[1, 2, 5, 9], 0] = [[7.0, 7.0], [0.0, 8.0], [8.0, 4.0], [1.0, 1.0]]
    whole, filled = fill_gaps(path, times, longest_s=4.0)
    np.testing.assert_array_equal(np.flatnonzero(filled), [3, 4])
    np.testing.assert_allclose(whole[3:5, 0], [[1.0, 7.5], [4.0, 6.0]])
    np.testing.assert_array_equal(whole[~filled], path[~filled])


def test_a_gap_of_exactly_the_limit_is_filled_whatever_the_rounding():
    times = 0.04 * np.arange(6) + 100.1  # the ends are 0.2000000000000028 apart
    path = np.full((6, 1, 2), NAN)
    path[[0, 5]] = 1.0
    assert fill_gaps(path, times, longest_s=0.2)[1].sum() == 4
    assert fill_gaps(path, times, longest_s=0.199)[1].sum() == 0
    assert fill_gaps(path, times, longest_s=0.0)[1].sum() == 0
    with pytest.raises(ConfigError, match="longest_gap_s is a time in seconds, 0 or more; got -1"):
        fill_gaps(path, times, longest_s=-1.0)


@given(seeds, st.floats(0.0, 1.0))
def test_absences_say_which_gaps_are_filled(seed, longest):
    track = random_track(seed)
    _, filled = fill_gaps(track.coordinates, track.times_s, longest_s=longest)
    wanted, absent = np.zeros_like(filled), np.zeros_like(filled)
    for gap in absences(track.present, track.times_s):
        absent[gap.start : gap.stop, gap.landmark] = True
        short = gap.length_s is not None and gap.length_s <= longest
        wanted[gap.start : gap.stop, gap.landmark] = short
    np.testing.assert_array_equal(absent, ~track.present)
    np.testing.assert_array_equal(filled, wanted)


# --- laws of every method -------------------------------------------------------------------


@every_method
@few
@given(seeds)
def test_no_point_is_lost_and_none_is_made_up_unflagged(method, seed):
    track = random_track(seed)
    smoothed = smooth(track, method)
    np.testing.assert_array_equal(present(smoothed.coordinates), track.present | smoothed.filled)
    assert not (smoothed.filled & track.present).any()
    assert smoothed.raw is track
    in_time = {
        (gap.landmark, frame)
        for gap in absences(track.present, track.times_s)
        if gap.length_s is not None and gap.length_s <= method.longest_gap_s
        for frame in range(gap.start, gap.stop)
    }
    assert {(k, t) for t, k in np.argwhere(smoothed.filled).tolist()} == in_time


@every_method
@few
@given(seeds)
def test_a_constant_stays_constant(method, seed):
    track = random_track(seed)
    still = np.where(track.present[..., None], np.array([3.25, -7.5]), NAN)
    smoothed = smooth(Track(track.names, still, track.times_s, track.covariance), method)
    there = present(smoothed.coordinates)
    np.testing.assert_allclose(
        smoothed.coordinates[there], np.tile([3.25, -7.5], (there.sum(), 1)), rtol=0, atol=1e-9
    )
    assert not smoothed.outliers.any()


@every_method
@few
@given(seeds)
def test_the_course_moves_with_the_picture_and_its_mirror(method, seed):
    track = random_track(seed)
    smoothed = smooth(track, method)
    for matrix, shift in ((np.eye(2), SHIFT), (np.diag(MIRROR), np.array([639.0, 0.0]))):
        other = smooth(moved(track, matrix, shift), method)
        expected = smoothed.coordinates @ matrix.T + shift
        np.testing.assert_allclose(other.coordinates, expected, rtol=0, atol=1e-8)
        np.testing.assert_array_equal(other.filled, smoothed.filled)
        np.testing.assert_array_equal(other.outliers, smoothed.outliers)
        if smoothed.covariance is not None:
            spread = matrix @ smoothed.covariance @ matrix.T
            np.testing.assert_allclose(other.covariance, spread, rtol=0, atol=1e-9)


@every_method
def test_landmarks_do_not_touch_each_other(method):
    track = random_track(8)
    other = track.coordinates.copy()
    other[:, 1:] = np.nan
    alone = smooth(Track(track.names, other, track.times_s, track.covariance), method)
    together = smooth(track, method)
    np.testing.assert_allclose(alone.coordinates[:, 0], together.coordinates[:, 0], atol=1e-9)
    np.testing.assert_array_equal(alone.outliers[:, 0], together.outliers[:, 0])


@every_method
@pytest.mark.parametrize("frames", [0, 1, 2])
def test_the_shortest_clips(method, frames):
    track = Track(
        ("a",),
        np.full((frames, 1, 2), 4.0),
        0.04 * np.arange(frames),
        np.tile(np.eye(2), (frames, 1, 1, 1)),
    )
    smoothed = smooth(track, method)
    np.testing.assert_allclose(smoothed.coordinates, track.coordinates, atol=1e-12)
    jumps = Hampel(speed_limit_px_s=1.0)
    assert not smooth(track, method, jumps=jumps).outliers.any()
    nobody = Track(("a",), np.full((frames, 1, 2), NAN), track.times_s, track.covariance)
    assert not present(smooth(nobody, method, jumps=jumps).coordinates).any()


# --- One-Euro -------------------------------------------------------------------------------


def one_euro_by_the_paper(values, times, settings: OneEuro) -> list[float]:
    """Algorithm 1 of the paper, one number after the other."""

    def alpha(cutoff, step):
        tau = 1.0 / (2.0 * np.pi * cutoff)
        return 1.0 / (1.0 + tau / step)

    answers: list[float] = []
    slope = 0.0
    for i, value in enumerate(values):
        if i == 0:
            answers.append(value)
            continue
        step = times[i] - times[i - 1]
        a = alpha(settings.d_cutoff_hz, step)
        slope = a * (value - answers[-1]) / step + (1.0 - a) * slope
        a = alpha(settings.min_cutoff_hz + settings.beta * abs(slope), step)
        answers.append(a * value + (1.0 - a) * answers[-1])
    return answers


@given(seeds)
def test_one_euro_is_the_papers_algorithm_anew_after_each_gap(seed):
    track, settings = random_track(seed), OneEuro(min_cutoff_hz=0.7, beta=0.05, d_cutoff_hz=1.3)
    course = one_euro(track.coordinates, track.times_s, settings)
    np.testing.assert_array_equal(present(course), track.present)
    for landmark in range(3):
        seen = np.flatnonzero(track.present[:, landmark])
        for run in np.split(seen, np.flatnonzero(np.diff(seen) > 1) + 1):
            for axis in (0, 1):
                path = track.coordinates[run, landmark, axis]
                expected = one_euro_by_the_paper(path, track.times_s[run], settings)
                np.testing.assert_allclose(course[run, landmark, axis], expected, atol=1e-9)


@few
@given(seeds, st.integers(1, 39))
def test_one_euro_does_not_know_the_future(seed, now):
    track, settings = random_track(seed), OneEuro(longest_gap_s=0.0)
    course = smooth(track, settings).coordinates
    cut = Track(track.names, track.coordinates[:now], track.times_s[:now])
    np.testing.assert_array_equal(smooth(cut, settings).coordinates, course[:now])


def test_one_euro_lags_less_in_motion_when_beta_is_higher():
    times = 0.04 * np.arange(100)
    path = np.stack([200.0 * times, np.zeros(100)], axis=1)[:, None]
    lags = [
        np.abs(path - one_euro(path, times, OneEuro(beta=beta)))[-1, 0, 0]
        for beta in (0.0, 0.02, 0.2)
    ]
    # A filter of first order lags by speed / (2 pi cut-off): here 200 / 2 pi / 1 Hz.
    assert lags[0] == pytest.approx(200.0 / (2.0 * np.pi), rel=1e-3)
    assert lags[0] > 2.0 * lags[1] > 4.0 * lags[2]


# --- Rauch-Tung-Striebel ---------------------------------------------------------------------


def posterior(path, times, noise, settings: Rts) -> tuple[np.ndarray, np.ndarray]:
    """The same model as one dense system of normal equations: no filter, no prior."""
    count, q = len(path), settings.speed_change_px_s**2
    precision, pull = np.zeros((4 * count, 4 * count)), np.zeros(4 * count)
    for t in range(count):
        here = slice(4 * t, 4 * t + 2)
        if not np.isnan(path[t]).any():
            precision[here, here] += np.linalg.inv(noise[t])
            pull[here] += np.linalg.solve(noise[t], path[t])
        if t + 1 < count:
            d = times[t + 1] - times[t]
            wander = q * np.kron([[d**3 / 3, d**2 / 2], [d**2 / 2, d]], np.eye(2))
            step = np.hstack([-np.kron([[1.0, d], [0.0, 1.0]], np.eye(2)), np.eye(4)])
            both = slice(4 * t, 4 * t + 8)
            precision[both, both] += step.T @ np.linalg.inv(wander) @ step
    spread = np.linalg.inv(precision)
    mean = (spread @ pull).reshape(count, 4)[:, :2]
    return mean, np.stack([spread[4 * t : 4 * t + 2, 4 * t : 4 * t + 2] for t in range(count)])


@few
@given(seeds)
def test_rts_is_the_posterior_of_its_model(seed):
    track, method = random_track(seed, frames=30), Rts(speed_change_px_s=70.0, longest_gap_s=0.4)
    course, spread = rts(track.coordinates, track.times_s, track.covariance, method)
    there = present(course)
    for landmark in range(3):
        inside = np.flatnonzero(there[:, landmark])
        for run in np.split(inside, np.flatnonzero(np.diff(inside) > 1) + 1):
            path, noise = track.coordinates[run, landmark], track.covariance[run, landmark]
            if track.present[run, landmark].sum() < 2:
                np.testing.assert_array_equal(course[run, landmark], path)
                np.testing.assert_array_equal(spread[run, landmark], noise)
                continue
            mean, cov = posterior(path, track.times_s[run], noise, method)
            np.testing.assert_allclose(course[run, landmark], mean, rtol=0, atol=1e-8)
            np.testing.assert_allclose(spread[run, landmark], cov, rtol=0, atol=1e-8)


@few
@given(seeds, st.sampled_from([0.01, 1.0, 100.0, 1e4]))
def test_a_uniform_motion_passes_rts_unchanged(seed, speed_change):
    track = random_track(seed)
    speed = np.array([[120.0, -35.0], [0.0, 400.0], [-7.0, 2.0]])
    line = 50.0 + track.times_s[:, None, None] * speed
    seen = np.where(track.present[..., None], line, NAN)
    method = Rts(speed_change, longest_gap_s=0.4)
    course, _ = rts(seen, track.times_s, track.covariance, method)
    there = present(course)
    np.testing.assert_allclose(course[there], line[there], rtol=0, atol=1e-7)


@few
@given(seeds)
def test_rts_does_not_know_which_way_time_runs(seed):
    track, method = random_track(seed), Rts(longest_gap_s=0.4)
    smoothed, back = smooth(track, method), smooth(backwards(track), method)
    np.testing.assert_allclose(back.coordinates[::-1], smoothed.coordinates, rtol=0, atol=1e-8)
    np.testing.assert_allclose(back.covariance[::-1], smoothed.covariance, rtol=0, atol=1e-8)
    np.testing.assert_array_equal(back.filled[::-1], smoothed.filled)
    np.testing.assert_array_equal(back.outliers[::-1], smoothed.outliers)


@few
@given(seeds, st.floats(0.0, 6.0))
def test_rts_turns_with_the_picture(seed, angle):
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    track = random_track(seed)
    other = moved(track, turn, SHIFT)
    course, spread = rts(track.coordinates, track.times_s, track.covariance, Rts())
    turned, turned_spread = rts(other.coordinates, other.times_s, other.covariance, Rts())
    np.testing.assert_allclose(turned, course @ turn.T + SHIFT, rtol=0, atol=1e-8)
    np.testing.assert_allclose(turned_spread, turn @ spread @ turn.T, rtol=0, atol=1e-8)


def test_rts_trusts_a_sure_point_more_than_an_unsure_one():
    path, spread = np.zeros((9, 1, 2)), np.tile(np.eye(2), (9, 1, 1, 1))
    path[4, 0] = [6.0, 6.0]
    for sigma, least, most in ((0.01, 5.99, 6.0), (1.0, 0.5, 4.0), (100.0, 0.0, 0.01)):
        spread[4, 0] = sigma**2 * np.eye(2)
        course, _ = rts(path, 0.04 * np.arange(9), spread, Rts())
        assert least <= course[4, 0, 0] <= most
    # Unsure along x only: y is followed, x is not.
    spread[4, 0] = np.diag([1e4, 1e-4])
    course, _ = rts(path, 0.04 * np.arange(9), spread, Rts())
    assert course[4, 0, 0] < 0.01
    assert course[4, 0, 1] > 5.9


def test_rts_passes_through_exact_points():
    track = random_track(5)
    exact = Track(track.names, track.coordinates, track.times_s, np.zeros((40, 3, 2, 2)))
    smoothed = smooth(exact, Rts())
    found = exact.present
    np.testing.assert_allclose(smoothed.coordinates[found], exact.coordinates[found], atol=1e-9)
    assert (smoothed.covariance[smoothed.filled][:, 0, 0] > 0.0).all()
    straight = smooth(exact, StraightLines()).coordinates
    bent = np.linalg.norm((smoothed.coordinates - straight)[smoothed.filled], axis=-1)
    assert bent.max() > 0.5  # a cubic through the speeds at both ends


def test_rts_is_as_sure_as_it_says_when_its_model_holds():
    """200 motions drawn from the model: squared distance in standard deviations is 2 on average."""
    rng, q, frames, landmarks = np.random.default_rng(4), 100.0**2, 40, 200
    times = np.cumsum(rng.uniform(0.02, 0.06, frames))
    state, truth = rng.normal(0.0, 100.0, (landmarks, 2, 2)), []  # (position, velocity), axis
    for step in np.diff(times, prepend=times[0] - 0.04):
        wander = q * np.array([[step**3 / 3, step**2 / 2], [step**2 / 2, step]])
        push = np.einsum("pq,kqa->kpa", np.linalg.cholesky(wander), rng.normal(size=state.shape))
        state = np.array([[1.0, step], [0.0, 1.0]]) @ state + push
        truth.append(state[:, 0])
    truth = np.array(truth)
    seen = truth + rng.normal(0.0, 2.0, truth.shape)
    seen[10:13] = np.nan
    course, spread = rts(seen, times, None, Rts(sigma_px=2.0))
    off = course - truth
    squared = np.einsum("tka,tkab,tkb->tk", off, np.linalg.inv(spread), off)
    assert squared.mean(axis=1) == pytest.approx(2.0, abs=0.5)
    assert squared.mean() == pytest.approx(2.0, abs=0.08)
    assert squared[10:13].mean() == pytest.approx(2.0, abs=0.3)


def test_noise_on_a_sinusoid_falls_to_what_theory_says():
    """20 px at 0.5 Hz, 25 frames a second, errors of 2 px.

    The smoother is a low-pass filter 1 / (1 + (w / c)^4) with c^4 = q / (sigma^2 step); the share
    of white noise that passes is the integral of its square, 3 c step / (8 sqrt 2).
    """
    rng, step, sigma = np.random.default_rng(0), 0.04, 2.0
    times = step * np.arange(1500)
    wave = 20.0 * np.sin(np.pi * times)
    truth = np.stack([wave, 0.3 * wave], axis=1)[:, None]
    seen = truth + rng.normal(0.0, sigma, truth.shape)
    course, _ = rts(seen, times, None, Rts(speed_change_px_s=100.0, sigma_px=sigma))
    cutoff = (100.0**2 / (sigma**2 * step)) ** 0.25
    passed = np.sqrt(3.0 * cutoff * step / (8.0 * np.sqrt(2.0)))
    assert passed == pytest.approx(0.41, abs=0.005)
    assert (course - truth).std() / sigma == pytest.approx(passed, rel=0.05)
    # One-Euro at rest is a first-order filter: a / (2 - a) of the variance passes.
    still = rng.normal(0.0, sigma, truth.shape)
    weight = 1.0 / (1.0 + 1.0 / (2.0 * np.pi * step))
    jitter = one_euro(still, times, OneEuro(beta=0.0))[50:].std() / sigma
    assert jitter == pytest.approx(np.sqrt(weight / (2.0 - weight)), rel=0.05)
    # On the sinusoid it lags, and still is nearer to the truth than what was measured.
    filtered = one_euro(seen, times, OneEuro(min_cutoff_hz=2.0, beta=0.05))
    assert (filtered - truth).std() < 0.9 * sigma


def test_rts_needs_to_know_how_sure_a_point_is():
    track = random_track(2, covariance=False)
    with pytest.raises(ConfigError, match="give sigma_px"):
        smooth(track, Rts())
    spread = np.tile(np.eye(2), (40, 3, 1, 1))
    frame, landmark = np.argwhere(track.present)[7]
    spread[frame, landmark] = np.nan
    with pytest.raises(GeometryError, match=f"frame {frame} .* landmark {landmark}: the point has"):
        rts(track.coordinates, track.times_s, spread, Rts())


# --- outliers -------------------------------------------------------------------------------


def swinging_arm(kind: str, frames: int = 2000) -> tuple[np.ndarray, np.ndarray]:
    """One landmark at 25 frames a second with errors of 1 px: path (frame, 1, 2) and times."""
    times = 0.04 * np.arange(frames)
    path = np.zeros((frames, 2))
    if kind == "sway":
        path[:, 0] = 40.0 * np.sin(2.0 * np.pi * 1.5 * times)
        path[:, 1] = 20.0 * np.sin(2.0 * np.pi * 1.1 * times)
    if kind == "reach":  # 100 px there and back within 0.6 s
        phase = (times % 2.3) / 0.6
        path[:, 0] = np.where(phase < 1.0, 50.0 * (1.0 - np.cos(2.0 * np.pi * phase)), 0.0)
    noise = np.random.default_rng(6).normal(size=path.shape)
    return (path + noise)[:, None], times


@pytest.mark.parametrize("kind", ["rest", "sway", "reach"])
def test_a_moving_arm_is_no_outlier_and_a_jump_of_it_is(kind):
    path, times = swinging_arm(kind)
    assert outliers(path, times, Hampel()).mean() < 0.001
    wrong = np.arange(40, 1960, 30)
    angles = np.linspace(0.0, 40.0, len(wrong))
    path[wrong, 0] += 15.0 * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    flags = outliers(path, times, Hampel())[:, 0]
    assert flags[wrong].mean() > 0.97
    flags[wrong] = False
    assert flags.mean() < 0.005


@pytest.mark.parametrize(("count", "found"), [(1, 1.0), (2, 1.0), (3, 0.9)])
def test_wrong_points_in_a_row_are_found_and_their_neighbours_spared(count, found):
    path, times = swinging_arm("rest", frames=1000)
    wrong = np.arange(20, 980, 30)[:, None] + np.arange(count)
    path[wrong] += 60.0
    flags = outliers(path, times, Hampel())[:, 0]
    assert flags[wrong].mean() >= found
    flags[wrong] = False
    assert flags.mean() < 0.005


def test_a_flag_takes_nothing_away():
    path, times = swinging_arm("sway", frames=60)
    path[30] += 40.0
    smoothed = smooth(Track(("wrist",), path, times), OneEuro())
    assert np.argwhere(smoothed.outliers).tolist() == [[30, 0]]
    np.testing.assert_array_equal(smoothed.raw.coordinates, path)
    assert not np.isnan(smoothed.coordinates).any()
    assert smoothed.sentence.endswith("0 gaps filled, 1 outlier flagged")


@pytest.mark.parametrize("step_s", [0.01, 0.04, 0.1])
def test_still_points_jump_by_more_than_the_floor(step_s):
    path = np.zeros((40, 1, 2))
    path[20, 0, 0] = 0.9
    times = step_s * np.arange(40)
    assert not outliers(path, times, Hampel()).any()
    assert np.flatnonzero(outliers(path, times, Hampel(floor_px=0.5))).tolist() == [20]


def test_points_beside_a_gap_are_not_judged_by_far_ones():
    path, times = np.zeros((20, 1, 2)), 0.04 * np.arange(20)
    path[9] = 50.0
    assert np.flatnonzero(outliers(path, times, Hampel())).tolist() == [9]
    times[10:] += 1.0  # four frames on either side, but one side is far
    assert not outliers(path, times, Hampel()).any()
    assert not outliers(path[::-1], -times[::-1], Hampel()).any()
    # Absent frames within reach do not matter.
    path[[7, 11]] = np.nan
    times[10:] -= 1.0
    assert np.flatnonzero(outliers(path, times, Hampel())).tolist() == [9]


def test_speed_names_the_spike_or_both_ends_of_the_step():
    times = np.array([0.0, 0.1, 0.2, 0.4, 0.5])
    fast = Hampel(speed_limit_px_s=100.0)

    def flagged(*xs: float) -> list[int]:
        path = np.stack([np.array(xs), np.zeros(len(xs))], axis=1)[:, None]
        return np.flatnonzero(outliers(path, times[: len(xs)], fast)).tolist()

    assert flagged(0.0, 10.0, 20.0, 40.0, 50.0) == []  # exactly the limit
    assert flagged(0.0, 0.0, 30.0, 0.0, 0.0) == [2]
    assert flagged(0.0, 0.0, 30.0, 30.0, 30.0) == [1, 2]
    assert flagged(30.0, 0.0, 0.0, 0.0, 0.0) == [0, 1]


def test_speed_over_an_absent_frame_is_that_of_the_whole_time():
    path, times = np.zeros((4, 1, 2)), np.array([0.0, 0.1, 0.2, 0.4])
    path[:, 0, 0] = [0.0, 0.0, NAN, 30.0]
    path[2] = NAN
    for limit, flagged in ((99.0, [1, 3]), (101.0, [])):
        flags = outliers(path, times, Hampel(speed_limit_px_s=limit))
        assert np.flatnonzero(flags).tolist() == flagged


@few
@given(seeds, st.floats(0.05, 1.0))
def test_a_running_median_is_the_median_of_what_is_around(seed, window):
    track = random_track(seed)
    columns = track.coordinates.reshape(40, -1)
    answer = rolling_median(columns, track.times_s, window)
    for t, now in enumerate(track.times_s):
        around = columns[np.abs(track.times_s - now) <= window / 2.0]
        for column in range(6):
            known = around[:, column][~np.isnan(around[:, column])]
            expected = np.median(known) if known.size else NAN
            np.testing.assert_allclose(answer[t, column], expected)


def test_a_running_median_in_pieces_is_the_same(monkeypatch):
    track = random_track(1)
    columns = track.coordinates.reshape(40, -1)
    whole = rolling_median(columns, track.times_s, 0.5)
    monkeypatch.setattr(rolling, "_AT_ONCE", 7 * 6 * 12)
    np.testing.assert_array_equal(rolling_median(columns, track.times_s, 0.5), whole)


# --- what is reported -----------------------------------------------------------------------


def test_the_sentence_says_how_and_how_much():
    path, times = np.zeros((40, 2, 2)), 0.04 * np.arange(40)
    path[[4, 5, 20], 0] = NAN
    path[9, 1] = NAN
    path[[14, 30], 1] = 60.0
    track = Track(("a", "b"), path, times, np.tile(4.0 * np.eye(2), (40, 2, 1, 1)))
    counts = "3 gaps filled, 2 outliers flagged"
    for method, words in (
        (OneEuro(), "One-Euro, min_cutoff 1 Hz, beta 0.02"),
        (OneEuro(d_cutoff_hz=2.0), "One-Euro, min_cutoff 1 Hz, beta 0.02, d_cutoff 2 Hz"),
        (Rts(), "Kalman RTS, speed change 100 px/s in 1 s, sigma of each point"),
        (Rts(50.0, 1.5), "Kalman RTS, speed change 50 px/s in 1 s, sigma 1.5 px"),
        (StraightLines(), "Not smoothed"),
    ):
        assert smooth(track, method).sentence == f"{words}; {counts}"


def test_straight_lines_smooth_nothing():
    track = random_track(3)
    lines = smooth(track, StraightLines())
    np.testing.assert_array_equal(
        lines.coordinates[track.present], track.coordinates[track.present]
    )
    assert lines.covariance is None


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda: OneEuro(min_cutoff_hz=0.0), "min_cutoff_hz"),
        (lambda: OneEuro(d_cutoff_hz=NAN), "d_cutoff_hz"),
        (lambda: OneEuro(beta=-0.1), "beta"),
        (lambda: OneEuro(longest_gap_s=-1.0), "longest_gap_s"),
        (lambda: Rts(speed_change_px_s=0.0), "speed_change_px_s"),
        (lambda: Rts(sigma_px=0.0), "sigma_px"),
        (lambda: Rts(longest_gap_s=np.inf), "longest_gap_s"),
        (lambda: StraightLines(longest_gap_s=NAN), "longest_gap_s"),
        (lambda: Hampel(window_s=0.0), "window_s"),
        (lambda: Hampel(limit=-1.0), "limit"),
        (lambda: Hampel(floor_px=-1.0), "floor_px"),
        (lambda: Hampel(speed_limit_px_s=0.0), "speed_limit_px_s"),
    ],
)
def test_impossible_settings_are_refused_by_name(make, name):
    with pytest.raises(ConfigError, match=f"{name} is a .*; got"):
        make()


def test_a_smoothed_track_that_lost_or_invented_points_is_refused():
    track = Track(("a",), np.array([[[1.0, 1.0]], [[NAN, NAN]]]), np.array([0.0, 1.0]))
    no, second = np.zeros((2, 1), dtype=bool), np.array([[False], [True]])
    with pytest.raises(GeometryError, match="nowhere else"):
        Smoothed(track, np.full((2, 1, 2), NAN), None, no, no, OneEuro())
    with pytest.raises(GeometryError, match="nowhere else"):
        Smoothed(track, np.ones((2, 1, 2)), None, no, no, OneEuro())
    with pytest.raises(GeometryError, match="only an absent point can be filled"):
        Smoothed(track, np.ones((2, 1, 2)), None, ~no, no, OneEuro())
    with pytest.raises(GeometryError, match="only a found one can jump"):
        Smoothed(track, np.ones((2, 1, 2)), None, second, second, OneEuro())


@pytest.mark.usefixtures("as_in_use")
def test_a_smoothed_track_of_another_shape_is_refused():
    track, no = Track(("a",), np.ones((2, 1, 2)), np.array([0.0, 1.0])), np.zeros((2, 1), bool)
    with pytest.raises(GeometryError, match=r"the track is \(2, 1\) frames and landmarks"):
        Smoothed(track, np.ones((3, 1, 2)), None, no, no, OneEuro())
