"""``palpate compare``: methods on the same folds, with paired differences."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from palpate.cli.options import AnnotatedOnly, Folds, FoldSeed, Jobs, Only, TrainingDevice

if TYPE_CHECKING:
    from palpate.workflows.compare import Comparison


def compare(  # noqa: PLR0913, PLR0917 - the flags of a command
    study: Annotated[Path, typer.Argument(help="Folder with images and annotation.")],
    out: Annotated[
        Path, typer.Option(help="Folder for comparison.json and one cross-validation per recipe.")
    ],
    recipes: Annotated[
        str | None,
        typer.Option(help="Names or TOML files, with commas; the first is the baseline."),
    ] = None,
    runs: Annotated[
        str | None,
        typer.Option(
            metavar="DIR,DIR,...",
            help="Instead of recipes: finished folders of crossval or evaluate.",
        ),
    ] = None,
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
    trust_labels: Annotated[
        bool,
        typer.Option(
            "--trust-labels",
            help="Take finished runs that keep no trace of their labels for made on these.",
        ),
    ] = False,
    annotated_only: AnnotatedOnly = False,
    jobs: Jobs = 1,
    device: TrainingDevice = None,
) -> None:
    """Train every recipe on the same folds, or take finished runs, and compare image by image.

    What is finished is taken only where its images, folds and labels are the same.
    """
    from palpate.cli.torch_needed import need_torch

    if (recipes is None) == (runs is None):
        raise typer.BadParameter(
            "say what is compared: --recipes A,B to train, or --runs DIR,DIR of finished ones",
            param_hint="--recipes",
        )
    need_torch()
    if recipes is None:
        given = _not_of_runs(vary=vary, folds=folds, only=only, set_=set_)
        if given:
            raise typer.BadParameter(
                "it goes with --recipes: finished runs are as they are", param_hint=given
            )
        roots = [Path(name.strip()) for name in (runs or "").split(",") if name.strip()]
        _finished(study, roots, out, trust_labels=trust_labels, annotated_only=annotated_only)
        return

    from palpate.cli.progress import console, stages
    from palpate.study import open_study
    from palpate.training.recipe import read_recipe, recipe_variants
    from palpate.workflows.compare import compare_recipes, fold_jobs
    from palpate.workflows.folds import make_folds
    from palpate.workflows.same_ground import keep_labels
    from palpate.workflows.train_folds import Workers

    opened = open_study(study)
    names = [name.strip() for name in recipes.split(",")]
    if vary is None:
        chosen = [read_recipe(name, set_ or []) for name in names]
    else:
        chosen = [recipe for name in names for recipe in recipe_variants(name, vary, set_ or [])]
    cut = make_folds(opened, chosen[0].crossval, seed=seed, count=folds, only=only)
    if trust_labels:
        for place, job in fold_jobs(cut, chosen, out):
            keep_labels(place, job, by="a person's word")
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
    _tell(comparison, out)
    if only is not None:
        console.print(f"note: only {len(cut.splits)} folds were done", highlight=False)


def _not_of_runs(
    *, vary: str | None, folds: int | None, only: int | None, set_: list[str] | None
) -> str:
    """The first flag that says how to train."""
    flags = {"--vary": vary, "--folds": folds, "--only": only, "--set": set_ or None}
    return next((flag for flag, value in flags.items() if value is not None), "")


def _finished(
    study: Path, roots: list[Path], out: Path, *, trust_labels: bool, annotated_only: bool
) -> None:
    from palpate.study import open_study
    from palpate.workflows.compare_runs import compare_finished, read_finished

    finished = read_finished(roots)
    comparison = compare_finished(
        open_study(study), finished, trust_labels=trust_labels, annotated_only=annotated_only
    )
    _tell(comparison, out)


def _tell(comparison: "Comparison", out: Path) -> None:
    from palpate.cli.compare_table import figures_table
    from palpate.cli.figures import outline_table, show_differences, show_posture_differences
    from palpate.cli.limb_figures import show_limbs
    from palpate.cli.progress import console
    from palpate.workflows.compare import write_comparison

    write_comparison(comparison, out)
    console.print(figures_table(comparison))
    for outlines in zip(*(one.outlines for one in comparison.evaluations.values()), strict=True):
        console.print(outline_table(dict(zip(comparison.evaluations, outlines, strict=True))))
    show_differences(comparison.rows(), comparison.baseline)
    show_posture_differences(comparison.posture_differences, comparison.baseline)
    if comparison.limbs is not None:
        show_limbs(comparison.limbs)
        console.print(f"page: {out / 'limbs.html'}", highlight=False, markup=False)
