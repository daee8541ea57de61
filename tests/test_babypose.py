"""babyPose: its layout, written here by hand, as a study; its tables, and what is wrong in them."""

import json
import re
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from palpate.checks import find_problems
from palpate.cli.app import app
from palpate.errors import FormatError, OutputError, PalpateError
from palpate.io.annotation import AnnotatedImage, AnnotationFile
from palpate.io.babypose import read_babypose, write_babypose
from palpate.io.babypose_joints import BABYPOSE, joint_of
from palpate.io.babypose_layout import find_infants
from palpate.io.formats import format_of, read_annotation
from palpate.io.rows import points_of
from palpate.scheme import LandmarkScheme
from palpate.study import open_study, survey_study
from palpate.workflows.clip_sources import find_clip_sources

# As the group's own tables name the joints, in their order.
COLUMNS = (
    *("head", "right_hand", "right_elbow", "right_shoulder", "neck", "left_shoulder"),
    *("left_elbow", "left_hand", "right_foot", "right_knee", "right_hip", "left_hip"),
    *("left_knee", "left_foot"),
)
HEADER = ";".join(["image", *COLUMNS])
SIZE = (64, 48)


def spot(frame: int, column: int) -> tuple[int, int]:
    return 3 + (frame * 5 + column * 7) % 50, 4 + (frame * 3 + column * 11) % 40


def table(frames: int, *, hidden: tuple[int, int] | None = None) -> str:
    lines = [HEADER]
    for n in range(frames):
        cells = [f"{n:05d}_8bit.png"]
        for k in range(len(COLUMNS)):
            x, y = (-1, -1) if hidden == (n, k) else spot(n, k)
            cells.append(f"{x},{y}")
        lines.append(";".join(cells))
    return "\n".join(lines) + "\n"


