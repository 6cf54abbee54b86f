"""The deployed contracts: where they are, what they say, and the calls that change them.

A `Call` is only an address and bytes; the submitter signs and sends it. Views read at a block (a number or a
tag), so an auditor can ask for the state that belongs to the facts just replayed.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from ledger.chain.abi import decode_result, encode_call
from ledger.crypto import typed_data
from ledger.errors import ChainDamaged, Misconfigured

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ledger.chain.abi import Argument, Value
    from ledger.chain.rpc import Node

#: A block's number, or a tag of the execution API (`latest`, `earliest`).
Block = int | str


@dataclass(frozen=True)
class Deployment:
    """The contracts of one ledger. Addresses are checksummed; no contract has a log before `block`."""

    chain_id: int
    genesis_hash: str
    access_manager: str
    authorities: str
    credit_ledger: str
    score_book: str
    objections: str
    block: int

    @property
    def addresses(self) -> tuple[str, ...]:
        """The contracts whose logs are the ledger's facts."""
        return (self.authorities, self.credit_ledger, self.score_book, self.objections)

    def to_json(self) -> dict[str, Any]:
        """Return what `from_json` reads."""
        return asdict(self)

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> Deployment:
        """Read what `to_json` gave. Raises `Misconfigured`."""
        try:
            return cls(**{name: content[name] for name in cls.__dataclass_fields__})
        except (KeyError, TypeError) as error:
            raise Misconfigured(f"not a deployment: {error}") from None


class Call(NamedTuple):
    """A call to be sent in a transaction. `value` is money given with it, in wei."""

    to: str
    data: bytes
    value: int = 0


def batch_digest(deployment: Deployment, batch: typed_data.SignedBatch) -> bytes:
    """Return the EIP-712 digest an authority's key signs for a batch."""
    contract = bytes.fromhex(deployment.credit_ledger[2:])
    return typed_data.batch_digest(typed_data.batch_domain(deployment.chain_id, contract), batch)


def answer_digest(
    deployment: Deployment, objection: int, outcome: int, answer: bytes, deadline: int
) -> bytes:
    """Return the EIP-712 digest an authority's key signs for an answer (`deadline` in Unix seconds)."""
    contract = bytes.fromhex(deployment.objections[2:])
    domain = typed_data.batch_domain(deployment.chain_id, contract, b"Objections")
    return typed_data.answer_digest(domain, objection, outcome, answer, deadline)


