"""The page's own arithmetic gives what the engine gives, for every kind of formula."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jaxtyping
import numpy as np
import pytest

import palpate.serve
from palpate.errors import GeometryError
from palpate.geometry.circles import fit_circle
from palpate.image import Calibration
from palpate.points import Points
from palpate.protocols.formula import FORMULAS
from palpate.protocols.measure import measure_points
from palpate.protocols.protocol import PROTOCOLS, Protocol, protocol_from_table, read_protocol
from palpate.serve.protocol_json import protocol_json

SCRIPTS = Path(palpate.serve.__file__).parent / "page" / "js"
SCENES, FLIPPED_SCENES = 100, 20
SEED = 8

LINE = ["a", "b"]
OTHER = [["c", "d"], "e"]
# One quantity of every kind: kind -> keys of its formula, in one or more ways.
KINDS: dict[str, list[dict[str, Any]]] = {
    "angle_between": [{"first": LINE, "second": OTHER}],
    "angle_at": [{"vertex": ["a", "b"], "first": "c", "second": "d"}],
    "nose_down_turn": [{"start": LINE, "end": OTHER}],
    "cobb": [{"upper": LINE, "lower": OTHER}],
    "posterior_tangent": [{"upper": LINE, "lower": OTHER}],
    "angle_to_horizontal": [
        {"line": LINE, "positive": "front_up"},
        {"line": OTHER, "positive": "front_down"},
    ],
    "angle_to_vertical": [
        {"line": LINE, "positive": "top_forwards"},
        {"line": OTHER, "positive": "top_backwards"},
    ],
    "distance": [{"start": "a", "end": ["b", "c"]}],
    "translation": [
        {"start": "a", "end": "b", "along": "forwards"},
        {"start": "a", "end": "b", "along": "upwards"},
        {"start": "a", "end": "b", "along": ["c", ["d", "e"]]},
    ],
    "distance_to_line": [{"point": "c", "line": LINE}],
    "side_of_line": [{"point": ["c", "d"], "line": LINE}],
    "polyline_length": [{"through": ["a", ["b", "c"], "d"]}],
    "polyline_depth": [{"through": ["a", ["b", "c"], "d", "e"]}],
    "farthest_along": [{"start": "a", "of": ["b", ["c", "d"], "e"], "along": OTHER}],
    "arc_height": [{"through": ["a", "b", ["c", "d"], "e"]}],
    "circle_diameter": [{"rim": ["a", "b", "c", "d", "e"]}],
    "roundness": [{"rim": ["a", "b", "c", "d", "e"]}],
    "spine_cobb": [
        {
            "vertebrae": ["v1", "v2", "v3", "v4"],
            "corners": ["tl", "tr", "bl", "br"],
            "which": which,
        }
        for which in ("main", "second", "third", "distal")
    ],
    "ratio": [
        {
            "numerator": {"kind": "polyline_depth", "through": ["a", "b", "c"]},
            "denominator": {"kind": "distance", "start": "c", "end": "d"},
        },
        {
            "numerator": {"kind": "distance", "start": "a", "end": "b"},
            "denominator": {"kind": "translation", "start": "c", "end": "d", "along": "upwards"},
        },
    ],
    "sum": [
        {
            "terms": [
                {"kind": "cobb", "upper": LINE, "lower": OTHER},
                {"kind": "angle_at", "vertex": "a", "first": "b", "second": "c"},
            ]
        }
    ],
}
UNITS = {"angle": ["deg"], "length": ["mm", "px"], "ratio": ["%", "1"], "side": ["1"]}
PLACES = {
    "a": (20.0, 30.0),
    "b": (60.0, 38.0),
    "c": (88.0, 81.0),
    "d": (54.0, 121.0),
    "e": (12.0, 84.0),
    **{
        f"v{i}{corner}": (x + dx, 40.0 * i + y)
        for i, dx in ((1, 0.0), (2, 14.0), (3, -9.0), (4, 3.0))
        for corner, x, y in (("tl", 0, 0), ("tr", 30, i), ("bl", 0, 20), ("br", 30, 20 + i))
    },
}


def of_every_kind() -> Protocol:
    """A protocol with each kind in each of its units."""
    quantities = [
        {
            "name": f"{kind} {i} {unit}",
            "unit": unit,
            "meaning": "",
            "sign": "positive",
            "source": "",
            "convention": "turned",
            "formula": {"kind": kind, **keys},
            "example": {"points": {}, "value": 0.0, "because": "", "spacing_mm": [1.0, 1.0]},
        }
        for kind, ways in KINDS.items()
        for i, keys in enumerate(ways)
        for unit in UNITS[FORMULAS[kind].gives]
    ]
    table = {
        "name": "every-kind",
        "version": "1",
        "title": "",
        "source": "",
        "layout": "all",
        "scheme": {
            "landmarks": list(PLACES),
            "mirror": [[f"v{i}{end}l", f"v{i}{end}r"] for i in range(1, 5) for end in "tb"],
        },
        "facing": {"front_back": [["b", "a"], ["c", "e"]], "top_bottom": [["a", "d"]]},
        "conventions": {"turned": {"default": "", "flipped": "turned"}},
        "drawings": {"all": {name: list(place) for name, place in PLACES.items()}},
        "quantity": quantities,
    }
    return protocol_from_table(table, where="every kind")


def every_protocol() -> list[Protocol]:
    shipped = [read_protocol(name) for name in PROTOCOLS]
    everything = [of_every_kind(), *shipped]
    flipped = [p.flip(name) for p in everything for name in p.conventions]
    return [*everything, *flipped]


def scenes(protocol: Protocol, count: int, rng: np.random.Generator) -> Iterator[dict[str, Any]]:
    """Layouts that are shaken, mirrored, turned, thinned out, or collapsed in places."""
    names = protocol.scheme.names
    assert protocol.layout is not None
    layout = np.array([protocol.drawings[protocol.layout][name] for name in names])
    extent = np.ptp(layout, axis=0).max()
    for k in range(count):
        shake = extent * rng.choice([0.002, 0.02, 0.2])
        xy = layout + rng.normal(0.0, shake, layout.shape)
        if rng.random() < 0.5:
            xy[:, 0] = 2.0 * extent - xy[:, 0]
        angle = rng.choice([0.0, rng.uniform(0.0, 2.0 * np.pi)])
        xy = xy @ np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
        absent = rng.random(len(names)) < rng.choice([0.0, 0.02, 0.3])
        if k % 4 == 0:
            same = rng.integers(len(names), size=2 + len(names) // 4)
            xy[same] = xy[same[0]]
        if k == 1:
            xy[:] = xy[0]
        if k == 2:
            xy[:, 1] = np.round(xy[:, 0])
        yield {
            "points": {
                n: (None if gone else xy[i].tolist())
                for i, (n, gone) in enumerate(zip(names, absent, strict=True))
            },
            "spacing": [None, [0.25, 0.25], [0.5, 0.37]][rng.integers(3)],
            "size": [None, [700, int(3 * extent)], [700, int(extent)]][rng.integers(3)],
        }


def examples(protocol: Protocol) -> Iterator[dict[str, Any]]:
    """The worked examples of the file."""
    for quantity in protocol.quantities:
        if not protocol.example_points(quantity):
            continue
        example = quantity.example
        yield {
            "points": {n: list(xy) for n, xy in protocol.example_points(quantity).items()},
            "spacing": example.spacing_mm and list(example.spacing_mm),
            "size": example.size and list(example.size),
        }


def measured(protocol: Protocol, scene: dict[str, Any]) -> list[tuple[float | None, str, str]]:
    """What the engine says: value, reason and note of each quantity."""
    nowhere = (np.nan, np.nan)
    rows = [scene["points"].get(name) or nowhere for name in protocol.scheme.names]
    spacing, size = scene["spacing"], scene["size"]
    calibration = None if spacing is None else Calibration(tuple(spacing), "dicom")
    points = Points.of(protocol.scheme, rows)
    report = measure_points(protocol, points, calibration, size=size and tuple(size))
    return [(m.value, m.reason or "", m.note) for m in report.measurements]


RUN = """async (asked) => {
    const { measure } = await import("/js/protocol/measure.js");
    const asPoints = (scene) => new Map(Object.entries(scene.points).map(
        ([name, xy]) => [name, xy && {x: xy[0], y: xy[1], state: "visible"}]));
    return JSON.stringify(JSON.parse(asked).map(({protocol, scenes}) =>
        scenes.map((scene) => measure(protocol, asPoints(scene), scene))));
}"""


@pytest.fixture(scope="module")
def page(chromium: Any) -> Iterator[Any]:
    """An empty page that finds the package's scripts under /js."""

    def answer(route: Any) -> None:
        path = route.request.url.removeprefix("http://page.test/js/")
        if path == route.request.url:
            route.fulfill(body="<!doctype html>", content_type="text/html")
        else:
            text = (SCRIPTS / path).read_text(encoding="utf-8")
            route.fulfill(body=text, content_type="text/javascript")

    context = chromium.new_context()
    context.route("**/*", answer)
    page = context.new_page()
    page.goto("http://page.test/")
    yield page
    context.close()


