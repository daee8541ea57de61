"""Agreement of raters: worked examples, laws, the bootstrap against a plain loop, bad input."""

import builtins
from dataclasses import replace
from math import sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import chi, linregress, norm, t

from palpate.errors import ConfigError, GeometryError, StudyError
from palpate.evaluation.agreement_estimate import Estimate
from palpate.evaluation.agreement_pair import Pairs, pair_agreement
from palpate.evaluation.agreement_raters import Rater
from palpate.evaluation.agreement_resamples import (
    DifferenceResamples,
    ReliabilityResamples,
    kappa_resamples,
    once,
)
from palpate.evaluation.agreement_study import compare_raters
from palpate.evaluation.bootstrap import Resampling
from palpate.evaluation.change import sem_agreement, sem_consistency
from palpate.evaluation.icc import ALL_EQUAL, MeanSquares, icc_agreement, icc_consistency
from palpate.evaluation.kappa import MISSING, ONE_CLASS, ClassCuts, read_classes, weighted_kappa
from palpate.evaluation.limits import TOO_FEW_PAIRS, limits_of_agreement, proportional_bias
from palpate.evaluation.measurements import agreement
from palpate.measurement import Measurement, Report

# Shrout and Fleiss 1979, table 1.
JUDGES = np.array(
    [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]], float
)
CLASSES = ClassCuts(("low", "middle", "high"), (78.0, 82.0))


def rng(seed=0):
    return np.random.default_rng(seed)


def two_raters(n=24, *, shift=0.5, seed=1):
    true = rng(seed).normal(80.0, 4.0, n)
    noise = rng(seed + 1).normal(0.0, 1.0, (n, 2))
    return np.stack([true, true + shift], axis=1) + noise


def pairs(table, subjects=None):
    images = [f"{row:03d}" for row in range(len(table))]
    return Pairs("A", "B", images, tuple(subjects or images), table)


def drawn(subjects, *, resamples=200):
    return Resampling.draw(tuple(subjects), rng(5), resamples=resamples)


def agreed(table, subjects=None, **more):
    compared = pairs(table, subjects)
    return pair_agreement(compared, drawn(compared.subjects), **more)


# --- worked examples


def test_shrout_and_fleiss_find_what_they_published():
    squares = MeanSquares.of(JUDGES)
    assert (squares.between, squares.judges, squares.error) == pytest.approx(
        (11.24, 32.49, 1.02), abs=0.005
    )
    agree, consist = icc_agreement(squares), icc_consistency(squares)
    assert agree.value == pytest.approx(0.29, abs=0.005)
    assert agree.interval == pytest.approx((0.02, 0.76), abs=0.005)
    assert consist.value == pytest.approx(0.71, abs=0.005)
    assert consist.interval == pytest.approx((0.34, 0.95), abs=0.005)


def test_bland_and_altman_find_what_they_published():
    """Peak flow of 17 people by two meters, Lancet 1986: bias -2.1, SD 38.8 (limits by 2 SD)."""
    wright = [494, 395, 516, 434, 476, 557, 413, 442, 650, 433, 417, 656, 267, 478, 178, 423, 427]
    mini = [512, 430, 520, 428, 500, 600, 364, 380, 658, 445, 432, 626, 260, 477, 259, 350, 451]
    found = limits_of_agreement(np.array(wright, float) - np.array(mini, float))
    assert found.bias.value == pytest.approx(-2.1, abs=0.05)
    assert found.sd.value == pytest.approx(38.8, abs=0.05)
    assert (found.lower.value, found.upper.value) == pytest.approx((-78.1, 73.9), abs=0.1)
    # 1986 they took t * sqrt(3 / n) SD for a limit; the exact interval leans outwards.
    assert found.bias.interval == pytest.approx((-22.0, 17.8), abs=0.1)
    low, high = found.upper.interval
    assert high - found.upper.value > found.upper.value - low > 0


