"""The append-only log: its leaves for auditors, its proofs for everybody with a key."""

# FastAPI resolves annotations when a route is declared: what they name must be imported.
# ruff: noqa: TC001

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from api.auth import AuditCaller, KnownCaller
from api.log_schemas import ConsistencyProof, InclusionProof, Leaf, Leaves
from api.mirror import hexes, leaf_rows
from api.openapi import responses
from api.schemas import Strict
from api.service import TheService
from ledger.crypto.heads import leaf_data
from ledger.crypto.merkle import leaf_hash

router = APIRouter(prefix="/v1/log", tags=["log"])

_MOST = 2**53 - 1
_Size = Annotated[int | None, Query(ge=0, le=_MOST, description="Absent: all leaves in the index")]


class LeavesQuery(Strict):
    """From which leaf, and how many."""

    first: Annotated[int, Query(alias="from", ge=0, le=_MOST)] = 0
    limit: Annotated[int, Query(ge=1, le=1000)] = 100


class InclusionQuery(Strict):
    """Which leaf, in the tree of how many."""

    leaf: Annotated[int, Query(ge=0, le=_MOST, description="The leaf's index, from 0")]
    size: _Size = None


class ConsistencyQuery(Strict):
    """From the tree of how many leaves to that of how many."""

    first: Annotated[int, Query(ge=0, le=_MOST)]
    second: _Size = None


@router.get("/leaves", summary="Leaves of the log, in order", responses=responses(403))
def leaves(_: AuditCaller, service: TheService, query: Annotated[LeavesQuery, Query()]) -> Leaves:
    """Consecutive leaves: enterprise number and head after the run. Needs a key for audit."""
    with service.ledger.db.read_index() as connection:
        size, rows = leaf_rows(connection, query.first, query.limit)
    found = [
        Leaf(
            index=index,
            enterprise=enterprise,
            head=head.hex(),
            hash=leaf_hash(leaf_data(enterprise, head)).hex(),
        )
        for index, enterprise, head in rows
    ]
    following = query.first + len(found)
    return Leaves(size=size, leaves=found, next=following if found and following < size else None)


@router.get("/inclusion", summary="Proof that a leaf is in the log", responses=responses(404))
def inclusion(
    _: KnownCaller, service: TheService, query: Annotated[InclusionQuery, Query()]
) -> InclusionProof:
    """An audit path by RFC 9162; check it against the root of a checkpoint of the same size."""
    size, leaf, root, proof = service.mirror.inclusion(query.leaf, query.size)
    return InclusionProof(
        leaf=query.leaf, size=size, leaf_hash=leaf.hex(), root=root.hex(), proof=hexes(proof)
    )


@router.get("/consistency", summary="Proof that the log only grew", responses=responses(404))
def consistency(
    _: KnownCaller, service: TheService, query: Annotated[ConsistencyQuery, Query()]
) -> ConsistencyProof:
    """A consistency proof by RFC 9162 between two sizes of the log."""
    second, first_root, second_root, proof = service.mirror.consistency(query.first, query.second)
    return ConsistencyProof(
        first=query.first,
        second=second,
        first_root=first_root.hex(),
        second_root=second_root.hex(),
        proof=hexes(proof),
    )
