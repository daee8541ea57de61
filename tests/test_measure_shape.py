"""Measuring with a shape model, and left against right."""

import csv
import json
from dataclasses import replace

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from palpate.cli.measure import measure as measure_verb
from palpate.errors import ConfigError, FormatError, PalpateError, SchemeError, StudyError
from palpate.image import Calibration
from palpate.io.predictions import PredictedImage, PredictionFile, write_predictions
from palpate.points import Points
from palpate.prediction import Prediction
from palpate.protocols.located import LocatedCase
from palpate.protocols.measure_file import ShapeWish, measure_file
from palpate.protocols.measure_shape import OUTLIER, PLAUSIBILITY, shape_measurements
from palpate.protocols.protocol import protocol_from_table
from palpate.protocols.side_differences import SHAPE, SHARE, SIZE, SidedCase, side_differences
from palpate.protocols.side_table import CaseSide, read_sides
from palpate.scheme import LandmarkScheme
from palpate.shape.build import build_shape_model
from palpate.shape.named import NamedShapeModel
from palpate.shape.named_store import write_named
from palpate.shape.similarity import Similarity
from test_shape import outlines
from test_shape_study import NAMES, write_study

NAMED = NamedShapeModel("shape model of ovals", NAMES, build_shape_model(outlines(30)))
SCHEME = LandmarkScheme("oval", NAMES)
EXAMPLE = {
    "because": "3, 4, 5",
    "value": 5.0,
    "points": {"p0": [0.0, 0.0], "p9": [3.0, 4.0]},
}
TABLE = {
    "name": "oval",
    "version": "1",
    "title": "An oval",
    "source": "made up",
    "normaliser": ["p0", "p9"],
    "scheme": {"landmarks": list(NAMES)},
    "quantity": [
        {
            "name": "Width",
            "unit": "px",
            "meaning": "across",
            "sign": "unsigned",
            "source": "made up",
            "formula": {"kind": "distance", "start": "p0", "end": "p9"},
            "example": EXAMPLE,
        }
    ],
}
PROTOCOL = protocol_from_table(TABLE, where="oval.toml")
FINE = Calibration((0.5, 0.5), "user")
SHAPES = outlines(6, seed=11)


def found(points, *, sd=1.0, name="a.png", subject="s1", calibration=None) -> LocatedCase:
    there = ~np.isnan(points).any(axis=1)
    covariance = np.where(there[:, None, None], sd**2 * np.eye(2), np.nan)
    prediction = Prediction(SCHEME, points, covariance, there.astype(float), "net")
    return LocatedCase(name, subject, prediction, (640, 480), calibration)


def marked(points, *, name="a.png", subject="s1", calibration=None) -> LocatedCase:
    return LocatedCase(name, subject, Points.of(SCHEME, points), (640, 480), calibration)


def told(case, *, modes=5, level=0.9):
    return {m.name: m for m in shape_measurements(NAMED, case, modes=modes, level=level)}


# ---- a shape model


def test_the_mean_has_scores_of_zero_wherever_it_lies():
    pose = Similarity(70.0, 0.5, np.array([200.0, 100.0]))
    measured = told(marked(pose(NAMED.model.mean)))
    for k in range(4):
        assert measured[f"Shape mode {k + 1}"].value == pytest.approx(0.0, abs=1e-6)
    assert measured[PLAUSIBILITY].value == pytest.approx(100.0)
    assert measured[OUTLIER].value == 0.0
    assert measured[PLAUSIBILITY].protocol == "shape model of ovals"


def test_scores_and_verdict_do_not_move_with_the_patient():
    pose = Similarity(0.4, -0.8, np.array([30.0, 60.0]))
    here, there = told(found(SHAPES[0])), told(found(pose(SHAPES[0]), sd=0.4))
    for name, measured in here.items():
        assert there[name].value == pytest.approx(measured.value, rel=1e-5, abs=1e-6)
        if measured.standard_uncertainty is not None:
            assert there[name].standard_uncertainty == pytest.approx(
                measured.standard_uncertainty, rel=1e-5
            )


def test_intervals_follow_the_covariance_and_annotations_have_none():
    one, two = (told(found(SHAPES[1], sd=sd), level=0.95)["Shape mode 2"] for sd in (1.0, 2.0))
    assert two.standard_uncertainty == pytest.approx(2.0 * one.standard_uncertainty, rel=1e-6)
    half = 1.95996 * one.standard_uncertainty
    assert one.interval == pytest.approx((one.value - half, one.value + half), rel=1e-4)
    assert one.level == 0.95
    plain = told(marked(SHAPES[1]))["Shape mode 2"]
    assert plain.value == pytest.approx(one.value)
    assert (plain.standard_uncertainty, plain.interval) == (None, None)


