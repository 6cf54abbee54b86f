"""All that vault and index hold, against the chain and itself: a check of each kind, on one snapshot.

Each check is made for itself: one that meets what it cannot read is named as not checked, with what it met,
and the others are made all the same.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from ledger.outbox.references import is_mac_of
from ledger.workflows.audit_findings import guarded
from ledger.workflows.audit_index import IndexCheck
from ledger.workflows.audit_outbox import OutboxCheck
from ledger.workflows.audit_rows import RowsCheck
from ledger.workflows.audit_vault import VaultCheck

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sqlalchemy import Connection

    from ledger.audit.deviation import Deviation, NotChecked, Review
    from ledger.audit.replay import Replay
    from ledger.chain.contracts import Deployment
    from ledger.chain.keystore import Keystore
    from ledger.domain.catalogue import Catalogue
    from ledger.domain.facts import Fact


class StoreCheck:
    """Compares what is kept with a stretch of the chain at a time, and at the end with all of it."""

    def __init__(
        self, index: Connection, vault: Connection, upto: int, keys: Keystore, catalogue: Catalogue
    ) -> None:
        """Look at one snapshot of each; the index stands at the block `upto` (-1: before the first)."""
        self._fingerprint = keys.fingerprint
        is_mac = partial(is_mac_of, keys.mac_key)
        self.index = IndexCheck(index, upto)
        self._outbox = OutboxCheck(vault)
        self._rows = RowsCheck(vault, keys.master_key, catalogue, is_mac)
        self._vault = VaultCheck(vault, keys.master_key, catalogue, is_mac)

    @property
    def counts(self) -> dict[str, int]:
        """How many of each kind were compared."""
        return self._vault.counts | self._outbox.counts

    @property
    def waiting(self) -> list[Review]:
        """Rows that an authority's officers are still to sign for."""
        return self._outbox.waiting

    def take_up(self, counts: Mapping[str, int], links: frozenset[int]) -> None:
        """Go on from where an earlier audit stood."""
        self.index.take_up(counts["index_rows"], links)
        for mine in (self._vault.counts, self._outbox.counts):
            mine.update((name, counts[name]) for name in mine)

    def stretch(
        self, facts: Sequence[Fact], first: int, last: int, codes: Mapping[int, str]
    ) -> Iterator[Deviation | NotChecked]:
        """Yield what does not hold of what is kept of blocks `first`..`last`, of which these are the facts.

        Raises `ChainDamaged`.
        """
        where = f"blocks {first} to {last}"
        yield from guarded("the index", where, self.index.compare(facts, first, last))
        yield from guarded("documents", where, self._vault.documents(facts, codes))
        yield from guarded("statements", where, self._vault.statements(facts))
        yield from guarded("identities", where, self._vault.seen(facts))
        yield from guarded("the outbox", where, self._outbox.compare(facts, codes))

    def end(self, replay: Replay, deployment: Deployment, now: int) -> Iterator[Deviation | NotChecked]:
        """Yield what does not hold of all that is kept, with the whole chain replayed, at `now` (seconds)."""
        recorded = {number: state.count for number, state in replay.authorities.items()}
        codes, vault, where = replay.codes, self._vault, "the vault"
        yield from guarded("the index", "all blocks", self.index.outside(deployment.block))
        yield from guarded("forms of values", where, vault.forms())
        yield from guarded("the vault's owner", where, vault.belongs(deployment, self._fingerprint))
        yield from guarded("identities", where, vault.identities(replay.commitments))
        yield from guarded("assessments", where, vault.scores(replay.scorebook.assessments))
        yield from guarded("what is not held", where, vault.not_held(codes, len(replay.heads), recorded))
        yield from guarded("rows of the outbox", where, self._rows.parts())
        yield from guarded("sealed batches", where, self._rows.sealed(recorded, codes))
        yield from guarded("rows that wait", where, self._rows.waiting(recorded, codes))
        yield from guarded("accepted rows", where, self._outbox.outstanding(replay.authorities, now))
