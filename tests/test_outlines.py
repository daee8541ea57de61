"""Outlines of a protocol, and errors along them beside each other: to the point, to the curve."""

import csv
import json
import re
import tomllib

import numpy as np
import pytest

from palpate.cli.figures import outline_table
from palpate.errors import ConfigError, SchemeError
from palpate.evaluation.bootstrap import Resampling
from palpate.evaluation.cases import EvaluatedCase
from palpate.evaluation.curve_errors import Outline, annotators_to_curve, image_means
from palpate.evaluation.evaluate import evaluate
from palpate.evaluation.outline_errors import outline_errors
from palpate.files import write_json, write_rows
from palpate.image import Calibration
from palpate.points import Points
from palpate.prediction import Prediction
from palpate.protocols.protocol import protocol_from_table, protocol_text, read_protocol
from palpate.report.page import page
from palpate.report.study_report import ReportedCase, StudyReport, render
from palpate.scheme import LandmarkScheme
from palpate.workflows.assess import outlines_of

# ---- in the protocol


def hip(*outlines: dict):
    table = tomllib.loads(protocol_text("proximal-femur"))
    table["outline"] = list(outlines)
    return protocol_from_table(table, where="hip.toml")


def test_the_proximal_femur_has_one_open_outline_of_all_landmarks():
    protocol = read_protocol("proximal-femur")
    (outline,) = protocol.outlines
    assert outline.landmarks == protocol.scheme.names
    assert len(outline.landmarks) == 58
    assert not outline.closed
    assert read_protocol("cervical").outlines == ()


def test_an_outline_may_be_a_part_and_closed():
    head = tuple(f"head_{k}" for k in range(15, 0, -1))
    protocol = hip(
        {"title": "edge", "all": True},
        {"title": "head", "landmarks": list(head), "closed": True},
    )
    assert protocol.outlines[1].landmarks == head
    assert outlines_of(protocol)[1] == Outline(head, closed=True, title="head")
    assert outlines_of(None) == ()


@pytest.mark.parametrize(
    ("outline", "message"),
    [
        ({"title": "e", "landmarks": ["head_1", "haed_2"]}, "'haed_2', which the scheme does not"),
        ({"title": "e", "landmarks": ["head_1", "haed_2"]}, "did you mean 'head_2'?"),
        ({"title": "e", "landmarks": ["head_1", "head_2", "head_1"]}, "'head_1' twice"),
        ({"title": "e", "landmarks": ["head_1"]}, "two or more landmarks, got 1"),
        ({"title": "e"}, "landmarks = [...] in their order, or all = true"),
        ({"title": "e", "all": True, "landmarks": ["head_1", "head_2"]}, "or all = true"),
        ({"title": "e", "all": True, "close": True}, "unknown key 'close'"),
        ({"title": "", "all": True}, "at least 1 character"),
    ],
)
def test_a_mistake_in_an_outline_is_named(outline, message):
    with pytest.raises(ConfigError) as caught:
        hip(outline)
    assert str(caught.value).startswith("hip.toml: ")
    assert message in str(caught.value)


def test_two_outlines_of_one_title_are_refused():
    with pytest.raises(ConfigError, match="two outlines are called 'e'"):
        hip({"title": "e", "all": True}, {"title": "e", "all": True})


# ---- errors along it

LINE = LandmarkScheme("line", ("a", "b", "c", "d"))
TRUE = np.array([[0.0, 0.0], [10.0, 0.0], [20.0, 0.0], [40.0, 0.0]])
EDGE = Outline(("a", "b", "c"), title="edge")
WIDTH = ("a", "d")
ACROSS, ALONG = np.array([0.0, 1.0]), np.array([1.0, 0.0])


