"""``palpate train``: from an annotated study to a localiser."""

from pathlib import Path
from typing import Annotated

import typer


def train(  # noqa: PLR0913, PLR0917 - the flags of a command
    study: Annotated[Path, typer.Argument(help="Folder with images and annotation.")],
    out: Annotated[Path, typer.Option(help="Run folder to make.")],
    recipe: Annotated[str, typer.Option(help="Name or TOML file; see 'palpate recipes'.")] = (
        "default"
    ),
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Change a setting of the recipe."),
    ] = None,
    split: Annotated[
        Path | None, typer.Option(help="Use this split instead of making one by subject.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the last checkpoint.")] = (
        False
    ),
    device: Annotated[str | None, typer.Option(help="cpu or cuda; default: what there is.")] = None,
) -> None:
    """Train a localiser on a study; subjects are held out for validation and test."""
    from palpate.cli.progress import console, stages
    from palpate.cli.torch_needed import need_torch
    from palpate.cli.typed import typed_command

    need_torch()
    from palpate.localisers.run_folder import RunFolder
    from palpate.study import open_study
    from palpate.training.job import TrainingJob
    from palpate.training.recipe import read_recipe
    from palpate.training.train import Manner
    from palpate.workflows.split import choose_split
    from palpate.workflows.train_job import train_job

    chosen = read_recipe(recipe, set_ or [])
    opened = open_study(study)
    job = TrainingJob(opened, chosen, choose_split(opened, chosen, file=split))
    with stages() as advance:
        train_job(job, out, manner=Manner(resume, device, typed_command()), advance=advance)
    folder = RunFolder(out)
    parts = {part: len(names) for part, names in job.split.parts.items()}
    shown = ", ".join(f"{count} {part}" for part, count in parts.items())
    console.print(f"trained on {opened.name} ({shown}) -> {folder.root}", highlight=False)
    console.print(f"next: palpate evaluate {out} --out {out}/evaluation", highlight=False)
