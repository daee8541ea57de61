"""From depth clips to linked limbs: training, run folder, evaluation, stills."""

import json
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from palpate.cli.app import app
from palpate.errors import ConfigError, GeometryError, PalpateError, StudyError
from palpate.image import Image
from palpate.localisers.clip import ClipLocaliser
from palpate.localisers.limb_spec import LimbSpec
from palpate.localisers.load import load_localiser
from palpate.sequences.windows import covering, overlapping
from palpate.splits import Split
from palpate.study import Study, open_study
from palpate.study_runs import runs_of
from palpate.training.job import TrainingJob, silent
from palpate.training.recipe import Recipe, read_recipe
from palpate.training.train import Manner
from palpate.workflows.evaluate import evaluate_study
from palpate.workflows.export import export_onnx
from palpate.workflows.train_job import train_job

SIZE = (64, 48)
JOINTS = ("shoulder", "elbow", "wrist")
FRAMES = 7

RECIPE = """
method = "limbs"
name = "tiny"
about = "a test"

[input]
size = [32, 32]

[maps]
radius_px = 3.0

[detection]
network = "infant-detection"
width = 0.125
target = "masks"
loss = "binary-cross-entropy"
optimiser = { name = "adam", learning_rate = 1e-2, schedule = "constant" }
training = { steps = 2, batch = 2 }

[regression]
network = "infant-regression-asym"
width = 0.06
target = "bumps"
loss = "mean-squared-error"
optimiser = { name = "sgd", momentum = 0.9, learning_rate = 1e-2, schedule = "constant" }
training = { steps = 2, batch = 2 }
"""


def write_clips(root: Path, *, subjects: int = 3, gap: int | None = None) -> Path:
    """Arms that swing over a bed, 5 cm higher than it; every bed has hills of its own."""
    rng = np.random.default_rng(0)
    rows = ["video,frame,subject," + ",".join(f"{j}_x,{j}_y" for j in JOINTS)]
    for subject in range(subjects):
        folder = root / "videos" / f"infant{subject}"
        folder.mkdir(parents=True)
        start = rng.uniform(14, 18, 2)
        bed = 500 + 10 * cv2.resize(rng.normal(size=(6, 8)), SIZE)
        for frame in range(FRAMES):
            if frame == gap:
                continue
            angle = 0.3 * frame + subject
            step = 12 * np.array([np.cos(angle), np.sin(angle) / 2])
            first = start + np.array([16, 6])
            points = np.stack([first, first + step, first + 2 * step])
            pixels = bed.astype(np.uint16)
            for a, b in pairwise(points):
                cv2.line(pixels, np.rint(a).astype(int), np.rint(b).astype(int), 450, 3)
            pixels[:2] = 0
            cv2.imwrite(str(folder / f"{frame:06d}.png"), pixels)
            cells = ",".join(f"{v:.2f}" for v in points.ravel())
            rows.append(f"infant{subject},{frame},s{subject},{cells}")
    (root / "landmarks.csv").write_text("\n".join(rows) + "\n")
    (root / "study.toml").write_text(
        'edges = [["shoulder", "elbow"], ["elbow", "wrist"]]\n'
        "[video]\ninterpolate = 1\n[video.depth]\nrate_hz = 6.0\n"
    )
    return root


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    return open_study(write_clips(tmp_path_factory.mktemp("clips") / "study"))


def split_of(study: Study) -> Split:
    parts: dict[str, tuple[str, ...]] = {}
    for part, subject in (("train", "s0"), ("validation", "s1"), ("test", "s2")):
        parts[part] = tuple(c.identifier for c in study.cases if c.subject == subject)
    return Split(parts, 0, "subject")


def job_of(study: Study, tmp_path: Path, text: str = RECIPE) -> TrainingJob[Recipe]:
    file = tmp_path / "tiny.toml"
    file.write_text(text)
    return TrainingJob(study, read_recipe(str(file)), split_of(study))


