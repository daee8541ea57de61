"""Laws of linking: what the maps show is found, whole or not, whoever else is in view."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from palpate.codecs.limb_maps import LimbMaps
from palpate.errors import ConfigError, GeometryError
from palpate.linking.assemble import Link, bodies_of, matched, parts_of
from palpate.linking.candidates import find_candidates
from palpate.linking.integral import line_integrals
from palpate.linking.limbs import ends_of, limbs_of
from palpate.linking.link import LinkSettings, MapLayout, link_pose, partial_limbs
from palpate.scheme import LandmarkScheme

LIMBS = (("shoulder", "elbow", "wrist"), ("hip", "knee", "ankle"))
NAMES = tuple(f"{side}_{joint}" for limb in LIMBS for side in ("right", "left") for joint in limb)
INFANT = LandmarkScheme(
    "infant",
    NAMES,
    mirror=tuple((name, name.replace("right", "left")) for name in NAMES if "right" in name),
    edges=tuple((NAMES[row], NAMES[row + 1]) for row in range(12) if row % 3 < 2),
)
GRID = (128, 96)
FINE = LimbMaps(GRID, INFANT)
COARSE = LimbMaps(GRID, INFANT, stride=4)
ALL = np.full(12, True)
# How maps are drawn, and how far a round trip may be off, in grid px.
DRAWN = {
    "masks": (FINE, FINE.masks, 0.3),
    "bumps": (FINE, FINE.bumps, 0.3),
    "sharp": (FINE, lambda *pose: FINE.sharp(*pose, 6.0), 0.1),
    "sharp, coarse": (COARSE, lambda *pose: COARSE.sharp(*pose, 6.0), 0.3),
}
every_target = pytest.mark.parametrize("target", DRAWN)
seeds = st.integers(0, 2**32 - 1)


def infant(seed, centre=(63.5, 47.5), scale=1.0, turn=None):
    """Twelve joints of an infant that lies with its head up; limbs anyhow."""
    rng = np.random.default_rng(seed)
    points = []
    for root in ((-8, -14), (8, -14), (-6, 14), (6, 14)):
        joint = np.array(root, dtype=float)
        angle = rng.uniform(0, 2 * np.pi)
        points.append(joint)
        for _ in range(2):
            joint = joint + rng.uniform(4, 12) * np.array([np.cos(angle), np.sin(angle)])
            angle += rng.uniform(-1.5, 1.5)
            points.append(joint)
    turn = rng.uniform(-0.7, 0.7) if turn is None else turn
    rotation = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    return scale * np.array(points) @ rotation + centre


def in_grid(points):
    return ((points >= 0) & (points <= np.array(GRID) - 1)).all(axis=1)


def off(pose, points):
    return np.hypot(*(pose.coordinates - points).T)


# --- round trips


@every_target
@given(seed=seeds, absent=st.sets(st.integers(0, 11)))
@settings(max_examples=25)
def test_what_is_drawn_is_found_whatever_is_absent(target, seed, absent):
    codec, draw, tolerance = DRAWN[target]
    points = infant(seed)
    present = in_grid(points) & ~np.isin(np.arange(12), list(absent))
    # However far what is left of the body lies apart.
    pose = link_pose(draw(points, present), codec, LinkSettings(reach=30.0))
    np.testing.assert_array_equal(pose.found, present)
    np.testing.assert_array_equal(pose.linked, present[ends_of(INFANT)].all(axis=1))
    assert pose.others == 0
    deep = present & in_grid(points - 7) & in_grid(points + 7)
    assert off(pose, points)[deep].max(initial=0) <= tolerance
    # A border cuts what is drawn: a disc is mended to within a pixel, two borders to within two.
    assert off(pose, points)[present].max(initial=0) <= 2


@every_target
@given(x=st.floats(0, 127), y=st.floats(0, 95), near=st.sampled_from(["left", "top", "none"]))
@settings(max_examples=25)
def test_a_border_does_not_pull(target, x, y, near):
    """The centre of mass of half a disc is 2.5 px beside that of the disc."""
    codec, draw, _ = DRAWN[target]
    x, y = (x if near == "top" else x % 7), (y if near == "left" else y % 7)
    x = min(max(x, 8.0), 119.0) if near == "top" else x
    y = min(max(y, 8.0), 87.0) if near == "left" else y
    points = np.tile([x, y], (12, 1))
    present = np.arange(12) == 4
    pose = link_pose(draw(points, present), codec)
    assert pose.found[4]
    assert off(pose, points)[4] <= (2 if near == "none" else 1)


@every_target
@given(seed=seeds, scale=st.floats(0.45, 1.0))
@settings(max_examples=15)
def test_lower_maps_give_the_same_pose(target, seed, scale):
    codec, draw, _ = DRAWN[target]
    points = infant(seed, scale=0.9)
    present = in_grid(points)
    maps = draw(points, present)
    whole, low = link_pose(maps, codec), link_pose(np.float32(scale) * maps, codec)
    np.testing.assert_array_equal(whole.linked, low.linked)
    np.testing.assert_allclose(low.coordinates, whole.coordinates, atol=0.02)
    np.testing.assert_allclose(low.links, scale * whole.links, atol=1e-5)


@every_target
@given(seed=seeds)
@settings(max_examples=15)
def test_noise_of_a_network_moves_joints_little(target, seed):
    codec, draw, _ = DRAWN[target]
    points = infant(seed, scale=0.8)
    present = in_grid(points)
    maps = 0.8 * draw(points, present)
    maps += np.random.default_rng(seed).normal(0, 0.05, maps.shape)
    pose = link_pose(maps.astype(np.float32), codec)
    np.testing.assert_array_equal(pose.found, present)
    np.testing.assert_array_equal(pose.linked, present[ends_of(INFANT)].all(axis=1))
    assert off(pose, points)[present].max() <= 2.5


def test_a_mirrored_body_is_the_mirrored_pose():
    points = infant(5)
    maps = FINE.bumps(points, ALL)
    pose = link_pose(maps, FINE)
    mirrored = link_pose(np.ascontiguousarray(maps[FINE.mirror_order(), :, ::-1]), FINE)
    order = INFANT.mirror_order()
    np.testing.assert_allclose(mirrored.coordinates[order, 0], 127 - pose.coordinates[:, 0])
    np.testing.assert_allclose(mirrored.coordinates[order, 1], pose.coordinates[:, 1])


def test_scores_and_covariances_are_those_of_the_maps():
    points = np.full((12, 2), 40.0)
    pose = link_pose(COARSE.sharp(points, ALL, 8.0), COARSE)
    # A bump of sigma 8 px, of which 0.3 of the height is taken off.
    assert 0.8 < pose.score.min() <= pose.score.max() <= 1
    variance = pose.covariance[:, [0, 1], [0, 1]]
    assert (variance > 10).all()
    assert (variance < 64).all()
    np.testing.assert_allclose(pose.covariance[:, 0, 1], 0, atol=1)


def test_any_scheme_with_connections_works():
    names = tuple(f"spine{row}" for row in range(14))
    spine = LandmarkScheme("spine", names, edges=tuple(pairwise(names)))
    mouse = LandmarkScheme(
        "mouse", ("snout", "l", "r", "tail"), edges=(("snout", "l"), ("snout", "r"), ("l", "tail"))
    )
    for scheme, step in ((spine, 8.0), (mouse, 25.0)):
        codec = LimbMaps(GRID, scheme, radius_px=4.0)
        rows = np.arange(len(scheme))
        points = np.stack([10 + step * rows, 45 + 20 * np.sin(rows)], axis=1)
        pose = link_pose(codec.bumps(points, np.full(len(scheme), True)), codec)
        assert off(pose, points).max() < 0.3
        assert pose.linked.all()
        assert partial_limbs(scheme, pose) == ()


def test_a_chain_that_is_torn_is_one_body():
    names = tuple(f"p{row}" for row in range(10))
    chain = LandmarkScheme("chain", names, edges=tuple(pairwise(names)))
    codec = LimbMaps(GRID, chain, radius_px=4.0)
    points = np.stack([np.linspace(10, 118, 10), np.full(10, 48.0)], axis=1)
    maps = codec.masks(points, np.full(10, True))
    maps[10 + 4] = 0.0
    pose = link_pose(maps, codec)
    assert pose.found.all()
    assert pose.others == 0
    assert partial_limbs(chain, pose) == ("p0 to p9: p4 to p5 not linked",)


def test_without_connections_the_strongest_of_each_stand_alone():
    dots = LandmarkScheme("dots", ("a", "b"))
    codec = LimbMaps(GRID, dots)
    strong = np.array([[30.0, 40.0], [80.0, 50.0]])
    maps = codec.masks(strong, np.array([True, True]))
    maps[0] = np.maximum(maps[0], 0.6 * codec.masks(strong + 30, np.array([True, True]))[0])
    pose = link_pose(maps, codec)
    assert off(pose, strong).max() < 0.3
    assert pose.links.shape == (0,)


# --- others in view


@every_target
@given(seed=seeds, gap=st.floats(46, 60), turn=st.floats(-0.3, 0.3))
@settings(max_examples=15)
def test_one_of_two_infants_is_whole_and_the_other_is_counted(target, seed, gap, turn):
    codec, draw, tolerance = DRAWN[target]
    scale = 0.75
    one = infant(seed, (63.5 - gap / 2, 47.5), scale, turn)
    two = infant(seed + 1, (63.5 + gap / 2, 47.5), scale, turn)
    shown = [in_grid(one), in_grid(two)]
    maps = np.maximum(draw(one, shown[0]), draw(two, shown[1]))
    pose = link_pose(maps, codec)
    assert pose.others == 1
    nearest = min((one, two), key=lambda points: np.nanmean(off(pose, points)))
    assert np.nanmax(off(pose, nearest)) <= max(2.0, tolerance)


def test_twins_in_touch_are_told_apart():
    """The left arm of one begins nearer to the right arm of the other than to his own."""
    one, two = infant(3, (50.0, 48.0), 0.8, 0.0), infant(3, (74.0, 48.0), 0.8, 0.0)
    for points in (one, two):  # arms and legs straight up and down, out of each other's way
        for limb, down in ((0, -1), (3, -1), (6, 1), (9, 1)):
            points[limb + 1] = points[limb] + [0, 8 * down]
            points[limb + 2] = points[limb] + [0, 16 * down]
    codec = LimbMaps(GRID, INFANT, radius_px=3.0)
    assert two[0, 0] - one[3, 0] < 0.95 * (one[3, 0] - one[0, 0])
    maps = np.maximum(codec.masks(one, ALL), codec.masks(two, ALL))
    pose = link_pose(maps, codec)
    assert pose.others == 1
    assert min(np.abs(off(pose, one)).max(), np.abs(off(pose, two)).max()) < 0.3


@every_target
@given(seed=seeds, x=st.floats(10, 117), y=st.floats(10, 85), angle=st.floats(0, 6.28))
@settings(max_examples=15)
def test_an_operators_forearm_does_not_steal_a_joint_of_a_whole_limb(target, seed, x, y, angle):
    codec, draw, _ = DRAWN[target]
    points = infant(seed, scale=0.8)
    present = in_grid(points)
    forearm = np.tile([x, y], (12, 1))
    forearm[5] += 22 * np.array([np.cos(angle), np.sin(angle)])
    present_too = np.isin(np.arange(12), (4, 5)) & in_grid(forearm)
    # Apart from the infant's own, so that there are two peaks.
    if (np.hypot(*(forearm - points).T)[[4, 5]] < 16).any() or not present[3:6].all():
        return
    maps = np.maximum(draw(points, present), draw(forearm, present_too))
    pose = link_pose(maps, codec)
    assert off(pose, points)[[3, 4, 5]].max() <= 2
    assert pose.linked[[2, 3]].all()
    assert pose.others == int(present_too[[4, 5]].all())


def test_a_stranger_far_away_is_no_limb_of_the_infant():
    points = infant(1, (30.0, 47.5), 0.5)
    present = in_grid(points)
    present[3:6] = False
    arm = points.copy()
    arm[3:6] = [[122.0, 5.0], [122.0, 15.0], [122.0, 25.0]]
    codec = LimbMaps(GRID, INFANT, radius_px=3.0)
    seen = np.isin(np.arange(12), (3, 4, 5))
    pose = link_pose(np.maximum(codec.bumps(points, present), codec.bumps(arm, seen)), codec)
    assert pose.others == 1
    assert not pose.found[3:6].any()
    assert partial_limbs(INFANT, pose) == ("left arm: not found",)


def test_a_lone_joint_far_away_is_no_joint_of_the_infant():
    points = infant(1, (30.0, 47.5), 0.5)
    present = in_grid(points)
    points[5] = [122.0, 47.0]
    codec = LimbMaps(GRID, INFANT, radius_px=3.0)
    maps = codec.masks(points, present)
    maps[12 + 3] = 0.0
    assert not link_pose(maps, codec).found[5]


# --- partial limbs


def test_a_partial_limb_says_so_in_words():
    points = infant(2)
    present = ALL.copy()
    present[[5, 6, 7, 8, 9]] = False
    maps = FINE.masks(points, present)
    maps[12 + 1] = 0.0  # right elbow to right wrist
    pose = link_pose(maps, FINE)
    np.testing.assert_array_equal(pose.found, present)
    assert partial_limbs(INFANT, pose) == (
        "right arm: elbow to wrist not linked",
        "left arm: wrist not found",
        "right leg: not found",
        "left leg: hip not found",
    )
    assert pose.score[2] > 0.9
    assert pose.links[1] == 0


def test_joints_without_any_link_stand_alone():
    points = infant(2)
    maps = FINE.masks(points, ALL)
    maps[12:] = 0.0
    pose = link_pose(maps, FINE)
    assert pose.found.all()
    assert not pose.linked.any()
    assert pose.others == 0
    assert len(partial_limbs(INFANT, pose)) == 4


def test_a_weak_joint_that_nothing_is_linked_with_is_left_out():
    points = infant(2)
    maps = FINE.masks(points, ALL)
    maps[2] *= 0.25
    maps[12 + 1] = 0.0
    pose = link_pose(maps, FINE)
    assert not pose.found[2]
    assert pose.found[[0, 1]].all()


# --- bad maps


@pytest.mark.parametrize("value", [0.0, 0.5, 1.0, 3.0, -2.0, 1e-40])
@pytest.mark.parametrize("codec", [FINE, COARSE], ids=["fine", "coarse"])
def test_flat_maps_hold_nothing(codec, value):
    pose = link_pose(np.full((20, *codec.shape), value, np.float32), codec)
    assert not pose.found.any()
    assert pose.others == 0
    assert (pose.score == 0).all()


def test_flat_maps_with_noise_hold_nothing():
    maps = 0.5 + np.random.default_rng(0).normal(0, 0.05, (20, 96, 128)).astype(np.float32)
    assert not link_pose(maps, FINE).found.any()


def test_noise_ends_in_a_pose_of_few_candidates():
    maps = np.random.default_rng(0).random((20, 96, 128)).astype(np.float32)
    pose = link_pose(maps, FINE)
    assert np.isfinite(pose.coordinates[pose.found]).all()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("row", [0, 19])
def test_maps_that_are_not_finite_are_refused(value, row):
    maps = FINE.masks(infant(0), ALL)
    maps[row, 50, 60] = value
    with pytest.raises(GeometryError, match="not finite"):
        link_pose(maps, FINE)


@pytest.mark.parametrize("shape", [(19, 96, 128), (20, 128, 96), (20, 24, 32)])
def test_maps_of_another_layout_are_refused(shape):
    with pytest.raises(GeometryError, match=r"\(20, 96, 128\), got"):
        link_pose(np.zeros(shape, np.float32), FINE)


def test_maps_may_be_views_and_of_any_precision():
    points = infant(0)
    maps = FINE.masks(points, ALL)
    wanted = link_pose(maps, FINE)
    for other in (maps.astype(np.float64), maps.astype(np.float16), np.asfortranarray(maps)):
        np.testing.assert_array_equal(link_pose(other, FINE).coordinates, wanted.coordinates)


def test_maps_above_one_are_as_sure_as_can_be():
    points = infant(0)
    pose = link_pose(3 * FINE.masks(points, ALL), FINE)
    assert off(pose, points).max() < 0.5
    assert pose.score.max() == pose.links.max() == 1


def test_maps_are_left_as_they_are():
    maps = FINE.masks(infant(0), ALL)
    before = maps.copy()
    link_pose(maps, FINE)
    np.testing.assert_array_equal(maps, before)


def test_equal_twin_peaks_are_decided_by_the_links():
    points, twin = infant(2, scale=0.8), infant(2, scale=0.8)
    twin[5] = points[4] - 1.2 * (points[5] - points[4]) - [0.0, 8.0]
    only = np.arange(12) == 5
    maps = FINE.masks(points, ALL)
    maps[5] = np.maximum(maps[5], FINE.masks(twin, only)[5])
    pose = link_pose(maps, FINE)
    assert off(pose, points)[5] < 0.3
    assert pose.others == 0


def test_equal_twin_peaks_without_links_give_the_first_in_reading_order():
    maps = np.zeros((20, 96, 128), np.float32)
    for place in ((80.0, 60.0), (40.0, 20.0), (100.0, 20.0)):
        disc = FINE.masks(np.tile(place, (12, 1)), np.arange(12) == 0)[0]
        maps[0] = np.maximum(maps[0], disc)
    for _ in range(2):
        np.testing.assert_allclose(link_pose(maps, FINE).coordinates[0], [40, 20], atol=1e-6)


@pytest.mark.parametrize(
    "wrong",
    [
        {"least_joint": 0.0},
        {"least_link": 1.0},
        {"share": -0.1},
        {"lone_joint": float("nan")},
        {"samples": 0},
        {"most": 0},
        {"reach": 0.0},
    ],
)
def test_settings_that_cannot_be_are_refused(wrong):
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        LinkSettings(**wrong)


def test_limb_maps_are_a_layout():
    assert isinstance(FINE, MapLayout)


# --- the pieces


def test_near_peaks_of_one_map_do_not_pull_each_other():
    codec = LimbMaps(GRID, LandmarkScheme("dots", ("a", "b")))
    points = np.array([[50.0, 40.0], [64.0, 40.0]])
    both = codec.masks(points, np.array([True, True])).max(axis=0, keepdims=True)
    found = find_candidates(both, radius=6.0, least=0.2, share=0.3, most=6)
    order = np.argsort(found.position[:, 0])
    np.testing.assert_allclose(found.position[order], points, atol=0.1)


def test_the_end_of_one_map_does_not_hide_the_beginning_of_the_next():
    maps = np.zeros((2, 20, 20), np.float32)
    maps[0, 17:, 8:13] = 1.0
    maps[1, 0, 8:13] = 0.5  # lower than what the first map's blur leaves beside it
    found = find_candidates(maps, radius=3.0, least=0.05, share=0.3, most=6)
    assert found.joint.tolist() == [0, 1]
    np.testing.assert_allclose(found.position[:, 0], 10, atol=1e-5)
    assert 18 < found.position[0, 1] < 19.5
    assert -0.5 <= found.position[1, 1] <= 0.5


def test_only_so_many_peaks_are_kept_the_highest():
    maps = np.zeros((1, 40, 200), np.float32)
    heights = np.linspace(0.3, 1.0, 10)
    for row, height in enumerate(heights):
        maps[0, 18:22, 10 + 19 * row : 14 + 19 * row] = height
    found = find_candidates(maps, radius=2.0, least=0.1, share=0.3, most=3)
    assert np.all(np.diff(found.score) < 0)
    np.testing.assert_allclose(found.position[:, 0], [182.5, 163.5, 144.5], atol=1e-5)


@given(seeds)
def test_a_line_integral_of_a_plane_is_its_middle(seed):
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:30, :40].astype(float)
    slope = rng.normal(size=3)
    maps = (slope[0] * x + slope[1] * y + slope[2])[None]
    ends = rng.uniform([0, 0], [39, 29], (2, 5, 2))
    got = line_integrals(maps, np.zeros(5, int), ends[0], ends[1], samples=10)
    middle = ends.mean(axis=0)
    np.testing.assert_allclose(got, middle @ slope[:2] + slope[2], atol=1e-9)


def test_a_line_that_leaves_the_map_reads_its_border():
    maps = np.arange(12.0).reshape(1, 3, 4)
    ends = np.array([[-9.0, 0.0]]), np.array([[-5.0, 0.0]])
    assert line_integrals(maps, np.array([0]), *ends, samples=4).tolist() == [0.0]
    ends = np.array([[9.0, 9.0]]), np.array([[12.0, 10.0]])
    assert line_integrals(maps, np.array([0]), *ends, samples=4).tolist() == [11.0]


def test_matching_leaves_weak_pairs_out_and_is_one_to_one():
    scores = np.array([[0.9, 0.7, 0.0], [0.8, 0.19, 0.0]])
    assert matched(scores, 0.2) == [(0, 1), (1, 0)]
    assert matched(scores, 0.85) == [(0, 0)]
    assert matched(np.empty((0, 3)), 0.2) == []


def test_a_ring_takes_one_candidate_per_joint():
    ring = LandmarkScheme("ring", ("a", "b", "c"), edges=(("a", "b"), ("b", "c"), ("c", "a")))
    places = [(0.0, 0.0), (9.0, 0.0), (5.0, 5.0), (1.0, 1.0)]
    links = [
        Link(0, (0, 1), (0, 1), 0.9),
        Link(1, (1, 2), (1, 2), 0.8),
        Link(2, (2, 0), (2, 3), 0.7),  # leads to another candidate of the first joint
    ]
    (part,) = parts_of(links, limbs_of(ring), places, 2.0)
    assert part.members == {0: 0, 1: 1, 2: 2}
    assert sorted(part.links) == [0, 1]
    assert part.score == pytest.approx(1.7)


def test_bodies_hold_limbs_that_begin_near_each_other_and_the_best_comes_first():
    """The hands of two infants lie between them, each nearer to the other infant's arm."""
    names = ("right_shoulder", "right_wrist", "left_shoulder", "left_wrist")
    arms = LandmarkScheme("arms", names, edges=((names[0], names[1]), (names[2], names[3])))
    one = [(0.0, 0.0), (0.0, 5.0), (10.0, 0.0), (29.0, 0.0)]
    two = [(30.0, 0.0), (30.0, 5.0), (40.0, 0.0), (12.0, 0.0)]
    links = [
        Link(0, (0, 1), (0, 1), 0.9),
        Link(1, (2, 3), (2, 3), 0.5),
        Link(0, (0, 1), (4, 5), 0.8),
        Link(1, (2, 3), (6, 7), 0.9),
    ]
    limbs = limbs_of(arms)
    bodies = bodies_of(parts_of(links, limbs, one + two, 2.0), limbs, one + two, 5.0)
    assert [sorted(body.members.values()) for body in bodies] == [[4, 5, 6, 7], [0, 1, 2, 3]]
    assert [body.score for body in bodies] == pytest.approx([1.7, 1.4])