def infant(folder: Path, frames: int, seed: int, *, sub: bool = False) -> None:
    """Both kinds of picture of every frame, as they are distributed."""
    rng = np.random.default_rng(seed)
    deep, grey = (folder / "16bit", folder / "8bit") if sub else (folder, folder)
    deep.mkdir(parents=True)
    grey.mkdir(exist_ok=True)
    for n in range(frames):
        counts = rng.integers(400, 600, SIZE[::-1]).astype(np.uint16)
        counts[:4, :4] = 0
        counts[10, 10] = 1000 + n
        assert cv2.imwrite(str(deep / f"{n:05d}_16bit.png"), counts)
        assert cv2.imwrite(str(grey / f"{n:05d}_8bit.png"), (counts // 8).astype(np.uint8))


def data_set(root: Path, *, frames: int = 4, infants: tuple[int, ...] = (2, 10)) -> Path:
    """Some infants, their tables in a folder of their own, as the group's code reads them."""
    for number in infants:
        infant(root / f"pz{number}", frames, number)
        (root / "annotations").mkdir(exist_ok=True)
        text = table(frames, hidden=(1, COLUMNS.index("left_foot")))
        (root / "annotations" / f"result_pz{number}.csv").write_text(text)
    return root


def test_the_joints_are_twelve_in_four_limbs():
    assert len(BABYPOSE) == 12
    assert BABYPOSE.names[:4] == ("right_shoulder", "right_elbow", "right_wrist", "left_shoulder")
    assert BABYPOSE.edges[:3] == (
        ("right_shoulder", "right_elbow"),
        ("right_elbow", "right_wrist"),
        ("left_shoulder", "left_elbow"),
    )
    assert BABYPOSE.edges[-1] == ("left_knee", "left_ankle")
    assert BABYPOSE.mirror_order().tolist() == [3, 4, 5, 0, 1, 2, 9, 10, 11, 6, 7, 8]


@pytest.mark.parametrize(
    ("column", "joint"),
    [
        ("right_hand", ("right_wrist", "")),
        ("Left Foot", ("left_ankle", "")),
        ("RightShoulder_x", ("right_shoulder", "x")),
        ("knee-l.Y", ("left_knee", "y")),
        ("spalla_dx", ("right_shoulder", "")),
        ("ginocchio sinistro", ("left_knee", "")),
        ("head", None),
        ("shoulder", None),
        ("right_left_hip", None),
        ("right_hip_old", None),
        ("", None),
    ],
)
def test_columns_are_known_by_several_names(column, joint):
    assert joint_of(column) == joint


def test_a_data_set_is_a_study_as_it_lies(tmp_path):
    study = open_study(data_set(tmp_path))
    assert study.scheme.names == BABYPOSE.names
    assert study.scheme.edges == BABYPOSE.edges
    assert study.scheme.mirror == BABYPOSE.mirror
    assert {case.subject for case in study.cases} == {"pz2", "pz10"}
    assert len(study) == 8
    case = study.case("pz10#2")
    assert case.clip is not None
    assert case.clip.time_s == pytest.approx(2 / 6)
    pixels = study.load(case).image.pixels
    assert pixels.dtype == np.uint16
    assert pixels.shape == (1, 48, 64)
    assert pixels[0, 10, 10] == 1002
    assert case.points is not None
    assert case.points["right_wrist"].tolist() == list(spot(2, COLUMNS.index("right_hand")))
    assert case.points["left_ankle"].tolist() == list(spot(2, COLUMNS.index("left_foot")))


def test_a_joint_that_is_covered_is_absent(tmp_path):
    points = open_study(data_set(tmp_path)).case("pz2#1").points
    assert points is not None
    absent = [n for n, there in zip(BABYPOSE.names, points.present, strict=True) if not there]
    assert absent == ["left_ankle"]


def test_what_is_no_joint_of_a_limb_is_left_out_and_told(tmp_path):
    told = {f.kind: f.sentence for f in survey_study(data_set(tmp_path)).findings}
    assert told == {"columns": "the tables' columns head, neck are of no limb's joint; left out"}


def test_study_toml_may_say_more(tmp_path):
    root = data_set(tmp_path)
    (root / "study.toml").write_text(
        'exclude = ["pz2#0"]\n[video]\ninterpolate = 1\n[video.depth]\nrate_hz = 10\n'
        "focal_px = [570, 570]\ncentre_px = [319.5, 239.5]\n"
    )
    study = open_study(root)
    assert len(study) == 7
    assert study.depth is not None
    assert study.depth.intrinsics is not None
    clip = study.case("pz2#3").clip
    assert clip is not None
    assert clip.time_s == pytest.approx(0.3)


def test_numbers_in_steps_of_five_count_at_the_rate_of_the_camera(tmp_path):
    folder = tmp_path / "pz1"
    folder.mkdir()
    for n in (0, 5, 10):
        assert cv2.imwrite(str(folder / f"{n}.png"), np.full((48, 64), 500, np.uint16))
    rows = "".join(f"{n},{10 + n},20\n" for n in (0, 5, 10))
    (folder / "pz1.csv").write_text("frame,right_hip_x,right_hip_y\n" + rows)
    study = open_study(tmp_path)
    times = [case.clip.time_s for case in study.cases if case.clip]
    np.testing.assert_allclose(times, [0, 1 / 6, 2 / 6])
    assert [case.identifier for case in study.cases] == ["pz1#0", "pz1#5", "pz1#10"]


@pytest.mark.parametrize("sub", [False, True])
def test_the_table_may_lie_beside_the_frames(tmp_path, sub):
    infant(tmp_path / "P01", 3, 0, sub=sub)
    (tmp_path / "P01" / "joints.csv").write_text(table(3))
    (found,) = find_infants(tmp_path)
    assert found.name == "P01"
    assert found.frames == (tmp_path / "P01" / "16bit" if sub else tmp_path / "P01")
    study = open_study(tmp_path)
    assert study.load(study.case("P01#2")).image.pixels[0, 10, 10] == 1002


def test_check_and_convert_take_a_data_set(tmp_path):
    root = data_set(tmp_path / "babypose")
    assert find_problems(open_study(root))
    run = CliRunner().invoke(app, ["check", str(root)])
    assert run.exit_code == 0, run.output
    run = CliRunner().invoke(app, ["convert", str(root), str(tmp_path / "landmarks.csv")])
    assert run.exit_code == 0, run.output
    back = read_annotation(tmp_path / "landmarks.csv")
    assert back.rows[0].image == "pz2#0"
    target = tmp_path / "back"
    arguments = ["convert", str(tmp_path / "landmarks.csv"), str(target), "--to", "babypose"]
    run = CliRunner().invoke(app, arguments)
    assert run.exit_code == 0, run.output
    assert (target / "annotations" / "result_pz10.csv").is_file()
    assert format_of(target) == "babypose"


def annotated(*, frames: int = 3) -> AnnotationFile:
    rows = []
    for clip in ("pz1", "pz2"):
        for n in range(frames):
            spots = np.array([spot(n, k) for k in range(12)], dtype=float)
            spots[n] = np.nan
            spots[11] += 0.125
            rows.append(AnnotatedImage(f"{clip}#{n}", points_of(BABYPOSE, spots), clip))
    return AnnotationFile(BABYPOSE, tuple(rows))


def test_what_is_written_is_read_back(tmp_path):
    before = annotated()
    write_babypose(before, tmp_path / "out")
    after = read_babypose(tmp_path / "out")
    assert after.scheme == before.scheme
    for mine, theirs in zip(before.rows, after.rows, strict=True):
        assert (mine.image, mine.subject) == (theirs.image, theirs.subject)
        np.testing.assert_array_equal(mine.points.coordinates, theirs.points.coordinates)


def test_one_clip_is_one_table(tmp_path):
    before = annotated()
    one = AnnotationFile(before.scheme, before.rows[:3])
    write_babypose(one, tmp_path / "result_pz1.csv")
    assert [row.image for row in read_babypose(tmp_path / "result_pz1.csv").rows] == [
        row.image for row in one.rows
    ]
    assert format_of(tmp_path / "result_pz1.csv") == "babypose"
    with pytest.raises(OutputError, match="one clip a table, here are 2"):
        write_babypose(before, tmp_path / "all.csv")


def test_what_would_read_back_as_absent_is_refused(tmp_path):
    spots = np.full((12, 2), 5.0)
    spots[4] = 0
    file = AnnotationFile(BABYPOSE, (AnnotatedImage("pz1#0", points_of(BABYPOSE, spots)),))
    with pytest.raises(OutputError, match=r"left_elbow.*reads as absent"):
        write_babypose(file, tmp_path / "result_pz1.csv")
    assert not list(tmp_path.iterdir())


def test_other_landmarks_are_refused(tmp_path):
    scheme = LandmarkScheme("head", ("nose",))
    row = AnnotatedImage("pz1#0", points_of(scheme, np.array([[1.0, 2.0]])))
    with pytest.raises(OutputError, match="not 'nose'; known: right_shoulder"):
        write_babypose(AnnotationFile(scheme, (row,)), tmp_path / "a.csv")


ONE = "image;right_hip;left_hip\n"


@pytest.mark.parametrize(
    ("cell", "found"),
    [
        ("12,34", [12.0, 34.0]),
        ("(12, 34.5)", [12.0, 34.5]),
        ("0,34", [0.0, 34.0]),
        ("-1,-1", None),
        ("-1,34", None),
        ("0,0", None),
        ("nan,nan", None),
        ("NaN", None),
        ("-1", None),
        ("", None),
    ],
)
def test_cells(tmp_path, cell, found):
    path = tmp_path / "result_pz1.csv"
    path.write_text(f"{ONE}00000_8bit.png;{cell};5,6\n")
    (row,) = read_babypose(path).rows
    assert row.image == "pz1#0"
    there = bool(row.points.present[0])
    assert there == (found is not None)
    if found is not None:
        assert row.points["right_hip"].tolist() == found


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (ONE + "0.png;1,2\n", ":2: the row has 2 cells, the header has 3"),
        (ONE + "0.png;1,2;3\n", ":2: left_hip is '3', expected 'x,y'"),
        (ONE + "0.png;403.322;1,2\n", "the comma was taken for a decimal point"),
        (ONE + "0.png;1,2;3,a\n", ":2: y of left_hip is 'a'"),
        (ONE + "0.png;1,2;3,4\n0.png;1,2;3,4\n", "annotated twice, first on line 2"),
        (ONE + ";1,2;3,4\n", ":2: the row names no image"),
        (ONE, "holds no annotated image"),
        (ONE + "0.png;1,2;3,4", "no line break"),
        ("image;head\n0.png;1,2\n", "no column of a joint, such as 'right_shoulder', only head"),
        ("hip;right_hip\n0.png;1,2\n", "the first column is 'hip', expected 'image'"),
        ("image;right_hip;hip_r\n0.png;1,2;1,2\n", "right_hip is there twice"),
        ("image,right_hip_x\n0.png,1\n", "right_hip has one coordinate without the other"),
        ("image,right_hip_x,right_hip\n0.png,1,2\n", "right_hip is there twice"),
    ],
)
def test_what_is_wrong_in_a_table_is_told(tmp_path, text, said):
    path = tmp_path / "result_pz1.csv"
    path.write_text(text)
    with pytest.raises(FormatError, match=re.escape(said)):
        read_babypose(path)


