"""``palpate dicom ledger``: what became of the films that a service received."""

from pathlib import Path
from typing import Annotated

import typer


def ledger(
    folder: Annotated[Path, typer.Argument(help="The --out of 'palpate dicom serve'.")],
    again: Annotated[
        bool, typer.Option("--again", help="Try what failed or was refused once more.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Say of every film and report where it is: received, predicted, sent, failed and why."""
    import json as json_format
    from dataclasses import asdict

    from rich.table import Table

    from palpate.cli.progress import console
    from palpate.errors import PalpateError
    from palpate.serve.dicom.ledger import Ledger

    path = folder / "ledger.sqlite"
    if not path.exists():
        raise PalpateError(f"there is no ledger in {folder}; it is the --out of 'dicom serve'")
    with Ledger(path) as record:
        renewed = record.again() if again else 0
        films, objects = record.films(), record.objects()
    if json:
        plain = {"films": [asdict(one) for one in films], "objects": [asdict(o) for o in objects]}
        typer.echo(json_format.dumps(plain, allow_nan=False))
        return
    table = Table("film or object", "state", "tries", "reason")
    for film in films:
        table.add_row(film.uid, film.state, str(film.tries), film.reason)
        for made in objects:
            if made.film == film.uid:
                table.add_row(f"  {made.uid}", made.state, str(made.tries), made.reason)
    console.print(table)
    if again:
        console.print(f"{renewed} are tried again by the service", highlight=False)
