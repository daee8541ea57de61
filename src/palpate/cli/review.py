"""``palpate review``: a page where a reader drags a point, sees the angle follow, and signs."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Callable

    from palpate.review.account import Account
    from palpate.review.store import Store
    from palpate.serve.web.settings import Settings
    from palpate.workflows.review import Prepared, ReviewWish

# So many films without a case are named; of the others the number is told.
_NAMED = 10


def review(  # noqa: PLR0913, PLR0917 - the flags of a command
    given: Annotated[
        Path,
        typer.Argument(
            metavar="STUDY|PREDICTIONS",
            help="A study, a folder of films, predictions.json, or a review.sqlite to go on with.",
        ),
    ],
    predictions: Annotated[
        Path | None, typer.Option(help="predictions.json of the study's films.")
    ] = None,
    run: Annotated[
        str | None, typer.Option(help="Run or exported model that marks the study's films first.")
    ] = None,
    images: Annotated[
        Path | None, typer.Option(help="Folder or study with the films of the predictions.")
    ] = None,
    protocol: Annotated[
        str | None, typer.Option(help="Name or TOML file; default: that of the study.")
    ] = None,
    store: Annotated[
        str | None,
        typer.Option(
            help="File or postgresql+psycopg://...; default: review.sqlite beside the films."
        ),
    ] = None,
    project: Annotated[
        str | None, typer.Option(help="Name of the project; default: that of the study.")
    ] = None,
    blinded: Annotated[
        bool, typer.Option("--blinded", help="Readers do not see each other's marks.")
    ] = False,
    assist: Annotated[
        bool,
        typer.Option(
            help="Begin with the model's marks where there are predictions and no labels."
        ),
    ] = True,
    reader: Annotated[
        str | None, typer.Option(help="Name under which you set marks; default: your login.")
    ] = None,
    host: Annotated[str, typer.Option(help="Address to listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 0,
    public_address: Annotated[
        str, typer.Option(help="What readers type where a proxy is in front: https://...")
    ] = "",
    proxy: Annotated[
        list[str] | None,
        typer.Option(help="Address of a proxy whose forwarded headers are believed; repeatable."),
    ] = None,
    organisation: Annotated[
        str, typer.Option(help="Of the readers; a DICOM report counts as verified only with it.")
    ] = "",
    accounts: Annotated[
        bool, typer.Option("--accounts", help="Sign in by name and password, not by a token.")
    ] = False,
    open_: Annotated[
        bool, typer.Option("--open/--no-open", help="Open the page in the browser.")
    ] = False,
) -> None:
    """Review predictions, or label films from nothing, in the browser.

    Cases come in the order of what matters: the chance that a class changes, wide intervals,
    implausible shapes. Every change is kept; nothing is overwritten.
    """
    from palpate.cli.review_needed import need_review
    from palpate.workflows.review import ReviewWish, is_store, put_in, usual_store

    if images is not None and run is not None:
        raise typer.BadParameter("--images is for predictions that are there; give the study")
    if predictions is not None and run is not None:
        raise typer.BadParameter("--predictions and --run both predict; take one of them")
    need_review()
    from palpate.review.store import Store
    from palpate.serve.web.run import refuse_open, serve

    where = store or str(usual_store(given))
    owner = None if accounts else _owner(reader)
    settings = replace(
        _settings(owner, where), public_address=public_address, organisation=organisation
    )
    refuse_open(host, settings)
    wish = ReviewWish(given, predictions, run, images, protocol, project, blinded, assist)
    ready = None if is_store(given) else _prepared(wish)
    with Store.open(where, create=ready is not None) as opened:
        if accounts:
            _refuse_nobody(opened)
        if ready is not None:
            put_in(opened, ready, who="command-line" if owner is None else owner.name)
        _tell(opened, where)
        serve(
            opened,
            settings,
            host=host,
            port=port,
            proxies=tuple(proxy or ()),
            announce=_announce(open_),
        )


def _owner(reader: str | None) -> "Account":
    """Whoever comes with the token: it is their machine, so they may do all."""
    import getpass

    from palpate.review.account import Account
    from palpate.review.intake import slug

    try:
        login = reader or getpass.getuser()
    except (KeyError, OSError):  # a container may have no name for its user
        login = "reader"
    return Account(slug(login), login, "administrator")


def _settings(owner: "Account | None", where: str) -> "Settings":
    from palpate.serve.web.run import new_token
    from palpate.serve.web.settings import Settings

    films = None if "://" in where else Path(where).with_suffix(".films")
    token = "" if owner is None else new_token()
    return Settings(films=films, token=token, owner=owner)


def _refuse_nobody(store: "Store") -> None:
    from palpate.errors import ConfigError

    if not any(each.active and each.role == "administrator" for each in store.accounts()):
        raise ConfigError(
            "nobody could sign in: make an administrator first with "
            "'palpate review-account STORE NAME --role administrator'"
        )


def _prepared(wish: "ReviewWish") -> "Prepared":
    from palpate.cli.progress import console, errors, stages
    from palpate.workflows.review import prepared

    with stages() as show:
        ready = prepared(wish, advance=show)
    for sentence in ready.notes:
        errors.print(f"note: {sentence}", highlight=False, markup=False)
    for name, reason in list(ready.missing.items())[:_NAMED]:
        errors.print(f"left out: {name}: {reason}", highlight=False, markup=False)
    if len(ready.missing) > _NAMED:
        errors.print(f"left out: {len(ready.missing) - _NAMED} more", highlight=False)
    console.print(_sentence(ready), highlight=False, markup=False)
    return ready


def _sentence(ready: "Prepared") -> str:
    project = ready.project
    measured = f", measured with {project.protocol.label}" if project.protocol else ""
    left = f"; {len(ready.missing)} left out" if ready.missing else ""
    cases = "1 case" if len(ready.cases) == 1 else f"{len(ready.cases)} cases"
    return f"{cases} in project {project.identifier}{measured}{left}"


def _tell(store: "Store", where: str) -> None:
    from palpate.cli.progress import console
    from palpate.errors import ConfigError

    if not store.projects():
        raise ConfigError("the review holds no project yet; name a study or predictions")
    shown = where if "://" not in where else "the database"
    console.print(f"kept in {shown}; stop with Ctrl-C", highlight=False, markup=False)


def _announce(open_: bool) -> "Callable[[str], None]":
    def announce(address: str) -> None:
        import webbrowser

        typer.echo(address)
        if open_:
            webbrowser.open(address)

    return announce
