"""The whole method on drawn constellations of blobs."""

from dataclasses import replace

import numpy as np
import pytest

from palpate.errors import FormatError, GeometryError, StudyError
from palpate.forest.film import Film
from palpate.forest.search import refine, search
from palpate.forest.settings import GlobalSettings, LevelSettings, RfrvSettings, TreeSettings
from palpate.forest.store import read_rfrv, write_rfrv
from palpate.forest.train import train_rfrv
from palpate.shape.similarity import Similarity

SIZE = (120, 110)  # x, y
STARS = np.array([[-20.0, -14.0], [18.0, -20.0], [24.0, 8.0], [2.0, 22.0], [-22.0, 16.0]])
WIDTHS = (2.0, 3.2, 2.4, 4.0, 2.8)
SIGNS = (1.0, -1.0, 1.0, 1.0, -1.0)

SETTINGS = RfrvSettings(
    levels=(
        LevelSettings(24, 13, 6, 5, rounds=2, radius_px=5.0),
        LevelSettings(46, 13, 6, 4, rounds=2, radius_px=4.0),
    ),
    search=GlobalSettings(
        long_side_px=24, patch_px=13, samples=3000, candidates=2, rotation_deg=15.0
    ),
    tree=TreeSettings(trees=4, pool=150, tries=60),
    poses=3,
    displaced=8,
)


def drawn(rng):
    """A film of blobs, each of its own width and sign: turned, scaled, shifted, bent a little."""
    pose = Similarity(
        float(rng.uniform(0.9, 1.1)),
        float(rng.uniform(-0.15, 0.15)),
        np.array([60.0, 55.0]) + rng.uniform(-12, 12, 2),
    )
    points = pose(STARS + rng.normal(0, 1.0, STARS.shape))
    y, x = np.mgrid[: SIZE[1], : SIZE[0]]
    image = 100 + 4 * rng.normal(size=x.shape)
    for (px, py), width, sign in zip(points, WIDTHS, SIGNS, strict=True):
        image += 60 * sign * np.exp(-0.5 * ((x - px) ** 2 + (y - py) ** 2) / width**2)
    return Film(np.clip(image, 0, 255).astype(np.uint8), points)


@pytest.fixture(scope="module")
def films():
    rng = np.random.default_rng(7)
    return [drawn(rng) for _ in range(26)]


@pytest.fixture(scope="module")
def model(films):
    return train_rfrv(films[:20], SETTINGS, np.random.default_rng(0))


def error(result, film):
    return np.linalg.norm(result.points - film.points, axis=1)


def test_a_constellation_is_found_in_the_whole_film(model, films):
    for film in films[20:]:
        result = search(model, film.pixels)
        assert error(result, film).max() < 1.5
        assert result.plausibility > 0.001
        assert (result.score > 0).all()
        assert (result.score <= 1).all()
        assert (np.linalg.eigvalsh(result.covariance) > 0).all()


def test_a_constellation_is_found_from_a_bad_start(model, films):
    for film in films[20:]:
        bad = Similarity(1.07, 0.1, np.array([3.0, -3.0]))(film.points - 55.0) + 55.0
        assert np.linalg.norm(bad - film.points, axis=1).mean() > 2.5
        assert error(refine(model, film.pixels, bad), film).max() < 1.5


def test_a_start_may_lack_points(model, films):
    start = films[21].points.copy()
    start[[0, 3]] = np.nan
    result = refine(model, films[21].pixels, start)
    assert error(result, films[21]).max() < 1.5


def test_exposure_changes_nothing(model, films):
    pixels = films[23].pixels.astype(np.float64)
    once = search(model, pixels)
    again = search(model, pixels * 37.0 + 1000.0)
    assert np.allclose(once.points, again.points, atol=0.05)


def test_a_film_of_half_the_resolution_gives_half_the_coordinates(model, films):
    pixels = films[24].pixels
    double = np.repeat(np.repeat(pixels, 2, axis=0), 2, axis=1)
    result = search(model, double)
    assert np.abs((result.points - 0.5) / 2 - films[24].points).max() < 1.5


