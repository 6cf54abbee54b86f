"""Enterprises, batches and their runs, replayed: numbers, heads, the log and its root (see `replay`)."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

from ledger.audit.authorities import WrittenBatch
from ledger.audit.deviation import Deviation, at_log, show_record, show_span
from ledger.audit.runs import MAX_BATCH, OpenBatch, check_records
from ledger.crypto.hashing import keccak256
from ledger.crypto.heads import genesis_head
from ledger.crypto.merkle import Log
from ledger.domain.records import RECORD_BYTES, split_id, types_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ledger.audit.authorities import AuthorityState
    from ledger.domain.facts import BatchRecorded, Registered, Run, TreeHead


class RecordedState:
    """What was recorded so far. `take_found` gives what does not hold about it.

    `severities` are the catalogue's, by type; `codes` the authorities', by number. Memory: heads and
    commitments per enterprise; runs are not kept.
    """

    def __init__(self, severities: Mapping[int, int], codes: Mapping[int, str]) -> None:
        self.severities = severities
        self.codes = codes
        self.heads: dict[int, bytes] = {}
        self.commitments: dict[int, bytes] = {}
        self.log = Log()
        self.next_leaf = 0
        self.records = self.runs = self.batches = self.tree_heads = 0
        self._batch: OpenBatch | None = None
        self._found: list[Deviation] = []

    def register(self, fact: Registered) -> None:
        """Take an enterprise."""
        expected = len(self.heads) + 1
        if fact.enterprise != expected:
            self._name("registration out of order", at_log(fact.at), str(expected), str(fact.enterprise))
        self.heads[fact.enterprise] = genesis_head(fact.enterprise, fact.commitment)
        self.commitments[fact.enterprise] = fact.commitment

    def open_batch(self, fact: BatchRecorded, state: AuthorityState) -> None:
        """Take a batch's header; `state` is its authority's."""
        self.batches += 1
        at = fact.at
        first_id = fact.authority << 48 | fact.first_number
        where = at_log(at, f"batch {show_span(first_id, fact.count, self.codes)}")
        if not 0 < fact.count <= MAX_BATCH:
            self._name("batch of no size", where, f"1 to {MAX_BATCH} records", str(fact.count))
        if state.suspended:
            self._name("authority suspended", where, f"no record of {state.code}", f"{fact.count} records")
        if fact.key in state.compromised:
            found = f"{fact.count} records, compromised from {state.compromised[fact.key]} on"
            self._name("key declared compromised", where, f"no record by {fact.key}", found)
        elif not state.key_holds(fact.key, at.timestamp):
            from_, until = state.keys.get(fact.key, (0, 0))
            window = f"{from_} <= time < {until}" if until else f"a key of {state.code}"
            self._name("key outside its window", where, window, f"{fact.key} at {at.timestamp}")
        if fact.first_number != state.count + 1:
            what = "number gap" if fact.first_number > state.count + 1 else "number repeated"
            expected = show_record(fact.authority << 48 | (state.count + 1), self.codes)
            self._name(what, where, expected, show_record(first_id, self.codes))
        state.note_batch(fact.key, WrittenBatch(at.block_number, at.timestamp, fact.first_number, fact.count))
        self._batch = OpenBatch.of(at, state, first_id, fact.count)

    def close_batch(self) -> OpenBatch | None:
        """End the batch that is open, if one is, and return it."""
        batch, self._batch = self._batch, None
        if batch is None:
            return None
        end = batch.first_id + batch.count
        if batch.next_id != end:
            where = at_log(batch.at, f"batch {show_span(batch.first_id, batch.count, self.codes)}")
            found = f"{batch.next_id - batch.first_id} records"
            self._name("batch differs from its header", where, f"{batch.count} records", found)
        batch.state.count = max(batch.state.count, split_id(end)[1] - 1)
        return batch

    def run(self, run: Run, state: AuthorityState) -> None:
        """Take a run; `state` is its authority's."""
        enterprise, count = run.enterprise, len(run.records) // RECORD_BYTES
        self.runs += 1
        self.records += count
        batch = self._batch_of(run, state, count)
        self._found.extend(check_records(run, batch, self.heads, self.codes, self.severities))
        batch.state.wrote(split_id(run.first_id)[1], enterprise, types_of(run.records))

        before = self.heads.get(enterprise)
        if before is None:
            where = at_log(run.at, show_span(run.first_id, count, self.codes))
            self._name(
                "unknown enterprise", where, "an enterprise registered before", f"enterprise {enterprise}"
            )
        else:
            head = keccak256(before + run.first_id.to_bytes(32, "big") + run.records)
            if head != run.head:
                detail = f"{show_span(run.first_id, count, self.codes)} of enterprise {enterprise}"
                self._name("head not reproduced", at_log(run.at, detail), head.hex(), run.head.hex())
        self.heads[enterprise] = run.head

        if run.leaf_index != self.next_leaf:
            where = at_log(run.at, show_span(run.first_id, count, self.codes))
            self._name("leaf index not consecutive", where, str(self.next_leaf), str(run.leaf_index))
        self.next_leaf = run.leaf_index + 1
        self.log.append(sha256(b"\0" + enterprise.to_bytes(8, "big") + run.head).digest())

    def continues(self, run: Run) -> bool:
        """Whether the run is of the batch that is open."""
        return self._batch is not None and self._batch.state.number == run.authority

    def _batch_of(self, run: Run, state: AuthorityState, count: int) -> OpenBatch:
        """The open batch the run continues; when there is none, name that and go on as if there were."""
        batch = self._batch
        if batch is None or batch.state.number != run.authority:
            where = at_log(run.at, show_span(run.first_id, count, self.codes))
            self._name("run outside a batch", where, "a batch of the same authority before it", "none")
            self._batch = batch = OpenBatch.of(run.at, state, run.first_id, count)
        if run.first_id != batch.next_id:
            what = "number gap" if run.first_id > batch.next_id else "number repeated"
            where = at_log(run.at, f"enterprise {run.enterprise}")
            expected = show_record(batch.next_id, self.codes)
            self._name(what, where, expected, show_record(run.first_id, self.codes))
        if run.enterprise <= batch.last_enterprise:
            where = at_log(run.at, show_span(run.first_id, count, self.codes))
            expected = f"an enterprise above {batch.last_enterprise}"
            self._name("batch not sorted", where, expected, f"enterprise {run.enterprise}")
        batch.next_id, batch.last_enterprise = run.first_id + count, run.enterprise
        return batch

    def tree_head(self, fact: TreeHead) -> None:
        """Compare a tree head with the log so far."""
        self.tree_heads += 1
        root = self.log.root()
        if (fact.size, fact.root) != (self.log.size, root):
            expected = f"size {self.log.size}, root {root.hex()}"
            self._name(
                "tree head differs", at_log(fact.at), expected, f"size {fact.size}, root {fact.root.hex()}"
            )

    def conclude(self) -> Iterator[Deviation]:
        """Yield the identity commitments that were registered twice."""
        first: dict[bytes, int] = {}
        for enterprise, commitment in self.commitments.items():
            other = first.setdefault(commitment, enterprise)
            if other != enterprise:
                where = f"enterprise {enterprise}"
                found = f"{commitment.hex()}, as enterprise {other}"
                yield Deviation("commitment registered twice", where, "a commitment of its own", found)

    def take_found(self) -> list[Deviation]:
        """Return what does not hold about what was taken since the last call."""
        found, self._found = self._found, []
        return found

    def _name(self, what: str, where: str, expected: str, found: str) -> None:
        self._found.append(Deviation(what, where, expected, found))
