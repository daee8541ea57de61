"""Pre-annotation: proposals are near, are no annotation, and go back only once corrected."""

import csv
import json
import shutil
import sys
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image as Pillow

from palpate.checks import find_problems
from palpate.cli.app import main
from palpate.errors import ConfigError, FormatError, PalpateError, StudyError
from palpate.io.annotation import AnnotationFile
from palpate.io.csv_plain import read_csv, write_csv
from palpate.io.formats import WRITERS, format_of, read_annotation
from palpate.phantoms.write import write_phantom
from palpate.points import Points
from palpate.study import open_study
from palpate.study_proposals import (
    PROPOSAL,
    ProposalRecord,
    Proposed,
    as_proposed,
    read_proposal_record,
)
from palpate.training.recipe import read_recipe
from palpate.workflows.seed import without_points
from palpate.workflows.seed_files import FORMATS, SeedFolder, format_for, write_proposals
from palpate.workflows.seed_queue import read_looked_at
from palpate.workflows.seed_return import take_back
from palpate.workflows.seed_train import seeding_job

LEVEL = "{long_side_px=60, patch_px=25, reach_px=12, search_px=10, rounds=2, radius_px=10.0}"
SMALL = [
    *("--set", f"forest.levels=[{LEVEL}]"),
    *("--set", "forest.tree.trees=3"),
    *("--set", "forest.poses=2"),
    *("--set", "forest.search.samples=2000"),
]
TABLES = ("landmarks.csv", "landmarks_annotatorA.csv", "landmarks_annotatorB.csv")
DRAWN = 10