@pytest.fixture(scope="module")
def run(study: Study, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("run")
    train_job(job_of(study, root), root / "run", manner=Manner(device="cpu"), advance=silent)
    return root / "run"


def test_every_frame_is_read_once_whatever_the_length() -> None:
    for count in range(1, 12):
        read = [at for _, part in covering(count, 3) for at in part]
        assert read == list(range(count))
        assert all(set(part) <= set(clip) for clip, part in covering(count, 3))
    assert len(overlapping(20, 3)) == 18


def test_runs_end_where_frames_are_missing(tmp_path: Path) -> None:
    whole = open_study(write_clips(tmp_path / "a", subjects=1))
    cut = open_study(write_clips(tmp_path / "b", subjects=1, gap=3))
    assert [len(r) for r in runs_of(whole, [c.identifier for c in whole.cases]).runs] == [7]
    assert [len(r) for r in runs_of(cut, [c.identifier for c in cut.cases]).runs] == [3, 3]
    found = runs_of(whole, [c.identifier for c in whole.cases])
    assert found.interval_s == pytest.approx(1 / 6, abs=1e-3)


def test_frames_between_annotated_ones_make_runs_of_their_own(tmp_path: Path) -> None:
    root = write_clips(tmp_path / "study", subjects=1)
    rows = (root / "landmarks.csv").read_text().splitlines()
    (root / "landmarks.csv").write_text("\n".join([rows[0], *rows[1::3]]) + "\n")
    text = (root / "study.toml").read_text().replace("interpolate = 1", "interpolate = 3")
    (root / "study.toml").write_text(text)
    study = open_study(root)
    found = runs_of(study, [c.identifier for c in study.cases])
    assert [[int(n.split("#")[1]) for n in run] for run in found.runs] == [
        [0, 3, 6],
        [1, 4],
        [2, 5],
    ]
    assert found.interval_s == pytest.approx(0.5)


def test_a_study_at_another_rate_is_not_judged(run: Path, study: Study, tmp_path: Path) -> None:
    root = write_clips(tmp_path / "study", subjects=1)
    text = (root / "study.toml").read_text().replace("rate_hz = 6.0", "rate_hz = 30.0")
    (root / "study.toml").write_text(text)
    other = open_study(root)
    with pytest.raises(StudyError, match=r"0\.167 s apart"):
        evaluate_study(load_localiser(run), other, [c.identifier for c in other.cases])


@pytest.mark.parametrize(
    ("key", "value"), [("span", 0.0), ("frames", 0), ("networks", []), ("scale", "louder")]
)
def test_a_damaged_description_is_told(run: Path, tmp_path: Path, key: str, value: object) -> None:
    values = json.loads((run / "localiser.json").read_text()) | {key: value}
    with pytest.raises(ConfigError, match="damaged"):
        LimbSpec.from_json(values, where=str(tmp_path))


def test_a_run_is_whole_and_says_what_it_cost(run: Path) -> None:
    metrics = json.loads((run / "metrics.json").read_text())
    assert [stage["name"] for stage in metrics["stages"]] == ["detection", "regression"]
    for stage in metrics["stages"]:
        assert stage["parameters"] > 0
        assert stage["multiply_accumulates"] > 0
        assert stage["seconds_per_epoch"] > 0
        assert stage["steps"] == 2
        assert stage["clips"] == FRAMES - 2
    assert metrics["seconds_per_clip"] > 0
    for name in ("detection", "regression"):
        assert (run / name / "weights.safetensors").exists()


def test_the_same_seed_gives_the_same_weights(run: Path, study: Study, tmp_path: Path) -> None:
    train_job(job_of(study, tmp_path), tmp_path / "b", manner=Manner(device="cpu"), advance=silent)
    for name in ("detection", "regression"):
        ours = (run / name / "weights.safetensors").read_bytes()
        assert ours == (tmp_path / "b" / name / "weights.safetensors").read_bytes()


def test_an_interrupted_run_goes_on_to_the_same_weights(
    run: Path, study: Study, tmp_path: Path
) -> None:
    class StopError(Exception):
        pass

    def stop(what: str, done: int, total: int, remark: str) -> None:
        if "regression" in what:
            raise StopError

    with pytest.raises(StopError):
        train_job(
            job_of(study, tmp_path), tmp_path / "r", manner=Manner(device="cpu"), advance=stop
        )
    manner = Manner(resume=True, device="cpu")
    train_job(job_of(study, tmp_path), tmp_path / "r", manner=manner, advance=silent)
    ours = (run / "regression" / "weights.safetensors").read_bytes()
    assert ours == (tmp_path / "r" / "regression" / "weights.safetensors").read_bytes()


def test_a_run_is_loaded_and_judged_frame_by_frame(run: Path, study: Study) -> None:
    localiser = load_localiser(run)
    assert isinstance(localiser, ClipLocaliser)
    names = split_of(study).parts["test"]
    result = evaluate_study(localiser, study, names)
    assert sorted(case.identifier for case in result.cases) == sorted(names)
    assert not result.failures


def test_a_still_is_a_clip_that_does_not_move(run: Path, study: Study) -> None:
    localiser = load_localiser(run)
    assert isinstance(localiser, ClipLocaliser)
    image = study.load(study.cases[0]).image
    frame = localiser.prepare(image)
    together = localiser.find([[frame] * 3])[0]
    np.testing.assert_array_equal(localiser.predict(image).mean, together[1].prediction.mean)
    last = localiser.find([[frame] * 3], last=True)[0]
    assert len(last) == 1
    np.testing.assert_array_equal(last[0].prediction.mean, together[2].prediction.mean)


def test_depth_of_eight_bits_is_refused(run: Path) -> None:
    localiser = load_localiser(run)
    with pytest.raises(GeometryError, match="16 bits"):
        localiser.predict(Image(np.zeros((1, 48, 64), np.uint8), "flat"))


def test_wrong_numbers_of_frames_are_refused(run: Path, study: Study) -> None:
    localiser = load_localiser(run)
    assert isinstance(localiser, ClipLocaliser)
    frame = localiser.prepare(study.load(study.cases[0]).image)
    with pytest.raises(GeometryError, match="3 frames"):
        localiser.find([[frame] * 2])


def test_frames_without_any_depth_are_found_empty_or_not_but_never_nan(run: Path) -> None:
    localiser = load_localiser(run)
    prediction = localiser.predict(Image(np.zeros((1, 48, 64), np.uint16), "dark"))
    assert np.isfinite(prediction.score).all()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("regression.network=infant-regresion", "did you mean"),
        ("detection.loss=mean-squared-error", "probabilities"),
        ("input.size=[30, 30]", "multiples"),
        ("augment.mirror=0.5", "change sides"),
    ],
)
def test_recipes_that_cannot_be_are_refused(
    study: Study, tmp_path: Path, change: str, told: str
) -> None:
    file = tmp_path / "tiny.toml"
    file.write_text(RECIPE)
    job = TrainingJob(study, read_recipe(str(file), [change]), split_of(study))
    with pytest.raises(ConfigError, match=told):
        train_job(job, tmp_path / "run", manner=Manner(device="cpu"), advance=silent)


