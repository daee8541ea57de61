"""Live monitoring: no frame is lost silently, whatever the camera, the disk and the machine do."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from threading import Event

import numpy as np

from palpate.affine import Affine
from palpate.image import Image
from palpate.linking.pose import LinkedPose
from palpate.localisers.clip import ClipLocaliser, ClipPlane, FoundFrame
from palpate.monitor.follow import Following, FollowSettings
from palpate.monitor.frame import StreamEvent, StreamFrame
from palpate.monitor.record import FrameState
from palpate.monitor.replay import Replay
from palpate.monitor.run import run
from palpate.monitor.store import STORE, MonitorStore
from palpate.prediction import Prediction
from palpate.scheme import LandmarkScheme

ARM = LandmarkScheme("arm", ("elbow", "wrist"), edges=(("elbow", "wrist"),))


class Brightest:
    """Finds the farthest pixel as the elbow, and the wrist 2 px to its right if that is inside."""

    scheme, name, weights, protocol, variance_factor = ARM, "brightest", "abc", "", None
    frames, interval_s = 3, 1.0 / 6.0

    def __init__(self) -> None:
        self.clips: list[list[float]] = []

    def prepare(self, image: Image) -> ClipPlane:
        pixels = image.pixels[0]
        to_grid = Affine.scaling((1.0, 1.0), source="pixel", target="grid")
        return ClipPlane(pixels.astype(np.float32), pixels > 0, to_grid)

    def find(
        self, clips: Sequence[Sequence[ClipPlane]], *, last: bool = False
    ) -> list[list[FoundFrame]]:
        assert last
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


def test_a_replay_ends_as_joints_in_the_store(tmp_path: Path) -> None:
    clock, localiser = FakeClock(), Brightest()
    assert isinstance(localiser, ClipLocaliser)
    film = Film([frame(n, at=(n % 8, 2)) for n in range(40)])
    settings = FollowSettings(policy="all")
    with MonitorStore.open(tmp_path / STORE, ARM, origin_utc=clock.utc()) as store:
        store.begin({"source": "film"})
        following = Following(localiser, store, settings, clock, rate_hz=30.0)
        ended = run(Replay(film, clock), following, settings, tmp_path, clock=clock, stop=Event())
        frames = store.frames()
        track = store.track()
    assert frames.number.tolist() == list(range(40))
    assert set(frames.state[:10].tolist()) == {FrameState.NO_PAST}
    assert set(frames.state[10:].tolist()) == {FrameState.FOUND}
    np.testing.assert_array_equal(track.coordinates[:, 0, 0], np.arange(10, 40) % 8)
    assert localiser.clips[0] == [1000.0, 1005.0, 1010.0]
    assert ended.status.frames["found"] == 30
    assert (tmp_path / "status.json").exists()
