"""A phantom on disk: a study folder that a reader finds whole and exact."""

import csv
import tomllib

import cv2
import numpy as np
import pytest
import typer
from numpy.random import default_rng
from typer.testing import CliRunner

from palpate.cli.phantom import phantom
from palpate.errors import ConfigError, OutputError
from palpate.image import Calibration
from palpate.phantoms.cervical import cervical_study
from palpate.phantoms.cervical_anatomy import SCHEME
from palpate.phantoms.table import PHANTOMS
from palpate.phantoms.write import write_phantom
from palpate.points import Points
from palpate.protocols.measure import measure_points
from palpate.protocols.protocol import read_protocol
from palpate.study import open_study


def table(path):
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def everything(folder):
    return {p.relative_to(folder): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_phantom("cervical", tmp_path_factory.mktemp("phantom") / "study", n=5, seed=1)


def test_the_folder_has_the_plain_layout(folder):
    names = sorted(path.name for path in folder.iterdir())
    assert names == ["images", "landmarks.csv", "measurements.csv", "meta.csv", "study.toml"]
    rows = table(folder / "landmarks.csv")
    images = sorted(path.name for path in (folder / "images").iterdir())
    assert images == sorted(row["image"] for row in rows)
    assert [row["subject"] for row in rows] == ["s0000"] * 3 + ["s0001"] * 2
    assert [row["group"] for row in rows] == ["neutral", "extension", "flexion"] * 1 + [
        "neutral",
        "extension",
    ]
    assert list(rows[0])[:6] == [
        "image",
        "split",
        "subject",
        "group",
        "C2_anterior_superior_x",
        "C2_anterior_superior_y",
    ]
    assert {row["split"] for row in rows} == {""}


def test_what_is_on_disk_gives_the_measurements_on_disk(folder):
    """Through the files alone: points and spacing as written give the angles as written."""
    protocol = read_protocol(tomllib.loads((folder / "study.toml").read_text())["protocol"])
    meta = {row["image"]: row for row in table(folder / "meta.csv")}
    truth = {row["image"]: row for row in table(folder / "measurements.csv")}
    for row in table(folder / "landmarks.csv"):
        at = [[float(row[f"{n}_{axis}"]) for axis in "xy"] for n in protocol.scheme.names]
        spacing = float(meta[row["image"]]["mm_per_px"])
        report = measure_points(
            protocol,
            Points.of(protocol.scheme, at),
            Calibration((spacing, spacing), "user"),
            size=(int(meta[row["image"]]["width"]), int(meta[row["image"]]["height"])),
        )
        for measured in report.measurements:
            expected = float(truth[row["image"]][measured.name])
            assert measured.value == pytest.approx(expected, abs=1e-6)


def test_images_are_grey_and_of_the_size_in_the_table(folder):
    for row in table(folder / "meta.csv"):
        pixels = cv2.imread(str(folder / "images" / row["image"]), cv2.IMREAD_UNCHANGED)
        assert pixels.dtype == np.uint8
        assert pixels.shape == (int(row["height"]), int(row["width"]))
        assert pixels.std() > 20


def test_the_study_says_how_it_is_calibrated(folder):
    study = tomllib.loads((folder / "study.toml").read_text())
    assert study["protocol"] == "cervical"
    assert study["calibration"]["column"] == "mm_per_px"
    assert (folder / study["calibration"]["file"]).exists()


def test_a_study_opens_with_all_that_was_written(folder):
    study = open_study(folder)
    truth = {f.sample.image.identifier: f.sample for f in cervical_study(5, default_rng(1))}
    assert sorted(case.identifier for case in study.cases) == sorted(truth)
    assert study.scheme.edges == SCHEME.edges
    for case in study.cases:
        sample = truth[case.identifier]
        assert (case.subject, case.group) == (sample.subject, sample.group)
        assert np.array_equal(case.points.coordinates, sample.points.coordinates)
        assert case.calibration == sample.image.calibration
        assert np.array_equal(study.load(case).image.pixels, sample.image.pixels)


def test_the_same_seed_gives_the_same_bytes(folder, tmp_path):
    again = write_phantom("cervical", tmp_path / "again", n=5, seed=1)
    assert everything(again) == everything(folder)


def test_another_seed_gives_other_bytes(folder, tmp_path):
    other = everything(write_phantom("cervical", tmp_path / "other", n=5, seed=2))
    for name, content in everything(folder).items():
        assert name.name == "study.toml" or other[name] != content


def test_more_films_begin_with_the_same_ones(folder, tmp_path):
    fewer = write_phantom("cervical", tmp_path / "fewer", n=2, seed=1)
    assert table(fewer / "landmarks.csv") == table(folder / "landmarks.csv")[:2]


def test_progress_counts_the_films(tmp_path):
    seen = []
    write_phantom("cervical", tmp_path / "out", n=2, advance=lambda *step: seen.append(step))
    assert seen == [("films", 1, 2, ""), ("films", 2, 2, "")]


def test_a_folder_that_holds_something_is_left_alone(tmp_path):
    (tmp_path / "mine.txt").write_text("precious")
    with pytest.raises(OutputError, match="is not empty; give a new folder's name"):
        write_phantom("cervical", tmp_path, n=1)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_file_in_the_way_is_left_alone(tmp_path):
    (tmp_path / "out").write_text("precious")
    with pytest.raises(OutputError, match="is there already"):
        write_phantom("cervical", tmp_path / "out", n=1)
    assert (tmp_path / "out").read_text() == "precious"


def test_a_misspelt_phantom_is_named_with_its_neighbour(tmp_path):
    with pytest.raises(ConfigError, match="did you mean 'cervical'"):
        write_phantom("cervicle", tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("n", "seed"), [(0, 0), (1, -1)])
def test_an_impossible_number_is_refused_before_anything_is_written(tmp_path, n, seed):
    with pytest.raises(ConfigError, match=r"at least 1 film|not negative"):
        write_phantom("cervical", tmp_path / "out", n=n, seed=seed)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", PHANTOMS)
def test_every_phantom_keeps_its_promises(name):
    phantom_ = PHANTOMS[name]
    protocol = read_protocol(phantom_.protocol)
    made = list(phantom_.films(4, np.random.default_rng(0)))
    assert len(made) == 4
    assert len({film.sample.image.identifier for film in made}) == 4
    for film in made:
        sample = film.sample
        assert sample.points.scheme.names == protocol.scheme.names == phantom_.scheme.names
        assert list(film.quantities) == [q.name for q in protocol.quantities]
        assert sample.image.calibration is not None


def test_the_command_writes_a_study(tmp_path):
    app = typer.Typer()
    app.command()(phantom)
    done = CliRunner().invoke(app, ["cervical", str(tmp_path / "out"), "--n", "2", "--seed", "4"])
    assert done.exit_code == 0, done.output
    assert len(list((tmp_path / "out" / "images").iterdir())) == 2


def test_the_command_refuses_no_film(tmp_path):
    app = typer.Typer()
    app.command()(phantom)
    done = CliRunner().invoke(app, ["cervical", str(tmp_path / "out"), "--n", "0"])
    assert done.exit_code == 2
