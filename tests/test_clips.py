"""Studies of clips, and predicting one: frames are exact, labels between are flagged."""

import csv

import numpy as np
import pytest

from palpate.errors import ConfigError, FormatError, PalpateError, StudyError
from palpate.image import Image
from palpate.io.frame_cursor import FrameCursor
from palpate.io.track_csv import TrackWriter, read_track
from palpate.io.video_write import write_video
from palpate.localisers.network import NetworkLocaliser
from palpate.localisers.spec import LocaliserSpec
from palpate.prediction import Prediction
from palpate.scheme import LandmarkScheme
from palpate.splits import refuse_leaks, split_by_subject
from palpate.study import open_study, survey_study
from palpate.workflows.clip_sources import ClipSource, find_clip_sources
from palpate.workflows.predict_clip import predict_clip

SIZE = (96, 64)
FRAMES = 24


def place(frame, child=0):
    """Where the lamp of a clip is."""
    return 20.0 + 2 * frame, 20.0 + frame + 5 * child


def picture(frame, child=0):
    y, x = np.mgrid[: SIZE[1], : SIZE[0]].astype(float)
    cx, cy = place(frame, child)
    lamp = 220 * np.exp(-0.5 * ((x - cx) ** 2 + (y - cy) ** 2) / 16)
    rng = np.random.default_rng(child)
    room = rng.integers(0, 25, (8, 12)).repeat(8, axis=0).repeat(8, axis=1)
    return np.repeat((lamp + room).astype(np.uint8)[:, :, None], 3, axis=2)


def write_study(root, children=2, toml="", rows=None, every=4):
    for child in range(children):
        name = f"child{child}_a.mp4"
        write_video(
            root / "videos" / name, (picture(f, child) for f in range(FRAMES)), rate_hz=25.0
        )
    with (root / "landmarks.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["video", "frame", "subject", "lamp_x", "lamp_y", "dark_x", "dark_y"])
        for child in range(children):
            for frame in range(0, FRAMES, every):
                x, y = place(frame, child)
                dark = ["", ""] if frame == 8 else ["5.0", "6.0"]
                name = f"child{child}_a.mp4"
                writer.writerow([name, str(frame), f"child{child}", x, y, *dark])
        writer.writerows(rows or [])
    if toml:
        (root / "study.toml").write_text(toml)
    return root


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return write_study(tmp_path_factory.mktemp("clips") / "study")


def test_frames_between_annotated_ones_are_cases_and_flagged(root):
    study = open_study(root)
    assert len(study) == 2 * 21  # 0 to 20; nothing after the last annotated frame
    case = study.case("child0_a.mp4#6")
    assert case.clip.interpolated == {"lamp"}
    np.testing.assert_allclose(case.points.coordinates[0], place(6))
    assert np.isnan(case.points.coordinates[1]).all()  # absent at frame 8: not next to it
    assert study.case("child0_a.mp4#8").clip.interpolated == frozenset()
    assert study.case("child0_a.mp4#2").clip.interpolated == {"lamp", "dark"}
    assert case.clip.time_s == pytest.approx(6 / 25)
    assert case.subject == "child0"


def test_nothing_is_joined_where_the_study_says_so(tmp_path):
    toml = "[video]\ninterpolate = 1\n"
    study = open_study(write_study(tmp_path, toml=toml))
    assert len(study) == 2 * 6
    assert not any(case.clip.interpolated for case in study.cases)


def test_a_gap_is_not_bridged(tmp_path):
    study = open_study(write_study(tmp_path, every=8))
    assert [case.clip.frame for case in study.cases if case.subject == "child0"] == [0, 8, 16]


@pytest.mark.parametrize("order", [[0, 1, 2, 9, 20], [20, 3, 3, 12]])
def test_every_case_has_the_pixels_of_its_own_frame(root, order):
    study = open_study(root)
    for frame in order:
        sample = study.load(study.case(f"child1_a.mp4#{frame}"))
        grey = sample.image.pixels.astype(float).mean(axis=0)
        lit = np.argwhere(grey > 150)
        np.testing.assert_allclose(lit.mean(axis=0)[::-1], place(frame, 1), atol=0.7)
        assert sample.image.size == SIZE


def test_the_region_of_a_clip_goes_with_its_frames(tmp_path):
    toml = '[video.region]\n"child0_a.mp4" = [8, 4, 60, 56]\n'
    study = open_study(write_study(tmp_path, toml=toml))
    assert study.load(study.case("child0_a.mp4#0")).image.region == (8, 4, 60, 56)
    assert study.load(study.case("child1_a.mp4#0")).image.region is None


@pytest.mark.parametrize(
    ("toml", "sentence"),
    [
        ('[video.region]\n"child0_a.mp4" = [80, 4, 60, 56]\n', "does not lie within its 96 x 64"),
        ('[video.region]\n"chlid0_a.mp4" = [8, 4, 60, 56]\n', "did you mean 'child0_a.mp4'"),
        ("[video]\nfolder = 'clips'\n", "no folder 'clips'"),
        ("[video]\ninterpolate = 0\n", "interpolate"),
        ("[video]\nfacing = 'up'\n", "facing"),
    ],
)
def test_wrong_settings_are_named(tmp_path, toml, sentence):
    with pytest.raises((StudyError, ConfigError), match=sentence):
        open_study(write_study(tmp_path, children=1, toml=toml))


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        (["child0_a.mp4", "400", "child0", 1, 1, 1, 1], r"frame 400 .* has 24 frames"),
        (["another.mp4", "4", "child0", 1, 1, 1, 1], "there is no such"),
        (["child0_a.mp4", "-1", "child0", 1, 1, 1, 1], "number of its frame"),
        (["child0_a.mp4", "1.5", "child0", 1, 1, 1, 1], "number of its frame"),
        (["child0_a.mp4", "4", "child0", 1, 1, 1, 1], "second annotation|twice"),
    ],
)
def test_annotation_that_is_of_no_frame_is_refused(tmp_path, row, sentence):
    with pytest.raises((StudyError, FormatError), match=sentence):
        open_study(write_study(tmp_path, children=1, rows=[row]))


