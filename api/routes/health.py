"""For whoever runs the service: is the process up, can it work, and its figures. No key needed."""

# FastAPI resolves annotations when a route is declared: what they name must be imported.
# ruff: noqa: TC001

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, Final

from fastapi import APIRouter, Response

from api import metrics
from api.errors import NotReady
from api.log_schemas import Alive, Ready
from api.logs import log
from api.openapi import responses
from api.service import Service, TheService
from ledger.chain.connect import read_clock
from ledger.errors import LedgerError
from ledger.index.queries import counts

if TYPE_CHECKING:
    from collections.abc import Callable

router = APIRouter(tags=["operation"])

#: Blocks the index may be behind the chain and still be called ready.
NEAR: Final = 20
_VERSION: Final = version("credit-ledger")


@router.get("/healthz", summary="Whether the process is up", responses=responses(always=(500,)))
def healthz() -> Alive:
    """Asks nothing of chain or database: restart the process if this fails."""
    return Alive(status="up", version=_VERSION)


@router.get("/readyz", summary="Whether it can work", responses=responses(always=(500, 503)))
def readyz(service: TheService) -> Ready:
    """The chain answers and agrees with the clock, the index is near its tip, the vault takes writes.

    503 names what does not.
    """
    checks: dict[str, str] = {}
    failed: list[dict[str, str]] = []
    parts: dict[str, Callable[[Service], str]] = {
        "chain": _chain,
        "clock": _clock,
        "index": _index,
        "vault": _vault,
    }
    for name, check in parts.items():
        try:
            checks[name] = check(service)
        except LedgerError as error:
            failed.append({"field": name, "value": "failed", "reason": str(error)})
    if failed:
        what = "; ".join(f"{each['field']}: {each['reason']}" for each in failed)
        raise NotReady(what, failed)
    return Ready(status="ready", checks=checks)


@router.get(
    "/metrics",
    summary="Figures for Prometheus",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}, **responses(always=(500,))},
)
def exposition(service: TheService) -> Response:
    """Requests and latencies of this process; outbox, index and log as they are now."""
    gauges: dict[str, float] = {}
    try:
        _read_gauges(service, gauges)
    except LedgerError as error:
        # What could not be read is NaN in the figures; the others still tell.
        log.warning("gauges", code=error.code, error=str(error))
    return Response(service.metrics.render(gauges), media_type=metrics.MEDIA_TYPE)


def _read_gauges(service: Service, gauges: dict[str, float]) -> None:
    with service.ledger.db.read_index() as index:
        have = counts(index)
    gauges["log_leaves"], gauges["index_block"] = have.runs, have.block
    gauges["index_lag_blocks"] = max(0, _tip(service) - have.block)
    outbox = service.ledger.sender.status()
    gauges["outbox_records"] = outbox.queued + outbox.sealed


def _tip(service: Service) -> int:
    return int(str(service.ledger.node.request("eth_blockNumber")), 16)


def _chain(service: Service) -> str:
    return f"block {_tip(service)}"


def _clock(service: Service) -> str:
    fault = read_clock(service.ledger.node).disagrees
    if fault is not None:
        raise NotReady(fault)
    return "agrees with the chain"


def _index(service: Service) -> str:
    tip = _tip(service)
    with service.ledger.db.read_index() as index:
        lag = max(0, tip - counts(index).block)
    if lag > NEAR:
        raise NotReady(f"{lag} blocks behind the chain")
    return f"{lag} blocks behind"


def _vault(service: Service) -> str:
    with service.ledger.db.write_vault():
        return "writable"
