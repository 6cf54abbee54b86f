"""Calls of `record` and `recordSigned` in the transactions of a block, as a reader finds them.

A relayer may post through a contract of its own (a multicall, an account of ERC-4337), whose call data then
holds the call somewhere inside; so the selector of `recordSigned` is looked for anywhere. A wrong find does
no harm: what is there is no signature. A sender counts only where the transaction goes to the ledger itself.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final

from ledger.audit.postings import Posting
from ledger.chain.abi import selector

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from ledger.chain.contracts import Deployment
    from ledger.chain.rpc import Node

#: Blocks asked for at once: with their transactions they are large.
_BLOCKS: Final = 20
#: authority, firstNumber, deadline, key, and where records and signature begin.
_HEAD: Final = 6 * 32
_LONGEST_SIGNATURE: Final = 4096
_U64: Final = 2**64


def postings_in(
    node: Node, deployment: Deployment, blocks: Sequence[int]
) -> Iterator[tuple[int, list[Posting]]]:
    """Yield each block's number and the calls in its transactions. A block that is not there has none."""
    ledger = deployment.credit_ledger.lower()
    for start in range(0, len(blocks), _BLOCKS):
        asked = blocks[start : start + _BLOCKS]
        answers = node.requests([("eth_getBlockByNumber", hex(number), True) for number in asked])
        for number, block in zip(asked, answers, strict=True):
            yield number, list(_postings(block["transactions"] if block else (), ledger))


def _postings(transactions: Iterable[Mapping[str, Any]], ledger: str) -> Iterator[Posting]:
    direct, relayed = _selectors()
    for each in transactions:
        data = bytes.fromhex(each["input"][2:])
        if data[:4] == direct and str(each["to"]).lower() == ledger and len(data) >= 4 + 64:
            authority, first_number = _words(data[4:68])
            yield Posting(authority, first_number, sender=str(each["from"]).lower())
        at = data.find(relayed)
        while at >= 0:
            found = _relayed(data[at + 4 :])
            if found is not None:
                yield found
            at = data.find(relayed, at + 1)


def _relayed(arguments: bytes) -> Posting | None:
    if len(arguments) < _HEAD:
        return None
    authority, first_number, deadline, _key, _records, at = _words(arguments[:_HEAD])
    if deadline >= _U64 or at + 32 > len(arguments):
        return None
    length = int.from_bytes(arguments[at : at + 32], "big")
    if length > _LONGEST_SIGNATURE or at + 32 + length > len(arguments):
        return None
    return Posting(
        authority, first_number, deadline=deadline, signature=arguments[at + 32 : at + 32 + length]
    )


def _words(data: bytes) -> list[int]:
    return [int.from_bytes(data[at : at + 32], "big") for at in range(0, len(data), 32)]


@cache
def _selectors() -> tuple[bytes, bytes]:
    return selector("CreditLedger", "record"), selector("CreditLedger", "recordSigned")
