"""Films of hips that are not as they should be: each works, or is told in one sentence."""

import shutil
import sys
from dataclasses import replace

import cv2
import numpy as np
import pytest

from palpate.annotator_checks import APART, unlikely
from palpate.checks import find_problems
from palpate.cli.app import main
from palpate.errors import GeometryError
from palpate.forest.film import Film
from palpate.forest.search import search
from palpate.forest.settings import GlobalSettings, LevelSettings, RfrvSettings, TreeSettings
from palpate.forest.train import train_rfrv
from palpate.image import Image
from palpate.io.annotation import AnnotationFile
from palpate.io.csv_plain import read_csv, write_csv
from palpate.io.sizes import with_sizes
from palpate.io.tps import write_tps
from palpate.localisers.forest import ForestLocaliser, ForestSpec
from palpate.localisers.mirrored import fits_mirrored
from palpate.phantoms.femur import femur_study
from palpate.phantoms.write import write_phantom
from palpate.points import Points
from palpate.study import open_study

COARSE = LevelSettings(60, 25, 12, 10, 2, 10.0)
SETTINGS = RfrvSettings(
    levels=(COARSE,),
    search=GlobalSettings(samples=5000, candidates=2),
    tree=TreeSettings(trees=4, pool=300, tries=60),
    poses=3,
)
TRAINED, FILMS, WIDTH = 9, 11, 400


@pytest.fixture(scope="module")
def films():
    return list(femur_study(FILMS, np.random.default_rng(3), width=WIDTH, clutter=0.0))


def as_film(film):
    return Film(film.sample.image.grey(), film.left.points.coordinates)


@pytest.fixture(scope="module")
def model(films):
    return train_rfrv(
        [as_film(film) for film in films[:TRAINED]], SETTINGS, np.random.default_rng(0), workers=1
    )


@pytest.fixture(scope="module")
def localiser(films, model):
    return ForestLocaliser(ForestSpec("hips", films[0].left.points.scheme), model, "0")


def error(points, truth):
    """Mean distance, in shaft widths: the first landmark from the last."""
    return float(
        np.linalg.norm(points - truth, axis=1).mean() / np.linalg.norm(truth[0] - truth[-1])
    )


def sides(film):
    """The halves of a film with one hip each: (the left hip, its points), the same of the right."""
    grey, left, right = (
        film.sample.image.grey(),
        film.left.points.coordinates,
        film.right.points.coordinates,
    )
    room = 40
    first, last = int(left[:, 0].min()) - room, int(right[:, 0].max()) + room
    return (grey[:, first:].copy(), left - (first, 0)), (grey[:, :last].copy(), right)


def test_one_hip_alone_is_found_as_well_as_in_the_whole_film(model, films):
    whole, alone = [], []
    for film in films[TRAINED:]:
        (half, truth), _ = sides(film)
        assert half.shape[1] < 0.62 * WIDTH
        alone.append(error(search(model, half).points, truth))
        whole.append(
            error(search(model, as_film(film).pixels).points, film.left.points.coordinates)
        )
    assert np.median(alone) < 1.3 * np.median(whole) + 0.02
    assert max(alone) < 0.5


def test_a_film_unlike_those_of_training_is_searched_at_both_sizes(model, films):
    """Where shapes were a share of their film, they are a larger one of a part of it."""
    known = model.searcher
    if known.rule == "pixel":
        known = replace(
            known,
            rule="film",
            sizes_known=known.sizes_otherwise,
            sizes_otherwise=known.sizes_known,
        )
    for film in films[TRAINED:]:
        (half, truth), _ = sides(film)
        size = model.shape.fit(truth).pose.scale
        assert len(known.sizes_in(as_film(film).pixels.shape)) == 1
        by_film, by_pixel = known.sizes_in(half.shape)
        assert size > by_film[1]
        assert by_pixel[0] / 1.15 < size < 1.15 * by_pixel[1]
        assert replace(known, films_known=None).sizes_in(half.shape) == [by_film]


def test_the_other_hip_alone_is_known_by_its_mirror_image(localiser, films):
    (left, _), (right, _) = sides(films[TRAINED])
    here = Image(left[None].astype(np.float32), "left")
    there = Image(right[None].astype(np.float32), "right")
    assert not fits_mirrored(localiser, here, localiser.predict(here))
    assert fits_mirrored(localiser, there, localiser.predict(there))


