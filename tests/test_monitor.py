"""Live monitoring: no frame is lost silently, whatever the camera, the disk and the machine do."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from threading import Event, Thread
from time import sleep
from typing import Any

import cv2
import numpy as np
import pytest
import typer
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from palpate.affine import Affine
from palpate.cli.monitor import monitor, monitor_report
from palpate.errors import (
    ConfigError,
    FormatError,
    GeometryError,
    OutputError,
    PalpateError,
    StudyError,
)
from palpate.image import Image
from palpate.io.depth import open_depth
from palpate.io.depth_write import write_depth_folder, write_depth_png
from palpate.linking.pose import LinkedPose
from palpate.localisers.clip import ClipLocaliser, ClipPlane, FoundFrame
from palpate.monitor.buffer import FrameBuffer
from palpate.monitor.delays import DelayHistogram
from palpate.monitor.folder import GrowingFolder
from palpate.monitor.follow import Following, FollowSettings
from palpate.monitor.frame import (
    Arrival,
    BadFrame,
    DroppedFrame,
    SourceRestarted,
    StreamEvent,
    StreamFrame,
)
from palpate.monitor.packed import Frames, pack, unpack
from palpate.monitor.past import PlaneRing
from palpate.monitor.pipe import PipeSource, stream_bytes, stream_header
from palpate.monitor.record import FrameRecord, FrameState
from palpate.monitor.replay import DepthRecording, Replay
from palpate.monitor.run import SourceThread, run
from palpate.monitor.saver import SegmentSaver
from palpate.monitor.segment import Segment
from palpate.monitor.store import STORE, MonitorStore
from palpate.prediction import Prediction
from palpate.scheme import LandmarkScheme
from palpate.workflows.monitor_live import LiveRun, clip_localiser
from palpate.workflows.monitor_page import page_of_store, summary_of_store
from palpate.workflows.monitor_source import (
    SourceWishes,
    chosen_pace,
    chosen_policy,
    open_source,
    recorded_clip,
)

ARM = LandmarkScheme("arm", ("elbow", "wrist"), edges=(("elbow", "wrist"),))


class FakeClock:
    """Time that passes only by waiting."""

    def __init__(self, start: float = 1000.0) -> None:
        self.seconds = start

    def now(self) -> float:
        return self.seconds

    def utc(self) -> float:
        return 1e9 + self.seconds

    def wait(self, stop: Event, seconds: float) -> bool:
        self.seconds += max(seconds, 0.0)
        return stop.is_set()


class Brightest:
    """Finds the farthest pixel as the elbow, and the wrist 2 px to its right if that is inside."""

    scheme, name, weights, protocol, variance_factor = ARM, "brightest", "abc", "", None
    frames, interval_s = 3, 1.0 / 6.0

    def __init__(self, clock: FakeClock, takes_s: float = 0.0) -> None:
        self.clips: list[list[float]] = []
        self.clock, self.takes_s = clock, takes_s

    def prepare(self, image: Image) -> ClipPlane:
        pixels = image.pixels[0]
        to_grid = Affine.scaling((1.0, 1.0), source="pixel", target="grid")
        return ClipPlane(pixels.astype(np.float32), pixels > 0, to_grid)

    def find(
        self, clips: Sequence[Sequence[ClipPlane]], *, last: bool = False
    ) -> list[list[FoundFrame]]:
        assert last
        self.clock.seconds += self.takes_s
        self.clips.extend([float(plane.values.max()) for plane in clip] for clip in clips)
        return [[self._found(clip[-1])] for clip in clips]

    def predict(self, image: Image) -> Prediction:
        return self._found(self.prepare(image)).prediction

    def _found(self, plane: ClipPlane) -> FoundFrame:
        y, x = np.unravel_index(int(plane.values.argmax()), plane.values.shape)
        mean = np.array([[x, y], [x + 2.0, y]], dtype=float)
        if x + 2 >= plane.values.shape[1]:
            mean[1] = np.nan
        there = ~np.isnan(mean[:, 0])
        covariance = np.where(there[:, None, None], np.eye(2), np.nan)
        score = np.where(there, 0.8, 0.0)
        pose = LinkedPose(mean, covariance, score, np.array([0.5 if there.all() else 0.0]))
        return FoundFrame(Prediction(ARM, mean, covariance, score, "brightest"), pose)


class Film:
    """Frames in memory as a recording."""

    name, rate_hz = "film", 30.0

    def __init__(self, frames: Sequence[StreamEvent]) -> None:
        self.frames = frames

    def read(self) -> Iterator[StreamEvent]:
        yield from self.frames


def frame(number: int, time_s: float | None = None, *, at: tuple[int, int] = (3, 2)) -> StreamFrame:
    pixels = np.full((6, 10), 500, np.uint16)
    pixels[at[1], at[0]] = 1000 + number
    return StreamFrame(number, number / 30.0 if time_s is None else time_s, pixels)


class Bench:
    """A run without threads: frames are handed over by the test, time passes as it says."""

    def __init__(self, folder: Path, *, policy: str = "all", clock: FakeClock | None = None, **how):
        self.clock = clock or FakeClock()
        self.takes = Brightest(self.clock)
        self.store = MonitorStore.open(folder / STORE, ARM, origin_utc=1e9 + 1000.0)
        self.store.begin({"source": "test"})
        self.settings = FollowSettings(policy=policy, **how)
        self.following = Following(self.takes, self.store, self.settings, self.clock, rate_hz=30.0)

    def give(self, *events: StreamEvent, after_s: float = 1.0 / 30.0) -> None:
        for event in events:
            self.clock.seconds += after_s
            self.following.work([Arrival(event, self.clock.now())])

    def end(self) -> MonitorStore:
        self.following.close()
        self.following.save()
        self.store.end("test", self.following.totals())
        return self.store


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    yield made
    made.store.close()


def states(store: MonitorStore) -> dict[int, str]:
    frames = store.frames()
    return {
        number: FrameState(state).words
        for number, state in zip(frames.number.tolist(), frames.state.tolist(), strict=True)
    }


def every_number(store: MonitorStore) -> list[int]:
    """All numbers that the store knows of, as rows or in gaps."""
    numbers = store.frames().number.tolist()
    for gap in store.gaps():
        if gap.first_number is not None and gap.last_number is not None:
            numbers += range(gap.first_number, gap.last_number + 1)
    return sorted(numbers)


# From end to end


def test_a_replay_ends_as_joints_in_the_store(tmp_path: Path) -> None:
    clock = FakeClock()
    localiser = Brightest(clock)
    assert isinstance(localiser, ClipLocaliser)
    film = Film([frame(n, at=(n % 8, 2)) for n in range(40)])
    settings = FollowSettings(policy="all")
    with MonitorStore.open(tmp_path / STORE, ARM, origin_utc=clock.utc()) as store:
        store.begin({"source": "film"})
        following = Following(localiser, store, settings, clock, rate_hz=30.0)
        ended = run(Replay(film, clock), following, settings, tmp_path, clock=clock, stop=Event())
        frames, track = store.frames(), store.track()
    assert frames.number.tolist() == list(range(40))
    assert set(frames.state[:10].tolist()) == {FrameState.NO_PAST}
    assert set(frames.state[10:].tolist()) == {FrameState.FOUND}
    np.testing.assert_array_equal(track.coordinates[:, 0, 0], np.arange(10, 40) % 8)
    assert localiser.clips[0] == [1000.0, 1005.0, 1010.0]
    assert ended.how == "the stream ended"
    status = json.loads((tmp_path / "status.json").read_text())
    assert (status["condition"], status["frames"]["found"]) == ("ended", 30)


def test_the_last_segment_is_saved_when_the_localiser_breaks(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    film = Film([frame(n) for n in range(40)])

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("a fault of the localiser's own")

    bench.takes.find = broken
    with pytest.raises(RuntimeError, match="own"):
        run(
            Replay(film, bench.clock),
            bench.following,
            bench.settings,
            tmp_path,
            clock=bench.clock,
            stop=Event(),
        )
    assert len(bench.store.frames()) == 10
    bench.store.close()


def test_what_a_source_refuses_is_raised_after_what_came_was_saved(tmp_path: Path) -> None:
    bench = Bench(tmp_path)

    class Breaks(Film):
        def read(self) -> Iterator[StreamEvent]:
            yield from self.frames
            raise FormatError("film", "out of step")

    film = Replay(Breaks([frame(n) for n in range(15)]), bench.clock)
    with pytest.raises(FormatError, match="out of step"):
        run(film, bench.following, bench.settings, tmp_path, clock=bench.clock, stop=Event())
    assert len(bench.store.frames()) == 15
    bench.store.close()


def test_a_looped_replay_goes_on_in_number_and_time() -> None:
    clock, stop = FakeClock(), Event()
    film = Film([frame(n) for n in range(5, 8)])
    events = Replay(film, clock, loop=True).events(stop)
    seen = [next(events) for _ in range(7)]
    assert [one.number for one in seen] == list(range(5, 12))
    np.testing.assert_allclose(np.diff([one.time_s for one in seen]), 1.0 / 30.0)
    stop.set()
    assert list(events) == []


@pytest.mark.parametrize(("accelerate", "seconds"), [(1.0, 2.0), (4.0, 0.5), (np.inf, 0.0)])
def test_a_replay_is_paced_by_its_own_clock(accelerate: float, seconds: float) -> None:
    clock = FakeClock()
    film = Film([frame(n) for n in range(61)])
    list(Replay(film, clock, accelerate=accelerate).events(Event()))
    assert clock.seconds - 1000.0 == pytest.approx(seconds)


def test_a_depth_clip_is_replayed_with_its_numbers_and_its_broken_frame(tmp_path: Path) -> None:
    folder = tmp_path / "infant01"
    frames = [np.full((4, 6), 100 + n, np.uint16) for n in range(6)]
    write_depth_folder(folder, frames, numbers=[3, 4, 5, 7, 8, 9])
    clip = open_depth(folder)
    (folder / "000008.png").write_bytes(b"")
    seen = list(DepthRecording(clip).read())
    assert [one.number for one in seen] == [3, 4, 5, 7, 8, 9]
    assert isinstance(seen[4], BadFrame)
    assert "000008.png" in seen[4].reason
    assert isinstance(seen[5], StreamFrame)
    assert int(seen[5].pixels[0, 0]) == 105


def test_every_fifth_frame_of_a_camera_is_a_stream_without_gaps(tmp_path: Path) -> None:
    folder = tmp_path / "infant01"
    frames = [np.full((4, 6), 100 + n, np.uint16) for n in range(4)]
    write_depth_folder(folder, frames, numbers=[0, 5, 10, 15])
    recording = DepthRecording(open_depth(folder))
    assert [one.number for one in recording.read()] == [0, 1, 2, 3]
    assert recording.rate_hz == pytest.approx(6.0)


# Nothing is lost silently


def test_numbers_left_out_are_missing_and_the_frames_after_them_have_no_past(bench: Bench) -> None:
    bench.give(*(frame(n) for n in range(15)))
    bench.give(*(frame(n) for n in range(20, 40)))
    store = bench.end()
    (gap,) = store.gaps()
    assert (gap.reason, gap.first_number, gap.last_number) == ("missing", 15, 19)
    assert (gap.start_s, gap.stop_s) == pytest.approx((15 / 30, 21 / 30), abs=1e-5)
    seen = states(store)
    # 20 looks at 15, which never came; 25 at 15 as well; 30 has both.
    assert [n for n in range(20, 40) if seen[n] == "gap"] == list(range(20, 30))
    assert every_number(store) == list(range(40))


@settings(max_examples=25)
@given(
    steps=st.lists(st.integers(-3, 4), min_size=1, max_size=60),
    kinds=st.lists(st.sampled_from(["frame", "frame", "bad", "zeros", "small"]), min_size=60),
    policy=st.sampled_from(["all", "latest"]),
    together=st.integers(1, 7),
)
def test_every_number_between_first_and_last_is_in_the_store(
    tmp_path_factory, steps, kinds, policy, together
) -> None:
    """Whatever comes in whatever order: a number that was first seen in order is there once."""
    bench = Bench(tmp_path_factory.mktemp("any"), policy=policy)
    numbers = np.maximum(np.cumsum([100, *steps]), 0).tolist()
    arrivals = []
    for number, kind in zip(numbers, kinds, strict=False):
        one: StreamEvent = frame(number)
        if kind == "bad":
            one = BadFrame(number, None, "cut off")
        elif kind == "zeros":
            one = StreamFrame(number, number / 30.0, np.zeros((6, 10), np.uint16))
        elif kind == "small":
            one = StreamFrame(number, number / 30.0, np.ones((2, 2), np.uint16))
        bench.clock.seconds += 0.03
        arrivals.append(Arrival(one, bench.clock.now()))
    for at in range(0, len(arrivals), together):
        bench.following.work(arrivals[at : at + together])
    store = bench.end()
    known = Counter(every_number(store))
    assert set(known) == set(range(100, max(known) + 1)) | {n for n in numbers if n < 100}
    rows = store.frames()
    assert (np.diff(rows.time_s) >= 0).all()
    late = {n for i, n in enumerate(numbers) if i and n <= max(numbers[:i])}
    assert {n for n, count in known.items() if count > 1} <= late
    totals = store.sessions()[0].totals["frames"]
    assert sum(totals.values()) == sum(known.values())
    store.close()


def test_a_frame_of_another_size_is_bad_and_told_once(bench: Bench) -> None:
    bench.give(*(frame(n) for n in range(3)))
    bench.give(*(StreamFrame(n, n / 30.0, np.ones((4, 4), np.uint16)) for n in (3, 4)), frame(5))
    store = bench.end()
    assert states(store) == {0: "gap", 1: "gap", 2: "gap", 3: "bad", 4: "bad", 5: "gap"}
    (note,) = store.notes()
    assert note.words == "frame 3 is 4 x 4 px, the stream began with 10 x 6"
    assert note.count == 2
    (warning,) = bench.following.status().warnings
    assert warning == f"{note.words}; 2 such frames"


def test_frames_of_another_size_than_the_stores_are_refused(tmp_path: Path) -> None:
    first = Bench(tmp_path)
    assert first.store.size is None
    first.give(*(frame(n) for n in range(12)))
    first.end().close()
    again = Bench(tmp_path)
    assert again.store.size == (10, 6)
    with pytest.raises(StudyError, match="are 4 x 5 px, the store holds joints in frames of 10 x"):
        again.give(StreamFrame(12, 0.4, np.ones((5, 4), np.uint16)))
    again.end().close()
    third = Bench(tmp_path)  # a session that was refused says nothing of the size
    third.give(frame(0))
    assert third.end().size == (10, 6)
    third.store.close()


def test_a_clock_that_goes_back_is_refused_with_both_times(bench: Bench) -> None:
    bench.give(frame(0), frame(1), frame(2, 0.01), frame(3))
    store = bench.end()
    assert states(store)[2] == "bad"
    assert "0.010000" in store.notes()[0].words
    assert "0.033333" in store.notes()[0].words
    assert states(store)[3] != "bad"


def test_a_number_that_came_before_is_refused(bench: Bench) -> None:
    bench.give(frame(7), frame(8), frame(7, 1.0))
    store = bench.end()
    assert store.frames().state.tolist()[-1] == FrameState.BAD
    assert store.notes()[0].words == "frame 7 came after frame 8"


def test_zeros_are_nothing_measured_and_no_past_for_others(bench: Bench) -> None:
    dark = StreamFrame(10, 10 / 30.0, np.zeros((6, 10), np.uint16))
    bench.give(*(frame(n) for n in range(10)), dark, *(frame(n) for n in range(11, 30)))
    seen = states(bench.end())
    assert seen[10] == "nothing measured"
    assert [n for n in range(11, 30) if seen[n] == "gap"] == [15, 20]


def test_eight_bit_frames_are_refused_in_words() -> None:
    pixels: Any = np.ones((2, 2), np.uint8)
    with pytest.raises((GeometryError, TypeError), match=r"uint8|UInt16"):
        StreamFrame(0, 0.0, pixels)


def test_frames_too_large_for_the_store_are_refused(bench: Bench) -> None:
    with pytest.raises(PalpateError, match="3000 x 2 px; the store holds"):
        bench.give(StreamFrame(0, 0.0, np.ones((2, 3000), np.uint16)))


def test_a_localiser_that_refuses_one_frame_does_not_end_the_night(bench: Bench) -> None:
    prepare = bench.takes.prepare
    bench.takes.prepare = lambda image: (
        prepare(image) if image.identifier != "frame 4" else raise_(GeometryError("no grid"))
    )
    bench.give(*(frame(n) for n in range(20)))
    store = bench.end()
    assert states(store)[4] == "bad"
    assert store.notes()[0].words == "no grid"
    assert states(store)[19] == "found"


def raise_(error: Exception) -> ClipPlane:
    raise error


def test_nothing_found_and_partial_are_told_apart(bench: Bench) -> None:
    bench.give(*(frame(n) for n in range(10)), frame(10, at=(9, 2)), frame(11))
    store = bench.end()
    assert states(store)[10] == "partial"
    assert states(store)[11] == "found"
    track = store.track()
    assert track.present.tolist() == [[True, False], [True, True]]


# Falling behind


def test_latest_looks_at_the_newest_and_its_past_is_there(tmp_path: Path) -> None:
    bench = Bench(tmp_path, policy="latest")
    for n in range(0, 40, 4):
        bench.clock.seconds += 4 / 30
        bench.following.work([Arrival(frame(k), bench.clock.now()) for k in range(n, n + 4)])
    store = bench.end()
    seen = states(store)
    assert [n for n, state in seen.items() if state == "found"] == list(range(11, 40, 4))
    assert all(seen[n] == "skipped" for n in range(10, 40) if n % 4 != 3)
    assert bench.takes.clips[-1] == [1029.0, 1034.0, 1039.0]
    store.close()


def test_a_full_buffer_of_a_camera_lets_go_the_oldest_or_the_newest() -> None:
    for policy, kept in (("latest", [3, 4]), ("all", [0, 1])):
        buffer = FrameBuffer(policy, waits=False, capacity=2)
        for n in range(5):
            assert buffer.put(Arrival(frame(n), 0.0))
        assert buffer.frames == 2
        buffer.finish()
        taken = []
        while not buffer.ended:
            taken += [arrival.event for arrival in buffer.take(0.0)]
        assert [event.number for event in taken] == list(range(5))
        assert [e.number for e in taken if isinstance(e, StreamFrame)] == kept
        assert buffer.frames == 0


def test_a_recording_waits_for_room_and_loses_nothing() -> None:
    buffer = FrameBuffer("all", waits=True, capacity=2)
    film = Replay(Film([frame(n) for n in range(50)]), FakeClock(), accelerate=np.inf)
    thread = SourceThread(film, buffer, FakeClock(), Event())
    thread.start()
    taken = []
    while not buffer.ended:
        assert buffer.frames <= 2
        taken += [arrival.event for arrival in buffer.take(1.0)]
    assert [event.number for event in taken] == list(range(50))
    assert all(isinstance(event, StreamFrame) for event in taken)


def test_a_source_that_waits_is_let_go_when_nobody_listens() -> None:
    buffer = FrameBuffer("all", waits=True, capacity=1)
    assert buffer.put(Arrival(frame(0), 0.0))
    buffer.abandon()
    assert not buffer.put(Arrival(frame(1), 0.0))


def test_all_wanted_and_some_let_go_is_a_warning(bench: Bench) -> None:
    bench.give(frame(0), DroppedFrame(1, 1 / 30), frame(2))
    assert states(bench.end())[1] == "skipped"
    (warning,) = bench.following.status().warnings
    assert warning.startswith("all frames were wanted, but 1 were let go")


def test_the_buffer_takes_sense_in_its_settings() -> None:
    with pytest.raises(ConfigError, match="at least one"):
        FrameBuffer("all", waits=False, capacity=0)
    with pytest.raises(ConfigError, match="--segment"):
        FollowSettings(segment_s=0.0)


# Stalls and restarts


def test_a_stall_is_told_while_it_lasts_and_is_a_gap_afterwards(bench: Bench) -> None:
    bench.give(*(frame(n) for n in range(20)))
    assert not bench.following.stalled
    bench.clock.seconds += 12.0
    bench.following.tick()
    status = bench.following.status()
    assert status.condition == "stalled"
    assert status.warnings == ("no frame came for 12 s",)
    bench.following.save()
    assert len(bench.store.frames()) == 20  # the open segment was closed in the silence
    bench.give(*(frame(n, 12.0 + n / 30) for n in range(20, 40)))
    store = bench.end()
    (gap,) = store.gaps()
    assert (gap.reason, gap.frames) == ("stall", 0)
    assert gap.stop_s - gap.start_s == pytest.approx(12.0 + 1 / 30, abs=1e-3)
    assert bench.following.status().condition == "following"
    assert states(store)[20] == "gap"
    assert states(store)[39] == "found"


def test_a_camera_whose_clock_stood_still_is_put_right_by_this_machines(bench: Bench) -> None:
    bench.give(*(frame(n) for n in range(3)))
    bench.clock.seconds += 60.0
    bench.give(frame(3))  # 1/30 s later by its own clock
    store = bench.end()
    (gap,) = store.gaps()
    assert gap.reason == "stall"
    assert gap.stop_s - gap.start_s == pytest.approx(60.0 + 1 / 30, abs=1e-3)


def test_a_stall_that_lasts_to_the_end_is_a_gap_too(bench: Bench) -> None:
    bench.give(frame(0))
    bench.clock.seconds += 30.0
    (gap,) = bench.end().gaps()
    assert (gap.reason, round(gap.stop_s - gap.start_s)) == ("stall", 30)


def test_a_source_that_begins_anew_counts_anew(bench: Bench) -> None:
    bench.give(*(frame(n) for n in range(100, 115)))
    bench.give(SourceRestarted("reopened"), *(frame(n, 5.0 + n / 30) for n in range(15)))
    store = bench.end()
    assert [gap.reason for gap in store.gaps()] == ["source restarted"]
    assert len(store.frames()) == 30
    assert set(store.frames().state[15:25].tolist()) == {FrameState.NO_PAST}
    assert (np.diff(store.frames().time_s) > 0).all()


def test_the_run_ends_after_the_wished_time_also_in_a_stall(tmp_path: Path) -> None:
    bench = Bench(tmp_path, duration_s=10.0)
    bench.give(*(frame(n) for n in range(31)))
    assert not bench.following.done
    bench.clock.seconds += 8.95
    assert not bench.following.done
    bench.clock.seconds += 0.1
    assert bench.following.done
    bench.store.close()


def test_a_stream_too_slow_for_the_localiser_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="at least 6"):
        PlaneRing(3, 1 / 6, 1 / 3)
    assert len(PlaneRing(3, 1 / 6, 1 / 5)) == 0


@pytest.mark.parametrize("rate_hz", [6.0, 15.0, 25.0, 29.97, 60.0])
def test_the_past_is_picked_by_time_at_any_rate(rate_hz: float) -> None:
    ring = PlaneRing(3, 1 / 6, 1 / rate_hz)
    plane = Brightest(FakeClock()).prepare(Image(np.ones((1, 2, 2), np.uint16), "one"))
    rng = np.random.default_rng(4)
    times = np.arange(200) / rate_hz + rng.uniform(-0.2, 0.2, 200) / rate_hz
    planes = {}
    for time in times.tolist():
        planes[time] = ClipPlane(plane.values, plane.valid, plane.to_grid)
        ring.add(time, planes[time])
    clip = ring.clip(float(times[-1]))
    assert clip is not None
    for back, found in zip((2, 1, 0), clip, strict=True):
        wanted = min(planes, key=lambda time: abs(time - (times[-1] - back / 6)))
        assert found is planes[wanted]
    assert len(ring) <= 4 * (rate_hz / 3 + 3)


def test_the_ring_stays_small_when_a_stream_is_quicker_than_it_says() -> None:
    ring = PlaneRing(3, 1 / 6, 1 / 30)
    plane = Brightest(FakeClock()).prepare(Image(np.ones((1, 2, 2), np.uint16), "one"))
    for n in range(10000):
        ring.add(n * 1e-5, plane)
    assert len(ring) < 100


# The store


def records(count: int, rng: np.random.Generator) -> list[FrameRecord]:
    made = []
    for n in range(count):
        there = rng.uniform(size=2) < 0.8
        places = np.where(there[:, None], rng.uniform(-30, 1900, (2, 2)), np.nan)
        score = np.where(there, rng.uniform(size=2), 0.0)
        made.append(
            FrameRecord(
                n + 2**40, n / 30.0, FrameState.FOUND, places, score, rng.uniform(size=1), n
            )
        )
    return made


@given(count=st.integers(0, 40), seed=st.integers(0, 2**16))
def test_unpacking_undoes_packing(count: int, seed: int) -> None:
    frames = Frames.of(records(count, np.random.default_rng(seed)), 2, 1)
    back = unpack(pack(frames), 2, 1)
    np.testing.assert_array_equal(back.number, frames.number)
    np.testing.assert_allclose(back.time_s, frames.time_s, atol=5e-7)
    np.testing.assert_array_equal(np.isnan(back.coordinates), np.isnan(frames.coordinates))
    np.testing.assert_allclose(back.coordinates, frames.coordinates, atol=1 / 32)
    np.testing.assert_allclose(back.score, frames.score, atol=1 / 509)
    np.testing.assert_allclose(back.links, frames.links, atol=1 / 509)
    np.testing.assert_array_equal(back.state, frames.state)
    np.testing.assert_array_equal(back.others, frames.others)


def test_packed_bytes_of_another_scheme_or_cut_off_are_refused() -> None:
    packed = pack(Frames.of(records(5, np.random.default_rng(0)), 2, 1))
    for content, joints in ((packed, 3), (packed[:-4], 2), (b"", 2)):
        with pytest.raises(FormatError, match="joints"):
            unpack(content, joints, 1)


def test_a_day_of_twelve_joints_takes_about_an_eighth_of_a_gigabyte(tmp_path: Path) -> None:
    rng = np.random.default_rng(7)
    made = []
    for n in range(30):
        places = 200.0 + 20.0 * np.sin(n / 10.0 + np.arange(24)).reshape(12, 2)
        score, links = rng.normal(0.8, 0.02, 12).clip(0, 1), rng.normal(0.7, 0.02, 8).clip(0, 1)
        noisy = places + rng.normal(0.0, 0.5, (12, 2))
        made.append(FrameRecord(n, n / 30.0, FrameState.FOUND, noisy, score, links))
    packed = pack(Frames.of(made, 12, 8))
    assert 100.0 < len(packed) * 86400 / 1e6 < 130.0
    second = Segment(0.0, 1.0, 30, (0, 29), packed, (), (), {})
    path = tmp_path / STORE
    with MonitorStore.open(path, ARM) as store:
        store.append(*[second] * 100)
    before = path.stat().st_size
    with MonitorStore.open(path, ARM) as store:
        store.append(*[second] * 400)
    assert (path.stat().st_size - before) / 400 * 86400 / 1e6 < 150.0


def test_a_stretch_of_the_store_is_half_open(bench: Bench) -> None:
    bench.give(*(frame(n) for n in range(120)))
    store = bench.end()
    times = store.frames().time_s
    part = store.frames(float(times[40]), float(times[80]))
    assert part.number.tolist() == list(range(40, 80))
    assert len(list(store.stretches())) == 4  # of a second each
    assert store.span_s == pytest.approx((times[0], times[-1]))


def test_the_store_says_who_made_it(bench: Bench) -> None:
    bench.give(*(frame(n) for n in range(12)))
    (session,) = bench.end().sessions()
    assert session.provenance == {"source": "test"}
    assert session.how == "test"
    assert session.totals["frames"]["found"] == 2
    assert DelayHistogram.from_json(session.totals["delays"]).total == 2


def test_a_second_writer_and_another_scheme_are_refused(tmp_path: Path) -> None:
    with MonitorStore.open(tmp_path / STORE, ARM), pytest.raises(StudyError, match="another"):
        MonitorStore.open(tmp_path / STORE, ARM)
    leg = LandmarkScheme("leg", ("hip", "knee"), edges=(("hip", "knee"),))
    with pytest.raises(StudyError, match="holds elbow, wrist; this localiser finds hip, knee"):
        MonitorStore.open(tmp_path / STORE, leg)
    MonitorStore.open(tmp_path / STORE, ARM).close()  # the refused let go of the lock


def test_a_store_is_read_while_it_is_written_to(bench: Bench) -> None:
    bench.give(*(frame(n) for n in range(40)))
    bench.following.save()
    with MonitorStore.read(bench.store.path) as reader:
        assert len(reader.frames()) == 30  # the first whole second
        bench.give(*(frame(n) for n in range(40, 80)))
        bench.following.save()
        assert len(reader.frames()) == 60
        with pytest.raises(sqlite3.OperationalError):
            reader.begin({})


def test_what_is_no_store_is_refused_in_words(tmp_path: Path) -> None:
    path = tmp_path / STORE
    with pytest.raises(FormatError, match="no such store"):
        MonitorStore.read(path)
    path.write_text("a letter to a friend, of more than a hundred bytes " * 4)
    with pytest.raises(FormatError, match="cannot be used as a store"):
        MonitorStore.read(path)
    with pytest.raises(FormatError, match="cannot be used as a store"):
        MonitorStore.open(path, ARM)
    path.unlink()
    MonitorStore.open(path, ARM).close()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version=9")
    connection.close()
    with pytest.raises(FormatError, match="expected 1, got 9"):
        MonitorStore.read(path)


def test_old_frames_are_forgotten_and_the_rest_stays(tmp_path: Path) -> None:
    bench = Bench(tmp_path, keep_s=2.0)
    bench.give(*(frame(n) for n in range(30 * 5)))
    store = bench.end()
    assert 60 <= store.frames().number[0] <= 90  # whole segments
    assert store.frames().number[-1] == 149
    store.close()


# A full disk


class Disk:
    """The disk under a store, which is full when the test says so."""

    def __init__(self, store: MonitorStore, error: Exception) -> None:
        self.full, self._append, self._error = False, store.append, error
        store.append = self.append

    def append(self, *segments: Segment) -> None:
        if self.full:
            raise self._error
        self._append(*segments)


FULL = (sqlite3.OperationalError("database or disk is full"), OSError(28, "No space left"))


@pytest.mark.parametrize("error", FULL, ids=["sqlite", "os"])
def test_a_full_disk_is_told_and_nothing_is_lost_when_there_is_room_again(
    tmp_path: Path, error: Exception
) -> None:
    bench = Bench(tmp_path)
    disk = Disk(bench.store, error)
    bench.give(*(frame(n) for n in range(60)))
    bench.following.save()
    saved = len(bench.store.frames())
    disk.full = True
    bench.give(*(frame(n) for n in range(60, 150)))
    bench.following.save()
    status = bench.following.status()
    assert status.condition == "disk full"
    assert status.unsaved == (90, 0)
    assert "90 frames wait in memory" in status.warnings[0]
    assert len(bench.store.frames()) == saved
    disk.full = False
    store = bench.end()
    assert store.frames().number.tolist() == list(range(150))
    assert bench.following.status().condition == "following"
    store.close()


def test_what_memory_cannot_hold_meanwhile_is_a_gap_with_its_numbers(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    disk = Disk(bench.store, FULL[0])
    bench.following.saver = SegmentSaver(bench.store, pending=2)
    disk.full = True
    bench.give(*(frame(n) for n in range(150)))
    bench.following.save()
    assert bench.following.status().unsaved[1] > 0
    disk.full = False
    store = bench.end()
    assert every_number(store) == list(range(150))
    assert {gap.reason for gap in store.gaps()} == {"not saved"}
    assert store.sessions()[0].totals["unsaved"] == sum(gap.frames for gap in store.gaps())
    store.close()


def test_a_store_that_fails_otherwise_ends_the_run(bench: Bench) -> None:
    disk = Disk(bench.store, sqlite3.DatabaseError("malformed"))
    disk.full = True
    bench.give(frame(0))
    bench.following.close()
    with pytest.raises(OutputError, match="takes nothing more: malformed"):
        bench.following.save()


def test_a_truly_full_database_is_recognised(bench: Bench) -> None:
    """SQLite's own error, not one of ours."""
    pages = bench.store._connection.execute("PRAGMA page_count").fetchone()[0]
    bench.store._connection.execute(f"PRAGMA max_page_count={pages}")
    bench.give(*(BadFrame(n, n / 30.0, "long story " * 1000) for n in range(60)))
    bench.following.save()
    assert bench.following.status().condition == "disk full"
    bench.store._connection.execute("PRAGMA max_page_count=100000")
    assert every_number(bench.end()) == list(range(60))


