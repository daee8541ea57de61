"""Measuring a whole file, and the two verbs on the command line."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import typer
from PIL import Image as Picture
from typer.testing import CliRunner

from palpate.cli.measure import measure as measure_verb
from palpate.cli.protocols import protocols as protocols_verb
from palpate.errors import ConfigError, FormatError, GeometryError, PalpateError
from palpate.image import Calibration
from palpate.io.predictions import PredictedImage, PredictionFile, write_predictions
from palpate.points import Points
from palpate.prediction import Prediction
from palpate.protocols.measure import (
    DETECTOR,
    NOT_CALIBRATED,
    SQUARE,
    measure,
    measure_points,
)
from palpate.protocols.measure_file import measure_file
from palpate.protocols.protocol import read_protocol
from palpate.scheme import LandmarkScheme

CERVICAL = read_protocol("cervical")
NECK = {
    "C1_anterior_arch": (230, 30), "C1_posterior_arch": (190, 40),
    "C2_odontoid_tip": (215, 20), "T1_anterior_superior": (190, 290),
    "T1_posterior_superior": (160, 270),
    **{
        f"C{2 + k}_{front}_{level}": (200 + x - 5 * k, 60 + 40 * k + y)
        for k in range(6)
        for front, x in (("anterior", 15), ("posterior", -15))
        for level, y in (("superior", -14), ("inferior", 14))
    },
}  # fmt: skip
ROWS = np.array([NECK[name] for name in CERVICAL.scheme.names], dtype=float)


def predicted(
    name: str = "a.png", *, sd: float = 0.8, calibration: Calibration | None = None, missing=()
) -> PredictedImage:
    mean = ROWS.copy()
    mean[[CERVICAL.scheme.index(n) for n in missing]] = np.nan
    found = ~np.isnan(mean).any(axis=1)
    covariance = np.where(found[:, None, None], sd**2 * np.eye(2), np.nan)
    prediction = Prediction(CERVICAL.scheme, mean, covariance, 0.9 * found, "unet 12ab")
    return PredictedImage(name, prediction, (400, 400), "patient 7", "LC", calibration)


def by_name(report):
    return {m.name: m for m in report.measurements}


def test_a_report_says_who_measured_what_and_how():
    detector = Calibration((0.2, 0.2), "dicom", "detector", "ImagerPixelSpacing")
    report = measure(CERVICAL, predicted(calibration=detector), level=0.95)
    assert (report.subject, report.image, report.reviewed_by) == ("patient 7", "a.png", None)
    assert report.provenance["localiser"] == "unet 12ab"
    assert report.provenance["protocol"] == "cervical 1"
    assert report.provenance["calibration"] == "dicom ImagerPixelSpacing"
    done = by_name(report)
    head = done["Anterior head translation"]
    assert head.value == pytest.approx(0.2 * 25)
    assert head.standard_uncertainty == pytest.approx(0.2 * 0.8 * np.sqrt(2), rel=1e-6)
    assert head.level == 0.95
    half = 1.95996 * head.standard_uncertainty
    assert head.interval == pytest.approx((head.value - half, head.value + half), rel=1e-4)
    assert head.note == DETECTOR
    assert DETECTOR not in done["Cobb C2-C7"].note
    assert head.landmarks == ("C7_posterior_inferior", "C2_posterior_superior")


def test_a_ruler_is_named_as_the_source_of_the_scale():
    report = measure(CERVICAL, predicted(calibration=Calibration((0.2, 0.2), "ruler")))
    assert by_name(report)["C2-C7 SVA"].note == "scale from ruler"


def test_uncertainty_grows_with_that_of_the_landmarks_and_scales_with_the_pixels():
    small, large = (
        by_name(measure(CERVICAL, predicted(sd=sd)))["Cobb C2-C7"].standard_uncertainty
        for sd in (0.2, 0.4)
    )
    assert large == pytest.approx(2 * small, rel=0.01)
    fine, coarse = (
        by_name(measure(CERVICAL, predicted(calibration=Calibration((mm, mm), "user"))))[
            "Translation C4-C5"
        ].standard_uncertainty
        for mm in (0.1, 0.3)
    )
    assert coarse == pytest.approx(3 * fine, rel=1e-6)


def test_exact_points_are_certain_and_annotated_points_are_silent():
    exact = Prediction.exact(Points.of(CERVICAL.scheme, ROWS), made_by="hand")
    report = measure(CERVICAL, PredictedImage("a", exact, (400, 400)))
    assert by_name(report)["Cobb C2-C7"].standard_uncertainty == 0.0
    annotated = measure_points(CERVICAL, Points.of(CERVICAL.scheme, ROWS), None)
    assert by_name(annotated)["Cobb C2-C7"].standard_uncertainty is None
    assert by_name(annotated)["Cobb C2-C7"].value == by_name(report)["Cobb C2-C7"].value


def test_one_missing_landmark_touches_its_own_quantities_only():
    report = measure(CERVICAL, predicted(missing=("C4_posterior_superior",)))
    done = by_name(report)
    assert done["RRA C3-C4"].reason == "landmark not found: C4_posterior_superior"
    assert done["RRA C5-C6"].value is not None
    assert done["ARA C2-C7"].value is not None
    assert SQUARE in done["ARA C2-C7"].note
    assert done["C2-C7 SVA"].reason == NOT_CALIBRATED


def test_a_landmark_that_the_localiser_does_not_know_is_named():
    names = tuple(name for name in CERVICAL.scheme.names if name != "C7_anterior_inferior")
    rows = [NECK[name] for name in names]
    points = Points.of(LandmarkScheme("short", names), rows)
    with pytest.raises(ConfigError, match="'Cobb C2-C7' needs landmark 'C7_anterior_inferior'"):
        measure_points(CERVICAL, points, None)


def test_what_cannot_be_measured_at_all_is_refused():
    solid = LandmarkScheme("solid", CERVICAL.scheme.names, dimension=3)
    with pytest.raises(GeometryError, match="2-D points in pixel, got 3-D"):
        measure_points(CERVICAL, Points.of(solid, np.zeros((29, 3))), None)
    for level in (0.0, 1.0, 90.0):
        with pytest.raises(GeometryError, match="between 0 and 1"):
            measure(CERVICAL, predicted(), level=level)


# ---- files

FILE = PredictionFile(
    CERVICAL.scheme,
    (
        predicted("a.png", calibration=Calibration((0.2, 0.2), "user")),
        predicted("[b].png", missing=("C2_anterior_inferior",)),
    ),
    {"run": "r1"},
    {"c.png": "the image is cut"},
)


@pytest.fixture
def predictions(tmp_path) -> Path:
    path = tmp_path / "predictions.json"
    write_predictions(FILE, path)
    return path


def write_landmarks(path: Path) -> None:
    header = ["image", "subject"] + [f"{n}_{a}" for n in CERVICAL.scheme.names for a in "xy"]
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(header)
        writer.writerow(["a.png", "s1", *ROWS.ravel()])


def test_images_that_could_not_be_predicted_are_reported_with_the_reason(predictions):
    reports = measure_file(predictions, CERVICAL)
    assert [report.image for report in reports] == ["a.png", "[b].png", "c.png"]
    assert {m.reason for m in reports[2].measurements} == {"the image is cut"}
    assert reports[0].provenance["run"] == "r1"


def test_an_annotation_file_and_a_study_are_measured_as_they_stand(tmp_path):
    images = tmp_path / "study" / "images"
    images.mkdir(parents=True)
    Picture.new("L", (400, 400)).save(images / "a.png")
    landmarks = tmp_path / "study" / "landmarks.csv"
    write_landmarks(landmarks)
    (tmp_path / "study" / "study.toml").write_text(
        '[calibration]\nspacing_mm = [0.2, 0.2]\nsource = "ruler"\n', encoding="utf-8"
    )
    (plain,) = measure_file(landmarks, CERVICAL)
    (study,) = measure_file(tmp_path / "study", CERVICAL)
    assert (plain.image, plain.subject) == (study.image, study.subject) == ("a.png", "s1")
    assert by_name(plain)["Anterior head translation"].reason == NOT_CALIBRATED
    assert by_name(study)["Anterior head translation"].value == pytest.approx(5.0)
    assert by_name(plain)["Cobb C2-C7"].value == by_name(study)["Cobb C2-C7"].value


def test_a_path_that_is_nothing_is_refused(tmp_path):
    with pytest.raises(FormatError, match="no such file or folder"):
        measure_file(tmp_path / "none.json", CERVICAL)


# ---- the verbs


def run(*arguments: object, ok: bool = True):
    app = typer.Typer()
    app.command()(measure_verb)
    app.command()(protocols_verb)
    result = CliRunner().invoke(
        app, [str(argument) for argument in arguments], env={"COLUMNS": "200"}
    )
    if ok:
        assert result.exit_code == 0, result.output
    return result


def test_measure_prints_a_table_and_writes_the_file(predictions, tmp_path):
    for name in ("out.csv", "out.json"):
        result = run("measure", predictions, "--protocol", "cervical", "--out", tmp_path / name)
        assert "[b].png" in result.output
        assert "landmark not found: C2_anterior_inferior" in result.output
    with (tmp_path / "out.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 3 * len(CERVICAL.quantities)
    table = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    assert len(table["reports"]) == 3


def test_measure_prints_json_for_programs_and_turns_signs(predictions):
    def cobb(*flags: str) -> float:
        table = json.loads(run("measure", predictions, "--protocol", "cervical", *flags).output)
        return table["reports"][0]["measurements"][0]["value"]

    assert cobb("--json") == pytest.approx(-cobb("--json", "--flip-sign", "lordosis"))


def test_many_images_are_summarised(tmp_path):
    images = tuple(predicted(f"{i}.png", missing=("C2_odontoid_tip",) * (i > 2)) for i in range(5))
    write_predictions(PredictionFile(CERVICAL.scheme, images), tmp_path / "p.json")
    output = run("measure", tmp_path / "p.json", "--protocol", "cervical").output
    assert "cervical 1: 5 images" in output
    assert "5 of 5" in output
    assert "0 of 5" in output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--protocol", "cervicle"), "did you mean 'cervical'"),
        (("--protocol", "cervical", "--flip-sign", "lordosys"), "did you mean 'lordosis'"),
        (("--protocol", "cervical", "--level", "2"), "between 0 and 1"),
        (("--protocol", "cephalogram"), "needs landmark 'sella'"),
        (("--protocol", "cervical", "--out", "m.xlsx"), ".csv or .json"),
    ],
)
def test_a_users_mistake_is_a_palpate_error(predictions, arguments, message):
    result = run("measure", predictions, *arguments, ok=False)
    assert isinstance(result.exception, PalpateError)
    assert message in str(result.exception)


def test_a_users_protocol_with_a_wrong_example_is_refused(predictions, tmp_path):
    text = run("protocols", "cervical", "--toml").output
    path = tmp_path / "mine.toml"
    path.write_text(text.replace("value = -45.0", "value = -44.0", 1), encoding="utf-8")
    result = run("measure", predictions, "--protocol", path, ok=False)
    assert "the example of 'Cobb C2-C7' gives -45.0000 deg" in str(result.exception)


def test_protocols_lists_and_shows():
    listed = run("protocols").output
    for name in ("cervical", "cephalogram", "spine-cobb"):
        assert name in listed
    shown = run("protocols", "cervical").output
    for word in ("Atlas plane", "C1_anterior_arch", "--flip-sign lordosis", "24 to 29", "Harrison"):
        assert word in shown
    assert isinstance(run("protocols", "knee", ok=False).exception, ConfigError)
    assert isinstance(run("protocols", "--toml", ok=False).exception, ConfigError)
