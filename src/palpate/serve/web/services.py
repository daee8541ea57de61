"""What every answer is made from: one of each, for the life of the application."""

from dataclasses import dataclass
from typing import Annotated

from anyio import CapacityLimiter
from fastapi import Depends, Request

from palpate.review.store import Store
from palpate.serve.web.attempts import Attempts
from palpate.serve.web.films import Films
from palpate.serve.web.sessions import Sessions
from palpate.serve.web.settings import Settings


@dataclass(frozen=True, slots=True)
class Services:
    """The store, and what is kept beside it.

    Args:
        store: of the review.
        settings: as it was started.
        sessions: who is signed in.
        attempts: at signing in, counted.
        films: decoded pixels.
        passwords: how many are checked at once.
        intake: how many uploads are looked through at once.
    """

    store: Store
    settings: Settings
    sessions: Sessions
    attempts: Attempts
    films: Films
    passwords: CapacityLimiter
    intake: CapacityLimiter


# Not in a thread: it waits for nothing.
async def _services(request: Request) -> Services:
    found: Services = request.app.state.services
    return found


Given = Annotated[Services, Depends(_services)]
