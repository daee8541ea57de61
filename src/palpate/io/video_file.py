"""A video file, opened: its container and its picture track, every error in our words.

PyAV brings the decoders of FFmpeg. It is imported here and in no other place, so that reading
films and tables works without it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from palpate.errors import ConfigError, FormatError
from palpate.io.video_length import missing_bytes

VIDEO_SUFFIXES = (".mp4", ".mov", ".avi", ".mkv", ".webm", ".m4v", ".mpg", ".mpeg", ".wmv")

# What those suffixes stand for. A picture, a play list or a script by such a name is no video, and
# nothing that opens other files or the network is let in.
_CONTAINERS = "mov,matroska,avi,mpeg,mpegvideo,mpegts,asf"


def pyav() -> ModuleType:
    """Return PyAV.

    Raises:
        ConfigError: it is not installed.
    """
    try:
        import av
        import av.stream
        import av.video.reformatter
    except ImportError as error:
        raise ConfigError("video needs PyAV; pip install 'palpate[video]'") from error
    return av


@contextmanager
def opened(path: Path) -> Iterator[tuple[Any, Any]]:
    """Open a video; yield PyAV's container and the first track of moving pictures.

    Raises:
        ConfigError: PyAV is not installed.
        FormatError: no file, empty, not a video, cut off before its first picture, without a
            picture track, or coded in a way that the installed PyAV cannot decode.
    """
    av = pyav()
    _refuse_absent(path)
    try:
        container = av.open(
            f"file:{path}",
            metadata_errors="replace",
            options={"format_whitelist": _CONTAINERS, "protocol_whitelist": "file"},
        )
    except (av.FFmpegError, ValueError, OSError) as error:
        raise FormatError(path, _not_opened(path)) from error
    with container:
        yield container, _track(path, container)


def container_name(container: Any) -> str:
    """Return FFmpeg's first name of a container: 'mov' for MP4 too, 'matroska' for WebM too."""
    return str(container.format.name).split(",", maxsplit=1)[0]


def no_picture(path: Path) -> str:
    """Say why a video gives no picture."""
    missing = missing_bytes(path)
    if missing:
        return (
            f"is cut off: {missing} bytes are missing at its end, and no picture can be read "
            "without them; copy it again from its source"
        )
    return "holds no picture that can be decoded; copy it again from its source"


def _not_opened(path: Path) -> str:
    if missing_bytes(path):
        return no_picture(path)
    return (
        f"is not a video ({', '.join(suffix[1:] for suffix in VIDEO_SUFFIXES)}), or its beginning "
        "is damaged; copy it again from its source"
    )


def _refuse_absent(path: Path) -> None:
    if not path.exists():
        raise FormatError(path, "there is no such file")
    if not path.is_file():
        raise FormatError(path, "is not a file")
    if path.stat().st_size == 0:
        raise FormatError(path, "the file is empty; copy it again from its source")


def _track(path: Path, container: Any) -> Any:
    """The first track of moving pictures; a song's cover is none. Others are not read."""
    disposition = pyav().stream.Disposition
    still = disposition.attached_pic | disposition.timed_thumbnails
    tracks = [track for track in container.streams.video if not track.disposition & still]
    if not tracks:
        held = ", ".join(sorted({track.type for track in container.streams})) or "nothing"
        raise FormatError(path, f"holds no moving pictures, only {held}")
    if tracks[0].codec_context is None or tracks[0].time_base is None:
        raise FormatError(
            path, "its pictures are coded in a way that cannot be decoded; convert it to H.264"
        )
    for track in container.streams:
        if track is not tracks[0]:
            track.discard = pyav().stream.Discard.all
    tracks[0].thread_type = "AUTO"
    return tracks[0]
