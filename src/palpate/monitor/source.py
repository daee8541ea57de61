"""What every source of frames is.

To feed from something new, write a class with these four members (``pipe.py`` is a model), or let
the camera's own program write to ``palpate monitor RUN -`` (``docs/monitor.md``).
"""

from collections.abc import Iterator
from threading import Event
from typing import Protocol, runtime_checkable

from palpate.monitor.frame import StreamEvent


@runtime_checkable
class StreamSource(Protocol):
    """Brings the frames of one camera, in order."""

    @property
    def name(self) -> str:
        """What to call it in provenance; never a path of this machine."""
        ...

    @property
    def rate_hz(self) -> float:
        """Frames a second on the camera's clock."""
        ...

    @property
    def waits(self) -> bool:
        """Whether it can be kept waiting without losing a frame: recordings can, cameras not."""
        ...

    def events(self, stop: Event) -> Iterator[StreamEvent]:
        """Yield what comes, as it comes, until the end of the stream or until ``stop`` is set.

        Raises:
            PalpateError: the stream is none of depth frames, or cannot be followed on.
        """
        ...
