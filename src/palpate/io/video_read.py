"""Frames of a file by their number: decoding begins at the key frame before."""

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from palpate.errors import FormatError
from palpate.io.video_decode import Packets, decoded
from palpate.io.video_file import opened, pyav
from palpate.io.video_index import FrameIndex

# Opening the file anew at a key frame costs about as much as decoding so many frames.
_LONG_GAP = 32

_Run = Iterator[tuple[int | None, Any, bool]]


def frames_at(path: Path, index: FrameIndex, wanted: Iterable[int]) -> Iterator[tuple[int, Any]]:
    """Yield (number, PyAV's frame) for every number wanted, each frame decoded once.

    Args:
        path: of the file.
        index: of its frames.
        wanted: numbers of frames, increasing.

    Raises:
        FormatError: the file, or one of these frames, cannot be decoded.
    """
    run: _Run = iter(())
    place: int | None = None
    for number in wanted:
        if place is None or _is_far(index, place, number):
            run, frame = _begin(path, index, number)
        else:
            frame, _ = _find(run, number)
        if frame is None:
            raise _undecodable(path, index, number)
        place = number + 1
        yield number, frame


def _is_far(index: FrameIndex, place: int, number: int) -> bool:
    if not index.by_time or number <= place + _LONG_GAP:
        return False
    return index.frame_of_key_before(number) > place + _LONG_GAP


def _begin(path: Path, index: FrameIndex, number: int) -> tuple[_Run, Any | None]:
    """Begin decoding before a frame; return the run, which stands after it, and the frame.

    A seek may end too late: some containers know the place of a key frame only roughly, and some
    key frames need more than themselves. The key frame before that is tried then, and the
    beginning of the file at last.
    """
    keys = islice(index.keys_before(number), 2 if index.by_time else 0)
    for key in (*keys, None):
        run = _run(path, index, key)
        frame, met = _find(run, number)
        if frame is not None or met:
            return run, frame
    return run, None


def _find(run: _Run, number: int) -> tuple[Any | None, bool]:
    """Decode up to a frame; also say whether anything sound was met up to there.

    What is sound before and damaged at the frame is damage in the file, not a seek gone wrong.
    """
    met = False
    for at, frame, sound in run:
        if at is None:
            continue
        if at > number:
            break
        if at == number:
            return (frame, True) if sound else (None, met)
        met = met or sound
    return None, met


def _run(path: Path, index: FrameIndex, key: int | None) -> _Run:
    """Yield (number, frame, is it sound) from a key frame, or from the beginning, to the end."""
    with opened(path) as (container, track):
        if key is not None and not _sought(container, track, key):
            return
        packets = Packets(container, track, but_last=index.but_last)
        frames = decoded(track, packets, sound=key is None, reorder=index.reorder)
        for count, (frame, sound) in enumerate(frames):
            yield index.at(frame.pts) if index.by_time else count, frame, sound


def _sought(container: Any, track: Any, key: int) -> bool:
    """Go to a key frame; say whether the container can."""
    _show_first_packet(container, track)
    try:
        container.seek(key, stream=track)
    except pyav().FFmpegError:
        return False
    return True


def _show_first_packet(container: Any, track: Any) -> None:
    """Let the decoder see where the track begins, if it must.

    x264 has coded 4:4:4 pictures in two ways, and says in the first packet alone in which; a
    decoder that never saw it takes the wrong one.
    """
    if track.codec_context.name == "h264" and "444" in str(track.codec_context.pix_fmt):
        for _ in decoded(track, islice(Packets(container, track), 1), sound=True):
            break


def _undecodable(path: Path, index: FrameIndex, number: int) -> FormatError:
    later = index.frame_of_key_after(number) if index.by_time else None
    resume = f"; frame {later} may be readable again" if later is not None else ""
    return FormatError(
        path,
        f"frame {number} of {len(index)} and what follows cannot be decoded{resume}; "
        "frames count from 0; copy the file again from its source",
    )
