"""Calibration of uncertainty: it holds on new subjects, whatever the localiser states."""

import json
from dataclasses import replace

import numpy as np
import pytest

from palpate.conformal.quantile import holds
from palpate.correlation import Correlation
from palpate.errors import FormatError, StudyError
from palpate.evaluation.bootstrap import Resampling
from palpate.evaluation.reliability import reliability
from palpate.image import Calibration
from palpate.io.predictions import PredictedImage
from palpate.points import Points
from palpate.prediction import Prediction
from palpate.protocols.protocol import read_protocol
from palpate.scheme import LandmarkScheme
from palpate.trust.calibration import UncertaintyCalibration
from palpate.trust.correlated import learnt_correlation, whitened_errors
from palpate.trust.held_out import HeldOut
from palpate.trust.measured import with_measurements
from palpate.trust.store import (
    calibration_from_plain,
    calibration_to_plain,
    read_calibration,
    write_calibration,
)

SCHEME = LandmarkScheme("three", ("a", "b", "c"))
PLACES = np.array([[10.0, 10.0], [90.0, 20.0], [50.0, 80.0]])


def drawn(
    rng: np.random.Generator,
    subjects: int,
    *,
    images: int = 1,
    stated: float = 1.0,
    shift: float = 0.0,
    spacing: float = 0.5,
) -> list[HeldOut]:
    """Films whose landmarks are off by noise of deviation 2, and all alike by a common shift."""
    found = []
    for subject in range(subjects):
        for image in range(images):
            off = rng.normal(scale=2.0, size=(3, 2)) + shift * rng.normal(size=2)
            variance = stated * (4.0 + shift**2)
            prediction = Prediction(
                SCHEME, PLACES + off, np.tile(variance * np.eye(2), (3, 1, 1)), np.ones(3), "me"
            )
            predicted = PredictedImage(
                f"{subject}-{image}.png",
                prediction,
                (100, 100),
                f"s{subject}",
                calibration=Calibration((spacing, spacing), "user", "patient", ""),
            )
            found.append(HeldOut(f"s{subject}", predicted, Points.of(SCHEME, PLACES)))
    return found


def calibrated(held_out: list[HeldOut]) -> UncertaintyCalibration:
    return UncertaintyCalibration.of(held_out, source="a test", how="split")


def squared(prediction: Prediction) -> np.ndarray:
    offset = PLACES - prediction.mean
    return np.einsum("kd,kde,ke->k", offset, np.linalg.inv(prediction.covariance), offset)


def test_honest_covariances_stay_and_wrong_ones_are_mended():
    honest = calibrated(drawn(np.random.default_rng(0), 400))
    np.testing.assert_allclose(honest.factors, 1.0, atol=0.25)
    shy = calibrated(drawn(np.random.default_rng(0), 400, stated=9.0))
    np.testing.assert_allclose(9.0 * shy.factors, honest.factors, rtol=1e-9)
    one = drawn(np.random.default_rng(1), 1)[0].predicted.prediction
    other = drawn(np.random.default_rng(1), 1, stated=9.0)[0].predicted.prediction
    np.testing.assert_allclose(
        honest.applied(one).covariance, shy.applied(other).covariance, rtol=1e-9
    )
    assert honest.applied(one).basis == "conformal"


def test_regions_hold_their_level_on_new_subjects():
    rng = np.random.default_rng(2)
    inside: dict[float, list[float]] = {level: [] for level in (0.5, 0.8, 0.9, 0.95)}
    for _ in range(60):
        calibration = calibrated(drawn(rng, 40, stated=0.1))
        radii = {level: calibration.region_radius(level) for level in inside}
        for new in drawn(rng, 20, stated=0.1):
            distance = squared(calibration.applied(new.predicted.prediction))
            attained = calibration.attained(distance)
            for level, radius in radii.items():
                hit = distance <= radius * (1 + 1e-9)
                np.testing.assert_array_equal(hit, holds(attained, level))
                inside[level].append(float(hit.mean()))
    for level, shares in inside.items():
        assert abs(np.mean(shares) - level) < 0.03


def test_regions_that_nobody_calibrated_do_not_hold():
    rng = np.random.default_rng(2)
    stated = [squared(each.predicted.prediction) for each in drawn(rng, 300, stated=0.1)]
    assert (np.concatenate(stated) <= 4.61).mean() < 0.4  # 90 % were promised


def test_too_few_subjects_are_refused_with_the_number_needed():
    with pytest.raises(StudyError, match=r"8 held-out subjects .* needs 9"):
        calibrated(drawn(np.random.default_rng(0), 8, images=5))
    nine = calibrated(drawn(np.random.default_rng(0), 9))
    assert np.isfinite(nine.region_radius(0.9)).all()
    assert np.isnan(nine.region_radius(0.95)).all()


