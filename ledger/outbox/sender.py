"""Bringing to the chain what was accepted: register enterprises, seal batches, sign, relay, confirm.

Every step asks the chain where it stands and does what is missing, so that a crash at any line, a lost
answer or a reorganisation needs no other code than the next call: an enterprise's index and a batch's first
number let the contract take each of them once. One authority's trouble (no key here, suspended, refused)
stops its batches alone.
"""

from __future__ import annotations

import time
from itertools import takewhile
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import select

from ledger.chain.authority_keys import writing_key
from ledger.chain.connect import check_clock
from ledger.chain.contracts import batch_digest
from ledger.chain.submitter import Reverted, Submitter
from ledger.crypto.typed_data import signed_batch
from ledger.domain.catalogue import default_authorities
from ledger.errors import ChainRefused, Conflict, Forbidden, LedgerError
from ledger.outbox import sealing, sightings, undone
from ledger.outbox.gas import MAX_RECORDS, batch_gas
from ledger.outbox.registering import PATIENCE, PAUSE, known_upto, register_all
from ledger.outbox.sightings import compare_batches, forget_orphans, saw_receipt
from ledger.store.index import authorities

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ledger.chain.contracts import Call, Contracts
    from ledger.chain.keystore import Keystore
    from ledger.chain.submitter import Receipt
    from ledger.outbox.sealing import Batch
    from ledger.store.database import Database

#: Seconds for which a signature may be used.
SIGNED_FOR = 3600
#: Batches sealed in one vault transaction.
_SEALED_AT_ONCE = 16


class Status(NamedTuple):
    """Records by how far they are: waiting for a number, numbered and not on the chain, on the chain."""

    queued: int
    sealed: int
    recorded: int


