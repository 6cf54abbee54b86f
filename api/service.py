"""What one app keeps between requests: the open ledger and what is built beside it; none of it goes stale."""

# FastAPI resolves annotations when a route is declared: what they name must be imported.
# ruff: noqa: TC001, TC003

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated, cast

from fastapi import Depends, Request

from api.looks import LookLog
from api.metrics import Metrics
from api.mirror import LogMirror, StateMirror
from api.readiness import Checks
from api.turns import LargeReads
from ledger.bootstrap import Ledger
from ledger.workflows.workers import Worker


@dataclass(frozen=True)
class Service:
    """The ledger, opened once, with the workers beside it; this app's metrics, access log, trees, bounds."""

    ledger: Ledger
    looks: LookLog
    mirror: LogMirror
    state: StateMirror
    large_reads: LargeReads
    workers: Sequence[Worker] = ()
    metrics: Metrics = field(default_factory=Metrics)
    checks: Checks = field(default_factory=Checks)

    @classmethod
    def around(cls, ledger: Ledger, workers: Sequence[Worker] = ()) -> Service:
        """Make the service of an open ledger, and of the workers that send and follow for it, if any do."""
        return cls(
            ledger, LookLog(ledger.db), LogMirror(ledger.db), StateMirror(), LargeReads(ledger.db), workers
        )


async def service_of(request: Request) -> Service:
    """Return the app's service; a coroutine, because a thread for it would cost more than the lookup."""
    return cast("Service", request.app.state.service)


#: The service, as a parameter type.
TheService = Annotated[Service, Depends(service_of)]
