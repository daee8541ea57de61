"""Conformal quantiles: what they promise of new subjects, and what they refuse."""

import numpy as np
import pytest

from palpate.conformal.measurement_scores import MeasurementScores
from palpate.conformal.quantile import conformal_quantile, subject_weights, subjects_needed
from palpate.errors import GeometryError


@pytest.mark.parametrize("level", [0.5, 0.68, 0.8, 0.9, 0.95, 0.99])
def test_exactly_the_subjects_needed_give_a_bound(level):
    n = subjects_needed(level)
    scores = np.arange(float(n))
    assert conformal_quantile(scores, subject_weights(np.arange(n)), level) is not None
    if n > 1:
        assert conformal_quantile(scores[1:], subject_weights(np.arange(n - 1)), level) is None


def test_it_is_the_order_statistic_of_split_conformal_prediction():
    scores = np.random.default_rng(0).normal(size=37)
    rank = int(np.ceil(38 * 0.9))
    found = conformal_quantile(scores, subject_weights(np.arange(37)), 0.9)
    assert found == np.sort(scores)[rank - 1]


def test_copies_of_a_subjects_image_change_nothing():
    rng = np.random.default_rng(1)
    scores, owners = rng.normal(size=20), np.arange(20)
    again = np.concatenate([scores, np.repeat(scores[3], 50)])
    whose = np.concatenate([owners, np.repeat(3, 50)])
    for level in (0.3, 0.5, 0.8, 0.95):
        assert conformal_quantile(again, subject_weights(whose), level) == conformal_quantile(
            scores, subject_weights(owners), level
        )


@pytest.mark.parametrize("level", [0.5, 0.8, 0.9, 0.95])
def test_a_new_subject_is_covered_as_promised(level):
    """Heavy tails, subjects that differ, one to four images of each: coverage is by subject."""
    rng = np.random.default_rng(2)
    covered = []
    for _ in range(1500):
        images = rng.integers(1, 5, size=26)
        owners = np.repeat(np.arange(26), images)
        scores = np.abs(rng.standard_t(2, size=len(owners)) + 3.0 * rng.normal(size=26)[owners])
        new = owners == 25
        bound = conformal_quantile(scores[~new], subject_weights(owners[~new]), level)
        covered.append(float((scores[new] <= bound).mean()))
    # A standard error of the mean is at most 1.3 %; the bound is never far above its promise.
    assert level - 0.03 < np.mean(covered) < level + 0.04 + 0.03


def scores_of(residual: np.ndarray, width: np.ndarray) -> MeasurementScores:
    return MeasurementScores("deg", residual, width, width, np.arange(len(residual)))


def test_intervals_follow_the_stated_uncertainty_and_the_unit():
    rng = np.random.default_rng(3)
    width = rng.uniform(0.5, 2.0, 60)
    held = scores_of(width * rng.normal(size=60), width)
    narrow, wide = held.interval(0.0, 0.5, 0.5, 0.9), held.interval(0.0, 2.0, 2.0, 0.9)
    assert wide[1] > narrow[1] > 0
    tenfold = scores_of(10 * held.residual, 10 * width)
    np.testing.assert_allclose(tenfold.interval(0.0, 5.0, 5.0, 0.9), 10 * np.array(narrow))


def test_chances_grow_with_the_limit_and_never_reach_certainty():
    rng = np.random.default_rng(4)
    held = scores_of(rng.normal(size=40), np.ones(40))
    chances = [held.probability_below(1.0, 1.0, 1.0, limit) for limit in np.linspace(-50, 50, 41)]
    assert (np.diff(chances) >= 0).all()
    assert 0 < chances[0] < 0.02
    assert 0.98 < chances[-1] < 1
    assert abs(held.probability_below(1.0, 1.0, 1.0, 1.0) - 0.5) < 0.15


def test_a_constant_measurement_has_no_width_but_keeps_its_errors():
    held = scores_of(np.linspace(-1.0, 1.0, 19), np.zeros(19))
    assert held.interval(5.0, 0.0, 0.0, 0.9) == (4.0, 6.0)
    exact = scores_of(np.zeros(19), np.zeros(19))
    assert exact.interval(5.0, 0.0, 0.0, 0.9) == (5.0, 5.0)


def test_too_few_subjects_say_nothing():
    held = scores_of(np.zeros(8), np.ones(8))
    assert held.interval(0.0, 1.0, 1.0, 0.9) is None
    assert held.probability_below(0.0, 1.0, 1.0, 0.0) is None
    nobody = scores_of(np.zeros(0), np.zeros(0))
    assert nobody.interval(0.0, 1.0, 1.0, 0.5) is None


def test_what_is_no_score_is_refused():
    with pytest.raises(GeometryError, match="finite"):
        scores_of(np.array([np.nan]), np.ones(1))
    with pytest.raises(GeometryError, match="negative"):
        scores_of(np.zeros(1), -np.ones(1))
    with pytest.raises(GeometryError, match="between 0 and 1"):
        subjects_needed(1.0)