def test_an_infant_without_a_table_is_told(tmp_path):
    root = data_set(tmp_path)
    (root / "annotations" / "result_pz10.csv").unlink()
    with pytest.raises(FormatError, match=r"pz10.*no table of its joints.*result_pz2\.csv"):
        open_study(root)


def test_a_table_of_pz1_is_not_of_pz11(tmp_path):
    infant(tmp_path / "pz11", 2, 0)
    infant(tmp_path / "pz1", 2, 1)
    (tmp_path / "result_pz1.csv").write_text(table(2))
    (tmp_path / "result_pz11.csv").write_text(table(2))
    tables = {found.name: found.table.name for found in find_infants(tmp_path)}
    assert tables == {"pz1": "result_pz1.csv", "pz11": "result_pz11.csv"}


def test_two_tables_of_one_infant_are_told(tmp_path):
    infant(tmp_path / "pz1", 2, 1)
    (tmp_path / "pz1" / "a.csv").write_text(table(2))
    (tmp_path / "pz1" / "b.csv").write_text(table(2))
    with pytest.raises(FormatError, match=r"two tables may be of pz1: a\.csv and b\.csv"):
        open_study(tmp_path)


def test_an_annotated_frame_without_a_picture_is_told(tmp_path):
    root = data_set(tmp_path)
    (root / "pz2" / "00003_16bit.png").unlink()
    told = {f.kind: f.sentence for f in survey_study(root).findings}
    assert "frame 3 of pz2 is annotated" in told["frame-missing"]


