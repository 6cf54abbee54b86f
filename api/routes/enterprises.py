"""One enterprise: who it is, its record, its score, and who looked. Each look is in the access log first."""

# FastAPI resolves annotations when a route is declared: what they name must be imported.
# ruff: noqa: TC001, FAST003

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Final

from fastapi import APIRouter, Query, Response

from api import cursors
from api.auth import EnterpriseReader, OwnReader, Reader, of_day
from api.depth import sendable
from api.openapi import responses
from api.schemas import (
    DAY_PATTERN,
    Access,
    AccessPage,
    Enterprise,
    Objections,
    RecordPage,
    ScoreAnswer,
    Strict,
    instant,
)
from api.service import TheService
from api.turns import LARGE_EVIDENCE, LARGE_SCORE
from ledger.crypto.heads import genesis_head
from ledger.domain.calendar import iso, to_day
from ledger.errors import BadValue
from ledger.index.extents import extent_of
from ledger.index.pages import Place
from ledger.index.queries import enterprise_by_index
from ledger.store.access import looks_at
from ledger.workflows.enterprise_keys import enterprise_key
from ledger.workflows.objecting import objections_page
from ledger.workflows.proving import EVIDENCE_BYTES, prove
from ledger.workflows.reading import score_of
from ledger.workflows.record_reading import record_page
from ledger.workflows.subjects import alone, subject_at, subject_of

if TYPE_CHECKING:
    from ledger.workflows.reading import ScoreDict
    from ledger.workflows.record_reading import ItemDict

_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
#: Reasons of a score written in one step.
_AT_ONCE: Final = 500
router = APIRouter(prefix="/v1/enterprises", tags=["enterprises"])


class PageQuery(Strict):
    """Which page."""

    cursor: Annotated[str | None, Query(pattern=cursors.PATTERN, description="`next` of the page before")] = (
        None
    )
    limit: Annotated[int, Query(ge=1, le=500)] = 100


_AsOf = Annotated[
    str | None,
    Query(
        pattern=DAY_PATTERN,
        description="Day in Asia/Shanghai, not after today; absent: today",
        examples=["2026-05-06"],
    ),
]


class ScoreQuery(Strict):
    """Of which day."""

    as_of: _AsOf = None


class EvidenceQuery(Strict):
    """With the names linked on which day, and whether with what the documents say."""

    as_of: _AsOf = None
    documents: bool = True


# `:path` because a name may hold a slash; the most specific routes come first.
@router.get(
    "/{id:path}/score",
    response_model=ScoreAnswer,
    summary="The score of a day",
    responses=responses(403, 404),
)
def score(reader: EnterpriseReader, service: TheService, query: Annotated[ScoreQuery, Query()]) -> Response:
    """Computed from the records on the chain by the scorecard in force on that day, with a reason per point.

    A name that was linked to a code by that day has the code's score, and `id` says so.
    """
    ledger = service.ledger
    as_of = _day(query.as_of, ledger.today())
    of_day(service, reader, as_of)
    with service.large_reads.room(reader.key.id, reader.enterprise, LARGE_SCORE):
        found = score_of(ledger.db, ledger.catalogue, ledger.cards, reader.party, as_of)
        return Response(_in_steps(found), media_type="application/json")


@router.get(
    "/{id:path}/record",
    response_model=RecordPage,
    summary="Its record, in pages",
    responses=responses(403, 404),
)
def record(reader: OwnReader, service: TheService, query: Annotated[PageQuery, Query()]) -> object:
    """Every record on the chain about it and the names linked to it, each with how it stands today.

    A foreign authority is shown what it wrote about exactly this party.
    """
    ledger = service.ledger
    after = Place(*(cursors.unpack(query.cursor, 2) if query.cursor else (0, 0)))
    page, last = record_page(
        ledger.db,
        ledger.catalogue,
        ledger.keystore.master_key,
        reader.party,
        as_of=ledger.today(),
        after=after,
        limit=query.limit,
        author=reader.foreign and reader.foreign.number,
    )
    shown = [_permitted(reader, each) for each in page["records"]]
    return {**page, "records": shown, "next": None if last is None else cursors.pack(*last)}


