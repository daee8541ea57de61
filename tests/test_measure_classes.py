"""Classes of a quantity: chances, limits inside the interval, and what a file may say of them."""

import csv
import json
import tomllib
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from palpate.cli.measurement_table import image_table, summary_table
from palpate.conformal.measurement_scores import MeasurementScores
from palpate.correlation import Correlation
from palpate.errors import ConfigError, GeometryError
from palpate.io.measurements import write_measurements
from palpate.io.predictions import PredictedImage
from palpate.measurement import Measurement, Report
from palpate.points import Points
from palpate.prediction import Prediction
from palpate.protocols.classes import Classes
from palpate.protocols.measure import measure, measure_points
from palpate.protocols.protocol import (
    PROTOCOLS,
    protocol_from_table,
    protocol_text,
    read_protocol,
)
from palpate.report.case_view import measured_rows
from palpate.report.wording import chance, line, quantity

CEPHALOGRAM = read_protocol("cephalogram")
ANB = replace(CEPHALOGRAM, quantities=(CEPHALOGRAM.quantity("ANB"),))
CERVICAL = read_protocol("cervical")
COBB = replace(CERVICAL, quantities=(CERVICAL.quantity("Cobb C2-C7"),))


def jaws(degrees: float, sd: float = 0.5, **more) -> PredictedImage:
    """A film whose ANB is known: nasion above, A straight below, B turned back by the angle."""
    names = CEPHALOGRAM.scheme.names
    mean = np.full((len(names), 2), np.nan)
    turned = np.radians(90.0 + degrees)
    for name, place in {
        "sella": (0.0, 0.0),
        "nasion": (70.0, 0.0),
        "A_point": (70.0, 60.0),
        "B_point": (70.0 + 100.0 * np.cos(turned), 100.0 * np.sin(turned)),
    }.items():
        mean[names.index(name)] = place
    found = ~np.isnan(mean[:, 0])
    covariance = np.where(found[:, None, None], sd**2 * np.eye(2), np.nan)
    made = Prediction(CEPHALOGRAM.scheme, mean, covariance, 1.0 * found, "drawn", **more)
    return PredictedImage("a.png", made, (300, 300), "s1")


def anb(image: PredictedImage, protocol=ANB, **more) -> Measurement:
    return measure(protocol, image, **more).measurements[0]


def held_out(subjects: int, sd: float = 1.0, unit: str = "deg", bias: float = 0.0):
    residual = bias + sd * norm.ppf((np.arange(subjects) + 0.5) / subjects)
    width = np.full(subjects, sd)
    return {"ANB": MeasurementScores(unit, residual, width, width, np.arange(subjects))}


@pytest.mark.parametrize("name", list(PROTOCOLS))
def test_classes_of_shipped_protocols_name_their_source(name):
    for each in read_protocol(name).quantities:
        assert each.classes is None or each.classes.source


def test_limits_have_their_classes():
    assert [anb(jaws(d)).probabilities[c] > 0.9 for d, c in ((-4, "class III"), (8, "class II"))]
    main = read_protocol("spine-cobb").quantity("Cobb 1 main").classes
    assert [main.of(v) for v in (9.9, 10.0, 24.9, 25.0, 40.0)] == [
        "no scoliosis", "mild", "mild", "moderate", "severe",
    ]  # fmt: skip
    curve = CERVICAL.quantity("Cobb C2-C7").classes
    assert [curve.of(v) for v in (-20.0, 0.0, 10.0)] == ["lordotic", "straight", "kyphotic"]


@settings(max_examples=25)
@given(st.floats(-30.0, 30.0), st.floats(0.05, 6.0))
def test_chances_sum_to_one_and_follow_the_normal_distribution(degrees, sd):
    done = anb(jaws(degrees, sd))
    assert sum(done.probabilities.values()) == pytest.approx(1.0)
    if done.spread is None:
        under = norm.cdf(-done.value / done.standard_uncertainty)
        assert done.probabilities["class III"] == pytest.approx(under, abs=1e-9)


