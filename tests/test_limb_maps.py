"""Laws of the maps that networks for limbs are taught, and of the limbs of a scheme."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from palpate.codecs.limb_maps import LimbMaps
from palpate.errors import ConfigError, GeometryError, SchemeError
from palpate.linking.limbs import ends_of, limbs_of
from palpate.scheme import LandmarkScheme

LIMBS = (
    ("shoulder", "elbow", "wrist"),
    ("hip", "knee", "ankle"),
)
NAMES = tuple(f"{side}_{joint}" for limb in LIMBS for side in ("right", "left") for joint in limb)
INFANT = LandmarkScheme(
    "infant",
    NAMES,
    mirror=tuple((name, name.replace("right", "left")) for name in NAMES if "right" in name),
    edges=tuple((NAMES[row], NAMES[row + 1]) for row in range(12) if row % 3 < 2),
)
ONE = LandmarkScheme("one", ("a", "b"), edges=(("a", "b"),))
GRID = (128, 96)
BOTH = np.array([True, True])
TARGETS = {
    "masks": lambda codec, points, present: codec.masks(points, present),
    "bumps": lambda codec, points, present: codec.bumps(points, present),
    "sharp": lambda codec, points, present: codec.sharp(points, present, 4.0),
}
every_target = pytest.mark.parametrize("draw", TARGETS.values(), ids=TARGETS)
seeds = st.integers(0, 2**32 - 1)


def random_pose(seed, low=0.0, joints=12):
    rng = np.random.default_rng(seed)
    high = np.array(GRID) - 1.0 - low
    return rng.uniform(low, high, (joints, 2)), rng.random(joints) < 0.8


def test_there_is_a_map_per_joint_and_per_connection():
    codec = LimbMaps(GRID, INFANT)
    assert codec.count == 20
    assert LimbMaps(GRID, INFANT, stride=4).shape == (24, 32)
    for draw in TARGETS.values():
        maps = draw(codec, *random_pose(0))
        assert maps.shape == (20, 96, 128)
        assert maps.dtype == np.float32


@given(st.floats(10, 117), st.floats(10, 85), st.floats(2, 9))
def test_a_disc_has_its_area_within_a_ring_of_half_a_pixel(x, y, radius_px):
    codec = LimbMaps(GRID, ONE, radius_px=radius_px)
    disc = codec.masks(np.array([[x, y], [0.0, 0.0]]), BOTH)[0]
    assert np.pi * (radius_px - 0.75) ** 2 <= disc.sum() <= np.pi * (radius_px + 0.75) ** 2
    rows, columns = np.nonzero(disc)
    assert np.hypot(columns - x, rows - y).max() <= radius_px + 2e-3


@given(seeds, st.floats(7, 60), st.floats(0, 2 * np.pi))
def test_a_rectangle_goes_from_joint_to_joint_and_is_r_thick(seed, length, angle):
    centre = np.random.default_rng(seed).uniform([35, 35], [92, 60])
    half = 0.5 * length * np.array([np.cos(angle), np.sin(angle)])
    maps = LimbMaps(GRID, ONE).masks(np.array([centre - half, centre + half]), BOTH)
    assert abs(maps[2].sum() - 6 * length) <= length + 6 + 4  # half a pixel all around
    rows, columns = np.nonzero(maps[2])
    offset = np.stack([columns, rows], axis=1) - centre
    assert np.abs(offset @ half / (length / 2)).max() <= length / 2 + 2e-3
    across = offset @ np.array([-half[1], half[0]]) / (length / 2)
    assert np.abs(across).max() <= 3 + 2e-3


def test_worked_example_of_masks():
    points = np.array([[20.0, 30.0], [50.0, 30.0]])
    masks = LimbMaps(GRID, ONE, radius_px=6.0).masks(points, BOTH)
    assert masks[0].sum() == 113  # lattice points of a circle of radius 6 (Gauss)
    assert masks[2].sum() == 31 * 7
    assert masks[2, 27:34, 20:51].all()


def test_worked_example_of_bumps():
    points = np.array([[20.0, 30.0], [50.0, 30.0]])
    bumps = LimbMaps(GRID, ONE, radius_px=6.0).bumps(points, BOTH)
    assert bumps[0, 30, 20] == 1
    assert bumps[0, 30, 26] == pytest.approx(np.exp(-1 / 18))  # 0.946: r of 3 r
    assert bumps[0, 30, 27] == 0
    assert bumps[2, 30, 35] == 1
    assert bumps[2, 30, 50] == pytest.approx(np.exp(-0.5 * (15 / 18) ** 2))  # 0.707
    np.testing.assert_array_equal(bumps[2, 27:34, 40], bumps[2, 30, 40])  # constant across


def test_worked_example_of_sharp():
    points = np.array([[20.0, 30.0], [50.0, 30.0]])
    sharp = LimbMaps(GRID, ONE).sharp(points, BOTH, 2.0)
    assert sharp[0, 30, 22] == pytest.approx(np.exp(-0.5))
    np.testing.assert_allclose(sharp[2, 30, 20:51], 1)
    np.testing.assert_allclose(sharp[2, 32, 20:51], np.exp(-0.5), rtol=1e-6)
    assert sharp[2, 30, 54] == pytest.approx(np.exp(-2))


@given(seeds)
def test_bumps_fill_the_regions_of_masks(seed):
    codec = LimbMaps(GRID, INFANT)
    pose = random_pose(seed)
    np.testing.assert_array_equal(codec.bumps(*pose) > 0, codec.masks(*pose) > 0)


@every_target
@given(seed=seeds)
@settings(max_examples=20)
def test_absent_joints_and_their_connections_have_empty_maps(draw, seed):
    codec = LimbMaps(GRID, INFANT)
    points, present = random_pose(seed, low=5.0)
    with_nan = np.where(present[:, None], points, np.nan)
    maps = draw(codec, with_nan, present)
    linked = present[ends_of(INFANT)].all(axis=1)
    np.testing.assert_array_equal(maps.any(axis=(1, 2)), [*present, *linked])
    assert np.isfinite(maps).all()


@every_target
@pytest.mark.parametrize("stride", [1, 2, 4])
@given(seed=seeds)
@settings(max_examples=20)
def test_mirrored_points_give_mirrored_maps(draw, stride, seed):
    codec = LimbMaps(GRID, INFANT, stride=stride)
    points, present = random_pose(seed)
    order = INFANT.mirror_order()
    mirrored = np.stack([GRID[0] - 1 - points[:, 0], points[:, 1]], axis=1)[order]
    wanted = draw(codec, points, present)[codec.mirror_order(), :, ::-1]
    got = draw(codec, mirrored, present[order])
    np.testing.assert_allclose(got, wanted, atol=2e-5)


@every_target
@pytest.mark.parametrize("stride", [1, 4])
@given(seed=seeds, x=st.integers(-5, 5), y=st.integers(-5, 5))
@settings(max_examples=20)
def test_moved_points_give_moved_maps(draw, stride, seed, x, y):
    codec = LimbMaps(GRID, INFANT, stride=stride)
    points, present = random_pose(seed, low=35.0)
    maps = draw(codec, points, present)
    moved = draw(codec, points + stride * np.array([x, y]), present)
    middle = slice(8, -8)
    wanted = np.roll(maps, (y, x), axis=(1, 2))
    np.testing.assert_allclose(
        moved[:, middle, middle], wanted[:, middle, middle], atol=2e-5, rtol=0
    )


@every_target
def test_a_coarse_map_samples_the_fine_one_between_its_pixels(draw):
    """With stride 3 the centre of a cell is that of a pixel: 1, 4, 7, ..."""
    points, present = random_pose(3)
    fine = draw(LimbMaps((96, 96), INFANT), points, present)
    coarse = draw(LimbMaps((96, 96), INFANT, stride=3), points, present)
    np.testing.assert_array_equal(coarse, fine[:, 1::3, 1::3])


@every_target
def test_what_lies_outside_of_the_grid_is_cut(draw):
    points = np.array([[-3.0, 40.0], [160.0, 40.0]])
    maps = draw(LimbMaps(GRID, ONE), points, BOTH)
    assert maps[0].any()
    assert not maps[0, :, 20:].any() or maps[0, :, 20:].max() < 1e-6
    assert maps[1].max() < 1e-6
    assert maps[2, 40].all()


@every_target
def test_a_limb_that_points_at_the_camera_has_a_map(draw):
    points = np.array([[50.0, 40.0], [50.0, 40.0]])
    maps = draw(LimbMaps(GRID, ONE), points, BOTH)
    assert maps[2, 40, 50] == 1
    assert maps[2].sum() > 30
    assert np.isfinite(maps).all()


def test_mirror_order_of_maps_is_its_own_inverse():
    order = LimbMaps(GRID, INFANT).mirror_order()
    np.testing.assert_array_equal(order[order], np.arange(20))
    assert order[12:].tolist() == [14, 15, 12, 13, 18, 19, 16, 17]


def test_a_connection_without_a_mirror_image_is_named():
    scheme = LandmarkScheme("s", ("a", "b", "c"), mirror=(("b", "c"),), edges=(("a", "b"),))
    with pytest.raises(SchemeError, match="'a' and 'b' has no mirror image"):
        LimbMaps(GRID, scheme).mirror_order()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"grid": (130, 96), "stride": 4}, "multiples of 4"),
        ({"grid": (128, 96), "stride": 0}, "multiples of 0"),
        ({"grid": (0, 96)}, "at least one px"),
        ({"grid": (128, 96), "radius_px": 3.0, "stride": 4}, "radius_px = 3.0 is less"),
        ({"grid": (128, 96), "radius_px": float("nan")}, "radius_px"),
    ],
)
def test_impossible_settings_are_refused(wrong, message):
    wrong = {"grid": (128, 96), "scheme": INFANT} | wrong
    with pytest.raises(ConfigError, match=message):
        LimbMaps(**wrong)


def test_a_bump_narrower_than_a_cell_is_refused():
    with pytest.raises(ConfigError, match="use at least 4"):
        LimbMaps(GRID, INFANT, stride=4).sharp(*random_pose(0), 3.9)


def test_a_scheme_in_space_is_refused():
    with pytest.raises(SchemeError, match="in a plane"):
        LimbMaps(GRID, LandmarkScheme("s", ("a",), dimension=3))


@every_target
def test_points_that_do_not_fit_are_refused(draw):
    codec = LimbMaps(GRID, INFANT)
    points, present = random_pose(0)
    with pytest.raises(GeometryError, match="need 12 joints, got 11"):
        draw(codec, points[:11], present[:11])
    points[4] = np.nan
    present[4] = True
    with pytest.raises(GeometryError, match="'left_elbow' is marked as present"):
        draw(codec, points, present)


# --- limbs


def test_limbs_of_an_infant():
    limbs = limbs_of(INFANT)
    assert [limb.name for limb in limbs] == ["right arm", "left arm", "right leg", "left leg"]
    assert limbs[1].joints == (3, 4, 5)
    assert limbs[1].edges == (2, 3)


def test_limbs_of_a_mouse_end_where_they_branch():
    mouse = LandmarkScheme(
        "mouse",
        ("snout", "ear_l", "ear_r", "tail"),
        edges=(("snout", "ear_l"), ("snout", "ear_r"), ("snout", "tail")),
    )
    assert [limb.joints for limb in limbs_of(mouse)] == [(0, 1), (0, 2), (0, 3)]
    assert limbs_of(mouse)[2].name == "snout to tail"


@pytest.mark.parametrize("seed", range(5))
def test_a_long_chain_is_one_limb_whatever_the_order_of_its_connections(seed):
    names = tuple(f"p{row:02}" for row in range(14))
    pairs = [(names[row], names[row + 1]) for row in range(13)]
    order = np.random.default_rng(seed).permutation(13)
    (limb,) = limbs_of(LandmarkScheme("chain", names, edges=tuple(pairs[row] for row in order)))
    assert limb.name == "p00 to p13"
    assert limb.joints == tuple(range(14))
    assert [int(order[row]) for row in limb.edges] == list(range(13))


def test_a_ring_is_one_limb_and_comes_back_to_its_first_joint():
    ring = LandmarkScheme("ring", ("a", "b", "c"), edges=(("a", "b"), ("b", "c"), ("c", "a")))
    (limb,) = limbs_of(ring)
    assert limb.joints == (0, 1, 2, 0)
    assert limb.edges == (0, 1, 2)


def test_a_ring_with_a_tail_branches_where_they_meet():
    names = ("a", "b", "c", "tail")
    edges = (("a", "b"), ("b", "c"), ("c", "a"), ("b", "tail"))
    limbs = limbs_of(LandmarkScheme("q", names, edges=edges))
    assert [limb.joints for limb in limbs] == [(1, 2, 0, 1), (1, 3)]


@given(st.integers(2, 12), st.randoms(use_true_random=False))
def test_every_connection_is_in_one_limb_and_no_limb_branches_inside(count, random):
    names = tuple(f"n{row}" for row in range(count))
    edges = tuple((names[random.randrange(row)], names[row]) for row in range(1, count))
    scheme = LandmarkScheme("tree", names, edges=edges)
    limbs = limbs_of(scheme)
    assert sorted(row for limb in limbs for row in limb.edges) == list(range(count - 1))
    ends = ends_of(scheme)
    degree = np.bincount(ends.ravel(), minlength=count)
    for limb in limbs:
        for row, pair in zip(
            limb.edges, zip(limb.joints, limb.joints[1:], strict=False), strict=True
        ):
            assert set(pair) == set(ends[row].tolist())
        assert (degree[list(limb.joints[1:-1])] == 2).all()
        assert (degree[[limb.joints[0], limb.joints[-1]]] != 2).all()


def test_a_scheme_without_connections_has_no_limbs():
    assert limbs_of(LandmarkScheme("dots", ("a", "b"))) == ()


@pytest.mark.parametrize(
    ("edges", "message"),
    [
        ((("a", "b"), ("b", "a")), "'b' and 'a' twice"),
        ((("a", "a"),), "with itself"),
    ],
)
def test_connections_that_are_none_are_refused(edges, message):
    scheme = LandmarkScheme("s", ("a", "b"), edges=edges)
    with pytest.raises(SchemeError, match=message):
        limbs_of(scheme)
    with pytest.raises(SchemeError, match=message):
        LimbMaps(GRID, scheme)
