"""Gas limits of what the sender sends: upper bounds by formula, as asking a node costs a whole execution.

Sources: EIP-2929 (access costs), EIP-2200 with EIP-3529 (storage), EIP-2028 and EIP-7623 (calldata, and its
floor of 40 gas per byte that is not zero), the Yellow Paper's log and hash costs; the terms are checked
against receipts in the tests. A limit too high costs nothing but room in the block; one too low would lose
the transaction.
"""

from __future__ import annotations

from typing import Final

from ledger.domain.records import RECORD_BYTES
from ledger.errors import BadValue

#: EIP-7825: no transaction may ask for more.
MAX_GAS: Final = 16_777_216
#: A node's pool takes no larger transaction; the rest of a batch's transaction takes some of it.
MAX_BYTES: Final = 128 * 1024
_ENVELOPE_BYTES: Final = 1024
#: The contract takes no larger batch.
MAX_RECORDS: Final = 1000
#: Enterprises registered in one transaction.
MAX_REGISTRATIONS: Final = 200

# The transaction, its signature check, the authority's mandate and key, the counters, one log, and some
# slack.
_BATCH: Final = 160_000
# A head rewritten (5,000), its log (2,800 without records), its leaf and inner nodes hashed, its share of
# the loop.
_RUN: Final = 11_000
# Calldata at its floor (64 bytes of 40), which is above calldata at 16, log data at 8, hashing and checks
# together.
_RECORD: Final = 2_700
# A peak of the log written where there was none (EIP-2929: 22,100); as many may change as the log's size has
# bits.
_PEAK: Final = 22_100
# A wallet's code: proxy, owners and threshold read from storage. Each owner's 65 bytes are recovered for
# 3,000 and his address is read for 2,100, beside calldata of 40 a byte: 120 a byte; owners may be wallets.
_WALLET: Final = 200_000
_SIGNATURE_BYTE: Final = 300
# A head where there was none, its log, its commitment's hash and calldata.
_REGISTRATION: Final = 27_000
_REGISTER: Final = 80_000


def batch_gas(records: int, runs: int, log_size: int) -> int:
    """Return the limit for a batch of so many records and runs, in a log that will have `log_size` leaves.

    Raises `BadValue` if no transaction may carry such a batch.
    """
    if not 0 < records <= MAX_RECORDS or not 0 < runs <= records:
        raise BadValue("batch", records, f"a batch has 1 to {MAX_RECORDS} records")
    gas = _BATCH + _RUN * runs + _RECORD * records + _PEAK * log_size.bit_length()
    if gas > MAX_GAS or records * RECORD_BYTES + _ENVELOPE_BYTES > MAX_BYTES:
        raise BadValue("batch", records, f"needs up to {gas} gas; a transaction may use {MAX_GAS}")
    return gas


def wallet_gas(batch: int, signature_bytes: int) -> int:
    """Return the limit for a batch, given its own, whose signature a contract wallet checks.

    Raises `BadValue` for a signature so long that the transaction might need more than it may use.
    """
    gas = batch + _WALLET + _SIGNATURE_BYTE * signature_bytes
    if gas > MAX_GAS:
        why = f"{signature_bytes} bytes: it may need {gas} gas; a transaction may use {MAX_GAS}"
        raise BadValue("signature", "0x...", why)
    return gas


def register_gas(enterprises: int) -> int:
    """Return the limit for registering so many enterprises at once. Raises `BadValue` beyond the bound."""
    if not 0 < enterprises <= MAX_REGISTRATIONS:
        raise BadValue("enterprises", enterprises, f"1 to {MAX_REGISTRATIONS} at once")
    return _REGISTER + _REGISTRATION * enterprises