def test_a_mirrored_film_of_both_hips_shows_the_other_hip_and_nothing_tells(localiser, films):
    """What cannot be known is not said: the right hip in a mirror is a left hip."""
    film = films[TRAINED]
    turned = np.ascontiguousarray(film.sample.image.pixels[..., ::-1])
    image = Image(turned, "mirrored")
    found = localiser.predict(image)
    right = film.right.points.coordinates
    mirrored = (image.size[0] - 1, 0) + right * (-1, 1)
    assert error(found.mean, mirrored) < 0.5
    assert not fits_mirrored(localiser, image, found)


def plated(film):
    """A plate along the shaft, four screws and a nail into the head."""
    grey, points = film.sample.image.grey().copy(), film.left.points.coordinates
    high = float(grey.max())

    def line(a, b, thick):
        cv2.line(grey, *(tuple(map(int, p)) for p in (a, b)), high, thick)

    line(points[0], points[8], 9)
    for k in (1, 3, 5, 7):
        line(points[k], points[-k - 1], 3)
    line(points[9], points[30], 6)
    return grey


def test_metal_is_searched_around_or_the_score_falls(model, films):
    """Nothing tells for certain that the search is lost; the votes agree less."""
    for film in films[TRAINED:]:
        usual = float(search(model, as_film(film).pixels).score.mean())
        found = search(model, plated(film))
        score = float(found.score.mean())
        assert score < usual
        assert error(found.points, film.left.points.coordinates) < 0.6 or score < 0.8 * usual


@pytest.mark.parametrize("count", [2, 3, 4])
def test_fewer_films_than_modes_give_fewer_modes(films, count):
    made = train_rfrv(
        [as_film(film) for film in films[:count]],
        replace(SETTINGS, poses=1, tree=TreeSettings(trees=1, pool=100, tries=30)),
        np.random.default_rng(0),
        workers=1,
    )
    assert len(made.shape.variances) <= count - 1
    found = search(made, as_film(films[-1]).pixels)
    assert np.isfinite(found.points).all()
    assert np.isfinite(found.covariance).all()
    assert 0.0 <= found.plausibility <= 1.0


def test_a_film_of_one_grey_value_is_told_at_predicting(localiser):
    with pytest.raises(GeometryError, match=r"'flat'.*one grey value everywhere"):
        localiser.predict(Image(np.full((1, 200, 300), 9, np.uint8), "flat"))


# What people did: studies on disk.


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    return write_phantom("femur", tmp_path_factory.mktemp("bad") / "study", n=12)


@pytest.fixture
def study(drawn, tmp_path):
    return shutil.copytree(drawn, tmp_path / "study")


def palpate(*words):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["palpate", *map(str, words)])
        with pytest.raises(SystemExit) as stop:
            main()
    return stop.value.code or 0


def changed(path, how, only=None):
    content = read_csv(path)
    rows = tuple(
        replace(row, points=Points.of(content.scheme, how(row.points.coordinates)))
        if only in (None, row.image)
        else row
        for row in content.rows
    )
    write_csv(AnnotationFile(content.scheme, rows), path)


def of_kind(folder, kind):
    return [f for f in find_problems(open_study(folder)) if f.kind == kind]


def test_a_film_mirrored_with_its_points_is_found(study):
    name = "s0004_1.png"
    path = study / "images" / name
    pixels = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    cv2.imwrite(str(path), pixels[:, ::-1])
    for table in study.glob("landmarks*.csv"):
        changed(table, lambda p: (pixels.shape[1] - 1, 0) + p * (-1, 1), only=name)
    found = of_kind(study, "mirrored")
    assert {finding.image for finding in found} == {name}
    assert "the image faces the other way" in found[0].sentence


def test_a_film_of_one_grey_value_is_told_by_check_and_by_train(study, tmp_path, capsys):
    path = study / "images" / "s0004_1.png"
    flat = np.full_like(cv2.imread(str(path), cv2.IMREAD_UNCHANGED), 7)
    cv2.imwrite(str(path), flat)
    assert [f.image for f in of_kind(study, "blank-image")] == ["s0004_1.png"]
    words = ("--recipe", "rfrv-clm", "--set", "split.test=0.0", "--set", "split.validation=0.0")
    assert palpate("train", study, "--out", tmp_path / "run", *words) == 1
    said = " ".join(capsys.readouterr().err.split())
    assert "one grey value everywhere" in said
    assert "Traceback" not in said


