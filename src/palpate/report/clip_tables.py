"""Figures of a clip as tables: of segments, contact and landmarks."""

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray

from palpate.protocols.posture import difference
from palpate.protocols.posture_control import stretches
from palpate.protocols.posture_flags import Flags
from palpate.report.clip_reported import ReportedClip
from palpate.report.parts import Row, Table
from palpate.report.wording import number, percent
from palpate.sequences.track import Track

# The median of the absolute values of a normal distribution is its standard deviation by this.
_MAD = 1.4826
NONE = "–"


def segment_table(clip: ReportedClip) -> Table | None:
    """Of each segment: its reference, how far it is from it, and how long it is out of line."""
    if clip.angles is None or clip.reference is None or clip.out_of_line is None:
        return None
    turned = np.abs(difference(clip.angles, clip.reference))
    rows: list[Row] = []
    for k, name in enumerate(clip.segments):
        known = turned[np.isfinite(turned[:, k]), k]
        rows.append(
            (
                name,
                _number(float(clip.reference[k])),
                *(_quantile(known, share) for share in (0.5, 0.95)),
                number(float(known.max()), 1) if len(known) else NONE,
                *_held(clip.out_of_line, k, clip.track.times_s),
            )
        )
    return Table(
        (
            "Segment",
            "reference, deg",
            "median turn, deg",
            "95 % below",
            "greatest",
            "frames known",
            "out of line",
            "share",
            "longest, s",
        ),
        tuple(rows),
    )


def contact_table(clip: ReportedClip) -> Table | None:
    """Of each rule of contact: in how many frames it holds, and how long at a time."""
    if clip.touching is None or not clip.rules:
        return None
    rows = tuple(
        (name, *_held(clip.touching, k, clip.track.times_s)) for k, name in enumerate(clip.rules)
    )
    return Table(("Contact", "frames known", "in contact", "share", "longest, s"), rows)


def landmark_table(track: Track, jumps: Bool[ndarray, "frame landmark"]) -> Table:
    """Of each landmark: how often it was found, how it moves, how it shakes, and how it jumps."""
    rows: list[Row] = []
    for k, name in enumerate(track.names):
        found = int(track.present[:, k].sum())
        steps = step_lengths(track, k)
        stated = _stated_sd(track, k)
        rows.append(
            (
                name,
                f"{found:,}",
                percent(found / len(track.times_s)),
                _longest_absence(track, k),
                _quantile(steps, 0.5, 2),
                _quantile(steps, 0.95, 2),
                _figure(jitter(track, k)),
                _figure(stated),
                f"{int(jumps[:, k].sum()):,}",
            )
        )
    return Table(
        (
            "Landmark",
            "found",
            "share",
            "longest absence, s",
            "median step, px",
            "95 % below",
            "jitter, px",
            "stated SD, px",
            "jumps",
        ),
        tuple(rows),
    )


def step_lengths(track: Track, landmark: int) -> Float[ndarray, " step"]:
    """Distances in px between frames that follow each other, both of which have the landmark."""
    steps = np.linalg.norm(np.diff(track.coordinates[:, landmark], axis=0), axis=1)
    return steps[np.isfinite(steps)]


def jitter(track: Track, landmark: int) -> float | None:
    """Standard deviation of the shaking in px per axis; None for fewer than three frames.

    From how far each point lies from the middle of its two neighbours, which for steady movement
    is noise alone: the variance of that is 3/2 of the noise. By the median, so that jumps have no
    say.

    Source:
        Gasser, Sroka and Jennen-Steinmetz, Biometrika 73(3), 1986 (pseudo-residuals).

    Example:
        >>> shaking = np.random.default_rng(0).normal(0.0, 2.0, (4000, 1, 2))
        >>> round(jitter(Track(("nose",), shaking, 0.04 * np.arange(4000)), 0), 1)
        2.0
    """
    path = track.coordinates[:, landmark]
    off = path[1:-1] - (path[:-2] + path[2:]) / 2.0
    known = off[np.isfinite(off)]
    if not len(known):
        return None
    return float(_MAD * np.median(np.abs(known)) / np.sqrt(1.5))


def _stated_sd(track: Track, landmark: int) -> float | None:
    """Median of what the localiser says of its own error, per axis."""
    if track.covariance is None:
        return None
    variance = np.trace(track.covariance[:, landmark], axis1=1, axis2=2) / 2.0
    known = variance[np.isfinite(variance)]
    return float(np.sqrt(np.median(known))) if len(known) else None


def _held(flags: Flags, column: int, times_s: Float[ndarray, " frame"]) -> tuple[str, ...]:
    known = int(flags.known[:, column].sum())
    held = int(flags.value[:, column].sum())
    runs = stretches(flags.value[:, column], times_s, bridge_s=0.0)
    longest = max((run.seconds for run in runs), default=None)
    return (
        f"{known:,}",
        f"{held:,}",
        percent(held / known) if known else NONE,
        NONE if longest is None else number(longest),
    )


def _longest_absence(track: Track, landmark: int) -> str:
    """In seconds, between the frames that have it or to the clip's end."""
    times = track.times_s
    seen = np.flatnonzero(track.present[:, landmark])
    if not len(seen):
        return "throughout"
    edges = [times[seen[0]] - times[0], times[-1] - times[seen[-1]]]
    inner = np.diff(times[seen])[np.diff(seen) > 1]
    longest = float(max(*edges, *inner))
    return number(longest) if longest > 0.0 else "none"


def _quantile(values: Float[ndarray, " n"], share: float, digits: int = 1) -> str:
    return number(float(np.quantile(values, share)), digits) if len(values) else NONE


def _number(value: float) -> str:
    return number(value, 1) if np.isfinite(value) else NONE


def _figure(value: float | None) -> str:
    return NONE if value is None else number(value)