@router.get(
    "/{id:path}/evidence",
    response_class=Response,
    summary="Evidence that can be checked without this ledger",
    responses={
        200: {"content": {"application/json": {"schema": {"type": "object"}}}},
        **responses(403, 404, 502),
    },
)
def evidence(
    reader: EnterpriseReader, service: TheService, query: Annotated[EvidenceQuery, Query()]
) -> Response:
    """The record, and proof that it is whole and in the log; `credit-ledger verify` checks it offline."""
    ledger = service.ledger
    as_of = _day(query.as_of, ledger.today())
    of_day(service, reader, as_of)
    with service.large_reads.room(reader.key.id, reader.enterprise, LARGE_EVIDENCE):
        content = prove(
            ledger,
            reader.party,
            as_of,
            with_documents=query.documents,
            documents_of=reader.documents_of,
            most=EVIDENCE_BYTES,
            log=service.mirror.tree(),
            trees=service.state.trees,
        )
    return Response(content, media_type="application/json")


@router.get(
    "/{id:path}/objections",
    response_model=Objections,
    summary="Its objections and their answers, in pages",
    responses=responses(403, 404),
)
def objections(reader: OwnReader, service: TheService, query: Annotated[PageQuery, Query()]) -> object:
    """Every objection it or the names linked to it opened, with the last day for the answer.

    A foreign authority is shown those to its own records about exactly this party.
    """
    ledger, key = service.ledger, None
    with ledger.db.read_vault() as vault, ledger.db.read_index() as index:
        if reader.foreign is None:
            subject = subject_at(vault, index, reader.party, ledger.today())
            key = enterprise_key(index, subject.enterprise)
        else:
            subject = alone(vault, reader.party)
    (after,) = cursors.unpack(query.cursor, 1) if query.cursor else (0,)
    found, more = objections_page(
        ledger.db,
        ledger.keystore.master_key,
        subject.members,
        ledger.today(),
        author=reader.foreign and reader.foreign.number,
        after=after,
        limit=query.limit,
    )
    for each in found:
        if not reader.reads_documents_of(each["record"].rpartition("-")[0]):
            each["statement"] = each["answer"] = None
    following = cursors.pack(found[-1]["objection"]) if more else None
    return {"id": subject.key, "key": key, "objections": found, "next": following}


@router.get("/{id:path}/accesses", summary="Who looked, latest first", responses=responses(403, 404))
def accesses(
    reader: EnterpriseReader, service: TheService, query: Annotated[PageQuery, Query()]
) -> AccessPage:
    """Every look at it and the names linked to it, this one included."""
    ledger = service.ledger
    at, number = cursors.unpack(query.cursor, 2) if query.cursor else (None, None)
    before = None if at is None or number is None else (at, number)
    subject = subject_of(ledger.db, reader.party, ledger.today())
    looks, following = looks_at(ledger.db, subject.members, before, query.limit)
    found = [Access(at=instant(each.at), by=str(each.who), key=each.key, what=each.action) for each in looks]
    return AccessPage(
        id=subject.key, accesses=found, next=None if following is None else cursors.pack(*following)
    )


@router.get("/{id:path}", summary="Who it is", responses=responses(403, 404))
def enterprise(reader: EnterpriseReader, service: TheService) -> Enterprise:
    """Its number on the chain, the names linked to it, and the head its own runs must replay to."""
    ledger = service.ledger
    subject = subject_of(ledger.db, reader.party, ledger.today())
    with ledger.db.read_index() as index:
        registered = enterprise_by_index(index, subject.enterprise)
        extents = {each: extent_of(index, each) for each in subject.members}
    head = extents[subject.enterprise].head or genesis_head(subject.enterprise, registered.commitment)
    return Enterprise(
        id=subject.key,
        asked=subject.asked,
        name=subject.text,
        enterprise=subject.enterprise,
        linked=list(subject.linked),
        records=sum(each.records for each in extents.values()),
        head=head.hex(),
    )


def _in_steps(found: ScoreDict) -> bytes:
    """Return a score as JSON, some reasons at a time: one step of C for all would hold up all others."""
    reasons, head = found["reasons"], {key: value for key, value in found.items() if key != "reasons"}
    parts = (_json(reasons[at : at + _AT_ONCE])[1:-1] for at in range(0, len(reasons), _AT_ONCE))
    return f'{_json(head)[:-1]},"reasons":[{",".join(parts)}]}}'.encode()


def _permitted(reader: Reader, item: ItemDict) -> ItemDict:
    """Return a record as its reader may see it: what another authority wrote in it is withheld."""
    if reader.reads_documents_of(item["authority"]):
        return item | {"document": sendable(item["document"])}
    return item | {"document": None, "held": "withheld"}


def _day(text: str | None, today: int) -> int:
    if text is None:
        return today
    try:
        day = to_day(text)
    except BadValue as error:
        raise BadValue("as_of", text, error.reason) from None
    if day > today:
        raise BadValue("as_of", text, f"in the future: today is {iso(today)} in Asia/Shanghai")
    return day
