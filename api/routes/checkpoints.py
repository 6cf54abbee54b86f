"""Checkpoints: what the contract itself says the log is."""

# FastAPI resolves annotations when a route is declared: what they name must be imported.
# ruff: noqa: TC001

from __future__ import annotations

from fastapi import APIRouter

from api.auth import KnownCaller
from api.log_schemas import Checkpoint
from api.openapi import responses
from api.schemas import instant
from api.service import Service, TheService
from ledger.crypto.checkpoints import Forked
from ledger.errors import ChainDamaged, ChainUnavailable, NotFound, NotWritable
from ledger.workflows.checkpoints import make_checkpoint, origin

router = APIRouter(prefix="/v1/checkpoints", tags=["log"])


@router.get("/latest", summary="Size and root of the log at the latest block", responses=responses(502))
def latest(_: KnownCaller, service: TheService) -> Checkpoint:
    """Asked of the contract, not of the index: keep it, and ask for a consistency proof to a later one."""
    contracts = service.ledger.contracts
    block = contracts.node.request("eth_getBlockByNumber", "latest", False)
    try:
        number, timestamp = int(block["number"], 16), int(block["timestamp"], 16)
        block_hash = str(block["hash"])
    except (TypeError, KeyError, ValueError):
        raise ChainDamaged("the node returned no latest block") from None
    size, root = contracts.log_size(number), contracts.root(number)
    again = contracts.node.request("eth_getBlockByNumber", hex(number), False)
    if again is None or again["hash"] != block_hash:
        raise ChainUnavailable("the chain was reorganised meanwhile")
    return Checkpoint(
        origin=origin(contracts.deployment),
        size=size,
        root=root.hex(),
        block=number,
        block_hash=block_hash.removeprefix("0x"),
        at=instant(timestamp),
        note=_signed(service, size, root),
    )


def _signed(service: Service, size: int, root: bytes) -> str | None:
    """The signed note of this size and root. A damaged index, or one that lags, signs nothing: then none."""
    try:
        kept = make_checkpoint(service.ledger, service.mirror.tree(), service.state.trees)
    except (ChainDamaged, Forked, NotFound, NotWritable):
        return None
    return str(kept.note) if kept.checkpoint[1:3] == (size, root) else None
