"""Predicting depth clips: every frame once, limbs by their links, files that are whole."""

import csv
import json
from contextlib import suppress

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from palpate.affine import Affine
from palpate.errors import FormatError, GeometryError, PalpateError
from palpate.image import Image
from palpate.io.depth import DepthSettings
from palpate.io.depth_write import write_depth_folder, write_depth_video
from palpate.io.limb_csv import LimbWriter, limb_state
from palpate.io.track_csv import read_track
from palpate.io.video import open_video
from palpate.io.video_write import write_video
from palpate.linking.limbs import limbs_of
from palpate.linking.pose import LinkedPose
from palpate.localisers.clip import ClipLocaliser, ClipPlane, FoundFrame
from palpate.prediction import Prediction
from palpate.report.depth_colours import (
    HOLE,
    DepthScale,
    depth_grey,
    depth_picture,
    depth_scale,
    false_colour,
)
from palpate.report.limb_overlay import COLOURS, draw_limbs, moved_pose
from palpate.scheme import LandmarkScheme
from palpate.workflows.clip_sources import ClipSource, find_clip_sources, images_beside
from palpate.workflows.predict import find_sources
from palpate.workflows.predict_clips_into import ClipWishes, predict_clips_into
from palpate.workflows.predict_depth_clip import predict_depth_clip
from palpate.workflows.predict_depth_groups import Spacing, planned
from palpate.workflows.predict_depth_lengths import DepthCamera, segment_lengths
from palpate.workflows.predict_into import predict_into

SIZE = (64, 48)
ARM = LandmarkScheme(
    "arm",
    ("right_shoulder", "right_elbow", "right_wrist"),
    edges=(("right_shoulder", "right_elbow"), ("right_elbow", "right_wrist")),
)
CAMERA = DepthSettings(rate_hz=30.0, focal_px=(60.0, 60.0), centre_px=(31.5, 23.5))
LEVELS = (400, 410, 420)  # counts of the three joints


def places(frame):
    """(x, y) of the joints."""
    return np.array([[10.0, 10.0], [20.0 + frame % 20, 20.0], [30.0, 40.0]])


def depth_frame(frame, wrist=True):
    pixels = np.full(SIZE[::-1], 500, dtype=np.uint16)
    pixels[:, :3] = 0
    for joint, (x, y) in enumerate(places(frame).astype(int)):
        if wrist or joint < 2:
            pixels[y - 1 : y + 2, x - 1 : x + 2] = LEVELS[joint]
    return pixels


class Nearest:
    """Finds each joint by its level; links those that are there; writes down what it was shown."""

    scheme, name, weights, protocol, variance_factor = ARM, "nearest", "0" * 12, "", None
    frames, interval_s = 3, 1 / 6

    def __init__(self):
        self.shown = []

    def prepare(self, image):
        if image.pixels.dtype != np.uint16:
            raise GeometryError("depth is one channel of 16 bits")
        pixels = image.pixels[0]
        same = Affine.scaling((1.0, 1.0), source="pixel", target="grid")
        return ClipPlane(pixels.astype(np.float32), pixels > 0, same)

    def predict(self, image):
        return self.find([[self.prepare(image)] * 3])[0][1].prediction

    def find(self, clips, *, last=False):
        self.shown += [[plane.values for plane in clip] for clip in clips]
        return [[self._one(plane.values) for plane in clip] for clip in clips]

    def _one(self, values):
        where = np.full((3, 2), np.nan)
        for joint, level in enumerate(LEVELS):
            rows, columns = np.nonzero(values == level)
            if len(rows):
                where[joint] = columns.mean(), rows.mean()
        there = ~np.isnan(where[:, 0])
        spread = np.where(there[:, None, None], np.eye(2), np.nan)
        score = np.where(there, 0.9, 0.0)
        links = np.where(there[:-1] & there[1:], 0.8, 0.0)
        return FoundFrame(
            Prediction(ARM, where, spread, score, "nearest"),
            LinkedPose(where, spread, score, links),
        )


def source(path, depth=CAMERA):
    return ClipSource(path.name, path, depth=depth)


