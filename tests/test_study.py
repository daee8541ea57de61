"""A study folder: what it says is what the cases say, and what it lacks is one sentence."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from palpate.errors import ConfigError, FormatError, PalpateError, SchemeError, StudyError
from palpate.image import Calibration
from palpate.points import Points
from palpate.scheme import LandmarkScheme
from palpate.study import Study, open_study, survey_study
from palpate.study_annotation import over
from palpate.study_case import StudyCase

NAMES = ("nose", "left", "right")


def write_images(folder, names, size=(40, 30)):
    folder.mkdir(parents=True, exist_ok=True)
    for i, name in enumerate(names):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(i).integers(0, 256, (size[1], size[0]), dtype=np.uint8)
        Pillow.fromarray(pixels).save(path)


def write_table(path, rows, names=NAMES, columns=("image", "subject")):
    """One row: the columns, then an (x, y) for each landmark, None where absent."""
    lines = [",".join([*columns, *(f"{n}_{axis}" for n in names for axis in "xy")])]
    for *first, points in rows:
        cells = [cell for point in points for cell in (("", "") if point is None else point)]
        lines.append(",".join(str(cell) for cell in [*first, *cells]))
    path.write_text("\n".join(lines) + "\n")


def points_of(i):
    return [(10.0 + i, 5.0), (4.0, 20.0), (30.0, 20.0 + 0.5 * i)]


@pytest.fixture
def folder(tmp_path):
    """Four images of three subjects."""
    root = tmp_path / "noses"
    write_images(root / "images", ["a.png", "b.png", "c.png", "d.png"])
    subjects = {"a.png": "s1", "b.png": "s1", "c.png": "s2", "d.png": "s3"}
    rows = [(name, subject, points_of(i)) for i, (name, subject) in enumerate(subjects.items())]
    write_table(root / "landmarks.csv", rows)
    return root


def configure(root, text):
    (root / "study.toml").write_text(text)
    return root


def test_a_study_is_what_its_files_say(folder):
    study = open_study(folder)
    assert study.name == "noses"
    assert study.scheme.names == NAMES
    assert [case.identifier for case in study.cases] == ["a.png", "b.png", "c.png", "d.png"]
    assert [case.subject for case in study.cases] == ["s1", "s1", "s2", "s3"]
    case = study.case("b.png")
    assert case.points["nose"].tolist() == [11.0, 5.0]
    assert case.reference is None
    assert case.calibration is None
    sample = study.load(case)
    assert sample.image.identifier == "b.png"
    assert sample.subject == "s1"
    assert np.array_equal(sample.points.coordinates, case.points.coordinates)
    assert open_study(folder / "study.toml").name == "noses"


def test_a_subset_keeps_the_order_of_the_study(folder):
    study = open_study(folder)
    part = study.subset(["d.png", "a.png"])
    assert [case.identifier for case in part.cases] == ["a.png", "d.png"]
    assert part.scheme is study.scheme
    with pytest.raises(StudyError, match=r"no image 'e\.png'; did you mean"):
        study.subset(["e.png"])


def test_several_annotators_and_the_agreed_truth(folder):
    for who, shift in (("A", 1.0), ("B", -2.0)):
        rows = [("a.png", "s1", [(x + shift, y) for x, y in points_of(0)])]
        write_table(folder / f"landmarks_annotator{who}.csv", rows)
    case = open_study(folder).case("a.png")
    assert sorted(case.annotations) == ["A", "B"]
    assert case.annotations["A"]["nose"].tolist() == [11.0, 5.0]
    assert case.points["nose"].tolist() == [10.0, 5.0]
    (folder / "landmarks.csv").unlink()
    case = open_study(folder).case("a.png")
    assert case.reference is None
    assert case.points["nose"].tolist() == [9.5, 5.0]


def test_annotators_named_in_the_settings(folder):
    (folder / "landmarks.csv").rename(folder / "first.csv")
    configure(folder, 'annotations = {Ada = "first.csv"}\n')
    assert list(open_study(folder).case("a.png").annotations) == ["Ada"]
    configure(folder, 'annotations = {Ada = "frist.csv"}\n')
    with pytest.raises(StudyError, match=r"names 'frist\.csv', but there is no file"):
        open_study(folder)


def test_a_landmark_that_one_file_lacks_is_absent_there_and_told(folder):
    (folder / "landmarks.csv").unlink()
    write_table(folder / "landmarks_annotatorA.csv", [("a.png", "s1", points_of(0))])
    write_table(folder / "landmarks_annotatorB.csv", [("a.png", "s1", points_of(0)[:2])], NAMES[:2])
    study = open_study(folder.parent / "noses")
    assert study.case("a.png").annotations["B"].present.tolist() == [True, True, False]
    (finding,) = (f for f in study.findings if f.kind == "landmark-not-in-file")
    assert finding.landmarks == ("right",)
    assert "landmarks_annotatorB.csv" in finding.sentence


def test_mirror_pairs_and_edges_of_the_settings_reach_the_scheme(folder):
    configure(folder, 'name = "N"\nmirror = [["left", "right"]]\nedges = [["nose", "left"]]\n')
    study = open_study(folder)
    assert study.scheme.mirror == (("left", "right"),)
    assert study.case("a.png").points.scheme == study.scheme
    assert (study.name, study.scheme.edges) == ("N", (("nose", "left"),))
    configure(folder, 'mirror = [["left", "rihgt"]]\n')
    with pytest.raises(ConfigError, match=r"study\.toml.*'rihgt'; did you mean 'right'"):
        open_study(folder)


def test_subjects_come_from_the_pattern_where_the_annotation_is_silent(folder):
    write_images(folder / "images", ["P7_left.png", "P7_right.png"])
    rows = [(f"P7_{side}.png", "", points_of(0)) for side in ("left", "right")]
    write_table(folder / "landmarks.csv", rows)
    with pytest.raises(StudyError, match="subject_pattern"):
        open_study(folder)
    configure(
        folder,
        "subject_pattern = '^(P\\d+)_'\ngroup_pattern = '_(left|right)'\nexclude = ['a.png']",
    )
    study = open_study(folder)
    assert {c.subject for c in study.annotated().cases} == {"P7"}
    assert [c.group for c in study.annotated().cases] == ["left", "right"]
    assert "a.png" not in [c.identifier for c in study.cases]


def test_every_image_its_own_subject_only_when_said(folder):
    write_table(folder / "landmarks.csv", [("a.png", "", points_of(0))])
    with pytest.raises(StudyError, match='subjects = "image"'):
        open_study(folder)
    configure(folder, 'subjects = "image"')
    assert open_study(folder).case("a.png").subject == "a.png"


def test_images_of_one_person_can_be_put_together(folder):
    configure(folder, 'same_subject = [["c.png", "d.png"]]')
    assert open_study(folder).case("d.png").subject == "s2"
    configure(folder, 'same_subject = [["c.png", "dd.png"]]')
    with pytest.raises(StudyError, match=r"same_subject names 'dd\.png'.*did you mean"):
        open_study(folder)


def test_two_files_that_disagree_on_the_subject_are_refused(folder):
    write_table(folder / "landmarks_annotatorA.csv", [("a.png", "other", points_of(0))])
    with pytest.raises(StudyError, match=r"a\.png is of subject 'other' in one"):
        open_study(folder)


def test_images_alone_are_a_study_to_predict(folder):
    (folder / "landmarks.csv").unlink()
    study = open_study(folder)
    assert len(study) == 4
    assert len(study.annotated()) == 0
    assert study.load(study.cases[0]).points is None
    with pytest.raises(StudyError, match="no annotation"):
        _ = study.scheme


def test_an_annotated_image_that_is_missing_is_named_with_its_line(folder):
    (folder / "images" / "c.png").unlink()
    with pytest.raises(StudyError, match=r"landmarks\.csv:4: annotates 'c\.png'.*exclude"):
        open_study(folder)
    assert [f.image for f in survey_study(folder).findings] == ["c.png"]
    configure(folder, 'exclude = ["c.png"]')
    assert len(open_study(folder)) == 3


def test_one_name_in_two_folders_must_be_written_with_its_folder(folder):
    write_images(folder / "images", ["left/x.png", "right/x.png"])
    write_table(folder / "landmarks.csv", [("x.png", "s", points_of(0))])
    with pytest.raises(StudyError, match=r"stands for 2 images, 'left/x\.png' and 'right/x\.png'"):
        open_study(folder)
    write_table(folder / "landmarks.csv", [("right/x.png", "s", points_of(0))])
    assert [c.identifier for c in open_study(folder).annotated().cases] == ["right/x.png"]


def test_an_image_annotated_twice_by_one_is_refused(folder):
    write_table(folder / "landmarks.csv", [("a.png", "s", points_of(i)) for i in range(2)])
    with pytest.raises(PalpateError, match=r"a\.png"):
        open_study(folder)


def test_misspelt_exclusions_are_refused(folder):
    configure(folder, 'exclude = ["bb.png"]')
    with pytest.raises(StudyError, match=r"exclude names 'bb\.png'.*did you mean 'b\.png'"):
        open_study(folder)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('subject_patern = "(a)"', r"unknown setting 'subject_patern'; did you mean"),
        ("[split]\nvalidaton = 0.1", r"'split\.validaton'; did you mean 'validation'"),
        ('subject_pattern = "abc"', "exactly one group"),
        ('subject_pattern = "(abc"', "no regular expression"),
        ("[split]\nvalidation = 0.5\ntest = 0.5", "nothing to train on"),
        ("[calibration]\nspacing_mm = [0.0, 0.1]", r"spacing_mm"),
        ("[calibration]\nsource = 'ruler'", "spacing_mm = .* or column"),
        ("name = 3", "'name'.*valid string"),
        ("name = ", "no TOML"),
        ('reference = "a.csv"', "reference goes with annotations"),
    ],
)
def test_a_wrong_setting_is_named_with_its_file(folder, text, said):
    with pytest.raises(ConfigError, match=said) as caught:
        open_study(configure(folder, text))
    assert "study.toml" in str(caught.value)


def test_a_table_calibrates_and_says_where_from(folder):
    (folder / "meta.csv").write_text("image,mm_per_px_stored\na.png,0.25\nb.png,\n")
    study = open_study(folder)
    assert study.case("a.png").calibration == Calibration(
        (0.25, 0.25), "user", detail="column mm_per_px_stored of meta.csv"
    )
    assert study.case("b.png").calibration is None
    assert study.load(study.case("a.png")).image.calibration.spacing_mm == (0.25, 0.25)
    configure(folder, '[calibration]\nspacing_mm = [0.5, 0.6]\nsource = "ruler"')
    assert open_study(folder).case("b.png").calibration.spacing_mm == (0.5, 0.6)


@pytest.mark.parametrize("cell", ["0", "-1", "nan", "inf", "a lot"])
def test_a_cell_that_is_no_spacing_is_refused_with_its_line(folder, cell):
    (folder / "meta.csv").write_text(f"image,mm_per_px\nb.png,0.2\na.png,{cell}\n")
    with pytest.raises(FormatError, match=r"meta\.csv:3: mm_per_px of 'a\.png'"):
        open_study(folder)


def test_a_column_that_is_not_there_is_named_with_its_neighbour(folder):
    (folder / "meta.csv").write_text("image,mm_per_pixel\na.png,0.2\n")
    configure(folder, '[calibration]\ncolumn = "mm_per_pixle"')
    with pytest.raises(StudyError, match="did you mean 'mm_per_pixel'"):
        open_study(folder)


def test_the_images_may_be_elsewhere(folder, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    configure(
        other,
        f"images = '{folder / 'images'}'\nannotations = '{folder / 'landmarks.csv'}'\n",
    )
    study = open_study(other)
    assert (study.name, len(study.annotated())) == ("other", 4)


def test_what_is_no_study_is_one_sentence(tmp_path):
    with pytest.raises(StudyError, match="no such folder"):
        open_study(tmp_path / "nowhere")
    with pytest.raises(StudyError, match="no folder 'images'"):
        open_study(tmp_path)
    (tmp_path / "images").mkdir()
    with pytest.raises(StudyError, match="holds no PNG"):
        open_study(tmp_path)


def test_two_files_that_may_be_the_annotation_are_refused(folder):
    (folder / "landmarks.csv").rename(folder / "first.csv")
    assert len(open_study(folder).annotated()) == 4
    (folder / "second.csv").write_text((folder / "first.csv").read_text())
    with pytest.raises(StudyError, match=r"2 files may hold the annotation \(first\.csv, second"):
        open_study(folder)


def test_an_image_is_in_a_study_once():
    case = StudyCase("a.png", Path("a.png"), "s")
    with pytest.raises(StudyError, match="twice"):
        Study("x", Path(), None, (case, case))


def test_points_of_another_dimension_do_not_mix(folder):
    flat = LandmarkScheme("flat", ("a",))
    deep = LandmarkScheme("deep", ("a",), dimension=3)
    with pytest.raises(SchemeError, match="two and of three"):
        over(flat, Points.of(deep, [[1.0, 2.0, 3.0]]))
