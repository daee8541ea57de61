"""Depth clips: folders of 16-bit PNGs and lossless videos, as clips and as studies."""

import re
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from palpate.affine import Affine
from palpate.augment.depth import centred, fit_depth
from palpate.augment.resample import fit
from palpate.augment.warp import RandomWarp
from palpate.checks import find_problems
from palpate.errors import ConfigError, FormatError, GeometryError, StudyError
from palpate.geometry.pinhole import Intrinsics
from palpate.io.depth import DepthSettings, open_depth, read_depth_frame, read_depth_frames
from palpate.io.depth_blank import blank_frames
from palpate.io.depth_write import write_depth_folder, write_depth_video
from palpate.io.images import FrameOf, read_thumbnail
from palpate.io.video_write import write_video
from palpate.study import open_study, survey_study

SIZE = (64, 48)


def frame_of(value: int, *, size: tuple[int, int] = SIZE) -> np.ndarray:
    """A slope with a hole; no two values give one frame."""
    x, y = np.meshgrid(np.arange(size[0]), np.arange(size[1]))
    counts = (400 + 3 * x + y + value).astype(np.uint16)
    counts[5:9, 10:14] = 0
    return counts


def put(folder: Path, frames: dict[str, np.ndarray]) -> Path:
    """Write with OpenCV, which our own writer is not asked for."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, pixels in frames.items():
        assert cv2.imwrite(str(folder / name), pixels)
    return folder


def clip_folder(folder: Path, numbers: list[int]) -> Path:
    return put(folder, {f"{n:06d}.png": frame_of(n) for n in numbers})


def study_of(root: Path, numbers: list[int], rows: list[int], toml: str = "") -> Path:
    clip_folder(root / "videos" / "infant01", numbers)
    lines = "".join(f"infant01,{n},a,{5 + n % 7},6\n" for n in rows)
    (root / "landmarks.csv").write_text("video,frame,subject,wrist_x,wrist_y\n" + lines)
    (root / "study.toml").write_text("[video]\n[video.depth]\nrate_hz = 6\n" + toml)
    return root


def test_counts_come_back_as_they_were(tmp_path):
    clip = open_depth(clip_folder(tmp_path / "a", [0, 1, 2]), DepthSettings(rate_hz=6.0))
    assert clip.size == SIZE
    assert clip.frames == 3
    assert clip.problem == ""
    np.testing.assert_allclose(clip.times_s, [0, 1 / 6, 2 / 6])
    for index, frame in enumerate(read_depth_frames(clip)):
        assert frame.dtype == np.uint16
        np.testing.assert_array_equal(frame, frame_of(index))


def test_a_missing_number_is_a_gap_in_time(tmp_path):
    clip = open_depth(clip_folder(tmp_path / "a", [0, 1, 2, 5, 6]), DepthSettings(rate_hz=10.0))
    np.testing.assert_allclose(clip.times_s, [0, 0.1, 0.2, 0.5, 0.6])
    assert "2 frames missing in 1 gap, the first between the numbers 2 and 5" in clip.problem
    assert clip.index_of(5) == 3
    np.testing.assert_array_equal(read_depth_frame(clip, 3), frame_of(5))
    with pytest.raises(FormatError, match=r"no frame 4.*0 to 6.*missing"):
        clip.index_of(4)


def test_annotation_names_frames_by_their_number(tmp_path):
    """Frame 5 is the fourth file: it is loaded as 5, and 4, which is missing, is refused."""
    study = open_study(study_of(tmp_path, [0, 1, 2, 5, 6], [0, 5]))
    assert [case.identifier for case in study.cases] == ["infant01#0", "infant01#5"]
    case = study.case("infant01#5")
    assert case.clip is not None
    assert case.clip.time_s == pytest.approx(5 / 6)
    image = study.load(case).image
    assert image.pixels.dtype == np.uint16
    np.testing.assert_array_equal(image.pixels, frame_of(5)[None])


def test_a_study_of_depth_is_checked(tmp_path):
    study = survey_study(study_of(tmp_path, list(range(12)), list(range(12))))
    assert find_problems(study)


def test_an_unknown_setting_is_refused_with_the_nearest(tmp_path):
    root = study_of(tmp_path, [0], [0], "unit_m = 1.0\n")
    with pytest.raises(ConfigError, match=r"video\.depth\.unit_m.*unit_mm"):
        open_study(root)


GRID = (32, 24)


def with_holes(seed: int, *, constant: int | None = None) -> tuple[np.ndarray, np.random.Generator]:
    """A frame of 160 x 120 with specks and patches of holes."""
    rng = np.random.default_rng(seed)
    counts = rng.integers(300, 900, (120, 160)).astype(np.uint16)
    if constant is not None:
        counts[:] = constant
    counts[rng.random(counts.shape) < rng.uniform(0, 0.6)] = 0
    x, y = rng.integers(0, 100, 2)
    counts[y : y + 40, x : x + 50] = 0
    return counts, rng


def any_view(rng: np.random.Generator) -> Affine:
    warp = RandomWarp(rotation_deg=180.0, scale=0.5, stretch=0.2, shear=0.2, shift=0.3, mirror=0.5)
    return warp.draw(rng, GRID) @ fit((0, 0, 160, 120), GRID)


def test_cells_are_means_over_what_was_measured():
    counts, _ = with_holes(1)
    values, valid = fit_depth(counts, fit((0, 0, 160, 120), GRID), GRID)
    cells = counts.reshape(24, 5, 32, 5).transpose(0, 2, 1, 3).reshape(24, 32, 25).astype(float)
    measured = (cells > 0).sum(axis=-1)
    np.testing.assert_array_equal(valid, measured >= 12.5)
    expected = cells.sum(axis=-1) / np.maximum(measured, 1)
    np.testing.assert_allclose(values[valid], expected[valid], rtol=1e-6)
    assert (values[~valid] == 0).all()
    assert 0 < valid.sum() < valid.size


@given(seed=st.integers(0, 10_000), constant=st.integers(1, 65535))
def test_a_constant_stays_exactly_constant_whatever_is_missing(seed, constant):
    counts, rng = with_holes(seed, constant=constant)
    for view in (fit((0, 0, 160, 120), GRID), fit((7, 3, 101, 90), GRID), any_view(rng)):
        values, valid = fit_depth(counts, view, GRID)
        assert (values[valid] == constant).all()
        assert (centred(values, valid) == 0).all()


@given(seed=st.integers(0, 10_000))
def test_no_cell_lies_outside_what_was_measured(seed):
    counts, rng = with_holes(seed)
    measured = counts[counts > 0]
    for view in (fit((0, 0, 160, 120), GRID), any_view(rng)):
        values, valid = fit_depth(counts, view, GRID)
        assert (values[valid] >= measured.min()).all()
        assert (values[valid] <= measured.max()).all()


def test_a_turned_slope_is_the_slope_where_the_grid_looks():
    """Depth that is linear in x and y is linear in the grid; so no pixel is a place off."""
    x, y = np.meshgrid(np.arange(160), np.arange(120))
    counts = (400 + 2 * x + y).astype(np.uint16)
    shift = RandomWarp(rotation_deg=30.0, scale=0.2).draw(np.random.default_rng(3), GRID)
    view = shift @ fit((0, 0, 160, 120), GRID)
    values, valid = fit_depth(counts, view, GRID)
    columns, rows = np.meshgrid(np.arange(GRID[0]), np.arange(GRID[1]))
    seen = view.inverse()(np.stack([columns, rows], axis=-1))
    inner = valid & (seen > 8).all(axis=-1) & (seen < [151, 111]).all(axis=-1)
    expected = 400 + 2 * seen[..., 0] + seen[..., 1]
    assert inner.sum() > 200
    np.testing.assert_allclose(values[inner], expected[inner], atol=0.5)


def test_half_of_a_cell_is_enough_and_less_is_not():
    counts = np.full((4, 8), 500, np.uint16)
    counts[:2, :4] = 0  # half of the left cell
    counts[:, 6:] = 0
    counts[3, 5] = 0  # over half of the right one
    values, valid = fit_depth(counts, Affine.resize((8, 4), (2, 1)), (2, 1))
    assert valid.tolist() == [[True, False]]
    assert values.tolist() == [[500.0, 0.0]]


def test_nothing_measured_is_nothing_valid():
    for view in (fit((0, 0, 160, 120), GRID), Affine.translation((1e4, 0.0), target="grid")):
        values, valid = fit_depth(np.zeros((120, 160), np.uint16), view, GRID)
        assert not valid.any()
        assert not centred(values, valid).any()


def test_a_view_beside_the_frame_sees_nothing():
    counts, _ = with_holes(2)
    values, valid = fit_depth(counts, Affine.translation((1e4, 0.0), target="grid"), GRID)
    assert values.shape == valid.shape == GRID[::-1]
    assert not valid.any()


CAMERA = Intrinsics((570.0, 565.0), (317.2, 241.9))


@given(x=st.floats(-300, 900), y=st.floats(-300, 900), depth=st.floats(1, 5000, exclude_min=True))
def test_what_is_deprojected_is_projected_back(x, y, depth):
    point = np.array([[x, y]])
    scene = CAMERA.deproject(point, np.array([depth]))
    np.testing.assert_allclose(CAMERA.project(scene), point, atol=1e-9)
    assert scene[0, 2] == depth


def test_a_point_of_a_resized_picture_is_the_same_point_of_the_scene():
    resize = Affine.resize((640, 480), (128, 96))
    small = CAMERA.resized((640, 480), (128, 96))
    points = np.array([[0.0, 0.0], [317.2, 241.9], [600.0, 13.0]])
    depth = np.array([400.0, 500.0, 600.0])
    np.testing.assert_allclose(
        small.deproject(resize(points), depth), CAMERA.deproject(points, depth), atol=1e-9
    )


def test_the_worked_example_of_a_camera():
    """57 px beside the axis at f = 570 px is a tenth of the depth."""
    camera = Intrinsics((570.0, 570.0), (319.5, 239.5))
    scene = camera.deproject(np.array([[376.5, 239.5]]), np.array([450.0]))
    np.testing.assert_allclose(scene, [[45.0, 0.0, 450.0]], atol=1e-12)


def test_what_was_not_measured_has_no_place():
    scene = CAMERA.deproject(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([0.0, np.nan]))
    assert np.isnan(scene).all()
    assert np.isnan(CAMERA.project(np.array([[0.0, 0.0, -5.0]]))).all()


def test_a_camera_is_not_turned_or_flat():
    with pytest.raises(GeometryError, match="focal"):
        Intrinsics((0.0, 570.0), (0.0, 0.0))
    turned = Affine(np.array([[0.0, 1, 0], [-1, 0, 0], [0, 0, 1]]), "pixel", "pixel")
    with pytest.raises(GeometryError, match="scaled and shifted"):
        CAMERA.moved(turned)


def video(
    path: Path, frames: list[np.ndarray], *, pixels: str = "gray16le", codec: str = "ffv1"
) -> Path:
    """Write with PyAV, which our own writer is not asked for."""
    with av.open(str(path), mode="w") as container:
        track = container.add_stream(codec, rate=30)
        track.height, track.width = frames[0].shape[:2]
        track.pix_fmt = pixels
        for values in frames:
            container.mux(track.encode(av.VideoFrame.from_ndarray(values, format=pixels)))
        container.mux(track.encode(None))
    return path


def test_a_lossless_video_gives_its_counts_from_any_place(tmp_path):
    frames = [frame_of(n) for n in range(12)]
    clip = open_depth(video(tmp_path / "a.mkv", frames))
    assert clip.numbers.tolist() == list(range(12))
    assert clip.rate_hz == pytest.approx(30, rel=0.02)
    for index in (7, 0, 11, 3):
        np.testing.assert_array_equal(read_depth_frame(clip, index), frames[index])
    for frame, expected in zip(read_depth_frames(clip, 4), frames[4:], strict=True):
        np.testing.assert_array_equal(frame, expected)


def test_a_study_of_lossless_video_loads_its_frames(tmp_path):
    (tmp_path / "videos").mkdir()
    video(tmp_path / "videos" / "a.mkv", [frame_of(n) for n in range(6)])
    (tmp_path / "landmarks.csv").write_text("video,frame,subject,w_x,w_y\na.mkv,4,s,5,6\n")
    (tmp_path / "study.toml").write_text("[video.depth]\n")
    study = open_study(tmp_path)
    np.testing.assert_array_equal(study.load(study.cases[0]).image.pixels, frame_of(4)[None])


def test_what_is_written_is_read_back(tmp_path):
    frames = [frame_of(n) for n in (3, 1, 4)]
    assert write_depth_video(tmp_path / "a.mkv", frames, rate_hz=6.0) == 3
    times = [100.0, 100.2, 100.5]
    assert write_depth_folder(tmp_path / "a", frames, numbers=[2, 4, 5], times_s=times) == 3
    video, folder = open_depth(tmp_path / "a.mkv"), open_depth(tmp_path / "a")
    for clip in (video, folder):
        for frame, expected in zip(read_depth_frames(clip), frames, strict=True):
            np.testing.assert_array_equal(frame, expected)
    np.testing.assert_allclose(video.times_s, [0, 1 / 6, 2 / 6], atol=1e-3)
    np.testing.assert_allclose(folder.times_s, [0, 0.2, 0.5])
    assert folder.numbers.tolist() == [2, 4, 5]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "a.mkv"]


def test_a_clip_of_every_fifth_number_has_no_gaps(tmp_path):
    clip = open_depth(clip_folder(tmp_path / "a", [0, 5, 10, 15]), DepthSettings(rate_hz=30.0))
    assert clip.problem == ""
    assert clip.rate_hz == pytest.approx(6.0)


def test_frames_that_are_missing_are_not_filled_in(tmp_path):
    """Labels at 0 and 3, and frame 2 was lost: there is a 1 between them, and no 2."""
    root = study_of(tmp_path, [0, 1, 3], [0, 3])
    study = open_study(root)
    assert [case.identifier for case in study.cases] == [f"infant01#{n}" for n in (0, 1, 3)]


def test_an_annotated_frame_that_is_missing_is_told(tmp_path):
    study = survey_study(study_of(tmp_path, [0, 1, 2, 5], [0, 4]))
    told = {finding.kind: finding.sentence for finding in study.findings}
    assert "frame 4 of infant01 is annotated, but there is no such frame" in told["frame-missing"]
    assert "2 frames missing in 1 gap" in told["missing-frames"]


def test_blank_frames_are_counted(tmp_path):
    root = study_of(tmp_path, list(range(10)), list(range(10)))
    blank = np.zeros((480, 640), np.uint16)
    for n in range(10):  # of a size at which zeros are told by the size of their file
        x, y = np.meshgrid(np.arange(640), np.arange(480))
        noise = np.random.default_rng(n).integers(0, 9, (480, 640))
        frame = blank if n in (2, 6, 7) else (400 + x // 4 + y // 3 + noise).astype(np.uint16)
        put(root / "videos" / "infant01", {f"{n:06d}.png": frame})
    found = {f.kind: f.sentence for f in find_problems(survey_study(root))}
    assert "3 of 10 frames hold no measurement at all, such as 2" in found["blank-frames"]
    assert "3 of them are annotated" in found["blank-frames"]
    assert "focal_px" in found["no-intrinsics"]
    assert "no-calibration" not in found


def test_blank_frames_of_a_video_are_found(tmp_path):
    frames = [frame_of(n, size=(160, 120)) for n in range(5)]
    frames[3][:] = 0
    assert blank_frames(open_depth(video(tmp_path / "a.mkv", frames))).tolist() == [3]


def test_a_thumbnail_shows_no_hole_as_near(tmp_path):
    counts = np.full((48, 64), 600, np.uint16)
    counts[10:20, 10:20] = 450
    counts[30:40, 30:40] = 0
    put(tmp_path / "a", {"000007.png": counts})
    grey, size = read_thumbnail(FrameOf(tmp_path / "a", 7, DepthSettings()), 64)
    assert size == SIZE
    assert grey[15, 15] == 255
    assert grey[35, 35] == grey[5, 50] == 0


# What is wrong with a clip, and what is said of it.
def eight_bit(folder: Path) -> Path:
    return put(folder, {"000000.png": frame_of(0).astype(np.uint8)})


def colour(folder: Path) -> Path:
    return put(folder, {"000000.png": np.zeros((*SIZE[::-1], 3), np.uint16)})


def empty(folder: Path) -> Path:
    return put(folder, {})


def doubled(folder: Path) -> Path:
    return put(folder, {"000001.png": frame_of(0), "frame_1.png": frame_of(1)})


def unnumbered(folder: Path) -> Path:
    return put(folder, {"mean.png": frame_of(0)})


def clock_back(folder: Path) -> Path:
    clip_folder(folder, [0, 1, 2])
    (folder / "timestamps.csv").write_text("frame,time_s\n0,5.0\n1,5.2\n2,5.1\n")
    return folder


def time_missing(folder: Path) -> Path:
    clip_folder(folder, [0, 1, 2])
    (folder / "timestamps.csv").write_text("frame,time_s\n0,5.0\n1,5.2\n")
    return folder


def all_cut_off(folder: Path) -> Path:
    clip_folder(folder, [0])
    content = (folder / "000000.png").read_bytes()
    (folder / "000000.png").write_bytes(content[: len(content) // 2])
    return folder


def eight_bit_video(folder: Path) -> Path:
    folder.mkdir()
    frames = [frame_of(n).astype(np.uint8) for n in range(3)]
    return video(folder / "a.mkv", frames, pixels="gray")


def lossy_16_bit_video(folder: Path) -> Path:
    folder.mkdir()
    return video(folder / "a.mkv", [frame_of(n) for n in range(3)], codec="jpeg2000")


def lossy_video(folder: Path) -> Path:
    folder.mkdir()
    rgb = [np.full((48, 64, 3), n, np.uint8) for n in range(3)]
    write_video(folder / "a.mp4", rgb, rate_hz=30.0)
    return folder / "a.mp4"


def absent(folder: Path) -> Path:
    return folder / "none"


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (eight_bit, "is 8-bit; depth that was squeezed to 8 bit has lost its millimetres"),
        (colour, "is a colour picture; depth is one 16-bit value a pixel"),
        (empty, "holds no frame: 16-bit PNG files named by their number"),
        (doubled, "is frame 1, and so is 000001.png; keep one of the two"),
        (unnumbered, "has no number in its name"),
        (clock_back, "timestamps.csv:4: frame 2 at 5.1 s comes after frame 1 at 5.2 s"),
        (time_missing, "gives no time for frame 2"),
        (all_cut_off, "not one of its 1 frames can be read: 000000.png is cut off"),
        (eight_bit_video, "holds gray, depth is 16-bit grey"),
        (lossy_16_bit_video, "is coded as jpeg2000, which may change counts"),
        (lossy_video, "holds yuv420p, depth is 16-bit grey"),
        (absent, "there is no such file or folder"),
    ],
)
def test_what_is_no_depth_is_refused_in_a_sentence(tmp_path, spoil, said):
    with pytest.raises(FormatError, match=re.escape(said)):
        open_depth(spoil(tmp_path / "clip"))


def test_broken_frames_are_named_and_the_others_are_read(tmp_path):
    folder = clip_folder(tmp_path / "a", [0, 1, 2, 3, 4, 5, 6])
    content = (folder / "000001.png").read_bytes()
    (folder / "000001.png").write_bytes(content[:-40])
    put(
        folder, {"000003.png": frame_of(3, size=(32, 24)), "000004_8bit.png": np.eye(4, dtype="u1")}
    )
    (folder / "000005.png").unlink()
    put(folder, {"000005.png": frame_of(5).astype(np.uint8)})
    clip = open_depth(folder)
    assert clip.numbers.tolist() == [0, 2, 4, 6]
    assert "3 frames cannot be used" in clip.problem
    assert "000001.png is cut off" in clip.problem
    assert "000003.png is 32 x 24 px, the others 64 x 48" in clip.problem
    assert "000005.png is 8-bit grey, not 16-bit grey" in clip.problem
    assert "000004_8bit.png" not in clip.problem


def test_damage_inside_a_frame_is_met_when_it_is_read(tmp_path):
    folder = clip_folder(tmp_path / "a", [0])
    content = bytearray((folder / "000000.png").read_bytes())
    content[len(content) // 2] ^= 0xFF
    (folder / "000000.png").write_bytes(bytes(content))
    with pytest.raises(FormatError, match=r"000000\.png.*damaged"):
        read_depth_frame(open_depth(folder), 0)


def test_a_frame_that_came_later_is_seen(tmp_path):
    folder = clip_folder(tmp_path / "a", [0, 1])
    assert open_depth(folder).frames == 2
    clip_folder(folder, [2])
    assert open_depth(folder).frames == 3


def test_frames_beside_each_other_are_asked_into_folders(tmp_path):
    clip_folder(tmp_path / "videos", [0, 1])
    (tmp_path / "study.toml").write_text("[video.depth]\n")
    with pytest.raises(StudyError, match="folder of their own"):
        open_study(tmp_path)


def test_half_of_the_intrinsics_is_refused(tmp_path):
    root = study_of(tmp_path, [0], [0], "focal_px = [570, 570]\n")
    with pytest.raises(ConfigError, match="focal_px and centre_px go together"):
        open_study(root)
