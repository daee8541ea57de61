"""Laws, worked examples and bad input of the evaluation."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from palpate.affine import Affine
from palpate.errors import GeometryError, SchemeError, StudyError
from palpate.evaluation.bootstrap import Resampling
from palpate.evaluation.cases import EvaluatedCase
from palpate.evaluation.evaluate import Evaluation, evaluate
from palpate.evaluation.figures import Thresholds
from palpate.evaluation.normalised import area_under_curve, cumulative
from palpate.image import Calibration
from palpate.points import Points
from palpate.prediction import Prediction
from palpate.scheme import LandmarkScheme

SCHEME = LandmarkScheme("square", ("a", "b", "c", "d"))
CORNERS = np.array([[0.0, 0.0], [100.0, 0.0], [100.0, 100.0], [0.0, 100.0]])


def predicted(coordinates):
    return Prediction.exact(Points.of(SCHEME, coordinates), made_by="test")


def case(identifier="1", *, truth=CORNERS, found=CORNERS, subject=None, **more):
    return EvaluatedCase(
        identifier,
        subject or f"p{identifier}",
        more.pop("group", ""),
        Points.of(SCHEME, truth),
        predicted(found),
        **more,
    )


def run(cases, *, normaliser=None, seed=0, resamples=200, **more) -> Evaluation:
    return evaluate(
        cases, normaliser=normaliser, rng=np.random.default_rng(seed), resamples=resamples, **more
    )


def spacing(*mm):
    return Calibration(tuple(mm), "user")


def without(coordinates, *rows):
    changed = np.array(coordinates, dtype=float)
    changed[list(rows)] = np.nan
    return changed


def noisy(rng, *, images=12, per_subject=2, noise=3.0, annotators=0):
    cases = []
    for i in range(images):
        truth = CORNERS + rng.normal(0, 5, CORNERS.shape)
        people = {
            f"person {k}": Points.of(SCHEME, truth + rng.normal(0, 1, truth.shape))
            for k in range(annotators)
        }
        cases.append(
            case(
                f"{i:03}",
                truth=truth,
                found=truth + rng.normal(0, noise, truth.shape),
                subject=f"p{i // per_subject}",
                group=("front", "side")[i % 2],
                calibration=spacing(0.5, 0.5),
                annotators=people,
            )
        )
    return cases


def test_a_perfect_prediction_has_no_error_and_every_success():
    result = run([case("1"), case("2")], normaliser=("a", "b"))
    assert result.overall.mean == 0
    assert set(result.overall.success.values()) == {1.0}
    images = result.model.normalised.overall
    assert images.nme == 0
    assert images.auc == 1
    assert set(images.failure.values()) == {0.0}


@given(
    dx=st.floats(-50, 50, allow_subnormal=False),
    dy=st.floats(-50, 50, allow_subnormal=False),
)
@settings(max_examples=10, deadline=None)
def test_a_translation_by_d_gives_an_error_of_d(dx, dy):
    result = run([case(found=CORNERS + np.array([dx, dy]))], resamples=1)
    assert result.overall.mean == pytest.approx(np.hypot(dx, dy), abs=1e-9)
    assert result.overall.median == pytest.approx(np.hypot(dx, dy), abs=1e-9)
    assert result.overall.sd == pytest.approx(0, abs=1e-9)


def test_the_worked_example_by_hand():
    """Errors 0, 5, 13 px and one miss, on an image of 0.2 mm pixels."""
    found = without(CORNERS + np.array([[0, 0], [3, 4], [5, 12], [0, 0]]), 3)
    result = run([case(found=found, calibration=spacing(0.2, 0.2))], normaliser=("a", "b"))
    summary = result.model.px.overall
    assert (summary.count, summary.missed, summary.found) == (4, 1, 3)
    assert summary.mean == pytest.approx(6)
    assert summary.median == pytest.approx(5)
    assert summary.sd == pytest.approx(np.sqrt(((-6) ** 2 + 1 + 49) / 2))
    assert dict(summary.success) == {2.0: 0.25, 5.0: 0.5, 10.0: 0.5, 20.0: 0.75}
    assert result.unit == "mm"
    assert result.overall.mean == pytest.approx(1.2)
    assert result.overall.success == {2.0: 0.5, 2.5: 0.5, 3.0: 0.75, 4.0: 0.75}
    images = result.model.normalised.overall
    assert images.nme == pytest.approx(0.06)
    assert images.incomplete == 1
    assert set(images.failure.values()) == {1.0}
    assert images.auc == 0
    assert result.model.percent.overall.mean == pytest.approx(6)
    assert result.by_landmark["d"].mean is None
    assert result.by_landmark["d"].success == {2.0: 0.0, 2.5: 0.0, 3.0: 0.0, 4.0: 0.0}
    assert any("1 of 4 annotated landmarks were not found" in note for note in result.notes)


def test_millimetres_follow_the_spacing_of_each_axis_and_each_image():
    cases = [
        case("1", found=CORNERS + np.array([3, 4]), calibration=spacing(1.0, 1.0)),
        case("2", found=CORNERS + np.array([3, 4]), calibration=spacing(2.0, 0.5)),
    ]
    result = run(cases)
    assert result.by_subject["p1"].mean == pytest.approx(5)
    assert result.by_subject["p2"].mean == pytest.approx(np.hypot(6, 2))


def test_one_image_without_calibration_leaves_pixels_only_and_says_so():
    result = run([case("1", calibration=spacing(0.1, 0.1)), case("2")])
    assert result.model.mm is None
    assert result.unit == "px"
    assert result.calibrated == 1
    assert "1 of 2 images are calibrated: errors are given in pixels only." in result.notes


def test_the_order_of_the_images_has_no_say():
    cases = noisy(np.random.default_rng(1), annotators=3)
    first = run(cases, normaliser=("a", "c")).to_json()
    second = run(cases[::-1], normaliser=("a", "c")).to_json()
    assert first == second


def test_a_landmark_that_is_not_annotated_is_not_evaluated():
    truth = without(CORNERS, 1)
    result = run([case(truth=truth, found=CORNERS + np.array([1, 0]))])
    assert result.overall.count == 3
    assert result.overall.missed == 0
    assert result.by_landmark["b"].count == 0
    assert result.by_landmark["b"].mean is None
    assert result.by_landmark["b"].success == {}


def test_a_miss_is_a_failure_and_never_improves_a_rate():
    far = run([case(found=CORNERS + np.array([[0, 0], [0, 0], [0, 0], [90, 0]]))])
    missed = run([case(found=without(CORNERS, 3))])
    assert missed.overall.success == far.overall.success
    assert missed.overall.mean == 0
    assert missed.overall.missed == 1


@given(seed=st.integers(0, 1000), noise=st.floats(0.1, 30))
@settings(max_examples=8, deadline=None)
def test_success_rates_grow_with_the_threshold_and_stay_in_the_unit_interval(seed, noise):
    cases = noisy(np.random.default_rng(seed), images=4, noise=noise)
    result = run(cases, normaliser=("a", "b"), resamples=20)
    for tables in (result.model.px, result.model.mm, result.model.percent):
        for summary in (tables.overall, *tables.by_landmark.values(), *tables.by_group.values()):
            rates = [summary.success[limit] for limit in sorted(summary.success)]
            assert rates == sorted(rates)
            assert all(0 <= rate <= 1 for rate in rates)
            assert summary.interval[0] <= summary.interval[1]
            for limit, (low, high) in summary.success_intervals.items():
                assert 0 <= low <= high <= 1
                assert limit in summary.success


@given(factor=st.floats(0.01, 100))
@settings(max_examples=8, deadline=None)
def test_the_normalised_error_does_not_depend_on_the_size_of_the_image(factor):
    rng = np.random.default_rng(3)
    cases = noisy(rng, images=4)
    scale = Affine.scaling((factor, factor), source="pixel", target="pixel")
    larger = [
        replace(one, truth=one.truth.moved(scale), prediction=one.prediction.moved(scale))
        for one in cases
    ]
    before = run(cases, normaliser=("a", "b"), resamples=5).model
    after = run(larger, normaliser=("a", "b"), resamples=5).model
    assert after.normalised.overall.nme == pytest.approx(before.normalised.overall.nme)
    assert after.percent.overall.mean == pytest.approx(before.percent.overall.mean)
    assert after.px.overall.mean == pytest.approx(factor * before.px.overall.mean)


def test_groups_and_subjects_part_the_whole():
    cases = noisy(np.random.default_rng(4))
    result = run(cases)
    for table in (result.by_group, result.by_subject, result.by_landmark):
        assert sum(part.count for part in table.values()) == result.overall.count
        weighted = sum(part.mean * part.found for part in table.values())
        assert weighted / result.overall.found == pytest.approx(result.overall.mean)
    assert list(result.by_group) == ["front", "side"]
    assert run([case()]).by_group == {}
    assert list(run([case("1", group="x"), case("2")]).by_group) == ["(no group)", "x"]


def test_an_image_without_its_normaliser_is_left_out_and_named():
    cases = [
        case("1", found=CORNERS + np.array([5, 0])),
        case("2", truth=without(CORNERS, 0), found=CORNERS + np.array([9, 0])),
        case("3", truth=np.zeros((4, 2)), found=CORNERS),
        case("4", truth=without(CORNERS, 0, 1, 2, 3)),
    ]
    result = run(cases, normaliser=("a", "b"))
    normalised = result.model.normalised
    assert set(normalised.excluded) == {"2", "3", "4"}
    assert normalised.overall.images == 1
    assert normalised.overall.nme == pytest.approx(0.05)
    assert result.model.percent.overall.count == 4
    assert any(note.startswith("3 of 4 images have no normalised error") for note in result.notes)
    assert result.overall.count == 4 + 3 + 4


def test_the_failure_rate_of_a_worked_example():
    shifts = {"1": 2.0, "2": 8.0, "3": 9.0, "4": 30.0}
    cases = [case(name, found=CORNERS + np.array([shift, 0])) for name, shift in shifts.items()]
    images = run(cases, normaliser=("a", "b")).model.normalised.overall
    assert images.failure == {0.08: 0.5, 0.10: 0.25}
    assert images.auc == pytest.approx((0.8 + 0.2 + 0.1 + 0.0) / 4)
    assert images.nme == pytest.approx(0.1225)


def test_the_area_is_that_of_the_curve():
    values = np.random.default_rng(5).gamma(2, 0.02, 300)
    grid = np.linspace(0, 0.1, 20001)
    by_trapezoids = np.trapezoid(cumulative(values, grid), grid) / 0.1
    assert area_under_curve(values, 0.1) == pytest.approx(by_trapezoids, abs=1e-4)


class TestCeiling:
    def two(self, shift=(3.0, 4.0), **more):
        people = {
            "ann": Points.of(SCHEME, CORNERS),
            "bob": Points.of(SCHEME, CORNERS + np.array(shift)),
        }
        return case(annotators=people, **more)

    def test_it_is_the_distance_of_two_people(self):
        result = run([self.two(calibration=spacing(2.0, 2.0))], normaliser=("a", "b"))
        between = result.ceiling.between
        assert between.px.overall.mean == pytest.approx(5)
        assert between.mm.overall.mean == pytest.approx(10)
        assert between.normalised.overall.nme == pytest.approx(0.05)
        assert result.ceiling.annotators == ("ann", "bob")
        assert result.ceiling.leave_one_out is None
        assert result.ceiling.note in result.notes

    def test_it_is_symmetrical(self):
        cases = noisy(np.random.default_rng(6), annotators=3)
        swapped = [
            replace(one, annotators=dict(reversed(list(one.annotators.items())))) for one in cases
        ]
        first = run(cases).ceiling
        second = run(swapped).ceiling
        assert first.between.px.overall.mean == pytest.approx(second.between.px.overall.mean)
        assert first.between.px.overall.count == second.between.px.overall.count == 12 * 4 * 3

    def test_the_like_for_like_comparison_measures_the_model_against_each_person(self):
        result = run([self.two((10.0, 0.0))])
        # the model sits on ann: 0 from her and 10 from bob
        assert result.ceiling.model.px.overall.mean == pytest.approx(5)
        assert result.ceiling.between.px.overall.mean == pytest.approx(10)

    def test_with_three_people_each_is_measured_against_the_mean_of_the_others(self):
        people = {
            name: Points.of(SCHEME, CORNERS + np.array([shift, 0]))
            for name, shift in {"ann": 0.0, "bob": 3.0, "cy": 9.0}.items()
        }
        result = run([case(annotators=people, found=CORNERS + np.array([6.0, 0]))])
        # ann 0 from 6, bob 3 from 4.5, cy 9 from 1.5
        left_out = result.ceiling.leave_one_out.px.overall
        assert left_out.mean == pytest.approx((6 + 1.5 + 7.5) / 3)
        # the model at 6 from 6, 4.5 and 1.5
        model = result.ceiling.model_leave_one_out.px.overall
        assert model.mean == pytest.approx((0 + 1.5 + 4.5) / 3)

    def test_a_landmark_that_one_person_left_out_is_counted_and_is_no_miss(self):
        people = {
            "ann": Points.of(SCHEME, CORNERS),
            "bob": Points.of(SCHEME, without(CORNERS, 2)),
        }
        for annotators in (people, dict(reversed(list(people.items())))):
            result = run([case(annotators=annotators)])
            assert result.ceiling.one_sided == 1
            assert result.ceiling.between.px.overall.count == 3
            assert result.ceiling.between.px.overall.missed == 0
        assert any("left out by others" in note for note in result.notes)

    def test_two_people_who_marked_nothing_in_common_have_no_distance(self):
        people = {
            "ann": Points.of(SCHEME, without(CORNERS, 0, 1)),
            "bob": Points.of(SCHEME, without(CORNERS, 2, 3)),
        }
        between = run([case(annotators=people)], normaliser=("a", "b")).ceiling.between
        assert between.px.overall.count == 0
        assert between.normalised.overall.images == 0
        assert between.normalised.excluded == {"1": "no landmark annotated"}

    def test_there_is_none_with_one_annotator(self):
        assert run([case(annotators={"ann": Points.of(SCHEME, CORNERS)})]).ceiling is None


class TestBootstrap:
    def test_its_interval_covers_the_true_mean_about_as_often_as_it_says(self):
        rng = np.random.default_rng(7)
        covered = 0
        studies, subjects, per_subject = 200, 40, 3
        for _ in range(studies):
            person = rng.normal(10, 2, (subjects, 1))
            values = person + rng.normal(0, 1, (subjects, per_subject))
            names = tuple(f"p{i:02}" for i in range(subjects))
            resampling = Resampling.draw(names, rng, resamples=200)
            low, high = resampling.ratio(values.sum(axis=1), np.full(subjects, 3.0))
            covered += low <= 10 <= high
        # 95 % nominal; percentile intervals of 40 subjects run a little short
        assert 0.88 <= covered / studies <= 0.99

    def test_it_resamples_subjects_and_not_landmarks(self):
        """Forty equal images of one of two people tell no more than one image each."""
        one = [case("1", found=CORNERS), case("2", found=CORNERS + np.array([10, 0]))]
        many = [
            replace(one[k % 2], identifier=f"{k}", subject=f"p{k % 2}", truth=one[0].truth)
            for k in range(40)
        ]
        assert run(many).overall.interval == run(one).overall.interval == (0.0, 10.0)

    def test_one_subject_gets_no_interval(self):
        result = run([case("1", subject="p"), case("2", subject="p")], normaliser=("a", "b"))
        assert result.overall.interval is None
        assert result.overall.success_intervals == {}
        assert result.model.normalised.overall.auc_interval is None
        assert "There is one subject only: no interval can be given." in result.notes

    def test_the_same_seed_gives_the_same_interval_and_another_does_not(self):
        cases = noisy(np.random.default_rng(8))
        assert run(cases).overall.interval == run(cases).overall.interval
        assert run(cases).overall.interval != run(cases, seed=1).overall.interval

    def test_it_needs_a_resample(self):
        with pytest.raises(StudyError, match="at least 1 resample"):
            run([case()], resamples=0)


class TestCoverage:
    def honest(self, factor=1.0, images=60):
        rng = np.random.default_rng(11)
        covariance = np.repeat(np.array([[[9.0, 3.0], [3.0, 4.0]]]), 4, axis=0)
        cases = []
        for i in range(images):
            noise = rng.multivariate_normal([0, 0], covariance[0], 4)
            found = Prediction(SCHEME, CORNERS + noise, factor * covariance, np.ones(4), "test")
            cases.append(replace(case(f"{i}"), prediction=found))
        return run(cases).coverage

    def test_an_honest_uncertainty_covers_what_it_says(self):
        coverage = self.honest()
        assert (coverage.count, coverage.without) == (240, 0)
        for level, share in coverage.inside.items():
            assert share == pytest.approx(level, abs=0.07)
            low, high = coverage.intervals[level]
            assert low <= share <= high

    def test_a_boast_covers_less_and_a_doubt_more(self):
        boast, honest, doubt = (self.honest(factor).inside[0.9] for factor in (0.2, 1.0, 5.0))
        assert boast < honest < doubt

    def test_a_prediction_without_uncertainty_is_counted_apart(self):
        found = without(CORNERS, 1)
        coverage = run([case(truth=without(CORNERS, 0), found=found)]).coverage
        assert (coverage.count, coverage.without) == (0, 2)
        assert coverage.inside == {}

    def test_the_distance_of_a_worked_example(self):
        """Two standard deviations along x: 1 - exp(-2) = 86.5 % of the normal is nearer."""
        wide = np.repeat(np.diag([25.0, 1.0])[None], 4, axis=0)
        found = Prediction(SCHEME, CORNERS + np.array([10.0, 0.0]), wide, np.ones(4), "test")
        inside = run([replace(case(), prediction=found)]).coverage.inside
        assert inside == {0.5: 0.0, 0.8: 0.0, 0.9: 1.0, 0.95: 1.0}


def test_the_json_holds_no_nan_even_when_nothing_was_found():
    nothing = [
        case("1", found=without(CORNERS, 0, 1, 2, 3)),
        case("2", truth=without(CORNERS, 0, 1, 2, 3)),
    ]
    for cases in (nothing, noisy(np.random.default_rng(9), annotators=3)):
        text = json.dumps(run(cases, normaliser=("a", "b")).to_json(), allow_nan=False)
        assert json.loads(text)["model"]["px"]["overall"]["count"] >= 4


def test_rows_give_every_landmark_of_every_image_with_its_status():
    truth = without(CORNERS, 1)
    found = without(CORNERS + np.array([3, 4]), 2)
    result = run([case(truth=truth, found=found, calibration=spacing(0.5, 0.5))])
    rows = {row["landmark"]: row for row in result.rows()}
    assert [rows[name]["status"] for name in "abcd"] == [
        "found",
        "not annotated",
        "missed",
        "found",
    ]
    assert rows["a"]["error_px"] == 5
    assert rows["a"]["error_mm"] == 2.5
    assert rows["b"]["error_px"] is None
    assert rows["b"]["x"] == 103
    assert rows["c"]["x"] is None
    assert rows["c"]["error_percent"] is None
    assert json.dumps(list(rows.values()), allow_nan=False)


def test_thresholds_can_be_chosen_and_are_positive():
    result = run([case(found=CORNERS + np.array([3, 0]))], thresholds=Thresholds(px=(1.0, 3.0)))
    assert result.overall.success == {1.0: 0.0, 3.0: 1.0}
    with pytest.raises(StudyError, match="positive"):
        Thresholds(mm=(2.0, 0.0))


@pytest.mark.parametrize(
    ("cases", "words"),
    [
        ([], "no image to evaluate"),
        ([case("1"), case("1")], "image '1' is given twice"),
    ],
)
def test_what_cannot_be_evaluated_is_refused_by_name(cases, words):
    with pytest.raises(StudyError, match=words):
        run(cases)


def test_an_unknown_normaliser_is_named_with_the_landmarks():
    with pytest.raises(SchemeError, match="no landmark 'nose'"):
        run([case()], normaliser=("a", "nose"))


def test_a_case_refuses_other_frames_schemes_spacings_and_no_subject():
    other = LandmarkScheme("other", ("a", "b", "c", "e"))
    with pytest.raises(GeometryError, match="other landmarks"):
        replace(case(), truth=Points.of(other, CORNERS))
    with pytest.raises(GeometryError, match="annotator 'ann' is in mm"):
        case(annotators={"ann": Points.of(SCHEME, CORNERS, frame="mm")})
    with pytest.raises(GeometryError, match="3 spacings"):
        case(calibration=spacing(1.0, 1.0, 1.0))
    with pytest.raises(GeometryError, match="has no subject"):
        replace(case(), subject="")
