"""``palpate predict``: landmarks in new images."""

from pathlib import Path
from typing import Annotated

import typer


def predict(
    run: Annotated[Path, typer.Argument(help="Run folder, or a model exported to ONNX.")],
    inputs: Annotated[list[Path], typer.Argument(metavar="INPUT...", help="Images or folders.")],
    out: Annotated[Path, typer.Option(help="Folder for predictions and overlays.")],
    protocol: Annotated[
        str | None, typer.Option(help="Measure with it; default: that of the run's study.")
    ] = None,
    overlays: Annotated[bool, typer.Option(help="Draw the landmarks on every image.")] = True,
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
) -> None:
    """Find landmarks and measure: predictions, overlays, measurements and report.html."""
    from palpate.cli.progress import console, errors, stages
    from palpate.errors import PalpateError
    from palpate.localisers.load import load_localiser
    from palpate.protocols.protocol import read_protocol
    from palpate.workflows.predict import find_sources
    from palpate.workflows.predict_into import predict_into
    from palpate.workflows.report_predictions import report_predictions

    localiser = load_localiser(run, device=device)
    sources = find_sources(inputs)
    with stages() as show:
        file = predict_into(
            out,
            localiser,
            sources,
            overlays=overlays,
            advance=lambda done, name: show("predicting", done, len(sources), name),
        )
    for name, reason in file.failures.items():
        errors.print(f"not predicted: {name}: {reason}", highlight=False, markup=False)
    console.print(f"{len(file.images)} of {len(sources)} images -> {out}", highlight=False)
    if not file.images:
        raise PalpateError("no image could be predicted; the reasons stand above")
    name = protocol or localiser.spec.protocol
    report_predictions(out, file, sources, protocol=read_protocol(name) if name else None)
    console.print(f"report: {out / 'report.html'}", highlight=False, markup=False)
