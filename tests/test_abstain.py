"""Cases that are set aside: the promise of a risk, the reasons, and what the rest is worth."""

import csv
import json
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from scipy.stats import binom

from palpate.conformal.measurement_scores import MeasurementScores
from palpate.errors import ConfigError, StudyError
from palpate.evaluation.bootstrap import Resampling
from palpate.evaluation.risk_coverage import Ordered, risk_coverage
from palpate.image import Image
from palpate.io.predictions import PredictedImage, PredictionFile
from palpate.measurement import Measurement, Report
from palpate.phantoms.cervical import cervical_study
from palpate.points import Points
from palpate.prediction import Prediction
from palpate.protocols.protocol import read_protocol
from palpate.report.risk_section import risk_section
from palpate.scheme import LandmarkScheme
from palpate.trust import risk as risk_module
from palpate.trust.calibration import UncertaintyCalibration
from palpate.trust.familiar import Familiar
from palpate.trust.held_out import HeldOut
from palpate.trust.novelty import LOOK, look_of
from palpate.trust.plausible import UsualShape
from palpate.trust.reasons import plain_reasons, reasons
from palpate.trust.risk import RiskWish, risk_limit, subjects_for_risk
from palpate.workflows.abstain import (
    Verdict,
    judge,
    limit_of,
    marked,
    wish_of,
    write_set_aside,
)

WISH = RiskWish(0.1, 2.0)


# The promise of a risk


def bad_share(doubt, shape):
    """Chance that a case of a doubt in [0, 1] is off, and its mean below a doubt."""
    if shape == "rising":
        return 0.3 * doubt, lambda t: 0.15 * t
    if shape == "easy":
        return np.where(doubt < 0.7, 0.02, 0.4), lambda t: 0.02 if t <= 0.7 else 0.4 - 0.266 / t
    if shape == "just too many":
        return np.full_like(doubt, 0.101), lambda t: 0.101
    if shape == "steep":
        return np.where(doubt < 0.5, 0.08, 0.5), lambda t: 0.08 if t <= 0.5 else 0.5 - 0.21 / t
    # Falls again: the most doubtful cases are the best ones.
    return np.where(doubt < 0.6, 0.16, 0.0), lambda t: 0.16 if t <= 0.6 else 0.096 / t


def broken_share(choose, shape, *, draws=1000, subjects=100):
    """How often the true risk of the cases kept is above what was promised."""
    rng = np.random.default_rng(4)
    broken = kept = 0
    for _ in range(draws):
        doubt = rng.random(subjects)
        chance, below = bad_share(doubt, shape)
        errors = np.where(rng.random(subjects) < chance, 5.0, 1.0)
        limit = choose(errors, doubt)
        if limit > 0:
            kept += 1
            broken += below(min(limit, 1.0)) > WISH.max_risk
    return broken / draws, kept / draws


def promised(errors, doubt):
    found = risk_limit(errors, doubt, np.arange(len(errors)), WISH)
    return found.limit if found.kept else 0.0


def uncorrected(errors, doubt):
    """Ask at every number of cases whether the risk is small enough, each time in full."""
    order = np.argsort(doubt)
    counted = np.cumsum(errors[order] > WISH.within)
    number = np.arange(1, len(order) + 1)
    passed = np.flatnonzero(binom.cdf(counted, number, WISH.max_risk) <= 0.05)
    if not len(passed):
        return 0.0
    last = int(passed[-1])
    return np.inf if last + 1 == len(order) else float(doubt[order[last + 1]])


@pytest.mark.parametrize("shape", ["rising", "easy", "just too many", "steep", "falling"])
def test_the_promised_risk_is_kept_in_as_many_draws_as_was_promised(shape):
    broken, _ = broken_share(promised, shape)
    # Three standard deviations of 1000 draws at 5 % are 2.1 %.
    assert broken <= 0.05 + 0.021


def test_asking_often_without_correction_breaks_the_promise():
    broken, _ = broken_share(uncorrected, "just too many")
    assert broken > 0.05 + 0.021


def test_the_promise_is_of_use_where_doubt_ranks_the_cases():
    _, kept = broken_share(promised, "easy", draws=200)
    assert kept > 0.5