# Delays


@given(st.lists(st.floats(1e-4, 900.0), min_size=1, max_size=50), st.floats(0.0, 100.0))
def test_a_percentile_is_never_less_than_the_truth_and_little_more(
    seconds: list[float], percent: float
) -> None:
    delays = DelayHistogram()
    for one in seconds:
        delays.add(one)
    truth = sorted(seconds)[max(1, int(np.ceil(len(seconds) * percent / 100))) - 1]
    told = delays.percentile(percent)
    assert told is not None
    assert truth * (1 - 1e-12) <= told <= truth * 1.123
    back = DelayHistogram.from_json(json.loads(json.dumps(delays.as_json())))
    assert back.percentile(percent) == told
    assert delays.joined(back).total == 2 * len(seconds)


def test_delays_count_from_arrival_to_joints(tmp_path: Path) -> None:
    clock = FakeClock()
    bench = Bench(tmp_path, clock=clock)
    bench.takes.takes_s = 0.040
    bench.give(*(frame(n) for n in range(12)))
    assert bench.following.status().delays.total == 2
    assert bench.following.status().delays.longest_s == pytest.approx(0.040)
    assert "delay 40 ms" in bench.following.status().line
    bench.end().close()


def test_no_delay_is_none() -> None:
    assert DelayHistogram().percentile(50.0) is None
    assert DelayHistogram().bins() == []
    with pytest.raises(FormatError, match="no histogram"):
        DelayHistogram.from_json({"bins": {"9999": 1}, "longest_s": 1.0})


