"""Risk-coverage curves of a study's predictions: films first, then every measurement."""

import csv
import json
from dataclasses import replace

import cv2
import numpy as np
import pytest

from palpate.evaluation.cases import EvaluatedCase
from palpate.image import Calibration
from palpate.io.predictions import PredictedImage
from palpate.measurement import Measurement, Report
from palpate.points import Points
from palpate.prediction import Prediction
from palpate.protocols.protocol import read_protocol
from palpate.report.risk_section import risk_section
from palpate.scheme import LandmarkScheme
from palpate.study import open_study
from palpate.trust.measured import measured_doubt
from palpate.workflows.assess import assess, write_assessment
from palpate.workflows.evaluate import EvaluatedStudy
from palpate.workflows.risk_curves import FEWEST, risk_curves

SCHEME = LandmarkScheme("pair", ("a", "b"))
SIZE = (100, 80)
PROTOCOL = """
name = "pair"
version = "1"
title = "t"
source = "s"
[scheme]
landmarks = ["a", "b"]
"""
LENGTH = """
[[quantity]]
name = "length"
unit = "px"
meaning = "m"
sign = "unsigned"
source = "s"
[quantity.formula]
kind = "distance"
start = "a"
end = "b"
[quantity.example]
points = { a = [0.0, 0.0], b = [3.0, 4.0] }
value = 5.0
because = "3, 4, 5"
"""


def film(number, error, score, *, spacing=0.5, found=(True, True)):
    """A film whose two landmarks are off by ``error`` px, and found as surely as ``score``."""
    name, truth = f"{number:02d}.png", np.array([[20.0, 30.0], [60.0, 30.0]])
    mean = np.where(np.array(found)[:, None], truth + np.array([error, 0.0]), np.nan)
    covariance = np.where(np.array(found)[:, None, None], np.eye(2), np.nan)
    prediction = Prediction(SCHEME, mean, covariance, np.where(found, score, 0.0), "net")
    subject = f"s{number // 2}"
    calibration = None if spacing is None else Calibration((spacing, spacing), "user")
    case = EvaluatedCase(name, subject, "", Points.of(SCHEME, truth), prediction, {}, calibration)
    return case, PredictedImage(name, prediction, SIZE, subject)


def films(errors, scores, **more):
    pairs = [
        film(k, error, score, **more)
        for k, (error, score) in enumerate(zip(errors, scores, strict=True))
    ]
    cases, predicted = zip(*pairs, strict=True)
    return cases, predicted


def protocol_of(tmp_path, text):
    (tmp_path / "p.toml").write_text(PROTOCOL + text, encoding="utf-8")
    return read_protocol(str(tmp_path / "p.toml"))


def reports(name, unit, values, widths=None):
    given = widths if widths is not None else [None] * len(values)
    return tuple(
        Report(
            f"s{k // 2}",
            f"{k:02d}.png",
            (
                Measurement(name, unit, reason="landmark not found: a")
                if value is None
                else Measurement(name, unit, value=value, standard_uncertainty=width),
            ),
        )
        for k, (value, width) in enumerate(zip(values, given, strict=True))
    )


def test_films_are_ordered_by_their_scores_in_mm_where_all_are_calibrated():
    errors = np.linspace(1.0, 12.0, 12)
    cases, predicted = films(errors, np.linspace(0.9, 0.3, 12))
    # The order in which films are given has no say.
    (curve,) = risk_curves(cases[::-1], predicted, None, seed=0)
    assert curve.of.unit == "mm"
    assert curve.saved == pytest.approx(1.0)
    assert curve.random_area == pytest.approx(0.5 * errors.mean())
    assert curve.risk[9] == pytest.approx(0.5 * errors[:6].mean())
    assert curve.subjects == 6
    (turned,) = risk_curves(*films(errors, np.linspace(0.3, 0.9, 12)), None, seed=0)
    assert turned.saved < 0.0
    (plain,) = risk_curves(*films(errors, np.full(12, 0.5), spacing=None), None, seed=0)
    assert plain.of.unit == "px"
    assert plain.saved == pytest.approx(0.0)


def test_the_error_of_a_film_is_that_of_the_landmarks_found():
    errors, scores = np.linspace(1.0, 12.0, 12), np.linspace(0.9, 0.3, 12)
    cases, predicted = (list(part) for part in films(errors, scores))
    cases[0], predicted[0] = film(0, 1.0, 0.9, found=(True, False))
    cases[1], predicted[1] = film(1, 2.0, 0.8, found=(False, False))
    (curve,) = risk_curves(cases, predicted, None, seed=0)
    assert curve.cases == 11
    assert curve.random_area == pytest.approx(0.5 * np.delete(errors, 1).mean())
    # A landmark that was not found makes a film doubtful: it comes last now.
    assert curve.risk[0] == pytest.approx(0.5 * errors[2])


