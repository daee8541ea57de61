"""The table of limbs of a study, of one run and of several: files, page, terminal, costs."""

import csv
import json
import re
from dataclasses import replace
from io import StringIO
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from palpate.cli import limb_figures
from palpate.cli.limb_figures import show_limbs
from palpate.errors import StudyError
from palpate.evaluation.cases import EvaluatedCase
from palpate.evaluation.limb_costs import RunCost, StageCost
from palpate.io.predictions import PredictedImage
from palpate.points import Points
from palpate.prediction import Prediction
from palpate.report.limb_page import limb_page
from palpate.report.limb_paper import PUBLISHED
from palpate.report.limb_plot import limb_plot
from palpate.report.limb_report import ReportedLimbs, render_limbs
from palpate.report.limb_tables import cost_table, error_table, found_table, reading
from palpate.scheme import LandmarkScheme
from palpate.study import Study
from palpate.study_case import ClipFrame, StudyCase
from palpate.training.recipe import read_recipe
from palpate.workflows import compare as compare_module
from palpate.workflows.assess import assess, with_limbs, write_assessment
from palpate.workflows.compare import compare_recipes, write_comparison
from palpate.workflows.evaluate import EvaluatedStudy
from palpate.workflows.folds import make_folds
from palpate.workflows.limb_tables import (
    BASELINE,
    limb_frames,
    study_limbs,
    tells_of_limbs,
    write_limbs,
)
from palpate.workflows.train_folds import Workers

SIDES = ("right", "left")
CHAINS = (("shoulder", "elbow", "wrist"), ("hip", "knee", "ankle"))
SCHEME = LandmarkScheme(
    "infant",
    tuple(f"{side}_{joint}" for chain in CHAINS for side in SIDES for joint in chain),
    edges=tuple(
        (f"{side}_{first}", f"{side}_{second}")
        for chain in CHAINS
        for side in SIDES
        for first, second in pairwise(chain)
    ),
)
LIMBS = ("right arm", "left arm", "right leg", "left leg", "all limbs")
# Two of the three infants are filmed upright, so that a px of the grid is not the same in all.
SIZES = {"infant01": (640, 480), "infant02": (320, 240), "infant03": (480, 640)}
STAGES = [
    {
        "name": name,
        "parameters": parameters,
        "multiply_accumulates": 10 * parameters,
        "seconds_per_epoch": seconds,
        "epochs": 3,
        "steps": 30,
    }
    for name, parameters, seconds in (("detection", 2_000_000, 8.0), ("regression", 500_000, 2.0))
]


def study_of(subjects=tuple(SIZES), frames=7, *, between=False):
    cases = []
    for subject in subjects:
        size = SIZES[subject]
        for k in range(frames):
            r = np.random.default_rng([k, *subject.encode()])
            points = Points.of(SCHEME, r.uniform(0.2, 0.8, (12, 2)) * np.array(size))
            clip = ClipFrame(subject, 5 * k, k / 6, size)
            if between and k % 2:
                clip = replace(clip, interpolated=frozenset(SCHEME.names))
            cases.append(
                StudyCase(
                    f"{subject}#{5 * k}",
                    Path("none"),
                    subject,
                    annotations={"a": points},
                    clip=clip,
                )
            )
    return Study("infants", Path("none"), SCHEME, tuple(cases))


def predicted(study, sd=3.0, lost=0.1, seed=0):
    r = np.random.default_rng(seed)
    made = []
    for case in study.cases:
        points = case.points.coordinates + r.normal(0.0, sd, (12, 2))
        points[r.random(12) < lost] = np.nan
        prediction = Prediction.exact(Points.of(SCHEME, points), made_by="test")
        made.append(EvaluatedCase(case.identifier, case.subject, "", case.points, prediction))
    return tuple(made)


def evaluated(study, **more):
    cases = predicted(study, **more)
    images = tuple(
        PredictedImage(c.identifier, c.prediction, study.case(c.identifier).clip.size, c.subject)
        for c in cases
    )
    return EvaluatedStudy(cases, images, {})


def write_run(folder, *, method="limbs", metrics=None):
    folder.mkdir(parents=True)
    (folder / "localiser.json").write_text(json.dumps({"method": method}))
    told = {"stages": STAGES, "seconds_per_clip": 0.04} if metrics is None else metrics
    (folder / "metrics.json").write_text(json.dumps(told))
    return folder


def rows_of(path):
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_a_px_of_the_grid_is_that_of_128_by_96():
    study = study_of()
    frames = limb_frames(study, predicted(study), made_by="net")
    scale = dict(zip(frames.subjects, frames.scales["grid_px"][:, 0], strict=True))
    assert scale == pytest.approx({"infant01": 0.2, "infant02": 0.4, "infant03": 0.15})
    assert (frames.scales["px"] == 1.0).all()


