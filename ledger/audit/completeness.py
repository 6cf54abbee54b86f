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
    from ledger.crypto.checkpoints import BlockLine
    from ledger.crypto.notes import VerifierKey

NOTHING_SIGNED = "nothing here is signed: it proves nothing"
NOT_BY_YOURS = "none of your keys signed it"
NO_STATEMENT = "no signed statement says them"


class NodeSays(NamedTuple):
    """What a node of the reader's own says: of its chain, and of the contract's heads at its latest block.

    `where` is the node's address without secrets. `stated` is the block that has the file's number there;
    None where the node has none.
    """

    where: str
    chain_id: int
    genesis: bytes
    has_code: bool
    block: BlockLine
    heads: Mapping[int, bytes]
    stated: BlockLine | None


class Vouched(NamedTuple):
    """Whether the records are proven complete, and the sentence that says by whom, or why not.

    `signed` is whether the log's own key, given by the reader, signed: only then is it said which ledger this
    is. `lacking` is what the signatures lack for a proof of every root, None where they prove them all; what
    they lack, a `node` makes good for heads alone. `time` is since when nothing is known, Unix seconds: the
    block's own or the oldest signature's, whichever is older; by a node's word, its block's.
    """

    complete: bool
    why: str
    signed: bool
    lacking: str | None
    node: NodeSays | None
    time: int | None

    @property
    def state(self) -> bool:
        """Whether every root is vouched for by the operator and by somebody who recomputed it."""
        return self.lacking is None


def vouched(
    block: BlockLine,
    found: SignedCheckpoint | None,
    keys: Sequence[VerifierKey],
    quorum: int | None,
    node: NodeSays | None,
) -> Vouched:
    """Judge. `block` is the file's. What contradicts was refused before."""
    if found is None or not found.signed:
        why = f"NOT proven complete: {NOT_BY_YOURS}" if keys else NOTHING_SIGNED
        if node is None:
            return Vouched(False, why, False, NO_STATEMENT, None, None)
        return Vouched(True, _by_node(node), False, NO_STATEMENT, node, node.block.time)
    lacking, signed = _missing(found, wanted_recomputing(keys, quorum)), found.operator is not None
    # However late a statement is signed, what it says is as old as its block.
    time = block.time if found.time is None else min(found.time, block.time)
    if lacking is None:
        witnesses = ", ".join(ascii_line(each) for each in found.recomputed)
        who = f"{_when(found.said_at)} by {ascii_line(found.operator or '')}, recomputed by {witnesses}"
        oldest = "" if time is None or time >= block.time else f", the oldest of them at {_when(time)}"
        why = f"{_as_of(block)}, signed {who}{oldest}"
        return Vouched(True, why, True, None, node, time)
    if node is None:
        return Vouched(False, f"NOT proven complete: {lacking}", signed, lacking, None, time)
    # A node has heads and nothing else: what the signatures leave open beside them stays open.
    return Vouched(True, _by_node(node), signed, lacking, node, node.block.time)


def _by_node(node: NodeSays) -> str:
    return f"{_as_of(node.block)}, by the heads that your node {ascii_line(node.where)} has"


def _as_of(block: BlockLine) -> str:
    return f"complete as of block {block.number} ({block.hash.hex()[:16]}), block time {_when(block.time)}"


def _missing(found: SignedCheckpoint, wanted: int) -> str | None:
    """What is missing for a proof of completeness; None: nothing."""
    said = found.checkpoint.statement
    if said is None or said.heads is None:
        return "what is signed says nothing of heads"
    if found.operator is None:
        return "the log's own key was not given, or did not sign"
    if not found.recomputed:
        return "only the operator vouches for it"
    if wanted < 1:
        return f"a quorum of {wanted} asks for nobody's word"
    if len(found.recomputed) < wanted:
        return f"{len(found.recomputed)} witnesses recomputed it, {wanted} are asked for"
    return None


def _when(time: int) -> str:
    try:
        return iso_instant(time)
    except BadValue:
        return str(time)