def rows_of(path):
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """34 frames at 30 Hz, the wrist of every fourth hidden, number 20 missing."""
    folder = tmp_path_factory.mktemp("depth") / "infant01"
    numbers = [number for number in range(35) if number != 20]
    write_depth_folder(folder, (depth_frame(n, wrist=n % 4 != 3) for n in numbers), numbers=numbers)
    return folder


@given(
    st.integers(1, 70),
    st.sampled_from([2.0, 6.0, 10.0, 12.5, 25.0, 30.0, 60.0]),
    st.sets(st.integers(0, 69), max_size=20),
    st.integers(1, 4),
    st.floats(0.0, 0.2),
    st.integers(0, 9),
)
def test_every_frame_is_kept_once_whatever_the_clock(count, rate, missing, together, shake, seed):
    rng = np.random.default_rng(seed)
    times = (np.arange(count) + shake * rng.uniform(-1, 1, count)) / rate
    times = times[[k for k in range(count) if k not in missing or k == 0]]
    spacing = Spacing(together, 1 / 6)
    clips = list(planned(times, spacing))
    kept = [one.indices[place] for one in clips for place in one.kept]
    assert sorted(kept) == list(range(len(times)))
    for one in clips:
        assert len(one.indices) == together
        assert list(one.indices) == sorted(one.indices)
        here = times[list(one.indices)]
        assert here.max() - here.min() <= spacing.reach_s + 1e-6
        if one.spaced:
            np.testing.assert_allclose(np.diff(here), 1 / 6, atol=1 / min(rate, 6) + 1e-4)


def test_frames_at_30_a_second_are_interleaved_and_share_no_frame():
    clips = list(planned(np.arange(30) / 30, Spacing(3, 1 / 6)))
    assert [one.indices for one in clips[:6]] == [
        *((k, k + 5, k + 10) for k in range(5)),
        (15, 20, 25),
    ]
    assert len(clips) == 10
    assert all(one.spaced and one.kept == (0, 1, 2) for one in clips)


def test_at_the_end_frames_that_are_done_stand_beside_those_left():
    *_, last = planned(np.arange(17) / 30, Spacing(3, 1 / 6))
    assert last.indices == (6, 11, 16)
    assert last.kept == (2,)
    assert last.spaced


def test_no_clip_reaches_across_a_gap():
    times = np.append(np.arange(9), np.arange(100, 104)) / 6
    for one in planned(times, Spacing(3, 1 / 6)):
        assert one.spaced
        assert len({index < 9 for index in one.indices}) == 1
    *_, alone = planned(np.array([0, 1, 2, 5]) / 6, Spacing(3, 1 / 6))
    assert alone.indices == (3, 3, 3)


def test_a_slow_camera_gives_stills():
    clips = list(planned(np.arange(4) / 2, Spacing(3, 1 / 6)))
    assert [one.indices for one in clips] == [(k,) * 3 for k in range(4)]
    assert not any(one.spaced for one in clips)


