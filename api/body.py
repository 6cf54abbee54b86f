"""Reading a JSON body that a stranger sent: bounded before it is read, strict when it is parsed.

Standard library JSON takes `NaN`, lets the last of two equal keys win, and makes lone surrogates that no
database stores. Here each of these is the sender's error, said in words.
"""

from __future__ import annotations

import asyncio
import json
import math
import re
from typing import TYPE_CHECKING, Annotated, Final, NoReturn

from fastapi import Depends, Request
from starlette.requests import ClientDisconnect

from api.depth import MAX_DEPTH
from api.errors import BadBody, BodyTimeout, BodyTooLarge, UnsupportedMedia

if TYPE_CHECKING:
    from collections.abc import Sequence

#: Bytes a body may have: 1,000 records with generous documents; larger sets of documents come as a file.
MAX_BODY: Final = 8 * 1024 * 1024
#: Seconds a body may take to arrive.
BODY_SECONDS: Final = 30.0
#: Objects and lists a body may hold: 1,000 records with 200 each. Of `{}` alone 8 MiB make 200 MB in memory.
MAX_CONTAINERS: Final = 200_000
_LONGEST_MEDIA_TYPE: Final = 200
_WORD: Final = r"[!#$&+.^_`|~0-9A-Za-z-]+"
_PARAMETER: Final = rf"[ \t]*;[ \t]*{_WORD}=(?:{_WORD}|\"[^\"\\]*\")"
_MEDIA_TYPE: Final = re.compile(
    rf"[ \t]*application/json(?P<parameters>(?:{_PARAMETER})*)[ \t]*;?[ \t]*",
    re.IGNORECASE,
)
_CHARSET: Final = re.compile(r";[ \t]*charset=\"?([^\";]*)", re.IGNORECASE)
_UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")
_STRING: Final = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
_NOT_A_BRACKET: Final = re.compile(r"[^\[\]{}]+")


async def read_body(request: Request) -> bytes:
    """Return the whole body. Raises `UnsupportedMedia`, `BodyTooLarge` or `BodyTimeout`."""
    _check_media_type(request.headers.get("content-type"))
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared[:20]) > MAX_BODY:
        raise BodyTooLarge(f"A body of {declared[:20]} bytes; at most {MAX_BODY} are taken.")
    received = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for chunk in request.stream():
                received += chunk
                if len(received) > MAX_BODY:
                    raise BodyTooLarge(f"The body goes on after {MAX_BODY} bytes, the most that are taken.")
    except TimeoutError:
        raise BodyTimeout(f"The body did not arrive within {BODY_SECONDS:.0f} seconds.") from None
    except ClientDisconnect:
        raise BadBody("The body ended before its time.") from None
    return bytes(received)


#: The raw body of a request, as a parameter type.
RawBody = Annotated[bytes, Depends(read_body)]


def parse_json(raw: bytes) -> object:
    """Return the value a body holds. Raises `BadBody` with the place where it stops being acceptable JSON."""
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadBody(f"The body is not UTF-8: byte {error.start} is 0x{raw[error.start]:02x}.") from None
    _check_depth(text)
    try:
        value: object = json.loads(
            text,
            object_pairs_hook=_object,
            parse_constant=_constant,
            parse_float=_float,
            parse_int=_int,
        )
    except json.JSONDecodeError as error:
        raise BadBody(
            f"The body is not JSON: line {error.lineno}, column {error.colno}: {error.msg}."
        ) from None
    _check_texts(value)
    return value


def _check_media_type(header: str | None) -> None:
    if header is None:
        raise UnsupportedMedia("No Content-Type; send application/json.")
    # By this one form, and nothing longer: a parser of all that mail allows takes seconds for a hostile one.
    found = _MEDIA_TYPE.fullmatch(header) if len(header) <= _LONGEST_MEDIA_TYPE else None
    if found is None:
        raise UnsupportedMedia(f"Content-Type {header[:80]!r}; send application/json.")
    for charset in _CHARSET.findall(found["parameters"]):
        if charset.lower() != "utf-8":
            raise UnsupportedMedia(f"Charset {charset[:40]!r}; JSON is sent in utf-8.")


def _object(pairs: Sequence[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise BadBody(f"The key {twice[:80]!r} stands twice in one object.")
    return found


def _constant(name: str) -> NoReturn:
    raise BadBody(f"{name} is no JSON number.")


def _float(digits: str) -> float:
    value = float(digits)
    if math.isinf(value):
        raise BadBody(f"The number {digits[:40]} is too large.")
    return value


def _int(digits: str) -> int:
    if len(digits) > 40:
        raise BadBody(f"The number {digits[:40]}... has {len(digits)} digits.")
    return int(digits)


def _check_depth(text: str) -> None:
    """Refuse depth and crowds before the parser meets them: it recurses in C, where too deep is a crash.

    Python's own limit does not help: libraries of the embedded chain raise it beyond what the stack holds.
    """
    depth = opened = 0
    for each in _NOT_A_BRACKET.sub("", _STRING.sub("", text)):
        if each in "[{":
            depth += 1
            opened += 1
        else:
            depth -= 1
        if opened > MAX_CONTAINERS:
            raise BadBody(f"The body holds more than {MAX_CONTAINERS} objects and lists.")
        if depth > MAX_DEPTH:
            raise BadBody(f"The body nests deeper than {MAX_DEPTH} levels.")
        if depth < 0:
            return  # no JSON; the parser says where


def _check_texts(value: object) -> None:
    """Refuse what no database stores, in keys and values."""
    if isinstance(value, str):
        found = _UNSTORABLE.search(value)
        if found:
            raise BadBody(f"A text holds the character U+{ord(found.group()):04X}, which is no text.")
    elif isinstance(value, dict):
        for key, each in value.items():
            _check_texts(key)
            _check_texts(each)
    elif isinstance(value, list):
        for each in value:
            _check_texts(each)
