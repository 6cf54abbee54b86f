"""Documents and identities kept off chain, against the commitments on chain.

A document must open its record's commitment, and what it says of itself must be what the record says: whose
it is, of which type, of which dates, about which party. Source of its fields: `domain.submissions`. An erased
document proves nothing and contradicts nothing; a missing one is a deviation.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Literal, NamedTuple

from ledger.audit.deviation import Deviation
from ledger.crypto.commitments import CommitmentDiffers, verify_commitment, verify_identity
from ledger.domain.calendar import iso
from ledger.domain.records import split_id

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from ledger.domain.catalogue import Catalogue
    from ledger.domain.records import Posted


class DocumentCheck(NamedTuple):
    """One record and what the keeper of documents has for it.

    `held` is `opened` (then `salt` and `content` are given), `erased` (its key was destroyed on purpose),
    `missing`, or `broken` (it is there and does not decrypt). `party_key` is the party the record is about,
    `reference` the record's own and `refers_to` that of the record it refers to: each where the keeper knows
    it, to compare with what the content says.
    """

    record: Posted
    held: Literal["opened", "erased", "missing", "broken"]
    salt: bytes = b""
    content: bytes = b""
    party_key: str | None = None
    reference: str | None = None
    refers_to: str | None = None


class IdentityCheck(NamedTuple):
    """An enterprise's identity as its keeper holds it."""

    enterprise: int
    salt: bytes
    party_key: str


def compare_documents(
    checks: Iterable[DocumentCheck], codes: Mapping[int, str], catalogue: Catalogue
) -> Iterator[Deviation]:
    """Yield every document that is missing, broken, not the one committed to, or at odds with its record."""
    for check in checks:
        authority, number = split_id(check.record.id)
        code = codes.get(authority, f"authority {authority}")
        where = f"document of record {code}-{number}"
        if check.held == "missing":
            yield Deviation("document missing", where, check.record.commitment.hex(), "no document")
        elif check.held == "broken":
            yield Deviation(
                "document does not open", where, "sealed bytes that decrypt", "damaged, or another key"
            )
        elif check.held == "opened":
            yield from _opened(check, where, code, catalogue)


def compare_identities(
    identities: Iterable[IdentityCheck], commitments: Mapping[int, bytes]
) -> Iterator[Deviation]:
    """Yield every identity that is not the one registered, and every registered enterprise without one."""
    missing = set(commitments)
    for enterprise, salt, party_key in identities:
        missing.discard(enterprise)
        where = f"identity of enterprise {enterprise}"
        committed = commitments.get(enterprise)
        if committed is None:
            yield Deviation("identity not registered", where, "a registered enterprise", party_key)
            continue
        try:
            verify_identity(committed, salt, party_key)
        except CommitmentDiffers:
            yield Deviation("identity differs from its commitment", where, committed.hex(), party_key)
    for enterprise in sorted(missing):
        where = f"identity of enterprise {enterprise}"
        yield Deviation("identity missing", where, commitments[enterprise].hex(), "no identity")


def _opened(check: DocumentCheck, where: str, code: str, catalogue: Catalogue) -> Iterator[Deviation]:
    try:
        verify_commitment(check.record.commitment, check.salt, check.content)
    except CommitmentDiffers as differs:
        yield Deviation(
            "document differs from its commitment", where, check.record.commitment.hex(), str(differs)
        )
        return
    claims = _claims(check.content)
    if claims is None:
        yield Deviation("document not readable", where, "a JSON object", f"{len(check.content)} other bytes")
        return
    known = catalogue.by_number.get(check.record.type)
    # A link's content is the linking officer's, not a row's: only what it says is compared.
    strict = known is None or known.kind != "link"
    expected = {
        "authority": code,
        "type": known.code if known else str(check.record.type),
        "conduct_on": iso(check.record.conduct_on),
        "decided_on": iso(check.record.decided_on),
    }
    for name, value in expected.items():
        if (strict or name in claims) and claims.get(name) != value:
            yield Deviation(
                "document contradicts its record", f"{where}, {name}", value, str(claims.get(name))
            )
    for name, value in _known_elsewhere(check):
        if name in claims and claims[name] != value:
            yield Deviation("document contradicts its record", f"{where}, {name}", value, str(claims[name]))


def _known_elsewhere(check: DocumentCheck) -> Iterator[tuple[str, str]]:
    if check.party_key is not None:
        yield "party", check.party_key
    if check.reference is not None:
        yield "reference", check.reference
    if check.refers_to is not None:
        yield "refers_to", check.refers_to


def _claims(content: bytes) -> dict[str, object] | None:
    try:
        claims = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return claims if isinstance(claims, dict) else None