def test_a_clip_becomes_points_limbs_a_video_and_a_page(clip, tmp_path):
    localiser = Nearest()
    told = []
    failures = predict_clips_into(
        tmp_path, localiser, [source(clip)], ClipWishes(), advance=lambda *now: told.append(now)
    )
    assert failures == {}
    out = tmp_path / "infant01"
    assert sorted(path.name for path in out.iterdir()) == [
        *("clip.json", "labelled.mp4", "limbs.csv", "points.csv", "report.html")
    ]
    points, limbs = rows_of(out / "points.csv"), rows_of(out / "limbs.csv")
    numbers = [number for number in range(35) if number != 20]
    for table in (points, limbs):
        assert [int(row["frame"]) for row in table] == numbers
        times = [float(row["time_s"]) for row in table]
        np.testing.assert_allclose(times, np.array(numbers) / 30, atol=1e-6)
    track = read_track(out / "points.csv")
    for row, number in enumerate(numbers):
        wanted = places(number)
        wanted[2, 0] = wanted[2, 0] if number % 4 != 3 else np.nan
        there = ~np.isnan(wanted[:, 0])
        np.testing.assert_allclose(track.coordinates[row, there], wanted[there], atol=1e-3)
        assert list(track.present[row]) == list(there)
    assert {row["right arm"] for row in limbs if int(row["frame"]) % 4 == 3} == {"partial"}
    assert {row["right arm"] for row in limbs if int(row["frame"]) % 4 != 3} == {"whole"}
    hidden = limbs[3]
    assert hidden["right_elbow-right_wrist_link"] == hidden["right_elbow-right_wrist_mm"] == ""
    assert "nan" not in (out / "limbs.csv").read_text() + (out / "points.csv").read_text()
    assert open_video(out / "labelled.mp4").frames == 34
    page = (out / "report.html").read_text()
    assert "right arm" in page
    assert "between the numbers 19 and 21" in page
    about = json.loads((out / "clip.json").read_text())
    assert about["numbers"] == [0, 34]
    assert about["limbs"]["right arm"]["whole"] == pytest.approx(26 / 34)
    assert about["depth"]["focal_px"] == [60.0, 60.0]
    assert told[-1] == ("infant01", 34, 34)


def test_what_the_network_is_shown_is_spaced_and_each_frame_is_prepared_once(clip):
    localiser = Nearest()
    prepared = []
    prepare = localiser.prepare
    localiser.prepare = lambda image: prepared.append(1) or prepare(image)
    predict_depth_clip(localiser, source(clip), clip.parent / "out", labelled=False)
    assert len(prepared) == 34
    for shown in localiser.shown:
        elbows = [np.nonzero(values == LEVELS[1])[1].mean() - 20 for values in shown]
        np.testing.assert_allclose(np.diff(elbows) % 20, 5, atol=1)


def test_lengths_are_those_of_the_scene():
    pose = Nearest()._one(depth_frame(0))
    lengths = segment_lengths(depth_frame(0), pose.pose, ARM, DepthCamera(1.0, CAMERA.intrinsics))
    ends = [
        ((x - 31.5) / 60 * z, (y - 23.5) / 60 * z, z)
        for (x, y), z in zip(places(0), LEVELS, strict=True)
    ]
    np.testing.assert_allclose(lengths, np.linalg.norm(np.diff(ends, axis=0), axis=1), rtol=1e-9)
    twice = segment_lengths(depth_frame(0), pose.pose, ARM, DepthCamera(2.0, CAMERA.intrinsics))
    np.testing.assert_allclose(twice, 2 * lengths)


def test_a_hole_at_a_joint_gives_no_length():
    pixels = depth_frame(0)
    pixels[36:45, 26:35] = 0
    pose = Nearest()._one(depth_frame(0)).pose
    lengths = segment_lengths(pixels, pose, ARM, DepthCamera(1.0, CAMERA.intrinsics))
    assert np.isfinite(lengths[0])
    assert np.isnan(lengths[1])
    whole = segment_lengths(depth_frame(0), pose, ARM, DepthCamera(1.0, CAMERA.intrinsics))
    pixels = depth_frame(0)
    pixels[39:41, 29:31] = 0  # most of the disc, but not all of it
    part = segment_lengths(pixels, pose, ARM, DepthCamera(1.0, CAMERA.intrinsics))
    np.testing.assert_allclose(part, whole)


def test_a_frame_in_which_nothing_was_measured_holds_nothing(tmp_path):
    frames = [depth_frame(k) for k in range(6)]
    frames[2] = np.zeros_like(frames[2])
    write_depth_folder(tmp_path / "clip", frames)
    localiser = Nearest()
    localiser._one = lambda values: Nearest()._one(depth_frame(0).astype(np.float32))  # sees ghosts
    found = predict_depth_clip(
        localiser, source(tmp_path / "clip"), tmp_path / "out", labelled=True
    )
    assert found.clip.track.present.any(axis=1).tolist() == [True, True, False, True, True, True]
    row = rows_of(tmp_path / "out" / "limbs.csv")[2]
    assert row["right arm"] == "none"
    assert {value for key, value in row.items() if key.endswith(("_link", "_mm"))} == {""}


