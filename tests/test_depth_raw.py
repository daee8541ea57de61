"""Raw recordings of a camera's stream as depth clips."""

from pathlib import Path
from threading import Event

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from palpate.checks import find_problems
from palpate.errors import ConfigError, FormatError, GeometryError, OutputError, PalpateError
from palpate.io.depth import (
    DepthSettings,
    find_depth_clips,
    open_depth,
    read_depth_frame,
    read_depth_frames,
)
from palpate.io.depth_blank import blank_frames
from palpate.io.depth_write import write_depth_folder, write_depth_raw
from palpate.io.images import FrameOf, read_thumbnail
from palpate.monitor.clock import SystemClock
from palpate.monitor.frame import StreamFrame
from palpate.monitor.pipe import PipeSource, stream_bytes, stream_header
from palpate.study import open_study, survey_study
from palpate.workflows.clip_sources import ClipSource, find_clip_sources
from palpate.workflows.monitor_source import SourceWishes, open_source, recorded_clip
from palpate.workflows.predict import find_sources
from palpate.workflows.predict_depth_frames import open_clip

SIZE = (10, 6)
HEADER = b"PALPATE-DEPTH 10 6\n"
WHOLE = 16 + 2 * 10 * 6


def counts_of(number: int) -> np.ndarray:
    """No two numbers give one frame; every count may come."""
    return np.random.default_rng(number).integers(0, 65536, SIZE[::-1], dtype=np.uint16)


def recording(path: Path, numbers: list[int], times_s: list[float] | None = None) -> Path:
    """As a camera's program and ``tee`` make it."""
    times = [n / 30.0 for n in numbers] if times_s is None else times_s
    frames = [StreamFrame(n, t, counts_of(n)) for n, t in zip(numbers, times, strict=True)]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(stream_header(*SIZE) + b"".join(map(stream_bytes, frames)))
    return path


def study_of(root: Path, numbers: list[int], rows: list[int]) -> Path:
    recording(root / "videos" / "infant01.depth", numbers)
    lines = "".join(f"infant01.depth,{n},a,{2 + n % 7},3\n" for n in rows)
    (root / "landmarks.csv").write_text("video,frame,subject,wrist_x,wrist_y\n" + lines)
    (root / "study.toml").write_text("[video]\n[video.depth]\nunit_mm = 0.5\n")
    return root


def test_a_recording_is_the_protocols_bytes(tmp_path):
    """By hand, byte for byte, so that writer and reader cannot be wrong together."""
    path = tmp_path / "a.depth"
    path.write_bytes(
        b"PALPATE-DEPTH 2 1\n"
        + (7).to_bytes(8, "little")
        + (5_000_000_000).to_bytes(8, "little")
        + bytes([0x01, 0x02, 0xFF, 0xFE])
    )
    clip = open_depth(path)
    assert (clip.size, clip.numbers.tolist(), clip.times_s.tolist()) == ((2, 1), [7], [0.0])
    assert read_depth_frame(clip, 0).tolist() == [[0x0201, 0xFEFF]]
    written = tmp_path / "b.depth"
    frame = np.array([[0x0201, 0xFEFF]], dtype=np.uint16)
    assert write_depth_raw(written, [frame], numbers=[7], times_s=[5.0]) == 1
    assert written.read_bytes() == path.read_bytes()


@given(
    steps=st.lists(st.integers(1, 2**40), min_size=1, max_size=6),
    later=st.lists(st.integers(1, 10**12), min_size=6, max_size=6),
)
def test_what_is_written_is_read_back_bit_for_bit(tmp_path_factory, steps, later):
    path = tmp_path_factory.mktemp("raw") / "a.depth"
    numbers = np.cumsum(steps).tolist()
    times = (np.cumsum(later)[: len(steps)] / 1e9).tolist()
    frames = [counts_of(n) for n in numbers]
    assert write_depth_raw(path, frames, numbers=numbers, times_s=times) == len(frames)
    clip = open_depth(path)
    assert clip.numbers.tolist() == numbers
    np.testing.assert_allclose(clip.times_s, np.array(times) - times[0], atol=2e-9)
    for frame, back in zip(frames, read_depth_frames(clip), strict=True):
        assert back.dtype == np.uint16
        np.testing.assert_array_equal(back, frame)


def test_a_times_start_far_off_costs_no_nanosecond(tmp_path):
    """A camera that counts from 1970 keeps its steps."""
    content = HEADER
    for n in range(3):
        content += n.to_bytes(8, "little") + (1_700_000_000 * 10**9 + n * 33).to_bytes(8, "little")
        content += bytes(WHOLE - 16)
    (tmp_path / "a.depth").write_bytes(content)
    np.testing.assert_array_equal(
        open_depth(tmp_path / "a.depth").times_s, np.array([0, 33, 66]) / 1e9
    )


def test_of_two_unequal_steps_the_shorter_is_usual(tmp_path):
    clip = open_depth(recording(tmp_path / "a.depth", [5, 6, 9]))
    assert clip.rate_hz == pytest.approx(30.0)
    assert "2 frames missing in 1 gap" in clip.problem


