"""The key figures of a clip, as tiles at the head of its page."""

from jaxtyping import Bool
from numpy import ndarray

from palpate.protocols.posture_flags import Flags
from palpate.report.clip_reported import ReportedClip
from palpate.report.parts import Tile
from palpate.report.wording import number, percent


def tiles(clip: ReportedClip, jumps: Bool[ndarray, "frame landmark"]) -> tuple[Tile, ...]:
    """Return the key figures; ``jumps`` are the positions that jump."""
    track, video = clip.track, clip.video
    read = len(track.times_s)
    rate = f"{number(video.rate_hz)} frames a second" + (", varying" if video.variable_rate else "")
    made = [
        Tile(
            "Frames",
            f"{read:,}",
            f"of {video.frames:,} in the file; {number(video.duration_s)} s, {rate}",
        ),
        Tile(
            "Landmarks found",
            percent(float(track.present.mean())),
            f"{int(track.present.sum()):,} of {track.present.size:,} positions; "
            f"all {len(track.names)} in {percent(float(track.present.all(axis=1).mean()))} of the "
            f"frames; {counted(int(jumps.sum()), 'jump')}",
        ),
    ]
    if clip.out_of_line is not None and clip.segments:
        chosen = _judged(clip)
        flags = clip.out_of_line.columns([clip.segments.index(name) for name in chosen])
        made.append(_flag_tile("Out of line", flags, chosen))
    if clip.touching is not None and clip.rules:
        made.append(_flag_tile("In contact", clip.touching, clip.rules))
    control = clip.control
    longest = control.get("longest_s")
    if isinstance(longest, float):
        shown = "demonstrated" if control.get("demonstrated") else "not demonstrated"
        detail = f"longest stretch aligned and free of contact: {number(longest)} s"
        made.append(Tile(f"Control, {control.get('level')}", shown, detail))
    return tuple(made)


def _judged(clip: ReportedClip) -> tuple[str, ...]:
    """The segments that alignment is judged by, where the summary names them; else all."""
    named = clip.summary.get("judged")
    if not isinstance(named, (list, tuple)):
        return clip.segments
    return tuple(name for name in clip.segments if name in named) or clip.segments


def _flag_tile(label: str, flags: Flags, names: tuple[str, ...]) -> Tile:
    """Of the frames in which all of them are known: others can only ever be told to hold."""
    whole = flags.known.all(axis=-1)
    known, held = int(whole.sum()), int((whole & flags.value.any(axis=-1)).sum())
    share = percent(held / known) if known else "not known"
    which = names[0] if len(names) == 1 else f"at least one of {', '.join(names)}"
    detail = f"{held:,} of the {known:,} frames in which all are known: {which}"
    return Tile(label, share, detail)


def counted(count: int, noun: str) -> str:
    """Return a number with its noun.

    Example:
        >>> counted(1, "frame"), counted(90_000, "frame")
        ('1 frame', '90,000 frames')
    """
    return f"{count:,} {noun}" + ("" if count == 1 else "s")
