"""Why a case is set aside, in words: each reason an independent check with a threshold.

The conformal p-value of a sign is the chance that a film of a new subject of the same kind is at
least so strange; a film is set aside where it is at most ``ODD``, or, with fewer than 49 held-out
subjects, where it is stranger than all of them. So each check alone sets aside about 2 in 100 films
that are like those of the calibration. Some checks ask more, so that nothing harmless is told:

- landmark outside the film: by more than half a pixel;
- landmark not found: found in at least 95 of 100 held-out films;
- wrong way round: turned back, the picture fits at least a quarter better than as it is, and the
  film is then not unlike the others;
- several peaks: the normalised total variation of a landmark above ``SEVERAL``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from palpate.io.predictions import PredictedImage
from palpate.trust.familiar import FEWEST, Familiar, Signs

# As familiar.SIGNS, and those that need no calibration.
Check = Literal[
    "look", "wrong way", "shape", "outside", "not found", "several", "spread", "doubt", "risk"
]
ODD = 0.02
SEVERAL = 1.5
_OUTSIDE_PX = 0.5
_ALWAYS_FOUND = 0.95
_TURN_GAIN = 1.25
_MOST_NAMED = 3


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason why a person must look.

    Args:
        check: which check found it.
        words: for a clinician; names the landmark where there is one.
        landmarks: that it is about; empty where it is about the film.
        p_value: chance that a film of the same kind looks so strange; None where not told.
    """

    check: Check
    words: str
    landmarks: tuple[str, ...] = ()
    p_value: float | None = None


def plain_reasons(predicted: PredictedImage) -> tuple[Reason, ...]:
    """Tell what is wrong without knowing what is usual: landmarks outside the film, or none.

    Example:
        >>> from palpate.points import Points
        >>> from palpate.prediction import Prediction
        >>> from palpate.scheme import LandmarkScheme
        >>> points = Points.of(LandmarkScheme("tip", ("tip",)), np.array([[-9.5, 4.0]]))
        >>> image = PredictedImage("1", Prediction.exact(points, made_by="nobody"), (64, 48))
        >>> plain_reasons(image)[0].words
        'landmark outside the film: tip (9 px)'
    """
    prediction = predicted.prediction
    if not prediction.found.any():
        return (Reason("not found", "no landmark was found"),)
    mean = prediction.mean[:, :2]
    over = np.maximum(-0.5 - mean, mean - (np.array(predicted.size) - 0.5)).max(axis=1)
    outside = np.flatnonzero(np.nan_to_num(over) > _OUTSIDE_PX)
    if not len(outside):
        return ()
    names = prediction.scheme.names
    said = [f"{names[k]} ({over[k]:.0f} px)" for k in outside.tolist()]
    what = "landmarks" if len(said) > 1 else "landmark"
    return (
        Reason(
            "outside",
            f"{what} outside the film: {_listed(said)}",
            tuple(names[k] for k in outside.tolist()),
        ),
    )


def reasons(
    familiar: Familiar | None,
    predicted: PredictedImage,
    look: Float[ndarray, " look"] | None = None,
) -> tuple[Reason, ...]:
    """Return every reason to set a film aside; none: nothing about it is unusual.

    Args:
        familiar: what is usual; None or of too few subjects: only plain errors are told.
        predicted: with covariances as the calibration saw them.
        look: :func:`~palpate.trust.novelty.look_of` the film.

    Raises:
        StudyError: other landmarks than the calibration's.
    """
    found = list(plain_reasons(predicted))
    if familiar is None or familiar.subjects < FEWEST or not predicted.prediction.found.any():
        return tuple(found)
    signs = familiar.signs(predicted, look)
    found += _not_found(familiar, predicted)
    turned = _turned(familiar, signs)
    found += turned
    strange = _strange(familiar, signs)
    # A film that is merely the wrong way round looks strange for that reason alone.
    found += [] if turned else strange
    found += _shape(familiar, signs)
    found += _several(familiar, signs)
    found += _spread(familiar, signs)
    return tuple(found)


def _odd(familiar: Familiar, signs: Signs, sign: str) -> float | None:
    """The p-value of a sign that is odd; None where it is usual or not told."""
    value = signs.values.get(sign)
    p = None if value is None else familiar.p_value(sign, value)
    if p is None:
        return None
    return p if p <= _limit(familiar) else None


