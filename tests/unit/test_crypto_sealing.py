"""Sealing: what was sealed opens, and nothing else does."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ledger.crypto import sealing
from ledger.errors import Misconfigured

KEY, OTHER, CONTEXT = bytes(range(32)), bytes(range(1, 33)), b"c" * 32


@pytest.mark.parametrize("plaintext", [b"", b"x", "文件".encode(), bytes(100_000)])
def test_what_was_sealed_opens(plaintext: bytes) -> None:
    sealed = sealing.seal(KEY, plaintext, CONTEXT)
    assert len(sealed) == len(plaintext) + sealing.OVERHEAD
    assert sealing.unseal(KEY, sealed, CONTEXT) == plaintext


def test_sealing_twice_gives_other_bytes() -> None:
    assert sealing.seal(KEY, b"same", CONTEXT) != sealing.seal(KEY, b"same", CONTEXT)


def test_the_layout_is_the_documented_one() -> None:
    sealed = sealing.seal(KEY, b"layout", CONTEXT)
    opened = AESGCM(KEY).decrypt(sealed[1:13], sealed[13:], b"credit-ledger/seal/1\x00" + CONTEXT)
    assert (sealed[0], opened) == (1, b"layout")


def test_every_changed_byte_is_noticed() -> None:
    sealed = sealing.seal(KEY, b"document", CONTEXT)
    for place in range(len(sealed)):
        for bit in (1, 0x80):
            changed = sealed[:place] + bytes([sealed[place] ^ bit]) + sealed[place + 1 :]
            with pytest.raises(sealing.SealBroken):
                sealing.unseal(KEY, changed, CONTEXT)
    for length in range(len(sealed)):
        with pytest.raises(sealing.SealBroken):
            sealing.unseal(KEY, sealed[:length], CONTEXT)


def test_another_key_or_record_does_not_open() -> None:
    sealed = sealing.seal(KEY, b"document", CONTEXT)
    for key, context in [(OTHER, CONTEXT), (KEY, b"d" * 32), (KEY, b"")]:
        with pytest.raises(sealing.SealBroken):
            sealing.unseal(key, sealed, context)


def test_record_keys_are_wrapped_under_the_master_key() -> None:
    key = sealing.new_key()
    wrapped = sealing.wrap(KEY, key, CONTEXT)
    assert sealing.unwrap(KEY, wrapped, CONTEXT) == key
    for master, context in [(OTHER, CONTEXT), (KEY, b"other")]:
        with pytest.raises(sealing.SealBroken):
            sealing.unwrap(master, wrapped, context)
    with pytest.raises(sealing.SealBroken):
        sealing.unseal(KEY, wrapped, CONTEXT)  # a wrapped key is no document


@pytest.mark.parametrize("length", [0, 16, 31, 33])
def test_keys_of_another_length_are_refused(length: int) -> None:
    with pytest.raises(Misconfigured):
        sealing.seal(bytes(length), b"", b"")
    with pytest.raises(Misconfigured):
        sealing.wrap(KEY, bytes(length), b"")