def test_any_frame_is_read_from_any_place(tmp_path):
    clip = open_depth(
        recording(tmp_path / "a.depth", [5, 6, 7, 8, 9]), DepthSettings(rate_hz=6.0, unit_mm=0.25)
    )
    assert (clip.rate_hz, clip.nominal_hz, clip.unit_mm) == (pytest.approx(30.0), 6.0, 0.25)
    assert clip.problem == ""
    for number in (9, 5, 7, 7, 6):
        frame = read_depth_frame(clip, clip.index_of(number))
        np.testing.assert_array_equal(frame, counts_of(number))
    some = list(read_depth_frames(clip, 1, 3))
    np.testing.assert_array_equal(some, [counts_of(6), counts_of(7)])
    assert list(read_depth_frames(clip, 5)) == []
    with pytest.raises(FormatError, match="has 5 frames"):
        read_depth_frames(clip, 0, 6)


@pytest.mark.parametrize("cut", [1, 16, WHOLE - 16, WHOLE - 1])
def test_what_lies_before_a_cut_is_kept(tmp_path, cut):
    path = recording(tmp_path / "a.depth", [5, 6, 7])
    path.write_bytes(path.read_bytes()[:-cut])
    clip = open_depth(path)
    assert clip.numbers.tolist() == [5, 6]
    assert f"ends in mid-frame: {WHOLE - cut} of {WHOLE} bytes come after frame 6" in clip.problem
    np.testing.assert_array_equal(read_depth_frame(clip, 1), counts_of(6))


def test_a_recording_that_grew_is_seen(tmp_path):
    path = recording(tmp_path / "a.depth", [0, 1])
    before = open_depth(path)
    recording(path, [0, 1, 2])
    assert open_depth(path).frames == 3
    np.testing.assert_array_equal(read_depth_frame(before, 1), counts_of(1))
    recording(path, [4, 5])
    with pytest.raises(FormatError, match="has changed"):
        read_depth_frame(before, 1)
    path.unlink()
    with pytest.raises(FormatError, match="cannot be read"):
        read_depth_frame(before, 1)


def test_a_gap_in_numbers_is_told(tmp_path):
    clip = open_depth(recording(tmp_path / "a.depth", [3, 4, 5, 9, 10]))
    assert "3 frames missing in 1 gap, the first between the numbers 5 and 9" in clip.problem
    np.testing.assert_allclose(clip.times_s, np.array([0, 1, 2, 6, 7]) / 30, atol=1e-8)
    with pytest.raises(FormatError, match="no frame 6"):
        clip.index_of(6)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "expected a line 'PALPATE-DEPTH width height', got b''"),
        (b"P5 640 480 65535\n" + bytes(999), "expected a line 'PALPATE-DEPTH width height'"),
        (b"PALPATE-DEPTH 0 6\n", "1 to 65535 px a side, got 0 x 6"),
        (HEADER, f"no whole frame: 0 bytes come after its first line, .* 10 x 6 px is {WHOLE}"),
        (HEADER + bytes(WHOLE - 1), f"holds no whole frame: {WHOLE - 1} bytes"),
        (HEADER + b"\xff" * WHOLE, "out of step with its header"),
    ],
)
def test_what_is_no_recording_is_refused_in_words(tmp_path, content, said):
    path = tmp_path / "a.depth"
    path.write_bytes(content)
    with pytest.raises(FormatError, match=said):
        open_depth(path)
    with pytest.raises(FormatError, match=said):  # and not as the video that it is none of
        recorded_clip(path)


@pytest.mark.parametrize(
    ("numbers", "times_s", "said"),
    [
        ([4, 5, 5], [0.0, 0.1, 0.2], "frame 5 at 0.2 s comes after frame 5 at 0.1 s"),
        ([4, 5, 0], [0.0, 0.1, 0.2], "frame 0 at 0.2 s comes after frame 5 at 0.1 s"),
        ([4, 5, 6], [0.3, 0.5, 0.4], "frame 6 at 0.4 s comes after frame 5 at 0.5 s"),
        ([4, 5, 6], [0.3, 0.5, 0.5], "frame 6 at 0.5 s comes after frame 5 at 0.5 s"),
    ],
)
def test_going_back_is_refused_with_the_place(tmp_path, numbers, times_s, said):
    path = recording(tmp_path / "a.depth", numbers, times_s)
    with pytest.raises(FormatError, match=said) as refused:
        open_depth(path)
    place = len(HEADER) + 2 * WHOLE
    assert f"at byte {place};" in str(refused.value)


def test_two_recordings_in_one_file_are_to_be_cut_where_it_is_said(tmp_path):
    path = recording(tmp_path / "a.depth", [0, 1])
    one = path.read_bytes()
    path.write_bytes(one + one)
    with pytest.raises(FormatError, match=f"another recording begins at byte {len(one)}"):
        open_depth(path)
    path.write_bytes((one + one)[len(one) :])
    assert open_depth(path).frames == 2


