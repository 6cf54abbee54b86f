"""An enterprise's hash chain and the log's leaf data, byte for byte as the contract makes them.

Source: the interface of `CreditLedger`. A head commits to every run of one enterprise in order, so a replay
that ends at the contract's head proves that none is missing.

    head0 = keccak256(abi.encode(uint64 enterprise, bytes32 identityCommitment))
    head' = keccak256(head | firstRecordId as uint256 | run)    run: an enterprise's records in one batch
    leaf data = enterprise as uint64 | head'                        40 bytes
"""

from __future__ import annotations

from ledger.crypto.hashing import keccak256

LEAF_DATA_BYTES = 40


def genesis_head(enterprise: int, commitment: bytes) -> bytes:
    """Head of an enterprise without records; `commitment` is its 32-byte identity commitment."""
    if len(commitment) != 32:
        raise ValueError(f"an identity commitment has 32 bytes, not {len(commitment)}")
    return keccak256(enterprise.to_bytes(32, "big") + commitment)


def next_head(head: bytes, first_id: int, run: bytes) -> bytes:
    """Head after a run whose first record has id `first_id`; `run` is the packed records, 64 bytes each."""
    return keccak256(head + first_id.to_bytes(32, "big") + run)


def leaf_data(enterprise: int, head: bytes) -> bytes:
    """Data of the log's leaf for a run that moved the enterprise's head to `head`."""
    return enterprise.to_bytes(8, "big") + head
