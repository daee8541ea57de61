"""``palpate agreement``: files into raters, tables, JSON and the page."""

import csv
import json
import re

import numpy as np
import pytest
import typer
from PIL import Image as Picture
from typer.testing import CliRunner

from palpate.cli.agreement import agreement
from palpate.errors import ConfigError, FormatError, PalpateError, StudyError
from palpate.evaluation.agreement_rows import agreement_rows
from palpate.io.measurements import write_measurements
from palpate.io.predictions import PredictedImage, PredictionFile, write_predictions
from palpate.measurement import Measurement, Report
from palpate.points import Points
from palpate.prediction import Prediction
from palpate.protocols.protocol import read_protocol
from palpate.study import open_study
from palpate.workflows.agreement import AgreementWish, study_agreement, write_agreement
from palpate.workflows.agreement_inputs import RaterInput
from palpate.workflows.agreement_measured import read_measured
from palpate.workflows.agreement_people import people_and_model

PROTOCOL = """
name = "wedge"
version = "1"
title = "an angle"
source = "test"
[scheme]
landmarks = ["a", "b", "c"]
[[quantity]]
name = "opening"
unit = "deg"
meaning = "angle at b"
sign = "unsigned"
source = "test"
[quantity.classes]
names = ["narrow", "wide"]
limits = [45.0]
source = "typical"
[quantity.formula]
kind = "angle_at"
vertex = "b"
first = "a"
second = "c"
[quantity.example]
points = { a = [10.0, 0.0], b = [0.0, 0.0], c = [0.0, 10.0] }
value = 90.0
because = "a right angle"
"""


def app():
    made = typer.Typer()
    made.command()(agreement)
    return made


def reports(seed, *, n=10, unit="deg", name="SNA"):
    true = np.random.default_rng(0).normal(80.0, 4.0, n)
    noise = np.random.default_rng(seed).normal(0.0, 1.0, n)
    return [
        Report(f"p{k}", f"{k}.png", (Measurement(name, unit, value=float(true[k] + noise[k])),))
        for k in range(n)
    ]


def measured(folder, name, rows):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    write_measurements(rows, path)
    return str(path)


def points(k, seed):
    shift = np.random.default_rng([k, seed]).normal(0.0, 0.6, (3, 2))
    angle = np.radians(20.0 + 5.0 * k)
    return (
        np.array([[40.0, 10.0], [10.0, 10.0], [10 + 30 * np.cos(angle), 10 + 30 * np.sin(angle)]])
        + shift
    )


@pytest.fixture
def study(tmp_path):
    root = tmp_path / "films"
    (root / "images").mkdir(parents=True)
    (tmp_path / "wedge.toml").write_text(PROTOCOL)
    for who, seed in (("A", 1), ("B", 2)):
        lines = ["image,subject," + ",".join(f"{n}_{x}" for n in "abc" for x in "xy")]
        for k in range(8):
            Picture.new("L", (60, 60)).save(root / "images" / f"{k}.png")
            cells = ",".join(f"{v:.4f}" for v in points(k, seed).ravel())
            lines.append(f"{k}.png,p{k},{cells}")
        (root / f"landmarks_annotator{who}.csv").write_text("\n".join(lines) + "\n")
    return root


def predicted(tmp_path, *, failures=None):
    scheme = read_protocol(str(tmp_path / "wedge.toml")).scheme
    images = tuple(
        PredictedImage(
            f"{k}.png",
            Prediction.exact(Points.of(scheme, points(k, 3)), made_by="net"),
            (60, 60),
            f"p{k}",
        )
        for k in range(7)
    )
    path = tmp_path / "run" / "predictions.json"
    write_predictions(PredictionFile(scheme, images, failures=failures or {}), path)
    return path


