"""Control of the trunk: stretches that are aligned and free of contact, and what they show."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray

from palpate.errors import GeometryError
from palpate.protocols.posture import posture_of
from palpate.protocols.posture_flags import Flags, all_of, beside
from palpate.protocols.posture_table import Level, PostureTable
from palpate.protocols.protocol import Protocol

# Times are sums of frame intervals such as 0.04: equal within this is equal.
ROUNDING_S = 1e-6
# Two frames farther apart than this many usual intervals have lost frames between them.
HOLE = 2.0


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of time, from its first frame to its last, in seconds."""

    start_s: float
    end_s: float

    @property
    def seconds(self) -> float:
        """How long it is; a single frame lasts 0 s."""
        return self.end_s - self.start_s


def stretches(
    held: Bool[ndarray, " frame"], times_s: Float[ndarray, " time"], *, bridge_s: float
) -> tuple[Stretch, ...]:
    """Stretches of time in which something holds, gaps shorter than ``bridge_s`` bridged.

    Lengths are between the times of frames, so the rate may vary. A gap is from the last frame
    that holds to the next that does: all that may have been lost, not the least. Frames that
    follow each other belong together unless frames were lost between them: an interval of
    ``bridge_s`` or more that is also longer than twice the median interval.

    Args:
        held: whether it holds; False too where it is not known.
        times_s: of the frames, increasing.
        bridge_s: gaps of exactly this length are not bridged.

    Raises:
        GeometryError: not one time a frame, or times that do not increase.

    Example:
        >>> held = np.array([True, False, True, True])
        >>> stretches(held, np.array([0.0, 0.1, 0.2, 0.25]), bridge_s=0.15)
        (Stretch(start_s=0.0, end_s=0.0), Stretch(start_s=0.2, end_s=0.25))
    """
    if len(held) != len(times_s):
        raise GeometryError(f"{len(held)} frames have {len(times_s)} times")
    steps = np.diff(times_s)
    if not (np.isfinite(times_s).all() and (steps > 0.0).all()):
        raise GeometryError("the times of the frames must be known and increase")
    frames = np.flatnonzero(held)
    if not len(frames):
        return ()
    follows = np.diff(frames) == 1
    gaps = np.diff(times_s[frames])
    longest = max(bridge_s, HOLE * float(np.median(steps))) if len(steps) else bridge_s
    broken = np.where(follows, gaps > longest + ROUNDING_S, gaps >= bridge_s - ROUNDING_S)
    runs = np.split(frames, np.flatnonzero(broken) + 1)
    return tuple(Stretch(float(times_s[run[0]]), float(times_s[run[-1]])) for run in runs)


def sustained(
    held: Bool[ndarray, " frame"],
    times_s: Float[ndarray, " time"],
    *,
    hold_s: float,
    bridge_s: float,
) -> tuple[Stretch, ...]:
    """Those stretches (see :func:`stretches`) that last at least ``hold_s``."""
    found = stretches(held, times_s, bridge_s=bridge_s)
    return tuple(stretch for stretch in found if stretch.seconds >= hold_s - ROUNDING_S)


@dataclass(frozen=True, slots=True)
class LevelControl:
    """What one recording at one level of support shows of the child's control.

    Args:
        level: of the test.
        segments: that had to be controlled.
        shown: stretches that were long enough; control is demonstrated by any.
        longest_s: longest stretch aligned and free of contact, long enough or not; 0 for none.
        frames: of the recording.
        unknown: frames in which an absent landmark left it open.
        sentence: for the report.
    """

    level: str
    segments: tuple[str, ...]
    shown: tuple[Stretch, ...]
    longest_s: float
    frames: int
    unknown: int
    sentence: str

    @property
    def demonstrated(self) -> bool:
        """Whether control was demonstrated; if not, that proves little."""
        return bool(self.shown)


def level_control(
    protocol: Protocol,
    level: str,
    out_of_line: Flags,
    touching: Flags,
    times_s: Float[ndarray, " frame"],
) -> LevelControl:
    """Tell whether a recording demonstrates control at its level of support.

    A frame counts where every segment above the hands is aligned and no rule of contact holds,
    and all that is known; a frame in which it is not known is no evidence. Ask only for the
    level that the recording was made at: below the hands it is they that keep the segments in
    line.

    Args:
        protocol: with a posture table.
        level: at which the recording was made.
        out_of_line: of :func:`~palpate.protocols.posture.misaligned`, (frame, segment).
        touching: of :func:`~palpate.protocols.posture.contact`, (frame, rule).
        times_s: of the frames.

    Raises:
        ConfigError: the protocol has no posture table or no such level.
        GeometryError: frames and times do not fit.

    Source:
        Butler et al., Pediatr Phys Ther 22:246-257, 2010, as told by Cunningham et al. 2019,
        sections 1 and 4.
    """
    table = posture_of(protocol)
    asked = table.level_named(level)
    chosen = out_of_line.columns(table.columns(asked.segments))
    control = all_of(beside(chosen, touching).negated())
    found = stretches(control.value, times_s, bridge_s=table.bridge_s)
    shown = sustained(control.value, times_s, hold_s=table.hold_s, bridge_s=table.bridge_s)
    longest = max(found, key=lambda stretch: stretch.seconds, default=None)
    unknown = int((~control.known).sum())
    return LevelControl(
        level=level,
        segments=asked.segments,
        shown=shown,
        longest_s=0.0 if longest is None else longest.seconds,
        frames=len(times_s),
        unknown=unknown,
        sentence=_sentence(
            table, asked, longest if shown else None, longest, len(times_s), unknown
        ),
    )


def best_by_level(
    protocol: Protocol, recordings: Sequence[LevelControl]
) -> tuple[LevelControl, ...]:
    """Sum up a child's recordings: for each level that was recorded, the one that shows most.

    One demonstration suffices, so a recording that demonstrates control outweighs any number
    that do not. Levels are in the order of the protocol; a level without a recording is absent.

    Raises:
        ConfigError: the protocol has no posture table.
    """
    best = []
    for level in posture_of(protocol).level:
        found = [recording for recording in recordings if recording.level == level.name]
        if found:
            best.append(max(found, key=lambda recording: recording.longest_s))
    return tuple(best)


def _sentence(
    table: PostureTable,
    level: Level,
    best: Stretch | None,
    longest: Stretch | None,
    frames: int,
    unknown: int,
) -> str:
    values = {
        "level": level.name,
        "segments": ", ".join(level.segments),
        "threshold": f"{table.threshold_deg:g}",
        "hold": f"{table.hold_s:g}",
        "longest": f"{0.0 if longest is None else longest.seconds:.2f}",
        "start": "" if best is None else f"{best.start_s:.2f}",
        "frames": str(frames),
        "unknown": str(unknown),
    }
    wording = table.wording
    said = wording.not_demonstrated if best is None else wording.demonstrated
    parts = [said.format_map(values)]
    if unknown:
        parts.append(wording.unknown.format_map(values))
    return " ".join(parts)
