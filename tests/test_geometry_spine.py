"""The AASCE rule for three Cobb angles, on drawn spines."""

import numpy as np
import pytest

from palpate.errors import GeometryError
from palpate.geometry.propagation import propagate, sampled
from palpate.geometry.spine import cobb_pairs, is_s_shaped, midline_angle

HEIGHT = 900.0


def spine(tilts, sway, top: float = 20.0) -> np.ndarray:
    """Seventeen bodies 24 wide and 10 high, 40 apart; tilt in degrees, right side down."""
    rows = []
    for k in range(17):
        centre = np.array([100.0 + sway[k], top + 40.0 * k])
        angle = np.radians(tilts.get(k, 0.0))
        along = 12.0 * np.array([np.cos(angle), np.sin(angle)])
        down = np.array([0.0, 5.0])
        rows.append([centre - along - down, centre + along - down])
        rows[-1] += [centre - along + down, centre + along + down]
    return np.array(rows)


C_SWAY = np.sin(np.linspace(0.0, np.pi, 17)) * 20.0
S_SWAY = np.sin(np.linspace(0.0, 2.0 * np.pi, 17)) * 20.0
TILTS = {2: -15.0, 4: 30.0, 9: -25.0, 14: 10.0}


def angles(corners, height=HEIGHT):
    pairs = cobb_pairs(corners, height)
    return pairs, [
        round(midline_angle(corners, p), 6)
        for p in (pairs.main, pairs.second, pairs.third, pairs.distal)
    ]


def test_in_one_curve_the_others_reach_to_the_ends():
    pairs, values = angles(spine(TILTS, C_SWAY))
    assert not pairs.s_shaped
    assert (pairs.main, pairs.second, pairs.third) == ((4, 9), (0, 4), (9, 16))
    assert values == [55.0, 30.0, 25.0, 35.0]


def test_in_two_curves_the_others_are_the_largest_beside_the_main():
    pairs, values = angles(spine(TILTS, S_SWAY))
    assert pairs.s_shaped
    assert not pairs.low
    assert (pairs.main, pairs.second, pairs.third) == ((4, 9), (2, 4), (9, 14))
    assert values == [55.0, 45.0, 35.0, 35.0]


def test_a_low_main_curve_sends_the_third_angle_above_the_second():
    pairs, values = angles(spine(TILTS, S_SWAY), height=500.0)
    assert pairs.low
    assert pairs.third == (0, 2)
    assert values == [55.0, 45.0, 15.0, 35.0]


def test_the_height_that_decides_is_that_of_the_lower_end_plates():
    """Bodies 4 and 9 end at 185 and 385 px: together 570."""
    assert cobb_pairs(spine(TILTS, S_SWAY), 570.5).low is False
    assert cobb_pairs(spine(TILTS, S_SWAY), 569.5).low is True


def test_a_low_main_curve_matters_only_in_an_s():
    assert angles(spine(TILTS, C_SWAY), height=500.0) == angles(spine(TILTS, C_SWAY))


def test_the_last_bodys_own_upper_plate_makes_no_s():
    corners = spine({}, C_SWAY)
    corners[-1, :2, 0] -= 30.0
    assert not is_s_shaped(corners)
    corners[-2, :2, 0] -= 60.0
    assert is_s_shaped(corners)


@pytest.mark.parametrize("sway", [C_SWAY, S_SWAY])
def test_a_mirrored_or_moved_spine_has_the_same_angles(sway):
    corners = spine(TILTS, sway)
    mirrored = (corners * [-1.0, 1.0])[:, [1, 0, 3, 2]]
    assert angles(mirrored) == angles(corners)
    assert angles(corners + np.array([40.0, 5.0]))[1] == angles(corners)[1]


def test_the_largest_pair_is_the_largest():
    rng = np.random.default_rng(0)
    for _ in range(10):
        corners = spine({k: rng.normal(0.0, 15.0) for k in range(17)}, S_SWAY)
        pairs = cobb_pairs(corners, HEIGHT)
        every = [midline_angle(corners, (i, j)) for i in range(17) for j in range(i, 17)]
        assert midline_angle(corners, pairs.main) == pytest.approx(max(every))


def test_the_pair_held_gives_the_spread_that_sampling_gives():
    """Also where the landmarks are so uncertain that the largest pair changes."""
    mean = spine(TILTS, S_SWAY).reshape(-1, 2)
    joint = 0.6**2 * np.eye(mean.size)

    def largest(p):
        corners = p.reshape(17, 4, 2)
        return midline_angle(corners, cobb_pairs(corners, HEIGHT).main)

    held = cobb_pairs(mean.reshape(17, 4, 2), HEIGHT).main
    result = propagate(lambda p: midline_angle(p.reshape(17, 4, 2), held), mean, joint)
    values = sampled(largest, mean, joint, generator=np.random.default_rng(0), draws=300)
    assert result.standard_uncertainty == pytest.approx(values.std(), rel=0.15)


def test_a_body_without_width_is_refused():
    corners = spine(TILTS, C_SWAY)
    corners[3] = corners[3, 0]
    with pytest.raises(GeometryError, match="coincide"):
        cobb_pairs(corners, HEIGHT)
