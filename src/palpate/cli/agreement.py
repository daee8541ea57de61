"""``palpate agreement``: how far raters agree, people and models, on every measurement."""

from pathlib import Path
from typing import Annotated

import typer


def agreement(  # noqa: PLR0913, PLR0917 - the flags of a command
    raters: Annotated[
        list[str],
        typer.Argument(
            help="Two or more of: measurements.csv or .json of 'palpate measure', "
            "predictions.json, an annotation file, a study (each annotator is a rater). "
            "NAME=FILE names one."
        ),
    ],
    out: Annotated[
        Path, typer.Option(help="Folder for agreement.csv, agreement.json and agreement.html.")
    ],
    protocol: Annotated[
        str | None,
        typer.Option(help="Name or TOML file; default: that of a study among the inputs."),
    ] = None,
    quantities: Annotated[
        str | None, typer.Option(help="Names with commas between, such as SNA,SNB; default: all.")
    ] = None,
    classes: Annotated[
        list[str] | None,
        typer.Option(
            help="Classes of a quantity for kappa, 'ANB = III < 0 < I < 4 < II'; may be repeated. "
            "Default: those of the protocol."
        ),
    ] = None,
    resamples: Annotated[int, typer.Option(min=100, help="Of the subjects.")] = 2000,
    seed: Annotated[int, typer.Option(help="Of the resamples.")] = 0,
    json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Compare raters two by two and together: bias, limits of agreement, ICC, SEM, kappa."""
    import json as json_format

    from palpate.cli.agreement_table import show_agreement
    from palpate.cli.progress import console
    from palpate.cli.typed import typed_command
    from palpate.evaluation.kappa import read_classes
    from palpate.workflows.agreement import (
        AgreementWish,
        agreement_provenance,
        study_agreement,
        write_agreement,
    )

    wish = AgreementWish(
        protocol=protocol,
        quantities=tuple(name.strip() for name in (quantities or "").split(",") if name.strip()),
        classes=dict(read_classes(text) for text in classes or []),
        seed=seed,
        resamples=resamples,
    )
    compared = study_agreement(raters, wish)
    write_agreement(compared, out, agreement_provenance(raters, wish, typed_command()))
    if json:
        typer.echo(json_format.dumps(compared.to_json(), allow_nan=False))
        return
    show_agreement(compared)
    console.print(f"report: {out / 'agreement.html'}", highlight=False, markup=False)