def test_measurements_are_read_back_as_they_were_written(tmp_path):
    rows = reports(1)
    rows[3] = Report(
        "p3", "3.png", (Measurement("SNA", "deg", reason="landmark not found: sella"),)
    )
    for name in ("a.csv", "a.json"):
        back = read_measured(tmp_path / measured(tmp_path, name, rows))
        assert [(r.subject, r.image) for r in back] == [(r.subject, r.image) for r in rows]
        assert back[3].measurements[0].reason == "landmark not found: sella"
        for one, other in zip(back, rows, strict=True):
            if other.measurements[0].value is not None:
                assert one.measurements[0].value == pytest.approx(
                    other.measurements[0].value, rel=1e-5
                )


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("2.png,p2,SNA,", "2.png,p2,SNA,nan", "a finite number was expected"),
        ("2.png,p2,SNA", "1.png,p1,SNA", "gives 'SNA' of image '1.png' twice"),
        (",deg,", ",degree,", "unit 'degree'"),
        ("2.png,p2", ",p2", "names no image"),
    ],
)
def test_a_wrong_row_is_named_with_its_line(tmp_path, old, new, told):
    path = tmp_path / "a.csv"
    measured(tmp_path, "a.csv", reports(1))
    lines = path.read_text().split("\n")
    lines[3] = re.sub(r"(SNA),[^,]*", r"\1,", lines[3]) if new.endswith("nan") else lines[3]
    lines[3] = lines[3].replace(old, new)
    path.write_text("\n".join(lines))
    with pytest.raises(FormatError, match=re.escape(told)) as caught:
        read_measured(path)
    assert caught.value.line == 4


def test_two_files_of_measurements_make_table_json_and_page(tmp_path):
    one = measured(tmp_path, "ann.csv", reports(1))
    other = measured(tmp_path, "ben.json", reports(2))
    out = tmp_path / "out"
    classes = "SNA = retrognathic < 78 < normal < 82 < prognathic"
    ran = CliRunner().invoke(
        app(), [one, other, "--out", str(out), "--classes", classes, "--resamples", "100"]
    )
    assert ran.exit_code == 0, ran.output
    assert "ben − ann" in ran.output
    assert "ICC(2,1)" in ran.output
    table = json.loads((out / "agreement.json").read_text())
    (pair,) = table["quantities"][0]["pairs"]
    assert pair["limits"]["bias"]["method"] == "t"
    assert pair["classes"]["names"] == ["retrognathic", "normal", "prognathic"]
    assert len(pair["points"]) == 10
    with (out / "agreement.csv").open() as stream:
        (row,) = csv.DictReader(stream)
    assert float(row["bias"]) == pytest.approx(pair["limits"]["bias"]["value"], rel=1e-5)
    assert row["kappa_linear"]
    html = (out / "agreement.html").read_text()
    assert "Bland-Altman plot of SNA: ben − ann" in html
    assert "Student" in html
    for text in (html, (out / "agreement.csv").read_text()):
        assert not re.search(r"\bnan\b", text, re.IGNORECASE)
    assert "http:" not in html
    assert "https:" not in html


def test_json_is_printed_where_a_program_reads(tmp_path):
    files = [measured(tmp_path, f"{k}.csv", reports(k)) for k in (1, 2)]
    ran = CliRunner().invoke(app(), [*files, "--out", str(tmp_path / "out"), "--json"])
    assert json.loads(ran.output)["raters"] == ["1", "2"]


def test_annotators_of_a_study_and_a_model_stand_side_by_side(study, tmp_path):
    model = predicted(tmp_path, failures={"7.png": "the image is black"})
    wish = AgreementWish(protocol=str(tmp_path / "wedge.toml"), resamples=100)
    found = study_agreement([str(study), f"model={model}"], wish)
    assert found.raters == ("A", "B", "mean of A and B", "model")
    assert found.people == ("A", "B")
    (quantity,) = found.quantities
    labels = [(pair.first, pair.second, pair.images) for pair in quantity.pairs]
    assert labels == [
        ("A", "B", 8),
        ("A", "model", 7),
        ("B", "model", 7),
        ("mean of A and B", "model", 7),
    ]
    assert quantity.pairs[1].refused == {"model: the image is black": 1}
    assert quantity.groups["all raters"].raters == ("A", "B", "model")
    assert quantity.pairs[0].classes.names == ("narrow", "wide")
    write_agreement(found, tmp_path / "out", {"palpate": "test"})
    rows = agreement_rows(found)
    assert rows[-1]["comparison"] == "all raters: A, B, model"
    assert rows[1]["refused"] == "1 x model: the image is black"
    html = (tmp_path / "out" / "agreement.html").read_text()
    assert "people are" in html
    assert "the image is black" in html


def test_the_mean_of_the_points_is_measured_and_not_the_mean_of_the_angles(study, tmp_path):
    """The mean rater is the angle of mean points, computed here by hand."""
    wish = AgreementWish(protocol=str(tmp_path / "wedge.toml"), resamples=100)
    found = study_agreement([str(study), str(predicted(tmp_path))], wish)
    pair = found.quantities[0].pairs[-1]
    a, b, c = (np.round(points(0, 1), 4) + np.round(points(0, 2), 4)) / 2
    u, v = a - b, c - b
    angle = np.degrees(np.arccos(u @ v / np.linalg.norm(u) / np.linalg.norm(v)))
    assert pair.points[0][1] == pytest.approx(angle)


