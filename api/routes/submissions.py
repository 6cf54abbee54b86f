"""What became of a submission: which of its records stand on the chain by now."""

# FastAPI resolves annotations when a route is declared: what they name must be imported.
# ruff: noqa: TC001

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Path, Query
from sqlalchemy import bindparam, func, select

from api import cursors
from api.auth import KnownCaller
from api.openapi import responses
from api.schemas import SUBMISSION, Strict, SubmissionState, SubmittedRecord, instant
from api.service import TheService
from ledger.errors import Forbidden, NotFound
from ledger.index.queries import all_authorities
from ledger.outbox.commands import SubmissionRow, commands_of, submission
from ledger.store.index import batches

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ledger.outbox.commands import Command
    from ledger.store.access import ApiKey

router = APIRouter(prefix="/v1/submissions", tags=["records"])

#: The last number an authority has on the chain, by the index.
_LAST = select(func.max(batches.c.first_number + batches.c.count - 1)).where(
    batches.c.authority == bindparam("authority")
)


class PageQuery(Strict):
    """Which page."""

    cursor: Annotated[str | None, Query(pattern=cursors.PATTERN, description="`next` of the page before")] = (
        None
    )
    limit: Annotated[int, Query(ge=1, le=1000)] = 1000


@router.get("/{id}", summary="What became of a submission", responses=responses(403, 404))
def submission_state(
    caller: KnownCaller,
    service: TheService,
    query: Annotated[PageQuery, Query()],
    name: Annotated[str, Path(alias="id", pattern="^[0-9a-f]{32}$", examples=[SUBMISSION])],
) -> SubmissionState:
    """For the authority that sent it, and for audit. A record is `recorded` once the index has it."""
    if caller.scope.kind == "enterprise":
        raise Forbidden("A key for an enterprise does not read submissions.")
    ledger = service.ledger
    after = cursors.unpack(query.cursor, 1)[0] if query.cursor else 0
    with ledger.db.read_vault() as vault, ledger.db.read_index() as index:
        codes = {each.number: each.code for each in ledger.authorities.values()}
        codes.update((each.authority, each.code) for each in all_authorities(index))
        found = _permitted(caller, codes, submission(vault, name))
        brought = found.first_seq + found.commands
        rest = found._replace(first_seq=max(after + 1, found.first_seq))
        rest = rest._replace(commands=max(0, brought - rest.first_seq))
        accepted = list(islice(commands_of(vault, rest), query.limit + 1))
        last = index.scalar(_LAST, {"authority": found.authority}) or 0
    page = accepted[: query.limit]
    return SubmissionState(
        submission=found.id,
        authority=codes[found.authority],
        at=instant(found.created_at),
        accepted=found.accepted,
        duplicate=found.duplicate,
        records=[_record(each, last, codes) for each in page if each.part == 0],
        next=cursors.pack(page[-1].seq) if len(accepted) > query.limit else None,
    )


def _permitted(caller: ApiKey, codes: Mapping[int, str], found: SubmissionRow) -> SubmissionRow:
    if caller.scope.kind == "audit" or str(caller.scope) == f"authority:{codes.get(found.authority)}":
        return found
    # Another authority's: whether it exists is not this caller's business.
    raise NotFound(f"there is no submission {found.id!r}")


def _record(command: Command, last: int, codes: Mapping[int, str]) -> SubmittedRecord:
    on_chain = command.number is not None and command.number <= last
    return SubmittedRecord(
        reference=command.reference,
        status="recorded" if on_chain else "queued",
        record=None if command.number is None else f"{codes[command.authority]}-{command.number}",
    )
