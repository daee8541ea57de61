"""Which image of a study, or frame of its clips, an annotation means when it writes a name."""

import re
from collections import defaultdict
from collections.abc import Iterable
from pathlib import PurePosixPath

from palpate.errors import StudyError
from palpate.frame_names import frame_name, parse_frame_name

# DeepLabCut extracts frames as labeled-data/<stem of the clip>/img0120.png.
_EXTRACTED = re.compile(r"(?P<folder>[^/]+)/(?:img|frame_?)(?P<frame>\d+)\.(?:png|jpe?g)$")


class ImageNames:
    r"""The identifiers of a study, found by the names that annotation tools write.

    Example:
        >>> names = ImageNames(["left/001.png", "left/002.png", "right/002.png"])
        >>> names.find("C:\\project\\left\\001.png"), names.find("001")
        ('left/001.png', 'left/001.png')
        >>> names.find("003.png") is None
        True
    """

    def __init__(self, identifiers: Iterable[str]) -> None:
        self.identifiers = tuple(identifiers)
        self._known = set(self.identifiers)
        self._by_name: dict[str, list[str]] = defaultdict(list)
        self._by_stem: dict[str, list[str]] = defaultdict(list)
        for identifier in self.identifiers:
            path = PurePosixPath(identifier)
            self._by_name[path.name].append(identifier)
            self._by_stem[path.stem].append(identifier)

    def find(self, name: str) -> str | None:
        """Return the identifier, or None where there is no such image.

        In this order: the identifier itself; the end of a longer path; a name that stands in one
        folder only; a name without its suffix.

        Raises:
            StudyError: the name stands for several images.
        """
        parts = PurePosixPath(name.replace("\\", "/")).parts
        for start in range(len(parts)):
            tail = "/".join(parts[start:])
            if tail in self._known:
                return tail
        last = PurePosixPath(parts[-1]) if parts else PurePosixPath("")
        found = self._by_name.get(last.name, [])
        if not found and not last.suffix:
            found = self._by_stem.get(last.name, [])
        if len(found) > 1:
            raise StudyError(
                f"the name {name!r} stands for {len(found)} images, {found[0]!r} and {found[1]!r} "
                "among them; write it with its folder"
            )
        return found[0] if found else None


class FrameNames(ImageNames):
    """The clips of a study; annotation names their frames.

    ``find`` takes ``clip.mp4#120``, with or without folder and suffix, and DeepLabCut's
    ``labeled-data/clip/img0120.png``.

    Example:
        >>> names = FrameNames(["child01_a.mp4"])
        >>> names.find("labeled-data/child01_a/img0120.png")
        'child01_a.mp4#120'
        >>> names.find("child02.mp4#3") is None
        True
    """

    def __init__(self, clips: Iterable[str]) -> None:
        super().__init__(clips)

    def find(self, name: str) -> str | None:
        """Return the identifier of the frame, or None where there is no such clip."""
        wanted = parse_frame_name(name)
        if wanted is None:
            extracted = _EXTRACTED.search(name.replace("\\", "/"))
            if extracted is None:
                return None
            wanted = extracted["folder"], int(extracted["frame"])
        clip = super().find(wanted[0])
        return None if clip is None else frame_name(clip, wanted[1])
