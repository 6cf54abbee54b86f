"""Parties: who a record is about, under one canonical key.

A party is a code (`uscc:`, `lei:`) or an unresolved name (`name:CC:FORM`). A name stays a name until an
officer links it to a code on the chain; nothing here turns one into the other.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Literal, NamedTuple

from ledger.domain.identifiers import check_identifier, split_prefix
from ledger.domain.names import normal_country, normal_name
from ledger.errors import BadValue

PartyKind = Literal["uscc", "lei", "name"]


class Party(NamedTuple):
    """One party. `key` is canonical, printable and at most 200 characters; `text` is what was given.

    Two parties are the same if and only if their keys are equal: compare keys, never `Party` values.
    """

    kind: PartyKind
    key: str
    text: str


@lru_cache(maxsize=65536)
def parse_party(text: str) -> Party:
    """Read `uscc:CODE`, `lei:CODE`, `name:CC:NAME` or a bare code.

    `text` of the result is what was given; of a name, without its prefix. Raises `BadValue` (field `party`)
    with the reason.
    """
    verdict = check_identifier(text)
    if not verdict.valid:
        raise BadValue("party", text, verdict.why)
    if verdict.code.startswith("name:"):
        return Party("name", verdict.code, split_prefix(text, 2)[2])
    kind: PartyKind = "lei" if len(verdict.code) == 20 else "uscc"
    return Party(kind, f"{kind}:{verdict.code}", text.strip())


def named_party(country: str, raw_name: str) -> Party:
    """Make an unresolved party of a country (ISO 3166-1 alpha-2) and a name as it arrived.

    Raises `BadValue` (field `party`).
    """
    return Party("name", f"name:{normal_country(country)}:{normal_name(raw_name)}", raw_name)
