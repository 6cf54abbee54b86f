"""What other implementations made (tests/interop/c2sp), checked by ours."""

from __future__ import annotations

import base64
from typing import Any

from ledger.crypto.checkpoints import parse_checkpoint
from ledger.crypto.merkle import leaf_hash, verify_consistency, verify_inclusion
from ledger.crypto.notes import VerifierKey, open_note


def raw(value: str) -> bytes:
    return base64.b64decode(value, validate=True)


def raws(values: list[str] | None) -> list[bytes]:
    return [raw(each) for each in values or []]


def check_bundle(given: dict[str, Any]) -> None:
    """Raise unless checkpoint, signatures and every proof hold."""
    keys = [VerifierKey.parse(each) for each in (given["key"], *given["witnesses"])]
    note, signed = open_note(given["note"].encode(), keys)
    assert [each.key for each in signed] == keys
    assert all(each.time for each in signed[1:])
    assert parse_checkpoint(note.text)[:3] == (given["origin"], given["size"], raw(given["root"]))
    for each in given["inclusion"]:
        leaf = leaf_hash(raw(each["leaf"]))
        verify_inclusion(leaf, each["index"], each["size"], raws(each["proof"]), raw(each["root"]))
    for each in given["consistency"]:
        roots = raw(each["first_root"]), raw(each["second_root"])
        verify_consistency(each["first"], each["second"], raws(each["proof"]), *roots)
