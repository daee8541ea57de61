"""``palpate shape``: how the shapes of an annotated study vary, and which are unusual."""

from pathlib import Path
from typing import Annotated

import typer


def shape(
    study: Annotated[Path, typer.Argument(help="Folder with images and annotation.")],
    out: Annotated[
        Path, typer.Option(help="Folder for the model, scores.csv, modes.png and shape.html.")
    ],
    variance: Annotated[
        float, typer.Option(help="Share of the variance that the modes explain.")
    ] = 0.98,
    sides: Annotated[
        Path | None,
        typer.Option(
            help="Table with columns image and side (left, right), such as the study's meta.csv: "
            "right sides are mirrored."
        ),
    ] = None,
) -> None:
    """Build a shape model; judge every case by the other subjects. For `measure --shape`."""
    from palpate.cli.progress import console, stages
    from palpate.cli.shape_figures import show_shapes
    from palpate.protocols.protocol import read_protocol
    from palpate.study import open_study
    from palpate.workflows.shape_study import study_shapes
    from palpate.workflows.shape_write import write_shapes

    opened = open_study(study)
    name = opened.settings.protocol
    protocol = read_protocol(name) if name else None
    with stages() as advance:
        shapes = study_shapes(opened, variance=variance, sides=sides, advance=advance)
    write_shapes(shapes, opened, out, protocol=protocol)
    show_shapes(shapes)
    console.print(f"report: {out / 'shape.html'}", highlight=False, markup=False)
    console.print(
        f"next: palpate measure PREDICTIONS --protocol {name or 'NAME'} --shape {out}",
        highlight=False,
        markup=False,
        soft_wrap=True,
    )