def test_a_limit_inside_the_interval_is_named():
    clear, close = anb(jaws(2.0, 0.2)), anb(jaws(3.5, 0.5))
    assert clear.crosses == ()
    assert close.crosses == ("between class I and class II (4 deg)",)
    assert close.interval[0] < 4.0 < close.interval[1]


def test_a_landmark_without_doubt_leaves_none_in_the_class():
    done = anb(jaws(2.0, 0.0))
    assert done.standard_uncertainty == 0.0
    assert dict(done.probabilities) == {"class III": 0.0, "class I": 1.0, "class II": 0.0}
    assert done.crosses == ()
    # At a limit exactly: the class above it, and nothing is crossed.
    assert CEPHALOGRAM.quantity("ANB").classes.of(4.0) == "class II"


def test_annotations_have_a_value_and_no_chances():
    points = jaws(2.0).prediction.points
    done = measure_points(ANB, points, None).measurements[0]
    assert (done.probabilities, done.crosses, done.basis) == ({}, (), "")


def test_a_sign_turned_round_keeps_the_chances_and_turns_the_limits():
    rows = np.array([(200 + 3 * (i % 7), 10 * i) for i in range(len(CERVICAL.scheme))], dtype=float)
    at = {name: i for i, name in enumerate(CERVICAL.scheme.names)}
    for body, slope in (("C2", 0), ("C7", -3)):
        rows[at[f"{body}_posterior_inferior"]] = (100, 100 if body == "C2" else 300)
        rows[at[f"{body}_anterior_inferior"]] = (140, (100 if body == "C2" else 300) + slope)
    for body in ("C2", "C3", "C4", "C5", "C6", "C7"):
        for level in ("superior", "inferior"):
            rows[at[f"{body}_anterior_{level}"], 0] = 140
            rows[at[f"{body}_posterior_{level}"], 0] = 100
    covariance = np.tile(0.3 * np.eye(2), (len(rows), 1, 1))
    made = Prediction(CERVICAL.scheme, rows, covariance, np.ones(len(rows)), "drawn")
    image = PredictedImage("a", made, (400, 400))
    plain, turned = (measure(p, image).measurements[0] for p in (COBB, COBB.flip("lordosis")))
    assert plain.value == pytest.approx(-turned.value)
    assert plain.value > 0.0
    assert plain.probabilities == turned.probabilities
    assert turned.interval == pytest.approx((-plain.interval[1], -plain.interval[0]))
    assert plain.crosses == ("between straight and kyphotic (4 deg)",)
    assert turned.crosses == ("between straight and kyphotic (-4 deg)",)


# ---- held-out subjects


def test_enough_held_out_subjects_make_the_interval_and_the_chances():
    image, scores = jaws(3.5), held_out(40)
    done, plain = anb(image, scores=scores), anb(image)
    assert (done.basis, plain.basis) == ("conformal", "uncalibrated")
    u = plain.standard_uncertainty
    assert done.interval == scores["ANB"].interval(done.value, u, u, 0.9)
    under = scores["ANB"].probability_below(done.value, u, u, 4.0)
    assert done.probabilities["class II"] == pytest.approx(1.0 - under)
    assert sum(done.probabilities.values()) == pytest.approx(1.0)
    # What a conformal interval was made from is what other images are told by.
    assert done.standard_uncertainty == u


def test_an_error_that_is_known_moves_the_interval_not_the_value():
    done = anb(jaws(3.0), scores=held_out(40, bias=-2.0))
    assert done.value == pytest.approx(3.0)
    assert done.probabilities["class III"] > anb(jaws(3.0)).probabilities["class III"]


def test_too_few_held_out_subjects_leave_what_was_propagated():
    image = jaws(3.5, basis="scaled")
    few, none = anb(image, scores=held_out(8)), anb(image)
    assert few == none
    assert few.basis == "scaled"
    assert anb(jaws(3.5, basis="conformal")).basis == "scaled"
    # Enough for the level, not for chances.
    assert anb(image, scores=held_out(5), level=0.5).basis == "conformal"
    assert dict(anb(image, scores=held_out(5), level=0.5).probabilities) == {}