def test_an_excel_sheet_says_the_same(tmp_path):
    openpyxl = pytest.importorskip("openpyxl")
    infant(tmp_path / "pz1", 3, 0)
    book = openpyxl.Workbook()
    for line in table(3, hidden=(1, 2)).splitlines():
        book.active.append(line.split(";"))
    book.save(tmp_path / "pz1" / "joints.xlsx")
    (tmp_path / "result_pz1.csv").write_text(table(3, hidden=(1, 2)))
    excel = read_babypose(tmp_path / "pz1" / "joints.xlsx")
    plain = read_babypose(tmp_path / "result_pz1.csv")
    for mine, theirs in zip(excel.rows, plain.rows, strict=True):
        assert mine.image.split("#")[1] == theirs.image.split("#")[1]
        np.testing.assert_array_equal(mine.points.coordinates, theirs.points.coordinates)
    assert len(open_study(tmp_path)) == 3
    assert format_of(tmp_path / "pz1" / "joints.xlsx") == "babypose"


def test_a_comma_that_excel_took_for_a_point_is_told(tmp_path):
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    book.active.append(["image", "right_hip"])
    book.active.append(["00000_8bit.png", 403.322])
    book.save(tmp_path / "pz1.xlsx")
    with pytest.raises(FormatError, match="taken for a decimal point"):
        read_babypose(tmp_path / "pz1.xlsx")


