"""Labels between frames, smoothing, gaps and jumps: laws, and examples worked by hand."""

from collections.abc import Iterator
from itertools import pairwise

import jaxtyping
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from palpate.errors import GeometryError
from palpate.sequences.interpolate import Filled, fill_between

settings.register_profile("sequences", deadline=None, derandomize=True, max_examples=40)
settings.load_profile("sequences")

NAN = float("nan")
seeds = st.integers(0, 10_000)
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
