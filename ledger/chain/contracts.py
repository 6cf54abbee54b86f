"""The deployed contracts: where they are, and the calls that change them; what they say is in `views`.

A `Call` is only an address and bytes; the submitter signs and sends it.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from ledger.chain.abi import CONTRACTS, encode_call
from ledger.chain.views import Views
from ledger.crypto import typed_data
from ledger.errors import Misconfigured

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ledger.chain.abi import Argument


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
    keeper: str
    block: int
    #: Of the artifacts it was deployed from (`versions`).
    version: str = ""

    @property
    def contracts(self) -> dict[str, str]:
        """Where each contract is, by its name: all of `abi.CONTRACTS`."""
        return {name: getattr(self, field_of(name)) for name in CONTRACTS}

    @property
    def addresses(self) -> tuple[str, ...]:
        """The contracts whose logs are the ledger's facts."""
        return tuple(self.contracts.values())

    def to_json(self) -> dict[str, Any]:
        """Return what `from_json` reads."""
        return asdict(self)

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> Deployment:
        """Read what `to_json` gave. Raises `Misconfigured`."""
        try:
            given = {name: content[name] for name in cls.__dataclass_fields__}
        except (KeyError, TypeError) as error:
            raise Misconfigured(f"not a deployment: {error}") from None
        for name, value in given.items():
            if not _fits(name, value):
                raise Misconfigured(f"not a deployment: {name}: {str(value)[:80]!r}")
        return cls(**given)


def _fits(field: str, value: object) -> bool:
    """Whether a field of a deployment can have such a value."""
    if field in {"chain_id", "block"}:
        return type(value) is int and 0 <= value < 1 << 63
    if field == "version":
        return isinstance(value, str)
    digits = 64 if field == "genesis_hash" else 40
    return isinstance(value, str) and re.fullmatch(rf"0x[0-9a-fA-F]{{{digits}}}", value) is not None


def field_of(contract: str) -> str:
    """Return the field of `Deployment` that has a contract's address: `credit_ledger` for `CreditLedger`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", contract).lower()


class Call(NamedTuple):
    """A call to be sent in a transaction. `value` is money given with it, in wei."""

    to: str
    data: bytes
    value: int = 0


def batch_digest(deployment: Deployment, batch: typed_data.SignedBatch) -> bytes:
    """Return the EIP-712 digest an authority's key signs for a batch."""
    contract = bytes.fromhex(deployment.credit_ledger[2:])
    return typed_data.batch_digest(typed_data.batch_domain(deployment.chain_id, contract), batch)


def answer_digest(deployment: Deployment, answer: typed_data.SignedAnswer) -> bytes:
    """Return the EIP-712 digest an authority's key signs for the answer to an objection."""
    contract = bytes.fromhex(deployment.objections[2:])
    domain = typed_data.batch_domain(deployment.chain_id, contract, b"Objections")
    return typed_data.answer_digest(domain, answer)


class Contracts(Views):
    """Views and calls of one deployment."""

    def register(self, first_enterprise: int, commitments: Sequence[bytes]) -> Call:
        """Register enterprises from index `first_enterprise`, under their 32-byte identity commitments."""
        return self.call("CreditLedger", "register", first_enterprise, list(commitments))

    def record_signed(  # noqa: PLR0917  the contract's own parameters, in its order
        self, authority: int, first_number: int, deadline: int, key: str, records: bytes, signature: bytes
    ) -> Call:
        """Post a batch signed by `key` over `batch_digest`."""
        return self.call(
            "CreditLedger", "recordSigned", authority, first_number, deadline, key, records, signature
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

    def publish(  # noqa: PLR0917  the contract's own parameters, in its order
        self,
        epoch: int,
        card: bytes,
        as_of: int,
        root: bytes,
        count: int,
        block: int,
        log_size: int,
        heads_root: bytes,
    ) -> Call:
        """Publish an assessment run, made from the records at the end of `block`."""
        return self.call("ScoreBook", "publish", epoch, card, as_of, root, count, block, log_size, heads_root)

    def add_authority(self, code: str, mandate: int, weighty: int, key: str, until: int) -> Call:
        """Add an authority with the next number, its mandate and its first key, valid until `until`."""
        name = code.encode().ljust(32, b"\0")
        return self.call("Authorities", "addAuthority", name, mandate, weighty, key, until)

    def set_mandate(self, authority: int, mandate: int, weighty: int, start: int) -> Call:
        """Change a mandate, and which of its types are weighty, from the Unix second `start` on."""
        return self.call("Authorities", "setMandate", authority, mandate, weighty, start)

    def set_key(self, authority: int, key: str, start: int, until: int) -> Call:
        """Set a key's window [start, until)."""
        return self.call("Authorities", "setKey", authority, key, start, until)

    def declare_compromised(self, authority: int, key: str, start: int) -> Call:
        """Say that a key was in the wrong hands from the Unix second `start` on, no later than now."""
        return self.call("Authorities", "declareCompromised", authority, key, start)

    def set_four_eyes(self, authority: int, required: bool) -> Call:
        """Take an authority's weighty records from contract wallets only, or from any of its keys."""
        return self.call("Authorities", "setFourEyes", authority, required)

    def invalidate_signatures(self, authority: int) -> Call:
        """Cancel the authority's unused signatures; one of its keys sends this."""
        return self.call("CreditLedger", "invalidateSignatures", authority)

    def set_suspended(self, authority: int, suspended: bool) -> Call:
        """Suspend an authority, or let it write again."""
        return self.call("Authorities", "setSuspended", authority, suspended)

    def grant_role(self, role: int, account: str) -> Call:
        """Give an account a working role of the access manager; whoever governs does so under its delay."""
        return self.call("Keeper", "grant", role, account)

    def revoke_role(self, role: int, account: str) -> Call:
        """Take a working role of the access manager from an account."""
        return self.call("Keeper", "revoke", role, account)

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

    def call(self, contract: str, function: str, *arguments: Argument) -> Call:
        """Return the call of any function of any of the contracts."""
        return Call(self._at[contract], encode_call(contract, function, *arguments))
