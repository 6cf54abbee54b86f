"""Reading signed transactions, by py-evm: what stands in them, and who signed."""

from __future__ import annotations

from typing import Any, NamedTuple

from ledger.errors import ChainDamaged


class SignedTransaction(NamedTuple):
    """A signed transaction. `to` is empty for a creation; `gas_price` is `max_fee` where the type has one."""

    hash: bytes
    type: int
    chain_id: int
    nonce: int
    gas_price: int
    tip: int
    gas: int
    to: bytes
    value: int
    data: bytes
    access_list: list[tuple[bytes, list[bytes]]]
    v: int
    r: int
    s: int
    sender: bytes


def read_transaction(raw: bytes) -> SignedTransaction:
    """Decode a signed transaction and recover its sender. Raises `ChainDamaged` if it is none."""
    from ledger.chain.embedded.backend import transaction_builder  # noqa: PLC0415  py-evm takes a second

    try:
        return _read(raw, transaction_builder().decode(raw))
    except Exception as error:  # noqa: BLE001  py-evm's decoders raise of everything
        raise ChainDamaged(f"a transaction cannot be decoded: {error}") from None


def _read(raw: bytes, t: Any) -> SignedTransaction:
    kind = raw[0] if raw[0] < 0x80 else 0
    dynamic = kind > 1
    price = t.max_fee_per_gas if dynamic else t.gas_price
    return SignedTransaction(
        hash=t.hash,
        type=kind,
        chain_id=t.chain_id or 0,
        nonce=t.nonce,
        gas_price=price,
        tip=t.max_priority_fee_per_gas if dynamic else price,
        gas=t.gas,
        to=t.to,
        value=t.value,
        data=t.data,
        access_list=[(a, [s.to_bytes(32, "big") for s in slots]) for a, slots in t.access_list]
        if kind
        else [],
        v=t.y_parity if kind else t.v,
        r=t.r,
        s=t.s,
        sender=t.sender,
    )
