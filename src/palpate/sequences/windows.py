"""Clips of a few frames, cut from a run of consecutive ones."""

from palpate.errors import GeometryError


def overlapping(count: int, frames: int, shift: int = 1) -> list[range]:
    """Return the clips that begin ``shift`` frames after one another, whole ones only.

    Args:
        count: of consecutive frames.
        frames: of a clip.
        shift: from the beginning of one clip to the next.

    Raises:
        GeometryError: ``frames`` or ``shift`` is below 1.

    Source:
        Migliorelli et al., EMBC 2021, section III-A: clips of 3, shifted by one frame to train.

    Example:
        >>> overlapping(5, 3)
        [range(0, 3), range(1, 4), range(2, 5)]
        >>> len(overlapping(753, 3)), len(overlapping(249, 3, 3))  # the paper's 751 and 83
        (751, 83)
    """
    if frames < 1 or shift < 1:
        raise GeometryError(f"clips need at least 1 frame and shift, got {frames} and {shift}")
    return [range(first, first + frames) for first in range(0, count - frames + 1, shift)]


def covering(count: int, frames: int) -> list[tuple[range, range]]:
    """Return clips that do not overlap, and which of their frames are read: each frame once.

    Where ``frames`` does not divide ``count``, the last clip reaches back over frames that the one
    before it is read for. A run shorter than a clip gives one range that ends beyond the run;
    whoever takes it repeats the last frame.

    Example:
        >>> covering(5, 3)
        [(range(0, 3), range(0, 3)), (range(2, 5), range(3, 5))]
        >>> covering(2, 3)
        [(range(0, 3), range(0, 2))]
    """
    whole = [(clip, clip) for clip in overlapping(count, frames, frames)]
    done = len(whole) * frames
    if done == count:
        return whole
    first = max(0, count - frames)
    return [*whole, (range(first, first + frames), range(done, count))]