def test_a_broken_tail_keeps_every_frame_before_it(tmp_path):
    path = tmp_path / "clip"
    write_depth_folder(path, [depth_frame(k) for k in range(30)])
    broken = path / "000023.png"
    content = bytearray(broken.read_bytes())
    content[60:-20] = bytes(len(content) - 80)  # the header and the end still stand
    broken.write_bytes(bytes(content))
    found = predict_depth_clip(Nearest(), source(path), tmp_path / "out", labelled=True)
    assert len(found.clip.track.times_s) == 23
    assert found.clip.problem
    assert [int(row["frame"]) for row in rows_of(tmp_path / "out" / "points.csv")] == [*range(23)]
    assert len(rows_of(tmp_path / "out" / "limbs.csv")) == 23
    assert open_video(tmp_path / "out" / "labelled.mp4").frames == 23


def test_a_depth_video_gives_what_its_frames_give(tmp_path):
    write_depth_folder(tmp_path / "a", [depth_frame(k) for k in range(14)])
    write_depth_video(tmp_path / "b.mkv", [depth_frame(k) for k in range(14)], rate_hz=30.0)
    one = predict_depth_clip(Nearest(), source(tmp_path / "a"), tmp_path / "1", labelled=False)
    two = predict_depth_clip(Nearest(), source(tmp_path / "b.mkv"), tmp_path / "2", labelled=False)
    np.testing.assert_array_equal(one.clip.track.coordinates, two.clip.track.coordinates)
    np.testing.assert_allclose(one.limbs.lengths_mm, two.limbs.lengths_mm)


class Grey(Nearest):
    """Takes any picture: joints by their level less 300."""

    def prepare(self, image):
        pixels = image.pixels[0].astype(np.float32) + 300
        same = Affine.scaling((1.0, 1.0), source="pixel", target="grid")
        return ClipPlane(pixels, pixels > 0, same)


def test_a_folder_of_grey_pictures_is_a_clip_without_millimetres(tmp_path):
    folder = tmp_path / "clip"
    folder.mkdir()
    for k in range(5, 12):
        grey = np.clip(depth_frame(k).astype(int) - 300, 0, 255).astype(np.uint8)
        cv2.imwrite(str(folder / f"frame_{k}.png"), grey)
    assert find_clip_sources([folder]) == []
    (one,) = find_clip_sources([folder], folders=True, rate_hz=6.0)
    assert (one.name, one.depth) == ("clip", None)
    failures = predict_clips_into(
        tmp_path / "out", Grey(), [one], ClipWishes(), advance=lambda *now: None
    )
    assert failures == {}
    rows = rows_of(tmp_path / "out" / "clip" / "limbs.csv")
    assert [int(row["frame"]) for row in rows] == [*range(5, 12)]
    assert float(rows[0]["time_s"]) == pytest.approx(5 / 6)
    assert {row["right arm"] for row in rows} == {"whole"}
    assert {row["right_shoulder-right_elbow_mm"] for row in rows} == {""}


class Brightest:
    """One image at a time, links nothing."""

    scheme = LandmarkScheme("one", ("near",))
    name, weights, protocol, variance_factor = "one", "0" * 12, "", None

    def predict(self, image):
        assert image.pixels.dtype == np.uint16
        measured = np.where(image.pixels[0] == 0, 9999, image.pixels[0])
        y, x = np.unravel_index(measured.argmin(), measured.shape)
        return Prediction(
            self.scheme, np.array([[float(x), float(y)]]), np.eye(2)[None], np.ones(1), "one"
        )


def test_a_localiser_of_single_images_reads_depth_frame_by_frame(clip, tmp_path):
    failures = predict_clips_into(
        tmp_path, Brightest(), [source(clip)], ClipWishes(), advance=lambda *now: None
    )
    assert failures == {}
    out = tmp_path / "infant01"
    assert len(rows_of(out / "points.csv")) == 34
    assert not (out / "limbs.csv").exists()
    assert "Limbs" not in (out / "report.html").read_text()