def test_pixels_need_not_be_square_where_they_are_calibrated():
    tall = Calibration((0.5, 0.25), "user")
    stretched = SHAPES[2] / np.array([0.5, 0.25])
    names = ("Shape mode 1", PLAUSIBILITY)
    square, flat = told(marked(SHAPES[2])), told(marked(stretched, calibration=tall))
    for name in names:
        assert flat[name].value == pytest.approx(square[name].value, rel=1e-6)


def test_a_wrong_point_is_named_and_an_absent_one_is_said():
    wrong = SHAPES[3].copy()
    wrong[7] += 40.0
    flag = told(marked(wrong))[OUTLIER]
    assert flag.value == 1.0
    assert "landmark 'p7' lies farthest" in flag.note
    absent = SHAPES[3].copy()
    absent[4] = np.nan
    assert told(marked(absent))["Shape mode 1"].note.startswith("1 of 20 landmarks absent")
    nothing = told(marked(np.full((20, 2), np.nan)))
    assert all(m.reason.startswith("no shape: ") for m in nothing.values())
    assert len(nothing) == 6


def test_only_so_many_modes_are_scored():
    assert [*told(marked(SHAPES[0]), modes=1)] == ["Shape mode 1", PLAUSIBILITY, OUTLIER]
    with pytest.raises(ConfigError, match="0 or more, got -1"):
        ShapeWish(NAMED, -1)


# ---- the table of sides


def write_table(path, *rows, header="image,side,mirrored,visit"):
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


def test_a_table_tells_which_image_is_to_be_mirrored(tmp_path):
    path = write_table(
        tmp_path / "meta.csv", "a.png,left,,", "b,R,no,1", "c.png,right,yes,1", "d.png,,,", "x,l,,"
    )
    sides = read_sides(tmp_path, ["a.png", "b.png", "c.png", "d.png"])
    assert {name: side.lies_right for name, side in sides.items()} == {
        "a.png": False, "b.png": True, "c.png": False,
    }  # fmt: skip
    assert CaseSide("left", mirrored=True).lies_right
    assert read_sides(path, []) == {}


@pytest.mark.parametrize(
    ("rows", "header", "words"),
    [
        (("a.png,up,,",), "image,side,mirrored,visit", "2: side of 'a.png' is 'up', expected left"),
        (("a.png,l,maybe,",), "image,side,mirrored,visit", "mirrored of 'a.png' is 'maybe'"),
        (("a.png,l",), "image,sides", "no column 'side'.*did you mean 'sides'"),
        (("a.png,l", "a,r"), "image,side", "'a.png' is in the table twice"),
    ],
)
def test_a_mistake_in_the_table_is_named_with_its_line(tmp_path, rows, header, words):
    path = write_table(tmp_path / "sides.csv", *rows, header=header)
    with pytest.raises((FormatError, StudyError), match=words):
        read_sides(path, ["a.png"])


# ---- left against right


def pair(left, right, *, protocol=PROTOCOL, sides=("left", "right"), visits=("", "")):
    sided = [
        SidedCase(case, case.report(protocol, level=0.9), CaseSide(side, visit=visit))
        for case, side, visit in zip((left, right), sides, visits, strict=True)
    ]
    return side_differences(sided, protocol, level=0.9)


def values(report):
    return {m.name: m for m in report.measurements}


def test_mirroring_twice_is_nothing_and_covariance_is_mirrored_too():
    case = found(SHAPES[0])
    turned = case.mirrored()
    assert turned.points.coordinates[0, 0] == pytest.approx(639.0 - SHAPES[0][0, 0])
    np.testing.assert_allclose(turned.mirrored().points.coordinates, SHAPES[0])
    leaning = np.tile(np.array([[2.0, 0.7], [0.7, 1.0]]), (20, 1, 1))
    oblique = replace(case, landmarks=replace(case.landmarks, covariance=leaning))
    np.testing.assert_allclose(oblique.mirrored().covariance[0], [[2.0, -0.7], [-0.7, 1.0]])
    paired = LandmarkScheme("two", ("l", "r"), mirror=(("l", "r"),))
    two = LocatedCase("a", "s", Points.of(paired, [[1.0, 2.0], [5.0, 6.0]]), (10, 10))
    assert two.mirrored().points.coordinates.tolist() == [[4.0, 6.0], [8.0, 2.0]]


