"""Checkpoints of this ledger: its state at one block, signed by the operator and kept (`kept_checkpoints`).

What was signed once binds the operator: a state that cannot follow the last kept checkpoint is not signed,
nothing is where all that were kept are gone, and nothing by a clock that is not to be believed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from ledger.audit.statement import statement_of
from ledger.chain.clock import BEHIND, shown
from ledger.chain.connect import check_clock, read_clock
from ledger.crypto.checkpoints import BlockLine, Checkpoint, Forked, check_successor, origin_of
from ledger.crypto.merkle import Tree
from ledger.crypto.notes import ED25519, BadNote, Note, SigningKey
from ledger.errors import ChainDamaged, ChainUnavailable, NotFound, WrongClock
from ledger.index.follower import read_cursor
from ledger.index.queries import leaf_hashes
from ledger.index.statement import Counters, counters, read_trees
from ledger.workflows.kept_checkpoints import CheckpointsLost, Kept, file_of, keep, last_kept

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

    from ledger.chain.contracts import Deployment
    from ledger.crypto.statement import StateTrees
    from ledger.workflows.office import Office

#: Seconds to wait while another process signs.
_PATIENCE = 30.0
#: Seconds after which a checkpoint is signed anew though nothing has moved: it says how fresh it is.
_RENEWED = 3600


#: Gives the trees of the state an index stands at; who takes them does not change them.
TreesOf: TypeAlias = "Callable[[Connection], StateTrees]"


class Snapshot(NamedTuple):
    """The ledger at the end of one block, as the index has it: the log, and the trees of its state."""

    block: BlockLine
    log: Tree
    trees: StateTrees


def origin(deployment: Deployment) -> str:
    """Return the origin line of this ledger's checkpoints; it is also the name of the key that signs them."""
    contract, genesis = deployment.credit_ledger[2:], deployment.genesis_hash[2:]
    return origin_of(deployment.chain_id, bytes.fromhex(genesis), bytes.fromhex(contract))


def operator_key(ledger: Office) -> SigningKey:
    """Return the operator's key for checkpoints."""
    return SigningKey(origin(ledger.deployment), ED25519, ledger.keystore.checkpoint_key)


def make_checkpoint(ledger: Office, log: Tree | None = None, trees: TreesOf = read_trees) -> Kept:
    """Sign the ledger as it is at the block the index stands at, keep the file, and return it.

    `log` and `trees`: as for `take_snapshot`.

    While nothing has moved, one signed within the last hour is returned. The index must have followed.
    Raises `Forked`, `CheckpointsLost`, `BadNote` (the last kept file is damaged), `WrongClock`,
    `ChainDamaged` (the index is not the contract's), and `ChainUnavailable` if the chain was reorganised
    meanwhile.
    """
    with ledger.db.lock("checkpoint", _PATIENCE), ledger.db.read_index() as index:
        last = last_kept(ledger.settings.data_dir)
        now = read_clock(ledger.node).now
        if last is not None and _fresh(last, counters(index), now) and _rooted(ledger, last):
            return last
        return _sign(ledger, take_snapshot(ledger, index, log, trees), last)


def checkpoint_of(ledger: Office, snapshot: Snapshot, not_before: int = 0) -> Kept | None:
    """Return a checkpoint of this state: the kept one, cosigned as it is, else one made now and kept.

    One signed before `not_before` (Unix seconds) is not taken for it.

    None when a kept one says otherwise, a later one was signed before, or the kept ones are lost or damaged:
    evidence then goes without. To say what is wrong is for `make_checkpoint`, the audit and witnesses.
    Raises `WrongClock` where one would have to be made.
    """
    with ledger.db.lock("checkpoint", _PATIENCE):
        try:
            last = last_kept(ledger.settings.data_dir)
        except (BadNote, CheckpointsLost):
            return None
        if last is not None and last.checkpoint.statement is not None:
            recent = last.checkpoint.statement.time >= not_before
            if recent and _same_state(last.checkpoint, _checkpoint(ledger, snapshot, 0)):
                return last
        try:
            return _sign(ledger, snapshot, last)
        except Forked:
            return None


def check_signing(ledger: Office) -> None:
    """Raise what stops the next signature: `WrongClock`, `BadNote`, `CheckpointsLost`."""
    _signing_time(ledger, last_kept(ledger.settings.data_dir))


