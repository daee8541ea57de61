"""``palpate demo``: the whole way on a synthetic study, in minutes on two cores."""

from pathlib import Path
from typing import Annotated

import typer


def demo(
    out: Annotated[Path, typer.Option(help="Folder for study, run and report.")] = Path("demo"),
    films: Annotated[int, typer.Option(min=30, help="Synthetic films to generate.")] = 120,
    recipe: Annotated[str, typer.Option(help="Name or TOML file.")] = "quick",
    seed: Annotated[int, typer.Option(help="Of the films.")] = 0,
) -> None:
    """Generate cervical films, train, calibrate, predict held-out subjects, measure, report."""
    from palpate.cli.calibrate import calibrate
    from palpate.cli.evaluate import evaluate
    from palpate.cli.progress import console
    from palpate.cli.train import train
    from palpate.errors import PalpateError, StudyError
    from palpate.phantoms.write import write_phantom

    study, run = out / "study", out / "run"
    if out.exists() and any(out.iterdir()):
        raise PalpateError(f"{out} is not empty; remove it or choose another --out")
    console.rule("1 of 4: a synthetic study of cervical spine films")
    write_phantom("cervical", study, n=films, seed=seed)
    console.print(f"{films} films -> {study / 'images'}", highlight=False)
    console.rule("2 of 4: train a localiser")
    train(study, run, recipe=recipe)
    console.rule("3 of 4: how sure may it be? Ask subjects it was not trained on")
    try:
        calibrate(run, study)
    except StudyError as error:  # few films: the report then says 'uncalibrated' on each number
        console.print(f"not calibrated: {error}", highlight=False, markup=False)
    console.rule("4 of 4: predict and measure the films of subjects it never saw")
    evaluate(run, out, study)
    console.rule()
    console.print(f"Open [bold]{out / 'report.html'}[/] in a browser.", highlight=False)
