"""``palpate curve``: how error falls with the number of training images, and what to do next."""

from pathlib import Path
from typing import Annotated

import typer

from palpate.cli.options import Folds, Jobs, TrainingDevice


def curve(  # noqa: PLR0913, PLR0917 - the flags of a command
    study: Annotated[Path, typer.Argument(help="Folder with images and annotation.")],
    recipes: Annotated[str, typer.Option(help="Names or TOML files, with commas.")],
    sizes: Annotated[
        str, typer.Option(help="Numbers of training images, with commas, such as 25,50,100.")
    ],
    out: Annotated[Path, typer.Option(help="Folder for the runs, the figures and curve.html.")],
    repeats: Annotated[
        int, typer.Option(min=1, help="How often training images are drawn anew.")
    ] = 1,
    folds: Folds = None,
    only: Annotated[
        int, typer.Option(min=1, help="Test sets: the held-out subjects of the first N folds.")
    ] = 1,
    seed: Annotated[int, typer.Option(help="Of the folds and of the training images.")] = 0,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Change a setting of every recipe."),
    ] = None,
    measure: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="Advise on this quantity of the study's protocol, in its unit."
        ),
    ] = None,
    trust_labels: Annotated[
        bool,
        typer.Option(
            "--trust-labels",
            help="Take finished runs that keep no trace of their labels for made on these.",
        ),
    ] = False,
    jobs: Jobs = 1,
    device: TrainingDevice = None,
) -> None:
    """Train recipes on growing parts of a study; run it again to go on or to add to it."""
    from palpate.cli.curve_table import show_curve
    from palpate.cli.progress import stages
    from palpate.cli.torch_needed import need_torch

    need_torch()
    from palpate.study import open_study
    from palpate.training.recipe import read_recipe
    from palpate.workflows.curve import learn_curve, with_measure
    from palpate.workflows.curve_cut import cut_training_sets
    from palpate.workflows.curve_measured import measured_quantity
    from palpate.workflows.curve_runs import curve_runs, trust_runs
    from palpate.workflows.curve_write import write_curve
    from palpate.workflows.folds import make_folds
    from palpate.workflows.provenance import study_provenance
    from palpate.workflows.train_folds import Workers

    wanted = _numbers(sizes)
    chosen = [read_recipe(name.strip(), set_ or []) for name in recipes.split(",")]
    opened = open_study(study)
    if measure is not None:
        measured_quantity(opened, measure)  # before hours of training
    cut = make_folds(opened, chosen[0].crossval, seed=seed, count=folds, only=only)
    sets = cut_training_sets(cut, wanted, repeats=repeats, seed=seed)
    if trust_labels:
        trust_runs(cut.study, curve_runs(chosen, sets), out)
    with stages() as show:
        found = learn_curve(
            cut,
            chosen,
            sets,
            out,
            workers=Workers(jobs, device),
            advance=lambda run, what, done, total, remark: show(
                f"{run.place}: {what}", done, total, remark
            ),
        )
    if measure is not None:
        found = with_measure(found, opened, measure)
    how = (
        f"test images: {len(cut.splits)} of the folds by subject, seed {seed}; training images: "
        f"nested parts of the rest by subject, drawn {repeats} times"
    )
    provenance = {**study_provenance(opened, chosen[0], how), "recipe": ", ".join(found.points)}
    write_curve(found, out, provenance)
    show_curve(found, out)


def _numbers(text: str) -> list[int]:
    try:
        return [int(part) for part in text.split(",")]
    except ValueError as error:
        raise typer.BadParameter(
            f"numbers of images with commas, such as 25,50,100; got {text!r}", param_hint="--sizes"
        ) from error