def test_two_sides_that_are_mirror_images_differ_in_nothing():
    left = found(SHAPES[0], sd=0.5, calibration=FINE)
    film = found(SHAPES[0], sd=0.5, name="b.png", calibration=FINE).mirrored()
    (report,) = pair(left, film.mirrored())
    assert report.image == "a.png | b.png"
    done = values(report)
    assert done["Width, left less right"].value == pytest.approx(0.0, abs=1e-9)
    assert done[SHAPE].value == pytest.approx(0.0, abs=1e-6)
    assert done[SHAPE].unit == "mm"
    # Two points that are each off by 0.25 mm along x and along y.
    assert done[SHAPE].note == "landmark errors alone would give about 0.5"
    assert done[f"{SIZE}, left over right"].value == pytest.approx(100.0)


def test_the_difference_has_the_uncertainty_of_both_sides():
    left, right = found(SHAPES[0], sd=1.0), found(1.2 * SHAPES[0], sd=2.0, name="b.png")
    done = values(pair(left, right)[0])
    width = done["Width, left less right"]
    assert width.standard_uncertainty == pytest.approx(np.sqrt(2.0 + 8.0), rel=1e-3)
    assert width.interval[0] < width.value < width.interval[1] < 0.0
    size = done[f"{SIZE}, left over right"]
    assert size.value == pytest.approx(100.0 / 1.2)
    assert size.interval[0] < size.value < size.interval[1]
    assert "not calibrated" in size.note
    assert done[SHAPE].value == pytest.approx(0.0, abs=1e-6)
    silent = values(pair(marked(SHAPES[0]), marked(SHAPES[1], name="b.png"))[0])
    assert all(m.interval is None for m in silent.values())
    length = np.linalg.norm(SHAPES[0][0] - SHAPES[0][9])
    assert silent[SHARE].value == pytest.approx(100.0 * silent[SHAPE].value / length)


def test_the_interval_of_the_size_is_that_of_drawn_landmarks():
    left, right = found(SHAPES[0], sd=1.0), found(SHAPES[1], sd=1.0, name="b.png")
    size = values(pair(left, right)[0])[f"{SIZE}, left over right"]
    rng = np.random.default_rng(0)

    def radius(shape):
        drawn = shape + rng.normal(size=(400, 20, 2))
        return np.sqrt(((drawn - drawn.mean(axis=1, keepdims=True)) ** 2).sum(axis=(1, 2)))

    seen = 100.0 * radius(SHAPES[0]) / radius(SHAPES[1])
    assert size.standard_uncertainty == pytest.approx(seen.std(), rel=0.15)


@pytest.mark.parametrize(
    ("sides", "visits", "subjects", "words"),
    [
        (("left", "left"), ("1", "2"), ("s", "s"), "one side only: there is no right image of"),
        (("right", "left"), ("1", "2"), ("s", "s"), "no left image of subject 's', visit 1"),
        (("left", "right"), ("", ""), ("s", "t"), "no right image of subject 's'"),
        (("left", "right"), ("", ""), ("", ""), "the subject is not known"),
    ],
)
def test_a_case_without_a_partner_is_said(sides, visits, subjects, words):
    left, right = (marked(SHAPES[k], name=f"{k}", subject=subjects[k]) for k in (0, 1))
    reports = pair(left, right, sides=sides, visits=visits)
    assert len(reports) == 2
    assert words in reports[0].measurements[0].reason
    assert all(m.value is None for report in reports for m in report.measurements)


def test_two_of_one_side_are_not_guessed_apart():
    case = marked(SHAPES[0])
    sided = [
        SidedCase(case, case.report(PROTOCOL, level=0.9), CaseSide(side))
        for side in ("left", "left", "right")
    ]
    sided.append(replace(sided[0], side=None))
    reports = side_differences(sided, PROTOCOL, level=0.9)
    reasons = {report.measurements[0].reason for report in reports}
    assert any("2 left and 1 right images; tell them apart" in reason for reason in reasons)
    assert any("tells no side of this image" in reason for reason in reasons)


