"""How a frame of a clip is called."""


def frame_name(clip: str, frame: int) -> str:
    """Return the identifier of a frame; frames count from 0.

    Example:
        >>> frame_name("child01_a.mp4", 120)
        'child01_a.mp4#120'
    """
    return f"{clip}#{frame}"


def parse_frame_name(name: str) -> tuple[str, int] | None:
    """Return (clip, frame), or None where the name is not one of a frame.

    Example:
        >>> parse_frame_name("a/child01_a.mp4#0120"), parse_frame_name("film.png")
        (('a/child01_a.mp4', 120), None)
    """
    clip, mark, frame = name.rpartition("#")
    if not mark or not clip or not frame.isdecimal():
        return None
    return clip, int(frame)