def test_scores_of_another_unit_are_refused_in_words():
    with pytest.raises(GeometryError, match="'ANB' is in 'deg', its held-out errors are in 'mm'"):
        anb(jaws(2.0), scores=held_out(20, unit="mm"))


def test_held_out_errors_have_the_signs_of_the_protocol_as_it_stands():
    rng = np.random.default_rng(0)
    rows = CERVICAL_ROWS + rng.normal(size=CERVICAL_ROWS.shape)
    covariance = np.tile(np.eye(2), (len(rows), 1, 1))
    made = Prediction(CERVICAL.scheme, rows, covariance, np.ones(len(rows)), "drawn")
    image = PredictedImage("a", made, (400, 400))
    residual = np.linspace(-1.0, 9.0, 30)
    scores = MeasurementScores("deg", residual, np.ones(30), 2 * np.ones(30), np.arange(30))
    plain, turned = (
        measure(p, image, scores={"Cobb C2-C7": of}).measurements[0]
        for p, of in ((COBB, scores), (COBB.flip("lordosis"), scores.flipped()))
    )
    assert plain.probabilities["kyphotic"] > 0.6
    assert turned.interval == pytest.approx((-plain.interval[1], -plain.interval[0]))
    assert turned.probabilities == plain.probabilities


CERVICAL_ROWS = np.array(
    [
        (100.0 + 40.0 * ("anterior" in name) + 20.0 * (name == "C2_odontoid_tip"), 12.0 * i)
        for i, name in enumerate(CERVICAL.scheme.names)
    ]
)


# ---- correlated errors


def together(name: str, correlated: bool) -> Measurement:
    one = replace(CERVICAL, quantities=(CERVICAL.quantity(name),))
    k = len(CERVICAL.scheme)
    made = Prediction(
        CERVICAL.scheme,
        CERVICAL_ROWS,
        np.tile(4.0 * np.eye(2), (k, 1, 1)),
        np.ones(k),
        "drawn",
        correlation=Correlation(np.tile(np.eye(2), (k, k))) if correlated else None,
    )
    return measure(one, PredictedImage("a", made, (400, 400))).measurements[0]


def test_a_vertebra_that_is_shifted_as_a_whole_keeps_its_tilt():
    assert together("C7 slope", True).standard_uncertainty == pytest.approx(0.0, abs=1e-6)
    assert together("C7 slope", False).standard_uncertainty > 3.0
    assert together("C7 slope", True).interval == pytest.approx(
        (together("C7 slope", True).value,) * 2, abs=1e-5
    )


# ---- files of a user


def with_classes(names, limits, quantity_name="ANB", source="typical"):
    table = tomllib.loads(protocol_text("cephalogram"))
    for each in table["quantity"]:
        if each["name"] == quantity_name:
            each["classes"] = {"names": names, "limits": limits, "source": source}
    return protocol_from_table(table, where="mine.toml")


@pytest.mark.parametrize(
    ("names", "limits", "message"),
    [
        (["a"], [], "at least 2"),
        (["a", "b"], [1.0, 2.0], "2 classes have 1 limits between them, not 2"),
        (["a", "b", "c"], [2.0, 2.0], "rise from each to the next"),
        (["a", "a"], [2.0], "different names"),
        (["a", "=1+1"], [2.0], "match pattern"),
        (["a", "b"], ["2"], "valid number"),
    ],
)
def test_classes_that_do_not_fit_together_are_refused(names, limits, message):
    with pytest.raises(ConfigError, match=message) as caught:
        with_classes(names, limits)
    assert "quantity 'ANB'" in str(caught.value)


def test_a_limit_where_no_value_can_be_is_refused():
    with pytest.raises(ConfigError, match="from 0 to 180 deg, so no class can end at -1"):
        with_classes(["a", "b"], [-1.0], "SNA")
    with pytest.raises(ConfigError, match="source"):
        with_classes(["a", "b"], [1.0], source="")
    assert with_classes(["a", "b"], [80.0], "SNA").quantity("SNA").classes.of(81.0) == "b"


