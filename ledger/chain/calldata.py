"""Calls that record batches or answer objections in the transactions of a block, as a reader finds them.

A relayer may post through a contract of its own (a multicall, an account of ERC-4337), whose call data then
holds the call somewhere inside; so the selector of a signed call is looked for anywhere. A wrong find does
no harm: what is there is no signature. A sender counts only where the transaction goes to the ledger itself.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final

from ledger.audit.postings import AnswerPosting, Posting
from ledger.chain.abi import selector

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ledger.chain.contracts import Deployment
    from ledger.chain.rpc import Node

    _Transactions = Sequence[Mapping[str, Any]]

#: Blocks asked for at once: with their transactions they are large.
_BLOCKS: Final = 20
#: Of both signed calls: six words, the last of which says where the signature begins.
_HEAD: Final = 6 * 32
_LONGEST_SIGNATURE: Final = 4096
_U64: Final = 2**64


def postings_in(
    node: Node, deployment: Deployment, blocks: Sequence[int]
) -> Iterator[tuple[int, list[Posting]]]:
    """Yield each block's number and its calls that record. A block that is not there has none."""
    calls = _Calls("CreditLedger", deployment.credit_ledger, ("record", "recordSigned"))
    for number, transactions in _transactions(node, blocks):
        found: list[Posting] = []
        for sender, arguments in calls.direct(transactions, words=2):
            authority, first_number = arguments
            found.append(Posting(authority, first_number, sender=sender))
        for (authority, first_number, deadline, _key, _records, _), signature in calls.signed(transactions):
            if deadline < _U64:
                found.append(Posting(authority, first_number, deadline=deadline, signature=signature))
        yield number, found


def answers_in(
    node: Node, deployment: Deployment, blocks: Sequence[int]
) -> Iterator[tuple[int, list[AnswerPosting]]]:
    """Yield each block's number and its calls that answer an objection, likewise."""
    calls = _Calls("Objections", deployment.objections, ("answer", "answerSigned"))
    for number, transactions in _transactions(node, blocks):
        found: list[AnswerPosting] = []
        for sender, (objection, outcome, answer) in calls.direct(transactions, words=3):
            found.append(AnswerPosting(objection, outcome, answer.to_bytes(32, "big"), sender=sender))
        for (objection, outcome, answer, deadline, _key, _), signature in calls.signed(transactions):
            if deadline < _U64:
                said = (objection, outcome, answer.to_bytes(32, "big"))
                found.append(AnswerPosting(*said, deadline=deadline, signature=signature))
        yield number, found


class _Calls:
    """Finds the two calls of a contract that do one thing: by its sender's own right, and by a signature."""

    def __init__(self, contract: str, address: str, functions: tuple[str, str]) -> None:
        self._address = address.lower()
        self._direct, self._signed = (_selector(contract, each) for each in functions)

    def direct(self, transactions: _Transactions, words: int) -> Iterator[tuple[str, list[int]]]:
        """Yield sender and first arguments of what goes to the contract itself."""
        for each in transactions:
            data, end = bytes.fromhex(each["input"][2:]), 4 + 32 * words
            if data[:4] == self._direct and str(each["to"]).lower() == self._address and len(data) >= end:
                yield str(each["from"]).lower(), _words(data[4:end])

    def signed(self, transactions: _Transactions) -> Iterator[tuple[list[int], bytes]]:
        """Yield the six words and the signature of what may be such a call, anywhere."""
        for each in transactions:
            data = bytes.fromhex(each["input"][2:])
            at = data.find(self._signed)
            while at >= 0:
                found = _arguments(data[at + 4 :])
                if found is not None:
                    yield found
                at = data.find(self._signed, at + 1)


def _transactions(node: Node, blocks: Sequence[int]) -> Iterator[tuple[int, _Transactions]]:
    for start in range(0, len(blocks), _BLOCKS):
        asked = blocks[start : start + _BLOCKS]
        answers = node.requests([("eth_getBlockByNumber", hex(number), True) for number in asked])
        for number, block in zip(asked, answers, strict=True):
            yield number, block["transactions"] if block else ()


def _arguments(data: bytes) -> tuple[list[int], bytes] | None:
    if len(data) < _HEAD:
        return None
    head = _words(data[:_HEAD])
    at = head[-1]
    if at + 32 > len(data):
        return None
    length = int.from_bytes(data[at : at + 32], "big")
    if length > _LONGEST_SIGNATURE or at + 32 + length > len(data):
        return None
    return head, data[at + 32 : at + 32 + length]


def _words(data: bytes) -> list[int]:
    return [int.from_bytes(data[at : at + 32], "big") for at in range(0, len(data), 32)]


@cache
def _selector(contract: str, function: str) -> bytes:
    return selector(contract, function)