def test_a_missing_clip_is_told_once(tmp_path):
    write_study(tmp_path, children=2)
    (tmp_path / "videos" / "child1_a.mp4").unlink()
    findings = [f for f in survey_study(tmp_path).findings if f.severity == "error"]
    assert [finding.image for finding in findings] == ["child1_a.mp4"]
    assert (
        "frames of 'child1_a.mp4' are annotated, but there is no such clip" in findings[0].sentence
    )


def test_a_clip_that_cannot_be_read_is_named(tmp_path):
    write_study(tmp_path, children=1)
    (tmp_path / "videos" / "empty.mp4").write_bytes(b"")
    with pytest.raises(StudyError, match=r"empty\.mp4"):
        open_study(tmp_path)
    kinds = {finding.kind for finding in survey_study(tmp_path).findings}
    assert "unreadable-clip" in kinds


def test_no_subject_is_an_error(tmp_path):
    write_study(tmp_path, children=1)
    text = (tmp_path / "landmarks.csv").read_text().replace(",child0,", ",,")
    (tmp_path / "landmarks.csv").write_text(text)
    with pytest.raises(StudyError, match="name no subject"):
        open_study(tmp_path)
    (tmp_path / "study.toml").write_text('subject_pattern = "^([^_]+)_"\n[video]\n')
    assert {case.subject for case in open_study(tmp_path).cases} == {"child0"}


def test_frames_extracted_by_deeplabcut_are_found_in_their_clip(tmp_path):
    write_study(tmp_path, children=1)
    (tmp_path / "landmarks.csv").unlink()
    (tmp_path / "labels.csv").write_text(
        "scorer,anna,anna\nbodyparts,lamp,lamp\ncoords,x,y\n"
        "labeled-data/child0_a/img0004.png,28.0,24.0\n"
        "labeled-data/child0_a/img0008.png,36.0,28.0\n"
    )
    (tmp_path / "study.toml").write_text('subject_pattern = "^([^_]+)_"\n[video]\n')
    study = open_study(tmp_path)
    assert [case.clip.frame for case in study.cases] == [4, 5, 6, 7, 8]
    np.testing.assert_allclose(study.case("child0_a.mp4#6").points.coordinates[0], (32, 26))


def test_a_clip_copied_to_another_subject_is_a_leak(tmp_path):
    write_study(tmp_path, children=2)
    first = (tmp_path / "videos" / "child0_a.mp4").read_bytes()
    (tmp_path / "videos" / "child9_a.mp4").write_bytes(first)
    text = (tmp_path / "landmarks.csv").read_text()
    rows = [row.replace("child0", "child9") for row in text.splitlines() if "child0" in row]
    (tmp_path / "landmarks.csv").write_text("\n".join([*text.splitlines(), *rows]) + "\n")
    study = open_study(tmp_path)
    split = split_by_subject(study, validation=0.34, test=0.33, rng=np.random.default_rng(0))
    with pytest.raises(StudyError, match="nearly the same image"):
        refuse_leaks(split, study)


def test_a_cursor_that_jumps_gives_what_one_that_walks_gives(root):
    path = root / "videos" / "child0_a.mp4"
    walking, jumping = FrameCursor(), FrameCursor()
    frames = [walking.read(path, index) for index in range(FRAMES)]
    for index in (23, 0, 5, 4, 17, 17):
        np.testing.assert_array_equal(jumping.read(path, index), frames[index])
    with pytest.raises(FormatError, match="no frame 24"):
        jumping.read(path, FRAMES)


SCHEME = LandmarkScheme("lamps", ("lamp",))


class Brightest:
    """A localiser that finds the brightest spot; the network's place is taken by arithmetic."""

    def __new__(cls):
        spec = LocaliserSpec("lamps", SCHEME, "none", (96, 64), "rgb", "coordinates")

        def forward(batch):
            grey = batch.mean(axis=1)
            light = np.clip(grey - 0.6 * grey.max(axis=(1, 2), keepdims=True), 0, None)
            light /= light.sum(axis=(1, 2), keepdims=True)
            x = light.sum(axis=1) @ np.arange(grey.shape[2])
            y = light.sum(axis=2) @ np.arange(grey.shape[1])
            return np.stack([(x + 0.5) / 96, (y + 0.5) / 64], axis=1)[:, None].astype(np.float32)

        return NetworkLocaliser(spec, forward, "0")