@settings(max_examples=50)
@given(st.lists(st.floats(-50.0, 50.0), min_size=1, max_size=5, unique=True), st.floats(-60, 60))
def test_a_value_is_in_the_class_whose_chance_a_certain_one_gives(limits, value):
    names = tuple(f"c{k}" for k in range(len(limits) + 1))
    classes = Classes(names=names, limits=tuple(sorted(limits)), source="drawn")
    chances = classes.chances(lambda limit: float(value < limit))
    assert chances[classes.of(value)] == 1.0
    assert classes.crossed((value, value), "deg", 1.0) == ()


# ---- words, tables, files


def test_the_line_reads_the_same_everywhere():
    done = Measurement(
        "C2-C7 Cobb", "deg", value=14.21, standard_uncertainty=1.46, interval=(11.8, 16.6),
        basis="conformal", probabilities={"lordotic": 0.97, "kyphotic": 0.03},
    )  # fmt: skip
    assert line(done) == "C2-C7 Cobb 14.2 deg (90 % interval 11.8 to 16.6); P(kyphotic) 0.03"
    unchecked = replace(done, basis="uncalibrated", probabilities={})
    assert quantity(unchecked) == "14.2 deg (90 % interval 11.8 to 16.6, uncalibrated)"
    rough = replace(done, standard_uncertainty=12.0, interval=(-5.5, 34.2))
    assert quantity(rough).startswith("14 deg (90 % interval -6 to 34)")
    assert [chance(p) for p in (0.0, 0.0099, 0.01, 0.5, 0.99, 0.9901, 1.0)] == [
        "<0.01", "<0.01", "0.01", "0.50", "0.99", ">0.99", ">0.99",
    ]  # fmt: skip


def test_the_page_and_the_tables_tell_chances_basis_and_limits(capsys):
    report = measure(ANB, jaws(3.5))
    (row,) = measured_rows(report, None)
    assert "uncalibrated); P(class III) <0.01, P(class I) 0." in row.text
    assert "interval crosses the limit between class I and class II (4 deg)" in row.notes
    from rich.console import Console

    console = Console(width=200)
    console.print(image_table(report))
    console.print(summary_table(ANB, [report, replace(report, image="b")]))
    shown = capsys.readouterr().out
    for words in ("uncalibrated", "P(class III) <0.01", "interval crosses the limit", "2 of 2"):
        assert words in shown


def test_files_hold_chances_basis_and_limits(tmp_path):
    reports = [measure(ANB, jaws(3.5)), Report("", "b.png", (Measurement("x", "mm", value=1.0),))]
    for name in ("m.csv", "m.json"):
        write_measurements(reports, tmp_path / name)
    with (tmp_path / "m.csv").open(encoding="utf-8", newline="") as stream:
        first, second = csv.DictReader(stream)
    assert (first["basis"], first["crosses"]) == (
        "uncalibrated",
        "between class I and class II (4 deg)",
    )
    columns = ("P_class III", "P_class I", "P_class II")
    assert sum(float(first[column]) for column in columns) == pytest.approx(1.0, abs=2e-4)
    assert [second[column] for column in (*columns, "basis", "crosses")] == [""] * 5
    table = json.loads((tmp_path / "m.json").read_text(encoding="utf-8"))
    told = table["reports"][0]["measurements"][0]
    assert told["probabilities"] == dict(reports[0].measurements[0].probabilities)
    assert told["basis"] == "uncalibrated"


def test_landmarks_that_are_missing_leave_a_reason_and_no_chances():
    nowhere = Points.of(CEPHALOGRAM.scheme, np.full((19, 2), np.nan))
    image = PredictedImage("1", Prediction.exact(nowhere, made_by="nobody"), (9, 9))
    done = anb(image, scores=held_out(20))
    assert done.reason.startswith("landmark not found")
    assert (done.probabilities, done.basis, done.interval) == ({}, "", None)