# A folder that grows


class Camera:
    """Drops frames into a folder while the source waits."""

    def __init__(self, folder: Path, *steps) -> None:
        self.folder, self.steps, self.clock = folder, list(steps), FakeClock()
        self.stop = Event()
        self.clock.wait = self.wait

    def wait(self, stop: Event, seconds: float) -> bool:
        self.clock.seconds += max(seconds, 0.0)
        if self.clock.seconds > 1060.0:
            stop.set()
        elif self.steps and self.clock.seconds >= 1000.0 + self.steps[0][0]:
            self.steps.pop(0)[1]()
        return stop.is_set()

    def drop(self, number: int, name: str = "{:06d}.png"):
        pixels = np.full((4, 6), 100 + number, np.uint16)
        return lambda: write_depth_png(self.folder / name.format(number), pixels)

    def write(self, name: str, content: bytes):
        return lambda: (self.folder / name).write_bytes(content)


def followed(camera: Camera, **how) -> list[StreamEvent]:
    return list(GrowingFolder(camera.folder, camera.clock, **how).events(camera.stop))


def test_frames_are_followed_as_they_are_dropped(tmp_path: Path) -> None:
    camera = Camera(tmp_path)
    camera.drop(3)()
    camera.steps = [(0.1 * n, camera.drop(n)) for n in (4, 5, 7, 8)]
    seen = followed(camera)
    assert [one.number for one in seen] == [4, 5, 7, 8]
    assert [int(one.pixels[0, 0]) for one in seen] == [104, 105, 107, 108]
    assert seen[0].time_s == pytest.approx(4 / 30)


