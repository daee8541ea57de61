"""``palpate convert``: from the command line to the file, and what it says."""

from pathlib import Path

import pytest
import typer
from PIL import Image as Pillow
from typer.testing import CliRunner, Result

from palpate.cli.convert import convert
from palpate.errors import FormatError, OutputError, PalpateError
from palpate.io.formats import read_annotation
from palpate.io.sizes import with_sizes

DATA = Path(__file__).parent / "data" / "formats"
app = typer.Typer()
app.command()(convert)


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)


def test_coco_to_csv_says_what_was_lost(tmp_path: Path) -> None:
    result = run(DATA / "coco" / "sample.json", tmp_path / "out.csv")
    assert result.exit_code == 0
    assert "2 images, 3 landmarks, read back and compared" in result.output
    assert "not carried by csv: image size, edges" in result.output
    assert read_annotation(tmp_path / "out.csv").rows[0].points["nose"].tolist() == [31.0, 20.0]


def test_images_give_the_heights_that_tps_needs(tmp_path: Path) -> None:
    source = DATA / "deeplabcut" / "sample.csv"
    for name in ("img001.png", "img002.png"):
        Pillow.new("1", (640, 480)).save(tmp_path / name)
    with pytest.raises(OutputError, match="--images"):
        run(source, tmp_path / "out.tps")
    assert not (tmp_path / "out.tps").exists()
    assert run(source, tmp_path / "out.tps", "--images", tmp_path).exit_code == 0
    text = (tmp_path / "out.tps").read_text()
    assert text.startswith("LM=3\n31.5 459.5\n40.75 457.0\nNA NA\nIMAGE=labeled-data/clip1/img001")


def test_tps_is_read_with_the_images_given(tmp_path: Path) -> None:
    (tmp_path / "a.tps").write_bytes((DATA / "tps" / "sample.tps").read_bytes())
    with pytest.raises(FormatError, match=r"height of 'film_1.png' is not known"):
        run(tmp_path / "a.tps", tmp_path / "a.csv")
    run(tmp_path / "a.tps", tmp_path / "a.csv", "--images", DATA / "tps" / "images")
    assert read_annotation(tmp_path / "a.csv").rows[1].points["2"].tolist() == [110.5, 198.75]


def test_one_annotator_of_two(tmp_path: Path) -> None:
    source = DATA / "csv" / "sample.csv"
    with pytest.raises(OutputError, match="choose one"):
        run(source, tmp_path / "out", "--to", "labelme")
    assert run(source, tmp_path / "out", "--to", "labelme", "--annotator", "Ann").exit_code == 0
    assert {r.annotator for r in read_annotation(tmp_path / "out").rows} == {"Ann"}
    with pytest.raises(FormatError, match="has no annotator 'Anne'; did you mean 'Ann'"):
        run(source, tmp_path / "x.csv", "--annotator", "Anne")


def test_an_annotator_who_was_not_named(tmp_path: Path) -> None:
    run(DATA / "coco" / "sample.json", tmp_path / "CollectedData_B.csv", "--annotator", "Ben")
    assert {r.annotator for r in read_annotation(tmp_path / "CollectedData_B.csv").rows} == {"Ben"}


def test_millimetres_need_a_word_from_the_user(tmp_path: Path) -> None:
    source = DATA / "slicer-1mm" / "sample"
    with pytest.raises(FormatError, match="slicer-1mm"):
        run(source, tmp_path / "a.csv")
    assert run(source, tmp_path / "a.csv", "--from", "slicer-1mm").exit_code == 0


def test_a_misspelt_format_writes_nothing(tmp_path: Path) -> None:
    with pytest.raises(PalpateError, match="did you mean 'coco'"):
        run(DATA / "csv" / "sample.csv", tmp_path / "a.json", "--to", "cocoo")
    with pytest.raises(PalpateError, match="did you mean 'csv'"):
        run(DATA / "csv" / "sample.csv", tmp_path / "a.csv", "--from", "cvs")
    assert not list(tmp_path.iterdir())


def test_images_that_are_missing_or_of_another_size(tmp_path: Path) -> None:
    coco = read_annotation(DATA / "coco" / "sample.json")
    with pytest.raises(FormatError, match="no such folder"):
        with_sizes(coco, tmp_path / "none")
    with pytest.raises(FormatError, match=r"holds no image 'film_1.png'"):
        with_sizes(coco, tmp_path)
    Pillow.new("1", (640, 481)).save(tmp_path / "film_1.png")
    with pytest.raises(FormatError, match="is 640 x 481 px, the annotation was made on 640 x 480"):
        with_sizes(coco, tmp_path)


def test_a_picture_turned_by_exif_has_no_certain_height(tmp_path: Path) -> None:
    picture = Pillow.new("L", (640, 480))
    exif = picture.getexif()
    exif[0x0112] = 6
    picture.save(tmp_path / "film_1.jpg", exif=exif)
    (tmp_path / "a.tps").write_text("LM=1\n1 2\nIMAGE=film_1.jpg\nID=0\n")
    with pytest.raises(FormatError, match="EXIF orientation 6"):
        run(tmp_path / "a.tps", tmp_path / "a.csv")
