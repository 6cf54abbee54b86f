"""Every error as an RFC 9457 problem document (`application/problem+json`), and the status each one has.

`ledger` raises `LedgerError`s that know nothing of HTTP; the table here gives them a status. What only HTTP
can get wrong (no key, a body too large, a media type) is an `ApiError`, which knows its own.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, ClassVar, Final

import structlog
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import OperationalError, SQLAlchemyError
from starlette.exceptions import HTTPException

from api.logs import log
from ledger.errors import (
    BadValue,
    Busy,
    ChainRefused,
    ChainUnavailable,
    Conflict,
    Forbidden,
    LedgerError,
    NotFound,
)
from ledger.files import disk_fault
from ledger.store.answers import KeyMeansAnother

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fastapi import FastAPI
    from starlette.requests import Request

MEDIA_TYPE: Final = "application/problem+json"
TYPE_PREFIX: Final = "urn:credit-ledger:problem:"
#: Seconds a client should wait before it tries again what may work later.
RETRY_AFTER: Final = 5
_SHOWN: Final = 80

#: One entry of a problem's `errors`: `field`, `value`, `reason`, and `row` (from 1) where there are rows.
ErrorItem = dict[str, Any]


class ApiError(LedgerError):
    """What only HTTP can get wrong. Carries its status, its headers and what it has to say per field."""

    status: ClassVar[int] = HTTPStatus.BAD_REQUEST

    def __init__(
        self, detail: str, errors: Sequence[ErrorItem] = (), headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.errors = list(errors)
        self.headers = dict(headers or {})


class Unauthenticated(ApiError):
    """No API key, or one that is not (or no longer) valid."""

    code = "unauthenticated"
    status = HTTPStatus.UNAUTHORIZED

    def __init__(self, detail: str, error: str | None = None) -> None:
        challenge = 'Bearer realm="credit-ledger"' + (f', error="{error}"' if error else "")
        super().__init__(detail, headers={"WWW-Authenticate": challenge})


class BadBody(ApiError):
    """The body cannot be read as the JSON it claims to be."""

    code = "bad-body"


class BodyTimeout(ApiError):
    """The body did not arrive in time."""

    code = "body-timeout"
    status = HTTPStatus.REQUEST_TIMEOUT
    retry_helps = True


class BodyTooLarge(ApiError):
    """The body is larger than this route takes."""

    code = "body-too-large"
    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE


class UnsupportedMedia(ApiError):
    """The body is of another media type than JSON in UTF-8."""

    code = "unsupported-media-type"
    status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE


class Unacceptable(ApiError):
    """The body is JSON, and what it says cannot be accepted; `errors` names each row and field."""

    code = "unacceptable"
    status = HTTPStatus.UNPROCESSABLE_ENTITY


class NotReady(ApiError):
    """A part this service needs does not work at the moment."""

    code = "not-ready"
    status = HTTPStatus.SERVICE_UNAVAILABLE
    retry_helps = True


#: The first class an error is an instance of decides; any other is 503 or 500 (see `status_of`).
_STATUS: Final[tuple[tuple[type[LedgerError], int], ...]] = (
    (BadValue, HTTPStatus.UNPROCESSABLE_ENTITY),
    (NotFound, HTTPStatus.NOT_FOUND),
    (KeyMeansAnother, HTTPStatus.UNPROCESSABLE_ENTITY),
    (Conflict, HTTPStatus.CONFLICT),
    (Forbidden, HTTPStatus.FORBIDDEN),
    (ChainRefused, HTTPStatus.BAD_GATEWAY),
)


#: What a caller reads of these: their own sentences may name a node's address, or a folder.
_SAID: Final[tuple[tuple[type[LedgerError], str], ...]] = (
    (ChainUnavailable, "the chain does not answer at the moment"),
    (ChainRefused, "the chain refuses this; the operator's log says why"),
)


def said_to_callers(error: LedgerError) -> str:
    """Return the sentence of an error without what only the operator should read, which goes to the log."""
    for kind, sentence in _SAID:
        if isinstance(error, kind):
            log.warning("chain", code=error.code, error=str(error))
            return sentence
    return str(error)


def status_of(error: LedgerError) -> int:
    """Return the HTTP status of an error: its own, the table's, 503 where trying again helps, else 500."""
    if isinstance(error, ApiError):
        return error.status
    for kind, status in _STATUS:
        if isinstance(error, kind):
            return status
    return HTTPStatus.SERVICE_UNAVAILABLE if error.retry_helps else HTTPStatus.INTERNAL_SERVER_ERROR


