"""What the deployed contracts say.

Views read at a block (a number or a tag), so an auditor can ask for the state that belongs to the facts just
replayed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ledger.chain.abi import decode_result, encode_call
from ledger.errors import ChainDamaged

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ledger.chain.abi import Argument, Value
    from ledger.chain.contracts import Deployment
    from ledger.chain.rpc import Node

#: A block's number, or a tag of the execution API (`latest`, `earliest`).
Block = int | str


class Views:
    """What one deployment says. Views raise `ChainUnavailable`, `ChainRefused`, `ChainDamaged`."""

    def __init__(self, node: Node, deployment: Deployment) -> None:
        self.node = node
        self.deployment = deployment
        self._at = deployment.contracts

    def address(self, contract: str) -> str:
        """Where a contract of the deployment is, by its name."""
        return self._at[contract]

    def views(
        self, wanted: Sequence[tuple[str, str, tuple[Argument, ...]]], block: Block = "latest"
    ) -> list[list[Value]]:
        """Ask several views, `(contract, function, arguments)`, in one batch of calls."""
        return self._views(wanted, block)

    def record_count(self, authority: int, block: Block = "latest") -> int:
        """How many records the authority has written: its last number."""
        return self._int("CreditLedger", "recordCount", authority, block=block)

    def enterprise_count(self, block: Block = "latest") -> int:
        """How many enterprises are registered: the last index."""
        return self._int("CreditLedger", "enterpriseCount", block=block)

    def head(self, enterprise: int, block: Block = "latest") -> bytes:
        """The enterprise's head, 32 bytes; zero if it is not registered."""
        return self._bytes("CreditLedger", "head", enterprise, block=block)

    def heads(self, enterprises: Sequence[int], block: Block = "latest") -> list[bytes]:
        """The heads of several enterprises, in one batch of calls."""
        results = self._views([("CreditLedger", "head", (e,)) for e in enterprises], block)
        return [_as_bytes(result[0]) for result in results]

    def log_size(self, block: Block = "latest") -> int:
        """How many leaves the log has."""
        return self._int("CreditLedger", "logSize", block=block)

    def root(self, block: Block = "latest") -> bytes:
        """The RFC 6962 root of the log, 32 bytes."""
        return self._bytes("CreditLedger", "root", block=block)

    def authority_count(self, block: Block = "latest") -> int:
        """How many authorities there are: the last number."""
        return self._int("Authorities", "authorityCount", block=block)

    def mandate_now(self, authority: int, block: Block = "latest") -> int:
        """The mandate in force at the block's time (u256, bit t: may write type t)."""
        return self._int("Authorities", "mandateNow", authority, block=block)

    def key_window(self, authority: int, key: str, block: Block = "latest") -> tuple[int, int]:
        """The window [from, until) in Unix seconds in which the key may write; (0, 0) if it never may."""
        (start, until), *_ = self._views([("Authorities", "keyWindow", (authority, key))], block)
        return _as_int(start), _as_int(until)

    def compromised_from(self, authority: int, key: str, block: Block = "latest") -> int:
        """Since when (Unix seconds) the key counts as compromised; 0 if it was not declared so."""
        return self._int("Authorities", "compromisedFrom", authority, key, block=block)

    def four_eyes(self, authority: int, block: Block = "latest") -> bool:
        """Whether the authority's serious records are taken from contract wallets only."""
        return bool(self._int("Authorities", "fourEyes", authority, block=block))

    def signature_epoch(self, authority: int, block: Block = "latest") -> int:
        """The epoch that the authority's signatures name."""
        return self._int("CreditLedger", "signatureEpoch", authority, block=block)

    def weighty_now(self, authority: int, block: Block = "latest") -> int:
        """The weighty types of the mandate in force (bit t for type t), whether or not four eyes are on."""
        return self._int("Authorities", "weightyNow", authority, block=block)

    def needs_wallet(self, authority: int, block: Block = "latest") -> int:
        """The types that only a contract wallet may write for the authority: none while four eyes are off."""
        return self.weighty_now(authority, block) if self.four_eyes(authority, block) else 0

    def suspended(self, authority: int, block: Block = "latest") -> bool:
        """Whether the authority is suspended."""
        return bool(self._int("Authorities", "suspended", authority, block=block))

    def epoch_count(self, block: Block = "latest") -> int:
        """How many assessments are published: the last epoch."""
        return self._int("ScoreBook", "epochCount", block=block)

    def assessment(
        self, epoch: int, block: Block = "latest"
    ) -> tuple[bytes, int, bytes, int, int, int, bytes]:
        """(card, as-of day, root, count, block, log size, heads root) of an epoch; zeros if there is none."""
        found, *_ = self._views([("ScoreBook", "assessment", (epoch,))], block)
        card, as_of, root, count, at_block, log_size, heads = found
        return (
            _as_bytes(card),
            _as_int(as_of),
            _as_bytes(root),
            _as_int(count),
            _as_int(at_block),
            _as_int(log_size),
            _as_bytes(heads),
        )

    def card_effective_on(self, card: bytes, block: Block = "latest") -> int:
        """The day from which a card may be used; 0 if it is not registered."""
        return self._int("ScoreBook", "cardEffectiveOn", card, block=block)

    def objection_count(self, block: Block = "latest") -> int:
        """How many objections were opened: the last number."""
        return self._int("Objections", "objectionCount", block=block)

    def objection(self, number: int, block: Block = "latest") -> tuple[int, int, int, int, int]:
        """(enterprise, record, day opened, last day for an answer, outcome); all zero if there is none."""
        values, *_ = self._views([("Objections", "objectionAt", (number,))], block)
        enterprise, record, opened_on, due_on, outcome = map(_as_int, values)
        return enterprise, record, opened_on, due_on, outcome

    def overdue(self, number: int, block: Block = "latest") -> bool:
        """Whether an objection has no answer though its last day has passed."""
        return bool(self._int("Objections", "overdue", number, block=block))

    def answer_period(self, block: Block = "latest") -> int:
        """Days within which an objection opened at the block's time is to be answered."""
        return self._int("Objections", "answerPeriod", block=block)

    def view(self, contract: str, function: str, *arguments: Argument) -> list[Value]:
        """Ask any view of any of the contracts, as of the latest block."""
        return self._views([(contract, function, arguments)], "latest")[0]

    # ------------------------------------------------------------------ inside

    def _int(self, contract: str, function: str, *arguments: Argument, block: Block) -> int:
        return _as_int(self._views([(contract, function, arguments)], block)[0][0])

    def _bytes(self, contract: str, function: str, *arguments: Argument, block: Block) -> bytes:
        return _as_bytes(self._views([(contract, function, arguments)], block)[0][0])

    def _views(
        self, wanted: Sequence[tuple[str, str, tuple[Argument, ...]]], block: Block
    ) -> list[list[Value]]:
        at = block if isinstance(block, str) else hex(block)
        calls = [
            ("eth_call", {"to": self._at[c], "data": "0x" + encode_call(c, f, *arguments).hex()}, at)
            for c, f, arguments in wanted
        ]
        answers = self.node.requests(calls)
        return [
            decode_result(contract, function, _raw(answer, contract, function))
            for (contract, function, _), answer in zip(wanted, answers, strict=True)
        ]


def _raw(answer: Any, contract: str, function: str) -> bytes:
    if not isinstance(answer, str) or len(answer) <= 2:
        raise ChainDamaged(f"{contract}.{function} returned nothing: is the contract there?")
    return bytes.fromhex(answer[2:])


def _as_int(value: Value) -> int:
    assert isinstance(value, int)
    return value


def _as_bytes(value: Value) -> bytes:
    assert isinstance(value, bytes)
    return value