def film(name, offset, *, people=(), spacing=(0.5, 0.5), truth=TRUE, subject=None):
    found = np.array(TRUE + offset)
    return EvaluatedCase(
        name,
        subject or f"s{name}",
        "",
        Points.of(LINE, truth),
        Prediction.exact(Points.of(LINE, found), made_by="test"),
        {str(k): Points.of(LINE, rows) for k, rows in enumerate(people)},
        None if spacing is None else Calibration(spacing, "user"),
    )


def told(cases, outline=EDGE, normaliser=WIDTH):
    resampling = Resampling.draw(
        tuple(case.subject for case in cases), np.random.default_rng(0), resamples=50
    )
    return outline_errors(cases, outline, normaliser=normaliser, resampling=resampling)


def test_a_point_that_slid_is_far_from_its_point_and_not_from_the_curve():
    slid = np.array([2.0, -4.0, -6.0, 9.0])[:, None] * ALONG
    errors = told([film("1", slid), film("2", np.array(2.0) * ACROSS)])

    def percent(kind):
        return errors.distributions["model", kind, "%"].values.tolist()

    # Over a, b and c alone: (2 + 4 + 6) / 3 px of 40 px, and 2 of 40.
    assert percent("to point") == pytest.approx([5.0, 10.0])
    assert percent("to curve") == pytest.approx([0.0, 5.0])
    millimetres = errors.distributions["model", "to point", "mm"]
    assert millimetres.values.tolist() == pytest.approx([1.0, 2.0])
    assert errors.units == ("px", "mm", "%")
    assert errors.best == "%"


@pytest.mark.parametrize("kind", ["to point", "to curve"])
def test_both_errors_are_of_the_same_landmarks(kind):
    unknown = TRUE.copy()
    unknown[1] = np.nan
    cases = [film("1", np.array(3.0) * ACROSS, truth=unknown), film("2", np.array(1.0) * ACROSS)]
    rows = list(told(cases).image_rows())
    assert [row["landmarks"] for row in rows] == [2, 3]
    assert [row[f"{kind.replace(' ', '_')}_px"] for row in rows] == pytest.approx([3.0, 1.0])


def test_the_annotators_stand_beside_the_model_where_there_are_two():
    two = [TRUE + np.array([4.0, 1.0]), TRUE - np.array([4.0, 1.0])]
    cases = [film("1", 0.0, people=two), film("2", 0.0, people=[TRUE + 5.0])]
    errors = told(cases)
    people = errors.distributions["annotators", "to point", "px"]
    assert people.values.tolist() == pytest.approx([np.hypot(4.0, 1.0)] * 2)
    nearer = errors.distributions["annotators", "to curve", "px"].values
    # The outer points leave the open ends of the curve by 4 along it.
    assert nearer.tolist() == pytest.approx([(1.0 + 1.0 + np.hypot(4.0, 1.0)) / 3.0] * 2)
    assert [row["points"] for row in errors.image_rows()] == ["model", "model", "0", "1"]
    assert ("annotators", "to point", "px") not in told(cases[1:]).distributions


def test_what_a_person_left_out_is_no_miss():
    left_out = TRUE + ACROSS
    left_out[0] = np.nan
    case = film("1", 0.0, people=[left_out, TRUE - ACROSS])
    errors = annotators_to_curve([case], EDGE, normaliser=None)
    assert errors.wanted.sum(axis=1).tolist() == [2, 3]
    assert image_means(errors, "px").tolist() == pytest.approx([1.0, 1.0])


def test_a_missed_landmark_leaves_a_dash_and_a_count():
    missed = np.zeros((4, 2))
    missed[1] = np.nan
    errors = told([film("1", missed), film("2", 0.0)])
    first = next(errors.image_rows())
    assert (first["missed"], first["to_point_px"], first["to_curve_percent"]) == (1, None, None)
    rows = [row for row in errors.percentile_rows() if row["unit"] == "px"]
    assert {row["percentile"]: row["value"] for row in rows if row["error"] == "to curve"} == {
        50.0: 0.0, 90.0: None, 95.0: None, 99.0: None,
    }  # fmt: skip