def test_the_backlog_is_followed_where_it_is_wished(tmp_path: Path) -> None:
    camera = Camera(tmp_path, (1.0, lambda: None))
    for number in (8, 9, 10):
        camera.drop(number, "depth_{}.png")()
    camera.steps = [(1.0, camera.drop(11, "depth_{}.png"))]
    assert [one.number for one in followed(camera, backlog=True)] == [8, 9, 10, 11]


def test_a_file_in_mid_writing_is_waited_for(tmp_path: Path) -> None:
    camera = Camera(tmp_path)
    camera.drop(0)()
    camera.drop(1)()
    whole = (tmp_path / "000001.png").read_bytes()
    (tmp_path / "000001.png").unlink()
    camera.steps = [
        (0.1, camera.write("000001.png", b"")),
        (0.2, camera.write("000001.png", whole[:50])),
        (1.0, camera.write("000001.png", whole)),
    ]
    (one,) = followed(camera)
    assert isinstance(one, StreamFrame)
    assert int(one.pixels[0, 0]) == 101


def test_a_truncated_file_is_a_bad_frame_after_a_while(tmp_path: Path) -> None:
    camera = Camera(tmp_path)
    camera.drop(0)()
    whole = (tmp_path / "000000.png").read_bytes()
    camera.steps = [(0.1, camera.write("000001.png", whole[:-9])), (0.5, camera.drop(2))]
    bad, good = followed(camera)
    assert isinstance(bad, BadFrame)
    assert bad.reason.startswith("frame 1: 000001.png is cut off")
    assert bad.reason.endswith("after 2 s")
    assert good.number == 2