def test_errors_that_go_together_are_known_to():
    together = calibrated(drawn(np.random.default_rng(3), 200, shift=6.0))
    apart = calibrated(drawn(np.random.default_rng(3), 200))
    assert together.correlation.matrix[0, 2] == pytest.approx(36.0 / 40.0, abs=0.08)
    assert abs(apart.correlation.matrix[0, 2]) < 0.08
    # What all share moves no difference of two landmarks.
    prediction = together.applied(
        drawn(np.random.default_rng(4), 1, shift=6.0)[0].predicted.prediction
    )
    joint = prediction.joint([0, 1])
    difference = joint[:2, :2] + joint[2:, 2:] - joint[:2, 2:] - joint[2:, :2]
    assert np.trace(difference) / 2 < 0.35 * 2 * np.trace(joint[:2, :2]) / 2


def test_one_lost_film_makes_nothing_look_correlated():
    rng = np.random.default_rng(5)
    errors = rng.normal(size=(60, 4, 2))
    errors[7] += 500.0
    covariances = np.tile(np.eye(2), (60, 4, 1, 1))
    found = learnt_correlation(whitened_errors(errors, covariances), np.arange(60))
    off = found.matrix[~np.kron(np.eye(4), np.ones((2, 2))).astype(bool)]
    assert np.abs(off).max() < 0.2


def test_few_subjects_teach_no_correlation_however_many_films_they_have():
    assert calibrated(drawn(np.random.default_rng(0), 19)).correlation is None
    assert calibrated(drawn(np.random.default_rng(0), 19, images=4)).correlation is None


def test_more_copies_of_each_film_teach_nothing_more():
    rng = np.random.default_rng(10)
    once = drawn(rng, 25, shift=1.0)
    again = [each for each in once for _ in range(8)]
    few, many = calibrated(once), calibrated(again)
    np.testing.assert_allclose(many.factors, few.factors, rtol=1e-9)
    np.testing.assert_allclose(many.correlation.matrix, few.correlation.matrix, atol=1e-9)


def test_one_subject_with_many_films_has_no_more_say_in_a_factor():
    rng = np.random.default_rng(11)
    held_out = drawn(rng, 12)
    lost = held_out[0].truth.coordinates + np.array([[500.0, 0.0], [0.0, 0.0], [0.0, 0.0]])
    odd = replace(held_out[0], truth=Points.of(SCHEME, lost))
    once = calibrated([odd, *held_out[1:]])
    often = calibrated([odd] * 300 + held_out[1:])
    np.testing.assert_allclose(often.factors, once.factors, rtol=1e-9)


def test_a_landmark_that_nobody_marked_gets_the_factor_of_all():
    held_out = []
    for each in drawn(np.random.default_rng(6), 30, stated=0.25):
        gone = np.where(np.arange(3)[:, None] == 1, np.nan, PLACES)
        held_out.append(replace(each, truth=Points.of(SCHEME, gone)))
    calibration = calibrated(held_out)
    assert np.isfinite(calibration.factors).all()
    assert np.isnan(calibration.region_radius(0.9)[1])
    assert calibration.correlation is None


def test_a_localiser_without_uncertainty_cannot_be_calibrated():
    held_out = [
        replace(
            each,
            predicted=replace(
                each.predicted,
                prediction=replace(each.predicted.prediction, covariance=np.zeros((3, 2, 2))),
            ),
        )
        for each in drawn(np.random.default_rng(0), 12)
    ]
    with pytest.raises(StudyError, match="nothing to calibrate"):
        calibrated(held_out)


PROTOCOL = """
name = "sides"
version = "1"
title = "t"
source = "s"
[scheme]
landmarks = ["a", "b", "c"]
[[quantity]]
name = "ab"
unit = "mm"
meaning = "m"
sign = "unsigned"
source = "s"
[quantity.formula]
kind = "distance"
start = "a"
end = "b"
[quantity.example]
points = { a = [0.0, 0.0], b = [3.0, 4.0] }
spacing_mm = [1.0, 1.0]
value = 5.0
because = "3, 4, 5"
"""


@pytest.fixture
def protocol(tmp_path):
    path = tmp_path / "sides.toml"
    path.write_text(PROTOCOL, encoding="utf-8")
    return read_protocol(str(path))


def test_measurements_are_calibrated_on_themselves(protocol):
    rng = np.random.default_rng(7)
    held_out = drawn(rng, 60, shift=5.0)
    calibration = with_measurements(calibrated(held_out), held_out, protocol)
    scores = calibration.scores_of(protocol)["ab"]
    assert scores.unit == "mm"
    assert scores.subjects == 60
    truth = 0.5 * float(np.linalg.norm(PLACES[1] - PLACES[0]))
    first = held_out[0].predicted.prediction.mean
    assert scores.residual[0] == pytest.approx(truth - 0.5 * np.linalg.norm(first[1] - first[0]))
    # The shift that all share does not count: 2 px on either point, half a millimetre a px.
    assert np.median(scores.above) == pytest.approx(0.5 * 2.0 * np.sqrt(2.0), rel=0.35)
    assert scores.flipped().residual[0] == -scores.residual[0]


