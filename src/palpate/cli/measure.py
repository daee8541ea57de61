"""``palpate measure``: landmarks into degrees and millimetres."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from palpate.conformal.measurement_scores import MeasurementScores
    from palpate.protocols.protocol import Protocol

# Up to so many images are printed one by one, more are summarised.
ONE_BY_ONE = 3


def measure(  # noqa: PLR0913, PLR0917 - the flags of a command
    predictions: Annotated[
        Path, typer.Argument(help="predictions.json, an annotation file, or a study's folder.")
    ],
    protocol: Annotated[str, typer.Option(help="Name of a protocol, or a TOML file.")],
    out: Annotated[Path | None, typer.Option(help="Write FILE.csv or FILE.json.")] = None,
    level: Annotated[float, typer.Option(help="Probability of the intervals.")] = 0.9,
    flip_sign: Annotated[
        list[str] | None,
        typer.Option(help="Turn a sign convention round, such as 'lordosis'; may be repeated."),
    ] = None,
    shape: Annotated[
        Path | None,
        typer.Option(help="Score with a shape model: a folder of 'shape', or a run of forests."),
    ] = None,
    modes: Annotated[int, typer.Option(min=0, help="How many modes to score, with --shape.")] = 5,
    sides: Annotated[
        Path | None,
        typer.Option(
            help="Table with columns image and side (left, right), such as a study's meta.csv: "
            "right sides are mirrored, and compared with the left ones of the same subject."
        ),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Measure every image with a protocol: a value with its uncertainty, or the reason why not."""
    import json as json_format

    from palpate.cli.measurement_table import image_table, summary_table, unusual_shapes
    from palpate.cli.progress import console
    from palpate.io.measurements import measurements_table, write_measurements
    from palpate.protocols.example import check_examples
    from palpate.protocols.measure_file import ShapeWish, measure_file
    from palpate.protocols.protocol import PROTOCOLS, read_protocol

    wanted = read_protocol(protocol)
    if protocol not in PROTOCOLS:
        check_examples(wanted)
    for convention in flip_sign or []:
        wanted = wanted.flip(convention)
    wish = None
    if shape is not None:
        from palpate.workflows.shape_model import open_shape_model

        wish = ShapeWish(open_shape_model(shape), modes)
    reports = measure_file(
        predictions,
        wanted,
        level=level,
        shape=wish,
        sides=sides,
        scores=_held_out(predictions, wanted),
    )
    if out is not None:
        write_measurements(reports, out)
    if json:
        typer.echo(json_format.dumps(measurements_table(reports), allow_nan=False))
        return
    if len(reports) <= ONE_BY_ONE:
        for report in reports:
            console.print(image_table(report))
    else:
        console.print(summary_table(wanted, reports))
        for sentence in unusual_shapes(reports):
            console.print(sentence, highlight=False, markup=False, soft_wrap=True)
    if out is not None:
        console.print(f"{len(reports)} reports -> {out}", highlight=False, markup=False)


def _held_out(predictions: Path, protocol: "Protocol") -> "Mapping[str, MeasurementScores] | None":
    """Return the errors on held-out subjects that a predictions file tells of; None: of none."""
    from palpate.io.predictions import is_predictions, read_predictions
    from palpate.trust.store import calibration_from_plain

    if not is_predictions(predictions):
        return None
    file = read_predictions(predictions)
    if file.calibration is None:
        return None
    return calibration_from_plain(file.calibration, where=predictions).scores_of(protocol)
