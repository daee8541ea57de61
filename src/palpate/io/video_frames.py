"""Find the frames that a video file holds.

In MP4, QuickTime, Matroska and WebM a packet is a frame and carries its time: reading the packets
is enough, and the first few frames are decoded to see that they are those announced; so in AVI of
pictures that stand for themselves (Motion JPEG, DV). In other AVI, MPEG and WMV, and wherever the
announcement does not hold, the whole file is decoded once: slower, but frame i is the i-th that a
decoder puts out, whatever the file claims.

A frame is found again by its time where the file says the time of every packet. MPEG streams and
AVI with B-frames do not: FFmpeg guesses, and guesses otherwise after a seek. Their frames are
counted from the first.
"""

from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Int
from numpy import ndarray

from palpate.errors import FormatError
from palpate.io.video_decode import Packets, decoded, holds_whole_frames
from palpate.io.video_file import container_name, no_picture, opened
from palpate.io.video_index import FrameIndex
from palpate.io.video_length import has_end_mark, missing_bytes

# Every packet is a frame, unless the codec has packets that show nothing.
_PACKET_IS_FRAME = ("mov", "matroska")
_HIDDEN_FRAMES = ("vp8",)
# Every packet says its time.
_TIMED = ("mov", "matroska", "asf")
# How many frames are compared with what the packets announce.
_COMPARED = 8
_NO_END_MARK = "the file has no end mark and may be cut off: its last frame is left out"
# For a file that names no rate at all: a single picture, as a rule.
_USUAL_RATE_HZ = 25.0


@dataclass(frozen=True, eq=False, slots=True)
class _Announced:
    """What the packets of a track say.

    Args:
        ticks: times of the frames to be shown, sorted.
        keys: times of key frames, sorted.
        tick_s: the unit of these, in s.
        nominal_hz: the rate that the file claims.
        pixel_aspect: width by height of a pixel as stored.
        reorder: how many frames may wait for one that is shown before and comes after them.
        trusted: the packets are known to be the frames.
        timed: the times are the file's, and the same wherever reading begins.
        fixed_rate: the container has one rate and no other times than those that follow from it.
        broken: the file could not be read to its end.
    """

    ticks: Int[ndarray, " frame"]
    keys: Int[ndarray, " key"]
    tick_s: float
    nominal_hz: float
    pixel_aspect: float
    reorder: int
    trusted: bool
    timed: bool
    fixed_rate: bool
    broken: bool


def index_frames(path: Path) -> FrameIndex:
    """Find all frames of a video.

    Raises:
        ConfigError: PyAV is not installed.
        FormatError: not a video, or no frame of it can be decoded.
    """
    with opened(path) as (container, track):
        said = _announced(container, track)
    if not said.trusted or not _begins_as(path, said):
        return _settled(path, said)
    count = len(said.ticks)
    return FrameIndex(
        said.ticks,
        said.tick_s,
        keys=said.keys,
        by_time=True,
        sound=np.ones(count, dtype=np.bool_),
        nominal_hz=said.nominal_hz,
        pixel_aspect=said.pixel_aspect,
        reorder=said.reorder,
        problem=_cut_off(path, count) or _broken_off(said, count),
    )


def _announced(container: Any, track: Any) -> _Announced:
    times: list[int | None] = []
    keys: list[int] = []
    name = container_name(container)
    sound = True
    packets = Packets(container, track)
    for packet in packets:
        sound = not packet.is_corrupt and (sound or packet.is_keyframe)
        if sound and packet.is_keyframe and packet.pts is not None:
            keys.append(packet.pts)
        # Frames before the start of an edit list are decoded, and not shown.
        if sound and not packet.is_discard:
            times.append(packet.pts)
    ticks = np.unique(np.array([time for time in times if time is not None], dtype=np.int64))
    # Without B-frames the place in an AVI file is the time.
    timed = name in _TIMED or (name == "avi" and _increasing(times) is not None)
    told = (timed and track.codec.intra_only) or (
        name in _PACKET_IS_FRAME and track.codec_context.name not in _HIDDEN_FRAMES
    )
    return _Announced(
        ticks,
        keys=np.unique(np.array(keys, dtype=np.int64)),
        tick_s=float(track.time_base),
        nominal_hz=float(track.average_rate or track.guessed_rate or _USUAL_RATE_HZ),
        pixel_aspect=float(track.sample_aspect_ratio or 1.0),
        reorder=_reorder(ticks, times) if len(ticks) == len(times) else 0,
        trusted=told and len(ticks) == len(times) > 0,
        timed=timed,
        fixed_rate=name == "avi",
        broken=packets.broken,
    )


