"""Scorecards: dated data, validated strictly, each with canonical bytes and their SHA-256.

A card is a TOML file (`card-2026-04-01.toml` here is the default, and shows the form). Its hash stands on the
chain, so its canonical form is fixed: JSON in UTF-8, keys sorted, no spaces, types in the order of their
numbers, dates as `YYYY-MM-DD`. Comments and layout of the TOML do not change the hash; every value does.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from importlib.resources import files
from itertools import pairwise
from typing import TYPE_CHECKING, Final, NamedTuple

from ledger.domain.calendar import iso, to_day
from ledger.errors import BadValue, Misconfigured
from ledger.scoring.form import Form

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

#: The most a card can give, in milli-points; scores are clipped to 0..MAX_MILLI.
MAX_MILLI: Final = 100_000
#: Grades from best to worst, and the number each has on the chain.
GRADES: Final[Mapping[str, int]] = {"A": 1, "B": 2, "M": 3, "C": 4, "D": 5}

_EFFECTS: Final = ("", "CAP_B", "CAP_C", "VETO_D", "while valid")
_NEGATIVE_ONLY: Final = ("CAP_B", "CAP_C", "VETO_D")
_MAX_MONTHS: Final = 600


class TypeRule(NamedTuple):
    """What one event type weighs: signed milli-points, and windows in calendar months.

    `max_months` 0 is no end, `half_life_months` 0 no decay.
    """

    number: int
    code: str
    milli: int
    min_months: int
    max_months: int
    half_life_months: int
    effect: str
    repair: str
    rule: str


@dataclass(frozen=True, eq=False)
class Scorecard:
    """One card. `effective_on` is a day number, `_milli` are milli-points, `grades` the lowest score of each.

    `hash` is the SHA-256 of `canonical`: 32 bytes, the card's name on the chain. Two cards are the same card
    exactly if their hashes are equal.
    """

    name: str
    effective_on: int
    start_milli: int
    start_incomplete_milli: int
    bonus_cap_milli: int
    new_record_months: int
    grades: tuple[tuple[str, int], ...]
    rules: Mapping[int, TypeRule]
    canonical: bytes
    hash: bytes

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Scorecard) and self.hash == other.hash

    def __hash__(self) -> int:
        return hash(self.hash)


@lru_cache(maxsize=1)
def load_cards() -> tuple[Scorecard, ...]:
    """Return the packaged cards by effective date. Raises `Misconfigured` if one is damaged."""
    folder = files("ledger.scoring")
    names = sorted(
        each.name
        for each in folder.iterdir()
        if each.name.startswith("card-") and each.name.endswith(".toml")
    )
    return in_date_order(
        parse_card(folder.joinpath(name).read_text(encoding="utf-8"), name) for name in names
    )


def in_date_order(cards: Iterable[Scorecard]) -> tuple[Scorecard, ...]:
    """Sort cards by effective date. Raises `Misconfigured` if two take effect on one day."""
    ordered = sorted(cards, key=lambda card: card.effective_on)
    for earlier, later in pairwise(ordered):
        if earlier.effective_on == later.effective_on:
            raise Misconfigured(
                f"cards {earlier.name!r} and {later.name!r} both take effect on {iso(later.effective_on)}"
            )
    return tuple(ordered)


def card_in_force(cards: Sequence[Scorecard], day: int) -> Scorecard:
    """Return the card a day is scored by: the latest in effect on it, or the earliest there is.

    A day before the first card has no rules of its own here; scoring it by the first card is stated in the
    result (the card's name is part of it). To replay older rules, add an older card. Raises `Misconfigured`
    if there is no card.
    """
    if not cards:
        raise Misconfigured("there is no scorecard")
    ordered = in_date_order(cards)
    in_effect = [card for card in ordered if card.effective_on <= day]
    return in_effect[-1] if in_effect else ordered[0]


def parse_card(text: str, where: str = "card") -> Scorecard:
    """Read a card from TOML text; `where` names it in errors.

    Raises `Misconfigured`, naming the key, its value and what is wrong: an unknown or missing key, a value of
    another kind or out of range, two types of one number, a minimum over its maximum, thresholds not falling.
    """
    try:
        table = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # also a number of too many digits, and arrays without end
        raise Misconfigured(f"{where}: not TOML: {error}") from None
    return _card(Form(where, table))


def parse_canonical(canonical: bytes, where: str = "card") -> Scorecard:
    """Read a card from its canonical bytes, as an evidence file carries it. Raises `Misconfigured`.

    The rules are those of `parse_card`, and the bytes must be the one spelling of the card they say.
    """
    try:
        table = json.loads(canonical)
        table["type"] = table.pop("types")
        table["effective_on"] = date.fromisoformat(table["effective_on"])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise Misconfigured(f"{where}: not a card in canonical form: {error}") from None
    card = _card(Form(where, table))
    if card.canonical != canonical:
        raise Misconfigured(f"{where}: not the canonical spelling of the card {card.name!r}")
    return card


def _card(form: Form) -> Scorecard:
    name = form.text("name")
    effective_on = _date(form)
    start = form.integer("start_milli", 0, MAX_MILLI)
    incomplete = form.integer("start_incomplete_milli", 0, start)
    cap = form.integer("bonus_cap_milli", 0, MAX_MILLI)
    new_record = form.integer("new_record_months", 0, _MAX_MONTHS)
    grades = _grades(form.table("grades"))
    rules = _rules(form)
    form.done()
    canonical = _canonical(
        {
            "name": name,
            "effective_on": iso(effective_on),
            "start_milli": start,
            "start_incomplete_milli": incomplete,
            "bonus_cap_milli": cap,
            "new_record_months": new_record,
            "grades": dict(grades),
            "types": [rule._asdict() for rule in rules.values()],
        }
    )
    digest = hashlib.sha256(canonical).digest()
    return Scorecard(name, effective_on, start, incomplete, cap, new_record, grades, rules, canonical, digest)


def _date(form: Form) -> int:
    given = form.date("effective_on")
    try:
        return to_day(given)
    except BadValue as error:
        raise form.wrong("effective_on", given, error.reason) from None


def _grades(form: Form) -> tuple[tuple[str, int], ...]:
    lowest_a = form.integer("A", 1, MAX_MILLI)
    lowest_b = form.integer("B", 1, lowest_a - 1)
    lowest_c = form.integer("C", 1, lowest_b - 1)
    form.done()
    return (("A", lowest_a), ("B", lowest_b), ("C", lowest_c))


def _rules(form: Form) -> dict[int, TypeRule]:
    rules: dict[int, TypeRule] = {}
    codes: set[str] = set()
    for entry in form.tables("type"):
        rule = _rule(entry)
        if rule.number in rules:
            raise entry.wrong("number", rule.number, f"also the number of {rules[rule.number].code}")
        if rule.code in codes:
            raise entry.wrong("code", rule.code, "given twice")
        codes.add(rule.code)
        rules[rule.number] = rule
    return dict(sorted(rules.items()))


def _rule(form: Form) -> TypeRule:
    number = form.integer("number", 1, 239)
    code = form.text("code")
    milli = form.integer("milli", -MAX_MILLI, MAX_MILLI)
    minimum = form.integer("min_months", 0, _MAX_MONTHS)
    maximum = form.integer("max_months", 0, _MAX_MONTHS)
    half_life = form.integer("half_life_months", 0, _MAX_MONTHS)
    effect = form.text("effect", _EFFECTS)
    repair, rule = form.text("repair"), form.text("rule")
    form.done()
    if minimum > maximum:
        raise form.wrong("min_months", minimum, f"over max_months ({maximum})")
    if half_life and not maximum:
        raise form.wrong("half_life_months", half_life, "needs a max_months: decay without an end never ends")
    if effect in _NEGATIVE_ONLY and milli > 0:
        raise form.wrong("effect", effect, "on a type with positive points")
    if effect == "while valid" and milli <= 0:
        raise form.wrong("effect", effect, "on a type without positive points")
    return TypeRule(number, code, milli, minimum, maximum, half_life, effect, repair, rule)


def _canonical(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
