"""`palpate check`: what is planted is found, and a clean study is clean."""

import json
from functools import cache
from weakref import WeakKeyDictionary

import cv2
import numpy as np
import pytest
import typer
from PIL import Image as Pillow
from typer.testing import CliRunner

from palpate.checks import find_problems, same_subject_line
from palpate.cli.check import check
from palpate.contact_sheet import CAPTION, MARGIN, TILE, write_contact_sheet
from palpate.duplicates import find_duplicates
from palpate.errors import StudyError
from palpate.shape_checks import faces_other_way, shape_problems
from palpate.splits import Split, refuse_leaks
from palpate.study import open_study, survey_study

SIZE = (160, 200)
NAMES = ("brow", "eye_l", "eye_r", "nose", "mouth", "chin")
FACE = np.array([[80, 40], [50, 70], [110, 70], [82, 100], [80, 140], [85, 175]], float)
CLEAN = {"no-calibration"}


@cache
def film(seed):
    """A head that all share under tissue that each has its own."""
    rng = np.random.default_rng(seed)
    width, height = SIZE
    y, x = np.mgrid[:height, :width]
    head = 90.0 * (((x / width - 0.5) / 0.45) ** 2 + ((y / height - 0.5) / 0.48) ** 2 < 1)
    for _ in range(25):
        centre = rng.uniform((0.1, 0.1), (0.9, 0.9)) * (width, height)
        radius = rng.uniform(4, 18)
        far = ((x - centre[0]) ** 2 + (y - centre[1]) ** 2) / radius**2
        head = head + rng.uniform(-40, 40) * np.exp(-far)
    return np.clip(head + 50 + rng.normal(0, 2, head.shape), 0, 255).astype(np.uint8)


def write_table(path, rows):
    """Rows of (image, subject, points)."""
    lines = [",".join(["image", "subject", *(f"{n}_{axis}" for n in NAMES for axis in "xy")])]
    for image, subject, points in rows:
        cells = ["" if np.isnan(v) else f"{v:.3f}" for v in np.ravel(points)]
        lines.append(",".join([image, subject, *cells]))
    path.write_text("\n".join(lines) + "\n")


@pytest.fixture
def planted(tmp_path):
    """Return a function that writes 12 films, with what a test does to their points."""

    def write(change=lambda name, points: points, annotators=("",)):
        (tmp_path / "images").mkdir(exist_ok=True)
        names = [f"f{i:02d}.png" for i in range(12)]
        for i, name in enumerate(names):
            Pillow.fromarray(film(i)).save(tmp_path / "images" / name)
        for a, who in enumerate(annotators):
            rows = []
            for i, name in enumerate(names):
                rng = np.random.default_rng([i, a])
                points = FACE + rng.normal(0, 1.5, FACE.shape)
                rows.append((name, f"s{i}", change(name, points) if a == 0 else points))
            suffix = f"_annotator{who}" if who else ""
            write_table(tmp_path / f"landmarks{suffix}.csv", rows)
        (tmp_path / "study.toml").write_text('mirror = [["eye_l", "eye_r"]]\n')
        return tmp_path

    return write


def in_one(wanted, how):
    """Change the points of one image."""

    def change(name, points):
        return how(points.copy()) if name == wanted else points

    return change


FOUND: WeakKeyDictionary = WeakKeyDictionary()


def kinds(study):
    only(study, "")
    return {finding.kind for finding in FOUND[study]}


def only(study, kind):
    """The findings of a kind; a study is looked at once in a test."""
    if study not in FOUND:
        FOUND[study] = find_problems(study)
    return [finding for finding in FOUND[study] if finding.kind == kind]


def test_a_clean_study_is_clean(planted):
    assert kinds(open_study(planted())) == CLEAN


def test_two_exchanged_landmarks_are_named(planted):
    study = open_study(planted(in_one("f03.png", lambda p: p[[0, 1, 2, 4, 3, 5]])))
    (finding,) = only(study, "swapped")
    assert (finding.image, finding.landmarks) == ("f03.png", ("nose", "mouth"))
    assert kinds(study) == CLEAN | {"swapped"}


def test_exchanged_eyes_are_seen(planted):
    study = open_study(planted(in_one("f03.png", lambda p: p[[0, 2, 1, 3, 4, 5]])))
    found = [f for f in find_problems(study) if f.image == "f03.png"]
    assert {frozenset(f.landmarks) for f in found} == {frozenset({"eye_l", "eye_r"})}