def test_the_mean_pose_of_the_others_knows_nothing_of_the_subject(tmp_path):
    study = study_of()
    run = write_run(tmp_path / "run")
    one = study_limbs(study, {"net": predicted(study)}, {"net": [run]}, seed=0)
    moved = tuple(
        replace(case, annotations={"a": Points.of(SCHEME, case.points.coordinates + 20.0)})
        if case.subject == "infant01"
        else case
        for case in study.cases
    )
    other_study = replace(study, cases=moved)
    other = study_limbs(other_study, {"net": predicted(other_study)}, {"net": [run]}, seed=0)
    own = [row for row, name in enumerate(one.baseline.errors.subjects) if name == "infant01"]
    assert own
    assert not np.allclose(
        one.baseline.errors.rmsd["px"][own], other.baseline.errors.rmsd["px"][own]
    )
    alone = limb_frames(study, predicted(study), made_by="x")
    assert one.baseline.made_by == BASELINE
    assert one.baseline.errors.found.sum() == one.baseline.errors.annotated.sum()
    assert alone.identifiers[0] == "infant01#0"


def test_labels_between_annotated_frames_are_in_no_clip():
    study = study_of(between=True)
    found = study_limbs(study, {"net": predicted(study)}, {}, seed=0).found[0]
    assert found.errors.clips == ("infant01#0", "infant02#0", "infant03#0")
    assert found.errors.left_out == 3  # of 0, 10, 20 and 30


def test_only_runs_that_find_limbs_in_clips_get_the_table(tmp_path):
    study = study_of()
    limbs = write_run(tmp_path / "limbs")
    network = write_run(tmp_path / "network", method="network")
    assert tells_of_limbs(study, [network, limbs])
    assert not tells_of_limbs(study, [network])
    assert not tells_of_limbs(study, [tmp_path / "nowhere"])
    without = replace(study, landmarks=LandmarkScheme("infant", SCHEME.names))
    assert not tells_of_limbs(without, [limbs])
    images = replace(study, cases=tuple(replace(case, clip=None) for case in study.cases))
    assert not tells_of_limbs(images, [limbs])
    with pytest.raises(StudyError, match="is an image; put the clips"):
        limb_frames(images, predicted(study), made_by="net")


def test_one_run_is_written_with_its_costs(tmp_path):
    study = study_of()
    result = evaluated(study)
    run = write_run(tmp_path / "run")
    plain = assess(study, result, protocol=None, seed=0)
    assert with_limbs(plain, [tmp_path / "none"], seed=0, made_by="net") is plain
    full = with_limbs(plain, [run], seed=0, made_by="net")
    write_limbs(full.limbs, tmp_path / "out", title="Limbs", provenance={})
    rows = rows_of(tmp_path / "out" / "limbs.csv")
    assert len(rows) == 2 * 2 * len(LIMBS)  # net and baseline, two units
    first = rows[0]
    assert (first["made_by"], first["limb"], first["unit"]) == ("net", "right arm", "grid_px")
    assert (first["parameters"], first["seconds_per_clip"]) == ("2500000.0", "0.04")
    assert (first["regression_seconds_per_epoch"], first["seconds_per_epoch"]) == ("2.0", "10.0")
    assert rows[-1]["parameters"] == ""
    clips = rows_of(tmp_path / "out" / "limb_clips.csv")
    assert len(clips) == 2 * 6 * len(LIMBS)
    text = (tmp_path / "out" / "limbs.csv").read_text() + (
        tmp_path / "out" / "limb_clips.csv"
    ).read_text()
    assert "nan" not in text


def test_metrics_of_an_assessment_hold_the_limbs(tmp_path, monkeypatch):
    study = study_of()
    monkeypatch.setattr("palpate.workflows.assess.write_report", lambda report, path: None)
    full = with_limbs(
        assess(study, evaluated(study), protocol=None, seed=0),
        [write_run(tmp_path / "run")],
        seed=0,
        made_by="net",
    )
    write_assessment(full, tmp_path / "out", {"run": "r"})
    limbs = json.loads((tmp_path / "out" / "metrics.json").read_text())["limbs"]
    assert limbs["predictions"]["net"]["clips"] == 6
    assert limbs["costs"]["net"]["parameters"] == 2_500_000
    assert limbs["grid"] == [128, 96]
    assert (tmp_path / "out" / "limbs.html").exists()


def recipes(*names):
    base = read_recipe("default", [])
    return [base.model_copy(update={"name": name}) for name in names]


