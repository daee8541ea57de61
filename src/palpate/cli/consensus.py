"""``palpate consensus``: several annotators made one, and how far they are apart."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.table import Table

    from palpate.workflows.consensus import StudyConsensus

_MOST_OUTLIERS = 10


def consensus(
    study: Annotated[Path, typer.Argument(help="Folder with images and several annotators.")],
    out: Annotated[
        Path,
        typer.Option(
            help="Folder for landmarks.csv, covariances.csv, annotators.csv, outliers.csv, "
            "measurements.csv and consensus.json."
        ),
    ],
    protocol: Annotated[
        str | None,
        typer.Option(help="What to measure of each annotator; else as study.toml says."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the resamples behind the intervals.", min=0)] = 0,
) -> None:
    """Estimate the truth behind several annotators, how each errs, and whose points are off."""
    import numpy as np

    from palpate.cli.progress import console
    from palpate.protocols.protocol import read_protocol
    from palpate.study import open_study
    from palpate.workflows.consensus import study_consensus, write_consensus

    opened = open_study(study)
    name = protocol or opened.settings.protocol
    found = study_consensus(
        opened, read_protocol(name) if name else None, np.random.default_rng(seed)
    )
    write_consensus(found, opened, out)
    _show(found)
    console.print(
        f"next: look through {out / 'outliers.csv'}; landmarks.csv there is an annotation",
        highlight=False,
        markup=False,
        soft_wrap=True,
    )


def _show(found: "StudyConsensus") -> None:
    """Print how each annotator errs, the worst outliers, and how far measurements are apart."""
    from rich.table import Table
    from rich.text import Text

    from palpate.cli.progress import console
    from palpate.workflows.consensus import annotator_rows

    head = ("annotator", "landmark", "images", "bias x, y", "sd along, across", "weight")
    table = Table(*head, title="annotators, px", title_justify="left")
    for row in annotator_rows(found.consensus):
        if row["images"]:
            table.add_row(
                Text(str(row["annotator"])),
                Text(str(row["landmark"])),
                str(row["images"]),
                f"{row['bias_x_px']:.1f}, {row['bias_y_px']:.1f}",
                f"{row['sd_along_px']:.1f}, {row['sd_across_px']:.1f}",
                f"{row['weight']:.2f}",
            )
    console.print(table)
    if found.spreads:
        console.print(_measured(found))
    for note in found.consensus.notes:
        console.print(f"note: {note}", highlight=False, markup=False, soft_wrap=True)
    for each in found.outliers[:_MOST_OUTLIERS]:
        console.print(
            f"P {'>0.99' if each.probability > 0.99 else f'{each.probability:.2f}'}  "
            f"{each.sentence}",
            highlight=False,
            markup=False,
            soft_wrap=True,
        )
    if len(found.outliers) > _MOST_OUTLIERS:
        console.print(f"... and {len(found.outliers) - _MOST_OUTLIERS} more in outliers.csv")


def _measured(found: "StudyConsensus") -> "Table":
    from rich.table import Table
    from rich.text import Text

    table = Table(
        "quantity",
        "images",
        "sd of one annotator",
        "mean absolute difference",
        "not measured",
        title=f"annotators' own points, {found.protocol} (95 % intervals by subject)",
        title_justify="left",
    )
    for name, spread in found.spreads.items():
        table.add_row(
            Text(name),
            str(spread.images),
            _with_interval(spread.single_sd, spread.single_sd_interval, spread.unit),
            _with_interval(
                spread.mean_absolute_difference, spread.difference_interval, spread.unit
            ),
            Text("; ".join(f"{why} ({n})" for why, n in spread.reasons.items())),
        )
    return table


def _with_interval(value: float | None, interval: tuple[float, float] | None, unit: str) -> str:
    if value is None:
        return "-"
    shown = f"{value:.2f} {'' if unit == '1' else unit}".strip()
    return shown if interval is None else f"{shown} ({interval[0]:.2f} to {interval[1]:.2f})"
