"""Calibrating runs: who may be calibrated on, and what a cross-validation says of itself."""

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import tomli_w
from typer.testing import CliRunner

from palpate.cli.app import app
from palpate.errors import ConfigError, PalpateError, StudyError
from palpate.image import Image
from palpate.io.predictions import PredictedImage, PredictionFile, write_predictions
from palpate.localisers.calibrated import (
    CalibratedLocaliser,
    calibration_path,
    find_calibration,
    with_calibration,
)
from palpate.localisers.clip import ClipLocaliser
from palpate.localisers.localiser import Localiser
from palpate.localisers.run_folder import RunFolder
from palpate.localisers.views import ViewsLocaliser
from palpate.prediction import Prediction
from palpate.protocols.protocol import read_protocol
from palpate.scheme import LandmarkScheme
from palpate.splits import Split
from palpate.study import Study, open_study
from palpate.training.recipe import read_recipe
from palpate.trust.store import write_calibration
from palpate.workflows.asking import Asking, load_asked, unused_calibrations
from palpate.workflows.assess import assess, write_assessment
from palpate.workflows.calibrate import (
    calibrate_ensemble,
    calibrate_on_folds,
    calibrate_run,
    fold_folders,
    held_out_of_folds,
)
from palpate.workflows.cross_conformal import cross_calibrations, folds_of, one_calibration
from palpate.workflows.evaluate import EvaluatedStudy, pair

SUBJECTS = 30
NAMES = ("a", "b", "c", "d")
PLACES = np.array([[8.0, 8.0], [50.0, 10.0], [12.0, 40.0], [52.0, 44.0]])
PROTOCOL = """
name = "corners"
version = "1"
title = "t"
source = "s"
[scheme]
landmarks = ["a", "b", "c", "d"]
[[quantity]]
name = "top"
unit = "px"
meaning = "m"
sign = "unsigned"
source = "s"
[quantity.formula]
kind = "distance"
start = "a"
end = "b"
[quantity.example]
points = { a = [0.0, 0.0], b = [3.0, 4.0] }
value = 5.0
because = "3, 4, 5"
"""


class Marksman:
    """Stands in for a localiser: finds every landmark with an error drawn from the pixels."""

    scheme = LandmarkScheme("corners", NAMES)
    name = "marksman"
    weights = "abc"
    protocol = ""
    variance_factor = None

    def predict(self, image: Image) -> Prediction:
        rng = np.random.default_rng(int(image.grey().sum()))
        mean = PLACES + rng.normal(scale=1.5, size=PLACES.shape)
        return Prediction(self.scheme, mean, np.tile(np.eye(2), (4, 1, 1)), np.ones(4), "marksman")


def names_of(numbers: range) -> tuple[str, ...]:
    return tuple(f"{number:02d}.png" for number in numbers)


def make_study(root: Path, *, seed: int = 0, prefix: str = "") -> Study:
    """A study of one film a subject: blurred noise, the landmarks where they always are."""
    (root / "images").mkdir(parents=True)
    rng = np.random.default_rng(seed)
    rows = ["image,subject," + ",".join(f"{n}_x,{n}_y" for n in NAMES)]
    for number, name in enumerate(names_of(range(SUBJECTS))):
        smooth = cv2.GaussianBlur(rng.normal(size=(56, 64)), (0, 0), 3)
        pixels = cv2.normalize(smooth, None, 0, 255, cv2.NORM_MINMAX).astype(np.uint8)
        cv2.imwrite(str(root / "images" / f"{prefix}{name}"), pixels)
        rows.append(f"{prefix}{name},s{number}," + ",".join(f"{v:g}" for v in PLACES.ravel()))
    (root / "landmarks.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    (root / "corners.toml").write_text(PROTOCOL, encoding="utf-8")
    return open_study(root)


@pytest.fixture(scope="module")
def study(tmp_path_factory) -> Study:
    return make_study(tmp_path_factory.mktemp("home") / "study")


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory) -> Study:
    return make_study(tmp_path_factory.mktemp("away") / "study", seed=1, prefix="other-")


