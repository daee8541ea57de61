"""Shapes of a study: the model with names, every case judged by the others, files and page."""

import csv
import json
import re
import sys
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image as Picture

from palpate.cli.app import main
from palpate.errors import (
    ConfigError,
    FormatError,
    GeometryError,
    PalpateError,
    SchemeError,
    StudyError,
)
from palpate.report.shape_cases_plot import ScoredShape, odd_shapes_plot, score_plot
from palpate.report.shape_page import ReportedShapes
from palpate.report.shape_plot import write_mode_png
from palpate.report.shape_report import render_shapes
from palpate.scheme import LandmarkScheme
from palpate.shape.build import build_shape_model
from palpate.shape.modes import mode_shapes
from palpate.shape.named import NamedShapeModel
from palpate.shape.named_store import read_named, write_named
from palpate.shape.sides import mirrored_shape
from palpate.shape.similarity import Similarity
from palpate.shape.uncertainty import score_covariance
from palpate.study import open_study
from palpate.workflows import shape_study
from palpate.workflows.shape_model import open_shape_model
from palpate.workflows.shape_study import against_others, study_shapes
from test_shape import outlines

NAMES = tuple(f"p{k}" for k in range(20))
OVALS = build_shape_model(outlines(30))
NAMED = NamedShapeModel("shape model of ovals", NAMES, OVALS)


def write_study(folder, shapes, *, subjects=None, sides=None, settings="", names=NAMES):
    """Put shapes into a study's folder; each is a subject of its own unless told."""
    (folder / "images").mkdir(parents=True)
    rows = []
    for k, shape in enumerate(shapes):
        Picture.new("L", (8, 8)).save(folder / "images" / f"{k:02d}.png")
        cells = ["" if np.isnan(value) else repr(float(value)) for value in shape.ravel()]
        rows.append([f"{k:02d}.png", subjects[k] if subjects else f"s{k:02d}", *cells])
    with (folder / "landmarks.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(
            ["image", "subject", *(f"{name}_{axis}" for name in names for axis in "xy")]
        )
        writer.writerows(rows)
    if sides:
        lines = [f"{k:02d}.png,{side}" for k, side in enumerate(sides)]
        (folder / "meta.csv").write_text("\n".join(["image,side", *lines]) + "\n")
    (folder / "study.toml").write_text(f'name = "ovals"\n{settings}')
    return folder


@pytest.fixture
def few(monkeypatch):
    """Let a few subjects do: each costs a model of the others."""
    monkeypatch.setattr(shape_study, "FEWEST", 4)


def in_pairs(count):
    """Subjects of two cases each."""
    return [f"s{k // 2:02d}" for k in range(count)]


def palpate(*words, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["palpate", *map(str, words)])
    with pytest.raises(SystemExit) as stop:
        main()
    return stop.value.code or 0


# ---- uncertainty of scores


def drawn(seed):
    """A shape and covariances of its points, wide in one direction."""
    rng = np.random.default_rng(seed)
    root = 0.6 * rng.normal(size=(20, 2, 2))
    return outlines(1, seed=seed)[0], root @ root.transpose(0, 2, 1) + 0.02 * np.eye(2)


@pytest.mark.parametrize("kept", [20, 12])
def test_the_variance_of_scores_is_that_of_drawn_landmarks(kept):
    """Also with points absent, where a change of the pose could pass for one of the shape."""
    points, covariances = drawn(5)
    points[kept:] = np.nan
    # Nothing holds the scores to the mean, so what is drawn is all that makes them vary.
    model = replace(OVALS, residual_variance=0.0)
    told = score_covariance(model, points, covariances)
    rng, root = np.random.default_rng(0), np.linalg.cholesky(covariances)
    noise = np.einsum("kij,nkj->nki", root, rng.normal(size=(120, 20, 2)))
    seen = np.array([model.scores(points + each) for each in noise])
    np.testing.assert_allclose(np.sqrt(np.diag(told)), seen.std(axis=0), rtol=0.25)
    drawn_together = np.corrcoef(seen.T)[0, 1]
    np.testing.assert_allclose(
        drawn_together, told[0, 1] / np.sqrt(told[0, 0] * told[1, 1]), atol=0.2
    )


