"""Frames in which nothing was measured at all: the camera was covered, or its cable loose."""

import numpy as np
from jaxtyping import Int
from numpy import ndarray

from palpate.errors import FormatError
from palpate.io.depth import read_depth_frame
from palpate.io.depth_clip import DepthClip
from palpate.io.depth_raw import bytes_of_frame, is_depth_raw
from palpate.io.video_decode import Packets
from palpate.io.video_file import opened

# Zeros take a 200th of their size in any coding but the plain one; what was measured, a third. So
# only frames smaller than this share are read.
_SMALL = 0.02
_SMALL_BYTES = 1000


def blank_frames(clip: DepthClip) -> Int[ndarray, " blank"]:
    """Return the numbers of the frames that are 0 all over; reads only those that may be.

    A frame that is stored without compression is not looked at. One that cannot be read is not
    among them.

    Raises:
        FormatError: the clip cannot be read.
    """
    sizes = _stored_bytes(clip)
    most = max(_SMALL * 2 * clip.size[0] * clip.size[1], _SMALL_BYTES)
    blank = [index for index in np.flatnonzero(sizes < most) if _is_blank(clip, int(index))]
    return clip.numbers[blank]


def _stored_bytes(clip: DepthClip) -> Int[ndarray, " frame"]:
    """Bytes of each frame's file or packet."""
    if clip.files:
        return np.array([path.stat().st_size for path in clip.files])
    if is_depth_raw(clip.path):
        return np.full(clip.frames, bytes_of_frame(clip.size))
    # Every frame stands alone in these codecs, so packets come in the order of frames.
    with opened(clip.path) as (container, track):
        sizes = np.array([packet.size for packet in Packets(container, track)])
    return sizes[: clip.frames]


def _is_blank(clip: DepthClip, index: int) -> bool:
    try:
        return not read_depth_frame(clip, index).any()
    except FormatError:
        return False
