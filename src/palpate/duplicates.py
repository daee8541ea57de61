"""Copies of one film under two names, also saved again, resized, cropped, brightened or mirrored.

All films of a kind look alike to a small perceptual hash. So hash-like features of 16 x 16 cells
only rank the pairs, and the best of them are laid over each other (an affine registration of
64 x 64 versions) and judged by how their fine detail correlates, less the detail that all
images of the study share. On 1,130 films and frames of three kinds, copies reached 0.90 to 1.00
and different films at most 0.87, see docs/study.md. Frames of one recording are alike in truth
and are found, too.
"""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from jaxtyping import Float, Int, UInt8
from numpy import ndarray

from palpate.errors import FormatError
from palpate.io.images import Picture, read_thumbnail

# Correlation after registration, from which two images are copies.
THRESHOLD = 0.9

_SIDE, _FINE, _COARSE = 128, 64, 16
_LEAST_COARSE = 0.4
# Pairs that are registered, at most: so many for each image and so many more.
_PAIRS_PER_IMAGE, _PAIRS_MORE = 4, 1000
_BLOCK = 1024
# From so many images on, their mean is what all of them share: a fan, a frame, a background.
_ENOUGH_FOR_A_MEAN = 30

How = Literal["", "mirrored", "negative"]
_HOWS: tuple[How, ...] = ("", "mirrored", "negative")


@dataclass(frozen=True, slots=True)
class Duplicate:
    """Two images that show the same.

    Args:
        first: identifier.
        second: identifier.
        likeness: correlation of fine detail once registered, up to 1.
        how: how the second was changed, beside its size and exposure.
    """

    first: str
    second: str
    likeness: float
    how: How = ""

    @property
    def sentence(self) -> str:
        """The likeness in words."""
        return f"likeness {self.likeness:.3f}" + (f", {self.how}" if self.how else "")


@dataclass(frozen=True, eq=False, slots=True)
class Films:
    """What is kept of each image to find copies.

    Args:
        names: identifiers of the images that could be read.
        sizes: (width, height) of each, in px.
        coarse: features whose dot product ranks pairs, from -1 to 1.
        fine: detail freed of exposure, for the registration.
        failures: identifier -> why it could not be read.
    """

    names: tuple[str, ...]
    sizes: Mapping[str, tuple[int, int]]
    coarse: Float[ndarray, "image cell"]
    fine: Float[ndarray, "image y x"]
    failures: Mapping[str, str]


def read_films(pictures: Mapping[str, Picture]) -> Films:
    """Read every image once, small.

    Args:
        pictures: identifier -> file, or frame of a clip. One that cannot be
            read is among the failures.
    """
    with ThreadPoolExecutor() as pool:
        read = list(pool.map(_read, pictures.values()))
    good = [(name, found) for name, found in zip(pictures, read, strict=True) if not _failed(found)]
    failures = {
        name: found for name, found in zip(pictures, read, strict=True) if isinstance(found, str)
    }
    fine = np.zeros((len(good), _FINE, _FINE), dtype=np.float32)
    coarse = np.zeros((len(good), _COARSE**2), dtype=np.float32)
    sizes = {}
    for i, (name, found) in enumerate(good):
        if not isinstance(found, str):
            fine[i], coarse[i], sizes[name] = found
    return Films(tuple(name for name, _ in good), sizes, coarse, fine, failures)


def find_duplicates(
    pictures: Mapping[str, Picture], *, apart: Mapping[str, str] | None = None
) -> tuple[Duplicate, ...]:
    """Find the pairs of images that show the same; files that cannot be read are left out.

    Args:
        pictures: identifier -> file, or frame of a clip.
        apart: identifier -> label, such as its subject; pairs of one label are not looked at.

    Returns:
        Pairs in falling order of likeness; first before second in the order of ``pictures``.
    """
    return duplicates_among(read_films(pictures), apart=apart)


def duplicates_among(
    films: Films, *, apart: Mapping[str, str] | None = None
) -> tuple[Duplicate, ...]:
    """Find the pairs of films that show the same; see :func:`find_duplicates`."""
    label = np.arange(len(films.names))
    if apart is not None:
        number = {value: i for i, value in enumerate(dict.fromkeys(apart.values()))}
        label = np.array([number[apart[name]] for name in films.names], dtype=np.int64)
    own = films.fine
    if len(own) >= _ENOUGH_FOR_A_MEAN:
        own = own - own.mean(axis=0)
    found: dict[tuple[int, int], Duplicate] = {}
    for i, j, how in _candidates(films, label):
        if _HOWS[how]:  # what is shared does not turn with the image
            likeness = _likeness(films.fine[i], _changed(films.fine[j], _HOWS[how]))
        else:
            likeness = _likeness(own[i], own[j])
        before = found.get((i, j))
        if likeness >= THRESHOLD and (before is None or likeness > before.likeness):
            found[i, j] = Duplicate(films.names[i], films.names[j], likeness, _HOWS[how])
    return tuple(sorted(found.values(), key=lambda pair: -pair.likeness))