def test_a_landmark_far_off_is_named(planted):
    def astray(points):
        points[3] += (40, -70)
        return points

    found = [f for f in find_problems(open_study(planted(in_one("f05.png", astray)))) if f.image]
    assert {f.image for f in found} == {"f05.png"}
    assert all("nose" in f.landmarks for f in found)


def test_a_point_outside_the_image_is_an_error(planted):
    def out(points):
        points[5] = (85, 205)
        return points

    (finding,) = only(open_study(planted(in_one("f02.png", out))), "outside-image")
    assert (finding.severity, finding.image, finding.landmarks) == ("error", "f02.png", ("chin",))
    assert "5.5 px outside the image of 160 x 200" in finding.sentence


def test_a_point_on_the_rim_is_not_outside(planted):
    def rim(points):
        points[5] = (85, 200)
        return points

    assert "outside-image" not in kinds(open_study(planted(in_one("f02.png", rim))))


def test_absent_landmarks_are_told_by_image_and_common_absence_once(planted):
    def absent(name, points):
        points = points.copy()
        points[4] = np.nan if name < "f06.png" else points[4]
        points[0] = np.nan if name == "f11.png" else points[0]
        return points

    study = open_study(planted(absent))
    assert [(f.image, f.landmarks) for f in only(study, "absent")] == [("f11.png", ("brow",))]
    assert [f.landmarks for f in only(study, "often-absent")] == [("mouth",)]


def test_two_landmarks_on_one_spot_are_told(planted):
    def together(points):
        points[4] = points[5]
        return points

    (finding,) = only(open_study(planted(in_one("f02.png", together))), "same-place")
    assert finding.landmarks == ("mouth", "chin")


def test_annotators_who_part_on_one_landmark_are_told(planted):
    def apart(points):
        points[3] += (28, 0)
        return points

    folder = planted(in_one("f06.png", apart), annotators=("A", "B"))
    found = only(open_study(folder), "annotators-apart")
    assert [(f.image, f.landmarks) for f in found] == [("f06.png", ("nose",))]


def test_images_that_cannot_be_read_are_blank_or_lack_annotation_are_told(planted):
    folder = planted()
    (folder / "images" / "f01.png").write_bytes(b"no film")
    Pillow.fromarray(np.full((200, 160), 7, np.uint8)).save(folder / "images" / "f02.png")
    Pillow.fromarray(film(99)).save(folder / "images" / "new.png")
    (folder / "images" / "f04.png").unlink()
    study = survey_study(folder)
    assert [f.image for f in only(study, "unreadable-image")] == ["f01.png"]
    assert [f.image for f in only(study, "blank-image")] == ["f02.png"]
    assert [f.image for f in only(study, "not-annotated")] == ["new.png"]
    assert [f.image for f in only(study, "image-missing")] == ["f04.png"]


def test_spacing_in_another_unit_is_told_and_missing_spacing_counted(planted):
    folder = planted()
    rows = [f"f{i:02d}.png,{0.0002 if i == 9 else 0.2 if i else ''}" for i in range(12)]
    (folder / "meta.csv").write_text("image,mm_per_px\n" + "\n".join(rows) + "\n")
    study = open_study(folder)
    assert [f.image for f in only(study, "unusual-spacing")] == ["f09.png"]
    (finding,) = only(study, "no-calibration")
    assert finding.sentence.startswith("1 of 12 images")


