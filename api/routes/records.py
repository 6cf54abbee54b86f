"""Posting records: the same checks as a file's rows, the same outbox, one answer for the whole request."""

# FastAPI resolves annotations when a route is declared: what they name must be imported.
# ruff: noqa: TC001

from __future__ import annotations

import hashlib
import json
import secrets
import time
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Final, NamedTuple

from fastapi import APIRouter, Header, Response
from fastapi.responses import JSONResponse

from api.auth import AuthorityCaller
from api.body import RawBody, parse_json
from api.errors import MEDIA_TYPE as PROBLEM
from api.errors import ErrorItem, Unacceptable, clip, of_ledger_error
from api.openapi import body_of, responses
from api.schemas import RecordsIn, SubmissionAccepted
from api.service import Service, TheService
from ledger.chain.wallets import is_wallet
from ledger.domain.submissions import FieldError, Submission, check_row
from ledger.outbox.accept import Outcome, accept
from ledger.store.answers import Answer, claim, forget, release, settle
from ledger.workflows.subjects import SameEnterprise

if TYPE_CHECKING:
    from collections.abc import Sequence

router = APIRouter(prefix="/v1/records", tags=["records"])

MAX_RECORDS: Final = 1000

IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=200,
        pattern="^[!-~]+$",
        description="Send it again after a lost answer: the same body gets the same answer, for a week",
        examples=["0d6f6f0e-4b0b-4c8e-9a55-1b8a2f0b8c11"],
    ),
]


class _Checked(NamedTuple):
    """Rows that passed, and what is wrong with the others; rows count from 1."""

    good: list[tuple[int, Submission]]
    errors: list[ErrorItem]
    rows: int


@router.post(
    "",
    status_code=202,
    response_model=SubmissionAccepted,
    summary="Post records",
    responses=responses(400, 403, 408, 409, 413, 415),
    openapi_extra=body_of(RecordsIn),
)
def post_records(
    caller: AuthorityCaller, service: TheService, raw: RawBody, idempotency_key: IdempotencyKey = None
) -> Response:
    """Good records are stored and on their way to the chain when this answers 202, also if others were not.

    The reference makes a record the same one: posting it again with the same content does nothing. If no
    record is good, the answer is 422 and names each row and field.
    """
    body = parse_json(raw)
    if idempotency_key is None:
        return _process(caller, service, body)
    digest = hashlib.sha256(raw).digest()
    now, database = int(time.time()), service.ledger.db
    kept = claim(database, caller.key.id, idempotency_key, digest, now)
    if kept is not None:
        return _replayed(kept)
    try:
        answer = _process(caller, service, body)
    except BaseException:
        release(database, caller.key.id, idempotency_key)
        raise
    settle(database, caller.key.id, idempotency_key, Answer(answer.status_code, bytes(answer.body)))
    if secrets.randbelow(100) == 0:  # now and then is enough, and needs no clock of its own
        forget(database, now)
    return answer


def _process(caller: AuthorityCaller, service: Service, body: object) -> Response:
    """Accept what is good; the answer is a 202, or the problem document of a 422."""
    ledger = service.ledger
    checked = _check(service, caller, _rows(body))
    outcomes: list[Outcome] = []
    if checked.good:
        outcomes = accept(
            ledger.db,
            ledger.keystore,
            ledger.catalogue,
            caller.authority,
            checked.good,
            f"api:{caller.key.id}",
            linked=SameEnterprise(ledger.db, ledger.today()),
            is_wallet=partial(is_wallet, ledger.node),
        )
    errors = checked.errors + [_item(each.row, error) for each in outcomes for error in each.errors]
    errors.sort(key=lambda each: each["row"])
    statuses = [each.status for each in outcomes]
    accepted, duplicate = statuses.count("accepted"), statuses.count("duplicate")
    if not accepted and not duplicate:
        return of_ledger_error(Unacceptable(f"None of the {checked.rows} records was accepted.", errors))
    answer = {
        "submission": outcomes[0].submission,
        "accepted": accepted,
        "duplicate": duplicate,
        "rejected": checked.rows - accepted - duplicate,
        "errors": errors,
    }
    return JSONResponse(answer, 202, {"Location": _address(outcomes[0].submission)})


def _rows(body: object) -> Sequence[object]:
    """Return the records of a body. Raises `Unacceptable` if it has another form."""
    if not isinstance(body, dict):
        raise _unfit("(body)", body, "not an object with the key `records`")
    for name in body:
        if name != "records":
            raise _unfit(name, body[name], "no such field")
    rows = body.get("records")
    if not isinstance(rows, list):
        raise _unfit("records", rows, "not a list")
    if not 1 <= len(rows) <= MAX_RECORDS:
        raise _unfit("records", f"{len(rows)} records", f"not 1 to {MAX_RECORDS}")
    return rows


def _check(service: Service, caller: AuthorityCaller, rows: Sequence[object]) -> _Checked:
    ledger = service.ledger
    today = ledger.today()
    good: list[tuple[int, Submission]] = []
    errors: list[ErrorItem] = []
    for number, row in enumerate(rows, 1):
        if not isinstance(row, dict):
            errors.append(_item(number, FieldError("(record)", clip(row), "not an object")))
            continue
        found = check_row(row, ledger.catalogue, caller.authority, today)
        if isinstance(found, Submission):
            good.append((number, found))
        else:
            errors += [_item(number, each) for each in found]
    return _Checked(good, errors, len(rows))


def _item(row: int, error: FieldError) -> ErrorItem:
    return {"row": row, "field": clip(error.field), "value": clip(error.value), "reason": error.reason}


def _unfit(field: str, value: object, reason: str) -> Unacceptable:
    item = {"field": clip(field), "value": clip(value), "reason": reason}
    return Unacceptable(f"{item['field']}: {item['value']!r}: {reason}", [item])


def _replayed(kept: Answer) -> Response:
    headers = {"Idempotent-Replayed": "true"}
    if kept.status != HTTPStatus.ACCEPTED:
        return Response(kept.body, kept.status, headers, PROBLEM)
    headers["Location"] = _address(json.loads(kept.body)["submission"])
    return Response(kept.body, kept.status, headers, "application/json")


def _address(submission: str) -> str:
    return f"/v1/submissions/{submission}"
