"""For whoever runs the service: is the process up, can it work, and its figures. No key needed.

So they say nothing that a stranger may not hear: counts, ages and fixed words, and no firm, authority, host
or path.
"""

# FastAPI resolves annotations when a route is declared: what they name must be imported.
# ruff: noqa: TC001

from __future__ import annotations

import time
from functools import partial
from importlib.metadata import version
from typing import TYPE_CHECKING, Final

from fastapi import APIRouter, Response
from sqlalchemy import update

from api import metrics
from api.errors import NotReady, said_to_callers
from api.log_schemas import Alive, Ready
from api.logs import log
from api.openapi import responses
from api.service import Service, TheService
from ledger.chain.connect import read_clock
from ledger.errors import Busy, ChainUnavailable, NotWritable
from ledger.index.queries import counts
from ledger.outbox.undone import still_open
from ledger.outbox.waiting import oldest_age, waiting_since
from ledger.outbox.wallet_batches import waiting
from ledger.store.failures import StoreUnavailable
from ledger.store.vault import deployment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

router = APIRouter(tags=["operation"])

#: Blocks the index may be behind the chain and still be called ready.
NEAR: Final = 20
#: Seconds an accepted row may wait for the chain.
LATE: Final = 600
#: Errors whose sentences name no firm, authority or place: whoever reaches the port may read them.
_SPEAKING: Final = (NotReady, StoreUnavailable, NotWritable, Busy, ChainUnavailable)
_VERSION: Final = version("credit-ledger")


# Coroutines, both: the threads that endpoints run in may all be waiting for a lock.
@router.get("/healthz", summary="Whether the process is up", responses=responses(always=(500,)))
async def healthz() -> Alive:
    """Asks nothing of chain or database, and waits for nobody: restart the process if this fails."""
    return Alive(status="up", version=_VERSION)


@router.get("/readyz", summary="Whether it can work", responses=responses(always=(500, 503)))
async def readyz(service: TheService) -> Ready:
    """Chain, clock, index, vault, the rows that wait, and the workers; 503 names what does not work.

    It answers within 2 s, whatever is held or hangs.
    """
    checks: dict[str, str] = {}
    failed: list[dict[str, str]] = []
    for name, answer in (await service.checks.answers(_questions(service))).items():
        fault = answer if isinstance(answer, str) else _fault(name, answer.exception())
        if fault is None:
            checks[name] = answer.result()  # type: ignore[union-attr]  # a sentence is a fault
        else:
            failed.append({"field": name, "value": "failed", "reason": fault})
    for worker in service.workers:
        fault = worker.fault()
        if fault is None:
            checks[worker.name] = "works"
        else:
            failed.append({"field": worker.name, "value": "failed", "reason": fault})
    if failed:
        what = "; ".join(f"{each['field']}: {each['reason']}" for each in failed)
        raise NotReady(what, failed)
    return Ready(status="ready", checks=checks)


def _questions(service: Service) -> dict[str, Callable[[], str]]:
    parts = {
        "chain": _chain,
        "clock": _clock,
        "index": _index,
        "vault": _vault,
        "outbox": _outbox,
        "undone": _undone,
    }
    return {name: partial(check, service) for name, check in parts.items()}


def _fault(name: str, error: BaseException | None) -> str | None:
    if error is None:
        return None
    if isinstance(error, _SPEAKING):
        return said_to_callers(error)
    log.error("readiness", check=name, error=type(error).__name__, exc_info=error)
    return "an error of its own; the operator's log says which"


@router.get(
    "/metrics",
    summary="Figures for Prometheus",
    response_class=Response,
    responses={
        200: {"content": {"text/plain": {"schema": {"type": "string"}}}},
        **responses(always=(500, 503)),
    },
)
async def exposition(service: TheService) -> Response:
    """Requests and latencies of this process; outbox, index, log and workers as they are now."""
    gauges: dict[str, float] = {}
    asked = await service.checks.answers({"gauges": partial(_read_gauges, service, gauges)})
    answer = asked["gauges"]
    error = answer if isinstance(answer, str) else answer.exception()
    if error is not None:
        # What could not be read is NaN in the figures; the others still tell.
        log.warning("gauges", error=str(error))
    return Response(service.metrics.render(gauges, service.workers), media_type=metrics.MEDIA_TYPE)


def _read_gauges(service: Service, gauges: dict[str, float]) -> None:
    with service.ledger.db.read_index() as index:
        have = counts(index)
    gauges["log_leaves"], gauges["index_block"] = have.runs, have.block
    with service.ledger.db.read_vault() as vault:
        gauges["outbox_oldest_seconds"] = _age(waiting_since(vault).values())
    gauges["index_lag_blocks"] = max(0, _tip(service) - have.block)
    outbox = service.ledger.sender.status()
    gauges["outbox_records"] = outbox.queued + outbox.sealed


def _tip(service: Service) -> int:
    return int(str(service.ledger.node.request("eth_blockNumber")), 16)


def _chain(service: Service) -> str:
    return f"block {_tip(service)}"


def _clock(service: Service) -> str:
    clock = read_clock(service.ledger.node)
    if clock.fault is not None:
        raise NotReady(clock.fault)
    return "agrees with the chain"


def _index(service: Service) -> str:
    tip = _tip(service)
    with service.ledger.db.read_index() as index:
        lag = max(0, tip - counts(index).block)
    if lag > NEAR:
        raise NotReady(f"{lag} blocks behind the chain")
    return f"{lag} blocks behind"


def _vault(service: Service) -> str:
    with service.ledger.db.write_vault() as vault:
        # Changes nothing, and is written all the same: a full disk takes no page, whatever stands on it.
        vault.execute(update(deployment).values(id=deployment.c.id))
    return "writable"


def _outbox(service: Service) -> str:
    """How long the oldest row waits; too long only where nobody is known to be waited for."""
    ledger = service.ledger
    with ledger.db.read_vault() as vault:
        since = waiting_since(vault)
    late = {number: at for number, at in since.items() if _age([at]) > LATE}
    if late:
        # A wallet's officers, or whoever can mend an authority's trouble: theirs to do, and said elsewhere.
        excused = ledger.sender.problems.keys() | waiting(ledger.db, ledger.contracts).keys()
        if late.keys() - excused:
            raise NotReady(f"accepted rows wait for {_age(late.values())} s to be on the chain")
    return f"the oldest row waits for {_age(since.values())} s" if since else "nothing waits"


def _undone(service: Service) -> str:
    """What was taken back is done again; records wait for acts of the governor that are not."""
    left = still_open(service.ledger.db, service.ledger.contracts)
    if any(each.holds for each in left):
        raise NotReady(f"{len(left)} acts and calls were taken back and are to be done again")
    return f"{len(left)} calls were taken back and are to be done again" if left else "nothing"


def _age(since: Iterable[int]) -> int:
    return oldest_age(since, time.time())
