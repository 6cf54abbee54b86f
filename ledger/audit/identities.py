"""Identities kept off chain, against the commitments on chain and against themselves.

Salt and key must open the registered commitment. What else is kept beside them is shown to people or compared
by a verb, so it must say the same: the party's kind, the text it first came with, the commitment itself.
Those that the chain does not have yet wait for the numbers that follow, in order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ledger.audit.deviation import Deviation
from ledger.crypto.commitments import CommitmentDiffers, verify_identity
from ledger.domain.parties import named_party, parse_party
from ledger.errors import BadValue

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping


class IdentityCheck(NamedTuple):
    """An enterprise's identity as its keeper holds it."""

    enterprise: int
    party_key: str
    kind: str
    text: str
    salt: bytes
    commitment: bytes


class _Fault(NamedTuple):
    """What is wrong with an identity, and in which of its fields if it is a field."""

    what: str
    field: str
    expected: str
    found: str


def compare_identities(
    identities: Iterable[IdentityCheck],
    commitments: Mapping[int, bytes],
    taken_up: Callable[[int], bool] = lambda _: False,
) -> Iterator[Deviation]:
    """Yield every identity that is not the one registered, and every registered enterprise without one.

    `identities` ascend. `taken_up(number)` says whether the keeper took an enterprise up from the chain
    without its identity.
    """
    missing, following = set(commitments), max(commitments, default=0) + 1
    for each in identities:
        missing.discard(each.enterprise)
        where = f"identity of enterprise {each.enterprise}"
        committed = commitments.get(each.enterprise)
        if committed is None:
            if each.enterprise != following:
                expected = f"a registered enterprise, or the next, {following}"
                yield Deviation("identity not registered", where, expected, each.party_key)
            committed, following = each.commitment, max(following, each.enterprise) + 1
        for what, field, expected, found in _faults(each, committed):
            yield Deviation(what, f"{where}, {field}" if field else where, expected, found)
    for enterprise in sorted(missing):
        if not taken_up(enterprise):
            where = f"identity of enterprise {enterprise}"
            yield Deviation("identity missing", where, commitments[enterprise].hex(), "no identity")


def _faults(held: IdentityCheck, committed: bytes) -> Iterator[_Fault]:
    _, party_key, kind, text, salt, commitment = held
    try:
        verify_identity(committed, salt, party_key)
    except CommitmentDiffers:
        yield _Fault("identity differs from its commitment", "", committed.hex(), party_key)
        return
    if commitment != committed:
        yield _Fault("identity contradicts its commitment", "commitment", committed.hex(), commitment.hex())
    scheme = party_key.partition(":")[0]
    if kind != scheme:
        yield _Fault("identity contradicts its commitment", "kind", scheme, kind)
    shown = _key_of(scheme, party_key, text)
    if shown != party_key:
        yield _Fault("identity contradicts its commitment", "text", party_key, shown)


def _key_of(scheme: str, party_key: str, text: str) -> str:
    """Whom a text names, by the rules it was first read by; what it says if it names nobody."""
    try:
        if scheme == "name":
            return named_party(party_key.split(":", 2)[1], text).key
        return parse_party(text).key
    except BadValue:
        return f"{text!r}, which names no party"