def compared(tmp_path, monkeypatch, *, method="limbs", metrics=None):
    """Compare recipes whose predictions are made up; the second is worse, the third in part."""
    study = study_of()
    quality = {"full": (3.0, 0.1, 0), "same": (3.0, 0.1, 0), "worse": (9.0, 0.3, 1)}

    def cross_validate(folds, recipe, out, **_):
        for number in range(len(folds.splits)):
            write_run(out / f"fold-{number + 1}", method=method, metrics=metrics)
        sd, lost, seed = quality[recipe.name]
        return evaluated(folds.study, sd=sd, lost=lost, seed=seed)

    monkeypatch.setattr(compare_module, "cross_validate", cross_validate)
    monkeypatch.setattr("palpate.workflows.folds.find_copies", lambda study: [])
    chosen = recipes("full", "same", "worse")
    folds = make_folds(study, chosen[0].crossval, seed=0, count=3)
    return compare_recipes(folds, chosen, tmp_path, workers=Workers(), advance=lambda *told: None)


def test_recipes_side_by_side(tmp_path, monkeypatch):
    comparison = compared(tmp_path, monkeypatch)
    write_comparison(comparison, tmp_path)
    limbs = json.loads((tmp_path / "comparison.json").read_text())["limbs"]
    assert list(limbs["predictions"]) == ["full", "same", "worse", BASELINE]
    assert list(limbs["differences"]) == ["same", "worse"]
    assert limbs["costs"]["worse"]["runs"] == 3
    rows = rows_of(tmp_path / "limb_differences.csv")
    same = [row for row in rows if row["recipe"] == "same"]
    worse = [row for row in rows if row["recipe"] == "worse"]
    assert len(same) == len(worse) == 2 * len(LIMBS)
    assert {row["median_percent"] for row in same} == {"0.0"}
    assert all(float(row["mean_percent"]) > 50 for row in worse)
    assert all(float(row["first_share_found"]) > float(row["second_share_found"]) for row in worse)
    assert comparison.limbs.baseline.made_by == BASELINE
    page = (tmp_path / "limbs.html").read_text()
    for words in ("right arm", "worse", "2.5 M", "paper, asymmetric", BASELINE):
        assert words in page


def test_recipes_of_another_method_stay_as_they_were(tmp_path, monkeypatch):
    comparison = compared(tmp_path, monkeypatch, method="network")
    assert comparison.limbs is None
    write_comparison(comparison, tmp_path)
    assert "limbs" not in json.loads((tmp_path / "comparison.json").read_text())
    assert not (tmp_path / "limbs.csv").exists()


def test_costs_that_are_not_told_are_a_dash_and_a_note(tmp_path, monkeypatch):
    comparison = compared(tmp_path, monkeypatch, metrics={"calibration": 1.0})
    write_comparison(comparison, tmp_path)
    page = (tmp_path / "limbs.html").read_text()
    assert "fold-1: its metrics.json does not tell stages, seconds_per_clip" in page
    assert rows_of(tmp_path / "limbs.csv")[0]["parameters"] == ""


def test_the_terminal_shows_the_papers_table(tmp_path, monkeypatch):
    stream = StringIO()
    monkeypatch.setattr(limb_figures, "console", Console(file=stream, width=200))
    show_limbs(compared(tmp_path, monkeypatch).limbs)
    text = stream.getvalue()
    for words in (*LIMBS, "full", "worse", BASELINE, "2.5 M", "25.0 M", "0.04", "not by both"):
        assert words in text
    assert re.search(r"same .* right arm .* \+0\.0 % \(\+0\.0 to \+0\.0\) .* yes", text)
    assert re.search(r"worse .* all limbs .* no ", text)


def test_the_page_of_one_subject_says_why_there_is_no_interval(tmp_path):
    study = study_of(("infant01",))
    studied = study_limbs(study, {"net": predicted(study)}, {}, seed=0)
    assert studied.baseline is None
    assert studied.costs == {}
    page = limb_page(ReportedLimbs("Limbs", studied.found, notes=studied.notes))
    assert "One subject: there are no intervals." in page.notes
    assert page.costs is None
    (ours,) = (row for row in page.errors.rows if row[0] == "net")
    assert [cell.below for cell in ours[1:]] == [""] * len(LIMBS)


def test_a_limb_that_nobody_annotated_is_a_dash_with_its_reason():
    study = study_of()
    gone = np.array(["leg" in name or "left_wrist" in name for name in SCHEME.names])
    gone |= np.array([name in ("left_shoulder", "left_elbow") for name in SCHEME.names])
    cases = tuple(
        replace(
            case,
            annotations={
                "a": Points.of(SCHEME, np.where(gone[:, None], np.nan, case.points.coordinates))
            },
        )
        for case in study.cases
    )
    study = replace(study, cases=cases)
    studied = study_limbs(study, {"net": predicted(study)}, {}, seed=0)
    report = ReportedLimbs("Limbs", studied.found, studied.baseline)
    left_arm = 1 + LIMBS.index("left arm")
    for row in error_table(report, "grid_px").rows[:2]:
        assert (row[left_arm].text, row[left_arm].below) == ("–", "never annotated")
    assert {row[left_arm].text for row in found_table(report).rows} == {"–"}
    html = render_limbs(report)
    assert not re.search(r"\bnan\b", html, flags=re.IGNORECASE)


