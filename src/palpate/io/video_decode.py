"""Packets into frames, each with a verdict: is it what was recorded?

A decoder hides damage: it paints over what it cannot read and goes on, and the frames that follow
are built upon the painted ones. So from the first trouble on nothing is sound, up to the next key
frame, which stands for itself.
"""

from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Any

from palpate.io.video_file import container_name, pyav

# Containers that keep whole frames and say which is not. In the others a part that is missing
# taints every frame that begins near it.
_WHOLE_FRAMES = ("mov", "matroska", "avi")


class Packets:
    """The packets of a track, in the file's order.

    Args:
        container: as opened, or just after a seek.
        track: whose packets are wanted.
        but_last: leave out the last one.

    Attributes:
        broken: the file could not be read to its end; known when all packets were taken.
    """

    def __init__(self, container: Any, track: Any, *, but_last: bool = False) -> None:
        self._container = container
        self._track = track
        self._but_last = but_last
        self.broken = False

    def __iter__(self) -> Iterator[Any]:
        if self._but_last:
            return (packet for packet, _ in pairwise(self._all()))
        return self._all()

    def _all(self) -> Iterator[Any]:
        marked = holds_whole_frames(self._container)
        unreadable = pyav().FFmpegError
        try:
            for packet in self._container.demux(self._track):
                if packet.size == 0:  # PyAV's own, to empty the decoder
                    continue
                packet.is_corrupt = marked and packet.is_corrupt
                yield packet
        except unreadable:
            self.broken = True


def holds_whole_frames(container: Any) -> bool:
    """Say whether a packet is a whole frame unless it is marked as corrupt.

    Otherwise the last packet of a file that was cut may be a part of a frame, unmarked.
    """
    return container_name(container) in _WHOLE_FRAMES


def decoded(
    track: Any, packets: Iterable[Any], *, sound: bool, reorder: int = 0
) -> Iterator[tuple[Any, bool]]:
    """Yield PyAV's frames in the order of presentation, and whether each is sound.

    Args:
        track: of a container that was just opened.
        packets: of the track, in the file's order.
        sound: False after a seek: what comes before the first key frame is not.
        reorder: how many frames may wait for one that is shown before and comes after them.
    """
    context = track.codec_context
    if context.name == "h264":
        # Where the stream does not say how far its frames are out of order, FFmpeg takes what it
        # has met so far, and drops the frames that it then learns from.
        context.reorder_depth = max(context.reorder_depth, reorder)
    judge = _Judge(sound=sound, independent=track.codec.intra_only)
    for packet in packets:
        if packet.is_corrupt:
            judge.left_out(packet.pts)
            continue
        judge.fed(packet.pts)
        frames = _decode(track, packet)
        if frames is None:
            judge.failed()
        for frame in frames or ():
            yield frame, judge.is_sound(frame)
    for frame in _decode(track, None) or ():
        yield frame, judge.is_sound(frame)


def _decode(track: Any, packet: Any) -> list[Any] | None:
    """Give a packet to the decoder, or None for 'no more'; None comes back where it fails."""
    try:
        return track.decode(packet)
    except pyav().FFmpegError:
        return None


class _Judge:
    """Remembers whether trouble came up, and which frames were then under way."""

    def __init__(self, *, sound: bool, independent: bool) -> None:
        self._sound = sound
        self._independent = independent
        self._latest: int | None = None
        self._trouble: int | None = None
        self._under_way: set[int | None] = set()
        self._exempt: set[int | None] = set()

    def fed(self, time: int | None) -> None:
        """Note the time of a packet that goes into the decoder."""
        if time is not None:
            self._latest = time if self._latest is None else max(time, self._latest)
        if self._sound:
            self._under_way.add(time)

    def left_out(self, time: int | None) -> None:
        """Note the time of a packet that does not go into the decoder.

        What went in before it does not depend on it.
        """
        self._exempt |= self._under_way
        self._trouble_at(time)

    def failed(self) -> None:
        """Note that a packet could not be decoded; with several threads, one of the latest."""
        self._trouble_at(self._latest)

    def is_sound(self, frame: Any) -> bool:
        """Judge a frame that came out."""
        self._under_way.discard(frame.pts)
        if frame.is_corrupt:
            self._trouble_at(frame.pts)
        elif frame.pts in self._exempt:
            self._exempt.discard(frame.pts)
            return True
        elif frame.key_frame and self._begins_anew(frame.pts):
            self._sound = True
        return self._sound

    def _trouble_at(self, time: int | None) -> None:
        self._sound = False
        self._trouble = time
        self._under_way.clear()

    def _begins_anew(self, time: int | None) -> bool:
        # A key frame that was waiting for its turn when another packet failed clears nothing:
        # that packet may stand between it and the frames that follow.
        if self._independent or time is None or self._trouble is None:
            return True
        return time > self._trouble