class Contracts:
    """Views and calls of one deployment. Views raise `ChainUnavailable`, `ChainRefused`, `ChainDamaged`."""

    def __init__(self, node: Node, deployment: Deployment) -> None:
        self.node = node
        self.deployment = deployment
        self._at = {
            "AccessManager": deployment.access_manager,
            "Authorities": deployment.authorities,
            "CreditLedger": deployment.credit_ledger,
            "ScoreBook": deployment.score_book,
            "Objections": deployment.objections,
        }

    # ------------------------------------------------------------------ views

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

    def suspended(self, authority: int, block: Block = "latest") -> bool:
        """Whether the authority is suspended."""
        return bool(self._int("Authorities", "suspended", authority, block=block))

    def epoch_count(self, block: Block = "latest") -> int:
        """How many assessments are published: the last epoch."""
        return self._int("ScoreBook", "epochCount", block=block)

    def assessment(self, epoch: int, block: Block = "latest") -> tuple[bytes, int, bytes, int]:
        """(card, as-of day, root, count) of an epoch; all zero if there is none."""
        (card, as_of, root, count), *_ = self._views([("ScoreBook", "assessment", (epoch,))], block)
        return _as_bytes(card), _as_int(as_of), _as_bytes(root), _as_int(count)

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

    # ------------------------------------------------------------------ calls

    def register(self, first_enterprise: int, commitments: Sequence[bytes]) -> Call:
        """Register enterprises from index `first_enterprise`, under their 32-byte identity commitments."""
        return self.call("CreditLedger", "register", first_enterprise, list(commitments))

    def record_signed(  # noqa: PLR0917  the contract's own parameters, in its order
        self, authority: int, first_number: int, deadline: int, key: str, records: bytes, signature: bytes
    ) -> Call:
        """Post a batch signed by `key` over `batch_digest`."""
        types = typed_data.types_of(records)
        return self.call(
            "CreditLedger", "recordSigned", authority, first_number, types, deadline, key, records, signature
        )

    def record(self, authority: int, first_number: int, records: bytes) -> Call:
        """Post a batch whose sender is the authority's key."""
        return self.call("CreditLedger", "record", authority, first_number, records)

    def checkpoint(self) -> Call:
        """Have the log's size and root published in an event."""
        return self.call("CreditLedger", "checkpoint")

    def register_card(self, card: bytes, effective_on: int) -> Call:
        """Register a scorecard's 32-byte hash and the day it takes effect."""
        return self.call("ScoreBook", "registerCard", card, effective_on)

    def publish(self, epoch: int, card: bytes, as_of: int, root: bytes, count: int) -> Call:
        """Publish an assessment run."""
        return self.call("ScoreBook", "publish", epoch, card, as_of, root, count)

    def add_authority(self, code: str, mandate: int, key: str, until: int) -> Call:
        """Add an authority with the next number, its mandate and its first key, valid until `until`."""
        return self.call("Authorities", "addAuthority", code.encode().ljust(32, b"\0"), mandate, key, until)

    def set_mandate(self, authority: int, mandate: int, start: int) -> Call:
        """Change a mandate from the Unix second `start` on."""
        return self.call("Authorities", "setMandate", authority, mandate, start)

    def set_key(self, authority: int, key: str, start: int, until: int) -> Call:
        """Set a key's window [start, until)."""
        return self.call("Authorities", "setKey", authority, key, start, until)

    def declare_compromised(self, authority: int, key: str, start: int) -> Call:
        """Say that a key was in the wrong hands from the Unix second `start` on, no later than now."""
        return self.call("Authorities", "declareCompromised", authority, key, start)

    def set_four_eyes(self, authority: int, required: bool) -> Call:
        """Take an authority's serious records from contract wallets only, or from any of its keys."""
        return self.call("Authorities", "setFourEyes", authority, required)

    def invalidate_signatures(self, authority: int) -> Call:
        """Cancel the authority's unused signatures; one of its keys sends this."""
        return self.call("CreditLedger", "invalidateSignatures", authority)

    def set_suspended(self, authority: int, suspended: bool) -> Call:
        """Suspend an authority, or let it write again."""
        return self.call("Authorities", "setSuspended", authority, suspended)

    def set_enterprise_key(self, enterprise: int, key: str) -> Call:
        """Set the account that speaks for an enterprise; the zero address: none. A registrar's call."""
        return self.call("Objections", "setEnterpriseKey", enterprise, key)

    def set_answer_period(self, days: int, start: int) -> Call:
        """Change the days for an answer, for objections opened from the day `start` on."""
        return self.call("Objections", "setAnswerPeriod", days, start)

    def open_objection(self, enterprise: int, record: int, grounds: bytes, *, for_it: bool = False) -> Call:
        """Object to a record; its key sends this or, `for_it`, a registrar where it has none."""
        return self.call("Objections", "openFor" if for_it else "open", enterprise, record, grounds)

    def answer_objection(self, number: int, outcome: int, answer: bytes) -> Call:
        """Answer an objection (`facts.OUTCOMES`); a key of the authority that made the record sends this."""
        return self.call("Objections", "answer", number, outcome, answer)

    def answer_signed(  # noqa: PLR0917  the contract's own parameters, in its order
        self, number: int, outcome: int, answer: bytes, deadline: int, key: str, signature: bytes
    ) -> Call:
        """Answer an objection by the signature of `key` over `answer_digest`; anyone may send this."""
        return self.call("Objections", "answerSigned", number, outcome, answer, deadline, key, signature)

    def view(self, contract: str, function: str, *arguments: Argument) -> list[Value]:
        """Ask any view of any of the contracts, as of the latest block."""
        return self._views([(contract, function, arguments)], "latest")[0]

    def call(self, contract: str, function: str, *arguments: Argument) -> Call:
        """Return the call of any function of any of the contracts."""
        return Call(self._at[contract], encode_call(contract, function, *arguments))

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