def test_a_study_alone_compares_its_people(study, tmp_path):
    wish = AgreementWish(protocol=str(tmp_path / "wedge.toml"), resamples=100)
    assert study_agreement([str(study)], wish).raters == ("A", "B")
    (study / "landmarks_annotatorB.csv").unlink()
    with pytest.raises(StudyError, match="has one annotator"):
        study_agreement([str(study)], wish)


def test_an_evaluation_has_its_people_beside_the_model(study, tmp_path):
    protocol = read_protocol(str(tmp_path / "wedge.toml"))
    held_out = [
        Report(f"p{k}", f"{k}.png", (Measurement("opening", "deg", value=20.0 + 5 * k),))
        for k in (1, 2, 4, 6)
    ]
    found = people_and_model(open_study(study), held_out, protocol, name="net", seed=0)
    assert next((p.label, p.images) for p in found.quantities[0].pairs) == ("B − A", 4)
    assert len(found.quantities[0].pairs) == 4
    (study / "landmarks_annotatorB.csv").unlink()
    assert people_and_model(open_study(study), held_out, protocol, name="net", seed=0) is None


def test_an_annotation_file_with_several_annotators_is_several_raters(study, tmp_path):
    rows = []
    for who in "AB":
        head, *lines = (study / f"landmarks_annotator{who}.csv").read_text().splitlines()
        rows += [f"{line},{who}" for line in lines]
    path = tmp_path / "both.csv"
    path.write_text("\n".join([f"{head},annotator", *rows]) + "\n")
    wish = AgreementWish(protocol=str(tmp_path / "wedge.toml"), resamples=100)
    assert study_agreement([str(path)], wish).raters == ("A", "B")
    assert study_agreement([f"new={path}"], wish).raters == ("new A", "new B")


def test_a_rater_is_named_by_the_file_or_by_its_folder(tmp_path):
    generic = RaterInput.read(measured(tmp_path / "ann", "measurements.csv", reports(1)))
    assert generic.title == "ann"
    assert RaterInput.read(measured(tmp_path, "ben.csv", reports(1))).title == "ben"
    assert RaterInput.read(f"x={tmp_path / 'ben.csv'}").title == "x"
    odd = measured(tmp_path, "a=b.csv", reports(1))
    assert RaterInput.read(odd).title == "a=b"
    with pytest.raises(FormatError, match="no such file"):
        RaterInput.read("x=nowhere.csv")


def test_wrong_input_is_told_in_a_sentence(study, tmp_path):
    one = measured(tmp_path, "one.csv", reports(1))
    points_only = str(study / "landmarks_annotatorA.csv")
    wish = AgreementWish(resamples=100)
    with pytest.raises(ConfigError, match="--protocol NAME"):
        study_agreement([one, points_only], wish)
    with pytest.raises(StudyError, match="only 'one' was given"):
        study_agreement([one], wish)
    with pytest.raises(StudyError, match="NAME=FILE"):
        study_agreement([one, one], wish)
    in_mm = measured(tmp_path, "mm.csv", reports(2, unit="mm"))
    with pytest.raises(StudyError, match="in deg by 'one' and in mm by 'mm'"):
        study_agreement([one, in_mm], wish)
    blank = tmp_path / "blank.csv"
    blank.write_text("")
    with pytest.raises(PalpateError, match=r"blank\.csv"):
        study_agreement([one, str(blank)], wish)


def test_few_and_equal_values_are_printed_with_their_reason(tmp_path):
    few = [measured(tmp_path, f"few{k}.csv", reports(k, n=2)) for k in (1, 2)]
    ran = CliRunner().invoke(app(), [*few, "--out", str(tmp_path / "out")])
    assert ran.exit_code == 0, ran.output
    assert "fewer than 3 images" in (tmp_path / "out" / "agreement.csv").read_text()
    same = [Report(f"p{k}", f"{k}.png", (Measurement("SNA", "deg", value=80.0),)) for k in range(5)]
    equal = [measured(tmp_path, f"equal{k}.csv", same) for k in (1, 2)]
    ran = CliRunner().invoke(app(), [*equal, "--out", str(tmp_path / "equal")])
    assert ran.exit_code == 0, ran.output
    assert "all values equal" in (tmp_path / "equal" / "agreement.html").read_text()