def test_a_folder_that_is_emptied_and_begins_anew_is_a_restart(tmp_path: Path) -> None:
    camera = Camera(tmp_path)
    camera.drop(90)()

    def emptied() -> None:
        for path in tmp_path.iterdir():
            path.unlink()

    camera.steps = [
        (0.1, camera.drop(91)),
        (1.0, emptied),
        (2.0, camera.drop(0)),
        (2.1, camera.drop(1)),
    ]
    seen = followed(camera)
    assert [type(one).__name__ for one in seen] == [
        "StreamFrame",
        "SourceRestarted",
        "StreamFrame",
        "StreamFrame",
    ]
    assert [one.number for one in seen[2:]] == [0, 1]


def test_a_folder_may_vanish_and_come_back(tmp_path: Path) -> None:
    folder = tmp_path / "frames"
    folder.mkdir()
    camera = Camera(folder)
    camera.steps = [
        (0.1, camera.drop(1)),
        (1.0, (folder / "000001.png").unlink),
        (1.1, folder.rmdir),
        (2.0, folder.mkdir),
        (2.1, camera.drop(2)),
    ]
    assert [one.number for one in followed(camera)] == [1, 2]


def test_a_folder_of_eight_bit_frames_is_refused_at_the_start(tmp_path: Path) -> None:
    camera = Camera(tmp_path)
    grey = cv2.imencode(".png", np.ones((4, 6), np.uint8))[1].tobytes()
    camera.steps = [(0.1, camera.write("000000.png", grey))]
    with pytest.raises(FormatError, match="squeezed to 8 bit"):
        followed(camera)
    with pytest.raises(FormatError, match="no such folder"):
        GrowingFolder(tmp_path / "nowhere", camera.clock)


