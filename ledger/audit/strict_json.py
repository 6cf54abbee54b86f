"""JSON read strictly: one meaning for every byte string, or refused.

Refused: bytes that are not UTF-8, a byte order mark, a key given twice, fractions and NaN, and every shape
the reader did not ask for (missing key, unknown key, other type, number outside its range, text that is not
the one spelling of its bytes). Each refusal is a `BadProof` that names the place.

What reading costs is bounded before a value is made: nesting, digits of a number, and how many values there
may be for the bytes given, so that time and memory stay linear in the size of the file.
"""

from __future__ import annotations

import binascii
import json
import re
from itertools import accumulate
from typing import TYPE_CHECKING, Final, NoReturn

from ledger.errors import BadProof

if TYPE_CHECKING:
    from collections.abc import Iterator

#: How deep objects and lists may be inside one another.
MAX_NESTING: Final = 12
#: Digits of the largest number: that of a 64-bit one.
MAX_DIGITS: Final = 20
#: Bytes a value takes at least, on the average; a file of less is made to cost, not to tell.
BYTES_A_VALUE: Final = 8
#: Values that are let be whatever the size.
FREE_VALUES: Final = 4_096

# One without an end reaches to the end of the file: tried again at each quote inside, it would cost a square.
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)
_NOT_BRACKETS = bytes(each for each in range(256) if each not in b"[]{}")
_STEPS = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}
_HEX = re.compile(r"(?:[0-9a-f]{2})*")


class Malformed(BadProof):
    """The document is not of the form it must have."""

    code = "malformed"


def parse_object(data: bytes, limit: int) -> dict[str, object]:
    """Parse one JSON object of at most `limit` bytes."""
    if len(data) > limit:
        raise Malformed(f"{len(data)} bytes, more than {limit}")
    _bound(data)
    try:
        value: object = json.loads(
            data.decode("utf-8"),
            object_pairs_hook=_once,
            parse_int=_whole,
            parse_float=_no_fraction,
            parse_constant=_no_fraction,
        )
    except (ValueError, RecursionError) as error:
        raise Malformed(f"not JSON in UTF-8: {error}") from None
    if not isinstance(value, dict):
        raise Malformed("not a JSON object")
    return value


def canonical(value: object) -> bytes:
    """The one spelling of a JSON value: keys sorted, no spaces, UTF-8."""
    try:
        return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise Malformed("half a surrogate pair") from None


class Fields:
    """An object's keys, taken one after another; `done` refuses what nobody asked for."""

    def __init__(self, value: object, where: str) -> None:
        if not isinstance(value, dict):
            raise Malformed(f"{where}: not an object")
        self._left: dict[str, object] = dict(value)
        self._where = where

    def done(self) -> None:
        """Refuse any key that was not taken."""
        if self._left:
            raise Malformed(f"{self._where}: unknown key {min(self._left)[:40]!r}")

    def has(self, key: str) -> bool:
        return key in self._left

    def integer(self, key: str, low: int = 0, high: int = 2**63 - 1) -> int:
        """A whole number in `low`..`high`."""
        value = self._take(key)
        if type(value) is not int or not low <= value <= high:
            self.refuse(key, f"not a whole number in {low}..{high}")
        return value

    def text(self, key: str) -> str:
        """Any text."""
        value = self._take(key)
        if not isinstance(value, str):
            self.refuse(key, "not text")
        return value

    def hex(self, key: str, size: int) -> bytes:
        """`size` bytes in lower-case hexadecimal."""
        value = self._take(key)
        if not isinstance(value, str) or len(value) != 2 * size or not _HEX.fullmatch(value):
            self.refuse(key, f"not {size} bytes in lower-case hexadecimal")
        return bytes.fromhex(value)

    def base64(self, key: str) -> bytes:
        """Bytes in base64 (RFC 4648 section 4, padded), in their one spelling."""
        value = self._take(key)
        if not isinstance(value, str):
            self.refuse(key, "not base64")
        try:
            raw = binascii.a2b_base64(value.encode("ascii"), strict_mode=True)
        except ValueError:
            self.refuse(key, "not base64")
        if binascii.b2a_base64(raw, newline=False).decode() != value:
            self.refuse(key, "base64 with stray bits")
        return raw

    def fields(self, key: str) -> Fields:
        """An object."""
        return Fields(self._take(key), f"{self._where}.{key}")

    def entries(self, key: str) -> Iterator[Fields]:
        """A list of objects, one after another."""
        value = self._take(key)
        if not isinstance(value, list):
            self.refuse(key, "not a list")
        return (Fields(each, f"{self._where}.{key}[{index}]") for index, each in enumerate(value))

    def hashes(self, key: str) -> list[bytes]:
        """32-byte hashes one after another, in base64."""
        raw = self.base64(key)
        if len(raw) % 32:
            self.refuse(key, "not a whole number of hashes")
        return [raw[i : i + 32] for i in range(0, len(raw), 32)]

    def _take(self, key: str) -> object:
        if key not in self._left:
            raise Malformed(f"{self._where}: key {key!r} is missing")
        return self._left.pop(key)

    def refuse(self, key: str, why: str) -> NoReturn:
        """Refuse the value of a key."""
        raise Malformed(f"{self._where}.{key}: {why}")


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        seen = set[str]()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise Malformed(f"key {twice[:40]!r} is given twice")
    return found


def _bound(data: bytes) -> None:
    """Refuse what would cost more to read than its size allows. Looks at brackets and commas alone."""
    most = FREE_VALUES + len(data) // BYTES_A_VALUE
    if data.count(b'"') - data.count(b'\\"') > 2 * most:
        raise Malformed(f"more than {most} texts in {len(data)} bytes: no evidence is so dense")
    bare = _STRING.sub(b"", data)
    values = bare.count(b",") + bare.count(b"[") + bare.count(b"{") + bare.count(b":") + 1
    if values > most:
        raise Malformed(f"{values} values in {len(data)} bytes: no evidence is so dense")
    brackets = bare.translate(None, _NOT_BRACKETS)
    if max(accumulate(map(_STEPS.__getitem__, brackets)), default=0) > MAX_NESTING:
        raise Malformed(f"nested deeper than {MAX_NESTING}")


def _whole(text: str) -> int:
    if len(text) > MAX_DIGITS:
        raise Malformed(f"a number of {len(text)} digits")
    return int(text)


def _no_fraction(text: str) -> NoReturn:
    raise Malformed(f"{text[:40]} is not a whole number")
