"""Protocol files that are wrong are refused in words that help."""

import copy
import tomllib
from pathlib import Path

import numpy as np
import pytest

from palpate.errors import ConfigError
from palpate.image import Calibration
from palpate.io.predictions import PredictedImage
from palpate.points import Points
from palpate.prediction import Prediction
from palpate.protocols.example import check_examples
from palpate.protocols.formula import FORMULAS
from palpate.protocols.measure import measure, measure_points
from palpate.protocols.protocol import protocol_from_table, protocol_text, read_protocol

GOOD = """
name = "hip"
version = "2"
title = "A hip"
source = "drawn"
normaliser = ["head", "shaft"]

[scheme]
landmarks = ["head", "neck", "shaft", "toe"]

[facing]
front_back = [["toe", "shaft"]]

[conventions.lean]
default = "forwards positive"
flipped = "backwards positive"

[[each.end]]
end = "head"
[[each.end]]
end = "neck"

[[quantity]]
name = "side"
unit = "1"
meaning = "Side of the head."
sign = "in front positive"
source = "drawn"
[quantity.formula]
kind = "side_of_line"
point = "head"
line = ["neck", "shaft"]
[quantity.example]
because = "4 px in front"
value = 1.0
points = {head = [4, 0], neck = [0, 10], shaft = [0, 50], toe = [9, 50]}

[[quantity]]
name = "lean"
unit = "deg"
meaning = "Lean of the shaft."
sign = "forwards positive"
convention = "lean"
source = "drawn"
[quantity.normal]
low = -5.0
high = 10.0
source = "typical"
[quantity.formula]
kind = "angle_to_vertical"
line = ["shaft", "neck"]
positive = "top_forwards"
[quantity.example]
because = "20 over 20"
value = 45.0
points = {neck = [20, 30], shaft = [0, 50], toe = [9, 50]}

[[quantity]]
name = "way"
unit = "px"
meaning = "Way through all."
sign = "unsigned"
source = "drawn"
[quantity.formula]
kind = "polyline_length"
through = ["head", ["neck", "shaft"]]
[quantity.example]
because = "3, 4, 5 to the middle of neck and shaft"
value = 5.0
points = {head = [3, 0], neck = [0, 2], shaft = [0, 6]}

[[quantity]]
each = "end"
name = "length of the {end}"
unit = "mm"
meaning = "Distance of the {end} from the toe."
sign = "unsigned"
source = "drawn"
[quantity.formula]
kind = "distance"
start = "{end}"
end = "toe"
[quantity.example]
because = "3, 4, 5 at 2 mm"
value = 10.0
spacing_mm = [2, 2]
points = {"{end}" = [0, 0], toe = [3, 4]}
"""


def hip(change=None):
    table = tomllib.loads(GOOD)
    if change is not None:
        change(table)
    return protocol_from_table(table, where="hip.toml")


def test_a_users_own_file_is_read_and_its_examples_are_worked(tmp_path):
    path = tmp_path / "hip.toml"
    path.write_text(GOOD, encoding="utf-8")
    protocol = read_protocol(str(path))
    assert protocol.label == "hip 2"
    assert protocol.normaliser == ("head", "shaft")
    assert [q.name for q in protocol.quantities][-2:] == [
        "length of the head",
        "length of the neck",
    ]
    check_examples(protocol)
    assert protocol_text(str(path)) == GOOD


def set_in(*path, value):
    def change(table):
        for key in path[:-1]:
            table = table[key]
        table[path[-1]] = value

    return change


