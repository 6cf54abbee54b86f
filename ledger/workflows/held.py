"""Documents the vault holds for records on the chain, opened: for readers of a record, and for the audit."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final

from ledger.audit.documents import DocumentCheck
from ledger.domain.catalogue import CORRECTION, LINKED_TO
from ledger.domain.records import split_id
from ledger.errors import BadProof
from ledger.outbox.documents import Erased, kept_records, open_document, sealed_sizes
from ledger.outbox.unheld import Unheld, spans_of
from ledger.workflows.subjects import party_keys

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from sqlalchemy import Connection

    from ledger.audit.documents import Held
    from ledger.domain.records import Posted
    from ledger.outbox.documents import Kept, Sealed

#: Bytes of documents, or of objections' texts, from which on a page shows no more.
PAGE_BYTES: Final = 8 << 20
#: Of a record that the vault does not have: neither reference nor document.
_NOTHING: Final = (None, None, 0, None)


def held_documents(vault: Connection, master_key: bytes, posted: Sequence[Posted]) -> Iterator[DocumentCheck]:
    """Yield, for each record in order, what is held of its document and what else the vault says of it."""
    changes = [each.ref for each in posted if CORRECTION <= each.type < LINKED_TO]
    links = [each for each in posted if each.type >= LINKED_TO]
    kept: dict[int, Kept] = {}
    for authority, numbers in _numbers([*(each.id for each in posted), *changes]):
        found = kept_records(vault, authority, numbers)
        kept.update((authority << 48 | number, each) for number, each in found.items())
    keys = party_keys(vault, {each.enterprise for each in posted} | {each.ref for each in links})
    unheld = Unheld(spans_of(vault))
    for record in posted:
        reference, sealed, part, mac = kept.get(record.id, _NOTHING)
        held, salt, content = opened(master_key, sealed, taken_up=unheld.has(*split_id(record.id)))
        refers_to = _refers_to(record, kept, keys) if record.type >= CORRECTION else None
        key = keys.get(record.enterprise)
        # A mirror has the digest of the row that brought it, which its document does not say.
        own = None if part else mac
        yield DocumentCheck(record, held, salt, content, key, reference, refers_to, own)


def sizes_held(vault: Connection, posted: Sequence[Posted]) -> list[int]:
    """Return, for each record in order, the bytes that `held_documents` reads for it."""
    read = [(each.id, each.ref if CORRECTION <= each.type < LINKED_TO else 0) for each in posted]
    sizes: dict[int, int] = {}
    for authority, numbers in _numbers(each for pair in read for each in pair if each):
        found = sealed_sizes(vault, authority, numbers)
        sizes.update((authority << 48 | number, size) for number, size in found.items())
    return [sum(sizes.get(each, 0) for each in pair) for pair in read]


def opened(master_key: bytes, sealed: Sealed | None, *, taken_up: bool) -> tuple[Held, bytes, bytes]:
    """Return how a document is held; its salt and content if it opens. `taken_up`: from the chain alone."""
    if sealed is None:
        return "not held" if taken_up else "missing", b"", b""
    try:
        return "opened", *open_document(master_key, sealed)
    except Erased:
        return "erased", b"", b""
    except BadProof:
        return "broken", b"", b""


def _refers_to(record: Posted, kept: Mapping[int, Kept], keys: Mapping[int, str]) -> str | None:
    return keys.get(record.ref) if record.type >= LINKED_TO else kept.get(record.ref, _NOTHING)[0]


def _numbers(ids: Iterable[int]) -> list[tuple[int, list[int]]]:
    """Return record ids as numbers, by authority."""
    found: dict[int, set[int]] = defaultdict(set)
    for each in ids:
        authority, number = split_id(each)
        found[authority].add(number)
    return [(authority, sorted(numbers)) for authority, numbers in found.items()]