# A pipe


def piped(tmp_path: Path, content: bytes) -> list[StreamEvent]:
    path = tmp_path / "stream.raw"
    path.write_bytes(content)
    return list(PipeSource(path).events(Event()))


def test_frames_come_through_a_pipe(tmp_path: Path) -> None:
    sent = [frame(n) for n in (5, 6, 9)]
    came = piped(tmp_path, stream_header(10, 6) + b"".join(map(stream_bytes, sent)))
    assert [one.number for one in came] == [5, 6, 9]
    for one, other in zip(sent, came, strict=True):
        np.testing.assert_array_equal(one.pixels, other.pixels)
        assert other.time_s == pytest.approx(one.time_s, abs=1e-9)
    # byte by byte, as the protocol says
    head = (9).to_bytes(8, "little") + (300_000_000).to_bytes(8, "little")
    assert stream_bytes(sent[2])[:16] == head


@pytest.mark.parametrize(("cut", "number"), [(1, 6), (130, 6), (136 - 15, 6)])
def test_a_stream_that_ends_in_mid_frame_is_told(tmp_path: Path, cut: int, number: int) -> None:
    content = stream_header(10, 6) + stream_bytes(frame(5)) + stream_bytes(frame(number))
    good, bad = piped(tmp_path, content[:-cut])
    assert good.number == 5
    assert isinstance(bad, BadFrame)
    assert "ended" in bad.reason
    assert bad.number == (number if cut < 121 else None)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "nothing came"),
        (b"P5 640 480 65535\n", "expected a line 'PALPATE-DEPTH width height'"),
        (b"PALPATE-DEPTH 640 0\n", "1 to 2000 px"),
        (b"PALPATE-DEPTH 640\n", "expected a line"),
        (stream_header(2, 1) + b"\xff" * 20, "out of step"),
    ],
)
def test_what_is_no_stream_is_refused(tmp_path: Path, content: bytes, words: str) -> None:
    with pytest.raises(FormatError, match=words):
        piped(tmp_path, content)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_named_pipe_is_opened_again_when_its_writer_comes_back(tmp_path: Path) -> None:
    path, stop = tmp_path / "camera", Event()
    os.mkfifo(path)
    source = PipeSource(path)
    assert not source.waits
    events = source.events(stop)

    def send(*numbers: int) -> Thread:
        content = stream_header(10, 6) + b"".join(stream_bytes(frame(n)) for n in numbers)
        writer = Thread(target=path.write_bytes, args=(content,))
        writer.start()
        return writer

    writer = send(4, 5)
    seen = [next(events), next(events)]
    writer.join()
    writer = send(0)  # before we noticed that the first one went
    seen += [next(events), next(events)]
    writer.join()
    events.close()
    assert [getattr(one, "number", "restart") for one in seen] == [4, 5, "restart", 0]


