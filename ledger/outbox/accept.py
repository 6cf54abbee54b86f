"""Accepting what an authority submits: everything that needs the ledger is checked, and the intent is stored.

One vault transaction stores all good rows of a call, or nothing. The authority's own reference is the
idempotency key: the same reference with the same content is a duplicate, with other content it is refused.
Content is compared by a keyed digest; a plain one would let short documents be guessed from the database.
"""

from __future__ import annotations

import hmac
import time
import uuid
from typing import TYPE_CHECKING, Literal, NamedTuple

from sqlalchemy import func, select

from ledger.domain.catalogue import LINKED_FROM, LINKED_TO
from ledger.domain.submissions import FieldError, Submission, canonical_document
from ledger.outbox.commands import Command
from ledger.outbox.documents import DocumentKeys, seal_document
from ledger.outbox.identities import Register
from ledger.outbox.mandates import Rights, no_wallet, rights_now
from ledger.outbox.references import Linked, References, content_mac, never
from ledger.store.bulk import insert_rows
from ledger.store.vault import commands, documents, submissions

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy import Connection

    from ledger.domain.catalogue import Authority, Catalogue
    from ledger.outbox.mandates import IsWallet
    from ledger.store.database import Database

Status = Literal["accepted", "duplicate", "rejected"]


class Outcome(NamedTuple):
    """What became of one row. `record` is its record id, where its batch is sealed already (duplicates)."""

    row: int
    status: Status
    reference: str
    record: int | None
    errors: tuple[FieldError, ...]
    submission: str


def accept(  # noqa: PLR0917 - the order is part of the boundary
    database: Database,
    keys: DocumentKeys,
    catalogue: Catalogue,
    authority: Authority,
    rows: Sequence[tuple[int, Submission]],
    source: str,
    *,
    linked: Linked = never,
    is_wallet: IsWallet = no_wallet,
    clock: Callable[[], float] = time.time,
) -> list[Outcome]:
    """Store the intent of an authority's rows, `(row number, submission)`; outcomes come in the same order.

    `linked(a, b)` says whether two enterprises are one. A lifecycle record submitted under the one about a
    record of the other is put where that record stands, and its document names that party. A link (LK01)
    gives the party key of the code in `refers_to`; its mirror (LK02) is added here, and revoking a link
    revokes the mirror too. `is_wallet(address)` says whether a key is a contract wallet, for authorities with
    four eyes. Raises `Busy`, `StoreUnavailable`.
    """
    now = int(clock())
    with database.read_index() as index:
        rights = rights_now(index, authority.number, now, is_wallet)
    with database.write_vault() as vault:
        intake = _Intake(vault, keys, catalogue, authority, [each for _, each in rows])
        outcomes = [intake.take(row, each, rights, linked) for row, each in rows]
        intake.save(source, now, outcomes)
    return outcomes


