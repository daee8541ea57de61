"""The protocol of the proximal femur on femurs whose sizes are known."""

import numpy as np
import pytest

from palpate.errors import ConfigError, GeometryError
from palpate.evaluation.curve_errors import Outline
from palpate.geometry.curves import distance_to_polyline
from palpate.image import Calibration
from palpate.io.predictions import PredictedImage
from palpate.phantoms.femur_bone import build_femur
from palpate.phantoms.femur_growth import HipSizes, draw_child, sizes_at
from palpate.phantoms.femur_scheme import ANCHORS, EDGES, LANDMARKS, REFERENCES, SCHEME
from palpate.points import Points
from palpate.prediction import Prediction
from palpate.protocols.formula import ArcHeight, CircleDiameter, FarthestAlong, Roundness
from palpate.protocols.measure import measure, measure_points
from palpate.protocols.protocol import protocol_from_table, protocol_text, read_protocol
from palpate.protocols.scene import Scene
from palpate.shape.build import build_shape_model

PROTOCOL = read_protocol("proximal-femur")
# Film coordinates: y down, ten pixels a millimetre.
FINE = Calibration((0.1, 0.1), "user")
MILLIMETRE = 10.0


def femur(seed: int) -> tuple[HipSizes, Points]:
    sizes = sizes_at(draw_child(np.random.default_rng(seed)), "left", 0.0)
    rows = build_femur(sizes).landmarks * (MILLIMETRE, -MILLIMETRE)
    return sizes, Points.of(PROTOCOL.scheme, rows)


FEMURS = [femur(seed) for seed in range(40)]


def values(points: Points) -> dict[str, float]:
    report = measure_points(PROTOCOL, points, FINE)
    return {m.name: m.value for m in report.measurements}


MEASURED = [values(points) for _, points in FEMURS]


def test_the_landmarks_are_those_of_the_phantom():
    assert PROTOCOL.scheme.names == LANDMARKS
    assert PROTOCOL.scheme.edges == EDGES
    assert PROTOCOL.scheme.name == SCHEME.name
    assert len(PROTOCOL.scheme) == 58
    assert PROTOCOL.normaliser == (LANDMARKS[0], LANDMARKS[-1])
    assert PROTOCOL.references == REFERENCES
    assert set(ANCHORS.values()) <= set(PROTOCOL.scheme.names)


def test_shaft_width_is_exact():
    for (sizes, _), measured in zip(FEMURS, MEASURED, strict=True):
        assert measured["Shaft width"] == pytest.approx(sizes.shaft_width, rel=1e-6)


def test_the_neck_shaft_angle_is_that_of_the_bone_within_its_construction():
    """Landmarks on the outline tell the axes only nearly: least so where the head is deformed."""
    off = [
        m["Neck-shaft angle"] - s.neck_shaft_deg for (s, _), m in zip(FEMURS, MEASURED, strict=True)
    ]
    normal = np.array([o for o, (s, _) in zip(off, FEMURS, strict=True) if s.flattening < 0.1])
    assert len(normal) > 10
    assert abs(normal.mean()) < 1.5
    assert np.abs(normal).max() < 5.0
    assert np.mean(np.abs(off)) < 4.0


def test_flat_heads_are_flat_and_not_round():
    flat = np.array([s.flattening for s, _ in FEMURS])
    ratio = np.array([m["Epiphyseal height ratio"] for m in MEASURED])
    assert np.corrcoef(flat, ratio)[0, 1] < -0.9
    round_ = np.array([m["Head roundness deviation, share of diameter"] or 0.0 for m in MEASURED])
    ill, well = round_[flat > 0.3], round_[flat < 0.1]
    assert np.median(ill) > np.median(well)


def test_the_height_ratio_is_that_of_the_bone():
    """Near enough where the head is round; a flat head's bumps stand above its middle."""
    for (sizes, _), measured in zip(FEMURS, MEASURED, strict=True):
        true = 100.0 * sizes.epiphysis_height / sizes.epiphysis_width
        if sizes.flattening < 0.1:
            assert measured["Epiphyseal height ratio"] == pytest.approx(true, rel=0.1)
        else:
            assert measured["Epiphyseal height ratio"] > 0.85 * true


def test_a_head_above_the_trochanter_is_positive():
    """Without disease it is; and it is told along the shaft, however the leg lies."""
    for (sizes, points), measured in zip(FEMURS[:15], MEASURED, strict=False):
        if sizes.flattening < 0.1:
            assert measured["Articulotrochanteric distance"] > 0.0
        turn = np.radians(25.0)
        c, s = np.cos(turn), np.sin(turn)
        turned = Points.of(points.scheme, points.coordinates @ np.array([[c, s], [-s, c]]))
        for name, value in values(turned).items():
            assert value == pytest.approx(measured[name], rel=1e-6, abs=1e-6)


