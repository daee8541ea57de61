"""``palpate bench``: speed and memory on this machine, as a table."""

from pathlib import Path
from typing import Annotated

import typer


def bench(
    out: Annotated[Path | None, typer.Option(help="Also write the figures as JSON.")] = None,
    long: Annotated[
        bool,
        typer.Option(
            "--long", help="Monitor ten minutes at a camera's rate, and an hour as fast as it goes."
        ),
    ] = False,
    repeats: Annotated[int, typer.Option(min=3, help="Runs per figure; the median counts.")] = 5,
) -> None:
    """Time networks on three engines, predicting against the bare network, and training."""
    from palpate.cli.progress import console
    from palpate.cli.torch_needed import need_torch

    need_torch()
    from rich.table import Table

    from palpate.files import write_json
    from palpate.workflows.bench import run_bench
    from palpate.workflows.bench_monitor import LONG

    figures = run_bench(
        repeats,
        lengths=LONG if long else None,
        advance=lambda what: console.print(f"{what} ...", style="dim"),
    )
    for title, rows in figures.items():
        table = Table(title=title)
        for column in rows[0]:
            table.add_column(
                column, justify="left" if isinstance(rows[0][column], str) else "right"
            )
        for row in rows:
            table.add_row(*(_shown(value) for value in row.values()))
        console.print(table)
    if out is not None:
        write_json(out, figures)


def _shown(value: object) -> str:
    if isinstance(value, float):
        return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
    return str(value)
