"""Landmarks in words and pictures: told in full, strict about names, drawn as laid out."""

import re
import tomllib
from xml.etree import ElementTree

import numpy as np
import pytest

from palpate.cli.protocols import protocols
from palpate.errors import ConfigError, SchemeError
from palpate.points import Points
from palpate.protocols.landmark_picture import CHOSEN, HEIGHT, WIDTH, landmark_picture
from palpate.protocols.measure import measure_points
from palpate.protocols.protocol import (
    PROTOCOLS,
    Protocol,
    protocol_from_table,
    protocol_text,
    read_protocol,
)
from palpate.serve.protocol_json import protocol_json

SVG = "{http://www.w3.org/2000/svg}"
HIP = """
name = "hip"
version = "1"
title = "A hip & more"
source = "drawn"
layout = "whole"

[scheme]
landmarks = ["head_top", "neck", "shaft"]
edges = [["head_top", "neck"]]

[drawings.whole]
head_top = [4, 0]
neck = [0, 10]
shaft = [0, 50]

[[landmark]]
name = "neck"
title = "Waist <of the neck>"
description = "Its narrowest place."

[[quantity]]
name = "length"
unit = "px"
meaning = "Length."
sign = "unsigned"
source = "drawn"
formula = {kind = "distance", start = "neck", end = "shaft"}
example = {points = "whole", value = 40.0, because = "straight down"}
"""


def hip(old: str = "", new: str = "") -> Protocol:
    assert old in HIP
    return protocol_from_table(tomllib.loads(HIP.replace(old, new)), where="hip.toml")


@pytest.mark.parametrize("name", PROTOCOLS)
def test_every_landmark_of_a_shipped_protocol_is_described(name: str) -> None:
    protocol = read_protocol(name)
    assert tuple(protocol.described) == protocol.scheme.names
    for table in protocol.described.values():
        assert table.description.endswith("."), table
        assert 20 < len(table.description) < 260, table
        assert len(table.title) < 60, table
        assert not re.search(r"[{}_]", table.title + table.description), table


@pytest.mark.parametrize("name", PROTOCOLS)
def test_every_quantity_can_be_measured_on_the_layout(name: str) -> None:
    protocol = read_protocol(name)
    assert protocol.layout is not None
    at = protocol.drawings[protocol.layout]
    points = Points.of(protocol.scheme, [at[each] for each in protocol.scheme.names])
    calibration = None
    for measured in measure_points(protocol, points, calibration, size=(700, 900)).measurements:
        assert measured.value is not None or measured.unit == "mm", measured


def test_the_layout_of_the_cephalogram_is_a_usual_face() -> None:
    protocol = read_protocol("cephalogram")
    at = protocol.drawings["anatomy"]
    points = Points.of(protocol.scheme, [at[each] for each in protocol.scheme.names])
    report = measure_points(protocol, points, None)
    angles = [m for m in report.measurements if m.unit == "deg" and m.normal is not None]
    assert len(angles) > 10
    for measured in angles:
        assert measured.value is not None
        assert measured.normal is not None
        low, high = measured.normal.low, measured.normal.high
        assert low - 1.0 <= measured.value <= high + 1.0, measured