SMALL = replace(
    SETTINGS,
    levels=SETTINGS.levels[:1],
    tree=TreeSettings(trees=2, pool=60, tries=20),
    search=replace(SETTINGS.search, samples=300),
    poses=1,
    displaced=6,
)


def small(films, seed=0, **changes):
    return train_rfrv(films, SMALL, np.random.default_rng(seed), **changes)


def test_the_same_seed_gives_the_same_bytes(films, tmp_path):
    names = ("first", "second", "threads", "other")
    models = (
        small(films[:4]),
        small(films[:4]),
        small(films[:4], workers=1),
        small(films[:4], seed=1),
    )
    for name, made in zip(names, models, strict=True):
        write_rfrv(made, tmp_path / name)
    first, second, threads, other = ((tmp_path / name).read_bytes() for name in names)
    assert first == second == threads
    assert first != other


def test_a_file_gives_the_same_model_back(model, films, tmp_path):
    path = tmp_path / "model.safetensors"
    write_rfrv(model, path)
    back = read_rfrv(path)
    write_rfrv(back, tmp_path / "again.safetensors")
    assert path.read_bytes() == (tmp_path / "again.safetensors").read_bytes()
    assert back.settings == model.settings
    here, there = search(model, films[25].pixels), search(back, films[25].pixels)
    assert np.array_equal(here.points, there.points)
    assert here.plausibility == there.plausibility


def test_a_cut_or_foreign_file_is_refused(films, tmp_path):
    from safetensors.numpy import save_file

    path = tmp_path / "model.safetensors"
    write_rfrv(small(films[:3]), path)
    whole = path.read_bytes()
    for share in (0.0, 0.0001, 0.01, 0.5, 0.99):
        path.write_bytes(whole[: int(share * len(whole))])
        with pytest.raises(FormatError, match=r"model\.safetensors: a damaged forest model"):
            read_rfrv(path)
    save_file({"weight": np.zeros(3)}, path)
    with pytest.raises(FormatError, match="not a forest model"):
        read_rfrv(path)


def test_absent_points_are_no_samples_and_no_error(films):
    holes = [Film(film.pixels, film.points.copy()) for film in films[:5]]
    for row, film in enumerate(holes):
        points = film.points.copy()
        points[row % 5] = np.nan
        holes[row] = Film(film.pixels, points)
    result = search(small(holes), films[20].pixels)
    assert np.isfinite(result.points).all()
    points = np.stack([film.points for film in films[:3]])
    points[:, 2] = np.nan
    gone = [Film(film.pixels, each) for film, each in zip(films, points, strict=False)]
    with pytest.raises(GeometryError, match="point 2 is absent in every"):
        small(gone)


def test_few_films_give_few_modes_and_a_sound_result(films):
    made = small(films[:2])
    assert len(made.shape.variances) <= 1
    assert np.isfinite(search(made, films[20].pixels).points).all()


@pytest.mark.parametrize("shape", [(1, 1), (3, 5), (9, 4)])
def test_a_film_smaller_than_the_patch_gives_a_sound_result(model, shape):
    pixels = np.arange(shape[0] * shape[1], dtype=np.uint8).reshape(shape)
    if pixels.size == 1:
        with pytest.raises(GeometryError, match="one grey value"):
            search(model, pixels)
        return
    result = search(model, pixels)
    assert np.isfinite(result.points).all()
    assert np.isfinite(result.covariance).all()


def test_films_that_cannot_be_used_are_refused(model, films):
    flat = np.full((40, 50), 7, dtype=np.uint8)
    with pytest.raises(GeometryError, match="one grey value"):
        search(model, flat)
    with pytest.raises(GeometryError, match="one grey value"):
        refine(model, flat, films[0].points)
    with pytest.raises(GeometryError, match="a start of shape"):
        refine(model, films[0].pixels, films[0].points[:3])
    with pytest.raises(StudyError, match="two or more films"):
        small(films[:1])
    with pytest.raises(StudyError, match="film 1 has one grey value"):
        small([films[0], Film(flat, films[0].points)])
    with pytest.raises(StudyError, match="film 1 has 4 points"):
        small([films[0], Film(films[1].pixels, films[1].points[:4])])
