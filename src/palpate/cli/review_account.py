"""``palpate review-account``: who may sign in to a review that is served to several readers."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from palpate.review.account import Role


def review_account(
    store: Annotated[
        str, typer.Argument(metavar="STORE", help="review.sqlite, or postgresql+psycopg://...")
    ],
    name: Annotated[str, typer.Argument(help="Small letters, digits, hyphens.")],
    role: Annotated[
        str | None, typer.Option(help="reader, reviewer or administrator; new ones are readers.")
    ] = None,
    title: Annotated[str | None, typer.Option(help="Name as it is printed under a report.")] = None,
    active: Annotated[
        bool | None, typer.Option("--active/--inactive", help="Whether they may sign in.")
    ] = None,
    password: Annotated[
        bool | None,
        typer.Option(
            "--password/--no-password",
            help="Ask for a password; default: for a new account. From a pipe: its first line.",
        ),
    ] = None,
) -> None:
    """Make an account, or change one; the password is asked for, never written on the line."""
    from palpate.cli.progress import console
    from palpate.cli.review_needed import need_review

    need_review()
    from palpate.review.account import Account
    from palpate.review.store import Store

    wanted = _role(role)
    with Store.open(store) as opened:
        known = {account.name: account for account in opened.accounts()}
        new = name not in known
        given = _password() if (new if password is None else password) else None
        if new:
            account = Account(name, title or name, wanted or "reader", active is not False)
            opened.add_account(account, given)
        else:
            account = opened.change_account(
                name, title=title, role=wanted, active=active, password=given
            )
    state = "" if account.active else ", may not sign in"
    console.print(
        f"{account.name} ({account.title}): {account.role}{state}", highlight=False, markup=False
    )


def _role(role: str | None) -> "Role | None":
    from typing import get_args

    from palpate.review.account import Role

    roles: tuple[Role, ...] = get_args(Role)
    for known in roles:
        if role == known:
            return known
    if role is None:
        return None
    raise typer.BadParameter(f"--role is reader, reviewer or administrator, got {role!r}")


def _password() -> str:
    """Ask twice at a terminal; else the first line of what is piped in."""
    if sys.stdin.isatty():
        answer: str = typer.prompt("password", hide_input=True, confirmation_prompt=True)
        return answer
    return sys.stdin.readline().rstrip("\r\n")
