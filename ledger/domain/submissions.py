"""One row of what an authority submits, checked: everything that can be judged from the row itself.

A row has the fields `party, type, decided_on, conduct_on, reference, refers_to, document`. What needs the
ledger (whether `refers_to` exists and is the same authority's, whether the reference was used before) is
checked where the row is accepted. All errors of a row are reported, not the first alone.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final, NamedTuple

from ledger.domain.calendar import iso, to_day
from ledger.domain.parties import Party, parse_party
from ledger.errors import BadValue

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ledger.domain.catalogue import Authority, Catalogue, EventType

#: Fields of a row, in the order of the records file's columns.
FIELDS: Final = ("party", "type", "decided_on", "conduct_on", "reference", "refers_to", "document")
#: Fields a row may leave empty or out.
OPTIONAL: Final = frozenset({"conduct_on", "refers_to", "document"})
MAX_PARTY: Final = 600
MAX_REFERENCE: Final = 128
#: Bytes of UTF-8.
MAX_DOCUMENT: Final = 1024 * 1024

_KNOWN: Final = frozenset(FIELDS)
_SHOWN: Final = 80
# Tab and line ends belong in a document; the other controls and half surrogates cannot be kept or shown.
_UNFIT: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_encode: Final = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode
_encode_sorted: Final = json.JSONEncoder(
    ensure_ascii=False, allow_nan=False, separators=(",", ":"), sort_keys=True
).encode


class FieldError(NamedTuple):
    """What is wrong with one field: its name, its value (at most 80 characters of it) and the reason."""

    field: str
    value: str
    reason: str


class Submission(NamedTuple):
    """A row that passed. Days are day numbers; `refers_to` is the reference of an earlier record."""

    party: Party
    type: EventType
    decided_on: int
    conduct_on: int
    reference: str
    refers_to: str | None
    document: str


#: Unknown fields of one row that are named each.
_SURPLUS: Final = 5


class _Errors(list[FieldError]):
    def add(self, field: str, value: object, reason: str) -> None:
        shown = "" if value is None else str(value)
        self.append(FieldError(field, shown if len(shown) <= _SHOWN else shown[: _SHOWN - 3] + "...", reason))


def check_row(
    fields: Mapping[str, object], catalogue: Catalogue, authority: Authority, today: int
) -> Submission | list[FieldError]:
    """Check one row for an authority on a day (Asia/Shanghai); return the submission or every error found.

    Values are text; `document` may also be any JSON value, kept as canonical JSON. An empty `conduct_on`
    means the day of the decision. A field with another name is an error, so that a misspelt one is not lost.
    """
    errors = _Errors()
    get = fields.get
    party = _party(get("party"), errors)
    event_type = _type(get("type"), catalogue, authority, errors)
    decided_on = _decided_on(get("decided_on"), today, errors)
    conduct_on = _conduct_on(get("conduct_on"), decided_on, errors)
    reference = _reference(get("reference"), errors)
    refers_to = _refers_to(get("refers_to"), event_type, reference, errors)
    document = _document(get("document"), errors)
    if not fields.keys() <= _KNOWN:
        _refuse_unknown(fields, errors)
    if errors or party is None or event_type is None or decided_on is None or conduct_on is None:
        return errors
    return Submission(party, event_type, decided_on, conduct_on, reference, refers_to, document)


def canonical_document(authority_code: str, submission: Submission) -> bytes:
    """Return the bytes the record's commitment covers: canonical JSON (UTF-8, sorted keys) of all submitted.

    `party` is the key, `party_text` what was written; dates are `YYYY-MM-DD`; `document` is a string, also if
    it holds JSON. Equal submissions give equal bytes.
    """
    party, event_type, decided_on, conduct_on, reference, refers_to, document = submission
    # The keys are written in their sorted order; sorting them once more would cost half the time.
    return _encode(
        {
            "authority": authority_code,
            "conduct_on": iso(conduct_on),
            "decided_on": iso(decided_on),
            "document": document,
            "party": party.key,
            "party_text": party.text,
            "reference": reference,
            "refers_to": refers_to,
            "type": event_type.code,
        }
    ).encode()


def _party(value: object, errors: _Errors) -> Party | None:
    text = _text("party", value, errors)
    if not text:
        return None
    if len(text) > MAX_PARTY:
        errors.add("party", text, f"{len(text)} characters, more than {MAX_PARTY}")
        return None
    try:
        return parse_party(text)
    except BadValue as error:
        errors.add("party", text, error.reason)
        return None


def _type(value: object, catalogue: Catalogue, authority: Authority, errors: _Errors) -> EventType | None:
    text = _text("type", value, errors)
    if not text:
        return None
    found = catalogue.by_code.get(text) or catalogue.by_code.get(text.upper())
    if found is None:
        errors.add("type", text, "no such type in the catalogue")
    elif found.kind == "link":
        errors.add("type", text, "links are written by `enterprise link`, not by a row")
        found = None
    elif not authority.may_write(found.number):
        errors.add("type", text, f"outside the mandate of {authority.code}")
    return found


def _decided_on(value: object, today: int, errors: _Errors) -> int | None:
    text = _text("decided_on", value, errors)
    day = _day("decided_on", text, errors) if text else None
    if day is not None and day > today:
        errors.add("decided_on", text, f"in the future: today is {iso(today)} in Asia/Shanghai")
    return day


def _conduct_on(value: object, decided_on: int | None, errors: _Errors) -> int | None:
    text = _text("conduct_on", value, errors)
    if not text:
        return decided_on
    day = _day("conduct_on", text, errors)
    if day is not None and decided_on is not None and day > decided_on:
        errors.add("conduct_on", text, f"after the decision on {iso(decided_on)}")
    return day


def _reference(value: object, errors: _Errors) -> str:
    text = _text("reference", value, errors)
    _check_reference("reference", text, errors)
    return text


def _refers_to(value: object, event_type: EventType | None, own: str, errors: _Errors) -> str | None:
    text = _text("refers_to", value, errors)
    if event_type is not None and event_type.kind == "lifecycle":
        if not text:
            errors.add("refers_to", value, f"empty: {event_type.code} must refer to an earlier record")
        elif text == own:
            errors.add("refers_to", text, "refers to itself")
    elif text and event_type is not None:
        errors.add("refers_to", text, f"must be empty: {event_type.code} is an event and refers to no record")
    _check_reference("refers_to", text, errors)
    return text or None


def _document(value: object, errors: _Errors) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        try:
            value = _encode_sorted(value)
        except (TypeError, ValueError, RecursionError):
            errors.add("document", value, "neither text nor JSON")
            return ""
    unfit = None if len(value) > MAX_DOCUMENT else _UNFIT.search(value)
    if unfit:
        errors.add("document", value, f"contains U+{ord(unfit.group()):04X}, which text may not")
        return ""
    # One character takes at most four bytes; only a long text needs counting.
    size = len(value) if len(value) > MAX_DOCUMENT or len(value) * 4 <= MAX_DOCUMENT else len(value.encode())
    if size > MAX_DOCUMENT:
        errors.add("document", value, f"over {MAX_DOCUMENT} bytes (1 MiB)")
    return value


def _text(field: str, value: object, errors: _Errors) -> str:
    """Return the trimmed text of a field; report one that is no text, or empty though it must not be."""
    if isinstance(value, str):
        text = value.strip()
        if text or field in OPTIONAL:
            return text
    elif value is not None:
        errors.add(field, value, "must be text")
        return ""
    elif field in OPTIONAL:
        return ""
    errors.add(field, value, "empty")
    return ""


def _day(field: str, text: str, errors: _Errors) -> int | None:
    try:
        return to_day(text)
    except BadValue as error:
        errors.add(field, text, error.reason)
        return None


def _check_reference(field: str, text: str, errors: _Errors) -> None:
    if len(text) > MAX_REFERENCE:
        errors.add(field, text, f"{len(text)} characters, more than {MAX_REFERENCE}")
    elif not text.isprintable():
        odd = next(char for char in text if not char.isprintable())
        errors.add(field, text, f"contains U+{ord(odd):04X}, which does not print")


def _refuse_unknown(fields: Mapping[str, object], errors: _Errors) -> None:
    surplus = fields.keys() - _KNOWN
    if len(surplus) > _SURPLUS:
        errors.add("(record)", f"{len(surplus)} fields", "so many have names that are no field's")
        return
    for name in fields:
        if name in surplus:
            # csv.DictReader files the surplus values of a long row under None.
            known = name is not None
            reason = "no such field" if known else "more values than columns"
            errors.add(str(name) if known else "row", fields[name], reason)
