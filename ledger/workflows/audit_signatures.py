"""The signature of every batch and answer, from the transactions of its block (see `audit.postings`).

A contract wallet is asked by the state of that block, where the node still has it, whether it stood by what
was posted. Where that cannot be told, the audit says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ledger.audit.deviation import NotChecked
from ledger.audit.postings import (
    answer_by,
    answered_by,
    answers_of,
    batches_of,
    by_one_officer,
    offered_for_answer,
    offered_for_batch,
    place_of_answer,
    place_of_batch,
    unanswered,
    unanswered_answer,
)
from ledger.chain.calldata import answers_in, postings_in
from ledger.chain.wallets import accepted, code_of, is_wallet_code
from ledger.crypto.typed_data import batch_domain

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from ledger.audit.authorities import Terms
    from ledger.audit.deviation import Deviation
    from ledger.audit.postings import Answered, LoggedAnswer, LoggedBatch, Offered
    from ledger.chain.contracts import Deployment
    from ledger.chain.rpc import Node
    from ledger.domain.facts import Fact

#: How a key stands behind what it wrote, in the names of the counts.
_HOW: Final[Mapping[Answered | None, str]] = {
    "signed": "signed",
    "sent": "sent_by_their_key",
    None: "of_contract_wallets",
}


class SignatureCheck:
    """Looks at a stretch of blocks at a time. `counts`: batches and answers by how their key stands by it."""

    def __init__(self, node: Node, deployment: Deployment) -> None:
        self._node = node
        self._deployment = deployment
        contract, objections = (
            bytes.fromhex(each[2:]) for each in (deployment.credit_ledger, deployment.objections)
        )
        self._domain = batch_domain(deployment.chain_id, contract)
        self._answers = batch_domain(deployment.chain_id, objections, b"Objections")
        #: What was said of the authorities so far.
        self.terms: dict[int, Terms] = {}
        self._codes: dict[str, str] = {}
        self.counts = {f"{what}_{how}": 0 for what in ("batches", "answers") for how in _HOW.values()}

    def compare(
        self, facts: Collection[Fact], codes: Mapping[int, str], about: Mapping[int, tuple[int, int]]
    ) -> Iterator[Deviation | NotChecked]:
        """Yield the batches and answers that their key does not stand behind, and where that is not known.

        `about` has the enterprise and the record of each objection.
        """
        yield from self._answered(list(answers_of(facts, self.terms, about, codes)))
        yield from self._batches(batches_of(facts, self.terms), codes)

    def _batches(
        self, batches: Iterable[LoggedBatch], codes: Mapping[int, str]
    ) -> Iterator[Deviation | NotChecked]:
        by_block: dict[int, list[LoggedBatch]] = {}
        for batch in batches:
            by_block.setdefault(batch.header.at.block_number, []).append(batch)
        for number, postings in postings_in(self._node, self._deployment, list(by_block)):
            for batch in by_block[number]:
                code, key = codes.get(batch.header.authority, ""), batch.header.key
                answered = answered_by(batch, code, postings, self._domain)
                code_at_key = self._code(key) if answered is None else "0x"
                if answered is None and code_at_key == "0x":
                    yield unanswered(batch, postings, codes)
                    continue
                self.counts[f"batches_{_HOW[answered]}"] += 1
                if answered is None:
                    offered = offered_for_batch(batch, code, postings, self._domain).values()
                    yield from self._by_wallet("batch", place_of_batch(batch, codes), key, number, offered)
                alone = None if is_wallet_code(code_at_key) else by_one_officer(batch, codes)
                if alone is not None:
                    yield alone

    def _answered(self, answers: Iterable[LoggedAnswer]) -> Iterator[Deviation | NotChecked]:
        by_block: dict[int, list[LoggedAnswer]] = {}
        for each in answers:
            by_block.setdefault(each.fact.at.block_number, []).append(each)
        for number, postings in answers_in(self._node, self._deployment, list(by_block)):
            for answer in by_block[number]:
                key, answered = answer.fact.by, answer_by(answer, postings, self._answers)
                if answered is None and self._code(key) == "0x":
                    yield unanswered_answer(answer, postings)
                    continue
                self.counts[f"answers_{_HOW[answered]}"] += 1
                if answered is None:
                    offered = offered_for_answer(answer, postings, self._answers).values()
                    yield from self._by_wallet("answer", place_of_answer(answer), key, number, offered)

    def _by_wallet(
        self, what: str, where: str, key: str, block: int, offered: Iterable[Offered]
    ) -> Iterator[NotChecked]:
        """Yield that nobody here can tell whether a contract wallet stood behind what it is said to."""
        told = [accepted(self._node, key, *each, block) for each in offered]
        if any(told):
            return
        if not told:
            why = "no call in its block has a signature of it: the wallet may have sent it itself"
        elif None in told:
            why = "the node has no state of its block, by which the wallet could be asked"
        else:
            why = "asked by the state of its block, the wallet does not stand by what was posted"
        yield NotChecked(f"{what} of a contract wallet", where, f"{key}: {why}; the contract took it")

    def is_wallet(self, key: str) -> bool:
        """Whether a key is a contract wallet today."""
        return is_wallet_code(self._code(key))

    def _code(self, key: str) -> str:
        """The key's code, asked of the latest block, since nodes may have no older state."""
        if key not in self._codes:
            self._codes[key] = code_of(self._node, key)
        return self._codes[key]
