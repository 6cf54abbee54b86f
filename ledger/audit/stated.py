"""What an evidence file states of the ledger at its block: a checkpoint's lines, and proofs under them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ledger.audit.forms import in_time
from ledger.crypto.checkpoints import Authorities, BlockLine, Checkpoint, Counted, Statement, origin_of
from ledger.crypto.multiproof import verify_multi
from ledger.crypto.statement import authority_leaf, head_leaf, objections_leaf
from ledger.domain.numbered import Numbered

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ledger.audit.rights import ShownAuthority
    from ledger.audit.strict_json import Fields
    from ledger.audit.subjects import Subject


class Stated(NamedTuple):
    """Chain, contract and block, the log's size and root, and the four trees."""

    chain_id: int
    genesis: bytes
    contract: bytes
    block: BlockLine
    size: int
    root: bytes
    heads: Counted
    authorities: Authorities
    objections: Counted
    assessments: Counted

    @property
    def checkpoint(self) -> Checkpoint:
        """The checkpoint that says the same, with a time of signing of 0."""
        said = Statement(self.block, 0, self.heads, self.authorities, self.objections, self.assessments)
        return Checkpoint(origin_of(self.chain_id, self.genesis, self.contract), self.size, self.root, said)


class StatedProofs(NamedTuple):
    """The proofs that go with it, not looked at yet; `authorities` are the entries that are shown."""

    leaves: str
    log: list[bytes]
    heads: list[bytes]
    objections: list[bytes]
    authority_hashes: list[bytes]
    authorities: Iterable[Fields]

    def check_subjects(self, stated: Stated, subjects: Sequence[Subject]) -> None:
        """Raise a `BadProof` unless each head and each chain of objections is under its root."""
        heads = Numbered((each.enterprise - 1, head_leaf(each.enterprise, each.head)) for each in subjects)
        verify_multi(heads, stated.heads.many, self.heads, stated.heads.root)
        told = Numbered((each.enterprise - 1, objections_leaf(each.objections_chain)) for each in subjects)
        verify_multi(told, stated.heads.many, self.objections, stated.objections.root)

    def check_authorities(self, stated: Stated, shown: Mapping[int, ShownAuthority]) -> None:
        """Raise a `BadProof` unless each authority's chain is under the root of authorities."""
        chains = {number - 1: authority_leaf(number, each.chain) for number, each in shown.items()}
        verify_multi(chains, stated.authorities.many, self.authority_hashes, stated.authorities.root)


def read_stated(top: Fields) -> tuple[Stated, StatedProofs]:
    """Read it. Raises `Malformed`."""
    chain_id, genesis, contract = top.integer("chain_id", 1), top.hex("genesis", 32), top.hex("contract", 20)
    block = top.fields("block")
    time = in_time(block, "time", block.integer("time"))
    place = BlockLine(block.integer("number"), block.hex("hash", 32), time)
    block.done()
    tree = top.fields("tree")
    size, root, leaves, log = (
        tree.integer("size"),
        tree.hex("root", 32),
        tree.text("leaves"),
        tree.hashes("proof"),
    )
    if leaves not in ("all", "last"):
        tree.refuse("leaves", "neither 'all' nor 'last'")
    tree.done()
    heads, head_hashes = _counted(top.fields("heads"), 1)
    objections, objection_hashes = _counted(top.fields("objections"), 0)
    entry = top.fields("authorities")
    many, facts = entry.integer("count", 0, 2**16 - 1), entry.integer("facts")
    authorities = Authorities(many, facts, entry.hex("root", 32))
    authority_hashes, shown = entry.hashes("proof"), entry.entries("shown")
    entry.done()
    made = top.fields("assessments")
    assessments = Counted(made.integer("count"), made.hex("root", 32))
    made.done()
    stated = Stated(
        chain_id, genesis, contract, place, size, root, heads, authorities, objections, assessments
    )
    return stated, StatedProofs(leaves, log, head_hashes, objection_hashes, authority_hashes, shown)


def _counted(entry: Fields, least: int) -> tuple[Counted, list[bytes]]:
    found = Counted(entry.integer("count", least), entry.hex("root", 32))
    hashes = entry.hashes("proof")
    entry.done()
    return found, hashes
