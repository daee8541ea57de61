"""Options that several commands share, said once."""

from typing import Annotated

import typer

AnnotatedOnly = Annotated[
    bool, typer.Option(help="Score no label that lies between annotated frames of a clip.")
]
Folds = Annotated[
    int | None, typer.Option(min=2, help="Number of folds; default: the recipe's own.")
]
Only = Annotated[int | None, typer.Option(min=1, help="Do only the first N folds.")]
FoldSeed = Annotated[int, typer.Option(help="Of the folds.")]
Jobs = Annotated[int, typer.Option(min=1, help="Runs at a time, such as folds.")]
TrainingDevice = Annotated[str | None, typer.Option(help="cpu or cuda.")]