def test_the_exact_interval_of_a_limit_holds_what_it_promises():
    limits = [limits_of_agreement(rng(k).normal(0.0, 1.0, 8)).upper.interval for k in range(1500)]
    share = np.mean([low <= 1.96 <= high for low, high in limits])
    assert share == pytest.approx(0.95, abs=0.02)


def test_the_exact_interval_of_a_limit_is_exact_by_integration():
    """Over all SDs that a sample of normal differences may have: no use of the noncentral t."""
    n = 10
    sample = np.repeat([-1.0, 1.0], n // 2)
    factors = limits_of_agreement(sample / sample.std(ddof=1)).upper.interval

    def beyond(factor):
        """Chance that mean + factor SD is above the true limit."""

        def weighed(root):
            share = norm.cdf(sqrt(n) * (factor * root / sqrt(n - 1) - 1.96))
            return share * chi.pdf(root, n - 1)

        return quad(weighed, 0, 20)[0]

    assert [beyond(factor) for factor in factors] == pytest.approx([0.025, 0.975], abs=1e-6)


def test_kappa_is_one_less_the_share_of_the_disagreement_of_chance():
    table = np.array([[75, 1, 4], [5, 4, 1], [0, 0, 10]])
    found = weighted_kappa(table, weights="quadratic")
    p, far = table / 100, np.square(np.subtract.outer(np.arange(3), np.arange(3))) / 4
    chance = np.outer(p.sum(axis=1), p.sum(axis=0))
    assert found.value == pytest.approx(1 - (far * p).sum() / (far * chance).sum())
    low, high = found.interval
    assert low < found.value < high <= 1


def test_intervals_of_kappa_of_large_samples_and_of_resamples_are_alike():
    table = two_raters(400)
    subjects = tuple(str(k) for k in range(400))
    counts = CLASSES.table(table[:, 0], table[:, 1])
    low, high = weighted_kappa(counts, weights="linear").interval
    drawing = drawn(subjects, resamples=1000)
    kappas = kappa_resamples(CLASSES, table, drawing.owners(subjects), drawing, weights="linear")
    assert np.quantile(kappas, [0.025, 0.975]) == pytest.approx([low, high], abs=0.012)


def test_the_slope_is_that_of_a_straight_line():
    table = two_raters()
    fit = linregress(table.mean(axis=1), table[:, 1] - table[:, 0])
    found = proportional_bias(table[:, 0], table[:, 1])
    half = float(t.ppf(0.975, len(table) - 2)) * fit.stderr
    assert found.value == pytest.approx(fit.slope)
    assert found.interval == pytest.approx((fit.slope - half, fit.slope + half))


# --- laws


def test_two_identical_raters_agree():
    table = np.repeat(two_raters()[:, :1], 2, axis=1)
    found = agreed(table, classes=CLASSES)
    assert found.limits.bias == Estimate(0.0, (0.0, 0.0), "t")
    assert found.mae.value == found.limits.sd.value == found.slope.value == 0
    assert found.reliability.icc_agreement == Estimate(1.0, (1.0, 1.0), "F")
    assert found.reliability.icc_consistency.value == 1
    assert found.reliability.mdc.value == 0
    assert found.classes.kappa["linear"].value == 1
    assert found.normal is None


@given(shift=st.floats(0.5, 50.0), factor=st.floats(0.01, 100.0))
@settings(max_examples=25)
def test_a_shift_of_one_rater_moves_icc_2_1_alone_and_a_scale_moves_neither(shift, factor):
    table = two_raters(shift=0.0)
    moved = table + np.array([0.0, shift])
    before, after = MeanSquares.of(table), MeanSquares.of(moved)
    assert icc_consistency(after).value == pytest.approx(icc_consistency(before).value)
    assert sem_consistency(after).value == pytest.approx(sem_consistency(before).value)
    if shift > 2:
        assert icc_agreement(after).value < icc_agreement(before).value
        assert sem_agreement(after).value > sem_agreement(before).value
    scaled = MeanSquares.of(factor * moved)
    for icc in (icc_agreement, icc_consistency):
        assert icc(scaled).value == pytest.approx(icc(after).value)
        assert icc(scaled).interval == pytest.approx(icc(after).interval)


def test_swapped_raters_turn_the_sign_and_nothing_else():
    table = two_raters()
    one, other = agreed(table), agreed(table[:, ::-1])
    assert other.limits.bias.value == pytest.approx(-one.limits.bias.value)
    assert other.limits.bias.interval == pytest.approx(one.limits.bias.negated().interval)
    assert other.limits.upper.value == pytest.approx(-one.limits.lower.value)
    assert other.limits.upper.interval == pytest.approx(one.limits.lower.negated().interval)
    assert other.slope.value == pytest.approx(-one.slope.value)
    assert other.mae.value == pytest.approx(one.mae.value)
    for part in ("icc_agreement", "icc_consistency", "mdc"):
        found = getattr(other.reliability, part)
        assert found.value == pytest.approx(getattr(one.reliability, part).value)


def test_for_two_raters_sem_and_limits_say_the_same():
    """SEM of consistency is SD of differences / sqrt 2: its MDC is half the width of the limits."""
    table = two_raters()
    squares, found = MeanSquares.of(table), agreed(table)
    assert sem_consistency(squares).value == pytest.approx(found.limits.sd.value / sqrt(2))
    within = np.mean(np.var(table, axis=1, ddof=1))
    assert sem_agreement(squares).value == pytest.approx(sqrt(within))
    assert found.reliability.mdc.value == pytest.approx(1.96 * sqrt(2 * within))


def test_the_order_of_the_images_has_no_say():
    table, turn = two_raters(), rng(3).permutation(24)
    compared = pairs(table, [f"p{row // 2}" for row in range(24)])
    turned = Pairs(
        "A",
        "B",
        [compared.images[row] for row in turn],
        tuple(compared.subjects[row] for row in turn),
        table[turn],
    )
    drawing = drawn(compared.subjects)
    one, other = (pair_agreement(each, drawing) for each in (compared, turned))
    assert other.limits.upper.interval == pytest.approx(one.limits.upper.interval)
    assert other.reliability.icc_agreement.interval == pytest.approx(
        one.reliability.icc_agreement.interval
    )


def test_a_difference_that_grows_with_the_value_is_found():
    table = two_raters(60, shift=0.0)
    grown = table.copy()
    grown[:, 1] += 0.5 * (grown[:, 1] - 80)
    assert agreed(grown).slope.interval[0] > 0
    low, high = agreed(table).slope.interval
    assert low < 0 < high
    assert proportional_bias(np.ones(4), np.ones(4)).reason


# --- bootstrap by subject


def laid_out(table, subjects, weights):
    """Rows of a resample as they are, a subject drawn twice as two people."""
    rows, people = [], []
    for who, count in zip(sorted(set(subjects)), weights, strict=True):
        own = [row for row, subject in enumerate(subjects) if subject == who]
        for copy in range(int(count)):
            rows += own
            people += [f"{who}/{copy}"] * len(own)
    return table[rows], tuple(people)


@pytest.mark.parametrize("sizes", [(1,) * 9, (3, 1, 2, 4, 1, 2, 2)])
def test_resamples_are_what_a_plain_loop_finds(sizes):
    subjects = tuple(f"p{k}" for k, size in enumerate(sizes) for _ in range(size))
    table = two_raters(len(subjects))
    drawing = drawn(subjects, resamples=40)
    owners = drawing.owners(subjects)
    differences = DifferenceResamples.of(table, owners, drawing)
    reliabilities = ReliabilityResamples.of(table, owners, drawing)
    kappas = kappa_resamples(CLASSES, table, owners, drawing, weights="quadratic")
    for draw, weights in enumerate(drawing.weights):
        rows, people = laid_out(table, subjects, weights)
        d = rows[:, 1] - rows[:, 0]
        assert differences.bias[draw] == pytest.approx(d.mean())
        assert differences.mae[draw] == pytest.approx(np.abs(d).mean())
        assert differences.sd[draw] == pytest.approx(spread(d, people))
        slope = proportional_bias(rows[:, 0], rows[:, 1])
        assert differences.slope[draw] == pytest.approx(slope.value)
        squares = MeanSquares.of(rows)
        assert reliabilities.icc_agreement[draw] == pytest.approx(icc_agreement(squares).value)
        assert reliabilities.icc_consistency[draw] == pytest.approx(icc_consistency(squares).value)
        assert reliabilities.sem_agreement[draw] == pytest.approx(sem_agreement(squares).value)
        assert reliabilities.sem_consistency[draw] == pytest.approx(sem_consistency(squares).value)
        kappa = weighted_kappa(CLASSES.table(rows[:, 0], rows[:, 1]), weights="quadratic")
        assert kappas[draw] == pytest.approx(kappa.value)


def spread(d, people):
    """Root of the variance between people and within, by hand."""
    own = {who: d[[k for k, other in enumerate(people) if other == who]] for who in people}
    n, groups = len(d), len(own)
    if n == groups:
        return float(d.std(ddof=1))
    within = sum(((x - x.mean()) ** 2).sum() for x in own.values()) / (n - groups)
    between = sum(len(x) * (x.mean() - d.mean()) ** 2 for x in own.values()) / (groups - 1)
    size = (n - sum(len(x) ** 2 for x in own.values()) / n) / (groups - 1)
    return sqrt(within + max(0.0, (between - within) / size))


def test_resamples_of_three_raters_are_what_a_plain_loop_finds():
    subjects = tuple(f"p{k}" for k in range(6))
    drawing = drawn(subjects, resamples=30)
    found = ReliabilityResamples.of(JUDGES, drawing.owners(subjects), drawing)
    for draw, weights in enumerate(drawing.weights):
        rows, _ = laid_out(JUDGES, subjects, weights)
        value = icc_agreement(MeanSquares.of(rows)).value
        assert found.icc_agreement[draw] == pytest.approx(value)


def test_several_images_of_a_subject_widen_every_interval():
    """Eight people whose differences hardly vary within: 48 images tell as much as eight."""
    people = rng(7).normal(0.0, 2.0, 8)
    subjects = [f"p{k // 6}" for k in range(48)]
    first = rng(8).normal(80.0, 4.0, 48)
    table = np.stack([first, first + np.repeat(people, 6) + rng(9).normal(0, 0.1, 48)], axis=1)
    by_image, by_subject = agreed(table), agreed(table, subjects)
    assert by_subject.limits.bias.method == by_subject.limits.upper.method == "bootstrap"
    assert by_image.limits.upper.method == "exact"

    def width(found):
        return found.interval[1] - found.interval[0]

    assert width(by_subject.limits.bias) > 1.5 * width(by_image.limits.bias)
    assert width(by_subject.limits.upper) > 1.5 * width(by_image.limits.upper)
    assert by_subject.reliability.icc_agreement.method == "bootstrap"


def test_one_subject_gives_figures_without_intervals():
    found = agreed(two_raters(6), ["p"] * 6, classes=CLASSES)
    assert found.limits.bias.value is not None
    assert found.limits.bias.interval is found.limits.upper.interval is found.mae.interval is None
    assert found.reliability.icc_agreement.interval is found.slope.interval is None
    assert found.classes.kappa["linear"].interval is None


def test_once_is_the_study_itself():
    table, subjects = two_raters(5), ("b", "a", "c", "a", "b")
    one = once(subjects)
    found = DifferenceResamples.of(table, one.owners(subjects), one)
    assert found.bias[0] == pytest.approx((table[:, 1] - table[:, 0]).mean())


# --- what does not exist has a reason


def test_equal_values_have_no_icc_and_say_so():
    found = agreed(np.full((5, 2), 80.0), classes=CLASSES)
    assert found.reliability.icc_agreement == Estimate(reason=ALL_EQUAL)
    assert found.reliability.icc_consistency.reason == ALL_EQUAL
    assert found.slope.reason
    assert found.classes.kappa["linear"].reason == ONE_CLASS
    assert found.limits.bias.value == 0
    apart = agreed(np.tile([80.0, 81.0], (5, 1)))
    assert apart.reliability.icc_agreement.value == 0
    assert "one value" in apart.reliability.icc_consistency.reason


def test_two_pairs_are_too_few():
    found = agreed(two_raters(2))
    assert found.images == 2
    assert found.limits.bias.reason == found.reliability.mdc.reason == TOO_FEW_PAIRS
    assert len(found.points) == 2


def test_without_statsmodels_kappa_names_the_extra_and_the_rest_stands(monkeypatch):
    usual = builtins.__import__

    def missing(name, *args, **kwargs):
        if name.startswith("statsmodels"):
            raise ImportError(name)
        return usual(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", missing)
    found = agreed(two_raters(), classes=CLASSES)
    assert found.classes.kappa["linear"].reason == MISSING
    assert "palpate[agreement]" in MISSING
    assert found.reliability.icc_agreement.value is not None


def test_an_estimate_is_a_value_or_a_reason():
    for wrong in ({}, {"value": 1.0, "reason": "no"}, {"value": float("nan")}):
        with pytest.raises(GeometryError):
            Estimate(**wrong)
    with pytest.raises(GeometryError, match="how its interval"):
        Estimate(1.0, (0.0, 2.0))


# --- classes


def test_a_value_on_a_limit_is_in_the_upper_class():
    name, classes = read_classes("ANB = class III < 0 < class I < 4 < class II")
    assert (name, classes.names) == ("ANB", ("class III", "class I", "class II"))
    assert classes.of(np.array([-0.1, 0.0, 3.9, 4.0])).tolist() == [0, 1, 1, 2]


@pytest.mark.parametrize(
    "text", ["ANB", "ANB = a", "ANB = a < b < c", "= a < 0 < b", "X = a < 1 < b < 0 < c", "X=a<0<a"]
)
def test_classes_written_otherwise_are_refused(text):
    with pytest.raises(ConfigError):
        read_classes(text)


# --- raters


def rater(name, values, *, unit="deg", subjects=None, quantity="SNA", **more):
    reports = [
        Report(
            (subjects or {}).get(image, f"p{image}"),
            image,
            (
                Measurement(quantity, unit, reason=value)
                if isinstance(value, str)
                else Measurement(quantity, unit, value=float(value)),
            ),
        )
        for image, value in values.items()
    ]
    return Rater(name, reports, **more)


def values(column, n=12, seed=1):
    table = two_raters(n, seed=seed)
    return {f"{row:03d}": table[row, column] for row in range(n)}


def test_raters_are_compared_pair_by_pair_and_people_together():
    people = [rater(name, values(k % 2, seed=1 + k), person=True) for k, name in enumerate("ABC")]
    model = rater("model", values(0, seed=9))
    mean = rater("mean", values(1, seed=4), made_of=("A", "B", "C"))
    found = compare_raters([*people, mean, model], rng=rng(), resamples=50)
    (quantity,) = found.quantities
    told = {(pair.first, pair.second) for pair in quantity.pairs}
    assert told == {
        ("A", "B"),
        ("A", "C"),
        ("B", "C"),
        ("A", "model"),
        ("B", "model"),
        ("C", "model"),
        ("mean", "model"),
    }
    assert quantity.groups["all people"].raters == ("A", "B", "C")
    assert quantity.groups["all raters"].raters == ("A", "B", "C", "model")
    assert found.people == ("A", "B", "C")


def test_gaps_are_counted_and_named():
    first, second = values(0), values(1)
    first["extra.png"] = 80.0
    second["003"] = "landmark not found: A_point"
    found = compare_raters([rater("A", first), rater("B", second)], rng=rng(), resamples=20)
    (pair,) = found.quantities[0].pairs
    assert (pair.images, pair.subjects) == (11, 11)
    assert pair.refused == {"B: landmark not found: A_point": 1}
    assert "B has no measurement of 1 image: extra.png" in found.notes


def test_images_without_a_subject_are_told():
    blank = dict.fromkeys(values(0), "")
    two = [rater("A", values(0), subjects=blank), rater("B", values(1), subjects=blank)]
    found = compare_raters(two, rng=rng(), resamples=20)
    assert found.quantities[0].pairs[0].subjects == 12
    assert any("name no subject" in note for note in found.notes)


def test_raters_that_cannot_be_compared_are_refused():
    one = rater("A", values(0))
    with pytest.raises(StudyError, match="only 'A' was given"):
        compare_raters([one], rng=rng())
    with pytest.raises(StudyError, match="NAME=FILE"):
        compare_raters([one, one], rng=rng())
    with pytest.raises(StudyError, match="in deg by 'A' and in mm by 'B'"):
        compare_raters([one, rater("B", values(1), unit="mm")], rng=rng())
    with pytest.raises(StudyError, match="no image is in two files"):
        compare_raters([one, rater("B", {"x": 1.0, "y": 2.0})], rng=rng())
    with pytest.raises(StudyError, match="is of subject 'p003' by 'A'"):
        compare_raters([one, rater("B", values(1), subjects={"003": "other"})], rng=rng())
    with pytest.raises(ConfigError, match="did you mean 'SNA'"):
        compare_raters([one, rater("B", values(1))], rng=rng(), quantities=["SNa"])
    with pytest.raises(StudyError, match="no quantity was measured by two"):
        compare_raters([one, rater("B", values(1), quantity="SNB")], rng=rng())
    blind = Rater(
        "B",
        [
            replace(each, measurements=(Measurement("SNA", "deg", reason="no nasion"),))
            for each in one.reports
        ],
    )
    with pytest.raises(StudyError, match=r"by two raters \(B: no nasion\); let two mark"):
        compare_raters([one, blind], rng=rng())
    with pytest.raises(StudyError, match="independent"):
        compare_raters([one, rater("B", values(1), made_of=("A",))], rng=rng())
    with pytest.raises(StudyError, match="twice"):
        Rater("A", [*one.reports, replace(one.reports[0])])


def test_the_same_seed_gives_the_same_intervals():
    two = [rater("A", values(0)), rater("B", values(1))]
    once_, again = (compare_raters(two, rng=rng(), resamples=50).to_json() for _ in range(2))
    assert once_ == again


def test_directions_take_the_short_way_round():
    """Two raters of a slope near 180 degrees, one of whom counts it from the other side."""
    drawn = np.random.default_rng(0)
    true = drawn.normal(180.0, 3.0, 12)
    other = true + drawn.normal(0.0, 1.0, 12)

    def of(values):
        return [
            Report(f"p{k}", f"{k}.png", (Measurement("slope", "deg", value=float(v)),))
            for k, v in enumerate((values + 180.0) % 360.0 - 180.0)
        ]

    quantity = agreement(of(other), of(true)).quantities["slope"]
    assert quantity.mean_absolute_error == pytest.approx(np.abs(other - true).mean())
    compared = compare_raters([Rater("a", of(true)), Rater("b", of(other))], rng=rng())
    (pair,) = compared.quantities[0].pairs
    assert pair.limits.bias.value == pytest.approx((other - true).mean())
