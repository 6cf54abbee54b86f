"""What the vault keeps, against the chain: documents and identities open commitments, scores give roots."""

from __future__ import annotations

import json
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import select

from ledger.audit.deviation import Deviation, NotChecked, show_record
from ledger.audit.documents import compare_documents
from ledger.audit.identities import IdentityCheck, compare_identities
from ledger.domain.facts import ObjectionAnswered, ObjectionOpened, Registered, Run
from ledger.domain.records import split_id, unpack_run
from ledger.errors import BadProof, LedgerError
from ledger.outbox.documents import Erased, Sealed, open_document
from ledger.outbox.identities import stream_identities
from ledger.outbox.unheld import ENTERPRISES, Span, Unheld, shown, spans_of
from ledger.scoring.cards import GRADES
from ledger.scoring.roots import Scored, score_root
from ledger.store.bulk import IN_LIST
from ledger.store.forms import misshapen
from ledger.store.vault import assessments, deployment, identities, keystore, scores, statements
from ledger.workflows.audit_outbox import seen_elsewhere
from ledger.workflows.held import held_documents

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from sqlalchemy import Connection

    from ledger.audit.documents import DocumentCheck, IsMac
    from ledger.chain.contracts import Deployment
    from ledger.domain.catalogue import Catalogue
    from ledger.domain.facts import AssessmentPublished, Fact

#: Documents opened at a time.
_AT_ONCE: Final = 2000
_GRADE_OF: Final = {number: grade for grade, number in GRADES.items()}


