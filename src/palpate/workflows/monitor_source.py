"""Which source of frames a path is."""

from dataclasses import dataclass, replace
from math import inf, isfinite
from pathlib import Path

from palpate.errors import ConfigError, PalpateError
from palpate.io.depth import DepthClip, DepthSettings, open_depth
from palpate.monitor.buffer import Policy
from palpate.monitor.clock import Clock
from palpate.monitor.folder import GrowingFolder
from palpate.monitor.pipe import STANDARD_INPUT, PipeSource
from palpate.monitor.replay import DepthRecording, Replay
from palpate.monitor.source import StreamSource
from palpate.workflows.clip_sources import find_clip_sources

_USUAL_HZ = 30.0
_MOST_NAMED = 4


@dataclass(frozen=True, slots=True)
class SourceWishes:
    """What a person says of a source.

    Args:
        rate_hz: frames a second; None for a clip's own clock, and 30 of a camera.
        live: a folder grows.
        backlog: begin with the frames that are in it.
        accelerate: pace of a replay.
        loop: replay for ever.

    Raises:
        ConfigError: a rate or a pace that is none, or wishes that do not go together.
    """

    rate_hz: float | None = None
    live: bool = False
    backlog: bool = False
    accelerate: float = 1.0
    loop: bool = False

    def __post_init__(self) -> None:
        if self.rate_hz is not None and not (isfinite(self.rate_hz) and self.rate_hz > 0.0):
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
        PalpateError: nothing there, no depth, or several clips.
    """
    if is_recording(path, wishes):
        recording = DepthRecording(recorded_clip(path, wishes.rate_hz))
        return Replay(recording, clock, accelerate=wishes.accelerate, loop=wishes.loop)
    rate_hz = _USUAL_HZ if wishes.rate_hz is None else wishes.rate_hz
    if wishes.live:
        return GrowingFolder(path, clock, rate_hz=rate_hz, backlog=wishes.backlog)
    return PipeSource(path, rate_hz=rate_hz)


def recorded_clip(path: Path, rate_hz: float | None = None) -> DepthClip:
    """Open a clip with the camera of the study that it lies in, as ``palpate predict`` does.

    Args:
        path: of the clip, or of a folder that holds one.
        rate_hz: numbers of frames a second, whatever the clip says of its times; None believes it.

    Raises:
        PalpateError: nothing there, no depth, or several clips.
    """
    found = find_clip_sources([path], folders=True)
    if len(found) > 1:
        names = ", ".join(clip.name for clip in found[:_MOST_NAMED])
        more = ", ..." if len(found) > _MOST_NAMED else ""
        raise PalpateError(f"{path} holds {len(found)} clips: {names}{more}; name one of them")
    depth = found[0].depth if found else None
    clip = open_depth(found[0].path if found else path, depth or DepthSettings())
    if rate_hz is None:
        return clip
    return replace(clip, times_s=clip.numbers / rate_hz, nominal_hz=rate_hz)
