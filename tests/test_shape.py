"""Shape models: laws of pose and modes, limits, absent points, sides, the file."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chi2

from palpate.errors import FormatError, GeometryError
from palpate.report.shape_plot import mode_plot
from palpate.shape.build import build_shape_model
from palpate.shape.limits import Box, Ellipsoid
from palpate.shape.modes import mode_shapes
from palpate.shape.sides import compare_sides, judge_shape, mirrored_shape
from palpate.shape.similarity import Similarity, fit_similarity
from palpate.shape.spread import ScaledChiSquare
from palpate.shape.store import put_together, read_shape_model, taken_apart, write_shape_model

settings.register_profile("steady", deadline=None, derandomize=True, max_examples=25)
settings.load_profile("steady")

number = st.floats(-1e3, 1e3, allow_subnormal=False)
poses = st.builds(
    Similarity,
    st.floats(0.01, 1e3),
    st.floats(-3.1, 3.1),
    st.tuples(number, number).map(np.array),
)


def outlines(count: int, *, points: int = 20, noise: float = 0.01, seed: int = 0) -> list:
    """Ovals with four ways to vary, each somewhere on a film."""
    rng = np.random.default_rng(seed)
    t = np.linspace(0.0, 2.0 * np.pi, points, endpoint=False)
    shapes = []
    for _ in range(count):
        b = rng.normal(size=4) * np.array([0.15, 0.1, 0.06, 0.03])
        shape = np.stack([np.cos(t) + 0.3 * np.cos(2 * t), 1.6 * np.sin(t)], axis=1)
        for i, size in enumerate(b):
            shape += size * np.stack([np.cos((i + 2) * t), np.sin((i + 3) * t + i)], axis=1)
        shape += noise * rng.normal(size=shape.shape)
        pose = Similarity(rng.uniform(40, 90), rng.uniform(-0.4, 0.4), rng.uniform(0, 300, 2))
        shapes.append(pose(shape))
    return shapes


OVALS = build_shape_model(outlines(60))
NEW = outlines(20, seed=1)
scores = st.lists(st.floats(-1.0, 1.0), min_size=4, max_size=4).map(np.array)


@given(poses, poses)
def test_similarities_compose_and_invert(a, b):
    points = np.array([[0.0, 0.0], [1.0, 0.5], [-2.0, 3.0]])
    size = a.scale * b.scale
    np.testing.assert_allclose((a @ b)(points), a(b(points)), rtol=1e-9, atol=1e-9 * size + 1e-9)
    np.testing.assert_allclose(a.inverse()(a(points)), points, rtol=1e-6, atol=1e-6 / a.scale)
    np.testing.assert_allclose(a.to_affine()(points), a(points))


@given(poses)
def test_the_similarity_that_was_applied_is_found(pose):
    points = np.array([[0.0, 0.0], [1.0, 0.5], [-2.0, 3.0], [0.5, 0.25]])
    found = fit_similarity(points, pose(points))
    np.testing.assert_allclose(found(points), pose(points), rtol=1e-9, atol=1e-8 * pose.scale)


def test_weights_decide_between_points_that_no_similarity_joins():
    source = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    target = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 5.0]])
    heavy = fit_similarity(source, target, np.array([1.0, 1.0, 1e-9]))
    np.testing.assert_allclose(heavy(source)[:2], target[:2], atol=1e-6)
    light = fit_similarity(source, target, np.array([1.0, 1.0, 0.0]))
    np.testing.assert_allclose(light(source)[:2], target[:2], atol=1e-12)


def test_three_points_and_one_mode_by_hand():
    """Triangles of base 2 and height h are r (cos f u + sin f v), with tan f = h / sqrt(3).

    u spreads the base, v lifts the tip, both of length 1. Heights of 1/2, 1 and 2 times sqrt(3)
    are at f = 45 degrees - d, 45, 45 + d with tan d = 1/3. The mean is at 45, equilateral, of
    length sqrt(3) (three points of size 1); in its tangent space the others are at
    -+ sqrt(3) tan d = -+ 1 / sqrt(3) along one mode, so its variance is 2 (1/3) / (3 - 1) = 1/3.
    """
    triangles = [
        np.array([[-1.0, 0.0], [1.0, 0.0], [0.0, factor * np.sqrt(3.0)]])
        for factor in (0.5, 1.0, 2.0)
    ]
    model = build_shape_model([Similarity(9.0, 0.0, np.ones(2))(t) for t in triangles])
    np.testing.assert_allclose(np.linalg.norm(model.mean, axis=1), 1.0)
    np.testing.assert_allclose(model.mean[2], [0.0, 1.0], atol=1e-12)
    np.testing.assert_allclose(model.variances, [1.0 / 3.0])
    mode = np.array([1.0, -1.0 / np.sqrt(3.0), -1.0, -1.0 / np.sqrt(3.0), 0.0, 2 / np.sqrt(3.0)])
    assert abs(model.modes[0] @ mode / 2.0) == pytest.approx(1.0)
    sense = np.sign(model.modes[0] @ mode)
    for triangle, score in zip(triangles, (-1.0, 0.0, 1.0), strict=True):
        np.testing.assert_allclose(model.scores(triangle), [sense * score], atol=1e-9)
    assert model.explained.tolist() == [1.0]


@given(scores, poses)
def test_a_shape_of_the_model_comes_back(b, pose):
    b = b * np.sqrt(OVALS.variances)
    fit = OVALS.fit(pose(OVALS.shape(b)))
    np.testing.assert_allclose(fit.b, b, atol=1e-7)
    assert fit.pose.scale == pytest.approx(pose.scale, rel=1e-7)


@given(poses, st.integers(0, 19))
def test_a_similarity_changes_neither_parameters_nor_plausibility(pose, i):
    shape = NEW[i]
    fit, moved = OVALS.fit(shape), OVALS.fit(pose(shape))
    np.testing.assert_allclose(moved.b, fit.b, atol=1e-6)
    assert moved.plausibility == pytest.approx(fit.plausibility, abs=1e-5)
    assert moved.mahalanobis == pytest.approx(fit.mahalanobis, abs=1e-5)
    np.testing.assert_allclose(moved.points, pose(fit.points), rtol=1e-6, atol=1e-4 * pose.scale)


@pytest.mark.parametrize("model", ["ellipsoid", "box"])
def test_what_was_fitted_is_fitted_by_itself(model):
    limit = {"ellipsoid": Ellipsoid(0.5), "box": Box(0.8)}[model]
    ovals = replace(OVALS, limit=limit)
    for shape in NEW:
        once = ovals.fit(shape)
        twice = ovals.fit(once.points)
        np.testing.assert_allclose(twice.points, once.points, atol=1e-5)
        np.testing.assert_allclose(twice.b, once.b, atol=1e-6)


def test_the_mean_has_scores_of_zero_and_is_plausible():
    fit = OVALS.fit(OVALS.mean)
    np.testing.assert_allclose(fit.b, 0.0, atol=1e-10)
    assert fit.plausibility == 1.0


def test_parameters_stay_within_the_limit_and_the_distance_tells():
    rng = np.random.default_rng(5)
    radius = Ellipsoid().radius(len(OVALS.variances))
    box = replace(OVALS, limit=Box(2.0))
    for _ in range(4):
        wild = rng.normal(size=(20, 2))
        fit = OVALS.fit(wild)
        distance = np.linalg.norm(fit.b / np.sqrt(OVALS.variances))
        assert distance <= radius * (1 + 1e-9)
        assert distance == pytest.approx(min(fit.mahalanobis, radius), rel=1e-6)
        assert fit.plausibility < 1e-6
        assert (np.abs(box.fit(wild).b) <= 2.0 * np.sqrt(OVALS.variances) + 1e-9).all()


def test_the_limited_shape_is_the_nearest_within_the_limit():
    """Not the free one pulled back: no shape of the ellipsoid is nearer."""
    far = Similarity(70.0, 0.2, np.array([9.0, 5.0]))(
        OVALS.shape(np.array([2.0, 3.0, 4.0, -3.0]) * np.sqrt(OVALS.variances))
    )
    weights = np.linspace(0.2, 3.0, 20)
    fit = OVALS.fit(far, weights)
    radius = Ellipsoid().radius(4)

    def distance(b: np.ndarray) -> float:
        shape = OVALS.shape(b)
        laid = fit_similarity(shape, far, weights)(shape)
        return float(weights @ ((laid - far) ** 2).sum(axis=1))

    best, rng = distance(fit.b), np.random.default_rng(0)
    for _ in range(50):
        other = fit.b / np.sqrt(OVALS.variances) + 0.2 * rng.normal(size=4)
        other *= min(1.0, radius / np.linalg.norm(other))
        assert distance(other * np.sqrt(OVALS.variances)) >= best * (1 - 1e-9)


def test_laws_of_the_modes():
    model = build_shape_model(outlines(40, noise=0.05), variance=0.9)
    mean = model.mean
    np.testing.assert_allclose(mean.mean(axis=0), 0.0, atol=1e-12)
    assert (mean**2).sum() / len(mean) == pytest.approx(1.0)
    assert (np.diff(model.variances) <= 0).all()
    assert model.explained[-1] >= 0.9 > model.explained[-2]
    np.testing.assert_allclose(model.modes @ model.modes.T, np.eye(len(model.modes)), atol=1e-9)
    # Modes are of shape alone: neither shift, nor scale, nor turn.
    turned = np.stack([-mean[:, 1], mean[:, 0]], axis=1)
    ones, zeros = np.ones(len(mean)), np.zeros(len(mean))
    for way in (mean, turned, np.stack([ones, zeros], 1), np.stack([zeros, ones], 1)):
        np.testing.assert_allclose(model.modes @ way.ravel(), 0.0, atol=1e-9)


def test_neither_the_order_nor_the_place_of_the_shapes_changes_the_model():
    shapes = outlines(10)
    model, other = build_shape_model(shapes), build_shape_model(shapes[::-1])
    np.testing.assert_allclose(other.mean, model.mean, atol=1e-9)
    np.testing.assert_allclose(other.variances, model.variances, rtol=1e-6)
    moved = build_shape_model([5.0 * shape + 80.0 for shape in shapes])
    np.testing.assert_allclose(moved.mean, model.mean, atol=1e-9)
    # The reference frame is upright as the shapes are on average.
    turned = Similarity(1.0, 0.7, np.zeros(2))
    model_turned = build_shape_model([turned(shape) for shape in shapes])
    np.testing.assert_allclose(model_turned.mean, turned(model.mean), atol=1e-9)


def test_explained_variance_is_that_of_the_shapes():
    """The distance of the aligned shapes from the mean, counted without the model."""
    shapes = outlines(30)
    model = build_shape_model(shapes, variance=1.0)
    total = 0.0
    for shape in shapes:
        aligned = fit_similarity(model.mean, shape).inverse()(shape)
        total += ((aligned - model.mean) ** 2).sum()
    assert model.total_variance == pytest.approx(total / 29)
    assert model.variances.sum() == pytest.approx(total / 29)


def test_new_shapes_are_as_plausible_as_they_should_be():
    """One in ten is called a one in ten; the model is small, so its own spread is not enough."""
    model = build_shape_model(outlines(25, noise=0.05, seed=3))
    chances = np.array([model.fit(s).plausibility for s in outlines(50, noise=0.05, seed=4)])
    assert 0.02 < (chances < 0.1).mean() < 0.2
    assert (chances < 0.001).mean() < 0.02


def test_plausibility_is_twice_the_smaller_chance_by_hand():
    """A shape off the modes alone: scores are 0, the remainder has a chance of 0.3 by design."""
    mean, rng = OVALS.mean, np.random.default_rng(6)
    turned = np.stack([-mean[:, 1], mean[:, 0]], axis=1)
    ways = [OVALS.modes, mean.ravel(), turned.ravel(), np.tile([1.0, 0.0], 20)]
    known = np.vstack([*ways, np.tile([0.0, 1.0], 20)])
    off = rng.normal(size=40)
    off -= np.linalg.pinv(known) @ (known @ off)
    spread = OVALS.residual_distance
    wanted = spread.scale * chi2.isf(0.3, spread.degrees)
    fit = OVALS.fit(mean + (off * np.sqrt(wanted) / np.linalg.norm(off)).reshape(20, 2))
    assert fit.mahalanobis == pytest.approx(0.0, abs=1e-6)
    assert fit.plausibility == pytest.approx(0.6, abs=1e-6)


def test_a_wrong_point_is_implausible():
    shape = NEW[0].copy()
    shape[7] += 0.6 * np.ptp(shape, axis=0)
    assert OVALS.fit(shape).plausibility < 1e-4
    assert OVALS.fit(NEW[0]).plausibility > 0.01
    assert judge_shape(OVALS, shape).unusual
    assert not judge_shape(OVALS, NEW[0]).unusual


def test_a_very_uncertain_point_is_ignored():
    shape = NEW[1]
    covariances = np.tile(np.eye(2), (20, 1, 1))
    spoilt, absent = shape.copy(), shape.copy()
    spoilt[3] += 300.0
    absent[3] = np.nan
    wide = covariances.copy()
    wide[3] *= 1e12
    fit = OVALS.fit(spoilt, covariances=wide)
    np.testing.assert_allclose(fit.points, OVALS.fit(shape, covariances=wide).points, atol=1e-3)
    np.testing.assert_allclose(fit.points, OVALS.fit(absent).points, atol=0.5)
    assert not fit.filled.any()
    assert fit.plausibility > 0.01


def test_a_point_may_move_along_its_uncertain_direction_only():
    model = build_shape_model(outlines(20), variance=0.5)
    shape = Similarity(50.0, 0.3, np.zeros(2))(model.mean)
    moved = shape.copy()
    moved[4] += (30.0, 0.0)
    along, across = np.diag([1e6, 1.0]), np.diag([1.0, 1e6])
    errors = []
    for covariance in (along, across):
        covariances = np.tile(np.eye(2), (20, 1, 1))
        covariances[4] = covariance
        found = model.fit(moved, covariances=covariances).points
        errors.append(np.abs(found - shape).max())
    assert errors[0] < 1e-3
    assert errors[1] > 1.0


def test_equal_weights_and_round_covariances_change_nothing():
    for shape in NEW[:3]:
        plain = OVALS.fit(shape)
        even = OVALS.fit(shape, np.full(20, 7.0))
        np.testing.assert_allclose(even.points, plain.points, atol=1e-7)
        round_ = OVALS.fit(shape, covariances=np.tile(3.0 * np.eye(2), (20, 1, 1)))
        np.testing.assert_allclose(round_.points, plain.points, atol=1e-7)
        assert round_.plausibility == pytest.approx(plain.plausibility, abs=1e-9)


def test_absent_points_are_filled_by_the_model():
    gone = [2, 3, 11]
    mean_error, model_error = [], []
    for shape in NEW:
        cut = shape.copy()
        cut[gone] = np.nan
        fit = OVALS.fit(cut)
        assert np.flatnonzero(fit.filled).tolist() == gone
        model_error.append(np.linalg.norm((fit.points - shape)[gone], axis=1).mean())
        mean = fit_similarity(OVALS.mean, cut)(OVALS.mean)
        mean_error.append(np.linalg.norm((mean - shape)[gone], axis=1).mean())
    assert np.mean(model_error) < 0.4 * np.mean(mean_error)


def test_two_points_are_filled_by_the_mean():
    cut = np.full((20, 2), np.nan)
    cut[[0, 10]] = NEW[0][[0, 10]]
    fit = OVALS.fit(cut)
    np.testing.assert_allclose(fit.b, 0.0, atol=1e-6)
    np.testing.assert_allclose(fit.points[[0, 10]], cut[[0, 10]], atol=1e-5)


def test_shapes_with_absent_points_build_nearly_the_same_model():
    shapes = outlines(20)
    rng = np.random.default_rng(8)
    cut = [shape.copy() for shape in shapes]
    for shape in cut[::5]:
        shape[rng.permutation(20)[:3]] = np.nan
    whole, filled = build_shape_model(shapes), build_shape_model(cut)
    np.testing.assert_allclose(filled.mean, whole.mean, atol=0.01)
    np.testing.assert_allclose(filled.variances[:2], whole.variances[:2], rtol=0.05)


def test_few_and_identical_shapes():
    two = build_shape_model(outlines(2))
    assert len(two.modes) == 1
    for shape in outlines(2):
        np.testing.assert_allclose(two.fit(shape).points, shape, atol=1e-4)
    same = build_shape_model([NEW[0], Similarity(2.0, 0.5, np.ones(2))(NEW[0])])
    assert len(same.modes) == 0
    fit = same.fit(NEW[0])
    np.testing.assert_allclose(fit.points, NEW[0], atol=1e-6)
    assert fit.plausibility == 1.0
    assert same.fit(NEW[1]).plausibility < 1e-9


def test_what_makes_no_model_is_refused_in_one_sentence():
    square = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])
    absent = square.copy()
    absent[1] = np.nan
    one = np.full((4, 2), np.nan)
    one[0] = 1.0
    for shapes, words in (
        ([square], "two or more shapes, got 1"),
        ([square, np.ones((4, 2))], "shape 1 has points that all coincide"),
        ([square, square[:3]], "shape 1 is"),
        ([absent, absent], "point 1 is absent in every shape"),
        ([square, one], "shape 1 has 1 points"),
        ([square, np.full((4, 2), np.inf)], "infinite"),
    ):
        with pytest.raises(GeometryError, match=words):
            build_shape_model(shapes)
    with pytest.raises(GeometryError, match="share of variance"):
        build_shape_model([square, 2.0 * square], variance=0.0)


def test_what_cannot_be_fitted_is_refused_in_one_sentence():
    shape, few = NEW[0], np.full((20, 2), np.nan)
    few[3] = 1.0
    for refused, words in (
        (lambda: OVALS.fit(shape[:5]), "20 points"),
        (lambda: OVALS.fit(few), "two common points"),
        (lambda: OVALS.fit(np.ones((20, 2))), "coincide"),
        (lambda: OVALS.fit(np.full((20, 2), np.inf)), "finite"),
        (lambda: OVALS.fit(shape, np.full(20, -1.0)), "not negative"),
        (lambda: OVALS.fit(shape, np.ones(3)), "as many weights"),
        (lambda: OVALS.fit(shape, covariances=np.zeros((20, 2, 2))), "positive variance"),
        (lambda: OVALS.fit(shape, covariances=np.zeros((3, 2, 2))), "as many covariances"),
        (lambda: OVALS.shape(np.zeros(9)), "4 modes"),
        (lambda: Ellipsoid(1.0), "between 0 and 1"),
        (lambda: Box(0.0), "positive"),
        (lambda: Similarity(0.0, 0.0, np.zeros(2)), "positive scale"),
        (lambda: ScaledChiSquare(0.0, 1.0), "positive"),
        (lambda: replace(OVALS, modes=2.0 * OVALS.modes), "orthonormal"),
        (lambda: replace(OVALS, variances=OVALS.variances[::-1]), "largest first"),
        (lambda: replace(OVALS, mean=OVALS.mean + 1.0), "centroid"),
    ):
        with pytest.raises(GeometryError, match=words):
            refused()


def test_a_side_and_its_mirror_image_are_alike():
    left, right = NEW[0], NEW[1]
    same = compare_sides(left, Similarity(3.0, 1.0, np.ones(2))(mirrored_shape(left)))
    np.testing.assert_allclose(same.distance, 0.0, atol=1e-9)
    assert same.size_ratio == pytest.approx(1.0 / 3.0)
    ahead, back = compare_sides(left, right, model=OVALS), compare_sides(right, left)
    # The same distances, as a share of either side's size.
    np.testing.assert_allclose(back.distance, ahead.distance / ahead.size_ratio)
    assert ahead.rms == pytest.approx(np.sqrt((ahead.distance**2).mean()))
    np.testing.assert_allclose(ahead.percent_of(50.0), 2.0 * ahead.distance)
    expected = OVALS.scores(left) - OVALS.scores(mirrored_shape(right))
    np.testing.assert_allclose(ahead.score_difference, expected)


def test_an_absent_point_of_one_side_is_not_compared():
    left = NEW[0].copy()
    left[4] = np.nan
    difference = compare_sides(left, mirrored_shape(NEW[0]))
    assert np.flatnonzero(np.isnan(difference.distance)).tolist() == [4]
    assert difference.rms == pytest.approx(0.0, abs=1e-9)


def test_a_mirrored_shape_is_found():
    rng = np.random.default_rng(2)
    hook = np.array([[0.0, 0.0], [0.0, 3.0], [0.0, 6.0], [2.0, 7.0], [4.0, 6.0], [4.0, 4.5]])
    model = build_shape_model([hook + 0.15 * rng.normal(size=hook.shape) for _ in range(20)])
    new = hook + 0.15 * rng.normal(size=hook.shape)
    assert not judge_shape(model, new).unusual
    judged = judge_shape(model, mirrored_shape(new) + 20.0)
    assert judged.unusual
    assert judged.mirrored
    assert "mirror image fits" in judged.sentence
    other = judge_shape(model, new[[0, 3, 1, 5, 2, 4]])
    assert other.unusual
    assert not other.mirrored


def test_modes_are_drawn_to_both_sides():
    modes = mode_shapes(OVALS, most=2)
    assert [mode.number for mode in modes] == [1, 2]
    assert modes[0].share > modes[1].share
    low, middle, high = modes[1].shapes
    np.testing.assert_allclose(middle, OVALS.mean)
    np.testing.assert_allclose((low + high) / 2.0, OVALS.mean)
    assert OVALS.scores(high) == pytest.approx([0.0, 2.0, 0.0, 0.0], abs=1e-6)
    with pytest.raises(GeometryError, match="one or more"):
        mode_shapes(OVALS, most=0)


@pytest.mark.parametrize("limit", [Ellipsoid(0.9), Box(2.5)])
def test_a_file_gives_the_model_back(tmp_path, limit):
    model = replace(OVALS, limit=limit)
    write_shape_model(model, tmp_path / "a.npz")
    write_shape_model(model, tmp_path / "b.npz")
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    back = read_shape_model(tmp_path / "a.npz")
    for name in ("mean", "modes", "variances"):
        np.testing.assert_array_equal(getattr(back, name), getattr(model, name))
    assert back.limit == limit
    assert back.score_distance == model.score_distance
    assert back.residual_distance == model.residual_distance
    assert (back.total_variance, back.shapes) == (model.total_variance, model.shapes)


def test_a_cut_or_foreign_file_is_refused_with_its_name(tmp_path):
    whole = tmp_path / "model.npz"
    write_shape_model(OVALS, whole)
    content = whole.read_bytes()
    cut = tmp_path / "cut.npz"
    for share in (0.0, 0.1, 0.5, 0.9, 0.99):
        cut.write_bytes(content[: int(share * len(content))])
        with pytest.raises(FormatError, match=r"cut\.npz: not a whole shape model"):
            read_shape_model(cut)
    np.savez(cut, about=np.array('{"format": "other"}'))
    with pytest.raises(FormatError, match="no array 'mean'"):
        read_shape_model(cut)
    np.savez(cut, about=np.array([{}], dtype=object))
    with pytest.raises(FormatError, match="not a whole"):
        read_shape_model(cut)
    with pytest.raises(FormatError, match="cannot be read"):
        read_shape_model(tmp_path / "none.npz")


def test_parts_that_do_not_fit_are_refused():
    arrays, about = taken_apart(OVALS)
    for changed, words in (
        ({"version": 2}, "version"),
        ({"limit": {"kind": "ellipsoid", "value": 2.0}}, "between 0 and 1"),
        ({"total_variance": 0.0}, "total variance"),
        ({"surprise": 1}, "surprise"),
    ):
        with pytest.raises(FormatError, match=words):
            put_together(arrays, {**about, **changed}, path=Path("model.npz"))
    small = {**arrays, "mean": arrays["mean"].astype(np.float32)}
    with pytest.raises(FormatError, match="64-bit"):
        put_together(small, about, path=Path("model.npz"))


def test_points_that_coincide_are_refused():
    with pytest.raises(GeometryError, match="coincide"):
        fit_similarity(np.ones((3, 2)), np.eye(3, 2))
    turns = np.exp(2j * np.pi * np.arange(3) / 3)
    ways = np.stack([turns.real, turns.imag], axis=1)
    with pytest.raises(GeometryError, match="every turn"):
        fit_similarity(ways, ways * (1.0, -1.0))


def test_modes_as_a_picture_name_their_share_and_need_nothing_from_outside():
    edges = [(i, (i + 1) % 20) for i in range(20)]
    picture = mode_plot(mode_shapes(OVALS, most=5), edges=edges)
    assert picture.startswith("<svg")
    for k, mode in enumerate(mode_shapes(OVALS, most=5)):
        assert f"mode {k + 1}: {100 * mode.share:.0f} %" in picture
    assert "+2 SD" in picture
    assert "http" not in picture
    assert mode_plot([]) == ""
    assert mode_plot(mode_shapes(OVALS, most=1)) == mode_plot(mode_shapes(OVALS, most=1))
