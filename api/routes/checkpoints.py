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
from ledger.errors import ChainDamaged, ChainUnavailable
from ledger.index.follower import Block
from ledger.workflows.checkpoints import checkpoint_at

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
    deployment = contracts.deployment
    signed = _signed(service, size, root, Block(number, bytes.fromhex(block_hash[2:])))
    return Checkpoint(
        origin=f"eip155:{deployment.chain_id}:{deployment.credit_ledger}",
        size=size,
        root=root.hex(),
        block=number,
        block_hash=block_hash.removeprefix("0x"),
        at=instant(timestamp),
        note=signed,
    )


def _signed(service: Service, size: int, root: bytes, block: Block) -> str | None:
    """The signed note of this size. A damaged index cannot show that the log has only grown: then none."""
    try:
        return checkpoint_at(service.ledger, size, root, block, service.mirror.tree())
    except ChainDamaged:
        return None