def test_what_is_no_workbook_is_refused(tmp_path):
    pytest.importorskip("openpyxl")
    (tmp_path / "pz1.xlsx").write_bytes(b"PK\x03\x04 and so on")
    with pytest.raises(FormatError, match="is no Excel workbook"):
        read_babypose(tmp_path / "pz1.xlsx")


def test_a_data_set_is_predicted_as_the_study_that_it_is(tmp_path):
    root = data_set(tmp_path)
    (root / "annotations" / "result_pz10.csv").unlink()  # what is new has no joints yet
    found = find_clip_sources([root])
    assert [(one.name, one.path.name) for one in found] == [("pz2", "pz2"), ("pz10", "pz10")]
    assert {one.depth.rate_hz for one in found} == {6.0}
    (one,) = find_clip_sources([root / "pz2"], folders=True)
    assert (one.name, one.depth.rate_hz) == ("pz2", 6.0)
    (one,) = find_clip_sources([root / "pz10"], folders=True)
    assert one.depth.rate_hz == 30.0  # nothing says that it is of babyPose
    (root / "study.toml").write_text("[video.depth]\nrate_hz = 10\nunit_mm = 0.5\n")
    assert {one.depth.rate_hz for one in find_clip_sources([root])} == {10.0}
    assert {one.depth.unit_mm for one in find_clip_sources([root])} == {0.5}
    assert {one.depth.rate_hz for one in find_clip_sources([root], rate_hz=12.0)} == {12.0}


def test_frames_in_a_folder_of_their_own_are_predicted_by_the_infants_name(tmp_path):
    infant(tmp_path / "P01", 3, 0, sub=True)
    (tmp_path / "P01" / "joints.csv").write_text(table(3))
    (one,) = find_clip_sources([tmp_path])
    assert (one.name, one.path) == ("P01", tmp_path / "P01" / "16bit")


def test_depth_clips_beside_any_table_are_not_of_babypose(tmp_path):
    infant(tmp_path / "a", 2, 0)
    infant(tmp_path / "b", 2, 0)
    (tmp_path / "a" / "breathing.csv").write_text("time,rate\n0,40\n")
    assert find_clip_sources([tmp_path]) == []
    found = find_clip_sources([tmp_path], folders=True)
    assert [(one.name, one.depth.rate_hz) for one in found] == [("a", 30.0), ("b", 30.0)]


def test_the_commands_go_through(tmp_path):
    root, out = data_set(tmp_path / "babypose", infants=(1, 2, 10)), tmp_path / "run"
    small = ("input.size=[32, 32]", "regression.training.steps=2", "regression.training.batch=2")
    settings = [word for change in small for word in ("--set", change)]
    train = ["train", str(root), "--recipe", "infant-limbs-light", "--out", str(out), *settings]
    judge = ["evaluate", str(out), "--out", str(tmp_path / "judged")]
    predict = ["predict", str(out), str(root), "--out", str(tmp_path / "found"), "--no-overlays"]
    for command in (train, judge, predict):
        done = CliRunner().invoke(app, command)
        assert done.exit_code == 0, done.output
    assert (tmp_path / "judged" / "report.html").is_file()
    for name in ("pz1", "pz2", "pz10"):
        about = json.loads((tmp_path / "found" / name / "clip.json").read_text())
        assert about["rate_hz"] == pytest.approx(6.0)
        assert about["frames"] == about["frames_in_file"] == 4
        assert about["seen_together"]["interval_s"] == pytest.approx(1 / 6, abs=1e-3)
    film = tmp_path / "film.png"
    assert cv2.imwrite(str(film), np.full(SIZE[::-1], 99, np.uint8))
    done = CliRunner().invoke(app, ["predict", str(out), str(film), "--out", str(tmp_path / "no")])
    assert done.exit_code == 1
    assert isinstance(done.exception, PalpateError)
    assert "depth is one channel of 16 bits" in " ".join(done.output.split())
