"""Predictions and measurements on disk: nothing is lost, nothing broken is accepted."""

import csv
import json

import numpy as np
import pytest

from palpate.correlation import Correlation
from palpate.errors import ConfigError, FormatError, OutputError
from palpate.image import Calibration
from palpate.io.measurements import COLUMNS, write_measurements
from palpate.io.predictions import (
    PredictedImage,
    PredictionFile,
    is_predictions,
    read_predictions,
    write_predictions,
    write_predictions_csv,
)
from palpate.measurement import Measurement, NormalRange, Report
from palpate.prediction import Prediction
from palpate.scheme import LandmarkScheme

TOGETHER = Correlation(0.5 * np.eye(6) + 0.5 * np.tile(np.eye(2), (3, 3)))
SCHEME = LandmarkScheme(
    "fäce", ("nose", "eye_l", "eye_r"), mirror=(("eye_l", "eye_r"),), edges=(("nose", "eye_l"),)
)


def one(name: str, seed: int, calibration: Calibration | None = None) -> PredictedImage:
    rng = np.random.default_rng(seed)
    mean = rng.normal(100.0, 30.0, size=(3, 2))
    root = rng.normal(size=(3, 2, 2))
    covariance = root @ np.swapaxes(root, 1, 2)
    score = rng.uniform(size=3)
    if seed % 2:
        mean[1], covariance[1], score[1] = np.nan, np.nan, 0.0
    variation = np.where(np.isnan(mean[:, 0]), np.nan, rng.uniform(size=3)) if seed % 2 else None
    prediction = Prediction(
        SCHEME, mean, covariance, score, "drawn abc", "pixel", TOGETHER, variation, "scaled"
    )
    return PredictedImage(name, prediction, (640, 480), f"s{seed}", "side", calibration)


FILE = PredictionFile(
    SCHEME,
    (
        one("a.png", 0, Calibration((0.1, 1 / 3), "dicom", "detector", "ImagerPixelSpacing")),
        one('b, "quoted" é.png', 1),
    ),
    {"run": "r1"},
    {"c.png": "the file is cut"},
    {"any": [1.0, 2.0]},
)


def test_what_is_written_is_read_to_the_last_bit(tmp_path):
    path = tmp_path / "new folder" / "p.json"
    write_predictions(FILE, path)
    back = read_predictions(path)
    assert is_predictions(path)
    assert back.scheme == SCHEME
    assert dict(back.provenance) == dict(FILE.provenance)
    assert dict(back.failures) == dict(FILE.failures)
    for before, after in zip(FILE.images, back.images, strict=True):
        assert (after.image, after.size, after.subject) == (
            before.image,
            before.size,
            before.subject,
        )
        assert (after.group, after.calibration) == (before.group, before.calibration)
        assert after.prediction.localiser == before.prediction.localiser
        assert after.prediction.frame == before.prediction.frame
        for name in ("mean", "covariance", "score"):
            given, got = getattr(before.prediction, name), getattr(after.prediction, name)
            np.testing.assert_array_equal(got, given)
    write_predictions(back, tmp_path / "again.json")
    assert (tmp_path / "again.json").read_bytes() == path.read_bytes()


def test_a_file_cut_anywhere_is_refused_with_its_name(tmp_path):
    path = tmp_path / "p.json"
    write_predictions(FILE, path)
    whole = path.read_bytes()
    for share in (0.0, 0.1, 0.5, 0.9, 0.99):
        path.write_bytes(whole[: int(share * len(whole))])
        with pytest.raises(FormatError, match=r"p\.json: not a whole JSON file"):
            read_predictions(path)


def change(key, value):
    def edit(table):
        for part in key[:-1]:
            table = table[part]
        table[key[-1]] = value

    return edit


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (change(["version"], 3), "expected version 2 or less, got 3"),
        (change(["images", 0, "correlation"], 5), "names correlation 5"),
        (change(["images", 0, "variation"], [1.0]), "variation"),
        (change(["correlations"], [[[1.0]]]), "a correlation has shape"),
        (change(["format"], "coco"), "expected format 'palpate predictions', got 'coco'"),
        (change(["images", 0, "mean"], [[1.0, 2.0]]), "shape"),
        (change(["images", 0, "mean"], [[1.0, 2.0], [1.0], [1.0, 2.0]]), "different lengths"),
        (change(["images", 0, "mean", 0, 0], "12"), "images.0.mean.0.0"),
        (change(["images", 0, "score", 0], 3.0), "scores"),
        (change(["images", 0, "calibration", "spacing_mm"], [0.0, 1.0]), "spacing"),
        (change(["images", 0, "covariance", 0], [[1.0, 5.0], [5.0, 1.0]]), "eigenvalue"),
        (change(["scheme", "names"], ["nose", "nose", "ear"]), "twice"),
        (change(["colour"], "red"), "colour"),
    ],
)
def test_a_wrong_file_is_refused_in_words(tmp_path, edit, message):
    path = tmp_path / "p.json"
    write_predictions(FILE, path)
    table = json.loads(path.read_text(encoding="utf-8"))
    edit(table)
    path.write_text(json.dumps(table), encoding="utf-8")
    with pytest.raises(FormatError) as caught:
        read_predictions(path)
    assert message in str(caught.value)
    assert "p.json" in str(caught.value)


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(FormatError, match="cannot be read"):
        read_predictions(tmp_path / "none.json")
    other = tmp_path / "other.json"
    other.write_text("{}", encoding="utf-8")
    assert not is_predictions(other)