def test_recordings_are_found_beside_folders(tmp_path):
    recording(tmp_path / "b.depth", [0])
    recording(tmp_path / ".hidden.depth", [0])
    write_depth_folder(tmp_path / "a", [counts_of(0)])
    write_depth_folder(tmp_path / "c.depth", [counts_of(0)])
    found = find_depth_clips(tmp_path)
    assert [path.name for path in found] == ["a", "b.depth", "c.depth"]
    for path in found:
        np.testing.assert_array_equal(read_depth_frame(open_depth(path), 0), counts_of(0))


def test_a_study_loads_frames_of_a_recording_by_number(tmp_path):
    """Numbers begin at 5 and 8 is missing: index and number differ everywhere."""
    study = open_study(study_of(tmp_path, [5, 6, 7, 9, 10], [5, 9]))
    assert [case.identifier.partition("#")[2] for case in study.cases] == ["5", "6", "7", "9"]
    for number in (9, 5):
        case = study.case(f"infant01.depth#{number}")
        image = study.load(case).image
        np.testing.assert_array_equal(image.pixels, counts_of(number)[None])
        assert case.clip is not None
        assert case.clip.time_s == pytest.approx((number - 5) / 30)
        _, size = read_thumbnail(FrameOf(case.path, number, study.depth), side=8)
        assert size == SIZE


def test_a_study_of_recordings_is_checked(tmp_path):
    study = survey_study(study_of(tmp_path, [5, 6, 7, 9, 10], [5, 9]))
    kinds = {one.kind for one in (*study.findings, *find_problems(study))}
    assert "missing-frames" in kinds
    assert "unreadable-clip" not in kinds
    assert len(blank_frames(open_depth(tmp_path / "videos" / "infant01.depth"))) == 0


def test_a_recording_is_predicted_as_a_clip(tmp_path):
    path = recording(tmp_path / "night" / "a.depth", [5, 6, 9])
    for given_path in (path, path.parent):
        (source,) = find_clip_sources([given_path])
        assert source == ClipSource("a.depth", path, depth=DepthSettings())
        assert find_sources([given_path]) == []
    opened = open_clip(source)
    assert opened.numbers.tolist() == [5, 6, 9]
    np.testing.assert_array_equal(next(opened.read(2)), counts_of(9))


def test_the_monitor_replays_what_came_through_the_pipe(tmp_path):
    path = recording(tmp_path / "a.depth", [5, 6, 9])
    wishes = SourceWishes(accelerate=float("inf"))
    replayed = list(open_source(path, wishes, SystemClock()).events(Event()))
    lived = list(PipeSource(path).events(Event()))
    assert [one.number for one in replayed] == [one.number for one in lived] == [5, 6, 9]
    for one, other in zip(replayed, lived, strict=True):
        np.testing.assert_array_equal(one.pixels, other.pixels)
        assert one.time_s == pytest.approx(other.time_s - 5 / 30, abs=1e-8)


def test_times_are_numbers_by_the_rate_where_none_are_given(tmp_path):
    path = tmp_path / "a.depth"
    write_depth_raw(path, (counts_of(n) for n in range(3)), numbers=[2, 3, 6], rate_hz=10.0)
    np.testing.assert_allclose(open_depth(path).times_s, [0.0, 0.1, 0.4])


@pytest.mark.parametrize(
    ("frames", "how", "error", "said"),
    [
        (0, {}, OutputError, "no frame to write"),
        (2, {"numbers": [0]}, OutputError, "more frames than the 1 numbers"),
        (2, {"times_s": [0.0]}, OutputError, "more frames than the 1 times"),
        (1, {"numbers": [0, 1]}, OutputError, "2 numbers were given for 1 frames"),
        (2, {"numbers": [1, 1]}, OutputError, "numbers increase .* got 1 after 1"),
        (1, {"numbers": [-1]}, OutputError, "got -1 after none"),
        (2, {"times_s": [0.1, 0.1 + 1e-12]}, OutputError, "times in ns increase"),
        (1, {"times_s": [-0.5]}, OutputError, "times in ns increase from 0"),
        (1, {"times_s": [float("nan")]}, OutputError, "finite"),
        (1, {"numbers": [2**53]}, OutputError, "times in ns increase"),
        (1, {"rate_hz": 0.0}, ConfigError, "frames per second"),
    ],
)
def test_what_could_not_be_read_back_is_not_written(tmp_path, frames, how, error, said):
    with pytest.raises(error, match=said):
        write_depth_raw(tmp_path / "a.depth", [counts_of(n) for n in range(frames)], **how)
    assert list(tmp_path.iterdir()) == []


def test_frames_of_other_kinds_are_not_written(tmp_path):
    path = tmp_path / "a.depth"
    with pytest.raises(GeometryError, match="frame 1 is of shape"):
        write_depth_raw(path, [counts_of(0), counts_of(1)[:3]])
    with pytest.raises(PalpateError, match=r"ending in \.depth"):
        write_depth_raw(tmp_path / "a.raw", [counts_of(0)])
    assert list(tmp_path.iterdir()) == []