def test_a_colour_video_given_to_a_run_of_depth_is_told_in_a_sentence(tmp_path):
    write_video(tmp_path / "a.mp4", [np.zeros((48, 64, 3), np.uint8)] * 4, rate_hz=10.0)
    failures = predict_clips_into(
        tmp_path / "out",
        Nearest(),
        find_clip_sources([tmp_path / "a.mp4"]),
        ClipWishes(),
        advance=lambda *now: None,
    )
    assert "16 bits" in failures["a.mp4"]
    assert not list((tmp_path / "out").rglob("*.csv"))


def test_sources_of_a_depth_study_are_its_clips_and_no_images(clip, tmp_path):
    root = tmp_path / "study"
    write_depth_folder(root / "videos" / "ward" / "infant02", [depth_frame(0)] * 3)
    write_depth_video(root / "videos" / "infant03.mkv", [depth_frame(0)] * 3, rate_hz=6.0)
    (root / "study.toml").write_text("[video.depth]\nrate_hz = 6.0\nunit_mm = 0.5\n")
    found = find_clip_sources([root])
    assert [one.name for one in found] == ["infant03.mkv", "ward/infant02"]
    assert {one.depth.unit_mm for one in found} == {0.5}
    assert images_beside([root, clip], found) == [clip]
    (one,) = find_clip_sources([root / "videos" / "ward" / "infant02"])
    assert (one.name, one.depth.rate_hz) == ("infant02", 6.0)
    (one,) = find_clip_sources([root], rate_hz=15.0)[1:]
    assert one.depth.rate_hz == 15.0


def test_an_empty_folder_and_a_missing_one_are_told(tmp_path):
    (tmp_path / "empty").mkdir()
    assert find_clip_sources([tmp_path / "empty"], folders=True) == []
    with pytest.raises(PalpateError, match="no file or folder"):
        find_clip_sources([tmp_path / "nothing"])
    with pytest.raises(FormatError, match="holds no frame"):
        predict_depth_clip(Nearest(), source(tmp_path / "empty"), tmp_path / "out", labelled=False)


def test_states_of_a_limb():
    (arm,) = limbs_of(ARM)
    localiser = Nearest()
    assert limb_state(arm, localiser._one(depth_frame(0)).pose) == "whole"
    assert limb_state(arm, localiser._one(depth_frame(0, wrist=False)).pose) == "partial"
    assert limb_state(arm, localiser._one(np.zeros((4, 4))).pose) == "none"


def test_rows_written_before_an_error_are_kept(tmp_path):
    pose = Nearest()._one(depth_frame(0)).pose
    with suppress(RuntimeError), LimbWriter(tmp_path / "limbs.csv", ARM) as writer:
        writer.add(0, 0.0, pose, np.array([10.0, np.nan]))
        raise RuntimeError
    assert [path.name for path in tmp_path.iterdir()] == ["limbs.csv"]
    (row,) = rows_of(tmp_path / "limbs.csv")
    assert row["right_shoulder-right_elbow_mm"] == "10.0"
    assert row["right_elbow-right_wrist_mm"] == ""


def test_colours_tell_holes_near_and_far():
    frames = [depth_frame(k) for k in range(3)]
    frames[1][5:20, 5:20] = 400
    scale = depth_scale(frames)
    assert 400 <= scale.near < scale.far <= 500
    picture = false_colour(frames[0], scale)
    assert (picture[:, :3] == HOLE).all()
    assert not (picture[:, 3:] == HOLE).all(axis=-1).any()
    assert picture[10, 10].sum() > picture[30, 60].sum()  # near is bright
    assert depth_scale([np.zeros((4, 4), np.uint16)]) == DepthScale(0.0, 1.0)
    assert depth_scale([np.full((4, 4), 7, np.uint16)]) == DepthScale(6.5, 7.5)


