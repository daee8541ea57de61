"""Laws of the vote accumulator: nothing is lost inside, all is lost outside, peaks are exact."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from palpate.errors import ConfigError, GeometryError
from palpate.vote import accumulate, peak

SIZE = (23, 17)


def cast_one_by_one(positions, weights, size):
    """The same with np.add.at, a corner at a time, into a map that is much too large."""
    margin = 60
    large = np.zeros((size[1] + 2 * margin, size[0] + 2 * margin))
    whole = np.floor(positions).astype(int)
    rest = positions - whole
    for right in (0, 1):
        for down in (0, 1):
            share = np.abs(1 - right - rest[:, 0]) * np.abs(1 - down - rest[:, 1]) * weights
            np.add.at(large, (whole[:, 1] + down + margin, whole[:, 0] + right + margin), share)
    return large[margin : margin + size[1], margin : margin + size[0]]


def sixteenths(rng, count):
    """Positions in and around the map whose shares are exact in binary."""
    return rng.integers(-20 * 16, 50 * 16, (count, 2)) / 16


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_map_is_exactly_that_of_a_plain_loop(dtype):
    rng = np.random.default_rng(0)
    positions, weights = sixteenths(rng, 5000), rng.integers(0, 9, 5000).astype(float)
    wanted = cast_one_by_one(positions, weights, SIZE)
    got = accumulate(positions.astype(dtype), weights.astype(dtype), size=SIZE)
    np.testing.assert_array_equal(got, wanted)
    assert got.shape == (17, 23)


def test_any_numbers_give_the_map_of_a_plain_loop_within_rounding():
    rng = np.random.default_rng(1)
    positions, weights = rng.uniform(-20, 50, (5000, 2)), rng.uniform(0, 3, 5000)
    wanted = cast_one_by_one(positions, weights, SIZE)
    np.testing.assert_allclose(accumulate(positions, weights, size=SIZE), wanted, atol=1e-12)


def test_votes_without_weights_count_one_each():
    positions = sixteenths(np.random.default_rng(2), 700)
    ones = accumulate(positions, np.ones(700), size=SIZE)
    np.testing.assert_array_equal(accumulate(positions, size=SIZE), ones)


def test_a_vote_inside_is_cast_whole_and_keeps_its_place():
    positions = np.random.default_rng(3).uniform([0, 0], [22, 16], (200, 2))
    x, y = np.arange(23), np.arange(17)
    for position in positions:
        votes = accumulate(position[None], size=SIZE)
        assert votes.sum() == pytest.approx(1)
        centre = [votes.sum(axis=0) @ x, votes.sum(axis=1) @ y]
        np.testing.assert_allclose(centre, position, atol=1e-12)
        assert np.count_nonzero(votes) <= 4


@pytest.mark.parametrize(
    ("position", "inside"),
    [
        ((-1.0, 3.0), 0.0),
        ((-0.75, 3.0), 0.25),
        ((22.0, 16.0), 1.0),
        ((22.25, 16.5), 0.375),
        ((23.0, 3.0), 0.0),
        ((3.0, 17.0), 0.0),
        ((1e300, -1e300), 0.0),
        ((np.inf, 3.0), 0.0),
        ((np.nan, 3.0), 0.0),
        ((3.0, np.nan), 0.0),
    ],
)
def test_what_falls_outside_is_dropped(position, inside):
    assert accumulate(np.array([position]), size=SIZE).sum() == inside
    assert accumulate(np.array([position]), np.array([1.0]), size=SIZE).sum() == inside


def test_no_votes_are_an_empty_map():
    assert not accumulate(np.empty((0, 2)), size=SIZE).any()


def test_the_order_of_votes_does_not_matter():
    rng = np.random.default_rng(4)
    positions, weights = sixteenths(rng, 300), rng.integers(0, 9, 300).astype(float)
    order = rng.permutation(300)
    one = accumulate(positions, weights, size=SIZE)
    np.testing.assert_array_equal(accumulate(positions[order], weights[order], size=SIZE), one)


@pytest.mark.parametrize("weight", [np.nan, np.inf])
def test_a_weight_that_is_no_number_is_refused(weight):
    with pytest.raises(GeometryError, match="not finite"):
        accumulate(np.array([[3.0, 3.0]]), np.array([weight]), size=SIZE)


def test_a_map_without_pixels_is_refused():
    with pytest.raises(GeometryError, match="got 0 x 5"):
        accumulate(np.zeros((1, 2)), size=(0, 5))


# --- peaks


@given(st.floats(6, 34), st.floats(6, 24), st.sampled_from([1.0, 2.0, 4.0]))
def test_one_vote_is_found_between_the_pixels(x, y, smooth_px):
    votes = accumulate(np.array([[x, y]]), size=(41, 31))
    found = peak(votes, smooth_px=smooth_px)
    # Two pixels share a vote, and the peak of two bells is not quite their centre.
    np.testing.assert_allclose(found.position, [x, y], atol=0.05 / smooth_px**2)
    assert found.total == pytest.approx(1)


@pytest.mark.parametrize("corner", [(0.0, 0.0), (22.0, 16.0), (0.0, 16.0), (22.0, 7.25)])
@pytest.mark.parametrize("smooth_px", [0.0, 2.0, 4.0])
def test_a_border_does_not_pull(corner, smooth_px):
    votes = accumulate(np.array([corner]), size=SIZE)
    np.testing.assert_allclose(peak(votes, smooth_px=smooth_px).position, corner, atol=0.0125)


@given(st.floats(3, 19), st.floats(3, 13))
def test_without_smoothing_one_vote_is_found_exactly(x, y):
    votes = accumulate(np.array([[x, y]]), size=SIZE)
    np.testing.assert_allclose(peak(votes, smooth_px=0.0).position, [x, y], atol=1e-9)


def test_a_tilted_gaussian_is_found_exactly():
    """The quadratic has its mixed term: two parabolas, one an axis, are off by 0.2 px here."""
    y, x = np.mgrid[:41, :41].astype(float)
    dx, dy = x - 20.3, y - 19.6
    votes = np.exp(-0.5 * (dx * dx + dy * dy - 1.6 * dx * dy) / 9.0)
    np.testing.assert_allclose(peak(votes, smooth_px=0.0).position, [20.3, 19.6], atol=1e-6)


def test_the_covariance_is_that_of_the_votes():
    rng = np.random.default_rng(5)
    wanted = np.array([[4.0, 1.5], [1.5, 2.0]])
    positions = rng.multivariate_normal([50, 40], wanted, 200_000)
    found = peak(accumulate(positions, size=(101, 81)), smooth_px=4.0)
    # 1/6 px^2 of the bilinear spreading, 1/12 px^2 of the pixel
    np.testing.assert_allclose(found.covariance, wanted + np.eye(2) / 4, atol=0.06)
    np.testing.assert_allclose(found.position, [50, 40], atol=0.05)


def test_the_larger_of_two_camps_wins_and_the_other_does_not_widen_it():
    camps = np.repeat([[10.0, 10.0], [60.0, 40.0]], [40, 60], axis=0)
    found = peak(accumulate(camps, size=(80, 60)), smooth_px=4.0)
    np.testing.assert_allclose(found.position, [60, 40], atol=1e-6)
    np.testing.assert_allclose(found.covariance, np.eye(2) / 12, atol=1e-6)
    assert found.total == pytest.approx(100)


def test_the_height_is_the_share_of_a_gaussian():
    votes = accumulate(np.array([[20.0, 20.0]] * 7), size=(41, 41))
    assert peak(votes, smooth_px=4.0).height == pytest.approx(7 / (2 * np.pi * 16), rel=1e-6)


def test_a_shifted_map_has_a_shifted_peak():
    rng = np.random.default_rng(6)
    positions = rng.normal([30, 25], 3.0, (500, 2))
    shift = np.array([7.0, 4.0])
    one = peak(accumulate(positions, size=(80, 70)), smooth_px=2.0)
    two = peak(accumulate(positions + shift, size=(80, 70)), smooth_px=2.0)
    np.testing.assert_allclose(two.position, one.position + shift, atol=1e-9)
    np.testing.assert_allclose(two.covariance, one.covariance, atol=1e-9)


def test_a_mirrored_map_has_a_mirrored_peak():
    votes = accumulate(np.random.default_rng(7).normal([30, 25], 3.0, (500, 2)), size=(80, 70))
    one, two = (peak(m, smooth_px=2.0) for m in (votes, votes[:, ::-1]))
    np.testing.assert_allclose(two.position, [79 - one.position[0], one.position[1]], atol=1e-9)
    assert two.covariance[0, 1] == pytest.approx(-one.covariance[0, 1])


def test_a_map_without_votes_says_that_it_knows_nothing():
    found = peak(np.zeros((31, 41)), smooth_px=4.0)
    np.testing.assert_array_equal(found.position, [20, 15])
    np.testing.assert_allclose(found.covariance, np.diag([41**2 / 12, 31**2 / 12]))
    assert (found.height, found.total) == (0, 0)


@given(st.integers(1, 4), st.integers(1, 4), st.floats(0, 5))
def test_a_tiny_map_has_a_peak(width, height, smooth_px):
    votes = np.random.default_rng([width, height]).uniform(size=(height, width))
    found = peak(votes, smooth_px=smooth_px)
    assert (np.abs(found.position - (np.array([width, height]) - 1) / 2) < 3).all()
    assert np.linalg.eigvalsh(found.covariance).min() > 0


@pytest.mark.parametrize("smooth_px", [-1.0, np.nan, np.inf])
def test_a_width_of_smoothing_that_is_none_is_refused(smooth_px):
    with pytest.raises(ConfigError, match="0 px or more"):
        peak(np.ones((3, 3)), smooth_px=smooth_px)


@pytest.mark.parametrize("value", [-1.0, np.nan, np.inf])
def test_a_map_that_is_not_one_of_votes_is_refused(value):
    votes = np.ones((5, 5))
    votes[2, 2] = value
    with pytest.raises(GeometryError, match="finite and nowhere negative"):
        peak(votes, smooth_px=1.0)