class Sender:
    """Sends what the outbox holds. Across processes one drains at a time; any number may accept meanwhile.

    `operator` is the key that relays and registers. `batch_size` is in records, `in_flight` in transactions.
    """

    def __init__(
        self,
        database: Database,
        contracts: Contracts,
        keystore: Keystore,
        *,
        operator: str = "operator",
        batch_size: int = 200,
        in_flight: int = 4,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._database = database
        self._contracts = contracts
        self._keystore = keystore
        self._operator = operator
        self._submitter = Submitter(contracts.node, keystore, operator)
        self._batch_size = min(batch_size, MAX_RECORDS)
        self._in_flight = in_flight
        self._clock = clock
        self._undone: list[undone.Open] = []
        #: What stopped an authority's batches in the last drain, by authority number.
        self.problems: dict[int, LedgerError] = {}

    def drain(
        self,
        on_progress: Callable[[int], None] | None = None,
        *,
        authority: int | None = None,
        wait: float = 60.0,
    ) -> int:
        """Send what is queued or sealed, of one authority or of all; return how many records it recorded.

        `on_progress` is told the records so far. Once all authorities had their turn, the first problem that
        stopped one is raised: `Conflict`, `Forbidden` (suspended, or its key not valid), `Misconfigured` (no
        key here), `ChainRefused`. `Busy` when another process drains for longer than `wait` seconds;
        `ChainUnavailable` at once.
        """
        with self._database.lock("sender", timeout=wait):
            problems: dict[int, LedgerError] = {}
            # Another process may have sent with this key since; only the holder of the lock knows the next
            # nonce.
            self._submitter = Submitter(self._contracts.node, self._keystore, self._operator)
            forget_orphans(self._database, self._contracts.node)
            self._undone = undone.settle(self._database, self._contracts)
            registered = self._known(problems)
            recorded = 0
            for number in self._busy_authorities(authority):
                try:
                    for many in self._drain_authority(number, registered):
                        recorded += many
                        if on_progress:
                            on_progress(recorded)
                except LedgerError as error:
                    if error.retry_helps:
                        raise
                    problems[number] = error
            self.problems = problems
        for problem in problems.values():
            raise problem
        return recorded

    def status(self) -> Status:
        """Count the records of all authorities by how far they are."""
        with self._database.read_vault() as vault:
            queued = sum(sealing.queued_by_authority(vault).values())
            sealed = sealing.sealed_by_authority(vault)
        recorded = {
            number: min(last, self._contracts.record_count(number)) for number, last in sealed.items()
        }
        done = sum(recorded.values())
        return Status(queued, sum(sealed.values()) - done, done)

    # ---------------------------------------------------------------------- enterprises

    def _known(self, problems: dict[int, LedgerError]) -> int:
        """Register what can be; return up to which number the chain's enterprises are this vault's too.

        Where they went apart, what is about those known before goes on all the same.
        """
        try:
            return self._register()
        except Conflict as error:
            problems[0] = error
            with self._database.read_vault() as vault:
                return known_upto(vault)

    # ---------------------------------------------------------------------- batches

    def _busy_authorities(self, only: int | None) -> list[int]:
        with self._database.read_vault() as vault:
            known = sealing.queued_by_authority(vault).keys() | sealing.sealed_by_authority(vault).keys()
        return sorted(known if only is None else known & {only})

    def _drain_authority(self, authority: int, registered: int) -> Iterator[int]:
        """Send an authority's batches about the enterprises up to `registered`.

        Yields how many records each step found or brought on the chain.
        """
        node, where = self._contracts.node, self._contracts.deployment
        tries = 0
        while True:
            recorded = self._contracts.record_count(authority)
            seen = compare_batches(self._database, node, where, authority, recorded)
            if seen:
                yield seen
            sending = self._next(authority, recorded, registered)
            if not sending:
                return
            try:
                receipts = self._send(self._signed(sending))
            except ChainRefused as error:
                # Those before the refused one may be recorded, and a second copy of one of ours is refused
                # too.
                if self._contracts.record_count(authority) > recorded:
                    continue
                if tries < PATIENCE and self._may_pass(error):
                    tries += 1
                    continue
                raise self._explained(authority, error) from error
            with self._database.write_vault() as vault:
                for batch, receipt in zip(sending, receipts, strict=True):
                    saw_receipt(vault, batch, receipt)
            yield sum(each.count for each in sending)

    def _may_pass(self, error: ChainRefused) -> bool:
        """Whether a batch was refused for what is no fault of its records; then what can be done is done.

        A reorganisation took the registration of its enterprises back, or another process used the same key
        for a transaction of the same number.
        """
        if not isinstance(error, Reverted):
            time.sleep(PAUSE)
            return True
        if not (error.name or "").startswith("UnknownEnterprise"):
            return False
        self._register()
        return True

    def _next(self, authority: int, recorded: int, registered: int) -> list[Batch]:
        """The batches to send now, sealing more if all that were sealed are on the chain.

        With four eyes on, what is weighty waits, and what is numbered behind it (see `wallet_batches`).
        """
        heavy = self._contracts.needs_wallet(authority)
        with self._database.read_vault() as vault:
            last = sealing.last_batch(vault, authority)
            sending = sealing.unsent(vault, authority, recorded, self._in_flight)
            sealable = not sending and authority in sealing.queued_by_authority(vault)
        first = sending[0].first_number if sending else recorded + 1
        if first != recorded + 1 or recorded > (last.last_number if last else 0):
            suspect = sending[0] if sending else last
            node, where = self._contracts.node, self._contracts.deployment
            if suspect and sightings.changed_here(node, where, suspect):
                raise Conflict(sightings.changed(self._code(authority), suspect))
            raise Conflict(
                f"the chain has {recorded} records of {self._code(authority)}, not as this vault sealed them:"
                " another office writes with its key, or this vault is an old copy."
                " `credit-ledger repair` takes them up"
            )
        if sending or sealable:
            undone.refuse_held(self._undone, authority, self._code(authority))
        if sealable:
            # A record numbered before its day would be in the way until then.
            check_clock(self._contracts.node)
            block, now = sightings.height(self._contracts.node), int(self._clock())
            with self._database.write_vault() as vault:
                upto = sealing.sealable(vault, authority, registered)
                only = ~heavy if heavy else None
                size, many = self._batch_size, _SEALED_AT_ONCE
                sealing.seal(vault, authority, size, many, now=now, block=block, upto=upto, only=only)
                sending = sealing.unsent(vault, authority, recorded, self._in_flight)
        if heavy:
            sending = list(takewhile(lambda each: not each.holds(heavy), sending))
        # A batch sealed before the chain gave its firms' numbers to others would be about the others.
        return list(takewhile(lambda each: each.last_enterprise <= registered, sending))

    def _signed(self, sending: Sequence[Batch]) -> list[tuple[Call, int]]:
        """The calls that post these batches, signed by the authority's key, with their gas."""
        check_clock(self._contracts.node)
        code = self._code(sending[0].authority)
        now = self._present()
        name = writing_key(self._contracts, self._keystore, sending[0].authority, code, now)
        key = self._keystore.address(name)
        deadline = now + SIGNED_FOR
        epoch = self._contracts.signature_epoch(sending[0].authority)
        leaves = self._contracts.log_size()
        calls = []
        for each in sending:
            batch = signed_batch(code, each.first_number, each.records, deadline, epoch)
            digest = batch_digest(self._contracts.deployment, batch)
            signature = self._keystore.sign_batch(name, digest)
            call = self._contracts.record_signed(
                each.authority, each.first_number, deadline, key, each.records, signature
            )
            runs = each.runs
            leaves += runs
            calls.append((call, batch_gas(each.count, runs, leaves)))
        return calls

    def _explained(self, authority: int, error: ChainRefused) -> LedgerError:
        """The refusal of a batch, in the words of whoever must act on it."""
        code = self._code(authority)
        if self._contracts.suspended(authority):
            return Forbidden(f"{code} is suspended on the chain; its records wait")
        now = self._present()
        key = self._keystore.address(writing_key(self._contracts, self._keystore, authority, code, now))
        self._keystore.refresh()  # another process may have made the key that the next drain needs
        if self._contracts.compromised_from(authority, key):
            return Forbidden(
                f"the key {key} of {code} was declared compromised; its records wait for another"
            )
        start, until = self._contracts.key_window(authority, key)
        if not start <= now < until:
            return Forbidden(f"the key {key} of {code} is not valid now; its records wait")
        return ChainRefused(f"records of {code} were refused: {error}")

    def _code(self, authority: int) -> str:
        """The authority's code: from the index, or the default one where that has not followed yet."""
        with self._database.read_index() as index:
            code = index.scalar(select(authorities.c.code).where(authorities.c.authority == authority))
        first = (each.code for each in default_authorities() if each.number == authority)
        return str(code or next(first, authority))

    # ---------------------------------------------------------------------- both

    def _register(self) -> int:
        return register_all(self._database, self._contracts, self._send, self._in_flight)

    def _send(self, calls: Sequence[tuple[Call, int]]) -> list[Receipt]:
        return self._submitter.wait([self._submitter.submit(call, gas) for call, gas in calls])

    def _present(self) -> int:
        """Now, in Unix seconds: the clock's or the chain's, which may run ahead of it."""
        latest = self._contracts.node.request("eth_getBlockByNumber", "latest", False)
        return max(int(self._clock()), int(latest["timestamp"], 16))
