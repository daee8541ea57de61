"""Circles through many sets of points at once, against the circle through one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from palpate.errors import GeometryError
from palpate.geometry import circles_at_once
from palpate.geometry.circles import fit_circle
from palpate.geometry.circles_at_once import Circles, fit_circles
from palpate.protocols.formula import (
    ArcHeight,
    CircleDiameter,
    FarthestAlong,
    Formula,
    PolylineDepth,
    PolylineLength,
    Ratio,
    Roundness,
    SpineCobb,
    Sum,
)
from palpate.protocols.scene import Scene, Scenes

seeds = st.integers(0, 10_000)
few = settings(deadline=None, derandomize=True, max_examples=25)


def arcs(rng: np.random.Generator, sets: int, n: int, half: float, noise: float) -> np.ndarray:
    """Points about an arc, noise as a share of the radius."""
    t = np.linspace(-half, half, n) + rng.uniform(-3.0, 3.0)
    rims = np.stack([np.cos(t), np.sin(t)], axis=1) + noise * rng.normal(size=(sets, n, 2))
    return rng.uniform(1.0, 300.0) * (rims + rng.uniform(-3.0, 3.0, size=2))


def one_by_one(points: np.ndarray) -> Circles:
    each = [fit_circle(rim) for rim in points]
    return Circles(np.array([c.centre for c in each]), np.array([c.radius for c in each]))


def assert_same(found: Circles, expected: Circles, tolerance: float) -> None:
    """Radii and centres, to a share of each radius."""
    np.testing.assert_allclose(found.radii, expected.radii, rtol=tolerance)
    off = np.abs(found.centres - expected.centres).max(axis=1)
    assert (off <= tolerance * expected.radii).all()


@few
@given(seeds, st.integers(4, 20), st.floats(0.5, 3.1), st.sampled_from([0.0, 1e-6, 1e-3, 0.05]))
def test_many_circles_are_those_of_each_alone(seed, n, half, noise):
    points = arcs(np.random.default_rng(seed), 12, n, half, noise)
    assert_same(fit_circles(points), one_by_one(points), 1e-6)


@few
@given(seeds, st.integers(4, 20), st.floats(0.15, 0.5), st.sampled_from([0.0, 1e-6, 1e-4, 1e-3]))
def test_a_short_arc_has_the_circle_that_it_has_alone(seed, n, half, noise):
    points = arcs(np.random.default_rng(seed), 12, n, half, noise)
    assert_same(fit_circles(points), one_by_one(points), 1e-6)


@few
@given(seeds, st.integers(3, 12))
def test_any_cloud_has_its_circle_or_its_refusal(seed, n):
    """What is no rim at all ends where it ends alone, and is refused in the same words."""
    for cloud in np.random.default_rng(seed).normal(size=(12, 1, n, 2)):
        try:
            expected = one_by_one(cloud)
        except GeometryError as error:
            with pytest.raises(GeometryError, match=str(error)):
                fit_circles(cloud)
        else:
            assert_same(fit_circles(cloud), expected, 1e-6)


@few
@given(seeds, st.integers(3, 20), st.floats(0.7, 3.1))
def test_an_exact_circle_is_found_exactly(seed, n, half):
    rng = np.random.default_rng(seed)
    centres, radii = rng.uniform(-500.0, 500.0, size=(7, 2)), rng.uniform(50.0, 300.0, size=7)
    t = np.linspace(0.0, 2.0 * half, n, endpoint=False)
    rims = np.stack([np.cos(t), np.sin(t)], axis=1)
    found = fit_circles(centres[:, None] + radii[:, None, None] * rims)
    assert_same(found, Circles(centres, radii), 1e-9)
    points = centres[:, None] + 2.0 * radii[:, None, None] * rims
    outside = np.broadcast_to(radii[:, None], (7, n))
    np.testing.assert_allclose(found.distances(points), outside, rtol=1e-7)


@few
@given(seeds, st.floats(-3.2, 3.2), st.floats(0.01, 100.0), st.booleans())
def test_a_circle_goes_with_its_points(seed, angle, scale, mirrored):
    rng = np.random.default_rng(seed)
    points, shift = arcs(rng, 9, 15, 1.3, 0.03), rng.uniform(-50.0, 50.0, size=2)
    turn = scale * np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    if mirrored:
        turn = turn * (-1.0, 1.0)
    before, after = fit_circles(points), fit_circles(points @ turn + shift)
    assert_same(after, Circles(before.centres @ turn + shift, scale * before.radii), 1e-8)


@few
@given(seeds)
def test_neither_the_order_of_points_nor_that_of_sets_matters(seed):
    rng = np.random.default_rng(seed)
    points = arcs(rng, 9, 15, 1.3, 0.05)
    found, order = fit_circles(points), rng.permutation(9)
    assert_same(fit_circles(points[:, rng.permutation(15)]), found, 1e-9)
    again = fit_circles(points[order])
    assert_same(again, Circles(found.centres[order], found.radii[order]), 1e-12)


def test_rims_are_never_left_to_the_slow_way(monkeypatch):
    """Heads drawn as a report draws them: a quarter to a whole circle, out of round by a little."""

    def refuse(points: np.ndarray) -> None:
        raise AssertionError(f"left alone: {points}")

    monkeypatch.setattr(circles_at_once, "fit_circle", refuse)
    rng = np.random.default_rng(4)
    for half in (0.8, 1.3, 3.0):
        for noise in (0.0, 1e-3, 0.02, 0.05):
            assert (fit_circles(arcs(rng, 300, 15, half, noise)).radii > 0.0).all()


def test_what_must_be_searched_with_care_is_left_to_the_slow_way(monkeypatch):
    """Some clouds need shortened steps; they still end where each ends alone."""
    left = []

    def counted(points: np.ndarray):
        left.append(len(points))
        return fit_circle(points)

    monkeypatch.setattr(circles_at_once, "fit_circle", counted)
    drawn = np.random.default_rng(1).normal(size=(200, 12, 2))
    clouds = np.array([cloud for cloud in drawn if has_circle(cloud)])
    assert_same(fit_circles(clouds), one_by_one(clouds), 1e-9)
    assert 0 < len(left) < len(clouds) / 10


def test_flat_rims_far_from_any_circle_end_where_each_ends_alone():
    """Here the search alone stops early, after steps that it measures by the slopes."""
    rims = arcs(np.random.default_rng(6), 400, 15, 0.65, 0.2)
    rims = np.array([rim for rim in rims if has_circle(rim)])
    assert_same(fit_circles(rims), one_by_one(rims), 1e-8)


def has_circle(points: np.ndarray) -> bool:
    try:
        fit_circle(points)
    except GeometryError:
        return False
    return True


LINE = np.array([[0.0, 0.0], [1.0, 1.0], [2.0, 2.0], [5.0, 5.0]])


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (LINE, "one line"),
        (LINE + np.array([0.0, 1e-9]) * np.arange(4.0)[:, None] ** 2, "one line"),
        (LINE + 1e6, "one line"),
        (np.ones((4, 2)), "coincide"),
        (1000.0 + 1e-11 * np.array([[3.0, 0.0], [0.0, 3.0], [-3.0, 0.0], [0.0, -3.0]]), "coincide"),
        (np.where(LINE == 5.0, np.nan, LINE), "all present"),
        (np.where(LINE == 5.0, np.inf, LINE), "all present"),
    ],
)
def test_one_set_without_a_circle_refuses_all(wrong, words):
    good = np.array([[3.0, 0.0], [0.0, 3.0], [-3.0, 0.0], [0.0, -3.0]])
    assert fit_circles(np.stack([good, good + 1.0])).radii.tolist() == pytest.approx([3.0, 3.0])
    with pytest.raises(GeometryError, match=words):
        fit_circles(np.stack([good, wrong, good + 1.0]))


def test_two_points_are_refused_and_no_sets_have_no_circles():
    with pytest.raises(GeometryError, match="three or more points, got 2"):
        fit_circles(np.zeros((3, 2, 2)))
    assert fit_circles(np.zeros((0, 5, 2))).radii.shape == (0,)
    assert fit_circles(np.zeros((0, 5, 2))).centres.shape == (0, 2)


# ---- formulas of many scenes, nothing held

RIM = ("a", "b", ("c", "d"), "e", "f")
CORNERS = ("a", "b", "c", "d")
KINDS: list[Formula] = [
    PolylineLength(kind="polyline_length", through=RIM),
    PolylineDepth(kind="polyline_depth", through=RIM),
    FarthestAlong(
        kind="farthest_along", start="a", of=("b", "c", "d"), along=(("a", "f"), ("c", "d"))
    ),
    ArcHeight(kind="arc_height", through=RIM),
    CircleDiameter(kind="circle_diameter", rim=RIM),
    Roundness(kind="roundness", rim=RIM),
]
PARTS = {
    "ratio": Ratio(kind="ratio", numerator=KINDS[5], denominator=KINDS[4]),
    "sum": Sum(
        kind="sum",
        terms=[
            SpineCobb(kind="spine_cobb", vertebrae=("T1", "T2", "T3"), corners=CORNERS, which=which)
            for which in ("main", "second")
        ],
    ),
}


def drawn(formula: Formula, facing: float) -> Scenes:
    """Scenes far enough apart for the pick of the farthest place to change between them."""
    rng, names = np.random.default_rng(12), formula.needs()
    t = np.linspace(0.2, 3.0, len(names))
    means = 40.0 * np.stack([np.cos(t), np.sin(t)], axis=1)
    at = {n: mean + 6.0 * rng.normal(size=(40, 2)) for n, mean in zip(names, means, strict=True)}
    return Scenes(at, facing, 500.0)


@pytest.mark.parametrize("facing", [1.0, -1.0])
@pytest.mark.parametrize("formula", [*KINDS, *PARTS.values()], ids=lambda f: f.kind)
def test_a_kind_gives_many_scenes_what_it_gives_each(formula, facing):
    scenes = drawn(formula, facing)
    each = [formula.value(scene) for scene in scenes]
    assert formula.values(scenes) == pytest.approx(each, rel=1e-9, abs=1e-9)


def test_a_held_roundness_is_held_in_many_scenes():
    scenes = drawn(KINDS[5], 1.0)
    first = next(iter(scenes))
    held = KINDS[5].held(first)[0]
    each = [held.value(scene) for scene in scenes]
    assert held.values(scenes) == pytest.approx(each, rel=1e-9, abs=1e-9)
    assert each[0] == KINDS[5].value(first)
    assert min(each) < 0.0


@pytest.mark.parametrize("kind", [PolylineDepth, FarthestAlong, ArcHeight, Roundness])
def test_the_scenes_do_not_all_pick_the_same_place(kind):
    """Else the law above would not see a pick that is held for all scenes."""
    formula = next(f for f in KINDS if isinstance(f, kind))
    assert len({formula.held(scene)[1] for scene in drawn(formula, 1.0)}) > 1


def test_a_chord_without_length_in_one_of_many_scenes_is_refused():
    at = {
        "a": np.zeros((3, 2)),
        "b": np.ones((3, 2)),
        "c": np.array([[4.0, 0.0], [0.0, 0.0], [4.0, 0.0]]),
    }
    for kind, formula in (("polyline_depth", PolylineDepth), ("arc_height", ArcHeight)):
        with pytest.raises(GeometryError, match="two points of a line coincide"):
            formula(kind=kind, through=("a", "b", "c")).values(Scenes(at))
    alone = Scene({n: p[0] for n, p in at.items()})
    assert ArcHeight(kind="arc_height", through=("a", "b", "c")).value(alone) == pytest.approx(1.0)
