"""Accounts, for administrators."""

from typing import Annotated

from fastapi import APIRouter, Path

from palpate.review.account import Account
from palpate.serve.web.messages import AccountChange, AccountMessage, Name, NewAccount
from palpate.serve.web.refused import documented
from palpate.serve.web.services import Given
from palpate.serve.web.visit import Administrator

router = APIRouter(prefix="/api/accounts", tags=["accounts"])


def _message(account: Account) -> AccountMessage:
    return AccountMessage(
        name=account.name, title=account.title, role=account.role, active=account.active
    )


@router.get("", responses=documented())
def accounts(given: Given, administrator: Administrator) -> tuple[AccountMessage, ...]:
    """Everybody who may or could sign in."""
    return tuple(_message(account) for account in given.store.accounts())


@router.post("", status_code=201, responses=documented())
def add(given: Given, administrator: Administrator, asked: NewAccount) -> AccountMessage:
    """Make an account."""
    account = Account(asked.name, asked.title, asked.role, asked.active)
    given.store.add_account(account, asked.password, who=administrator)
    return _message(account)


@router.patch("/{name}", responses=documented())
def change(
    given: Given,
    administrator: Administrator,
    name: Annotated[Name, Path(description="that they sign in with")],
    asked: AccountChange,
) -> AccountMessage:
    """Change an account; a new password, or striking it off, ends its sessions."""
    return _message(
        given.store.change_account(
            name,
            title=asked.title,
            role=asked.role,
            active=asked.active,
            password=asked.password,
            who=administrator,
        )
    )
