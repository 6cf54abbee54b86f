"""A dry run: the judgement `outbox.accept` would give, without writing anything.

Everything is checked that the vault knows. A row that refers to an earlier row of the same file is taken to
fit it; that row is not in the vault yet. The file's references are kept in an unnamed temporary
database, on disk when it grows: memory does not follow the file.
"""

from __future__ import annotations

import hmac
import sqlite3
import time
from functools import partial
from typing import TYPE_CHECKING, Final

from ledger.chain.wallets import is_wallet
from ledger.domain.submissions import FieldError
from ledger.outbox.accept import Outcome
from ledger.outbox.identities import Register
from ledger.outbox.mandates import rights_now
from ledger.outbox.references import References, content_mac

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ledger.domain.catalogue import Authority
    from ledger.domain.submissions import Submission
    from ledger.outbox.mandates import Rights
    from ledger.outbox.references import Linked
    from ledger.workflows.office import Office

_OTHER: Final = "is about another enterprise"


class Rehearsal:
    """Judges an authority's rows as `accept` would, chunk by chunk of one file."""

    def __init__(self, office: Office, authority: Authority, linked: Linked) -> None:
        self._office = office
        self._authority = authority
        self._linked = linked
        self._mac_key = office.keystore.mac_key
        self._is_wallet = partial(is_wallet, office.node)
        self._seen = sqlite3.connect("")
        self._seen.execute(
            "CREATE TABLE seen (reference TEXT PRIMARY KEY, mac BLOB, party TEXT) WITHOUT ROWID"
        )

    def judge(self, rows: Sequence[tuple[int, Submission]]) -> list[Outcome]:
        """Return the outcomes the rows would have, in order. Raises `StoreUnavailable`."""
        submissions = [each for _, each in rows]
        with self._office.db.read_index() as index:
            rights = rights_now(index, self._authority.number, int(time.time()), self._is_wallet)
        with self._office.db.read_vault() as vault:
            references = References(vault, self._authority, self._office.catalogue, submissions)
            register = Register(vault, {each.party.key for each in submissions})
            return [self._judge(row, each, references, register, rights) for row, each in rows]

    def close(self) -> None:
        """Forget the file."""
        self._seen.close()

    def _judge(
        self,
        row: int,
        submission: Submission,
        references: References,
        register: Register,
        rights: Rights,
    ) -> Outcome:
        mac = content_mac(self._mac_key, submission)
        known = references.find(submission.reference)
        if known is not None:
            if hmac.compare_digest(known.content_mac, mac):
                return Outcome(row, "duplicate", submission.reference, known.record_id, (), "")
            error = references.differs(known, submission, register.find(submission.party.key))
            return _outcome(row, submission, error)
        earlier = self._earlier(submission.reference)
        if earlier is not None and earlier[0] == mac:
            return Outcome(row, "duplicate", submission.reference, None, (), "")
        if earlier is not None:
            why = "already used by an earlier row of this file, with other content"
            return _outcome(row, submission, FieldError("reference", submission.reference, why))
        found = self._fault(submission, references, register, rights)
        if found is None:
            self._seen.execute(
                "INSERT INTO seen VALUES (?, ?, ?)", (submission.reference, mac, submission.party.key)
            )
        return _outcome(row, submission, found)

    def _fault(
        self, submission: Submission, references: References, register: Register, rights: Rights
    ) -> FieldError | None:
        kind = submission.type
        fault = rights.fault(self._authority, kind)
        if fault is not None or kind.kind != "lifecycle":
            return fault
        earlier = self._earlier(submission.refers_to or "")
        if earlier is not None:
            same = earlier[1] == submission.party.key
            return None if same else FieldError("refers_to", submission.refers_to or "", _OTHER)
        found = references.target(submission, register.find(submission.party.key), self._linked)
        return found if isinstance(found, FieldError) else None

    def _earlier(self, reference: str) -> tuple[bytes, str] | None:
        """Return digest and party of an earlier row of the file."""
        found = self._seen.execute("SELECT mac, party FROM seen WHERE reference = ?", (reference,)).fetchone()
        return (found[0], found[1]) if found else None


def _outcome(row: int, submission: Submission, error: FieldError | None) -> Outcome:
    if error is None:
        return Outcome(row, "accepted", submission.reference, None, (), "")
    return Outcome(row, "rejected", submission.reference, None, (error,), "")
