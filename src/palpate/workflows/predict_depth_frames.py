"""A clip of any kind, opened for predicting: depth, video, or a folder of pictures."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int, UInt8
from numpy import ndarray

from palpate.errors import FormatError
from palpate.io.depth import DepthClip, open_depth, read_depth_frame, read_depth_frames
from palpate.io.depth_folder import number_in_name
from palpate.io.images import find_images, read_image, read_size
from palpate.io.video import Video, open_video, read_frames, read_selected
from palpate.report.depth_colours import DepthScale, depth_scale, false_colour
from palpate.workflows.clip_sources import ClipSource
from palpate.workflows.predict_clip import Pixels

# Frames that the colours of a depth clip are taken from.
_LOOKED_AT = 8


@dataclass(frozen=True, eq=False, slots=True)
class OpenClip:
    """A clip whose frames are read one by one.

    Args:
        video: size and times from 0, as a report reads them.
        start_s: time of the first frame on the clip's own clock.
        numbers: what each frame is called by.
        read: the frames, one by one, from an index on.
        depth: what is known of its camera; None where it is of none.
        scale: what depth is coloured by.
    """

    video: Video
    start_s: float
    numbers: Int[ndarray, " frame"]
    read: Callable[[int], Iterator[Pixels]]
    depth: DepthClip | None = None
    scale: DepthScale | None = None

    @property
    def frames(self) -> int:
        """How many frames there are."""
        return len(self.numbers)

    @property
    def times_s(self) -> Float[ndarray, " frame"]:
        """When each frame was taken, on the clip's own clock."""
        return self.video.times_s + self.start_s

    def picture(self, pixels: Pixels) -> UInt8[ndarray, "y x 3"]:
        """Return a frame as RGB: depth in false colour."""
        if self.scale is not None and pixels.ndim == 2:
            return false_colour(pixels, self.scale)
        return pixels

    def pictures(self, indices: Sequence[int]) -> Iterator[tuple[int, UInt8[ndarray, "y x 3"]]]:
        """Yield (index, RGB) of increasing indices.

        Raises:
            FormatError: a frame cannot be read.
        """
        if self.video.path.is_file() and self.depth is None:
            yield from read_selected(self.video, indices)
            return
        for index in indices:
            yield index, self.picture(next(self.read(index)))


def open_clip(source: ClipSource) -> OpenClip:
    """Find out what a clip holds.

    Raises:
        FormatError: nothing that can be read as such a clip.
    """
    if source.depth is not None:
        return _depth(open_depth(source.path, source.depth))
    if source.path.is_dir():
        return _folder(source)
    video = open_video(source.path)
    return OpenClip(video, 0.0, np.arange(video.frames), lambda start: read_frames(video, start))


def _depth(clip: DepthClip) -> OpenClip:
    start_s = float(clip.times_s[0])
    video = Video(
        clip.path,
        clip.size,
        clip.times_s - start_s,
        problem=clip.problem,
        nominal_hz=clip.nominal_hz,
    )
    chosen = np.unique(np.linspace(0, clip.frames - 1, _LOOKED_AT).astype(int))
    return OpenClip(
        video,
        start_s,
        clip.numbers,
        lambda start: read_depth_frames(clip, start),
        clip,
        depth_scale(_readable(clip, chosen.tolist())),
    )


def _readable(clip: DepthClip, indices: Iterable[int]) -> Iterator[ndarray]:
    """Frames that can be read: a broken one is told when its turn comes."""
    for index in indices:
        try:
            yield read_depth_frame(clip, index)
        except FormatError:
            continue


def _folder(source: ClipSource) -> OpenClip:
    """A folder of grey or coloured pictures, in the order of the numbers in their names."""
    numbered: dict[int, Path] = {}
    for path in find_images(source.path):
        if path.parent != source.path:
            continue
        number = number_in_name(path)
        if number is None:
            raise FormatError(path, "a frame of a clip has its number in its name, as 000120.png")
        if number in numbered:
            raise FormatError(path, f"has the number of {numbered[number].name}")
        numbered[number] = path
    if not numbered:
        raise FormatError(source.path, "holds no frame: pictures named by their number")
    numbers = np.array(sorted(numbered))
    files = [numbered[number] for number in numbers.tolist()]
    size = read_size(files[0])
    start_s = float(numbers[0]) / source.rate_hz
    video = Video(source.path, size, numbers / source.rate_hz - start_s, nominal_hz=source.rate_hz)
    return OpenClip(
        video, start_s, numbers, lambda start: (_grey(path, size) for path in files[start:])
    )


def _grey(path: Path, size: tuple[int, int]) -> UInt8[ndarray, "y x 3"]:
    image = read_image(path, identifier=path.name)
    if image.size != size:
        raise FormatError(
            path, f"is {image.size[0]} x {image.size[1]} px, the first is {size[0]} x {size[1]} px"
        )
    grey = np.rint(255 * image.grey()).astype(np.uint8)
    return np.repeat(grey[:, :, None], 3, axis=2)