def test_the_variance_moves_with_the_pose():
    points, covariances = drawn(6)
    pose = Similarity(3.0, 0.7, np.array([40.0, -10.0]))
    moved = pose.linear @ covariances @ pose.linear.T
    np.testing.assert_allclose(
        score_covariance(OVALS, pose(points), moved),
        score_covariance(OVALS, points, covariances),
        rtol=1e-6,
        atol=1e-12,
    )


def test_points_that_are_exact_leave_nothing_open_and_absent_ones_do():
    points, _ = drawn(7)
    exact = np.zeros((20, 2, 2))
    np.testing.assert_allclose(score_covariance(OVALS, points, exact), 0.0, atol=1e-12)
    few = points.copy()
    few[6:] = np.nan
    some = np.sqrt(np.diag(score_covariance(OVALS, few, exact)))
    assert (some > 0.01).all()
    few[2:] = np.nan
    nothing = np.sqrt(np.diag(score_covariance(OVALS, few, exact)))
    np.testing.assert_allclose(nothing, 1.0, atol=1e-6)


def test_the_stated_spread_is_that_of_new_shapes_with_absent_points():
    """Scores of seven points of twenty are off those of all by as much as they say, or less."""
    off = []
    for points in outlines(14, seed=9):
        cut = points.copy()
        cut[7:] = np.nan
        sd = np.sqrt(np.diag(score_covariance(OVALS, cut, np.zeros((20, 2, 2)))))
        off.append((OVALS.scores(cut) - OVALS.scores(points)) / sd)
    assert 0.5 < np.std(off) < 1.2


def test_covariances_that_are_none_are_refused():
    points, covariances = drawn(8)
    covariances[4] = np.inf
    with pytest.raises(GeometryError, match="finite"):
        score_covariance(OVALS, points, covariances)


# ---- names


def test_a_named_model_finds_its_points_in_another_scheme():
    scheme = LandmarkScheme("more", ("extra", *NAMES[::-1]))
    points = np.arange(42.0).reshape(21, 2)
    np.testing.assert_array_equal(NAMED.arranged(scheme, points), points[:0:-1])
    assert NAMED.edges((("p0", "p1"), ("p1", "extra"))) == ((0, 1),)
    with pytest.raises(SchemeError, match="landmark 'p19', which scheme 'short' does not know"):
        NAMED.rows(LandmarkScheme("short", NAMES[:19]))


def test_a_named_model_is_whole_or_refused(tmp_path):
    write_named(NAMED, tmp_path, study={"shapes": 30})
    back = open_shape_model(tmp_path)
    assert (back.label, back.names) == (NAMED.label, NAMES)
    np.testing.assert_array_equal(back.model.modes, OVALS.modes)
    assert open_shape_model(tmp_path / "model.npz").names == NAMES
    about = json.loads((tmp_path / "shape.json").read_text())
    for change, words in (
        ({**about, "landmarks": list(NAMES[:5])}, "does not fit model.npz"),
        ({**about, "version": 2}, "version"),
        ({**about, "more": 1}, "more"),
    ):
        (tmp_path / "shape.json").write_text(json.dumps(change))
        with pytest.raises(FormatError, match=words):
            read_named(tmp_path)
    (tmp_path / "shape.json").write_text('{"format"')
    with pytest.raises(FormatError, match="not a whole JSON"):
        read_named(tmp_path)
    with pytest.raises(FormatError, match="holds no shape model"):
        open_shape_model(tmp_path / "nowhere")
    with pytest.raises(GeometryError, match="20 points needs as many names"):
        NamedShapeModel("x", NAMES[:3], OVALS)
    with pytest.raises(SchemeError, match="different names"):
        NamedShapeModel("x", ("p0",) * 20, OVALS)


def test_a_run_of_a_network_holds_no_shape_model(tmp_path):
    (tmp_path / "localiser.json").write_text('{"palpate_localiser": 1}')
    with pytest.raises(ConfigError, match="run of a network, which holds no shape model"):
        open_shape_model(tmp_path)


# ---- a study


