"""Presentation states and secondary captures: what they draw, where, and what validators say."""

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset

from dicom_films import SIZE, write_clip, write_film
from palpate.errors import FormatError, GeometryError
from palpate.io.dicom_present import Line, capture_of, presentation_of
from palpate.io.dicom_sr import write_dicom
from palpate.points import Points
from palpate.scheme import LandmarkScheme

SCHEME = LandmarkScheme("hip", ("rim", "head", "gone"), edges=(("rim", "head"), ("head", "gone")))
POINTS = Points.of(SCHEME, [[120.0, 200.5], [0.0, SIZE[1] - 1.0], [np.nan, np.nan]])
LINE = Line((10.0, 20.0), (30.0, 40.0), "AI 21.1°")


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("films") / "film.dcm"
    write_film(path)
    return path


def strokes(layer: Any) -> list[list[float]]:
    return [list(one.GraphicData) for one in layer.GraphicObjectSequence]


def centres(layer: Any) -> list[tuple[float, float]]:
    """Where the two strokes of each cross meet: x of the upright one, y of the level one."""
    level, upright = strokes(layer)[0::2], strokes(layer)[1::2]
    return [(up[0], flat[1]) for flat, up in zip(level, upright, strict=False)]


def test_crosses_stand_on_the_points_counted_from_the_corner(film: Path) -> None:
    made = presentation_of(POINTS, film, lines=(LINE,))
    landmarks, measured = made.GraphicAnnotationSequence
    assert centres(landmarks)[:2] == [(120.5, 201.0), (0.5, SIZE[1] - 0.5)]
    # Two crosses and the one edge whose ends are both there.
    assert len(strokes(landmarks)) == 5
    assert strokes(landmarks)[4] == [120.5, 201.0, 0.5, SIZE[1] - 0.5]
    assert {one.GraphicAnnotationUnits for one in landmarks.GraphicObjectSequence} == {"PIXEL"}
    assert [one.UnformattedTextValue for one in landmarks.TextObjectSequence] == ["rim", "head"]
    assert strokes(measured) == [[10.5, 20.5, 30.5, 40.5]]
    assert measured.TextObjectSequence[0].UnformattedTextValue == "AI 21.1°"
    # Nothing is outside, although an arm of the cross at the edge would be.
    numbers = np.array([one for stroke in strokes(landmarks) for one in stroke]).reshape(-1, 2)
    assert (numbers >= 0).all()
    assert (numbers <= np.array(SIZE)).all()


def test_a_state_refers_to_the_film_and_keeps_its_window(film: Path) -> None:
    image = dcmread(film)
    made = presentation_of(POINTS, image, names=False)
    series = made.ReferencedSeriesSequence[0]
    assert series.SeriesInstanceUID == image.SeriesInstanceUID
    assert series.ReferencedImageSequence[0].ReferencedSOPInstanceUID == image.SOPInstanceUID
    assert made.StudyInstanceUID == image.StudyInstanceUID
    window = made.SoftcopyVOILUTSequence[0]
    assert (window.WindowCenter, window.WindowWidth) == (1500, 2500)
    assert "TextObjectSequence" not in made.GraphicAnnotationSequence[0]


def test_a_picture_refers_to_the_film_and_says_that_it_is_burnt_in(film: Path) -> None:
    picture = np.random.default_rng(3).integers(0, 256, (60, 50, 3)).astype(np.uint8)
    image = dcmread(film)
    made = capture_of(picture, image)
    assert made.SourceImageSequence[0].ReferencedSOPInstanceUID == image.SOPInstanceUID
    assert made.BurnedInAnnotation == "YES"
    assert (made.StudyInstanceUID, made.PatientID) == (image.StudyInstanceUID, "LMK001")
    write_dicom(film.with_name("picture.dcm"), made)
    assert (dcmread(film.with_name("picture.dcm")).pixel_array == picture).all()


def test_what_cannot_be_drawn_is_refused(film: Path) -> None:
    none = Points.of(SCHEME, np.full((3, 2), np.nan))
    with pytest.raises(GeometryError, match="nothing to draw"):
        presentation_of(none, film)
    with pytest.raises(GeometryError, match="outside the image"):
        presentation_of(Points.of(SCHEME, [[-3.0, 2.0], [900.0, 1.0], [np.nan, 1.0]]), film)
    with pytest.raises(GeometryError, match="leaves the image"):
        presentation_of(POINTS, film, lines=(Line((-5.0, 1.0), (3.0, 3.0)),))
    colour = dcmread(film)
    colour.PhotometricInterpretation = "RGB"
    with pytest.raises(FormatError, match="is not grey"):
        presentation_of(POINTS, colour)
    half = dcmread(film)
    del half.WindowWidth
    with pytest.raises(FormatError, match="no presentation state can refer to it"):
        presentation_of(POINTS, half)


def both_window_and_table(film: Path) -> Dataset:
    data = dcmread(film)
    table = Dataset()
    table.LUTDescriptor, table.LUTData = [2, 0, 16], b"\0\0\1\1"
    data.VOILUTSequence = [table]
    return data


def test_a_film_with_a_window_and_a_table_keeps_the_window(film: Path) -> None:
    source = both_window_and_table(film)
    made = presentation_of(POINTS, source)
    assert made.SoftcopyVOILUTSequence[0].WindowCenter == 1500
    assert "VOILUTSequence" in source


@pytest.mark.parametrize("side", ["L", "U"])
def test_validators_find_no_error(
    program: Callable[[str], str], film: Path, tmp_path: Path, side: str
) -> None:
    write_clip(tmp_path / "clip.dcm")
    source = dcmread(film)
    source.ImageLaterality = side
    made = {
        "state": presentation_of(POINTS, source, lines=(LINE,)),
        "frame": presentation_of(POINTS, tmp_path / "clip.dcm", frame=2),
        "picture": capture_of(np.zeros((60, 50, 3), np.uint8), source),
        "clip picture": capture_of(np.zeros((60, 50, 3), np.uint8), tmp_path / "clip.dcm"),
    }
    frames = made["frame"].GraphicAnnotationSequence[0].ReferencedImageSequence[0]
    assert frames.ReferencedFrameNumber == 3
    for name, data in made.items():
        path = tmp_path / f"{name}.dcm"
        write_dicom(path, data)
        done = subprocess.run(
            [program("dciodvfy"), "-new", str(path)], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0
        assert "Error" not in done.stdout + done.stderr, name
