"""Who may do what to which reading; asked inside the transaction that does it."""

from sqlalchemy import Connection, select

from palpate.review import tables as t
from palpate.review.account import Account, may
from palpate.review.case import Project
from palpate.review.event import SHARED, EventKind
from palpate.review.refusals import NotAllowedError, UnknownCaseError


def check_reader(
    connection: Connection, project: Project, reading: str, who: Account, kind: EventKind
) -> None:
    """Refuse an account that may not append to a reading.

    Raises:
        NotAllowedError: the account is inactive, its role does not include it, or the shared
            reading of a blinded project is written otherwise than by adjudicating.
        UnknownCaseError: the reading is another's, whose being there is not told.
    """
    check_active(connection, who)
    if kind == "adjudicate" and not may(who, "reviewer"):
        raise NotAllowedError("adjudicating between readings needs the role of a reviewer")
    check_name(project, reading)
    if not project.blinded or reading == who.name:
        return
    if not may(who, "reviewer"):
        raise UnknownCaseError("there is no such reading, or it is not yours to see")
    if reading != SHARED:
        raise NotAllowedError("a reading is its reader's own; a reviewer writes the shared one")
    if kind not in ("adjudicate", "comment", "sign", "reopen", "undo", "redo"):
        raise NotAllowedError(
            "the shared reading of a blinded project is written by adjudicating, once the readers "
            "are done"
        )


def check_name(project: Project, reading: str) -> None:
    """Refuse a reading that the project cannot have.

    Raises:
        UnknownCaseError: readers of the project share one reading.
    """
    if not project.blinded and reading != SHARED:
        raise UnknownCaseError(f"readers of {project.identifier!r} share one reading")


def check_active(connection: Connection, who: Account) -> None:
    """Refuse who was struck off since they signed in.

    Raises:
        NotAllowedError: the account is not active.
    """
    a = t.accounts.c
    active = connection.execute(select(a.active).where(a.name == who.name)).scalar()
    if not who.active or active is False:
        raise NotAllowedError(f"the account {who.name!r} may no longer sign in")