def changed_copies(pixels):
    """The same film as another program might have stored it."""
    half = Pillow.fromarray(pixels).resize((SIZE[0] // 2, SIZE[1] // 2), Pillow.Resampling.BICUBIC)
    height, width = pixels.shape
    return {
        "same": pixels,
        "half": np.asarray(half),
        "paler": (pixels * 0.6 + 60).astype(np.uint8),
        "gamma": (255 * (pixels / 255) ** 1.6).astype(np.uint8),
        "deep": pixels.astype(np.uint16) * 257,
        "cut": pixels[: int(height * 0.97), int(width * 0.03) :],
        "noisy": cv2.add(pixels, (np.random.default_rng(5).random(pixels.shape) * 10).astype("u1")),
    }


def test_copies_are_found_however_they_were_stored_and_other_films_are_not(tmp_path):
    files = {}
    for i in range(12):
        files[f"{i}.png"] = tmp_path / f"{i}.png"
        Pillow.fromarray(film(i)).save(files[f"{i}.png"])
    assert find_duplicates(files) == ()
    for name, pixels in changed_copies(film(3)).items():
        copy = tmp_path / f"copy_{name}.png"
        Pillow.fromarray(pixels).save(copy)
        found = find_duplicates({**files, "copy": copy})
        assert [(pair.first, pair.second) for pair in found] == [("3.png", "copy")], name
    Pillow.fromarray(film(3)).save(tmp_path / "copy.jpg", quality=40)
    (pair,) = find_duplicates({**files, "copy": tmp_path / "copy.jpg"})
    assert (pair.first, pair.how) == ("3.png", "")


@pytest.mark.parametrize(
    ("how", "change"), [("mirrored", lambda p: p[:, ::-1]), ("negative", lambda p: 255 - p)]
)
def test_a_turned_copy_is_found_and_says_how(tmp_path, how, change):
    files = {}
    for i in range(8):
        files[f"{i}"] = tmp_path / f"{i}.png"
        Pillow.fromarray(film(i)).save(files[f"{i}"])
    files["copy"] = tmp_path / "copy.png"
    Pillow.fromarray(np.ascontiguousarray(change(film(5)))).save(files["copy"])
    (pair,) = find_duplicates(files)
    assert (pair.first, pair.second, pair.how) == ("5", "copy", how)


def test_pairs_of_one_label_are_not_looked_at(tmp_path):
    files = {name: tmp_path / f"{name}.png" for name in "ab"}
    for path in files.values():
        Pillow.fromarray(film(1)).save(path)
    assert len(find_duplicates(files)) == 1
    assert find_duplicates(files, apart={"a": "x", "b": "x"}) == ()
    assert find_duplicates({}) == ()


def test_a_copy_under_another_subject_is_an_error_and_a_split_over_it_is_refused(planted):
    folder = planted()
    Pillow.fromarray(film(4)).save(folder / "images" / "f09.png")
    study = open_study(folder)
    (finding,) = only(study, "copy-across-subjects")
    assert (finding.severity, finding.image, finding.other) == ("error", "f04.png", "f09.png")
    rest = tuple(c.identifier for c in study.cases if c.identifier != "f09.png")
    with pytest.raises(StudyError, match=r"'f04\.png' in train and 'f09\.png' in test"):
        refuse_leaks(Split({"train": rest, "test": ("f09.png",)}), study)
    line = same_subject_line([finding])
    (folder / "study.toml").write_text(line)
    study = open_study(folder)
    assert "copy-across-subjects" not in kinds(study)
    assert [f.severity for f in only(study, "copy-in-subject")] == ["note"]


def test_a_mirrored_shape_is_told_from_exchanged_sides():
    rng = np.random.default_rng(0)
    # A profile: nothing on the other side looks like this one.
    base = np.array([[0, 0], [60, 5], [50, 40], [20, 90], [70, 80], [10, 50]], float)
    shapes = base + rng.normal(0, 1.0, (30, 6, 2))
    shapes[4, :, 0] *= -1
    order = np.arange(6)
    found = shape_problems(shapes, mirror_order=order)
    assert [(p.row, p.kind) for p in found] == [(4, "mirrored")]
    pair = np.array([0, 2, 1, 4, 3, 5])
    limbs = np.array([[0, 0], [-40, 10], [40, 10], [-70, 60], [70, 60], [5, 80]], float)
    shapes = limbs + rng.normal(0, 1.0, (30, 6, 2))
    shapes[8] = shapes[8][pair]
    (found,) = shape_problems(shapes, mirror_order=pair)
    assert (found.row, found.kind, found.landmarks) == (8, "sides-swapped", (1, 2, 3, 4))


@pytest.mark.parametrize("share", [2, 3, 5])
def test_films_that_face_either_way_are_compared_as_if_they_faced_one(share):
    rng = np.random.default_rng(1)
    base = np.array([[0, 0], [60, 5], [50, 40], [20, 90], [70, 80], [10, 50]], float)
    shapes = base + rng.normal(0, 1.0, (60, 6, 2))
    shapes[::share, :, 0] *= -1
    shapes[::share] += (100.0, 0.0)
    order = np.arange(6)
    assert faces_other_way(shapes, mirror_order=order).sum() in {60 // share, 60 - 60 // share}
    assert shape_problems(shapes, mirror_order=order) == []
    shapes[10:12] = shapes[10:12][:, [0, 4, 2, 3, 1, 5]]
    found = shape_problems(shapes, mirror_order=order)
    assert [(p.row, p.kind, set(p.landmarks)) for p in found] == [
        (10, "swapped", {1, 4}),
        (11, "swapped", {1, 4}),
    ]


def test_sides_exchanged_in_many_images_are_still_told():
    rng = np.random.default_rng(0)
    limbs = np.array([[0, 0], [-40, 10], [40, 10], [-70, 60], [70, 60], [5, 80]], float)
    pair = np.array([0, 2, 1, 4, 3, 5])
    shapes = limbs + rng.normal(0, 1.0, (30, 6, 2))
    shapes[:9] = shapes[:9][:, pair]
    assert not faces_other_way(shapes, mirror_order=pair).any()
    found = shape_problems(shapes, mirror_order=pair)
    assert [problem.row for problem in found] == list(range(9))


def test_shapes_are_compared_whatever_their_place_turn_and_size():
    rng = np.random.default_rng(2)
    shapes = FACE + rng.normal(0, 1.5, (40, 6, 2))
    for i in range(40):
        a, scale = rng.uniform(-0.6, 0.6), rng.uniform(0.5, 2)
        turn = scale * np.array([[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]])
        shapes[i] = shapes[i] @ turn.T + rng.uniform(-50, 50, 2)
    order = np.arange(6)
    assert shape_problems(shapes, mirror_order=order) == []
    shapes[11, [3, 5]] = shapes[11, [5, 3]]
    (found,) = shape_problems(shapes, mirror_order=order)
    assert (found.row, found.kind, found.landmarks) == (11, "swapped", (3, 5))


def test_few_or_empty_shapes_say_nothing():
    order = np.arange(6)
    assert shape_problems(np.tile(FACE, (5, 1, 1)), mirror_order=order) == []
    assert shape_problems(np.full((20, 6, 2), np.nan), mirror_order=order) == []
    same = np.tile(FACE, (20, 1, 1))
    same[:, 2] = np.nan
    assert shape_problems(same, mirror_order=order) == []


def run(*arguments):
    app = typer.Typer()
    app.command()(check)
    return CliRunner().invoke(app, [str(a) for a in arguments])


def test_the_command_writes_findings_and_a_sheet_and_fails_on_errors(planted, tmp_path):
    def out(points):
        points[5] = (85, 230)
        return points

    folder = planted(in_one("f02.png", out))
    result = run(folder, "--out", tmp_path / "out")
    assert result.exit_code == 1
    assert "outside-image" in result.output
    content = json.loads((tmp_path / "out" / "findings.json").read_text())
    assert content["errors"] == 1
    assert content["findings"][0]["kind"] == "outside-image"
    with Pillow.open(tmp_path / "out" / "contact_sheet.png") as sheet:
        assert sheet.size[0] == 4 * (TILE + 2 * MARGIN)
    assert str(folder) not in json.dumps(content)


def test_the_command_prints_json_and_passes_a_clean_study(planted):
    result = run(planted(), "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["errors"] == 0
    assert json.loads(result.stdout)["images"] == 12


def test_a_sheet_rings_the_landmark_where_it_is(planted, tmp_path):
    study = open_study(planted(in_one("f03.png", lambda p: p[[0, 1, 2, 4, 3, 5]])))
    findings = only(study, "swapped")
    assert write_contact_sheet(study, findings, tmp_path / "sheet.png") == 1
    sheet = cv2.imread(str(tmp_path / "sheet.png"))[..., ::-1].astype(int)
    assert sheet.shape[0] == TILE + CAPTION + 2 * MARGIN
    red = (sheet[..., 0] > 200) & (sheet[..., 1] < 120)
    fit = TILE / SIZE[1]
    points = study.case("f03.png").points
    for name in ("nose", "mouth"):
        x, y = (points[name] + 0.5) * fit + MARGIN
        ring = red[int(y) - 7 : int(y) + 8, int(x) - 7 : int(x) + 8]
        assert ring.sum() > 15
    x, y = (points["chin"] + 0.5) * fit + MARGIN
    assert red[int(y) - 7 : int(y) + 8, int(x) - 7 : int(x) + 8].sum() == 0
    assert write_contact_sheet(study, [], tmp_path / "none.png") == 0
