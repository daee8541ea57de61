"""Shape models: laws of pose and modes, limits, absent points, sides, the file."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from palpate.errors import GeometryError
from palpate.shape.build import build_shape_model
from palpate.shape.similarity import Similarity, fit_similarity

settings.register_profile("steady", deadline=None, derandomize=True, max_examples=40)
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


@given(scores, poses)
def test_a_shape_of_the_model_comes_back(b, pose):
    b = b * np.sqrt(OVALS.variances)
    fit = OVALS.fit(pose(OVALS.shape(b)))
    np.testing.assert_allclose(fit.b, b, atol=1e-7)
    np.testing.assert_allclose(fit.pose.scale, pose.scale, rtol=1e-7)


def test_the_mean_has_scores_of_zero_and_is_plausible():
    fit = OVALS.fit(OVALS.mean)
    np.testing.assert_allclose(fit.b, 0.0, atol=1e-10)
    assert fit.plausibility == 1.0


def test_points_that_coincide_are_refused():
    with pytest.raises(GeometryError, match="coincide"):
        fit_similarity(np.ones((3, 2)), np.eye(3, 2))
    with pytest.raises(GeometryError, match="two or more"):
        build_shape_model([np.eye(3, 2)])
