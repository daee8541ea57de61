"""The application: routes over one store, behind one guard."""

from datetime import timedelta

from anyio import CapacityLimiter
from fastapi import FastAPI

from palpate import __version__
from palpate.review.store import Store
from palpate.serve.web import (
    page_files,
    route_accounts,
    route_cases,
    route_labels,
    route_landmarks,
    route_projects,
    route_readings,
    route_report,
    route_session,
    route_signature,
    route_sr,
    route_uploads,
)
from palpate.serve.web.attempts import Attempts
from palpate.serve.web.films import Films
from palpate.serve.web.guard import Guard
from palpate.serve.web.refused import refuse_in_words
from palpate.serve.web.services import Services
from palpate.serve.web.sessions import Sessions
from palpate.serve.web.settings import Settings

ROUTERS = (
    route_session.router,
    route_projects.router,
    route_cases.router,
    route_readings.router,
    route_signature.router,
    route_uploads.router,
    route_labels.router,
    route_landmarks.router,
    route_sr.router,
    route_accounts.router,
    route_report.router,
    page_files.router,
)

# A password costs a core and 64 MiB for a tenth of a second.
PASSWORDS_AT_ONCE = 2


def _sessions(store: Store, settings: Settings) -> Sessions:
    idle, longest = (timedelta(seconds=s) for s in (settings.idle_s, settings.session_s))
    return Sessions(store, idle, longest)


def create_app(store: Store, settings: Settings) -> FastAPI:
    """Return the application over a store; whoever opened the store closes it.

    Args:
        store: of the review.
        settings: how it is reached and by whom.
    """
    app = FastAPI(
        title="palpate review",
        version=__version__,
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
    )
    app.state.services = Services(
        store,
        settings,
        _sessions(store, settings),
        Attempts(),
        Films(settings.film_bytes, settings.decoders),
        CapacityLimiter(PASSWORDS_AT_ONCE),
        CapacityLimiter(1),
    )
    app.state.page_files = page_files.page_files()
    for router in ROUTERS:
        app.include_router(router)
    refuse_in_words(app)
    app.add_middleware(Guard, settings=settings)
    return app
