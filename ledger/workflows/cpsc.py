"""Recalls of the US Consumer Product Safety Commission, as foreign notices about firms located in China.

One row is one recall. Each firm located in China that it names, in whatever role, gives one record: type
FR01, by `US-CPSC`, about `name:CN:<firm>`, decided on the recall's date (as printed; a civil date). Hong Kong
and Macao count as located in China, Taiwan and every other place do not (see `firm_text`). A firm named twice
in one recall is one record with both roles; a recall naming no firm in China gives none.

The reference is `<recall number>/<firm>`, the firm in its comparison form: `24-258/JIUJIANGPUFEIECOMMERCECO`.
It depends on nothing else in the recall: another order, or a firm added later, changes no reference, so the
same notice is recorded once however often it comes.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Final, NamedTuple

from ledger.domain.parties import named_party
from ledger.domain.submissions import MAX_REFERENCE, FieldError
from ledger.errors import BadValue
from ledger.workflows.firm_text import Firm, firms_in_china, mentions_china, tidy
from ledger.workflows.rows import RejectedRow, Row, shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

AUTHORITY: Final = "US-CPSC"
EVENT: Final = "FR01"
COLUMNS: Final = (
    "Recall Number",
    "Date",
    "Recall Heading",
    "Name of product",
    "Hazard Description",
    "Importers",
    "Manufacturers",
    "Distributors",
    "Manufactured In",
    "Custom Label",
    "Custom Field",
)
_SOURCE: Final = "US Consumer Product Safety Commission, recall notice"
_ROLES: Final = {"Importers": "importer", "Manufacturers": "manufacturer", "Distributors": "distributor"}
#: What `Custom Label` may say for `Custom Field` to name firms; under any other label it is a message.
_CUSTOM_ROLES: Final = frozenset(
    {"retailer", "seller", "recalling firm", "distributor", "importer", "manufacturer"}
)
_NUMBER: Final = re.compile(r"[0-9A-Za-z][0-9A-Za-z.-]{0,19}")
_DATE: Final = re.compile(r"([A-Za-z]{3,9})\.? ([0-9]{1,2}), ([0-9]{4})")
_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH_NAMES: Final = re.compile(
    "jan(uary)?|feb(ruary)?|mar(ch)?|apr(il)?|may|june?|july?|aug(ust)?|sept?(ember)?|oct(ober)?|nov(ember)?|dec(ember)?"
)
#: Characters of a field that names firms. The longest seen has 1,323; beyond this it is some other text.
_FIELD_LIMIT: Final = 16_384


class Notice(NamedTuple):
    """One record to be: the fields of a row of the records file."""

    number: int
    fields: Mapping[str, object]


class Skipped(NamedTuple):
    """A recall that names no firm located in China."""

    number: int


@dataclass
class _Named:
    """A firm as one recall names it, all its mentions together."""

    party: str
    first: Firm
    roles: list[str]
    printed: list[str]
    trade_names: list[str]
    former_names: list[str]
    brands: list[str]


def notices(row: Row) -> Iterator[Notice | Skipped | RejectedRow]:
    """Turn one recall into the records it gives, or say that it gives none, or what is wrong with it."""
    text = {name: value if isinstance(value := row.fields.get(name), str) else "" for name in COLUMNS}
    errors = [*_check_number(text["Recall Number"].strip()), *_check_date(tidy(text["Date"]))]
    firms = _firms(text, errors)
    if errors:
        yield RejectedRow(row.number, row.fields, "", tuple(errors))
    elif not firms:
        yield Skipped(row.number)
    for firm in firms if not errors else ():
        yield Notice(row.number, _fields(text, firm))


def _fields(text: Mapping[str, str], firm: _Named) -> dict[str, object]:
    recall = text["Recall Number"].strip()
    decided_on = _date(tidy(text["Date"]))
    document = {
        "source": _SOURCE,
        "recall_number": recall,
        "recall_date": decided_on,
        "heading": tidy(text["Recall Heading"]),
        "product": tidy(text["Name of product"]),
        "hazard": tidy(text["Hazard Description"]),
        "manufactured_in": tidy(text["Manufactured In"]),
        "firm": {
            "name": firm.first.name,
            "located_in": firm.first.place,
            "roles": firm.roles,
            "as_printed": firm.printed,
            "trade_names": firm.trade_names,
            "former_names": firm.former_names,
            "brands": firm.brands,
        },
    }
    return {
        "party": f"name:CN:{firm.first.name}",
        "type": EVENT,
        "decided_on": decided_on,
        "conduct_on": "",
        "reference": _reference(recall, firm.party),
        "refers_to": "",
        "document": json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":")),
    }


def _reference(recall: str, party: str) -> str:
    """Return `<recall>/<firm's comparison form>`; one too long is cut and ends in its hash."""
    reference = f"{recall}/{party.split(':', 2)[2]}"
    if len(reference) <= MAX_REFERENCE:
        return reference
    digest = hashlib.sha256(reference.encode()).hexdigest()[:12].upper()
    return f"{reference[: MAX_REFERENCE - 13]}-{digest}"


def _firms(text: Mapping[str, str], errors: list[FieldError]) -> list[_Named]:
    """Collect the firms of all fields, each once; report a field that names China but no firm to be read."""
    found: dict[str, _Named] = {}
    for field, role in [*_ROLES.items(), *_custom_role(text["Custom Label"])]:
        value = text[field]
        if len(value) > _FIELD_LIMIT:
            errors.append(
                FieldError(field, shown(value), f"{len(value)} characters, more than {_FIELD_LIMIT}")
            )
            continue
        firms = firms_in_china(value)
        if not firms and mentions_china(value):
            errors.append(FieldError(field, shown(value), "names China, but no firm can be read from it"))
        for firm in firms:
            _add(found, firm, field, role, errors)
    return list(found.values())


def _add(found: dict[str, _Named], firm: Firm, field: str, role: str, errors: list[FieldError]) -> None:
    try:
        party = named_party("CN", firm.name).key
    except BadValue as error:
        errors.append(FieldError(field, shown(firm.name), error.reason))
        return
    named = found.setdefault(party, _Named(party, firm, [], [], [], [], []))
    for into, more in (
        (named.roles, [role]),
        (named.printed, [firm.printed]),
        (named.trade_names, firm.trade_names),
        (named.former_names, firm.former_names),
        (named.brands, firm.brands),
    ):
        into.extend(each for each in more if each not in into)


def _custom_role(label: str) -> list[tuple[str, str]]:
    role = tidy(label).rstrip(": ").lower()
    role = role if role in _CUSTOM_ROLES else role.removesuffix("s")
    return [("Custom Field", role)] if role in _CUSTOM_ROLES else []


def _check_number(number: str) -> list[FieldError]:
    if not number:
        return [FieldError("Recall Number", "", "empty")]
    if not _NUMBER.fullmatch(number):
        return [FieldError("Recall Number", shown(number), "not a recall number such as 25-056")]
    return []


def _check_date(text: str) -> list[FieldError]:
    try:
        _date(text)
    except ValueError:
        reason = "not a date such as May 22, 2025 or 2025-05-22" if text else "empty"
        return [FieldError("Date", shown(text), reason)]
    return []


def _date(text: str) -> str:
    """Read `May 22, 2025` (or ISO 8601) without regard to the machine's language. Raises `ValueError`."""
    found = _DATE.fullmatch(text)
    if not found:
        return date.fromisoformat(text).isoformat()
    month = found[1].lower()
    if not _MONTH_NAMES.fullmatch(month):
        raise ValueError(month)
    return date(int(found[3]), _MONTHS.index(month[:3]) + 1, int(found[2])).isoformat()
