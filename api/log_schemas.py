"""The JSON of the log, its checkpoints and proofs, and of the operator's routes."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from api.schemas import Answer, Hash, Instant


class Checkpoint(Answer):
    """The log as the contract has it at one block."""

    origin: str = Field(description="Which log this is: chain and contract")
    size: int
    root: Hash
    block: int
    block_hash: Hash
    at: Instant
    note: str | None = Field(
        description="The same size and root as a C2SP signed note, with its witnesses' lines; its block "
        "is that of signing. null where a larger or another log was signed before, or the index is damaged"
    )


class Leaf(Answer):
    """One leaf of the log; leaf hash = SHA-256(0x00 | enterprise as u64 | head)."""

    index: int
    enterprise: int
    head: Hash
    hash: Hash


class Leaves(Answer):
    """Consecutive leaves."""

    size: int = Field(description="Leaves in the index now")
    leaves: list[Leaf]
    next: int | None = Field(description="Pass as `from` for the next page; null: no more at the moment")


class InclusionProof(Answer):
    """RFC 9162 2.1.3: the audit path of one leaf in the tree of the first `size` leaves."""

    leaf: int
    size: int
    leaf_hash: Hash
    root: Hash
    proof: list[Hash]


class ConsistencyProof(Answer):
    """RFC 9162 2.1.4: that the tree of `second` leaves extends the tree of `first`."""

    first: int
    second: int
    first_root: Hash
    second_root: Hash
    proof: list[Hash]


class Alive(Answer):
    """The process answers."""

    status: Literal["up"]
    version: str


class Ready(Answer):
    """Every part this service needs works."""

    status: Literal["ready"]
    checks: dict[str, str]