def test_the_table_for_spreadsheets(tmp_path):
    path = tmp_path / "p.csv"
    write_predictions_csv(FILE, path)
    with path.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["image"] for row in rows] == ["a.png", 'b, "quoted" é.png', "c.png"]
    first, prediction = rows[0], FILE.images[0].prediction
    assert float(first["nose_x"]) == pytest.approx(prediction.mean[0, 0], rel=1e-5)
    sd = np.sqrt(np.trace(prediction.covariance[0]) / 2)
    assert float(first["nose_sd_px"]) == pytest.approx(sd, rel=1e-5)
    assert rows[1]["eye_l_x"] == rows[1]["eye_l_sd_px"] == ""
    assert rows[2]["failure"] == "the file is cut"
    assert (rows[0]["failure"], rows[2]["nose_x"]) == ("", "")


REPORTS = [
    Report(
        "s1",
        "a.png",
        (
            Measurement(
                "ANB", "deg", 2.5, None, 0.5, (1.7, 3.3), 0.9, ("a", "b"), "ceph 1",
                NormalRange(0.0, 4.0, "Steiner"), "square",
            ),
            Measurement("S-N", "mm", reason="not calibrated"),
        ),
        {"localiser": "x"},
        "Dr A",
    ),
]  # fmt: skip


def test_measurements_are_written_one_a_row(tmp_path):
    path = tmp_path / "m.csv"
    write_measurements(tuple(REPORTS), path)
    with path.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert tuple(rows[0]) == COLUMNS
    assert rows[0]["value"] == "2.5"
    assert (rows[0]["lower"], rows[0]["upper"], rows[0]["normal_source"]) == (
        "1.7",
        "3.3",
        "Steiner",
    )
    assert rows[0]["reviewed_by"] == "Dr A"
    assert (rows[1]["value"], rows[1]["reason"]) == ("", "not calibrated")


def test_measurements_in_json_say_null_and_never_nan(tmp_path):
    path = tmp_path / "m.json"
    write_measurements(REPORTS, path)
    table = json.loads(path.read_text(encoding="utf-8"))
    first, second = table["reports"][0]["measurements"]
    assert first["interval"] == [1.7, 3.3]
    assert second["value"] is second["interval"] is second["normal"] is None
    assert table["reports"][0]["provenance"] == {"localiser": "x"}


def test_other_endings_and_bad_folders_are_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"\.csv or \.json"):
        write_measurements(REPORTS, tmp_path / "m.xlsx")
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(OutputError, match="could not write"):
        write_measurements(REPORTS, tmp_path / "file" / "m.csv")


def test_correlations_are_kept_once_and_come_back(tmp_path):
    path = tmp_path / "p.json"
    write_predictions(FILE, path)
    assert len(json.loads(path.read_text(encoding="utf-8"))["correlations"]) == 1
    back = read_predictions(path)
    assert back.calibration == {"any": [1.0, 2.0]}
    first, second = (image.prediction for image in back.images)
    assert first.correlation is second.correlation
    assert np.array_equal(first.correlation.matrix, TOGETHER.matrix)
    assert first.variation is None
    assert first.basis == "scaled"
    assert np.array_equal(second.variation, FILE.images[1].prediction.variation, equal_nan=True)


def test_a_file_of_the_first_version_is_read(tmp_path):
    path = tmp_path / "p.json"
    write_predictions(FILE, path)
    table = json.loads(path.read_text(encoding="utf-8"))
    table["version"] = 1
    del table["correlations"], table["calibration"]
    for image in table["images"]:
        del image["correlation"], image["variation"], image["basis"]
    path.write_text(json.dumps(table), encoding="utf-8")
    prediction = read_predictions(path).images[0].prediction
    assert prediction.correlation is None
    assert prediction.basis == "uncalibrated"
