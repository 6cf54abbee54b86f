"""Checkpoints of this ledger's log: made from the contract's own root, signed by the operator, kept as files.

They lie in `DATA_DIR/checkpoints`, one file per size, named by it: a checkpoint is there to be handed out. A
file is replaced as a whole, when witnesses have added their lines. What was signed once binds the operator: a
log that does not begin with the last kept checkpoint is not signed.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from ledger.chain.files import write_private
from ledger.crypto.checkpoints import Checkpoint, origin_of, parse_checkpoint
from ledger.crypto.merkle import Tree, root_of
from ledger.crypto.notes import ED25519, Note, SigningKey, parse_note, verify_note
from ledger.errors import BadProof, BadValue, ChainDamaged, ChainUnavailable, NotFound
from ledger.index.queries import leaf_hashes

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ledger.chain.contracts import Deployment
    from ledger.crypto.notes import VerifierKey
    from ledger.index.follower import Block
    from ledger.workflows.office import Office

_SUFFIX = ".checkpoint"
#: Seconds to wait while another process signs.
_PATIENCE = 30.0


class Forked(ChainDamaged):
    """The log is not the one of a checkpoint signed before: the chain was rewritten or replaced."""

    code = "forked"


class Kept(NamedTuple):
    """A checkpoint file: what it says, and the note it is."""

    path: Path
    checkpoint: Checkpoint
    note: Note


def origin(deployment: Deployment) -> str:
    """Return the origin line of this ledger's checkpoints; it is also the name of the key that signs them."""
    return origin_of(deployment.chain_id, bytes.fromhex(deployment.credit_ledger[2:]))


def operator_key(ledger: Office) -> SigningKey:
    """Return the operator's key for checkpoints."""
    return SigningKey(origin(ledger.deployment), ED25519, ledger.keystore.checkpoint_key)


def make_checkpoint(ledger: Office) -> Kept:
    """Sign the log as the contract has it at the latest block, keep the file, and return it.

    If the last kept one has the same size and root, that one is returned: the log has not moved. The index
    must have followed. Raises `Forked`, and `ChainUnavailable` if the chain was reorganised meanwhile.
    """
    block = ledger.node.request("eth_getBlockByNumber", "latest", False)
    number, block_hash = int(block["number"], 16), str(block["hash"])
    size, root = ledger.contracts.log_size(number), ledger.contracts.root(number)
    again = ledger.node.request("eth_getBlockByNumber", hex(number), False)
    if again is None or again["hash"] != block_hash:
        raise ChainUnavailable("the chain was reorganised meanwhile: try again")
    made = Checkpoint(origin(ledger.deployment), size, root, (number, bytes.fromhex(block_hash[2:])))
    with ledger.db.lock("checkpoint", _PATIENCE):
        last = _last(ledger)
        if last is not None:
            _refuse_fork(ledger, last, made)
            if last.checkpoint[:3] == made[:3]:
                return last
        return _sign(ledger, made)


def checkpoint_at(
    ledger: Office, size: int, root: bytes, block: Block, tree: Tree | None = None
) -> str | None:
    """Return a signed checkpoint of this size: the kept one, else one made now at `block` and kept.

    `tree` is the log's tree if the caller keeps one; the index is read for it otherwise.

    None when kept ones say otherwise, or larger ones were signed before: evidence then goes without. Whether
    the log has forked is for `make_checkpoint`, the audit and witnesses to say.
    """
    made = Checkpoint(origin(ledger.deployment), size, root, (block.number, block.hash))
    path = _path(ledger, size)
    if not path.exists():
        with ledger.db.lock("checkpoint", _PATIENCE):
            last = _last(ledger)
            try:
                if last is not None:
                    _refuse_fork(ledger, last, made, tree)
            except Forked:
                return None
            if not path.exists():
                return str(_sign(ledger, made).note)
    kept = _read(path)
    return str(kept.note) if kept.checkpoint[:3] == made[:3] else None


def keep(kept: Kept) -> Kept:
    """Write a checkpoint's file and return it."""
    write_private(kept.path, str(kept.note).encode())
    return kept


def kept_checkpoints(data_dir: Path) -> list[Kept]:
    """Return the kept checkpoints, smallest first. Raises `BadNote` for a damaged file."""
    return [_read(path) for path in sorted((data_dir / "checkpoints").glob("*" + _SUFFIX))]


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


def _sign(ledger: Office, made: Checkpoint) -> Kept:
    note = Note(made.text(), (operator_key(ledger).sign(made.text()),))
    path = _path(ledger, made.size)
    path.parent.mkdir(parents=True, exist_ok=True)
    return keep(Kept(path, made, note))


def _path(ledger: Office, size: int) -> Path:
    return ledger.settings.data_dir / "checkpoints" / f"{size:012d}{_SUFFIX}"


def _last(ledger: Office) -> Kept | None:
    """Return the largest kept checkpoint."""
    paths = (ledger.settings.data_dir / "checkpoints").glob("*" + _SUFFIX)
    path = max(paths, default=None)
    return None if path is None else _read(path)


def _refuse_fork(ledger: Office, last: Kept, made: Checkpoint, tree: Tree | None = None) -> None:
    """Raise `Forked` unless `made` extends the last kept checkpoint."""
    before = last.checkpoint
    if before.origin != made.origin:
        raise Forked(f"{last.path} is a checkpoint of another log, {before.origin}")
    if made.size == before.size:
        root = made.root
    elif made.size < before.size:
        raise Forked(f"the log has {made.size} leaves, and {last.path} says {before.size} were there before")
    elif tree is not None and tree.size >= before.size:
        root = tree.root(before.size)
    else:
        with ledger.db.read_index() as index:
            root = root_of(islice(leaf_hashes(index), before.size))
    if root != before.root:
        raise Forked(
            f"the log's root at size {before.size} is {root.hex()}, {last.path} says {before.root.hex()}: "
            "the chain was rewritten after that checkpoint, so nothing is signed"
        )


def _read(path: Path) -> Kept:
    note = parse_note(path.read_bytes())
    return Kept(path, parse_checkpoint(note.text), note)
