"""Commitments: golden values, and everything that must not open them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ledger.crypto import commitments

VECTORS = json.loads((Path(__file__).parent.parent / "vectors" / "commitments.json").read_text())


@pytest.mark.parametrize("case", VECTORS["documents"], ids=lambda c: f"{len(c['content']) // 2} bytes")
def test_documents(case: dict[str, str]) -> None:
    salt, content = bytes.fromhex(case["salt"]), bytes.fromhex(case["content"])
    commitment = bytes.fromhex(case["commitment"])
    assert commitments.commit(salt, content) == commitment
    commitments.verify_commitment(commitment, salt, content)
    hostile = [
        (salt, content + b"\0"),
        (salt[:-1] + bytes([salt[-1] ^ 1]), content),
        (salt + content[:1], content[1:]) if content else (salt[:31], content),
        (salt[:31], salt[31:] + content),
        (b"", salt + content),
    ]
    for other_salt, other_content in hostile:
        with pytest.raises(commitments.CommitmentDiffers):
            commitments.verify_commitment(commitment, other_salt, other_content)


@pytest.mark.parametrize("case", VECTORS["identities"], ids=lambda c: bytes.fromhex(c["content"]).decode())
def test_identities(case: dict[str, str]) -> None:
    salt, key = bytes.fromhex(case["salt"]), bytes.fromhex(case["content"]).decode()
    commitment = bytes.fromhex(case["commitment"])
    assert commitments.identity_commitment(salt, key) == commitment
    commitments.verify_identity(commitment, salt, key)
    with pytest.raises(commitments.CommitmentDiffers):
        commitments.verify_identity(commitment, salt, key + " ")
    with pytest.raises(commitments.CommitmentDiffers):
        commitments.verify_commitment(commitment, salt, key.encode())


def test_salts_are_fresh_and_of_one_length() -> None:
    salts = {commitments.new_salt() for _ in range(100)}
    assert len(salts) == 100
    assert {len(salt) for salt in salts} == {commitments.SALT_BYTES}
    with pytest.raises(ValueError, match="32 bytes"):
        commitments.commit(b"short", b"")
