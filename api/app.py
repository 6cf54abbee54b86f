"""The application: routes, errors, envelope and description around one open ledger."""

from __future__ import annotations

import contextlib
import sys
from functools import partial
from importlib.metadata import version
from typing import TYPE_CHECKING, Final

import anyio.to_thread
from fastapi import FastAPI

from api import errors, openapi
from api.auth import key_id_of
from api.depth import bound_recursion
from api.middleware import Envelope
from api.routes import checkpoints, enterprises, health, log, records, submissions
from api.service import Service

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from ledger.bootstrap import Ledger
    from ledger.workflows.workers import Worker

#: Endpoints run at once: more would not be quicker (one interpreter), and each may hold a connection.
THREADS: Final = 16
#: Seconds a thread computes before another may: with Python's own 5 ms, every step of a short answer waits
#: that long for each long one beside it.
SWITCH_SECONDS: Final = 0.0005


@contextlib.asynccontextmanager
async def _bounded_threads(_: FastAPI) -> AsyncIterator[None]:
    anyio.to_thread.current_default_thread_limiter().total_tokens = THREADS
    yield


def create_app(ledger: Ledger, workers: Sequence[Worker] = ()) -> FastAPI:
    """Return the API of an open ledger, which the caller closes after the server has ended.

    `workers` are those that readiness asks for.
    """
    bound_recursion()
    sys.setswitchinterval(SWITCH_SECONDS)
    service = Service.around(ledger, workers)
    app = FastAPI(
        title="Credit ledger",
        version=version("credit-ledger"),
        description=openapi.DESCRIPTION,
        openapi_url="/v1/openapi.json",
        docs_url=None,  # the bundled pages load scripts from elsewhere
        redoc_url=None,
        redirect_slashes=False,
        # The envelope has figures and log; FastAPI's own would send messages wherever the environment says.
        telemetry={"tracing": False, "metrics": False, "logs": False},
        lifespan=_bounded_threads,
    )
    app.state.service = service
    errors.install(app)
    for part in (records, submissions, enterprises, checkpoints, log, health):
        app.include_router(part.router)
    openapi.install(app)
    app.add_middleware(Envelope, metrics=service.metrics, key_of=partial(key_id_of, ledger.db))
    return app
