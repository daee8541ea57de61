"""Laws of the features, the trees and the files of the forest method."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from palpate.errors import ConfigError, FormatError, GeometryError
from palpate.forest.film import Film, grey_film
from palpate.forest.forest import Forest, Walker
from palpate.forest.grow import grow_forest
from palpate.forest.haar import (
    CHEQUERED,
    SIDE_BY_SIDE,
    box_means,
    box_sizes,
    draw_features,
    feature_values,
    integral_image,
)
from palpate.forest.region import Pyramid, RegionGrid
from palpate.forest.settings import (
    GlobalSettings,
    LevelSettings,
    RfrvSettings,
    TreeSettings,
    settings_as_plain,
    settings_from_plain,
)
from palpate.shape.similarity import Similarity

PATCH = 13
SIZES = box_sizes((1, 2, 3, 5), PATCH)


def plain_feature(image, kind, box, first):
    """The feature as sums over its boxes, pixel by pixel."""
    (w, h), (x, y) = box, first

    def mean(i, j):
        return image[y + j * h : y + (j + 1) * h, x + i * w : x + (i + 1) * w].mean()

    if kind == CHEQUERED:
        return mean(0, 0) - mean(1, 0) - mean(0, 1) + mean(1, 1)
    return mean(0, 0) - (mean(1, 0) if kind == SIDE_BY_SIDE else mean(0, 1))


@given(st.integers(0, 2**32 - 1))
def test_a_feature_on_box_means_is_the_plain_sum(seed):
    rng = np.random.default_rng(seed)
    image = rng.normal(size=(29, 34)) * 50 + 1000
    features = draw_features(rng, 12, patch_px=PATCH, sizes=SIZES)
    centres = rng.integers(PATCH // 2, (34 - PATCH // 2, 29 - PATCH // 2), (5, 2))
    stack = box_means(integral_image(image), SIZES)
    values = feature_values(stack, features, SIZES, centres[:, 1] * 34 + centres[:, 0])
    for row, centre in enumerate(centres):
        for column in range(len(features)):
            expected = plain_feature(
                image,
                features.kind[column],
                SIZES[features.size[column]],
                features.corner[column] + centre,
            )
            assert values[row, column] == pytest.approx(expected, abs=1e-3)


def test_an_integral_image_sums_what_is_above_and_left():
    image = np.arange(12.0).reshape(3, 4)
    assert integral_image(image)[2, 3] == image[:2, :3].sum()
    assert integral_image(image)[0].max() == integral_image(image)[:, 0].max() == 0


def test_drawn_features_stay_in_the_patch_and_reach_its_borders():
    features = draw_features(np.random.default_rng(0), 4000, patch_px=PATCH, sizes=SIZES)
    across = np.where(features.kind == 1, 1, 2) * SIZES[features.size, 0]
    down = np.where(features.kind == 0, 1, 2) * SIZES[features.size, 1]
    last = features.corner + np.stack([across, down], axis=1) - 1
    assert features.corner.min() == -(PATCH // 2)
    assert last.max() == PATCH // 2
    assert set(features.kind.tolist()) == {0, 1, 2}


def test_features_of_a_shifted_image_shift():
    rng = np.random.default_rng(3)
    image = rng.normal(size=(40, 40))
    moved = np.roll(image, (4, -3), axis=(0, 1))
    features = draw_features(rng, 50, patch_px=PATCH, sizes=SIZES)

    def at(pixels, x, y):
        stack = box_means(integral_image(pixels), SIZES)
        return feature_values(stack, features, SIZES, np.array([y * 40 + x]))

    assert np.allclose(at(image, 20, 18), at(moved, 17, 22), atol=1e-5)
    assert not np.allclose(at(image, 20, 18), at(moved, 20, 18), atol=1e-2)


@given(st.floats(0.01, 500), st.floats(-1e4, 1e4))
def test_gain_and_offset_change_no_feature(gain, offset):
    rng = np.random.default_rng(1)
    film = rng.uniform(0, 255, (60, 50))
    grid = RegionGrid.around(
        np.array([[-1.0, -1.0], [1.0, 1.0]]), long_side_px=20.0, margin_px=10.0
    )
    pose = Similarity(15.0, 0.2, np.array([25.0, 30.0]))
    once = Pyramid.of(grey_film(film)).sample(pose, grid)
    again = Pyramid.of(grey_film(film * gain + offset)).sample(pose, grid)
    assert once.std() == pytest.approx(1.0)
    # Pixels are float32: a large offset costs digits.
    digits = 1e-3 + 1e-6 * abs(offset) / gain
    assert np.allclose(once, again, atol=digits)


def test_a_region_is_sampled_where_the_pose_says():
    across, down = np.meshgrid(np.arange(80.0), np.arange(60.0))
    grid = RegionGrid.around(np.array([[-1.0, -1.0], [1.0, 1.0]]), long_side_px=20.0, margin_px=3.0)
    pose = Similarity(9.0, 0.3, np.array([40.0, 30.0]))
    pixels = np.stack(np.meshgrid(*(np.arange(n) for n in grid.size)), axis=-1)
    where = pose(grid.to_reference(pixels.reshape(-1, 2).astype(float)))
    for plane, axis in ((across, 0), (down, 1)):
        region = Pyramid.of(grey_film(plane)).sample(pose, grid)
        truth = where[:, axis].reshape(region.shape)
        assert np.allclose(region, (truth - truth.mean()) / truth.std(), atol=1e-2)


def test_halved_planes_stay_in_place():
    across, _ = np.meshgrid(np.arange(81.0), np.arange(63.0))
    pyramid = Pyramid.of(grey_film(across))
    assert len(pyramid.planes) > 2
    for plane, from_film in zip(pyramid.planes, pyramid.from_film, strict=True):
        middle = np.array([[40.0, 31.0]])
        x, y = from_film(middle)[0]
        low = int(x)
        row = plane[round(y)]
        value = row[low] + (x - low) * (row[low + 1] - row[low])
        assert value == pytest.approx(40.0, abs=0.2)


@cache
def toy_forest(seed):
    """A forest on a ramp: the displacement to the middle can be told from the patch alone."""
    rng = np.random.default_rng(seed)
    x, y = np.meshgrid(np.arange(60.0), np.arange(60.0))
    image = (x - 30) ** 2 + 0.7 * (y - 30) ** 2
    features = draw_features(rng, 200, patch_px=PATCH, sizes=SIZES)
    places = rng.integers(PATCH, 60 - PATCH, (400, 2))
    stack = box_means(integral_image(image), SIZES)
    values = feature_values(stack, features, SIZES, places[:, 1] * 60 + places[:, 0])
    away = (30.0 - places)[:, None, :]
    settings = TreeSettings(trees=4, pool=200, tries=100, min_leaf=1, depth=20)
    return grow_forest(values, features, away, settings, rng), stack, places, away


def test_a_forest_learns_a_field_of_displacements_exactly():
    forest, stack, places, away = toy_forest(0)
    walker = Walker.of(forest, SIZES, (60, 60))
    leaves = walker.leaves(stack.reshape(-1), places[:, 1] * 60 + places[:, 0])
    assert forest.leaf[leaves].all()
    assert np.allclose(forest.mean[leaves].mean(axis=0), away, atol=1e-4)


def test_a_forest_tells_places_that_it_has_not_seen():
    forest, stack, _, _ = toy_forest(0)
    places = np.random.default_rng(9).integers(PATCH + 2, 58 - PATCH, (200, 2))
    walker = Walker.of(forest, SIZES, (60, 60))
    leaves = walker.leaves(stack.reshape(-1), places[:, 1] * 60 + places[:, 0])
    error = forest.mean[leaves].mean(axis=0)[:, 0] - (30.0 - places)
    assert np.abs(error).mean() < 1.0


def test_walking_together_is_walking_alone():
    forest, stack, places, _ = toy_forest(0)
    base = places[:40, 1] * 60 + places[:40, 0]
    together = Walker.of(forest, SIZES, (60, 60)).leaves(stack.reshape(-1), base)
    values = feature_values(stack, forest.features, SIZES, base)
    for tree, root in enumerate(forest.roots):
        for column, _ in enumerate(base):
            node = int(root)
            while forest.left[node] != node:
                right = values[column, node] > forest.threshold[node]
                node = int(forest.left[node]) + int(right)
            assert together[tree, column] == node


def test_leaves_hold_the_mean_and_variance_of_their_samples():
    forest, stack, places, away = toy_forest(0)
    leaves = Walker.of(forest, SIZES, (60, 60)).leaves(
        stack.reshape(-1), places[:, 1] * 60 + places[:, 0]
    )[0]
    root = int(forest.roots[0])
    assert np.allclose(forest.mean[root, 0], away[:, 0].mean(axis=0), atol=1e-3)
    assert forest.spread[root] == pytest.approx(away[:, 0].var(axis=0).mean(), rel=1e-4)
    leaf = leaves[0]
    assert np.allclose(forest.mean[leaf, 0], away[leaves == leaf, 0].mean(axis=0), atol=1e-3)


def test_a_forest_with_a_child_that_is_not_there_is_refused():
    forest, *_ = toy_forest(0)
    left = forest.left.copy()
    left[0] = len(left)
    with pytest.raises(GeometryError, match="child that is not there"):
        replace(forest, left=left)
    assert isinstance(forest, Forest)


def test_settings_survive_json_and_refuse_unknown_names():
    settings = RfrvSettings(
        levels=(LevelSettings(40, 15, 6, 5, 1, 5.0),),
        search=GlobalSettings(samples=500),
        box_sides=(2, 3),
    )
    assert settings_from_plain(settings_as_plain(settings)) == settings
    with pytest.raises(ConfigError, match="did you mean 'shrink'"):
        settings_from_plain({"shrnk": 0.5})
    with pytest.raises(ConfigError, match="not complete"):
        settings_from_plain({"levels": [{"patch_px": 15}]})


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: RfrvSettings(levels=()), "one level or more"),
        (lambda: RfrvSettings(levels=RfrvSettings().levels[::-1]), "coarse to fine"),
        (lambda: LevelSettings(40, 14, 6, 5, 1, 5.0), "odd"),
        (lambda: TreeSettings(tries=900, pool=800), "tries"),
        (lambda: RfrvSettings(shrink=1.0), "shrink"),
        (lambda: RfrvSettings(box_sides=()), "boxes"),
        (lambda: box_sizes((9, 12), 13), "fits twice"),
    ],
)
def test_settings_out_of_range_are_refused(make, words):
    with pytest.raises(ConfigError, match=words):
        make()


@pytest.mark.parametrize(
    ("pixels", "words"),
    [
        (np.zeros((3, 4, 5), np.uint8), "one grey plane"),
        (np.zeros((0, 4), np.uint8), "without pixels"),
        (np.array([[0.0, np.nan]]), "not finite"),
    ],
)
def test_films_that_are_none_are_refused(pixels, words):
    with pytest.raises(GeometryError, match=words):
        Film(pixels, np.zeros((2, 2)))


def test_a_file_that_is_none_is_refused(tmp_path):
    from palpate.forest.store import read_rfrv

    with pytest.raises(FormatError, match="no such file"):
        read_rfrv(tmp_path / "absent.safetensors")
    other = tmp_path / "other.safetensors"
    other.write_bytes(b"GIF89a and more")
    with pytest.raises(FormatError, match="damaged"):
        read_rfrv(other)