def test_too_few_subjects_set_everything_aside_and_say_how_many_are_needed():
    found = risk_limit(np.zeros(28), np.arange(28.0), np.arange(28), WISH)
    assert found.kept == 0
    assert found.bound is None
    assert not found.keeps(-1.0)
    assert not found.keeps(None)
    assert "at least 29 held-out subjects are needed, and there are 28" in found.sentence
    enough = risk_limit(np.zeros(29), np.arange(29.0), np.arange(29), WISH)
    assert enough.kept == 29
    assert enough.keeps(1e9)


def test_no_bound_where_every_case_is_off():
    found = risk_limit(np.full(100, 9.0), np.arange(100.0), np.arange(100), WISH)
    assert found.kept == 0
    assert "too many of the 100" in found.sentence


def test_the_bound_is_that_of_clopper_and_pearson():
    found = risk_limit(np.zeros(60), np.arange(60.0), np.arange(60), WISH)
    assert found.bound == pytest.approx(1.0 - 0.05 ** (1 / 60))


def test_a_subject_counts_once_however_many_films_it_has():
    errors, doubts = np.zeros(300), np.arange(300.0)
    found = risk_limit(errors, doubts, np.arange(300) // 12, WISH)
    assert found.subjects == 25
    assert found.kept == 0


def test_cases_of_the_same_doubt_are_kept_or_set_aside_together():
    errors = np.r_[np.zeros(70), np.full(40, 9.0)]
    doubts = np.r_[np.zeros(50), np.ones(60)]
    found = risk_limit(errors, doubts, np.arange(110), WISH)
    assert (found.kept, found.off, found.limit) == (50, 0, 1.0)


def test_what_is_not_known_does_not_count():
    errors, doubts = np.zeros(40), np.arange(40.0)
    errors[:5], doubts[5:10] = np.nan, np.nan
    assert risk_limit(errors, doubts, np.arange(40), WISH).subjects == 30


@pytest.mark.parametrize("numbers", [(0.0, 1.0, 0.9), (0.1, -1.0, 0.9), (0.1, 1.0, 1.0)])
def test_a_wish_out_of_range_is_refused(numbers):
    with pytest.raises(ConfigError, match=r"between 0 and 1|positive"):
        RiskWish(numbers[0], numbers[1], confidence=numbers[2])


@pytest.mark.parametrize("total", [14, 29, 60, 100, 199, 200, 480])
def test_the_tests_start_where_they_can_pass_and_within_the_subjects(total):
    starts = risk_module._starts(total, WISH)
    assert list(starts) == sorted(set(starts))
    assert all(29 <= start <= total for start in starts)
    assert bool(starts) == (total >= subjects_for_risk(0.1, 0.95))


def test_a_second_start_has_only_its_half_of_the_error():
    first, second = risk_module._starts(240, WISH)
    off = np.zeros(240, int)
    off[:first] = 1  # the first sequence fails at once
    counted = np.cumsum(off)
    # As many are off as pass a test at 5 %, not one at 2.5 %; then everything is off.
    between = [b for b in range(second) if 0.025 < binom.cdf(b, second, 0.1) <= 0.05]
    counted[second - 1 :] = between[0] + np.arange(240 - second + 1)
    assert risk_module._passed(counted, WISH) == []


def test_a_film_stranger_than_all_has_the_p_value_of_one_more_subject():
    familiar, _ = boxes()
    assert familiar.p_value("shape", 1e9) == pytest.approx(1 / 61)
    assert familiar.p_value("shape", -1.0) == pytest.approx(1.0)
    assert familiar.p_value("look", 1.0) is None


# Risk and coverage


def curve(errors, doubts, subjects=None):
    people = subjects or tuple(f"s{i:03d}" for i in range(len(errors)))
    resampling = Resampling.draw(people, np.random.default_rng(0), resamples=200)
    return risk_coverage(errors, doubts, people, resampling, Ordered("SNA", "deg", "width"))


def test_the_area_under_a_curve_worked_by_hand():
    found = curve(np.array([4.0, 1.0, 2.0, 3.0]), np.array([0.1, 0.2, 0.3, 0.4]))
    # 4, 5/2, 7/3, 10/4
    assert found.area == pytest.approx((4 + 2.5 + 7 / 3 + 2.5) / 4)
    assert found.oracle_area == pytest.approx((1 + 1.5 + 2 + 2.5) / 4)
    assert found.random_area == 2.5
    assert found.risk[-1] == 2.5
    assert found.saved == pytest.approx((2.5 - found.area) / (2.5 - found.oracle_area))


def test_ordering_by_the_error_saves_all_and_a_constant_doubt_nothing():
    errors = np.random.default_rng(1).exponential(size=50)
    assert curve(errors, errors).saved == pytest.approx(1.0)
    flat = curve(errors, np.ones(50))
    assert flat.saved == pytest.approx(0.0)
    assert flat.area == pytest.approx(errors.mean())


def test_a_curve_does_not_depend_on_the_order_of_cases_of_the_same_doubt():
    rng = np.random.default_rng(2)
    errors, doubts = rng.exponential(size=40), rng.integers(4, size=40).astype(float)
    turn = rng.permutation(40)
    assert curve(errors, doubts).area == pytest.approx(curve(errors[turn], doubts[turn]).area)


def test_intervals_are_by_subject_and_absent_for_one():
    rng = np.random.default_rng(3)
    errors, doubts = rng.exponential(size=60), rng.random(60)
    alone = curve(errors, doubts, ("one",) * 60)
    assert alone.area_interval is None
    assert alone.bands == (None,) * 20
    found = curve(errors, doubts)
    low, high = found.area_interval
    assert low < found.area < high
    few = curve(errors, doubts, tuple(f"s{i // 20}" for i in range(60)))
    assert few.subjects == 3


def test_nothing_to_order_gives_no_curve():
    assert curve(np.full(3, np.nan), np.ones(3)) is None


def test_a_section_shows_every_curve_and_its_rows_are_plain():
    rng = np.random.default_rng(5)
    found = curve(rng.exponential(size=30), rng.random(30))
    section = risk_section([found])
    assert len(section.tables[0][1].rows) == 1
    assert "<svg" in section.plots[0].drawing
    assert risk_section([]) is None
    rows = list(found.rows())
    assert len(rows) == 20
    assert rows[-1]["cases"] == 30
    assert not any("nan" in str(value) for row in rows for value in row.values())


# Reasons

SCHEME = LandmarkScheme("box", ("a", "b", "c", "d", "e"))
BASE = np.array([[40.0, 40.0], [120.0, 50.0], [130.0, 150.0], [50.0, 160.0], [85.0, 100.0]])
SIZE = (180, 200)


def predicted(mean, *, name="new", sd=2.0, score=0.8, variation=None):
    k = len(mean)
    found = ~np.isnan(mean).any(axis=1)
    covariance = np.where(
        found[:, None, None], np.eye(2) * (np.ones(k) * sd)[:, None, None] ** 2, np.nan
    )
    scores = np.where(found, np.ones(k) * score, 0.0)
    return PredictedImage(
        name, Prediction(SCHEME, mean, covariance, scores, "nobody", variation=variation), SIZE
    )


@cache
def boxes(subjects=60):
    rng = np.random.default_rng(11)
    films = []
    for i in range(subjects):
        angle = rng.normal(0, 0.1)
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        truth = (BASE - 90 + rng.normal(0, 2.0, BASE.shape)) @ turn.T + 90
        sd = 2.0 * np.exp(rng.normal(0, 0.15, 5))
        mean = truth + rng.normal(size=truth.shape) * 2.0
        image = predicted(
            mean, name=f"{i}.png", sd=sd, score=0.8, variation=1.0 + 0.1 * rng.random(5)
        )
        films.append(HeldOut(f"s{i:03d}", image, Points.of(SCHEME, truth)))
    return Familiar.of(films), films


def checks(familiar, image, look=None):
    return {reason.check for reason in reasons(familiar, image, look)}


def test_a_usual_film_is_kept():
    familiar, _ = boxes()
    assert reasons(familiar, predicted(BASE, variation=np.ones(5))) == ()


def test_few_films_like_those_of_the_calibration_are_set_aside():
    _, films = boxes(160)
    familiar = Familiar.of(films[:80])
    aside = sum(bool(reasons(familiar, film.predicted)) for film in films[80:])
    # Four checks of 2 % each, on 80 films: 6.4 expected at most.
    assert aside <= 14


def test_a_landmark_out_of_place_is_named():
    familiar, _ = boxes()
    odd = BASE.copy()
    odd[2] += (25.0, -20.0)
    (reason,) = reasons(familiar, predicted(odd, variation=np.ones(5)))
    assert reason.check == "shape"
    assert reason.landmarks[0] == "c"
    assert "c (" in reason.words


def test_a_mirrored_shape_is_not_plausible():
    familiar, _ = boxes()
    assert "shape" in checks(familiar, predicted((BASE - 90) * (-1, 1) + 90))


def test_a_shape_may_move_turn_and_grow():
    familiar, _ = boxes()
    turned = (BASE - 90) @ np.array([[0.0, 1.0], [-1.0, 0.0]]) * 0.7 + 90
    assert "shape" not in checks(familiar, predicted(turned, sd=1.5))


def test_a_landmark_outside_the_film_is_named_without_any_calibration():
    out = BASE.copy()
    out[1, 0] = SIZE[0] + 3.5
    (reason,) = plain_reasons(predicted(out))
    assert reason.words == "landmark outside the film: b (4 px)"
    assert checks(None, predicted(out)) == {"outside"}
    edge = BASE.copy()
    edge[1, 0] = SIZE[0] - 0.5
    assert plain_reasons(predicted(edge)) == ()


def test_landmarks_that_are_not_found_are_named():
    familiar, _ = boxes()
    lost = BASE.copy()
    lost[3] = np.nan
    assert "found as a rule: d" in " ".join(r.words for r in reasons(familiar, predicted(lost)))
    nothing = predicted(np.full_like(BASE, np.nan))
    assert [reason.words for reason in reasons(familiar, nothing)] == ["no landmark was found"]


def test_several_peaks_a_wide_landmark_and_an_unsure_film_are_told_apart():
    familiar, _ = boxes()
    peaks = np.array([1.0, 1.0, 1.0, 2.2, 1.0])
    (reason,) = reasons(familiar, predicted(BASE, variation=peaks))
    assert reason.check == "several"
    assert reason.landmarks == ("d",)
    wide = predicted(BASE, sd=np.array([2.0, 9.0, 2.0, 2.0, 2.0]))
    (reason,) = reasons(familiar, wide)
    assert reason.check == "spread"
    assert reason.landmarks == ("b",)
    assert checks(familiar, predicted(BASE, score=0.3)) == {"doubt"}


def test_a_variation_that_is_harmless_is_no_reason():
    familiar, _ = boxes()
    # Beyond all of the calibration, and still one clean peak.
    assert checks(familiar, predicted(BASE, variation=np.full(5, 1.3))) == set()


def test_few_subjects_tell_nothing_of_what_is_usual():
    _, films = boxes()
    familiar = Familiar.of(films[:9])
    assert checks(familiar, predicted(BASE, score=0.01)) == set()


def test_what_is_usual_survives_the_file():
    familiar, films = boxes()
    again = Familiar.from_json(json.loads(json.dumps(familiar.to_json(), allow_nan=False)))
    odd = BASE.copy()
    odd[0] += 30.0
    for image in (films[0].predicted, predicted(odd)):
        assert [r.check for r in reasons(again, image)] == [
            r.check for r in reasons(familiar, image)
        ]
    assert again.subjects == familiar.subjects


@pytest.mark.parametrize(
    "table",
    [
        {},
        {"format": "palpate familiar", "version": 2},
        {"format": "palpate familiar", "version": 1},
    ],
)
def test_a_damaged_block_is_refused(table):
    with pytest.raises(StudyError, match="calibrate again"):
        Familiar.from_json(table)


def test_other_landmarks_are_refused():
    familiar, _ = boxes()
    other = LandmarkScheme("other", ("v", "w", "x", "y", "z"))
    image = predicted(BASE)
    moved = replace(image, prediction=replace(image.prediction, scheme=other))
    with pytest.raises(StudyError, match="other landmarks"):
        reasons(familiar, moved)


def test_p_values_of_films_of_the_same_kind_are_not_too_small():
    _, films = boxes(160)
    familiar = Familiar.of(films[:80])
    for sign in ("shape", "spread"):
        p = np.array(
            [familiar.p_value(sign, familiar.signs(f.predicted).values[sign]) for f in films[80:]]
        )
        # 80 films at 10 %: 8 expected, 2.7 standard deviations
        assert (p <= 0.1).sum() <= 16


def test_odd_shapes_among_many_do_not_change_what_is_usual():
    rng = np.random.default_rng(6)
    shapes = BASE + rng.normal(0, 2.0, (40, 5, 2))
    clean = UsualShape.of(shapes)
    spoilt = shapes.copy()
    spoilt[:3] = spoilt[:3, ::-1] * 1.7
    odd = BASE.copy()
    odd[4] += 25.0
    for shape in (clean, UsualShape.of(spoilt)):
        assert int(shape.oddness(odd).argmax()) == 4


# What an image looks like


@cache
def drawings(count=90):
    """Drawn films of a head seen from the side: all face right, and no two are the same."""
    rng = np.random.default_rng(2)
    y, x = np.mgrid[0:120, 0:96].astype(float)
    films = []
    for _ in range(count):
        sx, sy, size = rng.normal(0, 3), rng.normal(0, 3), rng.normal(1, 0.04)
        u, v = (x - 48 - sx) / size, (y - 60 - sy) / size
        skull = 150.0 * ((u / 34) ** 2 + ((v + 18) / 32) ** 2 < 1)
        jaw = 60.0 * (((u - 22) / 14) ** 2 + ((v - 22) / 16) ** 2 < 1)
        neck = 90.0 * ((np.abs(u + 16) < 9) & (v > 5))
        film = (20 + skull + jaw + neck) * rng.normal(1, 0.05) + rng.normal(0, 3, x.shape)
        films.append(np.clip(film, 0, 255).astype(np.uint8)[None])
    return films


@cache
def seen():
    _, films = boxes()
    looks = [look_of(Image(pixels, "film")) for pixels in drawings()[:60]]
    return Familiar.of(films, looks)


def looked(pixels):
    """Reasons by the look of new pixels alone, on a usual prediction."""
    image = Image(np.ascontiguousarray(pixels), "new")
    found = reasons(seen(), predicted(BASE), look_of(image))
    return [reason for reason in found if reason.check in ("look", "wrong way")]


def neck(i=75):
    return drawings()[i]


def test_a_look_has_its_length_and_knows_no_resolution():
    big = np.repeat(np.repeat(neck(), 2, axis=1), 2, axis=2)
    one, two = (look_of(Image(each, "x")) for each in (neck(), big))
    assert one.shape == (LOOK,)
    np.testing.assert_allclose(one[:144], two[:144], atol=0.02)


def test_a_tiny_image_has_a_look():
    assert np.isfinite(look_of(Image(np.zeros((1, 1, 1), np.uint8), "dot"))).all()


def test_new_films_of_the_study_look_familiar():
    # 30 films at 2 % for each of two checks
    assert sum(bool(looked(neck(i))) for i in range(60, 90)) <= 4


def noise(shape):
    return np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)