def test_units_that_do_not_exist_are_not_told():
    loose = told([film("1", 1.0, spacing=None), film("2", 1.0)], normaliser=None)
    assert loose.units == ("px",)
    assert loose.best == "px"
    assert next(loose.image_rows())["to_point_mm"] is None
    nothing = TRUE.copy()
    nothing[3] = np.nan
    assert told([film("1", 1.0, truth=nothing)]).units == ("px", "mm")


def test_an_image_without_a_curve_is_counted_and_none_at_all_is_a_note():
    bare = np.full((4, 2), np.nan)
    bare[[0, 3]] = TRUE[[0, 3]]
    evaluation = evaluate(
        [film("1", 1.0, truth=bare), film("2", 1.0)],
        normaliser=None,
        rng=np.random.default_rng(0),
        resamples=20,
        outlines=[EDGE, Outline(("b", "c"), title="short")],
    )
    assert [each.without_curve for each in evaluation.outlines] == [1, 1]
    assert any("1 of 2 images have no curve 'edge'" in note for note in evaluation.notes)
    none = evaluate(
        [film("1", 1.0, truth=bare)],
        normaliser=None,
        rng=np.random.default_rng(0),
        resamples=20,
        outlines=[EDGE],
    )
    assert none.outlines == ()
    assert any("1 of 1 images have no curve" in note for note in none.notes)
    with pytest.raises(SchemeError, match="no landmark 'e'"):
        told([film("1", 1.0)], Outline(("a", "e")))


def study(count=6):
    people = [TRUE + np.array([0.3, 0.2]), TRUE - np.array([0.3, 0.2])]
    cases = [film(str(k), 0.1 * k * (ACROSS + ALONG), people=people) for k in range(count)]
    return evaluate(
        cases,
        normaliser=WIDTH,
        rng=np.random.default_rng(0),
        resamples=50,
        outlines=[EDGE],
    )


def test_the_files_hold_every_percentile_with_its_interval(tmp_path):
    evaluation = study()
    write_json(tmp_path / "metrics.json", evaluation.to_json())
    (kept,) = json.loads((tmp_path / "metrics.json").read_text())["outlines"]
    assert kept["landmarks"] == ["a", "b", "c"]
    # Two of whom, two kinds of error, three units, four percentiles.
    assert len(kept["percentiles"]) == 2 * 2 * 3 * 4
    median = kept["percentiles"][0]
    assert median["lower"] <= median["value"] <= median["upper"]
    for name, rows in (
        ("p.csv", evaluation.outlines[0].percentile_rows()),
        ("i.csv", evaluation.outlines[0].image_rows()),
    ):
        write_rows(tmp_path / name, list(rows))
        text = (tmp_path / name).read_text()
        assert not re.search("nan|inf", text)
    with (tmp_path / "i.csv").open(newline="") as stream:
        assert len(list(csv.DictReader(stream))) == 6 + 12


def test_the_report_shows_both_errors_beside_the_annotators():
    evaluation = study()
    cases = [
        ReportedCase(c.identifier, c.subject, "", np.zeros((8, 8)), c.prediction, c.truth)
        for c in evaluation.cases
    ]
    report = StudyReport("Lines", cases, evaluation)
    (section,) = page(report).outlines
    assert section.title == "Edge"
    assert section.table.head[1:] == (
        "Model to point",
        "Model to curve",
        "Annotator to point",
        "Annotator to curve",
    )
    html = render(report)
    assert '<section id="outlines">' in html
    assert "99th percentile" in html
    assert "mean error to curve, % of the normaliser" in html
    bare = StudyReport("Lines", cases)
    assert 'id="outlines"' not in render(bare)


def test_the_terminal_shows_percentiles_by_recipe():
    (outline,) = study().outlines
    table = outline_table({"forests": outline, "unet": outline})
    assert table.row_count == 6
    assert "mean error of an image in % of the normaliser" in str(table.title)
