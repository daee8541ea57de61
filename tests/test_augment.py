"""Points move exactly with pixels: each landmark is a lamp that stays on its lamp."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from palpate.affine import Affine
from palpate.augment.channels import CHANNELS
from palpate.augment.exposure import RandomExposure
from palpate.augment.resample import fit, prepare, resample, unit
from palpate.augment.warp import RandomWarp
from palpate.errors import GeometryError
from palpate.image import Image

WARP = RandomWarp(rotation_deg=30.0, scale=0.3, stretch=0.1, shear=0.1, shift=0.05, mirror=0.5)


def lamps(size, points, sigma=2.5):
    """Draw Gaussian lamps, each with its own truth, into a dark film."""
    y, x = np.mgrid[: size[1], : size[0]].astype(float)
    film = np.zeros((size[1], size[0]))
    for px, py in points:
        film += np.exp(-0.5 * ((x - px) ** 2 + (y - py) ** 2) / sigma**2)
    return Image((film * 60000).astype(np.uint16)[None], "lamps")


def centroid(grey, near, reach=9):
    y, x = np.mgrid[: grey.shape[0], : grey.shape[1]]
    weight = grey * ((x - near[0]) ** 2 + (y - near[1]) ** 2 < reach**2)
    return np.array([(weight * x).sum(), (weight * y).sum()]) / weight.sum()


@pytest.mark.parametrize(
    ("size", "grid"),
    [
        ((200, 160), (200, 160)),
        ((200, 160), (128, 128)),
        ((640, 500), (128, 96)),
        ((90, 160), (160, 192)),
    ],
)
def test_each_landmark_stays_on_its_lamp(size, grid):
    truth = np.array([[0.3, 0.3], [0.7, 0.35], [0.5, 0.7]]) * size
    ratio = min(grid[0] / size[0], grid[1] / size[1])
    image = lamps(size, truth, sigma=2.5 / min(ratio, 1))
    prepared = prepare(image, grid)
    for seed in range(5):
        to_grid = WARP.draw(np.random.default_rng(seed), grid) @ fit((0, 0, *size), grid)
        grey = unit(resample(prepared, to_grid, grid))
        for point in to_grid(truth):
            if (point > 12).all() and (point < np.array(grid) - 12).all():
                assert np.abs(centroid(grey, point) - point).max() < 0.15


def test_fit_keeps_edges_on_edges():
    """The image's outer edges lie on the grid's along the side that fills it."""
    corners = fit((0, 0, 100, 50), (64, 64))([[-0.5, -0.5], [99.5, 49.5]])
    np.testing.assert_allclose(corners[:, 0], [-0.5, 63.5])
    np.testing.assert_allclose(corners[:, 1].sum(), 63.0)


@given(st.integers(0, 10_000))
def test_a_warp_mirrors_only_when_drawn_to(seed):
    grid = (64, 48)
    never = RandomWarp(rotation_deg=180.0, scale=0.5, shear=0.2)
    always = RandomWarp(rotation_deg=180.0, scale=0.5, shear=0.2, mirror=1.0)
    rng = np.random.default_rng
    assert not never.draw(rng(seed), grid).mirrors
    assert always.draw(rng(seed), grid).mirrors


def test_the_same_generator_draws_the_same():
    one = WARP.draw(np.random.default_rng(5), (64, 64)).matrix
    two = WARP.draw(np.random.default_rng(5), (64, 64)).matrix
    np.testing.assert_array_equal(one, two)


def test_no_range_is_the_identity():
    np.testing.assert_allclose(
        RandomWarp().draw(np.random.default_rng(0), (64, 32)).matrix, np.eye(3), atol=1e-12
    )
    grey = np.linspace(0, 1, 64, dtype=np.float32).reshape(8, 8)
    same = RandomExposure().draw(np.random.default_rng(0))(grey)
    np.testing.assert_allclose(same, grey, atol=1e-3)


def test_an_exposure_stays_in_range_and_repeats():
    strong = RandomExposure(1.0, 0.5, 0.3, 0.2, 2.0, 0.5, 1.0, 0.5)
    grey = np.random.default_rng(1).uniform(size=(40, 30)).astype(np.float32)
    for seed in range(10):
        exposure = strong.draw(np.random.default_rng(seed))
        out = exposure(grey)
        assert out.min() >= 0
        assert out.max() <= 1
        np.testing.assert_array_equal(out, exposure(grey))


def test_inversion_inverts():
    grey = np.linspace(0, 1, 16, dtype=np.float32).reshape(4, 4)
    out = RandomExposure(invert=1.0).draw(np.random.default_rng(0))(grey)
    np.testing.assert_allclose(out, 1 - grey, atol=2e-3)


@pytest.mark.parametrize("name", CHANNELS)
def test_channels_have_their_count_and_no_nan(name):
    channels = CHANNELS[name]
    shape = (8, 8, 3) if channels.colour else (8, 8)
    for pixels in (np.zeros(shape, np.float32), np.random.default_rng(0).random(shape, np.float32)):
        made = channels.make(pixels)
        assert made.shape == (channels.count, 8, 8)
        assert np.isfinite(made).all()
        assert made.dtype == np.float32


@pytest.mark.parametrize("colour", [False, True])
@pytest.mark.parametrize("region", [(60, 40, 90, 90), (0, 0, 120, 160), (110, 30, 90, 130)])
def test_a_region_fills_the_grid_and_lamps_stay(region, colour):
    x, y, width, height = region
    truth = np.array([[0.3, 0.3], [0.7, 0.4], [0.5, 0.7]]) * (width, height) + (x, y)
    film = lamps((200, 160), truth, sigma=3.0)
    pixels = (film.pixels // 256).astype(np.uint8)
    image = Image(pixels, "lamps", region=region)
    grid = (64, 64)
    prepared = prepare(image, grid, colour=colour)
    to_grid = prepared.to_grid
    longer = 0 if width >= height else 1
    corners = to_grid([[x - 0.5, y - 0.5], [x + width - 0.5, y + height - 0.5]])
    np.testing.assert_allclose(corners[:, longer], [-0.5, 63.5])
    sampled = unit(resample(prepared, to_grid, grid))
    grey = sampled.mean(axis=2) if colour else sampled
    for point in to_grid(truth):
        assert np.abs(centroid(grey, point, reach=6) - point).max() < 0.15


def test_a_region_outside_the_image_is_refused():
    with pytest.raises(GeometryError, match="not inside its 20 x 10 px"):
        Image(np.zeros((1, 10, 20), np.uint8), "a", region=(15, 0, 10, 5))


def test_sixteen_bits_survive_preparation():
    ramp = np.arange(64 * 64, dtype=np.uint16).reshape(1, 64, 64) * 16
    prepared = prepare(Image(ramp, "ramp"), (64, 64))
    assert len(np.unique(prepared.pixels)) == 64 * 64


def similarity(centre, scale, degrees, grid):
    """Turn and scale about a point of the image, which comes to the middle of the grid."""
    c, s = scale * np.cos(np.radians(degrees)), scale * np.sin(np.radians(degrees))
    matrix = np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])
    matrix[:2, 2] = (np.array(grid) - 1) / 2 - matrix[:2, :2] @ centre
    return Affine(matrix, "pixel", "grid")


@pytest.mark.parametrize(("scale", "degrees"), [(0.3, 20.0), (0.9, -75.0), (1.7, 160.0)])
def test_a_view_shows_every_place_where_it_says(scale, degrees):
    rng = np.random.default_rng(0)
    grid, spot = (64, 48), np.array([170.0, 120.0])
    view = similarity(spot + rng.uniform(-5, 5, 2), scale, degrees, grid)
    y, x = np.mgrid[:240, :320]
    bump = np.exp(-((x - spot[0]) ** 2 + (y - spot[1]) ** 2) / (2 * (3 / scale) ** 2))
    image = Image(np.rint(255 * bump).astype(np.uint8)[None], "spot")
    prepared = prepare(image, grid, view=view)
    seen = resample(prepared, prepared.to_grid, grid).astype(float)
    v, u = np.mgrid[: grid[1], : grid[0]]
    centre = np.array([(seen * u).sum(), (seen * v).sum()]) / seen.sum()
    np.testing.assert_allclose(centre, view(spot[None])[0], atol=0.05)


def test_a_view_partly_outside_the_image_is_black_there_and_one_wholly_outside_is_refused():
    image = Image(np.full((1, 60, 80), 200, np.uint8), "film")
    half = prepare(image, (32, 32), view=similarity((0.0, 30.0), 1.0, 0.0, (32, 32)))
    seen = resample(half, half.to_grid, (32, 32))
    assert (seen[:, :15] == 0).all()
    assert (seen[:, 17:] == 200).all()
    with pytest.raises(GeometryError, match=r"'film'.*lies outside its 80 x 60 px"):
        prepare(image, (32, 32), view=similarity((500.0, 30.0), 1.0, 0.0, (32, 32)))
