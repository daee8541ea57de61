"""``palpate predict``: landmarks in new images."""

from pathlib import Path
from typing import Annotated

import typer


def predict(
    run: Annotated[Path, typer.Argument(help="Run folder, or a model exported to ONNX.")],
    inputs: Annotated[list[Path], typer.Argument(metavar="INPUT...", help="Images or folders.")],
    out: Annotated[Path, typer.Option(help="Folder for predictions and overlays.")],
    overlays: Annotated[bool, typer.Option(help="Draw the landmarks on every image.")] = True,
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
) -> None:
    """Find landmarks; writes predictions.json, predictions.csv and overlays/."""
    from palpate.cli.progress import console, errors, stages
    from palpate.errors import PalpateError
    from palpate.localisers.load import load_localiser
    from palpate.workflows.predict import find_sources
    from palpate.workflows.predict_into import predict_into

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
    console.print(
        f"next: palpate measure {out / 'predictions.json'} "
        f"--protocol {localiser.spec.protocol or 'NAME'} --out {out / 'measurements.csv'}",
        highlight=False,
    )
