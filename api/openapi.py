"""What the API says about itself: each route's errors as problem documents, by status."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from api.errors import MEDIA_TYPE
from api.schemas import Problem

if TYPE_CHECKING:
    from fastapi import FastAPI
    from pydantic import BaseModel

DESCRIPTION: Final = """\
Events about enterprises by authorities, on a blockchain; scores with a reason for every point; proofs that
nothing was removed.

Every error is a problem document (RFC 9457). Every answer carries `X-Request-Id`. Lists come in
pages: pass `next` on.
"""

_MEANING: Final[dict[int, str]] = {
    400: "The body is not the JSON it claims to be",
    401: "No API key, or one that is not valid",
    403: "The key is valid, and not for this",
    404: "Not in the ledger",
    408: "The body did not arrive in time",
    409: "Contradicts what was accepted before, or is being carried out at this moment",
    413: "The body is too large",
    415: "The body is not application/json in UTF-8",
    422: "A parameter or field does not fit: see `errors`",
    500: "The ledger's own error; the request id leads to the log",
    502: "The chain refused",
    503: "A part does not answer at the moment: try again after `Retry-After` seconds",
}
_BODIES: Final[set[type[BaseModel]]] = set()
#: What any route behind a key may answer.
_ALWAYS: Final = (401, 422, 500, 503)
_HEADERS: Final[dict[int, dict[str, Any]]] = {
    401: {"WWW-Authenticate": {"schema": {"type": "string"}, "required": True}},
    503: {"Retry-After": {"description": "Seconds", "schema": {"type": "integer"}, "required": True}},
}


def responses(*statuses: int, always: tuple[int, ...] = _ALWAYS) -> dict[int | str, dict[str, Any]]:
    """Return the error responses of a route: these statuses, and the ones that all routes share."""
    return {status: _response(status) for status in sorted({*statuses, *always})}


def _response(status: int) -> dict[str, Any]:
    found: dict[str, Any] = {
        "description": _MEANING[status],
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    if status in _HEADERS:
        found["headers"] = _HEADERS[status]
    return found


def body_of(model: type[BaseModel]) -> dict[str, Any]:
    """Return the `openapi_extra` of a route that reads its JSON body itself."""
    _BODIES.add(model)
    return {
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{model.__name__}"}}},
        }
    }


def install(app: FastAPI) -> None:
    """Make `app.openapi()` describe the problem document and the bodies that routes read themselves."""
    describe = app.openapi

    def described() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = describe()
            schemas = schema.setdefault("components", {}).setdefault("schemas", {})
            models: list[type[BaseModel]] = [Problem, *sorted(_BODIES, key=lambda each: each.__name__)]
            for model in models:
                own = model.model_json_schema(ref_template="#/components/schemas/{model}")
                schemas.update(own.pop("$defs", {}))
                schemas[model.__name__] = own
            # FastAPI's own forms of a validation error, which this API does not send.
            for unused in ("HTTPValidationError", "ValidationError"):
                schemas.pop(unused, None)
            app.openapi_schema = schema
        return app.openapi_schema

    app.openapi = described  # type: ignore[method-assign]