def drop(*path):
    def change(table):
        for key in path[:-1]:
            table = table[key]
        del table[path[-1]]

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (set_in("normalizer", value=[]), "unknown key 'normalizer'; did you mean 'normaliser'?"),
        (
            set_in("quantity", 1, "meening", value="x"),
            "unknown key 'meening' in quantity 'lean'; did you mean 'meaning'?",
        ),
        (
            set_in("quantity", 1, "formula", "lines", value="x"),
            "unknown key 'lines' in quantity 'lean', formula; did you mean 'line'?",
        ),
        (
            set_in("quantity", 1, "normal", "hihg", value=1.0),
            "unknown key 'hihg' in quantity 'lean', normal; did you mean 'high'?",
        ),
        (
            set_in("quantity", 1, "formula", "kind", value="angle_to_vertikal"),
            "no formula of kind 'angle_to_vertikal' in quantity 'lean', formula; "
            "did you mean 'angle_to_vertical'?",
        ),
        (drop("quantity", 0, "example"), "key 'example' is missing in quantity 'side'"),
        (drop("version"), "key 'version' is missing"),
        (drop("quantity", 0, "formula", "kind"), "no formula of kind ''"),
        (set_in("quantity", 1, "formula", "line", value=["shaft"]), "in quantity 'lean', formula"),
        (set_in("quantity", 1, "normal", "low", value="low"), "a valid number"),
        (set_in("quantity", 1, "normal", "low", value=99.0), "ends before it begins"),
        (set_in("quantity", 0, "example", "value", value=float("nan")), "neither text"),
        (
            set_in("quantity", 1, "formula", "line", value=["shaft", "nek"]),
            "quantity 'lean' uses landmark 'nek', which the scheme does not have; "
            "did you mean 'neck'?",
        ),
        (set_in("normaliser", value=["head", "foot"]), "the normaliser uses landmark 'foot'"),
        (set_in("facing", "front_back", value=[["tow", "shaft"]]), "the facing rule uses"),
        (drop("facing"), "add a [facing] table"),
        (set_in("quantity", 1, "unit", value="mm"), "its formula gives angle, in deg, not in mm"),
        (set_in("quantity", 1, "unit", value="degrees"), "'degrees' in quantity 'lean'"),
        (set_in("quantity", 1, "convention", value="leen"), "did you mean 'lean'?"),
        (set_in("quantity", 1, "name", value="side"), "two quantities are called 'side'"),
        (set_in("quantity", 0, "example", "points", value="sketch"), "no drawing 'sketch'"),
        (set_in("scheme", "landmarks", value=["head", "head"]), "twice"),
        (set_in("quantity", 3, "each", value="and"), "no [[each.and]]; did you mean 'end'?"),
        (set_in("quantity", 3, "name", value="{level}"), "placeholder that is none of end"),
        (drop("quantity", 3, "example", "spacing_mm"), "needs spacing_mm"),
        (set_in("quantity", value={}), "double brackets"),
    ],
)
def test_a_mistake_in_the_file_is_named_with_its_place(change, message):
    with pytest.raises(ConfigError) as caught:
        hip(change)
    assert str(caught.value).startswith("hip.toml: ")
    assert message in str(caught.value)


def test_an_example_that_is_wrong_is_found():
    with pytest.raises(ConfigError, match=r"'lean' gives 45\.0000 deg, the file says 44"):
        check_examples(hip(set_in("quantity", 1, "example", "value", value=44.0)))
    with pytest.raises(ConfigError, match="cannot be measured: landmark not found: head"):
        check_examples(hip(drop("quantity", 0, "example", "points", "head")))


def test_a_ratio_of_angles_and_a_sum_of_lengths_are_refused():
    angle = {"kind": "angle_at", "vertex": "neck", "first": "head", "second": "shaft"}
    length = {"kind": "distance", "start": "head", "end": "toe"}
    for formula, word in (
        ({"kind": "ratio", "numerator": angle, "denominator": length}, "a ratio is of two lengths"),
        ({"kind": "sum", "terms": [angle, length]}, "a sum is of angles"),
    ):
        with pytest.raises(ConfigError, match=word):
            hip(set_in("quantity", 1, "formula", value=copy.deepcopy(formula)))


def test_files_that_are_no_protocol_are_refused(tmp_path):
    broken, binary = tmp_path / "a.toml", tmp_path / "b.toml"
    broken.write_text("name = \n", encoding="utf-8")
    binary.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match=r"a\.toml: not a TOML file: .*line 1"):
        read_protocol(str(broken))
    with pytest.raises(ConfigError, match="not a text file"):
        read_protocol(str(binary))
    with pytest.raises(ConfigError, match="did you mean 'cervical'"):
        read_protocol("cervicle")
    with pytest.raises(ConfigError, match="no protocol and no file"):
        read_protocol(str(tmp_path))