def _reorder(ticks: Int[ndarray, " frame"], times: list[int | None]) -> int:
    """The farthest that a packet comes behind its place in the order of presentation."""
    places = np.searchsorted(ticks, np.array(times, dtype=np.int64))
    return int((np.arange(len(places)) - places).max(initial=0))


def _begins_as(path: Path, said: _Announced) -> bool:
    """Say whether the first frames out of the decoder are the first that the packets announce."""
    with opened(path) as (container, track):
        packets = Packets(container, track)
        frames = decoded(track, packets, sound=True, reorder=said.reorder)
        first = [frame.pts for frame, sound in islice(frames, _COMPARED) if sound]
    return first == said.ticks[:_COMPARED].tolist()


def _settled(path: Path, said: _Announced) -> FrameIndex:
    """Decode the whole file and take down what comes out."""
    with opened(path) as (container, track):
        doubt = not holds_whole_frames(container) and not _ends_whole(path)
        packets = Packets(container, track, but_last=doubt)
        frames = decoded(track, packets, sound=True, reorder=said.reorder)
        rows = [(frame.pts, sound) for frame, sound in frames]
    count = max((i for i, (_, sound) in enumerate(rows, start=1) if sound), default=0)
    if count == 0:
        raise FormatError(path, no_picture(path))
    sound = np.array([sound for _, sound in rows[:count]], dtype=np.bool_)
    problem = (
        _cut_off(path, count)
        or (_NO_END_MARK if doubt else "")
        or _broken_off(said, count)
        or _damage(sound, len(rows))
    )
    ticks = _increasing([time for time, _ in rows[:count]])
    if ticks is None and not problem and not said.fixed_rate:
        problem = f"its frames carry no usable times: {said.nominal_hz:g} a second are assumed"
    return FrameIndex(
        np.arange(count) if ticks is None else ticks,
        1 / said.nominal_hz if ticks is None else said.tick_s,
        keys=said.keys,
        by_time=said.timed and ticks is not None and bool(np.isin(ticks, said.ticks).all()),
        sound=sound,
        nominal_hz=said.nominal_hz,
        pixel_aspect=said.pixel_aspect,
        reorder=said.reorder,
        but_last=doubt,
        problem=problem,
    )


def _increasing(times: list[int | None]) -> Int[ndarray, " frame"] | None:
    """Return the times as an array where each is known and later than the one before."""
    known = [time for time in times if time is not None]
    ticks = np.array(known, dtype=np.int64)
    return ticks if len(known) == len(times) and (np.diff(ticks) > 0).all() else None


def _ends_whole(path: Path) -> bool:
    """Say whether the last packet is known to be a whole frame."""
    missing = missing_bytes(path)
    return has_end_mark(path) if missing is None else missing == 0


def _cut_off(path: Path, count: int) -> str:
    missing = missing_bytes(path)
    if not missing:
        return ""
    return f"the file is cut off: {missing} bytes are missing after frame {count - 1}"


def _broken_off(said: _Announced, count: int) -> str:
    return f"the file cannot be read after frame {count - 1}" if said.broken else ""


def _damage(sound: Bool[ndarray, " frame"], decoded_frames: int) -> str:
    if not sound.all():
        return f"frame {int(np.argmin(sound))}, counted from 0, is damaged, perhaps more"
    if decoded_frames > len(sound):
        return f"what follows frame {len(sound) - 1}, counted from 0, is damaged"
    return ""
