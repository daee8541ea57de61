"""What is usual of a localiser's films: a small block of plain numbers from held-out subjects.

Every film is described by a few numbers (:class:`Signs`), each the larger the stranger it is. What
the held-out films of calibration had is kept; of a new film a conformal p-value tells how many of
them were at least so strange. To add a sign: give it a name in ``SIGNS``, compute it in
``Familiar.signs``, and say it in words in :mod:`palpate.trust.reasons`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from palpate.arrays import locked, locked_int
from palpate.conformal.quantile import subject_weights
from palpate.errors import StudyError
from palpate.io.predictions import PredictedImage
from palpate.trust.doubt_score import film_doubt, relative_sd
from palpate.trust.held_out import HeldOut
from palpate.trust.novelty import LOOK, Strangeness, WrongWay, strangeness, usual_distances
from palpate.trust.novelty import wrong_way as turned_how
from palpate.trust.plausible import FEWEST_SHAPES, UsualShape

# Fewer subjects say too little of what is usual: then only what is plainly wrong is told.
FEWEST = 10
_FOLDS = 5
# Looks beyond this number add length to the file, not knowledge.
_MOST_LOOKS = 400
FORMAT, VERSION = "palpate familiar", 1

SIGNS = ("look", "wrong way", "shape", "several", "spread", "doubt")


@dataclass(frozen=True, eq=False, slots=True)
class Signs:
    """How strange a film is in each respect, and what the words need.

    Args:
        values: of ``SIGNS``; one that cannot be told of the film is left out.
        look: in what the picture differs most.
        turn: how the film seems to be turned.
        landmarks: sign -> how strange each landmark is; NaN where absent.
    """

    values: Mapping[str, float]
    look: Strangeness | None
    turn: WrongWay | None
    landmarks: Mapping[str, Float[ndarray, " landmark"]]


@dataclass(frozen=True, eq=False, slots=True)
class Familiar:
    """What the held-out films of a localiser are like.

    Args:
        names: of the landmarks.
        owners: number of each film's subject.
        looks: descriptors, (film, ``LOOK``), or no row where pixels were not seen; at most
            400 of them, evenly chosen.
        look_owners: number of each look's subject.
        usual_look: usual distance of a look's parts from the nearest of other subjects.
        shape: of the annotated landmarks; None where there are too few, or points are not 2-D.
        usual_odd: median oddness of each landmark; NaN where never found.
        usual_sd: median standard deviation of each landmark, in parts of the film's diagonal.
        found: share of the films that each landmark was found in.
        scores: sign -> its value in each film; NaN where it could not be told.

    Raises:
        StudyError: lengths differ.
    """

    names: tuple[str, ...]
    owners: Int[ndarray, " image"]
    looks: Float[ndarray, "some look"]
    look_owners: Int[ndarray, " some"]
    usual_look: Float[ndarray, " part"]
    shape: UsualShape | None
    usual_odd: Float[ndarray, " landmark"]
    usual_sd: Float[ndarray, " landmark"]
    found: Float[ndarray, " landmark"]
    scores: Mapping[str, Float[ndarray, " image"]]

    def __post_init__(self) -> None:
        for name in ("looks", "usual_look", "usual_odd", "usual_sd", "found"):
            object.__setattr__(self, name, locked(getattr(self, name)))
        for name in ("owners", "look_owners"):
            object.__setattr__(self, name, locked_int(getattr(self, name)))
        scores = {name: locked(values) for name, values in self.scores.items()}
        object.__setattr__(self, "scores", MappingProxyType(scores))
        films, landmarks = len(self.owners), len(self.names)
        if any(len(values) != films for values in scores.values()) or set(scores) - set(SIGNS):
            raise StudyError(f"what is usual holds one number of each of {SIGNS} a film")
        per_landmark = (self.usual_odd, self.usual_sd, self.found)
        if any(values.shape != (landmarks,) for values in per_landmark):
            raise StudyError("what is usual of landmarks is one number a landmark")
        if self.looks.shape != (len(self.look_owners), LOOK):
            raise StudyError(f"a look has {LOOK} numbers, got an array of {self.looks.shape}")

    @classmethod
    def of(
        cls, films: Sequence[HeldOut], looks: Sequence[Float[ndarray, " look"]] = ()
    ) -> "Familiar":
        """Learn what is usual from films whose subjects the localiser was not trained on.

        What a film is compared with never holds another film of its subject: looks are compared
        with those of other subjects, shapes with a model of the other folds.

        Args:
            films: predictions with their covariances as new ones will have them, and truth.
            looks: :func:`~palpate.trust.novelty.look_of` each film; empty where pixels are not
                at hand: then new films are not judged by their looks.

        Raises:
            StudyError: no film, or not one look a film.
        """
        if not films or (len(looks) and len(looks) != len(films)):
            raise StudyError(
                f"what is usual takes one look a film, got {len(films)} films, {len(looks)} looks"
            )
        names = films[0].predicted.prediction.scheme.names
        _, owners = np.unique([film.subject for film in films], return_inverse=True)
        seen = np.array(looks) if len(looks) else np.zeros((0, LOOK))
        few = np.linspace(0, len(seen) - 1, min(len(seen), _MOST_LOOKS)).astype(int)
        sds = np.array([relative_sd(film.predicted) for film in films])
        odd = _held_out_oddness(films, owners)
        bare = cls(
            names,
            owners,
            seen[few],
            owners[few],
            usual_distances(seen[few], owners[few]),
            _usual_shape([film.truth.coordinates for film in films]),
            _medians(odd),
            _medians(sds),
            (~np.isnan(sds)).mean(axis=0),
            {},
        )
        signs = [
            bare._signs(film.predicted, seen[i] if len(seen) else None, odd[i], int(owners[i]))
            for i, film in enumerate(films)
        ]
        scores = {name: np.array([one.values.get(name, np.nan) for one in signs]) for name in SIGNS}
        return cls(
            names,
            owners,
            bare.looks,
            bare.look_owners,
            bare.usual_look,
            bare.shape,
            bare.usual_odd,
            bare.usual_sd,
            bare.found,
            scores,
        )

    @property
    def subjects(self) -> int:
        """How many it rests on."""
        return len(np.unique(self.owners))

    def signs(
        self, predicted: PredictedImage, look: Float[ndarray, " look"] | None = None
    ) -> Signs:
        """Describe a new film.

        Args:
            predicted: of the same landmarks.
            look: of its pixels; None where not at hand.

        Raises:
            StudyError: other landmarks.
        """
        if predicted.prediction.scheme.names != self.names:
            raise StudyError(f"image {predicted.image!r} has other landmarks than was calibrated")
        odd = np.full(len(self.names), np.nan)
        if self.shape is not None:
            odd = self.shape.oddness(predicted.prediction.mean)
        return self._signs(predicted, look, odd, None)

    def p_value(self, sign: str, value: float) -> float | None:
        """Chance that a film of a new subject is at least so strange in one respect.

        None where fewer than ``FEWEST`` subjects tell.

        Source:
            Vovk, Gammerman and Shafer, Algorithmic Learning in a Random World, 2005, equation
            2.20; subjects weighted as in :func:`~palpate.conformal.quantile.subject_weights`.
        """
        scores = self.scores.get(sign, np.zeros(0))
        if not len(scores):
            return None
        told = ~np.isnan(scores)
        if len(np.unique(self.owners[told])) < FEWEST:
            return None
        weights = subject_weights(self.owners[told])
        return float(weights[scores[told] >= value].sum() + 1.0 - weights.sum())

    def to_json(self) -> dict[str, Any]:
        """Return plain values, null for NaN."""
        return {
            "format": FORMAT,
            "version": VERSION,
            "names": list(self.names),
            "owners": self.owners.tolist(),
            "looks": [_plain(row, 4) for row in self.looks],
            "look_owners": self.look_owners.tolist(),
            "usual_look": _plain(self.usual_look),
            "shape": None if self.shape is None else self.shape.to_json(),
            "usual_odd": _plain(self.usual_odd),
            "usual_sd": _plain(self.usual_sd),
            "found": _plain(self.found),
            "scores": {name: _plain(values) for name, values in self.scores.items()},
        }

    @classmethod
    def from_json(cls, table: Mapping[str, Any]) -> "Familiar":
        """Read what :meth:`to_json` returned.

        Raises:
            StudyError: it is something else, or of a newer palpate.
        """
        if table.get("format") != FORMAT or table.get("version") != VERSION:
            raise StudyError(
                f"expected {FORMAT!r} version {VERSION}, got {table.get('format')!r} version "
                f"{table.get('version')!r}; calibrate again"
            )
        try:
            shape = table["shape"]
            return cls(
                tuple(table["names"]),
                np.array(table["owners"], dtype=int),
                np.array(table["looks"], dtype=float).reshape(-1, LOOK),
                np.array(table["look_owners"], dtype=int),
                np.array(table["usual_look"], dtype=float),
                None if shape is None else UsualShape.from_json(shape),
                np.array(table["usual_odd"], dtype=float),
                np.array(table["usual_sd"], dtype=float),
                np.array(table["found"], dtype=float),
                {name: np.array(values, dtype=float) for name, values in table["scores"].items()},
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise StudyError(f"what is usual is not whole: {error}; calibrate again") from error

    def _signs(
        self,
        predicted: PredictedImage,
        look: Float[ndarray, " look"] | None,
        odd: Float[ndarray, " landmark"],
        owner: int | None,
    ) -> Signs:
        """Describe a film; ``owner`` is its subject where it is one of the held-out films."""
        others = self.looks if owner is None else self.looks[self.look_owners != owner]
        strange = turn = None
        if look is not None and len(others):
            strange = strangeness(look, others, self.usual_look)
            turn = turned_how(look, others, self.usual_look)
        landmarks = {
            "shape": odd / self.usual_odd,
            "several": _variation(predicted),
            "spread": relative_sd(predicted) / self.usual_sd,
        }
        values = {name: float(np.nanmax(v)) for name, v in landmarks.items() if _any(v)}
        doubt = film_doubt(predicted)
        if doubt is not None:
            values["doubt"] = doubt
        if strange is not None and turn is not None:
            values |= {"look": strange.value, "wrong way": turn.gain}
        return Signs(values, strange, turn, landmarks)


def _any(values: Float[ndarray, " landmark"]) -> bool:
    return not np.isnan(values).all()


def _variation(predicted: PredictedImage) -> Float[ndarray, " landmark"]:
    variation = predicted.prediction.variation
    return np.full(len(predicted.prediction.mean), np.nan) if variation is None else variation


def _held_out_oddness(
    films: Sequence[HeldOut], owners: Int[ndarray, " image"]
) -> Float[ndarray, "image landmark"]:
    """Oddness of each prediction among the annotated shapes of other subjects."""
    odd = np.full((len(films), len(films[0].truth.scheme)), np.nan)
    for fold in range(_FOLDS):
        inside = owners % _FOLDS == fold
        shape = _usual_shape(
            [film.truth.coordinates for film, out in zip(films, inside, strict=True) if not out]
        )
        if shape is not None:
            for i in np.flatnonzero(inside).tolist():
                odd[i] = shape.oddness(films[i].predicted.prediction.mean)
    return odd


def _usual_shape(shapes: Sequence[Float[ndarray, "landmark d"]]) -> UsualShape | None:
    usable = [each for each in shapes if (~np.isnan(each).any(axis=1)).sum() >= 3]
    if len(usable) < FEWEST_SHAPES or usable[0].shape[1] != 2:
        return None
    return UsualShape.of(np.stack(usable))


def _medians(values: Float[ndarray, "image landmark"]) -> Float[ndarray, " landmark"]:
    """Median of each column over what is known; NaN where nothing is or it is zero."""
    medians = np.full(values.shape[1], np.nan)
    for k, column in enumerate(values.T):
        known = column[~np.isnan(column)]
        if len(known) and np.median(known) > 0:
            medians[k] = np.median(known)
    return medians


def _plain(values: Float[ndarray, " n"], digits: int = 6) -> list[float | None]:
    """Numbers with so many significant digits; None for NaN."""
    return [None if np.isnan(value) else float(f"{value:.{digits}g}") for value in values]
