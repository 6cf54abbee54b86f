"""Documents the vault holds for records on the chain, opened: for readers of a record, and for the audit."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from ledger.audit.documents import DocumentCheck
from ledger.domain.catalogue import CORRECTION, LINKED_TO
from ledger.domain.records import split_id
from ledger.errors import BadProof
from ledger.outbox.commands import by_numbers
from ledger.outbox.documents import Erased, open_document, sealed_documents
from ledger.workflows.subjects import party_keys

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from sqlalchemy import Connection

    from ledger.domain.records import Posted
    from ledger.outbox.documents import Sealed


def held_documents(vault: Connection, master_key: bytes, posted: Sequence[Posted]) -> Iterator[DocumentCheck]:
    """Yield, for each record in order, what is held of its document and what else the vault says of it."""
    changes = [each.ref for each in posted if CORRECTION <= each.type < LINKED_TO]
    links = [each for each in posted if each.type >= LINKED_TO]
    references: dict[int, str] = {}
    sealed: dict[int, Sealed] = {}
    for authority, numbers in _numbers(each.id for each in posted):
        first = authority << 48
        sealed.update(
            (first | number, each) for number, each in sealed_documents(vault, authority, numbers).items()
        )
    for authority, numbers in _numbers([*(each.id for each in posted), *changes]):
        known = by_numbers(vault, authority, numbers)
        references.update((authority << 48 | number, each.reference) for number, each in known.items())
    keys = party_keys(vault, {each.enterprise for each in posted} | {each.ref for each in links})
    for record in posted:
        check = DocumentCheck(
            record,
            "missing",
            party_key=keys.get(record.enterprise),
            reference=references.get(record.id),
            refers_to=_refers_to(record, references, keys),
        )
        yield _opened(check, master_key, sealed.get(record.id))


def _opened(check: DocumentCheck, master_key: bytes, sealed: Sealed | None) -> DocumentCheck:
    if sealed is None:
        return check
    try:
        salt, content = open_document(master_key, sealed)
    except Erased:
        return check._replace(held="erased")
    except BadProof:
        return check._replace(held="broken")
    return check._replace(held="opened", salt=salt, content=content)


def _refers_to(record: Posted, references: Mapping[int, str], keys: Mapping[int, str]) -> str | None:
    if record.type < CORRECTION:
        return None
    return keys.get(record.ref) if record.type >= LINKED_TO else references.get(record.ref)


def _numbers(ids: Iterable[int]) -> list[tuple[int, list[int]]]:
    """Return record ids as numbers, by authority."""
    found: dict[int, set[int]] = defaultdict(set)
    for each in ids:
        authority, number = split_id(each)
        found[authority].add(number)
    return [(authority, sorted(numbers)) for authority, numbers in found.items()]
