"""Predict many images into a folder; what is done is saved as it goes."""

from collections.abc import Callable, Sequence
from pathlib import Path
from time import monotonic

from numpy import ndarray

from palpate.image import Image
from palpate.io.predictions import (
    PredictedImage,
    PredictionFile,
    write_predictions,
    write_predictions_csv,
)
from palpate.localisers.calibrated import CalibratedLocaliser
from palpate.localisers.clip import ClipLocaliser
from palpate.localisers.localiser import Localiser
from palpate.report.depth_colours import depth_picture
from palpate.report.overlay import write_overlay
from palpate.trust.store import calibration_to_plain
from palpate.workflows.predict import Outcome, Source, predict_each
from palpate.workflows.provenance import localiser_provenance

_SAVE_SECONDS = 30.0  # a stop in the middle loses so much at most


def predict_into(
    out: Path,
    localiser: Localiser,
    sources: Sequence[Source],
    *,
    overlays: bool,
    advance: Callable[[int, str], None],
    seen: Callable[[Image], None] = lambda image: None,
) -> PredictionFile:
    """Write predictions.json, predictions.csv and, if asked for, overlays/ below ``out``.

    Images that cannot be read or predicted are listed in the file with the reason. ``seen`` is
    given every image that was predicted, while its pixels are at hand.
    """
    found: list[PredictedImage] = []
    failures: dict[str, str] = {}
    known = None
    if isinstance(localiser, CalibratedLocaliser):
        known = calibration_to_plain(localiser.calibration)

    def save() -> PredictionFile:
        file = PredictionFile(
            localiser.scheme, tuple(found), localiser_provenance(localiser), failures, known
        )
        write_predictions(file, out / "predictions.json")
        write_predictions_csv(file, out / "predictions.csv")
        return file

    # What sees several frames at once sees depth where there are 16 bits of grey; others, films.
    picture = depth_picture if isinstance(localiser, ClipLocaliser) else Image.grey
    saved = monotonic()
    try:
        for done, outcome in enumerate(predict_each(localiser, sources), start=1):
            if outcome.predicted is None:
                failures[outcome.identifier] = outcome.reason
            else:
                found.append(outcome.predicted)
                if outcome.image is not None:
                    seen(outcome.image)
                if overlays:
                    _overlay(out / "overlays", outcome, picture)
            advance(done, outcome.identifier)
            if monotonic() - saved > _SAVE_SECONDS:
                save()
                saved = monotonic()
    finally:
        file = save()
    return file


def _overlay(folder: Path, outcome: Outcome, picture: Callable[[Image], ndarray]) -> None:
    if outcome.predicted is None or outcome.image is None:
        return
    prediction = outcome.predicted.prediction
    target = folder / f"{outcome.identifier}.png"
    write_overlay(target, picture(outcome.image), prediction, edges=prediction.scheme.edges)