def test_every_quantity_of_a_normal_femur_has_an_uncertainty():
    sizes, points = next(pair for pair in FEMURS if pair[0].flattening < 0.05)
    covariance = np.tile(np.eye(2), (58, 1, 1))
    prediction = Prediction(PROTOCOL.scheme, points.coordinates, covariance, np.ones(58), "test")
    report = measure(PROTOCOL, PredictedImage("x", prediction, (800, 800), calibration=FINE))
    for m in report.measurements:
        assert m.reason is None
        assert m.standard_uncertainty > 0.0
        assert m.interval[0] <= m.value <= m.interval[1]
    assert len(report.measurements) == 9
    assert sizes.shaft_width > 0.0


def test_a_head_that_is_a_line_has_no_circle_and_says_so():
    rows = FEMURS[0][1].coordinates.copy()
    head = PROTOCOL.scheme.indices([f"head_{i}" for i in range(1, 16)])
    rows[head] = np.linspace([0.0, 0.0], [90.0, 30.0], 15)
    report = measure_points(PROTOCOL, Points.of(PROTOCOL.scheme, rows), FINE)
    told = {m.name: m for m in report.measurements}
    assert "one line" in told["Head diameter"].reason
    assert "one line" in told["Head roundness deviation"].reason
    assert told["Epiphyseal height ratio"].value == pytest.approx(0.0, abs=1e-6)


def test_the_outline_of_the_protocol_is_the_bone():
    """Landmarks of one child lie on the smooth curve through them; a shifted femur does not."""
    outline = Outline.of(PROTOCOL.scheme)
    _, points = FEMURS[3]
    curve = outline.curve(points.coordinates)
    assert distance_to_polyline(points.coordinates, curve).max() == pytest.approx(0.0, abs=1e-9)
    shifted = distance_to_polyline(points.coordinates + 5.0, curve)
    assert 0.5 < shifted.mean() < np.hypot(5.0, 5.0)


def test_a_shape_model_tells_flattening():
    """Five scores of new femurs follow the disease; a new femur is plausible."""
    model = build_shape_model([points.coordinates for _, points in FEMURS[:36]])
    assert len(model.modes) < 36
    flat = np.array([s.flattening for s, _ in FEMURS])
    first = np.array([[1.0, *model.scores(p.coordinates)[:5]] for _, p in FEMURS])
    told = first @ np.linalg.lstsq(first, flat)[0]
    assert np.corrcoef(flat, told)[0, 1] > 0.8
    chances = [model.fit(points.coordinates).plausibility for _, points in FEMURS[36:]]
    assert np.median(chances) > 0.02


# ---- the kinds of formula that it brought


def scene(**at: tuple[float, float]) -> Scene:
    return Scene({name: np.array(place, dtype=float) for name, place in at.items()})


def test_the_farthest_place_is_picked_named_and_held():
    formula = FarthestAlong(
        kind="farthest_along", start="o", of=("a", "b"), along=(("o",), ("up",))
    )
    here = scene(o=(0, 0), up=(0, -1), a=(5, -3), b=(0, 7))
    assert formula.value(here) == 3.0
    held, note = formula.held(here)
    assert note == "at a"
    # Held, it stays at a even where b is farther.
    assert held.value(scene(o=(0, 0), up=(0, -1), a=(5, -3), b=(0, -9))) == 3.0
    behind = scene(o=(0, 0), up=(0, -1), a=(0, 2), b=(0, 7))
    assert formula.value(behind) == -2.0


@pytest.mark.parametrize("side", [1.0, -1.0])
def test_the_height_of_an_arc_has_no_sign(side):
    formula = ArcHeight(kind="arc_height", through=("a", "b", "c", "d"))
    here = scene(a=(0, 0), b=(2, 3 * side), c=(6, -side), d=(8, 0))
    assert formula.value(here) == 3.0
    held, note = formula.held(here)
    assert note == "at b"
    assert held.needs() == ("a", "b", "d")
    assert held.value(here) == 3.0


def test_roundness_of_a_circle_is_nothing_and_its_pick_is_held():
    rim = ("a", "b", "c", "d")
    formula = Roundness(kind="roundness", rim=rim)
    round_ = scene(a=(3, 0), b=(0, 3), c=(-3, 0), d=(0, -3))
    assert formula.value(round_) == pytest.approx(0.0, abs=1e-9)
    assert CircleDiameter(kind="circle_diameter", rim=rim).value(round_) == pytest.approx(6.0)
    oval = scene(a=(4, 0), b=(0, 3), c=(-4, 0), d=(0, -3))
    assert formula.value(oval) == pytest.approx(1.0)
    held, note = formula.held(oval)
    assert held.value(oval) == pytest.approx(1.0)
    assert note.startswith("farthest ")
    with pytest.raises(GeometryError, match="one line"):
        formula.value(scene(a=(0, 0), b=(1, 0), c=(2, 0), d=(3, 0)))


def test_an_unknown_reference_landmark_is_named():
    import tomllib

    table = tomllib.loads(protocol_text("proximal-femur"))
    table["references"] = ["greater_trochanter_7", "lesser_trochanter_9"]
    with pytest.raises(ConfigError, match="references uses landmark 'lesser_trochanter_9'"):
        protocol_from_table(table, where="mine.toml")
