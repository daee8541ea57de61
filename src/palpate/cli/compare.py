"""``palpate compare``: recipes on the same folds, with paired differences."""

from pathlib import Path
from typing import Annotated

import typer

from palpate.cli.options import AnnotatedOnly, Folds, FoldSeed, Jobs, Only, TrainingDevice


def compare(  # noqa: PLR0913, PLR0917 - the flags of a command
    study: Annotated[Path, typer.Argument(help="Folder with images and annotation.")],
    recipes: Annotated[
        str, typer.Option(help="Names or TOML files, with commas; the first is the baseline.")
    ],
    out: Annotated[Path, typer.Option(help="Folder for one cross-validation per recipe.")],
    vary: Annotated[
        str | None,
        typer.Option(
            metavar="KEY=VALUE,VALUE,...",
            help="Compare each recipe with itself under several values of a setting.",
        ),
    ] = None,
    folds: Folds = None,
    only: Only = None,
    seed: FoldSeed = 0,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Change a setting of every recipe."),
    ] = None,
    annotated_only: AnnotatedOnly = False,
    jobs: Jobs = 1,
    device: TrainingDevice = None,
) -> None:
    """Train every recipe on the same folds and compare image by image."""
    from palpate.cli.figures import outline_table, show_differences, show_posture_differences
    from palpate.cli.limb_figures import show_limbs
    from palpate.cli.progress import console, stages
    from palpate.cli.torch_needed import need_torch

    need_torch()
    from palpate.study import open_study
    from palpate.training.recipe import read_recipe, recipe_variants
    from palpate.workflows.compare import compare_recipes, write_comparison
    from palpate.workflows.folds import make_folds
    from palpate.workflows.train_folds import Workers

    opened = open_study(study)
    names = [name.strip() for name in recipes.split(",")]
    if vary is None:
        chosen = [read_recipe(name, set_ or []) for name in names]
    else:
        chosen = [recipe for name in names for recipe in recipe_variants(name, vary, set_ or [])]
    cut = make_folds(opened, chosen[0].crossval, seed=seed, count=folds, only=only)
    with stages() as show:
        comparison = compare_recipes(
            cut,
            chosen,
            out,
            workers=Workers(jobs, device),
            annotated_only=annotated_only,
            advance=lambda recipe, number, what, done, total, remark: show(
                f"{recipe}, fold {number + 1}: {what}", done, total, remark
            ),
        )
    write_comparison(comparison, out)
    for outlines in zip(*(one.outlines for one in comparison.evaluations.values()), strict=True):
        console.print(outline_table(dict(zip(comparison.evaluations, outlines, strict=True))))
    show_differences(comparison.rows(), chosen[0].name)
    show_posture_differences(comparison.posture_differences, chosen[0].name)
    if comparison.limbs is not None:
        show_limbs(comparison.limbs)
        console.print(f"page: {out / 'limbs.html'}", highlight=False, markup=False)
    if only is not None:
        console.print(f"note: only {len(cut.splits)} folds were done", highlight=False)