def test_landmarks_without_connections_are_refused(tmp_path: Path) -> None:
    root = write_clips(tmp_path / "study")
    text = (root / "study.toml").read_text().splitlines()
    (root / "study.toml").write_text("\n".join(line for line in text if "edges" not in line))
    job = job_of(open_study(root), tmp_path)
    with pytest.raises(StudyError, match="edges ="):
        train_job(job, tmp_path / "run", manner=Manner(device="cpu"), advance=silent)


def test_another_study_is_not_resumed(run: Path, study: Study, tmp_path: Path) -> None:
    with pytest.raises(PalpateError, match="already holds"):
        train_job(job_of(study, tmp_path), run, manner=Manner(device="cpu"), advance=silent)
    other = TrainingJob(
        study, read_recipe(str(tmp_path / "tiny.toml"), ["maps.radius_px=2"]), split_of(study)
    )
    with pytest.raises(ConfigError, match="another recipe"):
        train_job(other, run, manner=Manner(resume=True, device="cpu"), advance=silent)


def test_the_commands_go_through(study: Study, tmp_path: Path) -> None:
    file = tmp_path / "tiny.toml"
    file.write_text(RECIPE)
    out = tmp_path / "run"
    command = ["train", str(study.root), "--recipe", str(file), "--out", str(out)]
    command += ["--set", "split.validation=0.34", "--set", "split.test=0.34"]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, result.output
    result = CliRunner().invoke(app, ["evaluate", str(out), "--out", str(tmp_path / "judged")])
    assert result.exit_code == 0, result.output
    assert (tmp_path / "judged" / "report.html").exists()


def test_colour_clips_are_learned_in_grey(tmp_path: Path) -> None:
    root = write_clips(tmp_path / "study")
    for path in (root / "videos").rglob("*.png"):
        sixteen = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        assert sixteen is not None
        out = root / "images" / f"{path.parent.name}_{path.name}"
        out.parent.mkdir(exist_ok=True)
        cv2.imwrite(str(out), (sixteen // 3).astype(np.uint8))
        path.unlink()
    rows = (root / "landmarks.csv").read_text().splitlines()
    head = "image," + rows[0].removeprefix("video,frame,")
    body = [
        f"{row.split(',')[0]}_{int(row.split(',')[1]):06d}.png," + ",".join(row.split(",")[2:])
        for row in rows[1:]
    ]
    (root / "landmarks.csv").write_text("\n".join([head, *body]) + "\n")
    (root / "study.toml").write_text('edges = [["shoulder", "elbow"], ["elbow", "wrist"]]\n')
    images = open_study(root)
    file = tmp_path / "tiny.toml"
    file.write_text(RECIPE)
    job = TrainingJob(images, read_recipe(str(file), ["input.channels=grey"]), split_of(images))
    train_job(job, tmp_path / "run", manner=Manner(device="cpu"), advance=silent)
    localiser = load_localiser(tmp_path / "run")
    result = evaluate_study(localiser, images, split_of(images).parts["test"])
    assert len(result.cases) == FRAMES


def test_an_exported_chain_finds_the_same_without_torch(
    run: Path, study: Study, tmp_path: Path
) -> None:
    exported = export_onnx(run, tmp_path / "model.onnx")
    assert exported.difference_px < 0.01
    ours, theirs = load_localiser(run), load_localiser(exported.path)
    assert isinstance(theirs, ClipLocaliser)
    assert theirs.interval_s == pytest.approx(1 / 6, abs=1e-3)
    image = study.load(study.cases[0]).image
    np.testing.assert_allclose(ours.predict(image).score, theirs.predict(image).score, atol=1e-4)
