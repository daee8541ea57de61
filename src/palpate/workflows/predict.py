"""Predict many images: one bad file does not stop the rest."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from palpate.errors import PalpateError
from palpate.image import Image
from palpate.io.depth_raw import is_depth_raw
from palpate.io.images import find_images, read_image
from palpate.io.predictions import PredictedImage
from palpate.io.video import VIDEO_SUFFIXES
from palpate.localisers.localiser import Localiser


@dataclass(frozen=True, slots=True)
class Source:
    """An image to predict: how it is called, and how it is read."""

    identifier: str
    read: Callable[[], Image]
    subject: str = ""
    group: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """A prediction and its image, or the reason in words why there is none."""

    identifier: str
    predicted: PredictedImage | None
    image: Image | None = None
    reason: str = ""


def predict_each(localiser: Localiser, sources: Iterable[Source]) -> Iterator[Outcome]:
    """Predict in the order given; what cannot be read or predicted is told, not raised.

    One after the other on purpose: on a processor the network keeps every core busy, and a
    thread that reads ahead delays each of its layers by more than it saves.
    """
    for source in sources:
        try:
            yield _outcome(localiser, source)
        except PalpateError as error:
            yield Outcome(source.identifier, None, reason=str(error))


def _outcome(localiser: Localiser, source: Source) -> Outcome:
    image = source.read()
    predicted = PredictedImage(
        image=source.identifier,
        prediction=localiser.predict(image),
        size=(image.size[0], image.size[1]),
        subject=source.subject,
        group=source.group,
        calibration=image.calibration,
    )
    return Outcome(source.identifier, predicted, image)


def find_sources(inputs: Sequence[Path]) -> list[Source]:
    """Return the images of files and folders, named by their path below the input.

    Clips are left out: see :func:`~palpate.workflows.clip_sources.find_clip_sources`.

    Raises:
        PalpateError: an input does not exist, or two images have one name.
    """
    sources: dict[str, Source] = {}
    for given in inputs:
        if given.is_dir():
            folder = given / "images" if (given / "images").is_dir() else given
            paths = find_images(folder)
        elif given.suffix.lower() in VIDEO_SUFFIXES or is_depth_raw(given):
            continue
        elif given.exists():
            folder, paths = given.parent, [given]
        else:
            raise PalpateError(f"there is no file or folder {given}")
        for path in paths:
            name = path.relative_to(folder).as_posix()
            if name in sources:
                raise PalpateError(
                    f"two inputs hold an image {name!r}; predict them one folder at a time"
                )
            sources[name] = Source(name, _reader(path, name))
    return list(sources.values())


def _reader(path: Path, name: str) -> Callable[[], Image]:
    return lambda: read_image(path, identifier=name)