def test_columns_in_another_order_are_no_other_points(study):
    before = open_study(study).cases[3].points.coordinates
    path = study / "landmarks_annotatorB.csv"
    content = read_csv(path)
    turned = content.scheme.names[::-1]
    scheme = replace(content.scheme, names=turned, edges=())
    rows = tuple(
        replace(row, points=Points.of(scheme, row.points.coordinates[::-1])) for row in content.rows
    )
    write_csv(AnnotationFile(scheme, rows), path)
    assert np.array_equal(open_study(study).cases[3].points.coordinates, before)
    assert not of_kind(study, "annotators-order")


@pytest.mark.parametrize(
    ("order", "said"),
    [
        (np.arange(58)[::-1], "in reversed order"),
        (np.roll(np.arange(58), 7), "in another order"),
    ],
)
def test_points_without_names_in_another_order_are_found(study, order, said):
    """In TPS a point is known by its number alone."""
    content = read_csv(study / "landmarks_annotatorB.csv")
    first = read_csv(study / "landmarks_annotatorA.csv")
    numbered = replace(content.scheme, names=tuple(f"p{k}" for k in range(58)), edges=())
    for name, file, rows in (("a", first, slice(None)), ("b", content, order)):
        points = tuple(
            replace(
                row,
                points=Points.of(numbered, row.points.coordinates[rows]),
                annotator="",
            )
            for row in file.rows
        )
        sized = with_sizes(AnnotationFile(numbered, points), study / "images")
        write_tps(sized, study / f"{name}.tps")
    for table in study.glob("landmarks*.csv"):
        table.unlink()
    (study / "study.toml").write_text('annotations = {Ada = "a.tps", Ben = "b.tps"}\n')
    (finding,) = of_kind(study, "annotators-order")
    assert said in finding.sentence
    assert "12 images" in finding.sentence
    assert finding.severity == "error"


@pytest.fixture(scope="module")
def offsets():
    """Of the two annotators of 24 films of five seeds, and mm of a pixel."""
    made = {}
    for seed in range(5):
        hips = list(femur_study(24, np.random.default_rng(seed), width=256, noise=0.0))
        pairs = [tuple(film.sample.annotations.values()) for film in hips]
        made[seed] = (
            np.stack([a.coordinates - b.coordinates for a, b in pairs]),
            np.array([film.sample.image.calibration.spacing_mm[0] for film in hips]),
        )
    return made


@pytest.mark.parametrize("count", [12, 24])
def test_annotators_of_phantoms_are_not_apart_and_a_point_8_mm_off_is(offsets, count):
    found = []
    for seed, (apart, spacing) in offsets.items():
        assert unlikely(apart[:count]).max() < APART, seed
        rng = np.random.default_rng(seed)
        for _ in range(20):
            film, landmark = rng.integers(count), rng.integers(58)
            angle = rng.uniform(0, 2 * np.pi)
            slipped = apart[:count].copy()
            slipped[film, landmark] += 8 / spacing[film] * np.array([np.cos(angle), np.sin(angle)])
            found.append(unlikely(slipped)[film, landmark] > APART)
    # Along the outline of a large child 8 mm may be a slip as any other.
    assert np.mean(found) > 0.5


def test_check_finds_the_one_point_that_an_annotator_set_8_mm_off_and_nothing_else(study):
    assert not of_kind(study, "annotators-apart")
    spacing = open_study(study).cases[5].calibration.spacing_mm[0]
    name = open_study(study).cases[5].identifier

    def slip(points):
        points = points.copy()
        outwards = points[30] - points[22:38].mean(axis=0)
        points[30] += 8 / spacing * outwards / np.linalg.norm(outwards)
        return points

    changed(study / "landmarks_annotatorB.csv", slip, only=name)
    (finding,) = of_kind(study, "annotators-apart")
    assert (finding.image, finding.landmarks) == (name, (open_study(study).scheme.names[30],))


def test_predicting_says_which_films_to_look_at_first(localiser, films, tmp_path):
    from palpate.workflows.doubt import doubts
    from palpate.workflows.predict import Source
    from palpate.workflows.predict_into import predict_into

    rng = np.random.default_rng(0)
    images = {film.identifier: film for film in (each.sample.image for each in films[-4:])}
    shape = next(iter(images.values())).pixels.shape
    images["noise.png"] = Image(rng.integers(0, 255, shape, np.uint8), "noise.png")
    sources = [Source(name, lambda image=image: image) for name, image in images.items()]
    file = predict_into(tmp_path, localiser, sources, overlays=False, advance=lambda *_: None)
    (told,) = doubts(localiser, sources, file)
    assert told.startswith("noise.png: the localiser is less than half as sure")