def clip(value: object) -> str:
    """Return a value as text short enough to be sent back."""
    text = value if isinstance(value, str) else repr(value)
    text = text.encode("utf-8", "backslashreplace").decode("utf-8")
    return text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "..."


def problem(
    status: int,
    code: str,
    detail: str,
    errors: Sequence[ErrorItem] = (),
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """Return the response for one problem. `code` becomes its type; `request_id` leads to the log's line."""
    body: dict[str, Any] = {
        "type": TYPE_PREFIX + code,
        "title": HTTPStatus(status).phrase,
        "status": int(status),
        "detail": detail,
    }
    request_id = structlog.contextvars.get_contextvars().get("request_id")
    if request_id:
        body["request_id"] = request_id
    if errors:
        body["errors"] = list(errors)
    return JSONResponse(body, status_code=status, headers=dict(headers or {}), media_type=MEDIA_TYPE)


def of_ledger_error(error: LedgerError) -> JSONResponse:
    """Translate one of the ledger's errors; what a client cannot mend is logged and not explained to it."""
    status = status_of(error)
    headers = dict(error.headers) if isinstance(error, ApiError) else {}
    errors: Sequence[ErrorItem] = error.errors if isinstance(error, ApiError) else ()
    if isinstance(error, BadValue):
        errors = [{"field": error.field, "value": error.value, "reason": error.reason}]
    if error.retry_helps:
        headers.setdefault("Retry-After", str(RETRY_AFTER))
    detail = said_to_callers(error)
    if error.why:
        log.warning("driver", code=error.code, error=detail, why=error.why)
    if status == HTTPStatus.INTERNAL_SERVER_ERROR:
        log.error("internal", code=error.code, error=detail)
        detail = "The ledger cannot answer this. The operator's log says why, under this request id."
    return problem(status, error.code, detail, errors, headers)


def of_exception(error: Exception) -> JSONResponse:
    """Translate anything: the last resort, which logs what happened and sends no traceback."""
    known = error if isinstance(error, LedgerError) else disk_fault(error)
    if known is not None:
        return of_ledger_error(known)
    if isinstance(error, OperationalError):
        log.error("database", error=str(error.orig))
        return of_ledger_error(Busy("the database does not take this at the moment"))
    kind = "database" if isinstance(error, SQLAlchemyError) else "unexpected"
    log.error(kind, error=type(error).__name__, exc_info=error)
    detail = "The ledger met an error of its own. The operator's log says which, under this request id."
    return problem(HTTPStatus.INTERNAL_SERVER_ERROR, "internal", detail)


def _of_http_exception(error: HTTPException) -> JSONResponse:
    phrase = HTTPStatus(error.status_code).phrase
    code = phrase.lower().replace(" ", "-")
    detail = {404: "There is nothing at this address.", 405: "This address does not take this method."}.get(
        error.status_code, error.detail or phrase
    )
    return problem(error.status_code, code, detail, headers=error.headers)


def _of_validation(error: RequestValidationError) -> JSONResponse:
    """A parameter that does not fit: FastAPI's list, in this API's words."""
    items: list[ErrorItem] = []
    for each in error.errors():
        where = [str(part) for part in each["loc"]]
        given = each.get("input")
        reason = "not a parameter of this address" if each["type"] == "extra_forbidden" else each["msg"]
        items.append({"field": ".".join(where[1:]) or where[0], "value": clip(given), "reason": reason})
    listed = "; ".join(f"{each['field']}: {each['value']!r}: {each['reason']}" for each in items)
    return problem(HTTPStatus.UNPROCESSABLE_ENTITY, "bad-value", listed, items)


def install(app: FastAPI) -> None:
    """Make every error that leaves a route of `app` a problem document.

    By coroutines: others would wait for one of the threads that may all be waiting for a database.
    """

    async def ledger_error(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, LedgerError)
        return of_ledger_error(error)

    async def http_exception(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)
        return _of_http_exception(error)

    async def validation(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)
        return _of_validation(error)

    app.add_exception_handler(LedgerError, ledger_error)
    app.add_exception_handler(HTTPException, http_exception)
    app.add_exception_handler(RequestValidationError, validation)
