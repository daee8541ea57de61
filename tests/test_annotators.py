"""Several annotators: what their consensus obeys, which labels are off, training on all of them."""

from collections.abc import Mapping

import numpy as np
import pytest
from jaxtyping import Float
from numpy import ndarray

from palpate.annotators.consensus import Consensus, estimate_consensus
from palpate.annotators.marks import Marks
from palpate.annotators.outliers import outlier_labels
from palpate.errors import StudyError
from palpate.points import ABSENT, OCCLUDED, VISIBLE, Points
from palpate.scheme import LandmarkScheme

NAMES = ("wrist", "thumb", "tip")
SCHEME = LandmarkScheme("hand", NAMES)
Drawn = Float[ndarray, "image landmark d"]


def truth_of(images: int, seed: int = 0) -> Drawn:
    return np.random.default_rng(seed).uniform(0.0, 400.0, (images, len(NAMES), 2))


def drawn(truth: Drawn, sds: Mapping[str, float], seed: int = 1) -> dict[str, Drawn]:
    rng = np.random.default_rng(seed)
    return {who: truth + rng.normal(0.0, sd, truth.shape) for who, sd in sds.items()}


def marks_of(points: Mapping[str, Drawn]) -> Marks:
    count = len(next(iter(points.values())))
    return Marks.of(
        SCHEME,
        {
            f"{i:03}.png": {who: Points.of(SCHEME, values[i]) for who, values in points.items()}
            for i in range(count)
        },
        subjects={f"{i:03}.png": f"s{i // 2}" for i in range(count)},
    )


def consensus_of(points: Mapping[str, Drawn]) -> Consensus:
    return estimate_consensus(marks_of(points))


def error(found: Drawn, truth: Drawn) -> float:
    return float(np.linalg.norm(found - truth, axis=2).mean())


def test_two_annotators_give_their_mean() -> None:
    points = drawn(truth_of(20), {"ann": 1.0, "bob": 4.0})
    points["bob"][3, 1] += 60.0  # which of the two is wrong cannot be told
    points["bob"] += 2.0
    found = consensus_of(points)
    np.testing.assert_allclose(found.mean, (points["ann"] + points["bob"]) / 2, atol=1e-8)
    np.testing.assert_allclose(found.errors.covariance[0], found.errors.covariance[1])
    assert any("not who of them errs more" in note for note in found.notes)


def test_the_spread_of_two_is_that_of_their_difference() -> None:
    points = drawn(truth_of(4000), {"ann": 1.0, "bob": 3.0})
    found = consensus_of(points)
    both = (found.errors.covariance[0] + found.errors.covariance[1]).mean(axis=0)
    np.testing.assert_allclose(both, 10.0 * np.eye(2), atol=0.4)


def test_of_two_far_apart_the_consensus_says_that_it_may_be_at_either() -> None:
    points = drawn(truth_of(40), {"ann": 1.0, "bob": 1.0})
    points["bob"][3, 1] = points["ann"][3, 1] + (60.0, 0.0)
    found = consensus_of(points)
    sd = np.sqrt(np.diagonal(found.covariance[3, 1]))
    assert 25.0 < sd[0] < 35.0
    assert sd[1] < 3.0
    assert found.any_wild[3, 1] > 0.99


def test_the_order_of_annotators_has_no_say() -> None:
    points = drawn(truth_of(15), {"ann": 1.0, "bob": 2.0, "cy": 3.0})
    turned = {who: points[who] for who in ("cy", "ann", "bob")}
    renamed = {"x": points["cy"], "y": points["bob"], "z": points["ann"]}
    first = consensus_of(points)
    np.testing.assert_array_equal(consensus_of(turned).mean, first.mean)
    other = consensus_of(renamed)
    np.testing.assert_allclose(other.mean, first.mean, atol=1e-6)
    np.testing.assert_allclose(other.weights[::-1], first.weights, atol=1e-6)


def test_the_consensus_moves_with_the_points() -> None:
    points = drawn(truth_of(15), {"ann": 1.0, "bob": 2.0, "cy": 3.0})
    points["cy"][4, 0] += 80.0
    matrix, shift = np.array([[2.0, 0.7], [-0.3, 0.5]]), np.array([100.0, -7.0])
    moved = consensus_of({who: values @ matrix.T + shift for who, values in points.items()})
    still = consensus_of(points)
    np.testing.assert_allclose(moved.mean, still.mean @ matrix.T + shift, atol=1e-4)
    np.testing.assert_allclose(
        moved.covariance, matrix @ still.covariance @ matrix.T, rtol=1e-3, atol=1e-4
    )
    np.testing.assert_allclose(moved.errors.bias, still.errors.bias @ matrix.T, atol=1e-3)
    np.testing.assert_allclose(moved.wild, still.wild, atol=1e-4)


def test_annotators_who_mark_the_same_spots_give_those() -> None:
    truth = truth_of(6)
    found = consensus_of({"ann": truth, "bob": truth, "cy": truth})
    np.testing.assert_allclose(found.mean, truth, atol=1e-6)
    assert np.isfinite(found.errors.covariance).all()
    assert not outlier_labels(found)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_whoever_scatters_more_weighs_less_and_the_truth_is_nearer(seed: int) -> None:
    truth = truth_of(60, seed)
    points = drawn(truth, {"ann": 1.0, "bob": 1.0, "cy": 5.0}, seed)
    found = consensus_of(points)
    plain = np.mean([*points.values()], axis=0)
    assert found.weights[2].max() < 0.15
    assert found.weights[:2].min() > 0.35
    assert error(found.mean, truth) < 0.6 * error(plain, truth)
    own = np.sqrt(np.trace(found.errors.covariance, axis1=2, axis2=3) / 2).mean(axis=1)
    np.testing.assert_allclose(own, [1.0, 1.0, 5.0], rtol=0.25)