def protocol_of(study: Study):
    return read_protocol(str(study.root / "corners.toml"))


def run_folder(path: Path, study: Study, split: dict[str, tuple[str, ...]]) -> RunFolder:
    folder = RunFolder(path)
    path.mkdir(parents=True)
    Split(split).write(folder.split)
    recipe = read_recipe("rfrv-clm")
    text = tomli_w.dumps(recipe.model_dump(exclude_none=True))
    folder.recipe.write_text(text, encoding="utf-8")
    folder.study.write_text(json.dumps({"path": str(study.root)}), encoding="utf-8")
    return folder


def predicted(study: Study) -> tuple[PredictedImage, ...]:
    images = ((case, study.load(case).image) for case in study.cases)
    return tuple(
        PredictedImage(case.identifier, Marksman().predict(image), image.size, case.subject)
        for case, image in images
    )


@pytest.fixture
def crossval(tmp_path, study) -> Path:
    out = tmp_path / "cv"
    everyone = names_of(range(SUBJECTS))
    for fold in range(3):
        test = everyone[fold * 10 : fold * 10 + 10]
        train = tuple(name for name in everyone if name not in test)
        run_folder(out / f"fold-{fold + 1}", study, {"train": train, "test": test})
    file = PredictionFile(Marksman.scheme, predicted(study))
    write_predictions(file, out / "predictions.json")
    return out


def test_a_stand_in_is_a_localiser():
    assert isinstance(Marksman(), Localiser)


def test_a_run_is_calibrated_on_subjects_it_did_not_see(tmp_path, study):
    split = {"train": names_of(range(10)), "validation": names_of(range(10, 30))}
    folder = run_folder(tmp_path / "run", study, split)
    found = calibrate_run(Marksman(), folder, study, part="validation", protocol=protocol_of(study))
    assert found.count == 20
    assert found.weights == "abc"
    # 1.5 px of noise where 1 px was stated.
    np.testing.assert_allclose(found.factors, 2.25, rtol=0.5)
    assert set(found.scores_of(protocol_of(study))) == {"top"}
    write_calibration(found, calibration_path(folder.root))
    localiser = with_calibration(Marksman(), folder.root)
    assert isinstance(localiser, CalibratedLocaliser)
    image = study.load(study.cases[0]).image
    assert localiser.predict(image).basis == "conformal"
    np.testing.assert_allclose(
        localiser.predict(image).covariance, found.factors[:, None, None] * np.eye(2)
    )


def test_a_run_is_never_calibrated_on_what_it_was_trained_on(tmp_path, study):
    split = {"train": names_of(range(10)), "test": names_of(range(10, 30))}
    folder = run_folder(tmp_path / "run", study, split)
    with pytest.raises(StudyError, match=r"trained on subject 's0'"):
        calibrate_run(Marksman(), folder, study, part="train", protocol=None)


