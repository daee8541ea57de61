"""A quick localiser and a service around it, for tests that need one in another process too."""

import sys
import threading
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from palpate.prediction import Prediction
from palpate.protocols.protocol import read_protocol
from palpate.scheme import LandmarkScheme
from palpate.serve.dicom.receiver import Listening
from palpate.serve.dicom.service import Service
from palpate.workflows.dicom_objects import FilmWork

_WHOLE = read_protocol("cephalogram")
_NAMES = ("sella", "nasion", "A_point")
# A report of three landmarks and one angle is written six times faster than the whole one.
PROTOCOL = replace(
    _WHOLE,
    scheme=LandmarkScheme("few", _NAMES),
    quantities=(_WHOLE.quantity("SNA"),),
    facing=None,
    normaliser=None,
    references=None,
    outlines=(),
    described={},
    drawings={
        drawing: {name: points[name] for name in _NAMES}
        for drawing, points in _WHOLE.drawings.items()
    },
    layout=None,
)


@dataclass(frozen=True)
class Quick:
    """Landmarks on an ellipse about the middle of the film, with one px of doubt each.

    ``first`` is where the first one is instead.
    """

    weights: str = "feed"
    first: tuple[float, float] | None = None
    scheme = PROTOCOL.scheme
    name = "quick"
    protocol = "cephalogram"
    variance_factor = None

    def predict(self, image):
        turn = np.linspace(0.0, 2.0 * np.pi, len(self.scheme), endpoint=False)
        middle = np.array(image.size) / 2.0
        ring = middle + 0.8 * middle * np.stack([np.cos(turn), np.sin(turn)], axis=-1)
        k = len(self.scheme)
        if self.first is not None:
            ring[0] = self.first
        return Prediction(
            self.scheme, ring, np.tile(np.eye(2), (k, 1, 1)), np.ones(k), f"quick {self.weights}"
        )


def work(**more) -> FilmWork:
    return FilmWork(Quick(), PROTOCOL, **more)


def until(what, seconds=20.0):
    """Wait for something; what never comes fails the test instead of hanging it."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = what()
        if found:
            return found
        time.sleep(0.01)
    raise AssertionError(f"never came: {what}")


class Running:
    """A service in a thread of this process."""

    def __init__(self, folder, make, destination=None, *, quiet=0.0, **listening):
        self.service = Service(Path(folder), make, destination, quiet)
        self.stop = threading.Event()
        self.port = 0
        settings = Listening(port=0, **listening)
        ready = threading.Event()

        def started(port):
            self.port = port
            ready.set()

        self.thread = threading.Thread(
            target=self.service.run, args=(settings, self.stop, started), daemon=True
        )
        self.thread.start()
        assert ready.wait(10)

    def close(self):
        self.stop.set()
        self.thread.join(20)
        self.service.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def _tell(port):
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()


def main(folder, port):
    """Receive in a process of its own, and never come to predicting: to be killed."""
    service = Service(Path(folder), work(), None, 3600.0)
    service.run(Listening(port=int(port)), threading.Event(), _tell)


if __name__ == "__main__":
    main(*sys.argv[1:])