@pytest.mark.usefixtures("few")
def test_no_case_judges_itself(tmp_path):
    """A case far from all others is unusual by the others' model, and not by one that it is in."""
    shapes = outlines(12)
    shapes[4] = shapes[4] * np.array([1.0, 0.45])
    shapes[5] = Similarity(2.0, 0.3, np.zeros(2))(shapes[4])
    study = open_study(write_study(tmp_path / "s", shapes, subjects=in_pairs(12)))
    told = study_shapes(study)
    odd = {each.case.identifier for each in told.outliers}
    assert {"04.png", "05.png"} <= odd
    assert len(odd) <= 4
    assert told.folds == 6
    assert "landmark 'p" in told.outliers[0].outlier.sentence
    # The two vouch for each other in the model of all, and their own scores are mild there.
    own = told.model.scores(shapes[4])
    held = next(each for each in told.judged if each.case.identifier == "04.png").scores
    assert np.abs(held).max() > 1.5 * np.abs(own).max()
    assert any("04.png, 05.png have the same shape" in note for note in told.notes)


def test_scores_against_the_others_by_hand():
    raw = np.array([[0.0, 1.0], [2.0, 1.0], [4.0, 1.0], [9.0, 2.0]])
    told = against_others(raw, ["a", "a", "b", "c"])
    # Of c the others are 0, 2 and 4: mean 2, deviation 2. The second mode is of c alone.
    assert told[3].tolist()[0] == pytest.approx(3.5)
    assert np.isnan(told[3, 1])
    # Of both cases of a the others are 4 and 9.
    assert told[0, 0] == pytest.approx((0.0 - 6.5) / np.sqrt(12.5))
    assert told[1, 0] == pytest.approx((2.0 - 6.5) / np.sqrt(12.5))


@pytest.mark.usefixtures("few")
def test_a_right_side_is_mirrored_and_a_case_without_a_side_is_left_out(tmp_path):
    shapes = outlines(9)
    turned = [mirrored_shape(shape) if k % 2 else shape for k, shape in enumerate(shapes)]
    sides = ["right" if k % 2 else "L" for k in range(8)] + [""]
    folder = write_study(tmp_path / "s", turned, sides=sides, subjects=in_pairs(9))
    told = study_shapes(open_study(folder), sides=folder)
    assert [each.case.side for each in told.judged[:2]] == ["left", "right"]
    assert told.gathered.left_out == {"08.png": "the table tells no side of this image"}
    same = build_shape_model(shapes[:8])
    np.testing.assert_allclose(told.model.variances, same.variances, rtol=1e-6)
    unheeded = build_shape_model(turned[:8])
    assert unheeded.total_variance > 2.0 * same.total_variance


@pytest.mark.usefixtures("few")
def test_useless_cases_and_landmarks_are_left_out_with_a_reason(tmp_path):
    shapes = [shape.copy() for shape in outlines(10)]
    shapes[0][3:] = np.nan
    shapes[1][:] = 7.0
    for shape in shapes[2:]:
        shape[19] = np.nan
    told = study_shapes(open_study(write_study(tmp_path / "s", shapes, subjects=in_pairs(10))))
    assert told.gathered.left_out == {
        "00.png": "only 3 of 20 landmarks are annotated",
        "01.png": "all its landmarks coincide",
    }
    assert told.named.names == NAMES[:19]
    assert "In no case annotated, so not in the model: p19." in told.notes


@pytest.mark.usefixtures("few")
def test_a_landmark_that_one_subject_alone_has_leaves_it_unjudged(tmp_path):
    shapes = [shape.copy() for shape in outlines(5)]
    for shape in shapes[1:]:
        shape[19] = np.nan
    told = study_shapes(open_study(write_study(tmp_path / "s", shapes)))
    assert told.judged[0].outlier is None
    assert "absent in every shape" in told.judged[0].reason
    assert all(each.outlier is not None for each in told.judged[1:])


@pytest.mark.parametrize(
    ("shapes", "words"),
    [
        (outlines(9), "10 or more subjects.*has 9"),
        ([outlines(1)[0]] * 10, "10 shapes of study 'ovals' are all alike"),
        ([np.full((20, 2), 3.0)] * 6, "no annotated shape; 00.png: all its landmarks coincide"),
    ],
)
def test_what_makes_no_model_is_one_sentence(tmp_path, shapes, words):
    study = open_study(write_study(tmp_path / "s", shapes))
    with pytest.raises(StudyError, match=words):
        study_shapes(study)