def take_snapshot(
    ledger: Office, index: Connection, log: Tree | None = None, trees: TreesOf = read_trees
) -> Snapshot:
    """Return the state of the block the index stands at, compared with what the contract says of the log.

    `log` is the log's tree if the caller keeps one, `trees` gives those of the state. Raises `NotFound` for
    an empty index, `ChainDamaged` when index and contract do not agree, `ChainUnavailable` after a
    reorganisation.
    """
    at = read_cursor(index)
    if at is None:
        raise NotFound("the index is empty: follow the chain first")
    block = ledger.node.request("eth_getBlockByNumber", hex(at.number), False)
    if block is None or block["hash"] != "0x" + at.hash.hex():
        raise ChainUnavailable("the chain was reorganised meanwhile: try again")
    size, root = ledger.contracts.log_size(at.number), ledger.contracts.root(at.number)
    # A tree kept by the caller may be from before the index's last step, or from after it.
    kept = log if log is not None and log.size >= size else Tree(leaf_hashes(index))
    if size > kept.size or kept.root(size) != root:
        raise ChainDamaged(
            f"at block {at.number} the contract has a log of {size} with root {root.hex()}, "
            "the index another one: audit the ledger, then rebuild the index"
        )
    return Snapshot(BlockLine(at.number, at.hash, int(block["timestamp"], 16)), kept, trees(index))


def consistency(ledger: Office, first: int, second: int) -> list[bytes]:
    """Return the proof that the index's log of `second` leaves extends that of `first`. Raises `NotFound`."""
    if first == 0:
        return []
    with ledger.db.read_index() as index:
        tree = Tree(leaf_hashes(index))
    if not 0 <= first <= second <= tree.size:
        raise NotFound(f"the index has {tree.size} leaves: no proof from {first} to {second}")
    return tree.consistency_proof(first, second)


def _checkpoint(ledger: Office, snapshot: Snapshot, time: int) -> Checkpoint:
    size = ledger.contracts.log_size(snapshot.block.number)
    statement = statement_of(snapshot.trees.state(), snapshot.block, time)
    return Checkpoint(origin(ledger.deployment), size, snapshot.log.root(size), statement)


def _sign(ledger: Office, snapshot: Snapshot, last: Kept | None) -> Kept:
    """Sign a state and keep the note; `last` is the checkpoint kept before. Call it under the lock."""
    before = last.checkpoint if last else None
    made = _checkpoint(ledger, snapshot, _signing_time(ledger, last))
    if before is not None:
        check_successor(before, made)
        if snapshot.log.root(before.size) != before.root:
            raise Forked(
                f"the log's root at size {before.size} is {snapshot.log.root(before.size).hex()}, and a "
                f"checkpoint says {before.root.hex()}: the chain was rewritten after it, so nothing is signed"
            )
    note = Note(made.text(), (operator_key(ledger).sign(made.text()),))
    said = made.statement
    assert said is not None
    return keep(Kept(file_of(ledger.settings.data_dir, said.block.number, said.time), made, note))


def _signing_time(ledger: Office, last: Kept | None) -> int:
    """Return the time to sign at, in Unix seconds. Raises `WrongClock`."""
    check_clock(ledger.node)
    now = read_clock(ledger.node).now
    said = last.checkpoint.statement if last else None
    if last is None or said is None:
        return now
    if said.time > now + BEHIND:
        raise WrongClock(
            f"the last checkpoint, {last.path}, says that it was signed at {shown(said.time)}, and the clock"
            f" says {shown(now)}: nothing is signed before it. Set the clock right. If it is right, and was"
            " wrong then: where nobody was given that checkpoint, remove the file, and the next follows the"
            " one before it; where somebody was, nothing is signed until that time"
        )
    # A clock set back a little must not make a later checkpoint look like the earlier one.
    return max(now, said.time)


def _fresh(kept: Kept, now: Counters, clock: int) -> bool:
    """Whether a checkpoint is of all that has happened, and signed within the last hour."""
    said = kept.checkpoint.statement
    if said is None:
        return False
    then = Counters(
        kept.checkpoint.size,
        said.heads.many if said.heads else 0,
        said.authorities.many,
        said.authorities.facts,
        said.objections.many if said.objections else 0,
        said.assessments.many,
    )
    return then == now and 0 <= clock - said.time < _RENEWED


def _rooted(ledger: Office, kept: Kept) -> bool:
    """Whether the contract's log has this root now."""
    return ledger.contracts.root() == kept.checkpoint.root


def _same_state(one: Checkpoint, other: Checkpoint) -> bool:
    """Whether two checkpoints say the same but for block and time: nothing happened between them."""
    first, second = one.statement, other.statement
    if first is None or second is None or one._replace(statement=None) != other._replace(statement=None):
        return False
    return first._replace(block=second.block, time=second.time) == second