def test_a_protocol_that_computes_otherwise_has_no_held_out_errors(protocol, tmp_path):
    held_out = drawn(np.random.default_rng(7), 20)
    calibration = with_measurements(calibrated(held_out), held_out, protocol)
    text = PROTOCOL.replace('end = "b"', 'end = "c"').replace("b = [3.0", "c = [3.0")
    (tmp_path / "copy.toml").write_text(text, encoding="utf-8")
    copy = read_protocol(str(tmp_path / "copy.toml"))
    assert copy.label == protocol.label
    assert set(calibration.scores_of(protocol)) == {"ab"}
    assert calibration.scores_of(copy) == {}


def test_a_calibration_is_kept_whole(tmp_path, protocol):
    held_out = drawn(np.random.default_rng(8), 30, images=2, shift=3.0)
    before = with_measurements(calibrated(held_out), held_out, protocol)
    before = replace(before, weights="abc", familiar={"any": [1.0]})
    path = tmp_path / "run" / "calibration.json"
    write_calibration(before, path)
    after = read_calibration(path)
    assert after.subjects == before.subjects
    assert after.weights == "abc"
    assert after.familiar == {"any": [1.0]}
    np.testing.assert_array_equal(after.factors, before.factors)
    np.testing.assert_array_equal(after.owners, before.owners)
    np.testing.assert_allclose(after.distance, before.distance, rtol=1e-6)
    np.testing.assert_array_equal(after.correlation.matrix, before.correlation.matrix)
    scores = after.scores_of(protocol)["ab"]
    np.testing.assert_array_equal(scores.residual, before.scores_of(protocol)["ab"].residual)


def test_what_travels_with_predictions_names_no_subject():
    plain = calibration_to_plain(calibrated(drawn(np.random.default_rng(9), 20)))
    assert plain["subjects"] == []
    assert "s3" not in json.dumps(plain)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"version": 7}, "version"),
        ({"factors": [1.0]}, "factors"),
        ({"factors": [1.0, -1.0, 1.0]}, "positive number"),
        ({"factors": [1.0, 0.0, 1.0]}, "positive number"),
        ({"distance": [[1.0, 2.0, 3.0]]}, "expected 20 rows"),
        ({"correlation": [[1.0, 0.0], [0.0, 1.0]]}, "other landmarks"),
        ({"owners": "many"}, "owners"),
    ],
)
def test_a_damaged_calibration_is_refused_in_words(tmp_path, change, message):
    plain = calibration_to_plain(calibrated(drawn(np.random.default_rng(9), 20)))
    with pytest.raises(FormatError, match=message):
        calibration_from_plain({**plain, **change}, where=tmp_path / "calibration.json")
    path = tmp_path / "cut.json"
    path.write_text(json.dumps(plain)[:100], encoding="utf-8")
    with pytest.raises(FormatError, match="no JSON"):
        read_calibration(path)


def test_a_prediction_of_other_landmarks_is_refused():
    other = Prediction(
        LandmarkScheme("two", ("a", "b")), PLACES[:2], np.zeros((2, 2, 2)), np.ones(2), "me"
    )
    with pytest.raises(StudyError, match="other landmarks"):
        calibrated(drawn(np.random.default_rng(0), 20)).applied(other)


def test_its_own_correlation_wins_over_that_of_the_image():
    calibration = calibrated(drawn(np.random.default_rng(3), 60, shift=6.0))
    prediction = drawn(np.random.default_rng(4), 1)[0].predicted.prediction
    mine = replace(prediction, correlation=Correlation(np.eye(6)))
    assert calibration.applied(mine).correlation is calibration.correlation
    few = calibrated(drawn(np.random.default_rng(3), 12))
    assert few.applied(mine).correlation is mine.correlation


def test_coverage_counts_by_subject_and_leaves_out_what_is_unknown():
    drawn_once = Resampling.draw(("a", "b", "c"), np.random.default_rng(0))
    found = reliability("tip", {"a": [0.2, np.nan], "b": [0.91], "c": [0.4, 0.96]}, drawn_once)
    assert found.count == 4
    assert found.subjects == 3
    assert [each.share for each in found.levels] == [0.5, 0.5, 0.5, 0.75]
    assert all(each.interval is not None for each in found.levels)
    nothing = reliability("none", {"a": [np.nan]}, drawn_once)
    assert nothing.levels == ()
