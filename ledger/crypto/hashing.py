"""The two hash functions of the ledger.

Sources: SHA-256 is FIPS 180-4. Keccak-256 is the Keccak submission with its original padding (Ethereum Yellow
Paper, appendix H.1), *not* SHA3-256 of FIPS 202, which pads otherwise.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

HASH_BYTES = 32


def _fastest_keccak() -> Callable[[bytes], bytes]:
    """Bind the C implementation when it is installed; the fallback is some twenty times slower."""
    try:
        from sha3 import keccak_256  # noqa: PLC0415  chosen once, at import
    except ImportError:
        from eth_hash.auto import keccak  # noqa: PLC0415

        return keccak

    def keccak_c(data: bytes) -> bytes:
        digest: bytes = keccak_256(data).digest()
        return digest

    return keccak_c


_keccak = _fastest_keccak()


def keccak256(data: bytes) -> bytes:
    """Keccak-256 of `data`, 32 bytes, as the EVM computes it."""
    return _keccak(data)


def sha256(data: bytes) -> bytes:
    """SHA-256 of `data`, 32 bytes."""
    return hashlib.sha256(data).digest()
