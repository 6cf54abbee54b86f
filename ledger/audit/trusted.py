"""What the reader of an evidence file knows for sure, and the file held against it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ledger.audit.signed import TooOld
from ledger.domain.calendar import iso_instant
from ledger.errors import BadProof

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from ledger.audit.completeness import NodeSays, Vouched
    from ledger.audit.stated import Stated
    from ledger.audit.subjects import Subject
    from ledger.crypto.notes import VerifierKey
    from ledger.scoring.cards import Scorecard


class NotAsTrusted(BadProof):
    """The file states something else than what the reader knows."""

    code = "not-as-trusted"


@dataclass(frozen=True)
class Trusted:
    """What the reader knows for sure, from elsewhere; None or empty: nothing. `heads` are by enterprise.

    `keys` are the log's and the witnesses'; `quorum` is how many of the latter must have cosigned, None all.
    `cards` are known beside the packaged ones, and so is what has one of `card_hashes`. What is said must
    not be of before `not_before` (Unix seconds). `node` asks a node of the reader's own about (contract,
    enterprises, number of the file's block).
    """

    chain_id: int | None = None
    contract: bytes | None = None
    tree: tuple[int, bytes] | None = None
    heads: Mapping[int, bytes] = field(default_factory=dict)
    keys: Sequence[VerifierKey] = ()
    quorum: int | None = None
    genesis: bytes | None = None
    cards: Sequence[Scorecard] = ()
    card_hashes: Collection[bytes] = ()
    not_before: int | None = None
    node: Callable[[bytes, Sequence[int], int], NodeSays] | None = None


def agree(stated: Stated, subjects: Sequence[Subject], trusted: Trusted) -> None:
    """Raise `NotAsTrusted` where the file states something else than the reader knows."""
    if trusted.chain_id not in (None, stated.chain_id):
        raise NotAsTrusted(f"the file is about chain {stated.chain_id}, not {trusted.chain_id}")
    if trusted.genesis not in (None, stated.genesis):
        raise NotAsTrusted(f"the file is about the chain from block {stated.genesis.hex()}")
    if trusted.contract not in (None, stated.contract):
        raise NotAsTrusted(f"the file is about contract 0x{stated.contract.hex()}")
    if trusted.tree not in (None, (stated.size, stated.root)):
        raise NotAsTrusted(f"the file's tree head is size {stated.size}, root {stated.root.hex()}")
    _agree_heads(subjects, trusted.heads, "")


def _agree_heads(subjects: Sequence[Subject], heads: Mapping[int, bytes], where: str) -> None:
    for subject in subjects:
        known = heads.get(subject.enterprise, subject.head)
        if known != subject.head:
            raise NotAsTrusted(
                f"enterprise {subject.enterprise} is at head {known.hex()}{where}, "
                f"the file at {subject.head.hex()}"
            )


def ask_node(stated: Stated, subjects: Sequence[Subject], trusted: Trusted) -> NodeSays | None:
    """Ask the reader's node, if there is one, and hold the file against its answer."""
    if trusted.node is None:
        return None
    block = stated.block
    found = trusted.node(stated.contract, [each.enterprise for each in subjects], block.number)
    if (found.chain_id, found.genesis) != (stated.chain_id, stated.genesis):
        raise NotAsTrusted(f"your node is of chain {found.chain_id} from block {found.genesis.hex()}")
    if not found.has_code:
        raise NotAsTrusted(f"your node has no contract at 0x{stated.contract.hex()}")
    if found.stated not in (None, block):
        raise NotAsTrusted(
            f"block {block.number} is {found.stated.hash.hex()} at your node, made at {found.stated.time}; "
            f"the file says {block.hash.hex()}, made at {block.time}"
        )
    _agree_heads(subjects, found.heads, f" at block {found.block.number} of your node")
    return found


def refuse_old(found: Vouched, not_before: int | None) -> None:
    """Raise `TooOld` for what says nothing of the time since the reader's bound."""
    if not_before is None:
        return
    if found.time is None:
        raise TooOld("nobody whose key was given says of when this is")
    if found.time < not_before:
        raise TooOld(f"it says what was so at {iso_instant(found.time)}, before {iso_instant(not_before)}")