def _limit(familiar: Familiar) -> float:
    """P-value at which a film is odd: ``ODD``, or what being stranger than all gives."""
    return max(ODD, 1.0 / (familiar.subjects + 1) + 1e-9)


def _not_found(familiar: Familiar, predicted: PredictedImage) -> list[Reason]:
    lost = ~predicted.prediction.found & (familiar.found >= _ALWAYS_FOUND)
    names = [familiar.names[k] for k in np.flatnonzero(lost).tolist()]
    if not names:
        return []
    words = f"landmark not found that is found as a rule: {_listed(names)}"
    return [Reason("not found", words, tuple(names))]


def _turned(familiar: Familiar, signs: Signs) -> list[Reason]:
    p = _odd(familiar, signs, "wrong way")
    if p is None or signs.turn is None or signs.turn.gain < _TURN_GAIN:
        return []
    # Another body part also fits better one way than another: turned back it must look familiar.
    turned_back = familiar.p_value("look", signs.turn.strange)
    if turned_back is None or turned_back <= _limit(familiar):
        return []
    words = (
        f"the picture seems to be {signs.turn.turn}: turned back it fits the held-out films "
        f"{signs.turn.gain:.1f} times as well"
    )
    return [Reason("wrong way", words, p_value=p)]


def _strange(familiar: Familiar, signs: Signs) -> list[Reason]:
    p = _odd(familiar, signs, "look")
    if p is None or signs.look is None:
        return []
    words = (
        f"unlike the films of the {familiar.subjects} held-out subjects, most of all in "
        f"{signs.look.part}: {signs.look.value:.1f} times the usual distance"
    )
    return [Reason("look", words, p_value=p)]


def _shape(familiar: Familiar, signs: Signs) -> list[Reason]:
    p = _odd(familiar, signs, "shape")
    if p is None:
        return []
    far = _farthest(familiar, signs, "shape")
    said = [f"{familiar.names[k]} ({ratio:.1f} times)" for k, ratio in far]
    words = (
        "implausible shape: farther than usual from where the other landmarks expect it: "
        f"{_listed(said)}"
    )
    return [Reason("shape", words, tuple(familiar.names[k] for k, _ in far), p)]


def _several(familiar: Familiar, signs: Signs) -> list[Reason]:
    p = _odd(familiar, signs, "several")
    far = [(k, v) for k, v in _farthest(familiar, signs, "several") if v > SEVERAL]
    if p is None or not far:
        return []
    said = [f"{familiar.names[k]} (variation {value:.1f})" for k, value in far]
    words = f"several places fit the same landmark: {_listed(said)}"
    return [Reason("several", words, tuple(familiar.names[k] for k, _ in far), p)]


def _spread(familiar: Familiar, signs: Signs) -> list[Reason]:
    found = []
    p = _odd(familiar, signs, "spread")
    if p is not None:
        far = _farthest(familiar, signs, "spread")
        said = [f"{familiar.names[k]} ({ratio:.1f} times)" for k, ratio in far]
        words = f"much more uncertain than usual: {_listed(said)}"
        found.append(Reason("spread", words, tuple(familiar.names[k] for k, _ in far), p))
    p = _odd(familiar, signs, "doubt")
    if p is not None:
        words = (
            f"all landmarks together are less sure than in {100 * (1 - p):.0f} of 100 films of "
            "held-out subjects"
        )
        found.append(Reason("doubt", words, p_value=p))
    return found


def _farthest(familiar: Familiar, signs: Signs, sign: str) -> Sequence[tuple[int, float]]:
    """Landmarks that are odd on their own, else the oddest one; the oddest first."""
    values = np.nan_to_num(signs.landmarks[sign], nan=-np.inf)
    order = np.argsort(-values, kind="stable").tolist()
    ratios = [(k, float(values[k])) for k in order if np.isfinite(values[k])]
    # The p-value of a film is that of its oddest landmark; the same limit holds for the others.
    odd = []
    for k, ratio in ratios:
        p = familiar.p_value(sign, ratio)
        if p is None or p > _limit(familiar):
            break
        odd.append((k, ratio))
    return odd or ratios[:1]


def _listed(said: Sequence[str]) -> str:
    """A few, and how many more."""
    shown = ", ".join(said[:_MOST_NAMED])
    return shown if len(said) <= _MOST_NAMED else f"{shown} and {len(said) - _MOST_NAMED} more"