def test_frames_that_make_no_clip_leave_a_page_that_says_so(tmp_path):
    study = study_of(frames=2)
    studied = study_limbs(study, {"net": predicted(study)}, {}, seed=0)
    write_limbs(studied, tmp_path, title="Limbs", provenance={})
    assert "no consecutive annotated frames" in (tmp_path / "limbs.html").read_text()
    assert not (tmp_path / "limb_clips.csv").exists()
    assert limb_plot([studied.found[0].errors], unit="px", label="px") == ""


def test_the_papers_figures_are_rows_below_ours_in_its_own_unit():
    study = study_of()
    found = study_limbs(study, {"net": predicted(study)}, {}, seed=0).found
    table = error_table(ReportedLimbs("Limbs", found), "grid_px")
    assert table.head[1:] == LIMBS
    assert [row[0] for row in table.rows] == ["net", "Published, of other infants", *PUBLISHED]
    assert table.rows[-1] == (
        "paper, asymmetric",
        "16.90 (2.71)",
        "16.59 (2.43)",
        "16.27 (2.97)",
        "13.99 (4.60)",
        "–",
    )
    assert [row[0] for row in error_table(ReportedLimbs("Limbs", found), "px").rows] == ["net"]


def test_a_limb_that_is_not_in_every_clip_says_of_how_many_its_median_is():
    study = study_of()
    cases = list(predicted(study, lost=0.0))
    legs = np.array([name in ("right_hip", "right_knee", "right_ankle") for name in SCHEME.names])
    for row, case in enumerate(cases):
        if case.identifier in ("infant01#0", "infant01#5", "infant01#10"):
            lost = np.where(legs[:, None], np.nan, case.prediction.mean)
            points = Points.of(SCHEME, lost)
            cases[row] = replace(case, prediction=Prediction.exact(points, made_by="test"))
    report = ReportedLimbs("Limbs", study_limbs(study, {"net": cases}, {}, seed=0).found)
    right_leg = 1 + LIMBS.index("right leg")
    ours = error_table(report, "grid_px").rows[0]
    assert ours[right_leg].below.endswith("of 5 clips")
    assert "clips" not in ours[1].below
    (found,) = found_table(report).rows
    assert found[right_leg].below == "nothing in 1 clip"
    assert (found[right_leg].text, found[1].text) == ("83.3 %", "100.0 %")


def test_names_from_outside_are_escaped():
    study = study_of()
    found = study_limbs(study, {"<b>net": predicted(study)}, {}, seed=0).found
    html = render_limbs(ReportedLimbs("<script>", found))
    assert "<b>net" not in html
    assert "<script></title>" not in html


def test_pages_compare_the_same_clips_under_different_names():
    study, shorter = study_of(), study_of(frames=4)
    one, two = (
        study_limbs(each, {"net": predicted(each)}, {}, seed=0).found[0]
        for each in (study, shorter)
    )
    with pytest.raises(StudyError, match="two predictions are called 'net'"):
        ReportedLimbs("Limbs", [one, one])
    with pytest.raises(StudyError, match="different clips or limbs"):
        ReportedLimbs("Limbs", [one, replace(two, errors=replace(two.errors, made_by="other"))])
    with pytest.raises(StudyError, match="at least one evaluation"):
        ReportedLimbs("Limbs", [])


def test_within_five_per_cent_needs_the_whole_interval():
    study = study_of()
    rows = study_limbs(
        study,
        {"a": predicted(study, lost=0.0), "b": predicted(study, lost=0.0)},
        {},
        seed=0,
    ).differences["b"]
    row = rows[0]

    def told(low, high):
        return reading(replace(row, median=replace(row.median, interval=(low, high))))

    assert [told(-9.0, 5.0), told(-1.0, 5.1), told(5.1, 9.0)] == ["yes", "not settled", "no"]
    assert reading(replace(row, median=None)) == "not known"


def test_costs_as_a_table():
    cost = RunCost((StageCost("regression", 1_234_567.0, 2.5e9, 1500.0),), 0.0312, 1)
    study = study_of()
    found = study_limbs(study, {"net": predicted(study)}, {}, seed=0).found
    (row,) = cost_table(ReportedLimbs("Limbs", found, costs={"net": cost})).rows
    assert row == ("net", "1.2 M", "2.5 G", "1500", "1500", "0.0312")