def test_the_covariance_of_the_consensus_is_that_of_its_errors() -> None:
    truth = truth_of(300)
    sds = {"ann": 1.0, "bob": 1.5, "cy": 2.0, "di": 3.0}
    found = consensus_of(drawn(truth, sds))
    off = found.mean - truth
    squared = np.einsum("nku,nkuv,nkv->nk", off, np.linalg.inv(found.covariance), off)
    assert 1.8 < squared.mean() < 2.2


def test_a_bias_is_found_up_to_what_all_share() -> None:
    points = drawn(truth_of(80), {"ann": 1.0, "bob": 1.0, "cy": 1.0})
    given = {"ann": (3.0, 0.0), "bob": (0.0, 0.0), "cy": (0.0, -6.0)}
    for who, bias in given.items():
        points[who] = points[who] + np.array(bias)
    found = consensus_of(points)
    wanted = np.array([*given.values()]) - np.mean([*given.values()], axis=0)
    np.testing.assert_allclose(
        found.errors.bias, np.repeat(wanted[:, None], len(NAMES), axis=1), atol=0.45
    )
    np.testing.assert_allclose(found.errors.bias.sum(axis=0), 0.0, atol=1e-9)


def test_a_wild_point_hardly_moves_the_consensus_and_is_named() -> None:
    truth = truth_of(30)
    points = drawn(truth, {"ann": 1.0, "bob": 1.0, "cy": 1.0})
    points["bob"][7, 2] += (40.0, 0.0)
    found = consensus_of(points)
    assert np.linalg.norm(found.mean[7, 2] - truth[7, 2]) < 2.5
    (worst, *rest) = outlier_labels(found)
    assert (worst.annotators, worst.image, worst.landmark) == (("bob",), "007.png", "tip")
    assert worst.subject == "s3"
    assert worst.probability > 0.99
    assert 36.0 < worst.distance_px < 44.0
    assert "annotator bob, image 007.png: tip lies" in worst.sentence
    assert len(rest) <= 2


def test_of_two_annotators_a_wild_point_is_laid_to_neither() -> None:
    points = drawn(truth_of(30), {"ann": 1.0, "bob": 1.0})
    points["bob"][7, 2] += (40.0, 0.0)
    (worst, *_) = outlier_labels(consensus_of(points))
    assert (worst.annotators, worst.image) == (("ann", "bob"), "007.png")
    assert "two cannot tell whose is wrong" in worst.sentence


def test_annotators_may_have_marked_only_a_part() -> None:
    truth = truth_of(60)
    points = drawn(truth, {"ann": 1.0, "bob": 1.0, "cy": 5.0, "di": 2.0})
    points["ann"][:20] = np.nan
    points["bob"][20:40, 1] = np.nan
    points["cy"][40:] = np.nan
    points["di"][:, 2] = np.nan
    found = consensus_of(points)
    assert np.isfinite(found.mean).all()
    together = np.nanmean([*points.values()], axis=0)
    assert error(found.mean, truth) < 0.8 * error(together, truth)
    assert found.images[:, 2].tolist() == [40, 60, 40, 0]
    assert any("annotator di" in note or "di marked" in note for note in found.notes) is False


def test_a_landmark_that_nobody_marked_stays_absent() -> None:
    points = drawn(truth_of(8), {"ann": 1.0, "bob": 1.0, "cy": 1.0})
    for values in points.values():
        values[:, 1] = np.nan
        values[2] = np.nan
    found = consensus_of(points)
    assert found.points("000.png").visibility.tolist() == [VISIBLE, ABSENT, VISIBLE]
    assert not found.points("002.png").present.any()
    assert np.isfinite(found.errors.covariance).all()
    assert any(note.startswith("thumb: marked by nobody") for note in found.notes)


def test_a_landmark_that_one_alone_marked_is_taken_as_it_is() -> None:
    points = drawn(truth_of(8), {"ann": 1.0, "bob": 1.0, "cy": 1.0})
    points["ann"][:, 1] = points["bob"][:, 1] = np.nan
    found = consensus_of(points)
    np.testing.assert_allclose(found.mean[:, 1], points["cy"][:, 1], atol=1e-9)
    assert any("annotator cy marked thumb in no image where another did" in n for n in found.notes)


def test_a_landmark_is_seen_where_one_saw_it() -> None:
    truth = truth_of(3)
    hidden = np.array([OCCLUDED, OCCLUDED, VISIBLE])
    images = {
        str(i): {
            "ann": Points(SCHEME, at, hidden),
            "bob": Points(SCHEME, at + 1.0, np.array([OCCLUDED, VISIBLE, VISIBLE])),
        }
        for i, at in enumerate(truth)
    }
    found = estimate_consensus(Marks.of(SCHEME, images))
    assert found.all_points()["0"].visibility.tolist() == [OCCLUDED, VISIBLE, VISIBLE]


def test_one_annotator_is_refused() -> None:
    with pytest.raises(StudyError, match="two annotators or more, and there is only one, 'ann'"):
        marks_of({"ann": truth_of(3)})


def test_annotators_without_a_common_image_are_refused() -> None:
    points = {"ann": truth_of(4), "bob": truth_of(4)}
    points["ann"][:2], points["bob"][2:] = np.nan, np.nan
    with pytest.raises(StudyError, match="no landmark of any image in common"):
        marks_of(points)
