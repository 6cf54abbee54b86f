"""The HTTP server around the app: uvicorn with what a public address needs, set in one place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import uvicorn

from api.app import create_app
from api.connections import Limits, protocol_of
from api.logs import take_over

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ledger.bootstrap import Ledger
    from ledger.workflows.workers import Worker

LIMITS: Final = Limits()
_KEEP_ALIVE: Final = 15
_GRACE: Final = 10


def make_server(
    ledger: Ledger, host: str, port: int, workers: Sequence[Worker] = (), *, limits: Limits = LIMITS
) -> uvicorn.Server:
    """Return the server of an open ledger, not yet running: `run()` it, or `await serve()`.

    `run()` in the main thread ends on SIGINT and SIGTERM, once what is under way is answered (10 s at most);
    elsewhere set `should_exit`. Port 0 takes a free one: `servers[0].sockets` says which once `started`.
    """
    take_over("uvicorn", "asyncio")
    config = uvicorn.Config(
        create_app(ledger, workers),
        host=host,
        port=port,
        log_config=None,  # the app logs its own requests, as JSON
        access_log=False,
        server_header=False,
        timeout_keep_alive=_KEEP_ALIVE,
        timeout_graceful_shutdown=_GRACE,
        ws="none",
        http=protocol_of(limits),
    )
    return uvicorn.Server(config)
