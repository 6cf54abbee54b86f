"""Records posted straight to the contract, past the vault: how the bench fills a chain."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence

from bench.installation import AUTHORITY
from ledger.bootstrap import Ledger
from ledger.chain.contracts import Call, batch_digest
from ledger.chain.keystore import authority_key
from ledger.chain.submitter import Receipt, Submitter
from ledger.crypto.typed_data import signed_batch
from ledger.domain.records import Record, pack_run
from ledger.outbox.gas import MAX_REGISTRATIONS, batch_gas, register_gas

KINDS = (1, 4, 6, 8)


class Poster:
    """Posts batches of `AUTHORITY`, by its own transactions (direct) or signed and relayed by the operator."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._key = authority_key(AUTHORITY)
        self._number = ledger.authorities[AUTHORITY].number
        self._severities = {each.number: each.severity for each in ledger.catalogue.types}
        self._relayer = Submitter(ledger.node, ledger.keystore, "operator")
        self._direct = Submitter(ledger.node, ledger.keystore, self._key)
        self._next = ledger.contracts.record_count(self._number) + 1
        self._today = ledger.today()

    def register(self, many: int) -> None:
        """Register enterprises until there are `many`."""
        at = self._ledger.contracts.enterprise_count()
        while at < many:
            upto = min(many, at + MAX_REGISTRATIONS)
            commitments = [os.urandom(32) for _ in range(at, upto)]
            self._relayer.execute(
                self._ledger.contracts.register(at + 1, commitments), register_gas(upto - at)
            )
            at = upto

    def records(self, enterprises: Sequence[int]) -> bytes:
        """Packed records, one of each enterprise named, which may come again."""
        packed = []
        for at, enterprise in enumerate(sorted(enterprises)):
            kind, day = KINDS[at % len(KINDS)], self._today - 1 - at % 600
            packed.append(Record(enterprise, kind, self._severities[kind], day, day, 0, os.urandom(32)))
        return pack_run(packed)

    def direct(self, records: bytes) -> Receipt:
        """Post from the authority's own address."""
        call = self._ledger.contracts.record(self._number, self._take(records), records)
        return self._direct.execute(call, self._gas(records))

    def signed(self, records: bytes) -> Receipt:
        """Post through the relayer, under the authority's signature."""
        return self._relayer.execute(self._signed_call(records), self._gas(records))

    def fill(self, batches: Iterator[bytes], in_flight: int = 8) -> None:
        """Post many batches, several on their way at once."""
        waiting = []
        for records in batches:
            waiting.append(self._relayer.submit(self._signed_call(records), self._gas(records)))
            if len(waiting) == in_flight:
                self._relayer.wait(waiting)
                waiting = []
        self._relayer.wait(waiting)

    def _signed_call(self, records: bytes) -> Call:
        first, deadline = self._take(records), int(time.time()) + 7200
        ledger, key = self._ledger, self._ledger.keystore.address(self._key)
        digest = batch_digest(ledger.deployment, signed_batch(AUTHORITY, first, records, deadline))
        signature = ledger.keystore.sign_batch(self._key, digest)
        return ledger.contracts.record_signed(self._number, first, deadline, key, records, signature)

    def _take(self, records: bytes) -> int:
        first, self._next = self._next, self._next + len(records) // 64
        return first

    def _gas(self, records: bytes) -> int:
        runs = len({records[at : at + 8] for at in range(0, len(records), 64)})
        return batch_gas(len(records) // 64, runs, 1 << 20)
