"""Which source of frames a path is."""

from dataclasses import dataclass
from math import inf, isfinite
from pathlib import Path

from palpate.errors import ConfigError
from palpate.io.depth import DepthSettings, open_depth
from palpate.monitor.buffer import Policy
from palpate.monitor.clock import Clock
from palpate.monitor.folder import GrowingFolder
from palpate.monitor.pipe import STANDARD_INPUT, PipeSource
from palpate.monitor.replay import DepthRecording, Replay
from palpate.monitor.source import StreamSource


@dataclass(frozen=True, slots=True)
class SourceWishes:
    """What a person says of a source.

    Args:
        rate_hz: frames a second, which neither PNG files nor a pipe say.
        live: a folder grows.
        backlog: begin with the frames that are in it.
        accelerate: pace of a replay.
        loop: replay for ever.

    Raises:
        ConfigError: a rate or a pace that is none, or wishes that do not go together.
    """

    rate_hz: float = 30.0
    live: bool = False
    backlog: bool = False
    accelerate: float = 1.0
    loop: bool = False

    def __post_init__(self) -> None:
        if not (isfinite(self.rate_hz) and self.rate_hz > 0.0):
            raise ConfigError(f"--rate-hz is a number of frames a second; got {self.rate_hz}")
        if not self.accelerate > 0.0:
            raise ConfigError(f"--accelerate is a number above 0, or max; got {self.accelerate}")
        if self.live and (self.loop or self.accelerate != 1.0):
            raise ConfigError("--loop and --accelerate are for recordings, --live is for a camera")
        if self.backlog and not self.live:
            raise ConfigError("--backlog goes with --live")


def is_recording(path: Path, wishes: SourceWishes) -> bool:
    """Whether a path is replayed; a camera comes otherwise."""
    return not wishes.live and path != STANDARD_INPUT and not path.is_fifo()


def chosen_policy(wish: str | None, *, recording: bool) -> Policy:
    """Return what was wished, or what suits the source: all of a recording, else the latest.

    Raises:
        ConfigError: no such policy.
    """
    if wish is None:
        return "all" if recording else "latest"
    if wish == "all":
        return "all"
    if wish == "latest":
        return "latest"
    raise ConfigError(f"--policy is all or latest; got {wish!r}")


def chosen_pace(words: str) -> float:
    """Read a pace: a number, or max.

    Raises:
        ConfigError: neither.
    """
    try:
        return inf if words == "max" else float(words)
    except ValueError as error:
        raise ConfigError(f"--accelerate is a number above 0, or max; got {words!r}") from error


def open_source(path: Path, wishes: SourceWishes, clock: Clock) -> StreamSource:
    """Open a source; nothing is read yet but the heads of a recording.

    Raises:
        FormatError: nothing there, or no depth.
    """
    if is_recording(path, wishes):
        clip = open_depth(path, DepthSettings(rate_hz=wishes.rate_hz))
        recording = DepthRecording(clip)
        return Replay(recording, clock, accelerate=wishes.accelerate, loop=wishes.loop)
    if wishes.live:
        return GrowingFolder(path, clock, rate_hz=wishes.rate_hz, backlog=wishes.backlog)
    return PipeSource(path, rate_hz=wishes.rate_hz)
