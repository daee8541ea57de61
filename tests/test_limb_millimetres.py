"""Errors of limbs in millimetres: from the depth at the labels of a study of depth clips."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from palpate.evaluation.cases import EvaluatedCase
from palpate.evaluation.limb_depth import counts_at, px_in_mm
from palpate.geometry.pinhole import Intrinsics
from palpate.points import Points
from palpate.prediction import Prediction
from palpate.report.limb_page import limb_page
from palpate.report.limb_report import ReportedLimbs
from palpate.study import open_study
from palpate.workflows.limb_tables import study_limbs

SIZE = (64, 48)
NAMES = ("right_shoulder", "right_elbow", "right_wrist")
# Far from each other: a disc sees the depth of its own joint alone.
PLACES = np.array([[10.0, 10.0], [30.0, 20.0], [50.0, 40.0]])
INTRINSICS = "focal_px = [200.0, 200.0]\ncentre_px = [31.5, 23.5]\n"


def depth_of(counts, *, at=PLACES):
    """Each joint on a patch of its own depth, the mattress below."""
    made = np.full((SIZE[1], SIZE[0]), 900, dtype=np.uint16)
    for (x, y), value in zip(at.astype(int), counts, strict=True):
        made[y - 4 : y + 5, x - 4 : x + 5] = value
    return made


def study_of(root: Path, counts=(400, 600, 800), *, intrinsics=INTRINSICS, unit_mm=1.0):
    rows = ["video,frame,subject," + ",".join(f"{name}_x,{name}_y" for name in NAMES)]
    for subject in ("infant01", "infant02"):
        folder = root / "videos" / subject
        folder.mkdir(parents=True)
        for frame in range(3):
            assert cv2.imwrite(str(folder / f"{frame:06d}.png"), depth_of(counts))
            told = ",".join(f"{x},{y}" for x, y in PLACES)
            rows.append(f"{subject},{frame},{subject},{told}")
    (root / "landmarks.csv").write_text("\n".join(rows) + "\n")
    (root / "study.toml").write_text(
        "edges = [['right_shoulder', 'right_elbow'], ['right_elbow', 'right_wrist']]\n"
        f"[video]\n[video.depth]\nrate_hz = 6\nunit_mm = {unit_mm}\n{intrinsics}"
    )
    return open_study(root)


def predicted(study, off):
    """Every joint so many px to the right of its label; one that is NaN was not found."""
    moved = np.array([[x, 0.0] for x in off])
    return tuple(
        EvaluatedCase(
            case.identifier,
            case.subject,
            "",
            case.points,
            Prediction.exact(
                Points.of(study.scheme, case.points.coordinates + moved), made_by="test"
            ),
        )
        for case in study.cases
    )


def arm(study, off):
    return study_limbs(study, {"net": predicted(study, off)}, {}, seed=0)


def test_a_px_is_longer_where_the_scene_is_deeper(tmp_path):
    """Worked by hand: 2, 1 and 4 px at 400, 600 and 800 mm and 200 px of focal length."""
    studied = arm(study_of(tmp_path), (2.0, 1.0, 4.0))
    expected = np.sqrt(np.mean([4.0**2, 3.0**2, 16.0**2]))
    assert studied.found[0].errors.rmsd["mm"] == pytest.approx(np.full((2, 1), expected))
    (summary,) = studied.found[0].summaries["mm"]
    assert summary.median == pytest.approx(expected)
    assert "None was at" not in " ".join(studied.notes)


def test_counts_are_of_the_unit_that_the_study_says(tmp_path):
    half = arm(study_of(tmp_path, (800, 1200, 1600), unit_mm=0.5), (2.0, 1.0, 4.0))
    expected = np.sqrt(np.mean([4.0**2, 3.0**2, 16.0**2]))
    assert half.found[0].errors.rmsd["mm"] == pytest.approx(np.full((2, 1), expected))


def test_a_joint_over_a_hole_is_in_px_alone(tmp_path):
    studied = arm(study_of(tmp_path, (400, 0, 800)), (2.0, 1.0, 4.0))
    errors = studied.found[0].errors
    assert errors.rmsd["mm"] == pytest.approx(np.full((2, 1), np.sqrt(np.mean([16.0, 256.0]))))
    assert errors.rmsd["px"] == pytest.approx(np.full((2, 1), np.sqrt(np.mean([4.0, 1.0, 16.0]))))
    assert "None was at 6 of 18;" in " ".join(studied.notes)


def test_a_limb_over_a_hole_says_that_it_is_not_known_in_mm(tmp_path):
    studied = arm(study_of(tmp_path, (0, 0, 0)), (2.0, 1.0, 4.0))
    (summary,) = studied.found[0].summaries["mm"]
    assert (summary.median, summary.reason) == (None, "not known in this unit")
    (tile, *_) = limb_page(ReportedLimbs("Limbs", studied.found)).tiles
    assert " mm" not in tile.detail


def test_the_page_tells_px_and_mm(tmp_path):
    studied = arm(study_of(tmp_path), (2.0, 1.0, 4.0))
    page = limb_page(ReportedLimbs("Limbs", studied.found, studied.baseline))
    assert "9.68 mm" in page.tiles[0].detail
    assert [other.name for other in page.others] == ["px of the image as given", "mm"]
    assert page.others[1].table.rows[0][1].text.startswith("9.68 (")


def test_without_a_focal_length_there_are_no_millimetres(tmp_path):
    studied = arm(study_of(tmp_path, intrinsics=""), (2.0, 1.0, 4.0))
    assert list(studied.found[0].summaries) == ["grid_px", "px"]
    assert not any("mm" in note for note in studied.notes)


def test_a_frame_that_is_gone_is_not_known_in_mm_and_stops_nothing(tmp_path):
    study = study_of(tmp_path)
    (tmp_path / "videos" / "infant01" / "000001.png").unlink()
    studied = arm(study, (2.0, 2.0, 2.0))
    assert "None was at 3 of 18;" in " ".join(studied.notes)
    assert studied.found[0].errors.rmsd["px"] == pytest.approx(np.full((2, 1), 2.0))


def test_frames_are_read_once_and_in_order_for_all_predictions(tmp_path, monkeypatch):
    study = study_of(tmp_path)
    read = []
    plain = type(study).load
    monkeypatch.setattr(
        type(study), "load", lambda self, case: (read.append(case.identifier), plain(self, case))[1]
    )
    cases = predicted(study, (1.0, 1.0, 1.0))
    study_limbs(study, {"a": cases[::-1], "b": cases}, {}, seed=0)
    assert read == [case.identifier for case in study.cases]


def test_a_recipe_is_compared_with_another_in_mm(tmp_path):
    study = study_of(tmp_path)
    both = {"a": predicted(study, (1.0, 1.0, 1.0)), "b": predicted(study, (2.0, 2.0, 2.0))}
    (row,) = (
        row for row in study_limbs(study, both, {}, seed=0).differences["b"] if row.unit == "mm"
    )
    assert row.median.percent == pytest.approx(100.0)
    assert row.difference == pytest.approx(np.sqrt(np.mean([4.0, 9.0, 16.0])))


def test_the_middle_of_what_was_measured_is_the_depth_of_a_joint():
    depth = depth_of((400, 600, 800))
    depth[10, 10] = 0
    depth[10, 11] = 9000
    assert counts_at(depth, PLACES[0]) == 400.0
    assert np.isnan(counts_at(np.zeros_like(depth), PLACES[0]))
    assert np.isnan(counts_at(depth, np.array([np.nan, np.nan])))


@pytest.mark.parametrize("point", [(-30.0, 5.0), (200.0, 5.0), (5.0, -9.0), (5.0, 90.0)])
def test_beside_the_frame_nothing_was_measured(point):
    assert np.isnan(counts_at(depth_of((400, 600, 800)), np.array(point)))


def test_two_focal_lengths_count_as_their_geometric_mean():
    camera = Intrinsics((100.0, 400.0), (31.5, 23.5))
    told = px_in_mm(depth_of((400, 600, 800)), PLACES, unit_mm=1.0, intrinsics=camera)
    assert told == pytest.approx(np.array([2.0, 3.0, 4.0]))
