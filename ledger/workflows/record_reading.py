"""One enterprise's record as others read it: whole, or in pages whose work does not grow with the record.

The dictionaries are the JSON that others read: keys stay, more may be added. Days are `YYYY-MM-DD`, records
go by `CODE-NUMBER`.
"""

from __future__ import annotations

import json
from bisect import bisect_left
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple, TypedDict

from ledger.domain.calendar import iso
from ledger.domain.records import split_id, unpack_run
from ledger.domain.standing import in_order, standing
from ledger.index.extents import first_written
from ledger.index.pages import Place, concerning, page_of
from ledger.index.queries import runs_from, runs_of
from ledger.json_text import BadJson, read_json
from ledger.workflows.held import PAGE_BYTES, held_documents, sizes_held
from ledger.workflows.objecting import disputed
from ledger.workflows.reading import names_of
from ledger.workflows.subjects import alone, subject_at

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Connection

    from ledger.audit.documents import DocumentCheck
    from ledger.domain.catalogue import Catalogue
    from ledger.domain.records import Posted
    from ledger.domain.standing import Standing
    from ledger.index.queries import RunRow
    from ledger.store.database import Database
    from ledger.workflows.reading import Names
    from ledger.workflows.subjects import Subject


class ItemDict(TypedDict):
    """One record with how it stands on the day asked for.

    `status` of an event or link: in force, corrected, revoked, repaired, reinstated; of a lifecycle record:
    applied, or without effect. `disputed`: an objection to it is open now. `held` says whether its document
    is opened, erased, not held (taken up from the chain by a repair), missing or broken.
    """

    record: str
    authority: str
    type: str
    type_en: str
    type_zh: str
    severity: int
    decided_on: str
    conduct_on: str
    status: str
    since: str
    by: str | None
    party: str
    reference: str | None
    refers_to: str | None
    held: str
    document: object
    commitment: str
    leaf_index: int
    block: int | None
    disputed: bool


class RecordDict(TypedDict):
    """An enterprise's whole record as of a day, in the order of decision.

    Shown to one author alone, `name` is as it wrote it itself, and `enterprise` and each `block` are null: a
    firm's number, and the block after its registration, tell whether others had registered it.
    """

    id: str
    asked: str
    name: str
    as_of: str
    enterprise: int | None
    linked: list[str]
    records: list[ItemDict]


def record_of(
    database: Database, catalogue: Catalogue, master_key: bytes, text: str, as_of: int
) -> RecordDict:
    """Return an enterprise's whole record as of a day. Raises `BadValue`, `NotFound`."""
    with database.read_vault() as vault, database.read_index() as index:
        subject = subject_at(vault, index, text, as_of)
        runs = runs_of(index, subject.members)
        placed = {each.id: (each, run) for run in runs for each in run.posted if each.decided_on <= as_of}
        records = sorted(placed.values(), key=lambda each: in_order(each[0]))
        view = _View(vault, index, master_key, names_of(catalogue, index))
        items = _items(view, subject, records, [each for each, _ in records], as_of)
    return _record_dict(subject, as_of, items)


def record_page(
    database: Database,
    catalogue: Catalogue,
    master_key: bytes,
    text: str,
    *,
    as_of: int,
    after: Place,
    limit: int,
    author: int | None = None,
) -> tuple[RecordDict, Place | None]:
    """Return `limit` records that come after a place, and the place of the last of them.

    Fewer, once their documents have `PAGE_BYTES`.
    The pages together are what `record_of` returns; one is made without looking at the others. The place is
    None when there are no more. With an `author`, the pages are of what this authority wrote about exactly
    this party, and show nothing of others: not by a status, a link, a spelling, a number, or how full a
    page is. Raises `BadValue`, `NotFound`.
    """
    with database.read_vault() as vault, database.read_index() as index:
        subject = subject_at(vault, index, text, as_of) if author is None else alone(vault, text)
        found, more = page_of(index, subject.members, as_of, after, limit, author=author)
        fitting = _fitting(vault, [each for each, _ in found])
        more, found = more or fitting < len(found), found[:fitting]
        records = [each for each, _ in found]
        posted = concerning(index, subject.members, as_of, records, author=author)
        view = _View(vault, index, master_key, names_of(catalogue, index))
        shown = _record_dict(subject, as_of, _items(view, subject, found, posted, as_of))
        if author is not None:
            shown["name"] = _spelling(view, author, subject)
            shown["enterprise"] = None
            for each in shown["records"]:
                each["block"] = None
    last = found[-1][0] if more else None
    return shown, last and Place(last.decided_on, last.id)