def palpate(*words):
    """Run the command; return its exit code."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["palpate", *map(str, words)])
        with pytest.raises(SystemExit) as stop:
            main()
    return stop.value.code or 0


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return write_phantom("femur", tmp_path_factory.mktemp("hips") / "study", n=16)


@pytest.fixture(scope="module")
def part(whole, tmp_path_factory):
    """The study with the annotation of its last films taken out, and one film that is blank."""
    study = tmp_path_factory.mktemp("part") / "study"
    shutil.copytree(whole, study)
    for table in TABLES:
        lines = (study / table).read_text().splitlines(keepends=True)
        (study / table).write_text("".join(lines[: DRAWN + 1]))
    Pillow.fromarray(np.full((300, 400), 7, np.uint8)).save(study / "images" / "blank.png")
    return study


@pytest.fixture(scope="module")
def seeded(part, tmp_path_factory):
    before = snapshot(part)
    out = tmp_path_factory.mktemp("seed") / "out"
    assert palpate("annotate-seed", part, "--out", out, *SMALL) == 0
    assert snapshot(part) == before
    return out


@pytest.fixture
def out(seeded, tmp_path):
    """Proposals that a test may edit."""
    return shutil.copytree(seeded, tmp_path / "out")


@pytest.fixture
def study(part, tmp_path):
    return shutil.copytree(part, tmp_path / "study")


def snapshot(folder):
    return {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def corrected(out, names, shift=(3.0, 0.0)):
    """Move three landmarks of these images, as a person would."""
    content = read_csv(out / "proposals.csv")
    rows = []
    for row in content.rows:
        moved = row.points.coordinates.copy()
        moved[:3] += np.array(shift) * (row.image in names)
        rows.append(replace(row, points=Points.of(content.scheme, moved)))
    write_csv(AnnotationFile(content.scheme, tuple(rows)), out / "proposals.csv")


def proposed_names(out):
    return list(read_proposal_record(out / "proposed.json").images)


def test_proposals_are_far_nearer_to_the_truth_than_the_mean_shape(whole, part, seeded):
    truth = {row.image: row.points.coordinates for row in read_csv(whole / "truth/left.csv").rows}
    drawn = open_study(part).annotated()
    mean = np.mean([case.points.coordinates for case in drawn.cases], axis=0)
    ours, theirs = [], []
    rows = read_csv(seeded / "proposals.csv").rows
    assert len(rows) == 6
    for row in rows:
        assert row.annotator == PROPOSAL
        exact = truth[row.image]
        ours.append(np.linalg.norm(row.points.coordinates - exact, axis=1).mean())
        theirs.append(np.linalg.norm(mean - exact, axis=1).mean())
    assert np.median(ours) < 0.25 * np.median(theirs)


def test_the_queue_names_every_image_and_the_blank_one_has_its_reason(seeded, capsys):
    rows = list(csv.DictReader((seeded / "queue.csv").read_text().splitlines()))
    assert [row["rank"] for row in rows] == ["1", "2", "3", "4", "5", "6", ""]
    assert all(float(row["expected_error"]) > 0 for row in rows[:6])
    scores = [float(row["score"]) for row in rows[:6] if "lost" not in row["reason"]]
    assert scores == sorted(scores)
    assert rows[6]["image"] == "blank.png"
    assert "one grey value" in rows[6]["reason"]
    for name in ("queue.png", "report.html", "predictions.json", "overlays/s0012_1.png.png"):
        assert (seeded / name).exists()


def test_a_proposal_is_never_annotation_whatever_file_it_stands_in(study, seeded):
    annotated = len(open_study(study).annotated())
    places = ["landmarks_annotatorC.csv", "landmarks_annotatorproposal.csv"]
    for place in places:
        shutil.copy(seeded / "proposals.csv", study / place)
        opened = open_study(study)
        assert len(opened.annotated()) == annotated
        assert all(set(case.annotations) <= {"A", "B"} for case in opened.cases)
        (finding,) = (f for f in opened.findings if f.kind == "proposal")
        assert "6 images are what a model proposed" in finding.sentence
        (study / place).unlink()
    # As the study's only file, too.
    for table in TABLES:
        (study / table).unlink()
    shutil.copy(seeded / "proposals.csv", study / "landmarks.csv")
    assert len(open_study(study).annotated()) == 0


def test_a_file_of_proposals_beside_the_annotation_is_not_taken_for_it(study, seeded):
    annotated = len(open_study(study).annotated())
    shutil.copy(seeded / "proposals.csv", study)
    shutil.copy(seeded / "proposed.json", study)
    assert len(open_study(study).annotated()) == annotated


def test_what_was_corrected_goes_back_and_what_was_not_stays(study, out, capsys):
    names = proposed_names(out)
    corrected(out, names[:2])
    rows = list(csv.DictReader((out / "queue.csv").read_text().splitlines()))
    for row in rows:
        row["looked_at"] = "yes" if row["image"] == names[2] else ""
    with (out / "queue.csv").open("w", newline="") as stream:
        writer = csv.DictWriter(stream, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    before = snapshot(study)
    assert palpate("annotate-seed", study, "--out", out, "--corrected-by", "Ada") == 0
    assert snapshot(study) == before
    said = capsys.readouterr().out
    assert "2 images corrected by Ada (median of 3 landmarks moved)" in said
    assert "1 looked at and left as they were" in said
    assert "3 stay proposals" in said
    # Whom the film shows is for a person to say: nothing was invented on the way.
    shutil.copytree(out / "corrected", study, dirs_exist_ok=True)
    with pytest.raises(StudyError, match="name no subject"):
        open_study(study)
    settings = study / "study.toml"
    settings.write_text("subject_pattern = '^(s\\d+)_'\n" + settings.read_text())
    opened = open_study(study)
    ada = [case for case in opened.cases if "Ada" in case.annotations]
    assert sorted(case.identifier for case in ada) == sorted(names[:3])
    proposed = {row.image: row.points for row in read_csv(out / "proposals.csv").rows}
    for case in ada:
        assert np.array_equal(case.points.coordinates, proposed[case.identifier].coordinates)
    findings = find_problems(opened)
    assert not [f for f in findings if f.kind == "not-corrected"]
    (note,) = (f for f in findings if f.kind == "looked-at")
    assert note.image == names[2]
    assert "Ada looked at them" in note.sentence
    # Training sees them.
    assert set(names[:3]) <= set(seeding_job(opened, read_recipe("rfrv-clm")).part("train")) | set(
        seeding_job(opened, read_recipe("rfrv-clm")).part("validation")
    )


def test_a_second_round_adds_to_what_the_person_had(study, out):
    settings = study / "study.toml"
    settings.write_text("subject_pattern = '^(s\\d+)_'\n" + settings.read_text())
    names = proposed_names(out)
    corrected(out, names[:1])
    folder = SeedFolder(out)
    take_back(open_study(study), folder, by="A")
    shutil.copytree(out / "corrected", study, dirs_exist_ok=True)
    assert sum("A" in case.annotations for case in open_study(study).cases) == DRAWN + 1
    corrected(out, names[1:2])
    back = take_back(open_study(study), folder, by="A")
    assert set(back.corrected) == set(names[:2])
    shutil.copytree(out / "corrected", study, dirs_exist_ok=True)
    assert sum("A" in case.annotations for case in open_study(study).cases) == DRAWN + 2
    assert set(read_proposal_record(study / "proposed.json").images) == set(names[:2])


def test_a_name_put_on_an_untouched_proposal_is_found_by_check(study, out):
    settings = study / "study.toml"
    settings.write_text("subject_pattern = '^(s\\d+)_'\n" + settings.read_text())
    text = (out / "proposals.csv").read_text().replace(f",{PROPOSAL},", ",,")
    (study / "landmarks_annotatorC.csv").write_text(text)
    shutil.copy(out / "proposed.json", study)
    found = [f for f in find_problems(open_study(study)) if f.kind == "not-corrected"]
    assert sorted(f.image for f in found) == sorted(proposed_names(out))
    # Two who began from one proposal are no two people.
    (study / "landmarks_annotatorD.csv").write_text(text)
    (alike,) = (f for f in find_problems(open_study(study)) if f.kind == "annotators-alike")
    assert "6 images" in alike.sentence


def test_nothing_corrected_is_refused_and_says_what_to_do(study, out):
    with pytest.raises(PalpateError, match="as they were proposed, so none is taken"):
        take_back(open_study(study), SeedFolder(out), by="Ada")
    with pytest.raises(PalpateError, match="wants the name of a person"):
        take_back(open_study(study), SeedFolder(out), by="Proposal")
    with pytest.raises(PalpateError, match="holds no proposals"):
        take_back(open_study(study), SeedFolder(out / "none"), by="Ada")


def test_a_misspelt_landmark_or_another_image_is_refused_by_name(study, out):
    text = (out / "proposals.csv").read_text()
    (out / "proposals.csv").write_text(text.replace("head_1_", "haed_1_"))
    with pytest.raises(FormatError, match=r"'haed_1'.*did you mean 'head_1'"):
        take_back(open_study(study), SeedFolder(out), by="Ada")
    (out / "proposals.csv").write_text(text.replace("s0012_1.png", "s0099_1.png"))
    with pytest.raises(FormatError, match=r"'s0099_1\.png', which is no image"):
        take_back(open_study(study), SeedFolder(out), by="Ada")


def test_proposals_are_not_written_over_and_a_run_is_used_again(part, seeded, out, capsys):
    assert palpate("annotate-seed", part, "--out", out, *SMALL) == 1
    assert "not written over" in " ".join(capsys.readouterr().err.split())
    (out / "proposed.json").unlink()  # as if it had been stopped
    weights = out / "run" / "weights.safetensors"
    before = weights.stat().st_mtime_ns
    assert palpate("annotate-seed", part, "--out", out, *SMALL) == 0
    assert weights.stat().st_mtime_ns == before
    assert (out / "proposals.csv").read_bytes() == (seeded / "proposals.csv").read_bytes()
    (out / "proposed.json").unlink()
    words = (*SMALL, "--set", "seed=1")
    assert palpate("annotate-seed", part, "--out", out, *words) == 1
    assert "other annotation or by another recipe" in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize("name", [n for n in FORMATS if n != "deeplabcut-h5"])
def test_every_format_says_that_a_model_made_it_and_comes_back(name, part, seeded, tmp_path):
    opened, folder = open_study(part), SeedFolder(tmp_path / "made")
    rows = read_csv(seeded / "proposals.csv").rows[:2]
    points = {row.image: Points.of(opened.scheme, row.points.coordinates) for row in rows}
    sizes = {row.image: (640, 600) for row in rows}
    path = write_proposals(opened, points, sizes, folder, name)
    shutil.copy(seeded / "proposed.json", folder.record)
    assert folder.proposals() == path
    content = read_annotation(path)
    assert {row.annotator for row in content.rows} == {PROPOSAL}
    with pytest.raises(PalpateError, match="as they were proposed"):
        take_back(opened, folder, by="Ada")
    moved = content.rows[0].points.coordinates.copy()
    moved[5] += (0.0, 4.0)
    row = replace(content.rows[0], points=Points.of(content.scheme, moved))
    WRITERS[name](AnnotationFile(content.scheme, (row, *content.rows[1:])), path)
    back = take_back(opened, folder, by="Ada")
    assert list(back.corrected.values()) == [1]
    assert len(back.untouched) == 5
    if name == "labelme":
        assert (path / next(iter(points))).exists()


def test_pts_is_refused_and_the_studys_own_format_is_the_default(study):
    opened = open_study(study)
    assert format_for(opened, None) == "csv"
    with pytest.raises(ConfigError, match="cannot say that a model made them"):
        format_for(opened, "pts")
    with pytest.raises(ConfigError, match="not as 'excel'"):
        format_for(opened, "excel")


@pytest.mark.parametrize("layout", ["single", "coco", "named"])
def test_corrections_enter_a_study_of_any_layout(layout, study, out):
    names = proposed_names(out)
    settings = study / "study.toml"
    text = "subject_pattern = '^(s\\d+)_'\n" + settings.read_text()
    if layout == "named":
        files = {"A": "landmarks_annotatorA.csv", "B": "b.csv"}
        (study / "landmarks_annotatorB.csv").rename(study / "b.csv")
        listed = ", ".join(f'{who} = "{file}"' for who, file in files.items())
        text = f"annotations = {{{listed}}}\nreference = 'landmarks.csv'\n" + text
    else:
        for table in TABLES[1:]:
            (study / table).unlink()
    if layout == "coco":
        WRITERS["coco"](read_csv(study / "landmarks.csv"), study / "labels.json")
        (study / "landmarks.csv").unlink()
    settings.write_text(text)
    before = {c.identifier: c.points.coordinates for c in open_study(study).annotated().cases}
    corrected(out, names[:2])
    back = take_back(open_study(study), SeedFolder(out), by="Ada")
    shutil.copytree(out / "corrected", study, dirs_exist_ok=True)
    if back.setting:
        kept = [line for line in text.splitlines() if not line.startswith("annotations")]
        settings.write_text("\n".join([back.setting, *kept]))
    opened = open_study(study)
    after = {case.identifier: case.points.coordinates for case in opened.annotated().cases}
    assert set(after) == set(before) | set(names[:2])
    assert all(np.array_equal(after[name], before[name]) for name in before)
    assert all("Ada" in opened.case(name).annotations for name in names[:2])


def test_nothing_to_propose_and_nothing_to_learn_from_are_told(whole, study, tmp_path, capsys):
    assert palpate("annotate-seed", whole, "--out", tmp_path / "o") == 0
    assert "there is nothing to propose" in " ".join(capsys.readouterr().out.split())
    for table in TABLES:
        (study / table).unlink()
    assert palpate("annotate-seed", study, "--out", tmp_path / "o") == 1
    said = " ".join(capsys.readouterr().err.split())
    assert "draw about 20 by hand first" in said
    assert not (tmp_path / "o").exists()


def test_a_run_proposes_for_a_study_without_any_annotation(study, seeded, tmp_path):
    for table in TABLES:
        (study / table).unlink()
    words = ("--run", seeded / "run", "--subject-limit", 1)
    assert palpate("annotate-seed", study, "--out", tmp_path / "o", *words) == 1  # the blank one
    (study / "images" / "blank.png").unlink()
    assert palpate("annotate-seed", study, "--out", tmp_path / "o", *words) == 0
    assert format_of(tmp_path / "o" / "proposals.csv") == "csv"
    corrected(tmp_path / "o", proposed_names(tmp_path / "o"))
    back = take_back(open_study(study), SeedFolder(tmp_path / "o"), by="Ada")
    assert back.file.name == "landmarks.csv"


def test_images_kept_for_a_test_are_not_learned_from(study):
    for table in TABLES:
        text = (study / table).read_text()
        for name in ("s0000_1.png", "s0000_2.png"):
            text = text.replace(f"{name},,", f"{name},test,")
        (study / table).write_text(text)
    job = seeding_job(open_study(study), read_recipe("rfrv-clm"))
    used = job.part("train") + job.part("validation")
    assert not set(used) & {"s0000_1.png", "s0000_2.png"}
    assert len(used) == DRAWN - 2
    assert job.part("validation")


def test_few_subjects_are_all_learned_from(study):
    opened = open_study(study).subset([f"s000{i}_1.png" for i in range(3)])
    job = seeding_job(opened, read_recipe("rfrv-clm"))
    assert len(job.part("train")) == 3
    with pytest.raises(StudyError, match="has one image to learn from"):
        seeding_job(opened.subset(["s0000_1.png"]), read_recipe("rfrv-clm"))


def test_images_without_points_are_counted_by_subject(part):
    opened = open_study(part)
    assert len(without_points(opened)) == 7
    assert len(without_points(opened, subjects=2)) == 2


def test_rounding_is_no_correction_and_a_move_is_one():
    rng = np.random.default_rng(0)
    was = rng.uniform(0, 500, (40, 2)).round(3)
    was[3] = np.nan
    for kept in (was, was.round(2), was.round(1), was.round(0), np.floor(was) + 0.5):
        assert as_proposed(kept, was).all()
    moved = was.copy()
    moved[7] += (0.0, 0.013)
    moved[3] = (5.0, 5.0)
    moved[9] = np.nan
    assert np.flatnonzero(~as_proposed(moved, was)).tolist() == [3, 7, 9]


def test_a_record_comes_back_and_a_damaged_one_is_refused(tmp_path):
    points = np.array([[1.125, 2.0], [np.nan, np.nan]])
    record = ProposalRecord(("a", "b"), {"x.png": Proposed(points, "Ada")}, {"localiser": "m"})
    record.write(tmp_path / "proposed.json")
    back = read_proposal_record(tmp_path / "proposed.json")
    assert back.landmarks == ("a", "b")
    assert back.images["x.png"].looked_at_by == "Ada"
    assert np.array_equal(back.images["x.png"].coordinates, points, equal_nan=True)
    whole = (tmp_path / "proposed.json").read_text()
    for text in ("", whole[:40], "[]", whole.replace("1.125", "NaN"), whole.replace("null,", "")):
        if text == whole:
            continue
        (tmp_path / "bad.json").write_text(text)
        with pytest.raises(FormatError, match=r"bad\.json"):
            read_proposal_record(tmp_path / "bad.json")


def test_a_queue_that_a_spreadsheet_saved_is_read(tmp_path):
    from palpate.study_names import ImageNames

    names = ImageNames(["a.png", "b.png"])
    path = tmp_path / "queue.csv"
    assert read_looked_at(path, names) == set()
    path.write_text("\ufeffrank;image;looked_at\n1;a.png;\n2;b.png;ok\n", encoding="utf-8")
    assert read_looked_at(path, names) == {"b.png"}
    path.write_text("rank,image\n1,a.png\n")
    with pytest.raises(FormatError, match="looked_at"):
        read_looked_at(path, names)


def test_results_hold_no_path_of_this_machine(part, seeded):
    for path in seeded.rglob("*"):
        if path.suffix in (".json", ".csv", ".html") and path.name != "study.json":
            assert str(part.parent) not in path.read_text(), path
    assert json.loads((seeded / "proposed.json").read_text())["origin"]["localiser"]
