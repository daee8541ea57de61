"""Laws of every codec: decode undoes encode, and a mirror is not fooled."""

import numpy as np
import pytest

from palpate.codecs import CODECS, CoordinateCodec, DisplacementCodec, HeatmapCodec
from palpate.errors import ConfigError

GRID = (128, 96)
EXAMPLES = {
    "heatmap": [
        HeatmapCodec(GRID, stride=4, sigma_cells=1.5, scale="intensity"),
        HeatmapCodec(GRID, stride=2, sigma_cells=2.0, scale="intensity"),
        HeatmapCodec(GRID, stride=1, sigma_cells=1.0, scale="intensity"),
    ],
    "coordinates": [CoordinateCodec(GRID)],
    "displacement": [
        DisplacementCodec(GRID),
        DisplacementCodec(GRID, sigma_px=2.0, reach_px=5.0, smooth_px=2.0, weigh_votes=True),
    ],
}
CASES = [codec for name in CODECS for codec in EXAMPLES[name]]


@pytest.fixture
def points():
    rng = np.random.default_rng(3)
    return rng.uniform([30, 30], [97, 65], (40, 2))


@pytest.mark.parametrize("codec", CASES, ids=str)
def test_decode_undoes_encode(codec, points):
    decoded = codec.decode(codec.encode(points, np.ones(40, dtype=bool)))
    assert np.abs(decoded.mean - points).max() <= codec.tolerance_px


@pytest.mark.parametrize("codec", CASES, ids=str)
def test_a_mirrored_point_gives_a_mirrored_target(codec, points):
    """Encode and decode may agree on a wrong pixel; a mirror is not fooled."""
    present = np.ones(40, dtype=bool)
    mirrored = np.array([GRID[0] - 1.0, 0.0]) + points * [-1.0, 1.0]
    target, flipped = codec.encode(points, present), codec.encode(mirrored, present)
    if isinstance(codec, CoordinateCodec):
        np.testing.assert_allclose(flipped[:, 0], 1 - target[:, 0], atol=1e-6)
    elif isinstance(codec, DisplacementCodec):
        signs = np.array([-1, 1, 1]).reshape(3, 1, 1)
        np.testing.assert_allclose(flipped, signs * target[..., ::-1], atol=1e-5)
    else:
        np.testing.assert_allclose(flipped, target[:, :, ::-1], atol=1e-6)


@pytest.mark.parametrize("codec", CASES, ids=str)
def test_an_absent_landmark_has_an_empty_target(codec, points):
    present = np.ones(40, dtype=bool)
    present[7] = False
    assert not codec.encode(points, present)[7].any()


def test_one_pixel_example():
    """A point on the centre of cell (x=2, y=1) of 4 px is at ((2 + 1/2) * 4 - 1/2, ...)."""
    codec = HeatmapCodec((32, 16), stride=4)
    target = codec.encode(np.array([[9.5, 5.5]]), np.array([True]))
    assert np.unravel_index(target[0].argmax(), target[0].shape) == (1, 2)
    assert target[0].max() == 1.0


def test_logits_decode_as_their_softmax(points):
    codec = HeatmapCodec(GRID, stride=4, sigma_cells=1.5)
    bumps = codec.encode(points, np.ones(40, dtype=bool))
    decoded = codec.decode(np.log(bumps.astype(float) + 1e-30).astype(np.float32))
    assert np.abs(decoded.mean - points).max() <= codec.tolerance_px
    assert (decoded.score > 0.9).all()


def test_covariance_is_that_of_the_bump(points):
    codec = HeatmapCodec(GRID, stride=4, sigma_cells=1.5)
    bumps = codec.encode(points, np.ones(40, dtype=bool))
    decoded = codec.decode(np.log(bumps.astype(float) + 1e-30).astype(np.float32))
    variance = (1.5 * 4) ** 2
    np.testing.assert_allclose(decoded.covariance[:, 0, 0], variance, rtol=0.05)
    np.testing.assert_allclose(decoded.covariance[:, 1, 1], variance, rtol=0.05)
    np.testing.assert_allclose(decoded.covariance[:, 0, 1], 0, atol=0.05 * variance)


def test_a_wider_bump_has_a_larger_covariance_and_not_a_larger_score():
    codec = HeatmapCodec(GRID, stride=4, sigma_cells=1.5)
    y, x = np.mgrid[: codec.shape[0], : codec.shape[1]].astype(float)
    maps = [-0.5 * ((x - 16) ** 2 + (y - 12) ** 2) / s**2 for s in (1.5, 4.0)]
    decoded = codec.decode(np.stack(maps).astype(np.float32))
    assert np.linalg.det(decoded.covariance[1]) > np.linalg.det(decoded.covariance[0])
    assert decoded.score[1] < decoded.score[0]


def test_a_flat_map_decodes_without_nan():
    codec = HeatmapCodec(GRID, stride=4)
    decoded = codec.decode(np.zeros((2, *codec.shape), dtype=np.float32))
    assert np.isfinite(decoded.mean).all()
    assert np.isfinite(decoded.covariance).all()
    assert (decoded.score < 0.5).all()


def test_a_bump_narrower_than_a_cell_is_refused():
    with pytest.raises(ConfigError, match="narrower than one cell"):
        HeatmapCodec(GRID, sigma_cells=0.5)


def test_a_grid_that_the_stride_does_not_divide_is_refused():
    with pytest.raises(ConfigError, match="multiples of 4"):
        HeatmapCodec((126, 96))


def test_bias_at_the_border_is_bounded():
    """A bump cut by the border is read within one cell; a known limit, stated here."""
    codec = HeatmapCodec(GRID, stride=4, sigma_cells=1.5, scale="intensity")
    corner = np.array([[0.0, 0.0], [127.0, 95.0]])
    decoded = codec.decode(codec.encode(corner, np.array([True, True])))
    assert np.abs(decoded.mean - corner).max() < 8.0


def test_a_background_does_not_pull_an_intensity_map(points):
    """IC-Loss lets the background be anything up to 0.4: the reading must not care."""
    codec = HeatmapCodec(GRID, stride=4, sigma_cells=1.5, scale="intensity")
    maps = codec.encode(points, np.ones(40, dtype=bool))
    slope = np.linspace(0, 0.28, maps.shape[2], dtype=np.float32)
    decoded = codec.decode(np.maximum(maps, slope))
    assert np.abs(decoded.mean - points).max() <= codec.tolerance_px


def test_two_likely_places_give_a_mean_between_and_a_covariance_that_says_so():
    codec = HeatmapCodec(GRID, stride=4, sigma_cells=1.5)
    places = np.array([[30.0, 30.0], [90.0, 30.0]])
    one, two = codec.encode(places, np.array([True, True])).astype(float)
    decoded = codec.decode(np.log(one + two + 1e-30)[None].astype(np.float32))
    np.testing.assert_allclose(decoded.mean[0], [60, 30], atol=0.1)
    np.testing.assert_allclose(np.sqrt(decoded.covariance[0, 0, 0]), 30.6, atol=0.5)
    assert decoded.score[0] < 0.5