@pytest.mark.usefixtures("few")
def test_a_shape_that_cannot_be_laid_is_named(tmp_path):
    square = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])
    shapes = [square + 0.01 * k * np.eye(4)[:, :2] for k in range(5)]
    # Mirrored about its middle: every turn fits alike.
    shapes[3] = square[[1, 0, 3, 2]]
    names = ("a", "b", "c", "d")
    study = open_study(write_study(tmp_path / "s", shapes, names=names))
    with pytest.raises(StudyError, match=r"the shape of '03\.png' has no rotation in common"):
        study_shapes(study)


# ---- the verb


@pytest.mark.usefixtures("few")
def test_the_verb_writes_what_measure_reads(tmp_path, monkeypatch, capsys):
    shapes = outlines(10)
    shapes[4] = shapes[4] * np.array([1.0, 0.3])
    folder = write_study(
        tmp_path / "s", shapes, subjects=in_pairs(10), settings='edges = [["p0", "p1"]]\n'
    )
    out = tmp_path / "out"
    assert palpate("shape", folder, "--out", out, monkeypatch=monkeypatch) == 0
    said = capsys.readouterr().out
    assert "10 shapes of 5 subjects" in said
    assert "of the variance" in said
    assert "04.png: An unusual shape" in said
    assert {path.name for path in out.iterdir()} == {
        "model.npz", "shape.json", "scores.csv", "modes.png", "shape.html",
    }  # fmt: skip
    with (out / "scores.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 10
    assert [row["image"] for row in rows if row["outlier"] == "yes"] == ["04.png"]
    assert 0.0 <= float(rows[0]["plausibility"]) <= 1.0
    with Picture.open(out / "modes.png") as picture:
        assert picture.size[0] > 1000
    assert json.loads((out / "shape.json").read_text())["study"]["outliers"] == ["04.png"]
    page = (out / "shape.html").read_text()
    assert "http:" not in page
    assert "https:" not in page
    assert not re.search(r"\bnan\b", page, re.IGNORECASE)
    assert "An unusual shape" in page


def test_a_users_mistake_is_one_sentence(tmp_path, monkeypatch, capsys):
    folder = write_study(tmp_path / "s", outlines(3), sides=["left", "wrong", ""])
    assert palpate("shape", folder, "--out", tmp_path / "o", monkeypatch=monkeypatch) == 1
    assert "10 or more subjects" in capsys.readouterr().err
    assert not (tmp_path / "o").exists()
    words = ("shape", folder, "--out", tmp_path / "o", "--sides")
    for table, sentence in (
        (folder, "expected left or right"),
        (folder / "landmarks.csv", "has no column 'side'"),
        (tmp_path / "none.csv", "there is no such table"),
    ):
        assert palpate(*words, table, monkeypatch=monkeypatch) == 1
        assert sentence in capsys.readouterr().err


# ---- drawings


def test_drawings_need_nothing_from_outside_and_escape_names(tmp_path):
    hostile = "<script>&$x$.png"
    drawn = odd_shapes_plot(OVALS, [(hostile, outlines(1)[0])], edges=((0, 1),))
    assert "<script>" not in drawn
    assert odd_shapes_plot(OVALS, []) == ""
    scores = score_plot([ScoredShape(hostile, 1.0, -2.0, True), ScoredShape("b", 0.0, 0.0, False)])
    assert "<script>" not in scores
    assert "SD" in scores
    with pytest.raises(GeometryError, match="no mode to draw"):
        write_mode_png([], tmp_path / "m.png")
    write_mode_png(mode_shapes(OVALS), tmp_path / "a.png")
    write_mode_png(mode_shapes(OVALS), tmp_path / "b.png")
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_a_page_of_one_mode_has_no_scatter():
    one = replace(OVALS, modes=OVALS.modes[:1], variances=OVALS.variances[:1])
    with pytest.raises(StudyError, match="at least one case"):
        ReportedShapes("x", one, ())
    from palpate.report.shape_page import ReportedShape

    case = ReportedShape("a.png", "s", "", outlines(1)[0], np.array([0.5]), None, "alone")
    html = render_shapes(ReportedShapes("x", one, (case,)))
    assert 'id="scores"' not in html
    assert "–" in html


@pytest.mark.usefixtures("few")
def test_errors_are_palpate_errors(tmp_path):
    with pytest.raises(PalpateError):
        study_shapes(open_study(write_study(tmp_path / "s", outlines(8))), variance=0.0)