def test_unknown_quantities_and_conventions_are_refused_with_the_nearest():
    with pytest.raises(ConfigError, match="did you mean 'lean'"):
        hip().flip("leen")
    with pytest.raises(ConfigError, match="did you mean 'way'"):
        hip().quantity("wey")


def predicted(sd: float, **at) -> PredictedImage:
    protocol = hip()
    rows = [at.get(name, (float("nan"),) * 2) for name in protocol.scheme.names]
    points = Points.of(protocol.scheme, rows)
    prediction = Prediction.exact(points, made_by="drawn")
    covariance = prediction.covariance + sd**2 * np.eye(2)
    prediction = Prediction(points.scheme, prediction.mean, covariance, prediction.score, "drawn")
    return PredictedImage("1", prediction, (100, 100), calibration=Calibration((1.0, 1.0), "user"))


FULL = {"head": (4, 0), "neck": (0, 10), "shaft": (0, 50), "toe": (9, 50)}


def test_a_side_carries_the_chance_of_the_other_side():
    clear = measure(hip(), predicted(0.5, **FULL)).measurements[0]
    assert (clear.value, clear.interval) == (1.0, (1.0, 1.0))
    assert clear.standard_uncertainty < 0.01
    close = measure(hip(), predicted(4.0, **FULL)).measurements[0]
    assert (close.value, close.interval) == (1.0, (-1.0, 1.0))
    assert "chance of the other side" in close.note


def test_points_that_coincide_are_a_reason_and_not_a_number():
    points = Points.of(hip().scheme, [(0, 0), (5, 5), (5, 5), (9, 5)])
    done = {m.name: m for m in measure_points(hip(), points, None).measurements}
    assert done["lean"].reason == "the two points of a line coincide"
    assert done["way"].value is not None


def test_landmarks_that_give_no_direction_are_a_reason():
    at = {**FULL, "neck": (0, 49.9)}
    lean = measure(hip(), predicted(3.0, **at)).measurements[1]
    assert lean.value is None
    assert "too uncertain" in lean.reason


def test_an_angle_near_half_a_turn_is_as_certain_as_any_other():
    upright = measure(hip(), predicted(0.5, **FULL)).measurements[1]
    upside_down = measure(hip(), predicted(0.5, **{**FULL, "neck": (0, 90)})).measurements[1]
    assert abs(upside_down.value) == pytest.approx(180.0)
    assert upside_down.standard_uncertainty == pytest.approx(upright.standard_uncertainty)


def test_a_front_that_is_not_clear_is_a_reason():
    at = {**FULL, "toe": (0, 90)}
    assert "not clear" in measure(hip(), predicted(0.5, **at)).measurements[1].reason


def test_a_depth_keeps_its_place_and_its_sign():
    def change(table):
        table["quantity"][2]["formula"] = {
            "kind": "polyline_depth",
            "through": ["head", "neck", "shaft"],
        }

    at = {"head": (0, 0), "neck": (6, 20), "shaft": (0, 50), "toe": (9, 50)}
    done = measure(hip(change), predicted(0.5, **at)).measurements[2]
    assert done.value == pytest.approx(6.0)
    assert done.note == "at neck"
    at["toe"] = (-9, 50)
    assert measure(hip(change), predicted(0.5, **at)).measurements[2].value == pytest.approx(-6.0)


DOCS = Path(__file__).parents[1] / "docs" / "protocols.md"


def test_the_example_of_the_documentation_is_a_protocol():
    text = DOCS.read_text(encoding="utf-8").split("```toml\n")[1].split("```")[0]
    protocol = protocol_from_table(tomllib.loads(text), where="docs/protocols.md")
    check_examples(protocol)
    assert [q.name for q in protocol.quantities] == ["lean"]


def test_the_documentation_names_every_kind_of_formula():
    text = DOCS.read_text(encoding="utf-8")
    assert [kind for kind in FORMULAS if f"| `{kind}` |" not in text] == []