def _failed(found: object) -> bool:
    return isinstance(found, str)


def _read(picture: Picture) -> tuple[ndarray, ndarray, tuple[int, int]] | str:
    """Fine and coarse features and the size, or why not."""
    try:
        small, size = read_thumbnail(picture, 2 * _SIDE)
    except FormatError as error:
        return error.problem
    return *_features(small), size


def _features(small: UInt8[ndarray, "y x"]) -> tuple[ndarray, ndarray]:
    """Detail over its local contrast: free of exposure, gamma, size and proportion."""
    square = cv2.resize(small, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA).astype(np.float32)
    fine = cv2.resize(_levelled(square, 0.7, 6.0), (_FINE, _FINE), interpolation=cv2.INTER_AREA)
    coarse = cv2.resize(
        _levelled(square, _SIDE / _COARSE / 2, 16.0), (_COARSE,) * 2, interpolation=cv2.INTER_AREA
    )
    return fine, _unit(coarse).ravel()


def _levelled(image: ndarray, inner: float, outer: float) -> ndarray:
    detail = cv2.GaussianBlur(image, (0, 0), inner) - cv2.GaussianBlur(image, (0, 0), outer)
    contrast = np.sqrt(cv2.GaussianBlur(detail * detail, (0, 0), outer))
    return detail / (contrast + 2.0)  # two grey levels: an empty field is not all detail


def _unit(values: ndarray) -> ndarray:
    centred = values - values.mean()
    length = float(np.linalg.norm(centred))
    return centred / length if length > 1e-6 else np.zeros_like(centred)


def _candidates(films: Films, label: Int[ndarray, " image"]) -> list[tuple[int, int, int]]:
    """The pairs with the most alike coarse features, as (first, second, index of how)."""
    n = len(films.names)
    budget = _PAIRS_PER_IMAGE * n + _PAIRS_MORE
    flipped = films.coarse.reshape(n, _COARSE, _COARSE)[:, :, ::-1].reshape(n, _COARSE**2)
    scores: list[ndarray] = []
    pairs: list[ndarray] = []
    for start in range(0, n, _BLOCK):
        rows = np.arange(start, min(start + _BLOCK, n))
        direct = films.coarse[rows] @ films.coarse.T
        alike = np.stack([direct, films.coarse[rows] @ flipped.T, -direct])
        allowed = (np.arange(n) > rows[:, None]) & (label[rows][:, None] != label)
        how, i, j = np.nonzero((alike >= _LEAST_COARSE) & allowed)
        values = alike[how, i, j]
        kept = np.argsort(-values, kind="stable")[:budget]
        scores.append(values[kept])
        pairs.append(np.column_stack([i[kept] + start, j[kept], how[kept]]))
    if not pairs:
        return []
    order = np.argsort(-np.concatenate(scores), kind="stable")[:budget]
    return [(int(i), int(j), int(how)) for i, j, how in np.concatenate(pairs)[order]]


def _changed(fine: ndarray, how: How) -> ndarray:
    if how == "mirrored":
        return np.ascontiguousarray(fine[:, ::-1])
    return -fine if how == "negative" else fine


def _likeness(first: Float[ndarray, "y x"], second: Float[ndarray, "y x"]) -> float:
    """Correlation of detail where the two overlap, once the second is laid over the first."""
    direct = float(_unit(first).ravel() @ _unit(second).ravel())
    if direct >= THRESHOLD:
        return min(direct, 1.0)
    warp = np.eye(2, 3, dtype=np.float32)
    stop = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 30, 1e-3)
    no_mask = np.full(first.shape, 255, dtype=np.uint8)
    try:
        _, found = cv2.findTransformECC(first, second, warp, cv2.MOTION_AFFINE, stop, no_mask, 5)
    except cv2.error:  # no overlap was found
        return direct
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    size = (_FINE, _FINE)
    laid = cv2.warpAffine(second, found, size, flags=flags)
    inside = cv2.warpAffine(np.ones_like(second), found, size, flags=flags) > 0.99
    if inside.mean() < 0.6:
        return direct
    return min(float(_unit(first[inside]) @ _unit(laid[inside])), 1.0)
