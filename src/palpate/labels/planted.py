"""Errors planted into clean labels, with the truth of what was planted: does a check find them?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from palpate.errors import StudyError
from palpate.points import Points
from palpate.scheme import LandmarkScheme

PlantedKind = Literal["swap", "slip", "wrong side"]
KINDS: tuple[PlantedKind, ...] = get_args(PlantedKind)


@dataclass(frozen=True, slots=True)
class Planted:
    """One error.

    Args:
        image: where.
        kind: a swap of two landmarks, a slip of one, or all labels on the wrong side: the sides'
            names exchanged where the scheme has sides, else those of the mirrored film.
        landmarks: the names concerned.
        px: how far the farthest of them was moved.
    """

    image: str
    kind: PlantedKind
    landmarks: tuple[str, ...]
    px: float


def plant(
    labels: Mapping[str, Points],
    widths: Mapping[str, float],
    rng: np.random.Generator,
    *,
    share: float = 0.1,
    slip_px: float = 10.0,
) -> tuple[dict[str, Points], tuple[Planted, ...]]:
    """Plant one error into a share of the images, the kinds in turn.

    Args:
        labels: image -> points in px; clean, or as clean as they are.
        widths: image -> width in px, for labels of the mirrored film.
        rng: the same generator plants the same errors, in whatever order the images come.
        share: of the images; at least one.
        slip_px: how far a slip goes, in a direction drawn.

    Returns:
        The labels of all images, and what was planted, by the name of the image.

    Raises:
        StudyError: no labels, a share outside (0, 1], or a slip that is not positive.

    Example:
        >>> scheme = LandmarkScheme("face", ("nose", "ear", "chin"))
        >>> clean = {"a": Points.of(scheme, [[3.0, 4.0], [9.0, 4.0], [5.0, 9.0]])}
        >>> changed, truth = plant(clean, {"a": 20.0}, np.random.default_rng(0))
        >>> truth[0].kind, bool((changed["a"].coordinates != clean["a"].coordinates).any())
        ('swap', True)
    """
    if not (0.0 < share <= 1.0 and slip_px > 0.0):
        raise StudyError(
            f"errors are planted into a share above 0 and up to 1, by slips above 0 px; got "
            f"{share:g} and {slip_px:g}"
        )
    able = sorted(name for name, points in labels.items() if points.present.sum() >= 2)
    if not able:
        raise StudyError("there is no image with two labels to plant an error into")
    count = max(1, round(share * len(able)))
    drawn = sorted(able[i] for i in rng.permutation(len(able))[:count])
    kinds = [KINDS[i % len(KINDS)] for i in range(count)]
    changed, truth = dict(labels), []
    for image, kind in zip(drawn, (kinds[i] for i in rng.permutation(count)), strict=True):
        points = labels[image]
        coordinates, named = _spoilt(points, kind, widths.get(image, np.nan), rng, slip_px)
        changed[image] = Points(points.scheme, coordinates, points.visibility, points.frame)
        moved = np.linalg.norm(np.nan_to_num(coordinates - points.coordinates), axis=1)
        truth.append(Planted(image, kind, named, float(moved.max())))
    return changed, tuple(truth)


def _spoilt(
    points: Points, kind: PlantedKind, width: float, rng: np.random.Generator, slip_px: float
) -> tuple[Float[ndarray, "landmark d"], tuple[str, ...]]:
    """Coordinates with one error, and the names of the landmarks concerned."""
    coordinates = points.coordinates.copy()
    present, names = np.flatnonzero(points.present), points.scheme.names
    if kind == "slip":
        k, angle = int(rng.choice(present)), rng.uniform(0.0, 2.0 * np.pi)
        coordinates[k, :2] += slip_px * np.array([np.cos(angle), np.sin(angle)])
        return coordinates, (names[k],)
    if kind == "swap":
        a, b = (int(k) for k in rng.choice(present, 2, replace=False))
        coordinates[[a, b]] = coordinates[[b, a]]
        return coordinates, (names[a], names[b])
    pairs = _whole_pairs(points.scheme, present)
    if pairs:
        order = points.scheme.mirror_order()
        kept = np.flatnonzero(~np.isin(np.arange(len(names)), pairs))
        order[kept] = kept
        return coordinates[order], tuple(names[k] for k in pairs)
    if not np.isfinite(width):
        raise StudyError("labels of the mirrored film need the film's width")
    coordinates[:, 0] = width - 1.0 - coordinates[:, 0]
    return coordinates, tuple(names[k] for k in present)


def _whole_pairs(scheme: LandmarkScheme, present: Sequence[int] | ndarray) -> list[int]:
    """The landmarks of sides of which both are there."""
    here, order = set(np.asarray(present).tolist()), scheme.mirror_order()
    return [k for k in sorted(here) if int(order[k]) != k and int(order[k]) in here]
