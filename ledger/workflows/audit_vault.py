"""What the vault keeps, against the chain: documents and identities open commitments, scores give roots."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import select

from ledger.audit.deviation import Deviation
from ledger.audit.documents import IdentityCheck, compare_documents, compare_identities
from ledger.domain.facts import Run
from ledger.domain.records import unpack_run
from ledger.errors import LedgerError
from ledger.outbox.identities import stream_identities
from ledger.scoring.cards import GRADES
from ledger.scoring.roots import Scored, score_root
from ledger.store.vault import assessments, scores
from ledger.workflows.held import held_documents

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from sqlalchemy import Connection

    from ledger.domain.catalogue import Catalogue
    from ledger.domain.facts import AssessmentPublished, Fact

#: Documents opened at a time.
_AT_ONCE: Final = 2000
_GRADE_OF: Final = {number: grade for grade, number in GRADES.items()}


class VaultCheck:
    """Compares what the chain committed to with what is kept, on one snapshot of the vault."""

    def __init__(self, vault: Connection, master_key: bytes, catalogue: Catalogue) -> None:
        self._vault = vault
        self._master_key = master_key
        self._catalogue = catalogue
        self.counts = {"documents": 0, "erased": 0, "identities": 0, "scores": 0}

    def documents(self, facts: Iterable[Fact], codes: Mapping[int, str]) -> Iterator[Deviation]:
        """Yield what does not hold of the documents of a stretch's records. Raises `ChainDamaged`."""
        runs = (fact for fact in facts if isinstance(fact, Run))
        posted = [each for run in runs for each in unpack_run(run.first_id, run.records)]
        for start in range(0, len(posted), _AT_ONCE):
            checks = list(held_documents(self._vault, self._master_key, posted[start : start + _AT_ONCE]))
            self.counts["documents"] += len(checks)
            self.counts["erased"] += sum(check.held == "erased" for check in checks)
            yield from compare_documents(checks, codes, self._catalogue)

    def identities(self, registered: Mapping[int, bytes]) -> Iterator[Deviation]:
        """Compare the identities that the chain has; later ones wait for the sender to register them."""
        self.counts["identities"] = len(registered)
        held = (
            IdentityCheck(each.enterprise, each.salt, each.party_key)
            for each in stream_identities(self._vault)
            if each.enterprise <= len(registered)
        )
        yield from compare_identities(held, registered)

    def scores(self, published: Iterable[AssessmentPublished]) -> Iterator[Deviation]:
        """Compare the published roots whose scores this office holds."""
        ours = set(self._vault.scalars(select(assessments.c.epoch)))
        for fact in published:
            if fact.epoch in ours:
                leaves = self._leaves(fact.epoch)
                self.counts["scores"] += len(leaves)
                yield from _compare_scores(fact, leaves)

    def _leaves(self, epoch: int) -> list[Scored]:
        chosen = select(scores.c.enterprise, scores.c.milli, scores.c.grade).where(scores.c.epoch == epoch)
        return [
            Scored(enterprise, milli, _GRADE_OF.get(grade, str(grade)))
            for enterprise, milli, grade in self._vault.execute(chosen.order_by(scores.c.enterprise))
        ]


def _compare_scores(fact: AssessmentPublished, leaves: Sequence[Scored]) -> Iterator[Deviation]:
    where = f"scores of assessment {fact.epoch}"
    if len(leaves) != fact.count:
        yield Deviation("published scores differ", where, f"{fact.count} scores", str(len(leaves)))
        return
    try:
        found = score_root(leaves).hex()
    except LedgerError as error:
        found = str(error)
    if found != fact.root.hex():
        yield Deviation("published scores differ", where, fact.root.hex(), found)