def _fitting(vault: Connection, records: Sequence[Posted]) -> int:
    """Return how many of these records a page takes: up to the one with which it has `PAGE_BYTES`."""
    reached = list(accumulate(sizes_held(vault, records)))
    return min(len(records), bisect_left(reached, PAGE_BYTES) + 1)


@dataclass(frozen=True)
class _View:
    """What records are shown from."""

    vault: Connection
    index: Connection
    master_key: bytes
    names: Names


def _items(
    view: _View,
    subject: Subject,
    records: Sequence[tuple[Posted, RunRow]],
    posted: Sequence[Posted],
    as_of: int,
) -> list[ItemDict]:
    """Show records; `posted` are those that their status depends on, with themselves."""
    standings = standing(posted, as_of)
    ignored = {each.record.id for each in standings.ignored}
    objected = disputed(view.index, subject.members, [each.id for each, _ in records])
    checks = held_documents(view.vault, view.master_key, [each for each, _ in records])
    items: list[ItemDict] = []
    for check, (record, run) in zip(checks, records, strict=True):
        state = _state(record, standings.by_id, ignored, view.names)
        item = _item(check, run, view.names, state)
        items.append({**item, "disputed": record.id in objected})
    return items


def _spelling(view: _View, author: int, subject: Subject) -> str:
    """How an authority first wrote a party; the party's key where the document that says so is not held."""
    first = first_written(view.index, author, subject.enterprise)
    runs = () if first is None else runs_from(view.index, {first})
    posted = [unpack_run(run.first_id, run.records)[0] for run in runs]
    opened = [each for each in held_documents(view.vault, view.master_key, posted) if each.held == "opened"]
    return str(json.loads(opened[0].content)["party_text"]) if opened else subject.key


def _record_dict(subject: Subject, as_of: int, items: list[ItemDict]) -> RecordDict:
    return {
        "id": subject.key,
        "asked": subject.asked,
        "name": subject.text,
        "as_of": iso(as_of),
        "enterprise": subject.enterprise,
        "linked": list(subject.linked),
        "records": items,
    }


class _State(NamedTuple):
    status: str
    since: int
    by: str | None


def _state(record: Posted, by_id: Mapping[int, Standing], ignored: set[int], names: Names) -> _State:
    found = by_id.get(record.id)
    if found is not None:
        return _State(found.state, found.since, None if found.by is None else names.record(found.by))
    return _State("without effect" if record.id in ignored else "applied", record.decided_on, None)


def _item(check: DocumentCheck, run: RunRow, names: Names, state: _State) -> ItemDict:
    record = check.record
    code, en, zh = names.type(record.type)
    return {
        "record": names.record(record.id),
        "authority": names.authority(split_id(record.id)[0]),
        "type": code,
        "type_en": en,
        "type_zh": zh,
        "severity": record.severity,
        "decided_on": iso(record.decided_on),
        "conduct_on": iso(record.conduct_on),
        "status": state.status,
        "since": iso(state.since),
        "by": state.by,
        "party": check.party_key or "",
        "reference": check.reference,
        "refers_to": check.refers_to,
        "held": check.held,
        "document": _document(check),
        "commitment": record.commitment.hex(),
        "leaf_index": run.leaf_index,
        "block": run.block_number,
        "disputed": False,
    }


def _document(check: DocumentCheck) -> object:
    """Return what the authority wrote: a JSON array or object as such, all else as text; None if not held."""
    if check.held != "opened":
        return None
    written: str = json.loads(check.content)["document"]
    if written[:1] not in ("{", "["):
        return written
    try:
        return read_json(written)
    except BadJson:
        return written
