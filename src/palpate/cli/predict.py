"""``palpate predict``: landmarks in new images."""

from pathlib import Path
from typing import Annotated

import typer

_SAVE_SECONDS = 30.0


def predict(
    run: Annotated[Path, typer.Argument(help="Run folder, or a model exported to ONNX.")],
    inputs: Annotated[list[Path], typer.Argument(metavar="INPUT...", help="Images or folders.")],
    out: Annotated[Path, typer.Option(help="Folder for predictions, overlays and the report.")],
    overlays: Annotated[bool, typer.Option(help="Draw the landmarks on every image.")] = True,
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
) -> None:
    """Find landmarks; writes predictions.json, predictions.csv and overlays/."""
    from time import monotonic

    from palpate.cli.progress import console, errors, stages
    from palpate.errors import PalpateError
    from palpate.io.predictions import (
        PredictedImage,
        PredictionFile,
        write_predictions,
        write_predictions_csv,
    )
    from palpate.localisers.load import load_localiser
    from palpate.report.overlay import write_overlay
    from palpate.workflows.predict import find_sources, predict_each
    from palpate.workflows.provenance import localiser_provenance

    localiser = load_localiser(run, device=device)
    sources = find_sources(inputs)
    found: list[PredictedImage] = []
    failures: dict[str, str] = {}

    def save() -> None:
        """Write what there is so far: a stop in the middle loses half a minute at most."""
        file = PredictionFile(
            localiser.scheme, tuple(found), localiser_provenance(localiser), failures
        )
        write_predictions(file, out / "predictions.json")
        write_predictions_csv(file, out / "predictions.csv")

    saved = monotonic()
    try:
        with stages() as advance:
            for done, outcome in enumerate(predict_each(localiser, sources), start=1):
                if outcome.predicted is None or outcome.image is None:
                    failures[outcome.identifier] = outcome.reason
                else:
                    found.append(outcome.predicted)
                    if overlays:
                        target = out / "overlays" / f"{outcome.identifier}.png"
                        grey = outcome.image.grey()
                        found_here = outcome.predicted.prediction
                        write_overlay(target, grey, found_here, edges=localiser.scheme.edges)
                advance("predicting", done, len(sources), outcome.identifier)
                if monotonic() - saved > _SAVE_SECONDS:
                    save()
                    saved = monotonic()
    finally:
        save()
    for name, reason in failures.items():
        errors.print(f"not predicted: {name}: {reason}", highlight=False, markup=False)
    console.print(f"{len(found)} of {len(sources)} images -> {out}", highlight=False)
    if not found:
        raise PalpateError("no image could be predicted; the reasons stand above")