def test_copies_of_training_images_are_refused(tmp_path):
    root = tmp_path / "study"
    (root / "images").mkdir(parents=True)
    rng = np.random.default_rng(1)
    rows = ["image,subject,a_x,a_y"]
    smooth = cv2.GaussianBlur(rng.normal(size=(80, 80)), (0, 0), 4)
    film = cv2.normalize(smooth, None, 0, 255, cv2.NORM_MINMAX).astype(np.uint8)
    for number in range(12):
        other = cv2.GaussianBlur(rng.normal(size=(80, 80)), (0, 0), 4)
        pixels = cv2.normalize(other, None, 0, 255, cv2.NORM_MINMAX).astype(np.uint8)
        cv2.imwrite(
            str(root / "images" / f"{number:02d}.png"), film if number in (0, 5) else pixels
        )
        rows.append(f"{number:02d}.png,s{number},3,4")
    (root / "landmarks.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    study = open_study(root)
    split = {"train": names_of(range(2)), "test": names_of(range(2, 12))}
    folder = run_folder(tmp_path / "run", study, split)
    with pytest.raises(StudyError, match="nearly the same image"):
        calibrate_run(Marksman(), folder, study, part="test", protocol=None)


def test_nobody_or_too_few_held_out_is_said_with_what_to_do(tmp_path, study):
    split = {"train": names_of(range(22)), "test": names_of(range(22, 30))}
    folder = run_folder(tmp_path / "run", study, split)
    with pytest.raises(StudyError, match=r"--crossval"):
        calibrate_run(Marksman(), folder, study, part="validation", protocol=None)
    with pytest.raises(StudyError, match=r"8 held-out subjects are too few"):
        calibrate_run(Marksman(), folder, study, part="test", protocol=None)


def test_a_cross_validation_calibrates_the_run_of_its_recipe(tmp_path, study, crossval):
    folder = run_folder(tmp_path / "run", study, {"train": names_of(range(30))})
    found = calibrate_on_folds(Marksman(), folder, crossval, study, protocol=protocol_of(study))
    assert found.count == 30
    assert found.how == "cross"
    other = RunFolder(crossval / "fold-2")
    text = other.recipe.read_text(encoding="utf-8")
    other.recipe.write_text(text.replace("seed = 0", "seed = 5", 1), encoding="utf-8")
    with pytest.raises(ConfigError, match="another recipe"):
        calibrate_on_folds(Marksman(), folder, crossval, study, protocol=None)


def test_folds_that_trained_on_what_they_predicted_are_refused(tmp_path, study, crossval):
    assert len(held_out_of_folds(crossval, study)) == 30
    cases = list(study.cases)
    cases[0] = replace(cases[0], subject=cases[15].subject)
    with pytest.raises(StudyError, match="trained on subject 's15'"):
        held_out_of_folds(crossval, replace(study, cases=tuple(cases)))
    with pytest.raises(PalpateError, match="no cross-validation"):
        held_out_of_folds(tmp_path, study)


def test_every_subject_is_judged_by_what_others_said(study, crossval, tmp_path):
    images = predicted(study)
    evaluated = EvaluatedStudy(
        tuple(pair(study.case(image.image), image) for image in images), images, {}
    )
    protocol = protocol_of(study)
    calibrations, _ = cross_calibrations(evaluated, folds_of(crossval), protocol)
    assert set(calibrations) == set(names_of(range(30)))
    for case in evaluated.cases:
        assert case.subject not in calibrations[case.identifier].subjects
    found = assess(study, evaluated, protocol=protocol, seed=0, calibrations=calibrations)
    trusted = found.trusted
    assert trusted.regions[0].count == 120
    assert {each.name for each in trusted.measurements} == {"all", "top"}
    stated, mended = (each.levels[2].share for each in (trusted.stated, trusted.regions[0]))
    assert stated < 0.75
    assert mended > 0.82
    assert found.measured[0].measurements[0].basis == "conformal"
    write_assessment(found, tmp_path / "out", {})
    assert (tmp_path / "out" / "coverage.csv").read_text(encoding="utf-8").count("\n") > 20
    assert "Does the uncertainty hold?" in (tmp_path / "out" / "report.html").read_text(
        encoding="utf-8"
    )
    # What is kept can be calibrated again.
    write_predictions(
        PredictionFile(Marksman.scheme, found.evaluated.predicted), crossval / "predictions.json"
    )
    with pytest.raises(StudyError, match="calibrated before"):
        held_out_of_folds(crossval, study)


def test_no_coverage_is_told_of_levels_that_have_no_bound(study):
    images = predicted(study)[:24]
    evaluated = EvaluatedStudy(
        tuple(pair(study.case(image.image), image) for image in images), images, {}
    )
    halves = [frozenset(names_of(range(12))), frozenset(names_of(range(12, 24)))]
    calibrations, _ = cross_calibrations(evaluated, halves, protocol_of(study))
    trusted = assess(
        study, evaluated, protocol=protocol_of(study), seed=0, calibrations=calibrations
    ).trusted
    # 12 subjects bound 90 %, not 95 %: where there is no bound, everything would be inside.
    for each in (*trusted.regions, *trusted.measurements):
        assert [level.level for level in each.levels] == [0.5, 0.8, 0.9]
    assert [level.level for level in trusted.stated.levels] == [0.5, 0.8, 0.9, 0.95]


def test_nothing_is_counted_on_subjects_that_were_calibrated_on(study, crossval):
    images = predicted(study)
    evaluated = EvaluatedStudy(
        tuple(pair(study.case(image.image), image) for image in images), images, {}
    )
    calibrations, _ = cross_calibrations(evaluated, folds_of(crossval), None)
    known = calibrations["00.png"]
    own = one_calibration(names_of(range(10, 30)), known)
    assert assess(study, evaluated, protocol=None, seed=0, calibrations=own).trusted is None


def test_too_few_subjects_leave_a_cross_validation_uncalibrated(study, tmp_path):
    names = names_of(range(10))
    images = tuple(image for image in predicted(study) if image.image in names)
    evaluated = EvaluatedStudy(
        tuple(pair(study.case(image.image), image) for image in images), images, {}
    )
    folds = [frozenset(names[:5]), frozenset(names[5:])]
    known, why_none = cross_calibrations(evaluated, folds, None)
    assert known == {}
    assert "5 held-out subjects are too few" in why_none
    alone, why_none = cross_calibrations(evaluated, [frozenset(names), frozenset({"99.png"})], None)
    assert alone == {}
    assert "one fold alone" in why_none
    found = assess(study, evaluated, protocol=protocol_of(study), seed=0)
    assert found.trusted is None
    assert found.measured[0].measurements[0].basis == "uncalibrated"


def test_a_calibration_of_other_weights_or_landmarks_is_refused(tmp_path, study):
    split = {"train": names_of(range(10)), "validation": names_of(range(10, 30))}
    folder = run_folder(tmp_path / "run", study, split)
    found = calibrate_run(Marksman(), folder, study, part="validation", protocol=None)
    write_calibration(found, calibration_path(folder.root))
    retrained = Marksman()
    retrained.weights = "def"
    with pytest.raises(ConfigError, match="palpate calibrate"):
        with_calibration(retrained, folder.root)
    other = Marksman()
    other.scheme = LandmarkScheme("other", ("x", "y", "z", "w"))
    with pytest.raises(ConfigError, match="other landmarks"):
        with_calibration(other, folder.root)
    assert find_calibration(tmp_path) is None


def test_an_ensemble_is_calibrated_on_a_study_that_no_member_saw(study, elsewhere, crossval):
    folders = [RunFolder(fold) for fold in fold_folders(crossval)]
    found = calibrate_ensemble(Marksman(), folders, elsewhere, protocol=protocol_of(study))
    assert (found.count, found.how, found.weights) == (30, "split", "abc")
    # The last of the folds alone knows this image.
    strange = replace(study, cases=elsewhere.cases[:20] + study.cases[25:26])
    Split({"train": names_of(range(10)), "test": names_of(range(10, 20))}).write(folders[0].split)
    Split({"train": names_of(range(10)), "test": names_of(range(10, 20))}).write(folders[1].split)
    with pytest.raises(StudyError, match=r"split knows 1 of these images, '25\.png'"):
        calibrate_ensemble(Marksman(), folders, strange, protocol=None)


def test_copies_of_training_images_are_refused_in_another_study_too(tmp_path, study, elsewhere):
    folder = run_folder(tmp_path / "run", study, {"train": names_of(range(30))})
    assert calibrate_run(Marksman(), folder, elsewhere, part="all", protocol=None).count == 30
    renamed = make_study(tmp_path / "copies", prefix="other-")
    with pytest.raises(StudyError, match="nearly the same image"):
        calibrate_run(Marksman(), folder, renamed, part="all", protocol=None)
    with pytest.raises(StudyError, match="nearly the same image"):
        calibrate_ensemble(Marksman(), [folder, folder], renamed, protocol=None)


def test_a_cross_validation_of_another_study_says_nothing_of_a_run(
    tmp_path, study, elsewhere, crossval
):
    names = tuple(case.identifier for case in elsewhere.cases)
    folder = run_folder(tmp_path / "run", elsewhere, {"train": names})
    with pytest.raises(ConfigError, match="trained on no image of study"):
        calibrate_on_folds(Marksman(), folder, crossval, study, protocol=None)


def test_what_predicts_clips_is_not_calibrated(tmp_path, study, crossval):
    class Clips(Marksman):
        frames = 8
        interval_s = 0.1

        def prepare(self, image):
            raise NotImplementedError

        def find(self, clips, *, last=False):
            raise NotImplementedError

    assert isinstance(Clips(), ClipLocaliser)
    split = {"train": names_of(range(10)), "validation": names_of(range(10, 30))}
    folder = run_folder(tmp_path / "run", study, split)
    with pytest.raises(ConfigError, match="predictions of clips"):
        calibrate_run(Clips(), folder, study, part="validation", protocol=None)
    with pytest.raises(ConfigError, match="predictions of clips"):
        calibrate_on_folds(Clips(), folder, crossval, study, protocol=None)


def test_a_fold_that_was_put_away_is_no_fold(study, crossval):
    run_folder(crossval / "fold-1-old", study, {"train": names_of(range(30))})
    assert [fold.name for fold in fold_folders(crossval)] == ["fold-1", "fold-2", "fold-3"]


def test_a_calibration_of_one_look_is_for_one_look_alone(tmp_path, study, monkeypatch):
    split = {"train": names_of(range(10)), "validation": names_of(range(10, 30))}
    folder = run_folder(tmp_path / "run", study, split)
    found = calibrate_run(Marksman(), folder, study, part="validation", protocol=None)
    write_calibration(found, calibration_path(folder.root))
    monkeypatch.setattr("palpate.workflows.asking.load_localiser", lambda *_, **__: Marksman())
    run, image = str(folder.root), study.load(study.cases[0]).image
    # A blank or a comma too many makes no other run.
    for written in (run, f" {run},"):
        assert isinstance(load_asked(written, Asking()), CalibratedLocaliser)
        assert unused_calibrations(written, Asking()) == []
    views = load_asked(run, Asking(views=2))
    assert isinstance(views, ViewsLocaliser)
    assert views.predict(image).basis == "uncalibrated"
    assert "one plain look" in unused_calibrations(run, Asking(views=2))[0]
    assert len(unused_calibrations(f"{run},{tmp_path}", Asking())) == 1


def test_what_does_not_go_together_is_said(tmp_path, crossval):
    def said(*wish: str) -> str:
        return str(CliRunner().invoke(app, ["calibrate", *wish]).exception)

    assert "take one of them" in said("run", "--part", "test", "--crossval", str(crossval))
    assert "export that again" in said("model.onnx")
    for fold in fold_folders(crossval):
        RunFolder(fold).localiser.write_text("{}", encoding="utf-8")
    assert f"--crossval {crossval}" in said(str(crossval))
    assert "seen every subject" in said(str(crossval), str(tmp_path))


def test_the_command_says_what_is_missing(tmp_path, study):
    result = CliRunner().invoke(app, ["calibrate", str(tmp_path / "nowhere")])
    assert result.exit_code != 0
    assert isinstance(result.exception, PalpateError)
    result = CliRunner().invoke(app, ["calibrate", str(tmp_path)])
    assert isinstance(result.exception, PalpateError)
    assert "is not a finished run" in str(result.exception)