def test_every_kind_of_formula_has_a_twin_and_a_quantity_here(page: Any) -> None:
    twins = page.evaluate(
        'async () => Object.keys((await import("/js/protocol/formulas.js")).FORMULAS)'
    )
    assert sorted(twins) == sorted(FORMULAS)
    assert sorted(KINDS) == sorted(FORMULAS)


def test_the_page_measures_what_the_engine_measures(
    page: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Values to 1e-9 of their size, reasons and notes to the letter."""
    # Shapes are checked by the engine's own tests; here they would take most of the time.
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)
    protocols = every_protocol()
    cases = []
    for k, protocol in enumerate(protocols):
        rng = np.random.default_rng([SEED, k])
        cases.append(
            [
                *examples(protocol),
                *scenes(protocol, FLIPPED_SCENES if protocol.flipped else SCENES, rng),
            ]
        )
    asked = [
        {"protocol": protocol_json(p), "scenes": c} for p, c in zip(protocols, cases, strict=True)
    ]
    answers = json.loads(page.evaluate(RUN, json.dumps(asked)))
    found = [
        (protocol, scene, row, engine)
        for protocol, case, answer in zip(protocols, cases, answers, strict=True)
        for scene, rows in zip(case, answer, strict=True)
        for row, engine in zip(rows, measured(protocol, scene), strict=True)
    ]
    wrong = [each for each in found if not agree(*each[2:])]
    assert not wrong, f"{len(wrong)} of {len(found)}, first: {wrong[0]}"
    refused = sum(engine[0] is None for *_, engine in found)
    assert refused > 1000
    assert len(found) - refused > 5000


RIMS = """async (rims) => {
    const { fitCircle } = await import("/js/protocol/circles.js");
    return rims.map((rim) => {
        try {
            const { centre, radius } = fitCircle(rim);
            return [...centre, radius];
        } catch (refusal) {
            return refusal.message;
        }
    });
}"""


def circle(rim: np.ndarray) -> list[float] | str:
    """Centre and radius, or why there is no circle."""
    try:
        fit = fit_circle(rim)
    except GeometryError as refusal:
        return str(refusal)
    return [*fit.centre.tolist(), fit.radius]


def test_a_flat_noisy_rim_ends_at_the_circle_of_the_engine(page: Any) -> None:
    """Where the first steps are long, the unit that they are measured in decides where they end."""
    rng = np.random.default_rng(2)
    turns = rng.uniform(-0.65, 0.65, (300, 15))
    rims = 50.0 * (np.stack([np.cos(turns), np.sin(turns)], -1) + rng.normal(0, 0.2, (300, 15, 2)))
    for found, wanted in zip(page.evaluate(RIMS, rims.tolist()), map(circle, rims), strict=True):
        assert found == (wanted if isinstance(wanted, str) else pytest.approx(wanted, rel=1e-8))


def agree(row: dict[str, Any], engine: tuple[float | None, str, str]) -> bool:
    value, reason, note = engine
    if (row["reason"] or "") != reason or (row["value"] is None) != (value is None):
        return False
    if value is None:
        return True
    # Of several that are equally far, rounding picks the one that the note names.
    same_note = note.startswith(row["note"]) or abs(value) < 1e-6
    return same_note and abs(row["value"] - value) <= 1e-9 * max(1.0, abs(value))


DRAW = """async (asked) => {
    const { drawn } = await import("/js/protocol/drawing.js");
    const asPoints = (scene) => new Map(Object.entries(scene.points).map(
        ([name, xy]) => [name, {x: xy[0], y: xy[1]}]));
    return JSON.stringify(JSON.parse(asked).map(({protocol, scenes}) => scenes.map((scene) =>
        protocol.quantities.map((quantity) =>
            drawn(protocol, quantity, asPoints(scene), scene)))));
}"""
WIDTH = 1000.0


def mirrored(protocol: Protocol, scene: dict[str, Any]) -> dict[str, Any]:
    """The same film seen from behind."""
    names = protocol.scheme.names
    swapped = [names[i] for i in protocol.scheme.mirror_order()]
    points = {
        n: [WIDTH - scene["points"][o][0], scene["points"][o][1]]
        for n, o in zip(names, swapped, strict=True)
    }
    return {**scene, "points": points}


@pytest.fixture(scope="module")
def drawings(page: Any) -> list[tuple[Protocol, dict[str, Any], list[Any], list[Any]]]:
    """Scenes with their drawings, and those of the mirrored scenes."""
    protocols = [of_every_kind(), *(read_protocol(name) for name in PROTOCOLS)]
    rng = np.random.default_rng(SEED)
    cases = []
    for protocol in protocols:
        assert protocol.layout is not None
        layout = protocol.drawings[protocol.layout]
        extent = float(np.ptp(list(layout.values()), axis=0).max())
        for spacing in (None, [0.25, 0.25], [0.5, 0.37], [0.2, 0.31]):
            points = {
                n: (np.array(p) + rng.normal(0.0, 0.01 * extent, 2)).tolist()
                for n, p in layout.items()
            }
            scene = {"points": points, "spacing": spacing, "size": [1001, 900]}
            cases.append((protocol, scene))
    asked = [
        {"protocol": protocol_json(p), "scenes": [scene, mirrored(p, scene)]} for p, scene in cases
    ]
    answers = json.loads(page.evaluate(DRAW, json.dumps(asked)))
    return [(p, scene, *both) for (p, scene), both in zip(cases, answers, strict=True)]


def turned(arc: dict[str, Any], scale: np.ndarray) -> float:
    """Angle that an arc goes through about its centre, in degrees, in the anatomy."""
    x, y = (scale * (np.array(arc["points"]) - arc["centre"])).T
    return abs(float(np.degrees(np.diff(np.unwrap(np.arctan2(y, x))).sum())))


def length(shape: dict[str, Any], scale: np.ndarray) -> float:
    places = [shape["from"], shape["to"]] if shape["kind"] == "line" else shape["points"]
    return float(np.linalg.norm(scale * np.diff(places, axis=0), axis=1).sum())


def test_every_kind_is_drawn(page: Any) -> None:
    kinds = page.evaluate('async () => (await import("/js/protocol/drawing.js")).DRAWN_KINDS')
    assert sorted(kinds) == sorted(FORMULAS)


def test_what_is_drawn_has_the_size_of_the_value(drawings: list[Any]) -> None:
    angles = lengths = ratios = 0
    for protocol, scene, drawn, _ in drawings:
        for quantity, shapes in zip(protocol.quantities, drawn, strict=True):
            if not shapes:
                continue
            where = f"{protocol.label} {quantity.name}"
            square = scene["spacing"] is None or quantity.unit == "px"
            scale = np.ones(2) if square else np.array(scene["spacing"])
            value = abs(shapes[-1]["value"])
            arcs = [turned(shape, scale) for shape in shapes if shape["kind"] == "arc"]
            over, under = (
                [length(s, scale) for s in shapes if s["role"] == role and s["kind"] != "arc"]
                for role in ("measured", "against")
            )
            if quantity.formula.kind == "sum":
                assert len(arcs) > 1, where
            elif quantity.formula.kind == "side_of_line":
                assert not arcs + over, where
            elif quantity.formula.kind == "ratio":
                assert over[0] / under[0] == pytest.approx(value / quantity.factor), where
                ratios += 1
            elif quantity.formula.kind == "spine_cobb" and value == 0.0:
                assert not arcs, where  # one vertebra against itself
            elif quantity.formula.gives == "angle":
                assert arcs == [pytest.approx(value, abs=1e-6)], where
                angles += 1
            else:
                assert over == [pytest.approx(value)], where
                lengths += 1
    assert min(angles, lengths, ratios) > 30


def test_mirrored_points_are_drawn_mirrored(drawings: list[Any]) -> None:
    for protocol, _, drawn, other in drawings:
        for quantity, shapes, mirror in zip(protocol.quantities, drawn, other, strict=True):
            where = f"{protocol.label} {quantity.name}"
            assert [(s["kind"], s["role"]) for s in shapes] == [
                (s["kind"], s["role"]) for s in mirror
            ], where
            for one, two in zip(shapes, mirror, strict=True):
                here, there = corners(one), corners(two)
                back = [(WIDTH - x, y) for x, y in there]
                if one["kind"] == "line" and not np.allclose(back, here):
                    back.reverse()  # the sides of a vertebra change places
                np.testing.assert_allclose(back, here, atol=1e-6, err_msg=f"{where}: {one}")


def corners(shape: dict[str, Any]) -> list[tuple[float, float]]:
    """All places that a shape names."""
    single = [tuple(shape[key]) for key in ("from", "to", "centre", "at") if key in shape]
    return [*single, *(tuple(place) for place in shape.get("points", ()))]