class VaultCheck:
    """Compares what the chain committed to with what is kept, on one snapshot of the vault."""

    def __init__(self, vault: Connection, master_key: bytes, catalogue: Catalogue, is_mac: IsMac) -> None:
        self._vault = vault
        self._master_key = master_key
        self._catalogue = catalogue
        self._is_mac = is_mac
        self.counts = {"documents": 0, "erased": 0, "identities": 0, "statements": 0, "scores": 0}

    def documents(self, facts: Iterable[Fact], codes: Mapping[int, str]) -> Iterator[Deviation | NotChecked]:
        """Yield what does not hold of the documents of a stretch's records, or cannot be said of one.

        Raises `ChainDamaged`.
        """
        runs = (fact for fact in facts if isinstance(fact, Run))
        posted = [each for run in runs for each in unpack_run(run.first_id, run.records)]
        for start in range(0, len(posted), _AT_ONCE):
            checks = list(held_documents(self._vault, self._master_key, posted[start : start + _AT_ONCE]))
            self.counts["documents"] += len(checks)
            for check in checks:
                if check.held == "erased":
                    self.counts["erased"] += 1
                    yield _erased(f"document of record {show_record(check.record.id, codes)}")
            known = (check for check in checks if check.held != "missing" or not self._taken_up(check))
            yield from compare_documents(known, codes, self._catalogue, self._is_mac)

    @cached_property
    def _unheld(self) -> Unheld:
        return Unheld(spans_of(self._vault))

    def not_held(
        self, codes: Mapping[int, str], enterprises: int, recorded: Mapping[int, int]
    ) -> Iterator[Deviation | NotChecked]:
        """Yield what a repair took up from the chain, and the vault therefore has nothing of.

        The chain has so many `enterprises`, and so many records of each authority. What it has not cannot
        have been taken up, and nothing is taken up twice.
        """
        before = Span(-1, 0, 0)
        for span in self._unheld.spans:
            most = enterprises if span.authority == ENTERPRISES else recorded.get(span.authority, 0)
            begins = before.last + 1 if before.authority == span.authority else 1
            if not begins <= span.first <= span.last <= most:
                where, held = shown(span, dict(codes)), f"numbers within {begins} to {most}"
                yield Deviation("taken up and not on the chain", where, held, f"{span.first} to {span.last}")
            before = span
            what = "identity not held" if span.authority == ENTERPRISES else "document not held"
            yield NotChecked(what, shown(span, dict(codes)), "a repair took it up from the chain")

    def _taken_up(self, check: DocumentCheck) -> bool:
        authority, number = split_id(check.record.id)
        return self._unheld.has(authority, number)

    def statements(self, facts: Iterable[Fact]) -> Iterator[Deviation | NotChecked]:
        """Yield what does not hold of the statements and answers of a stretch's objections."""
        for fact in facts:
            if isinstance(fact, ObjectionOpened):
                yield from self._statement(f"statement of objection {fact.objection}", fact.grounds)
            elif isinstance(fact, ObjectionAnswered):
                yield from self._statement(f"answer to objection {fact.objection}", fact.answer)

    def _statement(self, where: str, commitment: bytes) -> Iterator[Deviation | NotChecked]:
        this = statements.c.commitment == commitment
        row = self._vault.execute(select(statements).where(this)).one_or_none()
        if row is None:
            why = f"the vault holds nothing under its commitment {commitment.hex()}"
            yield NotChecked("statement not held", where, why)
            return
        self.counts["statements"] += 1
        try:
            open_document(self._master_key, Sealed(*row))
        except Erased:
            yield _erased(where)
        except BadProof as error:
            yield Deviation("statement does not open", where, commitment.hex(), str(error))

    def identities(self, registered: Mapping[int, bytes]) -> Iterator[Deviation]:
        """Compare the identities that the chain has, and those that wait to be registered."""
        self.counts["identities"] = sum(not self._unheld.has(ENTERPRISES, number) for number in registered)
        held = (IdentityCheck(*each) for each in stream_identities(self._vault))
        yield from compare_identities(held, registered, partial(self._unheld.has, ENTERPRISES))

    def seen(self, facts: Iterable[Fact]) -> Iterator[NotChecked]:
        """Yield the enterprises that the vault saw registered in another block than the chain has them in."""
        at = {fact.enterprise: fact.at for fact in facts if isinstance(fact, Registered)}
        numbers, c = list(at), identities.c
        for start in range(0, len(numbers), IN_LIST):
            these = c.enterprise.in_(numbers[start : start + IN_LIST])
            for number, *seen in self._vault.execute(
                select(c.enterprise, c.block_number, c.block_hash).where(these)
            ):
                yield from seen_elsewhere(f"identity of enterprise {number}", at[number], *seen)

    def forms(self) -> Iterator[Deviation]:
        """Yield the columns with values of another type, length or range than is ever written there."""
        for table, column, form, rows in misshapen(self._vault):
            where = f"the vault, table {table}, column {column}"
            yield Deviation("value of another form", where, form, f"another in {rows} rows")

    def belongs(self, known: Deployment, fingerprint: bytes) -> Iterator[Deviation]:
        """Compare the rows that say of which ledger and of whose keys this vault is with those audited."""
        rows = [(*row[:3], json.loads(row[3])) for row in self._vault.execute(select(deployment))]
        owners = [tuple(row) for row in self._vault.execute(select(keystore))]
        for name, found, expected in (
            ("deployment", rows, [(1, known.chain_id, known.genesis_hash, known.to_json())]),
            ("keystore", owners, [(1, fingerprint)]),
        ):
            if found != expected:
                where = f"the vault, table {name}"
                yield Deviation("vault of another ledger", where, str(expected), str(found))

    def scores(self, published: Iterable[AssessmentPublished]) -> Iterator[Deviation | NotChecked]:
        """Compare what was published with what this office holds of it."""
        held = {row.epoch: row for row in self._vault.execute(select(assessments))}
        for fact in published:
            where = f"assessment {fact.epoch}"
            row = held.pop(fact.epoch, None)
            if row is None:
                why = (
                    "the vault holds neither it nor its scores; they can be computed anew from the chain only"
                )
                yield NotChecked("assessment not held", where, why)
                continue
            yield from _compare_row(fact, row, where)
            leaves = self._leaves(fact.epoch)
            self.counts["scores"] += len(leaves)
            yield from _compare_scores(fact, leaves)
        for epoch, row in held.items():
            where = f"assessment {epoch}, in the vault"
            if row.anchored:
                yield Deviation("assessment not on the chain", where, "an assessment published", "none")
            yield from _compare_scores(row, self._leaves(epoch))
        of_none = select(scores.c.epoch).where(scores.c.epoch.not_in(select(assessments.c.epoch))).distinct()
        for epoch in self._vault.scalars(of_none.order_by(scores.c.epoch)):
            where = f"scores of assessment {epoch}"
            yield Deviation("scores of no assessment", where, "an assessment in the vault", "none")

    def _leaves(self, epoch: int) -> list[Scored]:
        chosen = select(scores.c.enterprise, scores.c.milli, scores.c.grade).where(scores.c.epoch == epoch)
        return [
            Scored(enterprise, milli, _GRADE_OF.get(grade, str(grade)))
            for enterprise, milli, grade in self._vault.execute(chosen.order_by(scores.c.enterprise))
        ]


def _erased(where: str) -> NotChecked:
    why = "its key is gone, so nothing shows that it was what was committed to, or who had it erased"
    return NotChecked("erased", where, why)


def _compare_row(fact: AssessmentPublished, row: Any, where: str) -> Iterator[Deviation]:
    for name in fact._fields[2:]:
        want, have = getattr(fact, name), getattr(row, name)
        if want != have:
            yield Deviation("assessment differs in the vault", f"{where}, {name}", _shown(want), _shown(have))


def _shown(value: bytes | int) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)


def _compare_scores(fact: Any, leaves: Sequence[Scored]) -> Iterator[Deviation]:
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
