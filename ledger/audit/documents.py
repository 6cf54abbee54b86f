"""Documents kept off chain, against the commitments on chain.

A document must open its record's commitment, and what it says of itself must be what the record says: whose
it is, of which type, of which dates, about which party. Source of its fields: `domain.submissions`. An erased
document proves nothing and contradicts nothing; a missing one is a deviation.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from ledger.audit.deviation import Deviation, show_record
from ledger.crypto.commitments import CommitmentDiffers, verify_commitment
from ledger.domain.calendar import iso
from ledger.domain.records import split_id

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from ledger.domain.catalogue import Catalogue
    from ledger.domain.records import Posted

    IsMac = Callable[[bytes, Mapping[str, object]], bool | None]

#: How a document is held: see `DocumentCheck`.
Held: TypeAlias = Literal["opened", "erased", "not held", "missing", "broken"]


class DocumentCheck(NamedTuple):
    """One record and what the keeper of documents has for it.

    `held` is `opened` (then `salt` and `content` are given), `erased` (its key was destroyed on purpose),
    `not held` (the keeper took its record up from the chain, and says so), `missing`, or `broken` (it is
    there and does not decrypt). `party_key` is the party the record is about, `reference` the record's own
    and `refers_to` that of the record it refers to: each where the keeper knows it, to compare with what the
    content says. `content_mac` is the keyed digest of what was submitted, where one belongs to this document.
    """

    record: Posted
    held: Held
    salt: bytes = b""
    content: bytes = b""
    party_key: str | None = None
    reference: str | None = None
    refers_to: str | None = None
    content_mac: bytes | None = None


def compare_documents(
    checks: Iterable[DocumentCheck],
    codes: Mapping[int, str],
    catalogue: Catalogue,
    is_mac: IsMac = lambda *_: True,
) -> Iterator[Deviation]:
    """Yield every document that is missing, broken, not the one committed to, or at odds with its record.

    `is_mac(digest, what the document says)`: whether that is its digest; None where it cannot be told.
    """
    for check in checks:
        # Places are named for what is wrong only: this runs for every document there is.
        for what, field, expected, found in _faults(check, codes, catalogue, is_mac):
            where = f"document of record {show_record(check.record.id, codes)}"
            yield Deviation(what, f"{where}, {field}" if field else where, expected, found)


class _Fault(NamedTuple):
    """What is wrong with a document, and in which of its fields if it is a field."""

    what: str
    field: str
    expected: str
    found: str


def _faults(
    check: DocumentCheck, codes: Mapping[int, str], catalogue: Catalogue, is_mac: IsMac
) -> Iterator[_Fault]:
    record = check.record
    if check.held == "missing":
        yield _Fault("document missing", "", record.commitment.hex(), "no document")
    elif check.held == "broken":
        yield _Fault("document does not open", "", "sealed bytes that decrypt", "damaged, or another key")
    if check.held != "opened":
        return
    try:
        verify_commitment(record.commitment, check.salt, check.content)
    except CommitmentDiffers as differs:
        yield _Fault("document differs from its commitment", "", record.commitment.hex(), str(differs))
        return
    claims = _claims(check.content)
    if claims is None:
        yield _Fault("document not readable", "", "a JSON object", f"{len(check.content)} other bytes")
        return
    for name, value in _expected(check, claims, codes, catalogue):
        if value is not None and claims.get(name) != value:
            yield _Fault("document contradicts its record", name, value, str(claims.get(name)))
    if check.content_mac is not None and is_mac(check.content_mac, claims) is False:
        yield _Fault("document contradicts its record", "content_mac", "its digest", check.content_mac.hex())


def _expected(
    check: DocumentCheck, claims: Mapping[str, object], codes: Mapping[int, str], catalogue: Catalogue
) -> list[tuple[str, str | None]]:
    """What the fields must say; None where nothing is known. What is known elsewhere need not be repeated."""
    record = check.record
    known = catalogue.by_number.get(record.type)
    authority = split_id(record.id)[0]
    own: list[tuple[str, str | None]] = [
        ("authority", codes.get(authority, f"authority {authority}")),
        ("type", known.code if known else str(record.type)),
        ("conduct_on", iso(record.conduct_on)),
        ("decided_on", iso(record.decided_on)),
    ]
    if known is not None and known.kind == "link":
        # A link's content is the linking officer's, not a row's: only what it says is compared.
        own = [each for each in own if each[0] in claims]
    others = ("party", check.party_key), ("reference", check.reference), ("refers_to", check.refers_to)
    return own + [each for each in others if each[0] in claims]


def _claims(content: bytes) -> dict[str, object] | None:
    try:
        claims = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return claims if isinstance(claims, dict) else None
