"""Answers to objections by an authority's wallet: shown to its officers, and posted with what they signed.

The text is sealed in the vault when it is shown, as any answer is before its commitment goes to the chain.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ledger.chain.accounts import checked_address
from ledger.chain.connect import check_clock
from ledger.crypto.typed_data import SignedAnswer
from ledger.crypto.wallet_messages import WalletMessage
from ledger.domain.facts import OUTCOMES
from ledger.errors import BadValue
from ledger.outbox.gas import wallet_gas
from ledger.workflows.objecting import (
    ObjectionDict,
    answer_to,
    asked,
    keep_text,
    objection_now,
    outcome_number,
    refuse_answered,
    text_held,
)
from ledger.workflows.sending import CALL_GAS, present, send
from ledger.workflows.wallet_signatures import ToSignDict, taken, to_sign, wallet_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ledger.workflows.office import Office


class ShownAnswerDict(ToSignDict):
    """An answer to be signed. `statement` is what it answers, null where that is not held here."""

    objection: int
    record: str
    statement: str | None
    outcome: str
    answer: str


class AnsweredDict(ObjectionDict):
    """An objection with its answer. `already`: it was answered so before this call."""

    already: bool


def show(  # noqa: PLR0917  the answer's own parts
    office: Office, objection: int, outcome: str, answer: str, wallet: str | None, valid_for: int
) -> ShownAnswerDict:
    """Return what the officers of the authority's wallet are to sign, valid for so many seconds from now.

    Without `wallet` it is the only one the authority has. Nothing is sent; what was shown before may still
    be posted instead. Raises `BadValue`, `NotFound`, `Conflict` (answered already).
    """
    value = outcome_number(outcome)
    office.follower.catch_up()
    about = asked(office, objection)
    refuse_answered(office, objection)
    check_clock(office.node)
    now = present(office)
    wallet = wallet_of(office, about.authority, about.code, wallet, now)
    commitment = keep_text(office, "answer", answer)
    signed = answer_to(office, about, value, commitment, now + valid_for)
    stands = objection_now(office, objection)
    return {
        **to_sign(about.code, wallet, _message(office, signed)),
        "objection": objection,
        "record": stands["record"],
        "statement": stands["statement"],
        "outcome": outcome,
        "answer": answer.strip(),
    }


def post(office: Office, content: object, wallet: str, signatures: Sequence[bytes]) -> AnsweredDict:
    """Post the answer of a message that officers signed, once all of it is seen to hold.

    Posting again what is posted does nothing. Raises `BadValue` (a field differs from the objection's; the
    text is not held here; no wallet of the authority; the deadline has passed), `Forbidden` (the wallet does
    not stand by it), `NotFound`, `Conflict` (answered otherwise meanwhile), `ChainRefused`.
    """
    wallet, found = checked_address("wallet", wallet), WalletMessage.from_json(content)
    said = found.content
    if not isinstance(said, SignedAnswer):
        raise BadValue("primaryType", "RecordBatch", "is a batch: post it by `batch post`")
    if said.outcome not in OUTCOMES:
        raise BadValue("message.outcome", said.outcome, f"one of {', '.join(map(str, OUTCOMES))}")
    office.follower.catch_up()
    about = asked(office, said.objection)
    expected = answer_to(office, about, said.outcome, said.answer, said.deadline)
    already = _answered_so(office, said)
    if already:  # signatures may have been invalidated since, which changes nothing about it
        expected = expected._replace(epoch=said.epoch)
    _message(office, expected).refuse_other(content, f"objection {said.objection}")
    if not already:
        refuse_answered(office, said.objection)
        if text_held(office, said.answer) is None:
            raise BadValue("message.answer", "0x" + said.answer.hex(), "no text is held here under it")
        signature = taken(office, about.authority, found, wallet, signatures)
        call = office.contracts.answer_signed(
            said.objection, said.outcome, said.answer, said.deadline, wallet, signature
        )
        send(office, call, gas=wallet_gas(CALL_GAS, len(signature)))
    return {**objection_now(office, said.objection), "already": already}


# ---------------------------------------------------------------------- inside


def _message(office: Office, answer: SignedAnswer) -> WalletMessage:
    deployment = office.contracts.deployment
    return WalletMessage(deployment.chain_id, deployment.objections, answer)


def _answered_so(office: Office, said: SignedAnswer) -> bool:
    """Whether the objection has this very answer already."""
    stands = objection_now(office, said.objection)
    same = stands["answer_commitment"] == said.answer.hex()
    return same and outcome_number(stands["outcome"]) == said.outcome