def test_a_landmark_that_is_not_described_goes_by_its_name() -> None:
    protocol = hip()
    assert protocol.title_of("head_top") == "head top"
    assert protocol.description_of("head_top") == ""
    assert protocol.title_of("neck") == "Waist <of the neck>"
    page = protocol_json(protocol)["landmarks"]
    assert page[0] == {"name": "head_top", "title": "head top", "description": "", "picture": 0}
    assert page[1]["description"] == "Its narrowest place."


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (
            'name = "neck"\n',
            'name = "nek"\n',
            r"describes 'nek', which the scheme does not have; did you mean 'neck'",
        ),
        ("description =", "descripton =", r"unknown key 'descripton' in landmark 'neck'"),
        ('title = "Waist', 'tittle = "Waist', r"unknown key 'tittle' in landmark 'neck'; did you"),
        ('description = "Its narrowest place."', "", r"key 'description' is missing in landmark"),
        ('layout = "whole"', 'layout = "hole"', r"no \[drawings.hole\]; did you mean 'whole'"),
        ("head_top = [4, 0]", "", r"the layout holds every landmark; drawing 'whole' has no 'head"),
        (
            "[[landmark]]",
            '[[landmark]]\nname="neck"\ntitle="b"\ndescription="c"\n[[landmark]]',
            r"landmark 'neck' is described twice",
        ),
        (
            "[[landmark]]",
            '[[landmark]]\nname="shaft"\ntitle="Waist <of the neck>"\ndescription="c"\n'
            "[[landmark]]",
            r"two landmarks have the title 'Waist",
        ),
        (
            'name = "neck"\n',
            'each = "side"\nname = "neck"\n',
            r"landmark 'neck' is for each 'side', and there is no \[\[each.side\]\]",
        ),
        ('[[landmark]]\nname = "neck"', "[landmark.neck]", r"\[\[landmark\]\], with double brack"),
    ],
)
def test_a_wrong_description_is_refused_in_words(old: str, new: str, told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        hip(old, new)


@pytest.mark.parametrize("name", PROTOCOLS)
def test_a_picture_rings_its_landmark_and_names_it_and_its_neighbours(name: str) -> None:
    protocol = read_protocol(name)
    for landmark in protocol.scheme.names[:: max(1, len(protocol.scheme) // 8)]:
        root = ElementTree.fromstring(landmark_picture(protocol, landmark))
        rings = [c for c in root.iter(f"{SVG}circle") if c.get("fill") == "none"]
        assert all(ring.get("stroke") == CHOSEN for ring in rings)
        assert len(rings) == (2 if len(protocol.scheme) > 24 else 1)
        texts = [text.text or "" for text in root.iter(f"{SVG}text")]
        assert len(texts) == len(set(texts)) == 5
        assert protocol.title_of(landmark).split(":")[0] in texts
        heights = sorted(float(text.get("y", 0)) for text in root.iter(f"{SVG}text"))
        assert np.diff(heights).min() > 20.0
        for circle in root.iter(f"{SVG}circle"):
            assert 0.0 <= float(circle.get("cx", -1)) <= WIDTH
            assert 0.0 <= float(circle.get("cy", -1)) <= HEIGHT
        tags = {node.tag.removeprefix(SVG) for node in root.iter()}
        assert tags <= {"svg", "title", "rect", "circle", "path", "text"}
        assert not {"id", "style", "href", "onload"} & {
            key for node in root.iter() for key in node.attrib
        }


def test_a_title_is_text_in_a_picture_and_never_markup() -> None:
    texts = ElementTree.fromstring(landmark_picture(hip(), "neck")).iter(f"{SVG}text")
    assert "Waist <of the neck>" in [text.text for text in texts]


def test_a_picture_needs_a_layout_and_a_landmark() -> None:
    with pytest.raises(ConfigError, match="no layout to draw its landmarks from: name one"):
        landmark_picture(hip('layout = "whole"\n', ""), "neck")
    with pytest.raises(SchemeError, match="did you mean 'neck'"):
        landmark_picture(hip(), "nek")


def test_the_digest_changes_with_what_is_measured_and_told() -> None:
    digests = {
        protocol_json(protocol)["digest"]
        for protocol in (
            hip(),
            hip("narrowest", "widest"),
            hip('end = "shaft"', 'end = "head_top"'),
        )
    }
    assert len(digests) == 3
    assert protocol_json(hip())["digest"] in digests


def test_flipped_signs_reach_the_page() -> None:
    plain = protocol_json(read_protocol("cervical"))["quantities"][1]
    turned = protocol_json(read_protocol("cervical").flip("lordosis"))["quantities"][1]
    assert (plain["sense"], turned["sense"]) == (1.0, -1.0)
    assert (plain["normal"]["low"], plain["normal"]["high"]) == (-42.0, -34.0)
    assert (turned["normal"]["low"], turned["normal"]["high"]) == (34.0, 42.0)
    assert turned["classes"] == plain["classes"]


def test_the_command_tells_where_landmarks_are_put(capsys: pytest.CaptureFixture[str]) -> None:
    protocols("cephalogram")
    shown = " ".join(capsys.readouterr().out.split())
    assert "Point A" in shown
    assert "articulare" in shown


def test_the_file_says_where_its_definitions_are_from() -> None:
    for name in PROTOCOLS:
        assert "# Where each landmark is put" in protocol_text(name)