@pytest.mark.parametrize(
    ("what", "change"),
    [
        ("noise", lambda p: noise(p.shape)),
        ("constant", lambda p: np.full_like(p, 90)),
        ("a photo in colour", lambda p: np.stack([p[0], p[0] // 2, p[0] // 4])),
        ("half a film", lambda p: p[:, : p.shape[1] // 2]),
    ],
)
def test_an_image_of_another_kind_is_told(what, change):
    found = looked(change(neck()))
    assert [reason.check for reason in found] == ["look"], what


def test_another_body_part_is_told():
    other = next(cervical_study(1, np.random.default_rng(0), width=128))
    (reason,) = looked(other.sample.image.pixels)
    assert reason.check == "look"


@pytest.mark.parametrize(
    ("words", "change"),
    [
        ("mirrored", lambda p: p[:, :, ::-1]),
        ("upside down", lambda p: p[:, ::-1, ::-1]),
        ("a negative", lambda p: 255 - p),
        ("turned to the left", lambda p: np.rot90(p, 1, (1, 2))),
    ],
)
def test_a_film_the_wrong_way_round_is_named(words, change):
    found = looked(change(neck()))
    assert found, words
    assert words in found[0].words


# What becomes of the cases


def test_set_aside_cases_keep_their_measurements_marked(tmp_path):
    familiar, _ = boxes()
    odd = BASE.copy()
    odd[2] += (25.0, -20.0)
    images = (predicted(BASE, name="good.png"), predicted(odd, name="odd.png"))
    judged = judge(PredictionFile(SCHEME, images), {}, familiar)
    assert [one.kept for one in judged] == [True, False]
    assert Verdict(judged).set_aside == (judged[1],)
    report = Report("s", "odd.png", (Measurement("angle", "deg", 3.0, note="as drawn"),))
    assert marked(report, judged[0]) == report
    noted = marked(report, judged[1]).measurements[0]
    assert noted.value == 3.0
    assert noted.note.startswith("as drawn; set aside: implausible shape")
    write_set_aside(judged, tmp_path / "set_aside.csv")
    with (tmp_path / "set_aside.csv").open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["set_aside"] for row in rows] == ["no", "yes"]
    assert rows[1]["checks"] == "shape"
    assert rows[1]["landmarks"].split()[0] == "c"


def calibrated():
    familiar, films = boxes()
    found = UncertaintyCalibration.of(films, source="boxes", how="split")
    return replace(found, familiar=familiar.to_json())


def test_a_limit_of_films_is_chosen_on_the_calibration_and_judges_new_ones():
    calibration = calibrated()
    wish = wish_of(calibration, None, max_risk=0.1, within=8.0)
    assert wish.unit == "px"
    limit = limit_of(calibration, None, wish)
    assert limit.subjects == 60
    assert limit.kept == 60
    images = (predicted(BASE, name="good.png"),)
    (one,) = judge(PredictionFile(SCHEME, images), {}, None, limit)
    assert one.kept
    assert one.doubt == pytest.approx(-np.log(0.8))


def test_nothing_is_kept_where_nothing_can_be_promised():
    calibration = calibrated()
    limit = limit_of(calibration, None, wish_of(calibration, None, max_risk=0.01, within=8.0))
    (one,) = judge(PredictionFile(SCHEME, (predicted(BASE),)), {}, None, limit)
    assert [reason.check for reason in one.reasons] == ["risk"]
    assert "299 held-out subjects are needed" in limit.sentence


def test_a_quantity_that_was_not_calibrated_is_refused():
    protocol = read_protocol("cephalogram")
    with pytest.raises(ConfigError, match="no held-out errors are known of 'SNA'"):
        wish_of(calibrated(), protocol, max_risk=0.1, within=2.0, measure="SNA")
    with pytest.raises(ConfigError, match="give --protocol"):
        wish_of(calibrated(), None, max_risk=0.1, within=2.0, measure="SNA")


def test_a_limit_of_a_quantity_goes_by_how_wide_it_is_stated():
    protocol = read_protocol("cephalogram")
    residual, width = np.r_[np.zeros(60), np.full(40, 9.0)], np.r_[np.ones(60), np.full(40, 5.0)]
    defined = protocol.quantity("SNA").defined
    scores = MeasurementScores("deg", residual, width, width, np.arange(100), defined)
    calibration = replace(calibrated(), measurements={protocol.label: {"SNA": scores}})
    wish = wish_of(calibration, protocol, max_risk=0.1, within=2.0, measure="SNA")
    limit = limit_of(calibration, protocol, wish)
    assert (wish.unit, limit.kept, limit.limit) == ("deg", 60, 10.0)
    for u, kept in ((1.0, True), (6.0, False)):
        report = Report("s", "new", (Measurement("SNA", "deg", 80.0, standard_uncertainty=u),))
        file = PredictionFile(SCHEME, (predicted(BASE),))
        (one,) = judge(file, {}, None, limit, {"new": report})
        assert one.kept == kept
    (one,) = judge(PredictionFile(SCHEME, (predicted(BASE),)), {}, None, limit, {})
    assert "no stated uncertainty" in one.short


def test_a_calibration_without_doubts_cannot_promise_of_films():
    bare = replace(calibrated(), familiar=None)
    with pytest.raises(StudyError, match="calibrate again"):
        limit_of(bare, None, wish_of(bare, None, max_risk=0.1, within=8.0))
