"""Checkpoints of this ledger: its state at one block, signed by the operator, kept as files.

They lie in `DATA_DIR/checkpoints`, named by block and time: a checkpoint is there to be handed out. A file is
replaced as a whole, when witnesses have added their lines. What was signed once binds the operator: a state
that cannot follow the last kept checkpoint is not signed, and nothing is where all that were kept are gone.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from ledger.audit.statement import statement_of
from ledger.crypto.checkpoints import (
    BlockLine,
    Checkpoint,
    Forked,
    check_successor,
    origin_of,
    parse_checkpoint,
)
from ledger.crypto.merkle import Tree
from ledger.crypto.notes import ED25519, BadNote, Note, SigningKey, parse_note, verify_note
from ledger.errors import BadProof, BadValue, ChainDamaged, ChainUnavailable, Misconfigured, NotFound
from ledger.files import write_private, writing
from ledger.index.follower import read_cursor
from ledger.index.queries import leaf_hashes
from ledger.index.statement import Counters, counters, read_trees

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from sqlalchemy import Connection

    from ledger.chain.contracts import Deployment
    from ledger.crypto.notes import VerifierKey
    from ledger.crypto.statement import StateTrees
    from ledger.workflows.office import Office

_SUFFIX = ".checkpoint"
#: Beside the folder, once something was signed: that the folder is empty is then a loss, and no beginning.
_KNOWN = "checkpoints.known"
#: Seconds to wait while another process signs.
_PATIENCE = 30.0
#: Seconds after which a checkpoint is signed anew though nothing has moved: it says how fresh it is.
_RENEWED = 3600


#: Gives the trees of the state an index stands at; who takes them does not change them.
TreesOf: TypeAlias = "Callable[[Connection], StateTrees]"


class CheckpointsLost(Misconfigured):
    """Checkpoints were signed, and every file of them is gone: what comes next is compared with none."""

    code = "checkpoints-lost"


class Kept(NamedTuple):
    """A checkpoint file: what it says, and the note it is."""

    path: Path
    checkpoint: Checkpoint
    note: Note


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
    Raises `Forked`, `CheckpointsLost`, `BadNote` (the last kept file is damaged), `ChainDamaged` (the index
    is not the contract's), and `ChainUnavailable` if the chain was reorganised meanwhile.
    """
    with ledger.db.lock("checkpoint", _PATIENCE), ledger.db.read_index() as index:
        last = _last(ledger)
        if last is not None and _fresh(last, counters(index)) and _rooted(ledger, last):
            return last
        return _sign(ledger, take_snapshot(ledger, index, log, trees), last)


def checkpoint_of(ledger: Office, snapshot: Snapshot, not_before: int = 0) -> Kept | None:
    """Return a checkpoint of this state: the kept one, cosigned as it is, else one made now and kept.

    One signed before `not_before` (Unix seconds) is not taken for it.

    None when a kept one says otherwise, a later one was signed before, or the kept ones are lost or damaged:
    evidence then goes without. To say what is wrong is for `make_checkpoint`, the audit and witnesses.
    """
    with ledger.db.lock("checkpoint", _PATIENCE):
        try:
            last = _last(ledger)
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


def keep(kept: Kept) -> Kept:
    """Write a checkpoint's file and return it. Raises `NotWritable`: what is not kept is not handed out."""
    with writing():
        kept.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_private(kept.path, str(kept.note).encode())
        # Last, so that a first write that failed is not taken for checkpoints that were lost.
        write_private(kept.path.parent.with_name(_KNOWN), b"")
    return kept


def kept_files(data_dir: Path) -> list[Path]:
    """Return the files of kept checkpoints, the earliest first: block and time stand first in their names.

    Raises `CheckpointsLost`.
    """
    folder = data_dir / "checkpoints"
    found = sorted(each for each in folder.glob("*" + _SUFFIX) if not each.name.startswith("."))
    if not found and (data_dir / _KNOWN).exists():
        raise CheckpointsLost(
            f"{folder} holds no checkpoint, and this ledger has signed some: put them back from a backup, or "
            "the last one from a witness or an evidence file. Where none is left, remove "
            f"{data_dir / _KNOWN}: the next one is then compared with none here, by witnesses all the same"
        )
    return found


def kept_checkpoints(data_dir: Path) -> list[Kept]:
    """Return the kept checkpoints, smallest first. Raises `BadNote` for a damaged file, `CheckpointsLost`."""
    return [_read(path) for path in kept_files(data_dir)]


def read_checkpoint(path: Path, expected: str, keys: Sequence[VerifierKey] = ()) -> Checkpoint:
    """Read a checkpoint that somebody kept, of the log `expected` (its origin).

    A signature by one of `keys` must verify if there is one. Raises `BadValue` (no such file), `BadNote`,
    `BadProof` (of another log).
    """
    try:
        note = parse_note(path.read_bytes())
    except OSError as error:
        raise BadValue("checkpoint", path, error.strerror or "cannot be read") from None
    verify_note(note, keys)
    found = parse_checkpoint(note.text)
    if found.origin != expected:
        raise BadProof(f"{path}: a checkpoint of the log {found.origin}, and this one is {expected}")
    return found


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
    earliest = before.statement.time if before and before.statement else 0
    # A clock set back must not make a later checkpoint look like the earlier one.
    made = _checkpoint(ledger, snapshot, max(int(time.time()), earliest))
    if before is not None:
        check_successor(before, made)
        if snapshot.log.root(before.size) != before.root:
            raise Forked(
                f"the log's root at size {before.size} is {snapshot.log.root(before.size).hex()}, and a "
                f"checkpoint says {before.root.hex()}: the chain was rewritten after it, so nothing is signed"
            )
    note = Note(made.text(), (operator_key(ledger).sign(made.text()),))
    folder = ledger.settings.data_dir / "checkpoints"
    said = made.statement
    assert said is not None
    return keep(Kept(folder / f"{said.block.number:012d}-{said.time:010d}{_SUFFIX}", made, note))


def _fresh(kept: Kept, now: Counters) -> bool:
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
    return then == now and 0 <= time.time() - said.time < _RENEWED


def _rooted(ledger: Office, kept: Kept) -> bool:
    """Whether the contract's log has this root now."""
    return ledger.contracts.root() == kept.checkpoint.root


def _same_state(one: Checkpoint, other: Checkpoint) -> bool:
    """Whether two checkpoints say the same but for block and time: nothing happened between them."""
    first, second = one.statement, other.statement
    if first is None or second is None or one._replace(statement=None) != other._replace(statement=None):
        return False
    return first._replace(block=second.block, time=second.time) == second


def _last(ledger: Office) -> Kept | None:
    """Return the latest kept checkpoint."""
    paths = kept_files(ledger.settings.data_dir)
    return _read(paths[-1]) if paths else None


def _read(path: Path) -> Kept:
    try:
        note = parse_note(path.read_bytes())
        return Kept(path, parse_checkpoint(note.text), note)
    except OSError as error:
        raise BadNote(f"{path}: it cannot be read: {error.strerror}") from None
    except BadNote as error:
        raise BadNote(f"{path}: {error}") from None
