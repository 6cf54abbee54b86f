"""The types of record, who may write them, and the authorities a first start creates: data, loaded from TOML.

The files beside this module are the source (`catalogue.toml`, `authorities.toml`); each type names the rule
its trigger comes from.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

from ledger.domain.calendar import to_day
from ledger.errors import BadValue, Misconfigured

if TYPE_CHECKING:
    from collections.abc import Mapping

Kind = Literal["event", "lifecycle", "link"]

#: What the ledger itself gives meaning to; every other type is data.
CORRECTION: Final = 240
REVOCATION: Final = 241
REPAIR: Final = 242
REINSTATEMENT: Final = 243
LINKED_TO: Final = 248
LINKED_FROM: Final = 249
#: The severity that four eyes are about.
SERIOUS: Final = 3

_RANGES: Final[Mapping[str, range]] = {
    "event": range(1, 240),
    "lifecycle": range(240, 248),
    "link": range(248, 256),
}
_EVERY_AUTHORITY = "*"


class EventType(NamedTuple):
    """One type of record.

    `authorities` are the codes of those who may write it (`("*",)`: all). `severity` is 0 none or positive,
    1 minor, 2 general, 3 serious (NDRC Order 36). `repair` says in words what a repair needs.
    """

    number: int
    code: str
    en: str
    zh: str
    authorities: tuple[str, ...]
    severity: int
    kind: Kind
    repairable: bool
    rule: str
    repair: str

    def open_to(self, authority: str) -> bool:
        """Whether the catalogue lets the authority of this code write this type."""
        return authority in self.authorities or _EVERY_AUTHORITY in self.authorities


class Authority(NamedTuple):
    """An authority: number on the chain, code, names and mandate (bit t: may write type t).

    `weighty` are the types of the mandate that need two officers where four eyes are on (bit t, too).
    `foreign`: of another state, it reads its own records only.
    """

    number: int
    code: str
    en: str
    zh: str
    mandate: int
    weighty: int = 0
    foreign: bool = False

    def may_write(self, type_number: int) -> bool:
        """Whether the mandate has the bit of this type."""
        return bool(self.mandate >> type_number & 1)


@dataclass(frozen=True)
class Catalogue:
    """All types, in the order of their numbers, and by code and number. `effective_on` is a day number."""

    name: str
    effective_on: int
    types: tuple[EventType, ...]
    by_code: Mapping[str, EventType]
    by_number: Mapping[int, EventType]

    def mandate(self, authority: str) -> int:
        """Return the mandate the catalogue gives the authority of this code: bit t is set for each type t."""
        return sum(1 << each.number for each in self.types if each.open_to(authority))

    @property
    def weighty(self) -> int:
        """Which types are weighty (bit t for type t): the serious ones, and whatever is no event.

        A correction, a revocation or a link can undo or move a serious record.
        """
        return sum(
            1 << each.number for each in self.types if each.severity == SERIOUS or each.kind != "event"
        )


@lru_cache(maxsize=1)
def load_catalogue() -> Catalogue:
    """Return the packaged catalogue. Raises `Misconfigured` if the file is damaged."""
    return parse_catalogue(_packaged("catalogue.toml"))


def parse_catalogue(text: str) -> Catalogue:
    """Read a catalogue from TOML text. Raises `Misconfigured` and says which entry does not fit."""
    table = _toml("catalogue", text)
    try:
        types = sorted(_type(entry) for entry in table["type"])
        name, effective_on = str(table["name"]), to_day(str(table["effective_on"]))
    except (KeyError, TypeError, ValueError, BadValue) as error:
        raise Misconfigured(f"catalogue: missing or unfit key: {error}") from None
    by_number = {each.number: each for each in types}
    by_code = {each.code: each for each in types}
    if len(by_number) < len(types) or len(by_code) < len(types):
        raise Misconfigured("catalogue: two types share a number or a code")
    return Catalogue(name, effective_on, tuple(types), by_code, by_number)


@lru_cache(maxsize=1)
def default_authorities() -> tuple[Authority, ...]:
    """Return the authorities of a first start, in the order of their numbers (1, 2, ...)."""
    catalogue = load_catalogue()
    entries = _toml("authorities", _packaged("authorities.toml"))["authority"]
    found = tuple(
        Authority(
            each["number"],
            each["code"],
            each["en"],
            each["zh"],
            mandate,
            mandate & catalogue.weighty,
            bool(each.get("foreign", False)),
        )
        for each in entries
        for mandate in [catalogue.mandate(each["code"])]
    )
    if [each.number for each in found] != list(range(1, len(found) + 1)):
        raise Misconfigured("authorities: numbers must run 1, 2, 3, ... without a gap")
    return found


def _type(entry: Mapping[str, Any]) -> EventType:
    number, kind, severity = int(entry["number"]), entry["kind"], entry["severity"]
    if number not in _RANGES[kind]:
        raise Misconfigured(f"catalogue: type number {number} is outside the numbers of kind {kind!r}")
    if severity not in range(4):
        raise Misconfigured(f"catalogue: type {number}: severity {severity!r} is not 0, 1, 2 or 3")
    repair = str(entry["repair"])
    return EventType(
        number=number,
        code=str(entry["code"]),
        en=str(entry["en"]),
        zh=str(entry["zh"]),
        authorities=tuple(map(str, entry["authorities"])),
        severity=int(severity),
        kind=kind,
        repairable=repair != "n/a",
        rule=str(entry["rule"]),
        repair=repair,
    )


def _packaged(name: str) -> str:
    return files("ledger.domain").joinpath(name).read_text(encoding="utf-8")


def _toml(what: str, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Misconfigured(f"{what}: not TOML: {error}") from None
