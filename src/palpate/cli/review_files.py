"""``palpate review-labels``, ``-export``, ``-import``, ``-verify``: what comes out of a review."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from palpate.review.case import Project
    from palpate.review.store import Store

_STORE = typer.Argument(metavar="STORE", help="review.sqlite, or postgresql+psycopg://...")
_NAMED = 20


def review_labels(
    store: Annotated[str, _STORE],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Folder for the study of labels.")],
    project: Annotated[
        str | None, typer.Option(help="Which one, where the review holds several.")
    ] = None,
    signed: Annotated[
        bool, typer.Option("--signed", help="Only what a reader has signed.")
    ] = False,
) -> None:
    """Write the labels of a review as a study, for check, agreement, consensus and train.

    Of a signed reading every mark is a label; of one that is not, only what a person set.
    """
    from palpate.cli.progress import console, errors
    from palpate.cli.review_needed import need_review

    need_review()
    from palpate.review.labels_out import write_labels
    from palpate.review.store import Store

    with Store.open(store, create=False) as opened:
        done = write_labels(opened, _project(opened, project), out, signed=signed)
    for why, count in done.left_out.items():
        errors.print(f"note: {count} readings left out: {why}", highlight=False, markup=False)
    names = ", ".join(name or "shared" for name in done.files)
    console.print(f"labels of {names} on {done.images} images -> {out}", highlight=False)


def _project(store: "Store", name: str | None) -> "Project":
    from palpate.errors import ConfigError
    from palpate.suggest import did_you_mean

    known = {project.identifier: project for project in store.projects()}
    if name is None and len(known) == 1:
        return next(iter(known.values()))
    if name is None:
        listed = ", ".join(known) or "none"
        raise ConfigError(f"the review holds {len(known)} projects ({listed}): give --project NAME")
    if name not in known:
        raise ConfigError(f"the review has no project {name!r}{did_you_mean(name, known)}")
    return known[name]


def review_export(
    store: Annotated[str, _STORE],
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Zip file to write.")],
    films: Annotated[bool, typer.Option("--films", help="The films as well.")] = False,
) -> None:
    """Write a whole review as one file: cases, every event, signed reports.

    Neither passwords nor sessions are in it.
    """
    from palpate.cli.progress import console
    from palpate.cli.review_needed import need_review

    need_review()
    from palpate.review.store import Store

    with Store.open(store, create=False) as opened:
        opened.export(file, films=films)
        number, digest = opened.head()
    console.print(f"{number} events, the last {digest} -> {file}", highlight=False, markup=False)


def review_import(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What review-export wrote.")],
    store: Annotated[str, _STORE],
    root: Annotated[
        Path | None,
        typer.Option(
            help="Folder with a folder of films for each project; default: beside the store."
        ),
    ] = None,
) -> None:
    """Read a whole review into an empty store; refused if its chain of events does not hold."""
    from palpate.cli.progress import console
    from palpate.cli.review_needed import need_review

    need_review()
    from palpate.review.store import Store

    beside = Path() if "://" in store else Path(store).parent
    with Store.open(store) as opened:
        opened.import_(file, root=beside if root is None else root)
        number, digest = opened.head()
    console.print(f"{number} events, the last {digest}", highlight=False, markup=False)


def review_verify(store: Annotated[str, _STORE]) -> None:
    """Check that nothing in a review was changed: the chain of events, marks, signed reports.

    Prints number and hash of the last event: written down elsewhere, they tell later whether
    events were cut off. Exit code 1 where something is not as it was saved.
    """
    from palpate.cli.progress import console, errors
    from palpate.cli.review_needed import need_review

    need_review()
    from palpate.review.store import Store

    with Store.open(store, create=False) as opened:
        problems = opened.verify()
        number, digest = opened.head()
    for problem in problems[:_NAMED]:
        errors.print(f"broken: {problem.sentence}", highlight=False, markup=False)
    if len(problems) > _NAMED:
        errors.print(f"broken: {len(problems) - _NAMED} more", highlight=False)
    console.print(f"{number} events, the last {digest}", highlight=False, markup=False)
    if problems:
        raise typer.Exit(1)
