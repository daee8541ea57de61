"""Packets into frames, each with a verdict: is it what was recorded?

A decoder hides damage: it paints over what it cannot read and goes on, and the frames that follow
are built upon the painted ones. So from the first trouble on nothing is sound, up to the next key
frame, which stands for itself. What decodes without complaint passes: few codecs carry a check sum.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
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
    judge = _Judge(sound=sound)
    for packet in packets:
        if packet.is_corrupt:
            judge.left_out()
            continue
        judge.fed(packet.pts)
        judge.came_out(_decode(track, packet))
        yield from judge.released(max(reorder, context.reorder_depth))
    judge.came_out(_decode(track, None))
    yield from judge.released(0)


def _decode(track: Any, packet: Any) -> list[Any] | None:
    """Give a packet to the decoder, or None for 'no more'; None comes back where it fails."""
    try:
        return track.decode(packet)
    except pyav().FFmpegError:
        return None


@dataclass(slots=True)
class _Held:
    """A frame that came out, its place in the order of decoding, and the verdict so far."""

    frame: Any
    place: int
    sound: bool


class _Judge:
    """Follows packets in and frames out; every verdict is on the places in decoding order.

    A frame depends on frames decoded before it, some of which are shown after it. So a frame is
    held until those have come out too.
    """

    def __init__(self, *, sound: bool) -> None:
        self._fed = 0
        self._under_way: dict[int | None, int] = {}
        self._held: deque[_Held] = deque()
        # Places of the first and the last packet that may be the damaged one.
        self._trouble: tuple[int, int] | None = None if sound else (-1, -1)

    def fed(self, time: int | None) -> None:
        """Note a packet that goes into the decoder."""
        self._under_way[time] = self._fed
        self._fed += 1

    def left_out(self) -> None:
        """Note a packet that does not go into the decoder."""
        self._doubt(self._fed, self._fed)
        self._fed += 1

    def came_out(self, frames: list[Any] | None) -> None:
        """Judge the frames that came out; None: a packet failed.

        Which one is not known: with several threads, it is one of those that went in last.
        """
        if frames is None:
            self._doubt(min(self._under_way.values(), default=self._fed - 1), self._fed - 1)
        for frame in frames or ():
            place = self._under_way.pop(frame.pts, self._fed)
            if frame.is_corrupt:
                self._doubt(place, place)
            elif frame.key_frame and self._trouble is not None and place > self._trouble[1]:
                self._trouble = None
            sound = self._trouble is None or place < self._trouble[0]
            self._held.append(_Held(frame, place, sound and not frame.is_corrupt))

    def released(self, waiting: int) -> Iterator[tuple[Any, bool]]:
        """Yield the frames that need not wait any more, and whether each is sound."""
        while len(self._held) > waiting:
            held = self._held.popleft()
            yield held.frame, held.sound

    def _doubt(self, first: int, last: int) -> None:
        """Trust nothing from a place on, until a key frame comes that was decoded later."""
        if self._trouble is not None:
            first, last = min(first, self._trouble[0]), max(last, self._trouble[1])
        self._trouble = (first, last)
        for held in self._held:
            held.sound = held.sound and held.place < first
