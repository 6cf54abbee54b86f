"""Around every request: an id, a line in the log, an observation, and an answer when all else failed."""

from __future__ import annotations

import contextlib
import re
import secrets
import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, unquote

import structlog
from starlette.datastructures import Headers, MutableHeaders

from api.auth import ENCODED_SLASH
from api.body import MAX_BODY
from api.errors import of_exception
from api.logs import log
from api.turns import OPEN, Turns

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from api.metrics import Metrics

_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
_SLASH: Final = re.compile("%2f", re.IGNORECASE)
_UNMATCHED: Final = "(none)"


class Envelope:
    """ASGI middleware. A client's own `X-Request-Id` is kept if short and plain, else one is made."""

    def __init__(self, app: ASGIApp, metrics: Metrics, key_of: Callable[[str], str | None]) -> None:
        self._app = app
        self._metrics = metrics
        self._turns = Turns(key_of)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        if b"%2f" in scope.get("raw_path", b"").lower():
            # A `/` within a name: it must not lead to another route, of another firm.
            scope["path"] = unquote(_SLASH.sub(quote(ENCODED_SLASH), scope["raw_path"].decode("ascii")))
        asked = Headers(scope=scope)
        given = asked.get("x-request-id", "")
        request_id = given if _REQUEST_ID.fullmatch(given) else secrets.token_hex(8)
        status = 0
        unread = "transfer-encoding" in asked or _length(asked) > MAX_BODY

        async def receive_on() -> Message:
            nonlocal unread
            message = await receive()
            if not message.get("more_body", False):
                unread = False
            return message

        async def send_on(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["X-Request-Id"] = request_id
                headers["X-Content-Type-Options"] = "nosniff"
                headers.setdefault("Cache-Control", "no-store")
                if unread:
                    # Who is refused in the middle of a body must not be able to keep us reading it.
                    headers["Connection"] = "close"
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            try:
                async with self._turn(scope["path"], asked):
                    await self._app(scope, receive_on, send_on)
            except Exception as error:  # noqa: BLE001 - the last place where it can still become an answer
                answer = of_exception(error)
                if not status:
                    await answer(scope, receive, send_on)
            finally:
                self._close(scope, status, time.perf_counter() - began)

    @contextlib.asynccontextmanager
    async def _turn(self, path: str, asked: Headers) -> AsyncIterator[None]:
        """Admit a request in the line of its key, however that is spelt; `/healthz` always."""
        if path == "/healthz":
            yield
            return
        scheme, _, token = asked.get("authorization", "").partition(" ")
        key: str | None = OPEN
        if path.startswith("/v1/"):
            key = await self._turns.key_of(token) if token and scheme.lower() == "bearer" else None
        async with self._turns.of(key):
            yield

    def _close(self, scope: Scope, status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path_format", _UNMATCHED)
        # A client that left before the answer is nobody's error; 499 is what proxies write for it.
        status = status or 499
        self._metrics.observe(scope["method"], route, status, seconds)
        caller = scope.get("state", {}).get("caller")
        level = log.warning if status >= HTTPStatus.INTERNAL_SERVER_ERROR else log.info
        level(
            "request",
            method=scope["method"],
            route=route,
            status=status,
            ms=round(seconds * 1000, 2),
            key=getattr(caller, "id", None),
        )


def _length(headers: Headers) -> int:
    declared = headers.get("content-length", "")
    return int(declared) if declared.isdecimal() and len(declared) < 20 else 0
