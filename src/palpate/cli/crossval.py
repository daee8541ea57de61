"""``palpate crossval``: every subject predicted by a run that never saw it."""

from pathlib import Path
from typing import Annotated

import typer


def crossval(  # noqa: PLR0913, PLR0917 - the flags of a command
    study: Annotated[Path, typer.Argument(help="Folder with images and annotation.")],
    out: Annotated[Path, typer.Option(help="Folder for the folds, metrics and report.html.")],
    recipe: Annotated[str, typer.Option(help="Name or TOML file.")] = "default",
    folds: Annotated[int, typer.Option(min=2, help="Number of folds.")] = 5,
    seed: Annotated[int, typer.Option(help="Of the folds.")] = 0,
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change a setting.")
    ] = None,
    device: Annotated[str | None, typer.Option(help="cpu or cuda.")] = None,
) -> None:
    """Cross-validate by subject; run it again to go on where it stopped."""
    from palpate.cli.figures import show_assessment
    from palpate.cli.progress import stages
    from palpate.cli.torch_needed import need_torch

    need_torch()
    from palpate.protocols.protocol import read_protocol
    from palpate.study import open_study
    from palpate.training.recipe import read_recipe
    from palpate.workflows.assess import assess, write_assessment
    from palpate.workflows.crossval import cross_validate, make_folds
    from palpate.workflows.provenance import study_provenance

    opened = open_study(study)
    chosen = read_recipe(recipe, set_ or [])
    cut = make_folds(opened, folds, seed=seed)
    with stages() as show:
        evaluated = cross_validate(
            cut,
            chosen,
            out,
            device=device,
            advance=lambda number: (
                lambda what, done, total, remark: show(
                    f"fold {number + 1}: {what}", done, total, remark
                )
            ),
        )
    name = opened.settings.protocol
    assessment = assess(
        opened, evaluated, protocol=read_protocol(name) if name else None, seed=seed
    )
    write_assessment(
        assessment, out, study_provenance(opened, chosen, f"{folds} folds by subject, seed {seed}")
    )
    show_assessment(assessment, out)
