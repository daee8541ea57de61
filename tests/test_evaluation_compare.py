"""Paired comparison of two methods, and agreement of measurements."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from palpate.errors import ConfigError, GeometryError, StudyError
from palpate.evaluation.cases import EvaluatedCase
from palpate.evaluation.compare import METRICS, paired
from palpate.evaluation.measurements import agreement, icc_2_1, smape
from palpate.image import Calibration
from palpate.measurement import Measurement, Report
from palpate.points import Points
from palpate.prediction import Prediction
from palpate.scheme import LandmarkScheme

SCHEME = LandmarkScheme("line", ("a", "b", "c"))
TRUTH = np.array([[0.0, 0.0], [50.0, 0.0], [100.0, 0.0]])


def cases(shifts, *, missing=(), calibrated=True):
    made = []
    for name, shift in shifts.items():
        found = TRUTH + np.array([shift, 0.0])
        if name in missing:
            found[0] = np.nan
        made.append(
            EvaluatedCase(
                name,
                f"p{name}",
                "",
                Points.of(SCHEME, TRUTH),
                Prediction.exact(Points.of(SCHEME, found), made_by="test"),
                calibration=Calibration((0.5, 0.5), "user") if calibrated else None,
            )
        )
    return made


def rng():
    return np.random.default_rng(0)


def test_a_method_against_itself_differs_by_nothing():
    one = cases({"1": 1.0, "2": 2.0})
    result = paired(one, one, rng=rng())
    assert result.difference == 0
    assert result.interval == (0, 0)
    assert not result.clear


def test_the_difference_is_second_less_first_and_turns_its_sign():
    first, second = cases({"1": 4.0, "2": 6.0}), cases({"1": 1.0, "2": 2.0})
    result = paired(first, second, rng=rng(), metric="error_mm")
    assert (result.first, result.second, result.difference) == (2.5, 0.75, -1.75)
    assert result.interval == (-2.0, -1.5)
    assert result.clear
    assert paired(second, first, rng=rng(), metric="error_mm").difference == 1.75
    assert (result.images, result.subjects, result.landmarks, result.unpaired) == (2, 2, 6, 0)


def test_the_order_of_the_images_has_no_say():
    first, second = cases({"1": 4.0, "2": 6.0, "3": 1.0}), cases({"1": 1.0, "2": 2.0, "3": 3.0})
    assert paired(first, second, rng=rng()) == paired(first[::-1], second, rng=rng())


def test_pairing_removes_what_both_methods_share():
    """A hard and an easy image for both: the difference is the same on each, so it is certain."""
    first, second = cases({"1": 1.0, "2": 90.0}), cases({"1": 2.0, "2": 91.0})
    result = paired(first, second, rng=rng())
    assert result.interval == (1, 1)


def test_a_miss_leaves_the_error_unpaired_and_is_a_failure_of_the_rate():
    first, second = cases({"1": 1.0, "2": 1.0}), cases({"1": 1.0, "2": 1.0}, missing=("2",))
    error = paired(first, second, rng=rng())
    assert (error.landmarks, error.unpaired, error.difference) == (5, 1, 0)
    rate = paired(first, second, rng=rng(), metric="success_2_mm")
    assert rate.unpaired == 0
    assert rate.difference == pytest.approx(-1 / 6)
    assert METRICS["error_px"].lower_is_better
    assert not METRICS["success_2_mm"].lower_is_better


def test_different_images_are_refused_by_name():
    with pytest.raises(StudyError, match="the second method lacks '3'"):
        paired(cases({"1": 1.0, "3": 1.0}), cases({"1": 1.0}), rng=rng())
    with pytest.raises(StudyError, match=r"the first method lacks '0'.* and 2 more"):
        paired(cases({"9": 1.0}), cases({str(k): 1.0 for k in range(7)} | {"9": 1.0}), rng=rng())


def test_another_truth_or_subject_of_an_image_is_refused():
    one = cases({"1": 1.0})
    with pytest.raises(StudyError, match="another truth"):
        paired(one, [replace(one[0], truth=Points.of(SCHEME, TRUTH + 1))], rng=rng())
    with pytest.raises(StudyError, match="of subject 'p1' in the first and of 'x'"):
        paired(one, [replace(one[0], subject="x")], rng=rng())


def test_an_unknown_metric_and_a_missing_calibration_are_refused():
    one = cases({"1": 1.0}, calibrated=False)
    with pytest.raises(ConfigError, match="did you mean 'error_mm'"):
        paired(one, one, rng=rng(), metric="eror_mm")
    with pytest.raises(ConfigError, match="needs every image to be calibrated; use 'error_px'"):
        paired(one, one, rng=rng(), metric="error_mm")


def test_nothing_in_common_is_refused():
    nothing = np.full((3, 2), np.nan)
    empty = replace(
        cases({"1": 1.0})[0],
        prediction=Prediction.exact(Points.of(SCHEME, nothing), made_by="test"),
    )
    with pytest.raises(StudyError, match="no annotated landmark that both"):
        paired([empty], cases({"1": 1.0}), rng=rng())


# --- agreement ---------------------------------------------------------------------------------

JUDGES = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]


def test_icc_gives_the_worked_example_of_shrout_and_fleiss():
    # Table 4 prints .29; the sums of squares of table 2 give 0.2898.
    assert icc_2_1(JUDGES) == pytest.approx(0.2898, abs=5e-5)


def test_icc_of_equal_raters_is_one_and_a_shift_lowers_it():
    values = np.arange(10.0)
    assert icc_2_1(np.stack([values, values], axis=1)) == pytest.approx(1)
    assert icc_2_1(np.stack([values, values + 5], axis=1)) < 0.5


@given(
    factor=st.floats(0.01, 100),
    shift=st.floats(-100, 100),
)
@settings(max_examples=25, deadline=None)
def test_icc_does_not_depend_on_the_unit(factor, shift):
    assert icc_2_1(np.array(JUDGES) * factor + shift) == pytest.approx(icc_2_1(JUDGES), abs=1e-6)


def test_icc_of_nothing_to_tell_apart_is_none():
    assert icc_2_1([[1.0, 2.0]]) is None
    assert icc_2_1([[0.1, 0.1], [0.1, 0.1]]) is None
    with pytest.raises(GeometryError):
        icc_2_1([[1.0, float("nan")], [1.0, 2.0]])


def test_smape_is_a_mean_of_ratios_and_not_a_ratio_of_means():
    a, b = [[30.0, 10.0, 20.0], [5.0, 0.0, 5.0]], [[20.0, 10.0, 30.0], [4.0, 0.0, 6.0]]
    assert smape(a, b) == pytest.approx(100 * (20 / 120 + 2 / 20) / 2)
    assert smape(a, a) == 0
    assert smape([[0.0]], [[0.0]]) == 0
    assert smape(a, b) == smape(b, a)
    assert smape([[5.0]], [[-5.0]]) == 100


@pytest.mark.parametrize(
    ("a", "b"), [([[1.0]], [[1.0, 2.0]]), ([], []), ([[float("nan")]], [[1.0]])]
)
def test_smape_refuses_what_it_cannot_compare(a, b):
    with pytest.raises(GeometryError):
        smape(a, b)


def cobb(image, value=None, *, reason=None, interval=None, subject=None, unit="deg"):
    item = Measurement("Cobb", unit, value=value, reason=reason, interval=interval)
    return Report(subject or f"p{image}", image, (item,))


def test_agreement_of_a_worked_example():
    true = [cobb("1", 10.0), cobb("2", 20.0), cobb("3", 30.0), cobb("4", 40.0)]
    ours = [
        cobb("1", 12.0, interval=(9.0, 15.0)),
        cobb("2", 20.0, interval=(19.0, 21.0)),
        cobb("3", 34.0, interval=(32.0, 36.0)),
        cobb("4", reason="landmark not found: c7"),
    ]
    result = agreement(ours, true, rng=rng()).quantities["Cobb"]
    assert result.n == 3
    assert result.refused == {"landmark not found: c7": 1}
    assert result.total_refused == 1
    assert result.mean_absolute_error == pytest.approx(2)
    assert result.bias == pytest.approx(2)
    assert result.sd == pytest.approx(2)
    assert result.limits == pytest.approx((2 - 3.92, 2 + 3.92))
    assert result.coverage == pytest.approx(200 / 3)
    assert (result.with_interval, result.level) == (3, pytest.approx(90))
    assert result.smape == pytest.approx(100 * (2 / 22 + 0 + 4 / 64) / 3)
    assert result.icc == pytest.approx(icc_2_1([[12, 10], [20, 20], [34, 30]]))
    assert result.bias_interval[0] <= 2 <= result.bias_interval[1]
    assert result.pairs == (("1", 10.0, 12.0), ("2", 20.0, 20.0), ("3", 30.0, 34.0))


def test_nothing_is_dropped_in_silence():
    true = [cobb("1", 10.0), cobb("2", reason="not annotated"), cobb("3", 5.0)]
    ours = [cobb("1", reason="no calibration"), cobb("2", 7.0), cobb("4", 8.0)]
    table = agreement(ours, true)
    row = table.quantities["Cobb"]
    assert row.n == 0
    assert row.mean_absolute_error is None
    assert row.refused == {"no calibration": 1, "no prediction of the image": 1}
    assert row.without_truth == 2
    assert table.only_predicted == ("4",)
    assert table.only_true == ("3",)
    assert json.dumps(table.to_json(), allow_nan=False)


def test_one_image_has_no_spread_and_no_interval():
    row = agreement([cobb("1", 10.0)], [cobb("1", 9.0)], rng=rng()).quantities["Cobb"]
    assert row.mean_absolute_error == 1
    assert row.sd is None
    assert row.limits is None
    assert row.icc is None
    assert row.mae_interval is None


def test_reports_that_cannot_be_paired_are_refused():
    with pytest.raises(StudyError, match="two predicted reports"):
        agreement([cobb("1", 1.0), cobb("1", 1.0)], [cobb("1", 1.0)])
    with pytest.raises(StudyError, match="given in deg and mm"):
        agreement([cobb("1", 1.0, unit="mm")], [cobb("1", 1.0)])
    with pytest.raises(StudyError, match="of subject 'x' where predicted"):
        agreement([cobb("1", 1.0, subject="x")], [cobb("1", 1.0)])
