"""Every batch's signature, from the transactions of its block (see `audit.postings`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ledger.audit.postings import answered_by, batches_of, by_one_officer, unanswered
from ledger.chain.calldata import postings_in
from ledger.chain.wallets import code_of, is_wallet_code
from ledger.crypto.typed_data import batch_domain

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from ledger.audit.authorities import Terms
    from ledger.audit.deviation import Deviation
    from ledger.audit.postings import LoggedBatch
    from ledger.chain.contracts import Deployment
    from ledger.chain.rpc import Node
    from ledger.domain.facts import Fact


class SignatureCheck:
    """Looks at a stretch of blocks at a time. `counts`: batches by how their key answers for them."""

    def __init__(self, node: Node, deployment: Deployment) -> None:
        self._node = node
        self._deployment = deployment
        contract = bytes.fromhex(deployment.credit_ledger[2:])
        self._domain = batch_domain(deployment.chain_id, contract)
        #: What was said of the authorities so far.
        self.terms: dict[int, Terms] = {}
        self._codes: dict[str, str] = {}
        self.counts = {"batches_signed": 0, "batches_sent_by_their_key": 0, "batches_of_contract_wallets": 0}

    def compare(self, facts: Iterable[Fact], codes: Mapping[int, str]) -> Iterator[Deviation]:
        """Yield the batches that their key does not answer for."""
        by_block: dict[int, list[LoggedBatch]] = {}
        for batch in batches_of(facts, self.terms):
            by_block.setdefault(batch.header.at.block_number, []).append(batch)
        for number, postings in postings_in(self._node, self._deployment, list(by_block)):
            for batch in by_block[number]:
                code = codes.get(batch.header.authority, "")
                answered = answered_by(batch, code, postings, self._domain)
                code_at_key = self._code(batch.header.key) if answered is None else "0x"
                if answered == "signed":
                    self.counts["batches_signed"] += 1
                elif answered == "sent":
                    self.counts["batches_sent_by_their_key"] += 1
                elif code_at_key != "0x":
                    self.counts["batches_of_contract_wallets"] += 1
                else:
                    yield unanswered(batch, postings, codes)
                    continue
                alone = None if is_wallet_code(code_at_key) else by_one_officer(batch, codes)
                if alone is not None:
                    yield alone

    def is_wallet(self, key: str) -> bool:
        """Whether a key is a contract wallet today."""
        return is_wallet_code(self._code(key))

    def _code(self, key: str) -> str:
        """The key's code, asked of the latest block, since nodes may have no older state."""
        if key not in self._codes:
            self._codes[key] = code_of(self._node, key)
        return self._codes[key]