def test_sides_and_broken_limbs_are_told_apart():
    both = LandmarkScheme(
        "arms",
        ("right_elbow", "right_wrist", "left_elbow", "left_wrist"),
        edges=(("right_elbow", "right_wrist"), ("left_elbow", "left_wrist")),
    )
    where = np.array([[20.0, 20.0], [180.0, 20.0], [20.0, 80.0], [180.0, 80.0]])
    spread = np.tile(np.eye(2), (4, 1, 1))
    pose = LinkedPose(where, spread, np.ones(4), np.array([1.0, 1.0]))
    canvas = np.zeros((100, 200, 3), np.uint8)
    drawn = draw_limbs(canvas, pose, both)
    assert not canvas.any()
    assert tuple(drawn[20, 180]) == COLOURS["right"]
    assert tuple(drawn[80, 180]) == COLOURS["left"]
    assert (drawn[20, 30:170] > 0).any(axis=-1).all()  # a whole limb is one line
    without = LinkedPose(where, spread, np.ones(4), np.array([0.0, 1.0]))
    assert not draw_limbs(canvas, without, both)[20, 40:160].any()
    fainter = LinkedPose(where, spread, np.ones(4), np.array([0.2, 1.0]))
    assert draw_limbs(canvas, fainter, both)[20, 100, 0] < drawn[20, 100, 0]


def test_a_partial_limb_is_dashed():
    where = np.array([[20.0, 20.0], [180.0, 20.0], [180.0, 90.0]])
    spread = np.tile(np.eye(2), (3, 1, 1))
    canvas = np.zeros((100, 200, 3), np.uint8)
    partial = draw_limbs(canvas, LinkedPose(where, spread, np.ones(3), np.array([1.0, 0.0])), ARM)
    lit = partial[20, 30:170, 0] > 100
    assert 0.3 < lit.mean() < 0.8
    assert np.count_nonzero(np.diff(lit.astype(int))) > 8


def test_limbs_outside_the_picture_are_cut_and_a_mirrored_pose_gives_a_mirrored_picture():
    where = np.array([[-500.0, -30.0], [40.0, 30.0], [1e7, 45.0]])
    spread = np.tile(np.eye(2), (3, 1, 1))
    pose = LinkedPose(where, spread, np.ones(3), np.ones(2))
    assert draw_limbs(np.zeros((60, 81, 3), np.uint8), pose, ARM).any()
    where = np.array([[10.0, 10.0], [40.0, 30.0], [70.0, 45.0]])
    pose = LinkedPose(where, spread, np.ones(3), np.ones(2))
    flip = Affine(np.array([[-1.0, 0, 80], [0, 1, 0], [0, 0, 1]]), "pixel", "pixel")
    drawn = draw_limbs(np.zeros((60, 81, 3), np.uint8), pose, ARM)
    mirrored = draw_limbs(np.zeros((60, 81, 3), np.uint8), moved_pose(pose, flip), ARM)
    assert np.abs(drawn[:, ::-1].astype(int) - mirrored).mean() < 2


def test_a_still_is_a_clip_of_one_frame():
    assert isinstance(Nearest(), ClipLocaliser)
    image = Image(depth_frame(0)[None], "a.png")
    np.testing.assert_allclose(Nearest().predict(image).mean, places(0))


def test_a_still_of_depth_is_drawn_in_false_colour(tmp_path):
    pixels = depth_frame(0)
    pixels[20:, 40:] = 430
    write_depth_folder(tmp_path / "stills", [pixels])
    sources = find_sources([tmp_path / "stills" / "000000.png"])
    predict_into(tmp_path, Nearest(), sources, overlays=True, advance=lambda *now: None)
    overlay = cv2.imread(str(tmp_path / "overlays" / "000000.png.png"))[:, :, ::-1]
    assert len(set(overlay[45, 1].tolist())) == 1  # a hole is grey
    assert len(set(overlay[45, 50].tolist())) > 1
    assert len({tuple(colour) for colour in overlay[44:, 1::20].reshape(-1, 3)}) == 3
    grey = depth_grey(Image(pixels[None], "a.png"))
    assert grey[0, 0] == 0
    assert grey[30, 50] > grey[5, 50]
    film = Image(np.full((3, 4, 4), 40, np.uint8), "b.png")
    np.testing.assert_array_equal(depth_picture(film), film.grey())