def test_what_one_side_lacks_is_a_reason_or_not_compared():
    part = SHAPES[1].copy()
    part[0] = np.nan
    done = values(pair(marked(SHAPES[0]), marked(part, name="b"))[0])
    assert done["Width, left less right"].reason == "right: landmark not found: p0"
    assert done[SHARE].reason == "a landmark of the normaliser is absent"
    assert done[SHAPE].value > 0.0
    nothing = np.full((20, 2), np.nan)
    done = values(pair(marked(SHAPES[0]), marked(nothing, name="b"))[0])
    assert done[SHAPE].reason.startswith("no shape: ")


# ---- files and the verb


def measure(*arguments):
    app = typer.Typer()
    app.command()(measure_verb)
    return CliRunner().invoke(app, [str(each) for each in arguments], env={"COLUMNS": "220"})


def write_found(path):
    images = tuple(
        PredictedImage(f"{k}.png", found(SHAPES[k]).landmarks, (640, 480), "s1") for k in range(4)
    )
    write_predictions(PredictionFile(SCHEME, images, {}, {"9.png": "the image is cut"}), path)
    return path


def test_the_verb_scores_predictions_and_compares_sides(tmp_path):
    path = write_found(tmp_path / "found.json")
    (tmp_path / "oval.toml").write_text(_toml())
    write_named(NAMED, tmp_path / "model", study={})
    table = write_table(tmp_path / "t.csv", "0.png,left,,1", "1.png,right,,1", "2.png,left,,2")
    words = (path, "--protocol", tmp_path / "oval.toml", "--shape", tmp_path / "model")
    result = measure(*words, "--modes", 2, "--sides", table, "--out", tmp_path / "m.csv")
    assert result.exit_code == 0, result.output
    assert "oval 1: 5 images" in result.output
    assert "Shape mode 2" in result.output
    assert "of 5 shapes are unusual" in result.output
    with (tmp_path / "m.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    score = next(r for r in rows if (r["image"], r["quantity"]) == ("0.png", "Shape mode 1"))
    assert float(score["lower"]) < float(score["value"]) < float(score["upper"])
    cut = [r for r in rows if r["image"] == "9.png"]
    assert {r["reason"] for r in cut} == {"the image is cut"}
    assert len(cut) == 1 + 2 + 2
    pairs = {r["quantity"] for r in rows if r["image"] == "0.png | 1.png"}
    assert {"Width, left less right", "Shape mode 1, left less right", SHAPE} <= pairs
    alone = {r["reason"] for r in rows if r["image"] == "2.png" and "less" in r["quantity"]}
    assert alone == {"one side only: there is no right image of subject 's1', visit 2"}
    printed = json.loads(measure(*words, "--json").output)
    names = [m["name"] for m in printed["reports"][0]["measurements"]]
    assert names[-2:] == [PLAUSIBILITY, OUTLIER]
    assert "NaN" not in json.dumps(printed)


def test_a_right_side_is_measured_as_a_left_one(tmp_path):
    right = [marked(shape).mirrored().points.coordinates for shape in SHAPES[:2]]
    folder = write_study(tmp_path / "s", right, sides=["right", "right"])
    wish = ShapeWish(NAMED, 2)
    turned = measure_file(folder, PROTOCOL, shape=wish, sides=folder)
    plain = measure_file(folder, PROTOCOL, shape=wish)
    expected = told(marked(SHAPES[0]))["Shape mode 1"].value
    assert values(turned[0])["Shape mode 1"].value == pytest.approx(expected, abs=1e-6)
    assert turned[0].provenance["side"] == "right, mirrored"
    assert "side" not in plain[0].provenance
    assert "mirror" in values(plain[0])[OUTLIER].note


def test_a_users_mistake_is_a_palpate_error(tmp_path):
    path = write_found(tmp_path / "found.json")
    (tmp_path / "oval.toml").write_text(_toml())
    words = (path, "--protocol", tmp_path / "oval.toml")
    other = NamedShapeModel("shape model of others", (*NAMES[:19], "p99"), NAMED.model)
    write_named(other, tmp_path / "other", study={})
    for more, kind, sentence in (
        (("--shape", tmp_path / "none"), FormatError, "holds no shape model"),
        (("--shape", tmp_path / "other"), SchemeError, "has a landmark 'p99'"),
        (("--sides", tmp_path / "none.csv"), FormatError, "there is no such table"),
    ):
        result = measure(*words, *more)
        assert isinstance(result.exception, kind)
        assert isinstance(result.exception, PalpateError)
        assert sentence in str(result.exception)


def _toml() -> str:
    import tomli_w

    return tomli_w.dumps(TABLE)
