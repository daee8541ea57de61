"""People who may sign in, and what they may do."""

from dataclasses import dataclass
from typing import Literal

Role = Literal["reader", "reviewer", "administrator"]


@dataclass(frozen=True, slots=True)
class Account:
    """One person.

    Args:
        name: that they sign in with: lower-case letters, digits, hyphens.
        title: their name as it is printed under a report.
        role: a reader sets marks and signs; a reviewer also adjudicates between readings, reopens
            what was signed, uploads films and takes labels out; an administrator also keeps the
            accounts.
        active: False where they may no longer sign in; accounts are never deleted, since events
            name them.
    """

    name: str
    title: str
    role: Role
    active: bool = True


RANK: dict[Role, int] = {"reader": 0, "reviewer": 1, "administrator": 2}


def may(account: Account, least: Role) -> bool:
    """Whether an account has at least a role.

    Example:
        >>> may(Account("anna", "Dr. Anna Example", "reviewer"), "reader")
        True
    """
    return account.active and RANK[account.role] >= RANK[least]