# A sudden end

CHILD = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from test_monitor import child
child(Path(sys.argv[1]))
"""


def child(folder: Path) -> None:
    """Follow for ever; say after some seconds of the stream how far it is."""
    bench = Bench(folder)
    for n in range(10**6):
        bench.give(frame(n))
        bench.following.save()
        if n == 150:
            sys.stdout.write("ready\n")
            sys.stdout.flush()


def test_a_killed_run_leaves_a_whole_store_that_the_next_one_appends_to(tmp_path: Path) -> None:
    words = [sys.executable, "-c", CHILD, str(tmp_path), str(Path(__file__).parent)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGKILL)
    connection = sqlite3.connect(tmp_path / STORE)
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()
    clock = FakeClock(1000.0 + 3600.0)
    bench = Bench(tmp_path, clock=clock)
    before = bench.store.frames()
    assert before.number[-1] >= 150 - 31  # one segment, and the frame in flight
    np.testing.assert_array_equal(before.number, np.arange(len(before)))
    bench.give(*(frame(n) for n in range(12)))
    store = bench.end()
    (gap,) = store.gaps()
    assert gap.reason == "not running"
    assert gap.start_s == pytest.approx(float(before.time_s[-1]))
    assert gap.stop_s == pytest.approx(3600.0 + 1 / 30, abs=1e-3)
    first, second = store.sessions()
    assert (first.ended, second.how) == (None, "test")
    assert first.totals["frames"]["found"] == int((before.state == FrameState.FOUND).sum())
    assert len(store.frames()) == len(before) + 12
    assert (np.diff(store.track().times_s) > 0).all()
    store.close()


# The whole workflow, and the command


def limb_film(count: int) -> Film:
    """A wrist that moves to and fro."""
    return Film([frame(n, at=(round(4 + 3.4 * np.sin(n / 5)), 2)) for n in range(count)])


def live(tmp_path: Path, film: Film, **how: Any) -> LiveRun:
    clock = FakeClock()
    chosen = FollowSettings(policy="all", **how)
    source = Replay(film, clock)
    return LiveRun(Brightest(clock), source, tmp_path, chosen, {"source": "film"})


def test_a_run_leaves_store_status_movement_and_page(tmp_path: Path) -> None:
    status = live(tmp_path, limb_film(300)).follow(clock=FakeClock(), stop=Event())
    assert status.frames["found"] + status.frames["partial"] == 290
    windows = json.loads((tmp_path / "movement.json").read_text())["windows"]
    assert sum(window["frames"] for window in windows) == 290
    (window,) = windows  # of a stream that is shorter than one
    assert window["end_s"] == pytest.approx(299 / 30, abs=0.01)
    assert window["gap_s"] == pytest.approx(0.0)
    page = page_of_store(tmp_path)
    text = page.read_text()
    assert "elbow to wrist" in text
    assert "film" in text
    assert "10 x 6 px" in text
    with MonitorStore.read(tmp_path / STORE) as store:
        assert store.sessions()[0].how == "the stream ended"
        (summary,) = [summary_of_store(store)]
    assert summary.delays is not None
    assert summary.delays.frames == 290


def test_the_page_counts_what_came_and_what_did_not(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.give(*(frame(n) for n in range(60)), BadFrame(60, None, "cut off"), frame(70))
    bench.clock.seconds += 30.0
    bench.give(frame(71, 35.0), frame(72, 35.1))
    bench.end().close()
    with MonitorStore.read(tmp_path / STORE) as store:
        summary = summary_of_store(store)
    counts = Counter()
    for row in summary.rows:
        counts.update(row.states)
    assert counts == {"gap": 13, "found": 50, "bad": 1, "missing": 9}
    assert [gap.reason for gap in summary.gaps] == ["stall"]
    assert summary.warnings == ("Bad frame: cut off.",)


def test_the_time_to_warm_up_is_no_time_of_the_stream(tmp_path: Path) -> None:
    clock = FakeClock()
    localiser = Brightest(clock)
    find = localiser.find

    def slow_at_first(*clips: Any, **how: Any) -> list[list[FoundFrame]]:
        clock.seconds += 0.0 if localiser.clips else 20.0
        return find(*clips, **how)

    localiser.find = slow_at_first
    chosen = FollowSettings(policy="all", duration_s=1.5)
    source = Replay(limb_film(90), FakeClock())
    run = LiveRun(localiser, source, tmp_path, chosen, {"source": "film"})
    status = run.follow(clock=clock, stop=Event())
    assert status.came >= 45
    assert status.warnings == ()


def test_a_stopped_run_says_so(tmp_path: Path) -> None:
    stop = Event()
    stop.set()
    live(tmp_path, limb_film(30)).follow(clock=FakeClock(), stop=stop)
    with MonitorStore.read(tmp_path / STORE) as store:
        assert store.sessions()[0].how == "stopped"


def test_a_localiser_of_single_images_is_refused_in_words() -> None:
    class Still:
        scheme, name, weights, protocol, variance_factor = ARM, "still", "abc", "", None

        def predict(self, image: Image) -> Prediction:
            raise NotImplementedError

    with pytest.raises(PalpateError, match="finds landmarks in single images"):
        clip_localiser(Still(), "RUN")


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({"rate_hz": 0.0}, "--rate-hz"),
        ({"accelerate": 0.0}, "--accelerate"),
        ({"live": True, "loop": True}, "for recordings"),
        ({"backlog": True}, "goes with --live"),
    ],
)
def test_wishes_that_make_no_sense_are_refused(how: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        SourceWishes(**how)


def test_policy_and_pace_are_read_from_words() -> None:
    assert chosen_policy(None, recording=True) == "all"
    assert chosen_policy(None, recording=False) == "latest"
    assert chosen_policy("latest", recording=True) == "latest"
    assert chosen_pace("max") == np.inf
    assert chosen_pace("2.5") == 2.5
    with pytest.raises(ConfigError, match="all or latest"):
        chosen_policy("newest", recording=True)
    with pytest.raises(ConfigError, match="or max"):
        chosen_pace("quick")


STUDY = 'name = "ward"\n[video]\n[video.depth]\nrate_hz = 15.0\n'


def test_a_clip_is_replayed_by_its_own_clock_or_by_that_of_its_study(tmp_path: Path) -> None:
    clip = tmp_path / "videos" / "infant01"
    frames = [np.full((4, 6), 100 + n, np.uint16) for n in range(4)]
    write_depth_folder(clip, frames)
    assert recorded_clip(clip).rate_hz == pytest.approx(30.0)
    (tmp_path / "study.toml").write_text(STUDY)
    assert recorded_clip(clip).rate_hz == pytest.approx(15.0)
    assert recorded_clip(clip, 20.0).rate_hz == pytest.approx(20.0)
    write_depth_folder(clip, frames, times_s=[0.0, 0.1, 0.2, 0.3])
    assert recorded_clip(clip).rate_hz == pytest.approx(10.0)
    np.testing.assert_allclose(recorded_clip(clip, 20.0).times_s, np.arange(4) / 20.0)
    source = open_source(tmp_path, SourceWishes(), FakeClock())  # the only clip of a study
    assert (source.name, source.rate_hz) == ("infant01", pytest.approx(10.0))
    write_depth_folder(clip.with_name("infant02"), frames)
    with pytest.raises(PalpateError, match="holds 2 clips: infant01, infant02; name one"):
        recorded_clip(tmp_path)


def test_what_is_no_recording_is_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(PalpateError, match="there is no file or folder"):
        recorded_clip(tmp_path / "nowhere")
    with pytest.raises(FormatError, match="holds no frame"):
        recorded_clip(tmp_path)
    cv2.imwrite(str(tmp_path / "000000.png"), np.ones((4, 6), np.uint8))
    with pytest.raises(FormatError, match="squeezed to 8 bit"):
        recorded_clip(tmp_path)


def test_a_camera_has_thirty_frames_a_second_unless_it_is_said(tmp_path: Path) -> None:
    for wish, rate_hz in ((None, 30.0), (25.0, 25.0)):
        for path, live in ((tmp_path, True), (Path("-"), False)):
            wishes = SourceWishes(rate_hz=wish, live=live)
            assert open_source(path, wishes, FakeClock()).rate_hz == rate_hz


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """The two commands, with a localiser that needs no network."""
    monkeypatch.setattr(
        "palpate.localisers.load.load_localiser", lambda *_, **__: Brightest(FakeClock())
    )
    app = typer.Typer()
    app.command()(monitor)
    app.command()(monitor_report)

    def invoke(*words: object) -> Result:
        return CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)

    return invoke


def test_the_command_follows_a_clip_and_writes_the_page(
    tmp_path: Path, command: Callable[..., Result]
) -> None:
    folder, out = tmp_path / "infant01", tmp_path / "out"
    film = limb_film(90)
    write_depth_folder(folder, [one.pixels for one in film.frames])
    result = command("monitor", "RUN", folder, "--out", out, "--accelerate", "max")
    assert result.exit_code == 0
    with MonitorStore.read(out / STORE) as store:
        assert store.frames().number.tolist() == list(range(90))
        provenance = store.sessions()[0].provenance
    assert provenance["source"] == "infant01"
    assert provenance["policy"] == "all"
    (out / "monitor.html").unlink()
    assert command("monitor-report", out).exit_code == 0
    assert (out / "monitor.html").exists()


def test_the_command_follows_a_camera_until_ctrl_c(
    tmp_path: Path, command: Callable[..., Result]
) -> None:
    folder, out = tmp_path / "frames", tmp_path / "out"
    folder.mkdir()

    def camera() -> None:
        for n in range(10**6):
            write_depth_png(folder / f"{n:06d}.png", frame(n).pixels)
            if n > 12 and b'"following"' in (out / "status.json").read_bytes():
                signal.raise_signal(signal.SIGINT)
                return
            sleep(1.0 / 30.0)

    handler = signal.getsignal(signal.SIGINT)
    thread = Thread(target=camera, daemon=True)
    thread.start()
    # It ends by itself in a minute, should Ctrl-C not reach it.
    result = command(
        "monitor", "RUN", folder, "--live", "--backlog", "--out", out, "--duration", 60
    )
    thread.join()
    assert result.exit_code == 0
    assert signal.getsignal(signal.SIGINT) is handler
    with MonitorStore.read(out / STORE) as store:
        (session,) = store.sessions()
        assert session.how == "stopped"
        assert session.totals["frames"]["found"] > 0
        numbers = every_number(store)
    assert numbers == list(range(len(numbers)))
    assert json.loads((out / "status.json").read_text())["condition"] == "ended"
    assert (out / "monitor.html").exists()


def test_the_command_follows_standard_input(tmp_path: Path, command: Callable[..., Result]) -> None:
    stream = stream_header(10, 6) + b"".join(stream_bytes(frame(n)) for n in range(40))
    read, write = os.pipe()
    before = os.dup(0)
    os.dup2(read, 0)
    os.close(read)
    os.write(write, stream)  # less than a pipe holds
    os.close(write)
    try:
        result = command("monitor", "RUN", "-", "--out", tmp_path, "--policy", "all")
    finally:
        os.dup2(before, 0)
        os.close(before)
    assert result.exit_code == 0
    with MonitorStore.read(tmp_path / STORE) as store:
        assert store.frames().number.tolist() == list(range(40))
        (session,) = store.sessions()
    assert session.provenance["source"] == "standard input"
    assert (session.how, session.totals["frames"]["found"]) == ("the stream ended", 30)


def test_monitoring_works_without_torch() -> None:
    words = "import sys, palpate.cli.monitor, palpate.workflows.monitor_live as m; "
    words += "import palpate.workflows.monitor_page; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", words], check=True)
