"""What is wrong in a file is refused with its file, line and landmark."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image as Pillow

from palpate.affine import Affine
from palpate.errors import FormatError, GeometryError, OutputError
from palpate.io.coco import read_coco
from palpate.io.csv_plain import read_csv
from palpate.io.deeplabcut import read_deeplabcut
from palpate.io.formats import READERS, read_annotation
from palpate.io.labelme import read_labelme
from palpate.io.pts import read_pts
from palpate.io.slicer import read_slicer, read_slicer_1mm
from palpate.io.tps import read_tps, write_tps

DATA = Path(__file__).parent / "data" / "formats"
HEAD = "image,nose_x,nose_y,ear_x,ear_y\n"
DLC = "scorer,A,A,A,A\nbodyparts,nose,nose,ear,ear\ncoords,x,y,x,y\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (HEAD + "a.png,1,nan,3,4\n", "a.csv:2: nose_y of landmark 'nose' is 'nan'"),
        (HEAD + "a.png,1,2,3,4\nb.png,1,2,-inf,4\n", "a.csv:3: ear_x of landmark 'ear' is '-inf'"),
        (HEAD + "a.png,1,1e999,3,4\n", "nose_y of landmark 'nose' is '1e999'"),
        (HEAD + "a.png,1_0,2,3,4\n", "nose_x of landmark 'nose' is '1_0'"),
        (HEAD + "a.png,١,2,3,4\n", "nose_x of landmark 'nose'"),
        (HEAD + 'a.png,"1,5",2,3,4\n', "write decimals with a point"),
        (HEAD + "a.png,1,,3,4\n", "a.csv:2: landmark 'nose' has one coordinate without the other"),
        (HEAD + "a.png,1,2,3\n", "a.csv:2: the row has 4 cells, the header has 5"),
        (HEAD + ",1,2,3,4\n", "a.csv:2: the row names no image"),
        (HEAD + "a.png,1,2,3,4\n\na.png,1,2,3,4\n", "a.csv:4: image 'a.png' is annotated twice"),
        (HEAD + "a.png,1,2,3,4\na.png,1,2,3,4\n", "first on line 2"),
        (HEAD, "holds no annotated image"),
        (HEAD + "a.png,1,2,3,4", "a.csv:2: the last line has no line break"),
        (HEAD + '"a.png,1,2,3,4\n', "is not CSV, or is cut off"),
        ("image,nose_x,nose_y,nose_x\n", "column 'nose_x' is there twice"),
        ("image,nose_x\n", "a.csv:1: no y column for landmark 'nose'"),
        ("image,nose_y\n", "a.csv:1: no x column for landmark 'nose'"),
        ("image,nose_v,nose_x\n", "no y column for landmark 'nose'"),
        ("image,subjekt,nose_x,nose_y\n", "unknown column 'subjekt'; did you mean 'subject'?"),
        ("image,_x,_y\n", "unknown column '_x'"),
        ("imagee,nose_x,nose_y\n", "has no column 'image'; did you mean 'imagee'?"),
        ("image;nose_x;nose_y\n", "separated by ';'"),
        ("image,nose_x,nose_y,ear_x,ear_y,ear_z\n", "no z column for landmark 'nose'"),
        ("image\n", "at least one landmark"),
        ("image,nose_x,nose_y,nose_v\na.png,1,2,3\n", "nose_v is '3'"),
        ("image,nose_x,nose_y,nose_v\na.png,1,2,0\n", "nose_v is 0 but 'nose' has coordinates"),
        ("image,nose_x,nose_y,nose_v\na.png,,,1\n", "nose_v is 1 but 'nose' has no coordinates"),
    ],
)
def test_csv(text: str, message: str, tmp_path: Path) -> None:
    refused(read_csv, tmp_path / "a.csv", text, message)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (DLC + "a.png,1,inf,3,4\n", "a.csv:4: y of landmark 'nose' is 'inf'"),
        (DLC + "a.png,1,2,,4\n", "a.csv:4: landmark 'ear' of 'a.png' has one coordinate"),
        (DLC + "a.png,1,2,3,4\na.png,1,2,3,4\n", "a.csv:5: image 'a.png' is annotated twice"),
        (DLC + "a.png,1,2,3,4", "a.csv:4: the last line has no line break"),
        (DLC + "a.png,1,2,3\n", "a.csv:4: the row has 4 cells"),
        (DLC, "holds no annotated image"),
        (DLC.replace("bodyparts", "individuals"), "a.csv:2: holds several animals"),
        (DLC.replace("coords", "axes"), "a.csv:3: header row 'coords' was expected, got 'axes'"),
        (DLC.replace("ear,ear", "nose,nose"), "column 'x' of landmark 'nose' is there twice"),
        (DLC.replace("x,y,x,y", "x,y,x,likelihood"), "these are predictions, not labels"),
        (DLC.replace("x,y,x,y", "x,y,x,z"), "unknown column 'z' of landmark 'ear'"),
        (DLC.replace("ear,ear", "ear,eye"), "no y column for landmark 'ear'"),
        (DLC.replace("A,A\n", "A,B\n"), "one scorer was expected, got 'A', 'B'"),
        ("scorer\n", "header row 'bodyparts' was expected"),
    ],
)
def test_deeplabcut(text: str, message: str, tmp_path: Path) -> None:
    refused(read_deeplabcut, tmp_path / "a.csv", text, message)


def test_deeplabcut_with_one_path_column_and_backslashes_reads_the_same() -> None:
    old, new = (read_deeplabcut(DATA / "deeplabcut" / f"{n}.csv") for n in ("old", "sample"))
    assert [r.image for r in old.rows] == [r.image for r in new.rows]
    assert [repr(r.points.coordinates) for r in old.rows] == [
        repr(r.points.coordinates) for r in new.rows
    ]


TPS = "LM=2\n1.5 2.5\n3 4\nIMAGE=film_1.png\nID=0\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (TPS.replace("3 4", "3 nan"), "a.tps:3: y of landmark '2' is 'nan'"),
        (TPS.replace("3 4", "3 -4"), "a.tps:3: y of landmark '2' is -4: some programs mean"),
        (TPS.replace("3 4", "3 4 5"), "a.tps:3: landmark '2' of 2: x and y were expected"),
        (TPS.replace("3 4\n", ""), "a.tps:3: landmark '2' of 2"),
        (TPS.replace("3 4", "3 4\n5 6"), "a.tps:4: '5 6' after 2 landmarks; is LM= right?"),
        (TPS.replace("LM=2", "LM=two"), "a.tps:1: LM=two"),
        (TPS.replace("LM=2", "LM=0"), "a.tps:1: LM=0"),
        (TPS.replace("LM=2", "LM3=2"), "begins with 'LM3=2'"),
        (TPS.replace("IMAGE=film_1.png\n", ""), "a.tps:1: the record has no IMAGE="),
        (TPS.replace("ID=0\n", ""), "a.tps:1: the record has no ID="),
        (TPS.replace("ID=0", "ID=0\nID=1"), "a.tps:6: ID= is there twice"),
        (TPS.replace("ID=0", "IDD=0"), "a.tps:5: unknown key 'IDD'; did you mean 'ID'?"),
        (TPS.replace("ID=0", "ID=0\nSCALE=big"), "a.tps:6: SCALE is 'big'"),
        (TPS.replace("ID=0", "CURVES=1"), "a.tps:5: CURVES= is not read"),
        (TPS + TPS, "a.tps:6: image 'film_1.png' is annotated twice, first on line 1"),
        (TPS + "LM=1\n1 2\nIMAGE=b.png\nID=1\n", "a.tps:6: LM=1, the first record has LM=2"),
        (TPS.replace("film_1", "elsewhere"), "the height of 'elsewhere.png' is not known"),
        (TPS + "COMMENT=palpate {\n", "a.tps:6: COMMENT=palpate is no JSON"),
        (TPS + 'COMMENT=palpate {"landmarks": ["a"]}\n', "notes other landmarks"),
        (TPS + 'COMMENT=palpate {"size": [640, 481]}\n', "the size of 'film_1.png' is in doubt"),
        (TPS + 'COMMENT=palpate {"size": [640, -1]}\n', "at size.1"),
    ],
)
def test_tps(text: str, message: str, tmp_path: Path) -> None:
    Pillow.new("1", (640, 480)).save(tmp_path / "film_1.png")
    refused(read_tps, tmp_path / "a.tps", text, message)


def test_tps_heights_come_from_a_named_folder(tmp_path: Path) -> None:
    (tmp_path / "a.tps").write_text(TPS)
    with pytest.raises(FormatError, match="--images"):
        read_tps(tmp_path / "a.tps")
    with pytest.raises(FormatError, match="no such folder"):
        read_tps(tmp_path / "a.tps", images=tmp_path / "films")
    read = read_tps(tmp_path / "a.tps", images=DATA / "tps" / "images")
    assert read.rows[0].points["1"].tolist() == [1.0, 477.0]


def test_tps_cannot_be_written_without_a_height_or_outside_the_image(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("image,nose_x,nose_y\na.png,-3,5\n")
    one = read_csv(tmp_path / "a.csv")
    with pytest.raises(OutputError, match=r"height of 'a.png' is not known"):
        write_tps(one, tmp_path / "a.tps")
    sized = replace(one, rows=(replace(one.rows[0], size=(640, 480)),))
    with pytest.raises(OutputError, match=r"landmark 'nose' of 'a.png' lies left of or below"):
        write_tps(sized, tmp_path / "a.tps")
    assert not (tmp_path / "a.tps").exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("21.000000", "nan"), "film_1.pts:4: y of landmark '1' is 'nan'"),
        (("32.000000 ", ""), "film_1.pts:4: point 1 has 1 numbers"),
        (("n_points:  3", "n_points: 4"), "n_points is 4, but 3 points follow"),
        (("version: 1", "version: 2"), "film_1.pts:1: does not begin with"),
        (("{\n", ""), "does not begin with"),
        (("\n}", ""), "does not end with '}'"),
        (("}\n", "}"), "no line break"),
    ],
)
def test_pts(change: tuple[str, str], message: str, tmp_path: Path) -> None:
    text = (DATA / "pts" / "sample" / "film_1.pts").read_text()
    assert change[0] in text
    refused(read_pts, tmp_path / "film_1.pts", text.replace(*change), message)


def test_pts_of_different_lengths_and_doubtful_pictures(tmp_path: Path) -> None:
    (tmp_path / "a.pts").write_text("version: 1\nn_points: 1\n{\n1 1\n}\n")
    assert read_pts(tmp_path).rows[0].image == "a"
    assert read_pts(tmp_path).rows[0].points["1"].tolist() == [0.0, 0.0]
    (tmp_path / "a.JPG").touch()
    assert read_pts(tmp_path).rows[0].image == "a.JPG"
    (tmp_path / "a.png").touch()
    with pytest.raises(FormatError, match=r"may belong to 'a.JPG' or to 'a.png'"):
        read_pts(tmp_path)
    (tmp_path / "a.png").unlink()
    (tmp_path / "b.pts").write_text("version: 1\nn_points: 2\n{\n1 1\n2 2\n}\n")
    with pytest.raises(FormatError, match=r"b.pts: holds 2 points, 'a.pts' holds 1"):
        read_pts(tmp_path)


def set_at(content: Any, place: str, value: Any) -> None:
    *steps, last = [int(step) if step.isdigit() else step for step in place.split(".")]
    for step in steps:
        content = content[step]
    if value is ...:
        del content[last]
    else:
        content[last] = value


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        ("annotations.0.keypoints.1", float("nan"), "holds NaN"),
        ("annotations.0.keypoints.1", float("inf"), "holds Infinity"),
        ("annotations.0.keypoints.1", "20", "at annotations.0.keypoints.1"),
        ("annotations.0.keypoints.1", None, "at annotations.0.keypoints.1"),
        ("annotations.0.keypoints.1", True, "at annotations.0.keypoints.1"),
        ("annotations.0.keypoints.1", 10**400, "a.json"),
        ("annotations.0.keypoints.2", 3, "annotation 1: v of 'nose' is 3"),
        ("annotations.0.keypoints", [1, 2, 2], "annotation 1: 3 triples x, y, v were expected"),
        ("annotations.0.keypoints", ..., "got 0 numbers"),
        ("annotations.0.iscrowd", 1, "got a crowd"),
        ("annotations.0.num_keypoints", 3, "num_keypoints is 3, but 2 have v > 0"),
        ("annotations.0.image_id", 8, "annotation 1 is of image_id 8: none"),
        ("annotations.0.image_id", 9, "image 'film_2.png' is annotated twice"),
        ("annotations", [], "holds no annotated image"),
        ("annotations", ..., "at annotations"),
        ("images.1.id", 7, "image 'film_2.png' (id 7) is there twice"),
        ("images.1.file_name", "film_1.png", "(id 9) is there twice"),
        ("images.0.width", 0, "at images.0.width"),
        ("categories.1.keypoints", ["end"], "got 'head', 'ruler'"),
        ("categories.0.keypoints", [], "got none"),
        ("categories.0.keypoints.0", "ear_l", "names landmark 'ear_l' twice"),
        ("categories.0.keypoints.0", "", "each with a name"),
        ("categories.0.skeleton.0", [0, 1], "skeleton pair [0, 1] is outside 1 ... 3"),
    ],
)
def test_coco(place: str, value: Any, message: str, tmp_path: Path) -> None:
    content = json.loads((DATA / "coco" / "sample.json").read_text())
    set_at(content, place, value)
    refused(read_coco, tmp_path / "a.json", json.dumps(content), message)


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        ("shapes.0.points.0.1", float("nan"), "holds NaN"),
        ("shapes.0.points.0.1", "20", "at shapes.0.points.0.1"),
        ("shapes.0.points.0", [1.0, 2.0, 3.0], "at shapes.0.points.0"),
        ("shapes.0.points", [[1, 2], [3, 4]], "shapes.0, label 'nose'"),
        ("shapes.0.shape_type", "polygon", "shapes.0, label 'nose': is a polygon"),
        ("shapes.0.label", "ear_l", "shapes.1, label 'ear_l': the landmark is there twice"),
        ("shapes.0.label", "", "at shapes.0.label"),
        ("shapes", [], "there is no landmark"),
        ("imagePath", "..", "names no file"),
        ("imagePath", ..., "at imagePath"),
    ],
)
def test_labelme(place: str, value: Any, message: str, tmp_path: Path) -> None:
    content = json.loads((DATA / "labelme" / "sample" / "film_1.json").read_text())
    set_at(content, place, value)
    refused(read_labelme, tmp_path / "a.json", json.dumps(content), message)


def test_labelme_files_that_note_other_landmarks(tmp_path: Path) -> None:
    content = json.loads((DATA / "labelme" / "sample" / "film_1.json").read_text())
    for name, landmarks in (("a", ["nose", "ear_l"]), ("b", ["ear_l", "nose"])):
        noted = content | {"palpate": {"landmarks": landmarks}, "imagePath": f"{name}.png"}
        (tmp_path / f"{name}.json").write_text(json.dumps(noted))
    with pytest.raises(FormatError, match=r"b.json: notes other landmarks than 'a.json'"):
        read_labelme(tmp_path)


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        ("controlPoints.0.position.1", float("-inf"), "holds -Infinity"),
        ("controlPoints.0.position", [1.0, 2.0], "controlPoints.0.position"),
        ("controlPoints.0.position", ..., "control point 'nose' has no position"),
        ("controlPoints.0.position.2", 4.0, "control point 'nose' is at z = 4.0 mm"),
        ("controlPoints.0.positionStatus", "preview", "control point 'nose' has no position"),
        ("controlPoints.0.positionStatus", "perhaps", "positionStatus"),
        ("controlPoints.0.label", "ear_l", "control point 'ear_l' is there twice"),
        ("controlPoints", [], "at least one landmark"),
        ("coordinateSystem", ..., "coordinateSystem"),
        ("coordinateSystem", "XYZ", "coordinateSystem"),
        ("coordinateUnits", "um", "coordinateUnits is 'um', expected 'mm'"),
        ("coordinateUnits", "px", "coordinateUnits is 'px', expected 'mm'"),
        ("type", "Curve", "one point list ('Fiducial') was expected, got Curve"),
    ],
)
def test_slicer(place: str, value: Any, message: str, tmp_path: Path) -> None:
    content = json.loads((DATA / "slicer" / "sample.mrk.json").read_text())
    set_at(content, f"markups.0.{place}", value)
    refused(read_slicer, tmp_path / "a.mrk.json", json.dumps(content), message)


def test_millimetres_are_never_guessed_to_be_pixels() -> None:
    sample = DATA / "slicer-1mm" / "sample"
    with pytest.raises(FormatError, match="does not say which pixel they mean"):
        read_slicer(sample)
    half = Affine.scaling([2.0, 2.0], source="mm", target="pixel")
    assert read_slicer(sample, to_pixel=half).rows[0].points["nose"].tolist() == [62.0, 40.0]
    with pytest.raises(GeometryError, match="mm to pixel"):
        read_slicer(sample, to_pixel=Affine.identity())


def test_slicer_files_with_other_points(tmp_path: Path) -> None:
    for name in ("film_1", "film_2"):
        text = (DATA / "slicer-1mm" / "sample" / f"{name}.mrk.json").read_text()
        text = text.replace('"nose"', '"chin"') if name == "film_2" else text
        (tmp_path / f"{name}.mrk.json").write_text(text)
    with pytest.raises(FormatError, match=r"film_2.mrk.json: has the control points chin"):
        read_slicer_1mm(tmp_path)


def test_json_that_says_one_thing_twice(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    refused(read_coco, path, '{"images": [], "images": []}', "gives 'images' twice")
    refused(read_coco, path, "[" * 100_000, "a.json")
    refused(read_coco, path, '{"images": [' + "1" * 5000 + "]}", "a.json")


def test_other_encodings_are_refused_and_a_byte_order_mark_is_not(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes((HEAD + "a.png,1,2,3,4\r\n").encode("utf-8-sig").replace(b"y\n", b"y\r\n"))
    assert read_annotation(path).rows[0].points["ear"].tolist() == [3.0, 4.0]
    path.write_bytes((HEAD + "müller.png,1,2,3,4\n").encode("latin-1"))
    with pytest.raises(FormatError, match=r"a.csv:2: is not UTF-8 text"):
        read_csv(path)
    path.write_bytes((HEAD + "a\0.png,1,2,3,4\n").encode())
    with pytest.raises(FormatError, match=r"a.csv:2: holds a zero byte"):
        read_csv(path)


@pytest.mark.parametrize("name", READERS)
def test_a_folder_where_a_file_belongs(name: str, tmp_path: Path) -> None:
    with pytest.raises(FormatError):
        READERS[name](tmp_path)


def refused(read: Callable[[Path], Any], path: Path, text: str, message: str) -> None:
    path.write_text(text, encoding="utf-8")
    with pytest.raises(FormatError) as caught:
        read(path)
    assert message in str(caught.value)
    assert path.name in str(caught.value)
