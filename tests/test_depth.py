"""Depth clips: folders of 16-bit PNGs and lossless videos, as clips and as studies."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from palpate.checks import find_problems
from palpate.errors import ConfigError, FormatError
from palpate.io.depth import DepthSettings, open_depth, read_depth_frame, read_depth_frames
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
    assert "2 frames are missing in 1 gaps, the first between the numbers 2 and 5" in clip.problem
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
