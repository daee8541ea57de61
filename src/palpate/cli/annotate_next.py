"""``palpate annotate-next``: which unlabelled images a person should annotate next."""

from pathlib import Path
from typing import Annotated

import typer


def annotate_next(
    run: Annotated[Path, typer.Argument(help="Run folder, or a model exported to ONNX.")],
    inputs: Annotated[
        list[Path],
        typer.Argument(metavar="IMAGES...", help="Unlabelled images, folders of them, or studies."),
    ],
    out: Annotated[Path, typer.Option(help="Folder for next.csv, next.png and predictions.")],
    n: Annotated[int, typer.Option("--n", min=1, help="How many to choose.")] = 20,
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
) -> None:
    """Choose images that the run is unsure of and that are unlike each other, one a subject.

    Images of a study that have landmarks already are left out.
    """
    from palpate.cli.progress import console, errors, stages
    from palpate.localisers.load import load_localiser
    from palpate.workflows.annotate_next import choose_next, find_pool, why

    localiser = load_localiser(run, device=device)
    pool = find_pool(inputs, localiser.scheme)
    with stages() as show:
        found = choose_next(
            localiser,
            pool,
            out,
            count=n,
            advance=lambda done, name: show("predicting", done, len(pool), name),
        )
    for name, reason in found.failures.items():
        errors.print(f"not chosen from: {name}: {reason}", highlight=False, markup=False)
    for rank, each in enumerate(found.chosen, start=1):
        line = f"{rank}. {each.image}: {why(each, found.pool)}"
        console.print(line, highlight=False, markup=False, soft_wrap=True)
    if len(found.chosen) < n:
        console.print(
            f"note: {len(found.chosen)} and not {n}: there are no more subjects to choose from",
            highlight=False,
        )
    if localiser.variance_factor is None:
        console.print(
            "note: the run's uncertainty is not calibrated; the order needs none, but take the "
            "factors for an order and no more",
            highlight=False,
        )
    console.print(f"sheet: {out / 'next.png'}", highlight=False, markup=False)
    console.print(f"list: {out / 'next.csv'}", highlight=False, markup=False)
