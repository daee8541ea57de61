"""``palpate phantom``: write a synthetic study."""

from pathlib import Path
from typing import Annotated

import typer


def phantom(
    name: Annotated[str, typer.Argument(help="Which phantom: cervical.")],
    out: Annotated[Path, typer.Argument(help="New folder for the study.")],
    *,
    n: Annotated[int, typer.Option("--n", min=1, help="Number of films.")] = 60,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Same seed, same study.")] = 0,
) -> None:
    """Write a synthetic study with exact truth: images, landmarks, measurements, study.toml."""
    from palpate.cli.progress import console, stages
    from palpate.phantoms.write import write_phantom

    with stages() as advance:
        folder = write_phantom(name, out, n=n, seed=seed, advance=advance)
    films = "1 film" if n == 1 else f"{n} films"
    console.print(f"wrote {films} to {folder}", highlight=False, markup=False, soft_wrap=True)
    console.print(f"next: palpate check {folder}", highlight=False, markup=False, soft_wrap=True)