class _Intake:
    """One call's rows, within its transaction."""

    def __init__(
        self,
        vault: Connection,
        keys: DocumentKeys,
        catalogue: Catalogue,
        authority: Authority,
        rows: Sequence[Submission],
    ) -> None:
        self.submission = uuid.uuid4().hex
        self._vault = vault
        self._master_key, self._mac_key = keys.master_key, keys.mac_key
        self._catalogue = catalogue
        self._authority = authority
        codes = {each.refers_to for each in rows if each.type.number == LINKED_TO and each.refers_to}
        self._register = Register(vault, {each.party.key for each in rows} | codes)
        self._references = References(vault, authority, catalogue, rows)
        self._next_seq = (vault.scalar(select(func.max(commands.c.seq))) or 0) + 1
        self._commands: list[Command] = []
        self._documents: list[tuple[int, bytes, bytes | None]] = []

    def take(self, row: int, submission: Submission, rights: Rights, linked: Linked) -> Outcome:
        """Judge one row, and keep it if it is good and new."""
        mac = content_mac(self._mac_key, submission)
        known = self._references.find(submission.reference)
        if known is None:
            error = self._add(submission, mac, rights, linked)
            return self._outcome(row, submission, "rejected" if error else "accepted", error=error)
        if hmac.compare_digest(known.content_mac, mac):
            return self._outcome(row, submission, "duplicate", record=known.record_id)
        error = self._references.differs(known, submission, self._register.find(submission.party.key))
        return self._outcome(row, submission, "rejected", error=error)

    def save(self, source: str, now: int, outcomes: Sequence[Outcome]) -> None:
        """Write everything taken."""
        self._register.save()
        insert_rows(self._vault, documents, self._documents)
        insert_rows(self._vault, commands, self._commands)
        statuses = [each.status for each in outcomes]
        tally = (statuses.count("accepted"), statuses.count("duplicate"), statuses.count("rejected"))
        many = len(self._commands)
        row = (self.submission, now, self._authority.number, source, *tally, self._next_seq - many, many)
        insert_rows(self._vault, submissions, [row])

    def _add(self, submission: Submission, mac: bytes, rights: Rights, linked: Linked) -> FieldError | None:
        """Add a record that is new, or say what is wrong with it."""
        kind = submission.type
        fault = rights.fault(self._authority, kind)
        if fault is not None:
            return fault
        if kind.kind == "event":
            self._put(submission, mac, self._register.index_of(submission.party))
            return None
        if kind.kind == "link":
            return self._add_link(submission, mac)
        target = self._references.target(submission, self._register.find(submission.party.key), linked)
        if isinstance(target, FieldError):
            return target
        self._change(submission, mac, target, part=0)
        mirror = self._references.find(target.reference, part=1)
        if mirror is not None:
            self._change(submission, mac, mirror, part=1)
        return None

    def _change(self, submission: Submission, mac: bytes, target: Command, part: int) -> None:
        """Add a lifecycle record on the enterprise of the record it changes."""
        if self._register.find(submission.party.key) != target.enterprise:
            there = self._register.party_at(target.enterprise)
            submission = submission._replace(party=there._replace(text=submission.party.text))
        self._put(submission, mac, target.enterprise, part=part, ref_command=target.seq)

    def _add_link(self, submission: Submission, mac: bytes) -> FieldError | None:
        """Add a link on the name's record, and its mirror on the code's."""
        name, key = submission.party, submission.refers_to or ""
        code = self._register.find(key)
        if submission.type.number != LINKED_TO:
            return FieldError("type", submission.type.code, "is added by its other side, LK01")
        if code is None:
            return FieldError("refers_to", key, "unknown: register the enterprise first")
        if key == name.key:
            return FieldError("refers_to", key, "is the party itself")
        mirrored = self._catalogue.by_number[LINKED_FROM]
        at = self._register.index_of(name)
        self._put(submission, mac, at, ref_enterprise=code)
        mirror = submission._replace(party=self._register.party_at(code), type=mirrored, refers_to=name.key)
        self._put(mirror, mac, code, part=1, ref_enterprise=at)
        return None

    def _put(
        self,
        submission: Submission,
        mac: bytes,
        enterprise: int,
        *,
        part: int = 0,
        ref_command: int | None = None,
        ref_enterprise: int | None = None,
    ) -> None:
        sealed = seal_document(self._master_key, canonical_document(self._authority.code, submission))
        command = Command(
            seq=self._next_seq,
            authority=self._authority.number,
            reference=submission.reference,
            part=part,
            content_mac=mac,
            type=submission.type.number,
            enterprise=enterprise,
            conduct_on=submission.conduct_on,
            decided_on=submission.decided_on,
            severity=submission.type.severity,
            ref_command=ref_command,
            ref_enterprise=ref_enterprise,
            commitment=sealed.commitment,
            number=None,
        )
        self._next_seq += 1
        self._documents.append((command.seq, sealed.sealed, sealed.wrapped_key))
        self._commands.append(command)
        self._references.add(command)

    def _outcome(
        self,
        row: int,
        submission: Submission,
        status: Status,
        *,
        record: int | None = None,
        error: FieldError | None = None,
    ) -> Outcome:
        errors = () if error is None else (error,)
        return Outcome(row, status, submission.reference, record, errors, self.submission)
