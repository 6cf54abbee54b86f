"""Reading signed transactions: what stands in them, and who signed (EIPs 155, 2718, 2930, 1559, 7702)."""

from __future__ import annotations

from typing import NamedTuple

from ledger.chain.rlp import BadRlpError, Item, decode_list, encode, to_bytes, to_int, to_list
from ledger.crypto.hashing import keccak256
from ledger.errors import ChainDamaged

#: Fields of each type, in order; the signature (v or parity, r, s) follows in every type.
_FIELDS: dict[int, tuple[str, ...]] = {
    0: ("nonce", "gas_price", "gas", "to", "value", "data"),
    1: ("chain_id", "nonce", "gas_price", "gas", "to", "value", "data", "access_list"),
    2: ("chain_id", "nonce", "tip", "max_fee", "gas", "to", "value", "data", "access_list"),
    4: ("chain_id", "nonce", "tip", "max_fee", "gas", "to", "value", "data", "access_list", "authorizations"),
}


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
    try:
        return _read(raw)
    except (BadRlpError, ValueError, KeyError, IndexError) as error:
        raise ChainDamaged(f"a transaction cannot be decoded: {error}") from None


def _read(raw: bytes) -> SignedTransaction:
    kind = raw[0] if raw[0] < 0x80 else 0
    names = _FIELDS[kind]
    items = to_list(decode_list(raw[1:] if kind else raw), len(names) + 3)
    field = dict(zip(names, items, strict=False))
    v, r, s = map(to_int, items[-3:])
    chain_id = to_int(field["chain_id"]) if kind else max((v - 35) // 2, 0)
    price = to_int(field["max_fee" if "max_fee" in field else "gas_price"])
    return SignedTransaction(
        hash=keccak256(raw),
        type=kind,
        chain_id=chain_id,
        nonce=to_int(field["nonce"]),
        gas_price=price,
        tip=to_int(field["tip"]) if "tip" in field else price,
        gas=to_int(field["gas"]),
        to=to_bytes(field["to"]),
        value=to_int(field["value"]),
        data=to_bytes(field["data"]),
        access_list=[_access(entry) for entry in to_list(field.get("access_list", []))],
        v=v,
        r=r,
        s=s,
        sender=_sender(kind, items, chain_id, v),
    )


def _access(entry: Item) -> tuple[bytes, list[bytes]]:
    address, slots = to_list(entry, 2)
    return to_bytes(address, 20), [to_bytes(slot, 32) for slot in to_list(slots)]


def _sender(kind: int, items: list[Item], chain_id: int, v: int) -> bytes:
    from coincurve import PublicKey  # noqa: PLC0415  only where someone asks for a sender

    unsigned: list[Item] = items[:-3]
    if kind:
        digest, parity = keccak256(bytes((kind,)) + encode(unsigned)), v
    elif chain_id:
        signed = encode([*unsigned, chain_id, b"", b""])
        digest, parity = keccak256(signed), v - 35 - 2 * chain_id
    else:
        digest, parity = keccak256(encode(unsigned)), v - 27
    signature = b"".join(to_bytes(part).rjust(32, b"\0") for part in items[-2:]) + bytes((parity,))
    public = PublicKey.from_signature_and_message(signature, digest, hasher=None)
    return keccak256(public.format(compressed=False)[1:])[12:]
