"""``palpate dicom report``: structured reports of a predictions file."""

from pathlib import Path
from typing import Annotated

import typer


def report(
    predictions: Annotated[Path, typer.Argument(help="predictions.json.")],
    images: Annotated[Path, typer.Option(help="Folder of the DICOM films.")],
    out: Annotated[Path, typer.Option(help="Folder for the reports.")],
    protocol: Annotated[str, typer.Option(help="Name of a protocol, or a TOML file.")],
    presentation: Annotated[
        bool, typer.Option("--presentation", help="Also write a presentation state of each film.")
    ] = False,
    capture: Annotated[
        bool,
        typer.Option("--capture", help="Also write each film with points and values burnt in."),
    ] = False,
) -> None:
    """Write a structured report of every predicted DICOM film, to be sent with 'dicom send'."""
    from palpate.cli.progress import console, errors
    from palpate.errors import PalpateError
    from palpate.protocols.protocol import read_protocol
    from palpate.workflows.dicom_report import report_dicom
    from palpate.workflows.dicom_serve import presents_of

    made = report_dicom(
        predictions,
        images,
        out,
        read_protocol(protocol),
        presents_of(presentation=presentation, capture=capture),
    )
    for name, why in made.failed.items():
        errors.print(f"not reported: {name}: {why}", highlight=False, markup=False)
    console.print(f"{len(made.files)} objects -> {out}", highlight=False, markup=False)
    if made.failed:
        raise PalpateError(f"{len(made.failed)} films have no report; the reasons stand above")