def test_a_clip_is_predicted_frame_by_frame(root, tmp_path):
    told = []
    source = ClipSource("child0_a.mp4", root / "videos" / "child0_a.mp4")
    clip = predict_clip(
        Brightest(), source, tmp_path, labelled=True, advance=lambda *now: told.append(now)
    )
    truth = np.array([place(frame) for frame in range(FRAMES)])
    assert np.abs(clip.track.coordinates[:, 0] - truth).max() < 0.7
    assert told[-1] == (FRAMES, FRAMES)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["labelled.mp4", "points.csv"]
    read = read_track(tmp_path / "points.csv")
    np.testing.assert_allclose(read.coordinates, clip.track.coordinates, atol=1e-4)
    np.testing.assert_allclose(read.times_s, clip.track.times_s, atol=1e-6)


def test_a_region_makes_the_grid_finer_and_points_stay_in_the_frame(root, tmp_path):
    path = root / "videos" / "child0_a.mp4"
    source = ClipSource("child0_a.mp4", path, region=(12, 12, 72, 48))
    clip = predict_clip(Brightest(), source, tmp_path, labelled=False)
    truth = np.array([place(frame) for frame in range(FRAMES)])
    assert np.abs(clip.track.coordinates[:, 0] - truth).max() < 0.7


def test_rows_written_before_a_failure_are_kept(tmp_path):
    prediction = Prediction(SCHEME, np.array([[1.0, 2.0]]), np.eye(2)[None], np.ones(1), "x")

    def write_and_fail():
        with TrackWriter(tmp_path / "points.csv", SCHEME.names) as writer:
            writer.add(0, 0.0, prediction)
            raise FormatError(tmp_path, "broken")

    with pytest.raises(FormatError, match="broken"):
        write_and_fail()
    assert len(read_track(tmp_path / "points.csv").times_s) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["points.csv"]


def test_a_landmark_that_was_not_found_has_empty_cells(tmp_path):
    gone = Prediction(SCHEME, np.full((1, 2), np.nan), np.full((1, 2, 2), np.nan), np.zeros(1), "x")
    with TrackWriter(tmp_path / "points.csv", SCHEME.names) as writer:
        writer.add(0, 0.0, gone)
    assert "nan" not in (tmp_path / "points.csv").read_text()
    assert np.isnan(read_track(tmp_path / "points.csv").coordinates).all()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a,b\n1,2\n", "expected the columns"),
        ("frame,time_s,p_x,p_y,p_xx,p_xy,p_yy,p_score\n", "holds no frame"),
        ("frame,time_s,p_x,p_y,p_xx,p_xy,p_yy,p_score\n0,zero,1,1,1,0,1,1\n", "time_s"),
        (
            "frame,time_s,p_x,p_y,p_xx,p_xy,p_yy,p_score\n0,0,1,1,1,0,1,1\n1,0,1,1,1,0,1,1\n",
            "increase",
        ),
    ],
)
def test_a_file_that_is_no_track_is_refused(tmp_path, text, sentence):
    (tmp_path / "points.csv").write_text(text)
    with pytest.raises(FormatError, match=sentence):
        read_track(tmp_path / "points.csv")


def test_clips_take_the_region_of_the_study_they_lie_in(tmp_path):
    toml = '[video]\nfacing = "left"\n[video.region]\n"child0_a.mp4" = [8, 4, 60, 56]\n'
    root = write_study(tmp_path / "s", children=1, toml=toml)
    for given in (root, root / "videos", root / "videos" / "child0_a.mp4"):
        (source,) = find_clip_sources([given])
        assert source.region == (8, 4, 60, 56)
        assert source.facing == "left"
    (source,) = find_clip_sources([root], region=(0, 0, 9, 9), facing="right")
    assert (source.region, source.facing) == ((0, 0, 9, 9), "right")
    with pytest.raises(PalpateError, match="no file or folder"):
        find_clip_sources([tmp_path / "nothing"])


@pytest.mark.parametrize("channels", ["rgb", "standardised"])
def test_the_layout_of_the_inputs_changes_no_number(channels):
    pixels = np.random.default_rng(0).integers(0, 255, (3, 40, 60), np.uint8)
    spec = LocaliserSpec("lamps", SCHEME, "none", (96, 64), channels, "coordinates")
    first, last = (
        NetworkLocaliser(spec, lambda batch: batch, "0", channels_last=last)
        for last in (False, True)
    )
    prepared = first.load(Image(pixels, "a"))
    inputs = last.inputs(prepared, prepared)
    np.testing.assert_array_equal(inputs, first.inputs(prepared, prepared))
    assert inputs.transpose(0, 2, 3, 1).flags["C_CONTIGUOUS"]
