"""``palpate phantom``: write a synthetic study."""

from pathlib import Path
from typing import Annotated

import typer


def phantom(
    name: Annotated[str, typer.Argument(help="Which phantom: cervical, femur, infant, satco.")],
    out: Annotated[Path, typer.Argument(help="New folder for the study.")],
    *,
    n: Annotated[
        int | None, typer.Option("--n", min=1, help="Number of films, or of subjects in clips.")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Same seed, same study.")] = 0,
) -> None:
    """Write a synthetic study with exact truth: images or clips, landmarks, study.toml."""
    from palpate.cli.progress import console, stages
    from palpate.phantoms.write import write_phantom

    with stages() as advance:
        folder = write_phantom(name, out, n=n, seed=seed, advance=advance)
    console.print(f"wrote {name} to {folder}", highlight=False, markup=False, soft_wrap=True)
    console.print(f"next: palpate check {folder}", highlight=False, markup=False, soft_wrap=True)
