"""``palpate honesty``: whether a method's figures on a study can be leant on."""

from pathlib import Path
from typing import Annotated

import typer

from palpate.cli.options import Folds, FoldSeed, TrainingDevice


def honesty(  # noqa: PLR0913, PLR0917 - the flags of a command
    study: Annotated[Path, typer.Argument(help="Folder with images and annotation.")],
    out: Annotated[Path, typer.Option(help="Folder for the runs and honesty.json.")],
    recipe: Annotated[str, typer.Option(help="Name or TOML file.")] = "default",
    folds: Folds = None,
    only: Annotated[int, typer.Option(min=1, help="Do only the first N folds.")] = 1,
    seed: FoldSeed = 0,
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change a setting.")
    ] = None,
    runs: Annotated[
        Path | None,
        typer.Option(help="Finished crossval of this recipe and these folds; saves its training."),
    ] = None,
    device: TrainingDevice = None,
) -> None:
    """Look for leaks, train on shuffled labels, and compare with the mean shape and look-up.

    Exit code 1 where something speaks against the figures; run it again to go on.
    """
    from palpate.cli.progress import console, stages
    from palpate.cli.torch_needed import need_torch

    need_torch()
    from palpate.study import open_study
    from palpate.training.recipe import read_recipe
    from palpate.workflows.honesty import judge_honesty
    from palpate.workflows.honesty_runs import cut_openly, plan_honesty, train_planned
    from palpate.workflows.honesty_told import told, write_honesty
    from palpate.workflows.provenance import study_provenance

    chosen = read_recipe(recipe, set_ or [])
    opened = open_study(study)
    cut = cut_openly(opened, chosen, seed=seed, count=folds, only=only)
    count = len(cut.splits)

    def place(number: int) -> str:
        labels = "true" if number < count else "shuffled"
        return f"{labels} labels, fold {number % count + 1}"

    planned = plan_honesty(cut, chosen, out, seed=seed, finished=runs)
    with stages() as show:
        train_planned(
            planned,
            device=device,
            advance=lambda number, what, done, total, remark: show(
                f"{place(number)}: {what}", done, total, remark
            ),
        )
    found = judge_honesty(planned)
    how = f"{count} folds by subject, seed {seed}; labels shuffled between training subjects"
    write_honesty(found, out, study_provenance(opened, chosen, how))
    for sentence in told(found):
        console.print(sentence, highlight=False, markup=False, soft_wrap=True)
    console.print(f"figures: {out / 'honesty.json'}", highlight=False, markup=False)
    if not found.passed:
        raise typer.Exit(1)
