"""How far a file's claims are vouched for: proven complete, by the operator's word only, or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ledger.audit.plain import ascii_line
from ledger.audit.signed import wanted_recomputing
from ledger.domain.calendar import iso_instant
from ledger.errors import BadValue

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ledger.audit.signed import SignedCheckpoint
    from ledger.crypto.notes import VerifierKey

NOTHING_SIGNED = "nothing here is signed: it proves nothing"
ONLY_OPERATOR = "NOT proven complete: only the operator vouches for it"


class NodeSays(NamedTuple):
    """What a node of the reader's own says: of its chain, and of the contract's heads at its latest block.

    `where` is the node's address without secrets; the time is the block's, Unix seconds.
    """

    where: str
    chain_id: int
    genesis: bytes
    has_code: bool
    block_number: int
    block_hash: bytes
    block_time: int
    heads: Mapping[int, bytes]


class Vouched(NamedTuple):
    """Whether the records are proven complete, and the sentence that says by whom, or why not.

    `state` is whether anybody but the file vouches for its roots; `signed` whether any signature was checked.
    `time` is since when nothing is known: the oldest signature's, or the node's block's.
    """

    complete: bool
    why: str
    state: bool
    signed: bool
    time: int | None


def vouched(
    block: tuple[int, bytes, int],
    found: SignedCheckpoint | None,
    keys: Sequence[VerifierKey],
    quorum: int | None,
    node: NodeSays | None,
) -> Vouched:
    """Judge. `block` is the file's: number, hash and time. What contradicts was refused before."""
    by_node = _by_node(node)
    signed = found is not None and bool(found.signed)
    time = found.time if found is not None and signed else None
    if found is None or not signed:
        why = by_node or (NOTHING_SIGNED if not keys else "NOT proven complete: none of your keys signed it")
        return Vouched(by_node is not None, why, False, False, node.block_time if node else None)
    reason = _missing(found, wanted_recomputing(keys, quorum))
    if reason is None:
        number, block_hash, block_time = block
        witnesses = ", ".join(ascii_line(each) for each in found.recomputed)
        why = (
            f"complete as of block {number} ({block_hash.hex()[:16]}), block time {_when(block_time)}, "
            f"signed {_when(time or 0)} by {ascii_line(found.operator or '')}, recomputed by {witnesses}"
        )
        return Vouched(True, why, True, True, time)
    # A node has heads and nothing else: what only the operator signed stays the operator's word beside it.
    return Vouched(by_node is not None, by_node or reason, False, True, time)


def _by_node(node: NodeSays | None) -> str | None:
    if node is None:
        return None
    return (
        f"complete as of block {node.block_number} ({node.block_hash.hex()[:16]}), block time "
        f"{_when(node.block_time)}, by the heads that your node {ascii_line(node.where)} has"
    )


def _missing(found: SignedCheckpoint, wanted: int) -> str | None:
    """What is missing for a proof of completeness; None: nothing."""
    said = found.checkpoint.statement
    if said is None or said.heads is None:
        return "NOT proven complete: what is signed says nothing of heads"
    if found.operator is None:
        return "NOT proven complete: the log's own key was not given, or did not sign"
    if not found.recomputed:
        return ONLY_OPERATOR
    if wanted < 1:
        return f"NOT proven complete: a quorum of {wanted} asks for nobody's word"
    if len(found.recomputed) < wanted:
        return f"NOT proven complete: {len(found.recomputed)} witnesses recomputed it, {wanted} are asked for"
    return None


def _when(time: int) -> str:
    try:
        return iso_instant(time)
    except BadValue:
        return str(time)
