"""What a lifecycle record refers to, and what makes two submissions the same.

The rules for `refers_to` are those by which the record will count later (`domain.standing`): an earlier
event of the same authority, about the same enterprise, not decided after the record that changes it. A link
can be revoked only.
"""

from __future__ import annotations

import contextlib
import hmac
from string import ascii_uppercase
from typing import TYPE_CHECKING, TypeAlias

from ledger.domain.calendar import iso, to_day
from ledger.domain.catalogue import LINKED_TO, REPAIR, REVOCATION
from ledger.domain.names import normal_name
from ledger.domain.parties import parse_party
from ledger.domain.submissions import FieldError
from ledger.errors import BadValue
from ledger.outbox.commands import Command, by_references

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from sqlalchemy import Connection

    from ledger.domain.catalogue import Authority, Catalogue
    from ledger.domain.submissions import Submission

#: Whether two enterprises, by index, are one by a link in force.
Linked: TypeAlias = "Callable[[int, int], bool]"


def never(one: int, other: int) -> bool:  # noqa: ARG001 - the shape of `Linked`
    """No enterprise is another."""
    return False


def content_mac(mac_key: bytes, submission: Submission) -> bytes:
    """Return the keyed digest (HMAC-SHA-256) of what is submitted; a party's spelling does not count.

    Every part but the last is printable, so a NUL between them keeps different content different.
    """
    party, event_type, decided_on, conduct_on, reference, refers_to, document = submission
    days = str(decided_on), str(conduct_on)
    return _mac(mac_key, party.key, event_type.code, *days, reference, refers_to or "", document)


def is_mac_of(mac_key: bytes, mac: bytes, claims: Mapping[str, object]) -> bool | None:
    """Whether a digest is that of the submission which a document says it was made from.

    None: the document does not say it. The party of a lifecycle record about a linked one is that of the
    record; whoever submitted it may have written the other, and of a name its text says no country.
    """
    texts = [claims.get(name) for name in ("party", "party_text", "type", "reference", "document")]
    refers_to = claims.get("refers_to") or ""
    try:
        days = [str(to_day(str(claims.get(name)))) for name in ("decided_on", "conduct_on")]
    except BadValue:
        return None
    if not all(isinstance(each, str) for each in (*texts, refers_to)):
        return None
    party, written, kind, reference, document = map(str, texts)
    rest = (kind, *days, reference, str(refers_to), document)
    if hmac.compare_digest(_mac(mac_key, party, *rest), mac):
        return True
    others = _parties(written) if refers_to else ()
    return any(hmac.compare_digest(_mac(mac_key, each, *rest), mac) for each in others)


def _mac(mac_key: bytes, *parts: str) -> bytes:
    return hmac.digest(mac_key, "\0".join(parts).encode(), "sha256")


def _parties(written: str) -> Iterator[str]:
    """The keys of the parties that a text may name."""
    with contextlib.suppress(BadValue):
        yield parse_party(written).key
    with contextlib.suppress(BadValue):
        name = normal_name(written)
        yield from (f"name:{one}{two}:{name}" for one in ascii_uppercase for two in ascii_uppercase)


class References:
    """The references one call meets: those in the vault, and those of its own earlier rows."""

    def __init__(
        self, vault: Connection, authority: Authority, catalogue: Catalogue, rows: Sequence[Submission]
    ) -> None:
        self._catalogue = catalogue
        wanted = {each.reference for each in rows}
        targets = {each.refers_to for each in rows if each.refers_to and each.type.kind == "lifecycle"}
        self._commands: dict[tuple[str, int], Command] = {
            (each.reference, each.part): each
            for each in by_references(vault, authority.number, wanted | targets)
        }
        self._foreign = authority.foreign

    def find(self, reference: str, part: int = 0) -> Command | None:
        """Return the command of a reference, or its mirror (`part` 1)."""
        return self._commands.get((reference, part))

    def add(self, command: Command) -> None:
        """Make a new command known to the rows after it."""
        self._commands[command.reference, command.part] = command

    def target(self, submission: Submission, enterprise: int | None, linked: Linked) -> Command | FieldError:
        """Return the command a lifecycle record refers to, or why it cannot.

        `enterprise` is the index of the submission's party; None if that is new.
        """
        reference = submission.refers_to or ""
        target = self.find(reference)
        if target is None:
            # Whether another authority has used it is no answer to whoever tries references.
            return FieldError("refers_to", reference, "unknown: the authority has no such record")
        same = enterprise is not None and (
            enterprise == target.enterprise
            # Links are what others wrote: for a foreign authority a name stays the one it used.
            or (not self._foreign and linked(enterprise, target.enterprise))
        )
        if not same:
            return FieldError("refers_to", reference, "is about another enterprise")
        return self._not_applicable(submission, target) or target

    def differs(self, known: Command, submission: Submission, enterprise: int | None) -> FieldError:
        """Say which field of a submission differs from what its reference was first used with."""
        of_type = self._catalogue.by_number.get(known.type)
        refers_to = self.find(submission.refers_to) if submission.refers_to else None
        event = submission.type.kind == "event"
        differing = (
            ("type", submission.type.code, of_type.code if of_type else str(known.type)),
            ("decided_on", iso(submission.decided_on), iso(known.decided_on)),
            ("conduct_on", iso(submission.conduct_on), iso(known.conduct_on)),
        )
        for field, now, before in differing:
            if now != before:
                return FieldError(field, now, _used(submission, f"{field} {before}"))
        if event and enterprise != known.enterprise:
            return FieldError("party", submission.party.key[:80], _used(submission, "another party"))
        if known.ref_command is not None and (refers_to is None or refers_to.seq != known.ref_command):
            return FieldError("refers_to", submission.refers_to or "", _used(submission, "another refers_to"))
        if event:
            return FieldError("document", submission.document[:80], _used(submission, "another document"))
        return FieldError("reference", submission.reference, _used(submission, "different content"))

    def _not_applicable(self, submission: Submission, target: Command) -> FieldError | None:
        reference, change = submission.refers_to or "", submission.type
        kind = self._catalogue.by_number.get(target.type)
        name = kind.code if kind else str(target.type)
        if target.type == LINKED_TO and change.number != REVOCATION:
            return FieldError("refers_to", reference, "is a link, which can be revoked only")
        if target.type != LINKED_TO and (kind is None or kind.kind != "event"):
            return FieldError("refers_to", reference, f"is a record of type {name}, not an event")
        if change.number == REPAIR and kind is not None and not kind.repairable:
            return FieldError("refers_to", reference, f"is a record of type {name}, which cannot be repaired")
        if submission.decided_on < target.decided_on:
            day = iso(target.decided_on)
            return FieldError(
                "decided_on", iso(submission.decided_on), f"before the record it refers to, of {day}"
            )
        return None


def _used(submission: Submission, with_what: str) -> str:
    return f"reference {submission.reference!r} was already used with {with_what}"
