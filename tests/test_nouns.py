"""The nouns refuse what would break their invariants, and say what."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from palpate.affine import Affine
from palpate.errors import GeometryError, OutputError, SchemeError
from palpate.files import write_text
from palpate.image import Calibration, Image
from palpate.measurement import Measurement
from palpate.points import ABSENT, OCCLUDED, VISIBLE, Points
from palpate.prediction import Prediction
from palpate.sample import Sample, consensus
from palpate.scheme import LandmarkScheme

EYES = LandmarkScheme("eyes", ("left", "right", "nose"), mirror=(("left", "right"),))
finite = st.floats(-1e3, 1e3)


@given(arrays(float, (5, 2), elements=finite), st.integers(1, 400), st.integers(1, 400))
def test_an_affine_and_its_inverse_undo_each_other(points, old, new):
    there = Affine.resize((old, new), (new, old))
    np.testing.assert_allclose(there.inverse()(there(points)), points, atol=1e-6)


def test_resize_maps_edges_to_edges():
    there = Affine.resize((10, 20), (40, 10))
    np.testing.assert_allclose(there([[-0.5, -0.5], [9.5, 19.5]]), [[-0.5, -0.5], [39.5, 9.5]])


def test_maps_compose_only_where_frames_meet():
    to_grid = Affine.resize((10, 10), (5, 5))
    with pytest.raises(GeometryError, match="cannot map pixel to grid after pixel to grid"):
        to_grid @ to_grid


def test_a_flat_map_is_refused():
    with pytest.raises(GeometryError, match="inverted"):
        Affine.scaling((0.0, 1.0), source="pixel", target="grid")


def test_covariance_moves_with_the_mean():
    rng = np.random.default_rng(0)
    turn = Affine(np.array([[0.0, -2.0, 3.0], [1.0, 0.5, 1.0], [0, 0, 1]]), "pixel", "mm")
    cloud = rng.normal(size=(20000, 2)) @ np.array([[2.0, 0.0], [1.0, 0.5]]).T
    covariance = np.cov(cloud.T)
    np.testing.assert_allclose(turn.covariance(covariance), np.cov(turn(cloud).T), rtol=1e-9)


def test_a_misspelt_landmark_is_named_with_its_neighbour():
    with pytest.raises(SchemeError, match="no landmark 'nos'; did you mean 'nose'"):
        EYES.index("nos")


@pytest.mark.parametrize(
    ("names", "mirror"),
    [
        (("a", "a"), ()),
        ((), ()),
        (("a", ""), ()),
        (("a", "b", "c"), (("a", "b"), ("b", "c"))),
        (("a",), (("a", "x"),)),
    ],
)
def test_an_impossible_scheme_is_refused(names, mirror):
    with pytest.raises(SchemeError):
        LandmarkScheme("odd", names, mirror=mirror)


def test_points_are_nan_exactly_where_absent():
    coordinates = np.array([[1.0, 2.0], [np.nan, np.nan], [3.0, 4.0]])
    Points(EYES, coordinates, np.array([VISIBLE, ABSENT, OCCLUDED]))
    with pytest.raises(GeometryError, match="'right'"):
        Points(EYES, coordinates, np.array([VISIBLE, VISIBLE, VISIBLE]))
    with pytest.raises(GeometryError, match="'left'"):
        Points(EYES, coordinates, np.array([ABSENT, ABSENT, VISIBLE]))


def test_an_infinite_point_is_refused_by_name():
    with pytest.raises(GeometryError, match="'nose' is infinite"):
        Points.of(EYES, [[0.0, 0.0], [1.0, 1.0], [np.inf, 0.0]])


def test_points_cannot_be_changed():
    points = Points.of(EYES, np.zeros((3, 2)))
    with pytest.raises(ValueError, match="read-only"):
        points.coordinates[0, 0] = 1.0


def test_a_flipped_left_eye_is_still_the_left_eye():
    points = Points.of(EYES, [[10.0, 5.0], [30.0, 5.0], [20.0, 9.0]])
    flip = Affine(np.array([[-1.0, 0, 39.0], [0, 1, 0], [0, 0, 1]]), "pixel", "pixel")
    mirrored = points.mirrored(flip)
    np.testing.assert_allclose(mirrored["left"], [9.0, 5.0])
    np.testing.assert_allclose(mirrored.mirrored(flip).coordinates, points.coordinates)


def test_points_move_only_from_their_own_frame():
    points = Points.of(EYES, np.zeros((3, 2)), frame="mm")
    with pytest.raises(GeometryError, match="points in mm"):
        points.moved(Affine.identity())


@pytest.mark.parametrize("spacing", [(0.0, 1.0), (-1.0, 1.0), (np.nan, 1.0), (np.inf, 1.0)])
def test_a_spacing_that_is_not_positive_is_refused(spacing):
    with pytest.raises(GeometryError, match="must be positive"):
        Calibration(spacing, "user")


def test_an_image_without_calibration_has_no_millimetres():
    assert Image(np.zeros((1, 4, 4), np.uint8), "a").to_mm() is None


def test_a_sample_needs_a_subject():
    with pytest.raises(GeometryError, match="no subject"):
        Sample(Image(np.zeros((1, 4, 4), np.uint8), "a"), "")


def test_consensus_is_over_those_who_gave_the_landmark():
    a = Points.of(EYES, [[0.0, 0.0], [np.nan, np.nan], [np.nan, np.nan]])
    b = Points.of(EYES, [[2.0, 4.0], [6.0, 6.0], [np.nan, np.nan]])
    agreed = consensus([a, b])
    np.testing.assert_allclose(agreed.coordinates[:2], [[1.0, 2.0], [6.0, 6.0]])
    assert agreed.present.tolist() == [True, True, False]


def test_a_prediction_refuses_a_negative_variance():
    with pytest.raises(GeometryError, match="negative eigenvalue"):
        Prediction(EYES, np.zeros((3, 2)), -np.eye(2)[None].repeat(3, 0), np.ones(3), "test")


def test_a_prediction_moves_mean_and_covariance():
    prediction = Prediction(EYES, np.ones((3, 2)), np.eye(2)[None].repeat(3, 0), np.ones(3), "test")
    moved = prediction.moved(Affine.scaling((2.0, 3.0), source="pixel", target="mm"))
    np.testing.assert_allclose(moved.mean[0], [2, 3])
    np.testing.assert_allclose(moved.covariance[0], np.diag([4, 9]))


def test_a_measurement_has_a_value_or_a_reason():
    with pytest.raises(GeometryError, match="one of them"):
        Measurement("angle", "deg")
    with pytest.raises(GeometryError, match="one of them"):
        Measurement("angle", "deg", value=1.0, reason="both")
    with pytest.raises(GeometryError, match="finite"):
        Measurement("angle", "deg", value=float("nan"))


def test_a_full_disk_leaves_the_old_file(tmp_path, monkeypatch):
    target = tmp_path / "result.txt"
    write_text(target, "old")

    def no_space(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("palpate.files.os.fsync", no_space)
    with pytest.raises(OutputError, match=r"result\.txt.*No space left.*free some space"):
        write_text(target, "new")
    assert target.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["result.txt"]