def test_a_measurement_is_ordered_by_its_stated_width(tmp_path):
    protocol = protocol_of(tmp_path, LENGTH)
    rng = np.random.default_rng(0)
    widths = rng.permutation(np.linspace(1.0, 3.0, 14))
    true = np.full(14, 40.0)
    signs = rng.choice([-1.0, 1.0], 14)
    found = true + signs * widths
    cases, predicted = films(np.ones(14), np.full(14, 0.5))
    measured = (
        protocol,
        reports("length", "px", [*found[:-1].tolist(), None], widths.tolist()),
        reports("length", "px", true.tolist()),
    )
    film_curve, curve = risk_curves(cases, predicted, measured, seed=0)
    assert (film_curve.of.name, curve.of.name) == ("Mean radial error", "length")
    assert curve.cases == 13
    assert curve.saved == pytest.approx(1.0)
    assert curve.random_area == pytest.approx(widths[:-1].mean())
    again = risk_curves(cases, predicted, measured, seed=0)
    assert [each.bands for each in again] == [film_curve.bands, curve.bands]


def test_the_error_of_a_direction_is_taken_the_short_way_round():
    cervical = read_protocol("cervical")
    slope = next(each for each in cervical.quantities if each.name == "T1 slope")
    protocol = replace(cervical, quantities=(slope,))
    half = 180.0
    cases, predicted = films(np.ones(12), np.full(12, 0.5))
    found = reports("T1 slope", "deg", [half - 1.0] * 12, [1.0] * 12)
    true = reports("T1 slope", "deg", [1.0 - half] * 12)
    curve = risk_curves(cases, predicted, (protocol, found, true), seed=0)[1]
    assert curve.random_area == pytest.approx(2.0)


def test_what_is_stated_on_each_side_counts_and_nothing_stated_does_not():
    one = Measurement("length", "px", value=1.0, standard_uncertainty=2.0)
    assert measured_doubt(one) == 4.0
    assert measured_doubt(replace(one, spread=(1.0, 4.0))) == 5.0
    assert measured_doubt(replace(one, standard_uncertainty=None)) is None


def test_too_few_cases_or_nobody_who_knows_give_no_curve(tmp_path):
    few = FEWEST - 1
    assert risk_curves(*films(np.ones(few), np.full(few, 0.5)), None, seed=0) == ()
    assert risk_section(()) is None
    cases, predicted = films(np.ones(12), np.full(12, 0.5))
    unstated = reports("length", "px", [1.0] * 12)
    measured = (protocol_of(tmp_path, LENGTH), unstated, unstated)
    assert len(risk_curves(cases, predicted, measured, seed=0)) == 1


def test_the_section_has_every_curve_in_its_table_and_four_plots():
    rng = np.random.default_rng(1)
    (curve,) = risk_curves(*films(rng.exponential(size=20), rng.random(20)), None, seed=0)
    section = risk_section([curve] * 6)
    assert (section.anchor, section.title) == ("risk", "What setting cases aside saves")
    assert len(section.plots) == 4
    ((_, table),) = section.tables
    assert len(table.rows) == 6
    assert all(len(row) == len(table.head) for row in table.rows)
    assert table.rows[0][1] == "20"
    assert section.notes == ("2 more curves are in the table and in risk_coverage.csv.",)
    assert risk_section([curve]).notes == ()
    pure = replace(curve, of=replace(curve.of, name="ratio", unit="1"))
    assert risk_section([pure]).tables[0][1].rows[0][0] == "ratio"


def test_an_assessment_writes_the_curves_and_shows_them_also_without_calibration(tmp_path):
    (tmp_path / "images").mkdir()
    cases, predicted = films(np.linspace(1.0, 12.0, 12), np.linspace(0.9, 0.3, 12), spacing=None)
    rows = ["image,subject,a_x,a_y,b_x,b_y"]
    for case in cases:
        cv2.imwrite(str(tmp_path / "images" / case.identifier), np.full(SIZE[::-1], 90, np.uint8))
        rows.append(f"{case.identifier},{case.subject},20,30,60,30")
    (tmp_path / "landmarks.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    found = assess(
        open_study(tmp_path),
        EvaluatedStudy(cases, predicted, {}),
        protocol=protocol_of(tmp_path, LENGTH),
        seed=0,
    )
    assert [each.of.name for each in found.risks] == ["Mean radial error", "length"]
    write_assessment(found, tmp_path / "out", {})
    with (tmp_path / "out" / "risk_coverage.csv").open(encoding="utf-8") as stream:
        written = list(csv.DictReader(stream))
    assert len(written) == 2 * 20
    assert {row["ordered_by"] for row in written[:20]} == {"the scores of the landmarks"}
    metrics = json.loads((tmp_path / "out" / "metrics.json").read_text(encoding="utf-8"))
    assert metrics["risk_coverage"]["Mean radial error"]["saved"] == pytest.approx(1.0)
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert page.count('id="risk"') == page.count('href="#risk"') == 1
    assert "What setting cases aside saves" in page
