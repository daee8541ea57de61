"""``palpate compare``: recipes on the same folds, with paired differences."""

from pathlib import Path
from typing import Annotated

import typer


def compare(  # noqa: PLR0913, PLR0917 - the flags of a command
    study: Annotated[Path, typer.Argument(help="Folder with images and annotation.")],
    recipes: Annotated[
        str, typer.Option(help="Names or TOML files, with commas; the first is the baseline.")
    ],
    out: Annotated[Path, typer.Option(help="Folder for one cross-validation per recipe.")],
    folds: Annotated[int, typer.Option(min=2, help="Number of folds.")] = 5,
    only: Annotated[int | None, typer.Option(min=1, help="Do only the first N folds.")] = None,
    seed: Annotated[int, typer.Option(help="Of the folds.")] = 0,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Change a setting of every recipe."),
    ] = None,
    device: Annotated[str | None, typer.Option(help="cpu or cuda.")] = None,
) -> None:
    """Train every recipe on the same folds and compare image by image."""
    from palpate.cli.figures import show_differences
    from palpate.cli.progress import console, stages
    from palpate.cli.torch_needed import need_torch

    need_torch()
    from palpate.study import open_study
    from palpate.training.recipe import read_recipe
    from palpate.workflows.compare import compare_recipes, write_comparison
    from palpate.workflows.crossval import make_folds

    opened = open_study(study)
    chosen = [read_recipe(name.strip(), set_ or []) for name in recipes.split(",")]
    cut = make_folds(opened, folds, seed=seed, only=only)
    with stages() as show:
        comparison = compare_recipes(
            cut,
            chosen,
            out,
            device=device,
            advance=lambda recipe, number: (
                lambda what, done, total, remark: show(
                    f"{recipe}, fold {number + 1}: {what}", done, total, remark
                )
            ),
        )
    write_comparison(comparison, out)
    show_differences(comparison.rows(), chosen[0].name)
    if only is not None:
        console.print(f"note: {only} of {folds} folds were done", highlight=False)
