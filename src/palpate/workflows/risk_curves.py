"""What setting the doubtful cases aside saves on held-out images: films, then measurements."""

from collections.abc import Iterator, Sequence

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from palpate.evaluation.bootstrap import Resampling
from palpate.evaluation.cases import EvaluatedCase
from palpate.evaluation.errors import gather, model_against_truth
from palpate.evaluation.risk_coverage import Ordered, RiskCoverage, risk_coverage
from palpate.io.predictions import PredictedImage
from palpate.measurement import Measurement, Report
from palpate.protocols.protocol import Protocol, Quantity
from palpate.trust.doubt_score import film_doubt
from palpate.trust.measured import error_of, measured_doubt

FEWEST = 10  # of fewer cases a twentieth is no case at all


def risk_curves(
    cases: Sequence[EvaluatedCase],
    predicted: Sequence[PredictedImage],
    measured: tuple[Protocol, Sequence[Report], Sequence[Report]] | None,
    *,
    seed: int,
) -> tuple[RiskCoverage, ...]:
    """Follow the error of films and of each measurement while the most doubtful are set aside.

    The error of a film is the mean distance of the landmarks that were found from the truth, in
    mm where all films are calibrated, else in px; its doubt is
    :func:`~palpate.trust.doubt_score.film_doubt`. The error of a measurement is its distance from
    the one on annotated landmarks, of a direction the short way round; its doubt is how wide it
    is stated to be. A case without an error or a doubt does not count: what is refused is set
    aside already.

    Args:
        cases: films with truth; their subjects are drawn once for all curves.
        predicted: the same films, or more.
        measured: protocol, and the reports of predictions and of truth, one an image; None
            where nothing was measured.
        seed: draws the bootstrap.

    Returns:
        The films' curve, then those of the quantities in the order of the protocol. Curves of
        fewer than ``FEWEST`` cases are left out, and so are sides, which have no distance.
    """
    subjects = [case.subject for case in cases]
    if measured is not None:
        subjects += [report.subject for report in measured[2]]
    resampling = Resampling.draw(tuple(subjects), np.random.default_rng(seed))
    curves = [_films(cases, predicted, resampling)]
    if measured is not None:
        curves += _quantities(*measured, resampling)
    return tuple(curve for curve in curves if curve is not None and curve.cases >= FEWEST)


def _films(
    cases: Sequence[EvaluatedCase], predicted: Sequence[PredictedImage], resampling: Resampling
) -> RiskCoverage | None:
    errors = gather(model_against_truth(cases), None)
    distances, unit = (errors.px, "px") if errors.mm is None else (errors.mm, "mm")
    doubts = {image.image: film_doubt(image) for image in predicted}
    return risk_coverage(
        _means(distances),
        np.array([_or_nan(doubts[name]) for name in errors.identifiers]),
        errors.subjects,
        resampling,
        Ordered("Mean radial error", unit, "the scores of the landmarks"),
    )


def _quantities(
    protocol: Protocol, found: Sequence[Report], true: Sequence[Report], resampling: Resampling
) -> Iterator[RiskCoverage | None]:
    subjects = tuple(report.subject for report in true)
    for place, quantity in enumerate(protocol.quantities):
        if quantity.formula.gives == "side":
            continue
        pairs = [
            (ours.measurements[place], theirs.measurements[place])
            for ours, theirs in zip(found, true, strict=True)
        ]
        yield risk_coverage(
            np.array([_error(quantity, *pair) for pair in pairs]),
            np.array([_or_nan(measured_doubt(ours)) for ours, _ in pairs]),
            subjects,
            resampling,
            Ordered(quantity.name, quantity.unit, "the stated width"),
        )


def _error(quantity: Quantity, ours: Measurement, theirs: Measurement) -> float:
    if ours.value is None or theirs.value is None:
        return float("nan")
    return abs(error_of(quantity, ours.value, theirs.value))


def _means(distances: Float[ndarray, "image landmark"]) -> Float[ndarray, " image"]:
    """Mean of what is known of each film; NaN where nothing is."""
    known = np.isfinite(distances)
    total = np.where(known, distances, 0.0).sum(axis=1)
    count = known.sum(axis=1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _or_nan(value: float | None) -> float:
    return float("nan") if value is None else value
